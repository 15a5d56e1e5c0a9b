"""PostgreSQL: connections, staged and published loads, and a server of our own for development."""

from stoker.postgres.alone import LoadResult, load

__all__ = ["LoadResult", "load"]
