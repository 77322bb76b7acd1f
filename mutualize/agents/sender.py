"""A sender: one agent's transactions, in the mempool where he bids for room, else carried out at once.

The rule: what is sent is looked at again when it is carried out. Whoever has too many under way waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mutualize.agents.fees import Fees
from mutualize.agents.mempool import Act, Sending, Sent, ended_signal
from mutualize.commands import Command
from mutualize.errors import Reason
from mutualize.world import World

ANY: Final = 10**9


class Sender:
    """Sends for `name`, at most `at_once` transactions at a time."""

    def __init__(self, name: str, fees: Fees, sending: Sending | None, at_once: int = 1) -> None:
        self.name = name
        self.ended = ended_signal(name)
        """The signal that one of them was included or dropped."""
        self._fees = fees
        self._sending = sending
        self._at_once = at_once
        self._under_way: list[Sent] = []

    def room(self) -> int:
        """Return how many transactions may be sent now; any number, where none has to wait for a block."""
        if self._sending is None:
            return ANY
        self._under_way = [sent for sent in self._under_way if not sent.ended]
        return self._at_once - len(self._under_way)

    @property
    def under_way(self) -> int:
        """How many transactions wait for a block."""
        return sum(not sent.ended for sent in self._under_way)

    def send(self, world: World, actions: Sequence[str], act: Act, cause: int | None = None) -> bool:
        """Send one transaction that does all of `actions`; a failed one costs its gas.

        Returns whether it is under way, or has succeeded.
        """
        if self._sending is not None:
            self._under_way.append(self._sending.send(world, self.name, actions, act, cause))
            return True
        failure = act(world, self._fees.pay(self.name, world.now, *actions))
        if failure is None:
            return True
        failed = self._fees.fail(self.name, world.now, failure, *actions)
        if failed:
            world.submit(*failed, cause=cause)
        else:
            world.count_refusal(failure)
        return False


def carry_out(world: World, *commands: Command, cause: int | None = None) -> Reason | None:
    """Carry commands out as one transaction, or return why that cannot be: the end of most acts."""
    planned = world.plan(*commands)
    if isinstance(planned, Reason):
        return planned
    world.carry_out(planned, cause)
    return None
