"""The run record: what one run did, as JSON that a person or another program can read."""

from stoker.record.expiry import expired
from stoker.record.ids import checked_run_id, file_stem, new_run_id
from stoker.record.metrics import TaskMetrics
from stoker.record.model import AttemptRecord, PipelineRecord, RunRecord, SinkRecord, State
from stoker.record.process import Process
from stoker.record.store import RecordStore, Unreadable, schema

__all__ = [
    "AttemptRecord",
    "PipelineRecord",
    "Process",
    "RecordStore",
    "RunRecord",
    "SinkRecord",
    "State",
    "TaskMetrics",
    "Unreadable",
    "checked_run_id",
    "expired",
    "file_stem",
    "new_run_id",
    "schema",
]
