"""What tests do to workers from the inside; imported there by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin

from bactools.cluster import work

_quantify, _load = work.quantify, work.load_predictor


class Poison(WorkerPlugin):
    """Kill the worker that measures one image; take `seconds` over the others."""

    name = "poison"

    def __init__(self, image_id: str = "", *, seconds: float = 0.0) -> None:
        self.image_id = image_id
        self.seconds = seconds

    def setup(self, worker: Worker) -> None:
        """Stand in front of the measuring function."""

        def quantify(image_id: str, *arguments: Any, **options: Any) -> Any:
            if image_id == self.image_id:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(self.seconds)
            return _quantify(image_id, *arguments, **options)

        work.quantify = quantify

    def teardown(self, worker: Worker) -> None:
        """Take it away again."""
        work.quantify = _quantify


class CountLoads(WorkerPlugin):
    """Write a file for each network that a worker loads."""

    name = "count-loads"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def setup(self, worker: Worker) -> None:
        """Stand in front of the loading function."""

        def load_predictor(*arguments: Any, **options: Any) -> Any:
            (self.folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
            return _load(*arguments, **options)

        work.load_predictor = load_predictor

    def teardown(self, worker: Worker) -> None:
        """Take it away again."""
        work.load_predictor = _load
