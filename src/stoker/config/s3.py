"""A configuration in S3: `--config s3://bucket/key`."""

from __future__ import annotations

from stoker.errors import ConfigurationError, missing_extra
from stoker.secrets.aws_errors import aws_error

_ADVICE = {
    "NoSuchKey": "Upload it there, or check the key.",
    "NoSuchBucket": "Check the bucket's name.",
    "AccessDenied": "Grant s3:GetObject on it to this role or user (without s3:ListBucket a missing key looks the same).",
}


def read_s3(url: str, told_by: str) -> bytes:
    """The bytes of an object.

    Args:
        url: `s3://bucket/key`, or with `s3a`.
        told_by: What gave the URL: `--config` or `STOKER_CONFIG`.

    Raises:
        ConfigurationError: If there is no such object, or no right or credentials to read it.
        TransientError: If S3 does not answer.
        MissingExtraError: If boto3 is not installed.
    """
    bucket, _, key = url.partition("://")[2].partition("/")
    if not bucket or not key or key.endswith("/"):
        raise ConfigurationError(
            f"{told_by} {url} names no object.", state="Nothing was started.", next_step="Give s3://BUCKET/KEY."
        )
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise missing_extra("boto3", "aws", f"{told_by} {url}") from error
    settings = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})
    try:
        content: bytes = boto3.client("s3", config=settings).get_object(Bucket=bucket, Key=key)["Body"].read()
    # ValueError is what botocore raises for an endpoint that is no URL.
    except (ClientError, BotoCoreError, ValueError) as error:
        raise aws_error(f"{told_by} {url}", error, _ADVICE) from None
    return content
