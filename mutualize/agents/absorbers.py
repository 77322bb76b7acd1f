"""Absorbers: anybody may have an unsafe account of Compound v3 absorbed, and somebody does, some time later.

    price ─▶ accounts below the line ─▶ delay ─▶ Absorb, one transaction for each

It needs no money and earns nothing, so it happens whether or not anybody wants the collateral: that is sold
later, to whoever buys of the reserves.
"""

from __future__ import annotations

from typing import Final

from mutualize.agents.fees import Fees
from mutualize.agents.signals import price_signal, terms_signal
from mutualize.agents.slashers import ANYBODY
from mutualize.compound_commands import Absorb
from mutualize.market.chain import Chain
from mutualize.venues.comet_lending import CometLending
from mutualize.watchlist import Watchlist
from mutualize.world import Phase, Steps, World


class Absorber:
    """Who has the accounts of one venue absorbed, `delay_s` after the first of them is found."""

    phase: Final = Phase.LIQUIDATION

    def __init__(
        self, lending: CometLending, watchlist: Watchlist, delay_s: int, chain: Chain | None, fees: Fees
    ) -> None:
        self.name = f"absorber:{lending.name}"
        self._lending = lending
        self._watchlist = watchlist
        self._delay_s = delay_s
        self._chain = chain
        self._fees = fees

    def run(self, world: World) -> Steps:
        """Wait for a price or other terms, let time pass, and absorb who is unsafe then, the worst first."""
        signals = [terms_signal(self._lending.name), *map(price_signal, self._lending.assets)]
        while True:
            wake = yield world.wait(self, *signals)
            if not self._watchlist.candidates(world.book, world.now):
                continue
            yield world.sleep_until(self, self._block(world.now + self._delay_s))
            for account in self._watchlist.candidates(world.book, world.now):
                wish = Absorb(venue=self._lending.name, account=ANYBODY, accounts=(account,))
                if isinstance(world.would(wish), list):  # what reverts is simulated first, and not sent
                    gas = self._fees.pay(ANYBODY, world.now, "liquidate")
                    world.submit(wish, *gas, cause=wake.cause)

    def _block(self, at: int) -> int:
        return at if self._chain is None else self._chain.next_block(at)
