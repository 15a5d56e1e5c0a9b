"""What stands beside a name such as `password`, in the forms that texts have for it."""

from __future__ import annotations

import re

from stoker.secrets.names import NAMES, STEMS, is_secret, is_secret_name
from stoker.secrets.tokens import MARKS, MASK, mask_tokens, may_hold_token

# What stands between a name and its value; names are looked for where there is one, first by what is quickly found.
_SIGN = re.compile(r"=|:(?!//)|[\"']\s{0,3}[:,]|>|--|\s'|%3[ADad]")
_QUICK = (*STEMS, "identified", *MARKS)
_HINT = re.compile(rf"{NAMES}|sig=|identified\s+by\s")

_KEY = rf"(?P<key>(?:{NAMES})[\w.-]{{0,40}})"
_LONGEST_NAME = 40
_NAME = re.compile(_KEY)
"""For lower case: it is found in half the time."""
_VALUE = r"(?!secret://|\*\*\*|\$\{|EMR\.secret@)"
_OPENED = rf"(?:\w{{1,40}}\()?[bru]{{0,2}}(?P<quote>\\*[\"']){_VALUE}"
_QUOTED = rf"{_OPENED}(?P<value>(?:\\.|[^\\])*?)(?:(?P=quote)|\Z)"
# A sign that separates is one only if something follows that looks like the next part: passwords hold signs too.
_BARE = rf"{_VALUE}(?P<bare>(?![\"'])(?:[^\s&;\"'<]|[\"'](?=\w)|&(?![\w.-]{{1,40}}=)|;(?!\s|\Z|[\w. -]{{1,40}}=))+)"
_GROUP = r"(?:\[[^\]]*\]?|\([^)]*\)?|\{[^}]*\}?)"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


# What follows a name: the sign, which is the group `sign`, and the value, as `bare`, or as `value` in its `quote`, or as neither.
_BESIDE = (
    _compiled(rf"(?P<sign>\\*[\"']\s{{0,3}}[:=]\s{{0,3}}|\s{{0,3}}:?=>?\s{{0,3}}|>)(?:{_QUOTED}|{_GROUP}|{_BARE})"),
    # As a URL has it, also inside of JSON.
    _compiled(r"(?P<sign>(?:%22|%27)?%3[AD](?:%22|%27)?)(?P<bare>[^\s&\"'<]+?)(?=%2[267]|[\s&\"'<]|\Z)"),
)
_SENTENCE = _compiled(
    # The word after the colon may be an ordinary one ("password: is missing").
    rf"(?P<sign>:\s{{0,3}})(?:{_QUOTED}|{_VALUE}(?P<bare>[^\s\"'/(](?:(?=\S*[^a-z\s])\S*|\S*(?=\s*(?:[\n,;)\]}}]|$)))))"
)
_AROUND = (
    # A tuple of two, and not a list of columns.
    _compiled(
        rf"(?P<sign>[(\[][bru]?\\*[\"'][\w.-]{{0,40}}?{_KEY}\\*[\"']\s{{0,3}},\s{{0,3}})"
        rf"{_OPENED}(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\]))*+)(?P=quote)(?=\s{{0,3}}[)\]])"
    ),
    _compiled(rf"(?P<sign>(?<!\S)--(?=[a-z])[\w.-]{{0,40}}?{_KEY} +){_VALUE}(?P<bare>[^\s-]\S*)"),
)
# What follows something.
_AFTER = tuple(
    map(
        _compiled,
        (
            r"(?P<before>\bauthorization[\s\"'\\]{0,4}[:=,][\s\"'\\]{0,4}(?:basic|bearer|digest|token)\s+)[^\s\"',]{6,}",
            r"(?P<before>\bcookie\\*[\"']?:\s{0,3}\\*[\"']?)(?=[^\s;\"'=]{1,80}=)[^\n\"']+",
            r"(?P<before>\bjdbc:oracle:\w{1,16}:[^/\s@]{1,128}/)[^@\s]{1,256}(?=@)",
            r"(?P<before>[?&]sig=)[^\s&\"']+",
            r"(?P<before>\b(?:password|identified\s+by|secret_access_key|session_token)\s+[en]?')(?:''|[^'])+",
        ),
    )
)


def may_hold_secret(text: str) -> bool:
    """Whether a text is worth looking at: quick, and never wrongly no."""
    lowered = text.lower()
    if any(map(lowered.__contains__, _QUICK)) and _has_name_or_mark(text, lowered):
        return True
    return may_hold_token(text) or ("@" in text and ("://" in text or "jdbc:" in lowered))


def _has_name_or_mark(text: str, lowered: str) -> bool:
    if any(map(lowered.__contains__, MARKS)):
        return True
    return _SIGN.search(text) is not None and _HINT.search(lowered) is not None


def mask_shapes(text: str, *, sentences: bool = False) -> str:
    """The text with what looks like a secret masked; passwords of URLs are left to `redact`.

    Args:
        text: Any.
        sentences: Whether `password: hunter2` counts too, and not only `password=hunter2` and quoted forms. Our own errors have
            sentences such as "password: is missing".
    """
    text = mask_tokens(text)
    for pattern in _AFTER:
        text = pattern.sub(rf"\g<before>{MASK}", text)
    text = _mask_beside_names(text, (*_BESIDE, _SENTENCE) if sentences else _BESIDE)
    for pattern in _AROUND:
        text = pattern.sub(lambda found: _masked(found["key"], found) or found[0], text)
    return text


def _mask_beside_names(text: str, forms: tuple[re.Pattern[str], ...]) -> str:
    """All names are found in one go, since that is what takes long."""
    lowered = text.lower()
    if len(lowered) != len(text):  # of one letter it makes two
        lowered = "".join(each.lower()[:1] for each in text)
    pieces, end, at = [], 0, 0
    while name := _NAME.search(lowered, at):
        # After a name that is none of a secret, the next may be in what would be its value.
        at = name.end()
        key = lowered[_beginning(lowered, name.start()) : at]
        if not is_secret_name(key):
            continue
        for form in forms:
            found = form.match(text, at)
            if found and (masked := _masked(key, found)):
                pieces += [text[end:at], masked]
                at = end = found.end()
                break
    return f"{''.join(pieces)}{text[end:]}" if pieces else text


def _beginning(text: str, at: int) -> int:
    """Where the word begins of which a part is at some place."""
    first = max(0, at - _LONGEST_NAME)
    while at > first and (text[at - 1].isalnum() or text[at - 1] in "_.-"):
        at -= 1
    return at


def _masked(key: str, found: re.Match[str]) -> str | None:
    """What stands instead of a sign and a value; None if that is no secret."""
    parts = found.groupdict()
    value = next((text for text in (parts.get("bare"), parts.get("value")) if text is not None), found[0])
    if not is_secret(key, value):
        return None
    quote = parts.get("quote") or ""
    return f"{found['sign']}{quote}{MASK}{quote}"
