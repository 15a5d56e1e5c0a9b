"""Lines of Python workers, on executors that are processes of their own and in local mode: each arrives, and says where it is from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from logs import talkative
from logs.talkative import KINDS, LOUD, ROWS, WIDE
from stoker.logs.workers.console import LIMIT
from stoker.logs.workers.limit import EVERY, FIRST
from support.submitted import SOURCE, packed, python_without_stoker, spark_home, submit

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.faults  # a cluster takes its time to start

CLUSTER = "local-cluster[2,1,1024]"
MAIN = """
from stoker import main
from talkative import {name}

if __name__ == "__main__":
    main({name})
"""
PLANTED = "Ravenous-7-lantern"
TOML = """
[environments.development.places]
source = "source"
lake = "lake"
[environments.production.places]
source = "source"
lake = "lake"
[environments.production.logging]
level = "INFO"
destinations = ["console", "file"]
[spark]
"spark.eventLog.enabled" = true
"spark.eventLog.compress" = false
"spark.eventLog.rolling.enabled" = false
"spark.eventLog.dir" = "events"
"""
THINNED = FIRST + (LOUD - FIRST) // EVERY
EXPECTED = {
    "rdd": ROWS,
    "udf": ROWS,
    "pandas": ROWS,
    "arrow": ROWS,
    "killed": 2 * ROWS,
    "loud": THINNED,
    "long": 1,
    "secret": ROWS,
}
"""Lines by the first word of their message; whatever was killed was tried again."""


def project(folder: Path, name: str = "job") -> Path:
    """A project with the job of that name, rows in two files, and a secret."""
    (folder / "source" / "rows").mkdir(parents=True)
    for begin in (0, ROWS // 2):
        rows = "\n".join(map(str, range(begin, begin + ROWS // 2)))
        (folder / "source" / "rows" / f"{begin}.csv").write_text(f"n\n{rows}\n", "utf-8")
    (folder / "stoker.toml").write_text(TOML, "utf-8")
    (folder / "main.py").write_text(MAIN.format(name=name), "utf-8")
    (folder / "events").mkdir()
    (folder / "planted").write_text(PLANTED, "utf-8")
    (folder / "planted").chmod(0o600)
    return folder / "main.py"


def stderr(folder: Path) -> Iterator[bytes]:
    """The lines of all executors."""
    for path in (folder / "spark" / "work").glob("app-*/*/stderr"):
        yield from path.read_bytes().splitlines(keepends=True)


def of_job(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that the job's functions have logged."""
    return [each for each in lines if each["logger"] == "talkative"]


def counted(lines: list[dict[str, Any]]) -> Counter[str]:
    """How many of each kind."""
    return Counter(each["msg"].split()[0] for each in lines)


def assert_all_say_where_they_are_from(lines: list[dict[str, Any]], run: str) -> None:
    """Run, job, pipeline, stage and partition; each row once a try."""
    for each in lines:
        context = each["context"]
        assert context.items() >= {"run_id": run, "job": "talkative", "attempt": "1", "step": "stage"}.items()
        assert context["pipeline"] in {kind.__name__ for kind in KINDS}
        assert context["stage"].isdigit()
        assert context["partition"] in {"0", "1"}
    tries = Counter((each["msg"], each["context"]["task_attempt"]) for each in lines)
    assert set(tries.values()) == {1}
    assert {attempt for message, attempt in tries if message.startswith("killed")} == {"0", "1"}


