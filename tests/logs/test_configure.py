from __future__ import annotations

import importlib
import io
import json
import logging
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stoker import logs
from stoker.errors import UsageError
from stoker.logs import exits, inheritance, levels, setup, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALL = warned.install


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Handlers and levels of the process are as they were; its hooks and threads are left alone."""
    for module in (exits, inheritance, warned):
        monkeypatch.setattr(module, "install", lambda: None)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = root.level
    yield
    for handler in [each for each in root.handlers if getattr(each, "stoker_owns", False)]:
        root.removeHandler(handler)
        handler.close()
    levels.set_levels("WARNING", {})
    root.setLevel(before)


def test_each_line_is_there_once(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is called, also after a reload; child loggers and pytest's own handler have theirs."""
    for _ in range(3):
        logs.configure("development")
    importlib.reload(setup).configure("development")
    with monkeypatch.context() as patch:
        for name in [name for name in sys.modules if name == "stoker" or name.startswith("stoker.")]:
            patch.delitem(sys.modules, name)
        anew = importlib.import_module("stoker.logs.setup")
        for module in ("exits", "inheritance"):
            patch.setattr(importlib.import_module(f"stoker.logs.{module}"), "install", lambda: None)
        anew.configure("development")

    logging.getLogger("flights.part").info("hello")

    assert capsys.readouterr().err.count("hello") == 1
    assert caplog.messages == ["hello"]


def test_handlers_of_others_stay() -> None:
    """They are not ours to remove."""
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    try:
        logs.configure("production")
        logs.configure("testing")
        assert other in logging.getLogger().handlers
    finally:
        logging.getLogger().removeHandler(other)


