"""Names that say of a value that it is a secret: `password`, `db_token`, but not `password_file` or `max_tokens`."""

from __future__ import annotations

import re

_SURROGATES = ["account", "session", "license", "master"]
"""Their keys may be numbers of rows: then they are no secrets."""
_KEYS = ["api", "access", "private", "encryption", "signing", "ssh", "deploy", "consumer", *_SURROGATES]
_PASSES = ["db", "user", "admin", "root", "login", "smtp", "mail", "ftp", "ldap"]
# Each alternative begins with letters: then what cannot begin a name is passed over quickly.
NAMES = "|".join(
    (
        *(
            "passw(?:or)?[dt]",
            "passphrase",
            "passcode",
            "pswd",
            "pwd",
            "secret",
            "token(?!i[sz])",
            "credential",
            "cookie",
        ),
        *("authorization", "signature", "bearer", "jwt"),
        *(f"{each}[._-]?key" for each in _KEYS),
        *(f"{each}[._-]?pass(?![a-z])" for each in _PASSES),
        # Ordinary words else: "3 tests pass", "no auth".
        r"pass(?<=[_.-]pass)(?![a-z])",
        *(rf"{each}(?<![a-z]{each})(?=\\*[\"']|$)" for each in ("pass", "auth")),
        r"pw(?<![a-z]pw)(?![a-z0-9])",
    )
)
"""A pattern for lower case."""
STEMS = ("pass", "pswd", "pw", "secret", "token", "key", "credential", "cookie", "auth", "sig", "earer", "jwt")
"""In lower case, each name holds one of them."""
_NAME = re.compile(NAMES)
# Names about a secret that do not hold it: what it is called, where it is, how many there are, how long it lives.
_ABOUT = re.compile(
    r"(?:^|[_.-])(?:max|min|num|avg|mean|total)[_.-]|(?:file|path|dir|location|provider|class|enabled|regex|ur[il]|endpoint|type|mode|algorithm|format|policy|issuer|region"
    r"|length|size|interval|timeout|wait|expir(?:y|es|ed|ation)|ttl|seconds|minutes|hours|days|dates?|[_.-](?:age|at|ms|s)"
    r"|ratio|rate|amount|counts?|total|number|index|limit|usage|cost|tokens|used|left|bytes|avg|mean|(?<!ad)min|max|percent|pct"
    r"|rows?|columns?|fields?|tables?|names?|id|arn|version|kind|ref|valid|ok|status|state|present|missing|required|changed|created"
    r"|updated|resets?|rotation|attempts?|failures?|errors?|\.(?:py|json|toml|txt|csv|sql|ya?ml|pem|parquet))$"
)
# Where a number is one: surrogate keys, how many checks pass, how many secrets there are.
_NUMBERED = re.compile(rf"(?:{'|'.join(_SURROGATES)})[._-]?key$|(?<!{')(?<!'.join(_PASSES)})[_.-]pass$|(?<!pas)s$")
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{0,18})?")
_END = re.compile(r"[,;)\]}>]")
_ORDINARY = {
    *("none", "null", "true", "false", "yes", "no", "ok"),
    *(
        "string",
        "text",
        "int",
        "integer",
        "bigint",
        "long",
        "double",
        "float",
        "boolean",
        "binary",
        "date",
        "timestamp",
    ),
}
"""What is said of a secret, and types of columns."""


def is_secret_name(name: str) -> bool:
    """Whether what a name stands for is a secret."""
    lowered = name.lower()
    return _NAME.search(lowered) is not None and _ABOUT.search(lowered) is None


def is_secret(name: str, value: str) -> bool:
    """Whether a value is the secret that its name speaks of: not in `password=None`, `account_key=17` or `password: string`.

    Args:
        name: Of the value.
        value: As text; the rest of a sentence may follow it.
    """
    if not value or not is_secret_name(name):
        return False
    name, value = name.lower(), _END.split(value.lower(), maxsplit=1)[0]
    if value in _ORDINARY or (name == "pwd" and value.startswith("/")):  # the working folder
        return False
    of_join = value.endswith(f".{name.rpartition('.')[2]}")  # a.token = b.token
    return not of_join and not (_NUMBERED.search(name) and _NUMBER.fullmatch(value))
