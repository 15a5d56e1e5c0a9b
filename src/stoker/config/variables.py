"""Environment variables that set values: `STOKER_RUN__PARALLEL`, `STOKER_POSTGRES__WAREHOUSE__HOST`."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from stoker.config.entries import Entry, EntryPath, Layer
from stoker.config.settings import KEYS
from stoker.config.values import references
from stoker.errors import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PREFIX = "STOKER_"
_OTHERS = ("STOKER_CONFIG", "STOKER_ENV", "STOKER_FAILPOINT", "STOKER_RUN_ID")
"""Variables that are no values of a table."""
_CLOSE = 0.85
_LAST = 2
"""`STOKER_POSTGRES__NAME__KEY` has at least two names after the table."""


def read_variables(environ: Mapping[str, str], layers: Iterable[Layer], text: str, mistakes: list[str]) -> Layer:
    """The entries that variables give; one that names nothing is a mistake, since what it was to set would stay as it is.

    Args:
        environ: The environment variables.
        layers: What the file says: a variable sets a place or a connection that some environment has.
        text: The file's. A variable that it refers to is the project's own, whatever its name.
        mistakes: Is added to.
    """
    own = references(text) | set(re.findall(r"secret://env/(\w+)", text))
    names = _Names(layers)
    found: Layer = {}
    for variable, value in sorted(environ.items()):
        if variable in _OTHERS or variable in own or not variable.upper().startswith(_PREFIX):
            continue
        if "__" not in variable:
            _check_similar(variable, names, mistakes)
            continue
        path, wrong = names.path(variable)
        if path is None:
            mistakes.append(f"{variable}: {wrong}")
        elif path in found:
            mistakes.append(f"{variable}: sets the same as {found[path].where}")
        elif value == "":
            mistakes.append(f"{variable}: is empty; unset it, or give it a value")
        else:
            found[path] = Entry(path, value, variable, from_variable=True)
    return found


class _Names:
    """The places and connections of the file, and how variables spell them."""

    def __init__(self, layers: Iterable[Layer]) -> None:
        paths = {path for layer in layers for path in layer}
        self._places = sorted({path[1] for path in paths if path[0] == "places"})
        self._connections = sorted({path[1] for path in paths if path[0] == "postgres"})

    def path(self, variable: str) -> tuple[EntryPath | None, str]:
        """What a variable sets; else None, and why not."""
        table, _, rest = variable[len(_PREFIX) :].lower().partition("__")
        if table in {"run", "logging"}:
            if rest in KEYS[table]:
                return (table, rest), ""
            return None, f"[{table}] has no such key.{_spelt_as(rest, KEYS[table])}"
        if table == "places":
            return self._named(rest, self._places, "place", "[places]")
        if table == "postgres":
            return self._connection(rest)
        if table in {"spark", "jobs"}:
            return None, f'[{table}] takes no variables by name; write "${{MY_VARIABLE}}" as the value there'
        return None, f"there is no such table.{_spelt_as(table, ['run', 'logging', 'places', 'postgres'])}"

    def _connection(self, rest: str) -> tuple[EntryPath | None, str]:
        # The name itself may have two underscores.
        *parts, key = rest.split("__")
        if len(parts) + 1 < _LAST:
            return None, "should be STOKER_POSTGRES__NAME__KEY"
        if key not in KEYS["postgres"]:
            return None, f"a connection has no such key.{_spelt_as(key, KEYS['postgres'])}"
        path, wrong = self._named("__".join(parts), self._connections, "connection", "[postgres.NAME]")
        return (None, wrong) if path is None else (("postgres", path[1], key), "")

    @staticmethod
    def _named(name: str, known: list[str], what: str, heading: str) -> tuple[EntryPath | None, str]:
        matching = [other for other in known if _folded(other) == name]
        if not matching:
            return None, f"no environment has such a {what} under {heading}.{_spelt_as(name, map(_folded, known))}"
        if len(matching) > 1:
            return None, f"fits the {what}s {' and '.join(map(repr, matching))}; rename one of them"
        return ("places", matching[0]), ""

    def settable(self) -> list[str]:
        """Every variable that would set something."""
        fixed = [f"{table}__{key}" for table in ("run", "logging") for key in KEYS[table]]
        places = [f"places__{_folded(name)}" for name in self._places]
        keys = [f"postgres__{_folded(name)}__{key}" for name in self._connections for key in KEYS["postgres"]]
        return [_PREFIX + name.upper() for name in (*fixed, *places, *keys)]


def _check_similar(variable: str, names: _Names, mistakes: list[str]) -> None:
    """A variable without `__` may belong to something else (a Kubernetes service named stoker), unless it looks like ours."""
    upper = variable.upper()
    similar = [known for known in names.settable() if known.replace("__", "_") == upper]
    similar += [known for known in _OTHERS if upper.startswith(known)]
    similar += difflib.get_close_matches(upper, [*_OTHERS, *names.settable()], n=1, cutoff=_CLOSE)
    if similar:
        mistakes.append(f"{variable}: unknown variable. Did you mean {similar[0]}?")


def _folded(name: str) -> str:
    """Variables have no case and no hyphen."""
    return name.lower().replace("-", "_")


def _spelt_as(name: str, known: Iterable[str]) -> str:
    return suggestion(name.upper(), [each.upper() for each in known])
