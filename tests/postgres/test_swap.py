"""`replace` by a swap: what comes with the table, what forbids it, and what is seen while it happens."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postgres.publisher import SCHEMA, batch, stage
from stoker import failpoints
from stoker.errors import ConnectionLostError, DefinitionError, SinkError, TransientError
from stoker.postgres.connections.connection import connect, cut
from stoker.postgres.embedded import programs
from stoker.postgres.modes.choice import Mode
from stoker.postgres.sending.copy import copy_batches
from support.servers import staging_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad
    from stoker.postgres.modes.strategy import Strategy

    Loads = Callable[..., PostgresLoad]

EVERYTHING = Path(__file__).with_name("everything.sql")


def dumped(info: ConnectionInfo, schema: str) -> list[str]:
    """The tables of a schema as pg_dump writes them, statement by statement."""
    environ = {"PGPASSWORD": info.password or ""}
    command = [
        str(programs.find().folder / "pg_dump"),
        "--schema-only",
        f"--schema={schema}",
        f"--exclude-table={schema}.stoker_*",
    ]
    connection = [f"--host={info.host}", f"--port={info.port}", f"--username={info.user}", info.database]
    text = subprocess.run([*command, *connection], env=environ, check=True, capture_output=True, text=True).stdout
    lines = [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]
    return sorted(re.split(r"(?<=;)\n", "\n".join(lines)))


def used(load: PostgresLoad) -> Strategy:
    """What was decided on when the load was prepared."""
    return load._plan().strategy


@pytest.fixture
def everything(db: Connection, schema: str) -> str:
    """A table that has one of each thing that belongs to tables; the schema."""
    db.run(f"CREATE ROLE {schema}_reader")
    db.run(EVERYTHING.read_text("utf-8").replace("{s}", schema))
    return schema


def test_all_that_belongs_to_the_table_comes_with_it(
    load: Loads, db: Connection, info: ConnectionInfo, everything: str
) -> None:
    """pg_dump writes the same before and after, and the table is another one."""
    schema = everything
    db.run(f"INSERT INTO {schema}.t (id, run) SELECT generate_series(0, 3), 'old'")
    before, [[oid]] = dumped(info, schema), db.run(f"SELECT '{schema}.t'::regclass::oid")
    sink = load(run_id="new")
    stage(sink, "new")
    assert used(sink).name == "swap", str(used(sink))
    assert sink.publish() == 100
    assert str(sink.way) == "binary COPY; swap: nothing that depends on it would be lost"
    assert db.run(f"SELECT '{schema}.t'::regclass::oid") != [[oid]]
    assert dumped(info, schema) == before
    assert db.run(f"SELECT count(*), min(run), sum(twice - 2 * id) FROM {schema}.t") == [[100, "new", 0]]


FORBIDS = {
    "view": ("CREATE VIEW {s}.w AS SELECT id FROM {s}.t", "view {s}.w depends on it"),
    "materialized view": (
        "CREATE MATERIALIZED VIEW {s}.w AS SELECT id FROM {s}.t",
        "materialized view {s}.w depends on it",
    ),
    "rule": ("CREATE RULE r AS ON DELETE TO {s}.t DO ALSO NOTIFY x", "rule r on table {s}.t depends on it"),
    "foreign key": (
        "CREATE TABLE {s}.w (t bigint REFERENCES {s}.t)",
        "constraint w_t_fkey on table {s}.w depends on it",
    ),
    "foreign key to itself": (
        "ALTER TABLE {s}.t ADD CONSTRAINT up FOREIGN KEY (parent) REFERENCES {s}.t",
        "constraint up on table {s}.t depends on it",
    ),
    "function of rows": (
        "CREATE FUNCTION {s}.f({s}.t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function {s}.f({s}.t) depends on it",
    ),
    "function with a parsed body": (
        "CREATE FUNCTION {s}.f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM {s}.t; END",
        "function {s}.f() depends on it",
    ),
    "column of rows": ("CREATE TABLE {s}.w (rows {s}.t[])", "table {s}.w depends on it"),
    "child": ("CREATE TABLE {s}.w () INHERITS ({s}.t)", "table {s}.w depends on it"),
    "parent": ("CREATE TABLE {s}.w (id bigint); ALTER TABLE {s}.t INHERIT {s}.w", "it inherits from {s}.w"),
    "publication": ("CREATE PUBLICATION {s} FOR TABLE {s}.t", "publication {s} has it"),
    "publication of the schema": ("CREATE PUBLICATION {s} FOR TABLES IN SCHEMA {s}", "publication {s} has it"),
    "invalid constraint": (
        "ALTER TABLE {s}.t ADD CONSTRAINT c CHECK (id < 900) NOT VALID",
        "constraint c is not valid",
    ),
    "rights by another": (
        """GRANT SELECT ON {s}.t TO {s}_reader WITH GRANT OPTION; SET ROLE {s}_reader;
        GRANT SELECT ON {s}.t TO PUBLIC; RESET ROLE""",
        "rights on it were granted by {s}_reader, who is not its owner",
    ),
    "rights on a sequence": (
        "GRANT USAGE ON {s}.t_number_seq TO {s}_reader",
        "its sequence t_number_seq has rights, a comment, or what depends on it",
    ),
    "trigger": (
        """CREATE FUNCTION {s}.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER each AFTER DELETE ON {s}.t FOR EACH ROW EXECUTE FUNCTION {s}.f()""",
        "trigger each would not fire",
    ),
    "default": (
        "ALTER TABLE {s}.t ADD COLUMN loaded_at timestamptz DEFAULT now()",
        "the default of column loaded_at would be computed in each task",
    ),
}
WAIVED = {"trigger", "default"}
"""What is another thing to do, but can be done."""

IN_EVERY_RUN = {"view", "foreign key", "trigger"}


@pytest.fixture
def plain(db: Connection, schema: str) -> Iterator[str]:
    """A table that can be swapped; the schema."""
    db.run(f"CREATE ROLE {schema}_reader; GRANT USAGE ON SCHEMA {schema} TO {schema}_reader")
    db.run(
        f"CREATE TABLE {schema}.t (id bigint PRIMARY KEY, run text, parent bigint, "
        "number bigint GENERATED BY DEFAULT AS IDENTITY)"
    )
    yield schema
    db.run(f"DROP PUBLICATION IF EXISTS {schema}")


@pytest.mark.parametrize(
    "what", [pytest.param(name, id=name, marks=() if name in IN_EVERY_RUN else pytest.mark.faults) for name in FORBIDS]
)
def test_what_a_swap_would_lose_forbids_it(load: Loads, db: Connection, plain: str, what: str) -> None:
    """Then `auto` deletes and inserts, and says why; who insists on a swap is told before a row is computed."""
    statement, reason = (text.replace("{s}", plain) for text in FORBIDS[what])
    sink = load(run_id="before")
    sink.prepare(SCHEMA)
    assert used(sink).name == "swap"
    db.run(statement)
    sink = load(run_id="run")
    stage(sink, "run")
    assert str(used(sink)).startswith(f"DELETE and INSERT: {reason}")
    assert sink.publish() == 100
    assert reason in str(sink.way)
    insists = load(run_id="insists", strategy="swap")
    if what in WAIVED:
        stage(insists, "insists")
        assert insists.publish() == 100
        assert str(insists.way) == "binary COPY; swap: as asked for"
    else:
        with pytest.raises(SinkError, match=re.escape(f"{plain}.t cannot be replaced by a swap: {reason}")):
            insists.prepare(SCHEMA)


def test_what_comes_up_while_rows_are_staged_counts(load: Loads, db: Connection, plain: str) -> None:
    """A view, an index or another table of that name, made in the meantime: the rows are inserted, and nothing is lost."""
    for change in (
        "CREATE VIEW {s}.w AS SELECT id FROM {s}.t",
        "CREATE INDEX added ON {s}.t (run)",
        "ALTER TABLE {s}.t RENAME TO was; CREATE TABLE {s}.t (id bigint, run text)",
    ):
        db.run(f"DROP VIEW IF EXISTS {plain}.w")
        sink = load(run_id=change)
        stage(sink, "new")
        assert used(sink).name == "swap"
        db.run(change.replace("{s}", plain))
        assert sink.publish() == 100
        assert "DELETE and INSERT: the table was altered while the load went on" in str(sink.way)
        assert db.run(f"SELECT count(*), min(run) FROM {plain}.t") == [[100, "new"]]
    db.run(f"DROP TABLE {plain}.was")
    insists = load(run_id="insists", strategy="swap")
    stage(insists, "insists")
    db.run(f"CREATE VIEW {plain}.w AS SELECT id FROM {plain}.t")
    with pytest.raises(SinkError, match="cannot be replaced by a swap: the table was altered"):
        insists.publish()


def test_sequences_go_on(load: Loads, db: Connection, schema: str) -> None:
    """The numbers of identity and serial columns are neither given twice nor begun anew."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, run text, one serial, two int GENERATED ALWAYS AS IDENTITY)")
    db.run(f"INSERT INTO {schema}.t SELECT generate_series(1, 7)")
    sink = load(run_id="new")
    stage(sink, "new")
    db.run(f"INSERT INTO {schema}.t SELECT generate_series(1, 200)")
    assert sink.publish() == 100
    assert "; swap: " in str(sink.way)
    [[least, most]] = db.run(f"SELECT min(two), max(two) FROM {schema}.t")
    assert (least, most) == (8, 107)
    assert db.run(f"INSERT INTO {schema}.t (id) VALUES (1) RETURNING one, two") == [[308, 208]]


