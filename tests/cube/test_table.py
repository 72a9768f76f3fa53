"""The long table: same rows from either form, safe to open in a spreadsheet."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from bactools.cube import assemble, on_dates, pair, to_table, write_table
from bactools.metrics import METRICS

from .made import row, study

FIRST = ["subject", "view", "date", "exam", "image_id", "status", "vendor"]


def test_one_row_per_image_with_the_numbers_that_went_in():
    rows, histograms = study(6)
    table = to_table(assemble(rows, histograms)[0])
    assert table.columns.tolist()[:8] == [*FIRST, "breast_area"]
    own = [name for name in table if name in METRICS]
    assert own == ["breast_area", *(name for name in METRICS if name != "breast_area")]
    assert table[["subject", "exam"]].apply(tuple, axis=1).is_monotonic_increasing
    both = table.merge(rows, on="image_id", suffixes=("", "_in"), validate="one_to_one")
    assert len(both) == len(rows)
    for name in ("subject", "view", "date", "status", "tam_100", "pm", "spacing_detector_mm", "flags"):
        expected = both[f"{name}_in"].to_numpy()
        np.testing.assert_array_equal(both[name].to_numpy(), expected)


def test_either_form_gives_the_same_table():
    stored, _ = assemble(study(6)[0])
    stored["race"] = ("subject", np.array(list("abcdef"), dtype=object))
    pd.testing.assert_frame_equal(to_table(stored), to_table(on_dates(stored)), check_dtype=False)
    assert (
        to_table(stored).race.tolist()
        == to_table(stored).subject.map(dict(zip(stored.subject.values, "abcdef", strict=True))).tolist()
    )


def test_parts_of_a_cube_give_their_part_of_the_table():
    stored, _ = assemble(study(6)[0])
    literal, whole = on_dates(stored), to_table(stored)
    for part in (stored, literal):
        one = to_table(part.sel(subject="S003", view="LCC"))
        wanted = whole[(whole.subject == "S003") & (whole["view"] == "LCC")].reset_index(drop=True)
        pd.testing.assert_frame_equal(one, wanted, check_dtype=False)
    cell = to_table(stored.isel(subject=[0]).sel(view=whole["view"][0], exam=0))
    assert cell.image_id.tolist() == [whole.image_id[0]]
    with pytest.raises(ValueError, match="no status"):
        to_table(stored[["tam_100"]])


def test_a_paired_cube_has_its_method_in_the_table():
    stored, _ = assemble(study(3)[0])
    table = to_table(pair(stored, stored, names=("net", "reader")))
    assert table.method.unique().tolist() == ["net", "reader"]
    assert len(table) == 2 * len(to_table(stored))


def tricky() -> pd.DataFrame:
    texts = ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", "ACME, Inc.", 'a"b', ""]
    rows = [row(k, f"S{k}", "LCC", "2020-03-01", vendor=text, pm=-1.5) for k, text in enumerate(texts)]
    rows[-1] |= {"status": "failed"}
    return to_table(assemble(pd.DataFrame(rows))[0])


def test_csv_neutralises_formulas_and_leaves_numbers_and_iso_dates(tmp_path):
    table = tricky().rename(columns={"flags": "=cmd"})
    write_table(table, tmp_path / "t.csv")
    text = (tmp_path / "t.csv").read_bytes().decode()
    back = pd.read_csv(io.StringIO(text, newline=""), keep_default_na=False, dtype=str)
    assert back.vendor.tolist() == ["'=1+1", "'+1", "'-1", "'@sum", "'\tx", "' x", "ACME, Inc.", 'a"b', ""]
    assert back.pm.tolist() == ["-1.5"] * 8 + [""]
    assert back.date.unique().tolist() == ["2020-03-01"]
    assert "'=cmd" in back
    assert "=cmd" not in back
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.csv"]


def test_csv_gives_the_numbers_back_exactly(tmp_path):
    table = to_table(assemble(*study(4))[0])
    write_table(table, tmp_path / "t.csv")
    back = pd.read_csv(tmp_path / "t.csv", parse_dates=["date"])
    for name in METRICS:
        np.testing.assert_array_equal(back[name], table[name])
    np.testing.assert_array_equal(back.date, table.date)


def test_parquet_keeps_text_as_it_is(tmp_path):
    table = tricky()
    write_table(table, tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table, check_dtype=False)
    write_table(table, tmp_path / "t.bin", form="parquet")
    assert (tmp_path / "t.bin").read_bytes() == (tmp_path / "t.parquet").read_bytes()


def test_a_dash_is_standard_output(capfdbinary, tmp_path):
    table = tricky()
    for form in ("csv", "parquet"):
        write_table(table, tmp_path / f"t.{form}")
        write_table(table, "-", form=form)
        assert capfdbinary.readouterr().out == (tmp_path / f"t.{form}").read_bytes()
    write_table(table, "-")
    assert capfdbinary.readouterr().out == (tmp_path / "t.csv").read_bytes()


def test_an_unknown_suffix_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"'xlsx': name the file \.csv or \.parquet"):
        write_table(tricky(), tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []
