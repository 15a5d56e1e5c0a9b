"""Lines in S3, as they were sent there."""

from __future__ import annotations

import gzip
import io
import re
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote

from stoker.logs.read.places import LogFile, is_standard_error, standard_error
from stoker.logs.ship.keys import escaped
from stoker.logs.ship.s3 import make_client, split_url
from stoker.secrets.aws_errors import aws_error

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"(?P<writer>.+)-(?P<number>\d{6,})\.jsonl\.gz")
_ATTEMPTS = 3
_ADVICE = {
    "NoSuchBucket": "Check the bucket's name.",
    "AccessDenied": "Grant s3:ListBucket on the bucket and s3:GetObject on its objects to this role or user.",
}


class S3Place:
    """The objects below a prefix.

    Args:
        url: `s3://bucket/prefix`, as it was given for sending; or where a platform puts the standard errors of a run.

    Raises:
        ConfigurationError: If the URL or the AWS settings of this machine are wrong.
        MissingExtraError: If boto3 is not installed.
    """

    def __init__(self, url: str) -> None:
        self._bucket, prefix = split_url(url)
        self._prefix = f"{prefix}/" if prefix else ""
        self.where = f"s3://{self._bucket}/{prefix}".rstrip("/")
        self._client = make_client(f"Reading logs from {self.where}", _ATTEMPTS)

    def files(self, run: str | None) -> Iterator[LogFile]:
        """Its files; see `Place`."""
        folders = list(self._folders(run))
        for folder in folders:
            for key in self._keys(folder):
                match = _NAME.fullmatch(key.rpartition("/")[2])
                if match is not None:
                    name = key.removeprefix(self._prefix)
                    number = (int(match["number"]), name)
                    yield LogFile(name, match["writer"], number, f"s3://{self._bucket}/{key}", self._opener(key))
        if not folders:  # nothing of Stoker's: it may be where a platform puts what drivers and executors write
            for key in self._keys(self._prefix):
                if is_standard_error(key.rpartition("/")[2]):
                    yield standard_error(f"s3://{self._bucket}/{key}", self._opener(key))

    def runs(self) -> set[str]:
        """The ids of all runs that have lines there."""
        return {
            unquote(run.rstrip("/").rpartition("run=")[2])
            for job in self._below(f"{self._prefix}job=")
            for run in self._below(f"{job}run=")
        }

    def _folders(self, run: str | None) -> Iterator[str]:
        for job in self._below(f"{self._prefix}job="):
            yield job if run is None else f"{job}run={escaped(run)}/"

    def _below(self, prefix: str) -> Iterator[str]:
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            yield from (each["Prefix"] for each in page.get("CommonPrefixes", ()))

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self._pages(Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", ()))

    def _pages(self, **asked: str) -> Iterator[dict[str, Any]]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield from self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **asked)
        except (BotoCoreError, ClientError) as error:
            raise aws_error(self.where, error, _ADVICE) from None

    def _opener(self, key: str) -> Any:
        def opened() -> BinaryIO:
            from botocore.exceptions import BotoCoreError, ClientError

            try:
                content = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except (BotoCoreError, ClientError) as error:
                raise aws_error(f"s3://{self._bucket}/{key}", error, _ADVICE) from None
            return cast("BinaryIO", gzip.open(io.BytesIO(content)) if key.endswith(".gz") else io.BytesIO(content))

        return opened
