"""Reading a checkpoint: strictly, and without running anything in it; taking one into the registry."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bactools.networks import build
from bactools.networks.weights import (
    OUTPUTS,
    Spec,
    Weights,
    WeightsError,
    cache_folder,
    registry,
    sha256_of,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
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


def add(path: str | os.PathLike[str], *, name: str | None = None, output: str | None = None) -> Weights:
    """Register a checkpoint file and copy it into the user's cache.

    Parameters
    ----------
    path : str or path
        The file. A published one needs nothing more.
    name : str, optional
        Name for a file of your own.
    output : {"probability", "logit"}, optional
        What its last layer gives.

    Raises
    ------
    WeightsError
        If the file does not fit SCU-Net strictly, or name or output are missing, taken or odd.
    """
    source = Path(path)
    if not source.is_file():
        raise WeightsError("no such weights file")
    digest = sha256_of(source)
    specs = registry()
    spec = next((known for known in specs.values() if known.sha256 == digest), None)
    if spec is None:
        if name is None or output not in OUTPUTS:
            raise WeightsError("a file of your own needs --name NAME and --output probability|logit")
        if not _NAME.fullmatch(name) or name in specs:
            raise WeightsError(f"the name {name!r} is taken or not made of letters, digits, '.', '_', '-'")
        spec = Spec(name, output, digest)
    load(Weights(spec, source))
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / spec.filename
    if not target.exists() or sha256_of(target) != digest:
        shutil.copyfile(source, target.with_suffix(".part"))
        target.with_suffix(".part").replace(target)
    if spec.name not in specs:
        with (folder / "added.txt").open("a", encoding="utf-8") as file:
            file.write(f"{spec.name}  {spec.output}  {spec.sha256}\n")
    return Weights(spec, target)
