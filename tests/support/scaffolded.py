"""What a user does first with a new project, in a child process on the test's JVM."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

import stoker
from stoker.cli.main import commands

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


def test_and_run(spark: SparkSession, folder: Path, name: str) -> None:
    """Run the project's tests, then its job; the session is found as the active one. Prints where stoker is from."""
    os.chdir(folder)
    failed = pytest.main(["-q", "-p", "no:cacheprovider"])
    if failed:
        raise SystemExit(int(failed))
    sys.path.insert(0, str(folder))
    code = commands.main(["run", name], standalone_mode=False)
    print(f"exit {code}, stoker {stoker.__file__}, Spark {spark.version}")  # noqa: T201 - the test reads it
