"""What a metastore answers when it does not do what it was asked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from stoker.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stoker.tables.names import TableName


class RefusedError(Exception):
    """The catalogue did not take a change; the text says why. What it did may be looked at."""


@contextmanager
def refusals() -> Iterator[None]:
    """What a metastore says of a change, in one line."""
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException

    try:
        yield
    except Py4JNetworkError:  # the JVM is gone: who runs the pipeline tells that
        raise
    except (Py4JError, PySparkException) as error:
        raise RefusedError(_line(error)) from error


@contextmanager
def answers(name: TableName | None) -> Iterator[None]:
    """A metastore that is away, or does not let this user look."""
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException

    try:
        yield
    except Py4JNetworkError:  # as above
        raise
    except (Py4JError, PySparkException) as error:
        raise TransientError(
            f"The catalogue does not answer{f' for {name}' if name else ''}: {_line(error)}",
            next_step="See that the metastore is there and that this user may ask it, then run again.",
        ) from error


def _line(error: Exception) -> str:
    java = getattr(error, "java_exception", None)
    text = str(java.getMessage() if java is not None else error).strip()
    return text.partition("\n")[0] or type(error).__name__
