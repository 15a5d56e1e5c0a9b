"""Dependencies of the project that are no pure Python: these do not load from a zip on `--py-files`."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError
from typing import TYPE_CHECKING

from stoker.doctor.finding import Finding, not_checked, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ON_THE_CLUSTER = {"numpy", "pandas", "pyarrow", "pyspark", "py4j", "boto3", "botocore"}
"""Packages that EMR has: used, never shipped."""


def shipping(folder: Path) -> Iterator[Finding]:
    """What `[project] dependencies` of a project would bring along, with what that brings.

    Args:
        folder: The project's.
    """
    file = folder / "pyproject.toml"
    if not file.is_file():
        return
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        yield warning("dependencies", f"{file.name} is not TOML: {error}", "Correct it there.")
        return
    wanted = document.get("project", {}).get("dependencies", [])
    native, missing, seen = list[str](), list[str](), set[str]()
    pending = [(name, True) for text in wanted if (name := _name(str(text)))]
    while pending:
        name, direct = pending.pop()
        if name in seen or name in ON_THE_CLUSTER:
            continue
        seen.add(name)
        try:
            found = Distribution.from_name(name)
        except PackageNotFoundError:
            missing += [name] if direct else []
            continue
        if "Root-Is-Purelib: false" in (found.read_text("WHEEL") or ""):
            native.append(name)
        pending += [(each, False) for text in found.requires or [] if "extra ==" not in text and (each := _name(text))]
    if native:
        yield warning(
            "dependencies",
            f"{', '.join(sorted(native))}: native code, which does not load from a zip on --py-files",
            "Ship these as an environment (spark.archives), or do without them on the cluster.",
        )
    if missing:
        yield not_checked("dependencies", f"{', '.join(sorted(missing))}: not installed here")
    if not native and not missing:
        yield ok("dependencies", f"{len(seen)} packages, pure Python: they can be shipped by --py-files")


def _name(requirement: str) -> str | None:
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else None
