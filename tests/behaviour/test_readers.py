"""Readers that come while a publish is going on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from behaviour.sinks import CASES, every_case
from behaviour.test_concurrent import until
from stoker import Pipeline
from stoker.connectors import folder, inputs
from stoker.errors import TransientError
from stoker.files.view import ChangedError, View
from stoker.files.view import view as look
from support.loads import preview

if TYPE_CHECKING:
    from behaviour.sinks import Rows
    from behaviour.target import Target


@pytest.mark.parametrize("as_pipeline", [False, pytest.param(True, marks=pytest.mark.faults)])
@pytest.mark.parametrize(
    "target", every_case(always=["csv-append"], where=lambda case: case.kind.is_folder), indirect=True
)
def test_a_source_never_gives_a_part_of_a_publish(
    target: Target, as_pipeline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are moved between the source's look at the folder and its listing: it looks again, and waits for the end."""
    if as_pipeline and target.case.kind.name != "parquet":
        pytest.skip("a pipeline is read from what keeps types")
    target.load(1, "first")
    flag = target.folder / "held"
    moved = "files.publish.exchanged" if target.case.mode.name == "replace" else "files.publish.one_moved"
    done: list[int] = []
    publisher = threading.Thread(
        target=lambda: done.append(target.child(2, "second", "23", at=f"{moved}:hold={flag}").returncode)
    )
    looks: list[str] = []

    def view(fs: Any, where: Any) -> Any:
        if looks:
            flag.unlink(missing_ok=True)  # the publish goes on
        looks.append(where.path)
        seen = look(fs, where)
        if len(looks) == 1:
            publisher.start()
            until(flag.exists, publisher.is_alive)
        return seen

    monkeypatch.setattr(inputs, "view", view)
    monkeypatch.setattr(folder, "view", view)
    try:
        rows = read_back(target) if as_pipeline else target.through_stoker()
    finally:
        flag.unlink(missing_ok=True)
        publisher.join()

    assert done == [0]
    assert rows == target.after((1, ""), (2, "23"))


def read_back(target: Target) -> Rows:
    """As a pipeline that extracts from the one that loads the target."""
    loaded = Pipeline("rows", extract={"rows": target.source()}, load=target.sink())
    reader = Pipeline("reader", extract={"rows": loaded.all()}, load=None)
    return sorted(tuple(row) for row in preview(reader, target.spark, target.folder).collect())


@pytest.mark.faults
@pytest.mark.parametrize("target", [CASES["parquet-replace"]], ids=str, indirect=True)
def test_a_folder_that_never_rests_is_told(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is published each time that somebody looks: the source gives up, for a reason that may pass."""
    target.load(1, "first")

    def changed(*_: object) -> None:
        raise ChangedError

    monkeypatch.setattr(View, "check_current", changed)
    with pytest.raises(TransientError, match="rows is published again and again while it is looked up"):
        target.through_stoker()
