"""A second driver process on the test's own JVM: it can be killed, and starts in a second.

`python child.py FOLDER MODULE:FUNCTION ARGUMENT...` calls the function with a session, the project's folder and the
arguments. py4j lets several Python processes speak to one JVM.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TESTS = Path(__file__).resolve().parent.parent


def attached() -> SparkSession:
    """The session of the JVM that the environment names."""
    from pyspark import SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession as Session

    gateway = launch_gateway()  # type: ignore[no-untyped-call]
    jvm = gateway.jvm
    scala = jvm.org.apache.spark.SparkContext.getOrCreate()
    java = jvm.org.apache.spark.api.java.JavaSparkContext.fromSparkContext(scala)
    return Session(SparkContext(gateway=gateway, jsc=java))


def run_child(
    spark: SparkSession, folder: Path, function: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Call a function of the tests in a child on this session's JVM.

    Returns:
        The finished process; its return code is -9 if a failpoint killed it.
    """
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    return subprocess.run(
        [sys.executable, __file__, str(folder), function, *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
            "PYSPARK_GATEWAY_PORT": str(gateway.gateway_parameters.port),
            "PYSPARK_GATEWAY_SECRET": str(gateway.gateway_parameters.auth_token),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


if __name__ == "__main__":
    module, _, name = sys.argv[2].partition(":")
    getattr(importlib.import_module(module), name)(attached(), Path(sys.argv[1]), *sys.argv[3:])
    sys.stdout.flush()
    # The JVM is the test's: no atexit handler may shut it down.
    os._exit(0)
