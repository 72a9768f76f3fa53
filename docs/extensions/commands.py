"""The directive ``commands``: a section per command of ``bactools``, from click itself."""

from __future__ import annotations

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bactools.cli import main


class Commands(SphinxDirective):
    """Every command with its usage, arguments and options."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        return [node for command in main.commands.values() for node in self._sections(command, "bactools")]

    def _sections(self, command: click.Command, before: str) -> list[nodes.Node]:
        name = f"{before} {command.name}"
        context = click.Context(command, info_name=name)
        section = nodes.section(ids=[nodes.make_id(name)], names=[name])
        section += nodes.title(text=name)
        section += nodes.literal_block(text=" ".join([name, *command.collect_usage_pieces(context)]))
        section += self.parse_text_to_nodes((command.help or "").replace("\n\n", "\n"))
        records = [option.get_help_record(context) for option in command.get_params(context)]
        rows = [record for record in records if record and record[1]]
        if rows and not isinstance(command, click.Group):
            section += _table(rows)
        if isinstance(command, click.Group):
            for part in command.commands.values():
                section += self._sections(part, name)
        return [section]


def _table(rows: list[tuple[str, str]]) -> nodes.table:
    body = nodes.tbody()
    for option, meaning in rows:
        first = nodes.entry("", nodes.paragraph("", "", nodes.literal(text=option)))
        body += nodes.row("", first, nodes.entry("", nodes.paragraph(text=meaning)))
    group = nodes.tgroup("", nodes.colspec(colwidth=45), nodes.colspec(colwidth=55), body, cols=2)
    return nodes.table("", group, classes=["options"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
