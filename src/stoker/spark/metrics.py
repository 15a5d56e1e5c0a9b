"""Rows and files from Spark's own SQL metrics, so that nothing is counted by an extra job.

Spark keeps them for its user interface, also when that is off. There is no public way to them from Python: everything
that reaches into the JVM for them is in this file, and answers None where a Spark version has it otherwise.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker.spark import marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

_PATIENCE = 5.0
"""Seconds to wait for the listener that keeps the metrics; it runs behind the query by milliseconds."""
_LOOK_BACK = 200
"""Queries, newest first, among which one is looked for right after it ended."""


@dataclass(frozen=True)
class WriteMetrics:
    """What a file write reports of the tasks that it committed."""

    rows: int
    files: int


@dataclass(frozen=True)
class ReadMetrics:
    """What the scans of some queries report."""

    rows: int | None
    """Rows out of all scans: an estimate, since retried tasks count again. None if no scan told."""
    dropped: int
    """Rows that `malformed="drop"` took away."""


@dataclass(frozen=True)
class _Node:
    id: int
    name: str
    text: str
    metrics: dict[str, int]


@dataclass(frozen=True)
class _Execution:
    nodes: list[_Node]
    edges: list[tuple[int, int]]
    """From the child to its parent."""


def last_write(spark: SparkSession, label: str) -> WriteMetrics | None:
    """The metrics of the file write that ran under a job description.

    Args:
        spark: The session.
        label: The job description; it must be unique to the write.

    Returns:
        The metrics, or None if Spark does not tell.
    """
    for execution in _executions(spark, label):
        for node in execution.nodes:
            if "number of written files" in node.metrics and "number of output rows" in node.metrics:
                return WriteMetrics(node.metrics["number of output rows"], node.metrics["number of written files"])
    return None


def reads(spark: SparkSession, label: str) -> ReadMetrics:
    """The rows that queries under a job description read.

    Args:
        spark: The session.
        label: The job description.
    """
    rows, told, dropped = 0, False, 0
    for execution in _executions(spark, label):
        scans = {}
        for node in execution.nodes:
            if ("Scan" in node.name) and "number of output rows" in node.metrics:
                scans[node.id] = node.metrics["number of output rows"]
                rows, told = rows + scans[node.id], True
        for node in execution.nodes:
            if node.name == "Filter" and marks.DROPPING in node.text:
                read = sum(scans.get(child, 0) for child, parent in execution.edges if parent == node.id)
                dropped += max(0, read - node.metrics.get("number of output rows", read))
    return ReadMetrics(rows if told else None, dropped)


def _executions(spark: SparkSession, label: str) -> Iterator[_Execution]:
    from py4j.protocol import Py4JError

    try:
        store: Any = spark._jsparkSession.sharedState().statusStore()  # noqa: SLF001
        for found in _ended(store, label):
            yield _execution(store, found)
    except Py4JError:
        return


def _ended(store: Any, label: str) -> list[Any]:
    """The executions of that label, newest first, once their metrics are complete."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        executions = store.executionsList(max(0, store.executionsCount() - _LOOK_BACK), _LOOK_BACK)
        found = [
            execution for execution in _elements(executions, newest_first=True) if execution.description() == label
        ]
        if found and all(execution.completionTime().isDefined() for execution in found):
            return found
        if time.monotonic() > deadline:
            return []
        time.sleep(0.02)


def _execution(store: Any, found: Any) -> _Execution:
    graph = store.planGraph(found.executionId())
    values = store.executionMetrics(found.executionId())
    nodes = []
    for node in _elements(graph.allNodes()):
        metrics = {}
        for metric in _elements(node.metrics()):
            value = values.get(metric.accumulatorId())
            if value.isDefined():
                number = str(value.get()).replace(",", "")
                if number.isdigit():
                    metrics[metric.name()] = int(number)
        nodes.append(_Node(node.id(), node.name().strip(), node.desc(), metrics))
    return _Execution(nodes, [(edge.fromId(), edge.toId()) for edge in _elements(graph.edges())])


def _elements(sequence: Any, *, newest_first: bool = False) -> Iterator[Any]:
    positions = range(sequence.size())
    return (sequence.apply(position) for position in (reversed(positions) if newest_first else positions))
