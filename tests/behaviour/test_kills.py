"""A driver that is killed between any two steps of a publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behaviour.sinks import CASES

if TYPE_CHECKING:
    from behaviour.target import Target

STAGING = ("pipeline.one_staged", "pipeline.all_staged")
ENDING = ("pipeline.one_published", "run.before_record", "run.after_record")
RECORDS = (
    "record.begin",
    "record.written",
    "record.renamed#1",
    "run.recorded",
    "run.before_record",
    "run.after_record",
)

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
    "files.publish.intent_written": True,
    "files.publish.one_moved": True,
    "files.publish.exchanged": True,
    "files.publish.moved": True,
    "files.control.written#4": True,
    "files.publish.committed": True,
    "files.control.written#5": True,
    "files.publish.latest_written": True,
    "files.publish.intent_removed": True,
    "files.publish.staging_removed": True,
    "pipeline.one_published": True,
}
"""The steps of a publish into a folder, and whether it is decided there. Control files are written in this order: lease,
marker, intent, the run's commit, the last commit."""
TABLE = {
    "postgres.stage.created": False,
    "postgres.stage.copied": False,
    "pipeline.one_staged": False,
    "pipeline.all_staged": False,
    "postgres.publish.begin": False,
    "postgres.publish.locked": False,
    "postgres.publish.counted": False,
    "postgres.publish.ledger": False,
    "postgres.publish.deleted": False,
    "postgres.publish.inserted": False,
    "postgres.publish.dropped": False,
    "postgres.publish.before_commit": False,
    "postgres.publish.after_commit": True,
    "pipeline.one_published": True,
}
RECORD = {
    "record.begin": False,
    "record.written": False,
    "record.renamed": False,
    "run.recorded": False,
    "run.before_record": True,
    "record.begin#3": True,
    "record.written#3": True,
    "run.after_record": True,
}
"""The steps around the record of the run; it is written first when the run begins, and last when it has ended."""
DECIDED = {**FOLDER, **TABLE, **RECORD}

IN_EVERY_RUN = {
    ("parquet-replace", "files.stage.written"),
    ("parquet-replace_partitions", "files.publish.exchanged"),
    ("parquet-append", "files.publish.one_moved"),
    ("postgres-replace", "postgres.publish.deleted"),
    ("postgres-append", "postgres.publish.after_commit"),
    ("parquet-append", "record.renamed"),
}
FORMATS_DIFFER_AT = {"files.stage.written", "files.publish.one_moved", "files.publish.moved"}


def _passed(case: str, point: str) -> bool:
    """Whether a run of that case passes that point, and is worth killing there."""
    kind, mode = CASES[case].kind.name, CASES[case].mode.name
    if kind == "postgres":
        return point in TABLE and not (mode == "append" and point == "postgres.publish.deleted")
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


def assert_old_or_new(target: Target, *, decided: bool, disk: str = "") -> None:
    """Stoker's readers see one or the other, as it was decided; others what is promised to them."""
    old, new = target.after((1, "")), target.after((1, ""), (2, "23"))
    assert target.through_stoker() == (new if decided else old)
    seen = target.foreign()
    if not target.case.kind.is_folder:
        assert seen == (new if decided else old)
    elif not decided:
        assert seen == old
    elif not disk:
        assert target.case.mode.between(old, new, seen)


@pytest.mark.parametrize(("target", "point"), KILLS, indirect=["target"])
def test_a_killed_run_has_published_all_or_nothing(target: Target, point: str) -> None:
    """After SIGKILL readers see old or new rows; repair, the same run id and another one then give exact rows."""
    kill(target, point)
    decided = DECIDED[point]
    assert_old_or_new(target, decided=decided)

    target.repair()
    target.assert_all_see(target.after((1, ""), (2, "23")) if decided else target.after((1, "")))

    again = target.load(2, "second", "23")
    assert again.pipelines[0].sinks[0].already == decided
    target.assert_all_see(target.after((1, ""), (2, "23")))

    target.load(3, "third", "3")
    target.assert_all_see(target.after((1, ""), (2, "23"), (3, "3")))
