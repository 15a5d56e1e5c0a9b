"""From arguments to an exit code: what `main(job)` and `stoker run` share."""

from stoker.entrypoint.main import main

__all__ = ["main"]
