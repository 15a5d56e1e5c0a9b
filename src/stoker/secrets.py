"""Secrets: named in the configuration by a reference, resolved on the driver when needed, never shown.

`secret://env/NAME`, `secret://file/PATH`, `secret://aws/NAME#KEY` (AWS Secrets Manager, one key of a JSON secret).
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stoker.errors import ConfigurationError, TransientError, missing_extra, suggestion

logger = logging.getLogger(__name__)

_KINDS = ("env", "file", "aws")
_SHORTEST = 4
"""Shorter secrets are not masked: they would mask ordinary text."""
_URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s@]+(@)", re.IGNORECASE)

_known: set[str] = set()
"""Values that were resolved in this process, for `redact`."""
_resolved: dict[tuple[str, str], str] = {}


@dataclass(frozen=True)
class SecretRef:
    """A reference to a secret; its text is the reference, never the value."""

    kind: str
    name: str
    key: str | None = None

    def __str__(self) -> str:
        return f"secret://{self.kind}/{self.name}" + (f"#{self.key}" if self.key else "")


def parse(text: str) -> SecretRef | None:
    """The reference in a text, or None if it does not begin with `secret://`.

    Raises:
        ValueError: If it does and is not complete.
    """
    if not text.startswith("secret://"):
        return None
    kind, _, rest = text.removeprefix("secret://").partition("/")
    if kind not in _KINDS:
        raise ValueError(f"secret://{kind}/ is not known.{suggestion(kind, _KINDS)}")
    name, _, key = rest.partition("#") if kind == "aws" else (rest, "", "")
    if not name:
        raise ValueError(f"secret://{kind}/ lacks the name")
    return SecretRef(kind, name, key or None)


def resolve(reference: SecretRef, *, folder: Path) -> str:
    """The value of a secret; asked once for a process.

    Args:
        reference: What the configuration has.
        folder: What relative file names count from.

    Raises:
        ConfigurationError: If there is no such secret, or no right to it.
        TransientError: If the service does not answer.
        MissingExtraError: If boto3 is needed and not installed.
    """
    at = (str(reference), str(folder))
    if at not in _resolved:
        value = {"env": _from_environment, "file": _from_file, "aws": _from_aws}[reference.kind](reference, folder)
        if not value:
            raise _wrong(reference, "is empty", "Store the value there.")
        remember(value)
        _resolved[at] = value
    return _resolved[at]


def remember(value: str) -> None:
    """Have `redact` mask a value from now on, for secrets that come from elsewhere."""
    if len(value) >= _SHORTEST:
        _known.add(value)


def redact(text: str) -> str:
    """The text with every known secret, and every password in a URL, replaced by `***`."""
    # Longest first: one secret may be part of another.
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, "***")
    return _URL_PASSWORD.sub(r"\1***\2", text)


def _from_environment(reference: SecretRef, folder: Path) -> str:
    del folder
    value = os.environ.get(reference.name)
    if value is None:
        raise _wrong(reference, "is not set", f"export {reference.name}=...")
    return value


def _from_file(reference: SecretRef, folder: Path) -> str:
    path = folder / Path(reference.name).expanduser()
    try:
        text = path.read_text("utf-8")
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            logger.warning("%s can be read by others: chmod 600 %s", reference, path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _wrong(reference, f"cannot be read from {path}: {reason}", "Write the value into that file.") from None
    return text.rstrip("\r\n")


def _from_aws(reference: SecretRef, folder: Path) -> str:
    del folder
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004
    except ImportError as error:
        raise missing_extra("boto3", "aws", f"{reference}") from error
    try:
        client = boto3.client("secretsmanager", config=Config(connect_timeout=5, read_timeout=10))
        text = str(client.get_secret_value(SecretId=reference.name).get("SecretString") or "")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in {"ThrottlingException", "InternalServiceError", "ServiceUnavailable"}:
            raise TransientError(f"AWS Secrets Manager answers {code} for {reference}.") from None
        advice = {
            "ResourceNotFoundException": "Create it there, or check the name, the account and the region.",
            "AccessDeniedException": "Grant secretsmanager:GetSecretValue on it to this role.",
        }
        raise _wrong(reference, f"is refused by AWS ({code})", advice.get(code, "Check the secret in AWS.")) from None
    except (ConnectionError, HTTPClientError) as error:
        raise TransientError(
            f"AWS Secrets Manager cannot be reached for {reference}: {type(error).__name__}.",
            next_step="Check the network (in a VPC: an endpoint for Secrets Manager), then run again.",
        ) from None
    except BotoCoreError as error:
        raise _wrong(reference, f"cannot be read: {error}", "Set AWS_REGION and credentials.") from None
    return text if reference.key is None else _key(reference, text)


def _key(reference: SecretRef, text: str) -> str:
    try:
        document: Any = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _wrong(reference, "is no JSON object, so it has no keys", f"Leave #{reference.key} out.")
    if reference.key not in document:
        names = suggestion(str(reference.key), map(str, document))
        raise _wrong(reference, f"has no key {reference.key!r}.{names}", "Name one of its keys after #.")
    return str(document[reference.key])


def _wrong(reference: SecretRef, what: str, next_step: str) -> ConfigurationError:
    return ConfigurationError(f"The secret {reference} {what}.", state="Nothing was written.", next_step=next_step)
