"""Without boto3, log lines go through Spark; or they wait, and what to do is told."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pytest

from stoker import logs
from stoker.errors import missing_extra
from stoker.files.filesystem import write_error
from stoker.files.log_store import HadoopStore
from stoker.logs import shipped
from stoker.logs.ship import RefusedError, Shipper, StoreError
from stoker.logs.shipped import ship_no_more, ship_through
from stoker.logs.spool import Spool
from support.spools import line, numbers, write

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> shipped.ShippedSpool:
    """What `configure` makes where boto3 is not installed."""

    def no_boto3(url: str) -> None:
        raise missing_extra("boto3", "aws", f"Sending logs to {url}")

    monkeypatch.setattr(shipped, "_waiting", [])
    monkeypatch.setattr(shipped, "S3Store", no_boto3)
    return shipped.ShippedSpool(Spool(tmp_path / "spool"), logs.LoggingSettings(s3=f"s3://{tmp_path.name}/p"))


def test_lines_are_sent_while_there_is_spark(
    spark: SparkSession, waiting: shipped.ShippedSpool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first one that the process has logged; it is announced. What comes after the end of Spark waits."""
    waiting.write(line(1).encode() + b"\n")
    told = ship_through(lambda _: HadoopStore(spark, str(tmp_path / "store")))
    waiting.write(line(2).encode() + b"\n")
    ship_no_more()
    waiting.write(line(3).encode() + b"\n")

    waiting.close()

    assert told == [f"log lines are sent to s3://{tmp_path.name}/p by Spark, while it runs: boto3 is not installed"]
    found = [gzip.decompress(path.read_bytes()) for path in (tmp_path / "store").rglob("*.jsonl.gz")]
    assert numbers(found) == [1, 2]
    assert "boto3 is not installed. They are kept in" in capsys.readouterr().err


def test_a_file_system_that_spark_does_not_have_is_announced(
    spark: SparkSession, waiting: shipped.ShippedSpool
) -> None:
    """The lines wait in the spool."""
    (told,) = ship_through(lambda _: HadoopStore(spark, "nosuch://bucket/p"))

    assert "boto3 is not installed, and Spark cannot: The file system of nosuch://bucket/p cannot be used" in told
    ship_no_more()


def test_a_write_that_hadoop_refuses_leaves_the_lines(spark: SparkSession, tmp_path: Path) -> None:
    """A file stands where a folder has to be."""
    (tmp_path / "store").write_text("")
    store = HadoopStore(spark, str(tmp_path / "store"))
    with pytest.raises(StoreError, match="cannot be written"):
        store.put("job=j/x.jsonl.gz", io.BytesIO(b"x"))
    spool = Spool(tmp_path / "spool")
    write(spool, [line(1)])
    shipper = Shipper(spool, store)

    assert not shipper.close(timeout=0.5)

    assert any(spool.folder.iterdir())


def test_a_refusal_of_s3a_is_told_without_the_path_of_an_object(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3A has it three times in what it says of one, and nobody is helped by that."""
    store, key = HadoopStore(spark, str(tmp_path / "store")), "job=j/run=r/date=d/h-1-s-000001.jsonl.gz"

    def refused(path: str, _: bytes) -> None:
        raise write_error(path, f"p/{key}: Writing Object on p/{key}: S3Exception: no (Status Code: 403):AccessDenied")

    monkeypatch.setattr(store._files, "write_bytes", refused)

    with pytest.raises(RefusedError) as told:
        store.put(key, io.BytesIO(b"x"))

    assert str(told.value) == "cannot be written: S3Exception: no (Status Code: 403):AccessDenied"


def test_a_key_is_the_path_that_spark_reads(spark: SparkSession, tmp_path: Path) -> None:
    """With the values of its folders as columns, unescaped."""
    spool = Spool(tmp_path / "spool")
    write(spool, [line(1, run="scheduled:1", job="a/b")])
    assert Shipper(spool, HadoopStore(spark, str(tmp_path / "store"))).close()

    rows = spark.read.schema(logs.SCHEMA).json(str(tmp_path / "store")).collect()

    assert [(row["job"], row["run"], str(row["date"]), row["context"]["n"]) for row in rows] == [
        ("a/b", "scheduled:1", "2026-11-26", "1")
    ]
