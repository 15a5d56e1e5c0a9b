"""A record as one line of JSON, in the columns of Spark's structured logging (`SCHEMA`)."""

from __future__ import annotations

import logging
import re
import time
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING

from stoker.logs.context import current
from stoker.logs.failures import exception_json
from stoker.logs.values import clean, json_text, safe_text, shown, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 131_072
"""Characters of a message."""
_MOST = 64
"""Extra fields of a record that are shown."""
SHOWN = "stoker_shown"
"""The attribute of a record that the command line has shown already: a console leaves it out."""
STANDARD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", SHOWN})
"""What a record has by itself; everything else is `extra`."""
_FEW = len(vars(logging.makeLogRecord({})))
_SURROGATE = re.compile("[\ud800-\udfff]")


def message_of(record: logging.LogRecord) -> str:
    """The message with its arguments, without secrets; of a call with wrong arguments, both and what is wrong."""
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments that do not fit, or that have no text
        text = f"{safe_text(record.msg)} [its arguments {text_of(record.args)} do not fit: {type(error).__name__}]"
    return clean(text, LONGEST)


def extra_of(record: logging.LogRecord) -> Iterator[tuple[str, str | None]]:
    """The fields that a call gave by `extra`, as text and without secrets; those of PySpark's loggers are a dict named context."""
    number = 0
    for name, value in list(vars(record).items()):
        if name in STANDARD:
            continue
        inside = value.items() if name == "context" and isinstance(value, dict) else ((name, value),)
        for inner, each in list(inside):
            number += 1
            if number > _MOST:
                yield "more", "fields are left out"
                return
            text = safe_text(inner)
            yield clean(text), shown(text, text_of(each))


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON, without a line's end; whatever it holds, it does not raise.

    Args:
        detailed: Whether the context also says where the call is, and in which thread and process.
    """

    def __init__(self, *, detailed: bool = False) -> None:
        super().__init__()
        self._detailed = detailed
        self._second: tuple[int, str] = (0, "1970-01-01T00:00:00")
        self._names: dict[str, str] = {}

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        seconds = int(record.created)
        second = self._second
        if second[0] != seconds:
            second = self._second = seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        micros = int((record.created - seconds) * 1_000_000)
        names = self._names.get(record.name) or self._name(record)
        fields = current().json()
        if len(record.__dict__) > _FEW:
            fields = _joined(fields, ",".join(f"{_quoted(name)}:{json_text(text)}" for name, text in extra_of(record)))
        if self._detailed:
            fields = _joined(fields, self._place(record))
        if record.stack_info:
            fields = _joined(fields, f'"stack":{_quoted(clean(safe_text(record.stack_info)))}')
        failure = exception_json(record) if record.exc_info or record.exc_text else ""
        line = (
            f'{{"ts":"{second[1]}.{micros:06d}Z","level":"{record.levelname}",{names},'
            f'"msg":{_quoted(message_of(record))},"context":{{{fields}}}{failure}}}'
        )
        # No text of UTF-8 holds half a pair, and readers refuse it also as an escape.
        return line if line.isascii() else _SURROGATE.sub(lambda half: f"\\\\u{ord(half[0]):04x}", line)

    def _name(self, record: logging.LogRecord) -> str:
        text = f'"logger":{_quoted(clean(safe_text(record.name)))}'
        if len(self._names) < 10_000:  # noqa: PLR2004 - whoever makes a logger for each row does not fill the memory
            self._names[record.name] = text
        return text

    @staticmethod
    def _place(record: logging.LogRecord) -> str:
        return (
            f'"file":{_quoted(safe_text(record.pathname))},"line":"{record.lineno}","function":{_quoted(safe_text(record.funcName))},'
            f'"thread":{_quoted(safe_text(record.threadName))},"process":"{record.process}"'
        )


def _joined(one: str, other: str) -> str:
    return f"{one},{other}" if one and other else one or other
