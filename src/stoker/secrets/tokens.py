"""Secrets that are known by their look alone: private keys, AWS keys, and tokens of services that mark theirs."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MASK = "***"
MARKS = ("-----begin", "earer", "asic")
"""In lower case, a text holds one of them if there is a secret in it that `may_hold_token` does not see."""

_BEGINNINGS = (
    *(
        "AKIA",
        "ASIA",
        "eyJ",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xox",
        "xapp-",
        "hooks.slack.com",
    ),
    *("FwoG", "IQoJ", "AIza", "ya29.", "GOCSPX-", "k_live_", "k_test_", "dapi", "npm_", "pypi-", "hvs."),
)
_TOKEN = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    r"|(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])"
    r"|(?<![\w-])eyJ[\w-]{16,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|(?<![A-Za-z0-9/+])(?:FwoG|IQoJ)[A-Za-z0-9/+=]{60,}"
    # GitHub, GitLab, Slack, Google, Stripe, Databricks, npm, PyPI, Vault
    r"|(?<![A-Za-z0-9])(?:gh[opsur]_|github_pat_|glpat-|xox[a-z]-|xapp-|AIza|ya29\.|GOCSPX-|[rs]k_(?:live|test)_|dapi|npm_|pypi-"
    r"|hvs\.)[\w-]{20,}"
    r"|(?<=hooks\.slack\.com/services/)[\w/]{20,}",
    re.DOTALL | re.ASCII,
)
_SHORTEST, _AWS_SECRET = 19, 40
"""Characters of the shortest run that has no sign in it, in each of these, and of a secret key of AWS."""


def _runs(characters: str) -> bytes:
    """A table that leaves of a text only where runs are of letters, digits and some signs."""
    return bytes(
        120 if chr(each).isascii() and (chr(each).isalnum() or chr(each) in characters) else 32 for each in range(256)
    )


_ANY, _BASE64 = _runs("+/_-"), _runs("+/")
_AWS_SECRET_KEY = re.compile(rf"(?<![A-Za-z0-9/+_.-])[A-Za-z0-9/+]{{{_AWS_SECRET}}}(?![A-Za-z0-9/+_.=-])")
_BEARER = re.compile(r"(?P<before>\b[Bb]earer\s+)(?=\S*[\d._~+/=-])[^\s\"',]{4,}")
_USER = re.compile(r"(?P<before>\bhttps?://)(?=[A-Za-z_-]{0,80}\d)[\w-]{20,}(?=@)", re.ASCII)
_BASIC = re.compile(r"(?P<before>\b[Bb]asic\s+)(?P<token>[A-Za-z0-9+/]{8,}={0,2})")


def may_hold_token(text: str) -> bool:
    """Whether a text without `MARKS` is worth looking at: quick, and never wrongly no."""
    if len(text) < _SHORTEST:
        return False
    raw = text.encode("utf-8", "replace")
    if b"x" * _SHORTEST not in raw.translate(_ANY):
        return False
    return any(map(text.__contains__, _BEGINNINGS)) or b"x" * _AWS_SECRET in raw.translate(_BASE64)


def mask_tokens(text: str) -> str:
    """The text without them."""
    if "-----BEGIN" in text or any(map(text.__contains__, _BEGINNINGS)):
        text = _TOKEN.sub(MASK, text)
    for pattern in (_BEARER, _USER):
        text = pattern.sub(rf"\g<before>{MASK}", text)
    return _AWS_SECRET_KEY.sub(_if_mixed, _BASIC.sub(_if_login, text))


_KINDS: tuple[Callable[[str], bool], ...] = (str.isupper, str.islower, str.isdigit)


def _if_mixed(match: re.Match[str]) -> str:
    """A hash in hexadecimal and a path are as long."""
    return MASK if all(any(map(kind, match[0])) for kind in _KINDS) else match[0]


def _if_login(match: re.Match[str]) -> str:
    """`user:password` in base64, and not "basic authentication"."""
    token = match["token"].rstrip("=")
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return match[0]
    return f"{match['before']}{MASK}" if b":" in decoded else match[0]
