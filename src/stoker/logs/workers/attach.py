"""The driver's side: how its Python workers get to know of the log."""

from __future__ import annotations

import importlib.util
import logging
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.errors import UsageError
from stoker.logs import context
from stoker.logs.setup import configured
from stoker.logs.workers.calls import Calls
from stoker.logs.workers.known import accompany
from stoker.logs.workers.told import DAEMON, VARIABLE, told

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

_HOOK = "stoker-worker-logs.zip"
_STARTUP = "stoker.logs.workers.startup"
_calls: Calls | None = None


def configure_workers(spark: SparkSession) -> list[str]:
    """Have the Python workers of a session log as this process does; sessions that `main` makes have it by themselves.

    What is logged in functions of RDDs, UDFs and the like goes to the executors' standard error as JSON; in local mode to the
    driver's own destinations. Functions that were used before are not reached. A small file is added to the session
    (`addFile`), and two variables to the environment of its workers; no setting is changed.

    Args:
        spark: The session.

    Returns:
        What is not as it should be, as fallbacks; it is in the log too.

    Raises:
        UsageError: If `configure` was not called before, or if it is a session of Spark Connect.
    """
    global _calls  # noqa: PLW0603 - a process has one session's JVM
    found = configured()
    if found is None:
        raise UsageError("Logging is not configured.", next_step="Call logs.configure before logs.configure_workers.")
    if type(spark).__module__.startswith("pyspark.sql.connect"):
        raise UsageError(
            "Python workers of a Spark Connect session cannot be reached: its JVM is elsewhere.",
            next_step="Leave logs.configure_workers out; with spark.sql.pyspark.worker.logging.enabled Spark 4.1 collects "
            "what they log into a table.",
        )
    spark_context: Any = spark.sparkContext
    local = str(spark_context.master).split("[")[0] == "local"
    known = {name: text for name, text in context.current().masked().items() if text is not None}
    fallbacks = []
    try:
        if spark_context.getConf().get("spark.python.daemon.module") != DAEMON:
            fallbacks += _hook(spark_context, local=local)
        fallbacks += accompany(spark_context)
        spark_context.environment[VARIABLE] = told(*found, known, local=local).dump()
        forget_workers()
        _calls = Calls(spark_context)
    except Exception as error:  # noqa: BLE001 - py4j raises many, and the job goes on
        fallbacks = [f"Python workers have no log: {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"]
    for fallback in fallbacks:
        logger.warning("%s", fallback)
    return fallbacks


def forget_workers() -> None:
    """Before a session ends: what is logged from now on concerns no tasks."""
    global _calls  # noqa: PLW0603 - a process has one session's JVM
    if _calls is not None:
        _calls.end()
        _calls = None


def _hook(spark_context: Any, *, local: bool) -> list[str]:
    """Have Python do `startup` when it starts in an executor: through the files that Spark brings there before its first task.

    An executor's files are in its working folder, so that their bare names do on the path of Python.
    """
    paths = spark_context.environment.get("PYTHONPATH", "")
    if _HOOK in paths:
        return []
    archive = Path(spark_context._temp_dir) / _HOOK  # noqa: SLF001 - is removed with the session
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("sitecustomize.py", _source())
    spark_context.addFile(str(archive))
    root = Path(__file__).parents[3]
    includes = spark_context._python_includes  # noqa: SLF001 - no public way
    added = [str(archive), str(root)] if local else [_HOOK, *includes]
    spark_context.environment["PYTHONPATH"] = os.pathsep.join([*added, *filter(None, [paths])])
    if local or root.name in includes or str(root) in paths.split(os.pathsep) or _may_be_there(spark_context):
        return []
    return [
        "Python workers have a log only where the executors have stoker: it is neither in --py-files nor in spark.archives"
    ]


def _may_be_there(spark_context: Any) -> bool:
    """Whether executors may have this very environment: it is shipped, or the driver is where they are."""
    conf = spark_context.getConf()
    shipped = conf.get("spark.archives") or conf.get("spark.yarn.dist.archives")
    return bool(shipped) or conf.get("spark.submit.deployMode") == "cluster"


def _source() -> str:
    found = importlib.util.find_spec(_STARTUP)
    assert found is not None
    source = found.loader.get_source(_STARTUP)  # type: ignore[union-attr]
    return str(source)
