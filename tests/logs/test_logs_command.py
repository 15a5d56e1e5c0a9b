"""`stoker logs`: lines from files, a spool and S3, filtered, merged and followed; and `stoker logs ship`."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from stoker.logs.detailed import DetailedFormatter
from stoker.logs.ship.delivery import Delivery
from stoker.logs.ship.outbox import Outbox
from stoker.logs.ship.s3 import S3Store
from stoker.logs.spool import Spool
from stoker.record import Process, RecordStore, RunRecord, State
from support.spools import line, numbers, objects, segment, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.commands import Done
    from support.project import Project
    from support.s3 import S3Server

    Stoker = Callable[..., Done]

START = datetime(2026, 11, 26, 7, tzinfo=UTC)
S3_TOML = """
[environments.production.logging]
s3 = "s3://logs/p"
"""


def at(second: float, message: str, level: str = "INFO", run: str = "a-1", **context: str) -> str:
    """A line so many seconds after the start."""
    ts = (START + timedelta(seconds=second)).isoformat()
    return json.dumps(
        {"ts": ts, "level": level, "logger": "t", "msg": message, "context": {"run_id": run, "job": "j", **context}}
    )


def messages(done: Done) -> list[str]:
    """Of the lines of `--json`."""
    assert done.code == 0, done.err
    return [json.loads(each)["msg"] for each in done.out.splitlines()]


def record(store: RecordStore, run_id: str, hours: float, state: State = State.SUCCEEDED, **more: Any) -> RunRecord:
    """A run that ended, so many hours ago."""
    start = datetime.now(UTC) - timedelta(hours=hours)
    end = None if state is State.RUNNING else start
    made = RunRecord(run_id, "j", more.pop("environment", "development"), start, state, end, **more)
    store.write(made)
    return made


@pytest.fixture
def store(project: Project) -> RecordStore:
    """The records of two runs."""
    store = RecordStore(project.config().run.records)
    record(store, "a-1", 2)
    record(store, "b-2", 1, State.FAILED)
    return store


@pytest.fixture
def files(project: Project, store: RecordStore) -> Path:
    """Two files with lines of both runs: a driver's, rotated once, and a worker's."""
    folder = project.folder / ".stoker" / "logs"
    folder.mkdir(parents=True)
    first = [at(0, "one"), at(2, "three", "WARNING", pipeline="p"), at(3, "other", run="b-2")]
    with gzip.open(folder / "20261126T070000-1-aaaa-000001.log.gz", "wt") as file:
        file.write("\n".join(first) + "\n")
    (folder / "20261126T070000-1-aaaa-000002.log").write_text(at(4, "five", "ERROR", batch="7") + "\n")
    (folder / "20261126T070000-2-bbbb-000001.log").write_text(at(1, "two") + "\n" + at(3.5, "four", "DEBUG") + "\n")
    return folder


def test_the_lines_of_a_run_are_merged_by_time(files: Path, stoker: Stoker) -> None:
    """Over files and processes, also compressed ones; those of other runs are left out."""
    assert messages(stoker("logs", "a-1", "--json")) == ["one", "two", "three", "four", "five"]
    assert messages(stoker("logs", "show", "a", "--json")) == ["one", "two", "three", "four", "five"]
    assert messages(stoker("logs", "--json")) == ["other"]  # the last run
    assert messages(stoker("logs", "last-failed", "--json")) == ["other"]
    assert messages(stoker("logs", "--all", "--json")) == ["one", "two", "three", "other", "four", "five"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--level", "warning"], ["three", "five"]),
        (["--pipeline", "p"], ["three"]),
        (["--pipeline", "p", "--pipeline", "q"], ["three"]),
        (["--context", "batch=7"], ["five"]),
        (["--context", "batch=7", "--context", "pipeline=p"], []),
        (["--since", "2026-11-26T07:00:02Z"], ["three", "four", "five"]),
        (["--until", "2026-11-26T07:00:02+00:00"], ["one", "two"]),
        (["--since", "1m"], []),
        (["--lines", "2"], ["four", "five"]),
        (["--lines", "2", "--level", "WARNING"], ["three", "five"]),
    ],
)
def test_lines_are_filtered(options: list[str], found: list[str], files: Path, stoker: Stoker) -> None:
    """By level, pipeline, context and time; with none that fits, that is said beside an empty answer."""
    done = stoker("logs", "a-1", "--json", *options)

    assert messages(done) == found
    assert (done.err == "no line of the run a-1 fits in .stoker/logs\n") == (not found)


def test_text_is_for_people(files: Path, stoker: Stoker) -> None:
    """Time, level, logger, pipeline, message, context, and the exception with its trace; nothing that a terminal obeys."""
    error = {
        "class": "ValueError",
        "msg": "no\nmore",
        "stacktrace": [{"class": None, "method": "f", "file": "x.py", "line": "3"}],
    }
    odd = json.loads(at(9, "two\nlines \x1b[2Jgone", "ERROR", pipeline="p", batch="a b", n="1"))
    (files / "odd.log").write_text(json.dumps({**odd, "exception": error}) + "\nno json at all\n")

    shown = stoker("logs", "a-1").out.splitlines()[-6:]

    clock = f"{(START + timedelta(seconds=9)).astimezone():%Y-%m-%d %H:%M:%S}.000"
    assert shown == [
        f"{clock} ERROR   t [p] two",
        "    lines \\x1b[2Jgone batch='a b' n=1",
        "    at f (x.py:3)",
        "    ValueError: no",
        "    more",
        "no json at all",
    ]


def test_files_for_people_are_read_too(project: Project, store: RecordStore, stoker: Stoker) -> None:
    """As `DetailedFormatter` writes them in development: with their time, level, context, and lines that belong together."""
    import logging

    from stoker.logs import log_context

    formatter = DetailedFormatter(whole=True)
    logger = logging.Logger("shop.load")  # noqa: LOG001 - nobody else is to have it
    lines = []
    for run in ("a-1", "b-2"):
        with log_context(run_id=run, job="j", pipeline="p", note="it's here"):
            for level, message in ((logging.INFO, "one = 1"), (logging.ERROR, "two\nand more")):
                made = logger.makeRecord("shop.load", level, "load.py", 3, message, (), None)
                lines.append(formatter.format(made))
    folder = project.folder / ".stoker" / "logs"
    folder.mkdir(parents=True)
    (folder / "20261126T070000-1-aaaa-000001.log").write_text("\n".join(lines) + "\n")

    done = stoker("logs", "a-1", "--json", "--level", "ERROR")

    (found,) = [json.loads(each) for each in done.out.splitlines()]
    assert (found["level"], found["logger"], found["msg"]) == ("ERROR", "shop.load", "two\n    and more")
    assert found["context"] == {"run_id": "a-1", "job": "j", "pipeline": "p", "note": "it's here"}
    assert len(messages(stoker("logs", "a-1", "--json", "--pipeline", "p"))) == 2


def test_what_cannot_be_read_is_named_and_the_rest_is_shown(files: Path, stoker: Stoker) -> None:
    """A file that was cut while it was compressed."""
    whole = files / "20261126T070000-1-aaaa-000001.log.gz"
    whole.write_bytes(whole.read_bytes()[:-12])

    done = stoker("logs", "a-1", "--json")

    assert messages(done)[-1] == "five"
    assert "not shown: " in done.err
    assert "aaaa-000001.log.gz cannot be read to its end" in done.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["a-9"], ["There is no line of the run 'a-9' in .stoker/logs. Did you mean 'a-1'", "Next: stoker runs"]),
        (["lastt"], ["Did you mean 'last'"]),
        (["shpi"], ["Did you mean 'ship'"]),
        (["a-1", "--all"], ["'a-1' and --all exclude each other"]),
        (["a-1", "--from", "nowhere"], ["There is no folder nowhere.", "--from takes file, spool, s3, a folder"]),
        (["a-1", "--from", "s3"], ["stoker.toml does not say where lines of development are in S3", "--from s3://"]),
        (["a-1", "--from", "s4://x"], ["'s4://x' is no place in S3"]),
        (["a-1", "--since", "soon"], ["'soon' is no time: give for instance 90s, 10m"]),
        (["a-1", "--context", "batch"], ["'batch' is no KEY=VALUE"]),
        (["a-1", "--level", "loud"], ["'loud' is not one of"]),
        (["ship"], ["does not say where the log lines of development go", "State: Nothing was sent", "or give --to"]),
        (["ship", "--spool", "nowhere", "--to", "s3://logs"], ["There is no folder nowhere"]),
    ],
)
def test_mistakes_are_told(arguments: list[str], told: list[str], files: Path, stoker: Stoker) -> None:
    """With exit code 2, what is wrong, and what would do."""
    done = stoker("logs", *arguments)

    assert done.code == 2
    assert [each for each in told if each not in done.err] == []


def test_without_any_run_all_lines_are_shown(project: Project, stoker: Stoker) -> None:
    """Logging may be used alone; and where there are no lines, that is said."""
    done = stoker("logs")
    assert (done.code, done.out, done.err) == (0, "", "no line fits in .stoker/logs\n")
    folder = project.folder / ".stoker" / "logs"
    folder.mkdir(parents=True)
    (folder / "x.log").write_text(line(1, run=None) + "\n")

    assert messages(stoker("logs", "--json")) == ["line 1"]


def test_a_run_in_production_is_read_from_spool_and_s3(
    s3: S3Server, project: Project, store: RecordStore, stoker: Stoker
) -> None:
    """What is sent, what is packed and what is being written, each line once; the run's own environment says where."""
    project.write("stoker.toml", S3_TOML)
    record(store, "r-1", 0, environment="production")
    spool = project.config("production").logging.spool
    segment(spool, 1, [line(1), line(2)])
    Delivery(Outbox(spool), S3Store("s3://logs/p")).work(force=True, now=True)
    segment(spool, 2, [line(3)])
    outbox = Outbox(spool)
    outbox.collect(force=True)
    outbox.release()
    segment(spool, 3, [line(4)])
    segment(spool, 4, [line(5)], end=".open.jsonl")

    done = stoker("logs", "r-1", "--json")

    assert messages(done) == [f"line {number}" for number in range(1, 6)]
    assert messages(stoker("logs", "--json", "--from", "s3")) == ["line 1", "line 2"]
    assert messages(stoker("logs", "--json", "--from", "spool", "--env", "production")) == [
        "line 3",
        "line 4",
        "line 5",
    ]
    assert messages(stoker("logs", "r-1", "--json", "--from", "s3://logs/p")) == ["line 1", "line 2"]