def test_rows_of_late_attempts_are_not_swapped_in(load: Loads, db: Connection, plain: str) -> None:
    """Rows that no reported attempt brought are gone before indexes are built, which they would break; nobody adds to it later."""
    sink = load(run_id="new")
    stage(sink, "new")
    copy_batches(sink.task, [batch(range(50), "late")], 0)
    assert sink.publish() == 100
    assert "; swap: " in str(sink.way)
    assert db.run(f"SELECT count(*), min(run), max(run) FROM {plain}.t") == [[100, "new", "new"]]
    with pytest.raises(SinkError, match="does not exist"):
        copy_batches(sink.task, [batch(range(50), "later")], 0)


def test_a_table_that_was_not_there_is_the_staged_one(load: Loads, db: Connection, schema: str) -> None:
    """It gets the name; where its rows would be sent to subscribers that lack it, they are inserted instead."""
    sink = load(run_id="new")
    stage(sink, "new")
    staged = db.run(f"SELECT '{sink._plan().staging.table.sql}'::regclass::oid")
    assert sink.publish() == 100
    assert str(sink.way) == "binary COPY; the staged table takes the name: there was no table"
    assert db.run(f"SELECT oid FROM pg_class WHERE oid = '{schema}.t'::regclass AND reloptions IS NULL") == staged
    db.run(
        f"DROP TABLE {schema}.t; CREATE PUBLICATION {schema} FOR TABLES IN SCHEMA {schema} WITH (publish = 'insert')"
    )
    try:
        sink = load(run_id="other")
        stage(sink, "other")
        assert sink.publish() == 100
        assert f"DELETE and INSERT: publication {schema} has all tables of the schema" in str(sink.way)
    finally:
        db.run(f"DROP PUBLICATION {schema}")


