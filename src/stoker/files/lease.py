"""Leases on targets: one publisher at a time, and a dead one's place is taken over.

Each candidate writes a file of its own and then looks for others. Whoever wrote first is seen by whoever wrote later,
so at least one of two candidates withdraws; this needs no exclusive create, which object stores lack.
"""

from __future__ import annotations

import json
import random
import secrets
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stoker.errors import LeaseHeldError, StokerError, TransientError
from stoker.record.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.files.control import Target
    from stoker.files.filesystem import FileSystem

LIFETIME = 60.0
"""Seconds after the last heartbeat at which a lease of another machine counts as dead."""


class Lease:
    """The right to publish into a target, kept alive by a thread until it is released.

    Args:
        fs: The target's file system.
        target: The target.
        run_id: Whose lease it is, for the messages of those who wait.
        wait: Seconds to wait for another holder.
        waiting: Called once with a sentence when it has to wait.
        stopped: Asked while it waits; True gives up.
    """

    def __init__(
        self,
        fs: FileSystem,
        target: Target,
        *,
        run_id: str,
        wait: float,
        waiting: Callable[[str], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._fs = fs
        self._target = target
        self._run_id = run_id
        self._nonce = secrets.token_hex(6)
        self._beats = 0
        self._released = threading.Event()
        self._writing = threading.Lock()
        self._beat = 0.0
        self._acquire(wait, waiting, stopped)
        threading.Thread(target=self._keep_alive, name=f"stoker-lease-{run_id}", daemon=True).start()

    def _acquire(self, wait: float, waiting: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        deadline = time.monotonic() + wait
        told = False
        while True:
            holder = live_holder(self._fs, self._target)
            if holder is None:
                self._write()
                # Look again: another may have written between our look and our write.
                if live_holder(self._fs, self._target, but=self._nonce) is None:
                    return
                self._fs.delete(self._path)
                holder = {}
            if stopped():
                raise LeaseHeldError(f"Waiting for {self._target.where} was cancelled.")
            if time.monotonic() > deadline:
                raise held(self._target, holder, wait)
            if holder and not told:
                told = True
                waiting(f"{self._target.where} is being published by {_who(holder)}; waiting up to {wait:g} s for it")
            time.sleep(random.uniform(0.05, 0.25))  # noqa: S311 - so that two candidates do not withdraw in step

    @property
    def _path(self) -> str:
        return f"{self._target.control}/lease-{self._nonce}-{self._beats}.json"

    def _write(self) -> None:
        """Write a new file and remove the one before: there is no moment without one, on any file system."""
        before = self._path
        self._beats += 1
        self._beat = time.time()
        holder = {
            "run_id": self._run_id,
            **asdict(Process.current()),
            "heartbeat": self._beat,
        }
        self._fs.write_text(self._path, json.dumps(holder))
        self._fs.delete(before)

    def _keep_alive(self) -> None:
        while not self._released.wait(LIFETIME / 4):
            try:
                with self._writing:
                    if self._released.is_set() or not self._fs.exists(self._path):
                        return
                    self._write()
            except Exception:  # noqa: BLE001, S112 - py4j and Hadoop raise many; `check` sees a beat that stays away
                continue

    def check(self) -> None:
        """Make sure that the lease is still ours; called right before a publish is decided.

        Raises:
            TransientError: If it expired (a long pause of this process) or was taken over.
        """
        with self._writing:
            # Not in mid-beat, when the next file's name is known and the file is not there yet.
            lost = time.time() - self._beat > LIFETIME * 0.9 or not self._fs.exists(self._path)
        if lost:
            raise TransientError(
                f"The lease on {self._target.where} was lost: this process did not run for a while.",
                state="Nothing was published there by this attempt.",
                next_step="Run again with the same run id.",
            )

    def release(self) -> None:
        """Give the target free for others."""
        self._released.set()
        with self._writing:
            self._fs.delete(self._path)


def live_holder(fs: FileSystem, target: Target, *, but: str | None = None, tidy: bool = True) -> dict[str, Any] | None:
    """Who holds a live lease on the target, or None.

    Args:
        fs: The target's file system.
        target: The target.
        but: The nonce of a lease that does not count: one's own.
        tidy: Whether dead leases are removed on the way.
    """
    for entry in fs.entries(target.control):
        if not entry.path.startswith("lease-") or not entry.path.endswith(".json"):
            continue
        if but is not None and entry.path.startswith(f"lease-{but}-"):
            continue
        path = f"{target.control}/{entry.path}"
        text = fs.read_text(path)
        if text is None:
            continue
        try:
            holder: dict[str, Any] = json.loads(text)
            dead = _dead(holder)
        except (ValueError, KeyError, TypeError):
            dead, holder = True, {}
        if not dead:
            return holder
        if tidy:
            fs.delete(path)
    return None


def _dead(holder: dict[str, Any]) -> bool:
    process = Process(holder["host"], holder["pid"], holder["started"])
    if process.is_here:
        # On this machine there is no need to wait for the heartbeat: the process is there or not.
        return process.is_dead
    return time.time() - float(holder["heartbeat"]) > LIFETIME


def _who(holder: dict[str, Any]) -> str:
    return f"run {holder.get('run_id')} (process {holder.get('pid')} on {holder.get('host')})"


def held(target: Target, holder: dict[str, Any], wait: float) -> StokerError:
    """The error for a target that a live run holds, after so many seconds of waiting."""
    return LeaseHeldError(
        f"{target.where} is held by {_who(holder)}; waited {wait:g} s.",
        state="Nothing was published there by this run.",
        next_step="Wait for that run or stop it, then run again; [run] lease_wait sets the seconds to wait.",
    )
