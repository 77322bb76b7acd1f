"""A line through time in bounded memory: equal stretches of time, each with its first, lowest, highest, last.

When there are too many stretches, neighbours are joined in pairs. Nothing that stood out is lost: a peak of
one second remains the highest of its stretch.
"""

from __future__ import annotations

import attrs

from mutualize.units import mul_div_down

STRETCHES_MAX = 240


@attrs.define
class Stretch:
    """What a value did from `at` on: seconds since 1970 UTC; values in the series' own unit."""

    at: int
    first: int
    low: int
    high: int
    last: int


class Series:
    """Values in order of time. `minimum` and `maximum` are (value, time of its first occurrence)."""

    def __init__(self, stretches_max: int = STRETCHES_MAX) -> None:
        self._max = stretches_max
        self._width = 1
        self._origin: int | None = None
        self.stretches: list[Stretch] = []
        self.first: tuple[int, int] | None = None
        self.last: tuple[int, int] | None = None
        self.minimum: tuple[int, int] | None = None
        self.maximum: tuple[int, int] | None = None

    def add(self, at: int, value: int) -> None:
        """Add the value that holds from `at` on. Times must not fall."""
        if self.minimum is None or self.maximum is None or self._origin is None:
            self._origin = at
            self.first = self.minimum = self.maximum = (value, at)
        if value < self.minimum[0]:
            self.minimum = (value, at)
        if value > self.maximum[0]:
            self.maximum = (value, at)
        self.last = (value, at)
        start = self._start(at)
        if self.stretches and self.stretches[-1].at == start:
            stretch = self.stretches[-1]
            stretch.low, stretch.high = min(stretch.low, value), max(stretch.high, value)
            stretch.last = value
            return
        self.stretches.append(Stretch(start, value, value, value, value))
        while len(self.stretches) > self._max:
            self._join()

    def _start(self, at: int) -> int:
        """Return where the stretch begins in which `at` lies."""
        assert self._origin is not None
        return self._origin + mul_div_down(at - self._origin, 1, self._width) * self._width

    def _join(self) -> None:
        """Make stretches twice as long."""
        self._width *= 2
        joined: list[Stretch] = []
        for stretch in self.stretches:
            stretch.at = self._start(stretch.at)
            if joined and joined[-1].at == stretch.at:
                kept = joined[-1]
                kept.low, kept.high = min(kept.low, stretch.low), max(kept.high, stretch.high)
                kept.last = stretch.last
            else:
                joined.append(stretch)
        self.stretches = joined
