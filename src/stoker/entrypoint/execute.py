"""A run on a command line: everything that can happen becomes output and an exit code."""

from __future__ import annotations

import json
import sys
import traceback
from typing import TYPE_CHECKING

from stoker import logs
from stoker.config import find_config, load_config
from stoker.entrypoint.signals import signals_raise
from stoker.errors import ConfigurationError, DefinitionError, MissingExtraError, StokerError, UsageError
from stoker.job.launch import launch
from stoker.job.parameters import filled
from stoker.job.runner import TerminatedError
from stoker.record import State
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.entrypoint.arguments import RunOptions
    from stoker.job import Job
    from stoker.job.events import Observer
    from stoker.record import RunRecord

DONE, FAILED, WRONG, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


def execute(job: Callable[[], Job], asked: Callable[[], RunOptions], observer: Callable[[RunOptions], Observer]) -> int:
    """Run a job.

    Args:
        job: Gives the job; importing it may fail.
        asked: Gives the options; reading them may fail.
        observer: Makes what shows the run.

    Returns:
        The exit code.
    """

    def work() -> int:
        chosen = asked()
        return ended(_run(job(), chosen, observer(chosen)), as_json=chosen.as_json)

    return guarded(work)


def guarded(work: Callable[[], int], *, interrupted: str = "nothing was started") -> int:
    """Do some work that answers an exit code; everything that can happen becomes words and an exit code.

    Args:
        work: What to do.
        interrupted: What to say of a signal that reaches this place.
    """
    show_trace = "--traceback" in sys.argv
    try:
        with signals_raise():
            return work()
    except KeyboardInterrupt as interrupt:
        print(f"interrupted; {interrupted}", file=sys.stderr)  # noqa: T201 - the command line speaks
        return TERMINATED if isinstance(interrupt, TerminatedError) else INTERRUPTED
    except StokerError as error:
        show_error(error, trace=show_trace)
        return exit_code(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in words
        show_error(unexpected(error), trace=show_trace)
        return FAILED


def unexpected(error: Exception) -> StokerError:
    """The words for what nothing else explains: the machine refused, or we have made a mistake."""
    refused = isinstance(error, OSError)
    found = StokerError(
        f"{type(error).__name__}: {error}",
        next_step="Check the path, its rights and the space there; --traceback shows where it was needed."
        if refused
        else "This looks like a bug in Stoker: report it with what --traceback shows.",
    )
    found.__cause__ = error
    return found


def exit_code(error: StokerError) -> int:
    """2 for what the user can correct in the call, the configuration or the machine, else 1."""
    wrong = isinstance(error, UsageError | ConfigurationError | DefinitionError | MissingExtraError)
    return WRONG if wrong else FAILED


def show_error(error: BaseException, *, trace: bool) -> None:
    """Write an error to standard error, with its trace only if that was asked for."""
    text = "".join(traceback.format_exception(error)) if trace else f"error: {error}"
    print(redact(text), file=sys.stderr)  # noqa: T201 - the command line speaks


def _run(job: Job, asked: RunOptions, observer: Observer) -> RunRecord:
    source = find_config(explicit=asked.config, entry_point=asked.entry_point)
    config = load_config(source, environment=asked.environment)
    logs.configure(config.environment, config.logging)
    parameters = filled(job.parameters, asked.parameters)
    return launch(job, config=config, parameters=parameters, only=asked.only, run_id=asked.run_id, observer=observer)


def ended(record: RunRecord, *, as_json: bool) -> int:
    """The exit code of a run, and its record on standard output if that was asked for."""
    if as_json:
        print(json.dumps(record.to_json(), indent=2, ensure_ascii=False))  # noqa: T201 - what was asked for
    if record.state is State.INTERRUPTED:
        return TERMINATED if record.signal == "SIGTERM" else INTERRUPTED
    return DONE if record.state is State.SUCCEEDED else FAILED
