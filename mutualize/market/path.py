r"""Price paths: what the market says, second by second, from a table of bars. A hole is no price.

The rule: a price is a function of time and nothing else; the next second at which something happens to it
is computed by division from the knots of the path, never found by asking second after second.

      high        /\             a bar whose close ≥ open goes  open → low → high → close
                 /  \            and one that falls goes        open → high → low → close,
      close     /    ·          straight between its four points at 0, 1/3, 2/3 and 1 of its length
      open  ·  /
      low    \/

How the price really moved inside a bar is not in the table; this order is an assumption.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import attrs

from mutualize.units import div_down, div_up

_THIRDS = 3
"""Inside, time is counted in thirds of a second, so that the knots of a bar are whole for every length."""


@attrs.frozen
class Bar:
    """One row of a price table: it covers [at, at + length of a bar). Prices with 8 decimals.

    Raises ValueError unless 0 ≤ low ≤ open, close ≤ high.
    """

    at: int
    open: int
    high: int
    low: int
    close: int

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            raise ValueError(f"the bar at {self.at} does not keep 0 <= low <= open, close <= high")

    def corners(self) -> tuple[int, int, int, int]:
        """Return the prices at 0, 1/3, 2/3 and 1 of the bar."""
        if self.close >= self.open:
            return self.open, self.low, self.high, self.close
        return self.open, self.high, self.low, self.close


class Path(ABC):
    """What the market says at a second, and when that changes. `None` is no price: a halt."""

    __slots__ = ()

    @abstractmethod
    def at(self, t: int) -> int | None:
        """Return the price at second `t` (8 decimals, floored), or None where the market is halted."""

    @abstractmethod
    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the first second of after < t ≤ until whose price is outside [low, high], or None.

        A halt crosses nothing: where the price comes back outside, that second is the crossing. Without
        `high` there is no upper bound. An empty band (low > high) is left by every price.
        """

    @abstractmethod
    def next_price(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until that has a price, or None."""

    @abstractmethod
    def next_halt_change(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until at which prices stop or come back, or None."""

    @abstractmethod
    def knots(self, start: int, end: int) -> list[int]:
        """Return the seconds of start ≤ t < end at which the slope changes, or a halt begins or ends.

        A knot between two seconds counts for the second after it.
        """


@attrs.frozen
class ConstantPath(Path):
    """One price, always. Raises ValueError for a negative price."""

    price: int

    def __attrs_post_init__(self) -> None:
        if self.price < 0:
            raise ValueError(f"the price {self.price} is negative")

    def at(self, t: int) -> int | None:
        """Return the price."""
        return self.price

    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the next second if the price is outside [low, high]; else nothing ever crosses."""
        inside = low <= self.price and (high is None or self.price <= high)
        return None if inside else self.next_price(after, until)

    def next_price(self, after: int, until: int) -> int | None:
        """Return the next second."""
        return after + 1 if after < until else None

    def next_halt_change(self, after: int, until: int) -> int | None:
        """Return None: this market never halts."""
        return None

    def knots(self, start: int, end: int) -> list[int]:
        """Return no knots."""
        return []


class _Piece(NamedTuple):
    """A straight line from (start, first) to (end, last), without its end; times in thirds of a second."""

    start: int
    end: int
    first: int
    last: int

    def price(self, third: int) -> int:
        """Return the price, floored."""
        weighed = self.first * (self.end - third) + self.last * (third - self.start)
        return div_down(weighed, self.end - self.start)

    def seconds(self) -> tuple[int, int]:
        """Return the first second on the line and the first one behind it (equal if it holds none)."""
        return div_up(self.start, _THIRDS), div_up(self.end, _THIRDS)

    def within(self, low: int, high: int | None) -> bool:
        """Return whether the whole line lies in the band."""
        return low <= min(self.first, self.last) and (high is None or max(self.first, self.last) <= high)

    def exit(self, begin: int, low: int, high: int | None) -> int | None:
        """Return the first second from `begin` on at which the floored line, drawn on, is outside the band.

        The price is p(T) = first + (last − first)·(T − start)/(end − start).
        Rising:  ⌊p⌋ > high  ⟺  p ≥ high + 1  ⟺  T − start ≥ ⌈(high + 1 − first)·length/(last − first)⌉.
        Falling: ⌊p⌋ < low   ⟺  p < low       ⟺  T − start > ⌊(first − low)·length/(first − last)⌋.
        """
        price = self.price(_THIRDS * begin)
        if price < low or (high is not None and price > high):
            return begin
        length = self.end - self.start
        if self.last > self.first:
            if high is None:
                return None
            waits = div_up((high + 1 - self.first) * length, self.last - self.first)
        elif self.last < self.first:
            waits = div_down((self.first - low) * length, self.first - self.last) + 1
        else:
            return None
        return div_up(self.start + waits, _THIRDS)


class _DrawnPath(Path):
    """A path of straight lines in order of time; where two do not meet there is a hole."""

    __slots__ = ("_edges", "_pieces", "_starts")

    def __init__(self, pieces: Sequence[_Piece]) -> None:
        self._pieces = tuple(pieces)
        self._starts = [piece.start for piece in self._pieces]
        self._edges: list[int] = []
        for piece in self._pieces:
            first, behind = div_up(piece.start, _THIRDS), div_up(piece.end, _THIRDS)
            if self._edges and self._edges[-1] == first:
                self._edges.pop()
            else:
                self._edges.append(first)
            self._edges.append(behind)

    @property
    def first(self) -> int:
        """The first second that has a price."""
        return self._edges[0]

    @property
    def last(self) -> int:
        """The last second that has a price."""
        return self._edges[-1] - 1

    def _index(self, t: int) -> int:
        """Return the index of the last piece that begins at or before `t`, or −1."""
        return bisect_right(self._starts, _THIRDS * t) - 1

    def at(self, t: int) -> int | None:
        """Return the price at second `t` (8 decimals, floored), or None in a hole and outside the table."""
        index = self._index(t)
        if index < 0 or _THIRDS * t >= self._pieces[index].end:
            return None
        return self._pieces[index].price(_THIRDS * t)

    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the first second of after < t ≤ until whose price is outside [low, high], or None.

        One bisection, then work in proportion to the knots that are passed.
        """
        for index in range(max(0, self._index(after + 1)), len(self._pieces)):
            piece = self._pieces[index]
            if piece.start > _THIRDS * until:
                return None
            if piece.within(low, high):
                continue
            first, behind = piece.seconds()
            begin, stop = max(first, after + 1), min(behind, until + 1)
            found = piece.exit(begin, low, high) if begin < stop else None
            if found is not None and found < stop:
                return found
        return None

    def next_price(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until that has a price, or None."""
        t = after + 1
        passed = bisect_right(self._edges, t)
        if passed == len(self._edges):
            return None
        if passed % 2 == 0:  # the edges passed are whole pairs (price, no price): t lies in a hole
            t = self._edges[passed]
        return t if t <= until else None

    def next_halt_change(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until at which prices stop or come back, or None."""
        passed = bisect_right(self._edges, after)
        if passed == len(self._edges) or self._edges[passed] > until:
            return None
        return self._edges[passed]

    def knots(self, start: int, end: int) -> list[int]:
        """Return the seconds of start ≤ t < end at which the slope changes, or a halt begins or ends."""
        begins = self._starts[bisect_right(self._starts, _THIRDS * (start - 1)) :]
        edges = self._edges[bisect_left(self._edges, start) :]
        found: dict[int, None] = {}
        for third in begins:
            if third > _THIRDS * (end - 1):
                break
            found[div_up(third, _THIRDS)] = None
        found.update((edge, None) for edge in edges if edge < end)
        return sorted(found)


class PricePath(_DrawnPath):
    """The path of a table of bars of `bar_s` seconds each, in order of time.

    A bar covers [at, at + bar_s). Where the next one does not begin there, the time between is a hole; so is
    all time before the first bar and after the last. The knots lie at exact thirds of a bar, whatever its
    length; prices are floored per second. Raises ValueError for no bars, a length below one second, and bars
    that overlap or are out of order.
    """

    __slots__ = ("bar_s", "bars")

    def __init__(self, bars: Iterable[Bar], bar_s: int) -> None:
        self.bars = tuple(bars)
        self.bar_s = bar_s
        if not self.bars:
            raise ValueError("a price path needs at least one bar")
        if bar_s < 1:
            raise ValueError(f"a bar of {bar_s} seconds has no length")
        for before, bar in pairwise(self.bars):
            if bar.at < before.at + bar_s:
                raise ValueError(f"the bar at {bar.at} begins before the one at {before.at} has ended")
        super().__init__([piece for bar in self.bars for piece in self._pieces_of(bar)])

    def _pieces_of(self, bar: Bar) -> list[_Piece]:
        """Return the three straight lines of a bar; a third of it has `bar_s` thirds of a second."""
        begin = _THIRDS * bar.at
        prices = bar.corners()
        return [
            _Piece(begin + k * self.bar_s, begin + (k + 1) * self.bar_s, prices[k], prices[k + 1])
            for k in range(_THIRDS)
        ]


class PointPath(_DrawnPath):
    """Straight lines between points (time, price) in order of time; no price before or after them.

    Two points at one time are a jump: the later one holds from then on. Raises ValueError for no points,
    a negative price, or times that fall.
    """

    __slots__ = ("points",)

    def __init__(self, points: Iterable[tuple[int, int]]) -> None:
        self.points = tuple(points)
        if not self.points:
            raise ValueError("a price path needs at least one point")
        if any(price < 0 for _, price in self.points):
            raise ValueError("a price must not be negative")
        pieces: list[_Piece] = []
        for (start, first), (end, last) in pairwise(self.points):
            if end < start:
                raise ValueError(f"the point at {end} stands behind the one at {start}")
            if end > start:
                pieces.append(_Piece(_THIRDS * start, _THIRDS * end, first, last))
        end, last = self.points[-1]
        pieces.append(_Piece(_THIRDS * end, _THIRDS * (end + 1), last, last))
        super().__init__(pieces)
