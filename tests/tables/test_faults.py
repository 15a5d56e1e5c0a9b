"""A catalogue that refuses, is lost, or is changed by others meanwhile; folders that stay and that go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from stoker import Job, Pipeline, RunRecord, place, read, write
from stoker.tables.answers import RefusedError
from stoker.tables.catalogue import Catalogue
from support.catalogue import Database
from support.child import run_child
from support.loads import SCHEMA, rows_of, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


def renamed(rows: Any) -> Any:
    """Another column, and a name that is gone."""
    return rows.withColumnRenamed("version", "edition")


def loads(database: Database, name: str = "rows") -> int:
    """How many folders of loads there are."""
    return len(list(database.folder.glob(f"lake/{name}.stoker/load-*")))


def refuse(*_: object) -> None:
    """In the place of a change."""
    raise RefusedError("user etl may not ALTER")


def test_a_catalogue_that_refuses_the_switch_has_published_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows and the columns are those of before, and nothing is left; later the same run id does it."""
    database.load(1, "first")
    with monkeypatch.context() as patch:
        patch.setattr(Catalogue, "set_location", refuse)
        told = database.refused(transform=renamed)

    assert "does not take the new rows" in told
    assert "user etl may not ALTER" in told
    assert "Nothing was published" in told
    assert database.versions() == [(part, 1, 10) for part in (1, 2, 3)]
    assert loads(database) == 1
    database.load(2, "second", transform=renamed)
    assert database.spark.newSession().table(database.table()).columns == ["id", "part", "edition"]


