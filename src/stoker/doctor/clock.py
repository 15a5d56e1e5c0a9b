"""Time zones: those of Python, of the JVM and of the session decide what a timestamp without a zone means."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.doctor.finding import Finding, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SESSION = "spark.sql.session.timeZone"
_OPTIONS = ("spark.driver.extraJavaOptions", "spark.driver.defaultJavaOptions")
_UTC = {"utc", "etc/utc", "gmt", "etc/gmt", "z", "+00:00", "universal", "etc/universal", "zulu", "utc+00:00"}


def clocks(settings: Mapping[str, str], machine: str | None = None) -> Iterator[Finding]:
    """Whether all three agree, and are UTC.

    Args:
        settings: `[spark]` of the environment.
        machine: The zone of this process; by default it is asked.
    """
    machine = machine or machine_zone()
    jvm = next((match[1] for key in _OPTIONS if (match := _user_timezone(settings.get(key, "")))), machine)
    session = settings.get(SESSION, jvm)
    if not same(machine, jvm):
        yield warning(
            "time zone",
            f"Python has {machine}, the JVM {jvm} (-Duser.timezone)",
            "Set both by TZ alone: what collect() gives Python is in Python's zone.",
        )
    elif same(machine, "UTC"):
        yield ok("time zone", f"{machine} for Python and the JVM")
    else:
        # No warning: a laptop has its zone. What matters for rows is the session's.
        yield ok("time zone", f"{machine} for Python and the JVM; collect() gives Python timestamps in it")
    if same(session, "UTC"):
        yield ok(SESSION, session)
        return
    told = session if SESSION in settings else f"not set, so that it is that of the machine, {session}"
    yield warning(
        SESSION,
        told,
        f'Add "{SESSION}" = "UTC" to [spark] in stoker.toml: else dates and timestamps of a run depend on where it runs.',
    )


def same(one: str, other: str) -> bool:
    """Whether two names mean one zone, as far as names tell: those of UTC are many."""
    return one.lower() == other.lower() or (one.lower() in _UTC and other.lower() in _UTC)


def machine_zone(environ: Mapping[str, str] = os.environ, link: Path = Path("/etc/localtime")) -> str:
    """The zone of this process: `TZ`, else where `/etc/localtime` leads, else its short name."""
    if environ.get("TZ"):
        return environ["TZ"].lstrip(":")
    _, found, name = str(link.resolve()).partition("zoneinfo/")
    return name if found else time.tzname[0]


def _user_timezone(options: str) -> re.Match[str] | None:
    return re.search(r"-Duser\.timezone=(\S+)", options)
