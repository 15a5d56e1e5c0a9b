"""PySpark's daemon, with a log: for `spark.python.daemon.module`, where the workers can import Stoker by construction."""

from pyspark.daemon import manager

from stoker.logs.workers.begin import begin

if __name__ == "__main__":
    begin()
    manager()  # type: ignore[no-untyped-call]
