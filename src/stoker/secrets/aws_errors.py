"""What AWS's refusals mean: whether to try again, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, StokerError, TransientError
from stoker.secrets.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.exceptions import ClientError

_SERVER_ERROR = 500
_BUSY = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_RENEW = "Renew the credentials (aws sso login, or the role's), and check the clock of this machine."


def aws_error(what: str, error: Exception, advice: Mapping[str, str]) -> StokerError:
    """The error for a call that AWS refused, or that did not reach it.

    Args:
        what: What was wanted, as the begin of a sentence.
        error: What boto3 raised.
        advice: What to do, by AWS's error code.
    """
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        return _refused(what, error, advice)
    return _not_asked(what, error)


def _refused(what: str, error: ClientError, advice: Mapping[str, str]) -> StokerError:
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", "")) or "no code"
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    told = redact(str(answer.get("Error", {}).get("Message", "")).rstrip("."))
    text = f"{what} is refused by AWS: {told} [{code}]." if told else f"{what} is refused by AWS [{code}]."
    if code in _BUSY or status >= _SERVER_ERROR:
        return TransientError(text, state="Nothing was written.", next_step="Run again later.")
    step = _RENEW if code in _CREDENTIALS else advice.get(code, "Check it in AWS, in this account and region.")
    return ConfigurationError(text, state="Nothing was written.", next_step=step)


def _not_asked(what: str, error: Exception) -> StokerError:
    from botocore import exceptions

    told = f"{what} cannot be read: {redact(' '.join(str(error).split())).rstrip('.')}."
    if isinstance(error, exceptions.SSLError):
        step = "Name the CA that signs for this network in AWS_CA_BUNDLE."
    elif isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError | exceptions.IncompleteReadError):
        return TransientError(
            told,
            state="Nothing was written.",
            next_step="Check the network (in a VPC without NAT: an endpoint for the service), then run again.",
        )
    elif isinstance(error, exceptions.NoRegionError | exceptions.InvalidRegionError):
        step = "Set AWS_REGION, for instance AWS_REGION=eu-west-1."
    elif isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        step = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; on EMR give the job a role."
    else:
        step = "Check the AWS settings of this machine (AWS_* variables, ~/.aws/config)."
    return ConfigurationError(told, state="Nothing was written.", next_step=step)
