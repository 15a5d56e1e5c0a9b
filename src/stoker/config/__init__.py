"""`stoker.toml`: found, read, checked whole, and merged for one environment."""

from stoker.config.connection_values import settings_of_url
from stoker.config.find import ConfigSource, find_config
from stoker.config.load import load_config
from stoker.config.model import ENVIRONMENTS, Config, LoggingSettings, PostgresSettings, RunSettings

__all__ = [
    "ENVIRONMENTS",
    "Config",
    "ConfigSource",
    "LoggingSettings",
    "PostgresSettings",
    "RunSettings",
    "find_config",
    "load_config",
    "settings_of_url",
]
