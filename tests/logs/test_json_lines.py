from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import pytest

from stoker import logs
from stoker.logs.json_lines import LONGEST_MESSAGE, JsonFormatter

if TYPE_CHECKING:
    from support.log_lines import Log


class Stubborn:
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class PanicError(BaseException):
    """What extensions in Rust raise, which is no `Exception`."""


class Panics:
    """Has no text either."""

    def __str__(self) -> str:
        raise PanicError

    __repr__ = __str__


class Interrupted:
    """Ctrl-C comes while its text is made."""

    def __str__(self) -> str:
        raise KeyboardInterrupt


class Login(NamedTuple):
    """Its names say what its values are."""

    user: str
    password: str


def test_a_line_has_the_columns_of_spark(log: Log) -> None:
    """Names and forms are those of Spark's structured logging."""
    before = datetime.now(UTC)

    log.logger.warning("loaded %d rows", 7, extra={"batch": 3})

    line = log.last
    assert list(line) == ["ts", "level", "logger", "msg", "context"]
    assert before <= datetime.fromisoformat(line["ts"]) <= datetime.now(UTC)
    assert (line["level"], line["logger"], line["msg"]) == ("WARNING", "tests.log", "loaded 7 rows")
    assert line["context"] == {"batch": "3"}


def test_the_schema_is_pysparks() -> None:
    """One schema reads the lines of driver, workers and JVM."""
    logger = pytest.importorskip("pyspark.logger")
    ours, theirs = (text.upper().replace(" ", "").replace(":", "") for text in (logs.SCHEMA, logger.SPARK_LOG_SCHEMA))
    assert ours == theirs


def _fails() -> None:
    try:
        dict[str, int]()["inner"]
    except KeyError as inner:
        error = ValueError("outer")
        error.add_note("a note")
        raise error from inner


def test_an_exception_has_class_message_and_trace(log: Log) -> None:
    """Also what it was raised from, and its notes."""
    try:
        _fails()
    except ValueError:
        log.logger.exception("failed")

    found = log.last["exception"]
    assert found["class"] == "ValueError"
    assert found["msg"] == "outer\na note\nCaused by: KeyError: 'inner'"
    _, own, cause = found["stacktrace"]
    assert own["class"] is None
    assert cause["class"] == "KeyError"
    assert own["file"] == __file__
    assert int(own["line"]) > int(cause["line"])
    assert cause["method"].endswith("_fails")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, "true"),
        (1.5, "1.5"),
        ({"a": [1, None, {"b": "ü"}]}, '{"a": [1, null, {"b": "ü"}]}'),
        (("x", {1}), '["x", [1]]'),
        (b"x", "b'x'"),
        pytest.param(10**5000, "<int whose text cannot be had: ValueError>", id="a number of 5000 digits"),
        pytest.param(Stubborn(), "<Stubborn whose text cannot be had: ValueError>", id="stubborn"),
        ({"a": Stubborn()}, '{"a": "<Stubborn whose text cannot be had: ValueError>"}'),
        pytest.param(Panics(), "<Panics whose text cannot be had: PanicError>", id="panics"),
        ([float("nan"), 10**30], '["nan", "1' + "0" * 30 + '"]'),
        (Login("etl", "hunter2"), '{"user": "etl", "password": "***"}'),
        ({1: 2, None: 3, (1, 2): 4}, '{"1": 2, "None": 3, "(1, 2)": 4}'),
        ({"secret": None, "token": True, "password": ""}, '{"secret": null, "token": true, "password": ""}'),
    ],
)
def test_any_value_is_a_text(log: Log, value: object, text: str | None) -> None:
    """What cannot be shown says so, and the line is there."""
    log.logger.info("m", extra={"value": value})

    assert log.last["context"] == {"value": text}


def test_a_cycle_is_shown_to_some_depth(log: Log) -> None:
    """A list that holds itself ends."""
    cycle: list[object] = []
    cycle.append(cycle)

    log.logger.info("m", extra={"value": cycle})

    assert "..." in log.last["context"]["value"]


