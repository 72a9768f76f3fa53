"""SCU-Net over a whole image at once, every pixel gated as if it lay in the middle of its own window.

A window's answer at a pixel depends on what else is in the window: the network's two context gates average
over the window, its convolutions see zeros beyond the window's edge, and bilinear up-sampling with aligned
corners drifts across it. Moving the window grid therefore moves the measurement. Here the gate averages
over the window-sized square around each pixel (at the image's edge the square is shifted inwards), the
convolutions run once over the image, and up-sampling is the one that holds in a window's middle. No grid is
left. Work is done in strips of rows with the overlap that the convolutions need, so that memory stays
bounded; strips change nothing in the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from bactools.networks.scunet import ContextDown, Gate, SCUNet, double, shrink

_ROWS = 128  # input rows per strip: measured faster than 256 and 512, which leave the cache


def one_pass(network: SCUNet, image: Tensor, *, window: int = 512, rows: int = _ROWS) -> Tensor:
    """Return the network's raw scores for a whole image.

    Parameters
    ----------
    network : SCUNet
        In evaluation mode.
    image : Tensor, shape (1, 3, y, x)
        Normalised; y and x divisible by 8 and at least `window`. May be an expanded view.
    window : int
        Side of the square that the gates average over [pixel], divisible by 8.
    rows : int
        Input rows worked on at a time, divisible by 8; bounds the memory, not the result.

    Returns
    -------
    Tensor, shape (1, 1, y, x)

    Raises
    ------
    ValueError
        If the image's size does not fit.
    """
    height, width = image.shape[2:]
    if height % 8 or width % 8 or min(height, width) < window:
        raise ValueError(
            f"one-pass inference got {height} x {width}: pad to multiples of 8, at least {window}"
        )
    half = _strips(shrink, [image], rows=rows, down=2, halo=2)
    quarter = _strips(shrink, [half], rows=rows, down=2, halo=2)
    e0 = _strips(network.stem, [image], rows=rows, down=2, halo=8)
    e1 = _context(network.level2_0, lambda e, i: network.b1(e, i), [e0, half], square=window // 4, rows=rows)
    e2 = _context(
        network.level3_0, lambda e, i: network.b2(e, i), [e1, quarter], square=window // 8, rows=rows
    )
    up3 = _up(network.up3.conv, e2, e1, rows=rows // 4)
    scores = _up(lambda x: network.outc(network.up4.conv(x)), up3, e0, rows=rows // 2)
    return _strips(lambda x: double(x, align_corners=False), [scores], rows=rows, up=2, halo=2)


def _strips(
    function: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    *,
    rows: int,
    halo: int,
    down: int = 1,
    up: int = 1,
) -> Tensor:
    """Apply a local function strip by strip; `halo` input rows on either side are all it looks at.

    `down` and `up` are the factors by which the function shrinks or enlarges; `halo` and `rows` are
    multiples of `down`.
    """
    height = inputs[0].shape[2]
    result: Tensor | None = None
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first, last = max(top - halo, 0), min(bottom + halo, height)
        strip = function(*(x[:, :, first:last] for x in inputs))
        skip, count = (top - first) * up // down, (bottom - top) * up // down
        if result is None:
            result = _canvas(strip, height=height * up // down)
        result[:, :, top * up // down : top * up // down + count] = strip[:, :, skip : skip + count]
    if result is None:
        raise ValueError("an image without rows")
    return result


def _canvas(strip: Tensor, *, height: int) -> Tensor:
    """Return an empty tensor like `strip` but `height` rows high, its channels side by side in memory."""
    shape = (*strip.shape[:2], height, strip.shape[3])
    return torch.empty(shape, dtype=strip.dtype, device=strip.device, memory_format=torch.channels_last)


def _context(
    block: ContextDown,
    inject: Callable[[Tensor, Tensor], Tensor],
    inputs: Sequence[Tensor],
    *,
    square: int,
    rows: int,
) -> Tensor:
    """Run a context-guided down block with its gate taken around every pixel."""
    halved = _strips(lambda e, i: block.conv1x1(inject(e, i)), inputs, rows=rows, down=2, halo=2)
    context = _strips(block.context, [halved], rows=rows, halo=block.F_sur.conv.dilation[0])
    del halved
    return _gate(block.F_glo, context, square=square, rows=rows)


def _gate(gate: Gate, features: Tensor, *, square: int, rows: int) -> Tensor:
    """Weight `features` in place by the gate of the square around each pixel."""
    means = _square_means(features, square=square)
    for top in range(0, features.shape[2], rows):
        strip = slice(top, top + rows)
        weights = gate.weights(means[:, :, strip].permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        features[:, :, strip] *= weights
    return features


def _square_means(features: Tensor, *, square: int) -> Tensor:
    """Return the mean over the square around each pixel, the square shifted inwards at the edges.

    Running sums in float64, one channel at a time.
    """
    means = torch.empty_like(features)
    for channel in range(features.shape[1]):
        sums = features[:, channel].double()
        for axis in (1, 2):
            size = sums.shape[axis]
            start = (torch.arange(size, device=sums.device) - square // 2).clamp(0, size - square)
            running = torch.nn.functional.pad(sums.cumsum(axis), (0, 0, 1, 0) if axis == 1 else (1, 0))
            sums = running.index_select(axis, start + square) - running.index_select(axis, start)
        means[:, channel] = (sums / square**2).to(means.dtype)
    return means


def _up(convolve: Callable[[Tensor], Tensor], low: Tensor, skip: Tensor, *, rows: int) -> Tensor:
    """Double `low`, put `skip` in front and convolve twice, strip by strip of `skip`'s rows."""
    height = skip.shape[2]
    halo = 4  # two 3 x 3 convolutions, rounded up to the doubling's step
    result: Tensor | None = None
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first, last = max(top - halo, 0), min(bottom + halo, height)
        low_first, low_last = max(first // 2 - 1, 0), min(last // 2 + 1, low.shape[2])
        doubled = double(low[:, :, low_first:low_last], align_corners=False)
        doubled = doubled[:, :, first - 2 * low_first : last - 2 * low_first]
        strip = convolve(torch.cat([skip[:, :, first:last], doubled], dim=1))
        if result is None:
            result = _canvas(strip, height=height)
        result[:, :, top:bottom] = strip[:, :, top - first : bottom - first]
    if result is None:
        raise ValueError("an image without rows")
    return result
