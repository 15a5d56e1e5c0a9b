"""Checks as they are declared; no Spark."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from stoker import DefinitionError, Job, Pipeline, check, place, read, write
from stoker.checks.checker import example, example_columns
from stoker.checks.columns import mistakes_of, path_of
from stoker.checks.definitions import Rows
from stoker.checks.postgres import literal
from stoker.cli.plan import text
from stoker.entrypoint.summary import endings, row
from stoker.job.plan import make_plan
from stoker.record import CheckRecord, CheckState, PipelineRecord, RunRecord, SinkRecord, State
from stoker.secrets import redaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.project import Project

MISTAKES: dict[str, Callable[[], object]] = {
    "on_failure='ignore' is not known. Known: 'fail', 'warn'": lambda: check.not_null("a", on_failure="ignore"),
    "name= is a text": lambda: check.not_null("a", name=" "),
    "5 is no name of a column": lambda: check.not_null(5),  # type: ignore[arg-type]  # a mistake
    "names no column": check.unique,
    "names a column twice: a, a": lambda: check.unique("a", "a"),
    "the values are a list": lambda: check.values("a", "JFK"),
    "the set of values is empty": lambda: check.values("a", []),
    "null is not a value": lambda: check.values("a", [None]),  # type: ignore[list-item]  # a mistake
    "a list is not compared with": lambda: check.values("a", [[1]]),  # type: ignore[list-item]  # a mistake
    "nan is no number to compare with": lambda: check.between("a", float("nan"), None),
    "NUL character": lambda: check.values("a", ["\0"]),
    "the range has no end": lambda: check.between("a", None, None),
    "the range is empty": lambda: check.between("a", 2, 1),
    "the two ends are of different kinds": lambda: check.between("a", 1, "b"),
    "no limit is given": check.rows,
    "within= is a share": lambda: check.rows(within=-0.1),
    "True is no number of rows": lambda: check.rows(at_least=True),
    "at_least= is above at_most=": lambda: check.rows(at_least=2, at_most=1),
    "2 columns cannot be looked up in 1": lambda: check.references(("a", "b"), read.parquet("x"), "a"),
    "an expression is SQL text": lambda: check.expression(" "),
    "is no table name": lambda: check.table("a.b.c", connection="w"),
    "checks= is a list of checks, and 'unique' is none": lambda: write.csv("x", mode="append", checks=["unique"]),  # type: ignore[list-item]  # a mistake
    "has no keys": lambda: Pipeline(
        "p",
        extract={"a": read.parquet("x")},
        load=write.parquet("y", mode="append", checks=[check.references("a", "airlines")]),
    ),
}


@pytest.mark.parametrize("told", MISTAKES)
def test_what_can_never_work_is_refused_where_it_is_declared(told: str) -> None:
    """The message has what is wrong."""
    with pytest.raises(DefinitionError) as caught:
        MISTAKES[told]()
    assert told in str(caught.value)


def test_two_checks_that_ask_the_same_are_equal() -> None:
    """Whatever they are called, and whatever follows from them."""
    assert check.unique("a") == check.unique("a", on_failure="warn", name="key")
    assert check.unique("a") != check.unique("b")
    assert str(check.unique("a", name="key")) == "key"
    assert str(check.values("a", range(100))).endswith("...])")


@pytest.mark.parametrize(
    ("within", "rows", "before", "right"),
    [
        (0.2, 80, 100, True),
        (0.2, 120, 100, True),
        (0.2, 79, 100, False),
        (0.29, 71, 100, True),  # 0.29 * 100 is less than 29 in binary
        (0, 100, 100, True),
        (0, 101, 100, False),
        (0.2, 5, None, True),
        (0.2, 5, 0, True),
        (0.2, 0, 1, False),
    ],
)
def test_how_far_a_number_of_rows_may_be_from_the_last(
    within: float, rows: int, before: int | None, *, right: bool
) -> None:
    """Both ends belong to what is allowed; without rows to compare with there is nothing to refuse."""
    found, told = check.rows(within=within).judged(rows, before)
    assert found is right
    assert f"{rows:,} rows" in told
    assert ("no earlier run is known" in told) == (before is None)


def test_limits_of_the_number_of_rows() -> None:
    """The limits themselves are allowed."""
    limits = check.rows(at_least=2, at_most=3)
    assert isinstance(limits, Rows)
    assert [limits.judged(rows, None)[0] for rows in range(1, 5)] == [False, True, True, False]


INNER = StructType([StructField("x", IntegerType()), StructField("y.z", StringType())])
SCHEMA = StructType([StructField("a", INNER), StructField("a.x", StringType()), StructField("n", INNER)])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a", ("a",)),
        ("a.x", ("a.x",)),
        ("n.x", ("n", "x")),
        ("n.y.z", ("n", "y.z")),
        ("n.X", None),
        ("a.x.y", None),
        ("", None),
    ],
)
def test_where_a_column_is(name: str, path: tuple[str, ...] | None) -> None:
    """A name with a dot comes before the way into a struct."""
    assert path_of(SCHEMA, name) == path


def test_mistakes_name_what_is_near() -> None:
    """A missing column offers the close names."""
    assert mistakes_of(check.not_null("nn"), SCHEMA) == ["not_null(nn): there is no column 'nn'. Did you mean 'n'?"]


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        ("it's", "'it''s'"),
        ("a\\'b", r"E'a\\''b'"),
        (b"\x00'", r"E'\\x0027'"),
        (True, "true"),
        (-1, "'-1'"),
        (Decimal("1.50"), "'1.50'"),
        (date(2024, 1, 2), "'2024-01-02'"),
        (datetime(2024, 1, 2, 3, tzinfo=UTC), "'2024-01-02T03:00:00+00:00'"),
    ],
)
def test_values_are_quoted(value: Any, sql: str) -> None:
    """Whatever a value holds, it stays one."""
    assert literal(value) == sql


def test_examples_hide_secrets_and_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is masked before the text is cut, so that no part of it is shown."""
    monkeypatch.setattr(redaction, "_known", ())
    redaction.remember("sesame-open-sesame")
    shown = example([("a", "x" * 50 + "sesame-open-sesame"), ("b", None), ("c", "y" * 100)])
    assert shown == {"a": "x" * 50 + "***", "b": None, "c": "y" * 60 + "..."}
    assert example_columns(["z"], [f"c{at}" for at in range(20)])[:2] == ["z", "c0"]
    assert len(example_columns(["z"], [f"c{at}" for at in range(20)])) == 10


