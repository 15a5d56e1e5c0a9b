"""A line of a log for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from stoker.logs.read.line import RANKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stoker.logs.read import LogLine

_COLOURS = {
    rank: colour
    for name, colour in (
        ("DEBUG", "bright_black"),
        ("INFO", "green"),
        ("WARNING", "yellow"),
        ("ERROR", "red"),
        ("CRITICAL", "bright_red"),
    )
    for rank in (RANKS[name],)
}
_NOT_SHOWN = {"run_id", "job", "pipeline", "file", "line", "function", "thread", "process"}
"""Of the context: what is asked for, stands elsewhere, or is for `--json`."""
# What a terminal would obey; a message may hold it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def text_of(line: LogLine, *, colour: bool, runs: bool) -> str:
    """The text: time, level, logger, pipeline, message, context, exception.

    Args:
        line: The line.
        colour: Whether it is for a terminal.
        runs: Whether to show which run it is of.
    """
    if not line.logger and line.ts is None:
        return _safe(line.text)

    def styled(text: str, **style: Any) -> str:
        return click.style(text, **style) if colour and text else text

    when = f"{line.ts.astimezone():%Y-%m-%d %H:%M:%S}.{line.ts.microsecond // 1000:03d}" if line.ts else "-" * 23
    hidden = _NOT_SHOWN - {"run_id"} if runs else _NOT_SHOWN
    context = " ".join(f"{name}={_word(value)}" for name, value in line.context.items() if name not in hidden)
    pipeline = line.context.get("pipeline")
    parts = [
        styled(when, dim=True),
        styled(f"{line.level:<7}", fg=_COLOURS.get(line.rank)),
        styled(_safe(line.logger), dim=True),
        f"[{_safe(pipeline)}]" if pipeline else "",
        _safe(line.message).replace("\n", "\n    "),
        styled(context, dim=True),
    ]
    first = " ".join(filter(None, parts))
    return "\n".join([first, *(f"    {each}" for each in _exception(line.exception or {}))])


def _exception(found: Mapping[str, Any]) -> Iterator[str]:
    if not found:
        return
    for frame in found.get("stacktrace") or ():
        if isinstance(frame, dict):
            yield _safe(f"at {frame.get('method')} ({frame.get('file')}:{frame.get('line')})")
    first, *more = f"{found.get('class') or 'exception'}: {found.get('msg') or ''}".splitlines()
    yield _safe(first)
    yield from (_safe(each) for each in more)


def _word(value: str) -> str:
    text = _safe(value)
    return repr(text) if not text or any(each.isspace() for each in text) else text


def _safe(text: str) -> str:
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
