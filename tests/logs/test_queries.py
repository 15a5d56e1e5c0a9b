"""The queries of the page of logging, on lines as they lie in S3."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql.types import StructType

from stoker import logs
from stoker.logs.ship.delivery import Delivery
from stoker.logs.ship.outbox import Outbox
from support.spools import line, segment

if TYPE_CHECKING:
    from typing import BinaryIO

    from pyspark.sql import SparkSession

PAGE = (Path(__file__).parents[2] / "docs" / "architecture" / "LOGGING.md").read_text("utf-8")


class Folder:
    """A store that is a folder."""

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)

    def put(self, key: str, body: BinaryIO) -> None:
        """Write it."""
        path = Path(self.where, key)
        path.parent.mkdir(parents=True)
        path.write_bytes(body.read())


def test_the_queries_for_spark_find_what_they_look_for(spark: SparkSession, tmp_path: Path) -> None:
    """Both of them, as they are on the page, but for the bucket: errors, and warnings with them."""
    lines = [
        line(1),
        line(2, level="ERROR", job="flights"),
        line(3, level="WARNING", job="flights"),
        line(4, level="ERROR"),
    ]
    segment(tmp_path / "spool", 1, lines)
    Delivery(Outbox(tmp_path / "spool"), Folder(tmp_path / "lines")).work(force=True, now=True)
    code = [block for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) if "logs.SCHEMA" in block]
    assert len(code) == 2
    first, second = (block.replace("s3://my-logs/flights", str(tmp_path / "lines")) for block in code)
    known = {"spark": spark, "logs": logs}

    errors = eval(first, known)  # noqa: S307 - our own page
    exec(second.replace("lines.where", "found = lines.where"), known)  # noqa: S102 - as above

    assert sorted(row["msg"] for row in errors.collect()) == ["line 2", "line 4"]
    found = known["found"].collect()  # type: ignore[attr-defined]
    assert sorted((row["run"], row["msg"]) for row in found) == [("r-1", "line 2"), ("r-1", "line 3")]


def test_the_statements_for_athena_are_read(spark: SparkSession) -> None:
    """By Spark, which has Hive's grammar as Athena has; and a line has the columns of the table."""
    statements = [
        statement.strip()
        for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
        for statement in block.split(";")
        if statement.strip()
    ]
    assert [statement.split()[0] for statement in statements] == ["CREATE", "MSCK", "SELECT", "ALTER", "SELECT"]
    session = spark._jsparkSession

    for statement in statements:
        session.sessionState().sqlParser().parsePlan(statement)

    columns = statements[0].partition("(")[2].partition(")\nPARTITIONED")[0]
    of_lines = logs.SCHEMA.replace("TIMESTAMP", "STRING")  # Athena reads no moments with a zone
    assert _columns(columns) == _columns(of_lines)


def _columns(text: str) -> dict[str, str]:
    """Their types by name."""
    found = StructType.fromDDL(text)
    assert isinstance(found, StructType)
    return {field.name: field.dataType.simpleString() for field in found}
