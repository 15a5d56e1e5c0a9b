"""Rows out of Parquet files, read by the tasks themselves: they do not pass through the JVM.

The files are those of a sink that has staged the same rows. What pyarrow reads differs here and there from what Spark's
tasks get: moments are naive, spans of time are numbers, and partition columns are in the names of folders.
"""

from __future__ import annotations

import heapq
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import parquet as pq

from stoker.spark.data_files import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from stoker.spark.data_files import DataFiles

_BATCH = 8 << 20
"""Bytes of a batch, by the average of its row group."""
_MOST_ROWS = 20_000
_BUFFER = 1 << 20
"""Bytes that are read of a column at once; else a column of a row group is in memory as a whole."""
_WIDEST = 64 << 10
"""Bytes of a column's value on average. Writers make pages of a hundred or a thousand values at least, and a page is in memory
as a whole: wider ones take less memory in the JVM, which reads row by row."""
_PROBE = 64
"""Rows that are looked at before many are read at once: a footer does not tell how often a value of a dictionary is repeated."""
_DICTIONARIES = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
_READERS = 8
"""Footers that are read at a time."""
_NULL = "__HIVE_DEFAULT_PARTITION__"
_LEGACY = (b"org.apache.spark.legacyDateTime", b"org.apache.spark.legacyINT96")
"""Written as in the calendar before 1582, which Spark converts when it reads."""
_VERSION = b"org.apache.spark.version"
_OLD = (b"1.", b"2.")
"""Versions that did so without a word."""


@dataclass(frozen=True)
class Piece:
    """Some row groups of one file."""

    path: str
    groups: tuple[int, ...]
    rows_at_once: int
    constants: tuple[tuple[str, Any], ...]
    """Partition columns and their values."""


@dataclass(frozen=True)
class _Group:
    path: str
    number: int
    rows: int
    bytes: int


def footers_of(files: DataFiles) -> list[pq.FileMetaData]:
    """What the files say of themselves, in their order.

    Raises:
        UnreadableError: If they cannot be read here.
    """
    if files.form != "parquet":
        raise UnreadableError(f"the staged files are {files.form}")
    with ThreadPoolExecutor(_READERS) as readers:
        return list(readers.map(_footer, _paths(files)))


def pieces(
    files: DataFiles, types: Sequence[pa.DataType], slots: int, footers: Sequence[pq.FileMetaData] | None = None
) -> list[list[Piece]]:
    """What each task reads, about the same number of bytes each.

    Args:
        files: The files, with the columns that are wanted.
        types: Arrow's types of these columns, as Spark's tasks would get them.
        slots: How many tasks run at a time.
        footers: Of the files, where they are read already.

    Raises:
        UnreadableError: If tasks cannot read them.
    """
    paths, footers = _paths(files), footers or footers_of(files)
    _check(files, footers, dict(zip(files.schema.names, types, strict=True)))
    groups = [
        _Group(path, number, footer.row_group(number).num_rows, footer.row_group(number).total_byte_size)
        for path, footer in zip(paths, footers, strict=True)
        for number in range(footer.num_row_groups)
    ]
    constants = {path: _constants(name, files, types) for path, name in zip(paths, files.files, strict=True)}
    return [[_piece(part, constants) for part in _by_file(task)] for task in _shared(groups, slots)]


