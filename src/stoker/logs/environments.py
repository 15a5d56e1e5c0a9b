"""What an environment has where `[logging]` says nothing."""

from __future__ import annotations

from dataclasses import dataclass


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
