"""What a value may be. A check answers what is wrong with a value, or None.

Answers never repeat a value that may hold a password.
"""

from __future__ import annotations

import keyword
import math
import re
from typing import Any

from stoker.config.hosts import split_hosts
from stoker.config.postgres_url import parse_url
from stoker.errors import suggestion
from stoker.secrets import has_url_password, parse

SSL_MODES = ("disable", "require", "verify-ca", "verify-full")
SESSION_ATTRIBUTES = ("any", "read-write", "read-only", "primary", "standby")
_LONGEST_NAME = 63
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_FORMATS = ("detailed", "json", "minimal")
LOG_DESTINATIONS = ("console", "file", "spool")

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<rest>.*)", re.DOTALL)
_WITH_BUCKET = {"s3", "s3a", "s3n", "gs", "abfs", "abfss", "wasb", "wasbs"}
_LARGEST_PORT = 65_535


def any_value(value: Any) -> str | None:
    """Nothing is wrong."""
    del value
    return None


def plain(text: str) -> str | None:
    """What names, hosts and paths have in common."""
    if not text:
        return "is empty"
    if any(ord(character) < ord(" ") or ord(character) == 127 for character in text):  # noqa: PLR2004 - DEL
        return "has a line break or another control character"
    if text != text.strip():
        return "has a space before or after it"
    if text.startswith("secret:"):
        return "secret:// is for password, sslkey and url only"
    return None


def target(text: str) -> str | None:
    """A job as `module:attribute`."""
    module, _, attribute = text.partition(":")
    names = [*module.split("."), attribute]
    is_file = "/" in module or module.endswith(".py")
    if not is_file and all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
        return None
    hint = " (a module's dotted name, no file)" if is_file else ""
    return f"{text!r} should be module:attribute{hint}, such as flights.pipelines:job"


def place(text: str) -> str | None:
    """A path, or a URI of what Spark knows."""
    if has_url_password(text):
        return "has a password in it, which plans and run records would show: use a role, or AWS_* variables"
    match = _SCHEME.fullmatch(text)
    if match is None:
        return None
    scheme, rest = match["scheme"].lower(), match["rest"]
    if scheme == "file" and not re.match(r"/(?!/)|///", rest):
        return "should be file:///path, or a path without file:"
    if not rest.startswith("/"):
        return f"should be {match['scheme']}://..., or ./{match['scheme']}:... if it is a folder"
    if scheme in _WITH_BUCKET and not re.match(r"//[^/]", rest):
        return f"lacks the bucket: {scheme}://BUCKET/..."
    return None


def is_uri(text: str) -> bool:
    """Whether a place is a URI rather than a path."""
    return _SCHEME.fullmatch(text) is not None


def local_path(text: str) -> str | None:
    """A path of this machine."""
    return "should be a path of this machine, no URI" if "://" in text or text.startswith("file:") else None


def host(text: str) -> str | None:
    """A server's name or address."""
    if "," in text:
        try:
            split_hosts(text, _LARGEST_PORT)
        except ValueError as error:
            return str(error)
        return None
    if any(character in text for character in "/@?") or " " in text:
        return "should be the host's name alone: port, database, user and password are keys of their own"
    if text.startswith("["):
        return "should be the address without brackets"
    if re.fullmatch(r"[^:]*:\d*", text):
        return "has the port in it: port is a key of its own"
    return None


def port(value: int) -> str | None:
    """A TCP port."""
    return None if 1 <= value <= _LARGEST_PORT else f"should be 1 to {_LARGEST_PORT}, not {value}"


def ssl_mode(text: str) -> str | None:
    """A mode of libpq that says what it does."""
    if text in SSL_MODES:
        return None
    if text in {"allow", "prefer"}:
        return (
            f"{text!r} falls back to plain text when anyone on the way says that there is no TLS, so it is not offered: "
            "require encrypts always, verify-full also looks who answers, disable says that there is no TLS"
        )
    return f"{text!r} is not known.{suggestion(text, SSL_MODES)}"


def session_attributes(text: str) -> str | None:
    """Which server of several is taken."""
    if text in SESSION_ATTRIBUTES:
        return None
    return f"{text!r} is not known.{suggestion(text, SESSION_ATTRIBUTES)}"


def application_name(text: str) -> str | None:
    """What PostgreSQL keeps as it is."""
    if len(text) > _LONGEST_NAME or not text.isascii():
        return f"should have at most {_LONGEST_NAME} characters of ASCII"
    return None


def postgres_url(text: str) -> str | None:
    """A connection's URL, or a reference to a secret that is one."""
    if text.lower().startswith("secret"):
        return password(text)
    try:
        parse_url(text)
    except ValueError as error:
        return str(error)
    return None


def password(text: str) -> str | None:
    """A reference to a secret, or the password itself."""
    if not text:
        return "is empty: leave it out, or give a secret://... reference"
    if "\0" in text:
        return "has a NUL character"
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return None


def private_key(text: str) -> str | None:
    """A file that holds a key, or a reference to a secret that is one."""
    if "-----BEGIN" in text:
        return "should name the file of the key, or be a secret://... reference, and not be the key itself"
    return password(text) if text.lower().startswith("secret") else plain(text) or local_path(text)


def level(text: str) -> str | None:
    """A level of `logging`, in upper or lower case."""
    return None if text.upper() in LEVELS else f"{text!r} is no level.{suggestion(text.upper(), LEVELS)}"


def log_format(text: str) -> str | None:
    """How lines of the log look."""
    return None if text in LOG_FORMATS else f"{text!r} is no format.{suggestion(text, LOG_FORMATS)}"


def log_destinations(names: list[Any]) -> str | None:
    """Where lines of the log go."""
    for name in names:
        if not isinstance(name, str):
            return f"should be a list of texts, such as {list(LOG_DESTINATIONS[:2])}"
        if name == "s3":
            return "'s3' is no destination, but a key beside it: s3 = \"s3://BUCKET/PREFIX\""
        if name not in LOG_DESTINATIONS:
            return f"{name!r} is no destination.{suggestion(name, LOG_DESTINATIONS)}"
    return None


def s3_url(text: str) -> str | None:
    """A place in S3."""
    return None if re.fullmatch(r"s3a?://[^/\s]+(/.*)?", text) else "should be s3://BUCKET/PREFIX"


def above_zero(value: float) -> str | None:
    """A size or an age."""
    return None if math.isfinite(value) and value > 0 else f"should be more than 0, not {value}"


def one_or_more(value: int) -> str | None:
    """A number of things."""
    return None if value >= 1 else f"should be 1 or more, not {value}"


def none_or_more(value: int) -> str | None:
    """A number of things that can be none."""
    return None if value >= 0 else f"should be 0 or more, not {value}"


def seconds(value: float) -> str | None:
    """A time to wait, where 0 means not at all."""
    return None if math.isfinite(value) and value >= 0 else f"should be 0 or more seconds, not {value}"


def some_seconds(value: float) -> str | None:
    """A time to wait that cannot be 0."""
    return None if math.isfinite(value) and value > 0 else f"should be more than 0 seconds, not {value}"
