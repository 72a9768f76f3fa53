"""An association in plain words."""

from __future__ import annotations

from bactools.stats.association.numbers import AssociationNumbers, ratio_of
from bactools.stats.result import Estimate, number, p_words

_OUTCOME = {
    "odds ratio": "the odds of the event are",
    "rate ratio": "the rate of events is",
    "risk ratio": "the risk of the event is",
    "hazard ratio": "the hazard is",
    "subdistribution hazard ratio": "the subdistribution hazard is",
}


def interpretation(found: AssociationNumbers) -> str:
    """Return what was found, how sure it is, and what to be careful with.

    Parameters
    ----------
    found : AssociationNumbers
        Estimable.
    """
    told = [_counts(found), _ratios(found), _beside(found)]
    if found.trend.estimable:
        told.append(
            f"Per step of grade the {found.ratio} is {_ratio(found.trend)},"
            f" {p_words(found.trend.p)} for trend."
        )
    if found.nonlinearity.df:
        bent = "bends" if found.nonlinearity.p < 0.05 else "could be a straight line"
        told.append(f"The curve {bent} on the logarithmic scale ({found.nonlinearity.words()}).")
    told += [_clusters(found), _discrimination(found), _proportional(found)]
    if found.kind == "fine-gray":
        told.append(
            f"{found.n_competing} women had another event first. This ratio is about the share who will have"
            " the event, not about a cause: for that, take the others as censored in a Cox model."
        )
    told += [f"Careful: {warning}." for warning in found.warnings]
    if found.n_dropped:
        told.append(f"{found.n_dropped} rows were left out because a value is missing.")
    told.append("An association in observed women is not an effect.")
    return " ".join(part for part in told if part)


def _counts(found: AssociationNumbers) -> str:
    women = f" of {found.n_subjects} women" if found.n_subjects < found.n else ""
    what = "rows" if women else "women"
    return f"{found.n_events} events in {found.n} {what}{women}."


def _ratios(found: AssociationNumbers) -> str:
    others = [term for term in found.coefficients if term not in found.exposure]
    held = f", with {_listed(found)} held alike" if others else ", not adjusted for anything"
    outcome = _OUTCOME[found.ratio]
    if found.curve is not None and found.curve.knots:
        curve = found.dose_response([_upper(found)])
        row = curve.iloc[0]
        return (
            f"At {number(_upper(found))} {found.units} of {found.name}, against"
            f" {number(found.curve.reference)}, {outcome} {number(row['ratio'])} times as high"
            f" ({number(row['low'])} to {number(row['high'])}){held}; all of it: {found.overall.words()}."
        ).replace("  ", " ")
    if found.name in found.references:
        parts = [f"{term.rsplit(': ', 1)[1]} {_ratio(found.coefficients[term])}" for term in found.exposure]
        return (
            f"Against {found.references[found.name]}, {outcome} so many times as high: {'; '.join(parts)}"
            f"{held} (all together: {found.overall.words()})."
        )
    value = found.coefficients[found.exposure[0]]
    return f"Per {found.per}, {outcome} {_ratio(value)} times as high{held}, {p_words(value.p)}."


def _beside(found: AssociationNumbers) -> str:
    crude = found.unadjusted
    if crude is None or not crude.estimable or len(crude.exposure) != 1:
        return ""
    return f"Unadjusted, in the same women: {crude.value.words()}."


def _clusters(found: AssociationNumbers) -> str:
    if found.n_subjects < found.n:
        if found.robust:
            return "Standard errors allow for several rows of one woman being alike."
        return "Careful: several rows of one woman were taken as independent, so intervals are too narrow."
    return ""


def _discrimination(found: AssociationNumbers) -> str:
    c = found.concordance
    if not c.estimable:
        return ""
    return (
        f"Of two women, the model ranks the one with the earlier event higher in {100 * c.value:.0f} % of"
        f" pairs (C {c.words()}), in the women it was made from; in others it will be less."
        if found.kind == "cox"
        else f"The area under the ROC curve is {c.words()}, in the women the model was made from."
    )


def _proportional(found: AssociationNumbers) -> str:
    tests = found.proportionality
    broken = [name for name, test in tests.items() if test.p < 0.05 and name != "global"]
    if not tests:
        return ""
    if broken:
        return (
            f"Careful: the effect of {', '.join(broken)} changes with time"
            f" ({'; '.join(p_words(tests[name].p) for name in broken)}), so one hazard ratio is an average"
            " over follow-up: stratify by it, or split follow-up."
        )
    return f"No sign that hazards are not proportional (global {p_words(tests['global'].p)})."


def _ratio(value: Estimate) -> str:
    return value.mapped(ratio_of).words()


def _listed(found: AssociationNumbers) -> str:
    names = list(
        dict.fromkeys(term.rsplit(": ", 1)[0] for term in found.coefficients if term not in found.exposure)
    )
    return ", ".join(names) if len(names) < 6 else f"{len(names)} covariates"


def _upper(found: AssociationNumbers) -> float:
    values = sorted(found.curve.values) if found.curve is not None else [0.0]
    return float(values[int(0.9 * (len(values) - 1))])
