"""The oracle: when protocols are told a price, which is not what the market says.

The rule: an observation is published if it is |p/last − 1| ≥ deviation away from the last published one, or
if `heartbeat_s` have passed since that; it arrives `delay_s` later, with the price of the moment at which it
was observed. Nothing is observed while the market is halted, nor in an outage: protocols keep the last price
they were told. Beyond `low` and `high` the answer sticks to the bound, or nothing is observed at all.
Sources: Chainlink's documentation of price feeds, "deviation threshold", "heartbeat", "minAnswer and
maxAnswer"; makerdao/osm@e36c874b, src/osm.sol, for the delay of an `Osm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from mutualize.units import WAD, Ratio, div_down, mul_div_up

FOREVER: Final = 2**62
"""The end of an outage that does not end."""


class Quotes(Protocol):
    """What an oracle watches: a path, or a market (whose trades may move its path)."""

    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the first second of after < t ≤ until whose price is outside [low, high], or None."""

    def next_price(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until that has a price, or None."""


@attrs.frozen(kw_only=True)
class Oracle:
    """A push feed of one asset's price. `deviation` is a share (WAD); zero publishes every change.

    `low` and `high` bound its answers (8 decimals); beyond them it `sticks` to the bound, or is silent.
    `outages` are spans [start, end) in which it observes nothing. Raises ValueError for a heartbeat below
    one second, a negative deviation or delay, and bounds or spans that are none.
    """

    asset: str
    heartbeat_s: int
    deviation: Ratio
    delay_s: int = 0
    low: int = 0
    high: int | None = None
    sticks: bool = True
    outages: tuple[tuple[int, int], ...] = ()

    def __attrs_post_init__(self) -> None:
        if self.heartbeat_s < 1:
            raise ValueError(f"a heartbeat of {self.heartbeat_s} seconds never ends")
        if self.deviation < 0 or self.delay_s < 0:
            raise ValueError("a deviation and a delay are not negative")
        if self.low < 0 or (self.high is not None and self.high < self.low):
            raise ValueError("the lowest answer is above the highest")
        if any(start >= end for start, end in self.outages):
            raise ValueError("an outage ends after it begins")

    def quiet_band(self, last_price: int) -> tuple[int, int]:
        """Return the lowest and the highest price that publish nothing after `last_price`.

        |p − last|·WAD ≥ deviation·last ⟺ |p − last| ≥ ⌈deviation·last/WAD⌉. After a price of zero, or with
        a deviation of zero, every other price is published.
        """
        move = max(1, mul_div_up(self.deviation, last_price, WAD))
        return last_price - move + 1, last_price + move - 1

    def clip(self, price: int) -> int:
        """Return the answer that is nearest to a price."""
        return max(self.low, price if self.high is None else min(price, self.high))

    def answer(self, price: int) -> int | None:
        """Return what it says of a price: beyond a bound, that bound, or nothing."""
        clipped = self.clip(price)
        return clipped if self.sticks or clipped == price else None

    def next_publication(
        self, quotes: Quotes, now: int, last_price: int | None, last_time: int, until: int
    ) -> int | None:
        """Return the first second of now < t ≤ until whose price is observed and published, or None.

        `last_price` and `last_time` are the last published observation's own (not its arrival's); without one
        the next price there is gets published. A heartbeat that ends in a halt is caught up when it ends.
        Computed anew from the knots of the path: its cost does not depend on the time that passes.
        """
        heard = self._heard(quotes)
        if last_price is None:
            return heard.next_price(now, until)
        beat = heard.next_price(max(now, last_time + self.heartbeat_s - 1), until)
        moved = heard.next_crossing(now, until if beat is None else beat, *self.quiet_band(last_price))
        return beat if moved is None else moved

    def next_observable(self, quotes: Quotes, at: int, until: int) -> int | None:
        """Return the first second of at ≤ t ≤ until that has an answer, or None."""
        return self._heard(quotes).next_price(at - 1, until)

    def next_open(self, at: int) -> int:
        """Return the first second at or after `at` that is in no outage."""
        while (end := _end(self.outages, at)) is not None:
            at = end
        return at

    def arrival(self, observed: int) -> int:
        """Return when an observation of that second reaches the protocols."""
        return observed + self.delay_s

    def _heard(self, quotes: Quotes) -> Quotes:
        """Return the answers that there are of what the market says."""
        if self.low or self.high is not None:
            quotes = (_Sticking if self.sticks else _Bounded)(quotes, self.low, self.high)
        return _Interrupted(quotes, self.outages) if self.outages else quotes


@attrs.frozen
class _Sticking:
    """Prices that stick to a bound: what crosses a band is found by moving the band, not the prices."""

    quotes: Quotes
    least: int
    most: int | None

    def next_price(self, after: int, until: int) -> int | None:
        """Return the next second with a price."""
        return self.quotes.next_price(after, until)

    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the next second whose answer is outside [low, high].

        No answer is below `least`: a band that begins there is never left downwards; one that ends before
        it is left by every price. Upwards the same.
        """
        if (self.most is not None and low > self.most) or (high is not None and high < self.least):
            return self.quotes.next_price(after, until)
        below = 0 if low <= self.least else low
        above = None if high is None or (self.most is not None and high >= self.most) else high
        return self.quotes.next_crossing(after, until, below, above)


