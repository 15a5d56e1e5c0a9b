"""Tests of transformers, pipelines and jobs, with pytest.

The plugin (`pytest_stoker`, found by pytest itself) brings the fixtures `spark`, `spark_settings` and `run_job`, and the marker
`spark_jobs`. What needs no cleaning up is a function of this module.
"""

from stoker.testing.comparison import assert_frames_equal
from stoker.testing.jobs import JobRun, RunJob
from stoker.testing.pipelines import run_pipeline
from stoker.testing.tables import frame

__all__ = ["JobRun", "RunJob", "assert_frames_equal", "frame", "run_pipeline"]
