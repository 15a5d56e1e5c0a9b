"""From the checked values of one connection to its settings, whether they came by keys or by a URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.config.entries import Entry
from stoker.config.hosts import is_loopback, split_hosts
from stoker.config.model import PostgresSettings
from stoker.config.postgres_url import parse_url
from stoker.config.values import evaluate
from stoker.errors import ConfigurationError
from stoker.secrets import SecretRef, parse, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REQUIRED = ("host", "database", "user")
PAIR = ("sslcert", "sslkey")
_DEFAULT_PORT = 5432
_FLOATS = ("connect_timeout", "connect_retry", "statement_timeout")


def values_of_url(text: str, where: str, mistakes: list[str]) -> dict[str, Any]:
    """The checked values of a URL.

    Args:
        text: The URL.
        where: It stands, or what it is: the subject of messages.
        mistakes: Is added to; they repeat nothing that may be a password.
    """
    try:
        told = parse_url(text)
    except ValueError as error:
        mistakes.append(f"{where} {error}")
        return {}
    values = {}
    for key, value in told.items():
        # As what a variable says: text that means a number where one is wanted.
        entry = Entry(("postgres", "", key), value, f"{where.rstrip(':')}, its {key}", from_variable=True)
        values[key] = evaluate(entry, {}, mistakes)
    return {key: value for key, value in values.items() if value is not None}


def contradictions(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Keys whose values do not go together with others', and why."""
    wrong = []
    if values.get("sslmode") == "disable":
        wrong += [(key, 'is not used with sslmode = "disable"') for key in ("sslrootcert", *PAIR) if key in values]
        if values.get("iam"):
            wrong.append(("iam", 'sends its token by TLS only, and sslmode is "disable"'))
    if values.get("sslrootcert") == "system" and values.get("sslmode", "verify-full") != "verify-full":
        wrong.append(("sslmode", 'goes together with sslrootcert = "system" as verify-full only'))
    if values.get("iam") and "password" in values:
        wrong.append(("password", "does not go together with iam = true, which is a password for 15 minutes"))
    if "region" in values and not values.get("iam"):
        wrong.append(("region", "goes together with iam = true only"))
    return wrong


def settings_of(
    name: str, values: Mapping[str, Any], path: Callable[[str, str], Path], given: set[str] | None = None
) -> PostgresSettings:
    """The settings of a server that is named by its host.

    Args:
        name: Of the connection; empty for a URL alone.
        values: By key, all of them right.
        path: Makes a path of a key and its text.
        given: All keys that are given, with those whose values are wrong.
    """
    made = dict(values)
    given = set(values) if given is None else given
    hosts = split_hosts(made.pop("host", ""), made.pop("port", _DEFAULT_PORT))
    (made["host"], made["port"]), *more = hosts
    made["more_hosts"] = tuple(more)
    if more:
        # A load writes: which of several servers takes writes is what they are named for.
        made.setdefault("target_session_attrs", "read-write")
    if not {"sslmode", "sslrootcert", "sslcert", "iam"} & given and all(is_loopback(host) for host, _ in hosts):
        made["sslmode"] = "disable"
    for key in {"sslrootcert", "sslcert"} & made.keys():
        made[key] = None if made[key] == "system" else path(key, made[key])
    if "sslkey" in made:
        made["sslkey"] = parse(made["sslkey"]) or SecretRef("file", str(path("sslkey", made["sslkey"])))
    for key in made.keys() & set(_FLOATS):
        made[key] = float(made[key])
    if "password" in made:
        reference = parse(made["password"])
        if reference is None:
            remember(made["password"])
        made["password"] = reference or made["password"]
    return PostgresSettings(name, **made)


def settings_of_url(
    text: str, *, what: str, name: str = "", beside: Mapping[str, Any] | None = None, folder: Path | None = None
) -> PostgresSettings:
    """The settings that a URL alone says.

    Args:
        text: `postgresql://user:password@host:port/database?option=value`.
        what: The URL, as the beginning of a message.
        name: Of the connection.
        beside: Checked values that win over those of the URL.
        folder: What relative names of files count from.

    Raises:
        ConfigurationError: With every mistake; none shows a password.
    """
    mistakes: list[str] = []
    url = values_of_url(text, what, mistakes)
    values = {**url, **(beside or {})}
    mistakes += [f"{what} lacks {key}" for key in REQUIRED if not mistakes and key not in values]
    mistakes += [f"{what}, its {key}: {reason}" for key, reason in contradictions(values)]
    if len(set(PAIR) & values.keys()) == 1:
        mistakes.append(f"{what}: sslcert and sslkey go together")
    if mistakes:
        raise ConfigurationError(
            "; ".join(mistakes) + ".",
            state="Nothing was started.",
            next_step="Write postgresql://user@host:port/database?sslmode=verify-full&password=secret://env/NAME.",
        )
    return settings_of(name, values, lambda _, file: (folder or Path()) / file)
