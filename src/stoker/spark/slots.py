"""How many tasks can run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark import SparkContext


def task_slots(context: SparkContext) -> int | None:
    """Tasks that can run at once; None if nobody can tell, since executors come as they are needed.

    It starts no Spark job.
    """
    from py4j.protocol import Py4JError

    conf = context.getConf()
    if conf.get("spark.dynamicAllocation.enabled") == "true" and not str(context.master).startswith("local"):
        most, cores = conf.get("spark.dynamicAllocation.maxExecutors"), conf.get("spark.executor.cores")
        return int(most) * int(cores) if most and cores else None
    try:
        scala = context._jsc.sc()  # noqa: SLF001 - no public way
        return int(scala.maxNumConcurrentTasks(scala.resourceProfileManager().defaultResourceProfile()))
    except Py4JError:
        return context.defaultParallelism