@attrs.frozen
class _Bounded:
    """Prices that are heard between two bounds alone."""

    quotes: Quotes
    least: int
    most: int | None

    def next_price(self, after: int, until: int) -> int | None:
        """Return the next second whose price lies between the bounds."""
        return self._inside(after, until, self.least, self.most)

    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the next second whose price lies between the bounds, and outside [low, high]."""
        under = low - 1 if self.most is None else min(low - 1, self.most)
        spans: list[tuple[int, int | None]] = [(self.least, under)]
        if high is not None:
            spans.append((max(self.least, high + 1), self.most))
        found = [self._inside(after, until, *span) for span in spans if span[1] is None or span[0] <= span[1]]
        return min((t for t in found if t is not None), default=None)

    def _inside(self, after: int, until: int, low: int, high: int | None) -> int | None:
        """Return the first second of after < t ≤ until whose price is within [low, high], or None.

        From a price outside, the next candidate is where it has left the side on which it is.
        """
        t = self.quotes.next_price(after, until)
        while t is not None and self.quotes.next_crossing(t - 1, t, low, high) is not None:
            is_below = self.quotes.next_crossing(t - 1, t, low) is not None
            left = (0, low - 1) if is_below else ((high or 0) + 1, None)
            t = self.quotes.next_crossing(t, until, *left)
        return t


@attrs.frozen
class _Interrupted:
    """Prices that are heard outside of some spans [start, end)."""

    quotes: Quotes
    spans: tuple[tuple[int, int], ...]

    def next_price(self, after: int, until: int) -> int | None:
        """Return the next second with a price."""
        t = self.quotes.next_price(after, until)
        while t is not None and (end := _end(self.spans, t)) is not None:
            t = self.quotes.next_price(end - 1, until)
        return t

    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the next second whose price is outside [low, high]."""
        t = self.quotes.next_crossing(after, until, low, high)
        while t is not None and (end := _end(self.spans, t)) is not None:
            t = self.quotes.next_crossing(end - 1, until, low, high)
        return t


def _end(spans: Sequence[tuple[int, int]], t: int) -> int | None:
    """Return the end of a span that holds a second, or None where none does."""
    return next((end for start, end in spans if start <= t < end), None)


@attrs.frozen(kw_only=True)
class Osm:
    """A delayed price: what a poke makes live is what the poke before it saw, `hop_s` ago or longer.

    `poked` is the contract's zzz: the whole hop in which the last poke was. Pokes that come late or not at
    all lengthen the delay. Raises ValueError for a hop below one second.
    """

    hop_s: int
    current: int
    following: int
    poked: int

    def __attrs_post_init__(self) -> None:
        if self.hop_s < 1:
            raise ValueError(f"a hop of {self.hop_s} seconds is none")

    @classmethod
    def begin(cls, hop_s: int, price: int, at: int) -> Osm:
        """Return one that was poked in this hop, under a price that has long been the same."""
        return cls(hop_s=hop_s, current=price, following=price, poked=_hop(at, hop_s))

    @property
    def due(self) -> int:
        """The first second at which it may be poked: zzz + hop."""
        return self.poked + self.hop_s

    def poke(self, price: int, at: int) -> Osm:
        """Return it after a poke: cur = nxt, nxt = the source's price, zzz = now − now mod hop."""
        assert at >= self.due, "a poke too early reverts"
        return attrs.evolve(self, current=self.following, following=price, poked=_hop(at, self.hop_s))


def _hop(at: int, hop_s: int) -> int:
    return div_down(at, hop_s) * hop_s
