"""The run record: what one run did, as JSON that a person or another program can read."""

from stoker.record.ids import checked_run_id, new_run_id
from stoker.record.metrics import TaskMetrics
from stoker.record.model import PipelineRecord, RunRecord, SinkRecord, State
from stoker.record.store import RecordStore, schema

__all__ = [
    "PipelineRecord",
    "RecordStore",
    "RunRecord",
    "SinkRecord",
    "State",
    "TaskMetrics",
    "checked_run_id",
    "new_run_id",
    "schema",
]
