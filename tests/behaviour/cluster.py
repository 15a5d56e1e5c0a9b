"""Clusters of real executors, each with a driver that does what a test asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from behaviour.driver import ANSWER
from stoker.spark.java import find_java
from support.aws import free_port
from support.submitted import spark_home
from support.warehouse import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behaviour.target import Target

TESTS = Path(__file__).resolve().parent.parent


class Cluster:
    """A driver that runs.

    Args:
        process: Its process.
        log: Where its errors go.
    """

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self._answer()

    def run(self, target: Target, how: str, run_id: str) -> str:
        """Run a transformer of `behaviour.deadly` into the target, which must succeed.

        Returns:
            What its tasks have left in their mark; nothing, if they passed by it.
        """
        asked = {"case": str(target.case), "folder": str(target.folder), "where": target.where}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**asked, "how": how, "run_id": run_id}) + "\n")
        self._process.stdin.flush()
        error = json.loads(self._answer())
        assert error is None, error
        mark = target.folder / "mark"
        return mark.read_text("utf-8") if mark.exists() else ""

    def _answer(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(ANSWER):
                return line.removeprefix(ANSWER)
        raise AssertionError(f"the driver has ended: {self._log.read_text('utf-8')[-3000:]}")


@contextmanager
def local_cluster(folder: Path, password: str) -> Iterator[Cluster]:
    """Two executors with a core each, on one host."""
    with _driver(
        folder, "local-cluster[2,1,1024]", {"SPARK_HOME": str(spark_home(folder)), PASSWORD: password}
    ) as made:
        yield made


@contextmanager
def two_hosts(folder: Path, password: str) -> Iterator[Cluster]:
    """Two executors on two hosts, which Spark asks for before it starts a copy of a task: both are this machine."""
    port, home = free_port(), spark_home(folder)
    master = f"spark://127.0.0.1:{port}"
    variables = {"SPARK_HOME": str(home), PASSWORD: password, "JAVA_HOME": str(find_java(folder).home)}
    start = [str(home / "bin" / "spark-class")]
    worker = ["--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir"]
    commands = [
        [
            *start,
            "org.apache.spark.deploy.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--webui-port",
            "0",
        ],
        *(
            [*start, "org.apache.spark.deploy.worker.Worker", "--host", host, *worker, str(folder / host), master]
            for host in ("127.0.0.1", "127.0.0.2")
        ),
    ]
    processes = []
    try:
        for command in commands:
            with (folder / "cluster.log").open("ab") as log:
                processes.append(subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log))
        with _driver(folder, master, variables) as made:
            yield made
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextmanager
def _driver(folder: Path, master: str, variables: dict[str, str]) -> Iterator[Cluster]:
    log = folder / "driver.log"
    environment = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "behaviour.driver", str(folder), master],
            env=environment,
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        with process:
            yield Cluster(process, log)
            assert process.stdin is not None
            process.stdin.close()  # it ends
    finally:
        process.kill()
