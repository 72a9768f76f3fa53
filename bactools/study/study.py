"""A study: what was measured, by which recipe and weights, and everything needed to go on."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bactools.conventions import CONVENTIONS, Maps
from bactools.cube import assemble, open_cube, write_cube
from bactools.recipe import Recipe
from bactools.study.asked import Asked
from bactools.study.covariates import Described, with_covariates
from bactools.study.files import write_atomic
from bactools.study.journal import Histogram, Histograms, Journal, plain
from bactools.study.maps import read_map, write_map
from bactools.study.telling import study_card, summary

_INDEX_COLUMNS = (
    "subject",
    "date",
    "view",
    "acquisition_time",
    "implant_displaced",
    "synthesized",
    "for_processing",
    "flags",
    "age",
    "magnification",
    "fingerprint",
)
"""What a row of the journal takes over from the index."""

_PACKAGES = ("torch", "monai", "numpy", "opencv-python-headless", "pydicom", "xarray", "zarr")


class StudyError(ValueError):
    """A study folder that cannot be used as asked; the message says what to do."""


@dataclass(frozen=True)
class Study(Asked, Described):
    """A study folder.

    Attributes
    ----------
    folder : Path
    recipe : Recipe
        The one recipe of all its images.
    weights : dict
        ``name``, ``sha256``, ``output`` of the one set of weights, and a ``note`` if results need one.
    maps : {"probability", "mask", "none"}
        What is kept of each image's map.
    """

    folder: Path
    recipe: Recipe
    weights: Mapping[str, str]
    maps: Maps

    @property
    def journal(self) -> Journal:
        """Finished images."""
        return Journal(self.folder / "journal", run=f"{self.recipe.hash}-{self.weights['sha256'][:16]}")

    @property
    def note(self) -> str:
        """What everything made from this study must say of its weights; empty for most."""
        return self.weights.get("note", "")

    @property
    def index(self) -> pd.DataFrame:
        """One row per file ever seen, eligible or excluded with a reason; no paths."""
        path = self.folder / "index.parquet"
        return pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=["image_id", "eligible"])

    @property
    def images(self) -> pd.DataFrame:
        """One row per finished image, measured or failed, with why it is or is not in the cube."""
        path = self.folder / "images.parquet"
        if not path.exists():
            raise StudyError("this study has no finished run yet: bactools run FOLDER --out STUDY")
        return pd.read_parquet(path)

    @property
    def counts(self) -> dict[str, int]:
        """How many files were seen, and how many of them are done, excluded, failed or still to do.

        A study that was handed on without its journal is counted by its table of images.
        """
        index = self.index
        eligible = index.loc[index["eligible"].astype(bool), "image_id"]
        journal, table = self.journal, self.folder / "images.parquet"
        if not journal.folder.parent.exists() and table.exists():
            known = pd.read_parquet(table, columns=["image_id", "status"]).set_index("image_id")["status"]
            states = known.reindex(eligible).astype(object).where(lambda held: held.notna(), None).tolist()
        else:
            states = [journal.get(image_id, {}).get("status") for image_id in eligible]
        return {
            "seen": len(index),
            "done": states.count("done"),
            "excluded": len(index) - len(eligible),
            "failed": states.count("failed"),
            "to_do": states.count(None),
        }

    def cube(self, **options: Any) -> xr.Dataset:
        """Open the study's cube; options as in `bactools.open_cube`."""
        return open_cube(self.folder, **options)

    def dashboard(self, *others: Any, height: int = 900) -> Any:
        """Return the dashboard of this study, for the last line of a notebook's cell."""
        from dashboards.notebook import show

        return show(self, *others, height=height)

    def map(self, image_id: str) -> xr.DataArray:
        """Return the stored map of an image, see `bactools.study.maps.read_map`."""
        return read_map(self.folder / "maps.zarr", image_id)

    def save_index(self, table: pd.DataFrame, *, naming: Mapping[str, Any]) -> None:
        """Take a folder's index into the study; files seen before are replaced, others kept.

        Parameters
        ----------
        table, naming
            Of `bactools.dicom.Index`.

        Raises
        ------
        StudyError
            If the study's subjects were named with another key, or its dates shifted otherwise: the same
            woman would become two, or move in time.
        """
        record = self.folder / "naming.json"
        before = json.loads(record.read_text(encoding="utf-8")) if record.exists() else dict(naming)
        if before["key"] != naming["key"]:
            raise StudyError("this study's pseudonyms were made with another key: give it with --key")
        if before["shift_dates"] != naming["shift_dates"]:
            raise StudyError(
                f"this study's dates were shifted by up to {before['shift_dates']} days, "
                f"{naming['shift_dates']} asked: give --shift-dates {before['shift_dates']}"
            )
        write_atomic(record, json.dumps(dict(naming)).encode())
        earlier = self.index
        kept = earlier[~earlier["image_id"].isin(table["image_id"])]
        merged = pd.concat([kept, table], ignore_index=True) if len(kept) else table
        write_atomic(self.folder / "index.parquet", merged.to_parquet(index=False))

    def to_do(self, table: pd.DataFrame, *, retry_failed: bool = False) -> pd.DataFrame:
        """Return the eligible rows of an index that this study has not finished.

        Parameters
        ----------
        table : DataFrame
            Of `bactools.dicom.index_folder`.
        retry_failed : bool
            Count failed images as unfinished.
        """
        journal = self.journal
        eligible = table[table["eligible"]]
        finished = []
        for image_id, fingerprint in zip(eligible["image_id"], eligible["fingerprint"], strict=True):
            done = journal.done_with(image_id, fingerprint=fingerprint)
            finished.append(done and not (retry_failed and journal[image_id]["status"] == "failed"))
        return eligible[~pd.Series(finished, index=eligible.index, dtype=bool)]

    def finish(
        self,
        source: Mapping[str, Any],
        *,
        status: str,
        row: Mapping[str, Any],
        histogram: Histogram | None = None,
        map_array: Any = None,
        code: str = "",
        message: str = "",
    ) -> None:
        """Record one image: its map first, then its journal piece, which makes it finished.

        Parameters
        ----------
        source : mapping
            The image's row of the index.
        status : {"done", "failed"}
        row : mapping
            Metrics and provenance.
        histogram, map_array : array, optional
        code, message : str
            Why it failed.
        """
        image_id = str(source["image_id"])
        if map_array is not None:
            attrs = {
                "recipe": self.recipe.hash,
                "weights": self.weights["sha256"],
                "spacing_mm": plain(row.get("analysis_spacing_mm")),
            }
            write_map(self.folder / "maps.zarr", image_id, map_array, attrs=attrs)
        record: dict[str, Any] = {"image_id": image_id, "status": status}
        record |= {column: _stored(source[column]) for column in _INDEX_COLUMNS}
        record["vendor"] = source["manufacturer"]
        record["spacing_detector_mm"] = plain(source["spacing_detector_mm"])
        record["spacing_corrected_mm"] = plain(source["spacing_corrected_mm"])
        record |= {"failure": code, "failure_message": message}
        record |= {name: plain(value) for name, value in row.items()}
        self.journal.write(record, histogram)

    @property
    def consolidated(self) -> bool:
        """Whether cube and images tell all that the journal knows.

        ``study.json`` holds counts only after the cube was rebuilt from them, see `begin`.
        """
        written = all((self.folder / name).exists() for name in ("cube.zarr", "images.parquet"))
        about = json.loads((self.folder / "study.json").read_text(encoding="utf-8"))
        return written and about["counts"] == self.counts

    def begin(self) -> None:
        """Say in ``study.json`` that the cube is about to fall behind the journal."""
        self.write_about()

    def consolidate(self) -> xr.Dataset:
        """Rebuild ``images.parquet`` and the cube from the journal; return the stored cube's dataset."""
        journal = self.journal
        known = set(self.index["image_id"])
        records = [row for row in journal.rows() if row["image_id"] in known]
        rows = pd.DataFrame(records) if records else pd.DataFrame(columns=["image_id", "status", "subject"])
        if records:
            rows["date"] = pd.to_datetime(rows["date"], format="%Y-%m-%d")
            rows = rows.sort_values("image_id", ignore_index=True)
        dataset, images = assemble(rows, Histograms(journal, list(rows["image_id"])), attrs=self._attrs())
        if "pixels_sha256" in images:
            images["same_pixels"] = images["pixels_sha256"].notna() & images.duplicated(
                "pixels_sha256", keep=False
            )
        dataset = with_covariates(dataset, self.folder)
        write_cube(dataset, self.folder / "cube.zarr")
        write_atomic(self.folder / "images.parquet", images.to_parquet(index=False))
        self.write_about(counts=self.counts)
        return dataset

    def _attrs(self) -> dict[str, str]:
        return {
            "title": "Breast arterial calcification",
            "recipe": json.dumps(self.recipe.to_dict(), sort_keys=True),
            "recipe_hash": self.recipe.hash,
            "weights": self.weights["name"],
            "weights_sha256": self.weights["sha256"],
            "weights_note": self.note,
            "versions": json.dumps(_versions(), sort_keys=True),
            "note": "For research only; not a medical device.",
        }

    def write_about(self, *, counts: Mapping[str, int] | None = None) -> None:
        """Write ``study.json``: what the study is, by what it was made, how far it is."""
        about = {
            "conventions": CONVENTIONS,
            "recipe": self.recipe.to_dict(),
            "recipe_hash": self.recipe.hash,
            "weights": dict(self.weights),
            "maps": self.maps,
            "versions": _versions(),
            "counts": dict(counts or {}),
        }
        write_atomic(self.folder / "study.json", (json.dumps(about, indent=2) + "\n").encode())

    def summary(self) -> str:
        """Return counts, recipe and weights in a few lines."""
        images = self.images if (self.folder / "images.parquet").exists() else pd.DataFrame()
        return summary(self.counts, self.recipe, self.weights, self.note, images)

    def _repr_html_(self) -> str:
        images = self.images if (self.folder / "images.parquet").exists() else pd.DataFrame()
        return study_card(self.counts, self.recipe, self.weights, self.note, images, maps=self.maps)


def _stored(value: Any) -> Any:
    return value.strftime("%Y-%m-%d") if isinstance(value, pd.Timestamp) else plain(value)


def _versions() -> dict[str, str]:
    packages = {package: version(package) for package in ("bactools", *_PACKAGES)}
    return {"python": platform.python_version(), **packages}
