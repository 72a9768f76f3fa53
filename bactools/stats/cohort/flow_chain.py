"""The chain of steps and losses behind a flow, and how exams and women are counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from bactools.conventions import DONE
from bactools.stats.cohort.exam_table import ExamTable

NOT_SELECTED = "not in the part of the cube that is analysed"


@dataclass
class Chain:
    """Steps and losses as they are found."""

    steps: list[tuple[str, str, str, int]] = field(default_factory=list)
    losses: list[tuple[str, str, str, int]] = field(default_factory=list)

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return steps and losses as tables."""
        return (
            pd.DataFrame(self.steps, columns=["step", "unit", "label", "n"]),
            pd.DataFrame(self.losses, columns=["step", "reason", "label", "n"]),
        )

    def step(self, key: str, unit: str, label: str, n: int) -> None:
        """Note what is left."""
        self.steps.append((key, unit, label, n))

    def lose(self, reasons: pd.Series, *, words: dict[str, str] | None = None) -> None:
        """Note losses after the last step, the most frequent reason first."""
        counts = reasons.value_counts()
        for code, n in sorted(counts.items(), key=lambda item: (-item[1], str(item[0]))):
            label = (words or {}).get(str(code), str(code).replace("_", " "))
            self.losses.append((self.steps[-1][0], str(code), label, int(n)))

    def lose_one(self, code: str, label: str, n: int) -> None:
        """Note losses for one reason, if there are any."""
        if n:
            self.losses.append((self.steps[-1][0], code, label, n))


def views_of_exams(exams: ExamTable) -> pd.DataFrame:
    """Return the number of views measured of each exam that has one: subject (a code), view."""
    views = (exams.status == DONE).sum(axis=1)
    seen = views > 0
    return pd.DataFrame({"subject": exams.at["subject"][seen], "view": views[seen]})


def count_exams(chain: Chain, views: pd.DataFrame, n_views: int) -> None:
    """Count exams and women, of one row per exam: subject, and view, the number of them."""
    chain.step("exams", "exams", "exams with an image measured", len(views))
    for lacking in range(1, n_views):
        n = int((views["view"] == n_views - lacking).sum())
        chain.lose_one(f"lacks_{lacking}", f"lack {lacking} of {n_views} views", n)
    complete = views[views["view"] >= n_views]
    chain.step("complete_exams", "exams", f"complete exams, all {n_views} views measured", len(complete))
    women = views["subject"].nunique()
    per_woman = complete.groupby("subject").size()
    chain.step("women", "women", "women with an image measured", int(women))
    chain.lose_one("no_complete_exam", "without a complete exam", int(women) - len(per_woman))
    chain.step("women_complete", "women", "women with a complete exam", len(per_woman))
    chain.lose_one("one_exam", "with only one complete exam", int((per_woman == 1).sum()))
    chain.step("women_followed", "women", "women with two complete exams or more", int((per_woman > 1).sum()))
