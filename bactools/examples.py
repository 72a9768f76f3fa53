"""Studies to try things on: the paper's cohorts replayed small, real films, simulated numbers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path

import pandas as pd
import platformdirs
from filelock import FileLock

import bactools.accessor  # noqa: F401  (cubes of examples have ``cube.bac``)
from bactools.study import Study, open_study
from bactools.truth import Truth, open_truth

PLACE = "BACTOOLS_EXAMPLES"
"""The environment variable that names another folder for them."""

_SEED = 1
_MADE = "1"  # other numbers come out of other code: raise it when that happens


class ExampleError(ValueError):
    """An example that is not known or cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Cohort:
    """A cohort of `bactools.phantom`, of few women and small breasts."""

    design: str
    women: int
    scale: float


@dataclass(frozen=True)
class Numbers:
    """A cube of simulated numbers, see `bactools.testing.simulate_study`; there are no images."""

    women: int
    histograms: bool = False
    outcomes: bool = False


@dataclass(frozen=True)
class Films:
    """The eight real mammograms of `bactools.demo`."""


EXAMPLES: Mapping[str, Cohort | Numbers | Films] = {
    "cohort-a": Cohort("A", 20, 0.15),
    "cohort-b": Cohort("B", 10, 0.25),
    "cohort-c": Cohort("C", 5, 0.15),
    "films": Films(),
    "screening": Numbers(400, outcomes=True),
    "thresholds": Numbers(60, histograms=True),
}
"""What `open_example` knows."""


@dataclass(frozen=True, eq=False)
class Example:
    """A study to try things on, and what is true of it.

    Attributes
    ----------
    study : Study
    truth : Truth, optional
        The folder of annotated images that it was measured from: of cohorts.
    key : path, optional
        The key of its pseudonyms.
    """

    study: Study
    truth: Truth | None = None
    key: Path | None = None

    @property
    def breast_ct(self) -> pd.DataFrame:
        """Breast-CT readings, one row per breast: ``subject``, ``breast``, ``date`` and two measures.

        Raises
        ------
        ExampleError
            If there are none.
        """
        held = self._table("breasts").rename(columns={"laterality": "breast"})
        return held[["subject", "breast", "date", "ct_mass_mg", "ct_voxels"]]

    @property
    def women(self) -> pd.DataFrame:
        """What is known of each woman, by ``subject``.

        Raises
        ------
        ExampleError
            If nothing is.
        """
        return self._table("subjects")

    def _table(self, name: str) -> pd.DataFrame:
        from bactools.dicom.privacy import Pseudonymiser, load_key

        if self.truth is None or self.key is None:
            raise ExampleError("only the examples cohort-a, cohort-b and cohort-c have such a table")
        names = Pseudonymiser(load_key(self.key))
        held = self.truth.table(name)
        held.insert(0, "subject", [names.subject(str(each)) for each in held.pop("patient_id")])
        return held


def open_example(
    name: str, *, folder: str | os.PathLike[str] | None = None, say: Callable[[str], None] = print
) -> Example:
    """Open a study to try things on; make it first where it is not there yet, in a minute or two.

    Parameters
    ----------
    name : str
        Of `EXAMPLES`. ``cohort-a``, ``cohort-b`` and ``cohort-c`` are the paper's cohorts with few synthetic
        women and small breasts, measured with the weights ``phantom``; ``films`` are eight real
        mammograms; ``screening`` and ``thresholds`` are simulated numbers without images.
    folder : path, optional
        Where examples are kept; by default what ``BACTOOLS_EXAMPLES`` names, else the user's cache.
    say : callable
        Is told in a line what happens.

    Returns
    -------
    Example

    Raises
    ------
    ExampleError
        If there is none of that name, or a process that was started for work calls this.
    bactools.demo.DemoError
        If the films cannot be downloaded.
    """
    plan = EXAMPLES.get(name)
    if plan is None:
        raise ExampleError(f"no example {name[:40]!r}: choose {', '.join(EXAMPLES)}")
    if parent_process() is not None:
        raise ExampleError("open examples in the main process: under if __name__ == '__main__':")
    root = (_place() if folder is None else Path(folder)) / name
    root.parent.mkdir(parents=True, exist_ok=True)
    done = root / "made"
    with FileLock(f"{root}.lock"):
        if not done.is_file() or done.read_text(encoding="ascii") != _MADE:
            say(f"making the example {name} once; later it is only opened")
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            _make(plan, root)
            done.write_text(_MADE, encoding="ascii")
    if isinstance(plan, Cohort):
        return Example(open_study(root / "study"), open_truth(root / "images"), root / "key")
    return Example(open_study(root / "study"))


def _place() -> Path:
    named = os.environ.get(PLACE)
    return Path(named) if named else Path(platformdirs.user_cache_dir("bactools")) / "examples"


def _make(plan: Cohort | Numbers | Films, root: Path) -> None:
    if isinstance(plan, Numbers):
        from bactools.testing import simulate_study

        simulate_study(root / "study", plan.women, histograms=plan.histograms, outcomes=plan.outcomes)
        return
    from bactools.cluster import run

    if isinstance(plan, Films):
        from bactools.demo import fetch_mammograms

        images = fetch_mammograms()
    else:
        from bactools.phantom.cohorts import make_cohort

        made = make_cohort(plan.design, root / "images", seed=_SEED, scale=plan.scale, women=plan.women)
        images = made.folder / "images"
    run(images, root / "study", weights="phantom", workers=0, key=root / "key", progress=False)
