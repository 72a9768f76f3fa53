"""Networks by name. A new one is a file beside this and a line in NETWORKS."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from bactools.networks.scunet import SCUNet

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "scunet": SCUNet,
}
"""Builders without arguments; a network takes (batch, 3, height, width) and returns raw scores
(batch, 1, height, width)."""


def build(name: str) -> nn.Module:
    """Return a freshly initialised network.

    Raises
    ------
    ValueError
        If no network has that name; the message lists those there are.
    """
    if name not in NETWORKS:
        raise ValueError(f"no network named {name!r}; networks: {', '.join(NETWORKS)}")
    return NETWORKS[name]()
