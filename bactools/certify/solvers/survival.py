"""Published analyses of survival."""

from __future__ import annotations

from bactools.certify.registry import Tables, solves
from bactools.stats.association import cox, fine_gray
from bactools.stats.association.risk_sets import Ties
from bactools.stats.survival.kaplan_meier import kaplan_meier

Answers = dict[str, float]


@solves("cox_lung")
def lung(tables: Tables) -> Answers:
    """Cox regression after Efron and Breslow, C, proportionality, log-rank test, medians."""
    data = tables("lung")
    died = data["status"] == 2
    answers: Answers = {}
    ways: tuple[Ties, ...] = ("efron", "breslow")
    for ties in ways:
        found = cox(
            data["time"], died, data["age"], covariates=data[["sex", "ph.ecog"]], per="unit", ties=ties
        )
        told = {
            "n": found.n, "nevent": found.n_events, "loglik": found.log_likelihood,
            "loglik_null": found.log_likelihood_null, "lrt": found.likelihood_ratio.value,
        }  # fmt: skip
        for term, log in found.coefficients.items():
            ratio = found.ratios[term]
            told |= {
                f"coef.{term}": log.value, f"se.{term}": log.se, f"p.{term}": log.p,
                f"hr_lo.{term}": ratio.low, f"hr_hi.{term}": ratio.high,
            }  # fmt: skip
        answers |= {f"{ties}.{name}": value for name, value in told.items()}
        if ties == "efron":
            answers |= {
                "efron.concordance": found.concordance.value, "efron.concordance_se": found.concordance.se,
            } | {
                f"zph.p.{name.replace('global', 'GLOBAL')}": test.p
                for name, test in found.proportionality.items()
            }  # fmt: skip
    sex = data["sex"].map({1: "male", 2: "female"})
    curves = kaplan_meier(data["time"], died, group=sex, units="days")
    medians = {f"km_median.{name}": median.value for name, median in curves.medians.items()}
    return answers | medians | {"logrank_sex.chisq": curves.log_rank.value}


@solves("cox_veteran")
def veteran(tables: Tables) -> Answers:
    """Cox regression after Efron, with ties, and C."""
    data = tables("veteran")
    found = cox(data["time"], data["status"], data["karno"], covariates=data[["age", "trt"]], per="unit")
    answers = {"loglik": found.log_likelihood, "concordance": found.concordance.value}
    for term, log in found.coefficients.items():
        answers |= {f"coef.{term}": log.value, f"se.{term}": log.se}
    return answers


@solves("finegray_mgus2")
def mgus2(tables: Tables) -> Answers:
    """Subdistribution hazards after Fine and Gray."""
    data = tables("mgus2_competing")
    found = fine_gray(
        data["etime"], data["event"], data["age"], cause="pcm", censored="censor",
        covariates={"sex": data["sex"]}, per="unit",
    )  # fmt: skip
    return {
        "coef.age": found.coefficients["age"].value, "coef.sexM": found.coefficients["sex: M"].value,
    }  # fmt: skip
