"""One-pass inference: what a window says at its centre, moved with the image, whatever the strips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bactools.inference import load_predictor, one_pass, predict
from bactools.networks import build
from bactools.networks.checkpoint import load
from bactools.networks.scunet import ContextDown, SCUNet
from bactools.networks.weights import Weights
from bactools.recipe import named


def plain(network: SCUNet, image: Tensor, window: int) -> Tensor:
    """The same idea without strips: whole tensors, a loop over pixels for the gate's means."""

    def doubled(x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    def gated(block: ContextDown, x: Tensor, square: int) -> Tensor:
        context = block.context(block.conv1x1(x))
        out = torch.empty_like(context)
        height, width = context.shape[2:]
        for i in range(height):
            top = min(max(i - square // 2, 0), height - square)
            for j in range(width):
                left = min(max(j - square // 2, 0), width - square)
                mean = context[:, :, top : top + square, left : left + square].mean((2, 3))
                out[:, :, i, j] = context[:, :, i, j] * block.F_glo.weights(mean)
        return out

    half = F.avg_pool2d(image, 3, 2, 1)
    e0 = network.stem(image)
    e1 = gated(network.level2_0, network.b1(e0, half), window // 4)
    e2 = gated(network.level3_0, network.b2(e1, F.avg_pool2d(half, 3, 2, 1)), window // 8)
    up3 = network.up3.conv(torch.cat([e1, doubled(e2)], 1))
    up4 = network.up4.conv(torch.cat([e0, doubled(up3)], 1))
    return doubled(network.outc(up4))


@pytest.fixture
def random_network() -> SCUNet:
    torch.manual_seed(0)
    network = build("scunet")
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    assert isinstance(network, SCUNet)
    return network.double().eval()


@pytest.mark.parametrize("rows", [8, 32, 56, 4096])
def test_equals_the_plain_definition_whatever_the_strips(random_network: SCUNet, rows: int) -> None:
    image = torch.randn(1, 3, 136, 88, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = plain(random_network, image, 64)
        found = one_pass(random_network, image, window=64, rows=rows)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def normalised(grey: np.ndarray) -> Tensor:
    scaled = (torch.from_numpy(grey.astype(np.float32)) / 255 - 0.2813) / 0.1256
    return scaled[None, None].expand(-1, 3, -1, -1)


def test_one_window_equals_the_window(
    paper_weights: Weights, real_crop: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where image and window are one, the only difference is the drift of aligned corners."""
    network = load(paper_weights)
    assert isinstance(network, SCUNet)
    image = normalised(np.ascontiguousarray(real_crop[776:1288, 568:1080]))
    with torch.no_grad():
        whole, aligned = one_pass(network, image), network(image)
        monkeypatch.setattr(
            "bactools.networks.scunet.double",
            lambda x, align_corners: F.interpolate(x, scale_factor=2, mode="bilinear"),
        )
        drift_free = network(image)
    assert whole.max() > 0.9
    torch.testing.assert_close(whole, drift_free, rtol=0, atol=2e-5)
    middle = (..., slice(252, 260), slice(252, 260))
    torch.testing.assert_close(whole[middle], aligned[middle], rtol=0, atol=0.01)


def test_equals_a_window_at_its_centre(paper_weights: Weights, real_crop: np.ndarray) -> None:
    """Mostly within 0.01; more on the artery, where the zeros at a window's border can tip the gate."""
    network = load(paper_weights)
    assert isinstance(network, SCUNet)
    image = normalised(np.ascontiguousarray(real_crop[:1736, :1136]))
    places = [(y, x) for y in range(408, 1400, 200) for x in range(304, 840, 104)]
    differences = []
    with torch.no_grad():
        whole = one_pass(network, image)[0, 0]
        for y, x in places:
            window = network(image[:, :, y - 256 : y + 256, x - 256 : x + 256])[0, 0]
            centre, same = window[255:257, 255:257], whole[y - 1 : y + 1, x - 1 : x + 1]
            differences.append(float((centre - same).abs().max()))
    assert len(differences) == 30
    assert np.median(differences) < 0.01
    assert np.mean(np.array(differences) < 0.03) >= 0.9


@pytest.mark.parametrize("shift", [(8, 0), (0, 16), (96, 64)])
def test_shift_by_eights_shifts_the_map(
    paper_weights: Weights, real_crop: np.ndarray, shift: tuple[int, int]
) -> None:
    predictor = load_predictor(named("default", patch=128), paper_weights)
    dy, dx = shift
    first = predict(np.ascontiguousarray(real_crop[640:1360, 400:1000]), predictor)
    second = predict(np.ascontiguousarray(real_crop[640 + dy : 1360 + dy, 400 + dx : 1000 + dx]), predictor)
    border = 128 + 64  # beyond it neither square nor convolution reaches the edge
    overlap = first[dy:, dx:][border:-border, border:-border]
    moved = second[: 720 - dy, : 600 - dx][border:-border, border:-border]
    assert overlap.max() > 0.9
    np.testing.assert_allclose(moved, overlap, atol=2e-5)


def test_looking_only_at_the_breast_hardly_matters_in_it(
    paper_weights: Weights, real_crop: np.ndarray
) -> None:
    predictor = load_predictor(named("default", patch=128), paper_weights)
    image = np.zeros((900, 1000), dtype=np.uint8)
    image[:, :700] = real_crop[600:1500, 400:1100]
    inside = np.zeros(image.shape, dtype=bool)
    inside[300:600, 100:400] = True
    part, whole = predict(image, predictor, inside=inside), predict(image, predictor)
    # Exact but for gates at the far edge of a gate's square, whose own squares differ.
    np.testing.assert_allclose(part[inside], whole[inside], atol=5e-3)
    assert (part > 0.5)[inside].sum() == pytest.approx((whole > 0.5)[inside].sum(), rel=1e-3)
    assert part[inside].max() > 0.9
    assert (part[:, 700:] == 0).all()


@pytest.mark.parametrize("shape", [(7, 9), (130, 40), (61, 203), (128, 128)])
def test_any_size(paper_weights: Weights, shape: tuple[int, int]) -> None:
    predictor = load_predictor(named("default", patch=128), paper_weights)
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = predict(image, predictor)
    assert found.shape == shape
    assert np.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1


def test_empty_breast_is_zero(paper_weights: Weights) -> None:
    predictor = load_predictor(named("default", patch=128), paper_weights)
    image = np.zeros((64, 64), dtype=np.uint8)
    assert not predict(image, predictor, inside=image > 0).any()


def test_size_that_does_not_fit_is_refused(random_network: SCUNet) -> None:
    for shape in ((129, 128), (64, 128)):
        with pytest.raises(ValueError, match="pad to multiples of 8, at least 128"):
            one_pass(random_network, torch.zeros(1, 3, *shape, dtype=torch.float64), window=128)
