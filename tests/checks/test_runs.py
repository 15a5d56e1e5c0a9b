"""Checks in runs: what is published, what the record and the messages say, kills and second attempts."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from stoker import (
    Check,
    CheckState,
    DefinitionError,
    Endpoint,
    Job,
    Load,
    Loaded,
    Pipeline,
    RunRecord,
    Sink,
    check,
    place,
    read,
    write,
)
from stoker.checks.spark import SparkChecker
from stoker.record import schema as record_schema
from support.child import run_child
from support.loads import SCHEMA, as_rows, rows_of, write_rows
from support.warehouse import PASSWORD, configure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession

    from stoker import Context, Names
    from stoker.checks import Measured
    from stoker.postgres.connections.connection import ConnectionInfo
    from support.project import Project

lake = place("lake")
rows_source = read.csv(place("source") / "rows.csv", schema=SCHEMA)


def job(load: Sink | Sequence[Sink], transform: Any = None, others: Sequence[Pipeline] = ()) -> Job:
    """A job that loads `source/rows.csv`."""
    return Job("j", [Pipeline("p", extract={"rows": rows_source}, transform=transform, load=load), *others])


def run(project: Project, spark: SparkSession, load: Any, transform: Any = None, **options: Any) -> RunRecord:
    """Run it and check that its record is as its schema says."""
    made = job(load, transform, options.pop("others", ()))
    record = made.run(spark=spark, config=project.folder / "stoker.toml", **options)
    for document in project.records():
        jsonschema.validate(document, record_schema())
    return record


def parquet(*checks: Check, name: str = "rows", mode: str = "replace") -> Sink:
    """A sink with checks."""
    return write.parquet(lake / name, mode=mode, checks=list(checks))


def error_of(record: RunRecord) -> str:
    """All that the error of the pipeline says."""
    error = record.pipeline("p").error
    assert error
    return " ".join(str(value) for value in error.values())


@pytest.fixture(autouse=True)
def _rows(project: Project) -> None:
    write_rows(project.folder, "1")


def test_a_check_that_fails_leaves_the_old_rows(spark: SparkSession, project: Project) -> None:
    """Nothing is published, no staging is left; the error names check, counts, examples and the next step."""
    assert run(project, spark, parquet()).state == "succeeded"
    write_rows(project.folder, "2")

    record = run(
        project,
        spark,
        parquet(check.between("version", 0, 1), check.not_null("id"), check.unique("part", name="one a part")),
    )

    told = error_of(record)
    assert record.state == "failed"
    assert "CheckError" in told
    assert "2 of 3 checks failed" in told
    assert "between(version, 0, 1): 30 of 30 rows, such as version=2, id=" in told
    assert "one a part: 27 of 30 rows, such as part=1, count(*)=10" in told
    assert "Nothing was published" in told
    assert 'on_failure="warn"' in told
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == rows_of(1)
    assert project.leftovers() == []
    [sink] = record.pipeline("p").sinks
    assert [(each.name, str(each.state), each.violations, each.rows) for each in sink.checks] == [
        ("between(version, 0, 1)", "failed", 30, 30),
        ("not_null(id)", "passed", 0, 30),
        ("one a part", "failed", 27, 30),
    ]
    assert len(sink.checks[0].examples) == 5


def test_a_check_that_warns_publishes(spark: SparkSession, project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """The rows are published, a WARNING tells of it, and the record has it."""
    with caplog.at_level(logging.WARNING):
        record = run(project, spark, parquet(check.values("part", [1, 2], on_failure="warn")))

    assert record.state == "succeeded"
    [found] = record.pipeline("p").sinks[0].checks
    assert (found.state, found.violations) == (CheckState.WARNED, 10)
    assert "values(part, [1, 2]): 10 of 30 rows" in caplog.text
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == rows_of(1)


def test_a_number_of_rows_is_held_against_the_last_run(spark: SparkSession, project: Project) -> None:
    """The first run passes and says that there is nothing to compare with; a run that failed is no last run."""
    load = parquet(check.rows(within=0.2, at_least=1))
    first = run(project, spark, load)
    write_rows(project.folder, "2", (1, 2))
    fewer = run(project, spark, load)
    write_rows(project.folder, "3", (1, 2, 3))
    same = run(project, spark, load)

    assert [record.state for record in (first, fewer, same)] == ["succeeded", "failed", "succeeded"]
    [found] = first.pipeline("p").sinks[0].checks
    assert (found.violations, found.rows) == (None, 30)
    assert found.detail == "30 rows; no earlier run is known to compare with"
    assert "rows(within=0.2, at_least=1): 20 rows, 30 in the run before (-33.3%)" in error_of(fewer)


def test_what_staged_files_prove_is_not_computed(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at the files that a sink has staged here is enough for a key, and for a column that may not be null."""

    def measure(_: SparkChecker, checks: Sequence[Check]) -> list[Measured]:
        raise AssertionError(checks)

    monkeypatch.setattr(SparkChecker, "measure", measure)
    record = run(project, spark, [parquet(check.not_null("id"), check.unique("id"))])
    assert [(each.state.value, each.violations, each.rows) for each in record.pipeline("p").sinks[0].checks] == [
        ("passed", 0, 30),
        ("passed", 0, 30),
    ]