def test_two_first_loads_make_one_table(load: Loads, db: Connection, schema: str) -> None:
    """The second finds the table of the first, and replaces its rows."""
    first, second = load(run_id="first"), load(run_id="second")
    stage(first, "first")
    stage(second, "second")
    first.publish()
    assert second.publish() == 100
    assert "DELETE and INSERT: the table was made by another while the load went on" in str(second.way)
    assert db.run(f"SELECT count(*), min(run) FROM {schema}.t") == [[100, "second"]]


def test_truncate_is_done_when_asked_for(load: Loads, db: Connection, plain: str) -> None:
    """The table stays the same one, and what depends on it too."""
    db.run(f"CREATE VIEW {plain}.w AS SELECT id FROM {plain}.t; INSERT INTO {plain}.t VALUES (7, 'old')")
    sink = load(run_id="new", strategy="truncate")
    stage(sink, "new")
    assert sink.publish() == 100
    assert str(sink.way) == "binary COPY; TRUNCATE and INSERT: as asked for"
    assert db.run(f"SELECT count(*) FROM {plain}.w") == [[100]]


def test_a_swapped_table_is_frozen_and_analysed(load: Loads, db: Connection, plain: str) -> None:
    """Nothing is left to do for the first reader, and autovacuum looks after the table again."""
    sink = load(run_id="new")
    stage(sink, "new")
    sink.publish()
    [[rows, visible, pages, options]] = db.run(
        f"SELECT reltuples, relallvisible, relpages, reloptions FROM pg_class WHERE oid = '{plain}.t'::regclass"
    )
    assert (rows, visible, options) == (100, pages, None)
    assert db.run(f"SELECT count(*) FROM pg_stats WHERE schemaname = '{plain}' AND tablename = 't'") == [[4]]


