"""Settings that a program gives, in the form in which `stoker.toml` would have given them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.config.settings import KEYS, LEVELS, setting
from stoker.config.values import wrong
from stoker.errors import UsageError

if TYPE_CHECKING:
    from stoker.config import LoggingSettings


def checked(settings: LoggingSettings) -> LoggingSettings:
    """The settings with paths for texts, and with levels in upper case.

    Raises:
        UsageError: If a value is wrong; all of them are told.
    """
    given = {name: getattr(settings, name) for name in KEYS["logging"]}
    # As TOML has them.
    plain = {
        name: list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
        for name, value in given.items()
        if value is not None
    }
    mistakes = [(name, wrong(setting(("logging", name)), value)) for name, value in plain.items()]
    mistakes += [(f"levels {name}", wrong(setting((*LEVELS, name)), value)) for name, value in settings.levels.items()]
    told = [f"{name}: {mistake}" for name, mistake in mistakes if mistake]
    if told:
        raise UsageError(
            "\n  ".join(("The settings of the log are wrong:", *told)),
            state="The log is as before.",
            next_step="Correct them and configure it again.",
        )
    return replace(
        settings,
        level=settings.level and settings.level.upper(),
        levels={name: level.upper() for name, level in settings.levels.items()},
        folder=Path(settings.folder),
        spool=Path(settings.spool),
    )
