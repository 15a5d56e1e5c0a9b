"""Rows as columns of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def aligned(headings: Sequence[str], numeric: Collection[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as text.

    Args:
        headings: The first line.
        numeric: Those whose columns stand to the right.
        rows: Their cells; the last cell of a row may have several lines.
    """
    lines: list[Sequence[str]] = [headings]
    for *cells, last in rows:
        first, *more = last.split("\n")
        lines.append((*cells, first))
        lines += [(*[""] * len(cells), line) for line in more]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if heading in numeric else cell.ljust(width)
            for cell, width, heading in zip(line, widths, headings, strict=True)
        ).rstrip()
        for line in lines
    )
