"""Frames that are nothing but Parquet files: those can be read by tasks themselves, without passing through the JVM.

There is no public way to ask a frame for its plan: all that reaches into the JVM for that is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from stoker.spark.data_files import DataFiles

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FORMAT = "org.apache.spark.sql.execution.datasources.parquet.ParquetFileFormat"
"""By its exact name: those that are made from it, as Delta's, leave rows out."""


def plain_files(frame: DataFrame) -> DataFiles | None:
    """The Parquet files that a frame is, all rows and some of the columns; None if it is anything else.

    They are local, in one folder, and have no partition columns. What is cached is not what files have.
    """
    from py4j.protocol import Py4JError

    try:
        plan: Any = frame._jdf.queryExecution().optimizedPlan()  # noqa: SLF001 - no public way
        if plan.nodeName() == "Project":
            expressions = plan.projectList()
            columns = [expressions.apply(at) for at in range(expressions.size())]
            if any(column.nodeName() != "AttributeReference" for column in columns):
                return None
            plan = plan.child()
        if plan.getClass().getSimpleName() != "LogicalRelation":
            return None
        relation = plan.relation()
        if relation.getClass().getSimpleName() != "HadoopFsRelation":
            return None
        if relation.fileFormat().getClass().getName() != _FORMAT or relation.partitionSchema().size():
            return None
        uris = list(relation.location().inputFiles())
    except Py4JError:  # another Spark names its plans otherwise
        return None
    return _in_one_folder(uris, frame)


def _in_one_folder(uris: list[str], frame: DataFrame) -> DataFiles | None:
    parts = [urlsplit(uri) for uri in uris]
    if any(part.scheme != "file" or part.netloc for part in parts):
        return None
    places = [unquote(part.path).rpartition("/") for part in parts]
    folders = {folder for folder, _, _ in places}
    if len(folders) != 1:
        return None
    return DataFiles("parquet", folders.pop(), tuple(name for *_, name in places), frame.schema)
