"""A study against a truth folder: match, score every image, sum up."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pandas as pd

from bactools.evaluation.match import EvaluationError, Key, match, study_names
from bactools.evaluation.result import Evaluation
from bactools.evaluation.score import COUNTS, SCORES, Scored, score_image
from bactools.evaluation.summary import summarise, table_of_cuts
from bactools.metrics import METRICS
from bactools.metrics.histogram import first_bin
from bactools.study import Study, open_study
from bactools.truth import Truth, open_truth

_INLINE = 16  # fewer images are not worth starting processes for
_CHUNK = 8
_MAX_PROCESSES = 8
_MEASURE = re.compile(r".*_(mm|mm2|mm3|mg|pixels|share|percent)")
_WHOSE = ("subject", "view", "date")
_COUNTED = (*COUNTS, "drawn_outside")
_COMPARED = ("calcium", *_COUNTED, *SCORES, "false_area_mm2")

Job = tuple[int, str, str]
"""Row of the truth, image id, check of the pixels."""


def evaluate(
    study: Study | str | os.PathLike[str],
    truth: Truth | str | os.PathLike[str],
    *,
    key: Key | None = None,
    cuts: Sequence[float] | None = None,
    min_area_mm2: float = 50.0,
    processes: int | None = None,
) -> Evaluation:
    """Compare a study's masks with drawn ones, image by image.

    Parameters
    ----------
    study : Study or path
        Kept with its maps.
    truth : Truth or path
        The folder of annotated images that the study was made of, see `bactools.truth`.
    key : bytes or path, optional
        Secret of the study's pseudonyms, or its file; by default the user's own.
    cuts : sequence of float, optional
        Further cuts to compare, 0.01 to 0.99 in whole percent; the study must hold probability maps.
    min_area_mm2 : float
        Smallest drawn area, in the detector plane, of what the summary calls large [mm²].
    processes : int, optional
        Worker processes; by default as many as there are processors (at most 8), and none up to 16
        images. The result is the same.

    Returns
    -------
    Evaluation
        An image that cannot be compared is a row with its reason, never an error.

    Raises
    ------
    EvaluationError
        If the study keeps no maps, was made with another key, or has none of the images.
    ValueError
        If study or truth cannot be opened, or an option is not allowed.

    Notes
    -----
    Masks are compared on the study's analysis grid, inside the region that its recipe counts in.
    Drawn pixels outside it are not among the counts; ``drawn_outside`` tells how many they are.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, equations 1 to 4 and Table 1.
    """
    study = study if isinstance(study, Study) else open_study(Path(study))
    truth = truth if isinstance(truth, Truth) else open_truth(truth)
    cuts = tuple(cuts or ())
    _check(study, cuts, min_area_mm2)
    matched = match(study, truth, study_names(study, key))
    measured = study.images.set_index("image_id")
    done = matched[matched["status"] == "done"]
    jobs = [
        (int(row) - 1, image_id, str(measured.loc[image_id, "pixels_sha256"]))
        for row, image_id in zip(done["truth_row"], done["image_id"], strict=True)
    ]
    scored = _score_all(study, truth, jobs, cuts, processes)
    good = [one for one in scored if one.status == "done"]
    images = _table(matched, truth, measured, dict(zip(done["image_id"], scored, strict=True)))
    return Evaluation(
        images,
        {
            "images": _counts(study, images),
            **summarise(images, min_area_mm2=min_area_mm2),
            "min_area_mm2": float(min_area_mm2),
            "recipe": study.recipe.name,
            "recipe_hash": study.recipe.hash,
            "weights": study.weights["name"],
            "weights_sha256": study.weights["sha256"],
            "weights_note": study.note,
        },
        table_of_cuts(cuts, [one.at_cuts for one in good], [one.values["calcium"] for one in good]),
    )


def _check(study: Study, cuts: Sequence[float], min_area_mm2: float) -> None:
    if study.maps == "none":
        raise EvaluationError(
            "this study keeps no maps to compare: make a new one, bactools run FOLDER --out STUDY --maps mask"
        )
    if cuts and study.maps != "probability":
        raise EvaluationError("other cuts need probability maps: bactools run … --maps probability")
    for cut in cuts:
        first_bin(cut)
    if not min_area_mm2 >= 0:
        raise EvaluationError(f"min_area_mm2={min_area_mm2}: choose 0 or a positive number")


def _score_all(
    study: Study, truth: Truth, jobs: list[Job], cuts: Sequence[float], processes: int | None
) -> list[Scored]:
    chunks = [jobs[start : start + _CHUNK] for start in range(0, len(jobs), _CHUNK)]
    workers = processes if processes is not None else min(_processors(), _MAX_PROCESSES)
    done: list[Scored] = []
    if workers > 1 and (processes is not None or len(jobs) > _INLINE):
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(min(workers, len(chunks)), mp_context=context)
        try:
            for future in [pool.submit(_score_some, study, truth, chunk, cuts) for chunk in chunks]:
                done += future.result()
        except (BrokenProcessPool, OSError):
            pass  # processes cannot be started here: go on without
        finally:
            pool.shutdown(cancel_futures=True)
    return done + _score_some(study, truth, jobs[len(done) :], cuts)


def _score_some(study: Study, truth: Truth, jobs: list[Job], cuts: Sequence[float]) -> list[Scored]:
    return [
        score_image(study, truth, row=row, image_id=image_id, pixels_sha256=check, cuts=cuts)
        for row, image_id, check in jobs
    ]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _table(
    matched: pd.DataFrame, truth: Truth, measured: pd.DataFrame, scored: dict[str, Scored]
) -> pd.DataFrame:
    """Join what the study measured, what the masks give and what the truth knows; one row per truth row."""
    results = [scored.get(image_id) for image_id in matched["image_id"]]
    table = matched.assign(
        status=[
            before if one is None else one.status
            for before, one in zip(matched["status"], results, strict=True)
        ],
        failure=["" if one is None else one.failure for one in results],
    )
    known = measured.reindex(columns=[*_WHOSE, *METRICS]).reindex(table["image_id"]).reset_index(drop=True)
    pairs = [column for name in METRICS for column in (name, f"{name}_truth")]
    wanted = [*_COMPARED, *pairs[1::2]]
    found = pd.DataFrame([{} if one is None else one.values for one in results]).reindex(columns=wanted)
    types: dict[str, Any] = dict.fromkeys(_COUNTED, "Int64") | {"calcium": "boolean"}
    types |= {name: float for name in wanted if name not in types}
    told = truth.images[_measures(truth.images)].add_prefix("truth_").reset_index(drop=True)
    joined = pd.concat([table, known, found.astype(types), told], axis=1)
    order = ["image_id", *_WHOSE, "status", "failure", "truth_row", *_COMPARED, *pairs, *told]
    return joined[order].sort_values(["subject", "view", "date", "truth_row"], ignore_index=True)


def _measures(images: pd.DataFrame) -> list[str]:
    """Return columns of numbers with a unit in their name: other numbers may say who somebody is."""
    return [name for name in map(str, images.select_dtypes("number").columns) if _MEASURE.fullmatch(name)]


def _counts(study: Study, images: pd.DataFrame) -> dict[str, int]:
    states = images["status"].value_counts()
    good = images[images["status"] == "done"]
    measured = set(study.images.query("status == 'done'")["image_id"])
    return {
        "truth": len(images),
        "evaluated": len(good),
        "women": int(good["subject"].nunique()),
        "with_calcium": int(good["calcium"].sum()),
        "without_calcium": int((~good["calcium"]).sum()),
        **{name: int(states.get(name, 0)) for name in ("failed", "not_done", "excluded", "not_in_study")},
        "without_truth": len(measured - set(images["image_id"])),
    }
