"""How networks did against drawn masks: what evaluations left beside a study.

An evaluation is a table of images, ``STUDY/evaluations/NETWORK.csv``, as ``bactools evaluate … --network
NETWORK`` writes it: image_id, subject, view, date and the five scores; further columns are passed over, but
for ``status`` (rows other than ``done`` are left out), ``calcium`` (images on which none is drawn are left
out, as the command leaves them out of its means) and ``parameters`` (how many the network has). Anyone may
have put it there, so it is checked.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from bactools.stats.comparison.paired import robust_mean
from bactools.study.networks import NAME, NAME_WORDS

SCORES = {
    "recall": "Recall",
    "precision": "Precision",
    "accuracy": "Accuracy",
    "dice": "Dice (F1)",
    "jaccard": "Jaccard",
}
"""In the order of the paper's Table 1."""

PARAMETERS = {"scunet": 169711}
"""Sizes of the networks that come with bactools, by name."""

_KEYS = ("image_id", "subject", "view", "date")
_RESERVED = frozenset({*_KEYS, "exam", "network", "method"})
USUAL = "scunet"
"""The network that others are compared with, without signs and capitals."""

_SIGNS = re.compile(r"[^a-z0-9]")
_LARGEST, _MOST_FILES, _MOST_PARAMETERS = 50_000_000, 40, 1e13


class ModelError(ValueError):
    """A table of scores that cannot be used; the message says why."""


@dataclass(frozen=True, eq=False)
class Evaluations:
    """Scores of networks, image by image.

    Attributes
    ----------
    table : DataFrame
        One row per network and image: ``network``, ``image_id``, ``subject``, ``view``, ``date`` (ISO 8601)
        and the five scores [1], NaN where one is not defined.
    parameters : dict of str to float
        Sizes of the networks that are known.
    problems : tuple of str
        Why a file was left out.
    blank : dict of str to int
        Images left out since no calcium is drawn on them, of the networks whose files tell.
    """

    table: pd.DataFrame
    parameters: dict[str, float]
    problems: tuple[str, ...] = ()
    blank: dict[str, int] = field(default_factory=dict)

    @property
    def networks(self) -> list[str]:
        """Their names, in alphabetical order."""
        return sorted(map(str, self.table["network"].unique()))

    @property
    def usual(self) -> str:
        """The network that others are compared with: ours, or else the first."""
        ours = [name for name in self.networks if _plain(name) == USUAL]
        return next(iter([*ours, *self.networks]), "")

    def within(self, cube: xr.Dataset) -> Evaluations:
        """Return the scores of a cube's images.

        Parameters
        ----------
        cube : Dataset
            A cohort's part of a study, in the stored form.
        """
        women = pd.Index(self.table["subject"].unique())
        rows = cube["subject"].to_index().get_indexer(women)
        theirs = cube[["image_id", "status"]].isel(subject=rows[rows >= 0])
        known = theirs["image_id"].values[theirs["status"].transpose(*theirs["image_id"].dims).values != 0]
        return replace(self, table=self.table[self.table["image_id"].isin(known)].reset_index(drop=True))

    def scores(self) -> pd.DataFrame:
        """Return one row per network: images, women, parameters, each score's mean and SD."""
        rows = []
        for name in self.networks:
            held = self.table[self.table["network"] == name]
            row = {
                "network": name, "images": len(held), "women": held["subject"].nunique(),
                "parameters": self.parameters.get(name, np.nan),
            }  # fmt: skip
            for score in SCORES:
                row |= {score: held[score].mean(), f"{score}_sd": held[score].std(ddof=1)}
            rows.append(row)
        return pd.DataFrame(rows)

    def told(self) -> pd.DataFrame:
        """Return the scores as a paper prints them, mean ± SD."""
        numbers = self.scores()
        told = numbers[["network", "images", "women"]].copy()
        for score, label in SCORES.items():
            told[label] = [
                _mean_sd(mean, sd)
                for mean, sd in zip(numbers[score], numbers[f"{score}_sd"], strict=True)
            ]  # fmt: skip
        return told

    @property
    def words(self) -> str:
        """Which images count."""
        silent = [name for name in self.networks if name not in self.blank]
        if len(silent) == len(self.networks):
            return "All images count: no table has a column calcium that tells whether any is drawn on them."
        told = "Images on which calcium is drawn count, as in the means of bactools evaluate"
        out = {self.blank[name] for name in self.networks if name in self.blank}
        if out - {0}:
            n = f"{min(out)}" if len(out) == 1 else f"{min(out)} to {max(out)}"
            told += f"; {n} of each network without any are left out"
        if silent:
            told += f". The tables of {', '.join(silent)} do not say on which it is, so all of theirs count"
        return f"{told}."

    def side_by_side(self, score: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return a score per image and network, and what is known of each image.

        Parameters
        ----------
        score : str
            One of `SCORES`.

        Returns
        -------
        DataFrame, DataFrame
            Columns are the networks, and image_id, subject, view, date; rows agree.
        """
        wide = self.table.pivot(index="image_id", columns="network", values=score)
        keys = self.table.drop_duplicates("image_id").set_index("image_id").loc[wide.index]
        wide.columns = [str(name) for name in wide.columns]
        return wide.reset_index(drop=True), keys.reset_index()[list(_KEYS)]

    def sizes(self, score: str) -> pd.DataFrame:
        """Return size and mean score of each network, with the score's 95 % interval by woman.

        Parameters
        ----------
        score : str
            One of `SCORES`.
        """
        rows = []
        for name in self.networks:
            held = self.table[self.table["network"] == name].dropna(subset=[score])
            codes = np.asarray(pd.factorize(held["subject"])[0])
            values = held[score].to_numpy(np.float64)
            mean = float(values.mean()) if len(held) else np.nan
            low = high = mean
            if codes.max(initial=-1) > 0:
                found = robust_mean(values, codes)
                low, high = (found.low, found.high) if found.estimable else (mean, mean)
            rows.append((name, self.parameters.get(name, np.nan), mean, low, high))
        return pd.DataFrame(rows, columns=["network", "parameters", "score", "score_low", "score_high"])


def evaluation_files(folder: Path) -> list[Path]:
    """Return the files of a study's evaluations, by name."""
    place = folder / "evaluations"
    try:
        found = sorted(entry.name for entry in os.scandir(place) if entry.name.lower().endswith(".csv"))
    except OSError:
        return []
    return [place / name for name in found[:_MOST_FILES]]


def read_evaluations(folder: Path) -> Evaluations:
    """Read the evaluations of a study.

    Parameters
    ----------
    folder : Path
        The study folder.

    Returns
    -------
    Evaluations
        Empty if there are none; a file that cannot be used is left out, and `problems` says why.
    """
    tables, parameters, problems, blank = [], {}, [], {}
    for path in evaluation_files(folder):
        name = path.name[: -len(".csv")]
        try:
            table, size, n_blank = _read(path, name)
        except ModelError as error:
            problems.append(f"evaluations/{path.name[:60]} is left out: {error}.")
            continue
        tables.append(table)
        if n_blank is not None:
            blank[name] = n_blank
        size = size or PARAMETERS.get(_plain(name))
        if size:
            parameters[name] = size
    if tables:
        return Evaluations(pd.concat(tables, ignore_index=True), parameters, tuple(problems), blank)
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in ("network", *_KEYS)})
    return Evaluations(
        empty.assign(**{score: pd.Series(dtype=float) for score in SCORES}), {}, tuple(problems)
    )


