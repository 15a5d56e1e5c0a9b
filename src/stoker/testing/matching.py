"""Which rows of two frames are equal, and which of the others are most alike."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.testing.values import is_close, without_floats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__tracebackhide__ = True  # a failure is shown at the line of the test

Row = tuple[Any, ...]
_ALIKE = 50
"""Rows of each side, at most, that are compared for the pairs of a report: each is compared with each."""


@dataclass
class Unmatched:
    """What has no equal; numbers of rows, from 0."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    """Rows that differ in some cells."""
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.pairs or self.left or self.right)


def match_in_order(left: Sequence[Row], right: Sequence[Row], rtol: float, atol: float) -> Unmatched:
    """Compare row by row."""
    both = min(len(left), len(right))
    pairs = [(at, at) for at in range(both) if not is_close(left[at], right[at], rtol, atol)]
    return Unmatched(pairs, list(range(both, len(left))), list(range(both, len(right))))


def match_as_sets(left: Sequence[Row], right: Sequence[Row], rtol: float, atol: float) -> Unmatched:
    """Compare without an order; a row that is there twice needs two."""
    lefts, rights = _equal(range(len(left)), range(len(right)), left.__getitem__, right.__getitem__)
    if rtol or atol:
        lefts, rights = _close(lefts, rights, left, right, rtol, atol)
    return _alike(lefts, rights, left, right, rtol, atol)


def _equal(
    lefts: Iterable[int], rights: Iterable[int], left: Callable[[int], Any], right: Callable[[int], Any]
) -> tuple[list[int], list[int]]:
    """What is left over when equal rows are taken away in pairs."""
    waiting: defaultdict[Any, list[int]] = defaultdict(list)
    for at in rights:
        waiting[right(at)].append(at)
    over = []
    for at in lefts:
        same = waiting[left(at)]
        if same:
            same.pop(0)
        else:
            over.append(at)
    return over, sorted(at for same in waiting.values() for at in same)


def _close(
    lefts: list[int], rights: list[int], left: Sequence[Row], right: Sequence[Row], rtol: float, atol: float
) -> tuple[list[int], list[int]]:
    """What is left over when close rows are taken away too: as many pairs as there can be, whoever is looked at first."""
    candidates: defaultdict[Any, list[int]] = defaultdict(list)
    for at in rights:
        candidates[without_floats(right[at])].append(at)
    taken: dict[int, int] = {}

    def place(one: int, seen: set[int]) -> bool:
        for other in candidates[without_floats(left[one])]:
            if other not in seen and is_close(left[one], right[other], rtol, atol):
                seen.add(other)
                if other not in taken or place(taken[other], seen):
                    taken[other] = one
                    return True
        return False

    over = [one for one in lefts if not place(one, set())]
    return over, [other for other in rights if other not in taken]


def _alike(
    lefts: list[int], rights: list[int], left: Sequence[Row], right: Sequence[Row], rtol: float, atol: float
) -> Unmatched:
    """Pair the rows with the most cells in common; those with none stay alone."""
    found = Unmatched(left=list(lefts), right=list(rights))
    likeness = [
        (sum(is_close(one, other, rtol, atol) for one, other in zip(left[at], right[to], strict=True)), at, to)
        for at in lefts[:_ALIKE]
        for to in rights[:_ALIKE]
    ]
    for common, at, to in sorted(likeness, key=lambda each: (-each[0], each[1], each[2])):
        # Two that are the last ones belong together, however unlike.
        is_likely = common or len(lefts) == len(rights) == 1
        if is_likely and at in found.left and to in found.right:
            found.pairs.append((at, to))
            found.left.remove(at)
            found.right.remove(to)
    found.pairs.sort()
    return found
