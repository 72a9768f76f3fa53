"""Networks compared on the same images, and groups: against other routes, and by laws."""

from __future__ import annotations

import gc

import numpy as np
import pandas as pd
import pingouin as pg
import pytest
import statsmodels.api as sm
import xarray as xr
from scipy import stats

from bactools.stats.comparison import Comparison, compare
from bactools.stats.comparison.effects import paired_effect
from bactools.stats.comparison.groups import compare_groups
from bactools.stats.comparison.multiplicity import adjust
from bactools.stats.comparison.paired import p_value
from bactools.stats.result import StatsError


@pytest.fixture(autouse=True)
def _no_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statsmodels collects garbage whenever it adjusts p-values: a second a call among other tests."""
    monkeypatch.setattr(gc, "collect", lambda *_: 0)


NAMES = ("SCU-Net", "U-Net", "SegNet")


def scores(n_women: int = 25, images: int = 4, *, alike: float = 0.05, seed: int = 0) -> pd.DataFrame:
    """Return scores of three networks; differences of one woman's images are alike."""
    random = np.random.default_rng(seed)
    woman = np.repeat(np.arange(n_women), images)
    shared = random.normal(0.7, 0.05, woman.size)
    table = pd.DataFrame({"subject": [f"S{at}" for at in woman], "view": "LCC"})
    for name, shift in zip(NAMES, (0.0, 0.02, -0.05), strict=True):
        of_woman = random.normal(0, alike, n_women)[woman]
        table[name] = shared + shift + of_woman + random.normal(0, 0.02, woman.size)
    return table


def test_one_image_per_woman_is_the_paired_t_test() -> None:
    table = scores(30, 1)
    found = compare(table, name="Dice")
    assert found.naive is None
    for d in found.differences:
        tested = stats.ttest_rel(table[d.a], table[d.b])
        interval = tested.confidence_interval()
        assert d.difference.p == pytest.approx(tested.pvalue)
        assert (d.difference.low, d.difference.high) == pytest.approx((interval.low, interval.high))
        assert d.effect.value == pytest.approx(pg.compute_effsize(table[d.a], table[d.b], True, "cohen_dz"))
        assert (d.n, d.n_subjects, d.n_dropped) == (30, 30, 0)
    assert [d.p_adjusted for d in found.differences] == pytest.approx(
        adjust([d.difference.p for d in found.differences])
    )
    assert found.scores["mean"].to_list() == pytest.approx(table[list(NAMES)].mean().to_list())
    assert found.scores["sd"].to_list() == pytest.approx(table[list(NAMES)].std().to_list())


def test_several_images_are_clustered_as_statsmodels_does() -> None:
    table = scores()
    found = compare(table)
    for d in found.differences:
        model = sm.OLS((table[d.a] - table[d.b]).to_numpy(), np.ones(len(table)))
        fit = model.fit(
            cov_type="cluster", cov_kwds={"groups": pd.factorize(table["subject"])[0]}, use_t=True
        )
        assert d.difference.se == pytest.approx(fit.bse[0])
        assert d.difference.p == pytest.approx(fit.pvalues[0])
    assert found.naive is not None
    naive = found.naive.pair("SCU-Net", "U-Net")
    assert naive.difference.p == pytest.approx(stats.ttest_rel(table["SCU-Net"], table["U-Net"]).pvalue)
    assert "which these intervals allow for" in found.interpret()
    assert "naive_p_adjusted" in found.to_frame()


@pytest.mark.parametrize("repeats", ["robust", "bootstrap", "means"])
def test_duplicated_images_narrow_the_naive_interval_only(repeats: str) -> None:
    table = scores(images=2)
    twice = pd.concat([table, table], ignore_index=True)
    once_, twice_ = (compare(part, repeats=repeats) for part in (table, twice))  # type: ignore[arg-type]
    for a, b in zip(once_.differences, twice_.differences, strict=True):
        assert (b.difference.low, b.difference.high) == pytest.approx((a.difference.low, a.difference.high))
    assert once_.naive is not None
    assert twice_.naive is not None
    width = [found.naive.differences[0].difference for found in (once_, twice_) if found.naive]
    assert width[1].high - width[1].low < 0.75 * (width[0].high - width[0].low)


def test_means_are_the_t_test_of_one_value_per_woman() -> None:
    table = scores()
    women = table.groupby("subject")[list(NAMES)].mean()
    found = compare(table, repeats="means").pair("U-Net", "SegNet")
    assert found.difference.p == pytest.approx(stats.ttest_rel(women["U-Net"], women["SegNet"]).pvalue)
    assert (found.n, found.n_subjects) == (100, 25)


