"""What looks like a secret, whoever handed it out: AWS keys, tokens, private keys, and values beside names such as `password`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MASK = "***"

_NAMES = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|cookie|authorization|signature"
    r"|(?:api|access|private|account|session)[._-]?key"
    # Ordinary words else: "3 tests pass", "no auth".
    r"|[_.-]pass(?![a-z])|(?<![a-z])(?:pass|auth)(?=\\*[\"']|$)"
)
_NAME = re.compile(_NAMES)
# Names about a secret that do not hold it: what it is called, where it is, how many there are, how long it lives.
_ABOUT = re.compile(
    r"(?:file|path|dir|location|provider|class|enabled|regex|ur[il]|endpoint|type|mode|algorithm|length|interval|timeout"
    r"|wait|ratio|counts?|days|names?|id|arn|version|tokens|used|left|valid|ok|kind|ref"
    r"|\.(?:py|json|toml|txt|csv|sql|ya?ml|pem|parquet))$"
)

LITERALS = ("AKIA", "ASIA", "eyJ", "earer", "-----BEGIN")
"""A text that has one of these may hold a secret without a name beside it."""
# What stands between a name and its value; names are looked for where there is one, first by what is quickly found.
_SIGN = re.compile(r"=|:(?!//)|[\"']\s{0,3}[:,]|>|--|\s'")
_STEMS = ("pass", "pwd", "secret", "token", "key", "credential", "cookie", "auth", "sig", "identified")
_HINT = re.compile(rf"{_NAMES}|[?&]sig=|identified\s+by\s")
_RUN = 40
"""Characters of an AWS secret key."""
_BASE64 = bytes(
    120 if chr(each).isascii() and (chr(each).isalnum() or chr(each) in "+/") else 32 for each in range(256)
)
_LONG_RUN = b"x" * _RUN

_VALUE = r"(?!secret://|\*\*\*|\$\{|EMR\.secret@)"
_QUOTED = rf"(?:\w{{1,40}}\()?[bru]{{0,2}}(?P<quote>\\*[\"']){_VALUE}(?P<quoted>(?:\\.|[^\\])*?)(?:(?P=quote)|\Z)"
# A sign that separates is one only if something follows that looks like the next part: passwords hold signs too.
_BARE = rf"{_VALUE}(?P<bare>(?![\"'])(?:[^\s&;\"'<]|[\"'](?=\w)|&(?![\w.-]{{1,40}}=)|;(?!\s|\Z|[\w. -]{{1,40}}=))+)"
_PAIR = re.compile(
    rf"(?P<key>(?:{_NAMES})[\w.-]{{0,40}})(?P<between>\\*[\"']\s{{0,3}}[:=]\s{{0,3}}|\s{{0,3}}=>?\s{{0,3}}|>)"
    rf"(?:{_QUOTED}|(?P<group>\[[^\]]*\]?|\([^)]*\)?|\{{[^}}]*\}}?)|{_BARE})",
    re.IGNORECASE | re.DOTALL,
)
_TUPLE = re.compile(
    rf"(?P<key>(?:{_NAMES})[\w.-]{{0,40}})(?P<between>\\*[\"']\s{{0,3}},\s{{0,3}}){_QUOTED}", re.IGNORECASE | re.DOTALL
)
_OPTION = re.compile(
    rf"(?P<key>--[a-z-]{{0,20}}(?:{_NAMES})[a-z-]{{0,20}})(?P<between> +){_VALUE}(?P<bare>[^\s-]\S*)", re.IGNORECASE
)
# In a sentence the word after the colon may be an ordinary one ("password: is missing").
_SENTENCE = re.compile(
    rf"(?P<key>(?:{_NAMES})[\w.-]{{0,40}})(?P<between>:\s{{0,3}}){_VALUE}"
    r"(?P<bare>[^\s\"'/](?:(?=\S*[^a-z\s])\S*|\S*(?=\s*(?:[\n,;)\]}]|$))))",
    re.IGNORECASE,
)
_SQL = re.compile(r"(?P<before>\b(?:password|identified\s+by)\s+(?:e|n)?')(?:''|[^'])*(?:'|\Z)", re.IGNORECASE)
_AUTHORIZATION = re.compile(
    r"(?P<before>\bauthorization[\s\"'\\]{0,4}[:=,][\s\"'\\]{0,4}(?:basic|bearer|digest|token)\s+)[^\s\"',]{6,}"
    r"|(?P<bearer>\b(?-i:[Bb]earer)\s+)(?=\S*[\d._~+/=-])[^\s\"',]{4,}",
    re.IGNORECASE,
)
_ORACLE = re.compile(r"(?P<before>\bjdbc:oracle:\w{1,16}:[^/\s@]{1,128}/)[^@\s]{1,256}(?=@)", re.IGNORECASE)
_SHARED = re.compile(r"(?P<before>[?&]sig=)[^\s&\"']+", re.IGNORECASE)
_ALONE = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    r"|(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"
    r"|(?<![A-Za-z0-9/+])(?:FwoG|IQoJ)[A-Za-z0-9/+=]{60,}",
    re.DOTALL,
)
_AWS_SECRET = re.compile(rf"(?<![A-Za-z0-9/+_.-])[A-Za-z0-9/+]{{{_RUN}}}(?![A-Za-z0-9/+_.=-])")


def is_secret_name(name: str) -> bool:
    """Whether what a name stands for is a secret: `password`, `db_token`, but not `password_file` or `max_tokens`."""
    lowered = name.lower()
    return _NAME.search(lowered) is not None and _ABOUT.search(lowered) is None


def may_hold_secret(text: str) -> bool:
    """Whether a text without `LITERALS` is worth looking at: quick, and never wrongly no."""
    if len(text) >= _RUN and _LONG_RUN in text.encode("utf-8", "replace").translate(_BASE64):
        return True
    if "@" in text and ("://" in text or "jdbc:" in text.lower()):
        return True
    if _SIGN.search(text) is None:
        return False
    lowered = text.lower()
    return any(map(lowered.__contains__, _STEMS)) and _HINT.search(lowered) is not None


def mask_shapes(text: str, *, sentences: bool = False) -> str:
    """The text with what looks like a secret masked; passwords of URLs are left to `redact`.

    Args:
        text: Any.
        sentences: Whether `password: hunter2` counts too, and not only `password=hunter2` and quoted forms. Our own errors have
            sentences such as "password: is missing".
    """
    text = _ALONE.sub(MASK, text)
    text = _AUTHORIZATION.sub(lambda found: f"{found['before'] or found['bearer']}{MASK}", text)
    text = _ORACLE.sub(rf"\g<before>{MASK}", text)
    text = _SHARED.sub(rf"\g<before>{MASK}", text)
    text = _TUPLE.sub(_pair, _PAIR.sub(_pair, text))
    text = _SQL.sub(rf"\g<before>{MASK}'", text)
    text = _OPTION.sub(_pair, text)
    if sentences:
        text = _SENTENCE.sub(_pair, text)
    return _AWS_SECRET.sub(_if_mixed, text)


def _pair(match: re.Match[str]) -> str:
    if _ABOUT.search(match["key"].lower()):
        return match[0]
    quote = match.groupdict().get("quote") or ""
    return f"{match['key']}{match['between']}{quote}{MASK}{quote}"


_KINDS: tuple[Callable[[str], bool], ...] = (str.isupper, str.islower, str.isdigit)


def _if_mixed(match: re.Match[str]) -> str:
    """A hash in hexadecimal and a path are as long."""
    return MASK if all(any(map(kind, match[0])) for kind in _KINDS) else match[0]
