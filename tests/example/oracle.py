"""The example's tables computed again, by DuckDB from the CSV files: another engine, another code."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

NEW_YORK = ZoneInfo("America/New_York")

_TABLES = {
    "flights": """
        SELECT make_date(year, month, day) AS flight_date, month, carrier, flight, tailnum, origin, dest, dep_time,
            sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, air_time, distance,
            dep_time IS NULL AS cancelled, year * 100000000 + month * 1000000 + day * 10000 + hour * 100 + minute AS local
        FROM flights""",
    "weather": """
        SELECT origin, make_date(year, month, day) AS weather_date, hour, arg_min(temp, time_hour) AS temp,
            arg_min(wind_speed, time_hour) AS wind_speed, min(time_hour) AS observed
        FROM weather GROUP BY ALL""",
    "daily_delays": """
        SELECT f.*, w.* EXCLUDE (day, origin) FROM (
            SELECT make_date(year, month, day) AS flight_date, origin, count(*) AS flights,
                count(*) FILTER (dep_time IS NULL) AS cancelled, avg(dep_delay) AS mean_dep_delay,
                avg(arr_delay) AS mean_arr_delay,
                count(*) FILTER (dep_delay > $late) / nullif(count(dep_delay), 0) AS late_share
            FROM flights WHERE make_date(year, month, day) >= $since GROUP BY ALL) f
        LEFT JOIN (
            SELECT make_date(year, month, day) AS day, origin, avg(temp) AS mean_temp, max(wind_speed) AS max_wind_speed,
                sum(precip) AS precip, min(visib) AS min_visib
            FROM (SELECT * FROM weather QUALIFY row_number() OVER (
                PARTITION BY origin, year, month, day, hour ORDER BY time_hour) = 1) GROUP BY ALL) w
        ON f.flight_date = w.day AND f.origin = w.origin""",
    "carrier_punctuality": """
        SELECT rank() OVER (ORDER BY on_time_share DESC, carrier) AS rank, * FROM (
            SELECT carrier, any_value(a.name) AS name, count(*) AS flights, count(arr_delay) AS arrived,
                count(*) FILTER (arr_delay <= $late) / count(arr_delay) AS on_time_share, avg(arr_delay) AS mean_arr_delay
            FROM flights JOIN airlines a USING (carrier) GROUP BY carrier)""",
    "orphans": """
        SELECT make_date(year, month, day) AS flight_date, carrier, flight, tailnum, origin, dest,
            CASE WHEN p AND a THEN 'plane and airport' WHEN p THEN 'plane' ELSE 'airport' END AS reason
        FROM (SELECT *, tailnum IS NULL OR tailnum NOT IN (SELECT tailnum FROM planes) AS p,
            dest NOT IN (SELECT faa FROM airports) AS a FROM flights) WHERE p OR a""",
}


def expected(data: Path, table: str, *, since: date, late: int) -> list[dict[str, Any]]:
    """The rows of one table.

    Args:
        data: The folder of the CSV files.
        table: Its name.
        since: The parameter of that name.
        late: The parameter `late_after`, in minutes.
    """
    connection = duckdb.connect()
    for name in ("flights", "weather", "planes", "airports", "airlines"):
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * FROM "
            f"read_csv('{data / name}.csv', nullstr='NA', sample_size=-1, timestampformat='%Y-%m-%dT%H:%M:%SZ')"
        )
    text = _TABLES[table]
    values = {key: value for key, value in {"since": since, "late": late}.items() if f"${key}" in text}
    result = connection.execute(text, values)
    names = [column[0] for column in result.description]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    connection.close()
    for row in rows:
        if "local" in row:
            row["scheduled_departure"] = _instant(row.pop("local"))
    return rows


def _instant(local: int) -> datetime:
    """The instant of a local time in New York, written as the number yyyymmddHHMM."""
    return datetime.strptime(str(local), "%Y%m%d%H%M").replace(tzinfo=NEW_YORK).astimezone(ZoneInfo("UTC"))


def summary(rows: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """Counts, non-null counts and sums of columns, by which two tables are compared; fractions to nine digits."""
    found: dict[str, Any] = {"rows": len(rows)}
    for name in names:
        values = [row[name] for row in rows if row[name] is not None]
        found[f"{name} not null"] = len(values)
        found[f"{name} sum"] = _sum(values)
    return found


def _sum(values: list[Any]) -> Any:
    numbers = [_number(value) for value in values]
    total = sum(numbers)
    return float(f"{total:.9g}")


def _number(value: Any) -> float:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=ZoneInfo("UTC"))
        return moment.timestamp()
    if isinstance(value, date):
        return value.toordinal()
    if isinstance(value, str):
        # Any function of the text will do that two tables agree on.
        return sum(position * code for position, code in enumerate(value.encode(), start=1))
    return float(value)