def test_pooled_is_had_for_the_asking_and_warned_of() -> None:
    table = scores()
    found = compare(table, repeats="pooled")
    assert found.naive is None
    assert found.pair("SCU-Net", "U-Net").difference.p == pytest.approx(
        stats.ttest_rel(table["SCU-Net"], table["U-Net"]).pvalue
    )
    assert "Careful" in found.interpret()


def test_the_bootstrap_is_near_the_t_interval_and_agrees_with_its_p() -> None:
    found = compare(scores(80, 3), repeats="bootstrap")
    for d, t in zip(found.differences, compare(scores(80, 3)).differences, strict=True):
        assert d.difference.low == pytest.approx(t.difference.low, abs=0.15 * t.difference.se)
        assert d.difference.high == pytest.approx(t.difference.high, abs=0.15 * t.difference.se)
        assert (d.difference.p < 0.05) == (d.difference.low > 0 or d.difference.high < 0)
        assert d.difference.p >= found.smallest_p
    assert "cannot fall below" in found.interpret()


@pytest.mark.slow
def test_nested_intervals_cover_and_naive_ones_do_not() -> None:
    covered = np.zeros(3)
    for seed in range(200):
        table = scores(20, 4, seed=seed)[["subject", "SCU-Net", "U-Net"]]
        robust = compare(table, n_bootstrap=100)
        drawn = compare(table, repeats="bootstrap", n_bootstrap=400, seed=seed)
        for at, found in enumerate((robust, drawn, robust.naive)):
            assert found is not None
            d = found.differences[0].difference
            covered[at] += d.low < -0.02 < d.high
    assert covered[0] / 200 > 0.9
    assert covered[1] / 200 > 0.9
    assert covered[2] / 200 < 0.8


def test_wilcoxon_and_its_effect_size() -> None:
    table = scores(40, 1)
    found = compare(table, test="wilcoxon").pair("SCU-Net", "U-Net")
    by_pingouin = pg.wilcoxon(table["SCU-Net"], table["U-Net"])
    assert found.difference.p == pytest.approx(stats.wilcoxon(table["SCU-Net"], table["U-Net"]).pvalue)
    assert found.effect.value == pytest.approx(float(by_pingouin["RBC"].iloc[0]))
    assert found.effect.low < found.effect.value < found.effect.high


def test_clustered_ranks_have_their_level_where_plain_ones_do_not() -> None:
    random = np.random.default_rng(0)
    woman = np.repeat(np.arange(30), 5)
    p = []
    for _ in range(300):
        d = random.normal(0, 1, 30)[woman] + random.normal(0, 0.5, woman.size)
        p.append((p_value(d, woman), p_value(d, np.arange(d.size))))
    clustered, plain = (np.array(p) < 0.05).mean(axis=0)
    assert clustered < 0.09
    assert plain > 0.2


