"""Checks of what a configuration says, with messages that name the key."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """A training that cannot be done as asked; the message names the field and says what to do."""


def known(prefix: str, values: Mapping[str, Any], kind: type) -> None:
    """Refuse keys that are no fields of a dataclass.

    Raises
    ------
    ConfigError
        Naming the key and listing the fields.
    """
    names = [item.name for item in dataclasses.fields(kind)]
    for key in values:
        if key not in names:
            raise ConfigError(f"{prefix}{key}: no such key; keys: {', '.join(sorted(names))}")


def typed(prefix: str, values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return the values as their fields want them: whole numbers, numbers, texts.

    Raises
    ------
    ConfigError
        If a value is of another type.
    """
    wanted = {item.name: str(item.type) for item in dataclasses.fields(kind)}
    return {key: _as_field(prefix + key, value, wanted[key]) for key, value in values.items()}


def _as_field(name: str, value: Any, wanted: str) -> Any:
    if value is None and wanted.endswith("None"):
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if wanted.startswith("int") and not whole:
        raise ConfigError(f"{name}={value!r}: write a whole number")
    if wanted.startswith("float") and not (whole or isinstance(value, float)):
        raise ConfigError(f"{name}={value!r}: write a number")
    if wanted.startswith("str") and not isinstance(value, str):
        raise ConfigError(f"{name}={value!r}: write a text in quotes")
    return float(value) if wanted.startswith("float") else value


def as_path(name: str, value: Any) -> Path:
    """Return a folder's name as a path.

    Raises
    ------
    ConfigError
        If it is no text.
    """
    if not isinstance(value, str | os.PathLike):
        raise ConfigError(f"{name}={value!r}: write the folder as a text in quotes")
    return Path(value)


def within(name: str, value: float | None, least: float, most: float) -> None:
    """Refuse a number out of bounds; None is none.

    Raises
    ------
    ConfigError
        Naming the bounds.
    """
    if value is not None and not least <= value <= most:
        bounds = f"at least {least:g}" if most == math.inf else f"{least:g} to {most:g}"
        raise ConfigError(f"{name}={value}: choose {bounds}")
