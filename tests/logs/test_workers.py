"""The log of Python workers: how long and how many its lines are, what Python does when it starts there, and what a task knows."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - its usual name

import stoker
from stoker import logs
from stoker.errors import UsageError
from stoker.logs.workers import attach, forget_workers, limit, startup
from stoker.logs.workers.calls import Calls
from stoker.logs.workers.console import LIMIT, fitted
from stoker.logs.workers.known import Accompanied, accompany
from stoker.logs.workers.limit import EVERY, FIRST, RateLimit
from stoker.logs.workers.task import PROPERTY
from stoker.logs.workers.told import VARIABLE, Told, told
from stoker.secrets import remember
from support.log_lines import spooled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

KNOWN = {"run_id": "r-1", "stage": "3"}


def line(**more: Any) -> bytes:
    """A line of JSON with its end."""
    content = {"ts": "2026-11-26T07:00:00Z", "level": "ERROR", "logger": "t", "msg": "m", "context": KNOWN, **more}
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def frames(count: int) -> list[dict[str, str]]:
    """A trace."""
    return [{"class": "", "method": f"f{each}", "file": "a/b/c.py" * 10, "line": "1"} for each in range(count)]


@pytest.mark.parametrize(
    "more",
    [
        {"msg": "x" * 100_000},
        {"msg": "\u20ac" * 100_000, "context": KNOWN | {"a": "\U0001f600" * 9_000}},
        {"exception": {"class": "E", "msg": "m" * 9_000, "stacktrace": frames(100)}},
        {"context": KNOWN | {f"field {each}": "v" * 100 for each in range(200)}},
        {"context": KNOWN | {"n" * 9_000: "v"}},
    ],
    ids=["message", "wide characters", "trace", "fields", "name"],
)
def test_a_long_line_fits_into_the_pipe(more: dict[str, Any]) -> None:
    """It stays JSON that says of which run and stage it is, and how long it was."""
    long = line(**more)

    found = fitted(long)

    assert len(found) <= LIMIT
    content = json.loads(found)
    assert found.endswith(b"}\n")
    assert content["context"].items() >= KNOWN.items()
    assert content["context"]["cut"] == f"{len(long):,} bytes"


def test_of_a_long_trace_its_ends_stay() -> None:
    """Where the call began, and where it failed."""
    found = json.loads(fitted(line(exception={"class": "E", "msg": "m", "stacktrace": frames(100)})))

    methods = [frame["method"] for frame in found["exception"]["stacktrace"]]
    assert methods[:2] == ["f0", "f1"]
    assert methods[-1] == "f99"
    assert methods[2].endswith(" frames")


def test_a_line_that_fits_is_left_as_it_is() -> None:
    """Up to the last byte; a long one for people is cut between two characters."""
    room = LIMIT - len(line())

    assert fitted(line(msg="m" * (room + 1))) == line(msg="m" * (room + 1))
    assert fitted(("\u20ac" * LIMIT + "\n").encode()).decode().endswith("\u20ac ... [cut]\n")


@pytest.mark.skipif(sys.platform != "linux", reason="the JVM's standard error is found in /proc")
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_lines_go_past_the_jvm_if_its_standard_error_is_a_pipe(tmp_path: Path, kind: str) -> None:
    """It would copy them in pieces. If it is a file, at whose end only its own writes may be, they go to it."""
    worker = "from stoker.logs.workers.console import WorkerConsole; WorkerConsole().write(b'line')"
    jvm = (
        "import subprocess, sys; "
        f'print(subprocess.run([sys.executable, "-c", "{worker}"], stderr=subprocess.PIPE, check=True).stderr)'
    )
    path = tmp_path / "stderr"
    with path.open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", jvm],
            env={**os.environ, "PYTHONPATH": str(Path(stoker.__file__).parents[1])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if kind == "pipe" else file,
            check=True,
        )

    found = (done.stderr or path.read_bytes(), done.stdout)
    assert found == ((b"line", b"b''\n") if kind == "pipe" else (b"", b"b'line'\n"))


def record(number: int = 0) -> logging.LogRecord:
    """What a call on that line logs."""
    return logging.LogRecord("t", logging.INFO, __file__, number, "m", None, None)


def test_many_lines_of_one_call_are_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones of each call in each task are there, then one in a hundred with the number of those left out."""
    task = [1]
    monkeypatch.setattr(limit, "number", lambda: task[0])
    limited = RateLimit()

    made = [record() for _ in range(FIRST + 3 * EVERY)]
    taken = [each for each in made if limited.takes(each) and limited.takes(each)]

    assert taken[:FIRST] == made[:FIRST]
    assert [each.__dict__["left_out"] for each in taken[FIRST:]] == [EVERY - 1] * 3
    assert limited.takes(record(1))
    assert not limited.takes(record())
    task[0] = 2
    assert limited.takes(record())


