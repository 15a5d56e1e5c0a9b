"""How the columns of a frame differ from those that are published, and what a sink's `on_drift=` makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.files.widening import MIXED, NESTED, keeps_its_text, widens, widens_in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructField, StructType

    from stoker.files.form import FileFormat

WAYS = ("fail", "add", "ignore")
"""What `on_drift=` may be."""


@dataclass
class Drift:
    """The differences, as sentences.

    Args:
        way: `fail`, `add`, `ignore`, or `replace` where the frame's columns are published as they are.
        reads_both: Whether files with the first type are read as the second one.
        nested: Whether a field that some files lack can be added inside a struct.
        partition_by: Columns whose values are the names of folders.
    """

    way: str
    reads_both: Callable[[DataType, DataType], bool]
    nested: bool = True
    partition_by: Collection[str] = ()
    changes: list[str] = field(default_factory=list)
    """What differs, and what is done about it."""
    refused: list[str] = field(default_factory=list)
    """What cannot be reconciled."""
    left_out: list[str] = field(default_factory=list)
    """Columns of the frame that are not written."""

    def merged(self, there: StructType, here: StructType) -> StructType:
        """The columns of all rows after the publish; the differences are noted on the way.

        Names are compared as Spark does, without case; order and nullability are no difference.

        Args:
            there: What is published.
            here: The frame's.
        """
        return self._struct("", there, here)

    def _struct(self, above: str, there: StructType, here: StructType) -> StructType:
        from pyspark.sql.types import StructField, StructType

        left = {each.name.lower(): each for each in here.fields}
        fields: list[StructField] = []
        for old in there.fields:
            new = left.pop(old.name.lower(), None)
            name = f"{above}{old.name}"
            if new is None:
                self._note(f"column {name} {_shown(old)} is missing", reconciled=" and was filled with null")
                fields.append(StructField(old.name, old.dataType, nullable=True, metadata=old.metadata))
                continue
            if new.name != old.name:
                self._note(f"column {name} is spelled {new.name} here")
            kind = self._type(name, old.dataType, new.dataType)
            fields.append(StructField(old.name, kind, old.nullable or new.nullable, old.metadata))
        added = [new for new in left.values() if self._adds(above, new)]
        fields += [StructField(new.name, new.dataType, nullable=True, metadata=new.metadata) for new in added]
        return StructType(fields)

    def _adds(self, above: str, new: StructField) -> bool:
        told = f"column {above}{new.name} {_shown(new)} is new"
        if self.way == "ignore":
            self.changes.append(f"{told} and was left out")
            self.left_out.append(f"{above}{new.name}")
            return False
        if above and not self.nested and self.way == "add":
            self.refused.append(
                f"{told}, inside a struct, which this version of Spark would read as null in older files"
            )
            return False
        self._note(told, reconciled=" and was added")
        return True

    def _type(self, name: str, old: DataType, new: DataType) -> DataType:
        from pyspark.sql.types import ArrayType, MapType, StructType

        if isinstance(old, StructType) and isinstance(new, StructType):
            return self._struct(f"{name}.", old, new)
        if isinstance(old, ArrayType) and isinstance(new, ArrayType):
            element = self._type(f"{name}.element", old.elementType, new.elementType)
            return ArrayType(element, old.containsNull or new.containsNull)
        if isinstance(old, MapType) and isinstance(new, MapType):
            key = self._type(f"{name}.key", old.keyType, new.keyType)
            value = self._type(f"{name}.value", old.valueType, new.valueType)
            return MapType(key, value, old.valueContainsNull or new.valueContainsNull)
        return old if old == new else self._other(name, old, new)

    def _other(self, name: str, old: DataType, new: DataType) -> DataType:
        """The type for two that differ."""
        from pyspark.sql.types import NullType

        told = f"column {name} is {old.simpleString()} there and {new.simpleString()} here"
        if isinstance(new, NullType) or widens(new, old):  # converted before it is written
            self._note(told, reconciled=f" and was written as {old.simpleString()}")
            return old
        reads_both = keeps_its_text if name in self.partition_by else self.reads_both
        if reads_both(old, new) and self.way != "ignore":
            self._note(told, reconciled=" and was widened")
            return new
        (self.changes if self.way == "replace" else self.refused).append(told)
        return old

    def _note(self, told: str, *, reconciled: str = "") -> None:
        self.changes.append(told if self.way in {"fail", "replace"} else f"{told}{reconciled}")


def _shown(column: StructField) -> str:
    return column.dataType.simpleString()


def nullable(schema: StructType) -> StructType:
    """The schema with null allowed everywhere: what a file may lack is null."""
    from pyspark.sql.types import StructField, StructType

    return StructType(
        [
            StructField(each.name, _nullable(each.dataType), nullable=True, metadata=each.metadata)
            for each in schema.fields
        ]
    )


def _nullable(kind: DataType) -> DataType:
    from pyspark.sql.types import ArrayType, MapType, StructType

    if isinstance(kind, StructType):
        return nullable(kind)
    if isinstance(kind, ArrayType):
        return ArrayType(_nullable(kind.elementType))
    if isinstance(kind, MapType):
        return MapType(_nullable(kind.keyType), _nullable(kind.valueType))
    return kind


@dataclass(frozen=True)
class Fit:
    """How a frame's rows are written."""

    schema: StructType
    """Of the target's rows after the publish."""
    changes: list[str] = field(default_factory=list)
    """What differs from the columns that were published before."""
    left_out: list[str] = field(default_factory=list)
    """Columns of the frame that are not written."""
    converts: bool = False
    """Whether the frame is converted."""

    def frame(self, frame: DataFrame) -> DataFrame:
        """The frame as it is written: by name, with null for what it lacks, each value in its wide type."""
        return frame.to(nullable(self.schema)) if self.converts else frame