def test_a_plan_shows_checks_and_what_they_refer_to(project: Project) -> None:
    """With their edges and external keys; a connection that is not configured is a mistake."""
    lake = place("lake")
    keys = Pipeline("z_keys", extract={"a": read.parquet("x")}, load=write.parquet(lake / "keys", mode="replace"))
    checks = [
        check.unique("a", on_failure="warn"),
        check.references("a", keys),
        check.references("b", read.parquet(lake / "other")),
        check.references("a", check.table("t", connection="nowhere")),
    ]
    loads = Pipeline("a", extract={"a": read.parquet("y")}, load=write.json(lake / "a", mode="append", checks=checks))

    made = make_plan(Job("j", [loads, keys]), project.config(), None)

    assert [pipeline.name for pipeline in made.pipelines] == ["z_keys", "a"]
    assert made.pipelines[1].after == ["z_keys"]
    [mistake] = made.mistakes
    assert "The connection 'nowhere' is not configured" in mistake
    shown = text(made)
    assert "warns unless unique(a)" in shown
    assert f"only if references(a -> z_keys: a), in {project.lake}/keys" in shown
    assert f"{project.lake}/other" in made.external
    assert f"{project.lake}/keys" not in made.external
    assert json.loads(json.dumps(made.to_json()))["pipelines"][1]["sinks"][0]["checks"][1]["pipeline"] == "z_keys"


def test_what_warned_is_told_at_the_end() -> None:
    """The table counts it, and a line below says it."""
    found = [
        CheckRecord("unique(a)", "warn", CheckState.WARNED, violations=1200, rows=5000),
        CheckRecord("rows(at_least=9)", "warn", CheckState.WARNED, rows=5, detail="5 rows, and 9 is the least"),
        CheckRecord("not_null(a)", "fail", CheckState.PASSED, violations=0, rows=5000),
    ]
    sink = SinkRecord("parquet", "/lake/a", "replace", published=True, checks=found)
    pipeline = PipelineRecord("p", State.SUCCEEDED, sinks=[sink])
    record = RunRecord("one", "j", "development", datetime.now(UTC), State.SUCCEEDED, pipelines=[pipeline])

    assert row(pipeline)[1] == "succeeded, 2 checks warned"
    assert endings(record)[:2] == [
        "p: check unique(a) on /lake/a warned: 1,200 of 5,000 rows",
        "p: check rows(at_least=9) on /lake/a warned: 5 rows, and 9 is the least",
    ]
