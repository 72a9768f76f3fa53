"""Published linear mixed models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bactools.certify.registry import Tables, solves
from bactools.stats.mixed import Mixed, mixed
from bactools.stats.mixed.result import likelihood_ratio

Answers = dict[str, float]


def parts(found: Mixed, names: dict[str, str], slope: str = "") -> Answers:
    """Return what the cases ask of a model; `names` leads from ours to R's."""
    answers = {"logLik": found.log_likelihood, "AIC": found.aic, "BIC": found.bic}
    for ours, theirs in names.items():
        answers[f"fixef.{theirs}"] = found.coefficients[ours].value
        answers[f"se.{theirs}"] = found.coefficients[ours].se
    answers["vcov.Subject.(Intercept)"] = found.intercept_variance.value
    answers["vcov.Residual"] = found.residual_variance.value
    if slope:
        answers[f"vcov.Subject.{slope}"] = found.slope_variance.value
        answers[f"vcov.Subject.(Intercept)_x_{slope}"] = found.random_covariance
    return answers


@solves("sleepstudy")
def sleepstudy(tables: Tables) -> Answers:
    """Mixed models with random intercept and slope by REML and ML, BLUPs, degrees of freedom."""
    data = tables("sleepstudy")

    def fitted(slope: str | None, *, reml: bool) -> Mixed:
        return mixed(
            data["Reaction"], {"Days": data["Days"]}, subject=data["Subject"], slope=slope, reml=reml
        )

    names = {"intercept": "(Intercept)", "Days": "Days"}
    reml, ml = fitted("Days", reml=True), fitted("Days", reml=False)
    level, level_ml = fitted(None, reml=True), fitted(None, reml=False)
    answers: Answers = {}
    for prefix, found in (("slope_reml", reml), ("slope_ml", ml), ("int_reml", level)):
        told = parts(found, names, "Days" if found.slope else "")
        answers |= {f"{prefix}.{name}": value for name, value in told.items()}
    days = reml.coefficients["Days"]
    blup = reml.effects.set_index("subject")
    return answers | {
        "pub.fixef.(Intercept)": reml.coefficients["intercept"].value, "pub.fixef.Days": days.value,
        "pub.se.(Intercept)": reml.coefficients["intercept"].se, "pub.se.Days": days.se,
        "pub.REMLcrit": -2 * reml.log_likelihood, "pub.var.Intercept": reml.intercept_variance.value,
        "pub.var.Days": reml.slope_variance.value, "pub.var.resid": reml.residual_variance.value,
        "lrt_ml.chisq": likelihood_ratio(level_ml, ml).value, "lrt_ml.df": 2,
        "satterthwaite_df.Days": reml.degrees_of_freedom("Days"),
        "kenward_roger_df.Days": reml.degrees_of_freedom("Days"), "satterthwaite_p.Days": days.p,
        "blup.308.Intercept": blup["intercept"].loc[308], "blup.308.Days": blup["slope"].loc[308],
        "blup.337.Intercept": blup["intercept"].loc[337],
        "R2_marginal": reml.r2_marginal, "R2_conditional": reml.r2_conditional,
    }  # fmt: skip


@solves("orthodont")
def orthodont(tables: Tables) -> Answers:
    """Mixed model by REML, growth by sex, random slope of age as it stands, not centred."""
    data = tables("orthodont")
    female = (data["Sex"] == "Female").astype(float)
    fixed = pd.DataFrame({"age": data["age"], "female": female, "age x female": data["age"] * female})
    found = mixed(data["distance"], fixed, subject=np.asarray(data["Subject"]), slope="age")
    names = {
        "intercept": "(Intercept)", "age": "age", "female": "SexFemale", "age x female": "age:SexFemale",
    }  # fmt: skip
    return parts(found, names, "age")
