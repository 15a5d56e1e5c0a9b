from __future__ import annotations

import dataclasses
import pickle
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import botocore.auth
import botocore.session
import pytest
from botocore.signers import generate_db_auth_token

from postgres.proxies import TlsFront
from postgres.test_patience import Refusing
from stoker.config import PostgresSettings, settings_of_url
from stoker.errors import ConfigurationError
from stoker.postgres.connections.connection import connect, resolve
from stoker.postgres.connections.iam import IamLogin, region_of, signed
from stoker.secrets import AwsCredentials

if TYPE_CHECKING:
    from pathlib import Path

    from stoker.postgres.connections.connection import ConnectionInfo

HOST = "shop.cluster-c9akciq32.eu-west-1.rds.amazonaws.com"
NOW = datetime(2026, 11, 26, 3, 4, 5, tzinfo=UTC)
MINE = AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/token+with=signs")


@pytest.mark.parametrize("credentials", [MINE, dataclasses.replace(MINE, session_token=None)])
@pytest.mark.parametrize("user", ["etl", "etl job+ä/=&?~"])
def test_a_token_is_the_one_that_botocore_signs(
    credentials: AwsCredentials, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Field by field, and so is the signature."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
    client: Any = botocore.session.Session().create_client(
        "rds",
        region_name="eu-west-1",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.session_token,
    )
    theirs = generate_db_auth_token(client, HOST, 5432, user, Region="eu-west-1")

    ours = signed(credentials, "eu-west-1", HOST, 5432, user, NOW)

    assert ours.partition("?")[0] == theirs.partition("?")[0] == f"{HOST}:5432/"
    assert dict(parse_qsl(ours.partition("?")[2])) == dict(parse_qsl(theirs.partition("?")[2]))


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (HOST, "eu-west-1"),
        ("shop.c9akciq32.us-gov-west-1.rds.amazonaws.com", "us-gov-west-1"),
        ("pool.proxy-c9akciq32.ap-southeast-2.rds.amazonaws.com", "ap-southeast-2"),
        ("shop.c9akciq32.cn-north-1.rds.amazonaws.com.cn", "cn-north-1"),
        ("db.internal", None),
    ],
)
def test_a_host_of_rds_tells_its_region(host: str, region: str | None) -> None:
    """Other names tell none."""
    assert region_of(host) == region


def test_a_task_signs_with_the_drivers_credentials_while_they_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then with its own; where it has none, the message says what to do."""
    driver = IamLogin("eu-west-1", dataclasses.replace(MINE, expires=time.time() + 3600))
    over = IamLogin("eu-west-1", dataclasses.replace(MINE, expires=time.time() + 5))
    assert "AKIDEXAMPLE" in pickle.loads(pickle.dumps(driver)).token(HOST, 5432, "etl")  # noqa: S301 - our own
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTASK")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 20)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    assert "AKIDTASK" in over.token(HOST, 5432, "etl")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(ConfigurationError, match="credentials of the driver are over, and this machine has no others"):
        over.token(HOST, 5432, "etl")


def test_the_password_of_a_connection_by_iam_is_a_token_of_the_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that signs is in a text of the connection; the region comes from the host, else it has to be said."""
    monkeypatch.setattr("stoker.secrets.find_credentials", lambda: MINE)
    settings = PostgresSettings("w", host=HOST, database="d", user="etl", iam=True)
    info = resolve(settings, folder=tmp_path)

    assert (info.login_password() or "").startswith(f"{HOST}:5432/?Action=connect&DBUser=etl&")
    assert MINE.secret_key not in repr(info)
    assert str(MINE.session_token) not in repr(info)
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    elsewhere = dataclasses.replace(settings, host="db.internal")
    with pytest.raises(ConfigurationError, match=r"region of db\.internal is not known"):
        resolve(elsewhere, folder=tmp_path)
    assert resolve(dataclasses.replace(elsewhere, region="eu-west-1"), folder=tmp_path).iam == info.iam
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    assert resolve(elsewhere, folder=tmp_path).iam == IamLogin("us-east-2", MINE)


def test_a_connection_by_iam_is_by_tls_also_to_this_machine() -> None:
    """A tunnel's end is not the server: the token would pass through it in plain text."""
    assert settings_of_url("postgresql://u@localhost/d?iam=true", what="x").sslmode == "verify-full"


def test_a_token_is_not_sent_in_plain_text(info: ConnectionInfo) -> None:
    """However the connection was made."""
    with pytest.raises(ConfigurationError, match="in plain text"):
        connect(dataclasses.replace(info, iam=IamLogin("eu-west-1", MINE)))


def test_a_server_that_refuses_a_token_is_told_with_what_it_takes(info: ConnectionInfo) -> None:
    """The grant in the database, the right in AWS, the region, the clock; nothing of the token."""
    with Refusing(info, ("28P01", 'PAM authentication failed for user "etl"')) as server, TlsFront() as front:
        front.towards(server.info.host, server.info.port)
        login = IamLogin("eu-west-1", MINE)
        there = dataclasses.replace(info, host="localhost", port=front.port, sslmode="require", iam=login)
        with pytest.raises(ConfigurationError, match="rds-db:connect") as refused:
            connect(there)
    assert "X-Amz-Signature" not in str(refused.value)
