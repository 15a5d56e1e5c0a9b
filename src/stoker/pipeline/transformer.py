"""Transformers: plain functions, checked by their signature and by what they return."""

from __future__ import annotations

import functools
import inspect
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.errors import DefinitionError, StokerError, TransformError, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Transformer:
    """A function from frames (and parameters) to a frame or a dict of frames."""

    function: Callable[..., Any]
    name: str
    required: tuple[str, ...]
    """Arguments that must be filled."""
    optional: tuple[str, ...]
    """Arguments with a default."""
    takes_any: bool
    """Whether it has `**kwargs`."""

    def missing(self, known: Iterable[str]) -> list[str]:
        """The required arguments that no name fills."""
        names = set(known)
        return [name for name in self.required if name not in names]

    def surplus(self, given: Iterable[str]) -> list[str]:
        """The names that no argument takes."""
        takes = {*self.required, *self.optional}
        return [] if self.takes_any else [name for name in given if name not in takes]

    def call(
        self, frames: Mapping[str, DataFrame], parameters: Mapping[str, Any], outputs: list[str]
    ) -> dict[str, Any]:
        """Call it and check the answer.

        Args:
            frames: The extracted frames by argument.
            parameters: The job's parameters by argument; those that it does not take are left out.
            outputs: The outputs that are loaded; `[""]` for a single one.

        Returns:
            Frames by output, `""` for a single one.

        Raises:
            TransformError: If it raises, or returns something else.
        """
        takes = {*self.required, *self.optional}
        filled = {name: value for name, value in parameters.items() if self.takes_any or name in takes}
        try:
            answer = self.function(**{**filled, **frames})
        except StokerError:
            raise
        except Exception as error:
            raise TransformError(
                f"The transformer {self.name} failed{_where(error)}: {type(error).__name__}: {_first_lines(error)}",
                state="Nothing was written.",
                next_step="Correct the transformer; --traceback shows the whole trace.",
            ) from error
        return self._checked(answer, outputs)

    def _checked(self, answer: Any, outputs: list[str]) -> dict[str, Any]:
        wants = "a DataFrame" if outputs == [""] else f"a dict with the keys {sorted(outputs)}"
        if answer is None:
            raise self._wrong("None", f"Did it forget to return? It should return {wants}.")
        if outputs == [""]:
            if not _is_frame(answer):
                told = f"a dict with the keys {sorted(map(str, answer))}" if isinstance(answer, dict) else _kind(answer)
                raise self._wrong(told, f"It should return {wants}; for several outputs, give load= a dict.")
            return {"": answer}
        if not isinstance(answer, dict):
            raise self._wrong(_kind(answer), f"It should return {wants}, because load= has these outputs.")
        if set(answer) != set(outputs):
            raise self._wrong(f"the keys {sorted(map(str, answer))}", f"It should return {wants}.")
        wrong = {key: _kind(frame) for key, frame in answer.items() if not _is_frame(frame)}
        if wrong:
            raise self._wrong(f"no DataFrame for {wrong}", f"It should return {wants}, each a DataFrame.")
        return dict(answer)

    def _wrong(self, told: str, next_step: str) -> TransformError:
        return TransformError(
            f"The transformer {self.name} returned {told}.", state="Nothing was written.", next_step=next_step
        )


def transformer(function: Callable[..., Any]) -> Transformer:
    """Read a function's signature.

    Raises:
        DefinitionError: If it is no function, or has arguments that cannot be filled by name.
    """
    name = _name(function)
    if not callable(function):
        raise DefinitionError(f"transform= is a function, not {_kind(function)}.")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"The arguments of {name} cannot be found: {error}.") from error
    required: list[str] = []
    optional: list[str] = []
    takes_any = False
    for argument in signature.parameters.values():
        if argument.kind is argument.VAR_KEYWORD:
            takes_any = True
        elif argument.kind is argument.POSITIONAL_ONLY:
            raise DefinitionError(
                f"The transformer {name} has the positional-only argument {argument.name!r}.",
                next_step="Arguments are filled by name: remove the / from its signature.",
            )
        elif argument.kind is not argument.VAR_POSITIONAL:
            (required if argument.default is argument.empty else optional).append(argument.name)
    return Transformer(function, name, tuple(required), tuple(optional), takes_any)


def check_extract(found: Transformer, pipeline: str, extract: Iterable[str]) -> None:
    """Refuse extracted names that the transformer has no argument for.

    Raises:
        DefinitionError: If there is one.
    """
    surplus = found.surplus(extract)
    if surplus:
        takes = [*found.required, *found.optional]
        raise DefinitionError(
            f"Pipeline {pipeline!r} extracts {surplus[0]!r}, which {found.name} has no argument for."
            f"{suggestion(surplus[0], takes)}",
            next_step="Rename the key of extract=, or add the argument to the transformer.",
        )


def _name(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__qualname__", repr(function)))


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def _is_frame(value: Any) -> bool:
    from pyspark.sql import DataFrame

    return isinstance(value, DataFrame)


def _where(error: Exception) -> str:
    """The line of the user's code: the last one outside of Spark's own Python."""
    for entry in reversed(traceback.extract_tb(error.__traceback__)):
        if not {"pyspark", "py4j", "stoker"} & set(Path(entry.filename).parts):
            return f" at {entry.filename}:{entry.lineno}"
    return ""


def _first_lines(error: Exception) -> str:
    """The message without the plan that Spark adds to it."""
    text = str(error).strip().split("\n\nJVM stacktrace")[0]
    return text.split(";\n")[0][:1000]
