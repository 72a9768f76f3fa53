"""What can be trusted: where numbers came from, what dropped out and why, and what drifts over the years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bactools.conventions import DONE
from bactools.dicom.eligibility import REASONS
from bactools.stats.result import Result

_MOST_VENDORS = 6
_UNKNOWN, _REST = "unknown", "others"
_LONGEST = 300
_PARTS = {"weights": "weights", "recipe": "recipe", "versions": "version of", "counts": "images"}
_PER_IMAGE = ("status", "vendor", "scaling", "spacing_detector_mm", "breast_area")


def provenance(about: Mapping[str, Any]) -> pd.DataFrame:
    """Return where the numbers came from, one fact a row: part, name, value.

    Parameters
    ----------
    about : mapping
        What ``study.json`` says; nobody has checked it. Only facts of known parts are told.
    """
    rows = []
    for part, called in _PARTS.items():
        held = about.get(part)
        if isinstance(held, Mapping):
            rows += [(called, str(name)[:_LONGEST], _text(value)) for name, value in held.items()]
    rows += [
        ("study", called, _text(about[name]))
        for name, called in (("recipe_hash", "recipe hash"), ("conventions", "conventions"), ("maps", "maps"))
        if name in about
    ]
    return pd.DataFrame(rows, columns=["part", "name", "value"])


def exclusions(index: pd.DataFrame) -> pd.DataFrame:
    """Return why files were not measured: reason, files, share of all files, meaning; frequent ones first.

    Parameters
    ----------
    index : DataFrame
        One row per file seen, see `Study.index`.
    """
    out = index[~index["eligible"].astype(bool)]
    known = out["reason"] if "reason" in out else pd.Series("", index=out.index)
    codes = known.fillna("").astype(str).replace("", _UNKNOWN)
    table = _counted(codes, "reason", "files", len(index))
    return table.assign(meaning=[REASONS.get(code, "") for code in table["reason"]])


def failures(images: pd.DataFrame) -> pd.DataFrame:
    """Return why images could not be measured: failure, images, share of all; the most frequent first.

    Parameters
    ----------
    images : DataFrame
        One row per finished image, see `Study.images`.
    """
    failed = images[images["status"].astype(str) == "failed"]
    known = failed["failure"] if "failure" in failed else pd.Series("", index=failed.index)
    return _counted(known.fillna("").astype(str).replace("", _UNKNOWN), "failure", "images", len(images))


def wanted(cube: xr.Dataset, metric: str) -> list[str]:
    """Return the variables per image that `drift` looks at, as far as the cube has them."""
    return [name for name in dict.fromkeys((*_PER_IMAGE, metric)) if name in cube]


def drift(cube: xr.Dataset, metric: str) -> pd.DataFrame:
    """Return what changes over the years, by vendor.

    Parameters
    ----------
    cube : Dataset
        In the stored form.
    metric : str

    Returns
    -------
    DataFrame
        One row per year and vendor: ``year``, ``vendor``, ``images`` that were measured, ``share`` of the
        year's, ``value`` (median of the metric), ``zero`` (share without any), and medians of
        ``spacing_detector_mm`` and ``breast_area`` where these are known; ``guessed`` is the share of
        images whose grey levels were scaled by their own content, since their files state no scale. Rare
        vendors are one.
    """
    dims = ("subject", "view", "exam")
    status = cube["status"].transpose(*dims)
    year = cube["date"].dt.year.broadcast_like(status).transpose(*dims).values
    kept = (status.values == DONE) & np.isfinite(year.astype(np.float64))
    columns: dict[str, Any] = {"year": year[kept].astype(int)}
    for name in wanted(cube, metric):
        if name != "status":
            columns[name] = cube[name].broadcast_like(status).transpose(*dims).values[kept]
    columns["value"] = columns[metric]
    table = pd.DataFrame(columns)
    if "vendor" in columns:
        table["vendor"] = _vendors(table["vendor"])
    else:
        table["vendor"] = _UNKNOWN
    table["zero"] = (table["value"] == 0).astype(float).where(table["value"].notna())
    if "scaling" in table:
        known = table["scaling"].notna() & (table["scaling"] != "")
        table["guessed"] = (table["scaling"] == "robust").astype(float).where(known)
    groups = table.groupby(["year", "vendor"], sort=True)
    found = groups.agg(images=("vendor", "size"), value=("value", "median"), zero=("zero", "mean"))
    for name in ("spacing_detector_mm", "breast_area"):
        if name in columns:
            found[name] = groups[name].median()
    if "guessed" in table:
        found["guessed"] = groups["guessed"].mean()
    found = found.reset_index()
    share = found["images"] / found.groupby("year")["images"].transform("sum")
    found.insert(3, "share", share)
    return found


def concordances(found: Result) -> pd.DataFrame:
    """Return how well views agree, a comparison a row: label, estimate, low, high, n.

    Parameters
    ----------
    found : Result
        Of ``cube.bac.view_consistency``.
    """
    table = found.to_frame()
    held = table[table["term"].str.startswith("concordance") & table["estimate"].notna()]
    names = {"comparison": "label", "ci_low": "low", "ci_high": "high"}
    return held.rename(columns=names)[["label", "estimate", "low", "high", "n"]].reset_index(drop=True)


def evenly(cube: xr.Dataset, most: int) -> xr.Dataset:
    """Return at most so many women, evenly chosen along the cube."""
    n = cube.sizes["subject"]
    if n <= most:
        return cube
    return cube.isel(subject=np.linspace(0, n - 1, most).astype(int))


def _vendors(names: pd.Series) -> pd.Series:
    """Return vendors as texts; all beyond the most frequent ones are one."""
    texts = names.fillna("").astype(str).replace("", _UNKNOWN)
    first = texts.value_counts().index[:_MOST_VENDORS]
    return texts.where(texts.isin(first), _REST)


def _counted(codes: pd.Series, name: str, unit: str, total: int) -> pd.DataFrame:
    counts = codes.value_counts()
    table = pd.DataFrame({name: counts.index.astype(str), unit: counts.to_numpy()})
    return table.assign(share=table[unit] / max(total, 1))


def _text(value: Any) -> str:
    return str(value)[:_LONGEST]
