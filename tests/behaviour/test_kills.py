"""A driver that is killed between any two steps of a publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behaviour.sinks import CASES, every_case
from stoker import failpoints
from support.loads import write_rows

if TYPE_CHECKING:
    from behaviour.target import Target

FOLDER = {
    "files.control.written": False,
    "files.lease.taken": False,
    "files.stage.begin": False,
    "files.stage.written": False,
    "files.stage.marked": False,
    "pipeline.one_staged": False,
    "pipeline.all_staged": False,
    "files.publish.begin": False,
    "files.control.written#3": False,
    "files.control.written#4": False,
    "files.publish.intent_written": True,
    "files.publish.one_moved": True,
    "files.publish.exchanged": True,
    "files.publish.moved": True,
    "files.control.written#5": True,
    "files.publish.committed": True,
    "files.control.written#6": True,
    "files.publish.latest_written": True,
    "files.publish.intent_removed": True,
    "files.publish.staging_removed": True,
    "pipeline.one_published": True,
}
"""The steps of a publish into a folder, and whether it is decided there. Control files are written in this order: lease,
marker, the staging's commit, intent, the run's commit, the last commit."""
TABLE = {
    "postgres.stage.created": False,
    "postgres.stage.copied": False,
    "pipeline.one_staged": False,
    "pipeline.all_staged": False,
    "postgres.publish.begin": False,
    "postgres.publish.locked": False,
    "postgres.publish.counted": False,
    "postgres.publish.sealed": False,
    "postgres.publish.built": False,
    "postgres.publish.ledger": False,
    "postgres.publish.old_dropped": False,
    "postgres.publish.swapped": False,
    "postgres.publish.deleted": False,
    "postgres.publish.compared": False,
    "postgres.publish.updated": False,
    "postgres.publish.inserted": False,
    "postgres.publish.dropped": False,
    "postgres.publish.before_commit": False,
    "postgres.publish.after_commit": True,
    "pipeline.one_published": True,
}
SWAP = {"sealed", "built", "old_dropped", "swapped"}
"""The last words of the steps in which the staged table takes the target's place."""
FIRST = {"postgres.publish.named": False}
"""Of a run that makes the table."""
RECORD = {
    "record.begin": False,
    "record.written": False,
    "record.renamed": False,
    "run.recorded": False,
    "record.written#2": False,
    "run.before_record": True,
    "record.begin#4": True,
    "record.written#4": True,
    "run.after_record": True,
}
"""The steps around the record of the run; it is written when the run begins, when the inputs of its pipeline are known, when
that has ended, and when the run has ended."""
DECIDED = {**FOLDER, **TABLE, **FIRST, **RECORD}

RECOVERY = [
    "files.publish.one_moved",
    "files.publish.exchanged",
    "files.publish.moved",
    "files.publish.committed",
    "files.publish.latest_written",
    "files.publish.intent_removed",
    "files.publish.staging_removed",
]
"""The steps that recovery repeats."""

MOVING = {"files.publish.one_moved", "files.publish.exchanged"}
"""The steps between which plain readers may find a mixture, where a mode has several moves."""

IN_EVERY_RUN = {
    ("parquet-replace", "files.stage.written"),
    ("parquet-replace_partitions", "files.publish.exchanged"),
    ("parquet-append", "files.publish.one_moved"),
    ("postgres-replace", "postgres.publish.swapped"),
    ("postgres-replace_by_delete", "postgres.publish.deleted"),
    ("postgres-append", "postgres.publish.after_commit"),
    ("postgres-upsert", "postgres.publish.updated"),
    ("parquet-append", "record.renamed"),
}
FORMATS_DIFFER_AT = {"files.stage.written", "files.publish.one_moved", "files.publish.moved"}


def _passed(case: str, point: str) -> bool:
    """Whether a run of that case passes that point, and is worth killing there."""
    kind, mode = CASES[case].kind.name, CASES[case].mode.name
    if kind == "postgres":
        others = {
            "postgres-replace": {"deleted", "compared", "updated", "inserted", "dropped"},
            "postgres-append": {"deleted", "compared", "updated"} | SWAP,
            "postgres-upsert": {"deleted"} | SWAP,
        }.get(case, {"compared", "updated"} | SWAP)
        return point in TABLE and point.removeprefix("postgres.publish.") not in others
    if point in RECORD:
        return case == "parquet-append"
    skipped = {"replace": {"files.publish.one_moved"}, "append": {"files.publish.exchanged"}}.get(mode, set())
    return point in FOLDER and point not in skipped and (kind == "parquet" or point in FORMATS_DIFFER_AT)


