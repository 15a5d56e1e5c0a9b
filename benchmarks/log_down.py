"""What S3 costs a job that logs there: a load that logs 20,000 lines, without S3, with it (moto), and while it is down.

    python benchmarks/log_down.py [--rounds N]

All ways run in turn, each in a fresh process tree. The outcome has to be the same; what counts is the CPU, and how much later
the process ends.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from flights_project import clean_environment
from log_shipping import ACCOUNT, black_hole, moto
from process_tree import Usage, measure

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = ("without S3", "S3", "S3 refuses connections", "S3 is a black hole")
_ROWS = 3_000_000
PROJECT = """
import logging
from stoker import Job, Pipeline, place, read, write

logger = logging.getLogger(__name__)


def told(rows):
    for number in range(20_000):
        logger.info("column %d of %d", number, 20_000)
    return rows


job = Job("load", [Pipeline("rows", extract={"rows": read.csv(place("source") / "rows.csv", schema="id int, part int, name string")},
                            transform=told, load=write.parquet(place("lake") / "rows", mode="replace"))])
"""
TOML = """
[jobs]
load = "loads:job"
[environments.production.places]
source = "source"
lake = "lake"
[environments.production.logging]
level = "INFO"
"""


@contextmanager
def refused() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{kept.getsockname()[1]}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A job that logs to S3.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way is measured (default: 3)")
    given = parser.parse_args()
    taken: dict[str, list[Usage]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch, moto() as server, refused() as nobody:
        folder = Path(scratch)
        (folder / "source").mkdir()
        (folder / "loads.py").write_text(PROJECT, "utf-8")
        with (folder / "source" / "rows.csv").open("w", encoding="utf-8") as file:
            file.write("id,part,name\n")
            file.writelines(f"{number},{number % 7},name of {number}\n" for number in range(_ROWS))
        for _ in range(given.rounds):
            for way, url in zip(WAYS, ("", server, nobody, None), strict=True):
                taken[way].append(_run(folder, url))
    print("| way | CPU s | ratio | wall s | later by s |\n|---|---|---|---|---|")
    plain = taken[WAYS[0]]
    for way, usages in taken.items():
        ratio = median(one.cpu / other.cpu for one, other in zip(usages, plain, strict=True))
        later = median(one.wall - other.wall for one, other in zip(usages, plain, strict=True))
        cpu, wall = (median(getattr(each, name) for each in usages) for name in ("cpu", "wall"))
        print(f"| {way} | {cpu:.1f} | {ratio:.2f} | {wall:.1f} | {later:+.1f} |")


def _run(folder: Path, url: str | None) -> Usage:
    """One run; it has to succeed.

    Args:
        folder: The project.
        url: Of S3; empty for none, None for a black hole.
    """
    (folder / "stoker.toml").write_text(TOML + ('s3 = "s3://logs/benchmark"\n' if url != "" else ""), "utf-8")
    with black_hole() as hole:
        variables = {
            "STOKER_ENV": "production",
            "AWS_ENDPOINT_URL": hole if url is None else url or hole,
            **ACCOUNT,
            "PATH": os.environ["PATH"],
        }
        command = [sys.executable, "-m", "stoker", "run", "load"]
        environ = clean_environment(variables)
        return measure(command, folder=folder, environ=environ, log=folder / "run.log")


if __name__ == "__main__":
    main()