def test_rows_that_break_a_foreign_key_are_not_published(load: Loads, db: Connection, plain: str) -> None:
    """The table is named as people know it."""
    db.run(f"CREATE TABLE {plain}.few (id bigint PRIMARY KEY); INSERT INTO {plain}.few VALUES (0)")
    db.run(f"ALTER TABLE {plain}.t ADD CONSTRAINT known FOREIGN KEY (id) REFERENCES {plain}.few")
    sink = load(run_id="new")
    stage(sink, "new")
    with pytest.raises(SinkError, match=r'table "t" violates foreign key constraint "known"; Key \(id\)='):
        sink.publish()
    assert db.run(f"SELECT count(*) FROM {plain}.t") == [[0]]


def test_a_table_that_is_referred_to_is_waited_for_without_the_lock(
    load: Loads, info: ConnectionInfo, db: Connection, plain: str
) -> None:
    """Readers of the target go on while a reader of the other table holds the swap up, which then gives way to DELETE."""
    db.run(
        f"CREATE TABLE {plain}.few AS SELECT generate_series(0, 99) AS id; ALTER TABLE {plain}.few ADD PRIMARY KEY (id)"
    )
    db.run(f"ALTER TABLE {plain}.t ADD CONSTRAINT known FOREIGN KEY (id) REFERENCES {plain}.few")
    sink = load(run_id="old")
    stage(sink, "old")
    sink.publish()
    assert "; swap: " in str(sink.way)
    reader = connect(info)
    reader.run(f"BEGIN; SELECT count(*) FROM {plain}.few")
    insists = load(run_id="insists", strategy="swap", wait=0.2)
    stage(insists, "insists")
    with pytest.raises(TransientError, match=f"pid {reader.run('SELECT pg_backend_pid()')[0][0]} of .*pg_backend_pid"):
        insists.publish()
    gives_way = load(run_id="new", wait=0.2)
    stage(gives_way, "new")
    assert gives_way.publish() == 100
    assert "DELETE and INSERT: others had a lock on it for 0.2 s" in str(gives_way.way)
    cut(reader)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "READ COMMITTED"])
def test_an_older_snapshot_never_sees_a_part(
    load: Loads, info: ConnectionInfo, db: Connection, plain: str, level: str
) -> None:
    """A report that began while rows were staged, and reads the table later, sees the old rows; without a snapshot the new ones."""
    db.run(f"INSERT INTO {plain}.t VALUES (7, 'old')")
    report = connect(info)
    sink = load(run_id="new")
    sink.prepare(SCHEMA)
    first = (0, *copy_batches(sink.task, [batch(range(50), "new")], 0))
    report.run(f"BEGIN ISOLATION LEVEL {level}; SELECT 1")
    sink._report([first, (1, *copy_batches(sink.task, [batch(range(50, 100), "new")], 1))])
    assert sink.publish() == 100
    pid = report.run("SELECT pg_backend_pid()")[0][0]
    seen = report.run(f"SELECT count(*), min(run) FROM {plain}.t")
    if level == "READ COMMITTED":
        assert "; swap: " in str(sink.way)
        assert seen == [[100, "new"]]
    else:
        assert f"DELETE and INSERT: pid {pid} may have a snapshot that is older" in str(sink.way)
        assert seen == [[1, "old"]]
    cut(report)


