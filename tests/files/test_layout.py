"""How many files are written, what they are called, and what is in which."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from stoker import DefinitionError, Job, Pipeline, RunRecord, param, place, read, write
from stoker.spark.ordering import ordering
from support.child import run_child
from support.loads import SCHEMA, as_rows, preview, report, rows_of, write_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project

lake = place("lake")
rows = read.csv(place("source") / "rows.csv", schema=SCHEMA)


def run(spark: SparkSession, project: Project, sink: Any, transform: Any = None, *more: Pipeline) -> RunRecord:
    """Load the rows through a sink."""
    pipeline = Pipeline("rows", extract={"rows": rows}, transform=transform, load=sink)
    record = Job("layout", [pipeline, *more]).run(spark=spark, config=project.folder / "stoker.toml")
    assert record.state == "succeeded", record.to_json()
    return record


def lines(project: Project) -> list[list[str]]:
    """The lines of each CSV file in `lake/out`, without headers, in the order of the files."""
    paths = sorted((project.lake / "out").rglob("*.csv"))
    return [path.read_text().splitlines()[1:] for path in paths]


@pytest.fixture(autouse=True)
def _rows(project: Project) -> None:
    write_rows(project.folder, "1")


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("files", "sort", "sizes"),
    [
        (3, False, [10, 10, 10]),
        (3, True, None),
        pytest.param(1, False, [30], marks=pytest.mark.faults),
        pytest.param(1, True, [30], marks=pytest.mark.faults),
    ],
)
def test_a_sink_writes_as_many_files_as_it_is_told(
    spark: SparkSession, project: Project, files: int, *, sort: bool, sizes: list[int] | None
) -> None:
    """However many tasks there were before; what the transformer sorted stays so, within the files and from one to the next."""

    def dealt(rows: Any) -> Any:
        rows = rows.repartition(7)
        return rows.orderBy(F.col("part") % 2, F.desc("id")) if sort else rows

    record = run(spark, project, write.csv(lake / "out", mode="replace", files=files), dealt)

    found = lines(project)
    assert [len(part) for part in found] == sizes or len(found) == files
    assert record.pipelines[0].sinks[0].files == files
    ids = [int(line.partition(",")[0]) for part in found for line in part]
    assert sorted(ids) == [row[0] for row in rows_of(1)]
    if sort:
        assert ids == sorted(ids, key=lambda each: (each // 10 % 2, -each))


def test_a_partition_has_one_file(spark: SparkSession, project: Project) -> None:
    """With `partition_by`, `files=1` is one file in each partition, still sorted."""
    sink = write.csv(lake / "out", mode="replace", partition_by=["part"], files=1)

    run(spark, project, sink, lambda rows: rows.repartition(7).orderBy(F.desc("id")))

    assert [path.parent.name for path in sorted((project.lake / "out").rglob("*.csv"))] == [
        "part=1",
        "part=2",
        "part=3",
    ]
    assert [line.partition(",")[0] for line in lines(project)[0]] == [str(each) for each in range(19, 9, -1)]


def test_a_file_is_cut_after_so_many_rows(spark: SparkSession, project: Project) -> None:
    """`max_rows_per_file` is the writer's own option: the session's setting stays."""
    run(spark, project, write.csv(lake / "out", mode="replace", files=1, max_rows_per_file=12))

    assert sorted(len(part) for part in lines(project)) == [6, 12, 12]
    assert spark.conf.get("spark.sql.files.maxRecordsPerFile") == "0"


@pytest.mark.smoke
def test_a_report_is_one_plain_file(spark: SparkSession, project: Project) -> None:
    """It has the name that was given, beside other files, which are left alone; it is replaced as a whole."""
    reports = project.lake / "reports"
    reports.mkdir(parents=True)
    (reports / "notes.txt").write_text("mine")

    first = report(spark, project.folder, "1", "run-1")
    report(spark, project.folder, "2", "run-2")

    assert first.pipelines[0].sinks[0].where == str(reports / "rows.csv")
    expected = [f"{one},{two},{three}" for one, two, three in reversed(rows_of(2))]
    assert (reports / "rows.csv").read_text().splitlines() == ["id,part,version", *expected]
    assert sorted(path.name for path in reports.iterdir()) == [".stoker-rows.csv", "notes.txt", "rows.csv"]
    assert project.leftovers() == []
    again = Pipeline("again", extract={"rows": read.csv(lake / "reports" / "rows.csv", schema=SCHEMA)})
    assert as_rows(preview(again, spark, project.folder)) == rows_of(2)


@pytest.mark.parametrize(
    "form", ["csv", *(pytest.param(form, marks=pytest.mark.faults) for form in ("json", "parquet"))]
)
def test_a_report_without_rows_is_a_file(spark: SparkSession, project: Project, form: str) -> None:
    """An empty frame gives a file with the header, an empty one, or one with the schema."""
    sink = getattr(write, form)(lake / "reports", mode="replace", files=1, name=f"rows.{form}")

    run(spark, project, sink, lambda rows: rows.filter("id < 0"))

    written = project.lake / "reports" / f"rows.{form}"
    assert written.is_file()
    assert form != "csv" or written.read_text() == "id,part,version\n"
    options = {} if form == "parquet" else {"schema": SCHEMA}
    source = getattr(read, form)(lake / "reports" / f"rows.{form}", **options)
    again = preview(Pipeline("again", extract={"rows": source}), spark, project.folder)
    assert (again.columns, again.count()) == (["id", "part", "version"], 0)


def test_a_pipeline_reads_the_single_file_of_another(spark: SparkSession, project: Project) -> None:
    """A named Parquet file keeps types, and a second sink of the frame reads it back."""
    first = Pipeline(
        "first",
        extract={"rows": rows},
        load=[
            write.parquet(lake / "one", mode="replace", files=1, name="rows.parquet"),
            write.csv(lake / "one", mode="replace", files=1, name="rows.csv.gz", compression="gzip"),
        ],
    )
    second = Pipeline("second", extract={"rows": first}, load=write.json(lake / "two", mode="replace", files=1))

    record = Job("j", [first, second]).run(spark=spark, config=project.folder / "stoker.toml")

    assert record.state == "succeeded", record.to_json()
    assert as_rows(spark.read.parquet(str(project.lake / "one" / "rows.parquet"))) == rows_of(1)
    packed = gzip.decompress((project.lake / "one" / "rows.csv.gz").read_bytes()).decode()
    assert len(packed.splitlines()) == 31
    (part,) = (project.lake / "two").glob("*.json")
    assert json.loads(part.read_text().splitlines()[0]).keys() == {"id", "part", "version"}


POINTS = [
    "files.stage.written",
    "files.publish.begin",
    "files.publish.intent_written",
    "files.publish.moved",
    "files.publish.committed",
    "files.publish.intent_removed",
]


@pytest.mark.parametrize(
    "point", [pytest.param(point, marks=() if "intent_written" in point else pytest.mark.faults) for point in POINTS]
)
def test_a_kill_leaves_the_old_report_or_the_new_one(spark: SparkSession, project: Project, point: str) -> None:
    """Stoker's sources see what was decided, plain readers a whole file, and running again ends it."""
    report(spark, project.folder, "1", "run-1")

    killed = run_child(spark, project.folder, "support.loads:report", "2", "run-2", STOKER_FAILPOINT=point)

    assert killed.returncode == -9, killed.stderr
    undecided = point in {"files.stage.written", "files.publish.begin"}
    source = read.csv(lake / "reports" / "rows.csv", schema=SCHEMA)
    seen = as_rows(preview(Pipeline("seen", extract={"rows": source}), spark, project.folder))
    assert seen == rows_of(1 if undecided else 2)
    plain = (project.lake / "reports" / "rows.csv").read_text().splitlines()
    assert len(plain) == 31
    assert plain[1].endswith(",1" if undecided or point == "files.publish.intent_written" else ",2")
    report(spark, project.folder, "2", "run-2")
    assert (project.lake / "reports" / "rows.csv").read_text().splitlines()[1] == "39,3,2"
    assert project.leftovers() == []


