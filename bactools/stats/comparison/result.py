"""What a comparison of networks, readers or groups found."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pandas as pd

from bactools.stats.comparison.effects import EFFECT_WORDS
from bactools.stats.comparison.multiplicity import WORDS
from bactools.stats.result import Estimate, Result, StatsError, number, p_words

_TOLD = 5
_FEW = 30

_TESTS = {
    "t": "t test",
    "wilcoxon": "Wilcoxon's signed-rank test",
    "permutation": "sign-flip permutation test",
    "pooled": "t test with the SD of all groups together",
    "student": "t test with the SD of the two groups",
    "welch": "Welch's t test",
    "tukey": "Tukey's honest significant difference",
}

_REPEATS = {
    "robust": "Images of one woman are alike, which these intervals allow for (cluster-robust, by woman).",
    "bootstrap": "Images of one woman are alike, which these intervals allow for (women resampled).",
    "means": "Each woman counts once, with the mean of her images.",
    "pooled": "Careful: images of one woman were taken as independent, so intervals are too narrow.",
}


@dataclass(frozen=True)
class Difference:
    """One method against another.

    Attributes
    ----------
    a, b : str
        Whose they are.
    difference : Estimate
        Mean of a - b, its interval (not adjusted, but for Tukey's) and the p-value of the test.
    effect : Estimate
        Standardised size of the difference.
    p_adjusted : float
        The p-value that allows for the number of tests; NaN where there is none.
    n, n_subjects, n_dropped : int
        Images in both, their women, and images that only one of the two has.
    """

    a: str
    b: str
    difference: Estimate
    effect: Estimate
    p_adjusted: float
    n: int
    n_subjects: int
    n_dropped: int = 0

    def swapped(self) -> Difference:
        """Return b against a."""
        return replace(
            self, a=self.b, b=self.a, difference=_negated(self.difference), effect=_negated(self.effect)
        )


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """Differences between methods, pair by pair.

    Attributes
    ----------
    differences : tuple of Difference
    scores : DataFrame
        One row per method: method, mean, sd, median, n, n_subjects, n_missing (images that another method
        has).
    points : DataFrame
        What was compared: one row per image with its keys and a column per method; of groups one row
        per value with the columns group and value.
    methods : tuple of str
    test, adjust, effect, repeats : str
        As asked for; `repeats` is "" where no woman repeats.
    confidence : float
    naive : Comparison or None
        The paired test that takes every image as independent, beside one that does not.
    smallest_p : float
        Below it a resampled p-value cannot fall; 0 for others.
    name, units : str
        What the score is.
    reason, note : str
    """

    differences: tuple[Difference, ...]
    scores: pd.DataFrame
    points: pd.DataFrame
    methods: tuple[str, ...]
    test: str
    adjust: str
    effect: str
    repeats: str
    confidence: float
    naive: Comparison | None = None
    smallest_p: float = 0.0
    name: str = "score"
    units: str = ""
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        shown = ", ".join(self.methods) if len(self.methods) <= 3 else f"{len(self.methods)} methods"
        return f"Comparison of {shown} by {self.name}"

    def pair(self, a: str, b: str) -> Difference:
        """Return the difference a - b of two methods, in either order.

        Raises
        ------
        StatsError
            If the two were not compared.
        """
        for found in self.differences:
            if (found.a, found.b) == (a, b):
                return found
            if (found.a, found.b) == (b, a):
                return found.swapped()
        raise StatsError(f"{a!r} and {b!r} were not compared: choose two of {', '.join(self.methods)}")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pair; naive interval and p-value beside the clustered ones if there are both."""
        rows = [
            {
                "a": d.a, "b": d.b, "difference": d.difference.value, "se": d.difference.se,
                "ci_low": d.difference.low, "ci_high": d.difference.high, "effect": d.effect.value,
                "effect_low": d.effect.low, "effect_high": d.effect.high, "p": d.difference.p,
                "p_adjusted": d.p_adjusted, "n": d.n, "n_subjects": d.n_subjects, "n_dropped": d.n_dropped,
            }
            for d in self.differences
        ]  # fmt: skip
        table = pd.DataFrame(rows)
        if self.naive is not None:
            plain = [d.difference for d in self.naive.differences]
            table["naive_ci_low"], table["naive_ci_high"] = [d.low for d in plain], [d.high for d in plain]
            table["naive_p_adjusted"] = [d.p_adjusted for d in self.naive.differences]
        reasons = [d.difference.reason for d in self.differences]
        return table.assign(reason=reasons) if any(reasons) else table

    def _words(self) -> str:
        made = [d for d in self.differences if d.difference.estimable]
        told = [self._score_words(), *self._difference_words(made)]
        lost = [d for d in self.differences if not d.difference.estimable]
        told += [f"{d.a} and {d.b}: {d.difference.words()}." for d in lost[:_TOLD]]
        if self.repeats:
            told.append(_REPEATS[self.repeats])
        if self.naive is not None:
            told.append(f"Taken as independent, {self.naive.count_words()}.")
        if self.smallest_p and any(d.difference.p <= self.smallest_p * 1.001 for d in made):
            told.append(
                f"A resampled p cannot fall below {number(self.smallest_p)}: more resamples (n_bootstrap=)"
                " may give a smaller one."
            )
        dropped = max((d.n_dropped for d in self.differences), default=0)
        if dropped:
            told.append(f"Images that one of two methods lacks are left out of that pair (up to {dropped}).")
        fewest = min((d.n_subjects for d in made), default=0)
        if 0 < fewest < _FEW:
            told.append(f"{fewest} women are few.")
        told.append("No significant difference is no proof of equality: look at how wide the interval is.")
        return " ".join(told)

    def count_words(self) -> str:
        """Return how many pairs differ, as the end of a sentence."""
        made = [d for d in self.differences if d.difference.estimable]
        sure = [d for d in made if d.p_adjusted < 1 - self.confidence]
        pairs = "pair differs" if len(sure) == 1 else "pairs differ"
        return f"{len(sure)} of {len(made)} {pairs} (p < {number(1 - self.confidence)})"

    def _score_words(self) -> str:
        unit = f" {self.units}" if self.units and self.units != "1" else ""
        ordered = self.scores.dropna(subset="mean").sort_values("mean", ascending=False)
        shown = [
            f"{method} {number(mean)} ± {number(sd)}{unit}"
            for method, mean, sd in ordered.head(_TOLD)[["method", "mean", "sd"]].to_numpy()
        ]
        more = f" and {len(ordered) - _TOLD} more" if len(ordered) > _TOLD else ""
        return f"Mean {self.name} ± SD, highest first: {', '.join(shown)}{more}."

    def _difference_words(self, made: list[Difference]) -> list[str]:
        whose = "without adjustment" if self.adjust == "none" else f"with {WORDS[self.adjust]} adjustment"
        count = self.count_words()
        told = [f"By {_TESTS[self.test]} {whose}, {count}."]
        ordered = sorted(made, key=lambda d: d.p_adjusted)
        listed = [d for d in ordered if d.p_adjusted < 1 - self.confidence] or ordered
        for d in listed[:_TOLD]:
            effect = f", {EFFECT_WORDS[self.effect]} {number(d.effect.value)}" if d.effect.estimable else ""
            sure = p_words(d.p_adjusted)
            told.append(f"{d.a} minus {d.b}: {d.difference.words(units=self.units)}, {sure}{effect}.")
        return told


def _negated(found: Estimate) -> Estimate:
    if math.isnan(found.value):
        return found
    return replace(found, value=-found.value, low=-found.high, high=-found.low)
