from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from stoker.errors import ConfigurationError, MissingExtraError, StokerError, TransientError
from stoker.secrets import SecretRef, redact, resolve
from support.aws import answering, free_port, use_dummy_account

FOLDER = Path("/project")


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_dummy_account(monkeypatch, tmp_path)


def stored(name: str, text: str, region: str = "eu-west-1") -> str:
    """The ARN of a new secret."""
    client = boto3.client("secretsmanager", region_name=region)
    return str(client.create_secret(Name=name, SecretString=text)["ARN"])


def value(name: str, key: str | None = None) -> str:
    """The secret, resolved."""
    return resolve(SecretRef("aws", name, key), folder=FOLDER)


def refusal(name: str, key: str | None = None) -> StokerError:
    """Why it cannot be resolved."""
    with pytest.raises(StokerError) as caught:
        value(name, key)
    return caught.value


@mock_aws
def test_a_secret_is_the_whole_text_or_one_key_of_it() -> None:
    """Names have slashes; numbers are taken as text."""
    document = json.dumps({"password": "hunter2", "port": 5432, "ratio": 0.5, "a b": "c d e f", "": "none"})
    stored("prod/db/warehouse", document)
    stored("plain", "correct horse\n")

    assert value("prod/db/warehouse") == document
    assert value("prod/db/warehouse", "password") == "hunter2"
    assert value("prod/db/warehouse", "port") == "5432"
    assert value("prod/db/warehouse", "ratio") == "0.5"
    assert value("prod/db/warehouse", "a b") == "c d e f"
    assert value("plain") == "correct horse\n"
    assert redact("FATAL: hunter2") == "FATAL: ***"


@mock_aws
def test_an_arn_is_asked_for_in_its_own_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever region is set, or none."""
    arn = stored("elsewhere", '{"password": "hunter2"}', region="us-west-2")

    assert value(arn, "password") == "hunter2"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert value(arn) == '{"password": "hunter2"}'


@mock_aws
def test_a_secret_is_asked_for_once() -> None:
    """Later changes are not seen by this process."""
    stored("rotated", "first value")
    assert value("rotated") == "first value"
    boto3.client("secretsmanager").put_secret_value(SecretId="rotated", SecretString="second")

    assert value("rotated") == "first value"


@mock_aws
def test_what_is_not_there_is_told() -> None:
    """The secret, or its key; close names of keys are offered, values are not."""
    stored("warehouse", '{"passwort": "hunter2", "user": "etl"}')

    missing = refusal("warehuose", "password")
    assert isinstance(missing, ConfigurationError)
    assert missing.what.startswith("The secret secret://aws/warehuose#password is refused by AWS: ")
    assert missing.what.endswith(" [ResourceNotFoundException].")
    assert missing.state == "Nothing was written."
    assert missing.next_step == "Create it there, or check the name, the account and the region."

    key = refusal("warehouse", "password")
    assert key.what == "The secret secret://aws/warehouse#password has no key 'password'. Did you mean 'passwort'?"
    assert key.next_step == "Name one of its keys after #."
    assert "hunter2" not in str(refusal("warehouse", "nothing"))


@pytest.mark.parametrize("text", ["hunter2", "[1, 2]", '"hunter2"', "null", "{", "[" * 5000])
@mock_aws
def test_a_text_that_is_no_json_object_has_no_keys(text: str) -> None:
    """A plain password with #password after its name."""
    stored("warehouse", text)

    error = refusal("warehouse", "password")

    assert error.what == ("The secret secret://aws/warehouse#password is no JSON object, so it has no key 'password'.")
    assert error.next_step == "Leave #password out, or store the secret as a JSON object."


@pytest.mark.parametrize(
    ("stored_value", "told"),
    [
        ("null", "is neither text nor a number there."),
        ("true", "is neither text nor a number there."),
        ('["hunter2"]', "is neither text nor a number there."),
        ('{"x": "hunter2"}', "is neither text nor a number there."),
        ('""', "is empty."),
    ],
)
@mock_aws
def test_a_key_without_text_is_told(stored_value: str, told: str) -> None:
    """Its value is not shown."""
    stored("warehouse", f'{{"password": {stored_value}}}')

    assert refusal("warehouse", "password").what == f"The secret secret://aws/warehouse#password {told}"


@mock_aws
def test_a_binary_secret_is_told() -> None:
    """It has no text."""
    boto3.client("secretsmanager").create_secret(Name="binary", SecretBinary=b"hunter2")

    assert refusal("binary").what == "The secret secret://aws/binary is binary, and text is needed."


@mock_aws
def test_a_deleted_secret_is_told() -> None:
    """It can be restored for some days."""
    stored("gone", "hunter2")
    boto3.client("secretsmanager").delete_secret(SecretId="gone")

    error = refusal("gone")

    assert "[InvalidRequestException]" in error.what
    assert error.next_step == "It may be marked for deletion: restore it, or name another one."


