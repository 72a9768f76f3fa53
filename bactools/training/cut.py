"""One annotated image in, its patches out; many images in processes."""

from __future__ import annotations

import io
import math
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bactools.dicom import ImageFailure, read_image
from bactools.inference import use_threads
from bactools.inference.windows import starts
from bactools.preprocess import compose
from bactools.recipe import Recipe
from bactools.study.files import write_atomic
from bactools.training.checks import ConfigError
from bactools.truth import REQUIRED, Truth, TruthError

LEAST_BREAST = 0.05
"""Share of breast below which a patch is background."""
_INLINE = 16  # fewer images than this are cut in the calling process
_FEW = 4

Result = tuple["Job", str]


@dataclass(frozen=True)
class Cutting:
    """How images are cut.

    Attributes
    ----------
    recipe : Recipe
    patch, overlap : int
        Side of a patch and how much neighbours share [pixel].
    negatives : float
        Patches without calcium per patch with calcium.
    seed : int
    """

    recipe: Recipe
    patch: int
    overlap: int
    negatives: float
    seed: int

    def __post_init__(self) -> None:
        if self.patch < 8 or self.patch % 8:
            raise ConfigError(f"patch={self.patch}: choose a positive multiple of 8")
        if not 0 <= self.overlap < self.patch:
            raise ConfigError(f"overlap={self.overlap}: choose 0 to below the patch {self.patch}")
        if not 0 <= self.negatives < math.inf:
            raise ConfigError(f"negatives={self.negatives}: choose at least 0")

    @property
    def record(self) -> np.dtype[np.void]:
        """What is stored of a patch: its corner, grey values, and label as bits."""
        side = self.patch
        return np.dtype(
            [("y", "<i4"), ("x", "<i4"), ("image", "u1", (side, side)), ("label", "u1", (side, side // 8))]
        )


@dataclass(frozen=True)
class Job:
    """One image to cut.

    Attributes
    ----------
    number : int
        Position among all images.
    folder : pathlib.Path
        Truth folder.
    row : int
        Position in its table.
    """

    number: int
    folder: Path
    row: int

    @property
    def file(self) -> str:
        """Name of the file of its patches."""
        return f"{self.number:06d}.npy"


def cut(
    image: NDArray[np.uint8],
    label: NDArray[np.bool_],
    breast: NDArray[np.bool_],
    cutting: Cutting,
    *,
    number: int = 0,
) -> NDArray[np.void]:
    """Cut one prepared image.

    Parameters
    ----------
    image, label, breast : uint8 and bool arrays, shape (y, x)
        On one grid; an image smaller than a patch is filled up with black.
    cutting : Cutting
    number : int
        Image number; with the seed it decides which patches without calcium are kept.

    Returns
    -------
    structured array, shape (patch,)
        Fields of `Cutting.record`: first those with calcium, then the others, each in the grid's order.
    """
    side = cutting.patch
    fill = [(0, max(0, side - size)) for size in image.shape]
    image, label, breast = np.pad(image, fill), np.pad(label, fill), np.pad(breast, fill)
    corners = [
        (y, x)
        for y in starts(image.shape[0], patch=side, stride=side - cutting.overlap)
        for x in starts(image.shape[1], patch=side, stride=side - cutting.overlap)
        if breast[y : y + side, x : x + side].mean() >= LEAST_BREAST
    ]
    with_calcium = [(y, x) for y, x in corners if label[y : y + side, x : x + side].any()]
    without = sorted(set(corners) - set(with_calcium))
    most = math.ceil(cutting.negatives * max(len(with_calcium), _FEW))
    random = np.random.default_rng([cutting.seed, 0, number])
    chosen = sorted(random.permutation(len(without))[:most].tolist())
    records = np.zeros(len(with_calcium) + len(chosen), dtype=cutting.record)
    for record, (y, x) in zip(records, [*with_calcium, *(without[index] for index in chosen)], strict=True):
        place = (slice(y, y + side), slice(x, x + side))
        record["y"], record["x"] = y, x
        record["image"], record["label"] = image[place], np.packbits(label[place], axis=1)
    return records


def cut_one(truth: Truth, job: Job, cutting: Cutting, out: Path) -> Result:
    """Read, prepare and cut one image into its file; what is wrong with the image is told, not raised.

    Returns
    -------
    (Job, str)
        The job, and what went wrong: by row, without name or path.
    """
    where = f"image {job.number + 1} (row {job.row + 1} of its truth/images.csv)"
    try:
        records = _cut(truth, job, cutting)
    except (ImageFailure, TruthError) as error:
        return job, f"{where}: {error}"
    except Exception as error:  # its text may quote the header, so only its type is told
        return job, f"{where}: {type(error).__name__}; check that the image and its mask can be opened"
    buffer = io.BytesIO()
    np.save(buffer, records, allow_pickle=False)
    write_atomic(out / job.file, buffer.getvalue())
    return job, ""


def _cut(truth: Truth, job: Job, cutting: Cutting) -> NDArray[np.void]:
    read = read_image(truth.path(job.row), scaling=cutting.recipe.scaling)
    mask = truth.mask(job.row)
    if mask.shape != read.shape:
        raise TruthError(
            f"its mask has {mask.shape[0]} x {mask.shape[1]} pixels and the image {read.shape[0]} x "
            f"{read.shape[1]}: draw the mask on the stored pixel grid"
        )
    sample: dict[Any, Any] = {
        "image": read.values[None],
        "label": mask[None],
        "spacing_mm": float(read.attrs["spacing_detector_mm"]),
    }
    sample = compose(cutting.recipe)(sample)
    image, label, breast = (sample[key][0] for key in ("image", "label", "breast"))
    return cut(image, label, breast, cutting, number=job.number)


def cut_all(
    jobs: Sequence[Job],
    truths: Mapping[Path, Truth],
    cutting: Cutting,
    out: Path,
    *,
    processes: int | None = None,
    progress: bool = False,
) -> Iterator[Result]:
    """Yield each job's result, in the order in which they are done.

    Parameters
    ----------
    jobs : sequence of Job
    truths : mapping
        Truth of each job's folder.
    cutting : Cutting
    out : pathlib.Path
        Where the files go.
    processes : int, optional
        Processes; by default one per core, none for a few images.
    progress : bool
        Show a bar.
    """
    wanted = processes if processes is not None else (_processors() if len(jobs) >= _INLINE else 1)
    done: set[int] = set()
    with tqdm(total=len(jobs), unit="image", disable=None if progress and jobs else True) as bar:
        if wanted > 1 and len(jobs) > 1:
            try:
                for result in _in_processes(jobs, truths, cutting, out, wanted):
                    done.add(result[0].number)
                    bar.update()
                    yield result
            except (BrokenProcessPool, OSError):
                pass  # processes cannot be started here, or one was killed: go on without
        for job in (job for job in jobs if job.number not in done):
            yield cut_one(truths[job.folder], job, cutting, out)
            bar.update()


def _in_processes(
    jobs: Sequence[Job], truths: Mapping[Path, Truth], cutting: Cutting, out: Path, processes: int
) -> Iterator[Result]:
    slim = {place: Truth(place, truth.images[list(REQUIRED)]) for place, truth in truths.items()}
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=use_threads, initargs=(1,))
    try:
        waiting = [pool.submit(cut_one, slim[job.folder], job, cutting, out) for job in jobs]
        for future in as_completed(waiting):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
