"""Pipelines that run together: graph, parameters, runs."""

from stoker.job.job import Job

__all__ = ["Job"]
