"""The parameters of a job: a frozen dataclass, filled from text and checked."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from dataclasses import MISSING, dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from stoker.errors import DefinitionError, UsageError, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCALARS: dict[type, str] = {
    str: "text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    date: "a date such as 2013-01-31",
    datetime: "a date and time such as 2013-01-31T06:00:00",
    Decimal: "a decimal number",
}
_TRUE, _FALSE = {"true", "yes", "1", "on"}, {"false", "no", "0", "off"}


@dataclass(frozen=True)
class Parameter:
    """One parameter, as `--help` and `plan` show it."""

    name: str
    kind: str
    """Its type in words."""
    required: bool
    default: str | None


def check_class(declared: Any) -> None:
    """Refuse a class that is no frozen dataclass, or has a field of a type that text cannot fill.

    Raises:
        DefinitionError: With the field and the types that are possible.
    """
    if not (isinstance(declared, type) and dataclasses.is_dataclass(declared)):
        raise DefinitionError(
            "parameters= is a frozen dataclass, the class itself.",
            next_step="Write @dataclass(frozen=True) class Parameters: ... and give parameters=Parameters.",
        )
    if not declared.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # not in typeshed
        raise DefinitionError(
            f"The parameters {declared.__name__} can be changed while the job runs.",
            next_step="Make it @dataclass(frozen=True).",
        )
    for name, kind in _kinds(declared).items():
        _describe(kind, f"{declared.__name__}.{name}")


def listing(declared: type | None) -> list[Parameter]:
    """The parameters of a job, in the order of the fields."""
    if declared is None:
        return []
    kinds = _kinds(declared)
    found = []
    for field in dataclasses.fields(declared):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        required = default is MISSING
        found.append(
            Parameter(
                field.name, _describe(kinds[field.name], field.name), required, None if required else _text(default)
            )
        )
    return found


def filled(declared: type | None, given: Mapping[str, str]) -> Any:
    """An instance from `--param name=value` texts.

    Args:
        declared: The dataclass, or None for a job without parameters.
        given: Texts by name. A tuple's values are separated by commas; the empty text is None where None is possible.

    Raises:
        UsageError: With every mistake: unknown names, values of the wrong type, missing ones.
    """
    known = listing(declared)
    names = [parameter.name for parameter in known]
    mistakes = [f"{name!r} is no parameter.{suggestion(name, names)}" for name in given if name not in names]
    values: dict[str, Any] = {}
    kinds = {} if declared is None else _kinds(declared)
    for parameter in known:
        if parameter.name in given:
            try:
                values[parameter.name] = _parse(kinds[parameter.name], given[parameter.name])
            except ValueError as error:
                mistakes.append(f"{parameter.name}={given[parameter.name]!r} is not {parameter.kind}{_reason(error)}.")
        elif parameter.required:
            mistakes.append(f"{parameter.name!r} ({parameter.kind}) is required.")
    if mistakes:
        raise UsageError("The parameters are wrong: " + " ".join(mistakes), next_step=_usage(known))
    return None if declared is None else declared(**values)


def checked(declared: type | None, given: Any) -> Any:
    """The instance that a caller gave to `Job.run`, or one of the defaults.

    Raises:
        UsageError: If it is not of the job's class, a field has the wrong type, or a required one is missing.
    """
    if given is None:
        return filled(declared, {})
    if declared is None or not isinstance(given, declared):
        wants = "None: the job has no parameters" if declared is None else f"an instance of {declared.__name__}"
        raise UsageError(f"parameters= is {type(given).__name__}, and should be {wants}.")
    for name, kind in _kinds(declared).items():
        value = getattr(given, name)
        if not _fits(kind, value):
            raise UsageError(f"The parameter {name}={value!r} is not {_describe(kind, name)}.")
    return given


def value_type(declared: type | None, name: str) -> Any | None:
    """The type of a parameter's value, X where it is X or nothing; None for a tuple and for an unknown name."""
    kind = None if declared is None else _kinds(declared).get(name)
    found = _optional(kind) or kind
    return None if found is None or _items(found) is not None else found


def as_json(parameters: Any) -> dict[str, Any]:
    """The values for the run record: numbers and booleans as they are, the rest as text."""
    if parameters is None:
        return {}
    return {field.name: _json(getattr(parameters, field.name)) for field in dataclasses.fields(parameters)}


