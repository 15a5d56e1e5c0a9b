from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from stoker.errors import ConfigurationError, MissingExtraError, TransientError
from stoker.secrets import AwsCredentials, find_credentials, redact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STS = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>secret-key</SecretAccessKey>
<SessionToken>session-token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
CONTAINER = {
    "AccessKeyId": "AK",
    "SecretAccessKey": "secret-key",
    "Token": "session-token",
    "Expiration": "2100-01-01T00:00:00Z",
}
FOUND = AwsCredentials("AK", "secret-key", "session-token", 4102444800.0)


class Endpoint(BaseHTTPRequestHandler):
    """Answers what the test wants, and keeps what it was asked."""

    answer: ClassVar[tuple[int, str]] = (200, "")
    asked: ClassVar[list[tuple[str | None, str]]] = []

    def do_GET(self) -> None:
        """As the endpoint of a container."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.asked.append((self.headers.get("Authorization"), body))
        status, text = self.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_GET  # noqa: N815 - the base's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing on the terminal."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    """Its URL."""
    Endpoint.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/role"
        server.shutdown()
        thread.join()


def test_the_environments_keys_come_first() -> None:
    """And are never shown."""
    environ = {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "secret-key", "AWS_SESSION_TOKEN": "session-token"}
    environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:1/"
    found = find_credentials(environ)

    assert found == AwsCredentials("AK", "secret-key", "session-token")
    assert "secret-key" not in repr(found)
    assert "session-token" not in repr(found)
    assert redact("secret-key session-token") == "*** ***"
    assert found.lasts(10**9)


def test_a_container_asks_its_own_endpoint(endpoint: str, tmp_path: Path) -> None:
    """As on EMR Serverless, with its token from a variable or a file."""
    Endpoint.answer = (200, json.dumps(CONTAINER))
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "one"}
    assert find_credentials(environ) == FOUND
    (tmp_path / "token").write_text("two\n")
    assert find_credentials({**environ, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token")}) == FOUND
    assert [asked[0] for asked in Endpoint.asked] == ["one", "two"]


def test_a_service_account_is_exchanged_for_a_role(endpoint: str, tmp_path: Path) -> None:
    """As on EKS."""
    Endpoint.answer = (200, STS)
    (tmp_path / "token").write_text("jwt")
    environ = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/etl", "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")}
    assert find_credentials({**environ, "AWS_ENDPOINT_URL_STS": endpoint}) == FOUND
    assert "WebIdentityToken=jwt" in Endpoint.asked[0][1]
    with pytest.raises(ConfigurationError, match="missing"):
        find_credentials({**environ, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "missing")})


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (403, "secret-key", ConfigurationError),
        (503, "", TransientError),
        (200, "{}", ConfigurationError),
        (200, "no json", ConfigurationError),
        (200, "[]", ConfigurationError),
    ],
)
def test_an_endpoint_that_gives_none_is_told(endpoint: str, status: int, text: str, kind: type[Exception]) -> None:
    """By what may pass and what may not; nothing of the answer is shown."""
    Endpoint.answer = (status, text)
    with pytest.raises(kind, match="cannot be had") as refused:
        find_credentials({"AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint})
    assert "secret-key" not in str(refused.value)


def test_an_endpoint_that_is_not_there_may_come_back(endpoint: str) -> None:
    """A refused connection is transient."""
    with pytest.raises(TransientError, match="does not answer"):
        find_credentials({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/role"})


@pytest.mark.parametrize("url", ["http://elsewhere.example/role", "file:///etc/passwd", "ftp://127.0.0.1/"])
def test_credentials_do_not_come_in_plain_text_from_elsewhere(url: str) -> None:
    """Only from this machine."""
    with pytest.raises(ConfigurationError, match="neither this machine nor TLS"):
        find_credentials({"AWS_CONTAINER_CREDENTIALS_FULL_URI": url})


def test_boto3_finds_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile of a developer; without boto3 it says what to install."""
    (tmp_path / "credentials").write_text("[mine]\naws_access_key_id = AK\naws_secret_access_key = profile-key\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    assert find_credentials() == AwsCredentials("AK", "profile-key")
    monkeypatch.delenv("AWS_PROFILE")
    with pytest.raises(ConfigurationError, match="AWS credentials cannot be read"):
        find_credentials()
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingExtraError, match=r"stoker\[aws\]"):
        find_credentials()


def test_credentials_know_how_long_they_last() -> None:
    """With a margin."""
    made = AwsCredentials("AK", "secret-key", None, time.time() + 100)
    assert made.lasts(60)
    assert not made.lasts(200)
