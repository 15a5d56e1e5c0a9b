"""A driver whose executors are processes of their own. It runs what a test asks for, a line of JSON at a time.

`python driver.py FOLDER MASTER`; each answer is a line that begins with `ANSWER`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from behaviour import deadly
from behaviour.sinks import CASES
from behaviour.target import Target
from stoker.postgres.sending.copy import copy_function
from stoker.spark.session import obtain_session

ANSWER = "ANSWER "


def main(folder: Path, master: str) -> None:
    """Answer until the test has no more to ask."""
    settings = {
        "spark.master": master,
        "spark.ui.enabled": "false",
        "spark.executor.cores": "1",
        "spark.executor.memory": "1g",
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        # Several batches in a partition, so that there is a midst.
        "spark.sql.execution.arrow.maxRecordsPerBatch": "500",
        "spark.speculation": "true",
        "spark.speculation.interval": "100ms",
        "spark.speculation.quantile": "0.5",
        # Lost files of a shuffle are noticed by asking for them.
        "spark.shuffle.io.maxRetries": "1",
        "spark.shuffle.io.retryWait": "100ms",
    }
    spark = obtain_session(settings, application="driver", scratch=folder).spark
    print(ANSWER, flush=True)  # noqa: T201 - it is ready
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        target = Target(CASES[asked["case"]], spark, Path(asked["folder"]), asked["where"])
        mark = str(target.folder / "mark")
        copy = deadly.dies_after_its_commit(copy_function, mark) if asked["how"] == "plain" else copy_function
        transform = getattr(deadly, asked["how"])
        with mock.patch("stoker.postgres.sending.send.copy_function", copy):
            record = target.run(asked["run_id"], lambda rows: transform(rows, mark))  # noqa: B023 - called in this round
        print(ANSWER + json.dumps(record.pipelines[0].error), flush=True)  # noqa: T201 - as said above


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
    os._exit(0)
