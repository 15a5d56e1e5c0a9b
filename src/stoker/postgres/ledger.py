"""`stoker_loads`: which run has published what, written in the transaction that publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.postgres.names import LoadTarget

if TYPE_CHECKING:
    from datetime import datetime

    from pg8000.native import Connection

NAME = "stoker_loads"
_LOCK = int.from_bytes(b"stloads", "big")


@dataclass(frozen=True)
class LoadedRows:
    """What a run has published into a target."""

    rows: int
    loaded_at: datetime
    target: str


@dataclass(frozen=True)
class Ledger:
    """The ledger of a schema, for one sink of one run."""

    schema: str
    run_id: str
    sink: str
    target: str

    @property
    def table(self) -> LoadTarget:
        """The ledger's table."""
        return LoadTarget(self.schema, NAME)

    def find(self, connection: Connection) -> LoadedRows | None:
        """What the run has published.

        Raises:
            SinkError: If it was into another target: the run id, or the sink's name, was given twice.
        """
        if connection.run("SELECT to_regclass(:name)", name=self.table.sql)[0][0] is None:
            return None
        rows = connection.run(
            f"SELECT rows, loaded_at, target FROM {self.table.sql} WHERE run_id = :run_id AND sink = :sink",  # noqa: S608 - quoted
            run_id=self.run_id,
            sink=self.sink,
        )
        if not rows:
            return None
        found = LoadedRows(*rows[0])
        if found.target != self.target:
            raise SinkError(
                f"The run {self.run_id!r} has loaded its sink {self.sink!r} into {found.target} already, "
                f"and now it should be {self.target}.",
                state=f"{found.target} has the rows of that load; nothing was published into {self.target}.",
                next_step="Run with another run id.",
            )
        return found

    def last_rows(self, connection: Connection) -> int | None:
        """Rows that the last other run has published for the sink into the target; None if there was none."""
        rows = connection.run(
            f"SELECT rows FROM {self.table.sql} WHERE sink = :sink AND target = :target AND run_id <> :run_id "  # noqa: S608 - quoted
            "ORDER BY loaded_at DESC LIMIT 1",
            sink=self.sink,
            target=self.target,
            run_id=self.run_id,
        )
        return int(rows[0][0]) if rows else None

    def ensure(self, connection: Connection) -> None:
        """Create the ledger if there is none, and have the server check that we can write it. Inside a transaction."""
        name = self.table.sql
        if connection.run("SELECT to_regclass(:name)", name=name)[0][0] is None:
            # IF NOT EXISTS alone fails when two create it at the same moment.
            connection.run("SELECT pg_advisory_xact_lock(:key)", key=_LOCK)
            connection.run(
                f"CREATE TABLE IF NOT EXISTS {name} (run_id text NOT NULL, sink text NOT NULL, target text NOT NULL, "
                "rows bigint NOT NULL, loaded_at timestamp with time zone NOT NULL DEFAULT now(), "
                "PRIMARY KEY (run_id, sink))"
            )
        connection.run(f"EXPLAIN {_insert(name)} VALUES ('', '', '', 0) ON CONFLICT (run_id, sink) DO NOTHING")

    def statement(self) -> str:
        """The statement that writes the load, and answers no row if the run has published before.

        Its parameters are `run_id`, `sink`, `target` and `rows`.
        """
        return (
            f"{_insert(self.table.sql)} VALUES (:run_id, :sink, :target, :rows) "
            "ON CONFLICT (run_id, sink) DO NOTHING RETURNING rows"
        )


def _insert(name: str) -> str:
    return f"INSERT INTO {name} (run_id, sink, target, rows)"
