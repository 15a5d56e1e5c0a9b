"""Where the configuration is."""

from __future__ import annotations

import contextlib
import os
import sys
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from stoker.config.s3 import read_s3
from stoker.errors import ConfigurationError

NAME = "stoker.toml"
_S3 = ("s3://", "s3a://")
_MINIMAL = '    [environments.development.places]\n    lake = ".stoker/lake"'


@dataclass(frozen=True)
class ConfigSource:
    """The text of a configuration, and where it is from."""

    text: str = field(repr=False)
    """Not shown: it may hold a password."""
    name: str
    """As messages show it."""
    folder: Path
    """What relative paths count from: the file's folder, or the working folder for a zip and S3."""


def find_config(
    start: Path | None = None, *, explicit: str | Path | None = None, entry_point: Path | None = None
) -> ConfigSource:
    """Find `stoker.toml`.

    `explicit` or `STOKER_CONFIG`, else beside the entry point, else in a zip on `sys.path` (that of `--py-files`), else in
    the working folder or above it.

    Args:
        start: Where to look, and then above; by default the working folder.
        explicit: `--config`: a path, `file:///path` or `s3://bucket/key`; else `STOKER_CONFIG`.
        entry_point: The script that was started.

    Raises:
        ConfigurationError: If there is none, with the places that were looked into; or if it cannot be read.
        TransientError: If S3 does not answer.
        MissingExtraError: If boto3 is needed and not installed.
    """
    if explicit is not None:
        return _explicit(str(explicit), "--config")
    if os.environ.get("STOKER_CONFIG"):
        return _explicit(os.environ["STOKER_CONFIG"], "STOKER_CONFIG")
    beside = [] if entry_point is None else _beside(entry_point)
    for path in beside:
        if _is_file(path):
            return _from_file(path)
    return _from_zip() or _from_above(start, beside)


def _beside(entry_point: Path) -> list[Path]:
    # A cluster manager may hand over a link to its cache; what belongs to the script can be on either side of it.
    folders = (entry_point.absolute().parent, entry_point.resolve().parent)
    return [folder / NAME for folder in dict.fromkeys(folders)]


def _from_above(start: Path | None, beside: list[Path]) -> ConfigSource:
    here = (start or _working_folder()).resolve()
    for folder in (here, *here.parents):
        if _is_file(folder / NAME):
            return _from_file(folder / NAME)
    looked = [f"beside the entry point ({path.parent})" for path in beside]
    looked += ["in the zips of --py-files", f"in {here} and above it"]
    raise ConfigurationError(
        f"There is no {NAME}. Looked {', '.join(looked)}.",
        state="Nothing was started.",
        next_step=f"Go to the project's folder, or name the file by --config or STOKER_CONFIG. stoker init NAME makes a new "
        f"project. Or write {NAME}; the least that a job with a place needs:\n{_MINIMAL}",
    )


def _explicit(given: str, told_by: str) -> ConfigSource:
    if given.startswith(_S3):
        return ConfigSource(_decoded(read_s3(given, told_by), given), given, _working_folder())
    text = unquote(given.removeprefix("file://")) if given.startswith("file:///") else given
    if not text or "\0" in text or "://" in text:
        raise ConfigurationError(
            f"{told_by} {given!r} is no place to read a configuration from.",
            state="Nothing was started.",
            next_step=f"Give a path, or s3://bucket/{NAME}.",
        )
    return _from_file(Path(text), f"{told_by} ")


def _from_file(path: Path, told_by: str = "") -> ConfigSource:
    name = _shown(path)
    try:
        path = path.expanduser()
        content = path.read_bytes()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        inside = path / NAME
        step = (
            f"Name the file: {inside}"
            if _is_file(inside)
            else "Check the path, --config, STOKER_CONFIG and the rights."
        )
        raise ConfigurationError(
            f"{told_by}{name} cannot be read: {reason}.", state="Nothing was started.", next_step=step
        ) from None
    # The folder where the file is named, not where a link leads: the project is there.
    return ConfigSource(_decoded(content, name), name, path.absolute().parent.resolve())


def _from_zip() -> ConfigSource | None:
    """EMR ships the configuration at the root of the application's zip."""
    for entry in sys.path:
        if not zipfile.is_zipfile(entry):
            continue
        name = f"{entry}/{NAME}"
        try:
            with zipfile.ZipFile(entry) as archive:
                if NAME in archive.namelist():
                    return ConfigSource(_decoded(archive.read(NAME), name), name, _working_folder())
        # RuntimeError is an encrypted member, NotImplementedError a compression that is not built in.
        except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
            raise ConfigurationError(
                f"{name} cannot be read: {error}.", state="Nothing was started.", next_step="Build the zip again."
            ) from None
    return None


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{name} is not UTF-8 (line {line}, byte {error.start} of the file).",
            state="Nothing was started.",
            next_step="Save it as UTF-8, as TOML has to be.",
        ) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        # A folder above that may not be looked into has no configuration for us.
        return False


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise ConfigurationError(
            "The working folder does not exist any more.", next_step="cd into the project's folder and run again."
        ) from None


def _shown(path: Path) -> str:
    """Short in messages: relative where it is below the working folder."""
    with contextlib.suppress(OSError):
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
    return str(path)
