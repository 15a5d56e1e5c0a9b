from __future__ import annotations

import logging
from pathlib import Path

import pytest

from stoker.secrets import SecretRef, redact
from support.configuration import FOLDER, load, mistakes

SERVER = 'host = "db.internal"\ndatabase = "d"\nuser = "u"\n'
BOTH = """
[environments.development.postgres.warehouse]
embedded = true
[environments.production.postgres.warehouse]
host = "db.internal"
database = "warehouse"
user = "etl"
password = "secret://aws/warehouse#password"
"""


def test_a_server_is_reached_with_tls_that_is_verified() -> None:
    """The defaults are the careful ones."""
    connection = load("[postgres.w]\n" + SERVER).connection("w")

    assert not connection.embedded
    assert (connection.host, connection.port, connection.database, connection.user) == ("db.internal", 5432, "d", "u")
    assert connection.password is None
    assert connection.sslmode == "verify-full"
    assert connection.connect_timeout == 10.0


def test_every_key_is_taken() -> None:
    """None of them is lost on the way."""
    connection = load(
        f'[postgres.w]\n{SERVER}port = 6432\npassword = "secret://file/pw"\nsslmode = "verify-ca"\n'
        'sslrootcert = "certs/ca.pem"\nconnect_timeout = 3\nsslcert = "certs/client.pem"\nsslkey = "certs/client.key"\n'
    ).connection("w")

    assert connection.port == 6432
    assert connection.password == SecretRef("file", "pw")
    assert connection.sslmode == "verify-ca"
    assert connection.sslrootcert == FOLDER / "certs/ca.pem"
    assert connection.sslcert == FOLDER / "certs/client.pem"
    assert connection.sslkey == SecretRef("file", str(FOLDER / "certs/client.key"))
    assert connection.connect_timeout == 3.0
    assert isinstance(connection.connect_timeout, float)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "db.localhost", "localhost.", "127.0.0.1", "127.9.9.9", "::1"]
)
def test_this_machine_needs_no_tls(host: str) -> None:
    """Nobody listens in between; what the file says counts all the same."""
    text = f'[postgres.w]\nhost = "{host}"\ndatabase = "d"\nuser = "u"\n'

    assert load(text).connection("w").sslmode == "disable"
    assert load(text + 'sslmode = "require"').connection("w").sslmode == "require"
    assert load(text + 'sslrootcert = "ca.pem"').connection("w").sslmode == "verify-full"


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.evil.example", "notlocalhost", "127.0.0.1.nip.io", "0.0.0.0"])  # noqa: S104 - no bind
def test_what_only_resembles_this_machine_needs_tls(host: str) -> None:
    """A name that begins like localhost is somebody else's."""
    assert load(f'[postgres.w]\nhost = "{host}"\ndatabase = "d"\nuser = "u"\n').connection("w").sslmode == "verify-full"


def test_an_embedded_server_has_its_folder_in_the_project() -> None:
    """Or where the configuration says."""
    assert load("[postgres.w]\nembedded = true\n").connection("w").folder == FOLDER / ".stoker/postgres"
    assert load("[postgres.w]\nembedded = true\nfolder = '/pg'\n").connection("w").folder == Path("/pg")


def test_environments_choose_between_embedded_and_a_server() -> None:
    """Each has one whole kind, whichever stands in the base."""
    server = f"[postgres.w]\n{SERVER}port = 6432\n[environments.development.postgres.w]\nembedded = true\n"
    assert load(server).connection("w").embedded
    assert load(server).connection("w").host is None
    assert load(server, "production").connection("w").port == 6432

    embedded = f"[postgres.w]\nembedded = true\nfolder = 'pg'\n[environments.production.postgres.w]\n{SERVER}"
    assert load(embedded).connection("w").folder == FOLDER / "pg"
    assert not load(embedded, "production").connection("w").embedded
    assert load(embedded, "production").connection("w").folder is None


def test_variables_choose_between_embedded_and_a_server() -> None:
    """A variable that names a host or says `embedded` is the highest layer."""
    text = f"[postgres.w]\n{SERVER}"
    assert load(text, environ={"STOKER_POSTGRES__W__EMBEDDED": "true"}).connection("w").embedded

    environ = {f"STOKER_POSTGRES__W__{key}": key.lower() for key in ("HOST", "DATABASE", "USER")}
    connection = load("[postgres.w]\nembedded = true\n", environ=environ).connection("w")
    assert (connection.embedded, connection.host, connection.database) == (False, "host", "database")


