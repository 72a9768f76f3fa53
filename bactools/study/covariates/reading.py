"""A file of covariates as a table of texts with numbered rows; nothing of it gets into a message."""

from __future__ import annotations

import io
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bactools.study.covariates.errors import CovariatesError

LARGEST = 128 * 2**20
"""Bytes of a file, and of a Parquet file's content."""

MOST_COLUMNS = 2000
MOST_CELLS = 20_000_000
_SEPARATORS = ",;\t|"
_FIRST_ROW = 2


@dataclass(frozen=True, eq=False)
class Source:
    """What a file or a table holds.

    Attributes
    ----------
    table : DataFrame
        Texts; empty where nothing is given. Its index counts rows as a spreadsheet does: the first below
        the names is row 2.
    sha256 : str
        Of the file, or of the table as CSV.
    decimal_comma : bool
        Whether numbers may be written with a comma.
    """

    table: pd.DataFrame
    sha256: str
    decimal_comma: bool = False


def read_source(source: Path | str | pd.DataFrame) -> Source:
    """Read CSV, Parquet or a table.

    Parameters
    ----------
    source : path or DataFrame
        CSV in UTF-8, UTF-16 or Latin-1 with commas, semicolons, tabs or bars; or Parquet.

    Returns
    -------
    Source

    Raises
    ------
    CovariatesError
        If it cannot be read, has no rows, a name twice, or is larger than `LARGEST`, `MOST_COLUMNS` and
        `MOST_CELLS` allow.
    """
    if isinstance(source, pd.DataFrame):
        _limit(len(source.columns), len(source))
        content = source.to_csv(index=False).encode("utf-8", "surrogateescape")
        return _checked(_texts(source), content)
    content = _content(Path(source))
    if content[:4] == b"PAR1":
        return _checked(_texts(_parquet(content)), content)
    table, separator = read_csv(content)
    return _checked(table, content, decimal_comma=separator == ";")


def read_csv(content: bytes) -> tuple[pd.DataFrame, str]:
    """Return a CSV file's cells as texts, and what separates them.

    Raises
    ------
    CovariatesError
        If it is no such file.
    """
    text = _decoded(content)
    body = text.lstrip("\r\n")
    skipped = len(text[: len(text) - len(body)].splitlines())
    head = _unquoted(body.splitlines()[0]) if body else ""
    separator = max(_SEPARATORS, key=head.count)
    _limit(head.count(separator) + 1, max(text.count("\n"), text.count("\r")))
    try:
        cells = pd.read_csv(
            io.StringIO(body), sep=separator, header=None, dtype=str, keep_default_na=False,
            index_col=False, skip_blank_lines=False,
        )  # fmt: skip
    except Exception as error:
        raise CovariatesError(
            f"the file cannot be read as a table ({type(error).__name__}): save it as CSV in UTF-8, each row"
            " with as many cells as there are names"
        ) from None
    cells = cells.fillna("").apply(lambda column: column.str.strip())
    begins = int((cells != "").any(axis=1).to_numpy().argmax())
    table = cells.iloc[begins + 1 :]
    table.columns = pd.Index([str(name) for name in cells.iloc[begins]], dtype=object)
    begins += skipped
    table.index = pd.RangeIndex(begins + _FIRST_ROW, begins + _FIRST_ROW + len(table))
    return table[(table != "").any(axis=1)], separator


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise CovariatesError(
                f"the file is larger than {LARGEST // 2**20} MB: give fewer columns at once"
            )
        return path.read_bytes()
    except OSError as error:
        raise CovariatesError(f"the file cannot be opened ({error.strerror or 'refused'})") from None


def _decoded(content: bytes) -> str:
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeError:
            continue
        if "\0" not in text:
            return text
        break
    raise CovariatesError("this is no text: give CSV or Parquet")


def _unquoted(line: str) -> str:
    return "".join(line.split('"')[::2])


def _parquet(content: bytes) -> pd.DataFrame:
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        about = file.metadata
        unpacked = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
        _limit(len(file.schema_arrow), about.num_rows)
        if unpacked > 4 * LARGEST:
            raise CovariatesError(f"the file unpacks to more than {4 * LARGEST // 2**20} MB")
        flat = [field.name for field in file.schema_arrow if not pa.types.is_nested(field.type)]
        found: pd.DataFrame = file.read(columns=flat).to_pandas()
    except CovariatesError:
        raise
    except Exception as error:
        raise CovariatesError(f"the Parquet file cannot be read ({type(error).__name__})") from None
    return found


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of any types as texts."""
    plain = table.reset_index(drop=True)
    found = {
        at: pd.Series([_text(value) for value in plain.iloc[:, at]], dtype="str")
        for at in range(len(plain.columns))
    }
    texts = pd.DataFrame(found, index=plain.index)
    texts.columns = pd.Index([str(name).strip() for name in table.columns], dtype=object)
    texts.index = texts.index + _FIRST_ROW
    return texts


def _text(value: Any) -> str:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d"))
    return str(value).strip().encode("utf-8", "replace").decode("utf-8")


def _limit(columns: int, rows: int) -> None:
    if columns > MOST_COLUMNS:
        raise CovariatesError(f"more than {MOST_COLUMNS} columns: choose those that are meant")
    if columns * rows > MOST_CELLS:
        raise CovariatesError(f"more than {MOST_CELLS:,} cells: give fewer columns at once")


def _checked(table: pd.DataFrame, content: bytes, *, decimal_comma: bool = False) -> Source:
    if not len(table):
        raise CovariatesError("the file has no rows")
    twice = table.columns[table.columns.duplicated() & (table.columns != "")]
    if len(twice):
        places = [str(at + 1) for at, name in enumerate(table.columns) if name == twice[0]]
        raise CovariatesError(f"columns {', '.join(places[:5])} have the same name")
    named = table.loc[:, table.columns != ""]
    return Source(named, sha256(content).hexdigest(), decimal_comma)
