"""The directive ``facts``: tables that the code itself fills, so that they cannot grow old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bactools.dicom.quirks import QUIRKS
from bactools.metrics import METRICS
from bactools.networks import NETWORKS
from bactools.networks.weights import registry
from bactools.recipe import PRESETS, Recipe

Rows = Sequence[tuple[str, ...]]


def _metrics() -> Rows:
    return [("name", "unit", "what it is")] + [
        (f"`{spec.name}`", {"1": "1", "mm2": "mm²"}.get(spec.units, spec.units), spec.long_name)
        for spec in METRICS.values()
    ]


def _recipes() -> Rows:
    names = [field.name for field in fields(Recipe) if field.name != "name"]
    return [("choice", *(f"`{name}`" for name in PRESETS))] + [
        (f"`{name}`", *(str(getattr(recipe, name)) for recipe in PRESETS.values())) for name in names
    ]


def _weights() -> Rows:
    return [("name", "last layer gives", "sha256", "where from")] + [
        (
            f"`{spec.name}`",
            spec.output,
            f"`{spec.sha256[:16]}…`",
            "comes with bactools" if spec.packaged else f"`bactools weights get {spec.name}`",
        )
        for spec in registry().values()
        if spec.url
    ]


def _networks() -> Rows:
    return [("name", "trainable parameters")] + [
        (f"`{name}`", f"{sum(weight.numel() for weight in build().parameters() if weight.requires_grad):,}")
        for name, build in NETWORKS.items()
    ]


def _quirks() -> Rows:
    return [("quirk", "module", "what it knows")] + [
        (
            f"`{quirk.name}`",
            f"`bactools.dicom.quirks.{quirk.name}`",
            f"Synthesized images are called {', '.join(quirk.product_names)}."
            if hasattr(quirk, "product_names")
            else (type(quirk).__doc__ or "").replace("``", "`"),
        )
        for quirk in QUIRKS
    ]


TABLES: dict[str, Callable[[], Rows]] = {
    "metrics": _metrics,
    "recipes": _recipes,
    "weights": _weights,
    "networks": _networks,
    "quirks": _quirks,
}


class Facts(SphinxDirective):
    """One of `TABLES`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table, whose first row is its head."""
        head, *rows = TABLES[self.arguments[0]]()
        lines = [head, tuple("---" for _ in head), *rows]
        return self.parse_text_to_nodes("\n".join(f"| {' | '.join(row)} |" for row in lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("facts", Facts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
