"""A cube of made-up measurements whose true burden and yearly rates are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bactools.conventions import INTENSITIES, PROBABILITY_BINS, VIEWS
from bactools.cube import assemble
from bactools.cube.layout import lay_out

FloatArray = NDArray[np.float64]

_AREA_PX = 2_000_000.0
_SPACING_MM = 0.07
_CALLED_BINS = (60, 90)
_SHARE_OF_BIN_90 = 0.7
_BRIGHT = np.arange(101, 201)
_DIM = np.arange(41, 101)
_BRIGHT_SHARE = 0.7


@dataclass(frozen=True, eq=False)
class _Women:
    """What is true of every woman, shape (subject,); burden is normalised and summed over four views."""

    name: NDArray[np.object_]
    age: FloatArray
    ckd: NDArray[np.bool_]
    start: FloatArray
    rate: FloatArray
    shares: FloatArray
    """Of the four views, shape (subject, view)."""


def simulate_cube(
    n_subject: int = 20,
    *,
    n_exam: int = 6,
    rate: float = 4e-4,
    error: float = 3e-4,
    without_bac: float = 0.2,
    missing_views: float = 0.0,
    one_exam: float = 0.0,
    histograms: bool = False,
    seed: int = 0,
) -> xr.Dataset:
    """Make a cube of women whose burden grows linearly, measured with error.

    Parameters
    ----------
    n_subject, n_exam : int
        Women, and yearly exams of each; dates vary by weeks.
    rate : float
        Mean true growth of TAM_100 / breast area, summed over four views [1/year], of women with
        calcification and without kidney disease; those with it grow 1.5 times as fast. Rates differ
        between women with a coefficient of variation of 0.6.
    error : float
        Standard deviation of the measurement error of that sum [1]; independent between views.
    without_bac : float
        Share of women who have none and never will: exactly 0 in every image.
    missing_views : float
        Share of images that do not exist.
    one_exam : float
        Share of women with a single exam.
    histograms : bool
        Whether to add ``joint_histogram``, consistent with the metrics.
    seed : int
        The same seed gives the same cube.

    Returns
    -------
    Dataset
        In the stored form on (subject, view, exam) with the paper's five metrics, ``am_mm2``,
        ``tam_100_norm``, ``tam_100_mm2`` and ``breast_area``; covariates ``age`` (at each exam), ``ckd`` and
        ``race``; and the truth: ``true_rate`` and ``true_start`` (subject) of the normalised sum,
        ``true_tam_100`` per image [1]. It says of itself that its numbers are simulated.
    """
    random = np.random.default_rng(seed)
    women = _draw(n_subject, rate=rate, without_bac=without_bac, random=random)
    rows = _schedule(women, n_exam, missing_views=missing_views, one_exam=one_exam, random=random)
    counts = _measure(rows, women, error=error, random=random)
    stored = (
        dict(zip(rows["image_id"], map(_histogram, rows["breast_area"], *counts), strict=True))
        if histograms
        else None
    )
    cube, _ = assemble(
        rows.drop(columns=["at", "years"]),
        stored,
        attrs={"weights_note": "simulated numbers, for tests and documentation"},
    )
    return _with_truth(cube, rows, women)


def _draw(n: int, *, rate: float, without_bac: float, random: np.random.Generator) -> _Women:
    calcified = random.random(n) >= without_bac
    ckd = random.random(n) < 0.35
    spread = random.gamma(1 / 0.36, 0.36, n)
    return _Women(
        name=np.array([f"S{number:05d}" for number in range(n)], dtype=object),
        age=np.clip(random.normal(65, 11, n), 40, 90),
        ckd=ckd,
        start=calcified * random.lognormal(np.log(4e-3), 0.8, n),
        rate=calcified * rate * np.where(ckd, 1.5, 1.0) * spread,
        shares=random.dirichlet(np.full(len(VIEWS), 20.0), n),
    )


def _schedule(
    women: _Women, n_exam: int, *, missing_views: float, one_exam: float, random: np.random.Generator
) -> pd.DataFrame:
    """Return one row per image: who, when, how large the breast."""
    n = len(women.name)
    first = pd.Timestamp("2008-01-01") + pd.to_timedelta(random.integers(0, 2000, n), unit="D")
    weeks = np.round(random.normal(0, 20, (n, n_exam)))
    days = np.cumsum(np.full((n, n_exam), 365.25) + weeks, axis=1)
    days = np.round(days - days[:, :1])
    area = _AREA_PX * random.lognormal(0, 0.3, (n, 1, 1)) * random.lognormal(0, 0.06, (n, n_exam, len(VIEWS)))
    exams = np.where(random.random(n) < one_exam, 1, n_exam)
    held = (np.arange(n_exam) < exams[:, None])[:, :, None] & (random.random(area.shape) >= missing_views)
    who, exam, view = np.nonzero(held)
    return pd.DataFrame(
        {
            "image_id": [f"i{number:07d}" for number in range(len(who))],
            "subject": women.name[who],
            "view": np.array(VIEWS, dtype=object)[view],
            "date": first.to_numpy()[who] + days[who, exam].astype("timedelta64[D]"),
            "status": "done",
            "vendor": np.where(who % 3 == 0, "GE", "HOLOGIC").astype(object),
            "spacing_detector_mm": _SPACING_MM,
            "breast_area": np.round(area[who, exam, view]),
            "years": days[who, exam] / 365.25,
            "at": who * len(VIEWS) + view,
        }
    )


def _measure(
    rows: pd.DataFrame, women: _Women, *, error: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add the metrics to the rows; return the counts of pixels called, bright and dim, by grey level."""
    who, view = np.divmod(rows["at"].to_numpy(), len(VIEWS))
    years, area = rows["years"].to_numpy(), rows["breast_area"].to_numpy()
    true = (women.start[who] + women.rate[who] * years) * women.shares[who, view]
    noise = random.normal(0, error / np.sqrt(len(VIEWS)), len(rows)) * (true > 0)
    n_bright = np.round(np.clip(true + noise, 0, None) * area).astype(np.int64)
    bright = _spread(n_bright, len(_BRIGHT))
    dim = _spread(np.round(n_bright * (1 / _BRIGHT_SHARE - 1)).astype(np.int64), len(_DIM))
    am = n_bright + dim.sum(axis=1)
    rows["tam_100"], rows["tsim_100"] = n_bright.astype(float), (bright @ _BRIGHT).astype(float)
    rows["am"], rows["sim"] = am.astype(float), rows["tsim_100"] + dim @ _DIM
    middle = (np.array(_CALLED_BINS) + 0.5) / PROBABILITY_BINS
    in_90 = np.round(am * _SHARE_OF_BIN_90)
    rows["pm"] = in_90 * middle[1] + (am - in_90) * middle[0]
    rows["tam_100_norm"] = rows["tam_100"] / area
    for name in ("am", "tam_100"):
        rows[f"{name}_mm2"] = rows[name] * _SPACING_MM**2
    rows["true_tam_100"] = true * area
    return bright, dim


