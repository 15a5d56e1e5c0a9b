"""One line of a log, of ours or of Spark's JVM."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

RANKS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "WARN": 30, "WARNING": 30, "ERROR": 40, "CRITICAL": 50, "FATAL": 50}
"""Of the levels of Python and of the JVM; others are shown always."""
# As `DetailedFormatter` writes them to files; more lines of the same record are indented.
_DETAILED = re.compile(
    r"(?P<ts>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (?P<level>[A-Z]+) +(?P<logger>\S+) (?P<place>\S+:\d+): "
    r"(?:\[(?P<pipeline>[^\]]+)\] )?(?P<msg>.*)",
    re.DOTALL,
)
# Spark's default form, `%d{yy/MM/dd HH:mm:ss} %p %c{1}: %m`.
_JVM = re.compile(
    r"(?P<ts>\d\d/\d\d/\d\d \d\d:\d\d:\d\d) (?P<level>[A-Z]+) (?P<logger>[^\s:]+): (?P<msg>.*)", re.DOTALL
)
_WORD = re.compile(r" ([A-Za-z_]\w*)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)$")


@dataclass(frozen=True)
class LogLine:
    """A line, or a record of several lines of text."""

    text: str
    """As it stands in the file."""
    ts: datetime | None = None
    level: str = ""
    logger: str = ""
    message: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    exception: Mapping[str, Any] | None = None

    @property
    def rank(self) -> int:
        """How severe it is; what has no level that is known is as severe as can be, so that it is shown."""
        return RANKS.get(self.level, RANKS["CRITICAL"])

    def as_json(self) -> str:
        """The line as JSON, whatever it was written as."""
        if self.text.startswith("{") and self.message != self.text:  # else it is torn
            return self.text
        content: dict[str, Any] = {
            "ts": self.ts.isoformat() if self.ts else None,
            "level": self.level or None,
            "logger": self.logger or None,
            "msg": self.message,
            "context": dict(self.context),
        }
        return json.dumps(content, ensure_ascii=False)


def parse(text: str) -> LogLine:
    """The line of a text, without its end; of what is no line of a log, the text is the message."""
    if text.startswith("{"):
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        if isinstance(content, dict):
            return _from_json(text, content)
    match = _DETAILED.match(text)
    return LogLine(text, message=text) if match is None else _from_detailed(text, match)


def parse_jvm(text: str, zone: tzinfo | None) -> LogLine | None:
    """The line of a text in Spark's default form; None if it has another one.

    Args:
        text: Without its end.
        zone: Of its time, which says none; None for that of this machine.
    """
    match = _JVM.match(text)
    if match is None:
        return None
    try:
        ts = datetime.strptime(match["ts"], "%y/%m/%d %H:%M:%S").replace(tzinfo=zone)
    except ValueError:
        return None
    return LogLine(text, ts if zone else ts.astimezone(), match["level"], match["logger"], match["msg"])


def _from_json(text: str, content: Mapping[str, Any]) -> LogLine:
    context = content.get("context")
    exception = content.get("exception")
    return LogLine(
        text,
        _moment(content.get("ts")),
        str(content.get("level") or ""),
        str(content.get("logger") or ""),
        str(content.get("msg") or ""),
        {str(key): str(value) for key, value in context.items()} if isinstance(context, dict) else {},
        exception if isinstance(exception, dict) else None,
    )


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _from_detailed(text: str, match: re.Match[str]) -> LogLine:
    lines = match["msg"].split("\n")
    # The context ends the message, which may have several lines; a trace may follow.
    found = [_without_words(each) for each in lines]
    at = next((number for number, (_, words) in enumerate(found) if "run_id" in words), 0)
    lines[at], context = found[at]
    if match["pipeline"]:
        context["pipeline"] = match["pipeline"]
    ts = datetime.fromisoformat(match["ts"]).astimezone()  # it is written in local time
    return LogLine(text, ts, match["level"], match["logger"], "\n".join(lines), context)


def _without_words(line: str) -> tuple[str, dict[str, str]]:
    """A line of a message without the `name=value` at its end, and these."""
    words = []
    while word := _WORD.search(line):
        words.append((word[1], _unquoted(word[2])))
        line = line[: word.start()]
    return line, dict(reversed(words))


def _unquoted(text: str) -> str:
    try:
        return str(ast.literal_eval(text)) if text[0] in "'\"" else text
    except (ValueError, SyntaxError):
        return text
