"""Keeping libraries quiet: their warnings, logs and error streams may quote what a header says."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pydicom import config

_LOGGERS = ("pydicom", "pylibjpeg", "openjpeg", "rle", "jpeg_ls", "PIL", "tifffile")
_SILENT = logging.CRITICAL + 1
_LOCK = threading.RLock()
_inside = False


@contextmanager
def quiet() -> Iterator[None]:
    """Read without validation, warnings and log lines; everything is put back afterwards.

    The settings belong to the process, so only one thread at a time is inside.
    """
    global _inside
    with _LOCK:
        if _inside:
            yield
            return
        _inside = True
        try:
            with _silenced():
                yield
        finally:
            _inside = False


@contextmanager
def _silenced() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mode = config.settings.reading_validation_mode
        levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in _LOGGERS]
        try:
            config.settings.reading_validation_mode = config.IGNORE
            for logger, _ in levels:
                logger.setLevel(_SILENT)
            yield
        finally:
            config.settings.reading_validation_mode = mode
            for logger, level in levels:
                logger.setLevel(level)


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Send what compiled codecs print to the process's error stream to nowhere."""
    with _LOCK:
        saved = -1
        with suppress(OSError):  # a process may have no error stream at all
            saved = os.dup(2)
        if saved < 0:
            yield
            return
        sink = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(sink, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(sink)
