"""Executors that die in the midst of a write, and attempts that overtake each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from behaviour import deadly
from behaviour.cluster import Cluster, local_cluster, two_hosts
from behaviour.sinks import CASES, every_case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark.structures import ParameterSet

    from behaviour.target import Target
    from stoker.postgres.connections.connection import ConnectionInfo

pytestmark = pytest.mark.faults  # a cluster takes its time to start

LEAST = 20
LATER = {
    "late": ["parquet-replace", "parquet-append", "csv-replace_partitions", "postgres-append"],
    "shuffled": ["parquet-replace_partitions", "json-append", "postgres-replace"],
    "after the commit of a task's rows": ["postgres-replace", "postgres-append"],
}
"""Where an executor dies otherwise than in the midst of its first partition, and for which sinks."""


FOLDERS = ["parquet-replace", "csv-append", "json-replace_partitions"]


def losses() -> list[ParameterSet]:
    """Twenty runs: every sink and mode, with executors that die here and there. Tables are staged as folders are."""
    pairs = [(name, "early") for name in CASES if CASES[name].kind.name != "table"] + [
        (name, how) for how, names in LATER.items() for name in names
    ]
    assert len(pairs) >= LEAST
    return [pytest.param(CASES[name], how, id=f"{name}-{how}") for name, how in pairs]


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory, info: ConnectionInfo) -> Iterator[Cluster]:
    """Two executors that may die."""
    with local_cluster(tmp_path_factory.mktemp("local-cluster"), str(info.password)) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def speculating(tmp_path_factory: pytest.TempPathFactory, info: ConnectionInfo) -> Iterator[Cluster]:
    """Two executors on hosts of their own, which is where Spark starts copies of slow tasks."""
    with two_hosts(tmp_path_factory.mktemp("two-hosts"), str(info.password)) as cluster:
        yield cluster


@pytest.mark.parametrize(("target", "how"), losses(), indirect=["target"])
def test_a_lost_executor_neither_loses_nor_doubles_a_row(mortal: Cluster, target: Target, how: str) -> None:
    """An executor that is killed while it writes: Spark tries its tasks again, and the rows are exact."""
    target.load(1, "first")

    killed = mortal.run(target, how if hasattr(deadly, how) else "plain", "second")

    assert not psutil.pid_exists(int(killed))
    target.assert_all_see(deadly.expected(target))


@pytest.mark.parametrize("how", ["overtaken", "in_vain"])
@pytest.mark.parametrize(
    "target", every_case(where=lambda case: case.kind.name == "postgres" or str(case) in FOLDERS), indirect=True
)
def test_speculation_changes_nothing(speculating: Cluster, target: Target, how: str) -> None:
    """Two attempts at one partition, of which either may win: its rows are there once."""
    target.load(1, "first")

    speculating.run(target, how, "second")

    assert (target.folder / "mark").exists()
    target.assert_all_see(deadly.expected(target))
