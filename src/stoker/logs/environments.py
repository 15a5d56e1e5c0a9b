"""What an environment has where `[logging]` says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stoker.config import LoggingSettings


@dataclass(frozen=True)
class Defaults:
    """Of one environment."""

    level: str
    format: str
    destinations: tuple[str, ...]
    foreign_debug: bool = True
    """Whether the DEBUG lines of installed packages are wanted as well as those of the project and of Stoker."""


DEFAULTS = {
    "development": Defaults("DEBUG", "detailed", ("console", "file"), foreign_debug=False),
    "testing": Defaults("INFO", "json", ("console", "file")),
    "production": Defaults("WARNING", "minimal", ("console",)),
}


def level(environment: str, settings: LoggingSettings) -> str:
    """That of the root logger."""
    return settings.level or DEFAULTS[environment].level


def formats(environment: str, settings: LoggingSettings) -> dict[str, str]:
    """The destinations that there are, each with its format."""
    defaults = DEFAULTS[environment]
    names = defaults.destinations if settings.destinations is None else settings.destinations
    wanted = {
        "console": settings.console_format or defaults.format,
        "file": settings.file_format or defaults.format,
        "spool": "minimal",
    }
    return {name: form for name, form in wanted.items() if name in names or (name == "spool" and settings.s3)}
