"""Making, finding and refusing study folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from bactools.conventions import CONVENTIONS, Maps
from bactools.recipe import Recipe
from bactools.study.study import Study, StudyError


def create_study(
    folder: Path | str, recipe: Recipe, weights: Mapping[str, str], *, maps: Maps | None = None
) -> Study:
    """Make a study folder, or open the one that is there if it is of the same recipe and weights.

    Parameters
    ----------
    folder : path
        New, empty, or a study.
    recipe : Recipe
    weights : mapping
        ``name``, ``sha256`` and ``output``.
    maps : {"probability", "mask", "none"}, optional
        What to keep of each map; as before in a study that is there, otherwise the mask.

    Raises
    ------
    StudyError
        If the folder holds something else, or a study of another recipe, other weights or other maps;
        the message shows the difference.
    """
    folder = Path(folder)
    if maps is not None and maps not in get_args(Maps):
        raise StudyError(f"maps={maps!r}: choose one of {', '.join(get_args(Maps))}")
    if (folder / "study.json").exists():
        study = open_study(folder)
        differences = [
            f"{key}: {old} there, {new} asked" for key, (old, new) in study.recipe.differences(recipe).items()
        ]
        if study.weights["sha256"] != weights["sha256"]:
            differences.append(f"weights: {study.weights['name']} there, {weights['name']} asked")
        if maps is not None and study.maps != maps:
            differences.append(f"maps: {study.maps} there, {maps} asked")
        if differences:
            raise StudyError(
                "this study was made differently, and its numbers may not be mixed: "
                + "; ".join(differences)
                + ". Give another --out, or ask for what is there"
            )
        return study
    if folder.exists() and any(folder.iterdir()):
        raise StudyError("the study folder holds something else: give --out a new or empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(folder, recipe, dict(weights), maps or "mask")
    study.write_about()
    return study


def open_study(folder: Path | str) -> Study:
    """Open a study folder for reading.

    Raises
    ------
    StudyError
        If there is no study, or it was written by a newer bactools.
    """
    folder = Path(folder)
    try:
        about = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        study = Study(folder, Recipe.from_dict(about["recipe"]), about["weights"], about["maps"])
        conventions = about["conventions"]
    except FileNotFoundError as error:
        raise StudyError("no study.json here: not a study folder, see bactools run --help") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"study.json cannot be read ({type(error).__name__})") from error
    if conventions != CONVENTIONS:
        raise StudyError(f"the study follows {conventions!r}, this bactools reads {CONVENTIONS!r}: update it")
    return study
