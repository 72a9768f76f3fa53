"""Every choice of a training, written down once: a frozen `TrainingConfig`, read from TOML."""

from __future__ import annotations

import dataclasses
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bactools.networks import NETWORKS
from bactools.recipe import PRESETS
from bactools.training.augment import Augmentation
from bactools.training.checks import ConfigError, as_path, known, typed, within

Loss = Literal["dice", "bce", "dice_bce"]
Schedule = Literal["constant", "cosine"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "loss": ("dice", "bce", "dice_bce"),
    "schedule": ("constant", "cosine"),
    "recipe": tuple(PRESETS),
}
_LEAST: dict[str, float] = {
    "negatives": 0,
    "batch": 1,
    "epochs": 1,
    "steps_per_epoch": 1,
    "learning_rate": 0,
    "weight_decay": 0,
    "patience": 1,
    "seed": 0,
    "threads": 1,
    "minutes": 0,
}
_PLACES = ("data", "out", "patches", "start")
_LOCAL = {*_PLACES, "minutes", "threads"}  # of this machine; they change nothing in a result


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training; the defaults are the paper's where it states them.

    Attributes
    ----------
    data : tuple of pathlib.Path
        Truth folders (see `bactools.truth`); in a TOML file relative to the file.
    out : pathlib.Path
        Folder of the result; in a TOML file relative to the file.
    patches : pathlib.Path or None
        Where patches are kept, so that several trainings share them; None: in `out`.
    recipe : str
        Preset by which images are prepared.
    network : str
        Name in `bactools.networks.NETWORKS`.
    patch, overlap : int
        Side of a patch and how much neighbours share [pixel].
    negatives : float
        Patches without calcium per patch with calcium.
    crop : int or None
        Side of a random cut-out that is shown in training [pixel]; None: the patch.
    batch, epochs : int
    steps_per_epoch : int or None
        Steps that count as an epoch; None: one pass over the patches.
    loss : {"dice", "bce", "dice_bce"}
    learning_rate, weight_decay : float
        Of AdamW.
    schedule : {"constant", "cosine"}
        ``cosine`` falls to 0 over the epochs.
    validation : float
        Share of the women who are kept for validation; 0 keeps none.
    patience : int or None
        Stop after so many epochs without a better validation Dice; None: never.
    seed : int
    augment : Augmentation
    start : str or None
        Registered weights, or a file of theirs, to begin from; None: random.
    threads : int or None
        CPU threads; None: as torch chooses.
    minutes : float or None
        Stop before an epoch that would end later than this; None: never. Run again to go on.
    calibrate : bool
        Move the finished network's scores so that its masks at one half agree best with those drawn in
        the validation patches; for networks that give logits.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, sections II.A to II.C.
    """

    data: tuple[Path, ...]
    out: Path
    patches: Path | None = None
    recipe: str = "default"
    network: str = "scunet"
    patch: int = 512
    overlap: int = 64
    negatives: float = 0.0
    crop: int | None = None
    batch: int = 8
    epochs: int = 50
    steps_per_epoch: int | None = None
    loss: Loss = "dice"
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    schedule: Schedule = "constant"
    validation: float = 0.2
    patience: int | None = None
    seed: int = 0
    augment: Augmentation = field(default_factory=Augmentation)
    start: str | None = None
    threads: int | None = None
    minutes: float | None = None
    calibrate: bool = False

    def __post_init__(self) -> None:
        if not self.data:
            raise ConfigError("data: name at least one truth folder")
        for name, choices in {**_CHOICES, "network": tuple(NETWORKS)}.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name}={getattr(self, name)!r}: choose one of {', '.join(choices)}")
        for name, least in _LEAST.items():
            within(name, getattr(self, name), least, math.inf)
        for name in ("patch", "crop"):
            side = getattr(self, name)
            if side is not None and (side % 8 or not 8 <= side <= self.patch):
                raise ConfigError(f"{name}={side}: choose a multiple of 8, the crop at most the patch")
        within("overlap", self.overlap, 0, self.patch - 1)
        within("validation", self.validation, 0, 0.9)
        if self.patience is not None and not self.validation:
            raise ConfigError("patience: needs validation above 0, to see whether it gets better")

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> TrainingConfig:
        """Read a TOML file; its relative paths start where it lies.

        Raises
        ------
        ConfigError
            If it is no TOML, or a key is unknown, missing or not allowed.
        """
        file = Path(path)
        try:
            fields = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"the configuration is no TOML: {error}") from None
        return cls.from_dict(fields, base=file.parent)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any], *, base: Path | None = None) -> TrainingConfig:
        """Build a configuration from plain types.

        Parameters
        ----------
        fields : mapping
            As in the TOML file; `data` may be one folder or several.
        base : pathlib.Path, optional
            Where relative paths start.

        Raises
        ------
        ConfigError
            If a key is unknown, missing or not allowed; the message lists the known ones.
        """
        values = dict(fields)
        known("", values, cls)
        missing = [name for name in ("data", "out") if name not in values]
        if missing:
            raise ConfigError(f"{missing[0]}: missing; say where it lies")
        augment = values.get("augment", {})
        if not isinstance(augment, Augmentation):
            if not isinstance(augment, Mapping):
                raise ConfigError("augment: write it as a table, [augment]")
            known("augment.", augment, Augmentation)
            values["augment"] = Augmentation(**typed("augment.", augment, Augmentation))
        data = values.pop("data")
        folders = list(data) if isinstance(data, list | tuple) else [data]
        start = base or Path()
        values = typed("", values, cls)
        for name in ("out", "patches"):
            if values.get(name) is not None:
                values[name] = start / as_path(name, values[name])
        if values.get("start") is not None and (start / values["start"]).is_file():
            values["start"] = str(start / values["start"])
        return cls(data=tuple(start / as_path("data", folder) for folder in folders), **values)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON types, places included."""
        values = dataclasses.asdict(self)
        values["data"] = [str(folder) for folder in self.data]
        values["out"] = str(self.out)
        values["patches"] = None if self.patches is None else str(self.patches)
        return values

    def choices(self) -> dict[str, Any]:
        """Return the fields that decide the result, without any place on a disk: fit to be published."""
        return {key: value for key, value in self.to_dict().items() if key not in _LOCAL}

    def fixed(self) -> dict[str, Any]:
        """Return the fields that must not change between the parts of one training."""
        values = self.choices()
        del values["calibrate"]  # done after the last step
        if self.schedule == "constant":
            del values["epochs"]  # more of them may be asked for; under a cosine they change every step
        return values

    def replace(self, **changes: Any) -> TrainingConfig:
        """Return a copy with `changes`.

        Raises
        ------
        ConfigError
            If a field is unknown or its value is not allowed.
        """
        known("", changes, type(self))
        return dataclasses.replace(self, **changes)
