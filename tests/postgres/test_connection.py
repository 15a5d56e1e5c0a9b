from __future__ import annotations

import dataclasses
import pickle
import socket
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from postgres.proxies import TlsFront
from stoker.config import PostgresSettings
from stoker.errors import ConfigurationError, ConnectionLostError, StokerError, TransientError
from stoker.postgres.connections.connection import ConnectionInfo, connect, cut, from_url, resolve
from stoker.postgres.connections.info import application_name
from stoker.secrets import SecretRef

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pg8000.native import Connection

    from stoker.postgres.embedded import Server

PASSWORD = "do-not-show-me"


def refusal(info: ConnectionInfo) -> StokerError:
    """What connecting raises, which never shows the password."""
    with pytest.raises(StokerError) as caught:
        connect(info)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(caught.value)
    return caught.value


def test_a_connection_waits_without_a_time_out(info: ConnectionInfo) -> None:
    """The time-out of connecting does not end a statement that takes longer; probes keep the connection alive."""
    connection = connect(dataclasses.replace(info, connect_timeout=0.3))
    try:
        assert connection.run("SELECT pg_sleep(0.6), 1")[0][1] == 1
        assert connection._usock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.run("SHOW client_encoding") == [["UTF8"]]
        assert connection.run("SHOW application_name") == [["stoker"]]
    finally:
        cut(connection)


def test_a_wrong_password_is_a_mistake_of_the_configuration(info: ConnectionInfo) -> None:
    """The message names user and database, and no password."""
    error = refusal(dataclasses.replace(info, password=PASSWORD))
    assert isinstance(error, ConfigurationError)
    assert "password authentication failed" in str(error)
    assert repr(info.user) in str(error)


def test_a_missing_password_is_said_to_be_missing(info: ConnectionInfo) -> None:
    """A server that asks for a password that is not configured gets a clear message."""
    error = refusal(dataclasses.replace(info, password=None))
    assert isinstance(error, ConfigurationError)
    assert "none is configured" in str(error)


def test_an_unknown_database_and_an_unknown_role_are_mistakes_of_the_configuration(info: ConnectionInfo) -> None:
    """Both are said as the server says them."""
    error = refusal(dataclasses.replace(info, database="nowhere"))
    assert isinstance(error, ConfigurationError)
    assert 'database "nowhere" does not exist' in str(error)
    assert isinstance(refusal(dataclasses.replace(info, user="nobody", password=PASSWORD)), ConfigurationError)


def test_a_server_that_is_down_may_be_up_later(info: ConnectionInfo) -> None:
    """A refused connection is transient and names host and port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    error = refusal(dataclasses.replace(info, port=port, password=PASSWORD))
    assert isinstance(error, ConnectionLostError)
    assert f"PostgreSQL at 127.0.0.1:{port} did not answer" in str(error)


def test_a_server_that_is_silent_is_given_up(info: ConnectionInfo) -> None:
    """Something that accepts and says nothing is given up after connect_timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = refusal(dataclasses.replace(info, port=silent.getsockname()[1], connect_timeout=0.2))
    assert isinstance(error, ConnectionLostError)
    assert "no answer within 0.2 s" in str(error)


def test_something_else_that_answers_is_not_taken_for_postgresql(info: ConnectionInfo) -> None:
    """A web server on the port gives a clear error."""
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            client, _ = other.accept()
            client.recv(100)
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            client.close()

        thread = threading.Thread(target=answer)
        thread.start()
        error = refusal(dataclasses.replace(info, port=other.getsockname()[1]))
        thread.join()
    assert isinstance(error, ConnectionLostError)


