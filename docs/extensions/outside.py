"""Brings in what lies outside the site's folder: notebooks, and texts that the repository keeps elsewhere."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from sphinx.application import Sphinx

_MARK = re.compile(r"^```\{outside\} (\S+)\n```$", flags=re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(?=[#)])")


def _notebooks(app: Sphinx) -> None:
    """Write each notebook as a page: its text and its calls, without outputs."""
    here = Path(app.srcdir) / "tutorials" / "notebooks"
    here.mkdir(parents=True, exist_ok=True)
    pages = {
        f"{path.stem}.md": _page(path) for path in (Path(app.srcdir).parent / "notebooks").glob("*.ipynb")
    }
    for old in here.iterdir():
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        file = here / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def _page(notebook: Path) -> str:
    cells = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            cells.append(re.sub(r"(?<=\.)ipynb(?=[)#])", "md", text))
        elif text:
            cells.append(f"```python\n{text}\n```")
    title, *rest = cells
    get = f"{{download}}`This notebook <../../../notebooks/{notebook.name}>`, to run and to change."
    return "\n\n".join([title, get, *rest]) + "\n"


def _homes(app: Sphinx) -> dict[Path, Path]:
    """Return the page that shows each outside file."""
    found = {}
    for page in Path(app.srcdir).rglob("*.md"):
        for name in _MARK.findall(page.read_text(encoding="utf-8")):
            found[Path(app.srcdir).parent / name] = page
    return found


def _texts(app: Sphinx, docname: str, source: list[str]) -> None:
    page = Path(app.srcdir) / f"{docname}.md"
    if not _MARK.search(source[0]):
        return
    homes = _homes(app)

    def bring(mark: re.Match[str]) -> str:
        file = Path(app.srcdir).parent / mark[1]
        app.env.note_dependency(str(file))

        def link(found: re.Match[str]) -> str:
            target = Path(os.path.normpath(file.parent / found[1]))
            return Path(os.path.relpath(homes.get(target, target), page.parent)).as_posix()

        return _LINK.sub(link, file.read_text(encoding="utf-8"))

    source[0] = _MARK.sub(bring, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Write notebooks before sources are looked for, and put texts in as pages are read."""
    app.connect("builder-inited", _notebooks)
    app.connect("source-read", _texts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
