"""Many images summed up: scores, regressions, an interval by woman, false areas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import linregress

from bactools.evaluation.score import COUNTS, SCORES, by_name
from bactools.metrics import Scores

METRICS = ("pm", "am", "sim", "tam_100", "tsim_100")
"""The paper's metrics, each compared with its own value on the drawn mask."""

MASS = "truth_calcium_mass_mg"
_RESAMPLES = 2000


def summarise(images: pd.DataFrame, *, min_area_mm2: float) -> dict[str, Any]:
    """Sum up compared images.

    Parameters
    ----------
    images : DataFrame
        `Evaluation.images`; rows that are not ``done`` are left out.
    min_area_mm2 : float
        Smallest drawn area of a large calcification [mm²], in the detector plane.

    Returns
    -------
    dict
        ``per_image`` and ``per_image_large`` (n, mean and SD of each score over images with calcium),
        ``dice_interval``, ``pooled``, ``against_drawn``, ``against_calcium_mass``, ``false_area``. What
        is not defined is NaN.
    """
    done = images[images["status"] == "done"]
    calcium = done["calcium"].fillna(False).astype(bool)
    positive, negative = done[calcium], done[~calcium]
    large = positive[positive["am_mm2_truth"] >= min_area_mm2]
    drawn = {name: regression(done[f"{name}_truth"], done[name]) for name in METRICS}
    mass = {name: regression(done[MASS], done[name]) for name in METRICS} if MASS in done else {}
    return {
        "per_image": {name: spread(positive[name]) for name in SCORES},
        "per_image_large": {name: spread(large[name]) for name in SCORES},
        "dice_interval": interval_by_woman(positive["dice"], positive["subject"]),
        "pooled": _pooled(done),
        "against_drawn": drawn,
        "against_calcium_mass": mass,
        "false_area": _false_area(negative),
    }


def spread(values: ArrayLike) -> dict[str, float]:
    """Return count, mean and SD (over n - 1) of the values that are not NaN."""
    known = _floats(values)
    known = known[np.isfinite(known)]
    return {
        "n": len(known),
        "mean": float(known.mean()) if len(known) else math.nan,
        "sd": float(known.std(ddof=1)) if len(known) > 1 else math.nan,
    }


def regression(truth: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """Regress predicted on true values by ordinary least squares.

    Parameters
    ----------
    truth, predicted : float array, shape (image,)
        Pairs with a NaN are left out.

    Returns
    -------
    dict
        ``n``, ``r2`` (squared Pearson correlation), ``slope`` and ``intercept``; NaN for fewer than 3
        pairs, or when all values of one side are the same.
    """
    x, y = _floats(truth), _floats(predicted)
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return {"n": len(x), "r2": math.nan, "slope": math.nan, "intercept": math.nan}
    line = linregress(x, y)
    return {
        "n": len(x),
        "r2": float(line.rvalue**2),
        "slope": float(line.slope),
        "intercept": float(line.intercept),
    }


def interval_by_woman(values: ArrayLike, subjects: Sequence[str] | pd.Series[str]) -> dict[str, float]:
    """Bootstrap the mean over images, resampling women with all their images.

    Parameters
    ----------
    values : float array, shape (image,)
        NaN is left out.
    subjects : sequence of str
        Whose image each is.

    Returns
    -------
    dict
        ``low`` and ``high`` (2.5th and 97.5th percentile of 2000 resamples, always the same ones),
        ``women``; NaN for fewer than 2 women. Of fewer than about 10 it is too narrow.

    References
    ----------
    Field CA, Welsh AH. Bootstrapping clustered data. J R Stat Soc B 2007;69:369-390.
    """
    known = pd.DataFrame({"value": _floats(values), "subject": list(subjects)}).dropna()
    women = known.groupby("subject")["value"].agg(["sum", "count"])
    if len(women) < 2:
        return {"low": math.nan, "high": math.nan, "women": len(women)}
    random = np.random.default_rng(20211)
    times = random.multinomial(len(women), np.full(len(women), 1 / len(women)), size=_RESAMPLES)
    means = (times @ women["sum"].to_numpy()) / (times @ women["count"].to_numpy())
    low, high = np.percentile(means, [2.5, 97.5])
    return {"low": float(low), "high": float(high), "women": len(women)}


def table_of_cuts(
    cuts: Sequence[float], scores: Sequence[Sequence[Scores]], calcium: Sequence[bool]
) -> pd.DataFrame:
    """Return mean scores and false area at each cut.

    Parameters
    ----------
    cuts : sequence of float
    scores : sequence of sequences of Scores
        Of every image, at each cut.
    calcium : sequence of bool
        Whether anything is drawn on the image.

    Returns
    -------
    DataFrame
        One row per cut: ``cut``, the means of the five scores over images with calcium, and
        ``false_area``, the mean of wrongly called pixels over images without.
    """
    rows = []
    for number, cut in enumerate(cuts):
        here = pd.DataFrame([by_name(image[number]) for image in scores], columns=list(SCORES))
        with_calcium = np.asarray(calcium, dtype=bool)
        false = [image[number].fp for image, known in zip(scores, calcium, strict=True) if not known]
        means = {name: spread(here.loc[with_calcium, name])["mean"] for name in SCORES}
        rows.append({"cut": cut, **means, "false_area": spread(false)["mean"]})
    return pd.DataFrame(rows, columns=["cut", *SCORES, "false_area"])


def _pooled(done: pd.DataFrame) -> dict[str, float]:
    scores = Scores(*(int(done[name].sum()) for name in COUNTS))
    return {**{name: getattr(scores, name) for name in COUNTS}, **by_name(scores)}


def _false_area(negative: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {}
    for unit, column in (("pixels", "fp"), ("mm2", "false_area_mm2")):
        area = _floats(negative[column])
        area = area[np.isfinite(area)]
        found[f"n_{unit}"] = len(area)
        reduced: Mapping[str, Any] = {"mean": np.mean, "median": np.median, "sum": np.sum}
        for name, reduce in reduced.items():
            found[f"{name}_{unit}"] = float(reduce(area)) if len(area) else math.nan
    return found


def _floats(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
