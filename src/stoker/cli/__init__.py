"""The command line `stoker`, one file a command."""

from stoker.cli.main import main

__all__ = ["main"]
