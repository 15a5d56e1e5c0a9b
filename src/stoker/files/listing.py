"""Whole folders listed at once: a call a file would take minutes for a hundred thousand."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_CHUNK = 10_000
"""Files whose description or name goes from or to the JVM at once: some megabytes of text."""
_PATH = "{path="
_FOLDER = "; isDirectory="
_STATUS = re.compile(
    r"\{path=(?P<path>.*?); isDirectory=(?P<folder>true|false);(?: length=(?P<length>\d+);)?"
    r"(?: replication=-?\d+; blocksize=-?\d+;)?(?: modification_time=(?P<modified>\d+))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)  # slots, since there may be a million
class FileInfo:
    """One entry of a folder."""

    path: str
    """The path below the folder that was listed, with `/`; of a pattern's matches the whole path."""
    bytes: int
    is_folder: bool
    modified: float = 0.0
    """Seconds since 1970, to the millisecond as Hadoop has them."""


def is_hidden(name: str) -> bool:
    """Whether Spark passes over files and folders of that name."""
    # It reads `_month=1` as a partition, so a `_` counts only without a `=`.
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def is_within(name: str, folders: Collection[str]) -> bool:
    """Whether a path, or a folder that it is in, is one of many."""
    while name and name not in folders:
        name = name.rpartition("/")[0]
    return bool(name)


def sent(jvm: Any, texts: Sequence[str]) -> Any:
    """A list in the JVM of many texts, by a few calls; py4j's own way is a call for each."""
    mapper, kind = jvm.com.fasterxml.jackson.databind.ObjectMapper(), jvm.java.lang.Class.forName("java.util.ArrayList")
    there = jvm.java.util.ArrayList(len(texts))
    for begin in range(0, len(texts), _CHUNK):
        there.addAll(mapper.readValue(json.dumps(texts[begin : begin + _CHUNK]), kind))
    return there


def scan(folder: str) -> Iterator[FileInfo]:
    """The entries of a folder of the local disk, as Hadoop's local file system shows them; none if it is no folder.

    Raises:
        OSError: If it cannot be listed.
    """
    try:
        listed = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with listed:
        for entry in listed:
            # Hadoop keeps a file's checksum beside it and does not show it.
            if entry.name.startswith(".") and entry.name.endswith(".crc"):
                continue
            try:
                found = entry.stat()
                yield FileInfo(entry.name, found.st_size, entry.is_dir(), found.st_mtime_ns // 1_000_000 / 1000)
            except FileNotFoundError:  # removed meanwhile, or a link that leads nowhere
                continue


def statuses(jvm: Any, array: Any) -> Iterator[FileInfo]:
    """The whole paths of Hadoop's `FileStatus[]`, by a few calls for many thousands of files.

    They are described in one text, by a method that takes any array (`Arrays.toString` wants an `Object[]`, and py4j does
    not see that this is one). Where a name holds the very words by which that text is split (their number tells), each is
    asked for itself.

    Args:
        jvm: The JVM.
        array: The array in it.
    """
    number = len(array)
    for begin in range(0, number, _CHUNK):
        chunk = array if number <= _CHUNK else _part(jvm, array, begin, min(number, begin + _CHUNK))
        found = parsed(jvm.org.apache.commons.lang3.ArrayUtils.toString(chunk), len(chunk))
        if found is None:
            found = [_asked(status) for status in chunk]
        yield from found


def _part(jvm: Any, array: Any, begin: int, end: int) -> Any:
    part = jvm.java.lang.reflect.Array.newInstance(array.getClass().getComponentType(), end - begin)
    jvm.java.lang.System.arraycopy(array, begin, part, 0, end - begin)
    return part


def parsed(text: str, number: int) -> list[FileInfo] | None:
    """What a text of so many descriptions says; None if it can be read in more than one way."""
    if text.count(_PATH) != number or text.count(_FOLDER) != number:
        return None
    found = [
        FileInfo(
            match["path"],
            int(match["length"] or 0),
            match["folder"] == "true",
            int(match["modified"] or 0) / 1000,
        )
        for match in _STATUS.finditer(text)
    ]
    return found if len(found) == number else None


def _asked(status: Any) -> FileInfo:
    return FileInfo(
        status.getPath().toString(), status.getLen(), status.isDirectory(), status.getModificationTime() / 1000
    )
