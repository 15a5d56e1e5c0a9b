from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.log_lines import spooled

LINES = 20_000
CODES = {"exit": 0, "exception": 1, "thread": 0, "SIGTERM": 143, "SIGKILL": -9, "os._exit": 7}


def end(folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    """A process that logs and ends."""
    return subprocess.run(
        [sys.executable, Path(__file__).with_name("ending.py"), folder, how, str(LINES)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("how", CODES)
def test_no_line_is_lost_however_the_process_ends(tmp_path: Path, how: str) -> None:
    """Each of 20,000 lines is in the spool, once and whole; an exception that nobody caught is one more."""
    done = end(tmp_path, how)

    assert done.returncode == CODES[how], done.stderr
    lines = spooled(tmp_path)
    own = [int(line["msg"].removeprefix("line ")) for line in lines if line["logger"] == "ending"]
    assert own == list(range(LINES))
    uncaught = [line["exception"]["msg"] for line in lines if line["logger"] == "stoker.uncaught"]
    assert uncaught == (["the end"] if how in {"exception", "thread"} else [])
    left_open = [path.name for path in tmp_path.glob("*.open.jsonl")]
    assert len(left_open) == (1 if how in {"SIGKILL", "os._exit"} else 0)


FORKS = """
import logging, os, sys, threading
from pathlib import Path
from stoker import logs

logs.configure("testing", logs.LoggingSettings(destinations=("spool",), spool=Path(sys.argv[1]), segment_mib=0.05))
logger = logging.getLogger("forks")

def work(who, lines):
    for number in range(lines):
        logger.info("%s %d", who, number)

threads = [threading.Thread(target=work, args=(f"thread-{n}", 2000)) for n in range(4)]
for thread in threads:
    thread.start()
children = []
for number in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        work(f"child-{number}", 100)
        os._exit(0)
    children.append(child)
    if len(children) == 4:
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        children = []
work("parent", 2000)
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("forks", [40, pytest.param(200, marks=pytest.mark.faults)])
def test_children_and_threads_lose_nothing(tmp_path: Path, forks: int) -> None:
    """Four children at a time and their parent, with four threads that log while it forks; nobody waits for ever."""
    subprocess.run([sys.executable, "-c", FORKS, tmp_path, str(forks)], check=True, timeout=100)

    found: dict[str, list[int]] = {}
    for line in spooled(tmp_path):
        who, number = line["msg"].split()
        found.setdefault(who, []).append(int(number))
    expected = {f"child-{number}": 100 for number in range(forks)}
    expected |= {f"thread-{number}": 2000 for number in range(4)} | {"parent": 2000}
    assert found == {who: list(range(lines)) for who, lines in expected.items()}


def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program of a test."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_an_exception_on_standard_error_has_no_secret_and_is_there_once() -> None:
    """Python's own trace would show it."""
    done = run(
        """
        from stoker import logs, secrets
        logs.configure("development", logs.LoggingSettings(destinations=("console",)))
        secrets.remember("hunter2222")
        raise ValueError("cannot log in with hunter2222")
        """
    )

    assert done.returncode == 1
    assert done.stderr.count("ValueError: cannot log in with ***") == 1
    assert "hunter2222" not in done.stderr


def test_an_exception_is_shown_also_where_the_log_goes_elsewhere(tmp_path: Path) -> None:
    """A process that ends without a word helps nobody."""
    done = run(
        """
        import sys
        from pathlib import Path
        from stoker import logs
        logs.configure("testing", logs.LoggingSettings(destinations=("spool",), spool=Path(sys.argv[1])))
        raise ValueError("password=hunter2")
        """,
        str(tmp_path),
    )

    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ValueError: password=***\n")
    assert len(spooled(tmp_path)) == 1


def test_a_forked_child_ends_by_sigterm_as_ever() -> None:
    """Pools end their workers so, and wait for it."""
    done = run(
        """
        import multiprocessing, time
        from stoker import logs

        def work(up):
            up.set()
            time.sleep(60)

        logs.configure("production")
        context = multiprocessing.get_context("fork")
        up = context.Event()
        child = context.Process(target=work, args=(up,))
        child.start()
        up.wait()
        child.terminate()
        child.join()
        print(child.exitcode)
        """
    )

    assert done.stdout == "-15\n"


def test_a_child_that_is_forked_while_the_process_ends_can_be_ended_too() -> None:
    """What its parent does with a second SIGTERM, which is nothing, is not the child's."""
    done = run(
        """
        import os, signal, time
        from stoker import logs

        logs.configure("production")
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        finally:
            up, told = os.pipe()
            child = os.fork()
            if not child:
                os.write(told, b"x")
                time.sleep(60)
                os._exit(0)
            os.read(up, 1)
            os.kill(child, signal.SIGTERM)
            print(os.waitpid(child, 0)[1])
        """
    )

    assert done.stdout == "15\n"


def test_hooks_of_others_are_called_too() -> None:
    """Those that were there before."""
    done = run(
        """
        import sys, threading
        from stoker import logs
        sys.excepthook = lambda *_: print("main hook")
        threading.excepthook = lambda *_: print("thread hook")
        for _ in range(2):
            logs.configure("production")
        thread = threading.Thread(target=lambda: 1 / 0, name="t")
        thread.start()
        thread.join()
        1 / 0
        """
    )

    assert done.stdout.split("\n")[:2] == ["thread hook", "main hook"]
    assert len(re.findall("ends by an exception", done.stderr)) == 2


TEN_SIGNALS = """
import logging, os, signal, sys, threading, time
from pathlib import Path
from stoker import logs

logs.configure("testing", logs.LoggingSettings(destinations=("spool",), spool=Path(sys.argv[1])))
logger = logging.getLogger("ending")

def send():
    for _ in range(10):
        os.kill(os.getpid(), signal.SIGTERM)

number = 0
try:
    while True:
        logger.info("line %d", number)
        number += 1
        if number == 1000:
            threading.Thread(target=send).start()
finally:
    logger.info("the end after %d", number)
"""


def test_ten_signals_in_the_middle_of_writing_end_it_in_order(tmp_path: Path) -> None:
    """The first one raises; what the program does at its end is not cut short by the others."""
    done = run(TEN_SIGNALS, str(tmp_path))

    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr == ""
    lines = spooled(tmp_path)
    assert [line["msg"] for line in lines[:-1]] == [f"line {number}" for number in range(len(lines) - 1)]
    assert lines[-1]["msg"].startswith("the end after")


def test_a_crash_of_the_interpreter_leaves_a_trace() -> None:
    """Faulthandler is on."""
    done = run(
        """
        import faulthandler
        from stoker import logs
        logs.configure("production")
        faulthandler._sigsegv()
        """
    )

    assert done.returncode < 0
    assert "Fatal Python error: Segmentation fault" in done.stderr
