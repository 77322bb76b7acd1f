"""Genesis: how a world begins. Everything that exists at the start, as commands in a stated order.

    reserves, first prices, deposits, stakes, funds, positions

It is the first to act in the first instant. What is refused here is a mistake of the scenario.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from mutualize.commands import Command
from mutualize.errors import MutualizeError
from mutualize.world import Phase, Steps, World


class Beginning(NamedTuple):
    """One command of the beginning, and the words of the scenario that it comes from."""

    place: str
    command: Command


class Genesis:
    """The agent that sets the world up. It is started before all others."""

    name: Final = "genesis:"
    """With a colon, as all agents of the world itself: no population can be called so."""
    phase: Final = Phase.MARKET

    def __init__(self, beginnings: Iterable[Beginning]) -> None:
        self._beginnings = beginnings

    def run(self, world: World) -> Steps:
        """Submit everything, each as a transaction of its own. Raises MutualizeError for what is refused."""
        for place, command in self._beginnings:
            if world.interrupted:  # a million commands are one event: too many to wait for
                return
            receipt = world.submit(command)
            if receipt.refused is not None:
                raise MutualizeError(
                    place,
                    f"{type(command).__name__} of {command.account!r} is refused at the start:"
                    f" {receipt.refused.name.lower().replace('_', ' ')}.",
                    _REMEDIES.get(receipt.refused.name, ""),
                )
        self._beginnings = ()
        yield world.sleep(self, 0)


_REMEDIES: Final = {
    "POSITION_WOULD_BE_UNSAFE": "Put up more collateral, or owe less: positions are safe at the start.",
    "LIQUIDITY_IS_INSUFFICIENT": "Let depositors lend more of it: the pool has not enough cash to lend.",
    "TROVE_WOULD_BE_UNSAFE": "Put up more collateral, or owe less: troves are safe at the start.",
    "SYSTEM_WOULD_BE_CRITICAL": "All troves together are not in recovery mode at the start: owe less.",
    "TROVE_DEBT_IS_TOO_SMALL": "A trove owes its liquidator's reserve and the least debt: owe more.",
    "BORROW_IS_TOO_SMALL": "Lower borrow_min, or let each owe more.",
    "SUPPLY_CAP_IS_EXCEEDED": "Raise the supply_cap, or leave it out.",
    "AMOUNT_IS_ZERO": "Give an amount above zero, or leave it out.",
    "AMOUNT_IS_TOO_SMALL": "Give an amount above zero, or leave it out.",
}
"""What to do about the refusals that a scenario runs into."""
