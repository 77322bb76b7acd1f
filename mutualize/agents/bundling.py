"""A bundle: several liquidations in one transaction, as many as pay and as the gas of a block has room for.

    the best chance ─▶ the next best, on what the first leaves ─▶ … ─▶ one transaction, one payment of gas

All of it happens, or none: what is planned on top of the parts before it is carried out with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mutualize.agents.desk import Desk, Opening, done
from mutualize.agents.targets import Pair
from mutualize.agents.trading import trade_of
from mutualize.errors import Reason
from mutualize.market.chain import Chain
from mutualize.market.market import Fill, Market
from mutualize.protocol import Planned
from mutualize.world import World


class Part(NamedTuple):
    """One liquidation of a bundle, and the trades behind it, which weigh on their markets already."""

    pair: Pair
    paid: int
    seized: int
    fills: list[tuple[Market, Fill]]


class Bundle:
    """A transaction that grows. `most` parts at most; `chain` says how much gas a block has, if it does."""

    def __init__(self, desk: Desk, chain: Chain | None, most: int) -> None:
        self._desk, self._most = desk, most
        self._units = None if chain is None else chain.units
        self._room = chain.space.block_gas if chain is not None and chain.space is not None else None
        self.parts: list[Part] = []
        self.actions: list[str] = []
        """What it does on the chain, for its gas."""
        self.planned: list[Planned] = []

    def has_room(self, pair: Pair) -> bool:
        """Say whether one more liquidation of a pair fits in."""
        if len(self.parts) >= self._most:
            return False
        if self._room is None or self._units is None:
            return True
        return sum(map(self._units, (*self.actions, *self._desk.actions(pair)))) <= self._room

    def add(
        self,
        world: World,
        opening: Opening,
        own: int,
        signed: Callable[[Planned], Planned],
        trader: str,
    ) -> bool:
        """Add a liquidation if it still pays behind the others; returns whether it does.

        `signed` puts the liquidator's name on what was planned for nobody, `trader` is he who trades.
        """
        desk, pair = self._desk, opening.pair
        plan = world.plan(desk.wish(world, pair, opening.account, opening.asked), first=self.planned)
        if isinstance(plan, Reason):
            return False
        paid, seized = done(plan[len(self.planned) :])
        own = min(own, paid)
        earned = desk.profit(pair, paid, seized, own, world.now)
        if earned is None or earned - desk.gas(pair, world.now) < desk.habits.profit_min:
            return False
        fills = desk.markets.fills(pair, paid, seized, own, world.now)
        begun = [*self.planned, *map(signed, plan[len(self.planned) :])]
        whole = world.plan(*(trade_of(trader, fill) for _, fill in fills), first=begun)
        assert not isinstance(whole, Reason), "what was quoted can be traded"
        self.planned = whole
        for market, fill in fills:
            market.take(fill)
        self.parts.append(Part(pair, paid, seized, fills))
        self.actions += desk.actions(pair)
        return True
