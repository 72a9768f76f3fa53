"""Trained weights: which there are, where they lie, and how they get into a network.

A checkpoint is untrusted input. It is used only when its sha256 is registered, in `weights.txt` beside
this file or by the user with ``bactools weights add``; `bactools.networks.checkpoint` reads it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import platformdirs

OUTPUTS = ("probability", "logit")
DEVELOPMENT = Path(__file__).parents[3] / "shared" / "weights"
"""Where a development checkout keeps the published checkpoints."""
PACKAGED = (
    Path(__file__).parents[2] / "data" / "weights",
    Path(sysconfig.get_path("data")) / "share" / "bactools" / "weights",
)
"""Where weights that come with bactools lie: in a checkout, and where it is installed."""
SUFFIXES = (".safetensors", ".pt")
"""Of the files that may hold weights."""

_MOST_BYTES = 2**30


class WeightsError(ValueError):
    """Weights that are unknown, missing, altered or of another network; the message says what to do."""


@dataclass(frozen=True)
class Spec:
    """What is known of one set of weights.

    Attributes
    ----------
    name : str
        The name by which a recipe or a user asks for them.
    output : {"probability", "logit"}
        What the network's last layer gives with them.
    sha256 : str
        Of the file.
    url : str
        Where they can be had, or the bare name of a file that comes with bactools; empty for a user's own.
    """

    name: str
    output: str
    sha256: str
    url: str = ""

    @property
    def filename(self) -> str:
        """The file's name where it was published, or after the hash."""
        return self.url.rsplit("/", 1)[-1] if self.url else f"{self.sha256[:16]}.pt"

    @property
    def packaged(self) -> bool:
        """Whether the file comes with bactools and is not to be downloaded."""
        return bool(self.url) and "/" not in self.url


@dataclass(frozen=True)
class Weights:
    """One set of weights on this machine."""

    spec: Spec
    path: Path


def cache_folder() -> Path:
    """Return the folder of downloaded and added weights (not made yet)."""
    return Path(platformdirs.user_cache_dir("bactools")) / "weights"


def _registry_lines(path: Path) -> dict[str, Spec]:
    specs = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if (
            len(fields) not in (3, 4)
            or fields[1] not in OUTPUTS
            or not re.fullmatch(r"[0-9a-f]{64}", fields[2])
        ):
            raise WeightsError(f"{path.name} line {number}: expected 'name output sha256 [url]'")
        specs[fields[0]] = Spec(*fields)
    return specs


def registry() -> dict[str, Spec]:
    """Return every registered set of weights by name: the published ones, then the user's own."""
    specs = _registry_lines(Path(__file__).with_name("weights.txt"))
    own = cache_folder() / "added.txt"
    if own.exists():
        specs = {**_registry_lines(own), **specs}
    return specs


def sha256_of(path: Path) -> str:
    """Return the file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folders() -> list[Path]:
    """Return the folders searched for registered files, in order."""
    named = os.environ.get("BACTOOLS_WEIGHTS", "")
    candidates = [Path(named)] if named else []
    candidates += [cache_folder(), *PACKAGED, DEVELOPMENT]
    return [folder for folder in candidates if folder.is_dir()]


def _search(spec: Spec) -> Path | None:
    """Return the first file with the spec's hash in the searched folders."""
    for folder in _folders():
        first = [(folder / spec.filename).with_suffix(suffix) for suffix in SUFFIXES]
        others = sorted(path for suffix in SUFFIXES for path in folder.glob(f"*{suffix}"))
        for path in dict.fromkeys([*first, *others]):
            if path.is_file() and path.stat().st_size <= _MOST_BYTES and sha256_of(path) == spec.sha256:
                return path
    return None


def resolve(weights: str | os.PathLike[str]) -> Weights:
    """Find weights by registered name or by file.

    Searched in order: `weights` itself when it is a file; the file or folder in the environment variable
    ``BACTOOLS_WEIGHTS`` (a file there stands for whatever name is asked); the user's cache; the weights that
    come with bactools; in a development checkout ``../shared/weights``.

    Parameters
    ----------
    weights : str or path
        Registered name, or path of a file whose hash is registered.

    Raises
    ------
    WeightsError
        If nothing is found, or the file's hash is not registered; the message says how to go on.
    """
    override = os.environ.get("BACTOOLS_WEIGHTS", "")
    path = Path(weights)
    specs = registry()
    if not path.is_file() and override and Path(override).is_file():
        path = Path(override)
    if path.is_file():
        if path.stat().st_size > _MOST_BYTES:
            raise WeightsError(f"weights file of {path.stat().st_size} bytes: larger than {_MOST_BYTES}")
        digest = sha256_of(path)
        for spec in specs.values():
            if spec.sha256 == digest:
                return Weights(spec, path)
        raise WeightsError(
            f"weights file with sha256 {digest[:16]}… is not registered. If you trust it: "
            "bactools weights add FILE --name NAME --output probability|logit"
        )
    name = str(weights)
    if name not in specs:
        raise WeightsError(f"no weights named {name!r}; registered: {', '.join(specs)}")
    found = _search(specs[name])
    if found is None:
        how = "add the file again with: bactools weights add"
        if specs[name].packaged:
            how = "they come with bactools: install it again"
        elif specs[name].url:
            how = f"bactools weights get {name} downloads them"
        raise WeightsError(
            f"weights {name!r} are not on this machine: {how}; or set BACTOOLS_WEIGHTS to a folder that "
            "holds them, or pass --weights FILE"
        )
    return Weights(specs[name], found)


def get(name: str, *, url: str | None = None) -> Weights:
    """Download registered weights into the user's cache, checked by sha256.

    Parameters
    ----------
    name : str
        A registered name.
    url : str, optional
        A mirror, for networks that cannot reach the authors' repository; the hash stays the same.

    Raises
    ------
    WeightsError
        If the name is unknown, has no address, cannot be reached, or the file differs from its hash.
    """
    specs = registry()
    if name not in specs:
        raise WeightsError(f"no weights named {name!r}; registered: {', '.join(specs)}")
    spec = specs[name]
    source = url or ("" if spec.packaged else spec.url)
    if not source:
        raise WeightsError(f"weights {name!r} have no address: added by you or part of bactools; pass --url")
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # here, since it looks for a notebook's progress bar as it loads
        import pooch

        file = pooch.retrieve(source, known_hash=f"sha256:{spec.sha256}", fname=spec.filename, path=folder)
    except ValueError as error:
        raise WeightsError(
            f"weights {name!r}: what was downloaded differs from the registered sha256 "
            f"{spec.sha256[:16]}…; nothing was kept"
        ) from error
    except Exception as error:
        raise WeightsError(
            f"weights {name!r} could not be downloaded ({type(error).__name__}); fetch the file elsewhere "
            "and run: bactools weights add FILE"
        ) from error
    return Weights(spec, Path(file))
