"""What the DICOM tests share: a fixed key and a short way to index one folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bactools.dicom import Index, index_folder

KEY = bytes(range(32))
TINY = np.arange(24, dtype=np.uint16).reshape(6, 4)


@pytest.fixture
def index_here(tmp_path: Path) -> Callable[..., Index]:
    """Index the test's own folder with a fixed key."""

    def index(**options: Any) -> Index:
        return index_folder(tmp_path, key=KEY, **options)

    return index