def _spread(totals: NDArray[np.int64], levels: int) -> NDArray[np.int64]:
    """Spread counts over grey levels, more in the middle, so that each row adds up, shape (row, level)."""
    weights = np.bartlett(levels + 2)[1:-1]
    edges = np.round(totals[:, None] * np.cumsum(weights / weights.sum())).astype(np.int64)
    spread: NDArray[np.int64] = np.diff(edges, axis=1, prepend=0)
    return spread


def _histogram(area: float, bright: NDArray[np.int64], dim: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the joint histogram of one image; what is not called lies in bin 0 at level 70."""
    counts = np.zeros((PROBABILITY_BINS, INTENSITIES), dtype=np.int64)
    called = np.zeros(INTENSITIES, dtype=np.int64)
    called[_BRIGHT], called[_DIM] = bright, dim
    remaining = round(called.sum() * _SHARE_OF_BIN_90)
    cumulative = np.round(np.cumsum(called) * (remaining / max(1, called.sum()))).astype(np.int64)
    counts[_CALLED_BINS[1]] = np.diff(cumulative, prepend=0)
    counts[_CALLED_BINS[0]] = called - counts[_CALLED_BINS[1]]
    counts[0, 70] = max(0, int(area) - int(called.sum()))
    return counts.astype(np.uint32)


def _with_truth(cube: xr.Dataset, rows: pd.DataFrame, women: _Women) -> xr.Dataset:
    """Add what is true of the women, and their covariates."""
    at = pd.Index(women.name).get_indexer(cube["subject"].to_index())
    days = (cube["date"] - cube["date"].isel(exam=0)) / np.timedelta64(1, "D")
    race = np.where(at % 2 == 0, "African-American", "Caucasian").astype(object)
    per_woman = {"true_rate": women.rate, "true_start": women.start, "ckd": women.ckd}
    added = {name: ("subject", values[at]) for name, values in per_woman.items()}
    true = lay_out(rows["subject"], rows["view"], rows["date"]).place(rows["true_tam_100"].to_numpy())
    cube["true_tam_100"] = (("subject", "view", "exam"), true, {"units": "1"})
    age = (days / 365.25 + xr.DataArray(women.age[at], dims="subject")).transpose("subject", "exam")
    return cube.assign(added).assign(race=("subject", race), age=age.assign_attrs(units="year").variable)
