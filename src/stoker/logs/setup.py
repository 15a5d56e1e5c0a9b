"""`configure`: the handlers of this process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from stoker.config import ENVIRONMENTS, LoggingSettings
from stoker.errors import UsageError, suggestion
from stoker.logs import exits, inheritance, warned
from stoker.logs.checked import checked
from stoker.logs.detailed import DetailedFormatter, colour_wanted
from stoker.logs.environments import DEFAULTS, formats, level
from stoker.logs.files import Keep, LogFiles
from stoker.logs.handler import Console, LineHandler
from stoker.logs.json_lines import JsonFormatter
from stoker.logs.levels import is_no_gateway_trace, own_debug_only, set_levels
from stoker.logs.shipped import ShippedSpool, is_not_of_shipper
from stoker.logs.spool import MEBIBYTE, Spool
from stoker.logs.syncer import Syncer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stoker.logs.handler import Destination

_HOUR = 3600.0
OWNED = "stoker_owns"
"""The attribute of a handler that says what it was made for: also after a reload, when its class is another one."""


def configure(environment: str, settings: LoggingSettings | None = None) -> None:
    """Send the records of all loggers where the environment has them go.

    It may be called again: only handlers that it has added are replaced, and nothing is if nothing differs. Handlers of others
    stay, and so do the levels that others gave to libraries' loggers.

    Args:
        environment: `development`, `testing` or `production`.
        settings: What differs from its defaults.

    Raises:
        UsageError: If there is no such environment, or a setting is wrong.
    """
    if environment not in ENVIRONMENTS:
        raise UsageError(f"The environment {environment!r} is not known.{suggestion(environment, ENVIRONMENTS)}")
    settings = checked(settings or LoggingSettings())
    set_levels(level(environment, settings), settings.levels)
    root, wanted = logging.getLogger(), (environment, settings)
    present = [handler for handler in root.handlers if getattr(handler, OWNED, None)]
    if not present or any(getattr(handler, OWNED, None) != wanted for handler in present):
        for handler in present:
            root.removeHandler(handler)
            handler.close()
        for handler in handlers(environment, settings, Console()):
            setattr(handler, OWNED, wanted)
            root.addHandler(handler)
    inheritance.install()
    exits.install()
    warned.install()


def configured() -> tuple[str, LoggingSettings] | None:
    """The environment and the settings of this process's log; None if it is not configured."""
    owned = (getattr(handler, OWNED, None) for handler in logging.getLogger().handlers)
    return next((found for found in owned if found), None)


def handlers(
    environment: str,
    settings: LoggingSettings,
    console: Console,
    *more: Callable[[logging.LogRecord], bool],
    keeps: bool = True,
) -> Iterator[logging.Handler]:
    """One for each format; without a destination one that does nothing, where Python would write to standard error.

    Args:
        environment: For its defaults.
        settings: What differs.
        console: Takes what goes to standard error.
        more: What else a record must pass.
        keeps: Whether there are threads that remove old files, and have lines on the disk in time.
    """
    by_format: dict[tuple[str, bool], list[Destination | Console]] = {}
    for form, destination in _destinations(environment, settings, console, keeps=keeps):
        # Only people's form differs between a console and a file.
        on_console = form == "detailed" and isinstance(destination, Console)
        by_format.setdefault((form, on_console), []).append(destination)
    own_debug = () if DEFAULTS[environment].foreign_debug else (own_debug_only(settings.levels),)
    of_shipper = (is_not_of_shipper,) if settings.s3 else ()
    wanted = (is_no_gateway_trace, *own_debug, *of_shipper, *more)
    if not by_format:
        yield logging.NullHandler()
    for (form, on_console), destinations in by_format.items():
        yield LineHandler(_formatter(form, on_console=on_console), destinations, wanted)


def _destinations(
    environment: str, settings: LoggingSettings, console: Console, *, keeps: bool
) -> Iterator[tuple[str, Destination | Console]]:
    """Each with the name of its format."""
    for name, form in formats(environment, settings).items():
        if name == "console":
            yield form, console
        elif name == "file":
            keep = Keep(settings.keep_files, settings.keep_days, settings.keep_mib) if keeps else None
            size, age = round(settings.file_mib * MEBIBYTE), settings.file_hours * _HOUR
            files = LogFiles(settings.folder, keep, max_bytes=size, max_age_s=age)
            if keeps:
                Syncer(files)
            yield form, files
        else:
            size = round(settings.segment_mib * MEBIBYTE)
            spool = Spool(settings.spool, max_bytes=size, max_age_s=settings.segment_seconds)
            if keeps:
                Syncer(spool)
            yield form, ShippedSpool(spool, settings) if settings.s3 else spool


def _formatter(form: str, *, on_console: bool) -> logging.Formatter:
    if form == "detailed":
        return DetailedFormatter(colour=on_console and colour_wanted(), whole=not on_console)
    return JsonFormatter(detailed=form == "json")


def console_is_json() -> bool:
    """Whether standard error gets JSON, so that text of another kind does not belong there."""
    return any(
        isinstance(handler, LineHandler) and isinstance(handler.formatter, JsonFormatter) and handler.has_console
        for handler in logging.getLogger().handlers
    )
