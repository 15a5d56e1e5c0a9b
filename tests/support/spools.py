"""Spools as processes leave them, written by hand; and what has arrived of their lines."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from stoker.logs.spool import Spool

TS = "2026-11-26T07:00:00.000000Z"


def line(number: int, *, level: str = "INFO", run: str | None = "r-1", job: str | None = "j", **more: Any) -> str:
    """A log line, told from others by its number."""
    context = {"n": str(number), **({"run_id": run} if run else {}), **({"job": job} if job else {})}
    return json.dumps({"ts": TS, "level": level, "logger": "t", "msg": f"line {number}", "context": context, **more})


def segment(folder: Path, number: int, lines: Iterable[str], *, writer: str = "h-1-s", end: str = ".jsonl") -> Path:
    """A segment of a dead process."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{writer}-{number:06d}{end}"
    path.write_text("".join(f"{each}\n" for each in lines), "utf-8")
    return path


def write(spool: Spool, lines: Iterable[str]) -> None:
    """Log them."""
    for each in lines:
        spool.write(f"{each}\n".encode())


def objects(client: Any, bucket: str = "logs") -> dict[str, bytes]:
    """The unpacked objects of a bucket by their keys."""
    found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        each["Key"]: gzip.decompress(client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()) for each in found
    }


def numbers(contents: Iterable[bytes]) -> list[int]:
    """The numbers of all lines, sorted: one that is lost or there twice is seen."""
    return sorted(int(each["context"]["n"]) for each in _lines(contents) if "n" in each["context"])


def _lines(contents: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for content in contents:
        for each in content.splitlines():
            yield json.loads(each)
