"""A path that goes one way up to a moment, and another way from then on.

The rule: nothing of the second path is seen before the moment, and nothing of the first from it on; whether
the two meet is not asked.
"""

from __future__ import annotations

from mutualize.market.path import Path


class SplicedPath(Path):
    """`before` at all seconds below `turn`, `after` from it on."""

    __slots__ = ("after", "before", "turn")

    def __init__(self, before: Path, turn: int, after: Path) -> None:
        self.before, self.turn, self.after = before, turn, after

    def at(self, t: int) -> int | None:
        """Return the price at second `t` (8 decimals, floored), or None where the market is halted."""
        return (self.before if t < self.turn else self.after).at(t)

    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the first second of after < t ≤ until whose price is outside [low, high], or None."""
        last = min(until, self.turn - 1)
        found = self.before.next_crossing(after, last, low, high) if after < last else None
        if found is not None or until < self.turn:
            return found
        return self.after.next_crossing(max(after, self.turn - 1), until, low, high)

    def next_price(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until that has a price, or None."""
        last = min(until, self.turn - 1)
        found = self.before.next_price(after, last) if after < last else None
        if found is not None or until < self.turn:
            return found
        return self.after.next_price(max(after, self.turn - 1), until)

    def next_halt_change(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until at which prices stop or come back, or None."""
        last = min(until, self.turn - 1)
        found = self.before.next_halt_change(after, last) if after < last else None
        if found is not None or until < self.turn:
            return found
        is_other = (self.before.at(self.turn - 1) is None) != (self.after.at(self.turn) is None)
        if after < self.turn and is_other:
            return self.turn
        return self.after.next_halt_change(max(after, self.turn), until)

    def knots(self, start: int, end: int) -> list[int]:
        """Return the seconds of start ≤ t < end at which the slope changes, or a halt begins or ends."""
        found = self.before.knots(start, min(end, self.turn)) if start < self.turn else []
        if start <= self.turn < end:
            found.append(self.turn)
        later = self.after.knots(max(start, self.turn + 1), end) if self.turn + 1 < end else []
        return [*found, *later]
