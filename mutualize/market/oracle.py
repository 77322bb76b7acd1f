"""The oracle: when protocols are told a price, which is not what the market says.

The rule: an observation is published if it is |p/last − 1| ≥ deviation away from the last published one, or
if `heartbeat_s` have passed since that; it arrives `delay_s` later, with the price of the moment at which it
was observed. Nothing is observed while the market is halted: protocols keep the last price they were told.
Source: Chainlink's documentation of price feeds, "deviation threshold" and "heartbeat".
"""

from __future__ import annotations

from typing import Protocol

import attrs

from mutualize.units import WAD, Ratio, mul_div_up


class Quotes(Protocol):
    """What an oracle watches: a path, or a market (whose trades may move its path)."""

    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the first second of after < t ≤ until whose price is outside [low, high], or None."""

    def next_price(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until that has a price, or None."""


@attrs.frozen(kw_only=True)
class Oracle:
    """A push feed of one asset's price. `deviation` is a share (WAD); zero publishes every change.

    Raises ValueError for a heartbeat below one second, or a negative deviation or delay.
    """

    asset: str
    heartbeat_s: int
    deviation: Ratio
    delay_s: int = 0

    def __attrs_post_init__(self) -> None:
        if self.heartbeat_s < 1:
            raise ValueError(f"a heartbeat of {self.heartbeat_s} seconds never ends")
        if self.deviation < 0 or self.delay_s < 0:
            raise ValueError("a deviation and a delay are not negative")

    def quiet_band(self, last_price: int) -> tuple[int, int]:
        """Return the lowest and the highest price that publish nothing after `last_price`.

        |p − last|·WAD ≥ deviation·last ⟺ |p − last| ≥ ⌈deviation·last/WAD⌉. After a price of zero, or with
        a deviation of zero, every other price is published.
        """
        move = max(1, mul_div_up(self.deviation, last_price, WAD))
        return last_price - move + 1, last_price + move - 1

    def next_publication(
        self, quotes: Quotes, now: int, last_price: int | None, last_time: int, until: int
    ) -> int | None:
        """Return the first second of now < t ≤ until whose price is observed and published, or None.

        `last_price` and `last_time` are the last published observation's own (not its arrival's); without one
        the next price there is gets published. A heartbeat that ends in a halt is caught up when it ends.
        Computed anew from the knots of the path: its cost does not depend on the time that passes.
        """
        if last_price is None:
            return quotes.next_price(now, until)
        beat = quotes.next_price(max(now, last_time + self.heartbeat_s - 1), until)
        moved = quotes.next_crossing(now, until if beat is None else beat, *self.quiet_band(last_price))
        return beat if moved is None else moved

    def arrival(self, observed: int) -> int:
        """Return when an observation of that second reaches the protocols."""
        return observed + self.delay_s
