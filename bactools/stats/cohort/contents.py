"""What a cube holds, on a card."""

from __future__ import annotations

import json

import xarray as xr

from bactools.card import card
from bactools.conventions import DONE, FAILED
from bactools.stats.cohort.exam_table import exam_table

_SHOWN = 12


def contents(cube: xr.Dataset) -> str:
    """Return a card of a cube: counts, metrics, covariates, recipe, warnings, and what to call next.

    Parameters
    ----------
    cube : Dataset
        In either form, or a part of one, with ``status``.

    Returns
    -------
    str
        HTML.
    """
    exams = exam_table(cube)
    days = exams.table["date"]
    done, failed = (int((exams.status == state).sum()) for state in (DONE, FAILED))
    known = exams.covariates()
    metrics = [
        str(name)
        for name, held in cube.data_vars.items()
        if "view" in held.dims and held.dtype.kind == "f" and len(held.dims) <= 3
    ]
    facts = {
        "women": f"{exams.table['subject'].nunique():,}",
        "exams": f"{len(exams.table):,}"
        + (f", {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}" if len(days) else ""),
        "images": f"{done:,} measured, {failed:,} failed; {int(exams.complete.sum()):,}"
        f" exams have all of {', '.join(exams.views)}",
        "metrics": _listed(metrics),
        "covariates": _listed(known) if known else "none: see study.add_covariates",
    }
    if "recipe" in cube.attrs:
        facts["recipe"] = _name_of_recipe(cube.attrs["recipe"])
    if "weights" in cube.attrs:
        facts["weights"] = str(cube.attrs["weights"])
    following = {
        'cube.bac.agreement("tam_100", against=…)': "limits of agreement with truth or another method",
        'cube.bac.trajectories("tam_100")': "change per year, who progressed",
        "cube.bac.where(age=(60, None))": "a cohort",
        "cube.bac.table1()": "who these women are",
    }
    note = str(cube.attrs.get("weights_note", ""))
    return card(
        "cube of breast arterial calcification",
        facts=facts,
        warnings=[note, "For research only; not a medical device."],
        following=following,
    )


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _name_of_recipe(text: object) -> str:
    try:
        return str(json.loads(str(text))["name"])
    except (ValueError, KeyError, TypeError):
        return str(text)[:60]