@pytest.mark.parametrize(
    ("message", "arguments", "expected"),
    [
        ("%d rows", ("x",), '%d rows [its arguments ["x"] do not fit: TypeError]'),
        ("%s and %s", (1,), "%s and %s [its arguments [1] do not fit: TypeError]"),
        ("one", (1,), "one [its arguments [1] do not fit: TypeError]"),
        (
            "%s",
            (Stubborn(),),
            '%s [its arguments ["<Stubborn whose text cannot be had: ValueError>"] do not fit: ValueError]',
        ),
        pytest.param(
            Stubborn(),
            (),
            "<Stubborn whose text cannot be had: ValueError>",
            id="stubborn",
        ),
    ],
)
def test_a_call_with_wrong_arguments_is_a_line(
    log: Log, capsys: pytest.CaptureFixture[str], message: str, arguments: tuple[object, ...], expected: str
) -> None:
    """The standard library prints a trace instead."""
    log.logger.info(message, *arguments)

    assert log.last["msg"] == expected
    assert capsys.readouterr().err == ""


def test_an_interrupt_goes_on(log: Log) -> None:
    """It is the user's, or the scheduler's, and no mistake of the value whose text was being made."""
    with pytest.raises(KeyboardInterrupt):
        log.logger.info("m %s", Interrupted())


def test_half_a_surrogate_pair_is_shown_as_text(log: Log) -> None:
    """No UTF-8 holds it, and readers refuse the escape: file names on Linux may have it."""
    log.logger.info("file \udcff.csv", extra={"n\udc80": "v\ud800"})

    raw = log.kept.raw[-1].decode()
    assert json.loads(raw)["msg"] == "file \\udcff.csv"
    assert json.loads(raw)["context"] == {"n\\udc80": "v\\ud800"}


def test_a_line_is_one_line(log: Log) -> None:
    """Whatever the message holds."""
    log.logger.info("one\ntwo\r\n\0\u2028 end")

    assert log.kept.raw[-1].count(b"\n") == 1
    assert log.last["msg"] == "one\ntwo\r\n\0\u2028 end"


def test_a_very_long_message_is_cut_and_says_so(log: Log) -> None:
    """Ten megabytes are no line."""
    log.logger.info("x" * 10_000_000, extra={"value": "y" * 1_000_000})

    line = log.last
    assert len(line["msg"]) < LONGEST_MESSAGE + 100
    assert line["msg"].endswith("... [cut: 10,000,000 characters]")
    assert line["context"]["value"].endswith("... [cut: 1,000,000 characters]")


def test_the_context_of_pysparks_loggers_is_context(log: Log) -> None:
    """They pass one dict, under that name."""
    log.logger.info("m", extra={"context": {"user": "u", "n": 1}})

    assert log.last["context"] == {"user": "u", "n": "1"}


def test_many_extra_fields_are_cut(log: Log) -> None:
    """A row of a table by mistake."""
    log.logger.info("m", extra={f"f{number}": number for number in range(1000)})

    assert len(log.last["context"]) == 65


def test_the_detailed_form_says_where_the_call_is(log: Log) -> None:
    """For tests and development."""
    record = logging.LogRecord("n", logging.INFO, "/x/y.py", 3, "m", (), None, "f")

    context = json.loads(JsonFormatter(detailed=True).format(record))["context"]

    assert (context["file"], context["line"], context["function"], context["thread"]) == (
        "/x/y.py",
        "3",
        "f",
        "MainThread",
    )


def test_a_trace_of_endless_recursion_is_cut(log: Log) -> None:
    """The ends tell, the middle repeats."""

    def endless() -> None:
        endless()

    try:
        endless()
    except RecursionError:
        log.logger.exception("failed")

    trace = log.last["exception"]["stacktrace"]
    assert len(trace) == 101
    assert "frames" in trace[50]["method"]


def test_an_exception_without_a_text_is_a_line(log: Log) -> None:
    """Its `__str__` raises."""

    class OddError(Exception):
        __str__ = Stubborn.__str__

    log.logger.error("failed", exc_info=OddError())

    assert "whose text cannot be had" in log.last["exception"]["msg"]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("created", float("nan")),
        ("created", None),
        ("name", []),
        ("args", 5),
        ("levelname", None),
        ("threadName", b"x"),
    ],
)
def test_a_record_that_was_made_by_hand_is_a_line(log: Log, attribute: str, value: object) -> None:
    """Whatever its attributes are."""
    record = logging.LogRecord("n", logging.INFO, "/x/y.py", 3, "hello", (), None, "f")
    setattr(record, attribute, value)

    log.logger.handle(record)

    assert log.last["msg"].startswith("hello")
