"""What the loads of a folder and of a table of the catalogue have in common: files are staged under a lease, then published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from stoker.connectors.base import Load, Loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import DataFrame

    from stoker.connectors.base import Context


class _Commit(Protocol):
    """What was staged, or published."""

    @property
    def rows(self) -> int | None:
        """As Spark told them."""

    @property
    def files(self) -> Sequence[str]:
        """Their names."""

    @property
    def bytes(self) -> int:
        """Of all files."""


class _FilesLoad(Protocol):
    """What does the work, without knowing of connectors."""

    @property
    def where(self) -> str:
        """The target, for messages."""

    @property
    def changes(self) -> Sequence[str]:
        """How the columns differ."""

    def acquire(self, wait: float, waiting: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        """As `Load.acquire`."""

    def published(self) -> _Commit | None:
        """As `Load.published`."""

    def stage(self, frame: DataFrame, label: str) -> _Commit:
        """As `Load.stage`."""

    def last_rows(self) -> int | None:
        """As `Load.last_rows`."""

    def keep(self) -> None:
        """As `Load.keep`."""

    def close(self) -> None:
        """As `Load.close`."""


L = TypeVar("L", bound=_FilesLoad)


class StagedFilesLoad(Load, Generic[L]):
    """The adapter between a sink and what stages and publishes its files."""

    def __init__(self, context: Context, load: L) -> None:
        self._context = context
        self._load = load

    def published(self) -> Loaded | None:
        """What an earlier attempt of this run has published here."""
        commit = self._load.published()
        return None if commit is None else loaded(commit)

    def acquire(self) -> None:
        """Take the lease."""
        wait = self._context.names.config.run.lease_wait
        self._load.acquire(wait, self._context.progress, self._context.stopped)

    def stage(self, frame: DataFrame, label: str) -> Loaded:
        """Write the files where no reader looks."""
        commit = self._load.stage(frame, label)
        if commit.rows is None:
            self._context.fallback(f"Spark did not tell how many rows it wrote for {self._load.where}")
        return replace(loaded(commit), changes=tuple(self._load.changes))

    def last_rows(self) -> int | None:
        """Rows that the last other run has published here."""
        return self._load.last_rows()

    def keep(self) -> None:
        """Leave what is staged for the next attempt of this run."""
        self._load.keep()

    def close(self) -> None:
        """Remove what is staged and not published, and give the target free."""
        self._load.close()


def loaded(commit: _Commit) -> Loaded:
    """What a commit says of its files."""
    return Loaded(rows=commit.rows, files=len(commit.files), bytes=commit.bytes)
