"""The session of a run: made here, or the one that is active."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.errors import ConfigurationError, missing_extra
from stoker.logs.setup import configured
from stoker.logs.workers import DAEMON, configure_workers, forget_workers
from stoker.spark.java import find_java

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

LOCAL_DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # A laptop changes networks and has firewalls; nobody else talks to a local session.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # One JVM with few cores: the threads of a parallel collector and of the optimising compiler take time from the tasks.
    # That compiler begins with code that is twenty times as hot as by default; what a long job repeats soon is.
    "spark.driver.defaultJavaOptions": "-XX:+IgnoreUnrecognizedVMOptions -XX:+UseSerialGC "
    "-XX:Tier4InvocationThreshold=100000 -XX:Tier4MinInvocationThreshold=12000 "
    "-XX:Tier4CompileThreshold=300000 -XX:Tier4BackEdgeThreshold=800000",
}
"""What a local session gets where `[spark]` does not say otherwise; measured by `benchmarks/session.py`."""


@dataclass
class Session:
    """A session, and whether it is ours to stop."""

    spark: SparkSession
    ours: bool
    fallbacks: list[str] = field(default_factory=list)
    jvm_log: Path | None = None
    """Where the JVM's output goes, if we started the JVM."""

    def stop(self) -> None:
        """Stop the session if it is ours; never raises, since the run is over."""
        if self.ours:
            forget_workers()
            with contextlib.suppress(Exception):
                self.spark.stop()


def obtain_session(
    settings: Mapping[str, str],
    *,
    application: str,
    scratch: Path,
    log: Path | None = None,
    given: SparkSession | None = None,
) -> Session:
    """The given session, else the active one, else a new one.

    Args:
        settings: `[spark]` of the configuration.
        application: The name that Spark shows.
        scratch: A folder for a start script of Java.
        log: Where the JVM's output goes, if we start it; by default into `scratch`.
        given: A session that the caller made.

    Raises:
        ConfigurationError: If Java or Spark cannot be started, with the cause; or if it is a Spark Connect session.
        MissingExtraError: If pyspark is not installed.
    """
    try:
        import pyspark
        from pyspark.sql import SparkSession as Sessions
    except ImportError as error:
        raise missing_extra("pyspark", "local", "Running a job") from error
    if given is None and os.environ.get("SPARK_REMOTE"):
        raise _connect_refused("SPARK_REMOTE is set")
    spark = given or Sessions.getActiveSession()
    if spark is None and pyspark.SparkContext._active_spark_context is not None:  # noqa: SLF001 - no public way
        spark = Sessions.builder.getOrCreate()
    if spark is not None:
        refuse_connect(spark)
        return Session(spark, ours=False)
    return _make(settings, application, scratch, log or scratch / "spark.log")


def refuse_connect(spark: Any) -> None:
    """Refuse a session of Spark Connect; None is none.

    Raises:
        ConfigurationError: If it is one.
    """
    if spark is not None and not hasattr(spark, "_jsparkSession"):
        raise _connect_refused("the session is a Spark Connect session")


def _make(settings: Mapping[str, str], application: str, scratch: Path, output: Path) -> Session:
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession as Sessions

    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if submitted:
        SparkContext._ensure_initialized()  # noqa: SLF001 - makes spark-submit's settings visible to SparkConf
    conf = SparkConf(loadDefaults=submitted)
    chosen = {"spark.app.name": application, **({} if submitted else _local_choice(settings))}
    for key, value in {**chosen, **settings}.items():
        # What spark-submit was told on its command line is a flag, and wins.
        if not (submitted and conf.contains(key)):
            conf.set(key, value)
    fallbacks: list[str] = []
    log: Path | None = None
    try:
        if not submitted:
            log = output
            fallbacks += _launch(conf, scratch, log)
        spark = Sessions.builder.config(conf=conf).getOrCreate()
    except ConfigurationError:
        raise
    except Exception as error:
        _forget_gateway(SparkContext)
        raise _not_started(error, log) from error
    if log is not None:
        spark.sparkContext.setLogLevel("WARN")
    if configured():
        fallbacks += configure_workers(spark)
    return Session(spark, ours=True, fallbacks=fallbacks, jvm_log=log)


def _local_choice(settings: Mapping[str, str]) -> dict[str, str]:
    """What a session gets that no spark-submit has settled; `[spark]` may say otherwise."""
    master = settings.get("spark.master") or os.environ.get("MASTER") or "local[*]"
    chosen = {"spark.master": master, **(LOCAL_DEFAULTS if master.startswith("local") else {})}
    if _workers_import_stoker(master, settings):
        chosen["spark.python.daemon.module"] = DAEMON
    return chosen


def _workers_import_stoker(master: str, settings: Mapping[str, str]) -> bool:
    """Whether they can for sure: in processes of this machine, with this Python, and with our path (`_launch`)."""
    same = os.environ.get("PYSPARK_PYTHON", sys.executable) == sys.executable and "spark.pyspark.python" not in settings
    return same and master.partition("[")[0] == "local" and os.name == "posix"


def _launch(conf: Any, scratch: Path, log: Path) -> list[str]:
    """Start the JVM in a session of its own, so that Ctrl-C in the terminal reaches only Python."""
    from pyspark import SparkContext
    from pyspark.java_gateway import launch_gateway

    fallbacks = []
    variables: dict[str, str] = {}
    if (conf.get("spark.master") or "").startswith("local"):
        # Else the workers are whatever `python3` is on the path.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
        # The workers import what the driver can: a user's functions are sent by name.
        variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    java = find_java(scratch)
    if java.fallback:
        logger.warning("%s", java.fallback)
        fallbacks.append(java.fallback)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output, _environment({**variables, "JAVA_HOME": str(java.home)}):
        gateway = launch_gateway(  # type: ignore[no-untyped-call]
            conf=conf, popen_kwargs={"start_new_session": True, "stdout": output, "stderr": output}
        )
        SparkContext._ensure_initialized(gateway=gateway, conf=conf)  # noqa: SLF001 - the only way to our own gateway
    return fallbacks


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the process that is started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _forget_gateway(context: Any) -> None:
    """After a failed start: the next try begins with a new JVM."""
    gateway = context._gateway  # noqa: SLF001
    if gateway is not None and context._active_spark_context is None:  # noqa: SLF001
        with contextlib.suppress(Exception):
            gateway.shutdown()
        process = getattr(gateway, "proc", None)
        if process is not None:
            process.stdin.close()
        context._gateway = context._jvm = None  # noqa: SLF001


def _not_started(error: Exception, log: Path | None) -> ConfigurationError:
    lines = log.read_text("utf-8", "replace").splitlines() if log is not None and log.exists() else []
    told = [line for line in lines if "Exception" in line or "Error" in line or "Caused by" in line]
    cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    details = "".join(f"\n    {line.strip()}" for line in (told or lines)[:6])
    return ConfigurationError(
        f"Spark did not start: {cause}{details}",
        state="No pipeline was run.",
        next_step=f"Check [spark] in the configuration{f'; the whole output is in {log}' if log else ''}.",
    )


def _connect_refused(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"Stoker does not run on Spark Connect ({why}): it needs the driver's JVM for publishing and metrics.",
        state="Nothing was started.",
        next_step="Unset SPARK_REMOTE, or submit the job to the cluster with spark-submit.",
    )
