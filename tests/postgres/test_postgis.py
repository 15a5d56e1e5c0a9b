"""PostGIS itself: runs where POSTGIS_URL names a database of its own that has the extension."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyspark.sql import types as t

from stoker.errors import SinkError
from stoker.postgres.connections.resolve import from_url
from stoker.postgres.options import LoadOptions
from stoker.postgres.sending.copy import copy_batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.connections.info import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]

WKB = bytes.fromhex("0101000000" + "9a99999999991340" + "3333333333334a40")
EWKB = bytes.fromhex("0101000020e6100000" + "9a99999999991340" + "3333333333334a40")
FORMS: dict[str, tuple[t.DataType, str | bytes]] = {
    "WKT": (t.StringType(), "POINT(4.9 52.4)"),
    "EWKT": (t.StringType(), "SRID=4326;POINT(4.9 52.4)"),
    "hexadecimal": (t.StringType(), EWKB.hex()),
    "WKB": (t.BinaryType(), WKB),
    "EWKB": (t.BinaryType(), EWKB),
}


@pytest.fixture(scope="session")
def info() -> ConnectionInfo:
    """The server with the extension, in place of the embedded one."""
    if "POSTGIS_URL" not in os.environ:
        pytest.skip("POSTGIS_URL names no database with PostGIS")
    return from_url(os.environ["POSTGIS_URL"])


def loaded(one: PostgresLoad, kind: t.DataType, value: str | bytes) -> int:
    """A point and a null."""
    one.prepare(t.StructType([t.StructField("id", t.LongType()), t.StructField("g", kind)]))
    batch = pa.RecordBatch.from_arrays([pa.array([1, 2]), pa.array([None, value])], names=["a", "b"])
    transaction, rows = copy_batches(one.task, [batch], 0)
    one._report([(0, transaction, rows)])
    return one.publish()


@pytest.mark.parametrize("kind", ["geometry", "geometry(Point,4326)", "geography", "geography(Point,4326)"])
@pytest.mark.parametrize("form", FORMS)
def test_points_arrive_from_every_form(load: Loads, db: Connection, schema: str, form: str, kind: str) -> None:
    """In a table that is made and in one that is there; a type with an SRID gives it to values that have none."""
    for run in ("made", "there"):
        one = load(run_id=run, options=LoadOptions.of("load", columns={"g": kind}))
        assert loaded(one, *FORMS[form]) == 2
        assert str(one.way).startswith("binary COPY; the publish casts 'g'")
    has_none = kind == "geometry" and form in {"WKT", "WKB"}
    assert db.run(f"SELECT ST_AsEWKT(g) FROM {schema}.t ORDER BY id") == [
        [None],
        [f"{'' if has_none else 'SRID=4326;'}POINT(4.9 52.4)"],
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("PINT(1 2)", "invalid geometry"),
        ("SRID=3857;POINT(1 2)", r"SRID \(3857\) does not match column SRID \(4326\)"),
        ("LINESTRING(1 2,3 4)", "does not match column type"),
        (b"\0\xff", "WKB structure"),
    ],
)
def test_what_is_no_such_point_is_named(
    load: Loads, db: Connection, schema: str, value: str | bytes, told: str
) -> None:
    """With the column and the key."""
    db.run(f"CREATE TABLE {schema}.t (id bigint PRIMARY KEY, g geometry(Point,4326))")
    kind = t.StringType() if isinstance(value, str) else t.BinaryType()
    with pytest.raises(SinkError, match=rf"{told}.*column 'g'; id = 2"):
        loaded(load(mode="append"), kind, value)


def test_equal_points_are_not_rewritten(load: Loads, schema: str) -> None:
    """By an upsert, whatever form they come in."""
    options = LoadOptions.of("load", columns={"g": "geometry(Point,4326)"})
    changed = []
    for form, (kind, value) in FORMS.items():
        one = load(mode="upsert", key=("id",), run_id=form, options=options)
        assert loaded(one, kind, value) == 2
        changed.append(dict(one.changed))
    assert changed == [{"updated": 0, "inserted": 2}, *[{"updated": 0, "inserted": 0}] * 4]
