"""S3 for tests of logging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from support.aws import use_dummy_account
from support.s3 import S3Server, s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3Server]:
    """A server with the bucket `logs`, which boto3 finds by itself."""
    with s3_server() as server:
        use_dummy_account(monkeypatch, tmp_path)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="logs")
        yield server


@pytest.fixture
def client(s3: S3Server) -> Any:
    """A client that looks on."""
    return boto3.client("s3")
