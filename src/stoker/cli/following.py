"""The commands that a command ends with, for the user to type next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH = 36
"""Columns for a command, beside what it is for."""


def show(heading: str, folder: Path, commands: Iterable[tuple[str, str]]) -> None:
    """Print commands that can be pasted, with what each is for, after those that lead to a folder and to `stoker`."""
    click.echo(f"\n{heading}:")
    for command, purpose in [*_leading(folder), *commands]:
        click.echo(f"  {command:<{_WIDTH}} {purpose}".rstrip())


def _leading(folder: Path) -> list[tuple[str, str]]:
    here = _working_folder()
    lines = []
    if folder != here:
        shown = os.path.relpath(folder, here) if here and folder.is_relative_to(here) else str(folder)
        lines.append((f"cd {shlex.quote(shown)}", ""))
    programs = Path(sys.executable).parent
    if shutil.which("stoker") is None and (programs / "stoker").exists():
        lines.append((f'export PATH={shlex.quote(str(programs))}:"$PATH"', ""))
    return lines


def _working_folder() -> Path | None:
    """None if it is gone: a project that was made in its place is another folder."""
    try:
        return Path.cwd()
    except OSError:
        return None
