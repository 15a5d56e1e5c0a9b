"""The machine: Python, memory, disk, ports, open files."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.doctor.finding import Finding, not_checked, ok, problem, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GB = 10**9
OLDEST, NEWEST = (3, 11), (3, 13)
LITTLE_DISK, NO_DISK = 5 * GB, GB // 2
"""Bytes that are free: below the first it is a warning, below the second a problem."""
LITTLE_MEMORY = 2 * GB
"""Bytes of the machine: Spark's JVM takes 1 GB by default, Python workers come on top."""
FEW_FILES = 4_096
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def python(version: tuple[int, int] = (sys.version_info.major, sys.version_info.minor)) -> Finding:
    """The interpreter."""
    found = f"{platform.python_version()} ({sys.executable})"
    if OLDEST <= version <= NEWEST:
        return ok("Python", found)
    advice = "Use Python 3.11, 3.12 or 3.13, which Stoker is tested with."
    return problem("Python", found, advice) if version < OLDEST else warning("Python", found, advice)


def workers(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """The interpreter of Spark's Python workers, where it is another one."""
    chosen = environ.get("PYSPARK_PYTHON")
    found = None if chosen is None else shutil.which(chosen)
    if chosen is not None and (found is None or Path(found).resolve() != Path(sys.executable).resolve()):
        yield warning(
            "Python workers",
            f"PYSPARK_PYTHON is {chosen}{'' if found else ', which is not there'}; this is {sys.executable}",
            "Unset PYSPARK_PYTHON for local runs: driver and workers need the same Python and packages.",
        )


def memory(settings: Mapping[str, str], total: int | None = None) -> Finding:
    """The memory of the machine, or of its container, against what the driver's JVM is to have."""
    total = _memory() if total is None else total
    if total is None:
        return not_checked("memory", "this system does not tell its memory")
    asked = settings.get("spark.driver.memory", "1g")
    driver = in_bytes(asked)
    found = f"{total / GB:.1f} GB; spark.driver.memory {asked}"
    if driver is None:
        return problem("memory", f"spark.driver.memory is {asked!r}", 'Write it as "4g" or "512m".')
    if driver > total:
        return problem("memory", found, "Set spark.driver.memory to less than the machine has.")
    if driver > total * 0.8:
        return warning("memory", found, "Leave a fifth for Python workers and the system: lower spark.driver.memory.")
    if total < LITTLE_MEMORY:
        return warning("memory", found, "Give the machine or container 2 GB or more.")
    return ok("memory", found)


def in_bytes(text: str) -> int | None:
    """A size as Spark writes it, `512m` or `4g`; a bare number counts MiB. None if it is none."""
    match = re.fullmatch(r"(\d+)([bkmgt]?)b?", text.strip().lower())
    return None if match is None else int(match[1]) * _UNITS[match[2] or "m"]


def _memory() -> int | None:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text("ascii").strip() if limit.is_file() else "max"
    return min(total, int(text)) if text.isdigit() else total


def disk(folders: Mapping[str, Path]) -> Iterator[Finding]:
    """Free space, once for each disk.

    Args:
        folders: By what they are for; they need not exist.
    """
    disks: dict[int, tuple[Path, list[str]]] = {}
    for purpose, folder in {**folders, "temporary files": Path(tempfile.gettempdir())}.items():
        there = existing(folder)
        disks.setdefault(there.stat().st_dev, (there, []))[1].append(purpose)
    for there, purposes in disks.values():
        free = shutil.disk_usage(there).free
        found = f"{free / GB:.1f} GB free at {there} ({', '.join(dict.fromkeys(purposes))})"
        advice = "Free some space, or move places and spark.local.dir (for shuffles and spills) to a larger disk."
        if free < NO_DISK:
            yield problem("disk", found, advice)
        else:
            yield warning("disk", found, advice) if free < LITTLE_DISK else ok("disk", found)


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))


def unwritable(folders: Mapping[str, Path]) -> Iterator[Finding]:
    """Folders of Stoker's own that cannot be written."""
    for purpose, folder in folders.items():
        there = existing(folder)
        if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
            yield problem(purpose, f"{there} cannot be written", f"Grant access, or move {purpose} elsewhere.")


def ports() -> Finding:
    """Whether Spark and Python can speak with each other on this machine."""
    try:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            with socket.create_connection(listening.getsockname(), timeout=2):
                return ok("ports", "127.0.0.1 can be listened on and reached")
    except OSError as error:
        return problem(
            "ports",
            f"127.0.0.1 cannot be used: {error.strerror or error}",
            "Allow connections on the loopback interface: Spark's JVM and Python speak through it.",
        )


def open_files(limit: int | None = None) -> Finding:
    """How many files a process may have open: shuffles open many."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if limit is None else limit
    if soft == resource.RLIM_INFINITY:
        return ok("open files", "no limit")
    if soft < FEW_FILES:
        return warning("open files", f"{soft:,} at most", "Raise it in the shell that runs jobs: ulimit -n 65536")
    return ok("open files", f"{soft:,} at most")
