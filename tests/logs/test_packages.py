"""How segments become objects, and what goes first when a spool is full."""

from __future__ import annotations

import gzip
import json
import secrets
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker import failpoints
from stoker.logs.ship import outbox as outbox_module
from stoker.logs.ship.cap import Cap
from stoker.logs.ship.delivery import Delivery
from stoker.logs.ship.keys import folder_of
from stoker.logs.ship.outbox import Outbox
from stoker.logs.ship.store import RefusedError
from support.spools import line, numbers, segment

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO


class Kept:
    """A store in memory."""

    where = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, body: BinaryIO) -> None:
        """Keep it."""
        self.objects[key] = gzip.decompress(body.read())


class Counting(Kept):
    """It counts how often an object is put."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: Counter[str] = Counter()

    def put(self, key: str, body: BinaryIO) -> None:
        """Keep it, and count."""
        super().put(key, body)
        self.puts[key] += 1


def shipped(folder: Path) -> dict[str, bytes]:
    """What is sent of a folder."""
    store = Kept()
    assert Delivery(Outbox(folder), store).work(force=True, now=True)
    return store.objects


def packed(folder: Path) -> list[dict[str, Any]]:
    """The lines of all packages."""
    content = b"".join(gzip.decompress(path.read_bytes()) for path in sorted(folder.rglob("*.jsonl.gz")))
    return [json.loads(each) for each in content.splitlines()]


def test_lines_of_several_runs_go_to_their_folders(tmp_path: Path) -> None:
    """A process may do several runs one after the other; a message that looks like a run's id misleads nobody."""
    message = json.dumps({"msg": '"run_id": "x"'})[8:-1]
    lines = [line(1), line(2, run="r-2"), line(3, run=None, job=None), line(4).replace('"line 4"', message), line(5)]
    segment(tmp_path, 1, lines)

    found = shipped(tmp_path)

    assert {key: numbers([content]) for key, content in found.items()} == {
        "job=j/run=r-1/date=2026-11-26/h-1-s-000001.jsonl.gz": [1, 4, 5],
        "job=j/run=r-2/date=2026-11-26/h-1-s-000001.jsonl.gz": [2],
        "job=none/run=none/date=2026-11-26/h-1-s-000001.jsonl.gz": [3],
    }


def test_lines_of_no_run_stay_with_those_beside_them(tmp_path: Path) -> None:
    """What a process logs before its run has an id belongs to that run for whoever looks for it."""
    segment(tmp_path, 1, [line(1, run=None, job=None), line(2), line(3, run=None, job=None)])

    assert [numbers([content]) for content in shipped(tmp_path).values()] == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("job", "run", "folder"),
    [
        ("flights", "20261124T120315.042Z-3f9a1c", "job=flights/run=20261124T120315.042Z-3f9a1c"),
        (None, None, "job=none/run=none"),
        (
            "../a/b",
            "scheduled__2026-11-24T00:00:00+00:00",
            "job=..%2Fa%2Fb/run=scheduled__2026-11-24T00%3A00%3A00+00%3A00",
        ),
        ("é", "a=b", "job=é/run=a%3Db"),
    ],
)
def test_keys_are_those_of_sparks_partitions(job: str | None, run: str | None, folder: str) -> None:
    """With its escapes, so that a reader gets the values back."""
    assert folder_of(job, run, "2026-11-26") == f"{folder}/date=2026-11-26"


@given(st.text(max_size=400), st.text(max_size=400))
def test_no_two_runs_share_a_folder(one: str, other: str) -> None:
    """Whatever they are named, and no name is too long for a disk."""
    folders = [folder_of(None, run, "d").split("/")[1] for run in (one or "none", other or "none")]

    assert (folders[0] == folders[1]) == ((one or "none") == (other or "none"))
    assert all(len(each.encode("utf-8", "surrogatepass")) < 255 for each in folders)


def test_a_torn_line_is_told_and_the_whole_ones_stay(tmp_path: Path) -> None:
    """As a process leaves it that lost its power in mid-write; what is there of it is kept as text."""
    path = segment(tmp_path, 1, [line(1), line(2)], end=".open.jsonl")
    path.write_text(path.read_text("utf-8") + line(3)[:60], "utf-8")

    (content,) = shipped(tmp_path).values()

    assert numbers([content]) == [1, 2, 2]  # the context of the torn one is that of the line before
    last = json.loads(content.splitlines()[-1])
    assert last["msg"] == f"this line was not written to its end: {line(3)[:60]}"
    assert last["level"] == "WARNING"


def test_bytes_that_are_no_lines_are_sent_as_they_are(tmp_path: Path) -> None:
    """Nothing in a spool stops what comes after it."""
    (tmp_path / "h-1-s-000001.jsonl").write_bytes(b"\xff\x00\n\n[1]\n" + line(1).encode() + b"\n")
    (tmp_path / "h-1-s-000002.jsonl").write_bytes(b"")

    assert list(shipped(tmp_path).values()) == [b"\xff\x00\n\n[1]\n" + line(1).encode() + b"\n"]
    assert list(tmp_path.iterdir()) == []


