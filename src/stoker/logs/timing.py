"""How long something takes, and text that is made only if somebody reads it."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
import time
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
    """Both a decorator and a context manager."""

    __slots__ = ("_begin", "_level", "_logger", "_name", "rows")

    def __init__(self, name: str | None, level: int, logger: logging.Logger | None) -> None:
        self._name = name
        self._level = level
        self._logger = logger
        self._begin: float | None = None
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
            self._tell(error, self.rows, stacklevel=3)

    def __call__(self, function: F) -> F:
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self(function.__func__))
        name = self._name or getattr(function, "__qualname__", type(function).__name__)
        logger = self._logger or logging.getLogger(getattr(function, "__module__", None))
        level = self._level

        def start() -> _Timed | None:
            return _Timed(name, level, logger).__enter__() if logger.isEnabledFor(level) else None

        wrapped: Any
        if inspect.isasyncgenfunction(function):
            wrapped = _of_async_generator(function, start)
        elif inspect.isgeneratorfunction(function):
            wrapped = _of_generator(function, start)
        elif inspect.iscoroutinefunction(function):
            wrapped = _of_coroutine(function, start)
        else:
            wrapped = _of_function(function, start)
        return functools.wraps(function)(wrapped)  # type: ignore[return-value]

    def done(self, error: BaseException | None = None, result: object = None) -> None:
        """Write the line of a function."""
        self._tell(error, _rows(result), stacklevel=4)

    def _tell(self, error: BaseException | None, rows: int | None, stacklevel: int) -> None:
        assert self._begin is not None
        assert self._logger is not None
        took = (time.perf_counter() - self._begin) * 1000
        self._begin = None
        closed = isinstance(error, GeneratorExit)
        outcome = "closed" if closed else "failed" if error is not None else "done"
        fields: dict[str, object] = {"timed": self._name, "milliseconds": f"{took:.3f}", "outcome": outcome}
        if error is not None and not closed:
            fields["error"] = class_name(error)
        if rows is not None:
            fields["rows"] = rows
        self._logger.log(
            self._level, "%s %s in %.1f ms", self._name, outcome, took, extra=fields, stacklevel=stacklevel
        )


def _of_function(function: Callable[..., Any], start: Callable[[], _Timed | None]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        watch = start()
        if watch is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            watch.done(error)
            raise
        watch.done(result=result)
        return result

    return call


def _of_coroutine(
    function: Callable[..., Any], start: Callable[[], _Timed | None]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        watch = start()
        if watch is None:
            return await function(*args, **kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            watch.done(error)
            raise
        watch.done(result=result)
        return result

    return call


def _of_generator(
    function: Callable[..., Any], start: Callable[[], _Timed | None]
) -> Callable[..., Generator[Any, Any, Any]]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        watch = start()
        try:
            result = yield from function(*args, **kwargs)
        except BaseException as error:
            if watch is not None:
                watch.done(error)
            raise
        if watch is not None:
            watch.done(result=result)
        return result

    return call


def _of_async_generator(
    function: Callable[..., Any], start: Callable[[], _Timed | None]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        watch, inner = start(), function(*args, **kwargs)
        step = inner.asend(None)
        try:
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
        except BaseException as error:
            if watch is not None:
                watch.done(error)
            raise
        if watch is not None:
            watch.done()

    return call


def _rows(result: object) -> int | None:
    """The number of rows that a result says. Only attributes that are there count: a DataFrame of Spark would be asked for a column."""
    for name in _ROWS:
        if inspect.getattr_static(result, name, None) is not None:
            found = getattr(result, name)
            if isinstance(found, int) and not isinstance(found, bool):
                return found
    if inspect.getattr_static(result, "shape", None) is not None:
        shape = result.shape  # type: ignore[attr-defined]
        if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
            return shape[0]
    return None
