"""Reading and writing a checkpoint: strictly, and without running anything in it; registering one.

Two formats are read, told apart by their content: plain torch checkpoints, and safetensors, which can hold
nothing but tensors and text. Written is safetensors only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from bactools.networks import build
from bactools.networks.weights import (
    OUTPUTS,
    SUFFIXES,
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
_METADATA = "bactools"
_MOST_HEADER = 2**24


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
    if _is_safetensors(content):
        return _safe_state(content, name=name)
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


def _is_safetensors(content: bytes) -> bool:
    """Say whether it begins as safetensors does: the header's length in eight bytes, then JSON."""
    return content[8:9] == b"{"


def _safe_state(content: bytes, *, name: str) -> dict[str, torch.Tensor]:
    try:
        return dict(safetensors.torch.load(content))
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(
            f"weights {name!r} cannot be read as safetensors ({type(error).__name__}): the file is damaged, "
            "get it again"
        ) from error


def save(module: nn.Module, path: Path, *, metadata: Mapping[str, Any]) -> str:
    """Write a network's tensors as safetensors, float32; the same network gives the same bytes.

    Parameters
    ----------
    module : torch.nn.Module
    path : pathlib.Path
        Written beside and renamed into place.
    metadata : mapping
        What is to be known of the weights, as JSON types; ``output`` and ``network`` are read by `add`.

    Returns
    -------
    str
        The file's sha256 in hex.
    """
    state = {
        key: (value.float() if value.is_floating_point() else value).detach().cpu().contiguous()
        for key, value in module.state_dict().items()
    }
    # One entry only: safetensors writes several in an order that changes from run to run.
    text = json.dumps(dict(metadata), sort_keys=True)
    content = safetensors.torch.save(state, metadata={_METADATA: text})
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(content)
    beside.replace(path)
    return hashlib.sha256(content).hexdigest()


def details(path: Path) -> dict[str, Any]:
    """Return the metadata that `save` wrote; empty for any other file.

    Raises
    ------
    WeightsError
        If the file begins as safetensors and is damaged.
    """
    with path.open("rb") as file:
        head = file.read(9)
        if not _is_safetensors(head):
            return {}
        length = min(int.from_bytes(head[:8], "little"), _MOST_HEADER)
        text = head[8:] + file.read(length - 1)
    try:
        found = json.loads(json.loads(text).get("__metadata__", {}).get(_METADATA, "{}"))
    except (ValueError, AttributeError, TypeError):
        raise WeightsError("the weights file begins as safetensors and is damaged: get it again") from None
    return found if isinstance(found, dict) else {}


def note(weights: Weights) -> str:
    """Return what results made with these weights must say; empty for most."""
    return str(details(weights.path).get("note", ""))


def add(path: str | os.PathLike[str], *, name: str | None = None, output: str | None = None) -> Weights:
    """Register a checkpoint file and copy it into the user's cache.

    Parameters
    ----------
    path : str or path
        The file. A published one needs nothing more.
    name : str, optional
        Name for a file of your own.
    output : {"probability", "logit"}, optional
        What its last layer gives; a file written by bactools says it itself.

    Raises
    ------
    WeightsError
        If the file does not fit its network strictly (SCU-Net when it names none), or name or output are
        missing, taken or odd.
    """
    source = Path(path)
    if not source.is_file():
        raise WeightsError("no such weights file")
    digest = sha256_of(source)
    stated = details(source)
    output = output or stated.get("output")
    specs = registry()
    spec = next((known for known in specs.values() if known.sha256 == digest), None)
    if spec is None:
        if name is None or output not in OUTPUTS:
            raise WeightsError("a file of your own needs --name NAME and --output probability|logit")
        if not _NAME.fullmatch(name) or name in specs:
            raise WeightsError(f"the name {name!r} is taken or not made of letters, digits, '.', '_', '-'")
        spec = Spec(name, output, digest)
    try:
        load(Weights(spec, source), network=str(stated.get("network", "scunet")))
    except WeightsError:
        raise
    except ValueError as error:
        raise WeightsError(str(error)) from None
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / spec.filename
    if not spec.url and source.suffix in SUFFIXES:
        target = target.with_suffix(source.suffix)
    if not target.exists() or sha256_of(target) != digest:
        shutil.copyfile(source, target.with_suffix(".part"))
        target.with_suffix(".part").replace(target)
    if spec.name not in specs:
        with (folder / "added.txt").open("a", encoding="utf-8") as file:
            file.write(f"{spec.name}  {spec.output}  {spec.sha256}\n")
    return Weights(spec, target)
