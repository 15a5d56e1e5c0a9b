"""Tasks have the log's context of the code that called Spark: what differs is told to Spark before the next call into its JVM.

So a change of the context costs nothing by itself, however often it changes between two calls; and whoever calls is right: any
thread, whoever has started it, and any of the coroutines that share one.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stoker.logs.context import current, own
from stoker.logs.workers.task import PROPERTY, as_property

if TYPE_CHECKING:
    from stoker.logs.context import Fields

_CALL = "c\n"
"""How py4j's command for the call of a method begins; others, as for what was collected as garbage, start no job."""


class Calls:
    """The calls into the JVM of a session, from now until `end`."""

    def __init__(self, spark_context: Any) -> None:
        self._spark_context = spark_context
        self._client = spark_context._gateway._gateway_client  # noqa: SLF001 - no public way
        self._send = self._client.send_command
        self._told = _Told()
        self._client.send_command = self._sending

    def end(self) -> None:
        """Leave calls alone, unless somebody else has put something around them."""
        if vars(self._client).get("send_command") == self._sending:
            self._client.send_command = self._send

    def _sending(self, command: str, *args: Any, **kwargs: Any) -> Any:
        here = own()
        if here is not self._told.fields and command.startswith(_CALL):
            self._told.fields = here  # first, since to tell is a call as well
            with suppress(Exception):  # the session may be over
                self._spark_context.setLocalProperty(PROPERTY, as_property(current()))
        return self._send(command, *args, **kwargs)


class _Told(threading.local):
    """What Spark knows of a thread. Of one that has no fields of its own it knows what it inherits, if it does."""

    fields: Fields | None = None
