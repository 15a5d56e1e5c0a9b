"""Programs on a real Spark whose executors' Python has the libraries of the tests, but not Stoker: only what is shipped."""

from __future__ import annotations

import os
import subprocess
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark

import stoker
from stoker.spark.java import find_java

if TYPE_CHECKING:
    from collections.abc import Iterable

SOURCE = Path(stoker.__file__).parents[1]


def spark_home(folder: Path) -> Path:
    """Spark by links, since executors write below it."""
    home = folder / "spark"
    home.mkdir()
    for entry in Path(pyspark.__file__).parent.iterdir():
        (home / entry.name).symlink_to(entry)
    return home


def python_without_stoker(folder: Path) -> Path:
    """A Python that finds the installed libraries; a folder that is only on the path has none of its own links read."""
    venv.create(folder / "python", symlinks=True)
    site = next((folder / "python" / "lib").glob("python*/site-packages"))
    (site / "libraries.pth").write_text(f"{Path(pyspark.__file__).parents[1]}\n", "utf-8")
    return folder / "python" / "bin" / "python"


def packed(path: Path, modules: Iterable[Path], *, with_stoker: bool = True) -> Path:
    """A zip for `--py-files`."""
    with zipfile.ZipFile(path, "w") as archive:
        for module in modules:
            archive.write(module, module.name)
        for file in SOURCE.rglob("*") if with_stoker else ():
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, file.relative_to(SOURCE))
    return path


def submit(
    folder: Path, master: str, program: Path, *arguments: str, driver: str, executors: str, py_files: Path
) -> subprocess.CompletedProcess[str]:
    """`spark-submit` in a folder.

    Args:
        folder: Where it works, with `spark` below it.
        master: Spark's.
        program: The entry point.
        arguments: For the program.
        driver: Python of the driver.
        executors: Python of the workers.
        py_files: What is shipped.
    """
    home = folder / "spark"
    # Executors of a `local-cluster` would inherit it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    settings = [
        "spark.ui.enabled=false",
        "spark.executor.memory=1g",
        "spark.executor.cores=1",
        f"spark.pyspark.python={executors}",
    ]
    return subprocess.run(
        [
            str(home / "bin" / "spark-submit"),
            "--master",
            master,
            *(word for each in settings for word in ("--conf", each)),
            "--conf",
            f"spark.pyspark.driver.python={driver}",
            "--py-files",
            str(py_files),
            str(program),
            *arguments,
        ],
        cwd=folder,
        env={**environment, "SPARK_HOME": str(home), "JAVA_HOME": str(find_java(folder).home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