def test_an_unknown_host_is_named(info: ConnectionInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that nobody has is a mistake; a name server that is silent may answer later."""

    def unknown(*_: object) -> None:
        raise socket.gaierror(number, "by the test")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    elsewhere = dataclasses.replace(info, host="no-such-host.invalid")
    number = socket.EAI_NONAME
    error = refusal(elsewhere)
    assert isinstance(error, ConfigurationError)
    assert "no-such-host.invalid" in str(error)
    number = socket.EAI_AGAIN
    assert isinstance(refusal(elsewhere), ConnectionLostError)


def test_no_free_connection_is_transient(info: ConnectionInfo, db: Connection) -> None:
    """A role at its limit of connections gets an error that says to try with fewer, not that something is wrong."""
    db.run(f"CREATE ROLE crowded LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0")
    try:
        error = refusal(dataclasses.replace(info, user="crowded", password=PASSWORD))
    finally:
        db.run("DROP ROLE crowded")
    assert type(error) is TransientError
    assert "no connection free" in str(error)


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
def test_tls_is_never_given_up_silently(info: ConnectionInfo, sslmode: str) -> None:
    """A server without TLS is refused by every mode but `disable`."""
    error = refusal(dataclasses.replace(info, sslmode=sslmode))
    assert isinstance(error, ConfigurationError)
    assert "has no TLS" in str(error)


def test_certificates_that_are_none_are_refused(info: ConnectionInfo) -> None:
    """Text that is no certificate is a mistake of the configuration."""
    error = refusal(dataclasses.replace(info, sslmode="verify-full", sslrootcert="no certificate"))
    assert isinstance(error, ConfigurationError)


@pytest.fixture(scope="module")
def certificate() -> Iterator[TlsFront]:
    """The server behind TLS, with a certificate for `localhost` that is its own authority."""
    with TlsFront() as front:
        yield front


@pytest.fixture
def front(info: ConnectionInfo, certificate: TlsFront) -> ConnectionInfo:
    """How to reach it by the name that its certificate has."""
    certificate.towards(info.host, info.port)
    return dataclasses.replace(info, host="localhost", port=certificate.port, sslmode="verify-full")


def encrypted(info: ConnectionInfo) -> bool:
    """Whether a connection is made, answers, and is by TLS."""
    connection = connect(info)
    try:
        return isinstance(connection._usock, ssl.SSLSocket) and connection.run("SELECT 1") == [[1]]
    finally:
        cut(connection)


def test_a_trusted_certificate_lets_us_in(front: ConnectionInfo, certificate: TlsFront) -> None:
    """With its authority given, `verify-full` and `verify-ca` connect, and so does `require`."""
    for sslmode in ("verify-full", "verify-ca", "require"):
        assert encrypted(dataclasses.replace(front, sslmode=sslmode, sslrootcert=certificate.pem))
    assert encrypted(dataclasses.replace(front, sslmode="require"))


def test_a_certificate_for_another_name_is_refused_by_verify_full(front: ConnectionInfo, certificate: TlsFront) -> None:
    """`verify-ca` does not look at the name, `verify-full` does."""
    by_number = dataclasses.replace(front, host="127.0.0.1", sslrootcert=certificate.pem)
    assert encrypted(dataclasses.replace(by_number, sslmode="verify-ca"))
    error = refusal(by_number)
    assert isinstance(error, ConfigurationError)
    assert "certificate" in str(error)


def test_an_unknown_authority_is_refused(front: ConnectionInfo) -> None:
    """A certificate that the system does not trust is refused by `verify-ca` and `verify-full`."""
    for sslmode in ("verify-full", "verify-ca"):
        error = refusal(dataclasses.replace(front, sslmode=sslmode))
        assert isinstance(error, ConfigurationError)
        assert "self-signed" in str(error)


def test_a_client_certificate_is_shown(front: ConnectionInfo, certificate: TlsFront) -> None:
    """A server that asks for one gets it; without one it refuses."""
    trusted = dataclasses.replace(front, sslrootcert=certificate.pem)
    certificate.ask(True)
    try:
        assert encrypted(dataclasses.replace(trusted, sslcert=certificate.pem, sslkey=certificate.key))
        error = refusal(trusted)
    finally:
        certificate.ask(False)
    assert isinstance(error, ConfigurationError | ConnectionLostError)


def test_a_client_key_that_cannot_be_used_is_said_to_be(front: ConnectionInfo, certificate: TlsFront) -> None:
    """One that has a passphrase (nobody is there to type it), and one that is none."""
    info = dataclasses.replace(front, sslrootcert=certificate.pem, sslcert=certificate.pem)
    error = refusal(dataclasses.replace(info, sslkey=certificate.locked_key))
    assert isinstance(error, ConfigurationError)
    assert "is encrypted" in error.what
    error = refusal(dataclasses.replace(info, sslkey="no key"))
    assert isinstance(error, ConfigurationError)
    assert "cannot be used" in error.what


def test_the_password_is_in_no_text_and_survives_pickling(info: ConnectionInfo) -> None:
    """Tasks get the password inside their closure; no text of it shows."""
    hidden = dataclasses.replace(info, password=PASSWORD, sslkey=PASSWORD)
    assert PASSWORD not in f"{hidden} {hidden!r}"
    assert pickle.loads(pickle.dumps(hidden)) == hidden  # noqa: S301 - our own


def test_a_configured_connection_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are looked up, and certificates are read, since their file is not on the executors."""
    monkeypatch.setenv("WAREHOUSE_PASSWORD", PASSWORD)
    (tmp_path / "ca.pem").write_text("PEM")
    settings = PostgresSettings(
        "warehouse",
        host="db.internal",
        database="dwh",
        user="etl",
        password=SecretRef("env", "WAREHOUSE_PASSWORD"),
        sslrootcert=tmp_path / "ca.pem",
        sslcert=tmp_path / "ca.pem",
        sslkey=SecretRef("env", "WAREHOUSE_PASSWORD"),
        connect_timeout=3.0,
    )
    assert resolve(settings, folder=tmp_path) == ConnectionInfo(
        "db.internal",
        5432,
        "dwh",
        "etl",
        PASSWORD,
        sslrootcert="PEM",
        sslcert="PEM",
        sslkey=PASSWORD,
        connect_timeout=3.0,
        name="warehouse",
    )


def test_the_application_name_says_job_and_run(tmp_path: Path) -> None:
    """Whole, or with the job's name cut: PostgreSQL keeps 63 bytes. What the configuration says wins."""
    run_id = "20261124T120315.042Z-3f9a1c"
    assert application_name("flights", run_id) == f"stoker flights {run_id}"
    long = application_name("flights" * 20, run_id)
    assert len(long) == 63
    assert long.endswith(f"flights {run_id}"[-30:])
    assert application_name("flights", "r" * 60) == "stoker " + "r" * 60
    settings = PostgresSettings("warehouse", host="db.internal", database="dwh", user="etl")
    assert resolve(settings, folder=tmp_path, application_name="a").application_name == "a"
    settings = dataclasses.replace(settings, application_name="mine")
    assert resolve(settings, folder=tmp_path, application_name="a").application_name == "mine"


def test_a_url_that_is_a_secret_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the keys beside it, and with secrets inside of it; what is wrong with it names the reference only."""
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://etl@db.internal/dwh?password=secret://env/WAREHOUSE_PASSWORD")
    monkeypatch.setenv("WAREHOUSE_PASSWORD", PASSWORD)
    settings = PostgresSettings("warehouse", url=SecretRef("env", "WAREHOUSE_URL"), beside={"port": 6432})
    resolved = resolve(settings, folder=tmp_path)
    assert resolved == ConnectionInfo("db.internal", 6432, "dwh", "etl", PASSWORD, name="warehouse")
    monkeypatch.setenv("WAREHOUSE_URL_2", f"mysql://etl:{PASSWORD}@db")
    with pytest.raises(ConfigurationError, match="secret://env/WAREHOUSE_URL_2") as refused:
        resolve(dataclasses.replace(settings, url=SecretRef("env", "WAREHOUSE_URL_2")), folder=tmp_path)
    assert PASSWORD not in str(refused.value)


def test_a_url_alone_connects(info: ConnectionInfo) -> None:
    """As `stoker postgres url` prints it."""
    connection = connect(from_url(f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.database}"))
    assert connection.run("SELECT 1") == [[1]]
    cut(connection)


def test_a_missing_certificate_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    """The message names the connection and the file."""
    settings = PostgresSettings(
        "warehouse", host="db.internal", database="dwh", user="etl", sslrootcert=tmp_path / "missing.pem"
    )
    with pytest.raises(ConfigurationError, match=r"'warehouse'.*missing\.pem"):
        resolve(settings, folder=tmp_path)


def test_an_embedded_connection_is_started(server: Server) -> None:
    """`embedded = true` finds the folder's server and its password."""
    settings = PostgresSettings("warehouse", embedded=True, folder=server.folder)
    resolved = resolve(settings, folder=server.folder)
    assert (resolved.port, resolved.password) == (server.port, server.password)


def test_postgres_modules_load_nothing_heavy() -> None:
    """Importing any of them loads neither Spark nor Arrow."""
    code = (
        "import sys, stoker.postgres.loading, stoker.postgres.sending.copy, stoker.postgres.connections.connection\n"
        "print(sorted({'pyspark', 'pyarrow', 'pandas', 'numpy', 'boto3', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
