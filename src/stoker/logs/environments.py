"""What an environment has where `[logging]` says nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Defaults:
    """Of one environment."""

    level: str
    format: str
    destinations: tuple[str, ...]


DEFAULTS = {
    "development": Defaults("DEBUG", "detailed", ("console",)),
    "testing": Defaults("INFO", "json", ("console",)),
    "production": Defaults("WARNING", "minimal", ("console",)),
}
