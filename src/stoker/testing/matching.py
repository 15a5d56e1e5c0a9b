"""Which rows of two frames are equal, and which of the others are most alike."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.testing.values import is_close, without_floats

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    taken = _equal(left, right)
    if rtol or atol:
        _close(taken, left, right, rtol, atol)
    paired = set(taken.values())
    lefts = [at for at in range(len(left)) if at not in paired]
    rights = [at for at in range(len(right)) if at not in taken]
    return _alike(lefts, rights, left, right, rtol, atol)


def _equal(left: Sequence[Row], right: Sequence[Row]) -> dict[int, int]:
    """For rows of the right the equal ones of the left, each once."""
    waiting: defaultdict[Row, deque[int]] = defaultdict(deque)
    for at, row in enumerate(right):
        waiting[row].append(at)
    return {waiting[row].popleft(): at for at, row in enumerate(left) if waiting[row]}


def _close(taken: dict[int, int], left: Sequence[Row], right: Sequence[Row], rtol: float, atol: float) -> None:
    """Pair as many more as there can be, by augmenting paths: equal rows are parted again where that lets others be close."""
    candidates: defaultdict[Any, list[int]] = defaultdict(list)
    for at, row in enumerate(right):
        candidates[without_floats(row)].append(at)
    paired = {one: other for other, one in taken.items()}
    for start in range(len(left)):
        if start in paired:
            continue
        reached: dict[int, int] = {}
        free = None
        waiting = deque([start])
        while waiting and free is None:
            one = waiting.popleft()
            for other in candidates[without_floats(left[one])]:
                if other not in reached and is_close(left[one], right[other], rtol, atol):
                    reached[other] = one
                    if other not in taken:
                        free = other
                        break
                    waiting.append(taken[other])
        while free is not None:
            one = reached[free]
            taken[free], paired[one], free = one, free, paired.get(one)


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
