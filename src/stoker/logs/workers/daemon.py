"""PySpark's daemon, with a log: for `spark.python.daemon.module`, where the workers can import Stoker by construction."""

import sys

# Spark names its zip first; the same modules import in half the time from where they lie with their bytecode.
sys.path.sort(key=lambda path: path.endswith("pyspark.zip"))

from pyspark.daemon import manager

from stoker.logs.workers.begin import begin

if __name__ == "__main__":
    begin()
    manager()  # type: ignore[no-untyped-call]
