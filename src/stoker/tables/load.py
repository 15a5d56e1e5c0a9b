"""One sink's load into a table, from the lease to the commit."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from stoker.errors import TransientError
from stoker.failpoints import failpoint
from stoker.files.drift import Fit, Published, fitted, left_out, nullable
from stoker.files.filesystem import FileSystem, file_system
from stoker.files.lease import Lease
from stoker.files.publish import left_by
from stoker.files.stage import write_staged
from stoker.files.view import Root, read_roots, schema_of
from stoker.spark.data_files import DataFiles
from stoker.tables.catalogue import Catalogue
from stoker.tables.commit import TableCommit, read_table_commit
from stoker.tables.home import Home, home_of
from stoker.tables.plan import planned
from stoker.tables.publish import discard, publish, recover
from stoker.tables.refusals import check_kind, check_partition_types, check_partitioning
from stoker.tables.view import placed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from stoker.files.form import FileFormat
    from stoker.files.layout import Layout
    from stoker.tables.catalogue import TableFacts
    from stoker.tables.names import TableName


class TableLoad:
    """A load of one frame into one table by one run.

    Args:
        spark: The session.
        name: The table, with its database.
        form: Parquet, with options.
        mode: `replace`, `append` or `replace_partitions`.
        layout: How many files, and of which rows.
        run_id: The run; it adds once.
        on_drift: What happens to columns that differ from the table's: `fail`, `add` or `ignore`.
    """

    def __init__(
        self,
        spark: SparkSession,
        name: TableName,
        *,
        form: FileFormat,
        mode: str,
        layout: Layout,
        run_id: str,
        on_drift: str = "fail",
    ) -> None:
        self._spark = spark
        self.catalogue = Catalogue(spark, name)
        self._form = form
        self._mode = mode
        self._layout = layout
        self._run_id = run_id
        self._on_drift = on_drift
        self._nonce = secrets.token_hex(6)
        self._home: Home | None = None
        self._fs: FileSystem | None = None
        self._lease: Lease | None = None
        self._facts: TableFacts | None = None
        self._fit: Fit | None = None
        self._staged: TableCommit | None = None
        self._left: TableCommit | None = None
        """What an earlier attempt of this run staged and did not publish."""
        self._keep = False

    @property
    def where(self) -> str:
        """The table, for messages."""
        return str(self.catalogue.name)

    def acquire(self, wait: float, waiting: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        """Take the lease and finish what a dead publisher left.

        Raises:
            LeaseHeldError: If another run holds it for longer than `wait` seconds.
            SinkError: If the database does not exist, or the table is of a kind that Stoker does not load.
            TransientError: If somebody moves the table meanwhile.
        """
        self.catalogue.check_database()
        home = self._look()
        fs = file_system(self._spark, home.folder)
        target = home.target
        fs.make_folder(target.control)
        self._lease = Lease(fs, target, run_id=self._run_id, wait=wait, waiting=waiting, stopped=stopped)
        self._home, self._fs = home, fs
        failpoint("files.lease.taken")
        if self._look() != home:
            raise TransientError(
                f"{self.where} was made anew or moved by somebody else meanwhile.",
                state="Nothing was published there by this run.",
                next_step="Run again.",
            )
        recover(fs, home, self.catalogue, keep=(self._run_id,))
        self._facts = self.catalogue.facts()
        self._left = left_by(fs, target, self._run_id, read_table_commit)

    def _look(self) -> Home:
        facts = self.catalogue.facts()
        if facts is not None:
            check_kind(self.catalogue.name, facts)
        return home_of(self.catalogue.name, facts, self.catalogue.default_location())

    def published(self) -> TableCommit | None:
        """What this run has published already, if it has; what it put into a table that was dropped does not count."""
        if self._facts is None:
            return None
        home, fs = self._place()
        return read_table_commit(fs, home.target.commit(self._run_id))

    def _place(self) -> tuple[Home, FileSystem]:
        assert self._home is not None
        assert self._fs is not None
        return self._home, self._fs

    def last_rows(self) -> int | None:
        """Rows that the last other run has published here; None if there was none, or Spark did not tell it."""
        home, fs = self._place()
        latest = read_table_commit(fs, home.target.latest) if self._facts is not None else None
        return None if latest is None or latest.run_id == self._run_id else latest.rows

    def check_schema(self, schema: StructType) -> None:
        """Refuse, before any row is computed, columns that the table cannot take.

        Raises:
            SinkError: If partition columns are missing, no other is left, or the columns differ from the table's in what
                `on_drift` does not reconcile.
        """
        self._layout.check(schema, self.where)
        facts = self._facts
        if facts is not None:
            check_partitioning(self.catalogue.name, facts, self._layout.partition_by)
        there = None if facts is None else Published(facts.schema, facts.partition_by, facts.form)
        self._fit = fitted(
            self.where,
            there,
            schema,
            form=self._form,
            way="replace" if self._mode == "replace" else self._on_drift,
            partition_by=self._layout.partition_by,
            spark=self._spark.version,
        )
        if facts is not None:
            check_partition_types(self.catalogue.name, facts, self._fit.schema)

    def stage(self, frame: DataFrame, label: str) -> TableCommit:
        """Write the rows where no reader looks. One Spark job.

        Args:
            frame: The rows.
            label: A unique description for Spark's jobs, by which the metrics of the write are found.

        Raises:
            SinkError: If Spark's account of the files differs from what is on the disk.
        """
        home, fs = self._place()
        folder, target = home.load(self._nonce), home.target
        # The mark: as long as it is there, the folder is nobody's and may be removed.
        fs.write_text(f"{target.staging(self._nonce)}/begun.json", json.dumps({"run_id": self._run_id}))
        fit = self._fit or Fit(frame.schema)
        arranged = fit.frame(self._layout.arranged(frame))
        staged = write_staged(arranged, fs, folder, self._form, self._layout, label=label, where=self.where)
        commit = TableCommit(
            run_id=self._run_id,
            nonce=self._nonce,
            mode=self._mode,
            schema=fit.schema.jsonValue(),
            partition_by=list(self._layout.partition_by),
            rows=staged.rows,
            files=[info.path for info in staged.files],
            bytes=staged.bytes,
            folder=folder,
            given=frame.schema.jsonValue() if fit.converts else None,
            left_out=fit.left_out,
        )
        fs.write_text(target.staged(self._nonce), commit.text())
        self._staged = commit
        failpoint("files.stage.marked")
        return commit

    @property
    def changes(self) -> list[str]:
        """What differs from the table's columns, once `check_schema` has looked."""
        return [] if self._fit is None else self._fit.changes

    @property
    def stays(self) -> str | None:
        """Where rows that Stoker did not write are, if this load replaces them: they stay there."""
        foreign = self._facts is not None and self._mode == "replace" and not self._place()[0].has(self._facts.location)
        return self._facts.location if foreign and self._facts is not None else None

    def publish(self) -> TableCommit:
        """Show what is staged to readers.

        Raises:
            SinkError: If the catalogue refuses.
        """
        assert self._staged is not None
        assert self._lease is not None
        home, fs = self._place()
        commit = planned(self._staged, home, self.catalogue)
        self._lease.check()
        if commit.creates:  # what a table of that name had before it was dropped is not of this one
            fs.delete(home.target.commits)
            fs.delete(home.target.latest)
        publish(fs, home, self.catalogue, commit)
        return commit

    def frame(self) -> DataFrame | None:
        """The rows that this run published or staged, also in an earlier attempt; None if they are gone.

        Raises:
            SinkError: If `on_drift="ignore"` left columns of them out.
        """
        commit = self._own()
        if commit is None:
            return None
        if commit.left_out:
            raise left_out(self.where, commit.left_out)
        roots = self._roots(commit)
        if roots is None:
            return None
        frame = read_roots(
            self._spark, roots, form=self._form.name, schema=schema_of(commit.schema), options=self._form.read_options
        )
        return frame if commit.given is None else frame.to(nullable(schema_of(commit.given)))

    def data_files(self) -> DataFiles | None:
        """The files of `frame`, by the commit's account of them; None where its rows are not just what is in them."""
        commit = self._own()
        roots = None if commit is None else self._roots(commit)
        if commit is None or roots is None or len(roots) != 1 or commit.given is not None or commit.left_out:
            return None
        base = roots[0].base
        return None if base is None else DataFiles("parquet", base, tuple(commit.files), schema_of(commit.schema))

    def _own(self) -> TableCommit | None:
        return self._staged or self.published() or self._left

    def _roots(self, commit: TableCommit) -> tuple[Root, ...] | None:
        """Where the files of a commit are; None if one is gone."""
        _, fs = self._place()
        roots = placed(commit)
        return None if any(not fs.exists(path) for root in roots for path in root.paths() or ()) else roots

    def keep(self) -> None:
        """Leave what is staged for the next attempt of this run, when this one ends."""
        self._keep = True

    def close(self) -> None:
        """Remove what is staged and not decided, but for what is kept, and give the table free."""
        if self._lease is None:
            return
        home, fs = self._place()
        kept = (self._staged or self._left) if self._keep else None
        try:
            if read_table_commit(fs, home.target.intent) is None:
                for nonce in {self._nonce, *([self._left.nonce] if self._left else [])} - {kept.nonce if kept else ""}:
                    discard(fs, home, nonce)
        finally:
            self._lease.release()
            self._lease = None
