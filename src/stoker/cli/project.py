"""The jobs of a project, found by `stoker.toml`."""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.config import find_config, load_config
from stoker.entrypoint.summary import here
from stoker.errors import DefinitionError, StokerError, UsageError, suggestion
from stoker.job import Job

if TYPE_CHECKING:
    from stoker.config import Config

_LIBRARIES = re.compile(
    rf"{re.escape(str(Path(__file__).parents[1]))}/|/(?:site|dist)-packages/|{re.escape(os.__file__.removesuffix('os.py'))}"
)
"""Stoker's files, those of packages and Python's own."""


def project(config: str | None, environment: str | None) -> Config:
    """The project's configuration, with its folder on the import path."""
    loaded = load_config(find_config(explicit=config), environment=environment)
    on_path(loaded)
    return loaded


def on_path(config: Config) -> None:
    """Have the project's folder first on the import path."""
    folder = str(config.source.folder)
    if folder not in sys.path:
        sys.path.insert(0, folder)


def job_of(config: Config, name: str) -> Job:
    """Import a job.

    Raises:
        UsageError: If `[jobs]` has no such name.
        DefinitionError: If it cannot be imported, or is no job.
    """
    if name not in config.jobs:
        raise UsageError(
            f"{name!r} is no job of {config.source.name}.{suggestion(name, config.jobs)}",
            next_step=f'Add it to [jobs], for instance {name} = "{name}.pipelines:job".',
        )
    module, _, attribute = config.jobs[name].partition(":")
    try:
        found = importlib.import_module(module)
    except StokerError as error:
        raise type(error)(f"{error.what} ({_line(error)})", state=error.state, next_step=error.next_step) from error
    except (Exception, SystemExit) as error:
        hint = (
            'Put what runs, such as main(job), under if __name__ == "__main__":'
            if isinstance(error, SystemExit)
            else ""
        )
        raise DefinitionError(
            f"The job {name!r} cannot be imported from {module}: {_reason(error)}.",
            state="Nothing was started.",
            next_step=hint
            or f"Correct it, or [jobs] {name} in {config.source.name}; --traceback shows the whole trace.",
        ) from error
    job = getattr(found, attribute, None)
    if not isinstance(job, Job):
        jobs = [key for key, value in vars(found).items() if isinstance(value, Job)]
        told = f"has no {attribute!r}" if job is None else f"has {attribute!r}, which is no Job"
        raise DefinitionError(f"{module} {told}.{suggestion(attribute, jobs)}")
    return job


def job_named(config: Config, name: str) -> Job:
    """Import the job of that name, which a run record has; its key under `[jobs]` may be another.

    Raises:
        UsageError: If `[jobs]` has none.
        DefinitionError: If one that could be it cannot be imported.
    """
    keys = sorted(config.jobs, key=lambda key: key != name)
    problem: StokerError | None = None
    for key in keys:
        try:
            job = job_of(config, key)
        except StokerError as error:
            problem = problem or error
            continue
        if job.name == name:
            return job
    if problem is not None:
        raise problem
    raise UsageError(
        f"No job of {config.source.name} is named {name!r}.{suggestion(name, config.jobs)}",
        state="Nothing was started.",
        next_step=f'Add it to [jobs], for instance {name} = "{name}.pipelines:job".',
    )


def _reason(error: BaseException) -> str:
    """What an import raised, and the line of the user's code."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    return f"{type(error).__name__}: {error} ({_line(error)})"


def _line(error: BaseException) -> str:
    """Where it came from: the last line of the user's code in its trace, or the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith("<") and not _LIBRARIES.search(frame.filename)]
    last = (own or list(frames))[-1]
    return here(f"{last.filename}:{last.lineno}")
