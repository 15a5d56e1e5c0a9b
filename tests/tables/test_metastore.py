"""The tables once more, in a metastore: Hive's classes and a Derby database, as Spark has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = "killed_run and (switched or intent_written or _moved)"


@pytest.mark.faults
@pytest.mark.parametrize(
    ("path", "which"),
    [
        ("tests/behaviour/test_publish.py", "table-"),
        ("tests/behaviour/test_kills.py", f"table- and {KILLS}"),
        ("tests/behaviour/test_rows.py", "table-replace_partitions"),
        ("tests/tables/test_faults.py", "test_"),
        ("tests/tables/test_refusals.py", "test_"),
        ("tests/tables/test_sources.py", "test_"),
    ],
)
def test_a_metastore_keeps_what_is_promised(tmp_path: Path, path: str, which: str) -> None:
    """What these tests say of the catalogue in memory; and they are not passed over."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path, "-k", which],
        cwd=ROOT,
        env={**os.environ, "TEST_METASTORE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert (tmp_path / "metastore").is_dir()
