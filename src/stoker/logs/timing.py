"""How long something takes, and text that is made only if somebody reads it."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
import time
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, TypeVar, overload

from stoker.logs.failures import class_name

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from types import TracebackType
    from typing import Self

F = TypeVar("F", bound="Callable[..., Any]")

_ROWS = ("rows", "rows_written", "num_rows")
"""Attributes of results that are a number of rows; `shape` of pandas and NumPy is another."""


class lazy:  # noqa: N801 - reads as a function: lazy(lambda: costly())
    """A text for a log call that is made when the line is formatted, and not at all if the level is off.

    Args:
        make: Makes it.
    """

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    def __str__(self) -> str:
        try:
            return str(self._make())
        except Exception as error:  # noqa: BLE001 - the line is worth more than one of its parts
            return f"<its text cannot be had: {class_name(error)}: {error}>"

    __repr__ = __str__


@overload
def timed(what: F) -> F: ...
@overload
def timed(what: str | None = None, *, level: int = ..., logger: logging.Logger | None = ...) -> _Timed: ...


def timed(what: Any = None, *, level: int = logging.INFO, logger: logging.Logger | None = None) -> Any:
    """Log how long a function takes, or a part of one.

    `@timed`, `@timed("name", level=logging.DEBUG)`, `with timed("step"):`. The line has the milliseconds, the outcome, the exception's class, and the rows if the result says them without being asked
    anything (`rows`, `num_rows`, `shape`). Functions, generators (until they are exhausted or closed) and coroutines are taken; what
    they give or raise is not changed. Where the level is off nothing is measured.

    Args:
        what: The function, or a name; by default the function's own.
        level: Of the line.
        logger: By default that of the module.
    """
    if callable(what):
        return _Timed(None, level, logger)(what)
    if logger is None:
        logger = logging.getLogger(sys._getframe(1).f_globals.get("__name__", "__main__"))  # noqa: SLF001 - as logging finds a caller
    return _Timed(what, level, logger)


class _Timed:
    """Both a decorator and a context manager; of what it decorates, each call gets one of its own."""

    __slots__ = ("_begin", "_frames", "_level", "_logger", "_name", "result", "rows")

    def __init__(self, name: str | None, level: int, logger: logging.Logger | None, frames: int = 3) -> None:
        self._name = name
        self._level = level
        self._logger = logger
        self._frames = frames
        """From the log call to the code that the line is of."""
        self._begin: float | None = None
        self.result: object = None
        """May say the rows."""
        self.rows: int | None = None
        """May be set within `with timed("step") as step:`."""

    def __enter__(self) -> Self:
        assert self._logger is not None
        self.rows = None
        self._begin = time.perf_counter() if self._logger.isEnabledFor(self._level) else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begin is not None:
            self._tell((time.perf_counter() - self._begin) * 1000, error)

    def __call__(self, function: F) -> F:
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self(function.__func__))
        name = self._name or getattr(function, "__qualname__", type(function).__name__)
        logger = self._logger or logging.getLogger(getattr(function, "__module__", None))
        level = self._level

        def watch() -> _Timed | None:
            return _Timed(name, level, logger, frames=4) if logger.isEnabledFor(level) else None

        wrapped: Any
        if inspect.isasyncgenfunction(function):
            wrapped = _of_async_generator(function, watch)
        elif inspect.isgeneratorfunction(function):
            wrapped = _of_generator(function, watch)
        elif inspect.iscoroutinefunction(function):
            wrapped = _of_coroutine(function, watch)
        else:
            wrapped = _of_function(function, watch)
        return functools.wraps(function)(wrapped)  # type: ignore[return-value]

    def _tell(self, milliseconds: float, error: BaseException | None) -> None:
        assert self._logger is not None
        closed = isinstance(error, GeneratorExit)
        outcome = "closed" if closed else "failed" if error is not None else "done"
        fields: dict[str, object] = {"timed": self._name, "milliseconds": f"{milliseconds:.3f}", "outcome": outcome}
        if error is not None and not closed:
            fields["error"] = class_name(error)
        rows = _rows(self.result) if self.rows is None else self.rows
        if rows is not None:
            fields["rows"] = rows
        text, args = "%s %s in %.1f ms", (self._name, outcome, milliseconds)
        self._logger.log(self._level, text, *args, extra=fields, stacklevel=self._frames)


# One for each kind of function: what differs is how it is called, and that cannot be said once for all of them.


def _of_function(function: Callable[..., Any], watch: Callable[[], _Timed | None]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if (watched := watch()) is None:
            return function(*args, **kwargs)
        with watched:
            watched.result = result = function(*args, **kwargs)
        return result

    return call


def _of_coroutine(
    function: Callable[..., Any], watch: Callable[[], _Timed | None]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        if (watched := watch()) is None:
            return await function(*args, **kwargs)
        with watched:
            watched.result = result = await function(*args, **kwargs)
        return result

    return call


def _of_generator(
    function: Callable[..., Any], watch: Callable[[], _Timed | None]
) -> Callable[..., Generator[Any, Any, Any]]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        if (watched := watch()) is None:
            return (yield from function(*args, **kwargs))
        with watched:
            watched.result = result = yield from function(*args, **kwargs)
        return result

    return call


def _of_async_generator(
    function: Callable[..., Any], watch: Callable[[], _Timed | None]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with watch() or nullcontext():
            inner = function(*args, **kwargs)
            step = inner.asend(None)
            while True:
                try:
                    item = await step
                except StopAsyncIteration:
                    break
                try:
                    sent = yield item
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as thrown:  # noqa: BLE001 - handed on
                    step = inner.athrow(thrown)
                else:
                    step = inner.asend(sent)

    return call


def _rows(result: object) -> int | None:
    """The number of rows that a result says, if it has such an attribute; what it does beside that is not the caller's concern."""
    if type(result).__module__.partition(".")[0] == "pyspark":
        return None  # a DataFrame would be asked for a column, and one of pandas on Spark would count its rows
    with suppress(Exception):
        for name in _ROWS:
            found = _attribute(result, name)
            if isinstance(found, int) and not isinstance(found, bool):
                return found
        shape = _attribute(result, "shape")
        if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
            return shape[0]
    return None


def _attribute(result: object, name: str) -> Any:
    """An attribute that is there; an object that makes up any by `__getattr__` is not asked."""
    return None if inspect.getattr_static(result, name, None) is None else getattr(result, name)
