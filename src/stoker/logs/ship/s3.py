"""Objects in S3, by boto3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from stoker.errors import ConfigurationError, missing_extra
from stoker.logs.ship.store import RefusedError, StoreError
from stoker.secrets import redact

if TYPE_CHECKING:
    from types import ModuleType

CONNECT_TIMEOUT, READ_TIMEOUT = 2, 10
"""Seconds; those of the calls of a job are longer, but nobody waits for these."""
_PASSING = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "Throttling"}
_OK = 200
_SERVER_ERROR, _TOO_MANY = 500, 429


def split_url(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`, which may be `s3a`.

    Raises:
        ConfigurationError: If it is no such URL.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme not in {"s3", "s3a"} or not bucket:
        raise ConfigurationError(
            f"{url!r} is no place in S3.", state="Nothing was started.", next_step="Give s3://BUCKET/PREFIX."
        )
    return bucket, prefix.strip("/")


def make_client(purpose: str, attempts: int = 1) -> Any:
    """A client for S3, made here and now: later, at the end of the interpreter, boto3 could not be imported any more.

    Args:
        purpose: What needs it, as the begin of a sentence.
        attempts: Of each call; a shipper decides itself what is tried again, and when.

    Raises:
        MissingExtraError: If boto3 is not installed.
        ConfigurationError: If the AWS settings of this machine are wrong.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise missing_extra("boto3", "aws", purpose) from error
    settings = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    try:
        return boto3.Session().client("s3", config=settings)
    except (BotoCoreError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"{purpose} cannot use S3: {redact(str(error)).rstrip('.')}.",
            state="Nothing was started.",
            next_step="Check the AWS settings of this machine (AWS_* variables, ~/.aws/config).",
        ) from None


class S3Store:
    """A prefix of a bucket.

    Args:
        url: `s3://bucket/prefix`.

    Raises:
        ConfigurationError: If the URL, or the AWS settings of this machine, are wrong.
        MissingExtraError: If boto3 is not installed.
    """

    def __init__(self, url: str) -> None:
        self._bucket, self._prefix = split_url(url)
        self.where = f"s3://{self._bucket}/{self._prefix}".rstrip("/")
        self._client = make_client(f"Sending logs to {self.where}")
        self._errors = _errors()

    def put(self, key: str, body: BinaryIO) -> None:
        """Put an object; see `Store`."""
        full = f"{self._prefix}/{key}" if self._prefix else key
        try:
            answer = self._client.put_object(Bucket=self._bucket, Key=full, Body=body, ContentType="application/gzip")
        except self._errors.ClientError as error:
            raise _refused(error) from None
        except (self._errors.BotoCoreError, OSError, ValueError) as error:
            # Else it is the network, or what hands out credentials, and may pass.
            refused = (
                self._errors.NoCredentialsError,
                self._errors.PartialCredentialsError,
                self._errors.ParamValidationError,
                self._errors.SSOError,
            )
            raise (RefusedError if isinstance(error, refused) else StoreError)(_said(error)) from None
        # Half an answer is a 200 to HTTP's library, and so is a proxy's own page.
        if answer["ResponseMetadata"]["HTTPStatusCode"] != _OK or not answer.get("ETag"):
            raise StoreError("the answer does not confirm it")


def _said(error: Exception) -> str:
    """What boto3 says, without the long URL of one object."""
    text = re.sub(r'(,? (on|from|to the|for))? endpoint URL: "[^"]*"', "", " ".join(str(error).split()))
    return redact(text).rstrip(".") or type(error).__name__


def _errors() -> ModuleType:
    from botocore import exceptions

    return exceptions


def _refused(error: Any) -> StoreError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    message = " ".join(redact(str(error.response.get("Error", {}).get("Message", ""))).split())
    passing = code in _PASSING or status >= _SERVER_ERROR or status == _TOO_MANY or status < _OK
    return (StoreError if passing else RefusedError)(f"{code or f'HTTP {status}'}: {message}".rstrip(": "))
