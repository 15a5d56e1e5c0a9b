"""What every source and sink is: the protocol that connectors follow, ours and a user's.

A connector is two small classes. `Source.read` gives a frame. `Sink.open` gives a `Load`, which a run takes through
`prepare`, `stage`, `publish` and `close`; only `publish` may show rows to readers, in one step. A pipeline with several
sinks stages all before it publishes the first. `describe` touches no data: `stoker plan` calls it without Spark.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from stoker.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from stoker.checks import Check, Checker
    from stoker.checks.checker import Keys
    from stoker.config import Config
    from stoker.connectors.lifetime import Lifetime
    from stoker.connectors.paths import Path
    from stoker.spark.data_files import DataFiles


@dataclass(frozen=True)
class Names:
    """What is known before Spark starts: turns paths and names of a declaration into those of this run."""

    config: Config
    parameters: Any = None
    """The job's parameters, a frozen dataclass or None."""

    def path(self, path: Path) -> str:
        """The path in this environment, for these parameters.

        Raises:
            ConfigurationError: If its place is not configured.
            UsageError: If a parameter cannot be part of a path.
        """
        return path.resolve(self.config.place, self.parameters)


@dataclass(frozen=True)
class Context:
    """What a connector may use in a run."""

    spark: SparkSession
    names: Names
    run_id: str
    job: str
    pipeline: str
    fallback: Callable[[str], None] = lambda _: None
    """Announces a fallback: a WARNING once, and a line in the run record."""
    progress: Callable[[str], None] = lambda _: None
    """Says what is done now, for the person who watches."""
    stopped: Callable[[], bool] = lambda: False
    """Whether the run is being cancelled: a connector that waits must ask."""
    reading: Callable[[], None] = lambda: None
    """Called when the sources are about to be read."""
    found: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    """What sources have looked up, once for what tells their content and for the reading."""
    lifetime: Lifetime | None = field(default=None, repr=False, compare=False)
    """Keeps what must stay open until the rows are staged; None where nobody tells when that is, as in a preview."""

    def path(self, path: Path) -> str:
        """The path in this environment, for these parameters."""
        return self.names.path(path)

    def stop_if_asked(self) -> None:
        """End what takes long, if the run is being cancelled.

        Raises:
            InterruptedRunError: If it is.
        """
        if self.stopped():
            raise InterruptedRunError(
                f"Pipeline {self.pipeline!r} was interrupted.", next_step=f"Run again with --run-id {self.run_id}."
            )


@dataclass(frozen=True)
class Endpoint:
    """Where a source or sink is, for `plan`, the run record and messages."""

    kind: str
    """`parquet`, `csv`, `postgres`, ..."""
    where: str
    """The path, or `connection:schema.table`; never with a secret."""
    mode: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    """Each path by itself, if `where` shows several."""
    columns: dict[str, str] | None = None
    """The types of the columns that are published there, by their names, if that is known without Spark."""


class Source(ABC):
    """Something that a pipeline extracts from."""

    @abstractmethod
    def describe(self, names: Names) -> Endpoint:
        """Where the rows come from.

        Raises:
            ConfigurationError: If a place or connection is not configured.
        """

    @abstractmethod
    def read(self, context: Context) -> DataFrame:
        """A frame of the rows; it should start no Spark job.

        Raises:
            SourceError: If what is read is missing or does not fit.
        """

    def fingerprint(self, context: Context) -> dict[str, Any] | None:
        """What tells this content of the source from another one, cheaply and as JSON values; None if it cannot say.

        The run record keeps it. It starts no Spark job.
        """
        del context
        return None

    def explain(self, error: Exception, context: Context) -> Exception | None:
        """A clearer error for one that Spark raised while the rows were read; None if it is not this source's."""
        del error, context
        return None


@dataclass(frozen=True)
class Loaded:
    """What a load wrote; None where it cannot tell."""

    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    changes: tuple[str, ...] = ()
    """How the columns differ from those that were published before, a sentence each."""
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    """Rows of the target that were added, rewritten and removed."""
    way: str | None = None
    """How the rows were sent, where the sink has several ways, and why not the fastest; for the run record."""


