"""Stoker: PySpark ETL that runs on a laptop, on any Spark cluster and on EMR Serverless, unchanged."""

from stoker.checks import Check, check
from stoker.connectors.base import Context, Endpoint, Load, Loaded, Names, Sink, Source
from stoker.connectors.namespaces import read, write
from stoker.connectors.paths import Path, param, place
from stoker.entrypoint import main
from stoker.errors import (
    CheckError,
    ConfigurationError,
    ConnectionLostError,
    DefinitionError,
    InterruptedRunError,
    LeaseHeldError,
    MissingExtraError,
    SinkError,
    SourceError,
    StokerError,
    TerminalError,
    TransformError,
    TransientError,
    UnknownCommitError,
    UsageError,
)
from stoker.job import Job
from stoker.pipeline import Pipeline, PipelineSource
from stoker.record import CheckRecord, CheckState, PipelineRecord, RunRecord, SinkRecord, State
from stoker.version import __version__

__all__ = [
    "Check",
    "CheckError",
    "CheckRecord",
    "CheckState",
    "ConfigurationError",
    "ConnectionLostError",
    "Context",
    "DefinitionError",
    "Endpoint",
    "InterruptedRunError",
    "Job",
    "LeaseHeldError",
    "Load",
    "Loaded",
    "MissingExtraError",
    "Names",
    "Path",
    "Pipeline",
    "PipelineRecord",
    "PipelineSource",
    "RunRecord",
    "Sink",
    "SinkError",
    "SinkRecord",
    "Source",
    "SourceError",
    "State",
    "StokerError",
    "TerminalError",
    "TransformError",
    "TransientError",
    "UnknownCommitError",
    "UsageError",
    "__version__",
    "check",
    "main",
    "param",
    "place",
    "read",
    "write",
]
