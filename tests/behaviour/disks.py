"""Small and read-only disks; only root can mount them."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def small(folder: Path, size: str) -> Iterator[None]:
    """A disk of that size is at a folder."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        yield


def enlarge(folder: Path, size: str) -> None:
    """More space, while the disk is in use."""
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """What is in a folder can be read and nothing else: root, whom no mode keeps from writing, cannot either."""
    with _mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or subprocess.run(["mount", *arguments, folder], check=False, capture_output=True).returncode:
        pytest.skip("mounting a disk needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
