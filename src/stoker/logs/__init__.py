"""Logging by the standard library: where lines go, what they hold, and that none is lost.

`logs.configure("production")` is enough; `main` calls it. Loggers are those of `logging`.
"""

from stoker.config import LoggingSettings
from stoker.logs.context import log_context, note, run_context
from stoker.logs.json_lines import SHOWN
from stoker.logs.levels import MILESTONES
from stoker.logs.schema import SCHEMA
from stoker.logs.setup import configure, console_is_json
from stoker.logs.spool import Spool
from stoker.logs.timing import lazy, timed
from stoker.logs.workers import configure_workers

__all__ = [
    "MILESTONES",
    "SCHEMA",
    "SHOWN",
    "LoggingSettings",
    "Spool",
    "configure",
    "configure_workers",
    "console_is_json",
    "lazy",
    "log_context",
    "note",
    "run_context",
    "timed",
]
