"""Networks: how well each did against drawn masks, which is better, and how large they are."""

from __future__ import annotations

from typing import Any

import param

from bactools.explore.models import SCORES, Evaluations
from bactools.figures.comparison import scores_and_differences
from bactools.figures.networks import parameter_bubbles
from bactools.stats.comparison.methods import compare
from dashboards import parts
from dashboards.base import Page

_EVERY = "*"  # no network can be called so
_HOW = (
    "Compare a study with drawn masks and keep the scores in its folder:"
    " bactools evaluate STUDY --truth DIR --network NAME. Scores of another network of the same images: its"
    " own study with --csv STUDY/evaluations/NAME.csv."
)


class ModelsPage(Page):
    """Scores, pairwise tests, size against accuracy."""

    slug = "models"
    title = "Models"
    icon = "hub"
    about = (
        "How well each network's outlines of calcification agree with those that were drawn by hand. A score"
        " of 1 is perfect. Networks are compared on the same images."
    )

    score = param.Selector(
        default="dice", objects={label: name for name, label in SCORES.items()}, label="Score"
    )
    reference = param.Selector(default="", objects={"our network": ""}, label="Compare with")
    test = param.Selector(default="t", objects=["t", "wilcoxon", "permutation"], label="Paired test")
    adjust = param.Selector(
        default="holm", objects=["holm", "hochberg", "hommel", "bonferroni", "bh", "by", "none"],
        label="p-values adjusted by",
    )  # fmt: skip

    def prepare(self) -> None:
        """Offer the networks that were evaluated."""
        names = self.state.source.evaluations.networks
        usual = self.state.source.evaluations.usual
        others = {name: name for name in names if name != usual}
        self.param.reference.objects = {usual or "our network": "", **others, "every pair": _EVERY}
        if self.reference not in ("", _EVERY, *others):
            self.reference = ""

    def show(self) -> list[Any]:
        """Return the table of scores, then tests, then sizes, or what they lack."""
        everything = self.state.source.evaluations
        found = everything.within(self.state.cube("image_id"))
        told = [parts.notice(problem, kind="warning") for problem in everything.problems]
        if not everything.networks:
            return [*told, parts.notice(f"No network was evaluated in this study. {_HOW}")]
        if not found.networks:
            say = (
                f"None of the {everything.table['image_id'].nunique()} evaluated images is in this cohort:"
                f" {self.state.cohort.words()}."
            )
            return [*told, parts.notice(say, kind="warning")]
        told += [
            parts.heading("Scores of whole images, mean ± SD"), parts.words(found.words),
            parts.table(found.told(), name="scores"),
        ]  # fmt: skip
        return [*told, *self._tests(found), *self._sizes(found)]

    def _tests(self, found: Evaluations) -> list[Any]:
        head = parts.heading("Which is better")
        if len(found.networks) < 2:
            say = f"{found.networks[0]} is the only network here, so nothing can be compared with it. {_HOW}"
            return [head, parts.notice(say)]
        wide, keys = found.side_by_side(self.score)
        reference: str | None = self.reference if self.reference in found.networks else found.usual
        if self.reference == _EVERY:
            reference = None
        tested = compare(
            wide, keys=keys, test=self.test, adjust=self.adjust, reference=reference,
            name=SCORES[self.score], n_bootstrap=400,
        )  # fmt: skip
        shown = parts.result(tested, scores_and_differences(tested), name="differences", click=self.open_exam)
        return [head, shown]

    def _sizes(self, found: Evaluations) -> list[Any]:
        head = parts.heading("Size against accuracy")
        table = found.sizes(self.score)
        if not (table["parameters"] > 0).any():
            say = "How large these networks are is not known: add a column parameters to their tables."
            return [head, parts.notice(say)]
        drawn = parameter_bubbles(
            table, score=f"mean {SCORES[self.score]}", highlight=found.usual, note=self.state.source.note
        )
        return [head, parts.figure(drawn, name="size-and-score", table=found.scores())]
