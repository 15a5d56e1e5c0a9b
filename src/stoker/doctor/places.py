"""The places of one environment, and that of its log: folders, and with `--connect` buckets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.doctor.finding import Finding, not_checked, ok, problem
from stoker.doctor.machine import existing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stoker.config import Config
    from stoker.job.plan import Plan

_S3 = ("s3://", "s3a://")


def places(config: Config, plans: Mapping[tuple[str, str], Plan], *, connect: bool) -> Iterator[Finding]:
    """Each place, and whether it does for what the jobs read and write there.

    Args:
        config: The environment.
        plans: What the jobs do, as far as it is known.
        connect: Whether S3 may be asked.
    """
    mine = [plan for (environment, _), plan in plans.items() if environment == config.environment]
    read = {where for plan in mine for where in _inputs(plan)}
    written = {sink.where for plan in mine for pipeline in plan.pipelines for sink in pipeline.sinks}
    for name, root in config.places.items():
        topic = f"place {name}"
        if root.startswith(_S3):
            yield _bucket(topic, root, connect=connect)
        elif "://" in root and not root.startswith("file://"):
            yield not_checked(topic, f"{root}: only Spark can reach it")
        else:
            folder = Path(root.removeprefix("file://"))
            yield from _folder(topic, folder, _below(read, root), _below(written, root))
    if config.logging.s3 is not None:
        yield _bucket("log in S3", config.logging.s3, connect=connect)


def _inputs(plan: Plan) -> Iterator[str]:
    """What is read and no pipeline makes."""
    for pipeline in plan.pipelines:
        for source in pipeline.sources:
            if source.external and source.pipeline is None:
                yield from source.paths


def _below(paths: set[str], root: str) -> list[str]:
    return sorted(path for path in paths if path == root or path.startswith(root.rstrip("/") + "/"))


def _folder(topic: str, folder: Path, read: list[str], written: list[str]) -> Iterator[Finding]:
    there = existing(folder)
    if folder.exists() and not folder.is_dir():
        yield problem(topic, f"{folder} is no folder", "Name a folder in stoker.toml.")
        return
    if written and not os.access(there, os.W_OK | os.X_OK):
        yield problem(topic, f"{there} cannot be written, and jobs load into {folder}", "Grant access to it.")
        return
    if folder.exists():
        rights = "writable" if os.access(folder, os.W_OK) else "read only"
        yield ok(topic, f"{folder}, {rights}")
    elif read:
        yield problem(topic, f"{folder} does not exist, and jobs read from it", "Make it, or correct [places].")
        return
    else:
        yield ok(topic, f"{folder}; the first load makes it")
    for path in read:
        if not any(character in path for character in "*?[{") and not Path(path.removeprefix("file://")).exists():
            yield problem(f"{topic}: input", f"{path} does not exist", "Bring it there, or correct the path.")


def _bucket(topic: str, root: str, *, connect: bool) -> Finding:
    if not connect:
        return not_checked(topic, root, "Ask S3 with: stoker doctor --connect")
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return problem(topic, f"{root}: boto3 is not installed", 'pip install "stoker[aws]"')
    bucket, _, prefix = root.partition("://")[2].partition("/")
    settings = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 2})
    try:
        boto3.client("s3", config=settings).list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except (ClientError, BotoCoreError, ValueError) as error:
        return problem(topic, f"{root} cannot be listed: {error}", "Check bucket, region, credentials (s3:ListBucket).")
    return ok(topic, f"{root} can be listed")