KILLS = [
    pytest.param(
        CASES[case], point, id=f"{case}-{point}", marks=() if (case, point) in IN_EVERY_RUN else pytest.mark.faults
    )
    for case in CASES
    for point in DECIDED
    if _passed(case, point)
]


def kill(target: Target, point: str, disk: str = "") -> None:
    """Publish version 1, then version 2 by a run that dies."""
    target.load(1, "first")
    killed = target.child(2, "second", "23", at=point, disk=disk)
    assert killed.returncode == -9, killed.stderr


def assert_old_or_new(target: Target, *, decided: bool) -> None:
    """Stoker's readers see one or the other, as it was decided; others what is promised to them."""
    old, new = target.after((1, "")), target.after((1, ""), (2, "23"))
    assert target.through_stoker() == (new if decided else old)
    seen = target.foreign()
    if not target.case.kind.is_folder:
        assert seen == (new if decided else old)
    elif not decided:
        assert seen == old
    else:
        assert target.case.mode.between(old, new, seen)


def assert_seen_by_others(target: Target, point: str) -> None:
    """On a Linux disk plain readers find old rows as long as nothing is moved, and new ones when all is."""
    if DECIDED[point] and point not in MOVING:
        early = point == "files.publish.intent_written"
        assert target.foreign() == (target.after((1, "")) if early else target.after((1, ""), (2, "23")))


def assert_records(target: Target, point: str) -> None:
    """No record is torn; that of the dead run is not there yet, or counts as killed, or as what it said at the end."""
    records, unreadable = target.store.all()
    states = {record.run_id: str(record.settled) for record in records}
    assert unreadable == []
    assert states.pop("first") == "succeeded"
    if point in {"record.begin", "record.written"}:
        assert states == {}
    else:
        assert states == {"second": "succeeded" if point == "run.after_record" else "killed"}


@pytest.mark.parametrize(("target", "point"), KILLS, indirect=["target"])
def test_a_killed_run_has_published_all_or_nothing(target: Target, point: str) -> None:
    """After SIGKILL readers see old or new rows; repair, the same run id and another one then give exact rows."""
    kill(target, point)
    decided = DECIDED[point]
    assert_old_or_new(target, decided=decided)
    assert_seen_by_others(target, point)
    assert_records(target, point)

    target.repair()
    target.assert_all_see(target.after((1, ""), (2, "23")) if decided else target.after((1, "")))

    again = target.load(2, "second", "23")
    assert again.pipelines[0].sinks[0].already == decided
    target.assert_all_see(target.after((1, ""), (2, "23")))

    target.load(3, "third", "3")
    target.assert_all_see(target.after((1, ""), (2, "23"), (3, "3")))


@pytest.mark.faults
@pytest.mark.parametrize(
    ("target", "point"),
    [
        pytest.param(case, point, id=f"{name}-{point}")
        for name, case in CASES.items()
        for point in ("files.stage.written", "files.publish.moved", "postgres.publish.named", "postgres.publish.inserted", "postgres.publish.after_commit")
        if _passed(name, point) or (name == "postgres-replace" and point in FIRST)
    ],
    indirect=["target"],
)  # fmt: skip
def test_a_first_run_that_is_killed_leaves_nothing_or_all(target: Target, point: str) -> None:
    """A folder or table that the run itself makes is there with all of its rows, or not at all."""
    assert target.child(2, "second", "23", at=point).returncode == -9
    assert target.foreign() == (target.after((2, "23")) if DECIDED[point] else [])

    target.load(2, "second", "23")
    target.assert_all_see(target.after((2, "23")))


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(
            ("files.publish.begin", "postgres.publish.before_commit"), id="undecided", marks=pytest.mark.faults
        ),
        pytest.param(("files.publish.intent_written", "postgres.publish.after_commit"), id="decided"),
    ],
)
@pytest.mark.parametrize(
    "target",
    every_case(always=["parquet-append"], where=lambda case: case.kind.name in {"parquet", "postgres"}),
    indirect=True,
)
def test_another_run_may_come_before_the_killed_one_is_run_again(target: Target, points: tuple[str, str]) -> None:
    """It finishes what was decided, then adds its own rows; the killed run's id later adds only what it had not."""
    point = points[0] if target.case.kind.is_folder else points[1]
    kill(target, point)
    before = [(1, ""), (2, "23")] if DECIDED[point] else [(1, "")]

    target.load(3, "third", "3")
    target.assert_all_see(target.after(*before, (3, "3")))

    target.load(2, "second", "23")
    target.assert_all_see(target.after(*before, (3, "3"), *([] if DECIDED[point] else [(2, "23")])))


