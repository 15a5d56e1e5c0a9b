"""AWS credentials without boto3 where the machine hands them out: on EMR Serverless, ECS and EKS, and from the environment.

Executors may have no boto3, and have to sign too. What needs files of a developer (profiles, SSO) or an EC2 instance's role
is left to boto3.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from stoker.errors import ConfigurationError, StokerError, TransientError, missing_extra
from stoker.secrets.aws_errors import aws_error
from stoker.secrets.redaction import remember

if TYPE_CHECKING:
    from collections.abc import Mapping

_RELATIVE = "http://169.254.170.2"
_MAY_BE_PLAIN = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "127.0.0.1", "::1"}
"""Hosts that never leave the machine: what they answer may come in plain text."""
_TIMEOUT = 5.0
_SERVER_ERROR = 500
_STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"


@dataclass(frozen=True)
class AwsCredentials:
    """What signs a request."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires: float | None = None
    """Seconds since the epoch; None if they do not expire, or that is not known."""

    def lasts(self, seconds: float) -> bool:
        """Whether they are good for some time yet."""
        return self.expires is None or self.expires - time.time() > seconds


def find_credentials(environ: Mapping[str, str] = os.environ) -> AwsCredentials:
    """The credentials of this process, fresh.

    Args:
        environ: The environment variables.

    Raises:
        ConfigurationError: If there are none, or AWS does not give them.
        TransientError: If the service that has them does not answer.
        MissingExtraError: If only boto3 could find them, and it is not installed.
    """
    found = None
    if not environ.get("AWS_PROFILE"):
        found = _from_environment(environ) or _from_web_identity(environ) or _from_container(environ)
    found = found or _from_boto3()
    for secret in (found.secret_key, found.session_token or ""):
        remember(secret)
    return found


def _from_environment(environ: Mapping[str, str]) -> AwsCredentials | None:
    access, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    return AwsCredentials(access, secret, environ.get("AWS_SESSION_TOKEN") or None) if access and secret else None


def _from_web_identity(environ: Mapping[str, str]) -> AwsCredentials | None:
    """A Kubernetes service account's token, exchanged for a role's credentials."""
    from xml.etree import ElementTree as ET

    role, file = environ.get("AWS_ROLE_ARN"), environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if not role or not file:
        return None
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    host = f"sts.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}" if region else "sts.amazonaws.com"
    endpoint = environ.get("AWS_ENDPOINT_URL_STS") or f"https://{host}"
    asked = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": environ.get("AWS_ROLE_SESSION_NAME") or "stoker",
        "WebIdentityToken": _read(file),
    }
    what = f"The role {role}"
    answer = _get(what, endpoint, data=urlencode(asked).encode())
    try:
        told = ET.fromstring(answer).find(f".//{_STS}Credentials")  # noqa: S314 - AWS's, by TLS
        values = {each.tag.removeprefix(_STS): each.text or "" for each in told} if told is not None else {}
        return _credentials(values, "SessionToken")
    except (ET.ParseError, KeyError, ValueError):
        raise _unknown_answer(what) from None


def _from_container(environ: Mapping[str, str]) -> AwsCredentials | None:
    """The endpoint that EMR Serverless, ECS and EKS give each container."""
    relative, full = (environ.get(f"AWS_CONTAINER_CREDENTIALS_{kind}_URI") for kind in ("RELATIVE", "FULL"))
    if not relative and not full:
        return None
    url = f"{_RELATIVE}{relative}" if relative else str(full)
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _MAY_BE_PLAIN):
        raise ConfigurationError(
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI names {parts.scheme}://{parts.hostname}, which is neither this machine "
            "nor TLS.",
            state="Nothing was written.",
            next_step="Unset it, or name an https:// address.",
        )
    file, token = (environ.get(f"AWS_CONTAINER_AUTHORIZATION_TOKEN{end}") for end in ("_FILE", ""))
    token = _read(file) if file else token
    what = "The container's AWS credentials"
    try:
        told = json.loads(_get(what, url, headers={"Authorization": token.strip()} if token else {}))
        return _credentials(told, "Token")
    except (KeyError, TypeError, ValueError):
        raise _unknown_answer(what) from None


def _from_boto3() -> AwsCredentials:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError as error:
        raise missing_extra("boto3", "aws", "Finding the AWS credentials of this machine") from error
    what = "AWS credentials"
    try:
        source = boto3.Session().get_credentials()
        if source is None:
            raise NoCredentialsError
        frozen = source.get_frozen_credentials()
    except (ClientError, BotoCoreError, ValueError) as error:
        raise aws_error(what, error, {}) from None
    expiry = getattr(source, "_expiry_time", None)
    expires = expiry.timestamp() if isinstance(expiry, datetime) else None
    return AwsCredentials(str(frozen.access_key), str(frozen.secret_key), frozen.token, expires)


def _credentials(told: Mapping[str, str], token: str) -> AwsCredentials:
    expires = datetime.fromisoformat(told["Expiration"]).timestamp()
    return AwsCredentials(told["AccessKeyId"], told["SecretAccessKey"], told[token], expires)


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The token for AWS credentials cannot be read from {path}: {getattr(error, 'strerror', 'it is no text')}.",
            state="Nothing was written.",
            next_step="Check the service account of this container.",
        ) from None


def _get(what: str, url: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The answer of a service that is asked for credentials."""
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    # The machine's own endpoint is never behind a proxy.
    direct = [ProxyHandler({})] if urlsplit(url).hostname in _MAY_BE_PLAIN else []
    request = Request(url, data, dict(headers or {}))  # noqa: S310 - the scheme was looked at
    try:
        with build_opener(*direct).open(request, timeout=_TIMEOUT) as answer:
            return bytes(answer.read())
    except HTTPError as error:
        error.close()
        kind: type[StokerError] = TransientError if error.code >= _SERVER_ERROR else ConfigurationError
        raise kind(
            f"{what} cannot be had: {urlsplit(url).netloc} answers HTTP {error.code}.",
            state="Nothing was written.",
            next_step="Check the role of this job and whom it trusts.",
        ) from None
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise TransientError(
            f"{what} cannot be had: {urlsplit(url).netloc} does not answer ({reason}).",
            state="Nothing was written.",
            next_step="Check the network of this machine, then run again.",
        ) from None


def _unknown_answer(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} cannot be had: the answer has none.",
        state="Nothing was written.",
        next_step="Check the AWS_* variables of this machine.",
    )
