"""Formulas as MathML, which browsers draw themselves: no script, no font, no network."""

from __future__ import annotations

from html import escape
from typing import Any

from docutils.nodes import SkipNode, math, math_block
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx


def _inline(writer: Any, node: math) -> None:
    writer.body.append(_mathml(node.astext(), block=False))
    raise SkipNode


def _block(writer: Any, node: math_block) -> None:
    writer.body.append(f'<div class="formula">{_mathml(node.astext(), block=True)}</div>\n')
    raise SkipNode


def _mathml(formula: str, *, block: bool) -> str:
    drawn: str = latex2mathml.tex2mathml(formula, as_block=block)
    return drawn.replace("<math ", f'<math aria-label="{escape(formula, quote=True)}" ', 1)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
