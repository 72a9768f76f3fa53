"""The door for files: encodings, separators, dictionaries, what is turned away, and nonsense of all kinds."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bactools.cube import open_stored
from bactools.study import Study, open_study
from bactools.study.covariates import CovariatesError, CovariatesReport, reading
from bactools.study.covariates.checking import schema
from bactools.study.covariates.dictionary import KINDS, Column, read_dictionary
from bactools.study.covariates.naming import is_taken, variable_name
from bactools.study.covariates.reading import read_source
from bactools.testing import simulate_study

WOMEN = [f"S{at:05d}" for at in range(6)]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study: Study = simulate_study(tmp_path_factory.mktemp("door") / "small", len(WOMEN), n_exam=2, seed=1)
    assert list(open_stored(study.folder)["subject"].values) == WOMEN
    return study


@pytest.fixture
def study(small: Study, tmp_path: Path) -> Study:
    return open_study(shutil.copytree(small.folder, tmp_path / "study"))


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def report(study: Study, path: Path, **options: object) -> CovariatesReport:
    return study.add_covariates(path, **{"subject_column": "subject", **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_separators(tmp_path: Path, encoding: str, separator: str, end: str) -> None:
    rows = [
        ["subject", "größe", "weight"],
        ["S1", '"a;b,c\t|"', "1,5" if separator == ";" else "1.5"],
        ["S2"],
    ]
    found = read_source(write(tmp_path / "a.csv", end.join(map(separator.join, rows)) + end, encoding))
    assert list(found.table.columns) == ["subject", "größe", "weight"]
    assert found.table.loc[2].tolist() == ["S1", "a;b,c\t|", rows[1][2]]
    assert found.table.loc[3].tolist() == ["S2", "", ""]
    assert found.decimal_comma == (separator == ";")


def test_rows_are_numbered_as_a_spreadsheet_does(tmp_path: Path) -> None:
    found = read_source(write(tmp_path / "a.csv", '\nsubject,x\nS1,1\n\n"S\n2",2\nS3,3\n'))
    assert found.table.index.tolist() == [3, 5, 6]


def test_numbers_with_decimal_commas(study: Study, tmp_path: Path) -> None:
    rows = "\n".join(f"{woman};2{at},5" for at, woman in enumerate(WOMEN))
    report(study, write(tmp_path / "a.csv", f"subject;bmi\n{rows}\n"))
    assert study.cube(axis="exam")["bmi"].values.tolist() == [20.5, 21.5, 22.5, 23.5, 24.5, 25.5]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read"),
        (b"\n\n\n", "cannot be read|no rows"),
        (b"subject,x\n", "no rows"),
        (b"subject,x,x\nS1,1,2\n", "columns 2, 3 have the same name"),
        (b"subject,x\nS1,1,2,3\n", "cannot be read"),
        (b"\x00\x01\x02", "no text"),
        (b"PAR1 and nothing else", "Parquet file cannot be read"),
        (b"subject" + b"," * 3000 + b"\nS1\n", "more than 2000 columns"),
        (b'subject,x\nS1,"never closed\nS2,1\n', "cannot be read"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(CovariatesError, match=told):
        read_source(tmp_path / "a.csv")


def test_large_files_are_refused_before_they_are_read(tmp_path: Path, monkeypatch) -> None:
    path = write(tmp_path / "a.csv", "subject,x\n" + "S1,1\n" * 100)
    monkeypatch.setattr(reading, "MOST_CELLS", 100)
    with pytest.raises(CovariatesError, match="more than 100 cells"):
        read_source(path)
    packed = io.BytesIO()
    pq.write_table(arrow.table({"subject": ["S1"] * 1000}), packed)
    (tmp_path / "a.parquet").write_bytes(packed.getvalue())
    with pytest.raises(CovariatesError, match="more than 100 cells"):
        read_source(tmp_path / "a.parquet")
    monkeypatch.setattr(reading, "LARGEST", 100)
    with pytest.raises(CovariatesError, match="larger than"):
        read_source(path)
    with pytest.raises(CovariatesError, match="cannot be opened") as refused:
        read_source(tmp_path / "nosuch.csv")
    assert "nosuch" not in str(refused.value)


def test_parquet_keeps_types_and_leaves_nested_columns(tmp_path: Path) -> None:
    held = arrow.table(
        {
            "subject": [1, 2],
            "x": [1.5, None],
            "when": pd.to_datetime(["2014-05-02", None]),
            "deep": [[1], [2]],
        }
    )
    pq.write_table(held, tmp_path / "a.parquet")
    assert read_source(tmp_path / "a.parquet").table.to_numpy().tolist() == [
        ["1", "1.5", "2014-05-02"],
        ["2", "", ""],
    ]


def test_who_identifies_women_is_left_out(study: Study, tmp_path: Path) -> None:
    given = pd.DataFrame(
        {
            "subject": WOMEN, "bmi": 25.0, "MRN": range(6), "Date of birth": "1950-01-01", "last_name": "A",
            "e-mail": "a@b", "Patient ID": 5, "number": [4711230 + at * 7 for at in range(6)],
            "diagnosed": "2011-02-03", "treated": "3.2.2011", "seen": 20110203,
            "nurse": [f"Ms {letter}" for letter in "ABCDEF"],
            "remark": ["seen by Dr A on the ward before noon, and so on"] * 6,
            "age": 60, "tam_100": 1.0, "grade": "mild",
        }
    )  # fmt: skip
    given.to_csv(tmp_path / "a.csv", index=False)
    found = report(study, tmp_path / "a.csv")
    assert list(found.columns["name"]) == ["bmi"]
    assert set(found.left_out) == set(given.columns) - {"subject", "bmi"}
    asked = report(study, tmp_path / "a.csv", only=["remark", "MRN"])
    assert list(asked.columns["name"]) == ["remark"]


REDCAP = """\
Variable / Field Name,Form Name,Section Header,Field Type,Field Label,\
"Choices, Calculations, OR Slider Labels",Field Note,Text Validation Type OR Show Slider Number,\
Text Validation Min,Text Validation Max,Identifier?
record_id,base,,text,Record,,,,,,
surname,base,,text,Surname,,,,,,y
ethnicity,base,,radio,<b>Ethnicity</b>,"1, White | 2, Black or African-American | 9, Other",,,,,
smoker,base,,yesno,Ever smoked?,,,,,,
drugs,base,,checkbox,Medication,"1, Statin | 2, Insulin",,,,,
kidney,base,,radio,Kidney disease,"1, Yes | 0, No",,,,,
visit,lab,,text,Day of the visit,,,date_ymd,,,
glucose,lab,,text,Fasting glucose,,mg/dL,number,40,600,
parity,base,,text,Births,,,integer,0,20,
story,base,,notes,History,,,,,,
"""
RAW = """\
subject,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,\
ethnicity,smoker,drugs___1,drugs___2,kidney,parity,surname,base_complete,visit,glucose,story
S00000,baseline_arm_1,,,1,1,1,0,1,2,Doe,2,,,long
S00000,visit_arm_1,lab,1,,,,,,,,,2012-03-01,95,
S00000,visit_arm_1,lab,2,,,,,,,,,2013-03-01,9999,
S00001,baseline_arm_1,,,2,0,0,1,0,1.5,Roe,2,,,
S00001,visit_arm_1,lab,1,,,,,,,,,2012-05-01,110,
S00002,baseline_arm_1,,,7,,,,,,Poe,0,,,
"""


def test_redcap_with_events_repeats_boxes_and_its_dictionary(study: Study, tmp_path: Path) -> None:
    words = write(tmp_path / "dictionary.csv", REDCAP)
    found = report(
        study, write(tmp_path / "raw.csv", RAW), dictionary=words, date_column="visit", window_days=40000
    )
    cube = study.cube(axis="exam")
    assert cube["ethnicity"].values.tolist() == ["White", "Black or African-American", "", "", "", ""]
    assert cube["ethnicity"].attrs["long_name"] == "Ethnicity"
    assert cube["drugs___1"].values[:3].tolist()[:2] == [1, 0]
    assert cube["drugs___2"].attrs["long_name"] == "Medication: Insulin"
    assert cube["kidney"].values[:2].tolist() == [1, 0]
    assert cube["smoker"].dims == cube["parity"].dims == ("subject",)
    assert cube["glucose"].dims == ("subject", "exam")
    assert set(cube["glucose"].values[0]) == {95.0}
    assert cube["glucose"].attrs["units"] == "mg/dL"
    told = {(problem.column, problem.reason): problem.rows for problem in found.problems}
    assert told == {
        ("glucose", "above 600"): (4,),
        ("ethnicity", "none of the choices"): (7,),
        ("parity", "no whole number"): (5,),
    }
    assert set(found.left_out) == {
        *("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "surname"),
        *("base_complete", "story"),
    }
    labels = RAW.replace(
        "S00000,baseline_arm_1,,,1,1,1,0,1", "S00000,Baseline,,,White,Yes,Checked,Unchecked,Yes"
    )
    labels = labels.replace(",,,2,0,0,1,0,", ",,,Black or African-American,No,Unchecked,Checked,No,")
    again = report(
        study,
        write(tmp_path / "labels.csv", labels),
        dictionary=words,
        date_column="visit",
        window_days=40000,
    )
    assert not again.added  # labels say the same as codes


def test_a_schema_of_ours_as_toml_and_csv(tmp_path: Path) -> None:
    toml = write(
        tmp_path / "a.toml",
        '[egfr]\nunits = "mL/min/1.73m2"\nlow = 1\nhigh = 200\ndescription = "Kidney <i>function</i>"\n'
        '[stage]\ntype = "choice"\nchoices = { 1 = "early", 2 = "late" }\nper = "woman"\n',
    )
    table = write(
        tmp_path / "a.csv",
        "name,type,units,low,high,choices,description,per\n"
        'egfr,,mL/min/1.73m2,1,200,,Kidney <i>function</i>,\nstage,choice,,,,"1, early | 2, late",,woman\n',
    )
    assert read_dictionary(toml) == read_dictionary(table)
    assert read_dictionary(toml)["egfr"].description == "Kidney function"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.toml", "[x\n", "no TOML"),
        ("a.toml", "x = 1\n", "a table per column"),
        ("a.toml", '[x]\ntype = "colour"\n', "unknown type"),
        ("a.toml", '[x]\nlow = "few"\n', "are numbers"),
        ("a.toml", "[x]\nlow = 2\nhigh = 1\n", "low is above high"),
        ("a.toml", '[x]\nper = "day"\n', "woman or exam"),
        ("a.toml", "[x]\nminimum = 0\n", "'minimum': use choices, description, high, low"),
        ("a.csv", "field,units\nx,mm\n", "neither a column name"),
        ("a.csv", "name,name\nx,mm\n", "twice"),
    ],
)
def test_schemas_that_are_none(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(CovariatesError, match=told):
        read_dictionary(write(tmp_path / name, text))


def test_the_schema_has_the_last_word(study: Study, tmp_path: Path) -> None:
    words = write(tmp_path / "a.toml", '[bmi]\nlow = 26\nunits = "kg/m^2"\n[code]\nchoices = ["x", "y"]\n')
    rows = "".join(f"{woman},2{at},{'xyz'[at % 3]}\n" for at, woman in enumerate(WOMEN, start=2))
    found = report(study, write(tmp_path / "a.csv", f"subject,bmi,code\n{rows}"), schema=words)
    assert {(each.column, each.reason, each.rows) for each in found.problems} == {
        ("bmi", "below 26", (2, 3, 4, 5)),
        ("code", "none of the choices", (2, 5)),
    }
    assert study.covariates.set_index("name").loc["bmi", "units"] == "kg/m^2"


def test_the_schema_is_pandera_s() -> None:
    made = schema(
        [Column("bmi", "number", low=8, high=120), Column("ever", "yes/no"), Column("note", "text")]
    )
    assert isinstance(made, pa.DataFrameSchema)
    good = pd.DataFrame(
        {"bmi": [20.0, np.nan], "ever": [0.0, 1.0], "note": pd.Series(["a", None], dtype=object)}
    )
    assert made.validate(good).equals(good)
    with pytest.raises(pa.errors.SchemaError):
        made.validate(good.assign(bmi=500.0))


@given(st.text(max_size=100))
def test_any_name_becomes_a_name_or_nothing(column: str) -> None:
    name = variable_name(column)
    assert name == "" or (name.isascii() and name.isidentifier() and len(name) <= 64)
    assert variable_name(name) == name


@pytest.mark.parametrize(
    "name", ["date", "Subject", "am_mm2", "tam_100_per_year", "age", "true_rate", "cohort"]
)
def test_names_that_mean_something_are_kept(name: str) -> None:
    assert is_taken(name)


cells = st.one_of(
    st.sampled_from(
        [*WOMEN, "", "1", "0", "yes", "NA", "2014-05-02", "1e999", "-5", "1,5", '"', "=1+1", "<b>"]
    ),
    st.text(max_size=12),
    st.floats().map(str),
)
rows_of_cells = st.lists(st.lists(cells, min_size=1, max_size=5), min_size=1, max_size=8)


def _tried(study: Study, folder: Path, content: bytes, **options: object) -> CovariatesReport | None:
    """Add what a file says, if it can be; nothing else than the documented error may come of it."""
    (folder / "any.csv").write_bytes(content)
    try:
        return report(study, folder / "any.csv", dry_run=True, **options)
    except CovariatesError:
        return None


hard = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@hard
@given(
    content=st.one_of(
        st.binary(max_size=300), st.binary(max_size=200).map(lambda tail: b"subject,x\n" + tail)
    )
)
@example(b"PAR1" + b"\0" * 50 + b"PAR1")
@example(b"subject,x\rS00001,1\r")
@example(b"\xff\xfesubject")
def test_any_bytes(small: Study, tmp_path: Path, content: bytes) -> None:
    found = _tried(small, tmp_path, content)
    assert found is None or found.n_women > 0


@hard
@given(rows=rows_of_cells, separator=st.sampled_from(",;\t"), dated=st.booleans())
def test_any_cells(small: Study, tmp_path: Path, rows: list[list[str]], separator: str, dated: bool) -> None:
    head = ["subject", "day", "bmi", "density", "x"]
    lines = [head, [WOMEN[0], "2014-05-02", "20", "A", "a"], *rows]
    text = "\n".join(
        separator.join('"' + cell.replace('"', '""') + '"' for cell in [*line, *[""] * (5 - len(line))])
        for line in lines
    )
    found = _tried(small, tmp_path, text.encode("utf-8", "replace"), date_column="day" if dated else None)
    if found is not None:
        assert 1 <= found.n_women <= len(WOMEN)
        assert (found.columns["known"] <= found.columns["of"]).all()
        assert str(found)
        assert len(found.to_frame()) >= len(found.columns)


def is_known(column: Column) -> bool:
    return column.kind in ("", *KINDS) and len(column.description) <= 200


@hard
@given(text=st.text(max_size=200), toml=st.booleans())
def test_any_schema(tmp_path: Path, text: str, toml: bool) -> None:
    path = tmp_path / ("any.toml" if toml else "any.csv")
    path.write_bytes((text if toml else f"name,type,low\n{text}").encode("utf-8", "replace"))
    try:
        found = read_dictionary(path)
    except CovariatesError:
        return
    assert all(is_known(column) for column in found.values())
