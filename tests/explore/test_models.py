"""Evaluations beside a study: what is read, what is refused, and Table 1 by another route."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bactools.explore import Source
from bactools.explore.models import PARAMETERS, SCORES, read_evaluations
from bactools.networks import build
from bactools.stats.comparison.methods import compare
from bactools.testing import simulate_study


def scored(study: Path, *, dice: float = 0.7, n: int = 40, seed: int = 0) -> pd.DataFrame:
    """Return a table as `bactools evaluate --csv` writes it."""
    images = pd.read_parquet(study / "images.parquet")[["image_id", "subject", "view", "date"]].head(n)
    random = np.random.default_rng(seed)
    values = {name: np.clip(dice + random.normal(0, 0.1, len(images)), 0, 1) for name in SCORES}
    return images.assign(status="done", tp=3, **values)


def put(study: Path, name: str, table: pd.DataFrame) -> Path:
    """Write it where it is looked for."""
    (study / "evaluations").mkdir(exist_ok=True)
    path = study / "evaluations" / f"{name}.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return simulate_study(tmp_path / "study", 6, n_exam=3).folder


def test_the_size_of_our_own_network_is_right() -> None:
    trainable = [each.numel() for each in build("scunet").parameters() if each.requires_grad]
    assert PARAMETERS["scunet"] == sum(trainable)


def test_table_1_by_another_route(study: Path) -> None:
    tables = {
        name: scored(study, dice=mean, seed=at)
        for at, (name, mean) in enumerate([("U-Net", 0.7), ("scunet", 0.6)])
    }
    for name, table in tables.items():
        put(study, name, table)
    found = read_evaluations(study)
    assert found.networks == ["U-Net", "scunet"]
    assert not found.problems
    rows = found.scores().set_index("network")
    for name, table in tables.items():
        assert rows.loc[name, "images"] == len(table)
        assert rows.loc[name, "women"] == table["subject"].nunique()
        for score in SCORES:
            assert rows.loc[name, score] == pytest.approx(table[score].mean())
            assert rows.loc[name, f"{score}_sd"] == pytest.approx(table[score].std())
    assert found.parameters == {"scunet": PARAMETERS["scunet"]}
    told = found.told().set_index("network").loc["U-Net", "Dice (F1)"]
    assert told == f"{tables['U-Net']['dice'].mean():.3f} ± {tables['U-Net']['dice'].std():.3f}"


def test_images_without_drawn_calcium_are_left_out_and_counted(study: Path) -> None:
    table = scored(study, n=12)
    blank = np.arange(12) < 5
    put(study, "told", table.assign(calcium=~blank, dice=np.where(blank, 0.0, table["dice"])))
    put(study, "silent", table)
    found = read_evaluations(study)
    scores = found.scores().set_index("network")
    assert scores.loc["told", "images"] == 7
    assert scores.loc["told", "dice"] == pytest.approx(table["dice"][5:].mean())
    assert scores.loc["silent", "images"] == 12
    assert "5 of each network without any are left out" in found.words
    assert "tables of silent do not say" in found.words
    put(study, "told", table.assign(calcium=False))
    assert any("no evaluated image with calcium" in each for each in read_evaluations(study).problems)


def test_networks_are_paired_by_image_whatever_the_order(study: Path) -> None:
    a, b = scored(study, seed=1), scored(study, seed=2)
    put(study, "a", a)
    put(study, "b", b.sample(frac=1, random_state=0))
    wide, keys = read_evaluations(study).side_by_side("dice")
    by_image = pd.DataFrame({"a": a.set_index("image_id")["dice"], "b": b.set_index("image_id")["dice"]})
    np.testing.assert_allclose(wide.to_numpy(), by_image.loc[keys["image_id"]].to_numpy())
    tested = compare(wide, keys=keys, repeats="pooled")
    assert tested.pair("a", "b").difference.value == pytest.approx((by_image["a"] - by_image["b"]).mean())


def test_an_image_that_one_network_lacks_is_missing_there(study: Path) -> None:
    put(study, "a", scored(study, n=40))
    put(study, "b", scored(study, n=30))
    wide, _ = read_evaluations(study).side_by_side("dice")
    assert wide["a"].notna().sum() == 40
    assert wide["b"].notna().sum() == 30


def test_the_interval_allows_for_images_of_one_woman(study: Path) -> None:
    table = scored(study, n=60)
    table["dice"] = table["subject"].map({name: at / 10 for at, name in enumerate(table["subject"].unique())})
    put(study, "a", table.assign(parameters=1000))
    row = read_evaluations(study).sizes("dice").iloc[0]
    naive = 1.96 * table["dice"].std() / np.sqrt(len(table))
    assert row["parameters"] == 1000
    assert row["score_high"] - row["score"] > 1.5 * naive


def test_a_cohort_keeps_its_images(study: Path) -> None:
    table = scored(study, n=60)
    put(study, "a", table)
    source = Source(study)
    some = source.cube.isel(subject=[0, 2], exam=[1])
    kept = source.evaluations.within(some).table
    assert set(kept["image_id"]) == set(some["image_id"].values.ravel()) & set(table["image_id"])
    assert source.evaluations.within(source.cube.isel(subject=[])).networks == []


def test_rows_that_were_not_compared_are_left_out(study: Path) -> None:
    table = scored(study, n=10)
    table.loc[3, ["status", "dice"]] = ["failed", np.nan]
    table.loc[4, "precision"] = np.nan
    put(study, "a", table)
    found = read_evaluations(study)
    assert len(found.table) == 9
    assert found.table["precision"].isna().sum() == 1


BAD = {
    "no number": (lambda t: t.assign(dice=["<script>", *t["dice"][1:]]), "dice is not a number in 1 rows"),
    "above one": (lambda t: t.assign(recall=2.0), "recall is not between 0 and 1"),
    "below zero": (lambda t: t.assign(jaccard=-0.1), "jaccard is not between 0 and 1"),
    "infinite": (lambda t: t.assign(dice="inf"), "dice is not between 0 and 1"),
    "formula": (lambda t: t.assign(dice="=1+1"), "dice is not a number"),
    "twice": (lambda t: pd.concat([t, t]), "an image is in it twice"),
    "no column": (lambda t: t.drop(columns=["subject", "dice"]), "it has no column subject, dice"),
    "nobody": (lambda t: t.assign(status="failed"), "it has no evaluated image"),
    "empty": (lambda t: t.head(0), "it has no evaluated image"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_table_is_left_out_in_words(study: Path, case: str) -> None:
    spoil, why = BAD[case]
    put(study, "good", scored(study))
    put(study, "bad", spoil(scored(study, n=5)))
    found = read_evaluations(study)
    assert found.networks == ["good"]
    assert len(found.problems) == 1
    assert why in found.problems[0]
    assert str(study) not in found.problems[0]


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b'"a\n', b"\n\n", b"a" * 10_000], ids=repr)
def test_what_is_no_csv_is_left_out(study: Path, content: bytes) -> None:
    (study / "evaluations").mkdir()
    (study / "evaluations" / "a.csv").write_bytes(content)
    found = read_evaluations(study)
    assert not found.networks
    assert len(found.problems) == 1


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "subject", "x" * 60, "=cmd", ".hidden"])
def test_a_name_that_is_none_is_left_out(study: Path, name: str) -> None:
    put(study, name, scored(study, n=5))
    found = read_evaluations(study)
    assert not found.networks
    assert "name" in found.problems[0]


def test_links_out_of_the_study_are_not_followed(study: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    scored(study).to_csv(outside, index=False)
    (study / "evaluations").mkdir()
    (study / "evaluations" / "a.csv").symlink_to(outside)
    (study / "evaluations" / "b.csv").mkdir()
    found = read_evaluations(study)
    assert not found.networks
    assert len(found.problems) == 2


def test_a_new_file_is_seen(study: Path) -> None:
    source = Source(study)
    assert source.evaluations.networks == []
    path = put(study, "a", scored(study))
    assert source.evaluations.networks == ["a"]
    assert source.evaluations is source.evaluations
    path.rename(path.with_name("b.csv"))
    assert source.evaluations.networks == ["b"]
