"""A folder of mammograms to a study: index, measure what is not measured yet, write the cube."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from distributed import Client
from filelock import Timeout
from tqdm.auto import tqdm

from bactools.cluster.work import SchedulerLost, Task, control_c_held_back, measure_here, measure_on
from bactools.cluster.workers import NoWorkers, default_workers, local_client
from bactools.conventions import Maps
from bactools.dicom import Index, index_folder
from bactools.dicom.privacy import write_linkage
from bactools.inference import load_predictor
from bactools.networks.checkpoint import note
from bactools.networks.weights import Weights, resolve
from bactools.quantify import Outcome
from bactools.recipe import Recipe, named
from bactools.study import Study, StudyError, create_study
from bactools.study.files import linkage_of


class Interrupted(RuntimeError):
    """A run that ended before all images were finished; what was finished is in the study.

    Attributes
    ----------
    by_user : bool
        Stopped from the keyboard, not by a lost scheduler.
    """

    def __init__(self, message: str, *, by_user: bool) -> None:
        super().__init__(message)
        self.by_user = by_user


def run(
    folder: str | Path,
    out: str | Path,
    *,
    recipe: str | Recipe = "default",
    weights: str | Path | None = None,
    client: Client | None = None,
    workers: int | None = None,
    maps: Maps | None = None,
    retry_failed: bool = False,
    linkage: str | Path | None = None,
    progress: bool = True,
    say: Callable[[str], None] = lambda _: None,
    **index_options: Any,
) -> Study:
    """Segment and quantify a folder of mammograms into a study; go on where an earlier run stopped.

    Parameters
    ----------
    folder : path
        DICOM files, or 8- or 16-bit grey pictures, at any depth.
    out : path
        Study folder: new, empty, or a study of the same recipe and weights.
    recipe : str or Recipe
        A preset (``default``, ``published``, ``paper``, ``smooth_windows``) or one of your own.
    weights : str or path, optional
        Registered name or file; the recipe's own by default.
    client : distributed.Client, optional
        Workers to use. Without one a local cluster is started for this run.
    workers : int, optional
        Size of that cluster; 0 measures in this process. One per GPU, or one per core, by default.
    maps : {"probability", "mask", "none"}, optional
        What to keep of each image's map; the mask by default.
    retry_failed : bool
        Try images again that failed before.
    linkage : path, optional
        Where to write which pseudonym belongs to whom; ``<out>.linkage.csv`` by default, never inside
        the study. Readable by its owner only.
    progress : bool
        Show a progress bar.
    say : callable
        Is told in a line what was found and what is left to do.
    **index_options
        Options of `bactools.dicom.index_folder`.

    Returns
    -------
    Study
        With its cube written.

    Raises
    ------
    Interrupted
        If the run was stopped or its scheduler went away; run again to go on.
    StudyError
        If the study folder cannot take this run.
    WeightsError
        If the weights are not to be had or not what they should be.
    """
    found = resolve(weights if weights is not None else named(recipe).weights)
    chosen = named(recipe, weights=found.spec.name)
    predictor = load_predictor(chosen, found)  # fails here, before anything is written
    out = Path(out)
    secret = Path(linkage) if linkage is not None else linkage_of(out)
    if secret.resolve().is_relative_to(out.resolve()):
        raise StudyError("the linkage file must lie outside the study: give another --linkage")
    index = index_folder(folder, progress=progress, **index_options)
    about = {"name": found.spec.name, "sha256": found.spec.sha256, "output": found.spec.output}
    if warning := note(found):
        about["note"] = warning
    study = create_study(out, chosen, about, maps=maps)
    try:
        with study.lock:
            study.save_index(index.table, naming=index.naming)
            write_linkage(_with_earlier(index.linkage, secret), secret)
            rows = study.to_do(index.table, retry_failed=retry_failed)
            say(index.summary())
            tasks = [Task(image_id, index.paths[image_id]) for image_id in rows["image_id"]]
            count = default_workers(len(tasks)) if workers is None else workers
            eligible = int(index.table["eligible"].sum())
            say(
                f"{len(tasks)} of {eligible} eligible images to measure"
                + ("" if tasks else ": nothing to do, all were finished before")
            )
            if not tasks:
                outcomes: contextlib.AbstractContextManager[Iterator[Outcome]]
                outcomes = contextlib.nullcontext(iter(()))
            elif client is None and count == 0:
                outcomes = contextlib.nullcontext(measure_here(tasks, predictor, maps=study.maps))
            else:
                outcomes = _on_workers(client, count, tasks, chosen, found, maps=study.maps)
            _collect(study, index, tasks, outcomes, progress=progress)
    except Timeout as error:
        raise StudyError("another run is writing to this study: wait for it to end") from error
    return study


def _with_earlier(linkage: pd.DataFrame, secret: Path) -> pd.DataFrame:
    """Return the linkage with the rows of files that only earlier runs have seen."""
    if not secret.exists():
        return linkage
    earlier = pd.read_csv(secret, dtype=str, keep_default_na=False)
    return pd.concat([earlier[~earlier["image_id"].isin(linkage["image_id"])], linkage], ignore_index=True)


@contextlib.contextmanager
def _on_workers(
    client: Client | None, workers: int, tasks: list[Task], recipe: Recipe, weights: Weights, *, maps: Maps
) -> Iterator[Iterator[Outcome]]:
    with local_client(workers) if client is None else contextlib.nullcontext(client) as running:
        yield measure_on(running, tasks, recipe, weights, maps=maps)


def _collect(
    study: Study,
    index: Index,
    tasks: list[Task],
    outcomes: contextlib.AbstractContextManager[Iterator[Outcome]],
    *,
    progress: bool,
) -> None:
    """Write every outcome as it comes, and the cube at the end, whatever the end."""
    sources = index.table.set_index("image_id", drop=False)
    finished = 0
    stopped, by_user = "", False
    if tasks:
        study.begin()
    try:
        with (
            outcomes as stream,
            tqdm(total=len(tasks), unit="image", disable=None if progress and tasks else True) as bar,
        ):
            for outcome in stream:
                with control_c_held_back() as pressed:
                    study.finish(
                        {str(name): value for name, value in sources.loc[outcome.image_id].items()},
                        status=outcome.status,
                        row=outcome.row,
                        histogram=outcome.histogram,
                        map_array=outcome.map,
                        code=outcome.code,
                        message=outcome.message,
                    )
                finished += 1
                bar.update()
                if pressed:
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        stopped, by_user = "stopped by you", True
    except (SchedulerLost, NoWorkers) as error:
        stopped = str(error)
    if not study.consolidated:  # a run with nothing to do leaves the cube to those who read it
        study.consolidate()
    if stopped:
        raise Interrupted(
            f"{stopped}: {finished} of {len(tasks)} images done; run the same command again to go on",
            by_user=by_user,
        )
