"""What the executors must have for a load, said when they do not."""

from __future__ import annotations

import re

from stoker.errors import ConfigurationError

_SHIPPED = ("stoker", "pg8000", "scramp", "asn1crypto")
"""What a zip of stoker and its dependencies has; pyarrow does not load from a zip."""
_MISSING = re.compile(
    rf"ModuleNotFoundError: No module named '({'|'.join(_SHIPPED)}|pyarrow)[.']|No package metadata was found for (scramp)"
)
"""scramp looks for its own version, which is in the folder `scramp-*.dist-info` beside it."""
_ZIP = (
    "Ship stoker with the program: pip install --target stoker_files stoker; (cd stoker_files && zip -qr ../stoker.zip .); "
    'then spark-submit --py-files stoker.zip, or spark.sparkContext.addPyFile("stoker.zip") before the load.'
)
_INSTALL = "Install pyarrow for the Python of the executors (spark.pyspark.python)."


def not_importable(text: str) -> ConfigurationError | None:
    """The error for a library that a task could not import, found in the text of Spark's exception; None if it was another."""
    match = _MISSING.search(text)
    if match is None:
        return None
    return ConfigurationError(
        f"Spark's tasks cannot import {match[1] or match[2]}: the executors do not have it.",
        state="Nothing was published.",
        next_step=_INSTALL if match[1] == "pyarrow" else _ZIP,
    )
