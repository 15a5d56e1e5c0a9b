"""The modes of a load into PostgreSQL, with their options, refused where they are declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import DefinitionError, SinkError, suggestion
from stoker.postgres.refusals import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stoker.postgres.names import LoadTarget

NAMES = ("append", "replace", "upsert", "replace_partitions")
STRATEGIES = ("auto", "swap", "delete", "truncate")
_OPTIONS = {"key": "upsert", "latest_by": "upsert", "delete_missing": "upsert", "by": "replace_partitions"}
"""The mode that has it, by the option."""

_EXAMPLES = {"key": "id", "by": "month"}


@dataclass(frozen=True)
class Mode:
    """A mode with its options."""

    name: str
    key: tuple[str, ...] = ()
    """`upsert`: the columns by which a row of the input is one of the target."""
    latest_by: str | None = None
    """`upsert`: of several rows with one key, that with the highest value here counts."""
    delete_missing: bool = False
    """`upsert`: whether rows go whose key is not in the input."""
    by: tuple[str, ...] = ()
    """`replace_partitions`: the columns whose values tell one partition from another."""
    strategy: str = "auto"
    """`replace`: how the old rows go; `auto` looks at what depends on the table."""

    def check(self, call: str) -> None:
        """Refuse what can never work.

        Args:
            call: What is declared, as `write.postgres('flights')`, for messages.

        Raises:
            DefinitionError: If there is no such mode or strategy, an option is not one of its own, is missing or is no list of
                columns.
        """
        if self.name not in NAMES:
            raise DefinitionError(
                f"{call}: mode={self.name!r} is not a mode of PostgreSQL.{suggestion(str(self.name), NAMES)}"
            )
        for option, owner in _OPTIONS.items():
            if getattr(self, option) and self.name != owner:
                raise DefinitionError(
                    f"{call}: {option}= belongs to mode={owner!r}, and the mode is {self.name!r}.",
                    next_step=f"Say mode={owner!r}, or leave {option}= out.",
                )
        for option, columns in {"key": self.key, "by": self.by}.items():
            if self.name == _OPTIONS[option]:
                _check_columns(call, self.name, option, columns)
        if self.latest_by is not None and not isinstance(self.latest_by, str):
            raise DefinitionError(f"{call}: latest_by= is the name of one column.")
        if self.latest_by in self.key:
            raise DefinitionError(f"{call}: latest_by={self.latest_by!r} is of the key, so that it is the same in all.")
        if self.strategy not in STRATEGIES:
            raise DefinitionError(
                f"{call}: strategy={self.strategy!r} is none.{suggestion(str(self.strategy), STRATEGIES)}"
            )
        if self.strategy != "auto" and self.name != "replace":
            raise DefinitionError(
                f"{call}: strategy= belongs to mode='replace', and the mode is {self.name!r}.",
                next_step="Say mode='replace', or leave strategy= out.",
            )

    def check_frame(self, names: Sequence[str], target: LoadTarget) -> None:
        """Refuse columns that the frame does not have.

        Raises:
            SinkError: With the close names.
        """
        for column, option in self.compared.items():
            if column not in names:
                raise SinkError(
                    f"The frame for {target} has no column {column!r}, which {option}= names."
                    f"{suggestion(column, names)}",
                    state=f"No row was computed. {NOTHING}",
                    next_step=f"Correct {option}=, or add the column in the transformer.",
                )

    @property
    def compared(self) -> dict[str, str]:
        """The columns whose values are compared, each with the option that names it."""
        latest = {self.latest_by: "latest_by"} if self.latest_by else {}
        return {**dict.fromkeys(self.key, "key"), **dict.fromkeys(self.by, "by"), **latest}

    @property
    def rights(self) -> tuple[str, ...]:
        """What the user must be allowed besides INSERT."""
        if self.name == "upsert":
            return ("SELECT", "UPDATE", *(["DELETE"] if self.delete_missing else []))
        if self.name == "replace_partitions":
            return ("SELECT", "DELETE")
        if self.name == "replace":
            return ("TRUNCATE",) if self.strategy == "truncate" else ("DELETE",)
        return ()


def _check_columns(call: str, mode: str, option: str, columns: tuple[str, ...]) -> None:
    if not columns:
        raise DefinitionError(
            f"{call}: mode={mode!r} needs {option}=.", next_step=f'Name columns: {option}=["{_EXAMPLES[option]}"].'
        )
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise DefinitionError(f"{call}: {option}= names {twice!r} twice.")


def mode_of(
    call: str,
    name: str,
    *,
    key: Sequence[str] = (),
    latest_by: str | None = None,
    delete_missing: bool = False,
    by: Sequence[str] = (),
    strategy: str = "auto",
) -> Mode:
    """The mode from what a user gives.

    Args:
        call: What is declared, as `write.postgres('flights')`, for messages.
        name: Of the mode.
        key: As in `Mode`, like the others.
        latest_by: One column.
        delete_missing: Whether or not.
        by: Columns.
        strategy: Of `replace`.

    Raises:
        DefinitionError: If there is no such mode, or an option is wrong, missing, or not one of its own.
    """
    mode = Mode(name, _columns(call, "key", key), latest_by, delete_missing, _columns(call, "by", by), strategy)
    mode.check(call)
    return mode


def _columns(call: str, option: str, given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        # Its letters would be columns.
        raise DefinitionError(f"{call}: {option}= is a list of column names.", next_step=f"Write [{given!r}].")
    columns = tuple(given)
    if not all(isinstance(column, str) and column for column in columns):
        raise DefinitionError(f"{call}: {option}= is a list of column names.")
    return columns
