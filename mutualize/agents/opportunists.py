"""Opportunists: who borrow against collateral that the oracle overstates, and never come back.

    oracle's price · ltv > market's price ─▶ buy, put up, borrow what there is ─▶ sell it, buy more ─▶ …
                                      or ─▶ put up what they have, and borrow as much as they may

They break no rule. Their debt is a shortfall from the moment that it is drawn: the collateral is worth less,
wherever it can be sold. So it ends when the venue has nothing left to lend, or the prices meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from mutualize.agents.fees import Fees
from mutualize.agents.signals import cash_signal, market_signal, price_signal, terms_signal
from mutualize.agents.trading import trade_of
from mutualize.commands import Borrow, Command, Supply
from mutualize.errors import Reason
from mutualize.market.chain import Chain
from mutualize.market.market import Fill, Market
from mutualize.units import PRICE_UNIT, UINT256_MAX, WAD, mul_div_down
from mutualize.venues.lending import Counted, Lending
from mutualize.world import Phase, Steps, World

PATIENCE_S: Final = 60
"""How long he waits for a market to recover from what he bought, seconds."""
CUTS: Final = 12
"""How often less is tried where a venue refuses: each time one part in a million less, then a thousand …"""


@attrs.frozen(kw_only=True)
class Scheme:
    """What a group does. `premium` in WAD; `at` a moment, or None.

    collateral    what they put up                  borrows   what they draw, in this order
    premium       the least share by which what may be drawn has to exceed what the collateral costs
    again         whether they sell what they drew, and go on with the money
    """

    collateral: str
    borrows: tuple[str, ...]
    premium: int = 0
    at: int | None = None
    again: bool = True


class Lure:
    """What a venue lends against a unit of the collateral now: worked out once for a whole group."""

    def __init__(self, scheme: Scheme, lending: Lending, markets: dict[str, Market]) -> None:
        self.scheme = scheme
        self.lending = lending
        self.markets = markets
        self._asked = -1, -1
        self._limit = 0

    def limit(self, world: World) -> int:
        """Return the most that a unit may cost (8 decimals of its market's money): what it lets one draw."""
        now = world.book.seq, world.now
        if now != self._asked:
            self._asked, self._limit = now, self._worked_out(world)
        return self._limit

    def _worked_out(self, world: World) -> int:
        asset = self.scheme.collateral
        counted = self.lending.counted(world.book, asset, world.now)
        if counted is None:
            return 0
        ltv = self.lending.ltv(world.book, asset)
        drawn = mul_div_down(counted.price, ltv, WAD + self.scheme.premium)
        money = self.markets.get(self.markets[asset].money)
        mid = PRICE_UNIT if money is None else money.mid(world.now)
        return mul_div_down(drawn, PRICE_UNIT, mid) if mid else 0


class Opportunist:
    """One of them. `held` is collateral that he has, `budget` money of its market (base units of both)."""

    phase: Final = Phase.SETTLEMENT

    def __init__(
        self,
        name: str,
        lure: Lure,
        chain: Chain | None,
        fees: Fees,
        *,
        held: int,
        budget: int,
        reaction_s: int,
    ) -> None:
        self.name = name
        self._lure = lure
        self._scheme = lure.scheme
        self._lending = lure.lending
        self._markets = lure.markets
        self._market = lure.markets[lure.scheme.collateral]
        self._chain = chain
        self._fees = fees
        self._held = held
        self._budget = budget
        self._reaction_s = reaction_s

    def run(self, world: World) -> Steps:
        """Wait until it pays, react, and go on in every block as long as it does."""
        if self._scheme.at is not None:
            yield world.sleep_until(self, self._scheme.at)
        cause: int | None = None
        while self._held or self._budget:
            if self._tempts(world):
                yield world.sleep_until(self, self._block(world.now + self._reaction_s))
                while self._act(world, cause):
                    yield world.sleep_until(self, self._block(world.now + 1))
            wake = yield world.wait(self, *self._signals(), until=self._next(world))
            cause = wake.cause

    def _signals(self) -> Sequence[str]:
        asset, venue = self._scheme.collateral, self._lending.name
        cash = (cash_signal(venue, each) for each in self._scheme.borrows)
        return price_signal(asset), market_signal(asset), terms_signal(venue), *cash

    def _next(self, world: World) -> int | None:
        """Return when to look again if nothing happens: what pays and cannot be done waits for an event."""
        if not self._tempts(world):
            return self._moment(world)
        return None if self._market.is_linear else world.now + PATIENCE_S

    def _block(self, at: int) -> int:
        return at if self._chain is None else self._chain.next_block(at)

    # --- whether it pays ---------------------------------------------------------------------------------

    def _counted(self, world: World, asset: str) -> Counted | None:
        return self._lending.counted(world.book, asset, world.now)

    def _tempts(self, world: World) -> bool:
        mid = self._market.mid(world.now)
        return bool(self._held) or (mid is not None and mid < self._lure.limit(world))

    def _moment(self, world: World) -> int | None:
        """Return when the market will have fallen below what the oracle says, if it says no other thing."""
        limit = self._lure.limit(world)
        return self._market.next_crossing(world.now, world.end, low=limit) if limit and self._budget else None

    # --- doing it ----------------------------------------------------------------------------------------

    def _act(self, world: World, cause: int | None) -> bool:
        """Buy, put up, draw and sell in one transaction; returns whether anything was drawn."""
        bought, now = self._purchase(world), world.now
        amount = self._held + (0 if bought is None else bought.bought_amount)
        if not amount:
            return False
        common = {"venue": self._lending.name, "account": self.name}
        begin: list[Command] = [] if bought is None else [trade_of(self.name, bought)]
        begin.append(Supply(asset=self._scheme.collateral, amount=amount, **common))
        draws, fills = self._draws(world, begin, common)
        if not draws:
            return False
        fees = self._fees.pay(self.name, world.now, "supply", *["borrow" for _ in draws])
        sales = [trade_of(self.name, fill) for _, fill in fills]
        if not world.submit(*begin, *draws, *sales, *fees, cause=cause):
            return False
        if bought is not None:
            self._market.take(bought)
            self._budget -= bought.sold_amount
            if not self._scheme.again and not self._market.amount_bought_for(self._budget, at=now, most=1):
                self._budget = 0  # it buys nothing any more
        self._held = 0
        for market, fill in fills:
            market.take(fill)
            self._budget += fill.bought_amount
        if self._scheme.again:
            self._budget += sum(draw.amount for draw in draws if draw.asset == self._market.money)
        return True

    def _purchase(self, world: World) -> Fill | None:
        """Return the largest purchase that is still below the limit on average, and can be paid."""
        limit, market, now = self._lure.limit(world), self._market, world.now
        if not limit or not self._budget:
            return None
        most = market.largest_buy(limit, at=now, most=UINT256_MAX)
        amount = market.amount_bought_for(self._budget, at=now, most=most)
        offer = market.offer_buy(amount, at=now) if amount else None
        return offer if offer is not None and offer.sold_amount <= self._budget else None

    def _draws(
        self, world: World, begin: Sequence[Command], common: dict[str, str]
    ) -> tuple[list[Borrow], list[tuple[Market, Fill]]]:
        """Return what he draws, asset by asset, as much as each has and he may; and what he sells it for."""
        draws: list[Borrow] = []
        fills: list[tuple[Market, Fill]] = []
        put_up = next(command.amount for command in begin if isinstance(command, Supply))
        room = self._lending.room(world.book, self.name, world.now)
        room += self._lending.lends(world.book, self._scheme.collateral, put_up, world.now)
        for asset in self._scheme.borrows:
            counted = self._counted(world, asset)
            if counted is None or not counted.price or room <= 0:
                continue
            most = mul_div_down(room, counted.unit, counted.price)
            wanted = min(most, self._lending.cash(world.book, asset))
            drawn = self._accepted(world, [*begin, *draws], asset, wanted, common)
            if drawn is None:
                continue
            draws.append(drawn)
            room -= mul_div_down(drawn.amount, counted.price, counted.unit)
            market = self._markets.get(asset)
            if self._scheme.again and market is not None and market.money == self._market.money:
                fill = market.offer_sell(drawn.amount, at=world.now)
                if fill is not None and fill.bought_amount:
                    fills.append((market, fill))
        return draws, fills

    def _accepted(
        self, world: World, before: Sequence[Command], asset: str, amount: int, common: dict[str, str]
    ) -> Borrow | None:
        """Return the draw of an amount, or of a little less where the venue rounds otherwise."""
        cut = 1
        for _ in range(CUTS):
            if amount <= 0:
                return None
            draw = Borrow(asset=asset, amount=amount, **common)
            answer = world.would(*before, draw)
            if not isinstance(answer, Reason):
                return draw
            amount -= cut
            cut = max(10 * cut, mul_div_down(amount, 1, 10**6))
        return None
