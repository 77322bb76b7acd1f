"""Collateral that was won or bought, on its way back to money.

    bought ─▶ a cycle ─▶ leaves the engine, to whoever holds stablecoins (`market`), at the market's price

The market's depth is not asked for. While it is halted, or nobody has the money, what is due waits,
and is tried again every minute.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from mutualize.accounts import OUTSIDE
from mutualize.units import RAY, WAD, mul_div_down
from mutualize.vault_commands import Deliver, ExitCollateral, MoveDai
from mutualize.venues.cdp import Vaults
from mutualize.world import World

HOLDERS: Final = "market"
"""Who holds the stablecoins that nobody else does, and trades them for collateral."""

AGAIN_S: Final = 60
"""How soon a halted market is tried again."""

Quote = Callable[[int], int | None]
"""What a whole unit of the collateral is worth in stablecoins at a moment (ray); None while it is halted."""


class Stock:
    """What one agent has of an ilk's collateral, and when he sells it: `cycle_s` seconds after he got it."""

    def __init__(self, name: str, venue: Vaults, ilk: str, quote: Quote, cycle_s: int) -> None:
        self.quote = quote
        self._name = name
        self._venue = venue
        self._ilk = ilk
        self._cycle_s = cycle_s
        self._due: list[tuple[int, int]] = []

    def add(self, now: int, amount: int) -> None:
        """Put collateral in (wad)."""
        if amount:
            heappush(self._due, (now + self._cycle_s, amount))

    def next(self) -> int | None:
        """Return when the next of it is sold."""
        return self._due[0][0] if self._due else None

    def sell(self, world: World) -> None:
        """Sell what came out of the cycle, at the market's price now; while it is halted, keep it."""
        venue, ilk, name = self._venue.name, self._ilk, self._name
        while self._due and self._due[0][0] <= world.now:
            _, amount = heappop(self._due)
            quote = self.quote(world.now)
            if quote is None:
                heappush(self._due, (world.now + AGAIN_S, amount))
                continue
            asset, paid = self._venue.names.ilks[ilk], amount * quote
            receipt = world.submit(
                ExitCollateral(venue=venue, account=name, ilk=ilk, amount=amount),
                Deliver(venue=OUTSIDE, account=name, to=HOLDERS, asset=asset, amount=amount),
                MoveDai(venue=venue, account=HOLDERS, to=name, amount=paid),
            )
            if receipt.refused is not None:  # nobody has so many stablecoins
                heappush(self._due, (world.now + AGAIN_S, amount))


def quote_of(
    price: Callable[[int], int | None], money: Callable[[int], int | None], cost: Callable[[], int]
) -> Quote:
    """Return what a unit of collateral is worth in stablecoins (ray): both prices have 8 decimals.

    `cost` (WAD) is the share that a trade costs by now: a fork may change it.
    """

    def quote(at: int) -> int | None:
        told, stable = price(at), money(at)
        if told is None or not stable:
            return None
        return mul_div_down(mul_div_down(told, RAY, stable), WAD - cost(), WAD)

    return quote
