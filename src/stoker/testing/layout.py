"""The text of an inline table, split into cells that know their line and column; types come later.

id:int | name:string | tags:array<string>
1      | Ann         | ["a", "b"]
2      | null        | null
3      | "a | b"     | []
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from stoker.errors import UsageError, number_of

__tracebackhide__ = True  # a failure is shown at the line of the test

_CELL = re.compile(r'(?:[^|"`]|"(?:[^"\\]|\\.)*"|`[^`]*`)*')
_QUOTES = {'"': '"', "`": "`"}


@dataclass(frozen=True)
class Cell:
    """One cell as written, without the spaces around it."""

    text: str
    line: int
    """From 1, within the table's text."""

    @property
    def quoted(self) -> str | None:
        """What a cell that is in quotes as a whole stands for; None for any other.

        Raises:
            ValueError: If it is no JSON text.
        """
        if not self.text.startswith('"'):
            return None
        try:
            return str(json.loads(self.text))
        except ValueError:
            raise ValueError(
                rf'{self.text} is no text in quotes as JSON has it: "5\" disk", "a \\ b", "\u00e9"'
            ) from None


@dataclass(frozen=True)
class Heading:
    """A column's name, and its type if one is written."""

    name: str
    type: str | None


@dataclass(frozen=True)
class Layout:
    """A table before its types are known."""

    line: int
    """Of the header."""
    headings: list[Heading]
    rows: list[list[Cell]]


def layout(text: str) -> Layout:
    """Split a text at its lines and `|`.

    Args:
        text: The first line that is not blank has `name:type` for each column, each other one a row. Blank lines are left out.

    Raises:
        UsageError: If there is no header, a row has more or fewer cells, or a quotation mark is not closed.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise UsageError(
            "The inline table is empty.",
            next_step="Its first line names the columns: id:int | name:string; rows follow.",
        )
    headings = [_heading(cell) for cell in _cells(*lines[0])]
    names = [heading.name.lower() for heading in headings]
    doubled = next((heading.name for heading in headings if names.count(heading.name.lower()) > 1), None)
    if doubled is not None:
        raise mistake(lines[0][0], f"the column {doubled!r} is there twice", "Rename one of them.")
    rows = []
    for number, line in lines[1:]:
        cells = _cells(number, line)
        if len(cells) != len(headings):
            raise mistake(
                number,
                f"{number_of(len(cells), 'cell')} for {number_of(len(headings), 'column')} ({', '.join(h.name for h in headings)}): "
                f"{line.strip()}",
                'Separate cells by |; a | within a text is in quotes: "a | b".',
            )
        rows.append(cells)
    return Layout(lines[0][0], headings, rows)


def mistake(line: int, what: str, next_step: str | None = None, column: str | None = None) -> UsageError:
    """The error for a place in a table."""
    where = f"line {line}" if column is None else f"line {line}, column {column!r}"
    end = "" if what.endswith(("?", ".")) else "."
    return UsageError(f"The inline table is wrong in {where}: {what}{end}", next_step=next_step)


def _cells(number: int, line: str) -> list[Cell]:
    cells: list[Cell] = []
    at = 0
    while True:
        match = _CELL.match(line, at)
        assert match is not None
        cells.append(Cell(match[0].strip(), number))
        at = match.end()
        if at == len(line):
            return cells
        if line[at] != "|":
            raise mistake(
                number,
                f"the quotation mark {line[at]} is not closed: {line[at:].strip()}",
                r'Put the whole text in quotes, as JSON does, with \" for a quotation mark in it: "5\" disk".',
            )
        at += 1


def _heading(cell: Cell) -> Heading:
    name, _, kind = _divided(cell.text)
    try:
        plain = json.loads(name) if name.startswith('"') else name.strip("`") if name.startswith("`") else name
    except ValueError:
        plain = ""
    if not plain:
        raise mistake(cell.line, f"{cell.text!r} has no column name", "Write name:type, for instance id:int.")
    return Heading(plain, kind.strip() or None)


def _divided(text: str) -> tuple[str, str, str]:
    """A heading at its first colon outside of quotes."""
    if text[:1] in _QUOTES and text.find(_QUOTES[text[0]], 1) > 0:
        end = text.index(_QUOTES[text[0]], 1) + 1
        rest, colon, kind = text[end:].partition(":")
        return text[:end] + rest.strip(), colon, kind
    name, colon, kind = text.partition(":")
    return name.strip(), colon, kind
