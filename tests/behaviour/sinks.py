"""Every sink and mode that the suite runs through. A new mode, or a new sink, is a line here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from stoker import place, read, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _pytest.mark.structures import ParameterSet

    from stoker import Sink, Source

Rows: TypeAlias = list[tuple[Any, ...]]
SCHEMA = "id int, part int, version int"


@dataclass(frozen=True)
class Mode:
    """What a mode promises, as functions of the rows that are there and those that are loaded."""

    name: str
    after: Callable[[Rows, Rows], Rows]
    """What is there once it is published."""
    between: Callable[[Rows, Rows, Rows], bool]
    """Whether a plain reader of a folder may find the third, while or after a publish from the first to the second is cut."""
    options: dict[str, Any] = field(default_factory=dict)
    label: str = ""
    """How it is called here, if there are several with that name."""


def _by_part(rows: Rows) -> dict[Any, Rows]:
    found: dict[Any, Rows] = {}
    for row in rows:
        found.setdefault(row[1], []).append(row)
    return found


def _replaced(there: Rows, loaded: Rows) -> Rows:
    return [row for rows in (_by_part(there) | _by_part(loaded)).values() for row in rows]


def _upserted(there: Rows, loaded: Rows) -> Rows:
    return list(({row[0]: row for row in there} | {row[0]: row for row in loaded}).values())


def _each_part_old_or_new(old: Rows, new: Rows, seen: Rows) -> bool:
    before, after, found = _by_part(old), _by_part(new), _by_part(seen)
    parts = before.keys() | after.keys() | found.keys()
    return all(
        sorted(found.get(part, [])) in (sorted(before.get(part, [])), sorted(after.get(part, []))) for part in parts
    )


def _old_and_some_of_the_new(old: Rows, new: Rows, seen: Rows) -> bool:
    return Counter(old) <= Counter(seen) <= Counter(new)


def _old_or_new(old: Rows, new: Rows, seen: Rows) -> bool:
    return seen in (old, new)


REPLACE = Mode("replace", lambda there, loaded: loaded, _old_or_new)
REPLACE_BY_DELETE = Mode(
    "replace", lambda there, loaded: loaded, _old_or_new, {"strategy": "delete"}, "replace_by_delete"
)
APPEND = Mode("append", lambda there, loaded: there + loaded, _old_and_some_of_the_new)
PARTITIONED: dict[str, Any] = {"partition_by": ["part"]}
REPLACE_PARTITIONS = Mode("replace_partitions", _replaced, _each_part_old_or_new, PARTITIONED)
REPLACE_ALL_PARTITIONS = Mode("replace", REPLACE.after, _each_part_old_or_new, PARTITIONED, "replace_all_partitions")
APPEND_TO_PARTITIONS = Mode("append", APPEND.after, APPEND.between, PARTITIONED, "append_to_partitions")
VARIANTS = (REPLACE_ALL_PARTITIONS, APPEND_TO_PARTITIONS)
"""Modes once more, with partitions."""
UPSERT = Mode("upsert", _upserted, _old_or_new, {"key": ["id"]})
REPLACE_PARTITIONS_OF_TABLE = Mode("replace_partitions", _replaced, _old_or_new, {"by": ["part"]})
ATTACH = Mode("replace_partitions", _replaced, _old_or_new, {"by": ["part"]}, "attach")


@dataclass(frozen=True)
class Kind:
    """A kind of sink."""

    name: str
    modes: tuple[Mode, ...]
    write: Callable[..., Sink]
    read: Callable[..., Source] | None
    """Stoker's own source of it, if there is one."""

    @property
    def is_folder(self) -> bool:
        """Whether it publishes a folder that is read by its path."""
        return self.name not in {"postgres", "table"}

    @property
    def is_files(self) -> bool:
        """Whether it publishes files, to readers who know the folder or ask the catalogue."""
        return self.name != "postgres"

    def sink(self, where: str, mode: Mode, **options: Any) -> Sink:
        """The sink into `lake/WHERE`, or into the table of that name."""
        given = {**mode.options, **options}
        if self.is_folder:
            return self.write(place("lake") / where, mode=mode.name, **given)
        connection = {} if self.is_files else {"connection": "warehouse"}
        return self.write(where, mode=mode.name, **connection, **given)

    def source(self, where: str, schema: Any) -> Source:
        """Stoker's own source of the sink's rows."""
        assert self.read is not None
        if not self.is_folder:
            return self.read(where)
        given = {} if self.name == "parquet" and schema == SCHEMA else {"schema": schema}
        return self.read(place("lake") / where, **given)


FOLDER_MODES = (REPLACE, APPEND, REPLACE_PARTITIONS)
KINDS = (
    Kind("parquet", FOLDER_MODES, write.parquet, read.parquet),
    Kind("csv", FOLDER_MODES, write.csv, read.csv),
    Kind("json", FOLDER_MODES, write.json, read.json),
    Kind(
        "postgres",
        (REPLACE, REPLACE_BY_DELETE, APPEND, UPSERT, REPLACE_PARTITIONS_OF_TABLE, ATTACH),
        write.postgres,
        None,
    ),
    Kind("table", (*FOLDER_MODES, REPLACE_ALL_PARTITIONS, APPEND_TO_PARTITIONS), write.table, read.table),
)


@dataclass(frozen=True)
class Case:
    """A sink in one of its modes."""

    kind: Kind
    mode: Mode

    def __str__(self) -> str:
        return f"{self.kind.name}-{self.mode.label or self.mode.name}"


CASES = {str(case): case for case in (Case(kind, mode) for kind in KINDS for mode in kind.modes)}


def every_case(
    *,
    always: Iterable[str] = (),
    smoke: Iterable[str] = (),
    where: Callable[[Case], bool] = lambda _: True,
    variants: bool = False,
) -> list[ParameterSet]:
    """All sinks and modes, as parameters for the fixture `target`.

    Args:
        always: Those that `make test` runs too.
        smoke: Those of them that run on Spark 3.5 too.
        where: Which ones are meant.
        variants: Whether a mode counts again with partitions, where it also has none.
    """
    chosen = {name: case for name, case in CASES.items() if where(case) and (variants or case.mode not in VARIANTS)}
    unknown = {*always, *smoke} - chosen.keys()
    assert not unknown, unknown

    def marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
        if name in smoke:
            return (pytest.mark.smoke,)
        return () if name in always else (pytest.mark.faults,)

    return [pytest.param(case, id=name, marks=marks(name)) for name, case in chosen.items()]