def test_workers_elsewhere_have_standard_error_alone() -> None:
    """JSON, whatever the driver's form is; in local mode they have the driver's destinations."""
    settings = logs.LoggingSettings(level="INFO", levels={"a": "DEBUG"}, folder=Path("f"), s3="s3://b/p")

    far = Told.load(told("development", settings, {"run_id": "r"}, local=False).dump())
    near = Told.load(told("development", settings, {"run_id": "r"}, local=True).dump())

    assert (far.settings.destinations, far.settings.console_format, far.settings.s3) == (("console",), "minimal", None)
    assert (far.settings.level, far.settings.levels, far.context) == ("INFO", {"a": "DEBUG"}, {"run_id": "r"})
    assert (near.settings.destinations, near.settings.s3) == (("console", "file", "spool"), None)
    assert near.settings.folder == Path("f").absolute()


def start(folder: Path, value: str, *arguments: str) -> tuple[str, str]:
    """What Python prints, and what it says of errors, that starts with `startup` as `sitecustomize`, before another one."""
    for name, source in (("ours", Path(startup.__file__).read_text("utf-8")), ("theirs", "print('theirs')")):
        (folder / name).mkdir()
        (folder / name / "sitecustomize.py").write_text(source, "utf-8")
    paths = [folder / "ours", folder / "theirs", Path(stoker.__file__).parents[1]]
    look = "import logging, sys, threading; print(logging.getLogger().handlers, threading.active_count(), 'boto3' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", look, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), VARIABLE: value},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_python_starts_with_a_log_in_an_executor_and_with_what_else_it_had(tmp_path: Path) -> None:
    """One handler, no thread, no boto3, and the `sitecustomize` of the machine."""
    value = told("production", logs.LoggingSettings(), {}, local=False).dump()

    assert start(tmp_path, value, "pyspark.worker") == ("theirs\n[<LineHandler (NOTSET)>] 1 False\n", "")


@pytest.mark.parametrize(
    ("value", "argument", "said"),
    [
        ("{", "pyspark.worker", "stoker: Python workers here have no log: JSONDecodeError"),
        ("{", "other", ""),
        ("", "pyspark.worker", ""),
    ],
    ids=["what cannot be read", "another program", "nothing told"],
)
def test_python_starts_without_a_log(tmp_path: Path, value: str, argument: str, said: str) -> None:
    """What is wrong with the log does not stop a task, and a program that a task starts is left alone."""
    out, told_there = start(tmp_path, value, argument)

    assert out == "theirs\n[] 1 False\n"
    assert told_there.startswith(said)
    assert bool(told_there) == bool(said)


@pytest.fixture
def quiet(spark: SparkSession) -> Iterator[SparkSession]:
    """The session, as it was afterwards."""
    spark_context = spark.sparkContext
    before, register = dict(spark_context.environment), spark_context._pickled_broadcast_vars
    root, handlers, level = logging.getLogger(), list(logging.getLogger().handlers), logging.getLogger().level
    yield spark
    forget_workers()
    spark_context.environment.clear()
    spark_context.environment.update(before)
    spark_context._pickled_broadcast_vars = register
    spark_context._jsc.setLocalProperty(PROPERTY, None)
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.mark.smoke
def test_a_task_of_a_session_of_ones_own_logs_beside_the_driver(quiet: SparkSession, tmp_path: Path) -> None:
    """Into a spool of its own process, with the context of the driver's thread, its stage and its partition."""
    settings = logs.LoggingSettings(level="INFO", destinations=("spool",), spool=tmp_path)
    logs.configure("testing", settings)
    spark_context = quiet.sparkContext

    def tell(row: int) -> int:
        logging.getLogger("user").info("row %d", row, extra={"row": row})
        logging.getLogger("user").debug("not wanted")
        return row

    with logs.log_context(run_id="r-1"):
        assert logs.configure_workers(quiet) == []
        with logs.log_context(batch=7, password="secret-1"):
            assert spark_context.parallelize(range(4), 2).map(tell).collect() == [0, 1, 2, 3]
        spark_context.parallelize([4], 1).map(tell).collect()

    lines = sorted((each for each in spooled(tmp_path) if each["logger"] == "user"), key=lambda each: each["msg"])
    contexts = [each["context"] for each in lines]
    assert [each["msg"] for each in lines] == [f"row {row}" for row in range(5)]
    assert {each["run_id"] for each in contexts} == {"r-1"}
    assert [each["partition"] for each in contexts] == ["0", "0", "1", "1", "0"]
    assert [each.get("batch") for each in contexts] == ["7"] * 4 + [None]
    assert contexts[0]["password"] == "***"
    assert int(contexts[4]["stage"]) > int(contexts[0]["stage"])


