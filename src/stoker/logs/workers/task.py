"""The fields of the log on their way from the driver into a task: a local property, beside what Spark says of the task."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stoker.logs.context import NOTHING, Fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROPERTY = "stoker.log.context"
_LONGEST = 256
"""Characters of a value: Spark keeps the properties of each job."""
_MOST = 32


def as_property(fields: Fields) -> str:
    """Fields as a local property; without secrets, since Spark shows properties."""
    some = list(fields.masked().items())[:_MOST]
    return json.dumps({name: text[:_LONGEST] for name, text in some if text is not None})


def number() -> object:
    """What tells the task that runs here from others; None outside of tasks."""
    task = _task()
    return None if task is None else task.taskAttemptId()


def of_tasks(known: Mapping[str, str]) -> Callable[[], Fields]:
    """What finds the fields of the task that runs.

    Args:
        known: What is known of every task.
    """
    latest: tuple[object, Fields] = (None, NOTHING)

    def find() -> Fields:
        nonlocal latest
        task = _task()
        if task is None:
            return NOTHING
        attempt = task.taskAttemptId()
        if latest[0] != attempt:
            latest = attempt, Fields({**known, **_properties(task), **_place(task)})
        return latest[1]

    return find


def _properties(task: Any) -> dict[str, str]:
    with suppress(Exception):  # whoever has set it otherwise does not stop a task
        found = json.loads(task.getLocalProperty(PROPERTY) or "{}")
        return {str(name): str(value) for name, value in found.items()}
    return {}


def _place(task: Any) -> dict[str, str]:
    return {
        "stage": str(task.stageId()),
        "partition": str(task.partitionId()),
        "task_attempt": str(task.attemptNumber()),
    }


def _task() -> Any:
    from pyspark.taskcontext import TaskContext

    return TaskContext.get()