def test_what_two_sinks_check_is_computed_once(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first sink that has a check computes it, in one query with its others; each sink's record has what it asked."""
    asked: list[list[str]] = []
    measure = SparkChecker.measure

    def counted(self: SparkChecker, checks: Sequence[Check]) -> list[Measured]:
        asked.append([str(each) for each in checks])
        return measure(self, checks)

    monkeypatch.setattr(SparkChecker, "measure", counted)
    record = run(
        project,
        spark,
        [
            write.csv(lake / "csv", mode="replace", checks=[check.unique("part", on_failure="warn")]),
            parquet(check.expression("id >= 0"), check.unique("part", on_failure="warn", name="again")),
        ],
    )

    assert asked == [["unique(part)"], ["expression(id >= 0)"]]
    assert [[each.name for each in sink.checks] for sink in record.pipeline("p").sinks] == [
        ["unique(part)"],
        ["expression(id >= 0)", "again"],
    ]
    assert [sink.checks[-1].violations for sink in record.pipeline("p").sinks] == [27, 27]


def test_keys_of_another_pipeline(spark: SparkSession, project: Project) -> None:
    """A pipeline that a check refers to runs first, whatever its name is; what it lacks are violations."""
    known = Pipeline(
        "z",
        extract={"rows": rows_source},
        transform=lambda rows: rows.filter("part < 3").selectExpr("part AS number").distinct(),
        load=write.parquet(lake / "known", mode="replace"),
    )

    record = run(project, spark, parquet(check.references("part", known, "number")), others=[known])

    assert [each.name for each in record.pipelines] == ["z", "p"]
    assert "references(part -> z: number): 10 of 30 rows, such as part=3, count(*)=10" in error_of(record)


KEYS = "number,label\n1,one\n2,two\n"


@pytest.mark.parametrize(
    ("kind", "sink"),
    [
        ("table", "files"),
        ("source", "postgres"),
        pytest.param("source", "files", marks=pytest.mark.faults),
        pytest.param("table", "postgres", marks=pytest.mark.faults),
    ],
)
def test_keys_of_files_and_tables(
    spark: SparkSession,
    project: Project,
    info: ConnectionInfo,
    db: Connection,
    schema: str,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    sink: str,
) -> None:
    """Keys may be in files or in a table, and the rows for files or for a table: the same are found to be missing."""
    monkeypatch.setenv(PASSWORD, str(info.password))
    configure(project, info)
    project.write("source/keys.csv", KEYS)
    db.run(f'CREATE TABLE {schema}.keys ("number" int, label text)')
    db.run(f"INSERT INTO {schema}.keys VALUES (1, 'one'), (2, 'two'), (NULL, 'none')")
    known: Any = read.csv(place("source") / "keys.csv", schema="number int, label string")
    if kind == "table":
        known = check.table(f"{schema}.keys", connection="warehouse")
    checks = [
        check.references("part", known, "number"),
        check.references(("part", "label"), known, ("number", "label"), on_failure="warn"),
    ]
    load = parquet(*checks)
    if sink == "postgres":
        load = write.postgres(f"{schema}.rows", connection="warehouse", mode="replace", checks=checks)

    record = run(
        project,
        spark,
        load,
        lambda rows: rows.selectExpr("*", "CASE WHEN part = 1 THEN 'one' WHEN id % 2 = 0 THEN 'no' END AS label"),
    )

    found = record.pipeline("p").sinks[0].checks
    assert [(each.state, each.violations, each.rows) for each in found] == [("failed", 10, 30), ("warned", 10, 30)]
    assert found[0].examples == [{"part": "3", "count(*)": "10"}]
    assert found[1].examples == [
        {"part": "2", "label": "no", "count(*)": "5"},
        {"part": "3", "label": "no", "count(*)": "5"},
    ]
    assert db.run("SELECT to_regclass(:name)", name=f"{schema}.rows") == [[None]]
    assert not (project.lake / "rows").exists()


def load_checked(spark: SparkSession, folder: Path, version: str, run_id: str) -> None:
    """Run it in a process of its own, with a check that passes; fails loudly if the run did not succeed."""
    write_rows(folder, version)
    record = job(parquet(check.unique("id"))).run(spark=spark, config=folder / "stoker.toml", run_id=run_id)
    if record.state != "succeeded":
        raise SystemExit(str(record.pipelines[0].error))


@pytest.mark.parametrize("point", ["pipeline.checked", pytest.param("pipeline.all_staged", marks=pytest.mark.faults)])
def test_a_kill_beside_the_checks_leaves_the_old_rows(spark: SparkSession, project: Project, point: str) -> None:
    """What was checked and not published is staged and checked again by the same run id."""
    load_checked(spark, project.folder, "1", "one")

    killed = run_child(spark, project.folder, "checks.test_runs:load_checked", "2", "two", STOKER_FAILPOINT=point)

    assert killed.returncode == -9, killed.stderr
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == rows_of(1)
    load_checked(spark, project.folder, "3", "two")
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == rows_of(3)
    assert project.leftovers() == []


def test_what_is_published_is_not_checked_again(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the whole of a run, nor the rest of one that was cut between two sinks."""
    never = check.expression("false")
    assert run(project, spark, parquet(), run_id="one").state == "succeeded"
    again = run(project, spark, parquet(never), run_id="one")
    assert again.state == "succeeded"
    assert again.pipeline("p").sinks[0].checks == []

    sinks = [parquet(name="a"), parquet(name="b")]
    with monkeypatch.context() as armed:
        armed.setattr("stoker.failpoints._armed", {"pipeline.one_published": "raise"})
        assert run(project, spark, sinks, run_id="two").state == "failed"
    assert run(project, spark, [parquet(never, name="a"), parquet(never, name="b")], run_id="two").state == "succeeded"


MISTAKES = {
    "no column": (check.not_null("idd"), "there is no column 'idd'. Did you mean 'id'?"),
    "not in a struct": (check.unique("tags.x.z"), "there is no column 'tags.x.z'"),
    "wrong type": (check.between("part", "a", "b"), "column part is int, and 'a' is a text"),
    "wrong value": (check.values("label", [1]), "column label is string, and 1 is a number"),
    "no equality": (check.unique("map"), "column map is map<int,int>, which is not compared"),
    "no SQL": (check.expression("id >"), "syntax error"),
    "no condition": (check.expression("id + 1"), "int"),
    "no column in SQL": (check.expression("idd > 1"), "idd"),
    "an aggregate": (check.expression("max(id) > 1"), "max(id)"),
}


def test_checks_that_cannot_be_computed_are_told_together(spark: SparkSession, project: Project) -> None:
    """Before any row is computed: all of them in one error, with the close names."""

    def transform(rows: DataFrame) -> DataFrame:
        return rows.selectExpr("*", "'x' AS label", "struct(id AS x) AS tags", "map(id, part) AS map")

    record = run(project, spark, parquet(*(each for each, _ in MISTAKES.values()), check.not_null("tags.x")), transform)

    told = error_of(record)
    assert [what for _, what in MISTAKES.values() if what.lower() not in told.lower()] == [], told
    assert "No row was computed" in told
    assert "tags.x)" not in told
    assert spark.sparkContext.statusTracker().getJobIdsForGroup(f"stoker-{record.run_id}-p") == []


def test_postgres_tells_what_cannot_be_computed(
    spark: SparkSession, project: Project, info: ConnectionInfo, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expressions are the server's SQL, and it says what is wrong before any row is computed."""
    monkeypatch.setenv(PASSWORD, str(info.password))
    configure(project, info)
    mistakes = [each for name, (each, _) in MISTAKES.items() if "SQL" in name or "an " in name or "condition" in name]
    known = check.table(f"{schema}.nowhere", connection="warehouse")
    checks = [check.not_null("idd"), *mistakes, check.references("id", known)]

    record = run(
        project, spark, write.postgres(f"{schema}.rows", connection="warehouse", mode="replace", checks=checks)
    )

    told = error_of(record)
    assert len(told.split("\n  - ")) == len(checks) + 1, told
    for what in ("'idd'", "syntax error", "boolean", 'column "idd" does not exist', "aggregate", "nowhere"):
        assert what in told
    assert spark.sparkContext.statusTracker().getJobIdsForGroup(f"stoker-{record.run_id}-p") == []


def test_an_expression_that_fails_on_a_row(spark: SparkSession, project: Project) -> None:
    """The error is the check's, and not the transformer's; nothing is published."""
    told = error_of(run(project, spark, parquet(check.expression("raise_error('no ' || id) IS NULL"))))
    assert "The checks cannot be computed: " in told
    assert "no 1" in told
    assert not (project.lake / "rows").exists()


def test_texts_with_line_ends_and_no_rows_at_all(spark: SparkSession, project: Project) -> None:
    """What CSV and JSON have staged is read back as it was; no rows violate nothing."""
    checks = [
        check.rows(at_most=30),
        check.not_null("note"),
        check.values("note", ['a\n"b", c']),
        check.unique("tags.x"),
        check.unique("id"),
    ]

    def noted(rows: DataFrame) -> DataFrame:
        return rows.selectExpr("*", "'a\\n\"b\", c' AS note", "struct(id AS x) AS tags")

    load = {
        "csv": write.csv(lake / "c", mode="replace", checks=checks[:3]),
        "json": write.json(lake / "j", mode="replace", checks=checks),
        "none": parquet(*checks, name="n"),
    }

    def parted(rows: DataFrame) -> dict[str, DataFrame]:
        return {"csv": noted(rows).drop("tags"), "json": noted(rows), "none": noted(rows).filter("false")}

    record = run(project, spark, load, parted)
    assert record.state == "succeeded", error_of(record)
    found = [[each.rows for each in sink.checks] for sink in record.pipeline("p").sinks]
    assert found == [[30] * 3, [30] * 5, [0] * 5]


def test_a_connector_that_cannot_be_read_back(spark: SparkSession, project: Project) -> None:
    """Its checks are refused before any row is computed; beside files they are computed there, for the rows are the same."""
    alone = Kept((check.unique("part"),))

    told = error_of(run(project, spark, alone))
    both = run(project, spark, [alone, parquet()])

    assert "cannot be read back" in told
    assert "staged()" in told
    assert "unique(part): 27 of 30 rows" in error_of(both)
    with pytest.raises(DefinitionError, match="checks= is a list of checks"):
        job(Kept(("unique",)))  # type: ignore[arg-type]  # a mistake


@dataclass(frozen=True)
class Kept(Sink):
    """A sink that keeps nothing."""

    checks: tuple[Check, ...] = ()
    mode: str = "replace"

    def describe(self, names: Names) -> Endpoint:
        """A name."""
        del names
        return Endpoint("kept", "kept", self.mode)

    def open(self, context: Context) -> Load:
        """A load."""
        del context
        return KeptLoad()


class KeptLoad(Load):
    """Reads the rows and forgets them."""

    def stage(self, frame: DataFrame, label: str) -> Loaded:
        """Count."""
        del label
        return Loaded(rows=frame.count())

    def publish(self) -> Loaded:
        """Show nothing."""
        return Loaded()

    def close(self) -> None:
        """Nothing is left."""
