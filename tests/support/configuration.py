"""Configurations from texts, and the mistakes that they are refused for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stoker.config import Config, ConfigSource, load_config
from stoker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path("/project")


def load(
    text: str, environment: str | None = None, environ: Mapping[str, str] | None = None, folder: Path = FOLDER
) -> Config:
    """The configuration of a text, with no environment variables but the given ones."""
    return load_config(ConfigSource(text, "stoker.toml", folder), environment=environment, environ=environ or {})


def refused(text: str, environment: str | None = None, environ: Mapping[str, str] | None = None) -> ConfigurationError:
    """The error for a text that has to be refused."""
    with pytest.raises(ConfigurationError) as caught:
        load(text, environment, environ)
    return caught.value


def mistakes(text: str, environment: str | None = None, environ: Mapping[str, str] | None = None) -> list[str]:
    """The mistakes that the one message lists."""
    return [line.removeprefix("  ") for line in refused(text, environment, environ).what.splitlines()[1:]]