def batches(work: Iterable[Piece], names: Sequence[str], types: Sequence[pa.DataType]) -> Iterator[pa.RecordBatch]:
    """The rows of some pieces, with the columns of the names, in their order."""
    for piece in work:
        constants = dict(piece.constants)
        stored = [name for name in names if name not in constants]
        with _open(piece.path) as file:
            rows, groups = _rows_at_once(file, piece, stored), list(piece.groups)
            for batch in file.iter_batches(rows, row_groups=groups, columns=stored or None, use_threads=False):
                columns = [
                    pa.repeat(pa.scalar(constants[name], kind), batch.num_rows)
                    if name in constants
                    else as_spark(batch.column(name), kind)
                    for name, kind in zip(names, types, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, names=list(names))


def as_spark(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """An array as Spark's tasks would get it."""
    if array.type == kind:
        return array
    if pa.types.is_list(kind):
        inner = as_spark(array.values, kind.value_type)
        return pa.Array.from_buffers(kind, len(array), array.buffers()[:2], array.null_count, array.offset, [inner])
    if pa.types.is_timestamp(kind):
        # INT96 has nanoseconds, of which Spark writes whole microseconds only.
        return array.view(pa.timestamp(array.type.unit)).cast(pa.timestamp(kind.unit), safe=False).view(kind)
    return array.cast(kind) if _is_text(array.type) else array.view(kind)


def _readable(given: pa.DataType, kind: pa.DataType) -> bool:
    if pa.types.is_list(given) and pa.types.is_list(kind):
        return _readable(given.value_type, kind.value_type)
    if pa.types.is_timestamp(given) and pa.types.is_timestamp(kind):
        return True
    if _is_text(given) and pa.types.is_string(kind):
        return True
    return bool(given == kind or (pa.types.is_int64(given) and pa.types.is_duration(kind)))


def _is_text(kind: pa.DataType) -> bool:
    """Whether it is one of Arrow's forms of text, which other writers than Spark note in their files."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _paths(files: DataFiles) -> list[str]:
    base = _local(files.base)
    return [f"{base}/{name}" for name in files.files]


def _local(base: str) -> str:
    parts = urlsplit(base)
    if parts.scheme not in {"", "file"} or parts.netloc:
        raise UnreadableError(f"tasks do not read {parts.scheme}: themselves")
    # Hadoop writes its URIs as they are; only our own paths have no scheme.
    return base.removeprefix("file://").removeprefix("file:").rstrip("/")


def _open(path: str) -> pq.ParquetFile:
    return pq.ParquetFile(path, coerce_int96_timestamp_unit="us", buffer_size=_BUFFER)


def _rows_at_once(file: pq.ParquetFile, piece: Piece, names: Sequence[str]) -> int:
    """How many rows a batch may have, also where a dictionary makes long values look short."""
    group = file.metadata.row_group(piece.groups[0])
    repeated = [
        column.path_in_schema
        for column in _chunks(group, names)
        if column.physical_type == "BYTE_ARRAY" and not _DICTIONARIES.isdisjoint(column.encodings)
    ]
    if not repeated:
        return piece.rows_at_once
    few = next(file.iter_batches(_PROBE, row_groups=[piece.groups[0]], columns=repeated, use_threads=False))
    allowed = int(_BATCH * few.num_rows / max(few.nbytes, 1))
    return max(min(piece.rows_at_once, allowed), 1)


def _footer(path: str) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableError(f"{path} cannot be read here ({type(error).__name__})") from error


def _check(files: DataFiles, footers: Sequence[pq.FileMetaData], types: dict[str, pa.DataType]) -> None:
    for footer in footers:
        told = footer.metadata or {}
        if any(key in told for key in _LEGACY) or told.get(_VERSION, b"").startswith(_OLD):
            raise UnreadableError("the files have dates of the Julian calendar")
        if not footer.schema.equals(footers[0].schema):
            raise UnreadableError("the files differ in their columns")
        _check_width(footer, types)
    if not footers:
        return
    given = {field.name: field.type for field in footers[0].schema.to_arrow_schema()}
    folders = set(_folders(files.files[0]))
    for name, kind in types.items():
        if name in folders:
            if not (pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_date(kind)):
                raise UnreadableError(f"the folders have values of {name!r}, which are of the type {kind}")
        elif name not in given or not _readable(given[name], kind):
            raise UnreadableError(f"column {name!r} is {given.get(name, 'not there')} in the files")


def _check_width(footer: pq.FileMetaData, names: Collection[str]) -> None:
    for number in range(footer.num_row_groups):
        for column in _chunks(footer.row_group(number), names):
            width = column.total_uncompressed_size // max(column.num_values, 1)
            if width > _WIDEST:
                raise UnreadableError(f"column {column.path_in_schema!r} has values of {width:,} bytes on average")


def _chunks(group: pq.RowGroupMetaData, names: Collection[str]) -> Iterator[pq.ColumnChunkMetaData]:
    """What a row group has of some columns; of a nested one each part."""
    for column in (group.column(at) for at in range(group.num_columns)):
        if column.path_in_schema.partition(".")[0] in names:
            yield column


def _folders(name: str) -> dict[str, str]:
    """The partition columns of a file and their texts."""
    parts = (folder.partition("=") for folder in name.split("/")[:-1])
    return {unquote(column): unquote(value) for column, _, value in parts}


def _constants(name: str, files: DataFiles, types: Sequence[pa.DataType]) -> tuple[tuple[str, Any], ...]:
    kinds = dict(zip(files.schema.names, types, strict=True))
    return tuple(
        (column, None if text == _NULL else pa.scalar(text).cast(kinds[column]).as_py())
        for column, text in _folders(name).items()
    )


def _shared(groups: Sequence[_Group], slots: int) -> list[list[_Group]]:
    """The groups in as many lists as there are slots, each to the list that has the fewest bytes, the largest first."""
    tasks: list[list[_Group]] = [[] for _ in range(min(slots, len(groups)))]
    heap = [(0, at) for at in range(len(tasks))]
    for group in sorted(groups, key=lambda each: each.bytes, reverse=True):
        size, at = heapq.heappop(heap)
        tasks[at].append(group)
        heapq.heappush(heap, (size + group.bytes, at))
    return tasks


def _by_file(groups: Sequence[_Group]) -> list[list[_Group]]:
    found: dict[str, list[_Group]] = {}
    for group in sorted(groups, key=lambda each: (each.path, each.number)):
        found.setdefault(group.path, []).append(group)
    return list(found.values())


def _piece(groups: Sequence[_Group], constants: dict[str, tuple[tuple[str, Any], ...]]) -> Piece:
    path = groups[0].path
    widest = max((group.bytes / max(group.rows, 1) for group in groups), default=1)
    rows = max(min(_MOST_ROWS, int(_BATCH / max(widest, 1))), 1)
    return Piece(path, tuple(group.number for group in groups), rows, constants[path])
