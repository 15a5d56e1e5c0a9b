"""The log of a Python worker: set up by the daemon before it forks workers, without a thread and without boto3."""

from __future__ import annotations

import logging
import os

from stoker.logs import context, inheritance
from stoker.logs.environments import level
from stoker.logs.levels import set_levels
from stoker.logs.setup import handlers
from stoker.logs.workers.console import WorkerConsole
from stoker.logs.workers.known import Learner
from stoker.logs.workers.limit import RateLimit
from stoker.logs.workers.task import of_tasks
from stoker.logs.workers.told import VARIABLE, Told


def begin() -> None:
    """Do what the driver has told; nothing if it has told nothing."""
    text = os.environ.get(VARIABLE)
    if not text:
        return
    told = Told.load(text)
    set_levels(level(told.environment, told.settings), told.settings.levels)
    context.find_elsewhere(of_tasks(told.context))
    root, limit = logging.getLogger(), RateLimit(Learner().learn)
    for handler in handlers(told.environment, told.settings, WorkerConsole(told.driver), limit.takes, keeps=False):
        root.addHandler(handler)
    inheritance.install()
