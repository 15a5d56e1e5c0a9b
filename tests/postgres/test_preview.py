"""What a load would do, shown before it does it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from stoker import Job, Pipeline, read, write
from stoker.cli.plan import text
from stoker.errors import SinkError
from stoker.job.plan import make_plan
from stoker.postgres.modes.choice import Mode
from stoker.postgres.names import LoadTarget
from stoker.postgres.options import LoadOptions
from stoker.postgres.preview import preview

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.connections.info import ConnectionInfo
    from support.project import Project


def shown(info: ConnectionInfo, schema: str, mode: Mode, **options: Any) -> list[str]:
    """The lines, with short names."""
    lines = preview(info, LoadTarget(schema, "t"), mode, LoadOptions.of("write", **options))
    return [line.replace(f'"{schema}".', "") for line in lines]


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


def test_what_the_load_names_is_shown_where_there_is_no_table(info: ConnectionInfo, schema: str) -> None:
    """The key, the partitions' columns, and the types that the user says; the frame's others are not known."""
    lines = shown(
        info, schema, Mode("upsert", key=("id", "day"), latest_by="at"), columns={"id": "uuid", "tags": "jsonb"}
    )
    listed = '"id" uuid, "day" ..., "at" ..., "tags" jsonb, "other columns of the frame" ...'
    assert f'CREATE TABLE IF NOT EXISTS "t" ({listed}, PRIMARY KEY ("id", "day"));' in lines
    told = "-- of rows with one key the one with the highest 'at' counts; a key (id, day) that is null, or there twice, is refused"
    assert told in lines
    lines = shown(info, schema, Mode("replace_partitions", by=("day",)))
    assert 'CREATE TABLE IF NOT EXISTS "t" ("day" ..., "other columns of the frame" ...);' in lines


def test_wrong_names_are_told_as_by_a_run(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """A key that the table has not, or fills itself, and a type that the server does not know."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, twice bigint GENERATED ALWAYS AS (id * 2) STORED)")
    with pytest.raises(SinkError, match=r"no column 'idd' that rows could be loaded into.*Did you mean 'id'"):
        shown(info, schema, Mode("upsert", key=("idd",)))
    with pytest.raises(SinkError, match="no column 'twice' that"):
        shown(info, schema, Mode("replace_partitions", by=("twice",)))
    with pytest.raises(SinkError, match="knows no type 'jsonbb'"):
        shown(info, schema, Mode("replace"), columns={"id": "jsonbb"})


def test_each_mode_is_shown_with_the_users_statements(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """The staging table with what it is held to, what changes the target, what `before` and `after` do, in one transaction."""
    db.run(
        f"CREATE TABLE {schema}.t (id bigint NOT NULL CHECK (id > 0)); CREATE VIEW {schema}.w AS SELECT id FROM {schema}.t"
    )
    changes = {
        Mode("append"): ["INSERT INTO"],
        Mode("replace"): ["LOCK TABLE", "DELETE FROM", "INSERT INTO"],
        Mode("replace", strategy="truncate"): ["TRUNCATE", "INSERT INTO"],
        Mode("upsert", key=("id",), delete_missing=True): ["LOCK TABLE", "DELETE FROM", "INSERT INTO"],
        Mode("replace_partitions", by=("id",)): ["LOCK TABLE", "DELETE FROM", "INSERT INTO"],
    }
    for mode, expected in changes.items():
        lines = shown(info, schema, mode, before="SET LOCAL work_mem = '1GB';", after=["SELECT 1", "SELECT 2"])
        created = 'CREATE UNLOGGED TABLE "staged" ("id" bigint NOT NULL, CONSTRAINT t_id_check CHECK ((id > 0)))'
        assert f"{created} USING heap WITH (autovacuum_enabled = false);" in lines
        places = [next(at for at, line in enumerate(lines) if line.startswith(f'{begin} "t"')) for begin in expected]
        order = [lines.index("BEGIN;"), lines.index("SET LOCAL work_mem = '1GB';"), *places]
        order += [lines.index(line) for line in ("SELECT 1;", "SELECT 2;", 'ANALYZE (SKIP_LOCKED) "t";', "COMMIT;")]
        assert order == sorted(order)


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