def test_runs_in_s3_are_found_without_a_record(s3: S3Server, project: Project, stoker: Stoker) -> None:
    """A run on a cluster has its record there; a wrong id has the close ones of S3."""
    segment(project.folder / "spool", 1, [line(1, run="cluster:1")])
    Delivery(Outbox(project.folder / "spool"), S3Store("s3://logs/p")).work(force=True, now=True)

    assert messages(stoker("logs", "cluster:1", "--from", "s3://logs/p", "--json")) == ["line 1"]
    done = stoker("logs", "cluster:2", "--from", "s3://logs/p")

    assert done.code == 2
    assert "There is no line of the run 'cluster:2' in s3://logs/p. Did you mean 'cluster:1'?" in done.err
    done = stoker("logs", "x", "--from", "s3://none/p")
    assert (done.code, "[NoSuchBucket]" in done.err) == (2, True)


def test_a_copy_of_s3_is_read_as_it_is(s3: S3Server, client: Any, project: Project, stoker: Stoker) -> None:
    """As `aws s3 sync` makes it."""
    segment(project.folder / "spool", 1, [line(1), line(2)])
    Delivery(Outbox(project.folder / "spool"), S3Store("s3://logs/p")).work(force=True, now=True)
    for key, content in objects(client).items():
        path = project.folder / "copy" / key
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress(content))

    assert messages(stoker("logs", "--from", "copy", "--all", "--json")) == ["line 1", "line 2"]