def test_a_package_has_no_gap(tmp_path: Path) -> None:
    """Where a segment is missing it may still come: it would be taken for a part of the package."""
    for number in (1, 2, 4):
        segment(tmp_path, number, [line(number)])
    outbox = Outbox(tmp_path)
    outbox.collect(force=True)
    segment(tmp_path, 3, [line(3)])
    outbox.release()

    assert numbers(shipped(tmp_path).values()) == [1, 2, 3, 4]


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.faults)])
def test_shippers_side_by_side_send_each_line_once(tmp_path: Path, rounds: int) -> None:
    """Each takes over what dead processes have left, and a writer's lines are sent by one of them."""
    for each in range(rounds):
        folder, store = tmp_path / str(each), Counting()
        faults: list[bool] = []
        for writer in range(20):
            for number in (1, 2):
                lines = [line(10 * writer + 5 * number - 5 + at) for at in range(5)]
                end = ".jsonl" if number == 1 else ".open.jsonl"
                segment(folder, number, lines, writer=f"h-{writer}-s", end=end)
        begin = threading.Barrier(4)

        def ship(
            folder: Path = folder, store: Counting = store, faults: list[bool] = faults, begin: Any = begin
        ) -> None:
            begin.wait()
            outbox = Outbox(folder)
            while any(folder.glob("*.jsonl*")) or any(folder.glob("*.packed")):
                faults.append(not Delivery(outbox, store).work(force=True, now=True))

        shippers = [threading.Thread(target=ship) for _ in range(4)]
        for shipper in shippers:
            shipper.start()
        for shipper in shippers:
            shipper.join(60)
        assert not any(faults)
        assert numbers(store.objects.values()) == list(range(200))
        assert set(store.puts.values()) == {1}


def test_a_full_package_is_made_before_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the disk holds little more than what is compressed, and a PUT has many lines."""
    monkeypatch.setattr(outbox_module, "PACKAGE_BYTES", 3 * len(line(1)))
    for number in range(1, 6):
        segment(tmp_path, number, [line(number)])

    Outbox(tmp_path).collect()

    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock") == [
        "h-1-s-000001+000003.packed",
        "h-1-s-000004.jsonl",
        "h-1-s-000005.jsonl",
    ]


def test_where_nothing_can_be_packed_segments_are_sent_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full of log lines becomes free by sending them."""
    segment(tmp_path, 1, [line(1), line(2, run="r-2")])
    segment(tmp_path, 2, [line(3)])
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse("logs.pack.begin:raise"))

    found = shipped(tmp_path)

    assert numbers(found.values()) == [1, 2, 3]
    assert [key.rpartition("/")[2] for key in found] == [f"h-1-s-00000{number}.jsonl.gz" for number in (1, 1, 2)]
    assert list(tmp_path.iterdir()) == []


class Refusing(Kept):
    """A store that takes nothing."""

    def put(self, key: str, body: BinaryIO) -> None:
        """Refuse it."""
        raise RefusedError(f"no {key} {body}")


def test_a_full_spool_drops_its_oldest_unimportant_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counted by a line of their own; told once."""
    levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    delivery = Delivery(Outbox(tmp_path), Refusing(), cap=5_000)
    for number in range(1, 41):
        segment(tmp_path, number, [line(10 * number + at, level=levels[at % 5]) for at in range(10)])
        assert not delivery.work(force=True, now=True)

    found = packed(tmp_path)

    assert sum(path.stat().st_size for path in tmp_path.rglob("*.gz")) > 5_000  # errors stay, however many
    assert sorted(int(each["context"]["n"]) for each in found if each["level"] in {"ERROR", "CRITICAL"}) == sorted(
        10 * number + at for number in range(1, 41) for at in (3, 4, 8, 9)
    )
    dropped = [each for each in found if "dropped" in each["context"]]
    assert sum(int(each["context"]["dropped"]) for each in dropped) == 400 - (len(found) - len(dropped))
    assert dropped[0]["msg"] == "6 lines were dropped here: they could not be sent, and the spool was full"
    assert dropped[0]["context"]["run_id"] == "r-1"
    assert capsys.readouterr().err.count("is full (0 MiB)") == 1


def test_debug_and_info_go_before_warnings(tmp_path: Path) -> None:
    """Of all files, before the first warning of any."""
    outbox = Outbox(tmp_path)
    for number in range(1, 4):
        noise = [line(number, more=secrets.token_hex(200)) for _ in range(20)]
        segment(tmp_path, number, [*noise, line(number, level="WARNING")])
        outbox.collect(force=True)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*.gz"))

    assert Cap(outbox, size // 2).enforce() == 40

    assert [each["level"] for each in packed(tmp_path) if "dropped" not in each["context"]].count("WARNING") == 3


def test_a_spool_within_its_cap_is_left_alone(tmp_path: Path) -> None:
    """Nothing is dropped, nothing rewritten."""
    segment(tmp_path, 1, [line(1)])
    outbox = Outbox(tmp_path)
    outbox.collect(force=True)

    assert Cap(outbox).enforce() == 0

    assert numbers([json.dumps(each).encode() for each in packed(tmp_path)]) == [1]


def test_lines_that_cannot_be_read_do_not_hold_up_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder stands where a segment should be; it is told once."""
    (tmp_path / "a-1-s-000001.jsonl").mkdir()
    segment(tmp_path, 1, [line(1)])
    delivery = Delivery(Outbox(tmp_path), store := Kept())

    for _ in range(2):
        assert delivery.work(force=True, now=True)

    assert numbers(store.objects.values()) == [1]
    assert capsys.readouterr().err.count(f"log lines of a-1-s in {tmp_path} cannot be sent: Is a directory") == 1


def test_a_damaged_package_ends_nothing(tmp_path: Path) -> None:
    """It cannot be thinned, and is sent as it is."""
    segment(tmp_path, 1, [line(1)])
    outbox = Outbox(tmp_path)
    outbox.collect(force=True)
    (path,) = tmp_path.rglob("*.gz")
    path.write_bytes(path.read_bytes()[:-9])

    delivery = Delivery(outbox, Refusing(), cap=0)

    assert not delivery.work(force=True, now=True)
    assert path.exists()
