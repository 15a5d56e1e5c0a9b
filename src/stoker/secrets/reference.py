"""What names a secret."""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIX = "secret://"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ALMOST = re.compile(r"\s*secrets?:/", re.IGNORECASE)
_FORMS = {"env": "secret://env/NAME", "file": "secret://file/PATH", "aws": "secret://aws/NAME#KEY"}


@dataclass(frozen=True)
class SecretRef:
    """A reference to a secret; its text is the reference, never the value."""

    kind: str
    """`env`, `file` or `aws`."""
    name: str
    """The variable, the path, or the secret's name or ARN."""
    key: str | None = None
    """For `aws`: the key of a JSON secret; None means the whole text."""

    def __str__(self) -> str:
        return f"{PREFIX}{self.kind}/{self.name}" + (f"#{self.key}" if self.key else "")


def parse(text: str) -> SecretRef | None:
    """The reference in a text, or None if the text is no reference.

    Args:
        text: `secret://env/NAME`, `secret://file/PATH`, `secret://aws/NAME` or `secret://aws/NAME#KEY`; or anything else.

    Raises:
        ValueError: If it is meant as a reference and is not one; the reason repeats nothing of it, since a password may
            have been put in the name's place.
    """
    if not text.startswith(PREFIX):
        if _ALMOST.match(text):
            # A misspelt reference would be sent to the server as if it were the password.
            raise ValueError(f"almost begins with {PREFIX}, and must do so exactly")
        return None
    kind, _, rest = text.removeprefix(PREFIX).partition("/")
    if kind not in _FORMS:
        raise ValueError(f"is none of {', '.join(_FORMS.values())}")
    name, hash_sign, key = rest.partition("#") if kind == "aws" else (rest, "", "")
    if not name:
        raise ValueError(f"lacks what stands after the kind: {_FORMS[kind]}")
    if any(ord(character) < ord(" ") for character in name + key):
        raise ValueError("has a line break or another control character")
    if name != name.strip() or key != key.strip():
        raise ValueError("has a space before or after its name")
    if kind == "env" and not _VARIABLE.fullmatch(name):
        raise ValueError("should name one environment variable (letters, digits and _): secret://env/NAME")
    if hash_sign and not key:
        raise ValueError("lacks the key after #: secret://aws/NAME#KEY, or without # for the whole secret")
    return SecretRef(kind, name, key or None)
