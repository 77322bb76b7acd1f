"""Block space: how much of a block a bid can have, and what senders bid.

    share of the gas of a block           a row tells what included transactions paid for a unit of gas:
      1.0 ┤            ╭────── max        three tenths of the gas at most p30, six tenths at most p60, …
      0.9 ┤        ╭───╯ p90              A bid displaces whoever pays less, so that share of the block is
      0.6 ┤     ╭──╯ p60                  the room that it has; straight lines between the columns.
      0.3 ┤   ╭─╯ p30                     Below the lowest column nothing is taken in: what would be, is not
          └───┴──────────────▶ bid        in the table.

The rule: the room of a bid never shrinks as the bid rises. That a share of transactions is the same share of
gas is an assumption, and that a block of others is full is another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import attrs

from mutualize.units import WAD, Ratio, mul_div_down, mul_div_up

Levels = tuple[int, tuple[int, ...]]
"""From when on, and what each share of the gas pays at most: wei for a unit."""

_ONCE: Final = Ratio(WAD)
_NEVER: Final = Ratio(0)


def _rows(rows: Sequence[Levels]) -> tuple[Levels, ...]:
    return tuple((at, tuple(prices)) for at, prices in rows)


@attrs.frozen(kw_only=True)
class Space:
    """Blocks of `block_gas` units, for which others bid as the rows say; without any, blocks are empty.

    `shares` (WAD, rising) belong to the prices of each row, in order. A row holds from its time on, up to
    the next one's. Raises ValueError for rows out of order, and for prices or shares that fall.
    """

    block_gas: int
    shares: tuple[Ratio, ...] = ()
    rows: tuple[Levels, ...] = attrs.field(converter=_rows, default=())
    _times: tuple[int, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        times = tuple(at for at, _ in self.rows)
        object.__setattr__(self, "_times", times)
        if self.block_gas < 1:
            raise ValueError("a block without gas takes nothing in")
        if any(before >= at for before, at in pairwise(times)):
            raise ValueError("the rows of the demand are out of order")
        if bool(self.shares) != bool(self.rows):
            raise ValueError("shares and rows of the demand go together")
        if any(low >= high for low, high in pairwise((-1, *self.shares, WAD + 1))):
            raise ValueError("the shares of the demand rise, from 0 to 1 at most")
        for _, prices in self.rows:
            if len(prices) != len(self.shares) or any(a > b for a, b in pairwise((0, *prices))):
                raise ValueError("a row of the demand has a price for each share, and they do not fall")

    def room(self, bid: int, t: int) -> int:
        """Return how much gas a bid (wei a unit) can have in a block at `t`, if nobody else here bids.

        Between two columns: block_gas · (s₀·(p₁ − bid) + s₁·(bid − p₀)) / (p₁ − p₀), rounded down.
        """
        if not self.rows:
            return self.block_gas
        index = bisect_right(self._times, t) - 1
        if index < 0:
            raise ValueError(f"no demand for block space is known at {t}")
        prices = self.rows[index][1]
        above = bisect_right(prices, bid)
        if above == 0:
            return 0
        share = self.shares[above - 1]
        if above == len(prices):
            return mul_div_down(self.block_gas, share, WAD)
        low, high = prices[above - 1], prices[above]
        weighed = share * (high - bid) + self.shares[above] * (bid - low)
        return mul_div_down(self.block_gas, weighed, WAD * (high - low))

    def next_change(self, after: int) -> int | None:
        """Return when the demand changes next, or None."""
        index = bisect_right(self._times, after)
        return self._times[index] if index < len(self._times) else None


@attrs.frozen(kw_only=True)
class Bid:
    """How a sender bids: `wei` for a unit of gas, or `multiple` (WAD) of the gas price when it is sent.

    As long as it waits, the bid is raised by `escalation` (WAD, rounded up) every `every_blocks` blocks, to
    `wei_max` at most. `deadline_s` after it was sent it is given up. A sender who raises nothing has a stuck
    transaction as soon as the others pay more. Raises ValueError for figures that cannot be.
    """

    wei: int | None = None
    multiple: Ratio = _ONCE
    escalation: Ratio = _NEVER
    every_blocks: int = 1
    wei_max: int | None = None
    deadline_s: int | None = None

    def __attrs_post_init__(self) -> None:
        if min(self.wei or 0, self.multiple, self.escalation, self.wei_max or 0) < 0:
            raise ValueError("a bid is not negative")
        if self.every_blocks < 1 or (self.deadline_s is not None and self.deadline_s < 1):
            raise ValueError("a bid waits for a block at least, and for a second")

    def opening(self, gas_price: int) -> int:
        """Return what is bid at first (wei a unit), at this price of gas."""
        bid = mul_div_up(gas_price, self.multiple, WAD) if self.wei is None else self.wei
        return self._capped(bid)

    def raised(self, bid: int) -> int:
        """Return what is bid after `bid` has waited long enough; the same where it is not raised."""
        return self._capped(mul_div_up(bid, WAD + self.escalation, WAD))

    def _capped(self, bid: int) -> int:
        return bid if self.wei_max is None else min(bid, self.wei_max)
