"""What the package exports."""

from __future__ import annotations

import subprocess
import sys

import stoker


def test_all_is_sorted_and_is_what_can_be_imported() -> None:
    """`__all__` is neither short of a public name nor ahead of one."""
    public = {name for name, value in vars(stoker).items() if not name.startswith("_") and not _is_module(value)}

    assert sorted(stoker.__all__) == stoker.__all__
    assert set(stoker.__all__) == public | {"__version__"}


def test_importing_loads_nothing_heavy() -> None:
    """`import stoker` is quick: no Spark, Arrow, AWS, drawing or numbers."""
    code = "import sys, stoker; print([n for n in ('pyspark','pyarrow','boto3','rich','numpy','pandas') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _is_module(value: object) -> bool:
    return type(value).__name__ == "module"
