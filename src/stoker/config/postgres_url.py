"""`postgresql://user:password@host:port/database?option=value`, read as libpq reads it."""

from __future__ import annotations

import re

from stoker.errors import suggestion

SCHEMES = ("postgresql://", "postgres://")
_NAMES = {"dbname": "database"}
"""What libpq calls otherwise than `[postgres.NAME]`."""
_OPTIONS = (
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "connect_timeout",
    "application_name",
    "target_session_attrs",
    # Stoker's own.
    "connect_retry",
    "statement_timeout",
    "iam",
    "region",
)
_AS_IT_IS = {
    "channel_binding": ("prefer", "disable"),
    "client_encoding": ("utf8", "auto"),
    "gssencmode": ("disable", "prefer"),
    "keepalives": ("1",),
    "sslcompression": ("0",),
    "sslnegotiation": ("postgres",),
}
"""Options of libpq with the values that say what is done anyway."""
_NOT_TAKEN = {
    "channel_binding": "verify-full makes sure of the server",
    "fallback_application_name": "say application_name",
    "hostaddr": "say host",
    "keepalives_count": "keepalives are always on",
    "keepalives_idle": "keepalives are always on",
    "keepalives_interval": "keepalives are always on",
    "options": "set it on the role: ALTER ROLE ... SET ...",
    "passfile": "name the secret as password",
    "service": "name host, database and user",
    "sslcrl": "revocation lists are not looked at",
    "sslpassword": "decrypt the key, and keep it as a secret",
    "tcp_user_timeout": "keepalives are always on",
}
_LOGIN = re.compile(r"(?P<user>[^:@/?]*)(?::(?P<password>[^@/]*))?@")
_DIGITS = re.compile(r"[0-9]{1,5}")
_ENCODE = "characters such as @ : / ? # % in user or password are written as %40 %3A %2F %3F %23 %25"


def parse_url(text: str) -> dict[str, str]:
    """The values of a URL by the keys of `[postgres.NAME]`, as texts.

    Args:
        text: The URL.

    Raises:
        ValueError: If it is no such URL. The reason repeats nothing of it but the names of options, since any part may be
            a password.
    """
    scheme = next((each for each in SCHEMES if text.startswith(each)), None)
    if scheme is None:
        hint = ", without jdbc:" if text.startswith("jdbc:") else ""
        raise ValueError(f"should be postgresql://user@host:port/database{hint}")
    rest = text.removeprefix(scheme)
    login = _LOGIN.match(rest)
    address, _, query = rest[login.end() if login else 0 :].partition("?")
    hosts, _, database = address.partition("/")
    if "@" in hosts:
        raise ValueError(f"has more than one @: {_ENCODE}")
    given = {**(login.groupdict() if login else {}), "database": database}
    values = {key: _decoded(part) for key, part in given.items() if part}
    values |= _hosts(hosts) | _query(query)
    if values.get("user"):
        # As libpq: the database is named like the user.
        values.setdefault("database", values["user"])
    return values


def _hosts(text: str) -> dict[str, str]:
    """Host and port; of several, what `split_hosts` takes apart again."""
    if not text:
        return {}
    found = [re.fullmatch(r"(\[[^\[\]]+\]|[^:\[\]]*)(?::(.*))?", one) for one in text.split(",")]
    if not all(found):
        raise ValueError("has a host that is none: an IPv6 address stands in brackets, as [::1]")
    servers = [(_decoded(match[1]), match[2] or "") for match in found if match]
    if any(port and not _DIGITS.fullmatch(port) for _, port in servers):
        raise ValueError(f"has a port that is no number; an IPv6 address stands in brackets, and {_ENCODE}")
    if len(servers) > 1:
        return {"host": ",".join(f"{host}:{port}" if port else host for host, port in servers)}
    ((host, port),) = servers
    values = {"host": host.strip("[]"), "port": port}
    return {key: value for key, value in values.items() if value}


def _query(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in text.split("&") if text else ():
        name, equals, value = part.partition("=")
        name = _decoded(name)
        if not equals or "=" in value:
            raise ValueError("has an option that is not name=value (a = in a value is written as %3D)")
        value = _decoded(value)
        if (name, value) == ("ssl", "true"):
            name, value = "sslmode", "require"
        if value in _AS_IT_IS.get(name, ()):
            continue
        if name in _NOT_TAKEN or name in _AS_IT_IS:
            reason = _NOT_TAKEN.get(name) or f"only {' or '.join(_AS_IT_IS[name])} is"
            raise ValueError(f"has the option {name}, which is not taken: {reason}")
        if name not in _OPTIONS:
            shown = f"the option {name!r}" if re.fullmatch(r"[a-zA-Z_]{1,30}", name) else "an option"
            raise ValueError(f"has {shown}, which is not known.{suggestion(name, _OPTIONS)}")
        values[_NAMES.get(name, name)] = value
    return values


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text) or "%00" in text:
        raise ValueError("has a % that is not followed by two hexadecimal digits other than 00 (a plain % is %25)")
    try:
        return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text.encode()).decode()
    except UnicodeError:
        raise ValueError("has characters that are no UTF-8") from None
