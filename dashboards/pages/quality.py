"""Quality: what dropped out, what drifts, whether views agree, and where the numbers came from."""

from __future__ import annotations

from typing import Any

import param

from bactools.explore.quality import (
    concordances,
    drift,
    evenly,
    exclusions,
    failures,
    provenance,
    wanted,
)
from bactools.explore.variables import measured
from bactools.figures.forest import forest
from bactools.figures.quality import drift as drawn
from dashboards import parts
from dashboards.base import Page

DROPPED, DRIFT, VIEWS, ORIGIN = "what dropped out", "drift", "views", "provenance"

_MOST_WOMEN = {DRIFT: 50_000, VIEWS: 2_000}
_USED = {"metric": (DRIFT, VIEWS), "number": (DRIFT,)}
_NUMBERS = {
    "the metric, median": "value",
    "share of images without any": "zero",
    "detector spacing, median [mm]": "spacing_detector_mm",
    "share scaled by own content": "guessed",
    "breast area, median [pixel]": "breast_area",
    "share of the year's images": "share",
}


class QualityPage(Page):
    """Failures, exclusions, drift, consistency of views, provenance."""

    slug = "quality"
    title = "Quality"
    icon = "fact_check"
    about = "What was left out and why, what drifts over the years, and what computed the numbers."

    part = param.Selector(default=DROPPED, objects=[DROPPED, DRIFT, VIEWS, ORIGIN], label="Show")
    metric = param.Selector(default="tam_100", objects=["tam_100"], label="Metric")
    number = param.Selector(default="value", objects=_NUMBERS, label="Drift of")

    def prepare(self) -> None:
        """Offer the metrics that the study holds."""
        self.param.metric.objects = measured(self.state.source.cube) or ["tam_100"]
        if self.metric not in self.param.metric.objects:
            self.metric = self.param.metric.objects[0]

    def show(self) -> list[Any]:
        """Return the part that is asked for."""
        shown = {DROPPED: self._dropped, DRIFT: self._drift, VIEWS: self._views, ORIGIN: self._origin}
        return shown[self.part]()

    def _dropped(self) -> list[Any]:
        source = self.state.source
        out, failed = exclusions(source.index), failures(source.images)
        shown = [parts.words("These count the whole study: what was left out belongs to no cohort.")]
        for title, table, none, name in (
            ("Files that were excluded", out, "No file was excluded.", "exclusions"),
            ("Images that could not be measured", failed, "No image failed.", "failures"),
        ):
            shown += [
                parts.heading(title),
                parts.table(table, name=name) if len(table) else parts.notice(none),
            ]
        return shown

    def _drift(self) -> list[Any]:
        cube = self.state.cube(*wanted(self.state.source.cube, self.metric))
        some, told = self._some(cube)
        table = self.kept(DRIFT, lambda: drift(some, self.metric), of=("metric",))
        if table.empty or self.number not in table or not table[self.number].notna().any():
            return [parts.notice("This is not known of any image of the cohort.", kind="warning")]
        named = {column: name for name, column in _NUMBERS.items()}[self.number]
        name = self.metric if self.number == "value" else named
        units = str(cube[self.metric].attrs.get("units", "")) if self.number == "value" else ""
        return [
            *told,
            parts.figure(
                drawn(table, column=self.number, name=name, units=units, note=self.state.source.note),
                name="drift", table=table,
            ),
            parts.words("A step in a year when a vendor or a detector changed is rarely biology."),
            parts.table(
                table.rename(columns={column: name for name, column in _NUMBERS.items()}),
                name="drift-by-year",
            ),
        ]  # fmt: skip

    def _views(self) -> list[Any]:
        cube = self.state.cube("status", self.metric)
        some, told = self._some(cube)
        found = self.kept(VIEWS, lambda: some.bac.view_consistency(self.metric), of=("metric",))
        if not found.estimable:
            return [*told, parts.result(found, name="views")]
        picture = forest(
            concordances(found), log=False, name="concordance (CCC)", title=found.title, note=found.note
        )
        return [*told, parts.result(found, picture, name="views")]

    def _some(self, cube: Any) -> tuple[Any, list[Any]]:
        """Return what can be computed while one waits, and a word if that is not all."""
        some = evenly(cube, _MOST_WOMEN[self.part])
        if some is cube:
            return cube, []
        n, of = some.sizes["subject"], cube.sizes["subject"]
        return some, [parts.notice(f"From {n:,} of {of:,} women, evenly chosen: all would take long.")]

    def _origin(self) -> list[Any]:
        return [parts.table(provenance(self.state.source.about), name="provenance")]

    def _widget(self, name: str) -> Any:
        made = super()._widget(name)
        if name in _USED:
            # what does nothing for a part is not offered there
            made.visible = self.param.part.rx().rx.pipe(lambda part: part in _USED[name])
        return made
