"""Readings joined to mammograms by hand-made tables; R² against scipy; bad tables refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from bactools.cube import on_dates
from bactools.stats.burden import burden
from bactools.stats.reference_measures import PUBLISHED, kind_of, reference_measures
from bactools.stats.reference_measures.explained import r2_by_woman
from bactools.stats.reference_measures.join import PAPER_METRICS, Joined, join_reference
from bactools.stats.reference_measures.table import read_reference, reference_table
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return simulate_cube(10, n_exam=3, without_bac=0.0)


def readings(cube: xr.Dataset, *, exam: int = 1, error: float = 0.3, days: int = 0) -> pd.DataFrame:
    """One row per breast, as a phantom's truth/breasts.csv has them: mass and voxels with an error."""
    random, rows = np.random.default_rng(0), []
    for subject in cube["subject"].values:
        her = cube.sel(subject=subject).isel(exam=exam)
        for side in "LR":
            true = float(her["true_tam_100"].sel(view=[f"{side}CC", f"{side}MLO"]).sum())
            mass, voxels = true * np.array([1e-3, 1e-2]) * np.exp(random.normal(0, error, 2))
            date = pd.Timestamp(her["date"].values) + pd.Timedelta(days, "D")
            rows.append((subject, f"{date:%Y-%m-%d}", side, mass, round(voxels)))
    return pd.DataFrame(rows, columns=["subject", "date", "laterality", "ct_mass_mg", "ct_voxels"])


def hand_joined(table: pd.DataFrame, *, measures: tuple[str, ...] = ("mass",)) -> Joined:
    """Pairs as they are, of one metric ``am``."""
    empty = pd.DataFrame(columns=["subject", "date_reference", "why"])
    return Joined(table, ("am",), measures, {"am": "1"}, empty, 0, "woman", "sum", False, 365.25)


def test_the_published_values_are_the_papers() -> None:
    assert list(PUBLISHED["voxels"].values()) == [0.834, 0.843, 0.832, 0.798, 0.800]
    assert list(PUBLISHED["mass"].values()) == [0.866, 0.873, 0.840, 0.774, 0.798]
    assert list(PUBLISHED["mass"]) == list(PAPER_METRICS) == ["pm", "am", "sim", "tam_100", "tsim_100"]
    assert [kind_of(name) for name in ("calcium_mass_mg", "calcified_voxels", "x")] == ["mass", "voxels", ""]


def test_both_breasts_of_a_woman_are_added_up(cube: xr.Dataset) -> None:
    table = readings(cube)
    joined = join_reference(cube, table)
    assert (len(joined.table), joined.n_women, len(joined.unmatched)) == (10, 10, 0)
    summed = table.groupby("subject")[["ct_mass_mg", "ct_voxels"]].sum()
    for measure in summed:
        assert joined.table[measure].to_numpy() == pytest.approx(summed[measure].to_numpy())
    am = cube["am"].isel(exam=1).sum("view")
    assert joined.table["am"].to_numpy() == pytest.approx(am.values)
    assert (joined.table["days_apart"] == 0).all()


def test_a_breast_goes_with_its_own_two_views(cube: xr.Dataset) -> None:
    joined = join_reference(cube, readings(cube), per="breast", metrics=["am"])
    assert len(joined.table) == 20
    left = joined.table[joined.table["breast"] == "L"]
    expected = cube["am"].isel(exam=1).sel(view=["LCC", "LMLO"]).sum("view").values
    assert left["am"].to_numpy() == pytest.approx(expected)
    fit = reference_measures(joined).fit("am", "ct_mass_mg")
    assert (fit.n, fit.n_women) == (20, 10)


def test_the_nearest_exam_within_the_window_is_taken(cube: xr.Dataset) -> None:
    late = join_reference(cube, readings(cube, days=40), metrics=["am"])
    expected = cube["date"].isel(exam=1).values.astype("datetime64[D]")
    assert (late.table["date"].to_numpy().astype("datetime64[D]") == expected).all()
    assert (late.table["days_apart"] == 40).all()
    none = join_reference(cube, readings(cube, days=40), metrics=["am"], window_days=39)
    assert none.table.empty
    assert set(none.unmatched["why"]) == {"without an exam within 39 days"}
    assert "are the subjects the same pseudonyms?" in reference_measures(none).interpret()
    assert not reference_measures(none).estimable


