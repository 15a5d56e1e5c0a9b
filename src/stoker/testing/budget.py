"""How many Spark jobs a test starts, and which of its lines start them.

Spark's own call sites name a line of Java for most of PySpark's actions. So the calls into the JVM are noted while the test
runs, and a job belongs to the call during which it was submitted: one machine, one clock.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from stoker.spark.started import StartedJob, count_jobs, jobs_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from pyspark import SparkContext


@dataclass(frozen=True)
class _Call:
    """A call into the JVM."""

    site: str
    start: float
    end: float


class Budget:
    """Counts the jobs that are started while it is open.

    Args:
        at_most: How many are allowed.
        root: The folder that files are named from.
    """

    def __init__(self, at_most: int, root: Path) -> None:
        self._at_most = at_most
        self._root = root
        self._calls: list[_Call] = []
        self._own = _folders("pyspark", "py4j", "stoker")
        self._context: SparkContext | None = None
        self._before = 0
        self._original: Callable[..., Any] | None = None

    def __enter__(self) -> Self:
        self._context = _running()
        self._before = count_jobs(self._context) if self._context else 0
        self._watch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from py4j.java_gateway import JavaMember

        if self._original is not None:
            JavaMember.__call__ = self._original

    def exceeded(self) -> str | None:
        """What to tell if more jobs were started, else None."""
        context = _running()
        if context is None:
            return None
        before = self._before if context is self._context else 0
        started = count_jobs(context) - before
        if started <= self._at_most:
            return None
        sites = Counter(self._site(job) for job in jobs_from(context, before))
        lines = [f"The test started {started} Spark jobs, and at most {self._at_most} are allowed (spark_jobs)."]
        lines += [f"  {count:>3}  {site}" for site, count in sites.items()]
        lines.append(
            "Each action (collect, count, show, write) starts its jobs anew, and each shuffle in it may be one more."
        )
        return "\n".join(lines)

    def _watch(self) -> None:
        from py4j.java_gateway import JavaMember

        original = self._original = JavaMember.__call__

        def noted(member: Any, *arguments: Any) -> Any:
            start = time.time()
            try:
                return original(member, *arguments)
            finally:
                self._calls.append(_Call(self._caller(), start, time.time()))

        JavaMember.__call__ = noted

    def _caller(self) -> str:
        """The line of the test, or of what it calls, from which Spark was called, and by which function."""
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - inspect.stack reads the source of every frame
        called = ""
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith(self._own) and not file.startswith("<"):
                path = Path(file)
                shown = path.relative_to(self._root) if path.is_relative_to(self._root) else path
                return f"{shown}:{frame.f_lineno}  {called}"
            called = frame.f_code.co_name
            frame = frame.f_back
        return threading.current_thread().name

    def _site(self, job: StartedJob) -> str:
        # Spark's clock has milliseconds.
        during = [call for call in self._calls if call.start - 0.001 <= job.submitted <= call.end + 0.001]
        if during:
            return max(during, key=lambda call: call.end - call.start).site
        before = [call for call in self._calls if call.start <= job.submitted]
        return before[-1].site if before else "(unknown)"


def _running() -> SparkContext | None:
    from pyspark import SparkContext

    context = SparkContext._active_spark_context  # noqa: SLF001 - PySpark has no public question
    return context if context is not None and context._jsc is not None else None  # noqa: SLF001 - as above


def _folders(*packages: str) -> tuple[str, ...]:
    """The folders of packages, as they stand before the names of their files, and that of Python's own library."""
    import pytest_stoker

    files = [sys.modules[name].__file__ for name in packages if name in sys.modules]
    folders = [str(Path(file).parent) + "/" for file in files if file]
    return (*folders, str(Path(threading.__file__).parent) + "/", str(pytest_stoker.__file__))
