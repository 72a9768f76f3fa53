"""Published adjustments of p-values, and pairwise comparisons of groups."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from bactools.certify.registry import Tables, solves
from bactools.stats.comparison.groups import compare_groups
from bactools.stats.comparison.multiplicity import Adjustment, adjust

Answers = dict[str, float]


@solves("padjust")
def adjusted_p(tables: Tables) -> Answers:
    """Holm, Hochberg, Hommel, Bonferroni, Benjamini-Hochberg and Benjamini-Yekutieli."""
    p = tables("padjust")["p"]
    return {
        f"{name}[{at}]": float(value)
        for name in ("bonferroni", "holm", "hochberg", "hommel", "BH", "BY")
        for at, value in enumerate(adjust(p, method=cast(Adjustment, name.lower())))
    }


@solves("pairwise_airquality")
def ozone(tables: Tables) -> Answers:
    """Pairwise t tests, pooled SD and Welch, adjusted; Tukey's honest significant difference."""
    air = tables("airquality_ozone")
    wanted: dict[str, dict[str, Any]] = {
        "airquality_holm_pooled": {"test": "pooled"},
        "airquality_bonf_pooled": {"test": "pooled", "adjust": "bonferroni"},
        "airquality_holm_unpooled": {"test": "welch"},
    }
    answers: Answers = {}
    for name, options in wanted.items():
        found = compare_groups(air["Ozone"], air["Month"], **options)
        answers |= {f"{name}.{d.a}_{d.b}": d.p_adjusted for d in found.differences}
    breaks = tables("warpbreaks")
    tension = pd.Categorical(breaks["tension"], categories=["L", "M", "H"])
    tukey = compare_groups(breaks["breaks"], tension, test="tukey")
    for a, b in (("M", "L"), ("H", "L"), ("H", "M")):
        pair = tukey.pair(a, b)
        answers |= {
            f"tukey_warpbreaks.{a}-{b}.diff": pair.difference.value,
            f"tukey_warpbreaks.{a}-{b}.lwr": pair.difference.low,
            f"tukey_warpbreaks.{a}-{b}.upr": pair.difference.high,
            f"tukey_warpbreaks.{a}-{b}.padj": pair.p_adjusted,
        }
    return answers
