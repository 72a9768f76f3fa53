"""Thresholds against the metrics image by image, against scipy, and by known truth."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bactools.metrics import from_histogram
from bactools.stats.reliability.concordance import concordance
from bactools.stats.result import StatsError
from bactools.stats.thresholds import Thresholds, thresholds
from bactools.stats.thresholds.sums import Grid
from bactools.testing import simulate_cube

SOME = {"cuts": (0.01, 0.3, 0.5, 0.62, 0.99), "xs": (0, 40.5, 99, 100, 150, 254, 255)}


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return simulate_cube(12, n_exam=2, missing_views=0.1, histograms=True, seed=3)


def random_counts(n: int, seed: int = 0) -> np.ndarray:
    """Return histograms with pixels at every cut and grey level."""
    random = np.random.default_rng(seed)
    size = random.gamma(1, 3, (n, 1, 1))
    return random.poisson(size * random.gamma(0.3, 1, (1, 100, 256))).astype(np.uint32)


@pytest.mark.parametrize("comparison", [">", ">="])
@pytest.mark.parametrize("quantity", ["tam", "tsim"])
def test_burden_is_that_of_the_metrics_everywhere(quantity: str, comparison: str) -> None:
    counts = random_counts(3)
    cuts, xs = tuple(at / 100 for at in range(1, 100)), tuple(map(float, range(256)))
    burden = Grid(cuts, xs, quantity, comparison).burden(counts)  # type: ignore[arg-type]
    for row, cut in enumerate(cuts):
        for x in (*range(0, 256, 17), 99, 100, 101, 254, 255):
            wanted = from_histogram(counts, name=quantity, cut=cut, x=x, comparison=comparison)  # type: ignore[arg-type]
            assert burden[:, row, x].tolist() == wanted.tolist()


@pytest.mark.parametrize("quantity", ["tam", "tsim"])
def test_the_surface_is_what_scipy_and_agreement_say_at_each_point(cube: xr.Dataset, quantity: str) -> None:
    found = thresholds(
        cube.joint_histogram, cube.true_tam_100, quantity=quantity, comparison=">=", n_bootstrap=0, **SOME
    )  # type: ignore[arg-type]
    held = np.isfinite(cube.true_tam_100.values)
    r = cube.true_tam_100.values[held]
    for cut in SOME["cuts"]:
        for x in SOME["xs"]:
            y = from_histogram(cube.joint_histogram, name=quantity, cut=cut, x=x, comparison=">=").values[
                held
            ]  # type: ignore[arg-type]
            at = found.at(cut, x)
            d = y - r
            assert at["bias"] == pytest.approx(d.mean())
            assert at["sd"] == pytest.approx(d.std(ddof=1))
            assert at["rmse"] == pytest.approx(np.sqrt((d**2).mean()))
            if np.ptp(y) == 0:
                assert np.isnan(at["r2"])
                continue
            line = stats.linregress(r, y)
            assert at["r2"] == pytest.approx(line.rvalue**2)
            assert at["slope"] == pytest.approx(line.slope)
            assert at["intercept"] == pytest.approx(line.intercept, abs=1e-6 * np.abs(y).max())
    y = from_histogram(cube.joint_histogram, name=quantity, cut=0.5, x=100, comparison=">=").values[held]  # type: ignore[arg-type]
    at, d = found.at(0.5, 100), y - r
    ends = stats.norm.interval(0.95, d.mean(), d.std(ddof=1))
    assert (at["lower"], at["upper"]) == pytest.approx(ends)
    assert (found.n, found.n_subjects, found.n_dropped) == (int(held.sum()), 12, 0)


def test_concordance_is_lins(cube: xr.Dataset) -> None:
    found = thresholds(cube.joint_histogram, cube.true_tam_100, criterion="ccc", n_bootstrap=0)
    held = np.isfinite(cube.true_tam_100.values)
    y = from_histogram(cube.joint_histogram, cut=0.5, x=100).values[held]
    wanted = concordance(y, cube.true_tam_100.values[held]).ccc.value
    assert found.at(0.5, 100)["ccc"] == pytest.approx(wanted)


def test_lazy_is_eager_and_order_does_not_matter(cube: xr.Dataset) -> None:
    eager = thresholds(cube.joint_histogram, cube.true_tam_100, n_bootstrap=100)
    chunked = cube.joint_histogram.chunk(subject=5, view=2, exam=1)
    lazy = thresholds(chunked, cube.true_tam_100.chunk(subject=4), n_bootstrap=100)
    turned = thresholds(
        cube.joint_histogram.transpose("exam", "intensity", "view", "subject", "probability_bin"),
        cube.true_tam_100.transpose("view", "exam", "subject").isel(subject=slice(None, None, -1)),
        n_bootstrap=100,
    )
    bare = thresholds(
        cube.joint_histogram.values,
        cube.true_tam_100.values,
        subject=cube.subject.broadcast_like(cube.true_tam_100).values,
        n_bootstrap=100,
    )
    for found in (lazy, turned, bare):
        xr.testing.assert_allclose(found.surface, eager.surface)
        assert found.best.x == eager.best.x
        assert found.as_good == eager.as_good
        assert (found.n, found.n_subjects) == (eager.n, eager.n_subjects)


def test_each_chunk_is_read_once_and_only_where_there_is_a_reference(cube: xr.Dataset) -> None:
    read: list[int] = []
    counts = cube.joint_histogram.values

    def load(block_info: dict[int, dict[str, list[tuple[int, int]]]]) -> np.ndarray:
        start, stop = block_info[None]["array-location"][0]
        read.append(start)
        return counts[start:stop]

    lazy = da.map_blocks(
        load, dtype=counts.dtype, chunks=((3,) * 4, *((size,) for size in counts.shape[1:])), meta=counts[:0]
    )
    reference = cube.true_tam_100.copy()
    reference[3:6] = np.nan
    read.clear()
    thresholds(cube.joint_histogram.copy(data=lazy), reference, n_bootstrap=100)
    assert sorted(read) == [0, 6, 9]


def noisy(x: int, cut: float, *, women: int = 80, error: float = 0.02, seed: int = 0) -> tuple:
    """Return histograms, and a reference that is the burden at one point but for a small error."""
    counts = random_counts(women, seed)
    true = from_histogram(counts, cut=cut, x=x)
    random = np.random.default_rng(seed)
    return counts, true * (1 + random.normal(0, error, women))


def test_the_best_point_is_the_true_one() -> None:
    random = np.random.default_rng(5)
    # every image has its own mix of grey levels and probabilities, so that thresholds differ
    weight = random.gamma(0.3, 1, (60, 100, 256))
    counts = random.poisson(5 * weight).astype(np.uint32)
    for x, cut in ((100, 0.5), (60, 0.7), (180, 0.2)):
        reference = from_histogram(counts, cut=cut, x=x)
        found = thresholds(counts, reference, n_bootstrap=200)
        assert (found.best.x.value, found.best.cut.value) == (x, cut)
        assert found.best.score.value == pytest.approx(1)
        assert (found.best.x.low, found.best.x.high) == (x, x)
        assert found.as_good == (x,)
        for criterion in ("sd", "rmse", "ccc", "bias"):
            other = thresholds(counts, reference, criterion=criterion, n_bootstrap=0)  # type: ignore[arg-type]
            assert (other.best.x.value, other.best.cut.value) == (x, cut)
        assert float(found.surface["share"].sum()) == pytest.approx(1)


def test_the_interval_of_the_best_threshold_covers_the_true_one() -> None:
    covered, widths = 0, []
    for seed in range(20):
        random = np.random.default_rng(seed)
        counts = random.poisson(5 * random.gamma(0.3, 1, (40, 100, 256))).astype(np.uint32)
        true = from_histogram(counts, cut=0.5, x=120)
        reference = true + random.normal(0, 0.3 * true.std(), 40)
        found = thresholds(counts, reference, cuts=(0.5,), n_bootstrap=200, seed=seed)
        covered += found.best.x.low <= 120 <= found.best.x.high
        widths.append(found.best.x.high - found.best.x.low)
        assert found.best.x.value in found.as_good
        assert found.published is not None
        assert found.gain.value == pytest.approx(found.best.score.value - found.published.score.value)
        assert found.gain.value >= 0
    assert covered >= 17
    assert max(widths) < 255


def test_the_flat_optimum_is_called_flat_and_stays_at_the_published_point() -> None:
    # calcification lies at levels 150 to 200 only: all X below 150 are the same
    counts = np.zeros((30, 100, 256), dtype=np.uint32)
    random = np.random.default_rng(1)
    counts[:, 80, 150:200] = random.poisson(random.gamma(2, 5, (30, 1)), (30, 50))
    counts[:, 0, 70] = 10_000
    reference = from_histogram(counts, cut=0.5, x=100)
    found = thresholds(counts, reference, n_bootstrap=200)
    assert (found.best.x.value, found.best.cut.value) == (100, 0.5)
    assert found.gain.value == 0
    assert set(range(150)) <= set(found.as_good)
    assert 190 not in found.as_good
    assert "None is better" in found.interpret()


def test_women_are_resampled_not_images() -> None:
    counts, reference = noisy(100, 0.5, women=30, error=0.2)
    once = thresholds(counts, reference, subject=range(30), n_bootstrap=200, cuts=(0.5,))
    twice = thresholds(
        np.repeat(counts, 2, axis=0),
        np.repeat(reference, 2),
        subject=np.repeat(range(30), 2),
        n_bootstrap=200,
        cuts=(0.5,),
    )
    assert twice.best.score.low == pytest.approx(once.best.score.low)
    assert twice.best.score.high == pytest.approx(once.best.score.high)
    naive = thresholds(np.repeat(counts, 2, axis=0), np.repeat(reference, 2), n_bootstrap=200, cuts=(0.5,))
    assert naive.best.score.high - naive.best.score.low < once.best.score.high - once.best.score.low


def test_a_womans_reference_is_compared_with_the_sum_of_her_views(cube: xr.Dataset) -> None:
    first = cube.isel(exam=0)
    ct = (first.true_tam_100 * 2).sum("view", skipna=False).rename("breast CT").assign_attrs(units="mg")
    whole = (2 * first.true_tam_100.fillna(0)).sum("view").rename("breast CT")
    found = thresholds(first.joint_histogram.chunk(subject=3), whole, n_bootstrap=100)
    complete = np.isfinite(ct.values)
    y = from_histogram(first.joint_histogram, cut=0.5, x=100).sum("view").values[complete]
    assert found.at(0.5, 100)["r2"] == pytest.approx(np.corrcoef(y, whole.values[complete])[0, 1] ** 2)
    assert found.n == complete.sum()
    assert found.n_dropped == (~complete).sum() > 0
    assert found.summed == ("view",)
    assert "sums over views" in found.interpret()
    per_exam = thresholds(cube.joint_histogram, cube.true_tam_100.sum("view", skipna=False), n_bootstrap=0)
    assert per_exam.n == int(np.isfinite(cube.true_tam_100.sum("view", skipna=False)).sum())


def test_a_factor_weighs_each_image(cube: xr.Dataset) -> None:
    truth = cube.true_tam_100 / cube.breast_area
    found = thresholds(
        cube.joint_histogram, truth.sum("view", skipna=False), factor=1 / cube.breast_area, n_bootstrap=0
    )
    y = cube.tam_100_norm.sum("view", skipna=False).values.ravel()
    r = truth.sum("view", skipna=False).values.ravel()
    held = np.isfinite(y) & np.isfinite(r)
    assert found.at(0.5, 100)["sd"] == pytest.approx((y - r)[held].std(ddof=1))
    scaled = thresholds(cube.joint_histogram, cube.true_tam_100, factor=0.0049, n_bootstrap=0)
    plain = thresholds(cube.joint_histogram, cube.true_tam_100, n_bootstrap=0)
    assert scaled.at(0.5, 100)["slope"] == pytest.approx(0.0049 * plain.at(0.5, 100)["slope"])
    assert scaled.at(0.5, 100)["r2"] == pytest.approx(plain.at(0.5, 100)["r2"])


def test_tiny_burden_against_a_large_reference_loses_no_digits(cube: xr.Dataset) -> None:
    plain = thresholds(cube.joint_histogram, cube.true_tam_100, n_bootstrap=0)
    scaled = thresholds(cube.joint_histogram, 1e6 + 1e4 * cube.true_tam_100, factor=1e-9, n_bootstrap=0)
    np.testing.assert_allclose(scaled.surface["r2"], plain.surface["r2"], rtol=1e-6)


def reason(histogram: object, reference: object, **options: object) -> str:
    found = thresholds(histogram, reference, **options)  # type: ignore[arg-type]
    assert not found.estimable
    assert "Not estimable" in found.interpret()
    assert "not estimable" in repr(found)
    assert found.to_frame().empty
    return found.reason


def test_what_cannot_be_estimated(cube: xr.Dataset) -> None:
    counts = random_counts(6)
    assert reason(counts, np.full(6, np.nan)) == "only 0 with a reference, at least 3 are needed"
    assert reason(counts, np.zeros(6)) == "the reference is 0 everywhere"
    assert reason(np.zeros((6, 100, 256), dtype=int), np.arange(6.0)).startswith("only 0 with all images")
    nothing = np.zeros((6, 100, 256), dtype=int)
    nothing[:, 0, 70] = 1000
    assert reason(nothing, np.arange(6.0)) == "no pixel is called calcified at any cut and threshold"
    nothing[:, 90, 150] = 5
    assert "the same on every image" in reason(nothing, np.arange(6.0))
    none = simulate_cube(5, n_exam=1, without_bac=1.0, histograms=True)
    assert "0 everywhere" in reason(none.joint_histogram, none.true_tam_100)
    counts[:3] = 0
    assert "the same wherever there is an image" in reason(counts, np.array([1.0, 2, 3, 4, 4, 4]))


def test_few_women_are_not_resampled(cube: xr.Dataset) -> None:
    some = cube.isel(subject=slice(0, 4))
    found = thresholds(some.joint_histogram, some.true_tam_100)
    assert found.estimable
    assert found.n_bootstrap == 0
    assert np.isnan(found.best.x.low)
    assert found.as_good == ()
    assert "4 women are few" in found.interpret()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"quantity": "am"}, "quantity='am'"),
        ({"criterion": "p"}, "criterion='p'"),
        ({"cuts": (0.5, 0.505)}, "0.505 is not on the histogram's grid"),
        ({"cuts": "every"}, "cuts='every'"),
        ({"cuts": ()}, "0 cuts"),
        ({"comparison": "<"}, "comparison '<'"),
        ({"confidence": 1.0}, "confidence=1"),
        ({"n_bootstrap": 10}, "n_bootstrap=10"),
        ({"n_bootstrap": 10_000, "cuts": "all"}, "need 5.7 GiB"),
        ({"factor": xr.DataArray(np.ones(3), dims="network")}, "network"),
        ({"subject": ["S1"]}, "1 subjects"),
    ],
)
def test_wrong_options(cube: xr.Dataset, options: dict[str, object], words: str) -> None:
    with pytest.raises(StatsError, match=words):
        thresholds(cube.joint_histogram, cube.true_tam_100, **options)  # type: ignore[arg-type]


def test_what_does_not_fit_together(cube: xr.Dataset) -> None:
    with pytest.raises(StatsError, match="do not share exam"):
        thresholds(cube.joint_histogram, cube.true_tam_100.isel(exam=0, drop=True))
    with pytest.raises(StatsError, match="do not share network"):
        thresholds(cube.joint_histogram, cube.true_tam_100.expand_dims(network=2))
    with pytest.raises(StatsError, match=r"100, 256\)"):
        thresholds(cube.am, cube.true_tam_100)
    with pytest.raises(StatsError, match=r"shape \(5,\)"):
        thresholds(random_counts(4), np.arange(5.0))
    with pytest.raises(StatsError, match="is not on the grid"):
        thresholds(random_counts(4), np.arange(4.0), n_bootstrap=0).at(0.55, 100)


def test_the_published_point_may_be_off_the_grid() -> None:
    counts, reference = noisy(100, 0.5, women=20)
    found = thresholds(counts, reference, cuts=(0.4,), xs=(50, 60), n_bootstrap=100)
    assert found.published is None
    assert not found.gain.estimable
    assert list(found.to_frame()["point"]) == ["best"]
    assert "published" not in found.interpret()


def test_the_table_and_the_words(cube: xr.Dataset) -> None:
    found = thresholds(cube.joint_histogram, cube.true_tam_100, n_bootstrap=200)
    assert isinstance(found, Thresholds)
    table = found.to_frame()
    assert list(table["point"]) == ["best", "published"]
    assert table["x"].to_list() == [found.best.x.value, 100]
    assert found.along_x(cut=0.5).loc[100, "r2"] == table.loc[1, "r2"]
    words = replace(found, note="made up").interpret()
    assert words.startswith("TAM agrees best with true_tam_100 at X = ")
    assert "R² does not see bias" in words
    assert words.endswith("Note: made up.")
    assert "X = " in found._repr_html_()


@pytest.mark.slow
def test_a_thousand_images_on_the_full_surface_stay_below_a_gigabyte() -> None:
    counts = random_counts(10)
    lazy = da.concatenate([da.from_array(counts + at).rechunk((10, 100, 256)) for at in range(100)])
    histogram = xr.DataArray(lazy, dims=("subject", "probability_bin", "intensity"))
    reference = np.random.default_rng(0).gamma(2, 100, 1000)
    tracemalloc.start()
    found = thresholds(histogram, reference, cuts="all", n_bootstrap=200)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.n == 1000
    assert found.surface.sizes == {"cut": 99, "x": 256}
    assert most < 1e9