def test_one_exam_goes_with_one_reading(cube: xr.Dataset) -> None:
    near, far = readings(cube, days=5), readings(cube, days=20)
    joined = join_reference(cube, pd.concat([far, near]), metrics=["am"])
    assert (joined.table["days_apart"] == 5).all()
    assert (joined.unmatched["why"] == "nearer to an exam that has a nearer reading").all()
    assert len(joined.unmatched) == 10


def test_every_reading_is_joined_or_told_why_not() -> None:
    cube = simulate_cube(10, n_exam=3, without_bac=0.0).load()
    table = readings(cube)
    tam = cube["am"].values.copy()
    tam[0, 0, :] = np.nan
    cube["am"] = (cube["am"].dims, tam)
    women = cube["subject"].values
    table = table.drop(index=table[(table["subject"] == women[1]) & (table["laterality"] == "R")].index)
    table.loc[table["subject"] == women[2], ["ct_mass_mg", "ct_voxels"]] = np.nan
    table = table[table["subject"] != women[3]]
    stranger = table[table["subject"] == women[4]].assign(subject="stranger")
    joined = join_reference(cube, pd.concat([table, stranger]), metrics=["am"])
    why = joined.unmatched.set_index("subject")["why"]
    assert why.to_dict() == {
        women[0]: "of women whose exams lack a view",
        women[1]: "of one breast only",
        women[2]: "without a value",
        "stranger": "of women without mammograms here",
    }
    assert set(joined.table["subject"]) == set(women[4:])
    assert joined.n_without_reference == 1
    assert "4 readings are left out" in reference_measures(joined).interpret()


def test_undated_readings_go_with_the_only_exam(cube: xr.Dataset) -> None:
    table = readings(cube).drop(columns="date")
    joined = join_reference(cube.isel(exam=[1]), table, metrics=["am"])
    assert len(joined.table) == 10
    assert joined.table["days_apart"].isna().all()
    with pytest.raises(StatsError, match="has no date, and she has several exams"):
        join_reference(cube, table, metrics=["am"])


def test_forms_order_and_means_do_not_change_r2(cube: xr.Dataset) -> None:
    table = readings(cube)
    expected = reference_measures(cube, table).to_frame()
    assert len(expected) == 10
    for other, given in ((on_dates(cube).chunk(), table), (cube, table.sample(frac=1, random_state=0))):
        pd.testing.assert_frame_equal(reference_measures(other, given).to_frame(), expected)
    mean = reference_measures(cube, table, combine="mean").to_frame()
    assert mean["r2"].to_numpy() == pytest.approx(expected["r2"].to_numpy())
    assert mean["slope"].to_numpy() == pytest.approx(4 * expected["slope"].to_numpy())
    one = reference_measures(burden(cube, "am", normalise=False), table)
    assert one.fit("am", "ct_voxels").r2 == reference_measures(cube, table).fit("am", "ct_voxels").r2


def test_a_fit_is_scipys(cube: xr.Dataset) -> None:
    found = reference_measures(cube, readings(cube))
    x, y = found.joined.table["sim"], found.joined.table["ct_mass_mg"]
    fit, expected = found.fit("sim", "ct_mass_mg"), stats.linregress(x, y)
    half = stats.t.ppf(0.975, len(x) - 2) * expected.stderr
    assert fit.r2.value == pytest.approx(expected.rvalue**2)
    assert (fit.slope.value, fit.intercept.value) == pytest.approx((expected.slope, expected.intercept))
    assert (fit.slope.low, fit.slope.high) == pytest.approx((expected.slope - half, expected.slope + half))
    assert fit.pearson.value == pytest.approx(expected.rvalue)
    assert fit.spearman.value == pytest.approx(stats.spearmanr(x, y).statistic)
    without = [stats.linregress(np.delete(x, k), np.delete(y, k)).rvalue ** 2 for k in range(10)]
    assert fit.weakest == pytest.approx(min(without))
    assert fit.weakest_without == found.joined.table["subject"].iloc[int(np.argmin(without))]
    assert fit.published == 0.840


