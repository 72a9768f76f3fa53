"""Published analyses of reliability: how far measurements and grades repeat themselves."""

from __future__ import annotations

from bactools.certify.registry import Tables, solves
from bactools.certify.solvers.agreement import Answers
from bactools.stats.reliability import measurement_error
from bactools.stats.reliability.concordance import concordance
from bactools.stats.reliability.intraclass import icc
from bactools.stats.reliability.intraclass_result import KINDS
from bactools.stats.reliability.kappa import kappa_of_table
from bactools.stats.reliability.repeated_correlation import repeated_correlation

_COHENS_DISAGREEMENT = ((0, 1, 3), (1, 0, 6), (3, 6, 0))
"""How much each disagreement counts in Cohen's example of 200 pairs."""


@solves("shrout_fleiss_1979")
def shrout_fleiss(tables: Tables) -> Answers:
    """All six intraclass correlations with F tests and intervals."""
    data = tables("shrout_fleiss_1979")
    found = icc(data["score"], target=data["target"], rater=data["judge"])
    answers: Answers = {}
    for field, row in zip(KINDS, found.to_frame().to_dict("records"), strict=True):
        name = field.replace("icc", "ICC")
        answers |= {
            name: row["estimate"], f"{name}.F": row["f"], f"{name}.p": row["p"],
            f"{name}.ci_lo": row["ci_low"], f"{name}.ci_hi": row["ci_high"],
            f"pub.{name}": row["estimate"],
        }  # fmt: skip
    return answers


@solves("lin_ccc")
def lin(tables: Tables) -> Answers:
    """Lin's concordance with z-transformed intervals, bias correction and shifts."""
    pefr, giavarina = tables("pefr_1986"), tables("giavarina_2015")
    found = concordance(pefr["wright1"], pefr["mini1"])
    other = concordance(giavarina["A"], giavarina["B"])
    return {
        "pefr.ccc": found.ccc.value, "pefr.ci_lo": found.ccc.low, "pefr.ci_hi": found.ccc.high,
        "pefr.C_b": found.accuracy.value, "pefr.scale_shift": found.scale_shift.value,
        "pefr.location_shift": found.location_shift.value,
        "giavarina.ccc": other.ccc.value, "giavarina.ci_lo": other.ccc.low,
        "giavarina.ci_hi": other.ccc.high,
    }  # fmt: skip


@solves("kappa_cohen1968")
def cohen(tables: Tables) -> Answers:
    """Kappa, plain and with the weights of the paper, from a table of shares."""
    shares = tables("cohen1968_props")
    return {
        "kappa": kappa_of_table(shares, n=200, weights="none").kappa.value,
        "weighted_kappa": kappa_of_table(shares, n=200, weights=_COHENS_DISAGREEMENT).kappa.value,
    }


@solves("rmcorr_bland1995")
def within_patients(tables: Tables) -> Answers:
    """Repeated-measures correlation, interval by Fisher's z."""
    data = tables("bland1995")
    found = repeated_correlation(data["pH"], data["PaCO2"], subject=data["Subject"])
    return {
        "pub.r": found.r.value, "r": found.r.value, "df": found.df, "p": found.r.p,
        "ci_lo": found.r.low, "ci_hi": found.r.high,
    }  # fmt: skip


@solves("bmj_1996_measurement_error")
def children(tables: Tables) -> Answers:
    """Variance and SD within children, and the repeatability coefficient."""
    found = measurement_error(tables("bmj_1996_pefr_children").to_numpy())
    return {
        "within_var": found.within_variance.value,
        "within_sd": found.within_sd.value,
        "repeatability_1.96sqrt2": found.repeatability.value,
    }
