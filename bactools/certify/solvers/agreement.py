"""Published analyses of agreement with one pair per subject."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import pandas as pd
from scipy import stats

from bactools.certify.registry import Tables, solves
from bactools.stats.agreement import Agreement, agreement
from bactools.stats.agreement.limits import Interval, limits_of_agreement, tolerance_factor
from bactools.stats.correlation import correlation
from bactools.stats.design.agreement import (
    exact_test_critical,
    exact_test_power,
    interval_power,
    sample_size_agreement,
)
from bactools.stats.reliability import measurement_error

_SHORT = {"exact": "exact", "mover": "mover", "approximate-1999": "1999", "approximate-1986": "sqrt3"}
Answers = dict[str, float]


def limits(prefix: str, found: Agreement) -> Answers:
    """Return what the cases ask of bias and limits, the intervals in every way."""
    bias, sd, n = found.bias, found.sd.value, found.n
    answers = {
        "n": n, "bias": bias.value, "sd": sd, "se_bias": bias.se, "bias_p": bias.p, "bias_ci_lo": bias.low,
        "bias_ci_hi": bias.high, "loa_lo": found.lower.value, "loa_hi": found.upper.value,
    }  # fmt: skip
    for name, short in _SHORT.items():
        ends = limits_of_agreement(bias.value, sd, n, interval=cast(Interval, name))
        for side, end in zip(("lower", "upper"), ends, strict=True):
            answers[f"loa_{side}_ci_{short}_lo"] = end.low
            answers[f"loa_{side}_ci_{short}_hi"] = end.high
    return {f"{prefix}.{name}": value for name, value in answers.items()}


def ratios(found: Agreement) -> Answers:
    """Return bias and limits as ratios."""
    return {
        "ratio.bias": found.bias.value,
        "ratio.loa_lo": found.lower.value,
        "ratio.loa_hi": found.upper.value,
    }


def proportional(prefix: str, found: Agreement) -> Answers:
    """Return the line of the differences on the means."""
    names = {"intercept": found.intercept.value, "slope": found.slope.value, "slope_p": found.slope.p}
    return {f"{prefix}.{name}": value for name, value in names.items()}


def long(
    table: pd.DataFrame, *columns: str
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], list[int]]:
    """Return the columns one after the other, and the row each value comes from."""
    values = table[list(columns)].to_numpy(dtype=np.float64).T.ravel()
    return values, [row for _ in columns for row in range(len(table))]


@solves("pefr_1986")
def pefr(tables: Tables) -> Answers:
    """Bland-Altman limits with all intervals; repeatability; replicates of a constant value."""
    data = tables("pefr_1986")
    first = agreement(data["wright1"], data["mini1"])
    two = stats.norm.cdf(2) - stats.norm.cdf(-2)
    wide = agreement(data["wright1"], data["mini1"], level=two)
    published = limits_of_agreement(
        first.bias.value, first.sd.value, first.n, interval="approximate-1986", level=two
    )
    mini_minus_wright = agreement(data["mini1"], data["wright1"], interval="mover")
    delta = agreement(data["wright1"], data["mini1"], interval="approximate-1999")
    r = correlation(data["wright1"], data["mini1"]).r.value
    answers = limits("w1_minus_m1", first) | proportional("prop_bias", first) | {
        "pub_bias": first.bias.value, "pub_sd": first.sd.value, "pub_loa2sd_lower": wide.lower.value,
        "pub_loa2sd_upper": wide.upper.value, "pub_se_bias": first.bias.se,
        "pub_se_loa_sqrt3": math.sqrt(3) * first.bias.se,
        "pub_bias_ci_lo": first.bias.low, "pub_bias_ci_hi": first.bias.high,
        "pub_lower_loa_ci_lo": published[0].low, "pub_lower_loa_ci_hi": published[0].high,
        "pub_upper_loa_ci_lo": published[1].low, "pub_upper_loa_ci_hi": published[1].high,
        "pub_r": r, "r": r, "simplyagree_upper_loa_ci_mover_mini_minus_wright": mini_minus_wright.upper.high,
        "simplyagree_upper_loa_ci_1999_wright_minus_mini": delta.upper.high,
    }  # fmt: skip

    for meter in ("wright", "mini"):
        readings = data[[f"{meter}1", f"{meter}2"]].to_numpy()
        # the paper takes the SD of the two readings' difference about zero, and twice of it
        answers[f"pub_rc2sd_{meter}"] = 2 * math.sqrt(float(np.mean(np.diff(readings, axis=1) ** 2)))
        error = measurement_error(readings)
        answers[f"rc196_{meter}"] = stats.norm.ppf(0.975) * math.sqrt(2) * error.within_sd.value
        answers[f"within_sd_{meter}"] = error.within_sd.value
    means = agreement(data[["wright1", "wright2"]].mean(axis=1), data[["mini1", "mini2"]].mean(axis=1))
    (wright, rows), (mini, _) = long(data, "wright1", "wright2"), long(data, "mini1", "mini2")
    replicated = agreement(wright, mini, subject=rows, repeats="constant")
    return answers | {
        "subject_means.bias": means.bias.value, "subject_means.sd": means.sd.value,
        "replicate_corrected_sd": replicated.sd.value,
    }  # fmt: skip


@solves("giavarina_2015")
def giavarina(tables: Tables) -> Answers:
    """Limits of difference, percent, logarithm and ratio; proportional bias; normality."""
    data = tables("giavarina_2015")
    a, b = data["A"], data["B"]
    found = agreement(a, b)
    sqrt3 = limits_of_agreement(found.bias.value, found.sd.value, found.n, interval="approximate-1986")
    r2 = correlation(found.points["mean"], found.points["difference"]).r.value ** 2
    return {
        **limits("abs", found), **limits("pct", agreement(a, b, scale="percent")),
        **limits("log", agreement(a, b, scale="log")), **ratios(agreement(a, b, scale="ratio")),
        **proportional("prop", found), "prop.r2": r2, "shapiro_p": found.normality_p,
        "pub_bias": found.bias.value, "pub_sd": found.sd.value, "pub_loa_lower": found.lower.value,
        "pub_loa_upper": found.upper.value, "pub_se_bias": found.bias.se, "pub_bias_ci_lo": found.bias.low,
        "pub_bias_ci_hi": found.bias.high, "pub_se_loa_sqrt3": math.sqrt(3) * found.bias.se,
        "pub_upper_loa_ci_sqrt3_lo": sqrt3[1].low, "pub_lower_loa_ci_sqrt3_lo": sqrt3[0].low,
        "pub_lower_loa_ci_sqrt3_hi": sqrt3[0].high,
    }  # fmt: skip


@solves("plvol_1999")
def plasma_volume(tables: Tables) -> Answers:
    """Limits of difference, percent, logarithm and ratio; proportional bias."""
    data = tables("plvol_1999")
    a, b = data["Nadler"], data["Hurley"]
    found = agreement(a, b)
    return {
        **limits("raw", found), **limits("pct", agreement(a, b, scale="percent")),
        **limits("log", agreement(a, b, scale="log")), **ratios(agreement(a, b, scale="ratio")),
        **proportional("prop", found), "r": correlation(a, b).r.value,
    }  # fmt: skip


@solves("milk_1999")
def milk(tables: Tables) -> Answers:
    """Regression-based limits: differences, then absolute residuals, on the means."""
    data = tables("milk_1999")
    found = agreement(data["Trig"], data["Gerber"], limits="regression")
    spread = found.spread
    plain = agreement(data["Trig"], data["Gerber"])
    more = {} if spread is None else {
        "absres.intercept": spread.intercept.value, "absres.slope": spread.slope.value,
        "absres.slope_p": spread.slope.p,
    }  # fmt: skip
    return {
        **limits("abs", plain), **proportional("reg", found), "reg.slope_se": found.slope.se,
        "reg.resid_sd": found.residual_sd, **more,
    }  # fmt: skip


@solves("euser_2008")
def euser(tables: Tables) -> Answers:
    """Critical difference, on the scale itself and on log10."""
    data = tables("euser_2008")
    found = agreement(data["first"], data["second"])
    logged = agreement(data["first"], data["second"], scale="log")
    return {
        "pub.critical_difference": found.critical_difference,
        "pub.log10_critical_difference": logged.critical_difference / math.log(10),
        "pub.mean_all": float(found.points["mean"].mean()),
    }


@solves("carkeet_2015_paired")
def carkeet(tables: Tables) -> Answers:
    """Exact two-sided tolerance factors."""
    wanted = (4, 9, 16, 29, 49, 99)
    return {f"df{df}.g{gamma}": tolerance_factor(df + 1, gamma) for df in wanted for gamma in (0.025, 0.975)}


@solves("loa_power")
def power(tables: Tables) -> Answers:
    """Sample size by Lu's interval and by Shieh's exact test."""
    small = sample_size_agreement(margin=0.1, bias=0.011, sd=0.044, level=0.8, method="exact-test")
    reached = exact_test_power(15, margin=0.1, bias=0.011, sd=0.044, level=0.8)
    answers = {
        "shieh2019.power[n=15,delta=.1,mu=.011,sigma=.044,p0*=.8]": reached,
        "shieh2019.critical_value": exact_test_critical(15, level=0.8),
        "shieh2019.n[power=.8]": small.n,
    }
    for sd, wanted, name in (
        (2.5, 0.8, "delta=7,mu=.5,sigma=2.5,p0*=.95,power=.8"), (2.6, 0.8, "sigma=2.6,power=.8"),
        (2.7, 0.8, "sigma=2.7,power=.8"), (2.5, 0.9, "sigma=2.5,power=.9"),
        (2.6, 0.9, "sigma=2.6,power=.9"), (2.7, 0.9, "sigma=2.7,power=.9"),
    ):  # fmt: skip
        found = sample_size_agreement(margin=7, bias=0.5, sd=sd, power=wanted, method="exact-test")
        answers[f"shieh2019.n[{name}]"] = found.n
    lu = sample_size_agreement(margin=0.004, bias=0.001167, sd=0.001129)
    answers["lu2016.n_exact[mu=.001167,sd=.001129,delta=.004,power=.8]"] = lu.n
    answers["lu2016.power_at_79"] = interval_power(79, margin=lu.margin, bias=lu.bias, sd=lu.sd)
    return answers
