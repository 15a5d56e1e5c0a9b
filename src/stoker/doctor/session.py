"""A Spark session with one query: whether Spark, Java, Python workers and pyarrow work together here."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.doctor.finding import Finding, ok, problem
from stoker.errors import StokerError
from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROWS = 1_000


def session(settings: Mapping[str, str]) -> Finding:
    """Start a session with the settings of the environment, run one query through Python workers, stop it.

    Args:
        settings: `[spark]`.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stoker-doctor-", ignore_cleanup_errors=True) as scratch:
        try:
            found = obtain_session(settings, application="stoker doctor", scratch=Path(scratch))
        except StokerError as error:
            return problem("Spark session", error.what, error.next_step)
        try:
            started = time.monotonic()
            rows = found.spark.range(_ROWS).mapInArrow(_same, "id long").collect()  # type: ignore[arg-type]  # no types
            version = found.spark.version
        except Exception as error:  # noqa: BLE001 - py4j and the workers raise many
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            return problem(
                "Spark session", f"the query failed: {first}", "Run it in a shell of pyspark for the whole trace."
            )
        finally:
            found.stop()
    if len(rows) != _ROWS:
        return problem("Spark session", f"{len(rows)} rows came back of {_ROWS}", "Reinstall pyspark and pyarrow.")
    took = f"up in {started - start:.1f} s, a query in {time.monotonic() - started:.1f} s"
    return ok("Spark session", f"Spark {version}, {took}")


def _same(batches: Iterator[Any]) -> Iterator[Any]:
    yield from batches