def test_somebody_elses_file_or_folder_is_no_report(spark: SparkSession, project: Project) -> None:
    """A file that Stoker did not write is refused unless it is adopted, with a checksum that Hadoop left; a folder always."""
    sink = write.csv(lake / "reports", mode="replace", files=1, name="rows.csv")
    theirs = project.lake / "reports" / "rows.csv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    theirs.with_name(".rows.csv.crc").write_bytes(b"crc\0\0\0\x02\0 a checksum of their file")
    job = Job("j", [Pipeline("p", extract={"rows": rows}, load=sink)])

    refused = job.run(spark=spark, config=project.folder / "stoker.toml").pipelines[0].error

    assert refused
    assert "rows.csv is a file that Stoker did not write" in str(refused["message"])
    assert theirs.read_text() == "theirs"
    run(spark, project, write.csv(lake / "reports", mode="replace", files=1, name="rows.csv", adopt=True))
    assert spark.read.csv(str(theirs)).count() == 31
    theirs.unlink()
    theirs.mkdir()
    folder = job.run(spark=spark, config=project.folder / "stoker.toml").pipelines[0].error
    assert folder
    assert "is a folder, and with name= a sink publishes a file" in str(folder["message"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"files": 0}, "files=0 is no number of 1 or more"),
        ({"files": True}, "files=True is no number"),
        ({"max_rows_per_file": "9"}, "max_rows_per_file='9' is no number"),
        ({"files": 2, "partition_by": ["part"]}, "files=2 with partition_by="),
        ({"maxRecordsPerFile": 3}, "maxRecordsPerFile is not taken"),
        ({"name": "a.csv"}, "single file, and there is files=None"),
        ({"name": "a.csv", "files": 2}, "single file, and there is files=2"),
        ({"name": "a.csv", "files": 1, "partition_by": ["part"]}, "single file, and there is partition_by="),
        ({"name": "a.csv", "files": 1, "max_rows_per_file": 5}, "single file, and there is max_rows_per_file="),
        ({"name": "a.csv", "files": 1, "mode": "append"}, "mode='append' with name="),
        ({"name": "a/b.csv", "files": 1}, "name='a/b.csv' is no name of a file"),
        ({"name": "", "files": 1}, "name='' is no name of a file"),
        ({"name": "_a.csv", "files": 1}, "name='_a.csv' is hidden"),
        ({"name": "a.csv.gz", "files": 1}, "packed by gzip, which it is not"),
        ({"name": "a.csv", "files": 1, "compression": "gzip"}, "packed by gzip that is not called so"),
        ({"name": param("day", "a_%Y.csv"), "files": 1, "compression": "zstd"}, "packed by zstd that is not called so"),
    ],
)
def test_what_cannot_be_one_file_is_refused_where_it_is_declared(options: dict[str, Any], message: str) -> None:
    """Each with what to write instead."""
    with pytest.raises(DefinitionError, match=message):
        write.csv(lake / "out", **{"mode": "replace", **options})


