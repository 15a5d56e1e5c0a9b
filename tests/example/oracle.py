"""The example's tables computed again, by DuckDB from the CSV files: another engine, another code.

`expected` gives a table's rows, `summary` boils rows down to what two tables are compared by.
"""

from __future__ import annotations

import math
import zlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import starmap
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

READS = {
    "flights": ("flights",),
    "weather": ("weather",),
    "daily_delays": ("flights", "weather"),
    "carrier_punctuality": ("flights", "airlines"),
    "orphans": ("flights", "planes", "airports"),
}
"""The files that each table is computed from."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# No time zone is computed here: the files' own `time_hour`, which the transformer of flights does not read, says the
# instant of each scheduled hour.
_TABLES = {
    "flights": """
        SELECT make_date(year, month, day) AS flight_date, month,
            time_hour + to_minutes(minute) AS scheduled_departure, carrier, flight, tailnum, origin, dest, dep_time,
            sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, air_time, distance,
            dep_time IS NULL AS cancelled
        FROM flights""",
    "weather": """
        SELECT origin, weather_date, hour, observed, temp, dewp, humid, wind_dir, wind_speed, wind_gust, precip,
            pressure, visib
        FROM hours""",
    "daily_delays": """
        SELECT f.*, w.* EXCLUDE (weather_date, origin) FROM (
            SELECT make_date(year, month, day) AS flight_date, origin, count(*) AS flights,
                count(*) FILTER (dep_time IS NULL) AS cancelled, avg(dep_delay) AS mean_dep_delay,
                avg(arr_delay) AS mean_arr_delay,
                count(*) FILTER (dep_delay > $late) / nullif(count(dep_delay), 0) AS late_share
            FROM flights WHERE make_date(year, month, day) >= $since GROUP BY ALL) f
        LEFT JOIN (
            SELECT weather_date, origin, avg(temp) AS mean_temp, avg(wind_speed) AS mean_wind_speed,
                max(wind_speed) AS max_wind_speed, sum(precip) AS precip, min(visib) AS min_visib
            FROM hours GROUP BY ALL) w
        ON f.flight_date = w.weather_date AND f.origin = w.origin""",
    "carrier_punctuality": """
        SELECT rank() OVER (ORDER BY on_time_share DESC NULLS LAST, carrier) AS rank, * FROM (
            SELECT carrier, any_value(a.name) AS name, count(*) AS flights, count(arr_delay) AS arrived,
                count(*) FILTER (arr_delay <= $late) / nullif(count(arr_delay), 0) AS on_time_share,
                avg(arr_delay) AS mean_arr_delay
            FROM flights LEFT JOIN airlines a USING (carrier) GROUP BY carrier)""",
    "orphans": """
        SELECT make_date(year, month, day) AS flight_date, time_hour + to_minutes(minute) AS scheduled_departure,
            carrier, flight, tailnum, origin, dest,
            CASE WHEN p AND a THEN 'plane and airport' WHEN p THEN 'plane' ELSE 'airport' END AS reason
        FROM (SELECT *, NOT coalesce(tailnum IN (SELECT tailnum FROM planes), false) AS p,
            dest NOT IN (SELECT faa FROM airports) AS a FROM flights) WHERE p OR a""",
}

# The earlier of two readings of one local hour; no wind above 253 mph.
_HOURS = """
    CREATE TEMP TABLE hours AS
    SELECT * REPLACE (CASE WHEN wind_speed > 253 THEN NULL ELSE wind_speed END AS wind_speed,
                      CASE WHEN wind_gust > 253 THEN NULL ELSE wind_gust END AS wind_gust),
        make_date(year, month, day) AS weather_date, time_hour AS observed
    FROM weather w WHERE NOT EXISTS (
        SELECT 1 FROM weather e
        WHERE (e.origin, e.year, e.month, e.day, e.hour) = (w.origin, w.year, w.month, w.day, w.hour)
            AND e.time_hour < w.time_hour)"""


def expected(data: Path, table: str, *, since: date, late: int) -> list[dict[str, Any]]:
    """The rows of one table, in no order; instants are naive, in UTC.

    Args:
        data: The folder of the CSV files.
        table: Its name.
        since: The parameter of that name.
        late: The parameter `late_after`, in minutes.
    """
    text = _TABLES[table]
    values = {key: value for key, value in {"since": since, "late": late}.items() if f"${key}" in text}
    with duckdb.connect() as connection:
        for name in READS[table]:
            path = str(data / f"{name}.csv").replace("'", "''")
            connection.execute(
                f"CREATE TEMP TABLE {name} AS SELECT * FROM "
                f"read_csv('{path}', nullstr='NA', sample_size=-1, timestampformat='%Y-%m-%dT%H:%M:%SZ')"
            )
        if "weather" in READS[table]:
            connection.execute(_HOURS)
        result = connection.execute(text, values)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def summary(rows: Sequence[dict[str, Any]], names: Sequence[str] | None = None) -> dict[str, Any]:
    """What two tables are compared by, whatever the order of their rows and whoever read them.

    The number of rows; for each column how many values are not null, and their sum (of texts: of their checksums);
    and a sum of the checksums of whole rows, which sees values that stand in the wrong row. All are exact, but for
    fractions: those are compared by nine significant digits. A naive instant is taken as UTC; a `Decimal` equals the
    `float` of the same value, and a boolean is 0 or 1.

    Args:
        rows: A table, from any reader.
        names: The columns to compare; all columns of the first row if not given.
    """
    columns = list(names) if names is not None else list(rows[0]) if rows else []
    found: dict[str, Any] = {"rows": len(rows)}
    canonical: list[list[Any]] = []
    for name in columns:
        values = [_canonical(row[name]) for row in rows]
        canonical.append(values)
        found[f"{name} not null"] = sum(value is not None for value in values)
        found[f"{name} sum"] = _sum(value for value in values if value is not None)
    found["whole rows"] = sum(starmap(_checksum, zip(*canonical, strict=True)))
    return found


def _checksum(*values: Any) -> int:
    return zlib.crc32("\x1f".join(map(_text, values)).encode())


def _text(value: Any) -> str:
    # 0.0 and -0.0, 3 and 3.0 are equal values, and two readers may give either.
    return f"{value + 0.0:.9g}" if isinstance(value, float) else repr(value)


def _sum(values: Iterable[Any]) -> int | float:
    whole, fractions = 0, []
    for value in values:
        if isinstance(value, float):
            fractions.append(value)
        else:
            whole += value if isinstance(value, int) else zlib.crc32(value.encode())
    return float(f"{math.fsum(fractions) + whole:.9g}") if fractions else whole


def _canonical(value: Any) -> Any:
    """None, an int, a float or a text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (moment - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, date):
        return value.toordinal()
    return float(value) if isinstance(value, Decimal) else value
