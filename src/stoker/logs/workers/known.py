"""The secrets that the driver knows, on their way to its Python workers: a broadcast that goes with each function.

Whoever masks a value has to know it. A broadcast goes where the function goes, as what the function has enclosed does, and nowhere
else: into no setting, local property or environment of a process, and so onto no page of Spark and into no event log.
"""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stoker.secrets import known_values, known_version, remember

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

_MARK = "stoker.logs.workers.known"
_HEAD = 256
"""Bytes at the beginning of a pickle that has the mark first; a user's broadcast may be large, and is left alone."""


class Accompanied:
    """PySpark's register of the broadcasts that a function needs, asked for each function; with that of the secrets.

    Args:
        spark_context: Of the session.
        register: PySpark's own.
    """

    def __init__(self, spark_context: Any, register: Any) -> None:
        self._spark_context = spark_context
        self._register = register
        self._lock = threading.Lock()
        self._version = 0
        self._secrets: list[Any] = []
        self._told = False

    def __iter__(self) -> Iterator[Any]:
        yield from self._register
        yield from self._of_secrets()

    def add(self, broadcast: Any) -> None:
        """A function needs it."""
        self._register.add(broadcast)

    def clear(self) -> None:
        """The next function begins."""
        self._register.clear()

    def _of_secrets(self) -> list[Any]:
        """The broadcast of all secrets that are known by now; none if there are none."""
        with self._lock:
            version = known_version()
            if self._version != version:
                self._version = version
                try:
                    self._secrets = [self._spark_context.broadcast((_MARK, *known_values()))]
                except Exception as error:  # noqa: BLE001 - py4j raises many, and the job goes on
                    self._tell(error)
            return self._secrets

    def _tell(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            logger.warning(
                "Python workers mask secrets by name and shape only, since Spark does not take their values: %s",
                type(error).__name__,
            )


def accompany(spark_context: Any) -> list[str]:
    """Send the secrets that are known with each function that is used from now on.

    Returns:
        What is not as it should be, as fallbacks.
    """
    register = getattr(spark_context, "_pickled_broadcast_vars", None)
    if register is None:
        return ["Python workers mask secrets by name and shape only: this PySpark keeps its broadcasts elsewhere"]
    if not isinstance(register, Accompanied):
        spark_context._pickled_broadcast_vars = Accompanied(spark_context, register)  # noqa: SLF001 - no public way
    return []


class Learner:
    """Has the secrets masked in a worker that came with the functions of its tasks."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def learn(self) -> None:
        """At the beginning of a task; to be called before its first line is formatted."""
        from pyspark import Broadcast

        received = vars(sys.modules[Broadcast.__module__]).get("_broadcastRegistry", {})
        for number, broadcast in list(received.items()):
            if number not in self._seen:
                for value in _secrets(broadcast):
                    remember(value)
                self._seen.add(number)


def _secrets(broadcast: Any) -> tuple[str, ...]:
    """Those of a broadcast; none if it is a user's."""
    with suppress(Exception):  # a task is worth more than its log
        if "_value" not in vars(broadcast):
            with open(broadcast._path, "rb") as pickled:  # noqa: PTH123, SLF001 - as PySpark does
                if _MARK.encode() not in pickled.read(_HEAD):
                    return ()
        value = broadcast.value
        if type(value) is tuple and value[:1] == (_MARK,):
            return value[1:]
    return ()
