"""The sink of a test: its folder or table, and nothing else that another test could see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behaviour.target import Target
from support.loads import write_rows
from support.warehouse import PASSWORD, configure

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project


@pytest.fixture
def target(
    request: pytest.FixtureRequest, spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> Target:
    """The sink that the test is parametrised with; PostgreSQL is started only for those that load it."""
    case = request.param
    write_rows(project.folder, "0")
    if case.kind.is_folder:
        return Target(case, spark, project.folder)
    info, schema, db = (request.getfixturevalue(name) for name in ("info", "schema", "db"))
    monkeypatch.setenv(PASSWORD, info.password)
    configure(project, info)
    table = f"{schema}.rows"
    if case.mode.name == "append":  # which makes no table
        db.run(f"CREATE TABLE {table} (id integer, part integer, version integer)")
    return Target(case, spark, project.folder, table, db)