@pytest.mark.faults
@pytest.mark.parametrize("point", RECOVERY)
@pytest.mark.parametrize("target", every_case(where=lambda case: case.kind.name == "parquet"), indirect=True)
def test_the_run_that_recovers_may_be_killed_too(target: Target, point: str) -> None:
    """Whoever comes third finishes the first run's publish, and then does its own."""
    if not _passed(str(target.case), point):
        pytest.skip("this mode has no such step")
    kill(target, "files.publish.intent_written")
    # Killed in the midst of the second run's publish, while it recovers.
    assert target.child(3, "third", "3", at=point).returncode == -9
    assert_old_or_new(target, decided=True)

    target.load(3, "third", "3")
    target.assert_all_see(target.after((1, ""), (2, "23"), (3, "3")))


@pytest.mark.parametrize(
    ("target", "disk", "point"),
    [
        pytest.param(CASES[case], disk, point, id=f"{case}-{disk}-{point}", marks=[] if (case, disk, point) == ("parquet-replace", "exchange", "files.publish.old_moved") else [pytest.mark.faults])
        for case, disk, point in (
            ("parquet-replace", "exchange", "files.publish.old_moved"),
            ("parquet-replace", "exchange", "files.publish.moved"),
            ("parquet-replace_partitions", "exchange", "files.publish.old_moved"),
            ("parquet-replace_partitions", "exchange", "files.publish.one_moved"),
            ("parquet-replace", "hadoop", "files.publish.old_moved"),
            ("parquet-append", "hadoop", "files.publish.one_moved"),
            ("parquet-replace_partitions", "hadoop", "files.publish.one_moved"),
        )
    ],
    indirect=["target"],
)  # fmt: skip
def test_a_kill_where_folders_cannot_be_exchanged(target: Target, disk: str, point: str) -> None:
    """Between two renames plain readers find nothing where Stoker's see the new rows; the next run puts it right."""
    kill(target, point, disk)
    old, new = target.after((1, "")), target.after((1, ""), (2, "23"))
    assert target.through_stoker() == new
    seen = target.foreign()
    if point == "files.publish.old_moved":
        moved = {row[1] for row in old} if target.case.mode.name == "replace" else {2}
        assert seen == [row for row in old if row[1] not in moved]
    else:
        assert target.case.mode.between(old, new, seen)

    done = target.child(2, "second", "23", at="", disk=disk)

    assert done.returncode == 0, done.stderr
    target.assert_all_see(new)


@pytest.mark.parametrize(
    "target",
    every_case(always=["parquet-replace_partitions"], where=lambda case: case.kind.name == "parquet"),
    indirect=True,
)
def test_hadoops_file_system_is_enough(target: Target) -> None:
    """The same code publishes where there is no more, as on HDFS; where folders are replaced, the gap is announced."""
    target.load(1, "first")

    done = target.child(2, "second", "23", at="", disk="hadoop")

    assert done.returncode == 0, done.stderr
    target.assert_all_see(target.after((1, ""), (2, "23")))
    gaps = ["two renames" in text for text in target.store.find("second").pipelines[0].fallbacks]
    assert gaps == ([] if target.case.mode.name == "append" else [True])


ERRORS = [
    pytest.param(
        CASES[case], point, id=f"{case}-{point}", marks=() if (case, point) in {("parquet-append", "files.publish.one_moved"), ("postgres-replace_by_delete", "postgres.publish.deleted")} else pytest.mark.faults
    )
    for case in ("parquet-replace", "parquet-append", "postgres-replace", "postgres-replace_by_delete")
    for point in FOLDER | TABLE
    if _passed(case, point)
]  # fmt: skip


@pytest.mark.parametrize(("target", "point"), ERRORS, indirect=["target"])
def test_an_error_at_any_step_tells_the_state_of_the_rows(
    target: Target, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk or a server that fails: the message says whether the new rows count, and the same run id ends it."""
    target.load(1, "first")
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse(f"{point}:raise"))
    write_rows(target.folder, "2", (2, 3))
    record = target.run("second")
    monkeypatch.setattr(failpoints, "_armed", {})

    assert_old_or_new(target, decided=DECIDED[point])
    told = str(record.pipelines[0].error)
    if record.state != "succeeded":
        right = ["is decided"] if DECIDED[point] else ["Nothing was published", "are not published"]
        assert [words for words in (*right, "published or they are not") if words in told], told
    if not DECIDED[point]:
        assert target.leftovers() == []

    target.load(2, "second", "23")
    target.assert_all_see(target.after((1, ""), (2, "23")))