class Load(ABC):
    """One sink at work in one run. `close` is always called; all but `publish` leave readers' data alone."""

    def published(self) -> Loaded | None:
        """What an earlier attempt of this run has published here; then nothing is done again."""
        return None

    def acquire(self) -> None:
        """Make sure that no other run publishes into the same target, and finish what a dead one left."""
        return

    def prepare(self, schema: StructType) -> None:
        """Refuse what cannot be loaded, before any row is computed.

        Raises:
            SinkError: If the columns do not fit, or the target refuses.
        """
        del schema

    @abstractmethod
    def stage(self, frame: DataFrame, label: str) -> Loaded:
        """Write the rows where no reader sees them.

        Args:
            frame: The rows.
            label: The job description under which this write runs, unique to it.
        """

    def last_rows(self) -> int | None:
        """Rows that the last other run has published here; None if there was none, or if it cannot tell."""
        return None

    def frame(self) -> DataFrame | None:
        """The rows that this run staged or published, in this attempt or an earlier one, with their types, if it can."""
        return None

    def keep(self) -> None:
        """Told before `close` when the other sinks of the same rows are published: the staged rows, if `frame` can give them
        to the next attempt of this run, stay."""  # noqa: D205, D209 - one sentence, over two lines
        return

    def staged(self) -> DataFrame | None:
        """The staged rows as readers will find them, for checks; None if they cannot be read back."""
        return self.frame()

    def checker(self, keys: Keys) -> Checker | None:
        """What holds the staged rows to checks where they are; None leaves that to Spark, on what `staged` gives.

        Args:
            keys: Gives what a check refers to.
        """
        del keys
        return None

    def data_files(self) -> DataFiles | None:
        """The files that hold the rows of `frame`, if they are files that others can read."""
        return None

    def offer(self, files: DataFiles) -> None:
        """Take note of files that hold the rows of the next `stage`: reading them may be quicker than having them from Spark."""
        del files

    @abstractmethod
    def publish(self) -> Loaded:
        """Show the staged rows to readers, in one step, once for the run id."""

    @abstractmethod
    def close(self) -> None:
        """Remove what is staged and not published."""


class Sink(ABC):
    """Something that a pipeline loads into."""

    keeps_types: ClassVar[bool] = False
    """Whether rows can be read back, from `Load.frame` and `read_back`, with the types that were written."""
    mode: str
    """`replace`, `append` or another of the sink's modes."""
    checks: Sequence[Check] = ()
    """What the staged rows must hold before they are published."""

    @abstractmethod
    def describe(self, names: Names) -> Endpoint:
        """Where the rows go.

        Raises:
            ConfigurationError: If a place or connection is not configured.
        """

    @abstractmethod
    def open(self, context: Context) -> Load:
        """Begin a load; touches no data yet."""

    def statements(self, names: Names) -> list[str] | None:
        """What a load would have a server do now, as lines of SQL, for `stoker plan --sql`; None if there is no such server.

        Raises:
            StokerError: If the server does not tell.
        """
        del names
        return None

    def read_back(self, context: Context, *, this_run: bool) -> DataFrame:
        """The published rows, for pipelines that extract from this one; only sinks that keep types have it.

        Args:
            context: The reading run.
            this_run: Only what the reading run itself has added.
        """
        raise NotImplementedError(type(self).__name__)

    def fingerprint(self, context: Context) -> dict[str, Any] | None:
        """What tells the published content from another one, as `Source.fingerprint`; `run` is who published it last."""
        del context
        return None

    def repair(self, context: Context, *, dry: bool, needed: Callable[[str], bool]) -> list[str]:
        """Finish or undo what killed runs left here, and leave alone what a live one is doing; starts no Spark job.

        Args:
            context: That of `stoker repair`; its `run_id` is no run's.
            dry: Whether only to look.
            needed: Whether the run of an id has published the same rows in another sink, and can be resumed: what it has
                staged here, if `Load.frame` could give it to its next attempt, is to stay.

        Returns:
            What it did, or with `dry` would have done, each as `removed 2 staging folders`; empty if there was nothing.

        Raises:
            LeaseHeldError: If a live run publishes here.
        """
        del context, dry, needed
        return []

    def label(self) -> str:
        """What is declared, before names are resolved: two pipelines with the same label write to one place."""
        return repr(self)
