"""Whether the driver has room for the names of very many files: without it Spark neither ends nor says why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from stoker.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_MANY = 100_000
"""Files from which on it is asked how large the JVM may be."""
_LISTED, _NAMED = 700, 1500
"""Bytes at least that the JVM needs for a file of a folder, and for one that it is told by its name: a million of the first
kind just fit into 1 GiB, and of the second kind do not."""
_GIB = 1 << 30


def refuse_without_room(spark: SparkSession, where: str, files: int, *, named: bool) -> None:
    """Refuse to read more files than the driver's JVM can hold the names of.

    Args:
        spark: The session.
        where: The folder or pattern, for the message.
        files: How many there are.
        named: Whether Spark is told them one by one, and not by their folder.

    Raises:
        SourceError: With the memory that is needed.
    """
    if files < _MANY:
        return
    jvm = spark._jvm  # noqa: SLF001 - the driver's
    assert jvm is not None
    room: int = jvm.java.lang.Runtime.getRuntime().maxMemory()
    need = files * (_NAMED if named else _LISTED)
    if need <= room:
        return
    raise SourceError(
        f"{where} has {files:,} files, and the driver has no room for their names: Spark needs {need / _GIB:.1f} GiB or more "
        f"for them{' when it is told each' if named else ''}, and its JVM may have {room / _GIB:.1f} GiB.",
        state="Nothing was read.",
        next_step=f'Set spark.driver.memory = "{math.ceil(2 * need / _GIB)}g" for a pipeline that copies them once into fewer '
        "files (without transform=, its sink with files=N), or read a part of them at a time.",
    )
