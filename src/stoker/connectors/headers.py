"""The header lines of CSV files, read by the driver: one line a file, no Spark job."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from stoker.errors import SourceError
from stoker.files.filesystem import file_system

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import SparkSession

    from stoker.files.filesystem import FileSystem


_NOTED = 1000
"""Headers after which it is noted how many were read."""


def files_by_header(
    fs: FileSystem,
    files: Sequence[str],
    options: Mapping[str, Any],
    noted: Callable[[int], None] = lambda _: None,
) -> dict[tuple[str, ...], list[str]]:
    """Group files whose columns stand in the same order.

    Args:
        fs: Their file system.
        files: Whole paths.
        options: Of Spark's reader.
        noted: Called now and then with the number of headers that were read; it may raise, to end it.

    Raises:
        SourceError: If a file is empty, cannot be decoded, or has a column name twice.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    encoding = str(options.get("encoding", "UTF-8"))
    known: dict[str | None, tuple[str, ...]] = {}
    for at, (file, line) in enumerate(zip(files, fs.first_lines(files, encoding), strict=True)):
        if at and at % _NOTED == 0:
            noted(at)
        if line not in known:
            known[line] = _header(file, line, encoding, options)
        groups.setdefault(known[line], []).append(file)
    return groups


def header_of(spark: SparkSession, file: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The names in one file's header.

    Raises:
        SourceError: As `files_by_header`.
    """
    return next(iter(files_by_header(file_system(spark, file), [file], options)))


def _header(file: str, line: str | None, encoding: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    if line is None or not line.strip("\ufeff \r\n"):
        raise SourceError(
            f"{file} is empty: it has no header line.",
            state="Nothing was read.",
            next_step="Get the file again, or remove it if there is no data.",
        )
    if "\ufffd" in line:
        raise SourceError(
            f"The header of {file} has bytes that are not {encoding}.",
            state="Nothing was read.",
            next_step='Give the right encoding, e.g. read.csv(..., encoding="ISO-8859-1").',
        )
    names = tuple(split_record(line.lstrip("\ufeff"), options))
    folded = [name.lower() for name in names]
    doubled = sorted({name for name in names if folded.count(name.lower()) > 1})
    if doubled:
        raise SourceError(
            f"The header of {file} has these names twice (Spark ignores case): {', '.join(doubled)}.",
            state="Nothing was read.",
            next_step="Rename the columns in the file, or read it with header=False and a schema by position.",
        )
    return names


def split_record(record: str, options: Mapping[str, Any]) -> list[str]:
    """The fields of one record, as Spark's reader splits them for these options."""
    separator = str(options.get("sep", options.get("delimiter", ",")))
    quote = str(options.get("quote", '"'))
    if len(separator) != 1:
        return record.split(separator)
    escape = str(options.get("escape", "\\"))
    return next(
        csv.reader(
            [record],
            delimiter=separator,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            escapechar=escape if escape and escape != quote else None,
        )
    )
