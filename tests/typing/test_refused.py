"""The public types find a user's mistakes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

MISTAKES = Path(__file__).parent / "refused" / "mistakes.py"


def test_mypy_finds_each_mistake_and_no_other() -> None:
    """Every marked line has an error, and no line beside them."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", str(MISTAKES)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    found = {int(line) for line in re.findall(r"mistakes\.py:(\d+): error", done.stdout)}
    marked = {number for number, line in enumerate(MISTAKES.read_text().splitlines(), 1) if "# mistake:" in line}

    assert found == marked, done.stdout + done.stderr
