"""From a reference to the value: asked once for a process, on the driver."""

from __future__ import annotations

import logging
import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError
from stoker.secrets.redaction import remember

if TYPE_CHECKING:
    from stoker.secrets.reference import SecretRef

logger = logging.getLogger(__name__)

_LARGEST = 65_536
"""Bytes; what Secrets Manager allows too. A larger file is the wrong file."""

_lock = threading.Lock()
_resolved: dict[tuple[SecretRef, Path], str] = {}


def resolve(ref: SecretRef, *, folder: Path) -> str:
    """The value of a secret. It is masked by `redact` from then on.

    Args:
        ref: What the configuration has.
        folder: What relative file names count from.

    Raises:
        ConfigurationError: If there is no such secret, it is empty, or there is no right to read it.
        TransientError: If the service does not answer.
        MissingExtraError: If boto3 is needed and not installed.
    """
    with _lock:
        if (ref, folder) not in _resolved:
            value = _read(ref, folder)
            if not value:
                raise wrong(ref, "is empty", f"Store the value {_where(ref)}.")
            remember(value)
            _resolved[ref, folder] = value
        return _resolved[ref, folder]


def wrong(ref: SecretRef, what: str, next_step: str) -> ConfigurationError:
    """The error for a secret that cannot be had."""
    end = "" if what.endswith(("?", ".")) else "."
    return ConfigurationError(f"The secret {ref} {what}{end}", state="Nothing was written.", next_step=next_step)


def _where(ref: SecretRef) -> str:
    return {"env": f"in the environment variable {ref.name}", "file": "in that file", "aws": "in AWS"}[ref.kind]


def _read(ref: SecretRef, folder: Path) -> str:
    if ref.kind == "env":
        return _from_environment(ref)
    if ref.kind == "file":
        return _from_file(ref, folder)
    from stoker.secrets.aws import from_secrets_manager

    return from_secrets_manager(ref)


def _from_environment(ref: SecretRef) -> str:
    value = os.environ.get(ref.name)
    if value is None:
        raise wrong(
            ref,
            f"cannot be had: the environment variable {ref.name} is not set",
            f"Set {ref.name} where the driver runs.",
        )
    return value


def _from_file(ref: SecretRef, folder: Path) -> str:
    try:
        path = folder / Path(ref.name).expanduser()
    except RuntimeError:
        raise wrong(ref, "cannot be read: the home folder of ~ is not known", "Write the whole path.") from None
    hint = " (#KEY is for secret://aws/ only)" if "#" in ref.name else ""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise wrong(
            ref,
            f"cannot be read from {path}: {error.strerror}{hint}",
            "Write the value into that file, readable by the user that runs the driver.",
        ) from None
    if len(content) > _LARGEST:
        raise wrong(ref, f"cannot be read from {path}: it has more than {_LARGEST} bytes", "Name the right file.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise wrong(ref, f"cannot be read from {path}: it is not UTF-8", "Save the value as UTF-8 text.") from None
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        logger.warning("%s can be read by other users of this machine: chmod 600 '%s'", ref, path)
    return text.rstrip("\r\n")
