"""Tables of the command line: drawn on a terminal if rich is there, else plain columns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from stoker.entrypoint.columns import aligned
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

COLOURS = {
    "succeeded": "green",
    "had succeeded": "green",
    "failed": "red",
    "killed": "red",
    "running": "cyan",
    "interrupted": "yellow",
    "skipped": "yellow",
    "not started": "yellow",
}
"""Of the states of runs and pipelines, as a cell begins with them."""


def show(headings: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Collection[str] = ()) -> None:
    """Print a table to standard output.

    Args:
        headings: Of the columns; the cells of `state` are coloured.
        rows: The cells.
        numeric: The headings whose columns stand to the right.
    """
    shown = [[redact(cell) for cell in row] for row in rows]
    if not (sys.stdout.isatty() and _draw(headings, shown, numeric)):
        click.echo(aligned(headings, numeric, shown))


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]], numeric: Collection[str]) -> bool:
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(
            *(
                Text(cell, style=COLOURS.get(cell.partition(",")[0], "") if heading == "state" else "")
                for cell, heading in zip(row, headings, strict=True)
            )
        )
    Console().print(table)
    return True
