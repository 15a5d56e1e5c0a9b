from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from stoker import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

logger = logging.getLogger(__name__)


@pytest.fixture(autouse=True)
def _level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What the lines say beside the time."""
    names = ("timed", "outcome", "error", "rows")
    for record in caplog.records:
        assert float(vars(record)["milliseconds"]) >= 0
    return [{name: vars(record)[name] for name in names if name in vars(record)} for record in caplog.records]


@dataclass
class Result:
    """Says its rows."""

    rows: int


@logs.timed
def doubled(number: int, *, fail: bool = False) -> Result:
    """A function."""
    if fail:
        raise KeyError(number)
    return Result(2 * number)


def test_a_function_keeps_its_result_and_name(caplog: pytest.LogCaptureFixture) -> None:
    """The line is of its module's logger, and of the place of the call."""
    assert doubled(4) == Result(8)
    assert doubled.__name__ == "doubled"
    assert told(caplog) == [{"timed": "doubled", "outcome": "done", "rows": 8}]
    [record] = caplog.records
    assert record.name == __name__
    assert record.funcName == "test_a_function_keeps_its_result_and_name"


def test_a_failure_is_raised_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    """And its class is in the line."""
    with pytest.raises(KeyError):
        doubled(1, fail=True)
    assert told(caplog) == [{"timed": "doubled", "outcome": "failed", "error": "KeyError"}]


def test_nothing_is_measured_where_the_level_is_off(caplog: pytest.LogCaptureFixture) -> None:
    """The function is simply called."""
    caplog.set_level(logging.WARNING)
    assert doubled(4) == Result(8)
    with logs.timed("step"):
        pass
    assert caplog.records == []


def test_a_part_of_a_function(caplog: pytest.LogCaptureFixture) -> None:
    """Rows can be said."""
    with logs.timed("step") as step:
        step.rows = 5
    with pytest.raises(ValueError, match="x"), logs.timed("other", level=logging.WARNING):
        raise ValueError("x")

    assert told(caplog) == [
        {"timed": "step", "outcome": "done", "rows": 5},
        {"timed": "other", "outcome": "failed", "error": "ValueError"},
    ]
    assert caplog.records[0].name == __name__
    assert caplog.records[0].filename == "test_timing.py"
    assert caplog.records[1].levelname == "WARNING"


def test_a_generator_is_timed_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """What is sent, thrown and returned goes through."""

    @logs.timed("numbers")
    def numbers() -> Iterator[Any]:
        try:
            got = yield 1
        except LookupError:
            got = "thrown"
        yield got

    generator: Any = numbers()
    assert caplog.records == []
    assert [next(generator), generator.send("sent"), next(generator, None)] == [1, "sent", None]
    generator = numbers()
    assert [next(generator), generator.throw(LookupError)] == [1, "thrown"]
    generator.close()

    assert told(caplog) == [{"timed": "numbers", "outcome": "done"}, {"timed": "numbers", "outcome": "closed"}]


def test_coroutines_are_timed(caplog: pytest.LogCaptureFixture) -> None:
    """Functions and generators."""

    @logs.timed("answer")
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    @logs.timed("many")
    async def many() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    async def work() -> None:
        assert await answer() == 42
        assert [number async for number in many()] == [0, 1, 2]

    asyncio.run(work())
    assert told(caplog) == [{"timed": "answer", "outcome": "done"}, {"timed": "many", "outcome": "done"}]


def test_methods_are_timed(caplog: pytest.LogCaptureFixture) -> None:
    """Static ones and those of a class too."""

    class Thing:
        @logs.timed
        def own(self) -> str:
            return "own"

        @logs.timed
        @staticmethod
        def static() -> str:
            return "static"

        @classmethod
        @logs.timed
        def of_class(cls) -> str:
            return cls.__name__

    assert (Thing().own(), Thing.static(), Thing.of_class()) == ("own", "static", "Thing")
    assert len(caplog.records) == 3


def test_a_result_is_not_asked_for_what_it_does_not_have(caplog: pytest.LogCaptureFixture) -> None:
    """A DataFrame of Spark takes any attribute for a column, and would ask the JVM."""

    class Frame:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    frame = Frame()
    assert logs.timed("frame")(lambda: frame)() is frame
    assert told(caplog) == [{"timed": "frame", "outcome": "done"}]


def test_a_result_that_cannot_say_its_rows_is_given_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    """And pandas on Spark, which would count them in a job, is not asked."""

    class Counted:
        asked = 0

        @property
        def shape(self) -> tuple[int, int]:
            Counted.asked += 1
            raise RuntimeError("no")

    class OnSpark(Counted):
        __module__ = "pyspark.pandas.frame"

    for made in (Counted(), OnSpark()):
        assert logs.timed(lambda made=made: made)() is made

    assert Counted.asked == 1
    assert [each["outcome"] for each in told(caplog)] == ["done", "done"]


def test_a_lazy_text_is_made_when_it_is_read(caplog: pytest.LogCaptureFixture) -> None:
    """And not where the level is off; one that cannot be made says so."""
    made = []

    def make() -> str:
        made.append(1)
        return "costly"

    logger.debug("%s", logs.lazy(make))
    assert made == []
    logger.info("%s %s", logs.lazy(make), logs.lazy(lambda: 1 / 0))
    assert caplog.messages[0] == "costly <its text cannot be had: ZeroDivisionError: division by zero>"