def test_embedded_may_come_from_a_variable_in_the_file() -> None:
    """`embedded = "${EMBEDDED}"` is decided when it is known."""
    text = f'[postgres.w]\n{SERVER}[environments.development.postgres.w]\nembedded = "${{EMBEDDED}}"\n'

    assert load(text, environ={"EMBEDDED": "true"}).connection("w").embedded
    assert load(text, environ={"EMBEDDED": "false"}).connection("w").host == "db.internal"
    assert mistakes(text) == [
        "stoker.toml [environments.development.postgres.w] embedded: the environment variable EMBEDDED is not set"
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("embedded = true\nhost = 'db'", ["host: does not go together with embedded = true"]),
        (
            "embedded = true\npassword = 'x'\nport = 1",
            ["password: does not go together with embedded = true", "port: does not go together with embedded = true"],
        ),
        (SERVER + "embedded = false\nfolder = 'pg'", ["folder: goes together with embedded = true only"]),
        (SERVER + "folder = 'pg'", ["folder: goes together with embedded = true only"]),
        ("folder = 'pg'", ["folder: goes together with embedded = true only"]),
        ("embedded = 'true'", ["embedded: should be true or false, not text"]),
        (
            "embedded = false",
            [f"{key}: is missing (or set embedded = true)" for key in ("host", "database", "user")],
        ),
        ("host = 'db'\nuser = 'u'", ["database: is missing (or set embedded = true)"]),
        (SERVER + "port = 0", ["port: should be 1 to 65535, not 0"]),
        (SERVER + "port = '5432'", ["port: should be an integer, not text"]),
        (SERVER + "port = true", ["port: should be an integer, not true or false"]),
        (SERVER + "connect_timeout = 0", ["connect_timeout: should be more than 0 seconds, not 0"]),
        (SERVER + "connect_timeout = inf", ["connect_timeout: should be more than 0 seconds, not inf"]),
        (SERVER + "connect_timeout = '5s'", ["connect_timeout: should be a number, not text"]),
        (
            SERVER + "sslmode = 'verify_full'",
            ["sslmode: 'verify_full' is not known. Did you mean 'verify-full' or 'verify-ca'?"],
        ),
        (SERVER + "sslmode = ''", ["sslmode: is empty"]),
        (
            SERVER + "sslmode = 'disable'\nsslrootcert = 'ca.pem'",
            ['sslrootcert: is not used with sslmode = "disable"'],
        ),
        (SERVER + "sslcert = 'c.pem'", ["sslcert: sslcert and sslkey go together"]),
        (
            SERVER + "sslcert = 'c.pem'\nsslkey = '-----BEGIN PRIVATE KEY-----'",
            ["sslkey: should name the file of the key, or be a secret://... reference, and not be the key itself"],
        ),
        (SERVER + "sslrootcert = 'https://x/ca.pem'", ["sslrootcert: should be a path of this machine, no URI"]),
        (SERVER + "password = ''", ["password: is empty: leave it out, or give a secret://... reference"]),
        (SERVER + "password = 5", ["password: should be text, not an integer"]),
        (SERVER + 'password = "a\\u0000"', ["password: has a NUL character"]),
        (
            SERVER + "password = 'secret://vault/x'",
            ["password: is none of secret://env/NAME, secret://file/PATH, secret://aws/NAME#KEY"],
        ),
        (SERVER + "password = 'Secret://env/X'", ["password: almost begins with secret://, and must do so exactly"]),
        (
            SERVER + "options = '-c x=1'",
            [
                "options: unknown key. Known: "
                + ", ".join(
                    f"'{key}'"
                    for key in sorted(
                        [
                            "application_name",
                            "connect_retry",
                            "connect_timeout",
                            "database",
                            "embedded",
                            "folder",
                            "host",
                            "iam",
                            "password",
                            "port",
                            "region",
                            "sslcert",
                            "sslkey",
                            "sslmode",
                            "sslrootcert",
                            "statement_timeout",
                            "target_session_attrs",
                            "url",
                            "user",
                        ]
                    )
                )
                + "."
            ],
        ),
        (SERVER + "usr = 'd'", ["usr: unknown key. Did you mean 'user' or 'url'?"]),
    ],
)
def test_a_connection_that_cannot_work_is_a_mistake(text: str, told: list[str]) -> None:
    """In the environment that is chosen, as far as it can be known before a connection is tried."""
    assert mistakes("[postgres.w]\n" + text) == [f"stoker.toml [postgres.w] {each}" for each in told]


@pytest.mark.parametrize(
    ("host", "told"),
    [
        (
            "postgresql://db/d",
            "should be the host's name alone: port, database, user and password are keys of their own",
        ),
        ("u:pw@db", "should be the host's name alone: port, database, user and password are keys of their own"),
        (
            "/var/run/postgresql",
            "should be the host's name alone: port, database, user and password are keys of their own",
        ),
        ("db one", "should be the host's name alone: port, database, user and password are keys of their own"),
        ("db:5432", "has the port in it: port is a key of its own"),
        ("db:", "has the port in it: port is a key of its own"),
        ("[::1]", "should be the address without brackets"),
        (" db", "has a space before or after it"),
        ("", "is empty"),
        ("secret://aws/db#host", "secret:// is for password, sslkey and url only"),
    ],
)
def test_a_host_is_a_name_or_an_address(host: str, told: str) -> None:
    """Everything else of a URL has its own key."""
    text = f'[postgres.w]\nhost = "{host}"\ndatabase = "d"\nuser = "u"\n'

    assert mistakes(text) == [f"stoker.toml [postgres.w] host: {told}"]


