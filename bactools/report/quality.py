"""Quality: what was excluded and failed, and how images differ by vendor and scaling."""

from __future__ import annotations

import pandas as pd

from bactools.cube import to_table
from bactools.report.material import METRIC, Material
from bactools.report.parts import Section

_BY_IMAGE = ("vendor", "scaling", "model", "spacing_detector_mm")
_MOST_VALUES = 30


def quality(material: Material) -> Section:
    """Return exclusions, failures, vendors, scaling and versions."""
    section = Section("Quality appendix")
    index, images = material.source.index, material.source.images
    section.words(
        "Exclusions and failures are of the whole study, whoever is in the cohort of this report.",
        kind="small",
    )
    section.part("Files excluded", lambda: _excluded(section, index))
    section.part("Images that failed", lambda: _failed(section, images))
    wanted = ("status", *_BY_IMAGE, METRIC, "breast_area")
    table = to_table(material.cube[[name for name in wanted if name in material.cube]])
    for name in _BY_IMAGE:
        if name in table:
            section.part(f"Images by {name}", lambda name=name: _by(section, table, name))  # type: ignore[misc]
    section.heading("Run")
    section.table(_run(material), "Counts and versions of the run")
    return section


def _excluded(section: Section, index: pd.DataFrame) -> None:
    out = index[~index["eligible"].astype(bool)]
    if out.empty:
        section.words(f"None of {len(index):,} files seen was excluded.")
        return
    section.words(f"{len(out):,} of {len(index):,} files seen were excluded before they were measured.")
    reasons = out["reason"].fillna("").replace("", "not stated")
    section.table(_counts(reasons, len(index), "reason"), "Files excluded, by reason")


def _failed(section: Section, images: pd.DataFrame) -> None:
    failed = images[images["status"] == "failed"]
    if failed.empty:
        section.words(f"None of {len(images):,} images failed.")
        return
    section.words(
        f"{len(failed):,} of {len(images):,} images could not be measured. They are missing, not 0."
    )
    kinds = failed["failure"].fillna("").replace("", "not stated")
    section.table(_counts(kinds, len(images), "failure"), "Failures, by kind")


def _counts(values: pd.Series, total: int, name: str) -> pd.DataFrame:
    counts = values.astype(str).str.replace("_", " ").value_counts()
    return pd.DataFrame(
        {name: counts.index, "files": counts.to_numpy(), "percent": 100 * counts.to_numpy() / total}
    )


def _by(section: Section, table: pd.DataFrame, name: str) -> None:
    """Add how many images there are by value and how they measure: a shift here is no disease."""
    values = table[name]
    if pd.api.types.is_float_dtype(values):
        values = values.round(3)
    if values.nunique() > _MOST_VALUES:
        section.words(f"{name} has {values.nunique()} values, too many to list.")
        return
    values = values.astype(object).where(values.notna() & (values != ""), "not stated").astype(str)
    kept = {name: values, "year": table["date"].dt.year}
    kept |= {column: table[column] for column in (METRIC, "breast_area") if column in table}
    grouped = pd.DataFrame(kept).groupby(name)
    found = pd.DataFrame({"images": grouped.size()})
    found["first year"] = grouped["year"].min().astype("Int64").astype(str)
    found["last year"] = grouped["year"].max().astype("Int64").astype(str)
    for column in (METRIC, "breast_area"):
        if column in kept:
            found[f"median {column}"] = grouped[column].median()
    if METRIC in kept:
        none = (kept[METRIC] == 0).where(kept[METRIC].notna()).astype(float)
        found["percent with 0"] = 100 * none.groupby(values).mean()
    section.table(found.reset_index(), f"Images by {name}, with median {METRIC} and breast area")
    if len(found) > 1:
        section.words(
            f"Where {METRIC} or breast area differs by {name}, women may differ, or the images: ask before"
            " comparing across it, or across years in which it changed.",
            kind="small",
        )


def _run(material: Material) -> pd.DataFrame:
    about = material.source.about
    rows = [(f"files {key.replace('_', ' ')}", str(n)) for key, n in (about.get("counts") or {}).items()]
    rows += [
        ("recipe", f"{material.recipe.name} ({material.recipe.hash})"),
        ("weights", material.weights["name"]),
        ("SHA-256 of the weights", material.weights.get("sha256", "unknown")),
        ("conventions of the cube", str(about.get("conventions", "unknown"))),
        *((str(name), str(held)) for name, held in (about.get("versions") or {}).items()),
    ]
    return pd.DataFrame(rows, columns=["what", "value"])
