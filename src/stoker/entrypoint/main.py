"""The one call of an entry point."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stoker.job import Job


def main(job: Job, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a job by the command line's arguments, and exit.

    The exit code is 0 when all is done, 1 when the job failed, 2 for wrong usage or configuration, 130 or 143 after
    SIGINT or SIGTERM.

    Args:
        job: The job.
        arguments: Without the program's name; by default those of the process.
    """
    from stoker.entrypoint.arguments import run_command

    script = Path(sys.argv[0])
    command = run_command(job, entry_point=script if script.suffix == ".py" else None)
    sys.exit(
        command.main(args=None if arguments is None else list(arguments), prog_name=script.name, standalone_mode=False)
    )
