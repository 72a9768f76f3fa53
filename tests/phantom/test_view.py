"""Laws of a rendered view."""

from __future__ import annotations

import numpy as np
import pytest

from bactools.phantom import view as view_module
from bactools.phantom.annotation import draw
from bactools.phantom.view import View, render
from bactools.phantom.woman import draw_woman

AGE, SCALE = 70.0, 0.15
NAMES = [("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO")]


def taken(seed: int, side: str = "L", view: str = "CC", *, exam: int = 0) -> View:
    return render(draw_woman(seed, age=AGE, share=1.0, scale=SCALE), side, view, exam=exam, age=AGE)


@pytest.fixture(scope="module")
def many() -> list[View]:
    """Forty views of ten women, without the bright strips that some films have along an edge."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(view_module, "_border", lambda *_: None)
        return [taken(seed, side, view) for seed in range(10) for side, view in NAMES]


def test_images_have_twelve_bits_and_breast_in_them(many: list[View]) -> None:
    for view in many:
        assert view.image.dtype == np.uint16
        assert view.image.max() <= 4095
        assert 0.1 < view.breast.mean() < 0.9
        assert np.median(view.image[view.breast]) > 200
        shapes = {part.shape for part in (view.image, view.calcium, view.mask, view.breast)}
        assert len(shapes) == 1


def test_the_chest_wall_is_where_the_side_says(many: list[View]) -> None:
    for view in many:
        near, far = (0, -1) if view.laterality == "L" else (-1, 0)
        assert view.breast[:, near].any()
        assert not view.breast[:, far].any()


def test_background_is_black_but_for_a_label(many: list[View]) -> None:
    """The label stands in the upper corner away from the chest wall, about three images in five."""
    labelled = 0
    for view in many:
        rows, columns = np.nonzero((view.image > 0) & ~view.breast)
        if len(rows):
            labelled += 1
            assert set(view.image[rows, columns]) == {3600}
            assert rows.max() < 0.25 * view.image.shape[0]
            away = columns if view.laterality == "R" else view.image.shape[1] - 1 - columns
            assert away.max() < 0.5 * view.image.shape[1]
    assert 0.35 < labelled / len(many) < 0.8


def test_some_films_have_a_bright_strip_along_an_edge() -> None:
    """At the chest wall or at the top; nothing but the strip changes."""
    random, strips = np.random.default_rng(0), set()
    for _ in range(12):
        canvas = np.zeros((300, 200), dtype=np.uint16)
        view_module._border(canvas, random)
        rows, columns = np.nonzero(canvas)
        assert min(rows.max() - rows.min(), columns.max() - columns.min()) < 32
        strips.add("wall" if columns.max() < 32 else "top")
    assert strips == {"wall", "top"}


def test_a_label_changes_nothing_in_the_breast(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = 0
    for seed in range(8):
        with_label = taken(seed)
        with monkeypatch.context() as patch:
            patch.setattr(view_module, "_label", lambda *_, **__: None)
            without = taken(seed)
        assert np.array_equal(with_label.image[without.breast], without.image[without.breast])
        changed += not np.array_equal(with_label.image, without.image)
    assert changed


def test_calcium_is_bright() -> None:
    """Calcified pixels exceed their surroundings: the same view without calcium is darker there."""
    woman = draw_woman(3, age=AGE, share=1.0, scale=SCALE)
    there = render(woman, "L", "CC", age=AGE)
    gone = render(woman.with_calcium(0), "L", "CC", age=AGE)
    heavy = there.calcium > 0.1 * there.calcium.max()
    difference = there.image.astype(int) - gone.image
    assert gone.calcium.sum() == 0
    assert not gone.mask.any()
    assert heavy.sum() > 20
    assert difference[heavy & there.breast].mean() > 50
    assert difference[there.breast & (there.calcium == 0)].mean() == pytest.approx(0, abs=5)


def test_the_mask_is_drawn_along_calcium_inside_the_breast(many: list[View]) -> None:
    for view in many:
        assert not (view.mask & ~view.breast).any()
        drawn = draw(view.lines, view.image.shape) & view.breast
        if view.laterality == "L":
            assert np.array_equal(view.mask, drawn)
        else:  # a line of even width, mirrored, lies one pixel aside
            assert (view.mask & drawn).sum() >= 0.95 * (view.mask | drawn).sum()
        if view.calcium_mg > 5:
            assert view.calcium[view.mask].sum() > 0.4 * view.calcium_mg


def test_what_is_calcified_holds_nearly_all_calcium(many: list[View]) -> None:
    for view in many:
        assert view.calcium[view.calcified].sum() >= 0.9 * view.calcium.sum()


def test_a_view_is_the_same_every_time() -> None:
    one, two, other = taken(4), taken(4), taken(4, exam=1)
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.calcium, two.calcium)
    assert not np.array_equal(one.image, other.image)
    assert one.position != other.position
