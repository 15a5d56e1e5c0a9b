"""One sink's load into a folder, from the lease to the commit."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stoker.errors import SinkError
from stoker.failpoints import failpoint
from stoker.files.control import Commit, Target, read_commit
from stoker.files.filesystem import file_system
from stoker.files.lease import Lease
from stoker.files.ownership import content_after, foreign, not_ours, touched
from stoker.files.publish import marker, publish, recover
from stoker.files.view import Root, View, commit_view, read_view, view, written_schema
from stoker.spark.data_files import DataFiles
from stoker.spark.metrics import last_write

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType


@dataclass(frozen=True)
class FileFormat:
    """How Spark writes, and reads back, one format."""

    name: str
    write_options: dict[str, Any]
    read_options: dict[str, Any]
    keeps_types: bool


class FolderLoad:
    """A load of one frame into one folder by one run.

    Args:
        spark: The session.
        path: The folder to publish into.
        form: The format.
        mode: `replace`, `append` or `replace_partitions`.
        partition_by: The partition columns.
        run_id: The run; it adds once.
        adopt: Whether files that Stoker did not write become its own, instead of being a reason to refuse.
    """

    def __init__(
        self,
        spark: SparkSession,
        path: str,
        *,
        form: FileFormat,
        mode: str,
        partition_by: list[str],
        run_id: str,
        adopt: bool = False,
    ) -> None:
        self._spark = spark
        self._fs = file_system(spark, path)
        self.target = Target(path.rstrip("/"))
        self._form = form
        self._mode = mode
        self._partition_by = partition_by
        self._run_id = run_id
        self._adopt = adopt
        self._nonce = secrets.token_hex(6)
        self._lease: Lease | None = None
        self._staged: Commit | None = None

    def acquire(self, wait: float, waiting: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        """Take the lease and finish what a dead publisher left.

        Raises:
            LeaseHeldError: If another run holds it for longer than `wait` seconds.
            SinkError: If the target is a file or cannot be written.
        """
        if self._fs.is_file(self.target.path):
            raise SinkError(
                f"{self.target.path} is a file, and a sink publishes a folder.", next_step="Give the path of a folder."
            )
        self._fs.make_folder(self.target.control)
        self._lease = Lease(self._fs, self.target, run_id=self._run_id, wait=wait, waiting=waiting, stopped=stopped)
        recover(self._fs, self.target)

    def published(self) -> Commit | None:
        """What this run has published here already, if it has."""
        return read_commit(self._fs, self.target.commit(self._run_id))

    def check_owner(self) -> None:
        """Refuse, before any row is computed, a folder with files that Stoker did not write, unless it is to adopt them.

        Beside partitions that are Stoker's, only the partitions that are replaced count, and `publish` looks at these.

        Raises:
            SinkError: If there is one, with the names of some.
        """
        latest = read_commit(self._fs, self.target.latest)
        if self._adopt or (self._mode == "replace_partitions" and latest is not None):
            return
        found = foreign([info.path for info in self._fs.data_files(self.target.path)], latest)
        if found:
            raise not_ours(self.target, found, self._mode)

    def check_schema(self, schema: StructType) -> None:
        """Refuse, before any row is computed, what could not be read back together with the rows that are there.

        Raises:
            SinkError: If partition columns are missing, no other is left, or the columns differ from the target's.
        """
        missing = [name for name in self._partition_by if name not in schema.names]
        if missing:
            raise SinkError(
                f"{self.target.path} is partitioned by {missing}, which the frame does not have.",
                next_step=f"Its columns are {schema.names}: correct partition_by= or the transformer.",
            )
        doubled = sorted({name for name in schema.names if _folded(schema.names).count(name.lower()) > 1})
        if doubled:
            raise SinkError(
                f"The frame for {self.target.path} has columns of the same name: {doubled}.",
                next_step="Rename or drop one of each in the transformer (Spark ignores case).",
            )
        if not schema.names or len(schema.names) == len(self._partition_by):
            raise SinkError(
                f"The frame for {self.target.path} has no column beside its partition columns.",
                next_step="Add a column or partition by fewer.",
            )
        latest = read_commit(self._fs, self.target.latest)
        if self._mode == "replace" or latest is None:
            return
        there = {field.name: field.dataType.simpleString() for field in written_schema(latest).fields}
        here = {field.name: field.dataType.simpleString() for field in schema.fields}
        if there != here or latest.partition_by != self._partition_by or latest.format != self._form.name:
            raise SinkError(
                f"What is loaded does not fit {self.target.path}: {_difference(there, here)}"
                f"partitioned by {latest.partition_by} there, by {self._partition_by} here.",
                state="Nothing was written.",
                next_step='Make the columns equal, or load it once with mode="replace".',
            )

    def stage(self, frame: DataFrame, label: str) -> Commit:
        """Write the rows where no reader looks. One Spark job.

        Args:
            frame: The rows.
            label: A unique description for Spark's jobs, by which the metrics of the write are found.

        Raises:
            SinkError: If Spark's account of the files differs from what is on the disk.
        """
        failpoint("files.stage.begin")
        data = f"{self.target.staging(self._nonce)}/data"
        writer = frame.write.format(self._form.name).mode("error").options(**self._form.write_options)
        # Version 1 moves the files of committed tasks at the job's commit; a late attempt cannot add to them.
        writer = writer.option("mapreduce.fileoutputcommitter.algorithm.version", "1")
        if self._partition_by:
            writer = writer.partitionBy(*self._partition_by)
        writer.save(data)
        failpoint("files.stage.written")
        files = list(self._fs.data_files(data))
        metrics = last_write(self._spark, label)
        if metrics is not None and metrics.files != len(files):
            raise SinkError(
                f"Spark reports {metrics.files} files for {self.target.path}, and {len(files)} are staged.",
                state="Nothing was published.",
                next_step="Run again; if it stays, another program writes into the staging folder.",
            )
        names = [info.path for info in files]
        commit = Commit(
            run_id=self._run_id,
            nonce=self._nonce,
            format=self._form.name,
            mode=self._mode,
            schema=frame.schema.jsonValue(),
            partition_by=self._partition_by,
            rows=None if metrics is None else metrics.rows,
            files=names,
            bytes=sum(info.bytes for info in files),
            moves=self._moves(names),
        )
        self._fs.write_text(f"{data}/{marker(commit)}", self._run_id)
        self._staged = commit
        return commit

    def _moves(self, files: list[str]) -> list[str]:
        if self._mode == "replace":
            return []
        if self._mode == "append":
            return files
        return sorted({name.rpartition("/")[0] for name in files})

    def publish(self) -> tuple[Commit, bool]:
        """Publish what is staged, in one step as far as the file system has one.

        Returns:
            The commit, and whether other readers may have found nothing for a moment.

        Raises:
            SinkError: If it would remove files that Stoker did not write.
        """
        assert self._staged is not None
        assert self._lease is not None
        # Looked at again: files may have come since the load began.
        there = [info.path for info in self._fs.data_files(self.target.path)]
        found = [] if self._adopt else foreign(there, read_commit(self._fs, self.target.latest))
        in_the_way = touched(found, self._staged)
        if in_the_way:
            raise not_ours(self.target, in_the_way, self._mode)
        commit = replace(self._staged, content=content_after(there, found, self._staged))
        self._lease.check()
        return commit, publish(self._fs, self.target, commit)

    def frame(self) -> DataFrame | None:
        """The rows that this run staged or published, for the sinks that come after; None if they are gone."""
        shown = self._own_view()
        if shown is None or shown.latest is None:
            return None
        return read_view(
            self._spark,
            shown,
            form=self._form.name,
            schema=written_schema(shown.latest),
            options=self._form.read_options,
        )

    def data_files(self) -> DataFiles | None:
        """The files of `frame`, by the commit's account of them."""
        shown = self._own_view()
        if shown is None or shown.latest is None or len(shown.roots) != 1:
            return None
        commit = shown.latest
        return DataFiles(self._form.name, shown.roots[0].base, tuple(commit.files), written_schema(commit))

    def _own_view(self) -> View | None:
        """What this run staged or published; None if it is gone."""
        if self._staged is not None:
            return View((Root(f"{self.target.staging(self._nonce)}/data"),), self._staged)
        done = self.published()
        if done is None:
            return None
        if done.mode == "replace":
            shown = view(self._fs, self.target)
            return shown if shown.latest is not None and shown.latest.run_id == self._run_id else None
        is_there = all(self._fs.exists(f"{self.target.path}/{name}") for name in done.files)
        return commit_view(self.target, done) if is_there else None

    def close(self) -> None:
        """Remove what is staged and not decided, and give the target free."""
        if self._lease is None:
            return
        try:
            if read_commit(self._fs, self.target.intent) is None:
                self._fs.delete(self.target.staging(self._nonce))
        finally:
            self._lease.release()
            self._lease = None


def _folded(names: list[str]) -> list[str]:
    return [name.lower() for name in names]


def _difference(there: dict[str, str], here: dict[str, str]) -> str:
    parts = [f"column {name} {kind} is missing; " for name, kind in there.items() if name not in here]
    parts += [f"column {name} {kind} is new; " for name, kind in here.items() if name not in there]
    parts += [
        f"column {name} is {there[name]} there and {kind} here; "
        for name, kind in here.items()
        if name in there and there[name] != kind
    ]
    return "".join(parts)
