"""What is known of each column: from a REDCap data dictionary, from a schema of ours, or from its name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bactools.study.covariates.errors import CovariatesError
from bactools.study.covariates.reading import LARGEST, read_csv

KINDS = ("number", "integer", "yes/no", "choice", "text", "date")
"""Types of a column."""

_FIELDS = frozenset({"name", "type", "units", "description", "low", "high", "choices", "per"})
_SHORT = 200
_UNIT = re.compile(r"[^<>\"'&]{1,24}")


@dataclass(frozen=True)
class Column:
    """What is known of a column.

    Attributes
    ----------
    name : str
        As in the file.
    kind : str
        Of `KINDS`; empty if its values have to tell.
    units, description : str
    low, high : float, optional
        Smallest and largest possible value.
    choices : dict of str to str
        What each code stands for.
    per_woman : bool
        Whether it is the same at all her exams.
    left_out : str
        Why it is not taken in; empty if it is.
    """

    name: str
    kind: str = ""
    units: str = ""
    description: str = ""
    low: float | None = None
    high: float | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    per_woman: bool = False
    left_out: str = ""


_DENSITY = {**{code: code for code in "ABCD"}, **dict(zip("1234", "ABCD", strict=True))}
_IDENTIFIES = (
    r"((patient|pt|subject|participant|woman)s?_)?(mrn|ssn|nhs_?(no|number)?|medical_record(_number)?|patient_?(id|no|number|name)|pat_?id|"
    r"record_id|study_?id|subject_?id|dob|birth_?(date|day)|date_of_birth|(first|last|middle|maiden|sur|given|family|full)_?name|"
    r"name|e?_?mail(_address)?|phone(_?(no|number))?|telephone|address|street|zip(_?code)?|post_?code|"
    r"accession(_?(no|number))?|insurance_?(id|no|number)?)"
)
_REDCAP = r"redcap_\w+|event name|repeat instrument|repeat instance|data access group|survey identifier"
_KNOWN: tuple[tuple[str, Column], ...] = tuple(
    (pattern, Column("", units=units, low=low, high=high))
    for pattern, units, low, high in (
        (r"age(_.*)?|.*_age|(age_?at_?)?menopause(_age)?|menarche(_age)?", "year", 0, 120),
        (r"bmi(_.*)?|.*_bmi|body_mass_index", "kg/m2", 8, 120),
        (r"(systolic|sbp)(_.*)?|.*_(systolic|sbp)", "mmHg", 40, 320),
        (r"(diastolic|dbp)(_.*)?|.*_(diastolic|dbp)", "mmHg", 15, 220),
        (r"heart_rate|pulse", "1/min", 15, 300),
        (r"hba1c(_pct|_percent)?", "", 2, 200),
        (r"e?gfr(_.*)?", "", 0, 250),
        (r"height(_cm)|height_in_cm", "cm", 50, 260),
        (r"weight(_kg)|weight_in_kg", "kg", 15, 450),
        (r"(ldl|hdl|(total_)?cholesterol|triglycerides|creatinine|glucose)(_.*)?", "", 0, None),
        (r"parity|gravidity|live_?births|n_children", "", 0, 30),
        (r"pack_?years", "year", 0, 300),
    )
)


def of_name(name: str) -> Column:
    """Return what a column's name alone tells: whom it would identify, what is possible."""
    plain = re.sub(r"\W+", "_", name.strip().lower()).strip("_")
    if re.fullmatch(_IDENTIFIES, plain):
        return Column(name, left_out="it identifies a patient")
    if re.fullmatch(_REDCAP, name.strip().lower()):
        return Column(name, left_out="REDCap's own")
    if re.fullmatch(r"(breast_)?density(_(birads|bi_rads|category))?|birads_density|bi_rads_density", plain):
        return Column(name, "choice", choices=_DENSITY, description="Breast density, BI-RADS.")
    for pattern, known in _KNOWN:
        if re.fullmatch(pattern, plain):
            return replace(known, name=name)
    return Column(name)


