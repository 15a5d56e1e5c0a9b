"""What a project can be called: its name is that of a Python package, of a job and of a distribution."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata
from importlib.machinery import PathFinder
from pathlib import Path

from stoker.errors import UsageError

# Letters of ASCII only, and none of `_` at an end: so says the standard for the names of distributions.
_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?")
_OF_PYTHON = sys.stdlib_module_names | {"test"}  # which not every installation has
_ON_CLUSTERS = frozenset({"stoker", "pyspark", "py4j", "pyarrow", "pandas", "numpy", "boto3", "botocore"})
"""Packages that a job meets where it runs, though they may not be installed here."""
_OF_THE_PROJECT = frozenset({"main", "tests", "data", "conftest"})
"""What stands beside the package in the project's folder."""


def check_name(name: str) -> None:
    """Refuse what cannot be imported, or would be imported instead of something else.

    Raises:
        UsageError: With a name that would do, where one can be made of it.
    """
    reason = _refusal(name)
    if reason is not None:
        fitting = _fitting(name)
        raise UsageError(
            f"{name!r} cannot be the name of a project: {reason}.",
            state="Nothing was written.",
            next_step=f"stoker init {fitting}" if fitting else "Give letters, digits and _, a letter first.",
        )


def _refusal(name: str) -> str | None:
    """Why a name cannot be used; None if it can."""
    module = name.lower()  # on macOS two files whose names differ in capitals are one
    if not _NAME.fullmatch(name):
        return "it is imported as a package, so it has letters (of ASCII), digits and _ between them, a letter first"
    if keyword.iskeyword(name):
        return "it is a word of the Python language"
    if module in _OF_PYTHON:
        return f"it would hide Python's own module {module}"
    if module in _OF_THE_PROJECT:
        return f"the project's folder has something else with the name {module}"
    if module in _ON_CLUSTERS:
        return f"it would hide the package {module}, which jobs need"
    installed = _installed(name)
    return installed and f"it would hide the package that is installed in {installed}"


def _installed(name: str) -> str | None:
    """Where a module with this name would be imported from, apart from the working folder."""
    here = Path.cwd()
    spec = PathFinder.find_spec(name, [entry for entry in sys.path if entry and Path(entry).absolute() != here])
    if spec is None:
        return None
    return spec.origin or next(iter(spec.submodule_search_locations or ()), "the import path")


def _fitting(name: str) -> str | None:
    """A name that would do and is close, as `my_project` for `my-project`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    if not words:
        return None
    fixed = words.lower() if _NAME.fullmatch(words) else f"job_{words.lower()}"
    return next((each for each in (fixed, f"{fixed}_etl", f"my_{fixed}_etl") if _refusal(each) is None), None)