def test_production_has_json_warnings_and_milestones(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing else."""
    logs.configure("production")

    logging.getLogger("flights").info("detail")
    logging.getLogger("flights").warning("odd")
    logging.getLogger(logs.MILESTONES).info("run started")

    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert '"msg":"odd"' in told[0]
    assert '"msg":"run started"' in told[1]


def test_libraries_are_quiet_unless_somebody_set_their_level() -> None:
    """What somebody has set stays."""
    logger = logging.getLogger("urllib3")
    before = logger.level
    try:
        logger.setLevel(logging.DEBUG)
        logs.configure("development")
        assert logger.level == logging.DEBUG
        assert not logging.getLogger("py4j").isEnabledFor(logging.INFO)
    finally:
        logger.setLevel(before)


def test_development_leaves_out_debug_lines_of_packages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the project and of Stoker are there, and those that are asked for by name."""
    package = Path(pytest.__file__)

    def line(name: str, path: Path) -> None:
        logger = logging.getLogger(name)
        if logger.isEnabledFor(logging.DEBUG):
            logger.handle(logger.makeRecord(name, logging.DEBUG, str(path), 1, f"from {name}", (), None))

    settings = logs.LoggingSettings(folder=tmp_path, levels={"asked": "DEBUG", "quiet": "ERROR"})
    logs.configure("development", settings)
    for name, path in {"mine": tmp_path, "package": package, "asked.below": package, "quiet": tmp_path}.items():
        line(name, path)
    line("stoker.x", Path(setup.__file__))

    told = capsys.readouterr().err
    assert [name for name in ("mine", "package", "asked.below", "quiet", "stoker.x") if f"from {name}" in told] == [
        "mine",
        "asked.below",
        "stoker.x",
    ]


def test_a_file_beside_the_console_has_date_and_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The console of one run need not repeat them; lines that follow the first are indented in both."""
    logs.configure("development", logs.LoggingSettings(folder=tmp_path / "logs"))
    with logs.log_context(run_id="r-1", job="j", pipeline="flights", batch="a b"):
        logging.getLogger("flights.part").warning("one\n12:00:00 two", extra={"rows": 3})

    shown = capsys.readouterr().err
    [path] = (tmp_path / "logs").glob("*.log")
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3} WARNING flights\.part test_configure\.py:\d+: \[flights\] one\n    12:00:00 two "
        r"batch='a b' rows=3\n",
        shown,
    )
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} WARNING flights\.part test_configure\.py:\d+: \[flights\] one\n    12:00:00 two "
        r"run_id=r-1 job=j batch='a b' rows=3\n",
        path.read_text("utf-8"),
    )


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_has_colour_unless_it_is_not_wanted(
    variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As https://no-color.org says."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    logs.configure("development", logs.LoggingSettings(destinations=("console",)))

    logging.getLogger("flights").error("no")

    assert ("\033[31mERROR" in terminal.getvalue()) == coloured


def test_what_the_command_line_shows_is_not_on_the_console_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is in the file."""
    logs.configure("development", logs.LoggingSettings(folder=tmp_path))
    logging.getLogger(logs.MILESTONES).info("run started", extra={logs.SHOWN: True})

    assert "run started" not in capsys.readouterr().err
    [path] = tmp_path.glob("*.log")
    assert path.read_text("utf-8").endswith("run started\n")


def test_another_configuration_replaces_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Levels that it does not name are as before."""
    logs.configure("development", logs.LoggingSettings(folder=tmp_path, levels={"a.b": "ERROR"}))
    logs.configure("testing", logs.LoggingSettings(destinations=("console",)))

    logging.getLogger("a.b").info("m")

    assert capsys.readouterr().err.count('"msg":"m"') == 1
    assert logs.console_is_json()


def test_an_unknown_environment_is_refused() -> None:
    """With the close name."""
    with pytest.raises(UsageError, match="Did you mean 'production'"):
        logs.configure("produktion")


def test_settings_of_a_program_are_checked_as_those_of_a_file() -> None:
    """A destination that does not exist would be silence; all that is wrong is told, and the log is as before."""
    before = logging.getLogger().handlers
    settings = logs.LoggingSettings(level="LOUD", levels={"a": "WARN"}, destinations=("consol",), file_mib=-1)

    with pytest.raises(UsageError) as caught:
        logs.configure("production", settings)

    assert str(caught.value).splitlines()[1:5] == [
        "  level: 'LOUD' is no level. Known: 'CRITICAL', 'DEBUG', 'ERROR', 'INFO', 'WARNING'.",
        "  destinations: 'consol' is no destination. Did you mean 'console'?",
        "  file_mib: should be more than 0, not -1",
        "  levels a: 'WARN' is no level. Did you mean 'WARNING'?",
    ]
    assert logging.getLogger().handlers == before


def test_a_program_may_give_texts_for_paths_and_levels_in_lower_case(tmp_path: Path) -> None:
    """As stoker.toml does."""
    paths: Any = {"folder": str(tmp_path), "spool": str(tmp_path)}
    logs.configure("production", logs.LoggingSettings(level="info", destinations=("file",), **paths))
    logging.getLogger("flights").info("m")

    [path] = tmp_path.glob("*.log")
    assert '"msg":"m"' in path.read_text("utf-8")


def test_no_line_is_raised_for_a_standard_error_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon has none, and a pipe may be closed."""
    logs.configure("production")
    closed = io.StringIO()
    closed.close()
    for gone in (None, closed):
        monkeypatch.setattr(sys, "stderr", gone)
        logging.getLogger("flights").error("no")


def test_a_terminal_does_not_obey_what_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name from a file could clear the screen, or write over the line above."""
    logs.configure("development", logs.LoggingSettings(folder=tmp_path))
    logging.getLogger("flights").error("a\x1b[2Jb\rc\x9b", extra={"name_of_file": "x\x1b[0m"})

    told = capsys.readouterr().err
    assert "a\\x1b[2Jb\\x0dc\\x9b name_of_file=x\\x1b[0m\n" in told


def test_what_python_warns_of_is_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With where it is from, and without secrets; it would be plain text among JSON."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    logs.configure("testing", logs.LoggingSettings(destinations=("console",)))
    for _ in range(2):
        INSTALL()

    warnings.showwarning("password=hunter2 is old", FutureWarning, "/app/y.py", 3)

    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["logger"], line["msg"]) == (
        "WARNING",
        "py.warnings",
        "FutureWarning: password=*** is old",
    )
    assert (line["context"]["file"], line["context"]["line"]) == ("/app/y.py", "3")


def test_no_destination_is_silence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Python writes warnings to standard error where there is no handler at all."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    for _ in range(2):
        logs.configure("production", logs.LoggingSettings(destinations=()))
    logging.getLogger("flights").error("no")

    assert capsys.readouterr().err == ""
    assert len(logging.getLogger().handlers) == 1
