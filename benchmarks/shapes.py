"""The tables that are loaded into PostgreSQL, or read from it, to compare ways: wide and plain, mixed with nulls, narrow and long."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

import lineitem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MIXED = """
CREATE TABLE mixed (
    id bigint NOT NULL, customer uuid, amount numeric(12,2), score double precision, is_open boolean, born date,
    seen timestamp with time zone, local_time timestamp, tags text[], counts integer[], properties jsonb,
    short_text text, long_text text
)
"""
_NARROW = "CREATE TABLE narrow (id bigint NOT NULL, station integer, value double precision)"


@dataclass(frozen=True)
class Shape:
    """A table and how its rows are made."""

    table: str
    ddl: str
    rows: int
    """By default."""
    write: Callable[[Path, int], None]
    """Makes a folder with two files of Parquet that have about so many rows."""
    key: tuple[str, ...]
    changed: str
    """A column of texts or numbers, from which an expression of Spark makes other values."""
    jdbc: str = ""
    """What the driver's URL needs for it."""


_WORDS = [
    "furiously",
    "quickly",
    "carefully",
    "slyly",
    "blithely",
    "final",
    "special",
    "express",
    "regular",
    "ironic",
    "even",
    "bold",
    "pending",
    "silent",
    "packages",
    "requests",
    "accounts",
    "deposits",
    "foxes",
    "ideas",
    "theodolites",
    "instructions",
    "dependencies",
    "sleep",
    "wake",
    "haggle",
    "nag",
    "use",
    "boost",
]


def _by_file(make: Callable[[int, int], pa.Table]) -> Callable[[Path, int], None]:
    """Writes what is made for one file, by its number and how many rows."""

    def write(folder: Path, rows: int) -> None:
        folder.mkdir()
        share = rows // 2
        for number in range(2):
            path = folder / f"part-{number}.parquet"
            pq.write_table(make(number, share), path, row_group_size=max(share // 4, 1))

    return write


def _money(cents: Any, precision: int = 15) -> pa.Array:
    """Decimals with two digits after the point, from whole cents."""
    words = np.stack([cents.astype(np.int64), np.zeros(len(cents), np.int64)], axis=1)
    return pa.Array.from_buffers(
        pa.decimal128(precision, 2), len(cents), [None, pa.py_buffer(np.ascontiguousarray(words))]
    )


def _comments(random: np.random.Generator, rows: int) -> pa.Array:
    """Of 10 to 43 characters, 27 in the mean."""
    long = " ".join(random.choice(_WORDS, 100_000))
    begins, lengths = random.integers(0, len(long) - 44, rows), random.integers(10, 44, rows)
    return pa.array([long[begin : begin + length] for begin, length in zip(begins, lengths, strict=True)])


def _mixed(number: int, rows: int) -> pa.Table:
    """A tenth of each column is null."""
    random = np.random.default_rng(number)
    words = _comments(random, 1000)
    seconds = random.integers(0, 1_700_000_000, rows) * 1_000_000 + random.integers(0, 1_000_000, rows)
    customers = pa.array([str(uuid.UUID(bytes=random.bytes(16))) for _ in range(1000)])
    properties = pa.array(
        [json.dumps({"a": int(number), "b": [1, 2.5, None], "c": {"text": "déjà"}}) for number in range(1000)]
    )
    long = pa.array([" ".join(words.slice(at, 20).to_pylist()) for at in range(500)])
    columns: dict[str, pa.Array] = {
        "id": pa.array(number * 100_000_000 + np.arange(rows)),
        "customer": _some(random, customers, rows),
        "amount": _holes(random, _money(random.integers(-10_000_000, 10_000_000, rows), 12)),
        "score": _holes(random, pa.array(random.normal(size=rows))),
        "is_open": _holes(random, pa.array(random.integers(0, 2, rows).astype(bool))),
        "born": _holes(random, pa.array(random.integers(-10_000, 20_000, rows).astype(np.int32)).cast(pa.date32())),
        "seen": _holes(random, pa.array(seconds).cast(pa.timestamp("us", "UTC"))),
        "local_time": _holes(random, pa.array(seconds).cast(pa.timestamp("us"))),
        "tags": _lists(random, words, rows),
        "counts": _lists(random, pa.array(np.arange(1000, dtype=np.int32)), rows),
        "properties": _some(random, properties, rows),
        "short_text": _some(random, words, rows),
        "long_text": _some(random, long, rows),
    }
    return pa.table(columns)


def _narrow(number: int, rows: int) -> pa.Table:
    random = np.random.default_rng(number)
    return pa.table(
        {
            "id": pa.array(number * 100_000_000 + np.arange(rows)),
            "station": pa.array(random.integers(0, 5000, rows).astype(np.int32)),
            "value": pa.array(random.normal(size=rows)),
        }
    )


def _cells(number: int, rows: int) -> pa.Table:
    """A megabyte in each row, which does not compress."""
    random = np.random.default_rng(number)
    return pa.table(
        {
            "id": pa.array(number * 100_000_000 + np.arange(rows)),
            "cell": pa.array([random.bytes(1 << 20) for _ in range(rows)], pa.binary()),
        }
    )


def _holes(random: np.random.Generator, values: pa.Array) -> pa.Array:
    """Some values are null."""
    at = np.arange(len(values))
    return values.take(pa.array(at, mask=random.random(len(values)) < 0.1))  # noqa: PLR2004 - a tenth


def _some(random: np.random.Generator, values: pa.Array, rows: int) -> pa.Array:
    return values.take(pa.array(random.integers(0, len(values), rows), mask=random.random(rows) < 0.1))  # noqa: PLR2004


def _lists(random: np.random.Generator, values: pa.Array, rows: int) -> pa.Array:
    lengths = random.integers(0, 5, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), _some(random, values, int(offsets[-1])))


SHAPES = {
    shape.table: shape
    for shape in (
        Shape(
            "lineitem",
            lineitem.TABLE,
            3_000_000,
            lineitem.write,
            ("l_orderkey", "l_linenumber"),
            "l_quantity",
        ),
        Shape("mixed", _MIXED, 500_000, _by_file(_mixed), ("id",), "amount", "&stringtype=unspecified"),
        Shape("cells", "CREATE TABLE cells (id bigint NOT NULL, cell bytea)", 300, _by_file(_cells), ("id",), "id"),
        Shape("narrow", _NARROW, 10_000_000, _by_file(_narrow), ("id",), "value"),
    )
}