def test_two_reports_in_one_folder_are_two_targets() -> None:
    """Their names tell them apart; the same name twice is refused."""

    def pipeline(name: str, file: str) -> Pipeline:
        sink = write.csv(lake / "reports", mode="replace", files=1, name=file)
        return Pipeline(name, extract={"rows": rows}, load=sink)

    Job("j", [pipeline("a", "a.csv"), pipeline("b", "b.csv")])
    with pytest.raises(DefinitionError, match=r"reports/a\.csv"):
        Job("j", [pipeline("a", "a.csv"), pipeline("b", "a.csv")])


def test_an_order_is_known_by_its_columns(spark: SparkSession) -> None:
    """Also through a rename, a filter and a selection, and only as far as its keys are still there."""
    frame = spark.createDataFrame([(1, 1, 1)], SCHEMA).orderBy("part", F.desc_nulls_first("id"))

    def told(changed: Any) -> list[str]:
        return [str(column) for column in ordering(changed)]

    assert [("part ASC" in text, "id DESC" in text) for text in told(frame)] == [(True, False), (False, True)]
    assert len(told(frame.withColumnRenamed("part", "a `b`").filter("id = 1"))) == 2
    assert len(told(frame.drop("id"))) == 1
    assert told(frame.groupBy("part").count()) == []
