"""Slashers: anybody may call an umbrella's slash, and somebody does, some time after a shortfall.

    shortfall ─▶ delay ─▶ slashable, and the stake worth something? Slash, for all that is open

One call pays for everything that fell short up to then. Until it comes, who may leave a stake still leaves
whole, which is why it matters how long it takes.
"""

from __future__ import annotations

from typing import Final

from mutualize.agents.fees import Fees
from mutualize.agents.signals import deficit_signal
from mutualize.commands import Slash
from mutualize.umbrella import Umbrella
from mutualize.world import Phase, Steps, World

ANYBODY: Final = "anybody"
"""Who calls, and pays the gas: the contract asks nobody who he is."""


class Slasher:
    """Who calls the slash of one umbrella, each time that something has fallen short."""

    phase: Final = Phase.SETTLEMENT

    def __init__(self, umbrella: Umbrella, delay_s: int, fees: Fees) -> None:
        self.name = f"slasher:{umbrella.name}"
        self._umbrella = umbrella
        self._delay_s = delay_s
        self._fees = fees

    def run(self, world: World) -> Steps:
        """Wait for a shortfall, let time pass, and call the slash where it would do something."""
        umbrella = self._umbrella
        slash = Slash(venue=umbrella.name, account=ANYBODY, stake=umbrella.stake.stake)
        while True:
            wake = yield world.wait(self, deficit_signal(umbrella.pool.name, umbrella.asset))
            yield world.sleep(self, self._delay_s)
            if isinstance(world.would(slash), list):  # a call that reverts is simulated first, and not sent
                world.submit(slash, *self._fees.pay(ANYBODY, world.now, "slash"), cause=wake.cause)
