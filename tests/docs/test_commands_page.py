"""`docs/architecture/COMMANDS.md` has every command with every option, and no other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from docs.blocks import ROOT, blocks
from stoker.cli.main import commands

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = ROOT / "docs" / "architecture" / "COMMANDS.md"
_SECTION = re.compile(r"^#{2,3} `(stoker(?: [a-z]+)*)[^`]*`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| (`--[^|]+) \|", re.MULTILINE)
SHARED = {"--help"}
"""What the page explains once."""


def _options(command: click.Command) -> Iterator[tuple[str, str]]:
    """Long options, with the row that the page could have."""
    context = click.Context(command)
    for option in command.get_params(context):
        if isinstance(option, click.Option):
            shown, meaning = option.get_help_record(context) or ("", "")
            names = [name for name in (*option.opts, *option.secondary_opts) if name.startswith("--")]
            value = shown.rpartition(names[-1])[2].strip(" ,")
            cells = ", ".join(f"`{name} {value}`" if value and name == names[-1] else f"`{name}`" for name in names)
            for name in names:
                yield name, f"| {cells} | {meaning} |"


def _known(command: click.Command, path: str = "stoker") -> dict[str, dict[str, str]]:
    """The rows of each command's options, by the command's words."""
    found = {path: {name: row for name, row in _options(command) if name not in SHARED}}
    for name, each in command.commands.items() if isinstance(command, click.Group) else ():
        found |= _known(each, f"{path} {name}")
    return found


KNOWN = _known(commands)


def _described(text: str) -> dict[str, set[str]]:
    """The options of each section of a page, by the command's words."""
    return {
        command: {name for row in _ROW.findall(body) for name in re.findall(r"`(--[a-z-]+)", row)}
        for command, body in _SECTION.findall(text)
    }


def _mistakes(described: dict[str, set[str]], known: dict[str, dict[str, str]]) -> list[str]:
    """What to add to the page, and what to take out of it."""
    found = []
    for command, rows in known.items():
        if command not in described:
            table = "\n".join(["| option | meaning |", "|---|---|", *dict.fromkeys(rows.values())])
            found.append(f"add a section, and a line to the table at the top:\n\n## `{command}`\n\n{table}\n")
        else:
            missing = dict.fromkeys(row for name, row in rows.items() if name not in described[command])
            found += [f"add to `{command}`: {row}" for row in missing]
            found += [f"take out of `{command}`: {name}" for name in sorted(described[command] - rows.keys())]
    return found + [f"take out the section `{command}`" for command in described if command not in known]


def test_every_command_and_option_is_on_the_page() -> None:
    """And nothing else is; what a new command lacks here is in the message, ready to be pasted."""
    text = PAGE.read_text("utf-8")
    mistakes = _mistakes(_described(text), KNOWN)

    assert not mistakes, f"{PAGE.relative_to(ROOT)}:\n" + "\n".join(mistakes)
    listed = re.findall(r"^\| \[`(stoker [a-z]+)`\]", text, re.MULTILINE)
    assert sorted(listed) == sorted(command for command in KNOWN if command.count(" ") == 1)


def test_a_page_that_is_behind_is_told_what_to_add() -> None:
    """A command, an option, and what there is no more."""
    page = "## `stoker run JOB`\n\n| `--fast` | x |\n\n### `stoker walk`\n\n| `--slowly`, `--no-slowly` | x |\n"
    told = "\n".join(_mistakes(_described(page), {key: KNOWN[key] for key in ("stoker run", "stoker plan")}))

    assert "## `stoker plan`" in told
    assert "| `--format [text|json]` |" in told
    assert "add to `stoker run`: | `--run-id ID` | The run's id" in told
    assert "take out of `stoker run`: --fast" in told
    assert "take out the section `stoker walk`" in told


def test_every_variable_that_an_option_names_is_on_the_page() -> None:
    """As `[STOKER_ENV]` at the end of its help."""
    helps = " ".join(row for rows in KNOWN.values() for row in rows.values())
    variables = set(re.findall(r"\[(STOKER_[A-Z_]+)\]", helps))

    assert variables
    assert [name for name in variables if f"| `{name}` |" not in PAGE.read_text("utf-8")] == []


def test_the_outputs_are_those_of_the_commands(tmp_path: Path) -> None:
    """Of the commands that start nothing: a new project, and its plan."""
    (tmp_path / "stoker").touch(mode=0o755)
    environment = {**os.environ, "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    shown = blocks(PAGE)
    for typed, folder in (("stoker init shop", tmp_path), ("stoker plan shop", tmp_path / "shop")):
        at = next(number for number, block in enumerate(shown) if block.text.strip() == typed)
        words = [sys.executable, "-m", *typed.split()]

        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=True)

        assert done.stdout.strip() == shown[at + 1].text.replace("/home/ada", str(tmp_path)).strip()
