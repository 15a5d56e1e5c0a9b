"""Secrets: named in the configuration by a reference, resolved on the driver when needed, never shown.

`secret://env/NAME`, `secret://file/PATH`, `secret://aws/NAME#KEY` (AWS Secrets Manager, one key of a JSON secret).
"""

from stoker.secrets.aws_credentials import AwsCredentials, find_credentials
from stoker.secrets.names import is_secret, is_secret_name
from stoker.secrets.redaction import has_url_password, is_suspect, known_values, known_version, redact, remember
from stoker.secrets.reference import SecretRef, parse
from stoker.secrets.resolution import resolve
from stoker.secrets.tokens import MASK

__all__ = [
    "MASK",
    "AwsCredentials",
    "SecretRef",
    "find_credentials",
    "has_url_password",
    "is_secret",
    "is_secret_name",
    "is_suspect",
    "known_values",
    "known_version",
    "parse",
    "redact",
    "remember",
    "resolve",
]
