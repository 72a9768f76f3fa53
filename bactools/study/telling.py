"""A study in a few lines."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bactools.recipe import Recipe


def summary(
    counts: Mapping[str, int], recipe: Recipe, weights: Mapping[str, str], note: str, images: pd.DataFrame
) -> str:
    """Return counts, recipe and weights, and what should be looked at."""
    lines = [
        f"{counts['seen']} files seen: {counts['done']} done, {counts['excluded']} excluded, "
        f"{counts['failed']} failed" + (f", {counts['to_do']} to do" if counts["to_do"] else ""),
        f"recipe {recipe.name} ({recipe.hash}), weights {weights['name']} ({weights['sha256'][:16]})",
    ]
    if note:
        lines.append(note)
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
    return "\n".join(lines)