@pytest.mark.smoke
def test_a_secret_that_the_driver_knows_is_masked_in_tasks(quiet: SparkSession, tmp_path: Path) -> None:
    """In functions of RDDs and in UDFs, also if it became known after others; it is in no setting and in no property."""
    logs.configure("testing", logs.LoggingSettings(level="INFO", destinations=("spool",), spool=tmp_path))
    assert logs.configure_workers(quiet) == []
    spark_context = quiet.sparkContext
    own = spark_context.broadcast("the user's")
    planted = [f"Ravenous{os.urandom(8).hex()}" for _ in range(2)]

    def tell(text: str) -> str:
        logging.getLogger(f"user of {text}").info("%s", text, extra={"other": f"<{text}>"})
        return own.value

    for secret in planted:
        remember(secret)
        assert spark_context.parallelize(planted, 1).map(tell).distinct().collect() == ["the user's"]
    frame = quiet.createDataFrame([(each,) for each in planted], "n string")
    frame.select(F.udf(lambda text: tell(text))("n")).collect()  # noqa: PLW0108 - types of a name in a function cannot be found

    raw = b"".join(path.read_bytes() for path in tmp_path.glob("*.jsonl"))
    assert raw.count(planted[0].encode()) == 0
    assert raw.count(planted[1].encode()) == 3  # where it was not known yet
    assert [each["msg"] for each in spooled(tmp_path) if each["logger"].startswith("user")].count("***") == 5
    known_to_spark = [*spark_context.environment.values(), *map(str, spark_context.getConf().getAll())]
    assert not any(secret in text for secret in planted for text in known_to_spark)


def test_that_workers_do_not_know_secrets_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Where Spark takes no broadcast, functions are used all the same."""

    class Full:
        def broadcast(self, _: object) -> object:
            raise OSError("no space left")

    registers = Accompanied(Full(), {"the user's"})
    for secret in ("Ravenous-secret-1", "Ravenous-secret-2"):
        remember(secret)
        assert list(registers) == ["the user's"]

    assert caplog.messages == [
        "Python workers mask secrets by name and shape only, since Spark does not take their values: OSError"
    ]
    assert accompany(object()) == [
        "Python workers mask secrets by name and shape only: this PySpark keeps its broadcasts elsewhere"
    ]


def test_workers_are_configured_after_the_driver(monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> None:
    """They log as it does."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])

    with pytest.raises(UsageError, match=r"Call logs\.configure before"):
        logs.configure_workers(spark)


def test_a_session_of_spark_connect_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, and with what there is instead."""
    monkeypatch.setattr(attach, "configured", lambda: ("production", logs.LoggingSettings()))
    session: Any = type("SparkSession", (), {"__module__": "pyspark.sql.connect.session"})()

    with pytest.raises(UsageError, match="of a Spark Connect session cannot be reached"):
        logs.configure_workers(session)


class Client:
    """py4j's, as far as it is asked, and the session that it leads to."""

    def __init__(self) -> None:
        self._gateway = self
        self._gateway_client = self
        self.sent: list[str] = []

    def send_command(self, command: str, retry: bool = True) -> str:
        """Note it."""
        self.sent.append(command)
        return f"{command}: {retry}"

    def setLocalProperty(self, key: str, value: str) -> None:  # noqa: N802 - its name
        """Is a call as well."""
        assert key == PROPERTY
        self.send_command(f"c\n{value}")


def test_a_change_of_context_is_told_before_the_next_call() -> None:
    """Once, however often it changed in between, and for a block's end too; other commands and threads are left alone."""
    client: Any = Client()
    calls = Calls(client)
    with logs.log_context(a=1):
        logs.note(b=2)
        assert client.send_command("c\nx", retry=False) == "c\nx: False"
        client.send_command("c\ny")
        with logs.log_context(c=3):
            client.send_command("m\ngarbage")
        client.send_command("c\nz")
    client.send_command("c\nend")
    thread = threading.Thread(target=client.send_command, args=["c\nthread"])
    thread.start()
    thread.join()
    calls.end()
    with logs.log_context(d=4):
        client.send_command("c\nover")

    told_of = 'c\n{"a": "1", "b": "2"}'
    sent = [told_of, "c\nx", "c\ny", "m\ngarbage", "c\nz", "c\n{}", "c\nend", "c\nthread", "c\nover"]
    assert client.sent == sent
    assert client.send_command.__self__ is client


@pytest.mark.smoke
def test_tasks_have_the_context_of_whoever_called(quiet: SparkSession, tmp_path: Path) -> None:
    """Of a thread that nobody prepared, and of each of two coroutines that share one."""
    logs.configure("testing", logs.LoggingSettings(level="INFO", destinations=("spool",), spool=tmp_path))
    assert logs.configure_workers(quiet) == []
    spark_context = quiet.sparkContext

    def work() -> None:
        spark_context.parallelize([0], 1).foreach(lambda _: logging.getLogger("user").info("done"))

    async def coroutine(name: str) -> None:
        with logs.log_context(who=name):
            for _ in range(2):
                await asyncio.sleep(0)
                work()

    async def coroutines() -> None:
        await asyncio.gather(coroutine("a"), coroutine("b"))

    def thread() -> None:
        with logs.log_context(who="thread"):
            work()
        work()

    asyncio.run(coroutines())
    with logs.log_context(run_id="r-1"):
        started = threading.Thread(target=thread)
        started.start()
        started.join()

    contexts = [each["context"] for each in spooled(tmp_path) if each["logger"] == "user"]
    known = [(each.get("run_id"), each.get("who")) for each in sorted(contexts, key=lambda each: int(each["stage"]))]
    assert known == [(None, "a"), (None, "b"), (None, "a"), (None, "b"), ("r-1", "thread"), ("r-1", None)]
