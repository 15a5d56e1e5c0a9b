"""A frame planned with settings of our own, in a copy of its session: what the user has set stays as it is.

The copy has the settings, temporary views and functions of the original, shares its caches and catalogues, and costs
milliseconds. There is no public way to move a frame into another session: all that reaches into the JVM for it is here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

_BOUND = re.compile(r"\b(?:\w*InPandas|\w*InArrow|\w*WithState|CollectMetrics)\b")
"""Operators that read settings of Arrow themselves, and observations, which only the session that made them answers."""


class StaysError(Exception):
    """The frame cannot be planned in another session; the text says why."""


def planned_with(frame: DataFrame, settings: Mapping[str, str]) -> DataFrame:
    """The same frame in a session that differs by some settings.

    Args:
        frame: The frame; its plan is taken as it was analysed.
        settings: What differs.

    Raises:
        StaysError: If the frame's own Python functions would see the settings, or Spark does not let it move.
    """
    from py4j.protocol import Py4JError
    from pyspark.sql import DataFrame, SparkSession

    session: Any = frame.sparkSession
    jvm = session._jvm  # noqa: SLF001 - no public way
    try:
        plan = frame._jdf.queryExecution().analyzed()  # noqa: SLF001 - as above
        python = jvm.org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF()
        if plan.containsPattern(python) or _BOUND.search(plan.treeString()):
            raise StaysError("the frame has Python functions or observations of its own")
        copy = session._jsparkSession.cloneSession()  # noqa: SLF001 - as above
        for key, value in settings.items():
            copy.conf().set(key, value)
        package = jvm.org.apache.spark.sql
        maker = package.Dataset if session.version.startswith("3.") else package.classic.Dataset
        return DataFrame(maker.ofRows(copy, plan), SparkSession(session.sparkContext, copy))
    except (Py4JError, TypeError) as error:
        first = str(error).strip().splitlines()
        raise StaysError(f"Spark does not move it ({first[0] if first else type(error).__name__})") from error
