"""Loads into the test's own schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from stoker.postgres.loading import PostgresLoad
from stoker.postgres.modes.choice import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stoker.postgres.connections.connection import ConnectionInfo


@pytest.fixture
def load(info: ConnectionInfo, schema: str) -> Iterator[Callable[..., PostgresLoad]]:
    """Makes loads into `schema`.`table`, which are discarded at the end of the test."""
    made: list[PostgresLoad] = []

    def make(table: str = "t", *, mode: str | Mode = "replace", run_id: str = "run", **options: Any) -> PostgresLoad:
        options = {"sink": "sink", "wait": 20.0, **options}
        names = ("key", "latest_by", "delete_missing", "by", "strategy")
        given = {name: options.pop(name) for name in names if name in options}
        how = mode if isinstance(mode, Mode) else Mode(mode, **given)
        made.append(PostgresLoad(options.pop("info", info), f"{schema}.{table}", mode=how, run_id=run_id, **options))
        return made[-1]

    yield make
    for each in made:
        each.discard()


@pytest.fixture
def url(info: ConnectionInfo) -> str:
    """The server, as a program outside of any project would name it."""
    password = quote(info.password or "", safe="")
    return f"postgresql://{info.user}:{password}@{info.host}:{info.port}/{info.database}?sslmode=disable"
