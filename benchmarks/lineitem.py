"""The table `lineitem` of TPC-H, made here: its columns, types and widths, without the tools that make the official one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

TABLE = """
CREATE TABLE lineitem (
    l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL, l_linenumber integer NOT NULL,
    l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL,
    l_tax numeric(15,2) NOT NULL, l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL,
    l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
    l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL
)
"""
_ROWS_OF_SCALE_1 = 6_000_000
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
_INSTRUCTIONS = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]
_MODES = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"]
_FIRST_DAY, _DAYS = 8036, 2526
"""From 1992-01-02."""


def table(number: int, rows: int) -> pa.Table:
    """The rows of one file.

    Args:
        number: Of the file; no two have an order in common.
        rows: How many; six million in all are scale factor 1.
    """
    random = np.random.default_rng(number)
    shipped = random.integers(_FIRST_DAY, _FIRST_DAY + _DAYS, rows)
    quantity = random.integers(1, 51, rows)
    columns: dict[str, pa.Array] = {
        "l_orderkey": pa.array(number * _ROWS_OF_SCALE_1 + np.arange(rows) // 4),
        "l_partkey": pa.array(random.integers(1, 200_000, rows)),
        "l_suppkey": pa.array(random.integers(1, 10_000, rows)),
        "l_linenumber": pa.array(np.arange(rows, dtype=np.int32) % 4 + 1, pa.int32()),
        "l_quantity": money(quantity * 100),
        "l_extendedprice": money(quantity * random.integers(90_000, 210_000, rows)),
        "l_discount": money(random.integers(0, 11, rows)),
        "l_tax": money(random.integers(0, 9, rows)),
        "l_returnflag": _picked(random, ["A", "N", "R"], rows),
        "l_linestatus": _picked(random, ["O", "F"], rows),
        "l_shipdate": _days(shipped),
        "l_commitdate": _days(shipped + random.integers(-60, 60, rows)),
        "l_receiptdate": _days(shipped + random.integers(1, 31, rows)),
        "l_shipinstruct": _picked(random, _INSTRUCTIONS, rows),
        "l_shipmode": _picked(random, _MODES, rows),
        "l_comment": comments(random, rows),
    }
    return pa.table(columns)


def money(cents: Any, precision: int = 15) -> pa.Array:
    """Decimals with two digits after the point, from whole cents."""
    words = np.stack([cents.astype(np.int64), np.zeros(len(cents), np.int64)], axis=1)
    return pa.Array.from_buffers(
        pa.decimal128(precision, 2), len(cents), [None, pa.py_buffer(np.ascontiguousarray(words))]
    )


def _picked(random: np.random.Generator, texts: list[str], rows: int) -> pa.Array:
    return pa.array(texts).take(pa.array(random.integers(0, len(texts), rows)))


def _days(days: Any) -> pa.Array:
    return pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32())


def comments(random: np.random.Generator, rows: int) -> pa.Array:
    """Of 10 to 43 characters, 27 in the mean, as the official ones."""
    long = " ".join(random.choice(_WORDS, 100_000))
    begins, lengths = random.integers(0, len(long) - 44, rows), random.integers(10, 44, rows)
    return pa.array([long[begin : begin + length] for begin, length in zip(begins, lengths, strict=True)])
