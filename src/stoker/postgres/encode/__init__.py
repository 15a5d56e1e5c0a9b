"""Arrow batches as COPY BINARY reads them, column by column in NumPy and Arrow: no value becomes a Python object.

A row is the number of its columns, then of each column the length in four bytes (-1 is null) and the value. Each encoder
turns an Arrow array into `Part`s of all rows at once; `rows` puts the parts of all columns together.
"""

from stoker.postgres.encode.choice import Encoder, encoder
from stoker.postgres.encode.parts import RefusedValueError
from stoker.postgres.encode.rows import HEADER, TRAILER, encode

__all__ = ["HEADER", "TRAILER", "Encoder", "RefusedValueError", "encode", "encoder"]
