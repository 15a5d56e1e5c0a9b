"""From staged rows to the changes of a table that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from stoker.errors import SinkError
from stoker.files.drift import nullable
from stoker.files.view import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyspark.sql.types import StructType

    from stoker.tables.catalogue import Catalogue, TableFacts, Values
    from stoker.tables.commit import TableCommit
    from stoker.tables.home import Home


def planned(staged: TableCommit, home: Home, catalogue: Catalogue) -> TableCommit:
    """What publishing the staged rows changes, by what the catalogue says now.

    Args:
        staged: The rows.
        home: The folder of the table's loads.
        catalogue: The table.

    Raises:
        SinkError: If rows are to be added where files cannot be moved to.
    """
    facts = catalogue.facts()
    if facts is None:
        places = _staged(staged)
        return staged.published(creates=True, location=staged.folder, added=list(places.items()))
    schema = columns_after(facts, schema_of(staged.schema))
    former = None if _same(schema, facts.schema) else facts.schema.jsonValue()
    commit = staged.published(schema=schema.jsonValue(), former=former, location=facts.location)
    if facts.partition_by:
        return _partitions(commit, home, catalogue)
    if commit.mode == "append":
        return commit.published(moves=_moves(catalogue, commit, commit.files, commit.folder, facts.location))
    replaced = [facts.location] if home.has(facts.location) else []
    return commit.published(location=commit.folder, replaced=replaced)


def _partitions(commit: TableCommit, home: Home, catalogue: Catalogue) -> TableCommit:
    staged = _staged(commit)
    known = catalogue.partitions(None if commit.mode == "replace" else staged)
    added = [(values, place) for values, place in staged.items() if values not in known]
    both = {values: place for values, place in staged.items() if values in known}
    if commit.mode == "append":
        moves: list[list[str]] = []
        for values, place in both.items():
            below = place.removeprefix(f"{commit.folder}/")
            goal = known[values]
            if not goal.endswith(f"/{below}"):
                raise SinkError(
                    f"The partition {below} of {catalogue.name} is at {goal}, a folder that is not named by its values.",
                    state="Nothing was published.",
                    next_step='Load that partition as a whole with mode="replace_partitions".',
                )
            files = [name.removeprefix(f"{below}/") for name in commit.files if name.rpartition("/")[0] == below]
            moves += _moves(catalogue, commit, files, place, goal)
        return commit.published(added=added, moves=moves)
    dropped = [values for values in known if values not in staged] if commit.mode == "replace" else []
    left = [known[values] for values in (*both, *dropped)]
    return commit.published(
        added=added, moved=list(both.items()), dropped=dropped, replaced=[place for place in left if home.has(place)]
    )


def _staged(commit: TableCommit) -> dict[Values, str]:
    """The partitions that occur in the rows, and where these are staged."""
    if not commit.partition_by:
        return {}
    below = dict.fromkeys(name.rpartition("/")[0] for name in commit.files)
    return {values_of(path): f"{commit.folder}/{path}" for path in below}


def values_of(path: str) -> Values:
    """The values of a partition, from Spark's name of its folder: `day=2024-01-01/shop=a%2Fb`."""
    return tuple(unquote(piece.partition("=")[2]) for piece in path.split("/"))


def _moves(catalogue: Catalogue, commit: TableCommit, files: Iterable[str], source: str, goal: str) -> list[list[str]]:
    if _store(goal) != _store(commit.folder):
        raise SinkError(
            f"{catalogue.name} has rows at {goal}, on another file system than {commit.folder}: files cannot be moved there.",
            state="Nothing was published.",
            next_step='Use mode="replace", or "replace_partitions".',
        )
    return [[f"{source}/{name}", f"{goal}/{name}"] for name in files]


def _store(path: str) -> str:
    """Scheme and authority of a URI."""
    scheme, found, rest = path.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if found else path.partition("/")[0]


def columns_after(facts: TableFacts, schema: StructType) -> StructType:
    """A table's columns once rows of a schema are published: null is allowed, and what is said of a column stays said."""
    said: Mapping[str, dict[str, Any]] = {each.name.lower(): each.metadata for each in facts.schema.fields}
    found = nullable(schema)
    for each in found.fields:
        each.metadata = each.metadata or dict(said.get(each.name.lower(), {}))
    last = {name.lower() for name in facts.partition_by}
    fields = {each.name.lower(): each for each in found.fields}
    data = [each for name, each in fields.items() if name not in last]
    return type(schema)([*data, *(fields[name.lower()] for name in facts.partition_by)])


def _same(one: StructType, other: StructType) -> bool:
    return one.jsonValue() == nullable(other).jsonValue()
