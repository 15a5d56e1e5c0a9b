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
        RefusedValueError: For a NUL character.
    """
    arrays = [plain(column) for column in batch.columns]
    table = pa.RecordBatch.from_arrays(arrays, names=[str(at) for at in range(len(arrays))])
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, batch_size=batch.num_rows))
    text = sink.getvalue()
    if text.size and np.frombuffer(text, np.uint8).min() == 0:
        _refuse(arrays)
    return text


def _refuse(arrays: Sequence[pa.Array]) -> None:
    for at, array in enumerate(arrays):
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            try:
                check_text(array)
            except RefusedValueError as error:
                error.column = at
                raise
