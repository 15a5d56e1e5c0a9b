"""PostgreSQL itself: restarted, cut off at the commit, and with no connection to spare."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from behaviour.sinks import CASES, every_case
from postgres.proxies import Relay
from stoker.pipeline import run as pipeline_run
from stoker.postgres import embedded, loading, outcome
from stoker.postgres import publish as publishing
from stoker.postgres.connections.connection import connect, cut
from support.loads import write_rows
from support.servers import connection_info

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg8000.native import Connection

    from behaviour.target import Target
    from stoker.postgres.connections.connection import ConnectionInfo

MODULES = {"pipeline": pipeline_run, "postgres.publish": publishing, "postgres.stage": loading}
TABLES = every_case(always=["postgres-append"], where=lambda case: case.kind.name == "postgres")


@dataclass
class Mortal:
    """A server that comes back at the same address."""

    folder: Path
    relay: Relay

    def restart(self, how: str) -> None:
        """Down and up: `stop` ends sessions and keeps what it has, `crash` loses what is not logged."""
        running = embedded.status(self.folder)
        assert running is not None
        if how == "crash":
            postmaster = psutil.Process(running.pid)
            postmaster.kill()
            postmaster.wait(10)
        else:
            embedded.stop(self.folder)
        self.relay.cut_all()
        server = embedded.start(self.folder)
        self.relay.towards(server.host, server.port)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Mortal]:
    """A server of this module's own."""
    folder = Path(tempfile.mkdtemp(prefix="stoker-mortal-"))
    folder.chmod(0o711)
    server = embedded.start(folder)
    with Relay(server.host, server.port) as relay:
        yield Mortal(folder, relay)
    embedded.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def info(mortal: Mortal) -> ConnectionInfo:
    """How to connect to it, for `target` too."""
    server = embedded.status(mortal.folder)
    assert server is not None
    return replace(connection_info(server), port=mortal.relay.port)


class Steady:
    """A connection that is opened again when it was lost."""

    def __init__(self, info: ConnectionInfo) -> None:
        self._info = info
        self._connection: Connection | None = None

    def run(self, sql: str, **parameters: Any) -> Any:
        """As that of pg8000."""
        for last in (False, True):
            try:
                self._connection = self._connection or connect(self._info)
                return self._connection.run(sql, **parameters)
            except Exception:
                self.close()
                if last:
                    raise
        return None

    def close(self) -> None:
        """For good, or until it is used again."""
        if self._connection is not None:
            cut(self._connection)
        self._connection = None


@pytest.fixture
def db(info: ConnectionInfo) -> Iterator[Steady]:
    """Looks on, over restarts."""
    steady = Steady(info)
    yield steady
    steady.close()


def at(patch: pytest.MonkeyPatch, point: str, do: Callable[[], None]) -> None:
    """Do something at a failpoint, the first time that it is passed."""
    left = [do]

    def failpoint(name: str) -> None:
        if name == point and left:
            left.pop()()

    module = next(module for prefix, module in MODULES.items() if point.startswith(prefix))
    patch.setattr(module, "failpoint", failpoint)


def with_retries(target: Target) -> None:
    """The run tries again what may pass."""
    toml = target.folder / "stoker.toml"
    toml.write_text(toml.read_text() + "\n[run]\nretries = 1\nretry_wait = 0.1\n")


@pytest.mark.parametrize(
    ("how", "point"),
    [
        pytest.param(how, point, marks=() if (how, point) == ("crash", "pipeline.all_staged") else pytest.mark.faults)
        for how in ("stop", "crash")
        for point in ("postgres.stage.created", "pipeline.all_staged", "postgres.publish.inserted")
    ],
)
@pytest.mark.parametrize("target", TABLES, indirect=True)
def test_a_restart_of_the_server_is_survived(
    target: Target, mortal: Mortal, how: str, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it has lost, the run's next try loads exact rows."""
    with_retries(target)
    target.load(1, "first")
    at(monkeypatch, point, lambda: mortal.restart(how))

    target.load(2, "second", "23")

    target.assert_all_see(target.after((1, ""), (2, "23")))


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(how, marks=() if how == "after" else pytest.mark.faults)
        for how in ("before", "after", "silently", "late")
    ],
)
@pytest.mark.parametrize("target", TABLES, indirect=True)
def test_a_connection_that_is_lost_at_the_commit_changes_nothing(
    target: Target, mortal: Mortal, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome is found out: what was committed is not loaded again, and what was not is."""
    monkeypatch.setattr(outcome, "_GRACE", 0.5 if how == "silently" else 5.0)
    with_retries(target)
    target.load(1, "first")
    at(monkeypatch, "postgres.publish.before_commit", lambda: mortal.relay.cut_at_commit(how))

    record = target.load(2, "second", "23")

    assert len(record.pipelines[0].attempts) == (0 if how in {"after", "late"} else 1)
    target.assert_all_see(target.after((1, ""), (2, "23")))


@pytest.mark.parametrize("how", ["before", pytest.param("after", marks=pytest.mark.faults)])
@pytest.mark.parametrize("target", TABLES, indirect=True)
def test_a_commit_whose_outcome_is_unknown_is_settled_by_the_same_run_id(
    target: Target, mortal: Mortal, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is away afterwards: the run has failed, is not tried again, and says what to do."""
    monkeypatch.setattr(outcome, "_PATIENCE", 0.5)
    with_retries(target)
    target.load(1, "first")
    write_rows(target.folder, "2", (2, 3))
    at(monkeypatch, "postgres.publish.before_commit", lambda: mortal.relay.cut_at_commit(how, then_refuse=True))

    record = target.run("second")
    mortal.relay.open()

    error = record.pipelines[0].error
    assert error
    assert error["type"] == "UnknownCommitError"
    assert "either all of the new rows or none" in str(error["state"])
    assert record.pipelines[0].attempts == []
    target.load(2, "second", "23")
    target.assert_all_see(target.after((1, ""), (2, "23")))


@pytest.mark.faults
@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("target", [CASES["postgres-replace"]], ids=str, indirect=True)
def test_tasks_take_turns_where_connections_are_few(
    target: Target, limit: int, info: ConnectionInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one beside the driver's the load takes longer; with none it fails for a reason that may pass."""
    assert target.db is not None
    role, schema = "few", target.where.partition(".")[0]
    target.db.run(f"CREATE ROLE {role} LOGIN PASSWORD '{info.password}' CONNECTION LIMIT {limit}")
    target.db.run(f"GRANT ALL ON SCHEMA {schema} TO {role}")
    monkeypatch.setenv("STOKER_POSTGRES__WAREHOUSE__USER", role)
    monkeypatch.setenv("STOKER_POSTGRES__WAREHOUSE__CONNECT_RETRY", "20" if limit > 1 else "1")
    try:
        write_rows(target.folder, "1")
        record = target.run("first")
        if limit == 1:
            assert (record.pipelines[0].error or {})["type"] == "TransientError"
            assert "too many connections" in str(record.pipelines[0].error)
            target.assert_all_see([])
        else:
            target.must(record)
            target.assert_all_see(target.after((1, "")))
    finally:
        target.db.run(f"DROP OWNED BY {role}")
        target.db.run(f"DROP ROLE {role}")
