"""Log lines into any file system of Hadoop: where boto3 is not installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from stoker.errors import StokerError
from stoker.files.filesystem import file_system
from stoker.logs.ship import RefusedError, StoreError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# As S3A and the others name them; the rest may pass.
_REFUSALS = ("AccessDenied", "AccessControlException", "NoSuchBucket", "UnknownStoreException", "InvalidAccessKeyId")


class HadoopStore:
    """A folder of a file system that Hadoop reaches.

    Args:
        spark: The session whose JVM does the work.
        url: The folder, such as `s3://bucket/prefix`.

    Raises:
        SourceError: If Hadoop has no file system for it.
    """

    def __init__(self, spark: SparkSession, url: str) -> None:
        self.where = url.rstrip("/")
        self._files = file_system(spark, url)

    def put(self, key: str, body: BinaryIO) -> None:
        """Write a file, in place of one that is there; see `stoker.logs.ship.Store`."""
        from py4j.protocol import Py4JError

        try:
            # What a URL would escape is no escape in a path of Hadoop.
            self._files.write_bytes(f"{self.where}/{key}", body.read())
        except (StokerError, Py4JError, OSError) as error:
            text = error.what if isinstance(error, StokerError) else str(error)
            refused = any(each in text for each in _REFUSALS)
            raise (RefusedError if refused else StoreError)(_said(text, key)) from None


def _said(text: str, key: str) -> str:
    """What Hadoop says, without the long path of one object, which S3A says three times."""
    short = re.sub(rf"(Writing Object on )?\S*{re.escape(key)}:?", "", text)
    return " ".join(short.split())[:500].rstrip(".")
