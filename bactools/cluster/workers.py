"""Where images are measured: in this process, on a local cluster, or on a running scheduler."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path

import dask
from distributed import Client, LocalCluster, Worker, WorkerPlugin

from bactools.inference import gpu_count

_BYTES_PER_WORKER = 2.5 * 2**30


class NoWorkers(RuntimeError):
    """No worker answered; the message says what to look at."""


class CannotStart(RuntimeError):
    """Worker processes could not be started; the message says what to do."""


_UNGUARDED = (
    "worker processes could not be started: in a script, call bactools.run below "
    'if __name__ == "__main__":, or measure in this process with workers=0'
)


@contextlib.contextmanager
def local_client(workers: int) -> Iterator[Client]:
    """Start one single-threaded worker process per GPU, or `workers` of them on the CPU.

    Parameters
    ----------
    workers : int
        Number of CPU workers; with GPUs there is one per GPU and this is ignored.
    """
    # A dying worker blames only what it was running: one image, since no more are in flight.
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.comm.timeouts.connect": "60s",
        # The cluster gives up a worker that is not back in 15 s; a busy machine takes longer to start one.
        "distributed.deploy.lost-worker-timeout": "1h",
    }
    with (
        dask.config.set(settings),
        _started(workers) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(_DeafToControlC())
        yield client


class _DeafToControlC(WorkerPlugin):
    """Ctrl-C in a terminal reaches every process: only the client's is meant, it ends the workers."""

    name = "bactools-deaf-to-control-c"

    def setup(self, worker: Worker) -> None:
        """Ignore the signal; ending a worker takes another one."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def remote_client(address: str | None, *, scheduler_file: Path | None = None) -> Client:
    """Return a client of a running scheduler, named by address or by its file.

    Raises
    ------
    CannotStart
        If no scheduler answers there.
    """
    file = None if scheduler_file is None else str(scheduler_file)
    try:  # not the default client: a lost one would catch everything that dask computes here later
        return Client(address, scheduler_file=file, set_as_default=False)
    except Exception as error:  # a file that is no scheduler's fails in many ways
        raise CannotStart(
            f"no dask scheduler answers ({type(error).__name__}): check --scheduler or --scheduler-file"
        ) from None


def _started(workers: int) -> LocalCluster:
    """Start the cluster, or say what to do where processes cannot start."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise CannotStart(_UNGUARDED)  # a worker that runs the caller's script from the top
    try:
        return _cluster(workers)
    except RuntimeError as error:
        raise CannotStart(_UNGUARDED) from error


def _cluster(workers: int) -> LocalCluster:
    # Port 0: any free one. Without it distributed takes 8787, and warns where another run has that.
    options = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL, "threads_per_worker": 1}
    if gpu_count():
        try:  # dask-cuda fails in many ways where drivers are odd, so every one of them means: no GPU
            from dask_cuda import LocalCUDACluster

            gpus: LocalCluster = LocalCUDACluster(**options)
            return gpus
        except Exception as error:
            warnings.warn(
                f"GPU workers cannot be had ({type(error).__name__}): install bactools[gpu]; using the CPU",
                stacklevel=2,
            )
    return LocalCluster(n_workers=workers, memory_limit="auto", **options)


def keep_memory() -> None:
    """Let this process keep freed memory for the next image, where the C library is glibc.

    Dask tells its workers' malloc to give memory back at once; a network then pays for every page of every
    layer anew, which doubled the time per image when it was measured.
    """
    trim_threshold, mmap_threshold = -1, -3  # malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter in (mmap_threshold, trim_threshold):
        mallopt(parameter, 2**30)


def default_workers(images: int) -> int:
    """Return how many CPU workers suit this machine: one per core, as memory allows, no more than images."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, int(memory / _BYTES_PER_WORKER), images))


def count_workers(client: Client, *, timeout: float = 30) -> int:
    """Return how many workers there are, waiting for the first.

    Raises
    ------
    NoWorkers
        If there is none within `timeout` seconds.
    """
    try:
        client.wait_for_workers(1, timeout=timeout)
    except TimeoutError as error:
        raise NoWorkers(
            f"the scheduler has no workers after {timeout:.0f} s: start some (dask worker …) and run again"
        ) from error
    return len(client.nthreads())