def test_a_table_of_another_role_keeps_its_owner(load: Loads, info: ConnectionInfo, db: Connection, plain: str) -> None:
    """Who is a member of the owner swaps too; who is not deletes and inserts."""
    db.run(f"GRANT CREATE ON SCHEMA {plain} TO {plain}_reader; ALTER TABLE {plain}.t OWNER TO {plain}_reader")
    db.run(f"ALTER TABLE {plain}.t ADD COLUMN one serial; GRANT INSERT ON {plain}.t TO PUBLIC")
    before = dumped(info, plain)
    sink = load(run_id="new")
    stage(sink, "new")
    sink.publish()
    assert "; swap: " in str(sink.way)
    assert dumped(info, plain) == before


def test_a_right_that_is_missing_is_no_failure(load: Loads, info: ConnectionInfo, db: Connection, plain: str) -> None:
    """A member of the owner's role may insert, and may not make a foreign key as the owner could: then rows are inserted."""
    owner, member = f"{plain}_reader", f"{plain}_member"
    db.run(
        f"CREATE TABLE {plain}.few AS SELECT generate_series(0, 99) AS id; ALTER TABLE {plain}.few ADD PRIMARY KEY (id)"
    )
    db.run(f"ALTER TABLE {plain}.t ADD FOREIGN KEY (id) REFERENCES {plain}.few; ALTER TABLE {plain}.t OWNER TO {owner}")
    db.run(f"CREATE ROLE {member} LOGIN PASSWORD 'm' IN ROLE {owner}")
    db.run(f"GRANT CREATE, USAGE ON SCHEMA {plain} TO {owner}, {member}")
    sink = load(run_id="new", info=dataclasses.replace(info, user=member, password="m"))
    stage(sink, "new")
    assert used(sink).name == "swap"
    assert sink.publish() == 100
    assert str(sink.way) == "binary COPY; DELETE and INSERT: permission denied for table few"
    assert db.run(f"SELECT count(*) FROM {plain}.t") == [[100]]


def test_default_rights_are_not_given_to_the_table(
    load: Loads, info: ConnectionInfo, db: Connection, plain: str
) -> None:
    """Rights that a new table would get by itself were taken from this one, or never given."""
    db.run(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {plain} GRANT ALL ON TABLES TO PUBLIC")
    db.run(f"GRANT UPDATE (run) ON {plain}.t TO {plain}_reader; COMMENT ON COLUMN {plain}.t.run IS 'of the load'")
    before = dumped(info, plain)
    sink = load(run_id="new")
    stage(sink, "new")
    sink.publish()
    assert "; swap: " in str(sink.way)
    assert dumped(info, plain) == before


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=() if point == "swapped" else pytest.mark.faults)
        for point in ("sealed", "built", "ledger", "old_dropped", "swapped", "before_commit")
    ],
)
def test_a_swap_that_is_cut_leaves_the_old_table(
    load: Loads, info: ConnectionInfo, db: Connection, everything: str, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """With all that belongs to it; what was staged is gone with the next load, which swaps."""
    db.run(f"INSERT INTO {everything}.t (id, run) VALUES (7, 'old')")
    before = dumped(info, everything)
    sink = load(run_id="new")
    stage(sink, "new")
    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "_armed", failpoints._parse(f"postgres.publish.{point}:raise"))
        with pytest.raises((OSError, ConnectionLostError), match=f"postgres.publish.{point}"):
            sink.publish()
    # As if the process were dead.
    if sink._driver._connection is not None:
        cut(sink._driver._connection)
    assert db.run(f"SELECT run FROM {everything}.t") == [["old"]]
    assert dumped(info, everything) == before
    again = load(run_id="new")
    assert again.published() is None
    stage(again, "new")
    assert len(staging_tables(db, everything)) == 1
    assert again.publish() == 100
    assert "; swap: " in str(again.way)
    assert dumped(info, everything) == before


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (Mode("replace", strategy="swop"), r"strategy='swop' is none\. Did you mean 'swap'"),
        (Mode("append", strategy="delete"), r"strategy= belongs to mode='replace', and the mode is 'append'\."),
    ],
)
def test_a_wrong_strategy_is_refused_where_it_is_declared(mode: Mode, told: str) -> None:
    """With the close names, or the mode that it belongs to."""
    with pytest.raises(DefinitionError, match=told):
        mode.check("write.postgres('t')")
