"""However many workers, whichever of them dies: the same numbers, and only the guilty image fails."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dask
import pytest
from distributed import Client, LocalCluster, WorkerPlugin

from bactools import open_study
from bactools.cluster import Interrupted, remote_client, work
from bactools.cluster.workers import NoWorkers, count_workers, default_workers, local_client
from bactools.dicom import index_folder
from bactools.inference import use_threads
from bactools.networks.weights import Spec, Weights, WeightsError
from bactools.study import Study

from ..study.made import KEY, RECIPE, measure, pieces, same, truncate, write_image, write_woman
from .plugins import CountLoads, Poison

pytestmark = [
    # Sockets and processes of workers that are killed on purpose are closed by the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:distributed"),
]


@contextlib.contextmanager
def installed(client: Client, plugin: WorkerPlugin) -> Iterator[None]:
    """Have a plugin on the workers, also on those that come up anew."""
    client.register_plugin(plugin, name=plugin.name)
    try:
        yield
    finally:
        client.wait_for_workers(2, timeout=60)
        client.unregister_worker_plugin(plugin.name)


@pytest.fixture
def four(tmp_path: Path, toy_weights: Weights) -> tuple[Path, Study]:
    """A folder of four images, and its study from a plain loop."""
    write_woman(tmp_path / "in", "P1")
    return tmp_path / "in", measure(tmp_path / "in", tmp_path / "reference")


def test_two_workers_give_what_a_plain_loop_gives(client, made_folder, made_study, tmp_path, toy_weights):
    study = measure(made_folder, tmp_path / "out", client=client, workers=None, maps="probability")
    same(study, made_study)
    assert study.counts == made_study.counts


def test_one_worker_gives_what_a_plain_loop_gives(made_folder, made_study, tmp_path, toy_weights):
    """With a cluster that the run starts and ends itself."""
    study = measure(made_folder, tmp_path / "out", workers=1, maps="probability")
    same(study, made_study)
    for image_id in study.images.query("status == 'done'").image_id[:3]:
        assert study.map(image_id).identical(made_study.map(image_id))


def test_threads_do_not_change_the_numbers(four):
    folder, reference = four
    use_threads(2)
    try:
        same(measure(folder, folder.parent / "out"), reference)
    finally:
        use_threads(1)


def test_the_network_is_loaded_once_per_worker(client, four, tmp_path):
    folder, reference = four
    (tmp_path / "loads").mkdir()
    with installed(client, CountLoads(tmp_path / "loads")):
        same(measure(folder, tmp_path / "out", client=client), reference)
    loads = Counter(path.name.split("-")[0] for path in (tmp_path / "loads").iterdir())
    assert sorted(loads.values()) == [1, 1]


def test_bad_weights_on_a_worker_raise_before_the_first_image(client, toy_weights, tmp_path):
    path = tmp_path / "altered.pt"
    path.write_bytes(toy_weights.path.read_bytes() + b"\0")
    altered = Weights(Spec("toy", "probability", toy_weights.spec.sha256), path)
    taken: list[object] = []

    def tasks() -> Iterator[work.Task]:
        taken.append(1)
        yield from ()

    with pytest.raises(WeightsError, match="sha256 is not the registered"):
        next(work.measure_on(client, tasks(), RECIPE, altered, maps="none"))
    assert not taken


def test_at_most_as_many_images_in_flight_as_workers(client, made_folder, tmp_path, toy_weights, monkeypatch):
    futures: list = []
    flying: list[int] = []
    submit = client.submit

    def watched(*arguments, **options):
        futures.append(submit(*arguments, **options))
        flying.append(sum(future.status == "pending" for future in futures))
        return futures[-1]

    monkeypatch.setattr(client, "submit", watched)
    measure(made_folder, tmp_path / "out", client=client)
    assert len(futures) == 17
    assert max(flying) == 2


def test_a_poisoned_image_fails_alone(client, made_folder, made_study, tmp_path, toy_weights):
    victim = made_study.images.query("status == 'done'").image_id.iloc[5]
    with installed(client, Poison(victim)):
        study = measure(made_folder, tmp_path / "out", client=client)
    rows = study.images.set_index("image_id")
    assert rows.failure.to_dict() == {**made_study.images.set_index("image_id").failure, victim: "killed"}
    assert study.counts == {"seen": 18, "done": 15, "excluded": 1, "failed": 2, "to_do": 0}
    assert "out of memory, or a decoder crashed" in rows.failure_message[victim]
    cured = measure(made_folder, tmp_path / "out", client=client, retry_failed=True)
    same(cured, made_study)


def test_a_worker_killed_from_outside_loses_nothing(
    client, made_folder, made_study, tmp_path, toy_weights, monkeypatch
):
    pids = list(client.run(os.getpid).values())
    finish = Study.finish

    def kill_then_finish(self, *arguments, **options):
        if pids:
            os.kill(pids.pop(), signal.SIGKILL)
            pids.clear()
        finish(self, *arguments, **options)

    monkeypatch.setattr(Study, "finish", kill_then_finish)
    with installed(client, Poison(seconds=0.3)):
        study = measure(made_folder, tmp_path / "out", client=client)
    assert not pids
    same(study, made_study)


def test_a_worker_that_is_long_in_coming_back_is_not_given_up():
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "10ms"}), local_client(1) as client:
        client.wait_for_workers(1, timeout=60)
        (before,) = client.run(os.getpid).values()
        os.kill(before, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while set(client.run(os.getpid, on_error="ignore").values()) <= {before}:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert client.cluster.workers  # the cluster has not ended what looks after it


@pytest.mark.parametrize("on_workers", [False, True])
def test_stopped_from_the_keyboard(
    client, made_folder, made_study, tmp_path, toy_weights, monkeypatch, on_workers
):
    finish, left = Study.finish, iter(range(3))

    def stop(self, *arguments, **options):
        if next(left, None) is None:
            raise KeyboardInterrupt
        finish(self, *arguments, **options)

    options = {"client": client, "workers": None} if on_workers else {}
    with monkeypatch.context() as patch:
        patch.setattr(Study, "finish", stop)
        with pytest.raises(Interrupted, match="stopped by you: 3 of 17 images done") as error:
            measure(made_folder, tmp_path / "out", maps="probability", **options)
    assert error.value.by_user
    part = open_study(tmp_path / "out")
    assert part.counts == {**part.counts, "to_do": 14, "excluded": 1}
    assert int((part.cube(axis="exam").status != 0).sum()) == 3
    before = pieces(part)
    told: list[str] = []
    whole = measure(made_folder, tmp_path / "out", say=told.append, **options)
    assert told[-1] == "14 of 17 eligible images to measure"
    assert before.items() <= pieces(whole).items()
    same(whole, made_study)


def test_no_workers_is_said_soon():
    started = time.monotonic()
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as empty,
        pytest.raises(NoWorkers, match="no workers after 1 s: start some"),
    ):
        count_workers(empty, timeout=1)
    assert time.monotonic() - started < 20


def test_workers_suit_machine_and_images():
    assert default_workers(1) == 1
    assert default_workers(0) == 1
    assert 1 <= default_workers(10**6) <= (os.cpu_count() or 1)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen]]:
    """Processes that a test starts and that must not outlive it."""
    started: list[subprocess.Popen] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def start(processes: list[subprocess.Popen], program: str, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes.append(subprocess.Popen(command, **quiet))
    return processes[-1]


def test_a_lost_scheduler_loses_nothing_finished(
    made_folder, made_study, tmp_path, toy_weights, processes, monkeypatch
):
    file = str(tmp_path / "scheduler.json")
    scheduler = start(
        processes,
        "dask_scheduler",
        "--port",
        "0",
        "--host",
        "127.0.0.1",
        "--no-dashboard",
        "--scheduler-file",
        file,
    )
    start(
        processes, "dask_worker", "--scheduler-file", file, "--nthreads", "1", "--no-dashboard", "--no-nanny"
    )
    finish, left = Study.finish, iter(range(3))

    def kill_then_finish(self, *arguments, **options):
        finish(self, *arguments, **options)
        if next(left, None) is None and scheduler.poll() is None:
            scheduler.kill()
            scheduler.wait()

    deadline = time.monotonic() + 60
    while not Path(file).exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "3s"}),
        remote_client(None, scheduler_file=Path(file)) as remote,
        monkeypatch.context() as patch,
    ):
        remote.wait_for_workers(1, timeout=60)
        patch.setattr(Study, "finish", kill_then_finish)
        with pytest.raises(Interrupted, match=r"scheduler went away: \d+ of 17 images done.*go on") as error:
            measure(made_folder, tmp_path / "out", client=remote)
    assert not error.value.by_user
    told: list[str] = []
    same(measure(made_folder, tmp_path / "out", say=told.append), made_study)
    assert 1 <= int(told[-1].split()[0]) <= 13


def test_failures_are_rows_on_workers_too(client, tmp_path, toy_weights):
    truncate(write_image(tmp_path / "in" / "a.dcm"))
    study = measure(tmp_path / "in", tmp_path / "out", client=client)
    assert study.images[["status", "failure"]].values.tolist() == [["failed", "truncated"]]


def test_paths_do_not_show_in_tasks(tmp_path):
    write_image(tmp_path / "Erika" / "a.dcm")
    ((image_id, path),) = index_folder(tmp_path, key=KEY).paths.items()
    assert "Erika" not in repr(work.Task(image_id, path))