def test_sign_flips_are_exact_for_few_women_and_near_t_for_many() -> None:
    d = np.array([0.1, 0.2, 0.3, 0.4, -0.05])
    exact = stats.permutation_test(
        (d,), np.sum, permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    assert p_value(d, np.arange(5), test="permutation") == pytest.approx(exact.pvalue)
    table = scores(60, 1, alike=0.02)
    found = compare(table, test="permutation", n_bootstrap=20_000).pair("SCU-Net", "U-Net")
    assert found.difference.p == pytest.approx(
        stats.ttest_rel(table["SCU-Net"], table["U-Net"]).pvalue, abs=0.01
    )


def test_effect_sizes_against_pingouin_and_their_laws() -> None:
    table = scores(50, 1)
    a, b = table["SCU-Net"].to_numpy(), table["SegNet"].to_numpy()
    g = paired_effect(a, b, kind="g_av")
    assert g.value == pytest.approx(pg.compute_effsize(a, b, True, "hedges"))
    assert g.low < g.value < g.high
    for kind in ("d_z", "g_av", "rank-biserial"):
        one, other = paired_effect(a, b, kind=kind), paired_effect(b, a, kind=kind)  # type: ignore[arg-type]
        assert other.value == pytest.approx(-one.value)
        assert paired_effect(100 * a, 100 * b, kind=kind).low == pytest.approx(one.low)  # type: ignore[arg-type]
    assert not paired_effect(a, a - 0.5, kind="d_z").estimable
    assert paired_effect(np.abs(a) + 1, -b, kind="rank-biserial").value == pytest.approx(1)


def test_ties_and_zeros_in_ranks() -> None:
    a = np.array([1.0, 2, 2, 3, 5, 4, 4, 1])
    b = np.array([1.0, 1, 3, 1, 4, 5, 2, 2])
    d = (a - b)[a != b]
    ranks = stats.rankdata(np.abs(d))
    wanted = (ranks[d > 0].sum() - ranks[d < 0].sum()) / ranks.sum()
    assert paired_effect(a, b, kind="rank-biserial").value == pytest.approx(wanted)


def test_missing_images_are_left_out_pair_by_pair_and_counted() -> None:
    table = scores()
    table.loc[:9, "U-Net"] = np.nan
    table.loc[50, "SegNet"] = np.nan
    found = compare(table)
    assert [(d.n, d.n_dropped) for d in found.differences] == [(90, 10), (99, 1), (89, 11)]
    assert found.pair("SCU-Net", "U-Net").n_subjects == 23
    assert found.scores["n_missing"].to_list() == [0, 10, 1]
    complete = compare(table.dropna()).pair("U-Net", "SegNet")
    assert found.pair("U-Net", "SegNet").difference.p == pytest.approx(complete.difference.p)
    assert "up to 11" in found.interpret()


def test_identical_networks_are_not_estimable_and_do_not_count() -> None:
    table = scores().assign(Copy=lambda t: t["SegNet"], Shifted=lambda t: t["SegNet"] + 0.5)
    found = compare(table)
    same = found.pair("SegNet", "Copy")
    assert same.difference.reason == "SegNet and Copy have the same score on each of 100 images"
    assert np.isnan(same.p_adjusted)
    assert "differ by -0.5" in found.pair("SegNet", "Shifted").difference.reason
    held = [d for d in found.differences if d.difference.estimable]
    assert [d.p_adjusted for d in held] == pytest.approx(adjust([d.difference.p for d in held]))
    only = compare(table[["subject", "SegNet", "Copy"]])
    assert only.reason == same.difference.reason
    assert "Not estimable" in only.interpret()
    assert "not estimable" in repr(only)


def test_few_women() -> None:
    found = compare(scores(2, 6))
    assert "2 women in common, at least 3" in found.reason
    nothing = compare({"a": [1.0, np.nan, np.nan], "b": [np.nan, 2.0, 3.0]})
    assert "0 images in common" in nothing.reason


def test_swapping_shifting_and_scaling() -> None:
    table = scores()
    found = compare(table)
    swapped = compare(table[["subject", "SegNet", "U-Net", "SCU-Net"]])
    one, other = found.pair("SCU-Net", "SegNet"), swapped.differences[1]
    assert (other.a, other.b) == ("SegNet", "SCU-Net")
    assert other.difference.value == pytest.approx(-one.difference.value)
    assert other.difference.low == pytest.approx(-one.difference.high)
    assert other.swapped().effect.low == pytest.approx(one.effect.low)
    scaled = compare(table.assign(**{name: 100 * table[name] + 7 for name in NAMES}))
    for a, b in zip(found.differences, scaled.differences, strict=True):
        assert b.difference.low == pytest.approx(100 * a.difference.low)
        assert b.p_adjusted == pytest.approx(a.p_adjusted)
        assert b.effect.value == pytest.approx(a.effect.value)
    mixed = compare(table.sample(frac=1, random_state=3))
    assert [d.p_adjusted for d in mixed.differences] == pytest.approx(
        [d.p_adjusted for d in found.differences]
    )


def test_every_way_to_give_scores() -> None:
    table = scores()
    wanted = compare(table)
    mapping = compare({name: table[name] for name in NAMES}, subject=table["subject"])
    cube = xr.DataArray(
        table[list(NAMES)].to_numpy().T.reshape(3, 25, 4),
        dims=("method", "subject", "view"),
        coords={
            "method": list(NAMES),
            "subject": [f"S{at}" for at in range(25)],
            "view": ["LCC", "LMLO", "RCC", "RMLO"],
        },
        name="dice",
    )
    array = compare(cube.chunk(subject=5))
    parts = {name: cube.sel({"method": name}, drop=True) for name in NAMES}
    parts["U-Net"] = parts["U-Net"].isel(subject=slice(None, None, -1))
    aligned = compare(parts)
    for found in (mapping, array, aligned):
        assert [d.p_adjusted for d in found.differences] == pytest.approx(
            [d.p_adjusted for d in wanted.differences]
        )
    assert array.name == "dice"
    assert set(aligned.points) >= {"subject", "view", *NAMES}
    parts["SegNet"] = parts["SegNet"].isel(subject=slice(5, None))
    assert compare(parts).pair("SCU-Net", "SegNet").n_dropped == 20


def test_a_reference_makes_for_fewer_tests() -> None:
    found = compare(scores(), reference="U-Net")
    assert [(d.a, d.b) for d in found.differences] == [("U-Net", "SCU-Net"), ("U-Net", "SegNet")]
    with pytest.raises(StatsError, match="'SCU-Net' and 'SegNet' were not compared"):
        found.pair("SCU-Net", "SegNet")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"test": "z"}, "test='z'"),
        ({"repeats": "ignore"}, "repeats='ignore'"),
        ({"adjust": "sidak"}, "adjust='sidak'"),
        ({"effect": "d"}, "effect='d'"),
        ({"reference": "FPENet"}, "reference='FPENet'"),
        ({"confidence": 95}, "confidence=95"),
        ({"n_bootstrap": 5}, "n_bootstrap=5"),
        ({"subject": ["a"]}, "1 subjects for 100 images"),
    ],
)
def test_wrong_options(options: dict[str, object], words: str) -> None:
    with pytest.raises(StatsError, match=words):
        compare(scores(), **options)  # type: ignore[arg-type]


