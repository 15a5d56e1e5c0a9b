"""Where the configuration is."""

from __future__ import annotations

import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from stoker.errors import ConfigurationError, missing_extra

NAME = "stoker.toml"


@dataclass(frozen=True)
class ConfigSource:
    """The text of a configuration, and where it is from."""

    text: str
    name: str
    """As messages show it."""
    folder: Path
    """What relative paths count from: the file's folder, or the working folder for a zip and S3."""


def find_config(
    start: Path | None = None, *, explicit: str | Path | None = None, entry_point: Path | None = None
) -> ConfigSource:
    """Find `stoker.toml`.

    Args:
        start: Where to look, and then above; by default the working folder.
        explicit: `--config`: a path or `s3://bucket/key`; else `STOKER_CONFIG`.
        entry_point: The script that was started; its folder comes first, then the zips of `--py-files`.

    Raises:
        ConfigurationError: If there is none, with the places that were looked into.
    """
    chosen = explicit or os.environ.get("STOKER_CONFIG")
    if chosen:
        return _from_s3(str(chosen)) if str(chosen).startswith("s3://") else _from_file(Path(chosen).expanduser())
    looked = []
    if entry_point is not None:
        looked.append(entry_point.resolve().parent / NAME)
    for path in looked:
        if path.is_file():
            return _from_file(path)
    found = _from_zip()
    if found is not None:
        return found
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        looked.append(folder / NAME)
        if looked[-1].is_file():
            return _from_file(looked[-1])
    raise ConfigurationError(
        f"There is no {NAME}: not beside the entry point, in no zip of --py-files, not in {here} nor above it.",
        state="Nothing was started.",
        next_step=f"Write {NAME} in the project's folder, or name it by --config. The least that a job with places needs:\n"
        '    [environments.development.places]\n    lake = ".stoker/lake"',
    )


def _from_file(path: Path) -> ConfigSource:
    try:
        return ConfigSource(path.read_text("utf-8-sig"), str(path), path.resolve().parent)
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not UTF-8: byte {error.start}.", next_step="Save it as UTF-8, as TOML has to be."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.", next_step="Check --config, STOKER_CONFIG and the permissions."
        ) from None


def _from_zip() -> ConfigSource | None:
    """EMR ships the configuration at the root of the application's zip."""
    for entry in sys.path:
        if entry.endswith((".zip", ".pyz")) and zipfile.is_zipfile(entry):
            with zipfile.ZipFile(entry) as archive:
                if NAME in archive.namelist():
                    return ConfigSource(archive.read(NAME).decode("utf-8-sig"), f"{entry}!{NAME}", Path.cwd())
    return None


def _from_s3(url: str) -> ConfigSource:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise missing_extra("boto3", "aws", f"--config {url}") from error
    bucket, _, key = url.removeprefix("s3://").partition("/")
    try:
        body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return ConfigSource(body.decode("utf-8-sig"), url, Path.cwd())
    except (ClientError, BotoCoreError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{url} cannot be read: {error}.", next_step="Check the URL, the region and this role's right to read it."
        ) from None
