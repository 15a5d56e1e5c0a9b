"""The command line in the test's own process, on the test's own Spark session: as a person has it, without a JVM's start."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from stoker import logs
from stoker.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.project import Project


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def stoker(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Runs `stoker ARGUMENTS` in the project's folder; the project's modules are imported anew each time."""
    monkeypatch.chdir(project.folder)
    monkeypatch.syspath_prepend(str(project.folder))
    # It would send what other tests log to a stream that is closed by then.
    monkeypatch.setattr(logs, "configure", lambda *_: None)

    def run(*arguments: str) -> Done:
        project.forget()
        monkeypatch.setattr(sys, "argv", ["stoker", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, shown.out, shown.err)

    return run
