"""Covariates in a study: laws of adding them, values per exam, and everything that sees them afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bactools.accessor  # noqa: F401  cube.bac
from bactools.cube import fingerprint, open_stored, write_cube
from bactools.dicom.privacy import Pseudonymiser
from bactools.explore.controls import controls
from bactools.explore.outcomes import outcomes
from bactools.explore.source import Source
from bactools.query import close
from bactools.report import write_report
from bactools.study import Study, open_study
from bactools.study.covariates import CovariatesError, CovariatesReport
from bactools.testing import simulate_study

KEY = bytes(range(32))
NAMES = Pseudonymiser(KEY)
N = 40


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return simulate_study(tmp_path_factory.mktemp("covariates") / "plain", N, n_exam=4, one_exam=0.2, seed=5)


@pytest.fixture
def study(plain: Study, tmp_path: Path) -> Study:
    shutil.copytree(plain.folder, tmp_path / "study")
    return open_study(tmp_path / "study")


def women(study: Study) -> list[str]:
    return [str(name) for name in open_stored(study.folder)["subject"].values]


def table(study: Study, n: int = N) -> pd.DataFrame:
    random = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "subject": women(study)[:n],
            "bmi": random.normal(27, 4, n).round(1),
            "diabetes": random.choice(["Yes", "No"], n),
            "smoking": random.choice(["never", "former", "current"], n),
            "density": random.choice(["1", "2", "3", "d"], n),
            "stroke": random.integers(0, 2, n),
            "stroke_years": random.uniform(1, 9, n).round(2),
        }
    )


def cube(study: Study) -> xr.Dataset:
    return study.cube(axis="exam")


def added(study: Study, source: pd.DataFrame | Path, **options: object) -> CovariatesReport:
    return study.add_covariates(source, **{"subject_column": "subject", **options})  # type: ignore[arg-type]


def same_covariates(one: Study, other: Study) -> None:
    names = list(one.covariates["name"])
    assert names == list(other.covariates["name"])
    for name in names:
        xr.testing.assert_equal(cube(one)[name], cube(other)[name])


def test_values_arrive_with_their_women(study: Study) -> None:
    given = table(study, 30)
    found = added(study, given)
    held = cube(study)
    by_woman = given.set_index("subject").reindex(women(study))
    np.testing.assert_array_equal(held["bmi"], by_woman["bmi"])
    np.testing.assert_array_equal(held["diabetes"], by_woman["diabetes"].map({"Yes": 1.0, "No": 0.0}))
    assert held["smoking"].values.tolist() == by_woman["smoking"].fillna("").tolist()
    letters = by_woman["density"].map({"1": "A", "2": "B", "3": "C", "d": "D"}).fillna("")
    assert held["density"].values.tolist() == letters.tolist()
    assert held["bmi"].attrs["units"] == "kg/m2"
    assert held["bmi"].attrs["covariates_version"] == held.attrs["covariates_version"] == 1
    assert (found.version, found.added, found.n_women) == (1, True, 30)
    assert list(found.without_row) == women(study)[30:]
    assert dict(zip(found.columns["name"], found.columns["known"], strict=True))["bmi"] == 30


def test_flags_known_of_all_are_true_or_false(study: Study) -> None:
    added(study, table(study))
    assert cube(study)["diabetes"].dtype == bool


def test_what_was_measured_stays_as_it_is(study: Study) -> None:
    before = cube(study).load()
    added(study, table(study))
    after = cube(study).load()
    assert set(after.data_vars) - set(before.data_vars) == set(study.covariates["name"])
    for name in before.variables:
        xr.testing.assert_identical(before[name].variable, after[name].variable)


def test_adding_twice_is_adding_once(study: Study) -> None:
    added(study, table(study, 30))
    before = fingerprint(study.folder)
    again = added(study, table(study, 30))
    assert not again.added
    assert again.version == 1
    assert fingerprint(study.folder) == before
    assert sorted(path.name for path in (study.folder / "covariates").iterdir()) == [
        "0001.json",
        "0001.parquet",
    ]


def test_the_order_of_rows_and_columns_does_not_matter(study: Study, plain: Study, tmp_path: Path) -> None:
    given = table(study, 30)
    added(study, given)
    shuffled = given.sample(frac=1, random_state=3)[[*reversed(given.columns)]]
    assert not added(study, shuffled).added  # the study holds the same already
    other = open_study(shutil.copytree(plain.folder, tmp_path / "other"))
    added(other, shuffled)
    same_covariates(study, other)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_is_a_table(study: Study, tmp_path: Path, suffix: str) -> None:
    given = table(study, 30)
    path = tmp_path / f"women.{suffix}"
    given.to_csv(path, index=False) if suffix == "csv" else given.to_parquet(path, index=False)
    added(study, path)
    assert not added(study, given).added


def test_a_dry_run_writes_nothing(study: Study) -> None:
    before = fingerprint(study.folder)
    found = added(study, table(study), dry_run=True)
    assert len(found.columns) == 6
    assert "nothing was written" in str(found)
    assert fingerprint(study.folder) == before
    assert not (study.folder / "covariates").exists()


def test_a_crash_before_the_cube_is_written_is_made_good(study: Study, monkeypatch) -> None:
    def crash(*_: object) -> None:
        raise OSError("full")

    with monkeypatch.context() as patch:
        patch.setattr("bactools.study.covariates.adding.write_cube", crash)
        with pytest.raises(OSError, match="full"):
            added(study, table(study))
    assert "bmi" not in cube(study)
    assert added(study, table(study)).added
    assert "bmi" in cube(study)
    assert set(study.covariates["version"]) == {1}


def test_other_values_only_when_asked_to_replace(study: Study) -> None:
    first, other = table(study), table(study).assign(bmi=30.0)
    added(study, first)
    with pytest.raises(CovariatesError, match="bmi"):
        added(study, other)
    assert added(study, other, replace=True).version == 2
    assert set(cube(study)["bmi"].values) == {30.0}
    assert added(study, first, replace=True).version == 3
    np.testing.assert_array_equal(cube(study)["bmi"], first["bmi"])


def test_covariates_of_two_files_stand_side_by_side(study: Study) -> None:
    added(study, table(study)[["subject", "bmi"]])
    added(study, table(study)[["subject", "smoking"]])
    assert dict(zip(study.covariates["name"], study.covariates["version"], strict=True)) == {
        "bmi": 1,
        "smoking": 2,
    }
    assert {"bmi", "smoking"} <= set(cube(study).data_vars)


def test_what_is_held_already_may_come_again_alone_or_with_more(study: Study) -> None:
    added(study, table(study)[["subject", "bmi", "smoking"]])
    assert not added(study, table(study), only=["bmi"]).added
    assert added(study, table(study)).version == 2
    assert not added(study, table(study)[["subject", "smoking", "stroke"]]).added
    with pytest.raises(CovariatesError, match="holds bmi already"):
        added(study, table(study).assign(bmi=30.0))


def test_a_changed_file_of_the_study_is_noticed(study: Study) -> None:
    added(study, table(study))
    kept = study.folder / "covariates" / "0001.parquet"
    pd.read_parquet(kept).assign(bmi=20.0).to_parquet(kept, index=False)
    with pytest.raises(CovariatesError, match="not what was saved"):
        added(study, table(study)[["subject"]].assign(hba1c=6.0))


def test_rows_of_one_woman_add_up_or_contradict(study: Study) -> None:
    one, two = women(study)[:2]
    rows = pd.DataFrame({"subject": [one, two, one], "bmi": [25.0, 30, None], "parity": [None, 1, 2]})
    found = added(study, rows)
    assert found.repeated == (4,)
    assert cube(study).sel(subject=one)[["bmi", "parity"]].to_array().values.tolist() == [25, 2]
    rows.loc[2, "bmi"] = 26.0
    with pytest.raises(CovariatesError, match="bmi: rows 2 and 4") as refused:
        added(study, rows, replace=True)
    assert one not in str(refused.value)


def test_impossible_values_become_missing_and_are_counted(study: Study) -> None:
    given = table(study).astype({"bmi": object})
    given.loc[[3, 7], "bmi"] = [2.5, 700.0]
    given.loc[5, "bmi"] = "heavy"
    given.loc[9, "density"] = "E"
    found = added(study, given)
    told = {(problem.column, problem.reason): problem.rows for problem in found.problems}
    assert told == {
        ("bmi", "no number"): (7,),
        ("bmi", "below 8"): (5,),
        ("bmi", "above 120"): (9,),
        ("density", "none of the choices"): (11,),
    }
    assert np.flatnonzero(np.isnan(cube(study)["bmi"])).tolist() == [3, 5, 7]
    assert not any(text in str(found) for text in ("heavy", "700", "2.5"))


def visits(study: Study, *, seed: int = 0) -> pd.DataFrame:
    """Rows on days around the exams; some months away, some on the day."""
    random = np.random.default_rng(seed)
    held = cube(study)
    s, e = np.nonzero(held["date"].notnull().values)
    away = random.integers(-200, 200, len(s)) * random.integers(0, 2, len(s))
    rows = pd.DataFrame(
        {
            "subject": held["subject"].values[s],
            "day": held["date"].values[s, e] + away.astype("timedelta64[D]"),
            "systolic": random.integers(90, 200, len(s)).astype(float),
            "smoking": random.choice(["never", "former"], len(s)),
        }
    )
    rows.loc[random.random(len(s)) < 0.2, "systolic"] = np.nan
    return rows.drop_duplicates(["subject", "day"]).sample(frac=0.8, random_state=seed)


@pytest.mark.parametrize("window", [0, 30, 400])
@pytest.mark.parametrize("column", ["systolic", "smoking"])
def test_exams_take_the_nearest_value_as_pandas_finds_it(study: Study, window: int, column: str) -> None:
    rows = visits(study)
    found = added(study, rows, date_column="day", window_days=window)
    held = cube(study)
    s, e = np.nonzero(held["date"].notnull().values)
    exams = pd.DataFrame({"subject": held["subject"].values[s], "day": held["date"].values[s, e], "e": e})
    merged = pd.merge_asof(
        exams.sort_values("day"),
        rows.dropna(subset=[column]).astype({"day": exams["day"].dtype}).sort_values("day")
        .assign(at=lambda known: known["day"])[["subject", "day", column, "at"]],
        on="day", by="subject", direction="nearest", tolerance=pd.Timedelta(days=window),
    ).set_index(["subject", "e"])  # fmt: skip
    expected = merged[column].reindex(pd.MultiIndex.from_arrays([exams["subject"], exams["e"]]))
    got = held[column].transpose("subject", "exam").values[s, e]
    if column == "smoking":
        assert got.tolist() == expected.fillna("").tolist()
    else:
        np.testing.assert_array_equal(got, expected)
    told = found.columns.set_index("name").loc[column]
    apart = (merged.reset_index()["at"] - exams.sort_values("day")["day"].to_numpy()).dt.days.abs().dropna()
    assert told["known"] == len(apart)
    assert told["of"] == len(exams)
    assert told["median_days"] == apart.median()
    assert 0 < len(apart) < len(exams)
    assert held[column].attrs["window_days"] == window


def test_of_two_values_as_near_the_earlier_counts(study: Study) -> None:
    held = cube(study)
    day = pd.Timestamp(held["date"].values[0, 0])
    rows = pd.DataFrame(
        {
            "subject": women(study)[:1] * 2,
            "day": [day + pd.Timedelta(days=5), day - pd.Timedelta(days=5)],
            "bmi": [31.0, 29.0],
        }
    )
    added(study, rows, date_column="day", window_days=10)
    assert float(cube(study)["bmi"][0, 0]) == 29.0


def test_what_has_no_day_is_of_the_woman(study: Study) -> None:
    rows = visits(study).assign(parity=np.nan, race2="")
    base = pd.DataFrame({"subject": women(study), "parity": 2.0, "day": None})
    found = added(
        study, pd.concat([rows.assign(handed="left"), base]), date_column="day", constant=["handed"]
    )
    assert cube(study)["parity"].dims == cube(study)["handed"].dims == ("subject",)
    assert cube(study)["systolic"].dims == ("subject", "exam")
    assert len(found.without_date) == N
    assert found.left_out["race2"] == "nothing is given"


def under_key(study: Study, *, shift: int) -> dict[str, str]:
    """Name the study's women after numbers of a hospital, and move their days; return number by pseudonym."""
    held = open_stored(study.folder).load()
    numbers = [f"{70000 + 13 * at}" for at in range(held.sizes["subject"])]
    made = np.array([NAMES.subject(number) for number in numbers], dtype=object)
    steps = np.array([NAMES.date_shift(name, shift) for name in made]).astype("timedelta64[D]")
    order = np.argsort(made)
    moved = held.assign_coords(
        subject=("subject", made), date=(("subject", "exam"), held["date"].values + steps[:, None])
    )
    write_cube(moved.isel(subject=order), study.folder / "cube.zarr")
    about = {"key": NAMES.check, "shift_dates": shift}
    (study.folder / "naming.json").write_text(json.dumps(about))
    return dict(zip(made, numbers, strict=True))


