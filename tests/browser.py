"""The browser of tests that look at pages and pictures: `make test` brings one."""

from __future__ import annotations

import os
import shutil

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def browser() -> str:
    """Return the path of a Chrome or Chromium; without one, skip here and fail in CI."""
    named = os.environ.get("BROWSER_PATH")
    found = named or next(filter(None, map(shutil.which, _NAMES)), None) or _playwrights()
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail("there is no Chromium: make test brings one")
    pytest.skip("needs Chromium: make test brings one")


def _playwrights() -> str | None:
    """Return the browser that Playwright downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None  # noqa: PTH110