def ship(folder: Path, name: str) -> Path:
    """Have a job run on two executors that have what `--py-files` brings them, and nothing else."""
    spark_home(folder)
    python = str(python_without_stoker(folder))
    files = packed(folder / "app.zip", [Path(talkative.__file__)])
    arguments = ("--env", "production", "--run-id", "r-1")
    done = submit(folder, CLUSTER, project(folder, name), *arguments, driver=python, executors=python, py_files=files)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the job ran on executors."""
    return ship(tmp_path_factory.mktemp("shipped"), "job")


def test_every_line_of_executors_arrives(shipped: Path) -> None:
    """Of RDDs, UDFs, pandas UDFs and mapInArrow, up to the limit; also those of workers that are killed."""
    raw = [each for each in stderr(shipped) if b'"talkative"' in each]
    lines = of_job([json.loads(each) for each in raw])

    assert counted(lines) == EXPECTED
    assert_all_say_where_they_are_from(lines, "r-1")
    assert {each["context"].get("batch") for each in lines if each["msg"].startswith("arrow")} == {str(ROWS // 2)}
    assert max(map(len, raw)) <= LIMIT
    assert sum(int(each["context"].get("left_out", 0)) for each in lines) == LOUD - THINNED


def test_a_secret_of_the_driver_is_in_no_line_of_an_executor(shipped: Path) -> None:
    """It is masked by its value, and Spark has it on no page: its event log has settings, properties and plans."""
    (events,) = (shipped / "events").glob("app-*")
    raw = b"".join(stderr(shipped))

    assert PLANTED.encode() not in raw
    assert raw.count(b"secret row") == ROWS
    assert b'"other":"[\\"***\\"]"' in raw
    assert PLANTED.encode() not in events.read_bytes()
    assert b"stoker.log.context" in events.read_bytes()


def test_what_was_logged_before_an_executor_was_killed_is_there(tmp_path: Path) -> None:
    """All of it; and what the next attempt logs elsewhere says that it is the next one."""
    ship(tmp_path, "losing")

    lines = of_job([json.loads(each) for each in stderr(tmp_path) if b'"talkative"' in each])
    found = Counter((each["context"]["partition"], each["context"]["task_attempt"]) for each in lines)
    assert found == {("0", "0"): ROWS // 2, ("0", "1"): ROWS // 2, ("1", "0"): ROWS // 2}
    assert {len(each["msg"].split()[3]) for each in lines} == {WIDE}


def test_lines_of_executors_are_shown_among_those_of_the_driver(shipped: Path) -> None:
    """`stoker logs` reads what the cluster has collected, beside the driver's files."""
    options = ("--env", "production", "--from", "file", "--from", "spark/work", "--level", "INFO")
    shown = subprocess.run(
        [sys.executable, "-m", "stoker", "logs", "r-1", "--json", *options],
        cwd=shipped,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    lines = [json.loads(each) for each in shown.stdout.splitlines()]
    assert shown.stderr == ""
    assert counted(of_job(lines)) == EXPECTED
    assert {each["context"]["run_id"] for each in lines if "run_id" in each["context"]} == {"r-1"}
    messages = [each["msg"] for each in lines]
    rows = [at for at, message in enumerate(messages) if message.startswith("udf row")]
    assert messages.index("udf: started") < rows[0]
    assert rows[-1] < next(at for at, message in enumerate(messages) if message.startswith("udf: succeeded"))


def test_nothing_is_announced_where_all_is_there(shipped: Path) -> None:
    """No fallback in the record."""
    record = json.loads((shipped / ".stoker" / "runs" / "r-1.json").read_text("utf-8"))

    assert record["fallbacks"] == []


def test_executors_without_stoker_do_their_tasks(tmp_path: Path) -> None:
    """A daemon module that they lack would end every task; that there is no log is said by the driver and by each executor."""
    spark_home(tmp_path)
    bare = Path(talkative.__file__).with_name("bare.py")
    files = packed(tmp_path / "app.zip", [], with_stoker=False)
    python = str(python_without_stoker(tmp_path))

    done = submit(tmp_path, CLUSTER, bare, driver=sys.executable, executors=python, py_files=files)

    assert "[0, 1, 2, 3]" in done.stdout, done.stderr[-3000:]
    assert "only where the executors have stoker: it is neither in --py-files nor in spark.archives" in done.stdout
    told = [each for each in stderr(tmp_path) if each.startswith(b"stoker: ")]
    assert len(told) in {1, 2}
    assert b"Python workers here have no log: ModuleNotFoundError: No module named 'stoker" in told[0]


@pytest.mark.parametrize("way", ["python", "spark-submit"])
def test_in_local_mode_a_run_has_the_lines_of_its_workers(tmp_path: Path, way: str) -> None:
    """In files beside the driver's, merged by time, from whatever starts the session."""
    main = project(tmp_path)
    packed(tmp_path / "talkative.zip", [Path(talkative.__file__)], with_stoker=False)
    # Two tries for each task.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), "talkative.zip"]), "MASTER": "local[2,2]"}
    if way == "python":
        done = subprocess.run(
            [sys.executable, str(main), "--run-id", "r-1"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    else:
        spark_home(tmp_path)
        files = tmp_path / "talkative.zip"
        done = submit(
            tmp_path,
            "local[2,2]",
            main,
            "--run-id",
            "r-1",
            driver=sys.executable,
            executors=sys.executable,
            py_files=files,
        )
    assert done.returncode == 0, done.stderr[-3000:]

    shown = subprocess.run(
        [sys.executable, "-m", "stoker", "logs", "r-1", "--json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    lines = [json.loads(each) for each in shown.stdout.splitlines()]
    assert counted(of_job(lines)) == EXPECTED
    assert_all_say_where_they_are_from(of_job(lines), "r-1")
    assert [each["ts"] for each in lines] == sorted(each["ts"] for each in lines)
    messages = [each["msg"] for each in lines]
    rows = [at for at, message in enumerate(messages) if message.startswith("udf row")]
    assert messages.index("udf: started") < rows[0]
    assert rows[-1] < next(at for at, message in enumerate(messages) if message.startswith("udf: succeeded"))
    # The console is a pipe here, which the workers write to as well.
    console = f"{done.stdout}{done.stderr}"
    assert console.count("udf row") == ROWS
    # One file a process.
    assert len(list((tmp_path / ".stoker" / "logs").glob("*.log"))) > 2
