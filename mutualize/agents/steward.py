"""The steward of a waterfall: does what anybody may do once its time has come, so that nothing lies about.

    a wait is over            ReleaseTier
    a deadline has come       SettleTier, as far as the payer can, then LapseTier: the tiers below answer
    nothing is open any more  OpenExits, unless that is left to a vote

What members were called for they pay themselves (contributors.py); votes are governance's (governance.py).
"""

from __future__ import annotations

from typing import Final

from mutualize.agents.fees import Fees
from mutualize.agents.signals import exits_signal, open_signal
from mutualize.agents.slashers import ANYBODY
from mutualize.commands import Command
from mutualize.open_losses import HELD, Open
from mutualize.tables import exits_table
from mutualize.tier import ASSESSMENT
from mutualize.tier_commands import LapseTier, OpenExits, ReleaseTier, SettleTier
from mutualize.waterfall import Waterfall
from mutualize.world import Phase, Steps, World


class Steward:
    """Who looks after one waterfall. `opens`: whether he ends a freeze of exits."""

    phase: Final = Phase.SETTLEMENT

    def __init__(self, waterfall: Waterfall, *, opens: bool, fees: Fees) -> None:
        self.name = f"steward:{waterfall.venue}"
        self._waterfall = waterfall
        self._opens = opens
        self._fees = fees

    def run(self, world: World) -> Steps:
        """Sleep until the next moment that something falls due, or until something new is open."""
        venue = self._waterfall.venue
        cause = None
        while True:
            yield world.sleep(self, 0)  # whoever acts at the same moment, a member who pays, comes first
            while self._act(world, cause):
                pass
            wake = yield world.wait(self, open_signal(venue), exits_signal(venue), until=self._next(world))
            cause = wake.cause

    def _all(self, world: World) -> list[tuple[str, Open]]:
        return [
            (asset, loss)
            for asset in self._waterfall.cover.assets
            for loss in self._waterfall.open.all(world.book, asset)
        ]

    def _next(self, world: World) -> int | None:
        """Return when something falls due next."""
        return min((loss.due for _, loss in self._all(world) if loss.due > world.now), default=None)

    def _act(self, world: World, cause: int | None) -> bool:
        """Do the first thing that can be done; returns whether there was one. Each may lead to another."""
        for asset, loss in self._all(world):
            for command in self._due(world, asset, loss):
                if isinstance(world.would(command), list):
                    world.submit(command, *self._fees.pay(ANYBODY, world.now, "settle"), cause=cause)
                    return True
        return self._open_exits(world, cause)

    def _due(self, world: World, asset: str, loss: Open) -> list[Command]:
        """Return what the moment asks for at one open loss; the first that is not refused is done."""
        tier = self._waterfall.tiers(asset)[loss.tier]
        if loss.due > world.now or (loss.state == HELD and tier.vote):
            return []
        venue, name = self._waterfall.name, tier.name
        if loss.state == HELD:
            return [ReleaseTier(venue=venue, account=ANYBODY, asset=asset, tier=name)]
        lapse = LapseTier(venue=venue, account=ANYBODY, asset=asset, tier=name)
        if tier.payer == ASSESSMENT:
            return [lapse]
        return [SettleTier(venue=venue, account=ANYBODY, asset=asset, tier=name, amount=loss.amount), lapse]

    def _open_exits(self, world: World, cause: int | None) -> bool:
        if not self._opens or not world.book.cell(exits_table(self._waterfall.venue), "frozen"):
            return False
        command = OpenExits(venue=self._waterfall.name, account=ANYBODY)
        if not isinstance(world.would(command), list):
            return False
        return bool(world.submit(command, cause=cause))