@pytest.mark.parametrize("shift", [0, 300])
def test_numbers_of_the_hospital_with_the_key_are_as_good_as_pseudonyms(
    study: Study, tmp_path: Path, shift: int
) -> None:
    numbers = under_key(study, shift=shift)
    other = open_study(shutil.copytree(study.folder, tmp_path / "other"))
    rows = visits(study, seed=4)
    added(study, rows, date_column="day", dates="shifted")
    steps = rows["subject"].map(lambda name: NAMES.date_shift(name, shift))
    hospital = rows.assign(
        mrn=rows["subject"].map(numbers), day=rows["day"] - pd.to_timedelta(steps, unit="D")
    ).drop(columns="subject")
    hospital = hospital.assign(copy_of_it=hospital["mrn"])
    stranger = pd.DataFrame({"mrn": ["99999"], "day": [pd.Timestamp("2015-05-05")], "systolic": [120.0]})
    found = added(
        other, pd.concat([hospital, stranger]), subject_column="mrn", date_column="day", ids="original",
        names=NAMES,
    )  # fmt: skip
    same_covariates(study, other)
    assert found.without_exams == (len(hospital) + 2,)
    assert found.left_out == {"copy_of_it": "it repeats who the women are"}
    said = f"{found}{found._repr_html_()}{found.to_frame().to_csv()}"
    kept = b"".join(path.read_bytes() for path in (other.folder / "covariates").iterdir()).decode("latin-1")
    frame = pd.read_parquet(other.folder / "covariates" / "0001.parquet").to_csv()
    for number in [*numbers.values(), "99999", NAMES.subject("99999")]:
        assert number not in said
        assert number not in frame
        assert number not in kept


