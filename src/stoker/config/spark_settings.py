"""`[spark]`: names with dots, however the table is written, and no secrets."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from stoker.secrets import has_url_password

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEEPEST = 50
_KEY = re.compile(r"spark\.[^\s=.]+(\.[^\s=.]+)*")
_HADOOP = re.compile(r"spark\.(fs|dfs|mapred|mapreduce|parquet)\.")
# The rule of Spark's own `spark.redaction.regex`, and a little more.
_SECRET = re.compile(r"secret|passw(or)?d|passphrase|token|(access|private|account)[._-]?key", re.IGNORECASE)
# Keys about a secret that do not hold it: its name, where it is, what gets it, how long it lives.
_ABOUT_A_SECRET = re.compile(
    r"(file|path|dir|location|provider|class|enabled|regex|uri|url|endpoint|type|mode|algorithm|mechanism|length|interval"
    r"|timeout|wait|ratio|count|days|name|itemKey|pullSecrets)$"
    r"|^spark\.kubernetes\.(driver|executor)\.(secrets|secretKeyRef)\.",
    re.IGNORECASE,
)
_EMR_SECRET = "EMR.secret@"  # noqa: S105 - a prefix
"""EMR Serverless resolves these itself, so that the setting holds a reference only."""

_ADVICE = (
    "anyone can read Spark's settings (processes, UI, event log): use a role, AWS_* variables, EMR.secret@NAME on EMR "
    "Serverless, or spark.hadoop.hadoop.security.credential.provider.path"
)


def flattened(table: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The settings of a `[spark]` table: `(as written, full name, value)`.

    `"spark.sql.shuffle.partitions" = 8`, `sql.shuffle.partitions = 8` and `[spark.sql.shuffle] partitions = 8` are one.

    Raises:
        RecursionError: If a name has more than 50 parts.
    """
    pending = [(key, value, 1) for key, value in list(table.items())[::-1]]
    while pending:
        written, value, depth = pending.pop()
        if depth > _DEEPEST:
            raise RecursionError
        if isinstance(value, dict) and value:
            pending += [(f"{written}.{key}", inner, depth + 1) for key, inner in list(value.items())[::-1]]
        else:
            yield written, written if written.startswith("spark.") else f"spark.{written}", value


def wrong_key(name: str) -> str | None:
    """What is wrong with the full name of a setting, or None."""
    if not _KEY.fullmatch(name):
        return "is no name of a Spark setting"
    if _HADOOP.match(name):
        return f"is a setting of Hadoop: Spark takes it as {name.replace('spark.', 'spark.hadoop.', 1)}"
    return None


def wrong_value(name: str, value: Any) -> str | None:
    """What is wrong with the value of a setting, or None."""
    if isinstance(value, str):
        if "\0" in value:
            return "has a NUL character"
        if "secret://" in value.lower():
            return f"secret:// is for postgres passwords; {_ADVICE}"
        if has_url_password(value):
            return f"has a password in a URL, and {_ADVICE}"
    if isinstance(value, float) and not math.isfinite(value):
        return "should be a finite number"
    harmless = isinstance(value, bool) or (isinstance(value, str) and value.startswith(_EMR_SECRET))
    return f"looks like a secret, and {_ADVICE}" if is_sensitive(name) and not harmless else None


def is_sensitive(name: str) -> bool:
    """Whether a setting's name says that its value is a secret."""
    return bool(_SECRET.search(name)) and not _ABOUT_A_SECRET.search(name)


def as_text(value: Any) -> str:
    """A value as Spark reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