def test_the_interval_is_scipys_bca() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=40)
    y = x + random.normal(0, 0.5, 40)
    r2, resampled, _ = r2_by_woman(x, y, np.arange(40), n_bootstrap=20_000)
    expected = stats.bootstrap(
        (x, y), lambda a, b: stats.pearsonr(a, b).statistic ** 2, paired=True, n_resamples=4000,
        method="BCa", random_state=0, vectorized=False,
    )  # fmt: skip
    interval = expected.confidence_interval
    assert (r2.low, r2.high) == pytest.approx((interval.low, interval.high), abs=0.015)
    assert resampled.std() == pytest.approx(expected.standard_error, rel=0.05)


def test_images_given_twice_narrow_nothing() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=12)
    y = x + random.normal(0, 0.6, 12)
    once = r2_by_woman(x, y, np.arange(12), seed=4)[0]
    twice = r2_by_woman(np.repeat(x, 2), np.repeat(y, 2), np.repeat(np.arange(12), 2), seed=4)[0]
    naive = r2_by_woman(np.repeat(x, 2), np.repeat(y, 2), np.arange(24), seed=4)[0]
    assert (twice.value, twice.low, twice.high) == pytest.approx((once.value, once.low, once.high))
    assert naive.high - naive.low < 0.85 * (once.high - once.low)


def test_shift_and_scale_leave_r2_and_its_interval() -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=15)
    y = x + random.normal(0, 0.4, 15)
    a = r2_by_woman(x, y, np.arange(15))[0]
    b = r2_by_woman(1e6 * x + 1e8, 3 - y, np.arange(15))[0]
    assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), rel=1e-6)


@pytest.mark.parametrize(("n", "least"), [(10, 0.84), (40, 0.9)])
def test_the_interval_covers_the_true_r2(n: int, least: float) -> None:
    """With ten women too seldom, as the documentation says."""
    random, true, held = np.random.default_rng(5), 0.85, 0
    for _ in range(300):
        x = random.normal(size=n)
        y = np.sqrt(true) * x + np.sqrt(1 - true) * random.normal(size=n)
        found = r2_by_woman(x, y, np.arange(n), n_bootstrap=600)[0]
        held += found.low <= true <= found.high
    assert least < held / 300 < 0.98


def test_a_clear_winner_is_told_from_a_tie(cube: xr.Dataset) -> None:
    tie = reference_measures(cube, readings(cube)).to_frame()
    assert (tie["share_best"] > 0.9).all()  # the simulated metrics are all but proportional
    worse = cube.load().copy()
    noise = np.random.default_rng(0).lognormal(0, 2, worse["pm"].shape)
    worse["pm"] = worse["pm"] * noise
    found = reference_measures(worse, readings(cube, error=0.05))
    assert found.fit("pm", "ct_mass_mg").share_best < 0.1
    assert found.fit("am", "ct_mass_mg").share_best > 0.9


def test_what_cannot_be_estimated_is_said() -> None:
    table = pd.DataFrame({"subject": list("abcdef"), "am": np.arange(6.0), "mass": 2.0})
    constant = reference_measures(hand_joined(table))
    assert constant.reason == "mass is 2 everywhere"
    few = reference_measures(hand_joined(table.assign(mass=[1.0, 2, 4, 8, np.nan, np.nan])))
    assert few.reason == "only 4 women with am and mass, at least 5 are needed"
    two_women = table.assign(subject=list("aaabbb"), mass=np.arange(6.0) ** 2)
    assert "only 2 women" in reference_measures(hand_joined(two_women)).reason
    none = simulate_cube(8, n_exam=1, without_bac=1.0)
    silent = reference_measures(
        none, pd.DataFrame({"subject": none["subject"].values, "mass": np.arange(8.0)})
    )
    assert silent.fit("am", "mass").r2.reason == "am is 0 everywhere"
    assert "reason" in silent.to_frame()
    perfect = reference_measures(hand_joined(table.assign(mass=3 * table["am"]))).fit("am", "mass")
    assert (perfect.r2.value, perfect.r2.low, perfect.r2.high) == pytest.approx((1, 1, 1))