def _plain(name: str) -> str:
    return _SIGNS.sub("", name.lower())


def _read(path: Path, name: str) -> tuple[pd.DataFrame, float | None, int | None]:
    """Return one network's rows, and if the file tells, its size and how many rows are of no calcium."""
    if not NAME.fullmatch(name) or name.lower() in _RESERVED:
        raise ModelError(f"a network's name may have {NAME_WORDS}")
    wanted = {*_KEYS, *SCORES, "status", "parameters", "calcium"}
    try:
        if path.is_symlink() or not path.is_file():
            raise ModelError("it is no plain file")
        if path.stat().st_size > _LARGEST:
            raise ModelError(f"it is larger than {_LARGEST // 1_000_000} MB")
        table = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=lambda name: name in wanted)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise ModelError("it cannot be read as CSV") from None
    lacking = [column for column in (*_KEYS, *SCORES) if column not in table]
    if lacking:
        raise ModelError(f"it has no column {', '.join(lacking)}")
    if "status" in table:
        table = table[table["status"] == "done"]
    table = table[(table["image_id"] != "") & (table["subject"] != "")].reset_index(drop=True)
    n_blank = None
    if "calcium" in table:
        none = table["calcium"].str.lower().isin(("false", "0"))
        n_blank, table = int(none.sum()), table[~none].reset_index(drop=True)
    if table.empty:
        raise ModelError("it has no evaluated image" + (" with calcium" if n_blank else ""))
    if table["image_id"].duplicated().any():
        raise ModelError("an image is in it twice")
    found = table[list(_KEYS)].assign(network=name)
    days = pd.to_datetime(table["date"].str.slice(0, 10), format="%Y-%m-%d", errors="coerce")
    found["date"] = days.dt.strftime("%Y-%m-%d").fillna("")
    for score in SCORES:
        found[score] = _numbers(table[score], score, most=1.0)
    sizes = (
        _numbers(table["parameters"], "parameters", most=_MOST_PARAMETERS) if "parameters" in table else None
    )
    size = None if sizes is None or sizes.isna().all() else float(sizes.dropna().iloc[0])
    return found[["network", *_KEYS, *SCORES]], size if size and size >= 1 else None, n_blank


def _numbers(texts: pd.Series, name: str, *, most: float) -> pd.Series:
    numbers = pd.to_numeric(texts.replace("", "nan"), errors="coerce")
    bad = numbers.isna() & ~texts.str.lower().isin(("", "nan", "na", "<na>"))
    if bad.any():
        raise ModelError(f"{name} is not a number in {int(bad.sum())} rows")
    if ((numbers < 0) | (numbers > most)).any():
        raise ModelError(f"{name} is not between 0 and {most:g}")
    return numbers.astype(np.float64)


def _mean_sd(mean: float, sd: float) -> str:
    if np.isnan(mean):
        return "–"
    return f"{mean:.3f}" if np.isnan(sd) else f"{mean:.3f} ± {sd:.3f}"
