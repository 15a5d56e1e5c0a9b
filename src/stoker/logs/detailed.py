"""A record as a line for people."""

from __future__ import annotations

import logging
import os
import re
import sys
import time

from stoker.logs.context import current
from stoker.logs.failures import trace_text
from stoker.logs.json_lines import extra_of, message_of
from stoker.logs.values import clean, safe_text
from stoker.secrets import redact

_COLOURS = {"DEBUG": "2", "INFO": "32", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
_IN_EACH_LINE = ("run_id", "job")
"""A console shows one run."""
_APART = ("pipeline",)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""A terminal would obey them."""


def colour_wanted() -> bool:
    """Whether standard error is a terminal that may be coloured (`NO_COLOR`, `TERM=dumb`)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


class DetailedFormatter(logging.Formatter):
    """Time, level, logger, file and line, pipeline, message, context. Lines that follow the first are indented.

    Args:
        colour: Whether it is for a terminal.
        whole: Whether to write the date, the run and the job: for a file, which may hold several.
    """

    def __init__(self, *, colour: bool = False, whole: bool = False) -> None:
        super().__init__()
        self._colour = colour
        self._whole = whole

    def format(self, record: logging.LogRecord) -> str:
        """The text, without a line's end."""
        moment = time.localtime(record.created)
        clock = time.strftime("%Y-%m-%d %H:%M:%S" if self._whole else "%H:%M:%S", moment)
        level = f"{record.levelname:<7}"
        if self._colour:
            level = f"\033[{_COLOURS.get(record.levelname, '0')}m{level}\033[0m"
        fields = {**current().masked(), **extra_of(record)}
        pipeline = fields.get("pipeline")
        left_out = _APART if self._whole else (*_APART, *_IN_EACH_LINE)
        context = " ".join(f"{name}={_word(text)}" for name, text in fields.items() if name not in left_out)
        context = _printable(context)
        parts = [
            f"{clock}.{int(record.msecs):03d} {level}",
            redact(f"{safe_text(record.name)} {record.filename}:{record.lineno}:"),
            f"[{pipeline}]" if pipeline else "",
            _printable(message_of(record)),
            f"\033[2m{context}\033[0m" if context and self._colour else context,
        ]
        return " ".join(filter(None, parts)) + self._after(record)

    @staticmethod
    def _after(record: logging.LogRecord) -> str:
        """The lines that follow the first."""
        text = ""
        if record.exc_info and record.exc_info[1] is not None:
            text = f"\n{trace_text(record.exc_info[1])}"
        elif record.exc_text:
            text = f"\n{clean(safe_text(record.exc_text))}"
        if record.stack_info:
            text = f"{text}\n{clean(safe_text(record.stack_info))}"
        return _printable(text)


def _printable(text: str) -> str:
    """The text as it may be shown: whatever it holds, it does not look like a line of its own, and a terminal does not obey it."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text).replace("\n", "\n    ")


def _word(text: str | None) -> str:
    if text is None:
        return "null"
    return repr(text) if not text or " " in text or "\n" in text else text