@pytest.mark.faults
@pytest.mark.parametrize(
    ("mode", "change", "parts"),
    [
        ("replace_partitions", "move_partitions", (1, 2)),
        ("append", "add_partitions", (4,)),
        ("replace", "drop_partitions", ()),
    ],
)
def test_a_catalogue_that_refuses_the_first_change_has_published_nothing(
    database: Database, mode: str, change: str, parts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the intent decides: it is taken back as long as nobody can have seen more than it."""
    options: dict[str, Any] = {"mode": mode, "partition_by": ["part"]}
    database.load(1, **options)
    with monkeypatch.context() as patch:
        patch.setattr(Catalogue, change, refuse)
        told = database.refused(2, parts=parts, **options)

    assert "Nothing was published" in told
    assert database.versions() == [(part, 1, 10) for part in (1, 2, 3)]
    assert not list(database.folder.glob("lake/rows.stoker/.stoker-load/intent.json"))
    assert loads(database) == 1


@pytest.mark.faults
def test_a_catalogue_that_is_lost_at_the_switch_leaves_it_open(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did what it was told, and its answer and it itself are gone: the outcome is unknown, and the same run id looks."""
    database.load(1, "first")
    switch, facts = Catalogue.set_location, Catalogue.facts

    def lost(self: Catalogue) -> None:
        raise RefusedError("connection reset")

    def lose(self: Catalogue, location: str) -> None:
        switch(self, location)
        monkeypatch.setattr(Catalogue, "facts", lost)
        raise RefusedError("connection reset")

    monkeypatch.setattr(Catalogue, "set_location", lose)
    error = database.run(2, "second").pipelines[0].error
    monkeypatch.setattr(Catalogue, "set_location", switch)
    monkeypatch.setattr(Catalogue, "facts", facts)

    assert error
    assert error["type"] == "UnknownCommitError"
    assert "is not known: connection reset" in str(error["message"])
    again = database.load(3, "second")
    assert again.pipelines[0].sinks[0].already
    assert database.versions() == [(part, 2, 10) for part in (1, 2, 3)]


def nobody(run_id: str) -> bool:
    """No run needs what it has staged."""
    del run_id
    return False


def load_renamed(spark: SparkSession, folder: Path, name: str) -> None:
    """In a process of its own: other columns than before."""
    Database(name, spark, folder).load(2, "second", transform=renamed)


@pytest.mark.parametrize(
    "point",
    [pytest.param("tables.publish.columns_set"), pytest.param("tables.publish.switched", marks=pytest.mark.faults)],
)
def test_a_kill_between_columns_and_rows_is_put_right(database: Database, point: str) -> None:
    """Before the switch `stoker repair` gives the table its former columns; after it, the new ones stay."""
    database.load(1, "first")
    killed = run_child(
        database.spark, database.folder, "tables.test_faults:load_renamed", database.name, STOKER_FAILPOINT=point
    )
    assert killed.returncode == -9, killed.stderr

    sink = write.table(database.table(), mode="replace")
    looked = sink.repair(database.context(), dry=True, needed=nobody)
    done = sink.repair(database.context(), dry=False, needed=nobody)

    assert done == looked
    decided = point == "tables.publish.switched"
    assert any(text.startswith("finished the publish" if decided else "gave up the publish") for text in done)
    column = "edition" if decided else "version"
    rows = database.spark.newSession().table(database.table()).select("id", "part", column).collect()
    assert sorted(tuple(row) for row in rows) == rows_of(2 if decided else 1)
    assert sink.repair(database.context(), dry=True, needed=nobody) == []


def load_both(spark: SparkSession, folder: Path, name: str) -> RunRecord:
    """A run into a folder of CSV and a table, with keys that are others each time that they are computed."""
    source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
    load = [write.csv(place("lake") / "keys", mode="replace"), write.table(f"{name}.keys", mode="replace")]
    pipeline = Pipeline(
        "rows",
        extract={"rows": source},
        transform=lambda rows: rows.select("id", F.expr("uuid()").alias("key")),
        load=load,
    )
    return Job("both", [pipeline]).run(spark=spark, config=folder / "stoker.toml", run_id="second")


@pytest.mark.faults
@pytest.mark.parametrize("repaired", [False, True])
def test_a_kill_between_a_folder_and_a_table_is_rolled_forward(database: Database, repaired: bool) -> None:
    """The table gets the very rows that the folder has: from what the dead attempt staged, which a repair leaves alone."""
    write_rows(database.folder, "1")
    killed = run_child(
        database.spark,
        database.folder,
        "tables.test_faults:load_both",
        database.name,
        STOKER_FAILPOINT="pipeline.one_published",
    )
    assert killed.returncode == -9, killed.stderr
    if repaired:
        sink = write.table(database.table("keys"), mode="replace")
        done = sink.repair(database.context(), dry=False, needed=lambda run_id: run_id == "second")
        assert any(text.startswith("kept what run second has staged") for text in done)

    record = load_both(database.spark, database.folder, database.name)

    assert record.state == "succeeded", record.pipelines[0].error
    published = database.spark.read.csv(
        str(database.folder / "lake" / "keys"), schema="id int, key string", header=True
    )
    table = database.spark.newSession().table(database.table("keys"))
    assert sorted(map(tuple, published.collect())) == sorted(map(tuple, table.collect()))
    assert loads(database, "keys") == 1


def test_former_files_stay_until_the_next_publish(database: Database) -> None:
    """A query that has begun before a publish goes on with the old rows; after two publishes the oldest files are gone."""
    database.load(1)
    begun = database.spark.newSession().table(database.table())
    oldest = database.location()
    assert begun.count() == 30

    database.load(2, parts=(1,))
    assert sorted(tuple(row) for row in begun.select("id", "part", "version").collect()) == rows_of(1)
    database.load(3, parts=(1,))
    assert not oldest.exists()
    assert loads(database) == 2


@pytest.mark.faults
def test_who_goes_back_by_hand_keeps_the_rows(database: Database) -> None:
    """A folder that the catalogue was made to lead to again is not removed by the next publish, though it was replaced before."""
    database.load(1)
    former = database.location()
    database.load(2)
    database.spark.sql(f"ALTER TABLE {database.table()} SET LOCATION '{former}'")

    database.load(3, mode="append", parts=(4,))

    assert database.versions() == [(1, 1, 10), (2, 1, 10), (3, 1, 10), (4, 3, 10)]


@pytest.mark.faults
def test_partitions_that_nobody_finds_any_more_are_removed(database: Database) -> None:
    """A publish later, with the folders that they leave empty; nothing that the catalogue leads to is."""
    options: dict[str, Any] = {"mode": "replace_partitions", "partition_by": ["part"]}
    for version in range(1, 6):
        database.load(version, parts=(1, 2) if version % 2 else (2, 3), **options)

    assert database.versions() == [(1, 5, 10), (2, 5, 10), (3, 4, 10)]
    partitions = sorted(path.name for path in database.folder.glob("lake/rows.stoker/load-*/part=*"))
    assert partitions == ["part=1", "part=1", "part=2", "part=2", "part=3"]  # these, and those of the last publish


@pytest.mark.faults
def test_a_table_that_was_dropped_forgets_its_runs(database: Database) -> None:
    """The same run id loads it again, and adds nothing twice."""
    database.load(1, "first", mode="append")
    database.spark.sql(f"DROP TABLE {database.table()}")

    again = database.load(2, "first", mode="append")
    third = database.load(3, "first", mode="append")

    assert [record.pipelines[0].sinks[0].already for record in (again, third)] == [False, True]
    assert database.versions() == [(part, 2, 10) for part in (1, 2, 3)]


def test_who_was_quicker_to_make_the_table_keeps_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table was made elsewhere between the look and the publish: nothing of it changes."""
    create = Catalogue.create

    def late(self: Catalogue, *arguments: Any) -> None:
        self.spark.sql(f"CREATE TABLE {database.table()} (id int) USING parquet")
        create(self, *arguments)

    monkeypatch.setattr(Catalogue, "create", late)
    told = database.refused(1)

    assert "Nothing was published" in told
    assert database.spark.newSession().table(database.table()).columns == ["id"]
    assert loads(database) == 0
