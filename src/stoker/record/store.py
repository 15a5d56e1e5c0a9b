"""Run records on disk."""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.errors import ConfigurationError, UsageError, suggestion
from stoker.failpoints import failpoint
from stoker.record.ids import checked_run_id, file_stem
from stoker.record.model import State
from stoker.record.parse import UnreadableRecordError, parse
from stoker.record.process import started

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stoker.record.model import RunRecord

LAST, LAST_FAILED = "last", "last-failed"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a run record."""
    text = resources.files("stoker.record").joinpath("schema.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@dataclass(frozen=True)
class Unreadable:
    """A file among the records that cannot be read."""

    path: Path
    why: str


class RecordStore:
    """The folder of run records, one file a run.

    Args:
        folder: Made when the first record is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, run_id: str) -> Path:
        """Where the record of that run is, or will be."""
        return self.folder / f"{file_stem(run_id)}.json"

    def log(self, run_id: str) -> Path:
        """Where the output of Spark's JVM goes, if that run starts it."""
        return self.folder / f"{file_stem(run_id)}.spark.log"

    def write(self, record: RunRecord) -> Path:
        """Write the record in one step: a reader sees the former one or this one.

        Raises:
            ConfigurationError: If the folder cannot be written.
        """
        target = self.path(record.run_id)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            failpoint("record.begin")
            temporary.write_text(json.dumps(record.to_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")
            failpoint("record.written")
            temporary.replace(target)
            failpoint("record.renamed")
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ConfigurationError(
                f"The run record {target} cannot be written: {error.strerror or error}.",
                state="What the pipelines published stands.",
                next_step="Free space or grant access there, or set [run] records in stoker.toml to another folder.",
            ) from error
        return target

    def earlier(self, run_id: str) -> RunRecord | None:
        """The record of that very id, or None if there is none.

        Raises:
            ConfigurationError: If it cannot be read, with the reason and its path.
        """
        found = self._read(self.path(run_id))
        if isinstance(found, Unreadable):
            raise ConfigurationError(
                f"The run record {found.path} cannot be read: {found.why}.",
                state="What that run published stands; what it was asked for is not known.",
                next_step="Use the version of Stoker that wrote it; or move the file away and run again: what is published "
                "under a run id is not published twice.",
            )
        return found

    def find(self, asked: str) -> RunRecord:
        """The record that is meant.

        Args:
            asked: A run id; else the beginning of one, if only one begins so; `last` for the run that started last, and
                `last-failed` for the last one that did not succeed and does not run.

        Raises:
            UsageError: If there is none, with the close ids, or several begin so.
            ConfigurationError: If it cannot be read.
        """
        if asked not in {LAST, LAST_FAILED}:
            exact = self.earlier(checked_run_id(asked))
            if exact is not None:
                return exact
        records, _ = self.all()
        if asked in {LAST, LAST_FAILED}:
            done = {State.SUCCEEDED, State.RUNNING}
            records = [record for record in records if asked == LAST or record.settled not in done]
            if records:
                return records[0]
            told = "no run" if asked == LAST else "no run that did not succeed"
            raise UsageError(f"There is {told} in {self.folder}.", next_step="Check [run] records of the project.")
        begins = [record for record in records if record.run_id.startswith(asked)]
        if len(begins) == 1:
            return begins[0]
        if begins:
            told = ", ".join(record.run_id for record in begins[:5])
            raise UsageError(f"{len(begins)} runs begin with {asked!r}: {told}.", next_step="Give more of the id.")
        ids = [record.run_id for record in records]
        near = difflib.get_close_matches(asked, ids, n=3) or ids[:3]
        raise UsageError(
            f"There is no record of the run {asked!r} in {self.folder}.{suggestion(asked, near)}",
            next_step="Each file there is named by its run id; check [run] records of the project.",
        )

    def all(self) -> tuple[list[RunRecord], list[Unreadable]]:
        """All records, the run that started last first; and the files that cannot be read."""
        records: list[RunRecord] = []
        unreadable: list[Unreadable] = []
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            found = self._read(path)
            if isinstance(found, Unreadable):
                unreadable.append(found)
            elif found is not None:
                records.append(found)
        records.sort(key=lambda record: (record.start, record.run_id), reverse=True)
        return records, unreadable

    def torn(self) -> list[Path]:
        """The files of records whose writer did not come to rename them."""
        found = self.folder.glob(".*.json.*") if self.folder.is_dir() else ()
        return sorted(path for path in found if path.suffix[1:].isdecimal() and started(int(path.suffix[1:])) is None)

    def remove(self, records: Sequence[RunRecord]) -> None:
        """Remove records, and the Spark logs that no other record names."""
        for record in records:
            self.path(record.run_id).unlink(missing_ok=True)
        named = {record.spark_log for record in self.all()[0]}
        for record in records:
            for log in {record.spark_log, str(self.log(record.run_id))} - {None, *named}:
                # Only what is ours: the log of a session that was given may be anywhere.
                if Path(str(log)).parent == self.folder:
                    Path(str(log)).unlink(missing_ok=True)

    def _read(self, path: Path) -> RunRecord | Unreadable | None:
        try:
            record = parse(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, UnreadableRecordError) as error:
            return Unreadable(path, error.strerror or str(error) if isinstance(error, OSError) else str(error))
        if self.path(record.run_id) != path:
            return Unreadable(path, f"it is the record of the run {record.run_id!r}, under another name")
        return record
