"""Progression: how burden grows, who progressed, and one woman's exams with her images."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui
import param

from bactools.explore import controls
from bactools.explore.film_strip import views_of, women
from bactools.explore.progress import evenly, exams, foremost, progressors
from bactools.explore.variables import measured
from bactools.figures.rates import rates
from bactools.figures.trajectories import spaghetti, woman
from bactools.stats.trajectories import Trajectories
from bactools.stats.trajectories.progressors import Progression
from dashboards import parts
from dashboards.base import Page
from dashboards.film_strip import FilmStrip
from dashboards.state import State

_FITTED = ("metric", "per", "combine", "incomplete", "group", "scale")
EVERYONE, WHO, ONE = "everyone", "who progressed", "one woman"

_MOST_GROUPS = 8
_LONGEST = 64
_MOST_STRANDS, _MOST_RATES = 300, 200


class TrajectoriesPage(Page):
    """Rates per year, and women one by one."""

    slug = "trajectories"
    title = "Trajectories"
    icon = "timeline"
    about = (
        "How calcification grows from exam to exam. Each thin line is a woman, each thick line the mean of a"
        " group. A woman progressed if she changed by more than measurement error explains."
    )

    part = param.Selector(default=EVERYONE, objects=[EVERYONE, WHO, ONE], label="Show")
    metric = param.Selector(default="tam_100", objects=["tam_100"], label="Metric")
    per = param.Selector(default="woman", objects=["woman", "breast", "view"], label="Added up per")
    combine = param.Selector(default="sum", objects=["sum", "mean"], label="Images are")
    incomplete = param.Selector(
        default="leave out", objects=["leave out", "scale", "as is"], label="Exams lacking a view"
    )
    group = param.Selector(default="", objects={"no groups": ""}, label="Groups")
    scale = param.Selector(default="raw", objects=["raw", "log"], label="Scale")
    woman = param.String(default="", label="Woman")
    images = param.Selector(default="", objects={"first": ""}, label="Images of view")

    def __init__(self, state: State, **options: object) -> None:
        self._of: tuple[str, str] = ("", "")
        self._women: list[str] = []
        super().__init__(state, **options)

    def prepare(self) -> None:
        """Offer what the study holds."""
        source = self.state.source
        if self._of == (source.name, source.version):
            return
        cube = source.cube
        if self._of[0] not in ("", source.name):
            self.woman = ""
        self._of = (source.name, source.version)
        self.param.metric.objects = measured(cube)
        if self.metric not in self.param.metric.objects:
            self.metric = self.param.metric.objects[0]
        few = [c.name for c in controls(cube) if c.kind == "choice" and len(c.choices) <= _MOST_GROUPS]
        self.param.group.objects = {"no groups": "", **{name: name for name in few}}
        if self.group not in ("", *few):
            self.group = ""
        views = views_of(cube)
        self.param.images.objects = {f"{views[0]} (first)": "", **{view: view for view in views}}
        if self.images not in ("", *views):
            self.images = ""
        self._women = women(cube)

    def show(self) -> list[Any]:
        """Return what is asked for: everyone's trajectories, who progressed, or one woman."""
        found, told = self._fit()
        if self.part == ONE:
            return self._one(found, told)
        if self.part == WHO:
            return self._who(found, told)
        return self._everyone(found)

    def _everyone(self, found: Trajectories) -> list[Any]:
        marked = self.woman if len(exams(found, self.woman)) else None
        drawn = spaghetti(found, most=_MOST_STRANDS, highlight=marked)
        shown = [parts.figure(drawn, name="trajectories", table=found.points, click=self.open_exam)]
        if not found.estimable:
            return [parts.notice(found.interpret(), kind="warning"), *shown]
        return [
            *shown, parts.words(found.interpret()), parts.table(found.to_frame(), name="rates-per-year"),
        ]  # fmt: skip

    def _who(self, found: Trajectories, told: Progression) -> list[Any]:
        if not told.n:
            return [parts.notice(told.interpret(), kind="warning")]
        shown: list[Any] = [parts.words(told.interpret())]
        some, theirs = evenly(found, told, most=_MOST_RATES)
        if some is not found:
            say = f"{len(some.women)} of {told.n} are drawn, evenly chosen by their rate, and counted beside."
            shown.append(parts.words(say))
        shown.append(parts.figure(rates(some, theirs), name="rates", table=found.women, click=self._choose))
        if told.estimable and told.n_progressed:
            rows = progressors(told)
            listed = parts.table(rows, name="progressors")
            listed[0].on_click(lambda event: self._choose({"subject": str(rows["subject"].iloc[event.row])}))
            shown += [parts.heading("Progressors"), listed]
        return [*shown, parts.words("A click on a point or a row shows her exams.")]

    def _one(self, found: Trajectories, told: Progression) -> list[Any]:
        subject = self.woman or foremost(found)
        hers = exams(found, subject)
        if not len(hers):
            say = f"There is no exam of {subject} in this cohort." if subject else "There is no exam."
            return [parts.notice(say, kind="warning")]
        strip = FilmStrip(
            self.state.source, self.state.cube(self.metric), subject, self.metric, open_exam=self.open_exam,
            view=self.images or views_of(self.state.source.cube)[0],
        )  # fmt: skip
        drawn = woman(found, subject, told)
        return [
            parts.heading(subject),
            parts.words("" if self.woman else "She rose most; choose another woman above."),
            strip.view(),
            parts.figure(drawn, name="woman", table=hers, click=self.open_exam),
            parts.table(hers, name="exams"),
        ]

    def _fit(self) -> tuple[Trajectories, Progression]:
        """Return what was found for these options."""
        cube = self.state.cube(self.metric)

        def fitted() -> tuple[Trajectories, Progression]:
            found = cube.bac.trajectories(
                self.metric, per=self.per, combine=self.combine, incomplete=self.incomplete,
                group=self.group or None, scale=self.scale, engine="exact",
            )  # fmt: skip
            return found, found.progressed()

        return self.kept("fit", fitted, of=_FITTED)

    def _choose(self, point: dict[str, str]) -> None:
        """Show a woman by herself; without one, who rose most."""
        self.param.update(woman=point.get("subject", "")[:_LONGEST], part=ONE)

    def _widget(self, name: str) -> Any:
        if name == "part":
            return pmui.RadioButtonGroup.from_param(self.param.part, label="Show", size="small", width=360)
        return self._picker() if name == "woman" else super()._widget(name)

    def _picker(self) -> pmui.AutocompleteInput:
        """Return a field that offers women by name; it holds None where the option is empty."""
        field = pmui.AutocompleteInput(
            label="Woman", options=self._women, value=self.woman or None, width=210, size="small",
            case_sensitive=False, search_strategy="includes", restrict=False, min_characters=1,
            placeholder="who rose most",
        )  # fmt: skip

        def picked(event: Any) -> None:
            if (event.new or "") != self.woman:
                self._choose({"subject": event.new or ""})

        def chosen(event: Any) -> None:
            field.value = event.new or None

        field.param.watch(picked, "value")
        self.param.watch(chosen, "woman")
        return field
