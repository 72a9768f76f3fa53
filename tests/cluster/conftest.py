"""One cluster of two workers for all tests here: starting one costs many seconds."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator

import pytest
from distributed import Client

from bactools.cluster.workers import local_client


@pytest.fixture(scope="package", autouse=True)
def _interruptible() -> Iterator[None]:
    """A shell that starts the tests in the background has told them, and their children, to ignore Ctrl-C."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="package")
def two_workers() -> Iterator[Client]:
    """Two worker processes, started as `bactools.run` starts them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # distributed's own, about ports and sockets of what it starts
        with local_client(2) as client:
            client.wait_for_workers(2, timeout=60)
            yield client


@pytest.fixture
def client(two_workers: Client) -> Client:
    """Both workers, up again after what an earlier test did to them."""
    two_workers.wait_for_workers(2, timeout=60)
    return two_workers
