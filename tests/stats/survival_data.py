"""Made-up women with known hazards, and six rows small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LABELS = ["none", "mild", "moderate", "severe"]


def women(n: int = 600, *, seed: int = 0, whole: bool = False, competing: bool = False) -> pd.DataFrame:
    """Hazard exp(0.5 z + 0.4 ckd); whole years make ties."""
    random = np.random.default_rng(seed)
    z, ckd = random.normal(size=n), random.random(n) < 0.3
    time = random.exponential(1 / (0.1 * np.exp(0.5 * z + 0.4 * ckd)))
    end = random.uniform(2, 12, n)
    other = random.exponential(1 / (0.06 * np.exp(0.8 * z))) if competing else np.full(n, np.inf)
    seen = np.minimum(np.minimum(time, other), end)
    code = np.where(seen == time, 1, np.where(seen == other, 2, 0))
    grade = pd.cut(z, [-np.inf, -1, 0, 1, np.inf], labels=LABELS)
    return pd.DataFrame(
        {
            "time": np.ceil(seen) if whole else seen, "event": code == 1, "code": code, "z": z, "ckd": ckd,
            "grade": grade, "race": random.choice(["AA", "C"], n),
        }
    )  # fmt: skip
