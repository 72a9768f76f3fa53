"""Which image of a study each row of a truth folder is about; no name or path gets out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from bactools.dicom.privacy import Pseudonymiser, key_file, load_key
from bactools.study import Study
from bactools.truth import Truth

Key = bytes | str | os.PathLike[str]


class EvaluationError(ValueError):
    """A study and a truth folder that cannot be compared; the message says what to do."""


def study_names(study: Study, key: Key | None) -> Pseudonymiser:
    """Return the pseudonyms of a study.

    Parameters
    ----------
    study : Study
    key : bytes or path, optional
        Secret of the pseudonyms, or its file; by default the user's own. Never made here.

    Raises
    ------
    EvaluationError
        If there is no such key, or the study was made with another one.
    ValueError
        If others may read the key file, or it holds no key.
    """
    if not isinstance(key, bytes):
        if not (key_file() if key is None else Path(key)).is_file():
            raise EvaluationError("there is no pseudonym key: give the one the study was made with (--key)")
        key = load_key(key)
    names = Pseudonymiser(key)
    record = study.folder / "naming.json"
    if record.exists() and json.loads(record.read_text(encoding="utf-8"))["key"] != names.check:
        raise EvaluationError("this study's pseudonyms were made with another key: give it with --key")
    return names


def match(study: Study, truth: Truth, names: Pseudonymiser) -> pd.DataFrame:
    """Find the study's image of every truth row.

    Parameters
    ----------
    study : Study
    truth : Truth
    names : Pseudonymiser
        Of the study, see `study_names`.

    Returns
    -------
    DataFrame
        One row per truth row, in its order: ``truth_row`` (1 is the first), ``image_id`` and
        ``status``: ``done``; ``not_done`` (failed, or still to do); ``excluded`` (seen by the index,
        not eligible); ``not_in_study``.

    Raises
    ------
    EvaluationError
        If two rows name one image, none is in the study, or none of them was measured.

    Notes
    -----
    An image is found by its SOP Instance UID. One without, such as a PNG picture, is found by its path
    from the folder that was indexed: the truth folder or one on the way to the image, the same for all.
    """
    index = study.index.set_index("image_id")["eligible"].astype(bool)
    done = set(study.images.query("status == 'done'")["image_id"])
    ids = _image_ids(truth, names, known=set(index.index))
    twice = ids.duplicated(keep=False)
    if twice.any():
        row = int(twice.to_numpy().argmax()) + 1
        raise EvaluationError(f"truth/images.csv row {row}: another row names the same image; keep one")
    states = [_state(image_id, done, index) for image_id in ids]
    if set(states) <= {"not_in_study"}:
        raise EvaluationError(
            f"none of the truth folder's {len(truth)} images is in this study: make the study of the images "
            "that the truth folder is about (bactools run)"
        )
    if "done" not in states:
        raise EvaluationError(
            "none of the truth folder's images was measured in this study: see failure in study.images, "
            "and bactools run --retry-failed"
        )
    return pd.DataFrame({"truth_row": range(1, len(truth) + 1), "image_id": ids, "status": states})


def _state(image_id: str, done: set[str], eligible: pd.Series[bool]) -> str:
    if image_id in done:
        return "done"
    if image_id not in eligible.index:
        return "not_in_study"
    return "not_done" if eligible[image_id] else "excluded"


def _image_ids(truth: Truth, names: Pseudonymiser, *, known: set[str]) -> pd.Series[str]:
    """Return an id for every row: of its UID, or, where the study does not know that, of its path."""
    uids = truth.images["sop_instance_uid"].fillna("").str.strip()
    ids = uids.map(lambda uid: names.image_id(f"uid:{uid}"))
    strangers = ~ids.isin(known)
    by_path = max(
        _ids_by_path(truth.images.loc[strangers, "file"], names),
        key=lambda found: int(found.isin(known).sum()),
        default=ids[strangers],
    )
    better = by_path[by_path.isin(known) | (uids[strangers] == "")]
    return ids.where(~ids.index.isin(better.index), better)


def _ids_by_path(files: pd.Series[str], names: Pseudonymiser) -> Iterator[pd.Series[str]]:
    """Yield ids of paths from the truth folder, then from each folder further in."""
    parts = files.fillna("").map(lambda file: PurePosixPath(file).parts)
    for depth in range(parts.map(len).max() if len(parts) else 0):
        yield parts.map(lambda names_on_way, start=depth: "/".join(names_on_way[start:])).map(
            lambda relative: names.image_id(f"path:{relative}")
        )
