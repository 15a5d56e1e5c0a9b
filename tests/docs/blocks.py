"""The code blocks of a page, and what is done with each kind."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stoker.cli.main import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (?P<path>[\w./-]+\.(?:py|toml|csv|json|jsonl))(?::.*)?\n")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    """Of its first line, from 1."""
    language: str
    text: str

    @property
    def where(self) -> str:
        """For messages: `README.md:12`."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block declares in its first line."""
        match = _FILE.match(self.text)
        return match["path"] if match else None

    @property
    def content(self) -> str:
        """The file's text; CSV and JSON have no comments, so the declaring line is left out of them."""
        declared = _FILE.match(self.text)
        return self.text[declared.end() :] if declared and self.language in {"csv", "json"} else self.text


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(page, text.count("\n", 0, match.start(2)) + 1, match[1].strip(), match[2])
        for match in _BLOCK.finditer(text)
    ]


def shell_commands(block: Block) -> Iterator[list[str]]:
    """The words of each command, without comments and variables before it; those in `$(...)` too."""
    for line in block.text.splitlines():
        for text in (line, *re.findall(r"\$\(([^()]*)\)", line)):
            words = shlex.split(text, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words:
                yield words


def wrong_command(words: list[str], targets: set[str]) -> str | None:
    """What is wrong with a command: an unknown subcommand or option of `stoker`, an unknown target of make; else None."""
    if words[0] == "make":
        unknown = [word for word in words[1:] if "=" not in word and word not in targets]
        return f"make has no target {unknown}" if unknown else None
    if words[0] == "stoker":
        return _wrong_stoker(words[1:])
    if words[:2] == ["python", "main.py"]:
        return _wrong_stoker(["run", "JOB", *words[2:]])
    return None


def _wrong_stoker(words: list[str]) -> str | None:
    command: click.Command = commands
    path = ["stoker"]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        context = click.Context(command)
        found = command.get_command(context, name)
        if found is None:
            return f"{' '.join(path)} has no command {name!r}"
        command, path = found, [*path, name]
    try:
        # Parses without running anything; `--help` and `--version` would exit.
        command.make_context(path[-1], [word for word in words if word not in {"-h", "--help", "--version"}])
    except click.exceptions.NoArgsIsHelpError:
        return None
    except click.UsageError as error:
        return f"{' '.join(path)}: {error.format_message()}"
    return None
