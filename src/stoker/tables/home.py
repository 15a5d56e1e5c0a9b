"""Where a table's loads are: beside the place that it had before Stoker first loaded it.

A table at `lake/orders` has `lake/orders.stoker/`:

    load-<nonce>/            the rows of one load, for whom the catalogue leads here
    .stoker-load/            the control folder, as beside a folder that is published (`stoker.files.control`)

Where the catalogue's location is in there, the folder is known from it; so all runs find the same control folder, whatever
has been published meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.files.control import Target

if TYPE_CHECKING:
    from stoker.tables.catalogue import TableFacts
    from stoker.tables.names import TableName

_LOAD = re.compile(r"(?P<home>.+\.stoker)/load-[0-9a-f]{12}")
_ROOT = re.compile(r"(\w+:)?/*[^/]*")
"""A URI without a path, such as a bucket."""


@dataclass(frozen=True)
class Home:
    """The folder of a table's loads."""

    folder: str
    name: TableName = field(compare=False)

    @classmethod
    def of(cls, name: TableName, location: str) -> Home:
        """The home of a table that is, or will be, at a location.

        Raises:
            SinkError: If there is nothing beside that location: it is a whole bucket or disk.
        """
        match = _LOAD.fullmatch(location)
        if match:
            return cls(match["home"], name)
        if _ROOT.fullmatch(location):
            raise SinkError(
                f"{name} is at {location or '/'}, and Stoker stages rows beside a table's place.",
                state="Nothing was written.",
                next_step="Give the table, or its database, a folder below it as its location.",
            )
        return cls(f"{location}.stoker", name)

    @property
    def target(self) -> Target:
        """What the lease is on and the control folder belongs to."""
        return Target(f"{self.folder}/load", str(self.name))

    def load(self, nonce: str) -> str:
        """The folder of a load."""
        return f"{self.folder}/load-{nonce}"

    def has(self, place: str) -> bool:
        """Whether a folder is, or is in, a load of this table."""
        return place.startswith(f"{self.folder}/load-")


def home_of(name: TableName, facts: TableFacts | None, default: str) -> Home:
    """The home of a table, whether it exists or is still to be made.

    Args:
        name: The table.
        facts: What the catalogue says of it.
        default: Where it will be, if it does not exist.

    Raises:
        SinkError: If there is nothing beside its place.
    """
    return Home.of(name, default if facts is None else facts.location)
