from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from postgres.poolers import PGBOUNCER, FakePooler, pgbouncer
from postgres.publisher import stage
from stoker.errors import ConfigurationError, StokerError, TransientError
from stoker.postgres.connections.connection import connect, connect_patiently, cut
from stoker.postgres.connections.session import lift_time_outs, open_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad

bouncing = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")


def refusal(info: ConnectionInfo) -> StokerError:
    """What opening a session raises."""
    with pytest.raises(StokerError) as refused:
        cut(open_session(info))
    return refused.value


def test_the_session_of_a_load_has_no_time_outs_but_its_own(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """A role's would end it while Spark works."""
    db.run(f"CREATE ROLE r_{schema} LOGIN PASSWORD 'made-up'")
    try:
        for name in ("statement_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout"):
            db.run(f"ALTER ROLE r_{schema} SET {name} = '5min'")
        hurried = dataclasses.replace(info, user=f"r_{schema}", password="made-up", statement_timeout=1.5)
        connection = open_session(hurried)
        try:
            assert connection.run("SHOW statement_timeout") == [["1500ms"]]
            for name in ("idle_session_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"):
                assert connection.run(f"SHOW {name}") == [["0"]]
        finally:
            cut(connection)
        connection = connect(hurried)
        try:
            connection.run("BEGIN")
            lift_time_outs(connection, hurried, local=True)
            assert connection.run("SHOW idle_session_timeout") == [["0"]]
            connection.run("ROLLBACK")
            assert connection.run("SHOW idle_session_timeout") == [["5min"]]
        finally:
            cut(connection)
    finally:
        db.run(f"DROP ROLE r_{schema}")


@pytest.mark.parametrize(("sessions", "newest"), [(1, True), (3, True), (3, False)])
def test_a_pooler_that_shares_sessions_is_refused(info: ConnectionInfo, sessions: int, newest: bool) -> None:
    """Whichever session it gives next, and also if we are alone with it."""
    with FakePooler(info, sessions, newest=newest) as pooled:
        error = refusal(pooled)
    assert isinstance(error, ConfigurationError)
    assert "gives each transaction another session" in error.what
    assert "pool_mode = session" in str(error.next_step)


@bouncing
@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_pgbouncer_that_shares_sessions_is_refused(info: ConnectionInfo, tmp_path: Path, mode: str) -> None:
    """By the real one."""
    with pgbouncer(info, tmp_path, mode) as pooled:
        error = refusal(pooled)
    assert isinstance(error, ConfigurationError)
    assert "gives each transaction another session" in error.what


@bouncing
def test_a_load_works_by_pgbouncer_with_sessions(
    info: ConnectionInfo, tmp_path: Path, load: Callable[..., PostgresLoad], db: Connection, schema: str
) -> None:
    """With pool_mode = session, where a connection keeps what it has locked and set."""
    with pgbouncer(info, tmp_path, "session") as pooled:
        sink = load(info=pooled)
        stage(sink, "new")
        assert sink.publish() == 100
        sink.discard()
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[100]]


@bouncing
def test_what_pgbouncer_refuses_is_told_by_what_may_pass(info: ConnectionInfo, tmp_path: Path) -> None:
    """It has one SQLSTATE for everything."""
    with pgbouncer(info, tmp_path, "session", max_client_conn=2, default_pool_size=1, query_wait_timeout=1) as pooled:
        for database in ("unknown", "nowhere", "wrong"):
            # The client of before may not have left yet, so that for a moment there is no room for another.
            other = dataclasses.replace(pooled, database=database, connect_retry=10)
            assert isinstance(refusal(other), ConfigurationError)
        # One session for the load, none for a task.
        for seconds in (0.5, 5):  # we give up, and PgBouncer does
            error = refusal(dataclasses.replace(pooled, connect_timeout=seconds, connect_retry=10))
            assert type(error) is TransientError
            assert "no second session free" in error.what
        patient = dataclasses.replace(pooled, connect_retry=10)
        first, second = connect_patiently(patient), connect_patiently(patient)
        try:
            assert "no connection free" in refusal(pooled).what
        finally:
            cut(first)
            cut(second)
