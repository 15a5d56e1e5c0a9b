"""What is known where a line is logged: run, job, pipeline, step, attempt, and what `log_context` adds."""

from __future__ import annotations

import contextvars
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from stoker.logs.values import clean, json_text, shown, text_of
from stoker.secrets import known_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")


class Fields:
    """Some fields, as they may be shown: made once, not for each line, and anew when a secret becomes known."""

    __slots__ = ("_json", "_masked", "_version", "values")

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self._masked: Mapping[str, str | None] = {}
        self._json = ""
        self._version = -1

    def json(self) -> str:
        """The inside of a JSON object, without secrets."""
        if self._version != known_version():
            self._make()
        return self._json

    def masked(self) -> Mapping[str, str | None]:
        """The fields without secrets."""
        if self._version != known_version():
            self._make()
        return self._masked

    def _make(self) -> None:
        version = known_version()
        self._masked = {clean(name): shown(name, value) for name, value in self.values.items()}
        self._json = ",".join(f"{json_text(name)}:{json_text(value)}" for name, value in self._masked.items())
        self._version = version


NOTHING = Fields({})
_current: contextvars.ContextVar[Fields | None] = contextvars.ContextVar("stoker_log_context", default=None)
_lock = threading.Lock()
_runs: list[Fields] = []
"""Those at work in this process. A thread that somebody else has started belongs to the only one, if there is only one."""
_process = NOTHING


def _of_process() -> Fields:
    return _process


_elsewhere: Callable[[], Fields] = _of_process


def current() -> Fields:
    """What is known here."""
    return _current.get() or _elsewhere()


def own() -> Fields | None:
    """What this thread or coroutine knows by itself, or from what has started it; the same object until that changes."""
    return _current.get()


def find_elsewhere(find: Callable[[], Fields]) -> None:
    """Where this process has no `log_context`, another one's may tell: a worker's is that of its task."""
    global _elsewhere  # noqa: PLW0603 - it is the process's
    _elsewhere = find


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Add fields to each line that is logged meanwhile: in this thread or coroutine, and in what it starts.

    Args:
        fields: Any values; they are shown as text. None takes a field away; a name such as `password` has its value masked.
    """
    token = _current.set(_with(fields))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def run_context(**fields: object) -> Iterator[None]:
    """As `log_context`, for a whole run: its fields are also on the lines of threads that nobody told of it."""
    with log_context(**fields):
        mine = current()
        _add(mine)
        try:
            yield
        finally:
            _remove(mine)


def note(**fields: object) -> None:
    """Set fields until the `log_context` around it ends."""
    _current.set(_with(fields))


def carried(work: Callable[..., T]) -> Callable[..., T]:
    """The work with the fields of here, wherever it is done."""
    here = _current.get()
    if here is None:
        return work

    def working(*args: Any, **kwargs: Any) -> T:
        token = _current.set(here)
        try:
            return work(*args, **kwargs)
        finally:
            _current.reset(token)

    return working


def _with(fields: Mapping[str, object]) -> Fields:
    merged = {**current().values, **{name: text_of(value) for name, value in fields.items()}}
    return Fields({name: text for name, text in merged.items() if text is not None})


def _add(run: Fields) -> None:
    with _lock:
        _runs.append(run)
        _choose()


def _remove(run: Fields) -> None:
    with _lock:
        _runs.remove(run)
        _choose()


def _choose() -> None:
    global _process  # noqa: PLW0603 - it is the process's
    _process = _runs[0] if len(_runs) == 1 else NOTHING
