"""How an image becomes a measurement, written down once: the frozen `Recipe` and its presets."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Scaling = Literal["presentation", "container"]
Smoothing = Literal["none", "median_square_5", "median_disk_5"]
Labels = Literal["keep", "opening_disk_10"]
Contrast = Literal["none", "stretch"]
Region = Literal["image", "breast"]
Inference = Literal["one_pass", "windows"]
Merge = Literal["maximum", "mean", "gaussian"]
Normalisation = Literal["fixed", "patch_mean"]
Comparison = Literal[">", ">="]

_CHOICES: dict[str, tuple[str, ...]] = {
    "scaling": ("presentation", "container"),
    "smoothing": ("none", "median_square_5", "median_disk_5"),
    "labels": ("keep", "opening_disk_10"),
    "contrast": ("none", "stretch"),
    "region": ("image", "breast"),
    "inference": ("one_pass", "windows"),
    "merge": ("maximum", "mean", "gaussian"),
    "normalisation": ("fixed", "patch_mean"),
    "comparison": (">", ">="),
}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every choice between a file and its numbers.

    Two measurements may be compared only when their recipes and weights are the same; a study
    folder therefore holds one recipe, and refuses another.

    Attributes
    ----------
    name : str
        Preset the recipe started from; a changed preset is named ``"<preset>*"``.
    scaling : {"presentation", "container"}
        How stored values become 8-bit grey. ``presentation``: DICOM modality and VOI transformation
        as the file states it; without one, a robust scaling inside the breast. ``container``: a
        16-bit picture divided by 257's integer partner 256, as the authors' script reads PNG files;
        DICOM files are scaled as under ``presentation``.
    spacing_mm : float or None
        Images that state their pixel spacing are resampled to this spacing at the detector [mm];
        None keeps the stored grid.
    smoothing : {"none", "median_square_5", "median_disk_5"}
        Median filter before everything else.
    labels : {"keep", "opening_disk_10"}
        Removal of burned-in view labels.
    contrast : {"none", "stretch"}
        ``stretch``: 0.5th to 99.5th percentile of the breast onto 0..255.
    region : {"image", "breast"}
        Where pixels count: the whole image, or the breast mask (largest body, without film border
        and labels; the pectoral muscle stays in).
    inference : {"one_pass", "windows"}
        ``one_pass``: the whole breast at once, every pixel gated as if at a window's centre
        (SCU-Net only). ``windows``: sliding windows, merged by `merge`.
    patch, stride : int
        Side of a window and distance between windows [pixel].
    merge : {"maximum", "mean", "gaussian"}
        How overlapping windows are combined.
    reject_mean, reject_sd : float
        A window is skipped when its 8-bit mean or standard deviation is not above these.
    normalisation : {"fixed", "patch_mean"}
        ``fixed``: ``(x/255 - mean) / sd``; ``patch_mean``: each window minus its own mean, over `sd`.
    mean, sd : float
        Constants of the normalisation.
    clip : bool
        Whether network output is limited to [0, 1] before merging and counting.
    cut : float
        A pixel is called calcified when its probability is above `cut` (strictly).
    comparison : {">", ">="}
        How intensities are compared with the threshold X of TAM_X and TSIM_X.
    network : str
        Name in `bactools.networks.NETWORKS`.
    weights : str
        Name in the weights registry, or ``"file"`` for a user's own.

    References
    ----------
    Guo X, O'Neill WC, Vey B, et al. SCU-Net: A deep learning method for segmentation and
    quantification of breast arterial calcifications on mammograms. Med Phys 2021;48:5851-5861.
    """

    name: str
    scaling: Scaling = "presentation"
    spacing_mm: float | None = None
    smoothing: Smoothing = "median_square_5"
    labels: Labels = "keep"
    contrast: Contrast = "none"
    region: Region = "breast"
    inference: Inference = "one_pass"
    patch: int = 512
    stride: int = 480
    merge: Merge = "maximum"
    reject_mean: float = 20.0
    reject_sd: float = 10.0
    normalisation: Normalisation = "fixed"
    mean: float = 0.2813
    sd: float = 0.1256
    clip: bool = True
    cut: float = 0.5
    comparison: Comparison = ">"
    network: str = "scunet"
    weights: str = "published-8bit"

    def __post_init__(self) -> None:
        for field, choices in _CHOICES.items():
            value = getattr(self, field)
            if value not in choices:
                raise ValueError(f"recipe {field}={value!r}: choose one of {', '.join(choices)}")
        if self.patch < 8 or self.patch % 8:
            raise ValueError(f"recipe patch={self.patch}: choose a positive multiple of 8")
        if self.inference == "windows" and not 0 < self.stride <= self.patch:
            raise ValueError(f"recipe stride={self.stride}: choose 1 to the patch size {self.patch}")
        if not 0.01 <= self.cut <= 0.99 or abs(self.cut * 100 - round(self.cut * 100)) > 1e-9:
            raise ValueError(f"recipe cut={self.cut}: choose a whole percentage from 0.01 to 0.99")
        if self.spacing_mm is not None and not 0.02 <= self.spacing_mm <= 1:
            raise ValueError(f"recipe spacing_mm={self.spacing_mm}: choose 0.02 to 1 mm, or None")
        if self.sd <= 0:
            raise ValueError(f"recipe sd={self.sd}: choose a positive number")
        if self.inference == "one_pass" and self.normalisation != "fixed":
            raise ValueError("recipe inference='one_pass' has no windows: choose normalisation='fixed'")

    def replace(self, **changes: Any) -> Recipe:
        """Return a copy with `changes`; its name gets a star unless a name is given.

        Raises
        ------
        ValueError
            If a field is unknown or its value is not allowed; the message lists the choices.
        """
        known = {field.name for field in dataclasses.fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ValueError(f"recipe has no field {unknown[0]!r}; fields: {', '.join(sorted(known))}")
        changed = any(getattr(self, key) != value for key, value in changes.items())
        if changed and "name" not in changes:
            changes["name"] = self.name.rstrip("*") + "*"
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Recipe:
        """Rebuild a recipe written by `to_dict`.

        Raises
        ------
        ValueError
            If a field is unknown, missing or not allowed.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(fields) - known)
        if unknown or "name" not in fields:
            raise ValueError(
                f"not a bactools recipe: {'unknown field ' + unknown[0] if unknown else 'no name'}"
            )
        return cls(**fields)

    @property
    def hash(self) -> str:
        """Sixteen hex digits that change with any field but the name."""
        fields = self.to_dict()
        del fields["name"]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]

    def differences(self, other: Recipe) -> dict[str, tuple[Any, Any]]:
        """Return ``{field: (self, other)}`` of the fields that differ, the name left out."""
        mine, theirs = self.to_dict(), other.to_dict()
        return {key: (mine[key], theirs[key]) for key in mine if key != "name" and mine[key] != theirs[key]}


PRESETS: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(name="default", spacing_mm=0.07),
        Recipe(
            name="published",
            scaling="container",
            region="image",
            inference="windows",
            stride=480,
            clip=False,
            cut=0.65,
            comparison=">=",
        ),
        Recipe(
            name="paper",
            smoothing="median_disk_5",
            labels="opening_disk_10",
            contrast="stretch",
            inference="windows",
            stride=448,
            normalisation="patch_mean",
        ),
        Recipe(name="smooth_windows", spacing_mm=0.07, inference="windows", stride=256, merge="gaussian"),
    )
}
"""Recipes by name: `default`, the authors' `published` script, the `paper`'s text, and
`smooth_windows`, which is `default` for any network that cannot run in one pass."""


def named(recipe: str | Recipe, **changes: Any) -> Recipe:
    """Return a preset by name, or the given recipe, with `changes` applied.

    Raises
    ------
    ValueError
        If no preset has that name; the message lists the presets.
    """
    if isinstance(recipe, str):
        if recipe not in PRESETS:
            raise ValueError(f"no recipe named {recipe!r}; presets: {', '.join(PRESETS)}")
        recipe = PRESETS[recipe]
    return recipe.replace(**changes)
