"""Whether loads of PostgreSQL grow with their rows: CPU seconds for 1, 3 and 10 times as many, and the memory of Python workers.

    python benchmarks/postgres_growth.py [--rows N]

Each process loads three times, of lineitem N rows (default: a million) and more, then of a table whose cells have a megabyte each;
through Spark's rows, and from the files. What the session itself takes is taken off: a load of a thousand rows.
The memory is the largest resident set of one Python worker, by a look ten times a second; pages that it shares count too.
"""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import Self

import psutil

from postgres_load import command, measured, prepared
from shapes import SHAPES

WAYS = ("binary", "plain")
FEW = 1000
CELLS = 300


class Watch:
    """The largest resident set of a Python worker below this process, in bytes."""

    def __init__(self) -> None:
        self.most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.1):
            for process in psutil.process_iter(["cmdline", "memory_info"]):
                line, memory = process.info["cmdline"] or [], process.info["memory_info"]
                if memory and any(part.startswith("pyspark.") or part == "pyspark/daemon.py" for part in line):
                    self.most = max(self.most, memory.rss)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Loads of growing tables.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    print("| rows | way | CPU s a load | server CPU s a load | CPU s a row, against the first | worker, MB |")
    print("|---|---|---|---|---|---|")
    few = {way: _load("lineitem", FEW, way) for way in WAYS}
    first: dict[str, float] = {}
    for times in (1, 3, 10):
        for way in WAYS:
            rows = times * options.rows
            cpu, server, memory = _load("lineitem", rows, way)
            cpu, server = (cpu - few[way][0]) / 3, (server - few[way][1]) / 3
            first.setdefault(way, cpu + server)
            ratio = (cpu + server) / times / first[way]
            print(f"| {rows:,} | {way} | {cpu:.1f} | {server:.1f} | {ratio:.2f} | {memory / 1e6:.0f} |", flush=True)
    for way in WAYS:
        _, _, memory = _load("cells", CELLS, way)
        print(f"| {CELLS} of 1 MB | {way} | | | | {memory / 1e6:.0f} |", flush=True)


def _load(shape: str, rows: int, way: str) -> tuple[float, float, int]:
    """CPU seconds of the process and of the server, for its three loads, and the memory of its largest worker."""
    with prepared(SHAPES[shape], "append", rows) as (folder, server), Watch() as watch:
        found = measured(command(SHAPES[shape], "replace", way, Path(folder), None), folder, server)
    return found.cpu, found.server_cpu, watch.most


if __name__ == "__main__":
    main()
