"""Secrets in AWS Secrets Manager, through boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stoker.errors import missing_extra, suggestion
from stoker.secrets.aws_errors import aws_error
from stoker.secrets.resolution import wrong

if TYPE_CHECKING:
    from stoker.secrets.reference import SecretRef

_ADVICE = {
    "ResourceNotFoundException": "Create it there, or check the name, the account and the region.",
    "AccessDeniedException": "Grant secretsmanager:GetSecretValue on it to this role or user.",
    "DecryptionFailure": "Grant kms:Decrypt on the secret's key to this role or user.",
    "InvalidRequestException": "It may be marked for deletion: restore it, or name another one.",
}
_ARN_REGION = 3
"""arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME."""


def from_secrets_manager(ref: SecretRef) -> str:
    """The text of a secret, or of one key of it.

    Raises:
        ConfigurationError: If there is no such secret or key, or no right, region or credentials to read it.
        TransientError: If the service does not answer.
        MissingExtraError: If boto3 is not installed.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise missing_extra("boto3", "aws", f"The secret {ref}") from error
    settings = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})
    try:
        client = boto3.client("secretsmanager", region_name=_region(ref.name), config=settings)
        answer = client.get_secret_value(SecretId=ref.name)
    # ValueError is what botocore raises for an endpoint that is no URL.
    except (ClientError, BotoCoreError, ValueError) as error:
        raise aws_error(f"The secret {ref}", error, _ADVICE) from None
    if "SecretString" not in answer:
        raise wrong(ref, "is binary, and text is needed", "Store it as text (--secret-string).")
    return answer["SecretString"] if ref.key is None else _key(ref, ref.key, answer["SecretString"])


def _region(name: str) -> str | None:
    """An ARN says its region; else it is the default of the environment."""
    parts = name.split(":")
    return parts[_ARN_REGION] if parts[0] == "arn" and len(parts) > _ARN_REGION else None


def _key(ref: SecretRef, key: str, text: str) -> str:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise wrong(
            ref,
            f"is no JSON object, so it has no key {key!r}",
            f"Leave #{key} out, or store the secret as a JSON object.",
        )
    if key not in document:
        raise wrong(ref, f"has no key {key!r}.{suggestion(key, document)}", "Name one of its keys after #.")
    value = document[key]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong(ref, "is neither text nor a number there", f"Store text under the key {key!r}.")
    return str(value)
