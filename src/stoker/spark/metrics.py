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


_ROWS = "number of output rows"
_FILES = "number of written files"


@dataclass(frozen=True)
class _Node:
    """One operator of a plan; each look into it is a call to the JVM, so only what is asked for is looked up."""

    node: Any
    values: Any

    @property
    def name(self) -> str:
        return str(self.node.name()).strip()

    @property
    def id(self) -> int:
        return int(self.node.id())

    @property
    def text(self) -> str:
        return str(self.node.desc())

    def metrics(self) -> dict[str, int]:
        """The counts of rows and files that it has."""
        found = {}
        for metric in _elements(self.node.metrics()):
            name = metric.name()
            value = self.values.get(metric.accumulatorId()) if name in {_ROWS, _FILES} else None
            if value is not None and value.isDefined():
                number = str(value.get()).replace(",", "")
                if number.isdigit():
                    found[name] = int(number)
        return found


def last_write(spark: SparkSession, label: str) -> WriteMetrics | None:
    """The metrics of the file write that ran under a job description.

    Args:
        spark: The session.
        label: The job description; it must be unique to the write.

    Returns:
        The metrics, or None if Spark does not tell.
    """
    for graph, values in _executions(spark, label):
        for node in _nodes(graph, values):
            # `Execute InsertIntoHadoopFsRelationCommand`; the operators below it have neither.
            if node.name.startswith("Execute"):
                metrics = node.metrics()
                if {_ROWS, _FILES} <= metrics.keys():
                    return WriteMetrics(metrics[_ROWS], metrics[_FILES])
    return None


def reads(spark: SparkSession, label: str) -> ReadMetrics:
    """The rows that queries under a job description read.

    Args:
        spark: The session.
        label: The job description.
    """
    rows, told, dropped = 0, False, 0
    for graph, values in _executions(spark, label):
        scans, filters = dict[int, int](), list[_Node]()
        for node in _nodes(graph, values):
            name = node.name
            if "Scan" in name or ("InArrow" in name and f"{marks.READING}(" in node.text):
                metrics = node.metrics()
                if _ROWS in metrics:
                    scans[node.id] = metrics[_ROWS]
                    rows, told = rows + metrics[_ROWS], True
            elif name == "Filter" and marks.DROPPING in node.text:
                filters.append(node)
        if filters:
            below = [(edge.fromId(), edge.toId()) for edge in _elements(graph.edges())]
            for node in filters:
                read = _rows_into(node.id, below, scans)
                dropped += max(0, read - node.metrics().get(_ROWS, read))
    return ReadMetrics(rows if told else None, dropped)


def _rows_into(node: int, below: list[tuple[int, int]], scans: dict[int, int]) -> int:
    """The rows of the nearest scans below an operator: a projection may be between them."""
    children = [child for child, parent in below if parent == node]
    return sum(scans[child] if child in scans else _rows_into(child, below, scans) for child in children)


def _executions(spark: SparkSession, label: str) -> Iterator[tuple[Any, Any]]:
    """The plan graph and the metrics' values of each query of that label."""
    from py4j.protocol import Py4JError

    try:
        store: Any = spark._jsparkSession.sharedState().statusStore()  # noqa: SLF001
        for found in _ended(store, label):
            yield store.planGraph(found.executionId()), store.executionMetrics(found.executionId())
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


def _nodes(graph: Any, values: Any) -> Iterator[_Node]:
    return (_Node(node, values) for node in _elements(graph.allNodes()))


def _elements(sequence: Any, *, newest_first: bool = False) -> Iterator[Any]:
    positions = range(sequence.size())
    return (sequence.apply(position) for position in (reversed(positions) if newest_first else positions))
