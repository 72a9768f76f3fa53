"""How the documentation site is built: ``make docs``, or ``sphinx-build -W docs build/docs``."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

project = "bactools"
author = "The bactools developers"
copyright = author
release = version = version_of("bactools")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "myst_parser",
    "mathml",
    "outside",
    "commands",
    "tables",
]
exclude_patterns = ["extensions/**"]
highlight_language = "text"
language = "en"
default_role = "py:obj"
suppress_warnings = ["ref.python"]  # several classes have a field of that name: no link then

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # docstrings say types in words
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Fields", "params_style")]

html_theme = "pydata_sphinx_theme"
html_title = "bactools"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars: dict[str, list[str]] = {"index": [], "glossary": [], "contributing": []}
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it is fetched, which pages opened from disk may not
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "bactools"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["notice"],
    "article_footer_items": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
templates_path = ["_templates"]


def _fields(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """Let attributes stand as one list, several to a line where they share their meaning."""
    text = re.sub(r"^Attributes\n-+$", "Fields\n------", "\n".join(lines), flags=re.MULTILINE)
    lines[:] = text.split("\n")


def setup(app: Sphinx) -> None:
    """Look at docstrings before napoleon does."""
    app.connect("autodoc-process-docstring", _fields, priority=400)
