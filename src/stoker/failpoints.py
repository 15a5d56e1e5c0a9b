"""Named places in the code where a test can make the process die, fail or wait.

`STOKER_FAILPOINT=NAME[#NUMBER][:ACTION][,NAME...]` picks them: the NUMBERth time that one is passed (the first, by
default) it does ACTION, one of `kill` (SIGKILL to this process, the default), `raise` (an OSError), `interrupt` (SIGINT),
`terminate` (SIGTERM), `sleep=SECONDS`, and `hold=FILE`, which makes the file and waits until somebody removes it. Without
the variable a failpoint costs one comparison.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class _Armed:
    """What happens at one failpoint."""

    action: str
    passes: int
    """How often it is still to be passed until then."""


def _parse(text: str) -> dict[str, _Armed]:
    armed = {}
    for part in filter(None, text.split(",")):
        place, _, action = part.partition(":")
        name, _, number = place.partition("#")
        armed[name] = _Armed(action or "kill", int(number or 1))
    return armed


_armed: dict[str, _Armed] = _parse(os.environ.get("STOKER_FAILPOINT", ""))


def failpoint(name: str) -> None:
    """Do what the environment asks for at this place, which is nothing outside tests.

    Raises:
        OSError: If the failpoint is armed with `raise`.
    """
    if _armed and name in _armed:
        armed = _armed[name]
        armed.passes -= 1
        if armed.passes == 0:
            _fire(name, armed.action)


def _fire(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
    elif action == "terminate":
        os.kill(os.getpid(), signal.SIGTERM)
    elif action == "raise":
        raise OSError(f"failpoint {name}")
    elif action.startswith("sleep="):
        time.sleep(float(action.removeprefix("sleep=")))
    elif action.startswith("hold="):
        held = Path(action.removeprefix("hold="))
        held.touch()
        while held.exists():
            time.sleep(0.02)
    else:
        raise ValueError(f"STOKER_FAILPOINT: unknown action {action!r} of {name!r}")