def test_days_are_refused_where_their_shift_is_not_known(study: Study) -> None:
    under_key(study, shift=300)
    rows = visits(study)
    with pytest.raises(CovariatesError, match="dates were shifted: say whether"):
        added(study, rows, date_column="day")
    with pytest.raises(CovariatesError, match="need the key"):
        added(study, rows, date_column="day", dates="original")
    with pytest.raises(CovariatesError, match="another key"):
        added(study, rows, date_column="day", dates="original", names=Pseudonymiser(b"1" * 32))
    assert not (study.folder / "covariates").exists()


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        ({}, {"subject_column": "nosuch"}, "no column 'nosuch'"),
        ({}, {"subject_column": "subjetc"}, "did you mean 'subject'"),
        ({}, {"date_column": "day"}, "no column 'day'"),
        ({}, {"only": ["bim"]}, "did you mean 'bmi'"),
        ({"subject": "X1"}, {}, "no row is of a woman of this study"),
        ({}, {"ids": "original"}, "need the key"),
        ({"day": "yesterday"}, {"date_column": "day"}, "no row has a day"),
        ({}, {"window_days": -1}, "0 or more"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(
    study: Study, change: dict[str, str], options: dict[str, object], told: str
) -> None:
    before = fingerprint(study.folder)
    with pytest.raises(CovariatesError, match=told) as refused:
        added(study, table(study).assign(**change), **options)
    assert "X1" not in str(refused.value)
    assert fingerprint(study.folder) == before


def test_a_running_run_is_not_disturbed(study: Study) -> None:
    with study.lock, pytest.raises(CovariatesError, match="another run is writing"):
        added(open_study(study.folder), table(study))


def test_everything_else_sees_them(study: Study, tmp_path: Path) -> None:
    given = table(study, 34)
    added(study, given)
    added(study, visits(study)[["subject", "day", "systolic"]], date_column="day", window_days=400)
    held = cube(study)
    heavy = given[given["bmi"] >= 27]
    assert sorted(held.bac.where(bmi=(27, None))["subject"].values) == sorted(heavy["subject"])
    sick = given.loc[given["diabetes"] == "Yes", "subject"]
    assert sorted(held.bac.where(diabetes=True)["subject"].values) == sorted(sick)
    asked = study.sql("SELECT smoking, count(*) AS n, avg(bmi) AS bmi FROM subjects GROUP BY smoking")
    close()
    expected = given.groupby("smoking")["bmi"].agg(["size", "mean"])
    got = asked[asked["smoking"].isin(expected.index)].set_index("smoking").loc[expected.index]
    assert got["n"].tolist() == expected["size"].tolist()
    np.testing.assert_allclose(got["bmi"], expected["mean"])
    columns = study.columns.query("view == 'exams'").set_index("column")
    assert columns.loc["systolic", "units"] == "mmHg"
    known = {control.name: control for control in controls(held)}
    assert known["bmi"].label == "bmi [kg/m2]"
    assert known["smoking"].choices == ("current", "former", "never")
    assert [(outcome.event, outcome.time) for outcome in outcomes(held) if outcome.event == "stroke"]
    told = held.bac.table1(columns=["bmi", "diabetes"]).to_frame().set_index("variable")
    assert (
        f"{given['bmi'].mean():.2f} ({given['bmi'].std():.2f})"
        in told.loc["bmi [kg/m2], mean (SD)", "overall"]
    )
    assert str(told.loc["bmi [kg/m2], mean (SD)", "missing"]) == "6"
    page = write_report(study.folder, tmp_path / "out.html", group="smoking").read_text(encoding="utf-8")
    assert "former" in page


def test_an_open_dashboard_sees_the_new_cube(study: Study) -> None:
    source = Source(study.folder)
    assert "bmi" not in source.cube
    added(study, table(study))
    assert "bmi" in source.cube
    assert "bmi" in {control.name for control in controls(source.cube)}


def test_names_and_texts_are_no_markup(study: Study) -> None:
    evil = "<img src=x onerror=alert(1)>"
    given = pd.DataFrame(
        {"subject": women(study), evil: 1.5, "=1+1": range(N), "note": [evil, "b"] * (N // 2)}
    )
    found = added(study, given)
    assert list(found.columns["name"]) == ["img_src_x_onerror_alert_1", "x_1_1", "note"]
    assert "<img" not in found._repr_html_()
    assert "&lt;img" in found._repr_html_()
    assert cube(study)["note"].values[0] == evil
