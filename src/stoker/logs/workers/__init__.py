"""Lines that are logged in Spark's Python workers: by functions of RDDs, UDFs, and what `mapInArrow` and its like call."""

from stoker.logs.workers.attach import configure_workers, forget_workers
from stoker.logs.workers.told import DAEMON

__all__ = ["DAEMON", "configure_workers", "forget_workers"]
