"""The modes of a load into PostgreSQL, with their options, refused where they are declared."""

from __future__ import annotations

from dataclasses import dataclass

from stoker.errors import DefinitionError, suggestion

NAMES = ("append", "replace")
STRATEGIES = ("auto", "swap", "delete", "truncate")


@dataclass(frozen=True)
class Mode:
    """A mode with its options."""

    name: str
    strategy: str = "auto"
    """`replace`: how the old rows go; `auto` looks at what depends on the table."""

    def check(self, call: str) -> None:
        """Refuse what can never work.

        Args:
            call: What is declared, as `write.postgres('flights')`, for messages.

        Raises:
            DefinitionError: If there is no such mode or strategy, or an option is not one of its own.
        """
        if self.name not in NAMES:
            raise DefinitionError(
                f"{call}: mode={self.name!r} is not a mode of PostgreSQL.{suggestion(str(self.name), NAMES)}"
            )

        if self.strategy not in STRATEGIES:
            raise DefinitionError(
                f"{call}: strategy={self.strategy!r} is none.{suggestion(str(self.strategy), STRATEGIES)}"
            )
        if self.strategy != "auto" and self.name != "replace":
            raise DefinitionError(
                f"{call}: strategy= belongs to mode='replace', and the mode is {self.name!r}.",
                next_step="Say mode='replace', or leave strategy= out.",
            )

    @property
    def rights(self) -> tuple[str, ...]:
        """What the user must be allowed besides INSERT."""
        if self.name == "append":
            return ()
        return ("TRUNCATE",) if self.strategy == "truncate" else ("DELETE",)
