"""A record as one line of JSON, in the columns of Spark's structured logging (`SCHEMA`)."""

from __future__ import annotations

import json
import logging
import re
import time
from itertools import islice
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING

from stoker.logs.context import Fields, current
from stoker.logs.failures import exception_json
from stoker.logs.values import INTERRUPTS, LONGEST, clean, json_text, safe_text, shown, text_of
from stoker.secrets import MASK, is_secret_name, is_suspect, known_version

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_MESSAGE = 131_072
"""Characters of a message."""
_MOST = 64
"""Extra fields of a record that are shown."""
SHOWN = "stoker_shown"
"""The attribute of a record that the command line has shown already: a console leaves it out."""
TAKEN = "stoker_taken"
"""The attribute of a record of which a worker's rate limit has decided."""
STANDARD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", SHOWN, TAKEN})
"""What a record has by itself; everything else is `extra`."""
_FEW = len(vars(logging.makeLogRecord({})))
_ENOUGH = 10_000
"""Texts that are kept in their form for JSON: whoever makes a logger for each row does not fill the memory."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def raw_message(record: logging.LogRecord) -> str:
    """The message with its arguments, as it is; of a call with wrong arguments, both and what is wrong."""
    try:
        args = record.args
        if isinstance(args, dict) and any(is_secret_name(safe_text(name)) for name in args):
            hidden = {
                name: each if shown(safe_text(name), text_of(each)) != MASK else MASK for name, each in args.items()
            }
            return str(record.msg) % hidden
        return record.getMessage()
    except INTERRUPTS:
        raise
    except BaseException as error:  # noqa: BLE001 - arguments that do not fit, or that have no text
        if not record.args:
            return safe_text(record.msg)
        return f"{safe_text(record.msg)} [its arguments {text_of(record.args)} do not fit: {type(error).__name__}]"


def message_of(record: logging.LogRecord) -> str:
    """The message without secrets."""
    return clean(raw_message(record), LONGEST_MESSAGE)


def _raw_extra(record: logging.LogRecord) -> dict[str, str | None]:
    """The fields that a call gave by `extra`, as text; those of PySpark's loggers are a dict named context."""
    found: dict[str, str | None] = {}
    # A record gets its own attributes first.
    for name, value in list(islice(record.__dict__.items(), _FEW, None)):
        if name in STANDARD:
            continue
        if type(name) is not str:
            found[safe_text(name)] = text_of(value)
        elif name == "context" and isinstance(value, dict):
            found |= {safe_text(inner): text_of(each) for inner, each in list(value.items())}
        else:
            found[name] = value if type(value) is str else text_of(value)
    if len(found) <= _MOST:
        return found
    return {**dict(islice(found.items(), _MOST)), "more": f"{len(found) - _MOST} fields are left out"}


def extra_of(record: logging.LogRecord) -> dict[str, str | None]:
    """The fields that a call gave by `extra`, as text and without secrets."""
    return {clean(name): shown(name, text) for name, text in _raw_extra(record).items()}


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON, without a line's end; whatever it holds, it does not raise.

    Most lines hold no secret: one look at all that is new in a line says so, and only else each part is redacted.

    Args:
        detailed: Whether the context also says where the call is, and in which thread and process.
    """

    def __init__(self, *, detailed: bool = False) -> None:
        super().__init__()
        self._detailed = detailed
        self._second: tuple[int, str] = (0, "1970-01-01T00:00:00")
        self._quoted: dict[object, str] = {}
        self._forms: dict[str, tuple[str, bool]] = {}
        self._version = known_version()

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        try:
            return self._line(record)
        except Exception as error:  # noqa: BLE001 - a record that somebody has made by hand
            return _poor(record, error)

    def _line(self, record: logging.LogRecord) -> str:
        seconds = int(record.created)
        second = self._second
        if second[0] != seconds:
            second = self._second = seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        if self._version != known_version():
            self._quoted, self._forms, self._version = {}, {}, known_version()
        quoted = self._quoted
        message, fields = self._parts(record, raw_message(record), current())
        failure = exception_json(record) if record.exc_info or record.exc_text else ""
        line = (
            f'{{"ts":"{second[1]}.{int((record.created - seconds) * 1_000_000):06d}Z",'
            f'"level":{quoted.get(record.levelname) or self._text(record.levelname)},'
            f'"logger":{quoted.get(record.name) or self._text(record.name)},'
            f'"msg":{_quoted(message)},"context":{{{fields}}}{failure}}}'
        )
        # No text of UTF-8 holds half a pair, and readers refuse it also as an escape.
        return line if line.isascii() else _SURROGATE.sub(lambda half: f"\\\\u{ord(half[0]):04x}", line)

    def _parts(self, record: logging.LogRecord, message: str, context: Fields) -> tuple[str, str]:
        """The message, and the inside of the context."""
        if len(record.__dict__) == _FEW and not self._detailed and not record.stack_info:
            if len(message) > LONGEST or is_suspect(message):
                message = clean(message, LONGEST_MESSAGE)
            return message, context.json()
        extra = _raw_extra(record)
        if record.stack_info:
            extra.setdefault("stack", safe_text(record.stack_info))
        # Readers differ in which value of a name that is there twice they take.
        if not extra.keys().isdisjoint(context.values):
            context = Fields({name: text for name, text in context.values.items() if name not in extra})
        place = self._place(record, extra) if self._detailed else ""
        new = "\0".join(filter(None, (message, *extra.values())))
        if len(new) > LONGEST or is_suspect(new):
            message = clean(message, LONGEST_MESSAGE)
            extra = {clean(name): shown(name, text) for name, text in extra.items()}
        forms, fields = self._forms, []
        for name, text in extra.items():
            form, secret = forms.get(name) or self._form(name)
            fields.append(form + json_text(shown(name, text) if secret else text))
        return message, ",".join(filter(None, (context.json(), place, *fields)))

    def _form(self, name: str) -> tuple[str, bool]:
        """The beginning of a field, and whether its name says that it is a secret."""
        form = f"{_quoted(clean(name))}:", is_secret_name(name)
        if len(self._forms) < _ENOUGH:
            self._forms[name] = form
        return form

    def _place(self, record: logging.LogRecord, extra: Mapping[str, object]) -> str:
        found = {
            "file": record.pathname,
            "line": str(record.lineno),
            "function": record.funcName,
            "thread": record.threadName,
            "process": str(record.process),
        }
        return ",".join([f'"{name}":{self._text(text)}' for name, text in found.items() if name not in extra])

    def _text(self, text: object) -> str:
        """A text that comes again and again, as JSON."""
        found = self._quoted.get(text)
        if found is None:
            found = _quoted(clean(safe_text(text)))
            if len(self._quoted) < _ENOUGH:
                self._quoted[text] = found
        return found


def _poor(record: logging.LogRecord, error: Exception) -> str:
    """The line of a record that cannot be formatted."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = clean(f"{safe_text(record.msg)} [could not be formatted: {type(error).__name__}]")
    found = {"ts": moment, "level": "ERROR", "logger": safe_text(record.name), "msg": text, "context": {}}
    return json.dumps(found).encode("ascii", "replace").decode()
