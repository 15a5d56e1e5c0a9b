"""A real PostgreSQL from a wheel, for development and tests: found again, or started, in a folder of the project."""

from stoker.postgres.embedded.server import Server, start, status, stop

__all__ = ["Server", "start", "status", "stop"]
