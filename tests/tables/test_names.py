"""Names of tables as users write them."""

from __future__ import annotations

import pytest

from stoker import DefinitionError, read, write
from stoker.tables.home import Home
from stoker.tables.names import TableName
from stoker.tables.plan import values_of


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("orders", ("orders",)),
        ("sales.orders", ("sales", "orders")),
        ("ice.sales.orders", ("ice", "sales", "orders")),
        ("`my db`.`a.b``c`", ("my db", "a.b`c")),
        ("my-db.straße", ("my-db", "straße")),
    ],
)
def test_a_name_has_its_parts(text: str, parts: tuple[str, ...]) -> None:
    """Odd ones in backticks; and its SQL is read as the same name."""
    name = TableName.parse(text)
    assert name.parts == parts
    assert TableName.parse(name.sql) == TableName.parse(str(name)) == name


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a b", "`a", "a`b`", None, 3, "a.`b`c"])
def test_what_is_no_name_is_refused(text: object) -> None:
    """Where it is declared."""
    with pytest.raises(DefinitionError, match="is not the name of a table"):
        read.table(text)  # type: ignore[arg-type]  # that is what is tried


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("orders", r"which database that means depends on the session.*Write database\.orders"),
        ("ice.sales.orders", "`ice` is a catalogue beside Spark's own"),
        ("sales.`my orders`", "'my orders' is no name that Spark's catalogue takes"),
        ("sales.straße", "'straße' is no name"),
    ],
)
def test_a_sink_names_a_database_and_a_table_of_sparks_own(text: str, told: str) -> None:
    """Else it is refused where it is declared, with what to write."""
    with pytest.raises(DefinitionError, match=f"(?s){told}"):
        write.table(text, mode="replace")


def test_the_own_catalogue_may_be_named() -> None:
    """It is the same table, in any case."""
    one, other = write.table("spark_catalog.sales.orders", mode="replace"), write.table("Sales.ORDERS", mode="append")
    assert one.label() == other.label() == "table:sales.orders"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mode": "upsert"}, "mode='upsert' is not a mode of files"),
        ({"mode": "replace_partitions"}, "needs partition_by="),
        ({"mode": "append", "partition_by": "part"}, r"Write \['part'\]"),
        ({"mode": "append", "on_drift": "adds"}, "Did you mean 'add'"),
        ({"mode": "append", "files": 0}, "files=0 is no number of 1 or more"),
        ({"mode": "append", "maxRecordsPerFile": 3}, "Use max_rows_per_file="),
    ],
)
def test_arguments_that_cannot_work_are_refused(options: dict[str, object], told: str) -> None:
    """As those of the sinks of files."""
    with pytest.raises(DefinitionError, match=told):
        write.table("sales.orders", **options)  # type: ignore[arg-type]  # that is what is tried


def test_all_loads_of_a_table_have_one_home() -> None:
    """Whatever the catalogue says where it is: the place of before, or that of a load."""
    name = TableName.parse("sales.orders")
    first = Home.of(name, "s3://lake/orders")
    assert first == Home.of(name, first.load("0123456789ab")) == Home("s3://lake/orders.stoker", name)
    assert first.target.control == "s3://lake/orders.stoker/.stoker-load"
    assert not first.has("s3://lake/orders")


def test_a_partitions_values_are_those_of_its_folder() -> None:
    """What Spark has escaped in the folder's name is as it was."""
    assert values_of("day=2024-01-01/shop=a%2Fb%25/x=__HIVE_DEFAULT_PARTITION__") == (
        "2024-01-01",
        "a/b%",
        "__HIVE_DEFAULT_PARTITION__",
    )
