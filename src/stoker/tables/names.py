"""Names of tables as users write them: `table`, `database.table`, `catalog.database.table`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stoker.errors import DefinitionError
from stoker.spark.columns import quoted

SESSION_CATALOG = "spark_catalog"
"""Spark's own: in memory, a Hive metastore or Glue."""
_PART = re.compile(r"(?:`((?:[^`]|``)+)`|([^`.\s]+))(\.|$)")
_PLAIN = re.compile(r"\w+", re.ASCII)


@dataclass(frozen=True)
class TableName:
    """A name in its parts, the table last."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: object) -> TableName:
        """Read a name; a part with a dot or a space is in backticks.

        Raises:
            DefinitionError: If it is none.
        """
        parts: list[str] = []
        at, more = 0, True
        while more and isinstance(text, str) and (match := _PART.match(text, at)):
            parts.append(match[1].replace("``", "`") if match[1] else match[2])
            at, more = match.end(), match[3] == "."
        if more or not isinstance(text, str) or at != len(text):
            raise DefinitionError(
                f"{text!r} is not the name of a table.",
                next_step="Write database.table, odd names in backticks: sales.`my table`.",
            )
        return cls(tuple(parts))

    @classmethod
    def parse_own(cls, text: object) -> TableName:
        """Read the name of a table of Spark's own catalogue that is to be loaded: the database and the table.

        Raises:
            DefinitionError: If it is none, names no database, or another catalogue.
        """
        name = cls.parse(text)
        parts = name.parts[1:] if name.parts[0].lower() == SESSION_CATALOG and len(name.parts) > 2 else name.parts  # noqa: PLR2004
        if len(parts) == 1:
            raise DefinitionError(
                f"write.table({text!r}): which database that means depends on the session.",
                next_step=f"Write database.{name}.",
            )
        if len(parts) > 2:  # noqa: PLR2004 - database and table
            raise DefinitionError(
                f"write.table({text!r}): {quoted(parts[0])} is a catalogue beside Spark's own, such as Iceberg's or Delta's, whose "
                "tables are changed by commits of their own. Stoker does not make those.",
                next_step="Name a table of Spark's own catalogue as database.table, or write a sink of your own.",
            )
        odd = [part for part in parts if not _PLAIN.fullmatch(part)]
        if odd:
            raise DefinitionError(
                f"write.table({text!r}): {odd[0]!r} is no name that Spark's catalogue takes.",
                next_step="Use letters of the English alphabet, digits and _ only.",
            )
        return cls(parts)

    @property
    def sql(self) -> str:
        """The name as Spark's SQL takes it."""
        return ".".join(quoted(part) for part in self.parts)

    @property
    def table(self) -> str:
        """The last part."""
        return self.parts[-1]

    @property
    def database(self) -> str | None:
        """All before it, as SQL; None if there is nothing."""
        return ".".join(quoted(part) for part in self.parts[:-1]) or None

    def __str__(self) -> str:
        return ".".join(part if re.fullmatch(r"[^`.\s]+", part) else quoted(part) for part in self.parts)
