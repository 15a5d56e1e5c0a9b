"""What is told when a connection cannot be made."""

from __future__ import annotations

import dataclasses
import socket
from typing import TYPE_CHECKING

import pytest

from postgres.poolers import FakePooler
from postgres.proxies import TlsFront
from postgres.test_patience import FULL, Refusing
from stoker import ConfigurationError, StokerError
from stoker.postgres.connections.connection import connect, from_url
from stoker.postgres.connections.iam import IamLogin
from stoker.postgres.connections.session import open_session
from stoker.secrets import AwsCredentials
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.connections.connection import ConnectionInfo


def told(call: Callable[[], object]) -> StokerError:
    """What a call raises."""
    with pytest.raises(StokerError) as raised:
        call()
    return raised.value


def test_an_unknown_host(info: ConnectionInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """No name server has it."""

    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "by the test")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = told(lambda: connect(dataclasses.replace(info, host="db.invalid")))
    assert_told("The host name is not known", error)


def test_a_server_without_tls(info: ConnectionInfo) -> None:
    """The embedded one."""
    error = told(lambda: connect(dataclasses.replace(info, sslmode="verify-full")))
    assert_told("The server has no TLS", error)


def test_a_server_that_is_full(info: ConnectionInfo) -> None:
    """As it answers then."""
    with Refusing(info, FULL) as server:
        assert_told("No connection is free", told(lambda: connect(server.info)))


def test_an_authority_that_is_not_trusted(info: ConnectionInfo) -> None:
    """A certificate that is its own authority; for a host of RDS the message says where Amazon's is."""
    with TlsFront() as front:
        front.towards(info.host, info.port)
        behind = dataclasses.replace(info, host="localhost", port=front.port, sslmode="verify-full")
        assert_told("The certificate is not accepted", told(lambda: connect(behind)))


def test_a_pooler_that_shares_sessions(info: ConnectionInfo) -> None:
    """With one session for all."""
    with FakePooler(info, 1, newest=True) as pooled:
        assert_told("A pooler shares sessions", told(lambda: open_session(pooled)))


def test_a_url_with_a_slip() -> None:
    """A password with an @ in it."""
    error = told(lambda: from_url("postgresql://etl:p@ss@db.internal/dwh"))
    assert "p@ss" not in str(error)
    assert_told("A URL cannot be used", error)


def test_aws_credentials_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """On an executor without a role."""

    def none() -> AwsCredentials:
        raise ConfigurationError("There are none.")

    monkeypatch.setattr("stoker.postgres.connections.iam.find_credentials", none)
    login = IamLogin("eu-west-1", AwsCredentials("AK", "made-up", None, 0.0))
    assert_told("The AWS credentials are over", told(lambda: login.token("h", 5432, "u")))
