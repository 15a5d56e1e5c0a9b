"""What the driver tells the Python workers: one variable of their environment."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.config import LoggingSettings
from stoker.logs.environments import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "STOKER_WORKER_LOGS"
DAEMON = "stoker.logs.workers.daemon"
"""For `spark.python.daemon.module`."""


@dataclass(frozen=True)
class Told:
    """How workers log."""

    environment: str
    settings: LoggingSettings
    context: Mapping[str, str]
    """What is known of every task; a task's own properties say it more exactly."""
    driver: int | None = None
    """Its process, in local mode."""

    def dump(self) -> str:
        """As text."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def load(cls, text: str) -> Told:
        """What `dump` has made."""
        content = json.loads(text)
        said = content["settings"]
        paths = {name: Path(said[name]) for name in ("folder", "spool")}
        settings = LoggingSettings(**{**said, **paths, "destinations": tuple(said["destinations"])})
        return cls(content["environment"], settings, content["context"], content["driver"])


def told(environment: str, settings: LoggingSettings, context: Mapping[str, str], *, local: bool) -> Told:
    """What workers are told.

    Args:
        environment: That of the driver.
        settings: Those of the driver.
        context: What is known of every task.
        local: Whether workers and driver have one disk and one standard error. Then they log where it does, into files of their
            own; its shipper sends what they leave in the spool. Elsewhere nothing but their standard error outlives them.
    """
    defaults = DEFAULTS[environment]
    form = settings.console_format or defaults.format
    if not local:
        form = "json" if form == "json" else "minimal"
        return Told(environment, replace(settings, destinations=("console",), console_format=form, s3=None), context)
    places = defaults.destinations if settings.destinations is None else settings.destinations
    if settings.s3 and "spool" not in places:
        places = (*places, "spool")
    own = replace(
        settings, destinations=places, s3=None, folder=settings.folder.absolute(), spool=settings.spool.absolute()
    )
    return Told(environment, own, context, os.getpid())
