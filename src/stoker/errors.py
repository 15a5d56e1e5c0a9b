"""Every error that Stoker raises.

StokerError
├── TerminalError               trying again changes nothing
│   ├── UsageError              a mistake in the call (exit code 2)
│   ├── ConfigurationError      a mistake in stoker.toml, the environment or the machine (exit code 2)
│   ├── DefinitionError         a job or pipeline that cannot be right (exit code 2)
│   ├── SourceError             what is extracted is missing or does not fit
│   ├── TransformError          a transformer failed or returned something else than it should
│   ├── SinkError               what is loaded cannot be loaded
│   ├── CheckError              rows that are to be published violate a check
│   ├── MissingExtraError       an optional library is not installed
│   └── InterruptedRunError     the run was cancelled
├── TransientError              trying again may succeed
│   ├── LeaseHeldError          another run holds the target
│   └── ConnectionLostError     a server could not be reached, or went away
└── UnknownCommitError          a commit was sent and its answer is lost: neither failed nor known to be done
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class StokerError(Exception):
    """An error whose message says what failed, what state the data is in and what to do next.

    Args:
        what: What failed, with job, pipeline, step or place where they are known.
        state: What state the data is in, if anything could have been written.
        next_step: What to do next, as a command or an instruction.
    """

    def __init__(self, what: str, *, state: str | None = None, next_step: str | None = None) -> None:
        super().__init__(what, state, next_step)
        self.what = what
        self.state = state
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [self.what]
        if self.state:
            lines.append(f"State: {self.state}")
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments are lost by the default; workers send errors pickled.
        return (_rebuild, (type(self), self.what, self.state, self.next_step))


def _rebuild(kind: type[StokerError], what: str, state: str | None, next_step: str | None) -> StokerError:
    return kind(what, state=state, next_step=next_step)


class TerminalError(StokerError):
    """Trying again without a change fails again."""


class UsageError(TerminalError):
    """The call is wrong: an unknown job, parameter or option. Exit code 2."""


class ConfigurationError(TerminalError):
    """The configuration, the environment or the machine is wrong. Exit code 2."""


class DefinitionError(TerminalError):
    """A pipeline or a job is declared wrongly; raised when it is made. Exit code 2."""


class SourceError(TerminalError):
    """What is extracted is missing, or does not fit what was declared."""


class TransformError(TerminalError):
    """A transformer raised, or returned something else than it should."""


class SinkError(TerminalError):
    """What is loaded does not fit its target, or the target refuses it."""


class CheckError(TerminalError):
    """Rows that are staged violate a check of their sink; nothing was published."""


class MissingExtraError(TerminalError):
    """An optional library is not installed; the message has the command that installs it."""


class InterruptedRunError(TerminalError):
    """The run was cancelled by Ctrl-C, SIGTERM, `fail_fast` or a lost gateway."""


class TransientError(StokerError):
    """Trying again may succeed."""


class LeaseHeldError(TransientError):
    """Another run holds the lease on the target."""


class ConnectionLostError(TransientError):
    """A server could not be reached, or the connection to it was lost before a commit was sent."""


class UnknownCommitError(StokerError):
    """A commit was sent and neither its answer nor its outcome could be learnt."""


def number_of(amount: int, thing: str) -> str:
    """`1 file`, `1,204 files`."""
    return f"{amount:,} {thing}{'' if amount == 1 else 's'}"


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """The end of a message about a wrong name: close names, else all of them.

    Args:
        wrong: The name that is not known.
        known: The names that are.

    Returns:
        `" Did you mean 'x'?"`, or `" Known: 'a', 'b'."`, or `" There are none."`.
    """
    names = sorted(known)
    close = difflib.get_close_matches(wrong, names, n=3)
    if close:
        return " Did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    if not names:
        return " There are none."
    return " Known: " + ", ".join(f"'{name}'" for name in names) + "."


def missing_extra(library: str, extra: str, purpose: str) -> MissingExtraError:
    """The error for an optional library that is not installed, with the command that installs it."""
    return MissingExtraError(
        f"{purpose} needs {library}, which is not installed.", next_step=f'pip install "stoker[{extra}]"'
    )