@pytest.mark.parametrize(
    ("code", "next_step"),
    [
        ("AccessDeniedException", "Grant secretsmanager:GetSecretValue on it to this role or user."),
        ("DecryptionFailure", "Grant kms:Decrypt on the secret's key to this role or user."),
        (
            "UnrecognizedClientException",
            "Renew the credentials (aws sso login, or the role's), and check the clock of this machine.",
        ),
        (
            "ExpiredTokenException",
            "Renew the credentials (aws sso login, or the role's), and check the clock of this machine.",
        ),
        ("InvalidParameterException", "Check it in AWS, in this account and region."),
    ],
)
def test_a_refusal_is_told_with_what_helps(code: str, next_step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With AWS's own words: they name the role and the secret."""
    body = json.dumps({"__type": code, "message": "User: arn:aws:iam::1:role/etl is not authorized."})
    with answering(400, body) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)
        error = refusal("warehouse")

    assert isinstance(error, ConfigurationError)
    assert error.what == (
        f"The secret secret://aws/warehouse is refused by AWS: User: arn:aws:iam::1:role/etl is not authorized [{code}]."
    )
    assert error.next_step == next_step


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}'),
        (500, '{"__type": "InternalServiceError"}'),
        (503, "<html>unavailable</html>"),
        (0, ""),
    ],
)
def test_what_may_pass_is_told_as_such(status: int, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy or broken service, and one that hangs up: a run may be tried again."""
    with answering(status, body) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)
        error = refusal("warehouse")

    assert isinstance(error, TransientError)
    assert "secret://aws/warehouse" in error.what
    assert error.next_step


def test_a_service_that_is_not_there_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens."""
    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{port}")
    error = refusal("warehouse")

    assert isinstance(error, TransientError)
    assert error.what == (
        "The secret secret://aws/warehouse cannot be read: Could not connect to the endpoint URL: "
        f'"http://127.0.0.1:{port}/".'
    )
    assert error.next_step is not None
    assert "VPC" in error.next_step


def test_tls_that_is_not_there_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that fails once fails again."""
    with answering(200, "{}") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", url.replace("http:", "https:"))
        error = refusal("warehouse")

    assert isinstance(error, ConfigurationError)
    assert error.next_step == "Name the CA that signs for this network in AWS_CA_BUNDLE."


@pytest.mark.parametrize(
    ("variables", "told", "next_step"),
    [
        (
            {"AWS_DEFAULT_REGION": None},
            "You must specify a region",
            "Set AWS_REGION, for instance AWS_REGION=eu-west-1.",
        ),
        (
            {"AWS_DEFAULT_REGION": "eu west"},
            "Provided region_name 'eu west' doesn't match a supported format",
            "Set AWS_REGION, for instance AWS_REGION=eu-west-1.",
        ),
        (
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            "Unable to locate credentials",
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; on EMR give the job a role.",
        ),
        (
            {"AWS_SECRET_ACCESS_KEY": None},
            "Partial credentials found in env",
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; on EMR give the job a role.",
        ),
        (
            {"AWS_PROFILE": "missing"},
            "The config profile (missing) could not be found",
            "Check the AWS settings of this machine (AWS_* variables, ~/.aws/config).",
        ),
        (
            {"AWS_ENDPOINT_URL_SECRETS_MANAGER": "nonsense"},
            "Invalid endpoint: nonsense",
            "Check the AWS settings of this machine (AWS_* variables, ~/.aws/config).",
        ),
    ],
)
def test_settings_of_aws_that_are_missing_or_wrong_are_told(
    variables: dict[str, str | None], told: str, next_step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is asked."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{free_port()}")
    for name, setting in variables.items():
        if setting is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, setting)

    error = refusal("warehouse")

    assert isinstance(error, ConfigurationError)
    assert error.what.startswith(f"The secret secret://aws/warehouse cannot be read: {told}")
    assert error.next_step == next_step


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact command."""
    monkeypatch.setitem(sys.modules, "boto3", None)

    error = refusal("warehouse", "password")

    assert isinstance(error, MissingExtraError)
    assert str(error) == (
        "The secret secret://aws/warehouse#password needs boto3, which is not installed.\n"
        'Next: pip install "stoker[aws]"'
    )


def test_boto3_is_loaded_for_aws_only() -> None:
    """A project without AWS neither has it nor waits for it."""
    code = (
        "import os, sys, pathlib\n"
        "os.environ['X'] = 'hunter2'\n"
        "from stoker import config, secrets\n"
        "secrets.resolve(secrets.SecretRef('env', 'X'), folder=pathlib.Path('.'))\n"
        "config.load_config(config.ConfigSource('[places]\\nlake = \"s3://lake\"', 'x', pathlib.Path('.')), environ={})\n"
        "print([name for name in ('boto3', 'botocore', 'pyspark', 'pyarrow', 'numpy', 'rich') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
