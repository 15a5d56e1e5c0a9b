"""Which tables and keys there are, and which values they take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from stoker.config import checks, spark_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.config.entries import EntryPath


class Kind(StrEnum):
    """A kind of value, as messages name it."""

    TEXT = "text"
    INTEGER = "an integer"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    SCALAR = "text, a number, true or false"
    NAMES = "a list of texts"


@dataclass(frozen=True)
class Setting:
    """What one key takes."""

    kind: Kind
    check: Callable[[Any], str | None] = checks.any_value
    free: bool = False
    """Whether it may be any text: also empty, with spaces around it or with line breaks."""


TABLES = ("jobs", "run", "spark", "places", "postgres", "logging")
KEYS: dict[str, dict[str, Setting]] = {
    "run": {
        "records": Setting(Kind.TEXT, checks.local_path),
        "parallel": Setting(Kind.INTEGER, checks.one_or_more),
        "fail_fast": Setting(Kind.BOOLEAN),
        "lease_wait": Setting(Kind.NUMBER, checks.seconds),
        "retries": Setting(Kind.INTEGER, checks.none_or_more),
        "retry_wait": Setting(Kind.NUMBER, checks.seconds),
    },
    "logging": {
        "level": Setting(Kind.TEXT, checks.level),
        "destinations": Setting(Kind.NAMES, checks.log_destinations),
        "console_format": Setting(Kind.TEXT, checks.log_format),
        "file_format": Setting(Kind.TEXT, checks.log_format),
        "folder": Setting(Kind.TEXT, checks.local_path),
        "file_mib": Setting(Kind.NUMBER, checks.above_zero),
        "file_hours": Setting(Kind.NUMBER, checks.above_zero),
        "keep_files": Setting(Kind.INTEGER, checks.none_or_more),
        "keep_days": Setting(Kind.NUMBER, checks.above_zero),
        "keep_mib": Setting(Kind.NUMBER, checks.above_zero),
        "spool": Setting(Kind.TEXT, checks.local_path),
        "segment_mib": Setting(Kind.NUMBER, checks.above_zero),
        "segment_seconds": Setting(Kind.NUMBER, checks.some_seconds),
        "spool_mib": Setting(Kind.NUMBER, checks.above_zero),
        "s3": Setting(Kind.TEXT, checks.s3_url),
        "s3_seconds": Setting(Kind.NUMBER, checks.some_seconds),
    },
    "postgres": {
        "embedded": Setting(Kind.BOOLEAN),
        "folder": Setting(Kind.TEXT, checks.local_path),
        "host": Setting(Kind.TEXT, checks.host),
        "port": Setting(Kind.INTEGER, checks.port),
        "database": Setting(Kind.TEXT),
        "user": Setting(Kind.TEXT),
        "password": Setting(Kind.TEXT, checks.password, free=True),
        "sslmode": Setting(Kind.TEXT, checks.ssl_mode),
        "sslrootcert": Setting(Kind.TEXT, checks.local_path),
        "sslcert": Setting(Kind.TEXT, checks.local_path),
        "sslkey": Setting(Kind.TEXT, checks.private_key, free=True),
        "connect_timeout": Setting(Kind.NUMBER, checks.some_seconds),
        "connect_retry": Setting(Kind.NUMBER, checks.seconds),
        "statement_timeout": Setting(Kind.NUMBER, checks.seconds),
        "application_name": Setting(Kind.TEXT, checks.application_name),
        "target_session_attrs": Setting(Kind.TEXT, checks.session_attributes),
        "iam": Setting(Kind.BOOLEAN),
        "region": Setting(Kind.TEXT),
        "url": Setting(Kind.TEXT, checks.postgres_url, free=True),
    },
}
"""The tables with fixed keys; `postgres` means each of its connections."""


LEVELS = ("logging", "levels")
"""The table of levels by logger."""


def setting(path: EntryPath) -> Setting:
    """What the value at a path may be."""
    table, key = path[0], path[-1]
    if table == "spark":
        return Setting(Kind.SCALAR, partial(spark_settings.wrong_value, key), free=True)
    if table == "places":
        return Setting(Kind.TEXT, checks.place)
    if table == "jobs":
        return Setting(Kind.TEXT, checks.target)
    if path[:-1] == LEVELS:
        return Setting(Kind.TEXT, checks.level)
    return KEYS[table][key]
