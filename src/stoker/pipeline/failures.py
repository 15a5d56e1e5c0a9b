"""From what Spark, Java and Python raise to an error that says what failed, the state of the data and the next step."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from stoker.errors import (
    InterruptedRunError,
    SinkError,
    SourceError,
    StokerError,
    TerminalError,
    TransformError,
    TransientError,
)
from stoker.pipeline.pipeline import explanation

if TYPE_CHECKING:
    from stoker.connectors.base import Context
    from stoker.pipeline.pipeline import Pipeline
    from stoker.record import PipelineRecord

_LOST_FILE = re.compile(
    r"FAILED_READ_FILE|FileNotFoundException|UNABLE_TO_INFER|unexpected end|EOFException|not a gzip"
)
_PYTHON = re.compile(r"^(\w[\w.]*(?:Error|Exception|Warning)): (.*)$", re.MULTILINE)
_CORRECT = "Correct the transformer or its input, then run again; --traceback shows the whole trace."
_EITHER = "The new rows are published or they are not; there is nothing in between."
_THE_REST = "it publishes what is not published yet."
_SPARK = re.compile(r"\[([A-Z][A-Z0-9_.]{3,})\] ([^\n]*)")


def explained(error: Exception, pipeline: Pipeline, context: Context, step: str, record: PipelineRecord) -> StokerError:
    """The error to raise for one of a pipeline's steps."""
    found = _translated(error, pipeline, context)
    if step == "publish" and isinstance(found, TransformError):
        found = SinkError(found.what, next_step=f"Run again with --run-id {context.run_id}: {_THE_REST}")
    where = f"Job {context.job}, pipeline {context.pipeline}"
    what = found.what if found.what.startswith("Job ") else f"{where}: {found.what}"
    state = _state(record) or found.state or (_EITHER if step == "publish" else "Nothing was published.")
    next_step = found.next_step or f"stoker resume {context.run_id}"
    return type(found)(what, state=state, next_step=next_step)


def _state(record: PipelineRecord) -> str | None:
    """What is published already, when a later sink failed."""
    done = [sink.where for sink in record.sinks if sink.published]
    left = [sink.where for sink in record.sinks if not sink.published]
    if not done or not left:
        return None
    return (
        f"Published: {', '.join(done)}. Not published: {', '.join(left)}. "
        "A run with the same run id publishes the same rows to the rest."
    )


def _translated(  # noqa: PLR0911 - one answer a cause
    error: Exception, pipeline: Pipeline, context: Context
) -> StokerError:
    if context.stopped() and not isinstance(error, StokerError):
        return InterruptedRunError("It was interrupted.")
    if not context.stopped() and _gateway_lost(error, context):
        return TransientError(
            "Spark's JVM went away (killed, or out of memory).",
            next_step="Look at the end of its log and at the machine's memory, then run again with the same run id.",
        )
    if isinstance(error, StokerError):
        return error
    known = explanation(pipeline, error, context)
    if isinstance(known, StokerError):
        return known
    text = str(error)
    if "No space left on device" in text:
        return TransientError("A disk is full while rows were staged.", next_step="Free space, then run again.")
    if "Permission denied" in text or "Mkdirs failed" in text:
        return TerminalError(
            f"A folder cannot be written: {_reason(text)}.", next_step="Check the path and its permissions."
        )
    if _LOST_FILE.search(text):
        return SourceError(
            f"A file that is extracted cannot be read: {_reason(text)}{_root(error)}.",
            next_step="Check that it is whole and was not replaced while it was read, then run again.",
        )
    python = _PYTHON.findall(text) if "Traceback (most recent call last)" in text else []
    if python:
        kind, message = python[-1]
        return TransformError(f"Python code of the transformer failed in a task: {kind}: {message}", next_step=_CORRECT)
    return TransformError(f"{type(error).__name__}: {_reason(text)}", next_step=_CORRECT)


def _reason(text: str) -> str:
    """One line of a Spark error: its own sentence, without stack traces."""
    match = _SPARK.search(text)
    if match:
        return f"{match[2].strip().rstrip('.')} [{match[1]}]"
    causes = re.findall(r"^Caused by: (.*)$", text, re.MULTILINE)
    lines = [line for line in text.splitlines() if line.strip()]
    return (causes[-1] if causes else lines[0] if lines else "no message").strip().rstrip(".")[:500]


def _root(error: Exception) -> str:
    """What lies at the bottom of a Java exception that only says what was tried."""
    # PySpark translates the exceptions that it knows and passes the others on.
    cause, found = getattr(error, "_origin", None) or getattr(error, "java_exception", None), ""
    with contextlib.suppress(Exception):  # whatever it is, the error itself is told
        while cause is not None:
            found = f" ({cause.getClass().getSimpleName()}: {cause.getMessage()})"
            cause = cause.getCause()
    return found


def _gateway_lost(error: Exception, context: Context) -> bool:
    """Whether the JVM is gone. It is asked: a call that its end cut short has many texts, and others may have wrapped it."""
    from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError

    causes: list[BaseException] = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    if any(isinstance(cause, Py4JNetworkError) for cause in causes):
        return True
    suspicious = (Py4JError, ConnectionError)
    if not any(isinstance(cause, suspicious) and not isinstance(cause, Py4JJavaError) for cause in causes):
        return False
    try:
        context.spark.sparkContext._jsc.getClass()  # noqa: SLF001 - the shortest question to the JVM
    except (Py4JError, OSError):
        return True
    return False
