"""A new project does at once what it is for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stoker.scaffold import make_project
from support.child import TESTS, run_child

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
LONG = "a_project_with_a_name_as_long_as_they_come"
VARIANTS = pytest.mark.parametrize("postgres", [False, True], ids=["plain", "postgres"])


def run(cwd: Path, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a folder."""
    return subprocess.run(
        words, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False
    )


@VARIANTS
@pytest.mark.parametrize("name", ["a1", "zoo", LONG])
def test_its_style_is_right_whatever_its_name_is(tmp_path: Path, name: str, postgres: bool) -> None:
    """By its own settings: a name before or after those of the packages, or a long one, changes nothing."""
    folder = make_project(name, tmp_path / name, postgres=postgres)

    checked = run(folder, BIN / "ruff", "check", "--no-cache")
    formatted = run(folder, BIN / "ruff", "format", "--check", "--no-cache")

    assert checked.returncode == 0, checked.stdout
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.parametrize("postgres", [pytest.param(False, marks=pytest.mark.faults), True], ids=["plain", "postgres"])
def test_its_types_are_right(tmp_path: Path, postgres: bool) -> None:
    """Mypy is strict in it."""
    folder = make_project("shop", tmp_path / "shop", postgres=postgres)

    done = run(folder, BIN / "mypy")

    assert done.returncode == 0, done.stdout


def test_its_tests_and_its_job_run_with_a_wheel(spark: SparkSession, tmp_path: Path) -> None:
    """A wheel of Stoker has all that is needed, without the checkout; the project's path has a space in it."""
    installed = tmp_path / "installed"
    built = run(ROOT, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    pip = run(tmp_path, sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", installed, wheel)
    assert pip.returncode == 0, pip.stderr
    (tmp_path / "work at home").mkdir()
    made = run(tmp_path / "work at home", sys.executable, "-m", "stoker", "init", "shop", PYTHONPATH=str(installed))
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "work at home" / "shop"

    paths = os.pathsep.join([str(TESTS), str(installed)])
    done = run_child(spark, folder, "support.scaffolded:test_and_run", "shop", PYTHONPATH=paths)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    assert f"exit 0, stoker {installed}" in done.stdout
    assert list((folder / ".stoker" / "lake" / "daily_revenue").glob("*.parquet"))
    assert not (folder / ".stoker" / "testing").exists()


@pytest.mark.faults
def test_its_tests_and_its_job_run_with_postgresql(spark: SparkSession, tmp_path: Path) -> None:
    """Of the tests no server is left; that of development goes on."""
    folder = make_project("shop", tmp_path / "shop", postgres=True)

    # The plugin is named: an installation for development knows of it only after the next `make test`.
    done = run_child(spark, folder, "support.scaffolded:test_and_run", "shop", PYTEST_ADDOPTS="-p pytest_stoker")
    development = run(folder, sys.executable, "-m", "stoker", "postgres", "stop")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    assert "exit 0" in done.stdout
    assert development.stdout == "stopped\n"


@pytest.mark.faults
@VARIANTS
def test_make_does_it_all(tmp_path: Path, postgres: bool) -> None:
    """As a user types it, each with a JVM of its own: check, plan, test, run."""
    folder = make_project("shop", tmp_path / "shop", postgres=postgres)

    done = run(folder, "make", "check", "plan", "test", "run", f"PYTHON={sys.executable}")
    if postgres:
        run(folder, sys.executable, "-m", "stoker", "postgres", "stop")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_make_says_what_is_missing(tmp_path: Path) -> None:
    """In an environment without Stoker: one line, before anything is started."""
    folder = make_project("shop", tmp_path / "shop", postgres=False)

    done = run(folder, "make", "run", f"PYTHON={sys.executable} -S -E")

    assert done.returncode == 2
    assert "stoker[local,testing] is needed: activate the environment that has it, or run make setup." in done.stdout
