"""Logging by the standard library: where lines go, what they hold, and that none is lost.

`logs.configure("production")` is enough; `main` calls it. Loggers are those of `logging`.
"""

from stoker.config import LoggingSettings
from stoker.logs.context import log_context, note, run_context
from stoker.logs.schema import SCHEMA
from stoker.logs.setup import MILESTONES, configure
from stoker.logs.spool import Spool

__all__ = ["MILESTONES", "SCHEMA", "LoggingSettings", "Spool", "configure", "log_context", "note", "run_context"]
