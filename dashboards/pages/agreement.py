"""Bland–Altman: a metric against another measurement of the same images."""

from __future__ import annotations

from typing import Any

import param

from bactools.explore.pairs import agreement_of_groups, groupings
from bactools.explore.variables import counterparts, measured
from bactools.figures.agreement import bland_altman
from bactools.figures.forest import forest
from dashboards import parts
from dashboards.base import Page

_LIMITS = ("metric", "against", "scale", "limits", "interval")
_INTERVALS = {"usual": "", "MOVER": "mover", "women resampled": "bootstrap"}


class AgreementPage(Page):
    """Bias and limits of agreement."""

    slug = "agreement"
    title = "Agreement"
    icon = "compare_arrows"
    about = (
        "How far two measurements of the same images differ: each point is an image, its height the"
        " difference of the two. Most differences lie between the limits of agreement."
    )

    metric = param.Selector(default="tam_100", objects=["tam_100"], label="Metric")
    against = param.Selector(default="", objects=[""], label="Against")
    scale = param.Selector(
        default="difference", objects=["difference", "percent", "log", "ratio"], label="Scale"
    )
    limits = param.Selector(
        default="parametric", objects=["parametric", "nonparametric", "regression"], label="Limits"
    )
    interval = param.Selector(default="", objects=_INTERVALS, label="Intervals")
    group = param.Selector(default="", objects={"no subgroups": ""}, label="Subgroups")
    trend = param.Boolean(default=False, label="Trend line")
    naive = param.Boolean(default=True, label="Naive limits")

    def prepare(self) -> None:
        """Offer what the study holds."""
        cube = self.state.source.cube
        self.param.metric.objects = measured(cube)
        if self.metric not in self.param.metric.objects:
            self.metric = self.param.metric.objects[0]
        names = groupings(cube)
        self.param.group.objects = {"no subgroups": "", **{name: name for name in names}}
        if self.group not in ("", *names):
            self.group = ""
        self.param.against.objects = counterparts(cube, self.state.others)
        if self.against not in self.param.against.objects:
            self.against = self.param.against.objects[0]

    def show(self) -> list[Any]:
        """Return the plot, its reading and its numbers."""
        other = self.against
        if other in self.state.others:
            cube, against = self.state.cube(self.metric), self.state.cube(self.metric, study=other)
        else:
            cube, against = self.state.cube(self.metric, other), other
        if self.against == self.metric:
            return [parts.notice("A metric agrees with itself: choose another.", kind="warning")]
        options: dict[str, Any] = {"scale": self.scale, "limits": self.limits}
        if self.interval:
            options["interval"] = self.interval
        found = self.kept(
            "limits", lambda: cube.bac.agreement(self.metric, against=against, **options), of=_LIMITS
        )
        drawn = self.kept("figure", lambda: bland_altman(found, trend=self.trend, naive=self.naive))
        shown = [parts.result(found, drawn, name="agreement", click=self.open_exam)]
        return [*shown, *self._groups(cube, against, options)] if self.group else shown

    def _groups(self, cube: Any, against: Any, options: dict[str, Any]) -> list[Any]:
        found = self.kept(
            "groups",
            lambda: agreement_of_groups(cube, self.metric, against, group=self.group, **options),
            of=(*_LIMITS, "group"),
        )
        heading = parts.heading(f"By {self.group}")
        if not found.estimable:
            return [heading, parts.notice(found.interpret(), kind="warning")]
        rows = found.forest("bias", "lower", "upper")
        name = f"agreement-by-{self.group}"
        shown: list[Any] = [heading]
        if rows["estimate"].notna().any():
            drawn = forest(
                rows, log=self.scale == "ratio", name="difference", title=f"Bias and limits by {self.group}",
                units=found.overall.units if self.scale == "difference" else "", note=found.note,
            )  # fmt: skip
            shown.append(parts.figure(drawn, name=name, table=rows))
        return [*shown, parts.words(found.interpret()), parts.table(found.to_frame(), name=name)]
