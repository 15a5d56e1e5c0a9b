from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from stoker.config import ConfigSource
from stoker.errors import ConfigurationError
from stoker.secrets import remember
from support.configuration import FOLDER, load

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = """
[jobs]
flights = "flights.pipelines:job"
[spark]
"spark.hadoop.fs.s3a.secret.key" = "EMR.secret@reference"
"spark.app.note" = "opens sesame"
[environments.testing.places]
source = "data"
lake = "s3://lake"
[environments.testing.postgres.warehouse]
host = "db.internal"
database = "d"
user = "u"
password = "hunter2hunter2"
sslrootcert = "ca.pem"
[environments.testing.postgres.mart]
host = "db.internal"
database = "d"
user = "u"
password = "secret://aws/mart#password"
[environments.testing.postgres.scratch]
embedded = true
"""


@pytest.mark.parametrize(
    ("ask", "what", "next_step"),
    [
        (
            lambda: load(TEXT, "testing").place("lakes"),
            "The place 'lakes' is not configured for testing in stoker.toml. Did you mean 'lake'?",
            'Add lakes = "..." to [environments.testing.places] in stoker.toml.',
        ),
        (
            lambda: load(TEXT).place("lake"),
            "The place 'lake' is not configured for development in stoker.toml. There are none.",
            'Add lake = "..." to [environments.development.places] in stoker.toml.',
        ),
        (
            lambda: load(TEXT, "testing").connection("warehose"),
            "The connection 'warehose' is not configured for testing in stoker.toml. Did you mean 'warehouse'?",
            (
                "Add embedded = true, or url, or host, database, user and password to [environments.testing.postgres.warehose] in "
                "stoker.toml."
            ),
        ),
        (
            lambda: load(TEXT, "production").place("my lake"),
            "The place 'my lake' is not configured for production in stoker.toml. There are none.",
            'Add "my lake" = "..." to [environments.production.places] in stoker.toml.',
        ),
    ],
)
def test_an_unknown_place_or_connection_is_told_with_the_table_to_add_it_to(
    ask: Callable[[], object], what: str, next_step: str
) -> None:
    """File, environment, table, and names that are close."""
    with pytest.raises(ConfigurationError) as caught:
        ask()

    assert caught.value.what == what
    assert caught.value.next_step == next_step


def test_the_public_configuration_is_json_without_secrets() -> None:
    """A password in the file is masked, a reference is shown, and so is everything else."""
    remember("sesame")
    public = load(TEXT, "testing").public()

    assert json.loads(json.dumps(public)) == public
    assert public == {
        "source": "stoker.toml",
        "folder": "/project",
        "jobs": {"flights": "flights.pipelines:job"},
        "run": {
            "records": "/project/.stoker/runs",
            "parallel": None,
            "fail_fast": False,
            "lease_wait": 600.0,
            "retries": 0,
            "retry_wait": 5.0,
        },
        "spark": {"spark.hadoop.fs.s3a.secret.key": "***", "spark.app.note": "opens ***"},
        "places": {"source": "/project/data", "lake": "s3://lake"},
        "postgres": {
            "warehouse": {
                "host": "db.internal",
                "port": 5432,
                "database": "d",
                "user": "u",
                "sslmode": "verify-full",
                "connect_timeout": 10.0,
                "sslrootcert": "/project/ca.pem",
                "password": "***",
            },
            "mart": {
                "host": "db.internal",
                "port": 5432,
                "database": "d",
                "user": "u",
                "sslmode": "verify-full",
                "connect_timeout": 10.0,
                "password": "secret://aws/mart#password",
            },
            "scratch": {"embedded": True, "folder": "/project/.stoker/postgres"},
        },
        "logging": {"level": None, "levels": {}, "destinations": None, "s3": None},
    }


def test_no_repr_shows_a_password() -> None:
    """Neither that of a connection, nor that of the whole, which holds the file's text."""
    config = load(TEXT, "testing")

    for shown in (repr(config), str(config), repr(config.postgres["warehouse"]), repr(config.source)):
        assert "hunter2" not in shown


def test_a_source_shows_its_name_and_folder_only() -> None:
    """Its text may hold a password."""
    assert repr(ConfigSource("hunter2", "stoker.toml", FOLDER)) == (
        f"ConfigSource(name='stoker.toml', folder={FOLDER!r})"
    )
