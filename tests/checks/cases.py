"""Rows and checks with what must be found, for every way of computing them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stoker import check
from stoker.checks.checker import EXAMPLES

if TYPE_CHECKING:
    from stoker import Check
    from stoker.checks import Measured

SCHEMA = (
    "id int, code string, origin string, day date, seen timestamp, local timestamp_ntz, delay double, fare decimal(9,2), "
    'late boolean, raw binary, `a.b` int, `it\'s "odd"` string, `select` smallint, nothing string, `tick``s` bigint'
)
NAN = float("nan")


def seen(hour: int) -> datetime:
    """A moment of one day."""
    return datetime(2024, 5, 1, hour, tzinfo=UTC)


ROWS: list[tuple[Any, ...]] = [
    (1, "a", "JFK", date(2024, 1, 1), seen(1), datetime(2024, 5, 1, 1), 1.5, Decimal("1.10"), True, b"\x00", 1, "x", 1, None, 1),
    (2, "b", "LGA", date(2024, 1, 2), seen(2), datetime(2024, 5, 1, 2), NAN, Decimal("2.20"), False, b"\xff", 2, "x", 2, None, 2),
    (2, "b", "XXX", date(2024, 1, 3), seen(3), datetime(2024, 5, 1, 3), -70.0, Decimal(-3), True, b"\xff", 2, "y", 3, None, 9 * 10**18),
    (2, "B", None, date(2024, 1, 3), seen(3), None, 0.0, None, None, None, None, None, 3, None, -9 * 10**18),
    (None, "a\\'", "", None, None, None, -0.0, Decimal("2.2"), True, b"", 5, "it's", None, None, None),
    (None, None, "XXX", None, None, None, None, None, None, None, None, None, None, None, None),
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A check and the violations that it has on `ROWS`."""

    check: Check
    violations: int
    examples: tuple[dict[str, str | None], ...] | None = None
    """In any order, where both ways write them alike; of rows, the check's own columns."""

    def __str__(self) -> str:
        return f"{self.check}: {self.violations}"

    def holds(self, found: Measured) -> None:
        """Compare it with what was measured."""
        assert (found.violations, found.rows) == (self.violations, len(ROWS))
        assert len(found.examples) <= EXAMPLES
        assert bool(found.examples) == bool(self.violations)
        if self.examples is not None:
            names = self.examples[0]
            told = [{name: each[name] for name in names} for each in found.examples]
            assert sorted(told, key=str) == sorted(self.examples, key=str)


CASES = [
    Case(check.not_null("id"), 2, ({"id": None}, {"id": None})),
    Case(check.not_null("a.b"), 2),
    Case(check.unique("id"), 2, ({"id": "2", "count(*)": "3"},)),
    Case(check.unique("code"), 1, ({"code": "b", "count(*)": "2"},)),
    Case(check.unique("id", "code"), 1, ({"id": "2", "code": "b", "count(*)": "2"},)),
    Case(check.unique("delay"), 1),
    Case(check.unique("fare"), 1, ({"fare": "2.20", "count(*)": "2"},)),
    Case(check.unique("raw"), 1, ({"raw": "\\xff", "count(*)": "2"},)),
    Case(check.unique('it\'s "odd"'), 1, ({'it\'s "odd"': "x", "count(*)": "2"},)),
    Case(check.values("origin", ["JFK", "LGA", "EWR"]), 3, ({"origin": "XXX"}, {"origin": "XXX"}, {"origin": ""})),
    Case(check.values("delay", [0, -70, 1.5]), 1, ({"delay": "NaN"},)),
    Case(check.values("seen", [seen(1), seen(2)]), 2),
    Case(check.between("delay", -60, 2000), 2),
    Case(check.between("fare", Decimal(-3), Decimal("2.19")), 2),
    Case(check.between("day", date(2024, 1, 2), date(2024, 1, 3)), 1, ({"day": "2024-01-01"},)),
    Case(check.between("tick`s", None, 10), 1),
    Case(check.expression("id < 2 OR origin = 'LGA' -- a comment"), 1),
    Case(check.expression("id IS NOT NULL"), 2),
]
"""One of each kind."""
MORE = [
    Case(check.not_null("nothing"), 6),
    Case(check.not_null("tick`s"), 2),
    Case(check.unique("day"), 1, ({"day": "2024-01-03", "count(*)": "2"},)),
    Case(check.unique("seen"), 1),
    Case(check.unique("local"), 0),
    Case(check.unique("late"), 2),
    Case(check.unique("nothing"), 0),
    Case(check.unique("tick`s"), 0),
    Case(check.unique("select", "day"), 1),
    Case(check.values("code", ["a", "b", "B", "a\\'"]), 0),
    Case(check.values("id", [1, 2.5]), 3),
    Case(check.values("fare", [Decimal("1.1"), Decimal("2.200"), -3]), 0),
    Case(check.values("day", [date(2024, 1, 1)]), 3),
    Case(check.values("local", [datetime(2024, 5, 1, 1)]), 2),
    Case(check.values("late", [True]), 1),
    Case(check.values("raw", [b"\xff", b""]), 1, ({"raw": "\\x00"},)),
    Case(check.values("nothing", ["x"]), 0),
    Case(check.values('it\'s "odd"', ["x", "it's"]), 1, ({'it\'s "odd"': "y"},)),
    Case(check.between("delay", -0.5, None), 1),
    Case(check.between("id", 2, 2.5), 1, ({"id": "1"},)),
    Case(check.between("code", "a", "b"), 1, ({"code": "B"},)),
    Case(check.between("origin", None, "LGA"), 2),
    Case(check.between("seen", seen(2), seen(3)), 1),
    Case(check.between("local", datetime(2024, 5, 1, 2), None), 1),
    Case(check.between("raw", b"\x00", b"\x01"), 3),
    Case(check.between("nothing", "a", "b"), 0),
    Case(check.expression("id < 2"), 3),
    Case(check.expression("code <> ':x'"), 0),
    Case(check.expression("nothing = 'x'"), 0),
]
"""Many of a kind: other types, bounds and names."""
