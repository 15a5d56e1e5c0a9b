"""One sink's load into a folder, from the lease to the commit."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.failpoints import failpoint
from stoker.files.control import Commit, Target, read_commit
from stoker.files.drift import Fit, Published, fitted, left_out, nullable
from stoker.files.filesystem import file_system
from stoker.files.lease import Lease
from stoker.files.ownership import content_after, foreign, not_our_file, not_ours, touched
from stoker.files.publish import left_by, marker, publish, recover
from stoker.files.stage import write_staged
from stoker.files.view import Root, View, commit_view, read_view, schema_of, view, written_schema
from stoker.spark.data_files import DataFiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from stoker.files.form import FileFormat
    from stoker.files.layout import Layout


class FolderLoad:
    """A load of one frame into one folder by one run.

    Args:
        spark: The session.
        path: The folder to publish into, or the file.
        form: The format.
        mode: `replace`, `append` or `replace_partitions`.
        layout: How many files, and of which rows.
        run_id: The run; it adds once.
        on_drift: What happens to columns that differ from those that are published: `fail`, `add` or `ignore`.
        adopt: Whether files that Stoker did not write become its own, instead of being a reason to refuse.
    """

    def __init__(
        self,
        spark: SparkSession,
        path: str,
        *,
        form: FileFormat,
        mode: str,
        layout: Layout,
        run_id: str,
        on_drift: str = "fail",
        adopt: bool = False,
    ) -> None:
        self._spark = spark
        self._fs = file_system(spark, path)
        self.target = Target(path.rstrip("/"))
        self._form = form
        self._mode = mode
        self._layout = layout
        self._partition_by = list(layout.partition_by)
        self._run_id = run_id
        self._on_drift = on_drift
        self._adopt = adopt
        self._nonce = secrets.token_hex(6)
        self._lease: Lease | None = None
        self._fit: Fit | None = None
        self._staged: Commit | None = None
        self._left: Commit | None = None
        """What an earlier attempt of this run staged and did not publish."""
        self._keep = False

    @property
    def where(self) -> str:
        """The target, for messages."""
        return self.target.path

    def acquire(self, wait: float, waiting: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        """Take the lease and finish what a dead publisher left.

        Raises:
            LeaseHeldError: If another run holds it for longer than `wait` seconds.
            SinkError: If the target is a file where it should be a folder, or the other way round, or cannot be written.
        """
        there = self._fs.is_file(self.target.path)
        if there and not self._layout.is_file:
            raise SinkError(
                f"{self.target.path} is a file, and a sink publishes a folder.",
                next_step="Give the path of a folder; with files=1 and name= a sink publishes one file in it.",
            )
        if self._layout.is_file and not there and self._fs.exists(self.target.path):
            raise SinkError(
                f"{self.target.path} is a folder, and with name= a sink publishes a file.",
                next_step="Give another name=, or move the folder away.",
            )
        self._fs.make_folder(self.target.control)
        self._lease = Lease(self._fs, self.target, run_id=self._run_id, wait=wait, waiting=waiting, stopped=stopped)
        failpoint("files.lease.taken")
        recover(self._fs, self.target, keep=(self._run_id,))
        self._left = left_by(self._fs, self.target, self._run_id, read_commit)

    def published(self) -> Commit | None:
        """What this run has published here already, if it has."""
        return read_commit(self._fs, self.target.commit(self._run_id))

    def last_rows(self) -> int | None:
        """Rows that the last other run has published here; None if there was none, or Spark did not tell it."""
        latest = read_commit(self._fs, self.target.latest)
        return None if latest is None or latest.run_id == self._run_id else latest.rows

    def check_owner(self) -> None:
        """Refuse, before any row is computed, a folder with files that Stoker did not write, unless it is to adopt them.

        Beside partitions that are Stoker's, only the partitions that are replaced count, and `publish` looks at these.

        Raises:
            SinkError: If there is one, with the names of some.
        """
        latest = read_commit(self._fs, self.target.latest)
        if self._adopt or (self._mode == "replace_partitions" and latest is not None):
            return
        found = foreign(self._there(), latest)
        if found:
            raise self._not_ours(found)

    def _not_ours(self, names: list[str]) -> SinkError:
        return not_our_file(self.target) if self._layout.is_file else not_ours(self.target, names, self._mode)

    def _there(self) -> list[str]:
        """The data files of the target, below it; the file itself if it is to be one."""
        if self._layout.is_file:
            return [self.target.name] if self._fs.exists(self.target.path) else []
        return [info.path for info in self._fs.data_files(self.target.path)]

    def check_schema(self, schema: StructType) -> None:
        """Refuse, before any row is computed, what could not be read back together with the rows that are there.

        Raises:
            SinkError: If partition columns are missing, no other is left, or the columns differ from the target's in what
                `on_drift` does not reconcile.
        """
        self._layout.check(schema, self.target.path)
        latest = read_commit(self._fs, self.target.latest)
        there = None if latest is None else Published(written_schema(latest), latest.partition_by, latest.format)
        self._fit = fitted(
            self.target.path,
            there,
            schema,
            form=self._form,
            way="replace" if self._mode == "replace" else self._on_drift,
            partition_by=self._partition_by,
            spark=self._spark.version,
        )

    def stage(self, frame: DataFrame, label: str) -> Commit:
        """Write the rows where no reader looks. One Spark job.

        Args:
            frame: The rows.
            label: A unique description for Spark's jobs, by which the metrics of the write are found.

        Raises:
            SinkError: If Spark's account of the files differs from what is on the disk.
        """
        data = f"{self.target.staging(self._nonce)}/data"
        fit = self._fit or Fit(frame.schema)
        arranged = fit.frame(self._layout.arranged(frame))
        staged = write_staged(arranged, self._fs, data, self._form, self._layout, label=label, where=self.target.path)
        names = self._named(data, [info.path for info in staged.files])
        commit = Commit(
            run_id=self._run_id,
            nonce=self._nonce,
            format=self._form.name,
            mode=self._mode,
            schema=fit.schema.jsonValue(),
            partition_by=self._partition_by,
            rows=staged.rows,
            files=names,
            bytes=staged.bytes,
            moves=self._moves(names),
            is_file=self._layout.is_file,
            given=frame.schema.jsonValue() if fit.converts else None,
            left_out=fit.left_out,
        )
        self._fs.write_text(f"{data}/{marker(commit)}", self._run_id)
        self._fs.write_text(self.target.staged(self._nonce), commit.own_text())
        self._staged = commit
        failpoint("files.stage.marked")
        return commit

    def _named(self, data: str, files: list[str]) -> list[str]:
        """The names of the staged files; the only one gets the target's, if the target is a file."""
        if not self._layout.is_file:
            return files
        (written,) = files
        self._fs.move(f"{data}/{written}", f"{data}/{self.target.name}")
        return [self.target.name]

    def _moves(self, files: list[str]) -> list[str]:
        if self._mode == "replace":
            return []
        if self._mode == "append":
            return files
        return sorted({name.rpartition("/")[0] for name in files})

    @property
    def changes(self) -> list[str]:
        """What differs from the columns that were published before, once `check_schema` has looked."""
        return [] if self._fit is None else self._fit.changes

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
        there = self._there()
        found = [] if self._adopt else foreign(there, read_commit(self._fs, self.target.latest))
        in_the_way = touched(found, self._staged)
        if in_the_way:
            raise self._not_ours(in_the_way)
        commit = replace(self._staged, content=content_after(there, found, self._staged))
        self._lease.check()
        return commit, publish(self._fs, self.target, commit)

    def frame(self) -> DataFrame | None:
        """The rows that this run published or staged, also in an earlier attempt; None if they are gone.

        Raises:
            SinkError: If `on_drift="ignore"` left columns of them out.
        """
        shown = self._own_view()
        if shown is None or shown.latest is None:
            return None
        commit = shown.latest
        if commit.left_out:
            raise left_out(self.target.path, commit.left_out)
        schema, options = written_schema(commit), self._form.read_options
        frame = read_view(self._spark, shown, form=self._form.name, schema=schema, options=options)
        return frame if commit.given is None else frame.to(nullable(schema_of(commit.given)))

    def keep(self) -> None:
        """Leave what is staged for the next attempt of this run, when this one ends."""
        self._keep = True

    def data_files(self) -> DataFiles | None:
        """The files of `frame`, by the commit's account of them; None where its rows are not just what is in them."""
        shown = self._own_view()
        if shown is None or shown.latest is None or len(shown.roots) != 1:
            return None
        commit, base = shown.latest, shown.roots[0].base
        if base is None or commit.given is not None or commit.left_out:
            return None
        return DataFiles(self._form.name, base, tuple(commit.files), written_schema(commit))

    def _own_view(self) -> View | None:
        """What this run staged or published, or staged in an earlier attempt; None if it is gone."""
        staged = self._staged
        done = None if staged is not None else self.published()
        if staged is None and done is None:
            staged = self._left
        if staged is not None:
            return View((Root(f"{self.target.staging(staged.nonce)}/data"),), staged)
        if done is None:
            return None
        if done.mode == "replace":
            shown = view(self._fs, self.target)
            return shown if shown.latest is not None and shown.latest.run_id == self._run_id else None
        is_there = all(self._fs.exists(f"{self.target.path}/{name}") for name in done.files)
        return commit_view(self.target, done) if is_there else None

    def close(self) -> None:
        """Remove what is staged and not decided, but for what is kept, and give the target free."""
        if self._lease is None:
            return
        kept = (self._staged or self._left) if self._keep else None
        try:
            if read_commit(self._fs, self.target.intent) is None:
                for nonce in {self._nonce, *([self._left.nonce] if self._left else [])} - {kept.nonce if kept else ""}:
                    self._fs.delete(self.target.staging(nonce))
        finally:
            self._lease.release()
            self._lease = None