def read_dictionary(path: Path | str) -> dict[str, Column]:
    """Read a REDCap data dictionary, or a schema.

    Parameters
    ----------
    path : path
        CSV as REDCap exports it. Or a schema of ours: TOML with a table per column, or CSV with a row per
        column, of ``name``, ``type`` (of `KINDS`), ``units``, ``low``, ``high``, ``choices`` (a table, or
        ``1, White | 2, Black``), ``description``, and ``per`` (``woman`` or ``exam``).

    Returns
    -------
    dict of str to Column

    Raises
    ------
    CovariatesError
        If it cannot be read, or says something impossible.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST // 8:
            raise CovariatesError("the dictionary is too large")
        content = path.read_bytes()
    except OSError as error:
        raise CovariatesError(f"the dictionary cannot be opened ({error.strerror or 'refused'})") from None
    if path.suffix.lower() == ".toml":
        return _of_toml(content)
    table, _ = read_csv(content)
    table.columns = pd.Index([re.sub(r"\s+", " ", str(name)).strip().lower() for name in table.columns])
    if table.columns.duplicated().any():
        raise CovariatesError("the dictionary has a column twice")
    rows = [{str(name): said for name, said in row.items()} for row in table.to_dict("records")]
    redcap = next((name for name in table.columns if name.startswith("variable / field name")), None)
    if redcap is not None:
        return {column.name: column for row in rows for column in _of_redcap(row, str(row[redcap]))}
    if "name" not in table:
        raise CovariatesError("the dictionary has neither a column name nor REDCap's Variable / Field Name")
    return {column.name: column for column in map(_of_row, rows)}


def _of_toml(content: bytes) -> dict[str, Column]:
    try:
        held = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CovariatesError(f"the schema is no TOML ({type(error).__name__})") from None
    if not all(isinstance(said, dict) for said in held.values()):
        raise CovariatesError('the schema needs a table per column, such as [bmi] and units = "kg/m2"')
    return {name: _of_row({"name": name, **said}) for name, said in held.items()}


def _of_row(row: Mapping[str, Any]) -> Column:
    name = str(row["name"]).strip()
    unknown = sorted(set(row) - _FIELDS)
    if unknown:
        fields = ", ".join(sorted(_FIELDS - {"name"}))
        raise CovariatesError(f"the schema of {name[:60]!r} says {unknown[0][:60]!r}: use {fields}")
    kind = str(row.get("type", "")).strip().lower()
    kind = {"bool": "yes/no", "flag": "yes/no", "float": "number", "int": "integer"}.get(kind, kind)
    if kind and kind not in KINDS:
        raise CovariatesError(f"the schema of {name[:60]!r} has an unknown type: use {', '.join(KINDS)}")
    choices = row.get("choices", {})
    if isinstance(choices, Iterable) and not isinstance(choices, str | Mapping):
        choices = {str(choice): str(choice) for choice in choices}
    if not isinstance(choices, Mapping):
        choices = _choices(str(choices))
    per = str(row.get("per", "")).strip().lower()
    if per not in ("", "woman", "exam"):
        raise CovariatesError(f"the schema of {name[:60]!r}: per is woman or exam")
    return _within(
        Column(
            name,
            kind or ("choice" if choices else ""),
            units(str(row.get("units", ""))),
            sentence(str(row.get("description", ""))),
            _number(row.get("low"), name),
            _number(row.get("high"), name),
            {str(code): sentence(str(label)) for code, label in choices.items()},
            per_woman=per == "woman",
        )
    )


def _of_redcap(row: Mapping[str, Any], name: str) -> Iterable[Column]:
    """Yield the columns of a field: one, or one per box to tick."""
    kind = str(row.get("field type", "")).strip().lower()
    told = str(row.get("choices, calculations, or slider labels", row.get("choices or calculations", "")))
    check = str(row.get("text validation type or show slider number", "")).strip().lower()
    label = sentence(str(row.get("field label", "")))
    found = Column(
        name, units=units(str(row.get("field note", ""))), description=label,
        low=_number(row.get("text validation min"), name, strict=False),
        high=_number(row.get("text validation max"), name, strict=False),
    )  # fmt: skip
    if str(row.get("identifier?", "")).strip().lower() in ("y", "yes", "1"):
        yield replace(found, left_out="the dictionary marks it as an identifier")
    elif kind == "checkbox":
        for code, choice in _choices(told).items():
            box = f"{name}___{code.lower().replace('-', '_')}"
            yield Column(box, "yes/no", description=sentence(f"{label}: {choice}"))
    elif kind in ("yesno", "truefalse"):
        yield replace(found, kind="yes/no")
    elif kind in ("radio", "dropdown"):
        choices = _choices(told)
        flag = {text.lower() for text in choices.values()} in ({"yes", "no"}, {"true", "false"})
        yield replace(found, kind="yes/no" if flag else "choice", choices=choices)
    elif kind in ("calc", "slider") or check.startswith("number"):
        yield _within(replace(found, kind="number"))
    elif check == "integer":
        yield _within(replace(found, kind="integer"))
    elif check.startswith("date"):
        yield replace(found, kind="date", low=None, high=None)
    elif kind in ("notes", "descriptive", "file"):
        yield replace(found, left_out="free text or a file")
    else:
        yield replace(found, low=None, high=None)


def _choices(told: str) -> dict[str, str]:
    """Return what ``1, White | 2, Black`` says."""
    pairs = [part.partition(",") for part in told.split("|") if part.strip()]
    return {code.strip(): sentence(label) or code.strip() for code, _, label in pairs}


def _number(told: Any, name: str, *, strict: bool = True) -> float | None:
    if told is None or str(told).strip() == "":
        return None
    try:
        found = float(told)
    except (TypeError, ValueError):
        found = float("nan")
    if found != found:
        if strict:
            raise CovariatesError(f"the schema of {name[:60]!r}: low and high are numbers")
        return None
    return found


def _within(column: Column) -> Column:
    if column.low is not None and column.high is not None and column.low > column.high:
        raise CovariatesError(f"the schema of {column.name[:60]!r}: low is above high")
    return column


def units(told: str) -> str:
    """Return a unit as given, if it is short and plain; otherwise nothing."""
    told = told.strip().strip("[]()").strip()
    return told if _UNIT.fullmatch(told) and told.count(" ") <= 2 and told.isprintable() else ""


def sentence(told: str) -> str:
    """Return a text without markup and control characters, at most 200 characters long."""
    plain = re.sub(r"<[^>]*>", " ", told)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in plain).split())[:_SHORT]
