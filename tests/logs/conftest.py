"""S3 for tests of logging."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from stoker.logs.ship import s3 as shipping
from support.aws import use_dummy_account
from support.s3 import S3Server, s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[S3Server, Any]]:
    """A server with the bucket `logs`, and a client that looks on: both take long to make."""
    with pytest.MonkeyPatch.context() as patch, s3_server() as server:
        use_dummy_account(patch, tmp_path_factory.mktemp("aws"))
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        patch.setattr(shipping, "READ_TIMEOUT", 0.2)
        patch.setattr(shipping, "make_client", cache(shipping.make_client))
        client = boto3.client("s3")
        client.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield server, client


@pytest.fixture
def s3(_server: tuple[S3Server, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3Server]:
    """A server with the empty bucket `logs`, which boto3 finds by itself; it never answers for 0.2 seconds, else it is given up."""
    server, client = _server
    use_dummy_account(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    for found in client.list_objects_v2(Bucket="logs").get("Contents", []):
        client.delete_object(Bucket="logs", Key=found["Key"])
    server.requests.clear()
    server.faults = 0
    yield server
    if server.fault == "refused":
        server.listen()
    server.fault = None
    server.free()


@pytest.fixture
def client(s3: S3Server, _server: tuple[S3Server, Any]) -> Any:
    """A client that looks on."""
    return _server[1]
