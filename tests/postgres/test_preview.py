"""What a load would do, shown before it does it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from stoker import Job, Pipeline, read, write
from stoker.cli.plan import text
from stoker.errors import SinkError
from stoker.job.plan import make_plan
from stoker.postgres.modes.choice import Mode
from stoker.postgres.names import LoadTarget
from stoker.postgres.preview import preview

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.connections.info import ConnectionInfo
    from support.project import Project


def shown(info: ConnectionInfo, schema: str, mode: Mode) -> list[str]:
    """The lines, with short names."""
    return [line.replace(f'"{schema}".', "") for line in preview(info, LoadTarget(schema, "t"), mode)]


def test_a_swap_is_shown_statement_by_statement(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """With the decision, and without touching the table."""
    db.run(f"CREATE TABLE {schema}.t (id bigint PRIMARY KEY, run text); INSERT INTO {schema}.t VALUES (1, 'old')")
    lines = shown(info, schema, Mode("replace"))
    assert lines[0] == "-- swap: nothing that depends on it would be lost"
    assert 'COPY "staged" ("id", "run") FROM STDIN;' in lines
    assert 'VACUUM (FREEZE) "sealed";' in lines
    assert lines.index('DROP TABLE "t";') < lines.index('ALTER TABLE "sealed" RENAME TO "t";')
    assert lines[-1] == "COMMIT;"
    assert db.run(f"SELECT * FROM {schema}.t") == [[1, "old"]]
    assert db.run("SELECT count(*) FROM pg_class WHERE relname LIKE 'stoker_staging_%'") == [[0]]


def test_the_reason_against_a_swap_is_shown(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """With what is done instead; who insists is told as a run would tell."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, run text); CREATE VIEW {schema}.w AS SELECT id FROM {schema}.t")
    lines = shown(info, schema, Mode("replace"))
    assert lines[0] == f"-- DELETE and INSERT: view {schema}.w depends on it"
    assert 'DELETE FROM "t";' in lines
    with pytest.raises(SinkError, match="cannot be replaced by a swap"):
        shown(info, schema, Mode("replace", strategy="swap"))


def test_a_table_that_is_not_there(info: ConnectionInfo, schema: str) -> None:
    """It is made, or the run would be refused."""
    assert shown(info, schema, Mode("replace"))[0] == "-- the staged table takes the name: there was no table"
    assert "would be refused" in shown(info, schema, Mode("append"))[0]


def test_a_dead_server_breaks_no_plan(
    info: ConnectionInfo, schema: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan says that it is not known; a server that answers is asked."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("WAREHOUSE_PASSWORD", info.password or "")
    project.write(
        "stoker.toml",
        '[environments.development.places]\nsource = "source"\n'
        + "".join(
            f'[environments.development.postgres.{name}]\nhost = "127.0.0.1"\nport = {number}\n'
            f'database = "{info.database}"\nuser = "{info.user}"\npassword = "secret://env/WAREHOUSE_PASSWORD"\n'
            'sslmode = "disable"\n'
            for name, number in (("alive", info.port), ("dead", port))
        ),
    )
    job = Job(
        "j",
        [
            Pipeline(
                name,
                extract={"rows": read.text("x")},
                load=write.postgres(f"{schema}.t", connection=name, mode="replace"),
            )
            for name in ("alive", "dead")
        ],
    )
    assert "COPY" not in text(make_plan(job, project.config(), None))
    told = text(make_plan(job, project.config(), None, sql=True))
    assert "     -- not known: PostgreSQL at 127.0.0.1" in told
    assert "     -- the staged table takes the name: there was no table" in told