def test_a_conflict_of_another_environment_is_a_mistake() -> None:
    """Seen at the desk, not in production."""
    text = "[environments.production.postgres.w]\nembedded = true\nhost = 'db'\n"

    assert mistakes(text) == [
        "stoker.toml [environments.production.postgres.w] host: does not go together with embedded = true"
    ]


def test_a_connection_that_another_environment_lacks_keys_of_is_no_mistake() -> None:
    """There, variables may give them."""
    text = "[environments.production.postgres.w]\nuser = 'etl'\n"

    assert "w" not in load(text).postgres
    assert mistakes(text, "production") == [
        "stoker.toml [environments.production.postgres.w] host: is missing (or set embedded = true)",
        "stoker.toml [environments.production.postgres.w] database: is missing (or set embedded = true)",
    ]


def test_what_is_missing_is_told_at_the_environments_table() -> None:
    """There it is to be added, if the base has a part only."""
    text = "[postgres.w]\ndatabase = 'd'\n[environments.testing.postgres.w]\nuser = 'u'\n"

    assert mistakes(text, "testing") == [
        "stoker.toml [environments.testing.postgres.w] host: is missing (or set embedded = true)"
    ]


def test_variables_alone_may_make_a_connection_that_another_environment_has() -> None:
    """All of it; a password that is left in the shell is told as what it is."""
    text = f"[environments.production.postgres.w]\n{SERVER}"
    environ = {f"STOKER_POSTGRES__W__{key}": key.lower() for key in ("HOST", "DATABASE", "USER")}

    assert load(text, environ=environ).connection("w").host == "host"
    assert mistakes(text, environ={"STOKER_POSTGRES__W__PASSWORD": "x"}) == [
        (
            "STOKER_POSTGRES__W__PASSWORD: development has no [postgres.w], and variables alone lack its host, database, "
            "user"
        )
    ]


def test_a_conflict_between_layers_is_a_mistake() -> None:
    """A password alone does not make a server of an embedded one."""
    text = "[postgres.w]\nembedded = true\n[environments.production.postgres.w]\npassword = 'secret://env/X'\n"

    assert mistakes(text, "production") == [
        "stoker.toml [environments.production.postgres.w] password: does not go together with embedded = true"
    ]


def test_a_password_in_the_file_works_is_masked_and_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    """In production's table the warning comes wherever the file is loaded; the value is never in it."""
    text = f"[environments.production.postgres.w]\n{SERVER}password = 'hunter2'\n"

    with caplog.at_level(logging.WARNING):
        assert load(text, "production").connection("w").password == "hunter2"
        load(text, "development")

    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert caplog.messages[0] == caplog.messages[1]
    assert caplog.messages[0].startswith(
        "stoker.toml [environments.production.postgres.w] password: the password stands"
    )
    assert "secret://aws/NAME#KEY" in caplog.text
    assert "hunter2" not in caplog.text
    assert redact("FATAL: hunter2") == "FATAL: ***"


@pytest.mark.parametrize(
    ("text", "environment", "environ"),
    [
        (f"[postgres.w]\n{SERVER}password = 'hunter2'\n", "development", {}),
        (f"[postgres.w]\n{SERVER}password = '${{PW}}'\n", "production", {"PW": "hunter2"}),
        (f"[postgres.w]\n{SERVER}password = 'secret://env/PW'\n", "production", {}),
        (f"[postgres.w]\n{SERVER}", "production", {"STOKER_POSTGRES__W__PASSWORD": "hunter2"}),
        (BOTH, "production", {}),
        ("[places]\npassword = 'a-folder'\n", "production", {}),
    ],
)
def test_other_passwords_are_not_warned_about(
    text: str, environment: str, environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Those that do not stand in the file, or not for production."""
    with caplog.at_level(logging.WARNING):
        load(text, environment, environ)

    assert caplog.messages == []


def test_a_password_of_the_base_is_warned_about_in_production(caplog: pytest.LogCaptureFixture) -> None:
    """It is in effect there."""
    with caplog.at_level(logging.WARNING):
        load(f"[postgres.w]\n{SERVER}password = 'hunter2'\n", "production")

    assert caplog.messages[0].startswith("stoker.toml [postgres.w] password: the password stands in the file")


def test_an_embedded_server_in_production_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    """Its rows would be gone with the cluster."""
    with caplog.at_level(logging.WARNING):
        load("[postgres.w]\nembedded = true\n")
        assert caplog.messages == []
        load("[postgres.w]\nembedded = true\n", "production")

    assert caplog.messages == [
        (
            "stoker.toml [postgres.w]: embedded = true in production: rows are loaded into a server on this machine, "
            "in /project/.stoker/postgres"
        )
    ]


def test_a_password_from_a_variable_may_be_a_reference() -> None:
    """`password = "${PW}"` with PW=secret://... names the secret."""
    config = load(f"[postgres.w]\n{SERVER}password = '${{PW}}'\n", environ={"PW": "secret://aws/a/b#c"})

    assert config.connection("w").password == SecretRef("aws", "a/b", "c")
