"""Logging by the standard library: this stage writes to the console, by environment."""

from stoker.logs.console import configure

__all__ = ["configure"]
