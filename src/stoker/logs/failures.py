"""An exception as the JSON of Spark's structured logging, and as text."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

from stoker.logs.values import clean, safe_text
from stoker.secrets import is_suspect

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

_LONGEST = 32_768
"""Characters of an exception's message, with those of its causes."""
_FRAMES = 50
"""Frames at each end of a trace that are kept."""
_CAUSES = 10


def exception_json(record: logging.LogRecord) -> str:
    """`,"exception":{...}` for a record with an exception, else nothing."""
    found = record.exc_info
    error = found[1] if isinstance(found, tuple) else None
    if error is None:
        # A record that was sent here by another process has the text alone.
        return _json(None, safe_text(record.exc_text), []) if record.exc_text else ""
    told = [_told(error), *(f"Caused by: {class_name(cause)}: {_told(cause)}" for cause in causes(error))]
    frames = [
        frame
        for each in (error, *causes(error))
        for frame in _frames(each, None if each is error else class_name(each))
    ]
    return _json(class_name(error), "\n".join(told), frames)


def _json(name: str | None, message: str, frames: list[dict[str, Any]]) -> str:
    if is_suspect("\0".join(str(each) for frame in frames for each in frame.values())):
        frames = [{key: each and clean(each) for key, each in frame.items()} for frame in frames]
    content = {"class": name, "msg": clean(message, _LONGEST), "stacktrace": frames}
    return f',"exception":{json.dumps(content, ensure_ascii=False, separators=(",", ":"))}'


def class_name(error: BaseException) -> str:
    """With its module, if it is not Python's own."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """What an exception was raised from, or during, as a trace shows it."""
    seen = {id(error)}
    for _ in range(_CAUSES):
        following = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if following is None or id(following) in seen:
            return
        seen.add(id(following))
        yield following
        error = following


def _told(error: BaseException) -> str:
    notes = getattr(error, "__notes__", None)
    lines = [safe_text(error), *(safe_text(note) for note in (notes if isinstance(notes, list) else ()))]
    if isinstance(error, BaseExceptionGroup):
        lines += [f"  {class_name(each)}: {safe_text(each)}" for each in error.exceptions]
    return "\n".join(lines)


def _frames(error: BaseException, of: str | None) -> list[dict[str, Any]]:
    frames = [
        {
            "class": of,
            "method": frame.f_code.co_qualname if hasattr(frame.f_code, "co_qualname") else frame.f_code.co_name,
            "file": frame.f_code.co_filename,
            "line": str(line),
        }
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if len(frames) <= 2 * _FRAMES:
        return frames
    left_out = {"class": of, "method": f"... {len(frames) - 2 * _FRAMES} frames", "file": None, "line": None}
    return [*frames[:_FRAMES], left_out, *frames[-_FRAMES:]]


def trace_text(error: BaseException) -> str:
    """A trace for people, without secrets."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception as odd:  # noqa: BLE001 - an exception whose text raises
        text = f"{class_name(error)} whose trace cannot be had: {type(odd).__name__}"
    return clean(text.rstrip("\n"), _LONGEST)
