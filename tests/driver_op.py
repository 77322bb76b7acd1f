"""One operation of the random driver: plain data, so that a run can be replayed and shrunk."""

from __future__ import annotations

import attrs

from mutualize.commands import Command


@attrs.frozen
class Op:
    """Let `wait` seconds pass, then ask for something; `also` goes into the same transaction, all or none."""

    wait: int
    command: Command
    also: tuple[Command, ...] = ()

    @property
    def commands(self) -> tuple[Command, ...]:
        """Return all that is asked for, in order."""
        return (self.command, *self.also)