@dataclass(frozen=True)
class Published:
    """What is in a target already."""

    schema: StructType
    partition_by: Sequence[str]
    form: str


def fitted(
    where: str,
    there: Published | None,
    here: StructType,
    *,
    form: FileFormat,
    way: str,
    partition_by: Sequence[str],
    spark: str,
) -> Fit:
    """How a frame fits to what is published.

    Args:
        where: The target, for messages.
        there: What is published in it, if anything is.
        here: The frame's schema.
        form: The format.
        way: As for `Drift`.
        partition_by: The partition columns.
        spark: Spark's version.

    Raises:
        SinkError: If it does not fit, with every column that differs.
    """
    if there is None:
        return Fit(here)
    major, minor = (int(number) for number in re.findall(r"\d+", spark)[:2])
    reads_all = not form.keeps_types  # text has no types: its readers are told them
    drift = Drift(
        way,
        widens if reads_all or (major, minor) >= MIXED else widens_in_place,
        nested=reads_all or (major, minor) >= NESTED,
        partition_by=partition_by,
    )
    merged = drift.merged(there.schema, here)
    if way == "replace":
        return Fit(here, drift.changes)
    wrong = drift.refused + (drift.changes if way == "fail" else [])
    if there.form != form.name:
        wrong.append(f"the files are {there.form} there and {form.name} here")
    if list(there.partition_by) != list(partition_by):
        wrong.append(f"partitioned by {list(there.partition_by)} there, by {list(partition_by)} here")
    if wrong:
        reconciles = way == "fail" and len(wrong) == len(drift.changes)
        raise SinkError(
            f"What is loaded does not fit {where}: {'; '.join(wrong)}.",
            state="Nothing was written.",
            next_step="Make the columns equal in the transformer"
            + (', let the folder take them by on_drift="add"' if reconciles else "")
            + ', or load it once with mode="replace".',
        )
    return Fit(merged, drift.changes, drift.left_out, converts=bool(drift.changes))


def left_out(where: str, columns: Sequence[str]) -> SinkError:
    """The refusal to read rows back that lack some columns."""
    return SinkError(
        f'{where} lacks {", ".join(columns)}, which on_drift="ignore" left out: the sinks after it cannot have the '
        "same rows from there.",
        next_step='Name another write.parquet(...) before it in load=, or use on_drift="add".',
    )
