"""The fast ways against the plain one: a pool that keeps nothing, and sweeps, decide the same.

The rule: a twin is a pool of the same rules that has seen nothing, so that what a pool keeps from one
transaction to the next, and what a sweep does without it, have something to be compared with.
"""

from __future__ import annotations

from auditor import LawBroken
from systems import System, new_pool

from mutualize import commands as c
from mutualize.book import Draft
from mutualize.errors import Reason, Refused
from mutualize.events import Event
from mutualize.protocol import Receipt
from mutualize.venues.reserve import names_of
from mutualize.venues.sweep import Sweep


class Twins:
    """What decides beside a system's own pool."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._sweep: tuple[str, Sweep] | None = None

    def decided(self, command: c.Command, at: int) -> list[Event] | Reason | None:
        """Return what a new pool decides, or why it refuses; None for a command to somebody else."""
        if command.venue != self._system.pool.name:
            return None
        try:
            return new_pool(self._system.setup).decide(Draft(self._system.protocol.book), command, at)
        except Refused as refused:
            return refused.reason

    def compare(self, fresh: list[Event] | Reason, receipt: Receipt) -> None:
        """Hold what came against what a new pool decided: the first events, or the reason."""
        came: list[Event] | Reason | None = receipt.refused
        if isinstance(fresh, list) and came is None:
            came = [entry.event for entry in receipt.entries[: len(fresh)]]
        if came != fresh:
            raise LawBroken("twin", f"{came}, where a new pool decides {fresh}")

    def swept(self, command: c.Command, at: int) -> list[Event] | None:
        """Return the events of a sweep that liquidates; None where the plain way has to be taken."""
        if not isinstance(command, c.Liquidate) or command.receive_claims or command.debt_to_cover != c.ALL:
            return None
        sweep = self._current(command, at)
        pool, book, borrower = self._system.pool, self._system.protocol.book, command.borrower
        if sweep is None or book.cell(pool.flags, borrower) != pool.bits.pair(
            command.collateral, command.debt
        ):
            return None
        held = book.cell(names_of(pool.name, command.collateral).supply, borrower)
        owed = book.cell(names_of(pool.name, command.debt).debt, borrower)
        if sweep.look(borrower, held, owed) is None:
            return None
        plain, events = self.decided(command, at), sweep.take()
        if events != plain:
            raise LawBroken("sweep", f"{events}, where the plain way is {plain}")
        return events

    def _current(self, command: c.Liquidate, at: int) -> Sweep | None:
        """Return the last sweep where it goes on, else a new one, as a liquidator does."""
        pair = (command.collateral, command.debt)
        if self._sweep is not None:
            liquidator, sweep = self._sweep
            if liquidator == command.account and sweep.is_current(at, pair):
                return sweep
        system = self._system
        try:
            sweep = Sweep(system.pool, system.protocol.book, at, pair, command.account)
        except Refused:
            self._sweep = None
            return None
        self._sweep = command.account, sweep
        return sweep
