from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from stoker import logs
from stoker.logs.handler import LineHandler
from stoker.logs.json_lines import JsonFormatter

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.smoke


def test_spark_reads_the_lines_by_the_schema(spark: SparkSession, tmp_path: Path) -> None:
    """Moments to the microsecond, exceptions, and whatever text there is; also of the segment that is still written."""
    logger = logging.Logger("flights", logging.DEBUG)  # noqa: LOG001 - pytest's own handlers need not see it
    spool = logs.Spool(tmp_path)
    logger.addHandler(LineHandler(JsonFormatter(), [spool]))
    messages = [
        "plain",
        "two\nlines",
        "half \udcff of a pair",
        "é € 😀 \u2028 \0 end",
        '"quoted" \\ {"a": 1}',
        "x" * 200_000,
    ]
    before = datetime.now(UTC)
    with logs.log_context(pipeline="p"):
        for message in messages:
            logger.info("%s", message, extra={"rows": 3})
        try:
            [].pop()
        except IndexError:
            logger.exception("failed")

    rows = spark.read.schema(logs.SCHEMA).json(str(tmp_path)).orderBy("ts").collect()

    assert len(rows) == len(messages) + 1
    assert [row.msg for row in rows[:2]] == messages[:2]
    assert rows[2].msg == "half \\udcff of a pair"
    assert [row.msg for row in rows[3:5]] == messages[3:5]
    moments = [row.ts.astimezone(UTC) for row in rows]
    assert before <= moments[0] <= moments[-1] <= datetime.now(UTC)
    assert any(moment.microsecond % 1000 for moment in moments)
    assert {row.level for row in rows} == {"INFO", "ERROR"}
    assert rows[0].context == {"pipeline": "p", "rows": "3"}
    failure = rows[-1].exception
    assert (failure["class"], failure.msg) == ("IndexError", "pop from empty list")
    assert failure.stacktrace[-1].file == __file__
    spool.close()


def test_lines_of_pysparks_own_loggers_are_read_by_the_same_schema(spark: SparkSession, tmp_path: Path) -> None:
    """As those of Spark 4's JVM."""
    pytest.importorskip("pyspark.logger")
    (tmp_path / "jvm.jsonl").write_text(
        '{"ts":"2026-01-01T10:00:00.123Z","level":"WARN","msg":"m","context":{"task_id":"1"},"logger":"org.apache.spark.X"}\n'
        '{"ts":"2026-01-01 10:00:00.456","level":"ERROR","logger":"PySparkLogger","msg":"m","context":{},"exception":'
        '{"class":"ValueError","msg":"x","stacktrace":[{"class":null,"method":"f","file":"a.py","line":"1"}]}}\n'
    )

    rows = spark.read.schema(logs.SCHEMA).json(str(tmp_path)).collect()

    assert [(row.level, row.ts is None) for row in rows] == [("WARN", False), ("ERROR", False)]
