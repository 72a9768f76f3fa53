"""The paper's cohorts, made anew of synthetic women: a truth folder each, resumable, the same for a seed."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from bactools.phantom.breast_ct import read_ct
from bactools.phantom.exam import SYNTAXES, Row, write_exam
from bactools.phantom.noise import stream
from bactools.phantom.plan import CohortError, Views, plan
from bactools.phantom.subjects import Subject, draw_subject
from bactools.phantom.woman import SIDES
from bactools.truth import Truth, open_truth

TABLES = ("images", "subjects", "breasts")
"""The tables in ``truth/``."""

_MAX_PROCESSES = 8


@dataclass(frozen=True)
class _Job:
    """A woman to be made, as it is handed to a process."""

    folder: Path
    cohort: str
    number: int
    seed: int
    scale: float
    syntax: str
    views: tuple[Views, ...]

    @property
    def marker(self) -> Path:
        """The note of a woman who is finished."""
        return self.folder / "truth" / "women" / f"{self.number:04d}.json"


def make_cohort(
    name: str,
    out: str | os.PathLike[str],
    *,
    seed: int = 1,
    scale: float = 1.0,
    women: int | None = None,
    processes: int | None = None,
    syntax: str = SYNTAXES[0],
    progress: bool = False,
) -> Truth:
    """Make a cohort of synthetic women, or go on with one.

    Parameters
    ----------
    name : {"A", "B", "C"}
        See `bactools.phantom.plan.DESIGNS`.
    out : path
        A new or empty folder, or one of the same cohort: what is finished there is kept.
    seed : int
        The same seed makes the same files, byte for byte.
    scale : float
        0.1 to 1. Below 1, breasts and detector are smaller; pixels and calibre of arteries stay.
    women : int, optional
        Only the first so many, who are the same as in the whole cohort; more may be asked for later.
    processes : int, optional
        Worker processes; by default as many as there are processors (at most 8). Files do not depend
        on it.
    syntax : {"jpeg_ls", "rle", "explicit"}
        How pixels are stored, see `bactools.phantom.exam.write_view`.
    progress : bool
        Show a progress bar on the error stream.

    Returns
    -------
    Truth
        Images under ``images``; see `bactools.truth`. Besides its tables there are ``truth/calcium``
        (masks of pixels over calcium), ``truth/lines`` (the drawn lines, in pixels) and
        ``cohort.json``.

    Raises
    ------
    CohortError
        If there is no such cohort, an option is out of range, or the folder holds something else.
    """
    exams = plan(name, seed=seed, women=women)
    _check(scale, syntax, processes)
    folder = Path(out)
    about = {
        "what": "synthetic mammograms made by bactools phantom; no person",
        "cohort": name,
        "seed": seed,
        "scale": scale,
        "syntax": syntax,
        "bactools": version("bactools"),
        "women": len(exams),
        "images": sum(len(views) for woman in exams for views in woman),
    }
    _open_folder(folder, about)
    jobs = [
        _Job(folder, name, number, seed, scale, syntax, views) for number, views in enumerate(exams, start=1)
    ]
    left = [job for job in jobs if not job.marker.is_file()]
    with tqdm(total=len(left), unit="woman", disable=None if progress else True) as bar:
        for _ in _made(left, processes):
            bar.update()
    _write_tables(folder, jobs)
    return open_truth(folder)


def _check(scale: float, syntax: str, processes: int | None) -> None:
    if not 0.1 <= scale <= 1:
        raise CohortError(f"scale {scale}: choose 0.1 to 1")
    if syntax not in SYNTAXES:
        raise CohortError(f"syntax {syntax!r}: choose one of {', '.join(SYNTAXES)}")
    if processes is not None and processes < 1:
        raise CohortError(f"{processes} processes: choose 1 or more")


def _open_folder(folder: Path, about: dict[str, Any]) -> None:
    """Begin a folder, or see to it that it holds the same cohort."""
    record = folder / "cohort.json"
    if record.is_file():
        found = json.loads(record.read_text(encoding="utf-8"))
        for key in ("cohort", "seed", "scale", "syntax", "bactools"):
            if found.get(key) != about[key]:
                raise CohortError(
                    f"this folder holds a cohort with {key} {found.get(key)!r}, not {about[key]!r}: "
                    "choose another folder, or the same options"
                )
        if found["women"] > about["women"]:
            raise CohortError(
                f"this folder holds {found['women']} women: ask for as many or more, or choose another folder"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise CohortError("this folder is not empty, and holds no cohort: choose another")
    (folder / "truth" / "women").mkdir(parents=True, exist_ok=True)
    _replace(record, json.dumps(about, indent=2) + "\n")


def _made(jobs: list[_Job], processes: int | None) -> Iterator[None]:
    """Make women, in order; yields after each."""
    workers = min(processes or min(_processors(), _MAX_PROCESSES), len(jobs))
    count = 0
    if workers > 1:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,))
        try:
            for _ in pool.map(_make_woman, jobs):
                count += 1
                yield
        except (BrokenProcessPool, OSError):
            pass  # processes cannot be started here: go on without
        finally:
            pool.shutdown(cancel_futures=True)
    for job in jobs[count:]:
        _make_woman(job)
        yield


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _make_woman(job: _Job) -> None:
    """Make one woman's exams, then note her rows: a woman with a note is finished."""
    subject = draw_subject(job.cohort, job.number, seed=job.seed, scale=job.scale, views=job.views)
    images: list[Row] = []
    for exam, views in zip(subject.exams, subject.views, strict=True):
        images += write_exam(job.folder, subject.woman, exam=exam, views=views, syntax=job.syntax)
    rows = {"images": images, "subjects": [subject.row()], "breasts": _breasts(subject)}
    _replace(job.marker, json.dumps(rows))


def _breasts(subject: Subject) -> list[Row]:
    """Return the true calcium of each breast at each exam, and a breast CT's reading of it."""
    rows: list[Row] = []
    for exam in subject.exams:
        for side in SIDES:
            calcium = subject.woman.calcium_mg(side, exam.age)
            mass, voxels = read_ct(stream(subject.woman.seed, "breast CT", exam.number, side), calcium)
            rows.append(
                {
                    "patient_id": exam.patient_id,
                    "date": exam.date.isoformat(),
                    "exam": exam.number,
                    "laterality": side,
                    "calcium_mg": round(calcium, 4),
                    "ct_mass_mg": round(mass, 4),
                    "ct_voxels": voxels,
                }
            )
    return rows


def _write_tables(folder: Path, jobs: Iterable[_Job]) -> None:
    """Write the tables, woman by woman."""
    for table in TABLES:
        path = folder / "truth" / f"{table}.csv"
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8", newline="") as stream_out:
            writer: csv.DictWriter[str] | None = None
            for job in jobs:
                for row in json.loads(job.marker.read_text(encoding="utf-8"))[table]:
                    if writer is None:
                        writer = csv.DictWriter(stream_out, list(row), lineterminator="\n")
                        writer.writeheader()
                    writer.writerow(row)
        part.replace(path)


def _replace(path: Path, text: str) -> None:
    """Write a whole file or none of it."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
