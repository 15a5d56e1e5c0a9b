"""Arrow batches as the CSV that COPY reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from stoker.postgres.encode.parts import RefusedValueError
from stoker.postgres.encode.texts import check_text
from stoker.postgres.encode.written import plain

if TYPE_CHECKING:
    from collections.abc import Sequence


def csv_rows(batch: pa.RecordBatch) -> pa.Buffer:
    """A batch as CSV.

    All texts are quoted and null is not, which is how COPY tells null from the empty text.

    Raises:
        RefusedValueError: For a NUL character, or bytes that are no UTF-8.
    """
    arrays = [plain(column) for column in batch.columns]
    table = pa.RecordBatch.from_arrays(arrays, names=[str(at) for at in range(len(arrays))])
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, batch_size=batch.num_rows))
    text = sink.getvalue()
    if not _is_text(text):
        _refuse(arrays)
    return text


def _is_text(content: pa.Buffer) -> bool:
    """Whether it is what a text of PostgreSQL can have; the server would not say which column has what is none."""
    words = np.frombuffer(content, np.uint8)
    if not words.size:
        return True
    try:
        bounds = pa.py_buffer(np.array([0, words.size], np.int64))
        pa.Array.from_buffers(pa.large_string(), 1, [None, bounds, content]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return bool(words.min())


def _refuse(arrays: Sequence[pa.Array]) -> None:
    for at, array in enumerate(arrays):
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            try:
                check_text(array)
            except RefusedValueError as error:
                error.column = at
                raise
