"""Published comparisons of two methods."""

from __future__ import annotations

from typing import Any

from bactools.certify.registry import Tables, solves
from bactools.stats.method_comparison import deming, passing_bablok
from bactools.stats.regression import regression

Answers = dict[str, float]


def ends(name: str, found: Any) -> Answers:
    """Return intercept and slope with their intervals, as the mcr tests name them."""
    intercept, slope = found.intercept, found.slope
    return {
        f"{name}.Intercept": intercept.value, f"{name}.InterceptL": intercept.low,
        f"{name}.InterceptU": intercept.high, f"{name}.Slope": slope.value,
        f"{name}.SlopeL": slope.low, f"{name}.SlopeU": slope.high,
    }  # fmt: skip


def _mcr(table: str) -> None:
    def solve(tables: Tables) -> Answers:
        """Least squares, plain and weighted; Deming and weighted Deming, jackknife; Passing-Bablok."""
        data = tables(table)
        x, y = data["x"], data["y"]
        answers = {
            **ends("LinReg", regression(x, y)),
            **ends("WLinReg", regression(x, y, weights=1 / x**2)),
            **ends("PaBa", passing_bablok(x, y)),
        }
        for short, ratio in (("1", 1.0), ("121", 1.21)):
            answers |= ends(f"Deming.{short}", deming(x, y, ratio=ratio))
            answers |= ends(f"WDeming.{short}", deming(x, y, ratio=ratio, weighted=True))
        return answers

    solves(table)(solve)


for _table in ("mcr_td13", "mcr_td15", "mcr_td41"):
    _mcr(_table)


@solves("creatinine_mcr")
def creatinine(tables: Tables) -> Answers:
    """Passing-Bablok by exact ranks; Deming with analytic standard errors; least squares."""
    data = tables("creatinine_mcr")
    x, y = data["x"], data["y"]
    ranks, line, ols = passing_bablok(x, y), deming(x, y, interval="analytic"), regression(x, y)
    answers = {
        "deming.intercept": line.intercept.value, "deming.slope": line.slope.value,
        "deming.se_intercept": line.intercept.se, "deming.se_slope": line.slope.se,
        "ols.intercept": ols.intercept.value, "ols.slope": ols.slope.value, "ols.r2": ols.r2.value,
    }  # fmt: skip
    numbers = {
        "slope": ranks.slope.value, "slope_ci_lo": ranks.slope.low, "slope_ci_hi": ranks.slope.high,
        "intercept": ranks.intercept.value,
    }  # fmt: skip
    answers |= {f"{name}.{what}": value for name in ("pb", "pb_exact") for what, value in numbers.items()}
    return answers | {
        "pb.intercept_ci_lo": ranks.intercept.low, "pb.intercept_ci_hi": ranks.intercept.high,
    }  # fmt: skip


@solves("ncss_deming1")
def ncss_deming(tables: Tables) -> Answers:
    """Deming and weighted Deming, jackknife."""
    data = tables("ncss_deming1")
    simple = deming(data["x"], data["y"], ratio=4)
    weighted = deming(data["x"], data["y"], ratio=4, weighted=True)
    return {
        "simple.intercept": simple.intercept.value, "simple.slope": simple.slope.value,
        "simple.se_intercept_jackknife": simple.intercept.se,
        "simple.se_slope_jackknife": simple.slope.se,
        "weighted.intercept": weighted.intercept.value, "weighted.slope": weighted.slope.value,
    }  # fmt: skip


@solves("ncss_passing_bablok1")
def ncss_passing_bablok(tables: Tables) -> Answers:
    """Passing-Bablok by exact ranks."""
    data = tables("ncss_passing_bablok1")
    found = passing_bablok(data["x"], data["y"])
    numbers = {"intercept": found.intercept.value, "slope": found.slope.value}
    return {f"{who}.{what}": value for who in ("ncss", "simplyagree") for what, value in numbers.items()}
