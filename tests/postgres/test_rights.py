from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from postgres.publisher import SCHEMA, stage
from stoker.errors import SinkError, StokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad


@pytest.fixture
def role(db: Connection, schema: str, info: ConnectionInfo) -> Iterator[ConnectionInfo]:
    """A role that may nothing yet, where not even PUBLIC may connect."""
    name = f"r_{schema}"
    database = info.database
    db.run(f"CREATE ROLE {name} LOGIN PASSWORD 'made-up'")
    db.run(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    db.run(f"CREATE TABLE {schema}.t (id bigint PRIMARY KEY, run text)")
    yield dataclasses.replace(info, user=name, password="made-up")
    db.run(f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO PUBLIC")
    db.run(f"DROP OWNED BY {name}")
    db.run(f"DROP ROLE {name}")


@pytest.mark.parametrize(
    ("options", "rights"),
    [
        ({"mode": "append"}, ["INSERT"]),
        ({"mode": "replace"}, ["INSERT", "DELETE"]),
        ({"mode": "replace_partitions", "by": ("run",)}, ["INSERT", "SELECT", "DELETE"]),
        ({"mode": "upsert", "key": ("id",)}, ["INSERT", "SELECT", "UPDATE"]),
        ({"mode": "upsert", "key": ("id",), "delete_missing": True}, ["INSERT", "SELECT", "UPDATE", "DELETE"]),
    ],
    ids=["append", "replace", "replace partitions", "upsert", "upsert and delete"],
)
def test_the_rights_of_the_page_are_enough(
    role: ConnectionInfo,
    load: Callable[..., PostgresLoad],
    db: Connection,
    schema: str,
    options: dict[str, Any],
    rights: list[str],
) -> None:
    """What `docs/database/DATABASE_CONNECTIVITY.md` grants, for a table of somebody else; and each is needed."""
    grants = [f"CONNECT ON DATABASE {role.database}", f"USAGE, CREATE ON SCHEMA {schema}"]
    grants += [f"{right} ON {schema}.t" for right in rights]
    db.run(f"INSERT INTO {schema}.t VALUES (1000, 'old')")
    if options["mode"] == "upsert":
        db.run(f"INSERT INTO {schema}.t VALUES (1, 'old')")
    for at, grant in enumerate(grants):
        with pytest.raises(StokerError, match="GRANT" if at else "refuses the user"):
            load(info=role, **options).prepare(SCHEMA)
        db.run(f"GRANT {grant} TO {role.user}")
    sink = load(info=role, **options)
    stage(sink, "new")
    assert sink.publish() == 100


def test_two_roles_share_a_schema(
    role: ConnectionInfo, load: Callable[..., PostgresLoad], db: Connection, schema: str
) -> None:
    """The second needs the ledger that the first has made."""
    stage(first := load(run_id="one"), "one")
    first.publish()
    for grant in (f"CONNECT ON DATABASE {role.database}", f"USAGE, CREATE ON SCHEMA {schema}"):
        db.run(f"GRANT {grant} TO {role.user}")
    db.run(f"GRANT INSERT, DELETE ON {schema}.t TO {role.user}")
    with pytest.raises(SinkError, match="permission denied for table stoker_loads"):
        load(run_id="two", info=role).published()
    db.run(f"GRANT SELECT, INSERT ON {schema}.stoker_loads TO {role.user}")
    sink = load(run_id="two", info=role)
    stage(sink, "two")
    assert sink.publish() == 100
