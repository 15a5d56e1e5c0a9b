"""What a spool holds arrives in S3, each line once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stoker.logs import LoggingSettings
from stoker.logs.ship import Shipper
from stoker.logs.ship import s3 as s3_module
from stoker.logs.ship.s3 import S3Store
from stoker.logs.shipped import ShippedSpool
from stoker.logs.spool import Spool
from support.spools import line, numbers, objects, segment, write

if TYPE_CHECKING:
    from pathlib import Path

    from support.s3 import S3Server


def test_what_a_process_logged_is_in_s3_when_it_ends(tmp_path: Path, client: Any) -> None:
    """Under a key that tells job, run and day; the spool is empty then."""
    spool = Spool(tmp_path / "spool")
    shipper = Shipper(spool, S3Store("s3://logs/production/"))
    write(spool, map(line, range(1000)))

    assert shipper.close()

    found = objects(client)
    assert list(found) == [f"production/job=j/run=r-1/date=2026-11-26/{spool.writer}-000001.jsonl.gz"]
    assert numbers(found.values()) == list(range(1000))
    assert list(spool.folder.iterdir()) == []


def test_segments_of_dead_processes_are_sent_along(tmp_path: Path, client: Any) -> None:
    """Complete ones and the one that the process had open; those of a process that lives are left to it."""
    folder = tmp_path / "spool"
    segment(folder, 1, map(line, range(10)))
    segment(folder, 2, map(line, range(10, 20)), end=".open.jsonl")
    living = Spool(folder)
    write(living, [line(99)])

    assert Shipper(Spool(folder), S3Store("s3://logs")).close()

    found = objects(client)
    assert list(found) == ["job=j/run=r-1/date=2026-11-26/h-1-s-000001.jsonl.gz"]
    assert numbers(found.values()) == list(range(20))
    assert [path.name for path in folder.iterdir()] == [f"{living.writer}-000001.open.jsonl"]


@pytest.mark.parametrize(
    ("variables", "url", "told"),
    [
        (
            {"AWS_DEFAULT_REGION": "no region"},
            "s3://logs",
            "cannot use S3: Provided region_name 'no region' doesn't match",
        ),
        pytest.param(
            {"AWS_PROFILE": "nobody"},
            "s3://logs",
            "cannot use S3: The config profile (nobody) could not be found",
            marks=pytest.mark.faults,
        ),
        pytest.param(
            {"AWS_ENDPOINT_URL": "nonsense"},
            "s3://logs",
            "cannot use S3: Invalid endpoint: nonsense",
            marks=pytest.mark.faults,
        ),
        ({}, "s3://no bucket!", "log lines cannot be sent to s3://no bucket!: Parameter validation failed"),
        pytest.param(
            {"AWS_ACCESS_KEY_ID": ""},
            "s3://logs",
            "log lines cannot be sent to s3://logs: Unable to locate credentials",
            marks=pytest.mark.faults,
        ),
    ],
)
def test_wrong_settings_leave_the_lines_in_the_spool(
    variables: dict[str, str],
    url: str,
    told: str,
    s3: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The job goes on, whatever is wrong with S3; one line says what."""
    monkeypatch.setattr(s3_module, "make_client", s3_module.make_client.__wrapped__)  # type: ignore[attr-defined]  # not the one of all tests
    for name, value in variables.items():
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name)
    spool = Spool(tmp_path / "spool")
    destination = ShippedSpool(spool, LoggingSettings(s3=url))
    destination.write(line(1).encode() + b"\n")
    destination.close()

    assert capsys.readouterr().err.count(told) == 1
    assert any(spool.folder.iterdir())


def test_settings_of_aws_that_cannot_be_read_end_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is another user's; boto3 passes on what the disk says."""

    def refused() -> None:
        raise PermissionError(13, "Permission denied", "/home/x/.aws/config")

    monkeypatch.setattr("boto3.Session", refused)
    destination = ShippedSpool(
        Spool(tmp_path / "spool"), LoggingSettings(s3="s3://of-nobody-else")
    )  # others have clients
    destination.close()

    assert "cannot use S3: [Errno 13] Permission denied: '/home/x/.aws/config'" in capsys.readouterr().err


def test_an_impatient_user_does_not_wait_for_the_end(
    s3: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while what is left is being sent: where it is stands there, and no trace."""
    s3.fault = "black hole"
    spool = Spool(tmp_path / "spool")
    shipper = Shipper(spool, S3Store("s3://logs"))
    write(spool, [line(1)])

    wait = shipper._done.wait

    def interrupted(_: float) -> bool:
        assert s3.held.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr(shipper._done, "wait", interrupted)

    assert not shipper.close()

    assert "stoker logs ship sends them" in capsys.readouterr().err
    s3.fault = None
    s3.free()
    assert wait(30)
