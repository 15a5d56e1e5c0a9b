"""The whole job, from the sample files to what its readers see."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.testing import assert_frames_equal

from project_name.pipelines import job

if TYPE_CHECKING:
    from stoker.testing import RunJob

SAMPLE = Path(__file__).parent.parent / "data"


def test_the_sample_files_give_the_revenue_of_each_day(run_job: RunJob) -> None:
    """In the environment `testing`, with a lake and a database of this test's own."""
    done = run_job(job, places={"source": SAMPLE})

    assert done.record.pipeline("orders").rows_written == 6
    assert_frames_equal(
        done.frame("daily_revenue"),
        """
        day        | orders | revenue
        2024-01-01 | 2      | 30.50
        2024-01-02 | 2      | 115.25
        2024-01-03 | 2      | 92.00
        """,
    )
    assert done.query("SELECT sum(orders), sum(revenue) FROM daily_revenue") == [(6, Decimal("237.75"))]
