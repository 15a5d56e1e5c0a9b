"""`stoker doctor` in a project: configuration, jobs, places, connections."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stoker.cli.project import job_of, on_path
from stoker.doctor import Asked, Finding, Verdict, examine
from support.warehouse import PASSWORD, configure

if TYPE_CHECKING:
    from pathlib import Path

    from stoker.config import Config
    from stoker.job import Job
    from stoker.postgres.connections.connection import ConnectionInfo
    from support.project import Project

APP = """
from stoker import Job, Pipeline, place, read, write

rows = Pipeline("rows", extract={"rows": read.csv(place("source") / "rows.csv", schema="id int")},
                load=write.parquet(place("lake") / "rows", mode="replace"))
job = Job("demo", [rows])
"""
TOML = """
[jobs]
demo = "app:job"
broken = "broken:job"

[spark]
"spark.sql.session.timeZone" = "UTC"

[environments.development.places]
source = "source"
lake = "lake"
[environments.production.places]
source = "${SOURCE_BUCKET}"
lake = "s3://my-lake/demo"
[environments.production.logging]
s3 = "s3://my-logs/demo"
[environments.production.postgres.warehouse]
host = "db.internal"
database = "d"
user = "u"
password = "hunter2"
"""


@pytest.fixture
def app(project: Project) -> Project:
    """A project with a job that is right and one that is not."""
    project.write("stoker.toml", TOML)
    project.write("app.py", APP)
    project.write("broken.py", "import math\nmath.no_such_function()\n")
    return project


def look(app: Project, **asked: Any) -> dict[str, list[Finding]]:
    """The findings by topic."""

    def load(config: Config, name: str) -> Job:
        on_path(config)
        return job_of(config, name)

    found: dict[str, list[Finding]] = {}
    for each in examine(Asked(load, config=str(app.folder / "stoker.toml"), **asked)):
        found.setdefault(each.topic, []).append(each)
    return found


def test_a_project_is_looked_at_whole(app: Project) -> None:
    """Every environment, job and place, without Spark; problems exit with 1."""
    done = app.stoker("doctor", "--json")

    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    found = {each["topic"]: each for each in document["findings"]}
    assert document["problems"] == 2
    assert found["configuration (development)"]["verdict"] == "ok"
    assert found["configuration (development)"]["found"].endswith("log DEBUG to console (detailed), file (detailed)")
    # A variable of another environment is missing here by right.
    unset = found["configuration (production)"]
    assert unset["verdict"] == "warning"
    assert "SOURCE_BUCKET is not set" in unset["found"]
    assert found["job demo"]["found"] == "1 pipeline; it can be planned in development"
    assert "no_such_function" in found["job broken"]["found"]
    assert found["place lake"]["verdict"] == "ok"
    assert found["place source: input"]["found"].endswith("rows.csv does not exist")
    assert done.stderr == ""
    assert list(app.folder.glob(".stoker*")) == []


def test_every_mistake_of_an_environment_is_told(app: Project) -> None:
    """The one that is asked for has problems where others have warnings; a mistake of all is told once."""
    app.write("stoker.toml", TOML.replace("[spark]", "[run]\nparalel = 2\n[spark]"))

    found = look(app)["configuration (all environments)"]
    assert [(each.verdict, "paralel" in each.found) for each in found] == [(Verdict.PROBLEM, True)]

    [key, unset] = look(app, environment="production")["configuration (production)"]
    assert (key.verdict, unset.verdict) == (Verdict.PROBLEM, Verdict.PROBLEM)
    assert "jobs" in look(app)


def test_what_a_run_would_warn_of_is_a_finding(app: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A literal password in production; and what only --connect may ask is named as not looked at."""
    monkeypatch.setenv("SOURCE_BUCKET", "s3://source")
    found = look(app, environment="production")

    [told] = found["configuration"]
    assert told.verdict is Verdict.WARNING
    assert "hunter2" not in str(found)
    [configuration] = found["configuration (production)"]
    assert configuration.found.endswith("log WARNING to console (minimal), s3://my-logs/demo")
    assert found["place lake"][0].verdict is found["log in S3"][0].verdict is Verdict.NOT_CHECKED
    [server] = found["connection warehouse"]
    assert (server.verdict, "--connect" in str(server.advice)) == (Verdict.NOT_CHECKED, True)


def test_outside_of_a_project_the_machine_is_looked_at(project: Project) -> None:
    """And how to make a project is said; that is no problem."""
    (project.folder / "stoker.toml").unlink()
    done = project.stoker("doctor")

    assert done.returncode == 0, done.stdout
    told = " ".join(done.stdout.split())  # a narrow terminal breaks lines
    assert "-> Go to the project's folder; stoker init NAME makes a new project." in told
    assert "no problems" in done.stdout
    wrong = project.stoker("doctor", "--env", "prod")
    assert (wrong.returncode, "'prod' is not known" in wrong.stderr) == (2, True)


def test_places_do_for_what_jobs_do_there(app: Project, tmp_path: Path) -> None:
    """A missing source, a file in place of a folder, and an input that is there."""
    app.write("source/rows.csv", "id\n1\n")
    assert "place source: input" not in look(app)
    app.write("lake", "a file")
    assert look(app)["place lake"][0].verdict is Verdict.PROBLEM
    app.write("stoker.toml", TOML.replace('"source"', '"gone"').replace('"lake"', '"hdfs://there/lake"'))
    found = look(app)
    assert found["place source"][0].found == f"{tmp_path}/gone does not exist, and jobs read from it"
    assert found["place lake"][0].verdict is Verdict.NOT_CHECKED


def test_servers_are_asked_with_connect_only(
    project: Project, info: ConnectionInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version and the rights are told; a secret that is missing, and a wrong password, are problems."""
    configure(project, info)
    assert look(project)["connection warehouse"][0].verdict is Verdict.NOT_CHECKED

    missing = look(project, connect=True)
    assert missing[f"secret secret://env/{PASSWORD}"][0].verdict is Verdict.PROBLEM
    assert missing["connection warehouse"][0].found == "its secrets are not known"

    monkeypatch.setenv(PASSWORD, str(info.password))
    [right] = look(project, connect=True)["connection warehouse"]
    assert right.verdict is Verdict.OK
    assert "PostgreSQL 18" in right.found
    assert "in plain text" in right.found
    assert "can make tables and schemas" in right.found

    project.write(
        "stoker.toml", (project.folder / "stoker.toml").read_text().replace("secret://env/" + PASSWORD, "wrong")
    )
    [wrong] = look(project, connect=True)["connection warehouse"]
    assert wrong.verdict is Verdict.PROBLEM
    assert "password authentication failed" in wrong.found
