"""A metric on another measurement of the same images: line, R², subgroups, the paper's grid."""

from __future__ import annotations

from typing import Any

import param

from bactools.explore.pairs import LINES, MODELS, groupings, lines_of_groups, slopes
from bactools.explore.variables import counterparts, measured
from bactools.figures.figure5 import METRICS, grid
from bactools.figures.forest import forest
from bactools.figures.regression import scatter
from dashboards import parts
from dashboards.base import Page

ONE, GRID = "one metric", "the paper's five"

_LINE = ("metric", "against", "model")
_MODELS = {
    "least squares, by woman": "cluster", "least squares, naive": "ols", "mixed model": "mixed",
    "Deming": "deming", "Passing–Bablok": "passing-bablok", "Theil–Sen": "theil-sen",
}  # fmt: skip


class RegressionPage(Page):
    """Line and R² of a metric on another measurement."""

    slug = "regression"
    title = "Regression"
    icon = "show_chart"
    about = (
        "How well one measurement predicts another of the same images: each point is an image. R² is the"
        " share of the spread that the line explains; it does not see a constant error, so look at"
        " Agreement too."
    )

    part = param.Selector(default=ONE, objects=[ONE, GRID], label="Show")
    metric = param.Selector(default="tam_100", objects=["tam_100"], label="Metric")
    against = param.Selector(default="", objects=[""], label="Against")
    model = param.Selector(default="cluster", objects=_MODELS, label="Model")
    group = param.Selector(default="", objects={"no subgroups": ""}, label="Subgroups")
    identity = param.Boolean(default=True, label="Line of equality")
    prediction = param.Boolean(default=False, label="Band of a new image")

    def prepare(self) -> None:
        """Offer what the study holds."""
        cube = self.state.source.cube
        self.param.metric.objects = measured(cube)
        if self.metric not in self.param.metric.objects:
            self.metric = self.param.metric.objects[0]
        self.param.against.objects = counterparts(cube, self.state.others)
        if self.against not in self.param.against.objects:
            self.against = self.param.against.objects[0]
        names = groupings(cube)
        self.param.group.objects = {"no subgroups": "", **{name: name for name in names}}
        if self.group not in ("", *names):
            self.group = ""

    def show(self) -> list[Any]:
        """Return the scatter with its reading, and its subgroups; or the grid of the paper."""
        if self.part == GRID:
            return self._grid()
        cube, against = self._both(self.metric)
        if self.against == self.metric:
            return [parts.notice("A metric against itself says nothing: choose another.", kind="warning")]
        found = self.kept("line", lambda: self._line(cube, against), of=_LINE)
        more = {} if self.model in LINES else {"prediction": self.prediction}
        drawn = self.kept("figure", lambda: scatter(found, identity=self.identity, **more))
        shown = [parts.result(found, drawn, name="regression", click=self.open_exam)]
        return [*shown, *self._groups(cube, against)] if self.group else shown

    def _line(self, cube: Any, against: Any) -> Any:
        if self.model in LINES:
            return cube.bac.method_comparison(self.metric, against=against, method=self.model)
        return cube.bac.regression(self.metric, against=against, model=self.model)

    def _both(self, metric: str) -> tuple[Any, Any]:
        """Return the cube, and what its metric is compared with."""
        if self.against in self.state.others:
            return self.state.cube(metric), self.state.cube(metric, study=self.against)
        return self.state.cube(metric, self.against), self.against

    def _groups(self, cube: Any, against: Any) -> list[Any]:
        lines = self.kept(
            "groups",
            lambda: lines_of_groups(cube, self.metric, against, group=self.group, fit=self.model),
            of=(*_LINE, "group"),
        )
        title = f"By {self.group}"
        if not lines:
            return [parts.heading(title), parts.notice(f"No image has a {self.group}.", kind="warning")]
        rows = slopes(lines)
        name = f"regression-by-{self.group}"
        told = "\n".join(f"{label}: {line.interpret()}" for label, line in lines.items())
        shown: list[Any] = [parts.heading(title)]
        if rows["estimate"].notna().any():
            drawn = forest(rows, reference=1.0, log=False, name="slope", title=f"Slope by {self.group}")
            shown.append(parts.figure(drawn, name=name, table=rows))
        return [*shown, parts.words(told), parts.table(rows, name=name)]

    def _grid(self) -> list[Any]:
        other = self.against
        if other not in self.state.others:
            return [
                parts.notice(
                    "The grid compares all five metrics with those of another study, such as one of"
                    " annotations: choose a study under Against. "
                    + ("" if self.state.others else "None is served beside this one."),
                    kind="info",
                )
            ]
        ours, theirs = self.state.cube(*METRICS), self.state.cube(*METRICS, study=other)
        held = [name for name in METRICS if name in ours and name in theirs]
        if not held:
            return [parts.notice("The two studies have none of the paper's metrics in common.")]
        model = self.model if self.model in MODELS else "cluster"
        lines = self.kept(
            "lines",
            lambda: {name: ours.bac.regression(name, against=theirs, model=model) for name in held},
            of=("against", "model"),
        )
        limits = self.kept(
            "limits",
            lambda: {name: ours.bac.agreement(name, against=theirs) for name in held},
            of=("against",),
        )
        drawn = grid(lines, limits, metrics=held, identity=self.identity)
        told = "\n".join(f"{name}: {lines[name].interpret()} {limits[name].interpret()}" for name in held)
        tables = [
            parts.table(each[name].to_frame(), name=f"{what}-{name}")
            for name in held
            for what, each in (("regression", lines), ("agreement", limits))
        ]
        shown = parts.figure(drawn, name="five-metrics", table=lines[held[0]].points, click=self.open_exam)
        return [shown, parts.words(told), *tables]
