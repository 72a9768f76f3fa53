"""What an evaluation found: tables, JSON and plain words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bactools.card import card

_FEW = 10  # a percentile interval of fewer women is known to be too narrow
_LEFT_OUT = {
    "failed": "could not be compared (see failure)",
    "not_done": "were not measured in the study",
    "excluded": "were excluded by the study's index",
    "not_in_study": "are not in the study",
}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well a study's masks agree with drawn ones.

    Attributes
    ----------
    images : pandas.DataFrame
        One row per row of the truth: ``image_id``, ``subject``, ``view``, ``date``, ``status``,
        ``failure``, ``truth_row``; ``calcium`` (whether anything is drawn), ``tp``, ``fp``, ``tn``,
        ``fn`` [pixel], ``drawn_outside`` [pixel outside the counted region], the five scores,
        ``false_area_mm2``; every metric beside that of the drawn mask (``am``, ``am_truth``, …);
        measures that the truth states (``truth_calcium_mass_mg``, …). Pseudonyms only.
    summary : dict
        Nested plain values; NaN where something is not defined.
    cuts : pandas.DataFrame
        One row per further cut asked for, see `bactools.evaluation.summary.table_of_cuts`.
    """

    images: pd.DataFrame = field(repr=False)
    summary: dict[str, Any]
    cuts: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        counts = self.summary["images"]
        return f"<Evaluation: {counts['evaluated']} images of {counts['women']} women>"

    def __str__(self) -> str:
        """Return a short table, then the plain words."""
        parts = [_agreement(self.summary).to_string(index=False, float_format="{:.3f}".format)]
        parts.append(_lines(self.summary).to_string(index=False, float_format="{:.4g}".format))
        if len(self.cuts):
            parts.append(self.cuts.to_string(index=False, float_format="{:.3f}".format))
        return "\n\n".join([*parts, self.interpret()])

    def to_frame(self) -> pd.DataFrame:
        """Return the summary's numbers as a long table: ``section``, ``name``, ``value``."""
        rows = [(path[0], " ".join(path[1:]), value) for path, value in _numbers(self.summary)]
        return pd.DataFrame(rows, columns=["section", "name", "value"])

    def to_json(self) -> str:
        """Return one JSON object: the summary, ``cuts`` and ``failures``; null for what is not defined."""
        failures = self.images.loc[self.images["status"] == "failed", ["image_id", "truth_row", "failure"]]
        whole = {
            **self.summary,
            "cuts": self.cuts.to_dict("records"),
            "failures": failures.to_dict("records"),
        }
        return json.dumps(_without_nan(whole), indent=2, allow_nan=False)

    def interpret(self) -> str:
        """Return what was found, in sentences."""
        counts, scores = self.summary["images"], self.summary["per_image"]
        dice, interval, false = scores["dice"], self.summary["dice_interval"], self.summary["false_area"]
        told = [
            f"{counts['evaluated']} of {counts['truth']} annotated images were compared, of "
            f"{counts['women']} women; calcium is drawn on {counts['with_calcium']}."
        ]
        told += [f"{counts[name]} {words}." for name, words in _LEFT_OUT.items() if counts[name]]
        if counts["without_truth"]:
            told.append(f"{counts['without_truth']} images of the study have no drawn mask.")
        if dice["n"]:
            told.append(
                f"Where calcium is drawn, the Dice score is {_spread(dice)}"
                + _interval(interval)
                + f". On average {_percent(scores['recall'])} of an image's drawn pixels were found, and "
                f"{_percent(scores['precision'])} of those called calcified are drawn."
            )
        line = self.summary["against_drawn"]["am"]
        if math.isfinite(line["r2"]):
            told.append(
                f"The measured area follows the drawn one with R² {line['r2']:.2f} "
                f"and slope {line['slope']:.2f}."
            )
        if false["n_pixels"]:
            area = f" ({false['mean_mm2']:.2f} mm²)" if false["n_mm2"] else ""
            told.append(
                f"Where none is drawn, {false['mean_pixels']:.0f} pixels{area} per image were called "
                f"calcified, with a median of {false['median_pixels']:.0f}."
            )
        note = str(self.summary.get("weights_note", ""))
        told += [f"{note[0].upper()}{note[1:]}."] if note else []
        return "\n".join([*told, "For research only; not a medical device."])

    def _repr_html_(self) -> str:
        tables = [_agreement(self.summary), _lines(self.summary), *([self.cuts] if len(self.cuts) else [])]
        shown = "".join(each.to_html(index=False, border=0, float_format="{:.3f}".format) for each in tables)
        return card(
            repr(self)[1:-1],
            table=shown,
            words=self.interpret().splitlines(),
            following={
                "found.images": "one row per image, beside the drawn masks' own numbers",
                'cube.bac.agreement("tam_100", against=found.images)': "limits of agreement with drawn masks",
            },
        )


def _agreement(summary: Mapping[str, Any]) -> pd.DataFrame:
    """Return the scores, per image and pooled, as a table."""
    large = f"drawn ≥ {summary['min_area_mm2']:g} mm²"
    rows = []
    for name, scores in summary["per_image"].items():
        bigger = summary["per_image_large"][name]
        rows.append((name, *scores.values(), *bigger.values(), summary["pooled"][name]))
    columns = ["score", "n", "mean", "SD", f"n, {large}", "mean ", "SD ", "all pixels"]
    return pd.DataFrame(rows, columns=columns)


def _lines(summary: Mapping[str, Any]) -> pd.DataFrame:
    """Return the regressions as a table."""
    rows = [
        (name, told, *line.values())
        for part, told in (("against_drawn", "drawn mask"), ("against_calcium_mass", "calcium mass"))
        for name, line in summary[part].items()
    ]
    return pd.DataFrame(rows, columns=["metric", "against", "n", "R²", "slope", "intercept"])


def _spread(found: Mapping[str, float]) -> str:
    sd = f" (SD {found['sd']:.2f})" if math.isfinite(found["sd"]) else ""
    return f"{found['mean']:.2f}{sd}"


def _interval(found: Mapping[str, float]) -> str:
    if not math.isfinite(found["low"]):
        return ""
    few = f", too narrow because of only {found['women']}" if found["women"] < _FEW else ""
    return f", 95 % interval {found['low']:.2f} to {found['high']:.2f} by resampling women{few}"


def _percent(found: Mapping[str, float]) -> str:
    return f"{100 * found['mean']:.0f} %" if found["n"] else "an undefined share"


def _numbers(node: Mapping[str, Any], *path: str) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, value in node.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, *path, name)
        elif isinstance(value, int | float):
            yield (*path, name), float(value)


def _without_nan(node: Any) -> Any:
    """Return plain values with None for NaN."""
    if isinstance(node, dict):
        return {str(name): _without_nan(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_without_nan(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node
