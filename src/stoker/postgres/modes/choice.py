"""The modes of a load into PostgreSQL, with their options, refused where they are declared."""

from __future__ import annotations

from dataclasses import dataclass

from stoker.errors import DefinitionError, suggestion

NAMES = ("append", "replace")


@dataclass(frozen=True)
class Mode:
    """A mode."""

    name: str

    def check(self, call: str) -> None:
        """Refuse what can never work.

        Args:
            call: What is declared, as `write.postgres('flights')`, for messages.

        Raises:
            DefinitionError: If there is no such mode, or an option is not one of its own.
        """
        if self.name not in NAMES:
            raise DefinitionError(
                f"{call}: mode={self.name!r} is not a mode of PostgreSQL.{suggestion(str(self.name), NAMES)}"
            )

    @property
    def deletes(self) -> bool:
        """Whether rows of the target may go, for which a right is needed."""
        return self.name != "append"
