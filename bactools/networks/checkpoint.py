"""Reading a checkpoint: strictly, and without running anything in it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from bactools.networks import build
from bactools.networks.weights import Weights, WeightsError

_NEVER_CALLED = ("level3_1.", "up3.up.", "up4.up.")
"""Layers in the published SCU-Net checkpoints that the authors' forward pass never reaches."""


def load(weights: Weights, *, network: str = "scunet", dtype: torch.dtype = torch.float32) -> nn.Module:
    """Return the network with these weights, in evaluation mode, on the CPU.

    Loading is strict: every tensor of the network must be there with its shape, and nothing else but the
    ``module.`` prefix of DataParallel and the layers that the published code builds and never calls.

    Parameters
    ----------
    weights : Weights
        From `resolve`.
    network : str
        Name in `bactools.networks.NETWORKS`.
    dtype : torch.dtype
        The checkpoints hold float64; float32 changes outputs by less than 2e-5.

    Raises
    ------
    WeightsError
        If the file changed since it was registered, is not a checkpoint, or is one of another network.
    """
    content = weights.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != weights.spec.sha256:
        raise WeightsError(
            f"weights {weights.spec.name!r}: the file's sha256 is not the registered "
            f"{weights.spec.sha256[:16]}…; get or add it again"
        )
    state = _state_dict(content, name=weights.spec.name)
    module = build(network)
    wanted = module.state_dict()
    missing, extra = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    if missing or extra:
        raise WeightsError(
            f"weights {weights.spec.name!r} are not of network {network!r}: {len(missing)} tensors missing"
            f"{' (first: ' + missing[0] + ')' if missing else ''}, {len(extra)} too many"
        )
    for key, value in wanted.items():
        if state[key].shape != value.shape:
            raise WeightsError(
                f"weights {weights.spec.name!r}: {key} has shape {tuple(state[key].shape)}, network "
                f"{network!r} wants {tuple(value.shape)}"
            )
    module = module.to(dtype)
    module.load_state_dict(state, strict=True)
    return module.eval()


def _state_dict(content: bytes, *, name: str) -> dict[str, torch.Tensor]:
    """Read a checkpoint's tensors, without running anything in it."""
    try:
        checkpoint: Any = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(
            f"weights {name!r} cannot be read as a plain torch checkpoint ({type(error).__name__}); files "
            "that hold more than tensors are refused because loading them could run code"
        ) from error
    if isinstance(checkpoint, Mapping) and isinstance(checkpoint.get("model_state_dict"), Mapping):
        checkpoint = checkpoint["model_state_dict"]
    if not isinstance(checkpoint, Mapping) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in checkpoint.items()
    ):
        raise WeightsError(f"weights {name!r}: no state_dict in the file")
    state = {key.removeprefix("module."): value for key, value in checkpoint.items()}
    return {key: value for key, value in state.items() if not key.startswith(_NEVER_CALLED)}
