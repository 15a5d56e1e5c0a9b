"""Run records on disk."""

from __future__ import annotations

import json
import os
from importlib import resources
from typing import TYPE_CHECKING, Any

from stoker.errors import ConfigurationError
from stoker.failpoints import failpoint

if TYPE_CHECKING:
    from pathlib import Path

    from stoker.record.model import RunRecord


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a run record."""
    text = resources.files("stoker.record").joinpath("schema.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


class RecordStore:
    """The folder of run records, one file a run.

    Args:
        folder: Made when the first record is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, run_id: str) -> Path:
        """Where the record of that run is, or will be."""
        # A colon is legal in a run id (Airflow has it) and is not in file names everywhere.
        return self.folder / f"{run_id.replace(':', '_')}.json"

    def write(self, record: RunRecord) -> Path:
        """Write the record in one step: a reader sees the former one or this one.

        Raises:
            ConfigurationError: If the folder cannot be written.
        """
        target = self.path(record.run_id)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(record.to_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")
            failpoint("record.written")
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ConfigurationError(
                f"The run record {target} cannot be written: {error.strerror or error}.",
                state="What the pipelines published stands.",
                next_step="Free space or grant access there, or set [run] records in stoker.toml to another folder.",
            ) from error
        return target
