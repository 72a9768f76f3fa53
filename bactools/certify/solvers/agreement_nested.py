"""Published analyses of agreement with several pairs per subject."""

from __future__ import annotations

import numpy as np

from bactools.certify.registry import Tables, solves
from bactools.certify.solvers.agreement import Answers, limits, long
from bactools.stats.agreement import agreement
from bactools.stats.agreement.nested import Groups, components
from bactools.stats.correlation import correlation
from bactools.stats.reliability import measurement_error


@solves("olofsen_2015")
def olofsen(tables: Tables) -> Answers:
    """Components of variance, and limits by delta method, variance recovery and bootstrap."""
    data = tables("olofsen_2015")
    by_interval = {
        "ba": agreement(
            data["x"], data["y"], subject=data["subject"], repeats="varying", interval="approximate"
        ),
        "mover": agreement(data["x"], data["y"], subject=data["subject"], repeats="varying"),
        "boot": agreement(
            data["x"], data["y"], subject=data["subject"], repeats="varying", interval="parametric-bootstrap"
        ),
    }
    found = by_interval["mover"]
    answers = {
        "n_subjects": found.n_subjects, "n_obs": found.n, "bias": found.bias.value, "sd": found.sd.value,
        "within_var": found.within.value, "between_var": found.between.value,
        "se_within_var": found.within.se,
        "se_between_var": found.between.se, "se_sd": found.sd.se, "se_bias": found.bias.se,
        "loa_lo": _at_196(found.bias.value, found.sd.value, -1),
        "loa_hi": _at_196(found.bias.value, found.sd.value, 1),
        "mean_x": float(data["x"].mean()), "mean_y": float(data["y"].mean()),
    }  # fmt: skip
    for name, result in by_interval.items():
        for side, end in (("lower", result.lower), ("upper", result.upper)):
            answers[f"{name}_{side}_ci_lo"], answers[f"{name}_{side}_ci_hi"] = end.low, end.high
    return answers


@solves("cardiac_1999_2007")
def cardiac(tables: Tables) -> Answers:
    """Unequal replicates: varying and constant true value, REML, and Zou's limits."""
    data = tables("cardiac_1999")
    a, b, subject = data["RV"], data["IC"], data["subject"]
    varying = agreement(a, b, subject=subject, repeats="varying")
    constant = agreement(a, b, subject=subject, repeats="constant")
    reml = agreement(a, b, subject=subject, repeats="varying", estimator="reml")
    code = np.asarray(subject) - 1
    groups = Groups.of(np.asarray(a - b, dtype=np.float64), code)
    anova = components(groups)
    return {
        "n_subjects": varying.n_subjects, "n_pairs": varying.n,
        "naive.bias": varying.naive.bias.value if varying.naive else np.nan,
        "naive.sd": varying.naive.sd.value if varying.naive else np.nan,
        "varying.bias_all": varying.bias.value, "varying.msb": anova.mean_square_between,
        "varying.msw": anova.within, "varying.divisor": anova.divisor, "varying.var_between": anova.between,
        "varying.var_total": varying.sd.value**2, "varying.sd": varying.sd.value,
        "varying.loa196_lo": _at_196(varying.bias.value, varying.sd.value, -1),
        "varying.loa196_hi": _at_196(varying.bias.value, varying.sd.value, 1),
        "constant.bias": constant.bias.value, "constant.var_mean_diff": float(groups.mean.var(ddof=1)),
        "constant.within_var_RV": measurement_error(a, subject=subject).within_variance.value,
        "constant.within_var_IC": measurement_error(b, subject=subject).within_variance.value,
        "constant.mean_inv_m": 1 / groups.harmonic, "constant.sd": constant.sd.value,
        "constant.loa196_lo": _at_196(constant.bias.value, constant.sd.value, -1),
        "constant.loa196_hi": _at_196(constant.bias.value, constant.sd.value, 1),
        "lmer.bias": reml.bias.value, "lmer.se": reml.bias.se, "lmer.var_between": reml.between.value,
        "lmer.var_within": reml.within.value, **_zou(tables),
    }  # fmt: skip


@solves("sbp_1999")
def blood_pressure(tables: Tables) -> Answers:
    """Two observers and a machine, three readings each: limits, repeatability, replicates, quantiles."""
    data = tables("sbp_1999")
    answers: Answers = {}
    for other in "SR":
        answers |= limits(f"J1_minus_{other}1", agreement(data["J1"], data[f"{other}1"]))
        answers[f"r_J1{other}1"] = correlation(data["J1"], data[f"{other}1"]).r.value
        (j, rows), (o, _) = (long(data, *(f"{who}{k}" for k in (1, 2, 3))) for who in ("J", other))
        found = agreement(j, o, subject=rows, repeats="constant")
        prefix = f"replicates_J_{other}"
        answers |= {
            f"{prefix}.bias": found.bias.value, f"{prefix}.sd": found.sd.value,
            f"{prefix}.var_of_mean_diffs": found.bias.se**2 * found.n_subjects,
            f"{prefix}.loa196_lo": _at_196(found.bias.value, found.sd.value, -1),
            f"{prefix}.loa196_hi": _at_196(found.bias.value, found.sd.value, 1),
        }  # fmt: skip
    for who in "JRS":
        error = measurement_error(data[[f"{who}{k}" for k in (1, 2, 3)]].to_numpy())
        answers[f"within_var_{who}"], answers[f"rc196_{who}"] = (
            error.within_variance.value,
            error.repeatability.value,
        )
    answers |= {f"pub_rc196_{who}": answers[f"rc196_{who}"] for who in "JS"}
    free = agreement(data["J1"], data["S1"], limits="nonparametric")
    typed = np.quantile(free.points["difference"], [0.025, 0.975])
    return answers | {
        "nonparam_JS.q025_type6": free.lower.value, "nonparam_JS.q975_type6": free.upper.value,
        "nonparam_JS.median": free.bias.value, "nonparam_JS.q025_type7": float(typed[0]),
        "nonparam_JS.q975_type7": float(typed[1]), "nonparam_JS.frac_within_10": free.share_within(10),
    }  # fmt: skip


def _at_196(bias: float, sd: float, side: int) -> float:
    """Return a limit at 1.96 SD exactly, as the papers print it."""
    return bias + side * 1.96 * sd


def _zou(tables: Tables) -> Answers:
    """Return the answers for the first twenty pairs, two missing values filled in as the source does."""
    data = tables("simplyagree_reps")
    y = data["y"].to_numpy(dtype=np.float64, copy=True)
    y[[4, 8]] = 6.35, 4.09
    found = agreement(data["x"], y, subject=data["id"], repeats="varying", estimator="means")
    reml = agreement(data["x"], y, subject=data["id"], repeats="varying", estimator="reml")
    return {
        "zou_nest_bias_first20": found.bias.value, "zou_nest_loa_lo": found.lower.value,
        "zou_nest_loa_hi": found.upper.value, "zou_nest_lower_ci_lo": found.lower.low,
        "zou_nest_lower_ci_hi": found.lower.high, "zou_nest_upper_ci_lo": found.upper.low,
        "zou_nest_upper_ci_hi": found.upper.high, "simplyagree_lmer_bias_first20": reml.bias.value,
    }  # fmt: skip
