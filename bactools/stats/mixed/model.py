"""Linear mixed models: what is alike within women, and how their lines differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bactools.stats.inputs import FloatArray, Values, between, choice, vector
from bactools.stats.mixed.inference import Inference
from bactools.stats.mixed.likelihood import Profile, Sums, add_up
from bactools.stats.mixed.result import Mixed
from bactools.stats.mixed.search import Engine, search
from bactools.stats.result import StatsError

__all__ = ["Mixed", "mixed"]

Errors = Literal["model", "robust"]
_TINY = 1e-20


def mixed(
    y: Values,
    fixed: Mapping[str, Values] | pd.DataFrame,
    *,
    subject: Sequence[Any] | ArrayLike,
    slope: str | None = None,
    reml: bool = True,
    engine: Engine = "auto",
    errors: Errors = "model",
    cluster: Sequence[Any] | ArrayLike | None = None,
    confidence: float = 0.95,
) -> Mixed:
    """Fit a linear mixed model with a random intercept, or a random intercept and slope, per subject.

    Parameters
    ----------
    y : array, shape (n,)
        Rows with a NaN anywhere are left out and counted.
    fixed : mapping of str to array, or DataFrame
        Fixed effects, each of shape (n,); an intercept is added.
    subject : sequence, shape (n,)
    slope : str, optional
        The fixed effect of which the slope differs between subjects; none by default.
    reml : bool
        Restricted maximum likelihood, or maximum likelihood.
    engine : {"auto", "statsmodels", "exact"}
        Which optimisers; see `bactools.stats.mixed.search.search`. They end at the same maximum.
    errors : {"model", "robust"}
        ``model``: standard errors of the model, t with Satterthwaite's degrees of freedom (expected
        information). ``robust``: jackknife over clusters (CR3), t on how many of them inform the term;
        needs no trust in the model's variances, such as that groups scatter alike.
    cluster : sequence, shape (n,), optional
        With ``robust``, what is independent, if larger than a subject: the woman of a breast.
    confidence : float

    Returns
    -------
    Mixed
        Not estimable if no subject has repeats, if the fixed effects are not separate, or if lines fit
        without any error.

    Raises
    ------
    StatsError
        If an option is unknown, shapes differ, or a subject is missing.

    Notes
    -----
    y, time and fixed effects are standardised inside and turned back exactly, so where time starts does
    not matter. A singular fit (a variance of zero, a correlation of one) is an answer, and said in words.

    References
    ----------
    Laird NM, Ware JH. Biometrics 1982;38:963-974. Kenward MG, Roger JH. Biometrics 1997;53:983-997.
    Bates D et al. J Stat Softw 2015;67(1). Bell RM, McCaffrey DF. Surv Methodol 2002;28:169-181.
    """
    choice(engine, get_args(Engine), name="engine")
    choice(errors, get_args(Errors), name="errors")
    between(confidence, 0, 1, name="confidence")
    values, x, terms, rows = _design(y, fixed, subject, cluster)
    if slope is not None and slope not in terms[1:]:
        raise StatsError(f"slope={slope!r} is not a fixed effect: choose one of {', '.join(terms[1:])}")
    time = x[:, terms.index(slope)] if slope else np.zeros(len(values))
    codes, labels = pd.factorize(rows["subject"])
    dropped = np.size(y) - len(values)
    basis: dict[str, Any] = {
        "n": len(values), "n_subjects": len(labels), "n_dropped": dropped, "terms": terms, "slope": slope,
        "reml": reml, "errors": errors, "confidence": confidence,
    }  # fmt: skip
    reason = _obstacle(values, x, terms, codes)
    if reason:
        return Mixed.nothing(reason, **basis)
    profile = Profile(Sums.of(values, x, time, codes), slope is not None, reml)
    reason = _flat(profile, values)
    if reason:
        return Mixed.nothing(reason, **basis)
    found = search(profile, engine=engine)
    clusters = pd.factorize(rows["cluster"])[0] if errors == "robust" else None
    inference = Inference(profile, found.theta, clusters)
    return Mixed.of(inference, found, labels=labels, x=x, time=time, **basis)


def _design(
    y: Values, fixed: Mapping[str, Values] | pd.DataFrame, subject: Any, cluster: Any
) -> tuple[FloatArray, FloatArray, tuple[str, ...], pd.DataFrame]:
    """Return y, the fixed effects with an intercept, their names, and subject and cluster: complete rows."""
    values = vector(y, name="y")
    columns = {"intercept": np.ones(values.size)}
    columns |= {str(name): vector(given, name=str(name)) for name, given in fixed.items()}
    rows = {"subject": subject, "cluster": subject if cluster is None else cluster}
    labels = {name: np.asarray(given, dtype=object).ravel() for name, given in rows.items()}
    for name, column in (columns | labels).items():
        if column.size != values.size:
            raise StatsError(f"{column.size} values of {name} for {values.size} of y: give one of each")
    x = np.column_stack(list(columns.values()))
    table = pd.DataFrame(labels)
    complete = ~(np.isnan(values) | np.isnan(x).any(axis=1))
    if table.loc[complete].isna().any(axis=None):
        raise StatsError("a row has no subject: give one for each, or leave the row out")
    return values[complete], x[complete], tuple(columns), table[complete]


def _obstacle(y: FloatArray, x: FloatArray, terms: tuple[str, ...], subject: NDArray[np.intp]) -> str:
    """Return why there is no answer whatever the variances, or nothing."""
    n = int(subject.max(initial=-1)) + 1
    if n < 2:
        return f"only {n} {'woman' if n == 1 else 'women'}, at least 2 are needed"
    if len(y) == n:
        return f"each of the {n} women has one exam, so nothing tells change from difference"
    if np.ptp(y) == 0:
        return f"all {len(y)} values are {y[0]:g}"
    if len(y) <= len(terms) + 1:
        return f"{len(y)} values are too few for {len(terms)} fixed effects"
    size = np.abs(x).max(axis=0)
    for at, name in enumerate(terms):
        if size[at] == 0:
            return f"{name} is zero everywhere"
    scaled = np.asarray(np.linalg.qr(x / size, mode="r"))
    for at, name in enumerate(terms):
        if abs(scaled[at, at]) < 1e-9 * math.sqrt(len(y)):
            return f"{name} cannot be told from {' and '.join(terms[:at])}"
    return ""


def _flat(profile: Profile, y: FloatArray) -> str:
    """Return why the variances cannot be told apart, or nothing."""
    sums = profile.sums
    if not profile.slopes:
        means = add_up(sums.subject, sums.held, len(sums.size)) / sums.size[:, None]
        within = sums.held - means[sums.subject]
        left = within[:, -1] - within[:, :-1] @ np.linalg.lstsq(within[:, :-1], within[:, -1])[0]
        alike = float(left @ left) <= _TINY * float(y @ y) / sums.unit**2
        return (
            "values change alike in every woman: there is no measurement error to speak of" if alike else ""
        )
    squares, df = sums.pure_error(slopes=True)
    if df == 0:
        return (
            "no woman has more than two exams, so how rates differ cannot be told from measurement error:"
            " use slope='fixed' or 'per-woman'"
        )
    scale = float(y @ y) / sums.unit**2
    if squares <= _TINY * scale:
        return "every woman's values lie exactly on a line, so there is no measurement error to speak of"
    return ""
