from __future__ import annotations

from pathlib import Path

from support.configuration import FOLDER, load, mistakes

TEXT = """
[logging]
level = "info"
destinations = ["console", "file", "console"]
folder = "logs"
[logging.levels]
urllib3 = "ERROR"
flights.transformers = "debug"
[environments.production.logging]
destinations = []
file_mib = 1
levels = {urllib3 = "INFO", "a.b" = "CRITICAL"}
"""


def test_levels_are_by_logger_with_or_without_quotes() -> None:
    """An environment adds to those of the base, and wins."""
    assert load(TEXT).logging.levels == {"urllib3": "ERROR", "flights.transformers": "DEBUG"}
    assert load(TEXT, "production").logging.levels == {
        "urllib3": "INFO",
        "flights.transformers": "DEBUG",
        "a.b": "CRITICAL",
    }


def test_where_lines_go_and_how_long_they_stay() -> None:
    """Folders count from the file; the rest is the environment's."""
    development, production = load(TEXT).logging, load(TEXT, "production").logging

    assert (development.level, development.destinations) == ("INFO", ("console", "file"))
    assert (development.folder, development.spool) == (FOLDER / "logs", FOLDER / ".stoker/logs/spool/development")
    assert (production.destinations, production.file_mib, production.keep_files) == ((), 1, 100)
    assert load("").logging.destinations is None


def test_variables_set_what_is_no_table() -> None:
    """A list is written with commas."""
    environ = {
        "STOKER_LOGGING__DESTINATIONS": "console, spool",
        "STOKER_LOGGING__SPOOL": "/var/spool/stoker",
        "STOKER_LOGGING__KEEP_DAYS": "2",
        "STOKER_LOGGING__CONSOLE_FORMAT": "json",
    }
    found = load(TEXT, environ=environ).logging

    assert found.destinations == ("console", "spool")
    assert (found.spool, found.keep_days, found.console_format) == (Path("/var/spool/stoker"), 2, "json")


def test_a_wrong_level_is_told_with_its_logger() -> None:
    """Also where the table is none."""
    assert mistakes("[logging.levels]\na.b = 1\nurllib3 = 'loud'") == [
        'stoker.toml [logging.levels] "a.b": should be text, not an integer',
        "stoker.toml [logging.levels] urllib3: 'loud' is no level. Known: 'CRITICAL', 'DEBUG', 'ERROR', 'INFO', 'WARNING'.",
    ]
    assert mistakes("logging.levels = 'INFO'") == [
        "stoker.toml [logging] levels: is a table, such as levels = {urllib3 = 'ERROR'}"
    ]
