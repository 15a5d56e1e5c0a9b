"""Named places in the code where a test can make the process die, fail or wait.

`STOKER_FAILPOINT=NAME[:ACTION][,NAME...]` picks them, with ACTION one of `kill` (SIGKILL to this process, the default),
`raise` (an OSError), `interrupt` (SIGINT), `terminate` (SIGTERM) and `sleep=SECONDS`. Without the variable a failpoint
costs one comparison.
"""

from __future__ import annotations

import os
import signal
import time


def _parse(text: str) -> dict[str, str]:
    return {name: action or "kill" for name, _, action in (part.partition(":") for part in text.split(",") if part)}


_armed: dict[str, str] = _parse(os.environ.get("STOKER_FAILPOINT", ""))


def failpoint(name: str) -> None:
    """Do what the environment asks for at this place, which is nothing outside tests.

    Raises:
        OSError: If the failpoint is armed with `raise`.
    """
    if _armed and name in _armed:
        _fire(name, _armed[name])


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
    else:
        raise ValueError(f"STOKER_FAILPOINT: unknown action {action!r} of {name!r}")
