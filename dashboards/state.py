"""What all pages of one visitor share: the study, the cohort, the exam that was clicked."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial

import param
import xarray as xr

from bactools.explore import Cohort, CohortError, Source
from dashboards import background


class State(param.Parameterized):
    """The state of a session.

    Parameters
    ----------
    sources : list of Source
        The studies that are served.
    """

    study = param.Selector(objects=[""], doc="Name of the study that is shown.")
    cohort = param.ClassSelector(class_=Cohort, default=Cohort(), doc="Which women and exams.")
    page = param.String(default="", doc="Slug of the page that is shown.")
    exam = param.Dict(default={}, doc="The exam that was clicked: subject, date, view.")
    problem = param.String(default="", doc="What was wrong with the link.")

    def __init__(self, sources: Sequence[Source], **params: object) -> None:
        self._sources = {source.name: source for source in sources}
        super().__init__(**params)
        self.param.study.objects = list(self._sources)
        self.study = next(iter(self._sources))
        self._turn = 0
        self._sure = Cohort()
        """The last cohort that was surely understood."""
        self.param.watch(self._fit, "study")
        self.param.watch(self._make_sure, ["study", "cohort"])

    @property
    def source(self) -> Source:
        """The study that is shown."""
        return self._sources[self.study]

    @property
    def others(self) -> list[str]:
        """Names of the other studies."""
        return [name for name in self._sources if name != self.study]

    def cube(self, *metrics: str, study: str = "") -> xr.Dataset:
        """Return the cohort's part of a study's cube, with these variables per image only.

        Parameters
        ----------
        *metrics : str
            All if none is named.
        study : str
            Another study, by name; its women are chosen by the cohort of this one.
        """
        own = self.source
        return self._sources[study or self.study].part(self.cohort, *metrics, asked=own)

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Equal for the same cohort of the same studies in the same versions."""
        versions = tuple((name, source.version) for name, source in self._sources.items())
        return (self.study, versions, self.cohort.key)

    def tell(self, problem: str) -> None:
        """Add to what was wrong with the link."""
        self.problem = f"{self.problem} {problem}".strip()

    def read(self, query: Mapping[str, str]) -> None:
        """Take study and cohort from the parameters of a link, which anyone may have written."""
        name = query.get("study", "")
        if name and name not in self._sources:
            self.tell("The link names a study that is not served here.")
        elif name:
            self.study = name
        try:
            self.cohort = Cohort.from_query(query, self.source.cube, self.source.study)
        except CohortError as error:
            self.cohort = Cohort()
            self.tell(f"The link's cohort was not understood, so everyone is shown: {error}.")

    def write(self) -> dict[str, str]:
        """Return study, page and cohort as parameters of a link."""
        return {"study": self.study, "page": self.page, **self.cohort.to_query()}

    def _fit(self, *events: object) -> None:
        """Let everyone in again if the cohort names what the study now shown does not hold."""
        try:
            self.cohort = Cohort.from_query(self.cohort.to_query(), self.source.cube, self.source.study)
        except CohortError:
            self.cohort = Cohort()
        self._sure = Cohort()

    def _make_sure(self, *events: object) -> None:
        """Ask the cohort's query; if it cannot be answered, the cohort stays what it was."""
        self._turn += 1
        turn, cohort = self._turn, self.cohort
        if not cohort.sql:
            self._sure = cohort
            return
        background.run(
            partial(_refusal, self.source, cohort), then=partial(self._answered, turn, cohort),
            wanted=lambda: turn == self._turn,
        )  # fmt: skip

    def _answered(self, turn: int, cohort: Cohort, refusal: str | None) -> None:
        if turn != self._turn:
            return
        if refusal == "":
            self._sure = cohort
            return
        before = self._sure if self._sure.key != cohort.key else Cohort()
        self.tell(
            f"The query was not answered, so the cohort is {before.words()}:"
            f" {refusal or 'something went wrong'}."
        )
        self.cohort = before
        self.param.trigger("page")  # the words stand above the page


def _refusal(source: Source, cohort: Cohort) -> str:
    """Return why a cohort's query cannot be answered, empty if it can."""
    try:
        source.part(cohort, "status")
    except CohortError as error:
        return str(error)
    return ""