def test_one_woman_who_makes_the_result_is_named() -> None:
    table = pd.DataFrame({"subject": list("abcdefg"), "am": [1.0, 2, 3, 4, 5, 6, 60]})
    found = reference_measures(hand_joined(table.assign(mass=[3.0, 1, 2, 3, 1, 2, 50])))
    assert "Without subject g it would be" in found.interpret()


GOOD = pd.DataFrame(
    {"subject": ["a", "b"], "breast": ["L", "R"], "date": ["2020-01-01"] * 2, "mass": [1.0, 2.0]}
)


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (GOOD.rename(columns={"subject": "patient_id"}), "patient_id is an identity"),
        (GOOD.rename(columns={"subject": "who"}), "no column 'subject': its columns are who"),
        (GOOD.assign(subject=["a", None]), "a row of the reference table has no subject"),
        (GOOD.assign(breast=["L", "middle"]), "subject b: the breast is 'middle': give L or R"),
        (GOOD.assign(side="L"), "both 'breast' and 'side'"),
        (GOOD.assign(date=["2020-01-01", "soon"]), "subject b: 'soon' is no date"),
        (GOOD.assign(mass=[1.0, -2.0]), "subject b: mass is '-2.0', below zero"),
        (GOOD.assign(mass=[1.0, np.inf]), "subject b: mass is 'inf', infinite"),
        (pd.concat([GOOD, GOOD[1:]]), "subject b, breast R has two readings on 2020-01-01"),
        (GOOD.drop(columns="mass"), "no column of numbers"),
    ],
)
def test_bad_tables_are_refused_in_words(table: pd.DataFrame, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        reference_table(table)


def test_text_among_numbers_and_unknown_columns_are_refused() -> None:
    with pytest.raises(StatsError, match="subject b: mass is 'much', no number"):
        reference_table(GOOD.assign(mass=["1", "much"]), measures=["mass"])
    with pytest.raises(StatsError, match="no column 'voxels'"):
        reference_table(GOOD, measures=["voxels"])
    assert reference_table(GOOD.assign(breast=["left", " R "]), measures="mass").table["breast"].tolist() == [
        "L",
        "R",
    ]
    assert reference_table(GOOD.assign(date=["", None])).table["date"].isna().all()


def test_options_are_checked(cube: xr.Dataset) -> None:
    table = readings(cube)
    joined = join_reference(cube, table, metrics=["am"])
    for call, match in (
        (lambda: join_reference(cube, table, per="view"), "per='view': choose one of"),
        (lambda: join_reference(cube, table, window_days=-1), "window_days=-1"),
        (lambda: join_reference(cube, table, metrics=[]), "name at least one"),
        (
            lambda: join_reference(cube, table.drop(columns="laterality").iloc[::2], per="breast"),
            "needs a column breast",
        ),
        (lambda: join_reference(burden(cube, "am", per="view"), table), "not of a view"),
        (
            lambda: join_reference(cube, table.rename(columns={"ct_voxels": "am"})),
            "'am' is a metric and a column",
        ),
        (lambda: reference_measures(cube), "there is nothing to compare with"),
        (lambda: reference_measures(joined, table), "joined already"),
        (lambda: reference_measures(joined, confidence=1), "confidence=1"),
        (lambda: reference_measures(joined, n_bootstrap=5), "give 100 or more"),
        (lambda: reference_measures(joined).fit("pm", "ct_mass_mg"), "no fit of 'pm'"),
    ):
        with pytest.raises(StatsError, match=match):
            call()


def test_a_csv_keeps_its_subjects_and_says_no_path(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text("subject,breast,mass\n001,L,1\n001,R,2\n")
    assert read_reference(file)["subject"].tolist() == ["001", "001"]
    file.write_bytes(b"\xff\xfe\x00nonsense\x00")
    for path, match in ((file, "cannot be read"), (tmp_path / "none.csv", "there is no such table")):
        with pytest.raises(StatsError, match=match) as told:
            read_reference(path)
        assert str(tmp_path) not in str(told.value)
