"""Linear regressions with certified answers."""

from __future__ import annotations

from collections.abc import Callable

from bactools.certify.registry import Tables, solves
from bactools.stats.regression import regression
from bactools.stats.regression.result import Regression

Answers = dict[str, float]


def coefficients(found: Regression, *, first: int = 0) -> Answers:
    """Return what the cases ask: coefficients and their standard errors, R² and residual SD."""
    answers = {"R2": found.r2.value}
    # two cases fit exactly, and do not ask for what is left
    if found.residual_sd > 1e-6 * found.points["y"].std():
        answers["resid_sd"] = found.residual_sd
    for at, estimate in enumerate(found.coefficients.values(), first):
        answers |= {f"B{at}": estimate.value, f"SE_B{at}": estimate.se}
    return answers


def _polynomial(case: str, *, degree: int, intercept: bool = True) -> None:
    table = f"nist_{case}"

    def solve(tables: Tables) -> Answers:
        data = tables(table)
        found = regression(data["x"], data["y"], degree=degree, intercept=intercept)
        return coefficients(found, first=0 if intercept else 1)

    kind = "line" if degree == 1 else f"polynomial of degree {degree}"
    solve.__doc__ = f"Least squares: a {kind}{'' if intercept else ' through 0'}."
    registered: Callable[[Tables], Answers] = solve
    solves(table.lower())(registered)


_polynomial("Norris", degree=1)
_polynomial("NoInt1", degree=1, intercept=False)
_polynomial("NoInt2", degree=1, intercept=False)
_polynomial("Pontius", degree=2)
_polynomial("Filip", degree=10)
for _number in range(1, 6):
    _polynomial(f"Wampler{_number}", degree=5)


@solves("nist_longley")
def longley(tables: Tables) -> Answers:
    """Least squares with six predictors, nearly linearly dependent."""
    data = tables("nist_Longley")
    others = data[[f"x{number}" for number in range(2, 7)]]
    return coefficients(regression(data["x1"], data["y"], covariates=others))


@solves("anscombe")
def anscombe(tables: Tables) -> Answers:
    """Least squares, four times nearly the same line."""
    data = tables("anscombe")
    answers: Answers = {}
    for number in range(1, 5):
        found = regression(data[f"x{number}"], data[f"y{number}"])
        numbers = {
            "intercept": found.intercept.value, "slope": found.slope.value, "se_slope": found.std_err,
            "r2": found.r2.value, "adj_r2": found.adjusted_r2, "p": found.slope.p,
        }  # fmt: skip
        answers |= {f"set{number}.{name}": value for name, value in numbers.items()}
    return answers
