"""What comes from outside at a stated moment: losses that no market made, and money that comes back."""

from __future__ import annotations

from typing import Final

from mutualize.commands import Command
from mutualize.world import Phase, Steps, World


class Dated:
    """One command at one moment, whoever it is that it happens to."""

    phase: Final = Phase.LIQUIDATION

    def __init__(self, name: str, at: int, command: Command) -> None:
        self.name = name
        self._at = at
        self._command = command

    def run(self, world: World) -> Steps:
        """Let it happen. A loss that is larger than what there is, is refused, and counted as such."""
        yield world.sleep_until(self, self._at)
        world.submit(self._command)
