from __future__ import annotations

import sys
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from stoker.config import find_config, load_config
from stoker.errors import ConfigurationError, MissingExtraError, TransientError
from support.aws import answering, free_port, use_dummy_account

URL = "s3://configurations/flights/stoker.toml"


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_dummy_account(monkeypatch, tmp_path)


def xml(code: str, message: str = "no") -> str:
    """An error as S3 writes it."""
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
@mock_aws
def test_a_configuration_is_read_from_s3(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By --config or STOKER_CONFIG; paths count from the working folder."""
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="configurations")
    client.put_object(Bucket="configurations", Key="flights/stoker.toml", Body=b"\xef\xbb\xbf[places]\nlake = 'data'\n")
    url = URL.replace("s3", scheme)
    monkeypatch.setenv("STOKER_CONFIG", url)

    for source in (find_config(), find_config(explicit=url)):
        assert (source.name, source.folder) == (url, Path.cwd())
        assert load_config(source, environ={}).place("lake") == str(Path.cwd() / "data")


@mock_aws
def test_what_is_not_there_is_told() -> None:
    """The bucket, the object, and text that is not UTF-8."""
    with pytest.raises(ConfigurationError) as caught:
        find_config(explicit=URL)
    assert caught.value.what == f"--config {URL} is refused by AWS: The specified bucket does not exist [NoSuchBucket]."
    assert caught.value.next_step == "Check the bucket's name."

    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="configurations")
    with pytest.raises(ConfigurationError) as caught:
        find_config(explicit=URL)
    assert caught.value.what == f"--config {URL} is refused by AWS: The specified key does not exist [NoSuchKey]."
    assert caught.value.next_step == "Upload it there, or check the key."

    client.put_object(Bucket="configurations", Key="flights/stoker.toml", Body=b"\xff")
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        find_config(explicit=URL)


def test_a_refusal_of_the_right_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the right to grant."""
    with answering(403, xml("AccessDenied", "Access Denied")) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        with pytest.raises(ConfigurationError) as caught:
            find_config(explicit=URL)

    assert caught.value.what == f"--config {URL} is refused by AWS: Access Denied [AccessDenied]."
    assert "s3:GetObject" in str(caught.value.next_step)


@pytest.mark.parametrize(
    ("status", "body", "missing"),
    [(503, xml("SlowDown"), 0), (500, xml("InternalError"), 0), (200, "[run]\n", 10), (0, "", 0)],
)
def test_what_may_pass_is_told_as_such(status: int, body: str, missing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy or broken server, and an answer that is cut: half a configuration is none."""
    with answering(status, body, missing=missing) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        with pytest.raises(TransientError, match="--config s3://"):
            find_config(explicit=URL)


def test_a_service_that_is_not_there_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")

    with pytest.raises(TransientError, match="cannot be read: Could not connect to the endpoint URL"):
        find_config(explicit=URL)


def test_without_credentials_it_says_how_to_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, no profile, no role."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(ConfigurationError, match="Unable to locate credentials") as caught:
        find_config(explicit=URL)

    assert "AWS_PROFILE" in str(caught.value.next_step)


def test_a_bucket_that_cannot_be_one_is_told() -> None:
    """boto3 refuses the name before it asks."""
    with pytest.raises(ConfigurationError, match="cannot be read: Parameter validation failed") as caught:
        find_config(explicit="s3://not a bucket/stoker.toml")

    assert "\n" not in caught.value.what


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact command."""
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(MissingExtraError) as caught:
        find_config(explicit=URL)

    assert str(caught.value) == (
        f'--config {URL} needs boto3, which is not installed.\nNext: pip install "stoker[aws]"'
    )
