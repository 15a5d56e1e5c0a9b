"""Paths that are known only when a run begins: places from the configuration, pieces from the parameters."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

from stoker.errors import DefinitionError, UsageError, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Param:
    """A piece of a path, or a value of a query, that a parameter of the job fills; made by `param`."""

    name: str
    format: str = ""

    def value(self, parameters: Any) -> Any:
        """The parameter's value, as text if a format is given.

        Raises:
            UsageError: If there is no such parameter.
        """
        names = [field.name for field in dataclasses.fields(parameters)] if parameters is not None else []
        if self.name not in names:
            raise UsageError(f"param({self.name!r}) is no parameter of the job.{suggestion(self.name, names)}")
        value = getattr(parameters, self.name)
        return format(value, self.format) if self.format else value

    def fill(self, parameters: Any) -> str:
        """The piece for these parameters.

        Raises:
            UsageError: If there is no such parameter, it has no value, or the value would leave its folder.
        """
        names = [field.name for field in dataclasses.fields(parameters)] if parameters is not None else []
        if self.name not in names:
            raise UsageError(
                f"A path uses param({self.name!r}), which is no parameter of the job.{suggestion(self.name, names)}"
            )
        value = getattr(parameters, self.name)
        if isinstance(value, Enum):
            value = value.value
        if value is None or value == "":
            raise UsageError(f"The parameter {self.name!r} is part of a path and has no value.")
        # The format of a date may hold a slash ("%Y/%m/%d"): it is the job's. A value may not: it is the caller's.
        text = str(value) if not self.format else format(value, self.format)
        unsafe = text if not (self.format and isinstance(value, date)) else ""
        if "/" in unsafe or "\\" in unsafe or text in {".", ".."} or "\0" in text:
            raise UsageError(
                f"The parameter {self.name}={text!r} is part of a path and would leave its folder.",
                next_step="Give a value without / and other than . and ..",
            )
        return text


@dataclass(frozen=True)
class Path:
    """A place and the pieces below it; `/` adds one. It is resolved when a run begins."""

    place: str | None
    """None for a literal path."""
    pieces: tuple[str | Param, ...] = ()

    def __truediv__(self, piece: str | Param) -> Path:
        if not isinstance(piece, str | Param):
            raise DefinitionError(f"A path is continued by text or param(...), not by {piece!r}.")
        if isinstance(piece, str) and self.place is not None:
            if piece.startswith("/") or ".." in piece.split("/"):
                raise DefinitionError(
                    f"The piece {piece!r} would leave the place {self.place!r}.",
                    next_step="Name what is below the place, without a leading / and without ..",
                )
            piece = piece.strip("/")
        return Path(self.place, (*self.pieces, piece))

    def resolve(self, place: Callable[[str], str], parameters: Any) -> str:
        """The path for a run.

        Args:
            place: Gives the root of a place by its name.
            parameters: The job's parameters, a frozen dataclass or None.

        Raises:
            ConfigurationError: If the place is not configured.
            UsageError: If a parameter cannot be part of a path.
        """
        pieces = [piece.fill(parameters) if isinstance(piece, Param) else piece for piece in self.pieces]
        if self.place is not None:
            pieces.insert(0, place(self.place).rstrip("/"))
        return "/".join(pieces)

    def __str__(self) -> str:
        pieces = [f"{{{piece.name}}}" if isinstance(piece, Param) else piece for piece in self.pieces]
        return "/".join([*([f"<{self.place}>"] if self.place else []), *pieces])


def place(name: str) -> Path:
    """A named root of paths, whose value is `places.NAME` of the environment: `place("lake") / "flights"`.

    Args:
        name: The name in the configuration.
    """
    return Path(name)


def param(name: str, format: str = "") -> Param:  # noqa: A002 - the word that Python's own format() uses
    """Let a parameter of the job fill a piece of a path.

    `place("lake") / param("day", "%Y/%m/%d")` is `LAKE/2013/01/31` for `--param day=2013-01-31`.

    Args:
        name: A field of the job's parameters.
        format: As for Python's `format`: `%Y-%m-%d` for dates, `05d` for integers.
    """
    return Param(name, format)


def as_path(path: str | Path) -> Path:
    """A path from what a user gives: text is a literal path.

    Raises:
        DefinitionError: If it is neither text nor a path, or empty.
    """
    if isinstance(path, Path):
        return path
    if not isinstance(path, str) or not path:
        raise DefinitionError(
            f"A path is text or place(...) / ..., not {path!r}.", next_step='For instance: place("lake") / "flights".'
        )
    return Path(None, (path.rstrip("/") or "/",))


def as_paths(path: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    """One path or several, from what a user gives.

    Raises:
        DefinitionError: If there is none, or one is neither text nor a path.
    """
    found = tuple(as_path(each) for each in path) if isinstance(path, list | tuple) else (as_path(path),)  # type: ignore[arg-type]  # what is neither is refused there
    if not found:
        raise DefinitionError("A source has no path.", next_step="Give one, or a list with at least one.")
    return found
