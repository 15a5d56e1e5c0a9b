"""Checks that staged Parquet files prove to hold, by a look that Spark takes no part in.

A proof only acquits: a check that is not proven is computed by Spark, which counts violations and finds examples. So nothing
here needs to agree with Spark on more than what surely is no violation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute as pc

from stoker.checks.definitions import Between, NotNull, Unique, Values
from stoker.checks.hashes import TooLongError, hashes, repeats
from stoker.checks.keys import COLLECTED
from stoker.spark.parquet import batches, footers_of, pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyarrow import parquet as pq
    from pyspark.sql.types import StructField

    from stoker.checks.definitions import Check
    from stoker.checks.hashes import Hashes
    from stoker.spark.data_files import DataFiles
    from stoker.spark.parquet import Piece

_EXACT = frozenset({"tinyint", "smallint", "int", "bigint", "date"})
_KEYS = _EXACT | {"timestamp", "timestamp_ntz", "string", "binary"}
_PLAIN = _KEYS | {"boolean", "float", "double", "decimal"}
"""Types, as Spark writes them, without their parameters; a text with a collation of its own is none of them."""


class _Proof(ABC):
    """Looks at batches, perhaps from several threads."""

    types = _PLAIN
    """Of the columns that it can look at."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self.failed = False

    def by_footers(self, _footers: Iterable[pq.FileMetaData]) -> bool:
        """Whether statistics of the files are proof enough."""
        return False

    @abstractmethod
    def see(self, columns: Sequence[pa.Array]) -> bool:
        """Whether the check holds for all that was seen, as far as that is known."""

    def holds(self) -> bool:
        """Whether it does, after all was seen."""
        return not self.failed


class _NotNull(_Proof):
    def __init__(self, check: NotNull) -> None:
        super().__init__(check.columns)

    def by_footers(self, footers: Iterable[pq.FileMetaData]) -> bool:
        return all(
            each is not None and each.has_null_count and each.null_count == 0
            for each in _statistics(footers, self.columns[0])
        )

    def see(self, columns: Sequence[pa.Array]) -> bool:
        return bool(columns[0].null_count == 0)


class _Values(_Proof):
    types = _EXACT | {"string"}

    def __init__(self, check: Values) -> None:
        super().__init__(check.columns)
        self._allowed = {*check.values, None}

    def see(self, columns: Sequence[pa.Array]) -> bool:
        found = pc.unique(columns[0])
        return len(found) <= len(self._allowed) and self._allowed.issuperset(found.to_pylist())


class _Between(_Proof):
    types = _EXACT

    def __init__(self, check: Between) -> None:
        super().__init__(check.columns)
        self._low, self._high = check.low, check.high

    def by_footers(self, footers: Iterable[pq.FileMetaData]) -> bool:
        return all(
            each is not None
            and (each.has_min_max or each.num_values == 0)
            and (not each.has_min_max or self._contains(each.min, each.max))
            for each in _statistics(footers, self.columns[0])
        )

    def see(self, columns: Sequence[pa.Array]) -> bool:
        ends = pc.min_max(columns[0]).as_py()
        return ends["min"] is None or self._contains(ends["min"], ends["max"])

    def _contains(self, low: Any, high: Any) -> bool:
        return (self._low is None or low >= self._low) and (self._high is None or high <= self._high)


class _Unique(_Proof):
    types = _KEYS

    def __init__(self, check: Unique) -> None:
        super().__init__(check.columns)
        self._hashes: list[Hashes] = []

    def see(self, columns: Sequence[pa.Array]) -> bool:
        if any(each.null_count for each in columns):
            complete = pa.RecordBatch.from_arrays(list(columns), names=[str(at) for at in range(len(columns))])
            columns = complete.drop_null().columns
        try:
            self._hashes.append(hashes(columns))
        except TooLongError:
            return False
        return True

    def holds(self) -> bool:
        if self.failed:
            return False
        found = np.concatenate(self._hashes) if self._hashes else np.empty(0, np.uint64)
        self._hashes.clear()
        return bool(np.all(found[1:] > found[:-1])) or not repeats(found)


def proven(files: DataFiles, checks: Mapping[int, Check], slots: int) -> tuple[int, set[int]]:
    """The number of rows, and which checks hold for them all.

    Args:
        files: What is staged.
        checks: By any number.
        slots: Threads that read.

    Raises:
        UnreadableError: If the files cannot be read here.
    """
    footers = footers_of(files)
    rows = sum(footer.num_rows for footer in footers)
    kinds = {field.name: field for field in files.schema.fields}
    proofs = {at: proof for at, check in checks.items() if (proof := _proof(check, rows)) and _can_look(proof, kinds)}
    look = _Look(files, footers, {name for proof in proofs.values() for name in proof.columns}, slots)
    by_footers = {at for at, proof in proofs.items() if proof.by_footers(footers)}
    open_ones = {at: proof for at, proof in proofs.items() if at not in by_footers}
    look.take(list(open_ones.values()))
    return rows, by_footers | {at for at, proof in open_ones.items() if proof.holds()}


def _proof(check: Check, rows: int) -> _Proof | None:
    if isinstance(check, NotNull):
        return _NotNull(check)
    if isinstance(check, Values):
        return _Values(check)
    if isinstance(check, Between) and all(_is_exact(end) for end in check.ends):
        return _Between(check)
    return _Unique(check) if isinstance(check, Unique) and rows <= COLLECTED else None


def _is_exact(value: object) -> bool:
    return isinstance(value, int | float | Decimal | date)


def _can_look(proof: _Proof, fields: Mapping[str, StructField]) -> bool:
    return all(
        # A dot may be a way into a struct.
        name in fields and "." not in name and fields[name].dataType.simpleString().split("(")[0] in proof.types
        for name in proof.columns
    )


class _Look:
    """Reads columns of the files, each once, in batches.

    Raises:
        UnreadableError: If that cannot be done here.
    """

    def __init__(self, files: DataFiles, footers: Sequence[pq.FileMetaData], columns: set[str], slots: int) -> None:
        from pyspark.sql.types import StructType

        self._fields = [field for field in files.schema.fields if field.name in columns]
        self._work = pieces(replace(files, schema=StructType(self._fields)), self._types(columns), slots, footers)

    def _types(self, columns: set[str]) -> list[pa.DataType]:
        from pyspark.sql.pandas.types import to_arrow_type

        return [to_arrow_type(field.dataType) for field in self._fields if field.name in columns]

    def take(self, proofs: Sequence[_Proof]) -> None:
        """Show each batch to all that need it."""
        columns = {name for proof in proofs for name in proof.columns}
        names, types = [field.name for field in self._fields if field.name in columns], self._types(columns)

        def look(share: list[Piece]) -> None:
            for batch in batches(share, names, types):
                wanting = [proof for proof in proofs if not proof.failed]
                if not wanting:
                    return
                for proof in wanting:
                    if not proof.see([batch.column(name) for name in proof.columns]):
                        proof.failed = True

        if proofs and self._work:
            with ThreadPoolExecutor(len(self._work)) as readers:
                for _ in readers.map(look, self._work):
                    pass


def _statistics(footers: Iterable[pq.FileMetaData], name: str) -> Iterable[Any]:
    """Of each row group; None where there are none."""
    for footer in footers:
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            yield next(
                (
                    column.statistics
                    for column in (group.column(at) for at in range(group.num_columns))
                    if column.path_in_schema == name
                ),
                None,
            )
