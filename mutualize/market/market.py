"""A market: one asset against one money at one place. A path that nobody moves, and a depth that trades move.

The rule: quoting changes nothing; `take` alone does. Money is rounded against the trader, once a trade.

    path ──▶ mid = path moved by the permanent share of all trades ──▶ what oracles see
                    └──▶ moved by the pressure of recent trades ──▶ what a trader gets
"""

from __future__ import annotations

import attrs

from mutualize.market.depth import DEEP, Depth, Pressure
from mutualize.market.path import Path
from mutualize.units import PRICE_UNIT, WAD, Ratio, div_down, div_up, mul_div_down, mul_div_up

_FREE = Ratio(0)


@attrs.frozen(kw_only=True)
class Fill:
    """Terms of a trade at one moment. `mid` is the price of the market's asset before it (8 decimals)."""

    at: int
    sold: str
    sold_amount: int
    bought: str
    bought_amount: int
    place: str
    mid: int


@attrs.define(eq=False, kw_only=True)
class Market:
    """Where `asset` is traded against `money`; amounts in base units of each, prices in money, 8 decimals.

    `cost` is the share (WAD) of every trade that the trader loses whatever its size: a fee, half a spread.
    Everything that a halt makes impossible is None (or zero, where an amount is asked for). Time must not go
    back behind the last trade: ValueError.
    """

    asset: str
    money: str
    asset_decimals: int
    money_decimals: int
    path: Path
    place: str = ""
    depth: Depth = DEEP
    cost: Ratio = _FREE
    _pressure: Pressure = attrs.field(init=False, repr=False)
    _asked: tuple[int | None, int | None] = attrs.field(init=False, repr=False, default=(None, None))
    _money_unit: int = attrs.field(init=False, repr=False)
    _asset_unit: int = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.cost < WAD:
            raise ValueError("a cost is a share of a trade, and below all of it")
        self._pressure = Pressure(self.depth)
        self._money_unit = 10**self.money_decimals
        self._asset_unit = PRICE_UNIT * 10**self.asset_decimals * self.depth.whole * WAD

    @property
    def is_linear(self) -> bool:
        """Say whether the price of a trade does not depend on its size."""
        return not self.depth.impact

    def change(self, at: int, *, depth: Depth, cost: Ratio) -> None:
        """Trade at another depth and cost from second `at` on. What still weighs is kept, to the base unit.

        Raises ValueError for a depth that trades move for good, on either side: the past would move with it.
        """
        if self.depth.permanent or depth.permanent:
            raise ValueError("a depth that trades move for good stays what it is")
        weighing = self.pressure(at)
        self.depth, self.cost = depth, cost
        self.__attrs_post_init__()
        if weighing and depth is not DEEP:
            self._pressure.add(weighing, at)

    # --- the price -----------------------------------------------------------------------------------

    def spot(self, at: int) -> int | None:
        """Return the price of the path, which no trade has moved. None while halted. Remembers the last."""
        if at != self._asked[0]:
            self._asked = at, self.path.at(at)
        return self._asked[1]

    def mid(self, at: int) -> int | None:
        """Return the price of the market at rest: the path, moved for good by trades. None while halted."""
        price = self.spot(at)
        return None if price is None else mul_div_down(price, *self._shift())

    def _shift(self) -> tuple[int, int]:
        """Return by what fraction trades have moved the path for good; never below zero."""
        whole = self.depth.amount * WAD * WAD
        moved = self._pressure.net * self.depth.impact * self.depth.permanent
        return max(0, whole - moved), whole

    def pressure(self, at: int) -> int:
        """Return what weighs on the quotes: base units sold, rounded towards zero; negative if bought."""
        y = self._pressure.at(at)
        size = div_down(abs(y), self.depth.scale)
        return size if y >= 0 else -size

    def next_crossing(self, after: int, until: int, low: int = 0, high: int | None = None) -> int | None:
        """Return the first second of after < t ≤ until whose mid is outside [low, high], or None.

        True until the next trade, if trades move this market for good: ⌊p·u/v⌋ ≥ low ⟺ p ≥ ⌈low·v/u⌉, and
        ⌊p·u/v⌋ ≤ high ⟺ p ≤ ⌈(high + 1)·v/u⌉ − 1.
        """
        up, down = self._shift()
        if not up:
            inside = low <= 0 and (high is None or high >= 0)
            return None if inside else self.path.next_price(after, until)
        least = mul_div_up(max(0, low), down, up)
        most = None if high is None else mul_div_up(max(0, high + 1), down, up) - 1
        return self.path.next_crossing(after, until, least, most)

    def next_price(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until that has a price, or None."""
        return self.path.next_price(after, until)

    def next_halt_change(self, after: int, until: int) -> int | None:
        """Return the first second of after < t ≤ until at which a halt begins or ends, or None."""
        return self.path.next_halt_change(after, until)

    # --- quotes: they change nothing -----------------------------------------------------------------

    def quote_sell(self, amount: int, *, at: int) -> int | None:
        """Return the money (rounded down) that a sale of `amount` brings now. None while halted."""
        price = self._price(amount, at)
        if price is None:
            return None
        return mul_div_down(self.depth.sold(self._pressure.at(at), amount), *self._money(price, -self.cost))

    def quote_buy(self, amount: int, *, at: int) -> int | None:
        """Return the money (rounded up) that buying `amount` costs now. None while halted."""
        price = self._price(amount, at)
        if price is None:
            return None
        return mul_div_up(self.depth.bought(self._pressure.at(at), amount), *self._money(price, self.cost))

    def _price(self, amount: int, at: int) -> int | None:
        if amount < 0:
            raise ValueError(f"cannot trade {amount} of {self.asset}")
        return self.spot(at)

    def _money(self, price: int, cost: int) -> tuple[int, int]:
        """Return the fraction that turns an area under the depth's line into base units of money."""
        return price * (WAD + cost) * self._money_unit, self._asset_unit

    def rate(self, at: int) -> tuple[int, int] | None:
        """Return the fraction that turns any amount sold now into what `quote_sell` says, before rounding.

        Only where size does not matter (`is_linear`). None while halted.
        """
        price = self.spot(at)
        if price is None:
            return None
        assert self.is_linear, "another size has another price"
        return price * (WAD - self.cost) * self._money_unit, PRICE_UNIT * 10**self.asset_decimals * WAD

    def largest_sell(self, limit_price: int, *, at: int, most: int) -> int:
        """Return the largest sale up to `most` whose average price (before rounding) is ≥ the limit."""
        price = self.spot(at)
        if price is None:
            return 0
        y, net = self._pressure.at(at), price * (WAD - self.cost)
        return self.depth.largest_sell(y, net, limit_price * WAD, most)

    def largest_buy(self, limit_price: int, *, at: int, most: int) -> int:
        """Return the largest purchase up to `most` whose average price (before rounding) is ≤ the limit."""
        price = self.spot(at)
        if price is None:
            return 0
        y, gross = self._pressure.at(at), price * (WAD + self.cost)
        return self.depth.largest_buy(y, gross, limit_price * WAD, most)

    def amount_bought_for(self, money: int, *, at: int, most: int) -> int:
        """Return the largest purchase up to `most` that costs at most `money`, as `quote_buy` rounds it."""
        price = self.spot(at)
        if price is None or money < 0:
            return 0
        up, down = self._money(price, self.cost)
        if not up:
            return most
        return min(most, self.depth.bought_for(self._pressure.at(at), mul_div_down(money, down, up)))

    def amount_sold_for(self, money: int, *, at: int) -> int | None:
        """Return the smallest sale that brings at least `money`, as `quote_sell` rounds it.

        None where no sale brings so much, or while halted.
        """
        price = self.spot(at)
        if price is None:
            return None
        up, down = self._money(price, -self.cost)
        if not up:
            return None if money > 0 else 0
        return self.depth.sold_for(self._pressure.at(at), div_up(money * down, up))

    # --- trades --------------------------------------------------------------------------------------

    def offer_sell(self, amount: int, *, at: int) -> Fill | None:
        """Return the terms on which `amount` can be sold now: what `quote_sell` says, as a Fill."""
        mid, got = self.mid(at), self.quote_sell(amount, at=at)
        if mid is None or got is None:
            return None
        return Fill(
            at=at,
            sold=self.asset,
            sold_amount=amount,
            bought=self.money,
            bought_amount=got,
            place=self.place,
            mid=mid,
        )

    def offer_buy(self, amount: int, *, at: int) -> Fill | None:
        """Return the terms on which `amount` can be bought now: what `quote_buy` says, as a Fill."""
        mid, cost = self.mid(at), self.quote_buy(amount, at=at)
        if mid is None or cost is None:
            return None
        return Fill(
            at=at,
            sold=self.money,
            sold_amount=cost,
            bought=self.asset,
            bought_amount=amount,
            place=self.place,
            mid=mid,
        )

    def take(self, fill: Fill) -> None:
        """Let a trade on offered terms weigh on the market, once it is known that it happened."""
        if self.depth is DEEP:
            return
        if fill.sold == self.asset:
            self._pressure.add(fill.sold_amount, fill.at)
        else:
            self._pressure.add(-fill.bought_amount, fill.at)

    def take_sell(self, amount: int, *, at: int) -> Fill | None:
        """Sell now: the offer, taken. None while halted."""
        fill = self.offer_sell(amount, at=at)
        if fill is not None:
            self.take(fill)
        return fill

    def take_buy(self, amount: int, *, at: int) -> Fill | None:
        """Buy now: the offer, taken. None while halted."""
        fill = self.offer_buy(amount, at=at)
        if fill is not None:
            self.take(fill)
        return fill
