"""A small card that a notebook shows of an object: what it holds, what to beware of, what to do next."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

_LINE = "var(--jp-border-color2, #c8c8c8)"
_FAINT = "var(--jp-ui-font-color2, #616161)"


def card(
    title: str,
    *,
    facts: Mapping[str, str] | None = None,
    table: str = "",
    words: Sequence[str] = (),
    warnings: Sequence[str] = (),
    following: Mapping[str, str] | None = None,
) -> str:
    """Return a card as HTML. Everything but `table` is text and shown as such.

    Parameters
    ----------
    title : str
    facts : mapping of str to str, optional
        Names and what is said of them, beside each other.
    table : str
        HTML, as `pandas.DataFrame.to_html` writes it.
    words : sequence of str
        Paragraphs.
    warnings : sequence of str
        What to beware of.
    following : mapping of str to str, optional
        What can be called next, and what for.

    Returns
    -------
    str
    """
    parts = [f'<div style="font-weight:600;margin-bottom:4px">{html.escape(title)}</div>']
    rows = "".join(
        f'<div style="color:{_FAINT}">{html.escape(name)}</div><div>{html.escape(said)}</div>'
        for name, said in (facts or {}).items()
    )
    if rows:
        parts.append(f'<div style="{_GRID}">{rows}</div>')
    if table:
        parts.append(f'<div style="overflow-x:auto;margin:6px 0">{table}</div>')
    parts += [f'<p style="margin:6px 0">{html.escape(each)}</p>' for each in words if each]
    parts += [
        '<div role="note" style="margin:6px 0;padding:4px 8px;border-left:4px solid #b45f06">'
        f"{html.escape(each)}</div>"
        for each in warnings
        if each
    ]
    calls = "".join(
        f'<div><code>{html.escape(call)}</code></div><div style="color:{_FAINT}">{html.escape(what)}</div>'
        for call, what in (following or {}).items()
    )
    if calls:
        parts.append(f'<div style="{_GRID};margin-top:6px">{calls}</div>')
    frame = f"border:1px solid {_LINE};border-radius:6px;padding:8px 12px;max-width:60em;line-height:1.45"
    return f'<div class="bactools-card" style="{frame}">{"".join(parts)}</div>'


_GRID = "display:grid;grid-template-columns:max-content 1fr;column-gap:16px;row-gap:2px"
