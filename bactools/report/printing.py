"""A page printed to PDF by a headless Chrome or Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bactools.report.parts import ReportError

_SECONDS = 240
_NO_BROWSER = (
    "there is no Chrome or Chromium to print with: install one, name it in BROWSER_PATH, or open the HTML"
    " file in any browser and print it from there"
)


def browser() -> str:
    """Return where a Chrome or Chromium is: as ``BROWSER_PATH`` says, or as kaleido finds it.

    Raises
    ------
    ReportError
        If there is none.
    """
    named = os.environ.get("BROWSER_PATH")
    if named:
        found = shutil.which(named)
    else:
        from choreographer.browsers.chromium import Chromium

        found = Chromium.find_browser(skip_local=False)
    if not found or not shutil.which(found):
        raise ReportError(_NO_BROWSER)
    return found


def print_page(page: Path, pdf: Path) -> Path:
    """Print a self-contained page with all its figures.

    Parameters
    ----------
    page : Path
        The HTML file.
    pdf : Path
        Replaced only when the new one is complete.

    Returns
    -------
    pathlib.Path
        The PDF.

    Raises
    ------
    ReportError
        If there is no browser, or it prints nothing.
    """
    program = browser()
    with tempfile.TemporaryDirectory(prefix="bactools-") as scratch:
        out = Path(scratch) / "report.pdf"
        command = [
            program,
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
            f"--user-data-dir={Path(scratch) / 'profile'}",
            "--window-size=1200,1000",
            # time of the page's own clock: figures are drawn before it is printed
            "--virtual-time-budget=60000",
            "--no-pdf-header-footer",
            f"--print-to-pdf={out}",
            page.resolve().as_uri(),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # as root, as in containers, Chromium refuses its sandbox
            command.insert(1, "--no-sandbox")
        try:
            # the program is the machine's own browser, and no shell is between
            subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise ReportError(f"the browser did not print the report within {_SECONDS} s") from None
        except OSError:
            raise ReportError(_NO_BROWSER) from None
        if not out.is_file() or out.read_bytes()[:5] != b"%PDF-":
            raise ReportError(
                "the browser printed no PDF: open the HTML file in a browser and print it from there"
            )
        part = pdf.with_name(f"{pdf.name}.{os.getpid()}.part")
        try:
            shutil.copyfile(out, part)
            part.replace(pdf)
        finally:
            part.unlink(missing_ok=True)
    return pdf
