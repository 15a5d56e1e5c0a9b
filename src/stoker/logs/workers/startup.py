"""What Python does when it starts in an executor: this module is sent there as `sitecustomize`.

It needs nothing but the standard library, and where Stoker is missing it changes nothing: a daemon module that is missing would
end every Python task.
"""

import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path


def _begin() -> None:
    # Programs that a task starts have the same environment.
    if not os.environ.get("STOKER_WORKER_LOGS") or not any(each.startswith("pyspark.") for each in sys.orig_argv[1:]):
        return
    try:
        from stoker.logs.workers.begin import begin

        begin()
    except Exception as error:  # noqa: BLE001 - a task is worth more than its log
        print(f"stoker: Python workers here have no log: {type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201 - there is no log


def _next_one() -> None:
    """The `sitecustomize` that Python would have found without this one."""
    ours = str(Path(__file__).parent)
    found = importlib.machinery.PathFinder.find_spec("sitecustomize", [path for path in sys.path if path != ours])
    if found is not None and found.loader is not None:
        module = sys.modules["sitecustomize"] = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)


if __name__ == "sitecustomize":
    _begin()
    _next_one()
