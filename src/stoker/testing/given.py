"""What tests give: frames, and the sessions that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard
from zoneinfo import ZoneInfo

from stoker.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__tracebackhide__ = True  # a failure is shown at the line of the test


def is_frame(value: Any, name: str) -> TypeGuard[DataFrame]:
    """Whether it is a frame; False for an inline table.

    Args:
        value: What a test gave.
        name: What the test calls it.

    Raises:
        UsageError: If it is neither, or a frame of a session that is stopped or of Spark Connect.
    """
    from pyspark.sql import DataFrame

    if isinstance(value, str):
        return False
    if not isinstance(value, DataFrame):
        raise UsageError(
            f"{name} is {type(value).__name__}, and neither a DataFrame nor an inline table.",
            next_step='Give a frame, or a text such as "id:int | name:string\\n1 | Ann".',
        )
    if not hasattr(value, "_jdf"):
        raise UsageError(f"{name} is a frame of Spark Connect, which Stoker does not run on.")
    if not is_running(value.sparkSession):
        raise UsageError(
            f"{name} is a frame of a session that is stopped.",
            next_step="Make it in the test, or in a fixture, from the fixture `spark`; and let no test stop that session.",
        )
    return True


def is_running(spark: SparkSession) -> bool:
    """Whether the session's context is there."""
    java = spark.sparkContext._jsc  # noqa: SLF001 - PySpark has no public question
    return java is not None and not java.sc().isStopped()


def active_session() -> SparkSession:
    """The session of the test.

    Raises:
        UsageError: If there is none.
    """
    from pyspark.sql import SparkSession

    found = SparkSession.getActiveSession()
    if found is None:
        raise UsageError("There is no Spark session.", next_step="Let the test ask for the fixture `spark`.")
    return found


def session_zone(spark: SparkSession) -> ZoneInfo:
    """The session's time zone."""
    return ZoneInfo(str(spark.conf.get("spark.sql.session.timeZone")))
