"""A study in a few lines."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bactools.card import card
from bactools.recipe import Recipe


def summary(
    counts: Mapping[str, int], recipe: Recipe, weights: Mapping[str, str], note: str, images: pd.DataFrame
) -> str:
    """Return counts, recipe and weights, and what should be looked at."""
    facts = [counted(counts), f"recipe {made_by(recipe)}, weights {made_by(weights)}"]
    return "\n".join([*facts, *warnings(counts, note, images)])


def counted(counts: Mapping[str, int]) -> str:
    """Return how many files were seen, and what became of them."""
    told = f"{counts['seen']} files seen: {counts['done']} done, {counts['excluded']} excluded, "
    return f"{told}{counts['failed']} failed" + (f", {counts['to_do']} to do" if counts["to_do"] else "")


def made_by(what: Recipe | Mapping[str, str]) -> str:
    """Return the name of a recipe or of weights, with what tells it from others of that name."""
    if isinstance(what, Recipe):
        return f"{what.name} ({what.hash})"
    return f"{what['name']} ({what['sha256'][:16]})"


def warnings(counts: Mapping[str, int], note: str, images: pd.DataFrame) -> list[str]:
    """Return what must be said of the weights, and what should be looked at."""
    lines = [note] if note else []
    if "same_pixels" in images and images["same_pixels"].any():
        lines.append(
            f"{int(images['same_pixels'].sum())} images have the same pixels as another of this study: "
            "one picture under two names? See same_pixels in study.images"
        )
    if counts["failed"] and len(images):
        failures = images.query("status == 'failed'")
        for row in failures.sort_values("image_id").head(20).itertuples():
            lines.append(f"  image {row.image_id} failed: {row.failure}: {row.failure_message}")
        if len(failures) > 20:
            lines.append(f"  … and {len(failures) - 20} more in study.images")
    return lines


def study_card(
    counts: Mapping[str, int],
    recipe: Recipe,
    weights: Mapping[str, str],
    note: str,
    images: pd.DataFrame,
    *,
    maps: str,
) -> str:
    """Return the same as HTML, with what can be called next."""
    facts = {
        "files": counted(counts),
        "recipe": made_by(recipe),
        "weights": made_by(weights),
        "maps": maps,
    }
    following = {"bactools run FOLDER --out STUDY": "measures the images"}
    if len(images):
        facts["women"] = f"{images['subject'].nunique():,} with {len(images):,} images"
        following = {
            'study.cube(axis="exam")': "the numbers, as an xarray cube",
            "study.images": "one row per image, with why it is in the cube or not",
            'study.sql("SELECT … FROM subjects")': "ad hoc cohorts; study.columns lists what there is",
            "study.dashboard()": "all of it, to look at",
        }
    told = [*warnings(counts, note, images), "For research only; not a medical device."]
    return card("bactools study", facts=facts, warnings=told, following=following)
