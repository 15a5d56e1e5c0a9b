"""The pytest plugin of Stoker: fixtures and a marker. `stoker.testing` has the rest.

pytest imports this file at each start, in projects without Spark too. So it imports nothing but pytest: Stoker itself comes
with the first fixture, pyspark with the first session. That also lets coverage begin before Stoker's own modules are imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from pyspark.sql import SparkSession

    from stoker.postgres.embedded import Server
    from stoker.testing import RunJob

MARKER = "spark_jobs"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`spark_jobs` in the configuration of pytest."""
    parser.addini(MARKER, "How many Spark jobs a test may start (default: any number).", default="")


def pytest_configure(config: pytest.Config) -> None:
    """The marker, and the default that is for all tests."""
    config.addinivalue_line(
        "markers", f"{MARKER}(at_most): fails a test that starts more Spark jobs; None allows any number"
    )
    default = str(config.getini(MARKER))
    if default and not default.isdecimal():
        raise pytest.UsageError(f"{MARKER} = {default!r} in the configuration of pytest is no number of Spark jobs.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Count the Spark jobs of a test that may not start any number; its fixtures do not count."""
    at_most = _at_most(item)
    if at_most is None or "pyspark" not in sys.modules:
        return (yield)
    from stoker.testing.budget import Budget

    with Budget(at_most, item.config.rootpath) as budget:
        answer = yield
    told = budget.exceeded()
    if told:
        pytest.fail(told, pytrace=False)
    return answer


def _at_most(item: pytest.Item) -> int | None:
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        default = str(item.config.getini(MARKER))
        return int(default) if default else None
    given = [*marker.args, *marker.kwargs.values()]
    is_right = len(given) == 1 and set(marker.kwargs) <= {"at_most"}
    if is_right and (given[0] is None or (type(given[0]) is int and given[0] >= 0)):
        return given[0]
    shown = ", ".join([*map(repr, marker.args), *(f"{key}={value!r}" for key, value in marker.kwargs.items())])
    pytest.fail(f"The marker {MARKER}({shown}) is wrong. Write @pytest.mark.{MARKER}(at_most=3).", pytrace=False)


@pytest.fixture(scope="session")
def spark_settings() -> Mapping[str, str]:
    """Settings of the session that the fixture `spark` starts, beside those of `stoker.testing`; override it in `conftest.py`."""
    return {}


@pytest.fixture(scope="session")
def spark(spark_settings: Mapping[str, str]) -> Iterator[SparkSession]:
    """One Spark session for the process: one core, one shuffle partition, no web interface, a warehouse of its own."""
    from stoker.errors import StokerError
    from stoker.testing.session import testing_session

    try:
        with testing_session(spark_settings) as session:
            yield session
    except StokerError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One embedded PostgreSQL for the process, in a temporary folder."""
    from stoker.errors import StokerError
    from stoker.testing.databases import running_server

    try:
        with running_server() as server:
            yield server
    except StokerError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def run_job(request: pytest.FixtureRequest, spark: SparkSession) -> Iterator[RunJob]:
    """Runs a job on temporary places and an embedded PostgreSQL; nothing is left at the end of the test."""
    from stoker.testing import RunJob

    with RunJob(spark, start=request.path.parent, server=lambda: request.getfixturevalue("postgres_server")) as runner:
        yield runner
