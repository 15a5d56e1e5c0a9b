"""The configuration of each environment, and the jobs: imported, and planned in each environment."""

from __future__ import annotations

import logging
import os
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stoker.config import ENVIRONMENTS, load_config
from stoker.doctor.finding import Finding, not_checked, ok, problem, warning
from stoker.errors import ConfigurationError, StokerError, UsageError, number_of
from stoker.job.parameters import filled
from stoker.job.plan import make_plan
from stoker.logs.environments import formats, level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stoker.config import Config, ConfigSource
    from stoker.job import Job
    from stoker.job.plan import Plan

_UNSET = "the environment variable "


@dataclass
class Project:
    """What a project's configuration gives; filled while it is looked at."""

    chosen: str
    """The environment that a run would take."""
    configs: dict[str, Config] = field(default_factory=dict)
    """By environment, those without a mistake."""
    plans: dict[tuple[str, str], Plan] = field(default_factory=dict)
    """By environment and job."""

    @property
    def config(self) -> Config | None:
        """The configuration of the chosen environment, if it has no mistake."""
        return self.configs.get(self.chosen)


def environments(source: ConfigSource, chosen: str) -> list[str]:
    """The environments that the file has tables for, and the chosen one."""
    try:
        tables = tomllib.loads(source.text).get("environments", {})
    except (ValueError, RecursionError):
        tables = {}
    return [name for name in ENVIRONMENTS if name == chosen or (isinstance(tables, dict) and name in tables)]


def configuration(source: ConfigSource, project: Project, asked: str | None) -> Iterator[Finding]:
    """Each mistake of the file once, with the environments that have it; what is set up in the others.

    Args:
        source: The file.
        project: Its `configs` are filled.
        asked: The environment that was asked for, if one was: then the others are not looked at.
    """
    mistakes: dict[str, list[str]] = {}
    warnings: dict[str, str] = {}
    names = environments(source, project.chosen) if asked is None else [project.chosen]
    for name in names:
        with _heard(warnings):
            try:
                project.configs[name] = load_config(source, environment=name)
            except ConfigurationError as error:
                head, *lines = error.what.split("\n")
                for line in lines or [head]:
                    mistakes.setdefault(line.strip(), []).append(name)
    for mistake, hit in mistakes.items():
        where = "all environments" if hit == names and len(names) > 1 else ", ".join(hit)
        if _UNSET in mistake and project.chosen not in hit:
            yield warning(f"configuration ({where})", mistake, "Set it where that environment runs.")
        else:
            yield problem(f"configuration ({where})", mistake, "Correct it there.")
    for name, config in project.configs.items():
        yield ok(f"configuration ({name})", f"{source.name}: {_contents(config)}")
    for text, logger in warnings.items():
        yield warning("configuration", text, f"It is a WARNING of each run, too ({logger}).")


def _contents(config: Config) -> str:
    parts = [f"places {', '.join(config.places) or 'none'}"]
    if config.postgres:
        parts.append(f"connections {', '.join(config.postgres)}")
    if config.spark:
        parts.append(f"{len(config.spark)} settings of Spark")
    forms = formats(config.environment, config.logging)
    to = [f"{name} ({form})" for name, form in forms.items() if name != "spool" or not config.logging.s3]
    to += [config.logging.s3] if config.logging.s3 else []
    parts.append(f"log {level(config.environment, config.logging)} to {', '.join(to) or 'nothing'}")
    return "; ".join(parts)


@contextmanager
def _heard(into: dict[str, str]) -> Iterator[None]:
    """Collect the WARNINGs of our own loggers instead of printing them."""

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            into[record.getMessage()] = record.name

    logger, handler = logging.getLogger("stoker"), Listening(logging.WARNING)
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


def jobs(project: Project, load: Callable[[Config, str], Job]) -> Iterator[Finding]:
    """Whether each job can be imported, and what its plan says in each environment.

    Args:
        project: Its `plans` are filled.
        load: Imports a job by its name.
    """
    config = project.config or next(iter(project.configs.values()), None)
    if config is None:
        yield not_checked("jobs", "the configuration has mistakes", "Correct these first.")
        return
    if not config.jobs:
        yield warning(
            "jobs",
            f"{config.source.name} has no [jobs], so that `stoker run` knows none",
            'Add a line such as shop = "shop.pipelines:job" to [jobs].',
        )
    for name in config.jobs:
        try:
            job = load(config, name)
        except StokerError as error:
            yield problem(f"job {name}", error.what, error.next_step)
        else:
            yield from _planned(project, name, job)


def _planned(project: Project, name: str, job: Job) -> Iterator[Finding]:
    topic = f"job {name}"
    pipelines = number_of(len(job.pipelines), "pipeline")
    try:
        parameters = filled(job.parameters, {})
    except UsageError as error:
        told = f"{pipelines}, imported; no plan without parameters: {error.what}"
        yield not_checked(topic, told, f"Look at it with: stoker plan {name} --param NAME=VALUE")
        return
    plans = {key: make_plan(job, config, parameters) for key, config in project.configs.items()}
    project.plans |= {(key, name): plan for key, plan in plans.items()}
    right = [key for key, plan in plans.items() if not plan.mistakes]
    if right:
        yield ok(topic, f"{pipelines}; it can be planned in {', '.join(right)}")
    for key, plan in plans.items():
        for mistake in plan.mistakes:
            yield problem(f"{topic} ({key})", mistake, f"Look at it with: stoker plan {name} --env {key}")
    for text in plans[project.chosen].warnings if project.chosen in plans else ():
        yield warning(topic, text, f"Look at it with: stoker plan {name}")


def chosen_environment(asked: str | None) -> str:
    """The environment that a run would take.

    Raises:
        ConfigurationError: If there is no such environment.
    """
    chosen = asked or os.environ.get("STOKER_ENV") or ENVIRONMENTS[0]
    if chosen not in ENVIRONMENTS:
        raise ConfigurationError(
            f"The environment {chosen!r} is not known.",
            next_step=f"Choose {', '.join(ENVIRONMENTS[:-1])} or {ENVIRONMENTS[-1]} by --env or STOKER_ENV.",
        )
    return chosen