def test_a_run_is_followed_until_it_ends(
    files: Path, store: RecordStore, stoker: Stoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there, what comes in pieces, in new files, and in those that are rotated and compressed meanwhile."""
    running = record(store, "c", 0, State.RUNNING, process=Process.current())
    path = files / "20261126T070000-3-cccc-000001.log"
    path.write_text(at(1, "begin", run="c") + "\n")

    def pass_time(_: float) -> None:
        step = next(steps)
        if step == "half":
            with path.open("a") as file:
                file.write(at(2, "half", run="c")[:20])
        elif step == "whole":
            with path.open("a") as file:
                file.write(at(2, "half", run="c")[20:] + "\n")
        elif step == "rotate":
            with path.open("a") as file:
                file.write(at(3, "last of the first", run="c") + "\n")
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
            path.with_name(path.name.replace("001.log", "002.log")).write_text(at(4, "second", run="c") + "\n")
        else:
            running.state, running.end = State.SUCCEEDED, datetime.now(UTC)
            store.write(running)

    steps = iter(["half", "whole", "rotate", "end"])
    monkeypatch.setattr("stoker.cli.logs.sleep", pass_time)

    done = stoker("logs", "c", "--follow", "--json")

    assert messages(done) == ["begin", "half", "last of the first", "second"]


def test_a_spool_is_followed_while_it_is_sent(
    s3: S3Server, project: Project, store: RecordStore, stoker: Stoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line once, whatever becomes of the files in between."""
    project.write("stoker.toml", S3_TOML)
    running = record(store, "r-1", 0, State.RUNNING, environment="production", process=Process.current())
    spool = Spool(project.config("production").logging.spool)
    write(spool, [line(1)])
    outbox = Outbox(spool.folder, spool.writer)
    delivery = Delivery(outbox, S3Store("s3://logs/p"))

    def pass_time(_: float) -> None:
        step = next(steps)
        if step == "write":
            write(spool, [line(2)])
        elif step == "send":
            write(spool, [line(3)])
            spool.rotate()
            assert delivery.work(force=True, now=True)
            write(spool, [line(4)])
        else:
            running.state, running.end = State.SUCCEEDED, datetime.now(UTC)
            store.write(running)

    steps = iter(["write", "send", "end"])
    monkeypatch.setattr("stoker.cli.logs.sleep", pass_time)

    assert messages(stoker("logs", "--follow", "--json")) == [f"line {number}" for number in range(1, 5)]
    spool.close()


def test_a_spool_is_sent_by_hand(s3: S3Server, client: Any, project: Project, stoker: Stoker) -> None:
    """What dead processes left, once; what a living one writes stays with it. A refusal is told in words."""
    project.write("stoker.toml", S3_TOML)
    spool = project.config("production").logging.spool
    segment(spool, 1, map(line, range(5)), end=".open.jsonl")
    s3.fault = "AccessDenied"
    done = stoker("logs", "ship", "--env", "production")
    assert done.code == 1
    assert "Log lines cannot be sent to s3://logs/p: AccessDenied: so it is." in done.err
    assert "State: What is not there yet is kept in .stoker/logs/spool/production." in done.err
    s3.fault = None
    living = Spool(spool)
    write(living, [line(9)])

    done = stoker("logs", "ship", "--env", "production")

    assert (done.code, done.out) == (0, "sent 1 object to s3://logs/p\n")
    assert "bytes there are of processes that live" in done.err
    assert numbers(objects(client).values()) == [0, 1, 2, 3, 4]
    living.close()
    assert stoker("logs", "ship", "--spool", str(spool), "--to", "s3://logs/other").out.startswith("sent 1 object")
    assert stoker("logs", "ship", "--env", "production").out == "nothing to send in .stoker/logs/spool/production\n"
