"""Images to outcomes: a plain loop, or as many in flight on dask workers as there are workers."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from distributed import Client, Future, Worker, WorkerPlugin, as_completed, get_worker

from bactools.cluster.workers import count_workers, keep_memory
from bactools.conventions import Maps
from bactools.dicom.privacy import PrivatePath
from bactools.inference import Predictor, load_predictor, use_threads
from bactools.networks.weights import Weights
from bactools.quantify import Outcome, failed, quantify
from bactools.recipe import Recipe

_PLUGIN = "bactools-predictor"


@dataclass(frozen=True)
class Task:
    """One image to measure; its path does not show in logs or messages."""

    image_id: str
    path: PrivatePath


class SchedulerLost(RuntimeError):
    """The scheduler went away; what was finished is kept."""


class PredictorPlugin(WorkerPlugin):
    """Loads the network once per worker, from the weights file and checked by hash; late workers too."""

    name = _PLUGIN

    def __init__(self, recipe: Recipe, weights: Weights) -> None:
        self.recipe = recipe
        self.weights = weights
        self.predictor: Predictor | None = None

    def setup(self, worker: Worker) -> None:
        """Load the network; a failure here is raised in the client before the first image."""
        use_threads(worker.state.nthreads)
        keep_memory()
        self.predictor = load_predictor(self.recipe, self.weights)


@contextlib.contextmanager
def control_c_held_back() -> Iterator[list[int]]:
    """Let a block end before Ctrl-C counts; what is yielded is not empty when it was pressed.

    Raised in the middle of a library, it may leave a lock taken for ever: logging's own was, and writing the
    cube then waited for it. Pressed twice, it counts at once.
    """
    pressed: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield pressed
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def measure_here(tasks: Iterable[Task], predictor: Predictor, *, maps: Maps) -> Iterator[Outcome]:
    """Measure images one after another in this process, with one thread as a worker of our own has.

    More threads add up in another order, which changes PM in its ninth digit: a cube would then depend on
    where it was made.
    """
    before = use_threads(1)
    try:
        for task in tasks:
            with control_c_held_back() as pressed:
                outcome = quantify(task.image_id, task.path.open_path(), predictor, maps=maps)
            yield outcome
            if pressed:
                raise KeyboardInterrupt
    finally:
        use_threads(before)


def measure_on(
    client: Client, tasks: Iterable[Task], recipe: Recipe, weights: Weights, *, maps: Maps
) -> Iterator[Outcome]:
    """Measure images on workers, at most one per worker in flight.

    With more in flight, every image queued on a worker that an evil image kills is blamed for it. An image
    whose worker died is tried once more when nothing else runs, so that only the guilty one fails.

    Raises
    ------
    SchedulerLost
        If the scheduler went away before all were done.
    NoWorkers
        If no worker answers.
    """
    client.register_plugin(PredictorPlugin(recipe, weights), name=_PLUGIN)
    suspects: list[Task] = []
    for task, outcome in _flight(client, tasks, width=count_workers(client), maps=maps):
        if outcome is None:
            suspects.append(task)
        else:
            yield outcome
    for task, outcome in _flight(client, suspects, width=1, maps=maps):
        yield outcome or failed(
            task.image_id,
            "killed",
            "the worker process died on this image, twice: out of memory, or a decoder crashed",
        )


def _flight(
    client: Client, tasks: Iterable[Task], *, width: int, maps: Maps
) -> Iterator[tuple[Task, Outcome | None]]:
    """Keep `width` images in flight; yield each with its outcome, or None when its worker died."""
    waiting = iter(tasks)
    flying: dict[Any, Task] = {}
    completed = as_completed(with_results=True, raise_errors=False, loop=client.loop)

    def launch() -> None:
        task = next(waiting, None)
        if task is None:
            return
        future: Future[Outcome] = client.submit(
            _measure, task, maps, key=f"image-{task.image_id}-{id(flying)}", pure=False
        )
        flying[future] = task
        completed.add(future)

    for _ in range(width):
        launch()
    for future, result in completed:
        task = flying.pop(future)
        if future.status == "cancelled" or client.status != "running":
            raise SchedulerLost("the dask scheduler went away")
        launch()
        yield task, result if isinstance(result, Outcome) else None
    if flying or next(waiting, None) is not None:
        raise SchedulerLost("the dask scheduler went away")


def _measure(task: Task, maps: Maps) -> Outcome:
    """Measure one image on a worker."""
    plugin = get_worker().plugins[_PLUGIN]
    if not isinstance(plugin, PredictorPlugin) or plugin.predictor is None:
        return failed(task.image_id, "unexpected", "the worker has no network loaded; please report it")
    return quantify(task.image_id, task.path.open_path(), plugin.predictor, maps=maps)
