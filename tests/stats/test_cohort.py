"""Table 1 against numbers by hand and scipy; one row per woman; small cells do not follow from others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bactools.cube import on_dates, to_table
from bactools.stats.burden import burden
from bactools.stats.cohort import Table1, table1
from bactools.stats.cohort.burden_by import burden_by
from bactools.stats.cohort.small_cells import small_cells
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube

WOMEN = pd.DataFrame(
    {
        "subject": list("abcdefgh"),
        "age": [50.0, 60, 70, 80, 50, 60, 70, np.nan],
        "race": ["x", "x", "x", "y", "y", "y", "y", None],
        "ckd": [True, True, True, True, False, False, False, False],
    }
)


def cell(result: Table1, variable: str, column: str, level: str = "") -> str:
    table = result.table
    found = table[table["variable"].str.startswith(variable) & (table["level"] == level)]
    assert len(found) == 1
    return str(found[column].iloc[0])


def test_cells_are_those_worked_by_hand() -> None:
    result = table1(WOMEN, group="ckd", p_values=True)
    assert cell(result, "n", "overall") == "8"
    assert (cell(result, "n", "ckd: no"), cell(result, "n", "ckd: yes")) == ("4", "4")
    # ages 50 60 70 80 50 60 70: mean 62.86, SD 11.13; with ckd 65 (12.91), without 60 (10)
    assert cell(result, "age, mean (SD)", "overall") == "62.9 (11.1)"
    assert cell(result, "age, mean (SD)", "ckd: yes") == "65.0 (12.9)"
    assert cell(result, "age, mean (SD)", "ckd: no") == "60.0 (10.0)"
    assert cell(result, "age, mean (SD)", "missing") == "1"
    # percentages are of those known: 3 of 7, with ckd 3 of 4, without 0 of 3
    assert cell(result, "race, n (%)", "overall", "x") == "3 (42.9)"
    assert cell(result, "race, n (%)", "ckd: yes", "x") == "3 (75.0)"
    assert cell(result, "race, n (%)", "ckd: no", "x") == "0 (0.0)"


def test_p_and_standardised_difference_are_scipys() -> None:
    result = table1(WOMEN, group="ckd", p_values=True)
    numbers = result.numbers.set_index("variable")
    with_ckd, without = [50.0, 60, 70, 80], [50.0, 60, 70]
    welch = stats.ttest_ind(with_ckd, without, equal_var=False).pvalue
    assert numbers.loc["age", "p"] == pytest.approx(welch)
    pooled = np.sqrt((np.var(with_ckd, ddof=1) + np.var(without, ddof=1)) / 2)
    assert abs(numbers.loc["age", "smd"]) == pytest.approx(5 / pooled)
    assert numbers.loc["race", "p"] == pytest.approx(stats.fisher_exact([[3, 1], [0, 3]]).pvalue)


def test_medians_for_what_is_skewed_and_where_asked() -> None:
    values = np.array([0.0, 0, 0, 1, 2, 3, 100])
    table = pd.DataFrame({"subject": list("abcdefg"), "burden": values, "age": np.arange(50.0, 57)})
    result = table1(table)
    assert (result.mean, result.median) == (("age",), ("burden",))
    assert cell(result, "burden, median [quartiles]", "overall") == "1.0 [0.0, 2.5]"
    assert table1(table, nonnormal=["age"]).median == ("age",)


def test_women_are_counted_once_at_first_or_last_exam_whatever_the_order() -> None:
    table = pd.DataFrame(
        {
            "subject": ["b", "a", "a", "b"],
            "date": ["2021-01-01", "2022-01-01", "2020-01-01", "2019-01-01"],
            "age": [62.0, 72.0, 70.0, 60.0],
        }
    )
    first, last = table1(table), table1(table, at="last")
    assert first.n == last.n == 2
    assert cell(first, "age", "overall") == "65.0 (7.1)"
    assert cell(last, "age", "overall") == "67.0 (7.1)"
    again = table1(table.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(again.table, first.table)
    every = table1(table, at="every row")
    assert every.n == 4
    assert "counted more than once" in every.interpret()


def test_a_cube_in_every_form_gives_one_row_per_woman() -> None:
    cube = simulate_cube(30, missing_views=0.1, one_exam=0.3)
    result = table1(cube, columns=["age", "ckd", "race", "exams", "vendor"], group="ckd")
    assert result.n == 30
    assert "simulated" in result.note
    first = cube["age"].isel(exam=0).values
    assert cell(result, "age [year]", "overall") == f"{first.mean():.1f} ({first.std(ddof=1):.1f})"
    pd.testing.assert_frame_equal(
        table1(on_dates(cube), columns=["age", "ckd", "race", "exams", "vendor"], group="ckd").table,
        result.table,
    )
    pd.testing.assert_frame_equal(
        table1(
            cube.chunk({"subject": 7}), columns=["age", "ckd", "race", "exams", "vendor"], group="ckd"
        ).table,
        result.table,
    )
    images = table1(cube, at="every row", columns=["tam_100"])
    assert images.n == len(to_table(cube))
    assert images.unit == "images"


def test_a_metric_is_the_womans_burden_missing_where_her_exam_is_incomplete() -> None:
    cube = simulate_cube(30, missing_views=0.1)
    found = burden(cube, "tam_100")
    first = cube["date"].isel(exam=0).to_series()
    at_first = found.table[found.table["date"] == found.table["subject"].map(first)]["value"]
    result = table1(cube, columns=["tam_100"], nonnormal=["tam_100"])
    q1, median, q3 = at_first.quantile([0.25, 0.5, 0.75])
    shown = cell(result, "tam_100 / breast area, sum of 4 views", "overall")
    assert [float(part) for part in shown.replace("[", "").replace("]", "").replace(",", "").split()] == (
        pytest.approx([median, q1, q3], abs=1e-5)
    )
    assert cell(result, "tam_100 / breast area", "missing") == str(30 - len(at_first))
    baseline = table1(found, columns=[found.name, "age"])
    assert baseline.n == found.table["subject"].nunique()


def test_what_images_disagree_on_is_said() -> None:
    cube = simulate_cube(6).load()
    vendor = cube["vendor"].values.copy()
    vendor[0, 0, 0] = "OTHER"
    cube["vendor"] = (cube["vendor"].dims, vendor)
    assert cell(table1(cube, columns=["vendor"]), "vendor", "overall", "several") == "1 (16.7)"


def test_whatever_stands_in_a_cell_is_escaped() -> None:
    table = WOMEN.assign(race=["<script>", "x_1 & 2%"] * 4)
    result = table1(table, columns=["race"])
    assert "<script>" not in result.to_html()
    assert "&lt;script&gt;" in result.to_html()
    assert "<script>" not in result._repr_html_()
    assert r"x\_1 \& 2\%" in result.to_latex()
    assert r"\textless{}script\textgreater{}" in result.to_latex()


def test_strange_names_groups_and_levels_do_no_harm() -> None:
    table = pd.DataFrame(
        {
            "subject": list("abcdef"),
            "Missing": ["nan", "Overall", "nan", "inf", "Overall", "nan"],
            "P-Value": [1.0, 2, 3, 4, 5, 6],
            "group": ["Overall", "Missing", "Overall", "Missing", "Overall", "Missing"],
        }
    )
    result = table1(table, group="group", p_values=True)
    assert list(result.table) == [
        "variable", "level", "missing", "overall", "group: Missing", "group: Overall", "smd", "p", "test",
    ]  # fmt: skip
    assert cell(result, "Missing, n (%)", "overall", "nan") == "3 (50.0)"
    assert cell(result, "P-Value, mean (SD)", "overall") == "3.5 (1.9)"


def test_one_woman_has_a_mean_but_no_spread_and_none_nothing() -> None:
    table = WOMEN.assign(ckd=[True] + [False] * 7, empty=np.nan)
    result = table1(table, group="ckd")
    assert cell(result, "age", "ckd: yes") == "50.0 (–)"
    assert cell(result, "age", "smd") == ""
    assert cell(result, "empty", "missing") == "8"
    assert cell(result, "empty", "overall") == ""
    nobody = WOMEN.assign(age=[np.nan] * 4 + [50.0, 60, 70, 80])
    assert cell(table1(nobody, group="ckd"), "age", "ckd: yes") == ""
    constant = table1(WOMEN.assign(age=2.0), group="ckd")
    assert np.isnan(constant.numbers.set_index("variable").loc["age", "smd"])


def test_a_group_of_one_value_and_rows_without_one() -> None:
    assert table1(WOMEN.assign(ckd=True), group="ckd").group == ""
    some = table1(WOMEN.assign(ckd=["u", "u", "v", "v", "v", None, None, None]), group="ckd")
    assert some.n_without_group == 3
    assert "3 women have no ckd" in some.interpret()
    assert cell(some, "n", "overall") == "8"


def test_three_groups_are_compared_two_by_two() -> None:
    result = table1(WOMEN.assign(ckd=list("uuvvvwww")), columns=["age"], group="ckd")
    assert [name for name in result.table if name.startswith("smd")] == [
        "smd (u to v)",
        "smd (u to w)",
        "smd (v to w)",
    ]
    shown = [float(cell(result, "age", f"smd ({pair})")) for pair in ("u to v", "u to w", "v to w")]
    assert result.numbers["smd"].abs().iloc[0] == pytest.approx(max(map(abs, shown)), abs=5e-4)


def test_numbers_with_an_order_keep_it() -> None:
    grades = pd.Categorical(["mild", "none", "severe", "none"], ["none", "mild", "severe"], ordered=True)
    table = pd.DataFrame({"subject": list("abcd"), "grade": grades, "births": [10, 2, 2, 10]})
    result = table1(table, categorical=["births"])
    assert list(result.table["level"]) == ["", "none", "mild", "severe", "2", "10"]


def test_small_counts_are_hidden_and_do_not_follow_from_others() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "subject": [f"s{k}" for k in range(60)],
            "race": rng.choice(["x", "y", "z"], 60, p=[0.6, 0.35, 0.05]),
            "age": rng.normal(60, 10, 60),
            "ckd": ["yes"] * 20 + ["no"] * 40,
        }
    )
    table.loc[:2, "age"] = np.nan
    result = table1(table, group="ckd", suppress_below=5, p_values=True)
    columns = ["missing", "overall", "ckd: no", "ckd: yes"]
    race = result.table[result.table["variable"].str.startswith("race")].set_index("level")
    counts = pd.crosstab(table["race"], table["ckd"])
    assert counts.loc["z"].between(1, 4).any()
    for level in counts.index:
        for group in ("no", "yes"):
            shown = race.loc[level, f"ckd: {group}"]
            assert shown.split()[0] in (str(counts.loc[level, group]), "<5", "hidden")
            assert shown.split()[0] not in ("1", "2", "3", "4")
    hidden = race[columns[1:]].map(lambda text: not text[0].isdigit())
    for line in [*hidden.to_numpy(), *hidden.to_numpy().T]:
        assert line.sum() != 1
    assert (race[["smd", "p"]] == "").all(axis=None)
    assert cell(result, "age", "missing") == "<5"
    assert result.numbers.set_index("variable")["missing"].isna()["age"]
    assert result.n_suppressed >= 4
    assert "hidden" in result.interpret()
    assert table1(table, group="ckd").n_suppressed == 0


@pytest.mark.parametrize("seed", range(20))
def test_no_hidden_cell_stands_alone_in_its_line(seed: int) -> None:
    groups = np.random.default_rng(seed).poisson(6, (4, 3))
    counts = np.column_stack([groups.sum(axis=1), groups])
    small, hidden = small_cells(counts, below=5)
    assert (hidden >= small).all()
    assert (small == ((counts > 0) & (counts < 5))).all()
    for line in [*hidden, *hidden.T]:
        assert line.sum() != 1


def test_groups_too_small_to_hide_are_refused() -> None:
    with pytest.raises(StatsError, match="group 'yes' has fewer than 5 women"):
        table1(WOMEN.assign(ckd=[True] * 3 + [False] * 5), group="ckd", suppress_below=5)
    with pytest.raises(StatsError, match="the whole has fewer than 11"):
        table1(WOMEN, suppress_below=11)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"columns": ["nosuch"]}, "no column 'nosuch'"),
        ({"group": "nosuch"}, "no column 'nosuch'"),
        ({"at": "first"}, "at='first': choose one of"),
        ({"p_values": True}, "name the column in group="),
        ({"nonnormal": ["race"]}, "'race' is counted"),
        ({"categorical": ["nosuch"]}, "categorical names 'nosuch'"),
        ({"categorical": "race"}, "give a list"),
        ({"suppress_below": -1}, "give 0 or more"),
    ],
)
def test_wrong_options_are_refused_in_words(options: dict, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        table1(WOMEN, **options)


def test_tables_that_cannot_be_one_row_per_woman_are_refused() -> None:
    twice = pd.concat([WOMEN, WOMEN])
    with pytest.raises(StatsError, match="subject a has several rows"):
        table1(twice)
    images = pd.DataFrame(
        {"subject": ["a", "a"], "date": "2020-01-01", "view": ["LCC", "RCC"], "am": [1.0, 2.0]}
    )
    with pytest.raises(StatsError, match="'am' differs between the rows of one woman's exam"):
        table1(images, columns=["am"])
    assert table1(images.assign(age=60.0)).left_out == ("am",)
    with pytest.raises(StatsError, match="women repeat"):
        table1(twice, group="ckd", at="every row", p_values=True)
    with pytest.raises(StatsError, match="holds dates"):
        table1(WOMEN.assign(born=pd.Timestamp("1950-01-01")), columns=["born"])
    with pytest.raises(StatsError, match="per breast"):
        table1(burden(simulate_cube(5), per="breast"))
    with pytest.raises(StatsError, match="'x' has 13 values"):
        table1(pd.DataFrame({"x": range(13), "y": 1.0}), group="x")


def test_nothing_to_describe_is_said() -> None:
    assert table1(WOMEN.iloc[:0]).reason == "no rows"
    assert table1(WOMEN[["subject"]]).reason == "there is nothing to describe"
    assert "Not estimable" in table1(WOMEN.iloc[:0]).interpret()


def test_identities_dates_and_free_text_are_left_out_unless_asked_for() -> None:
    table = WOMEN.assign(name=[f"name {k}" for k in range(8)], seen=pd.Timestamp("2020-01-01"))
    result = table1(table)
    assert result.left_out == ("name", "seen")
    assert "Not described: name, seen" in result.interpret()
    assert cell(table1(table, columns=["name"]), "name", "overall", "name 0") == "1 (12.5)"


def test_burden_by_age_and_group() -> None:
    cube = simulate_cube(60)
    found = burden(cube)
    by_age = burden_by(found)
    baseline = found.baseline()
    assert by_age.groups["n"].sum() == 60
    decade = np.floor(baseline["age"] / 10) * 10
    expected = baseline.groupby(decade)["value"].describe()
    assert by_age.groups["median"].to_numpy() == pytest.approx(expected["50%"].to_numpy())
    assert by_age.groups["q3"].to_numpy() == pytest.approx(expected["75%"].to_numpy())
    assert list(by_age.groups["group"]) == [f"{low:g} to {low + 10:g}" for low in expected.index]
    by_ckd = burden_by(found, "ckd")
    parts = [part["value"] for _, part in baseline.groupby("ckd")]
    assert by_ckd.p == pytest.approx(stats.kruskal(*parts).pvalue)
    assert list(by_ckd.groups["group"]) == ["no", "yes"]
    assert by_ckd.groups["zero"].sum() == (baseline["value"] == 0).sum()
    edged = burden_by(found, "age", edges=[40, 65, 95])
    assert edged.groups["n"].tolist() == [(baseline["age"] < 65).sum(), (baseline["age"] >= 65).sum()]


def test_burden_by_what_cannot_group_is_refused() -> None:
    found = burden(simulate_cube(10))
    for by, options, match in (
        ("nosuch", {}, "burden has no 'nosuch'"),
        ("race", {"edges": [0, 1]}, "holds no numbers"),
        ("age", {"edges": [0, 10]}, "beyond the edges"),
        ("age", {"edges": [50, 40]}, "edges must rise"),
    ):
        with pytest.raises(StatsError, match=match):
            burden_by(found, by, **options)
    silent = burden(simulate_cube(10, without_bac=1.0))
    assert np.isnan(burden_by(silent, "ckd").p)
    assert burden_by(silent, "ckd").estimable


def test_burden_by_what_is_known_of_nobody_is_told_in_words() -> None:
    cube = simulate_cube(6, n_exam=2)
    unknown = burden_by(burden(cube.assign(age=cube["age"] * np.nan)))
    assert unknown.reason == "the age of no woman is known"
    assert not burden_by(burden(cube.isel(subject=[]))).estimable
