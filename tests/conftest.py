"""What all tests have: servers, a project's folder, an environment without the user's settings."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from stoker.secrets import redaction, resolution
from support.catalogue import database
from support.commands import stoker
from support.log_lines import log
from support.project import Project
from support.servers import db, info, schema, server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["database", "db", "info", "log", "schema", "server", "stoker"]


# What an example takes depends on what else the machine does.
settings.register_profile("stoker", deadline=None)
settings.load_profile("stoker")


@pytest.fixture(scope="session", autouse=True)
def _hears_interrupts() -> None:
    """A shell starts what it puts in the background deaf to Ctrl-C, and so would be every process of a test."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's own settings, nor another test's secrets."""
    for name in [name for name in os.environ if name.startswith("STOKER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(redaction, "_known", ())
    monkeypatch.setattr(resolution, "_resolved", {})


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project's folder with `source` and `lake` as places; what was imported from it is forgotten."""
    path = list(sys.path)
    project = Project(tmp_path)
    yield project
    sys.path[:] = path
    project.forget()