def test_wrong_scores() -> None:
    with pytest.raises(StatsError, match="1 methods"):
        compare({"a": [1.0, 2.0]})
    with pytest.raises(StatsError, match="a 2, b 3"):
        compare({"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]})
    with pytest.raises(StatsError, match="b holds something"):
        compare({"a": [1.0], "b": ["x"]})
    with pytest.raises(StatsError, match="'method'"):
        compare(xr.DataArray(np.zeros((2, 3)), dims=("network", "image")))
    with pytest.raises(StatsError, match="no subject"):
        compare({"a": [1.0, 2.0], "b": [2.0, 3.0]}, subject=["S1", None])


def groups() -> tuple[np.ndarray, list[str]]:
    random = np.random.default_rng(4)
    parts = {
        "GE": random.normal(1, 1, 12),
        "HOLOGIC": random.normal(2, 1.5, 9),
        "SIEMENS": random.normal(2, 1, 15),
    }
    return np.concatenate(list(parts.values())), [name for name, part in parts.items() for _ in part]


def test_groups_against_statsmodels_and_scipy() -> None:
    values, group = groups()
    by_name = {name: values[[at == name for at in group]] for name in sorted(set(group))}
    pooled = compare_groups(values, group)
    table = sm.OLS.from_formula("v ~ C(g)", pd.DataFrame({"v": values, "g": group})).fit()
    pairs = table.t_test_pairwise("C(g)", method="holm").result_frame
    for d in pooled.differences:
        row = pairs.loc[f"{d.b}-{d.a}"]
        assert d.difference.value == pytest.approx(-row["coef"])
        assert d.difference.low == pytest.approx(-row["Conf. Int. Upp."])
        assert d.p_adjusted == pytest.approx(row["pvalue-holm"])
    for test, equal in (("welch", False), ("student", True)):
        found = compare_groups(values, group, test=test, adjust="none").pair("GE", "SIEMENS")  # type: ignore[arg-type]
        tested = stats.ttest_ind(by_name["GE"], by_name["SIEMENS"], equal_var=equal)
        assert found.p_adjusted == pytest.approx(tested.pvalue)
        assert found.effect.value == pytest.approx(
            pg.compute_effsize(by_name["GE"], by_name["SIEMENS"], eftype="hedges")
        )
    tukey = compare_groups(values, group, test="tukey")
    lines = pg.pairwise_tukey(pd.DataFrame({"v": values, "g": group}), dv="v", between="g")
    for d, (_, row) in zip(tukey.differences, lines.iterrows(), strict=True):
        assert (d.a, d.b) == (row["A"], row["B"])
        assert d.p_adjusted == pytest.approx(
            row[next(name for name in lines if name.startswith("p"))], rel=1e-3
        )
    assert "Tukey" in tukey.interpret()


def test_groups_of_women_who_repeat_are_refused() -> None:
    values, group = groups()
    women = [f"S{at // 2}" for at in range(len(values))]
    with pytest.raises(StatsError, match=r"36 values come from 18 women.*burden"):
        compare_groups(values, group, subject=women)
    found = compare_groups(values, group, subject=women, repeats="pooled")
    assert "Careful" in found.interpret()


def test_groups_that_cannot_be_compared() -> None:
    flat = compare_groups([1.0, 1, 1, 1], ["a", "a", "b", "b"])
    assert flat.reason == "no group has any spread"
    assert compare_groups([1.0, 1, 1, 1], ["a", "a", "b", "b"], test="tukey").reason
    single = compare_groups([1.0, 2, 3, 4, 5], list("aabbc"), test="welch")
    assert single.pair("a", "c").difference.reason == "group c has one value only"
    assert single.pair("a", "b").difference.estimable
    missing = compare_groups([1.0, 2, np.nan, 3, 5], list("aabbb"))
    assert missing.note.startswith("1 values")
    with pytest.raises(StatsError, match="1 groups"):
        compare_groups([1.0, 2.0], ["a", "a"])
    with pytest.raises(StatsError, match="3 groups for 2"):
        compare_groups([1.0, 2.0], ["a", "b", "c"])


def test_a_comparison_shows_itself() -> None:
    found = compare(scores(), name="Dice")
    assert isinstance(found, Comparison)
    assert "SCU-Net" in found._repr_html_()
    assert list(found.to_frame()["a"]) == ["SCU-Net", "SCU-Net", "U-Net"]
    assert "No significant difference is no proof of equality" in found.interpret()
