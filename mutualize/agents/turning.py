"""A turn: from one moment on, other terms. It happens before anything else in that instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from mutualize.commands import Command
from mutualize.errors import MutualizeError
from mutualize.world import Phase, Steps, World

Effect = Callable[[World], Sequence[Command]]
"""Changes what is no state of a book, and returns the commands that change what is."""


class Turn:
    """The agent that brings other terms about, `at` a moment; all its commands are one transaction."""

    name: Final = "turn:"
    """With a colon, as all agents of the world itself."""
    phase: Final = Phase.MARKET

    def __init__(self, at: int, effects: Iterable[Effect], signals: Iterable[str]) -> None:
        """`signals` are given afterwards, for those who have to look again."""
        self._at = at
        self._effects = tuple(effects)
        self._signals = tuple(signals)

    def run(self, world: World) -> Steps:
        """Wait for the moment, and let it happen. Raises MutualizeError where a venue refuses."""
        yield world.sleep_until(self, self._at)
        commands = [command for effect in self._effects for command in effect(world)]
        seq = None
        if commands:
            receipt = world.submit(*commands)
            if receipt.refused is not None:
                reason = receipt.refused.name.lower().replace("_", " ")
                remedy = "Choose another moment, or another value."
                raise MutualizeError("[fork.set]", f"is refused at that moment: {reason}.", remedy)
            seq = receipt.seq
        for signal in self._signals:
            world.signal(signal, seq)
