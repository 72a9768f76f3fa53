"""Result rows with real metrics and histograms, made from small random images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bactools import metrics
from bactools.conventions import VIEWS

CUT = 0.5


def measured(seed: int) -> tuple[dict[str, float], np.ndarray]:
    """Return the metrics and the joint histogram of one random image."""
    rng = np.random.default_rng(seed)
    evidence = metrics.evidence(
        rng.random((12, 10), dtype=np.float32),
        rng.integers(0, 256, (12, 10), dtype=np.uint8),
        breast=None,
        region="image",
        cut=CUT,
        comparison=">",
        spacing_detector_mm=0.07,
    )
    return metrics.compute(evidence), evidence.histogram


def row(number: int, subject: str, view: str, date: str, **more) -> dict:
    fields = {
        "image_id": f"i{number:04d}",
        "subject": subject,
        "view": view,
        "date": pd.Timestamp(date),
        "status": "done",
        "vendor": "ACME",
        "spacing_detector_mm": 0.07,
        "spacing_corrected_mm": np.nan,
        "acquisition_time": "120000",
        "implant_displaced": False,
        "synthesized": False,
        "for_processing": False,
        "flags": "",
    }
    return fields | more


def study(
    n_subject: int = 4, seed: int = 0, *, names: tuple[str, ...] | None = None
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return rows and histograms of women with one to four exams, some views missing, some failed."""
    rng = np.random.default_rng(seed)
    rows, histograms = [], {}
    for subject in range(n_subject):
        days = rng.choice(3000, size=1 + subject % 4, replace=False)
        for day in days:
            for view in VIEWS:
                if rng.random() < 0.2:
                    continue
                number = len(rows)
                date = pd.Timestamp("2010-01-01") + pd.Timedelta(days=int(day))
                fields = row(number, f"S{subject:03d}", view, date)
                if rng.random() < 0.15:
                    rows.append(fields | {"status": "failed"})
                    continue
                values, histogram = measured(number)
                histograms[fields["image_id"]] = histogram
                rows.append(fields | {name: values[name] for name in names or values})
    return pd.DataFrame(rows), histograms
