"""How long to wait before a put is tried again."""

from __future__ import annotations

import random

_FIRST, _LONGEST = 1.0, 60.0
_REFUSED = 300.0
"""Seconds at most after a refusal: somebody has to change something first."""


class Backoff:
    """Full jitter: any time up to one that doubles, so that many shippers do not come back together."""

    def __init__(self) -> None:
        self.failures = 0

    def failed(self, *, refused: bool) -> float:
        """The seconds to wait after one more failure."""
        self.failures += 1
        limit = _REFUSED if refused else _LONGEST
        ceiling = min(limit, _FIRST * 2.0 ** min(self.failures + 3 * refused, 16))
        return random.uniform(0, ceiling)  # noqa: S311 - no secret

    def succeeded(self) -> None:
        """Begin anew."""
        self.failures = 0
