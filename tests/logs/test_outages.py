"""S3 fails in each way that it can, and comes back: no line is lost, none is there twice, and nobody has waited."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pytest

from stoker import failpoints
from stoker.logs.ship import Shipper
from stoker.logs.ship import s3 as s3_module
from stoker.logs.ship.delivery import Delivery
from stoker.logs.ship.outbox import Outbox
from stoker.logs.ship.s3 import S3Store
from stoker.logs.spool import Spool
from support.s3 import REFUSALS
from support.spools import line, numbers, objects, segment, write

if TYPE_CHECKING:
    from pathlib import Path

    from support.s3 import S3Server

WAYS = ["refused", "half a body", "half an answer", "AccessDenied", "SlowDown"]
OTHERS = ["black hole", "lost answer", *(REFUSALS.keys() - WAYS)]


def deliver(folder: Path, **options: Any) -> Delivery:
    """What a shipper's thread has."""
    return Delivery(Outbox(folder), S3Store("s3://logs"), **options)


def fail(server: S3Server, way: str) -> None:
    """Let it fail from now on."""
    if way == "refused":
        server.refuse()
    else:
        server.fault = way


def recover(server: S3Server, way: str) -> None:
    """Let it work again."""
    server.fault = None
    server.free()
    if way == "refused":
        server.listen()


@pytest.mark.parametrize("way", [*WAYS, *(pytest.param(way, marks=pytest.mark.faults) for way in sorted(OTHERS))])
def test_after_an_outage_every_line_is_there_once(way: str, s3: S3Server, client: Any, tmp_path: Path) -> None:
    """What came before, during and after it, whatever of it had arrived although the answer was lost."""
    segment(tmp_path / "spool", 1, map(line, range(10)))
    delivery = deliver(tmp_path / "spool")
    assert delivery.work(force=True, now=True)
    fail(s3, way)
    for number in range(1, 4):
        segment(tmp_path / "spool", number + 1, map(line, range(10 * number, 10 * number + 10)))
        assert not delivery.work(force=True, now=True)
    recover(s3, way)
    segment(tmp_path / "spool", 5, map(line, range(40, 50)))

    assert delivery.work(force=True, now=True)

    assert numbers(objects(client).values()) == list(range(50))
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_refusal_is_told_once_and_so_is_that_it_is_over(
    s3: S3Server, client: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, with S3's reason; somebody has to change something, so it is tried again slowly."""
    segment(tmp_path / "spool", 1, [line(1)])
    delivery = deliver(tmp_path / "spool")
    s3.fault = "AccessDenied"
    for _ in range(5):
        assert not delivery.work(force=True, now=True)
    assert capsys.readouterr().err == (
        f"stoker: log lines cannot be sent to s3://logs: AccessDenied: so it is. They are kept in {tmp_path / 'spool'} and "
        "sent as soon as that is possible.\n"
    )
    assert delivery.refused
    recover(s3, "AccessDenied")

    assert delivery.work(force=True, now=True)

    assert capsys.readouterr().err == "stoker: log lines are sent to s3://logs again.\n"


def test_a_blip_is_not_told(s3: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """S3 asks everybody to slow down now and then; the third time in a row it is told."""
    segment(tmp_path / "spool", 1, [line(1)])
    delivery = deliver(tmp_path / "spool")
    s3.fault = "SlowDown"
    for _ in range(2):
        assert not delivery.work(force=True, now=True)
    assert capsys.readouterr().err == ""

    assert not delivery.work(force=True, now=True)

    assert "SlowDown: so it is" in capsys.readouterr().err


def test_an_attempt_is_not_made_before_its_time(s3: S3Server, tmp_path: Path) -> None:
    """The pause is any time up to one that doubles; meanwhile the network is left alone."""
    segment(tmp_path / "spool", 1, [line(1)])
    delivery = deliver(tmp_path / "spool")
    s3.fault = "AccessDenied"
    while not delivery.pause():  # it may be none at all
        delivery.work(force=True)
    asked = s3.faults

    assert not delivery.work(force=True)

    assert s3.faults == asked


def test_nobody_waits_for_a_black_hole(
    s3: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines are written and synced while a put hangs; the end comes in time, and tells where the lines are."""
    monkeypatch.setattr(s3_module, "READ_TIMEOUT", 60)
    monkeypatch.setattr(s3_module, "make_client", s3_module.make_client.__wrapped__)  # type: ignore[attr-defined]  # not the quick one
    monkeypatch.setattr("stoker.logs.syncer._TICK", 0.01)
    s3.fault = "black hole"
    spool = Spool(tmp_path / "spool")
    synced = threading.Semaphore(0)
    monkeypatch.setattr(spool, "sync", lambda *_: synced.release())
    shipper = Shipper(spool, S3Store("s3://logs"), lag=0)
    write(spool, [line(0)])
    assert s3.held.wait(30)
    write(spool, map(line, range(1, 100)))
    for _ in range(3):
        assert synced.acquire(timeout=30)

    assert not shipper.close(timeout=0.1)

    told = capsys.readouterr().err
    assert (
        f"bytes of log lines are not in s3://logs yet. They are kept in {spool.folder}; stoker logs ship sends" in told
    )
    recover(s3, "black hole")


def test_a_second_shipper_takes_over_what_the_first_left(s3: S3Server, client: Any, tmp_path: Path) -> None:
    """Not while the first lives, and all of it when it is dead."""
    segment(tmp_path / "spool", 1, [line(1)])
    first, second = Outbox(tmp_path / "spool", "h-1-s"), deliver(tmp_path / "spool")
    assert second.work(force=True, now=True)
    assert objects(client) == {}
    first.release(own=True)

    assert second.work(force=True, now=True)

    assert numbers(objects(client).values()) == [1]


@pytest.mark.parametrize(
    "place",
    [
        "logs.pack.begin",
        "logs.pack.written",
        "logs.pack.renamed",
        "logs.pack.removed",
        "logs.ship.put",
        "logs.ship.confirmed",
    ],
)
@pytest.mark.parametrize("action", ["interrupt", pytest.param("raise", marks=pytest.mark.faults)])
def test_whatever_a_shipper_dies_of_every_line_arrives_once(
    place: str, action: str, s3: S3Server, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two steps, or if the disk fails there; another one goes on, with more lines than the first had."""
    folder = tmp_path / "spool"
    for number in range(3):
        segment(folder, number + 1, map(line, range(10 * number, 10 * number + 10)))
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse(f"{place}:{action}"))
    with contextlib.suppress(KeyboardInterrupt):
        deliver(folder).work(force=True, now=True)
    assert failpoints._armed[place].passes == 0
    segment(folder, 4, map(line, range(30, 40)))

    assert deliver(folder).work(force=True, now=True)

    assert numbers(objects(client).values()) == list(range(40))
    assert list(folder.iterdir()) == []