def restored(declared: type | None, recorded: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The parameters of an earlier run, from its record.

    Args:
        declared: The job's dataclass now, or None.
        recorded: What `as_json` answered then.

    Returns:
        An instance, and what the job has more or fewer now, in words: the first have their defaults, the others are left out.

    Raises:
        UsageError: If one that is required now was none then, or a value is not of its type any more.
    """
    known, kinds = listing(declared), {} if declared is None else _kinds(declared)
    told = [f"{name} was {recorded[name]}, and is none of the job's any more" for name in recorded if name not in kinds]
    values: dict[str, Any] = {}
    for parameter in known:
        if parameter.name not in recorded:
            if parameter.required:
                raise UsageError(
                    f"The job has a required parameter {parameter.name!r} now ({parameter.kind}), which the run did not have.",
                    state="Nothing was started.",
                    next_step=f"Give it a default, or begin anew with --param {parameter.name}=...",
                )
            told.append(f"{parameter.name} is new, with its default {parameter.default or 'nothing'}")
            continue
        try:
            values[parameter.name] = _from_json(kinds[parameter.name], recorded[parameter.name])
        except (ValueError, TypeError):
            raise UsageError(
                f"The run's parameter {parameter.name}={recorded[parameter.name]!r} is not {parameter.kind} any more.",
                state="Nothing was started.",
                next_step="Let the job take such values again, or begin anew with stoker run.",
            ) from None
    return None if declared is None else declared(**values), told


def _from_json(kind: Any, value: Any) -> Any:
    inner = _optional(kind)
    if inner is not None:
        return None if value is None else _from_json(inner, value)
    item = _items(kind)
    if item is not None:
        return tuple(_from_json(item, part) for part in value)
    return _parse(kind, value if isinstance(value, str) else str(value))


def shown(value: Any) -> str:
    """A value of `as_json` as `--param` takes it."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)


def _json(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return _json(value.value)
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _kinds(declared: Any) -> dict[str, Any]:
    """The types of the fields, with text annotations resolved."""
    try:
        hints = typing.get_type_hints(declared)
    except NameError as error:
        raise DefinitionError(f"A type in {declared.__name__} cannot be found: {error}.") from error
    return {field.name: hints[field.name] for field in dataclasses.fields(declared)}


def _optional(kind: Any) -> Any | None:
    """X of Optional[X], or None."""
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        rest = [part for part in typing.get_args(kind) if part is not type(None)]
        if len(rest) == 1 and len(typing.get_args(kind)) == len(rest) + 1:
            return rest[0]
    return None


def _items(kind: Any) -> Any | None:
    """X of tuple[X, ...], or None."""
    arguments = typing.get_args(kind)
    is_many = typing.get_origin(kind) is tuple and len(arguments) == 1 + 1 and arguments[1] is Ellipsis
    return arguments[0] if is_many else None


def _describe(kind: Any, where: str) -> str:
    inner = _optional(kind)
    if inner is not None:
        return f"{_describe(inner, where)} or nothing"
    item = _items(kind)
    if item is not None and _items(item) is None and _optional(item) is None:
        return f"a list (with commas), each {_describe(item, where)}"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "one of " + ", ".join(str(member.value) for member in kind)
    if kind in _SCALARS:
        return _SCALARS[kind]
    raise DefinitionError(
        f"The parameter {where} is of the type {kind!r}, which text cannot fill.",
        next_step="Use str, int, float, bool, date, datetime, Decimal, an Enum, Optional of one, or tuple[X, ...].",
    )


def _parse(kind: Any, text: str) -> Any:  # noqa: C901, PLR0911 - one answer a type
    inner = _optional(kind)
    if inner is not None:
        return None if text == "" else _parse(inner, text)
    item = _items(kind)
    if item is not None:
        return tuple(_parse(item, part.strip()) for part in text.split(",")) if text else ()
    if issubclass(kind, enum.Enum):
        for member in kind:
            if text in {str(member.value), member.name}:
                return member
        raise ValueError
    if kind is bool:
        if text.lower() not in _TRUE | _FALSE:
            raise ValueError
        return text.lower() in _TRUE
    if kind is Decimal:
        try:
            return Decimal(text)
        except InvalidOperation:
            raise ValueError from None
    if kind in {date, datetime}:
        return kind.fromisoformat(text)
    return kind(text)


def _fits(kind: Any, value: Any) -> bool:
    inner = _optional(kind)
    if inner is not None:
        return value is None or _fits(inner, value)
    item = _items(kind)
    if item is not None:
        return isinstance(value, tuple) and all(_fits(item, part) for part in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is date:
        return isinstance(value, date) and not isinstance(value, datetime)
    return isinstance(value, kind)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(_text(item) for item in value)
    if isinstance(value, enum.Enum):
        return str(value.value)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(_json(value))


def _reason(error: ValueError) -> str:
    text = str(error)
    return f" ({text})" if "out of range" in text or "day is" in text or "month must" in text else ""


def _usage(known: list[Parameter]) -> str:
    if not known:
        return "The job has no parameters: leave --param out."
    return "--param " + " --param ".join(f"{parameter.name}=..." for parameter in known)
