"""Exits from a venue of balances: first come, first served, as far as there is cash; no cash, no exit.

    a rumour ─▶ reaction time ─▶ Withdraw all ── frozen, or not enough cash: takes what there is, and waits
    exits open, cash comes back ─▶ the first of those who wait, then the second, …

At par the first to leave are paid in full, and the last find nothing. Who waits stands in the ledger.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final
from typing import Protocol as Face

from mutualize.accounts import OUTSIDE
from mutualize.agents.fees import Fees
from mutualize.agents.members import Draw, draw, member_names
from mutualize.agents.signals import cash_signal, exits_signal, loss_signal
from mutualize.book import View
from mutualize.commands import AwaitCash, Withdraw
from mutualize.tables import exits_table
from mutualize.world import Phase, Steps, World


class Door(Face):
    """What a venue tells those who want to leave it."""

    name: str

    def held(self, view: View, holder: str, asset: str) -> int:
        """Return what somebody has there, base units."""

    def cash(self, view: View, asset: str) -> int:
        """Return what he could be paid now, base units: whatever there is for all."""


class ExitQueue:
    """Those who want one asset out of one venue of balances. One agent, however many wait."""

    phase: Final = Phase.WITHDRAWAL

    def __init__(self, door: Door, asset: str, fees: Fees, opens: tuple[str, ...] = ()) -> None:
        """Let `opens` be further signals at which it may be worth to ask again."""
        self.name = f"exits:{door.name}:{asset}"
        self._door, self._asset, self._fees, self._opens = door, asset, fees, opens
        self._queue: deque[str] = deque()
        self._told: dict[str, int] = {}

    def ask(self, world: World, account: str, cause: int | None) -> None:
        """Ask for all that an account has, after everybody who waits already."""
        self._queue.append(account)
        if len(self._queue) > 1 or not self._serve(world, cause):
            self._tell(world, account, cause)

    def run(self, world: World) -> Steps:
        """Serve the queue whenever exits open or cash comes back."""
        name, asset = self._door.name, self._asset
        signals = (exits_signal(name), cash_signal(name, asset), loss_signal(name, asset), *self._opens)
        while True:
            wake = yield world.wait(self, *signals)
            served = True
            while self._queue and served:
                account = self._queue[0]
                served = self._serve(world, wake.cause)
                self._tell(world, account, wake.cause)

    def _serve(self, world: World, cause: int | None) -> bool:
        """Pay the first of the queue what there is for him; returns whether he is done."""
        account, door = self._queue[0], self._door
        held = door.held(world.book, account, self._asset)
        is_frozen = world.book.cell(exits_table(door.name), "frozen")
        cash = 0 if is_frozen else max(0, min(held, door.cash(world.book, self._asset)))
        if cash:
            world.submit(
                Withdraw(venue=door.name, account=account, asset=self._asset, amount=cash),
                *self._fees.pay(account, world.now, "withdraw"),
                cause=cause,
            )
        if cash < held:
            return False
        self._queue.popleft()
        return True

    def _tell(self, world: World, account: str, cause: int | None) -> None:
        """Write down that somebody waits, and for how much, where that is news."""
        held = self._door.held(world.book, account, self._asset)
        if self._told.get(account, 0) == held:
            return
        self._told[account] = held
        world.submit(
            AwaitCash(venue=OUTSIDE, account=account, pool=self._door.name, asset=self._asset, amount=held),
            cause=cause,
        )


class Fleeing:
    """A population that runs after a rumour, or once a gauge is high. One agent, whatever their number."""

    phase: Final = Phase.WITHDRAWAL

    def __init__(
        self,
        name: str,
        count: int,
        queue: ExitQueue,
        *,
        rumour_at: int | None,
        reaction_s: Draw,
        above: Mapping[str, int] | None = None,
    ) -> None:
        """Let `above` be gauges and the levels at which they run; at the start all are below."""
        self.name = name
        self._count, self._queue, self._above = count, queue, above
        self._rumour_at, self._reaction_s = rumour_at, reaction_s

    def run(self, world: World) -> Steps:
        """Sleep until it is time, then ask for each member's money when he has made up his mind."""
        cause = None
        if self._above:
            wake = yield world.wait(self, until=self._rumour_at, above=self._above)
            cause = wake.cause
        elif self._rumour_at is not None:
            yield world.sleep_until(self, self._rumour_at)
        due = [
            (world.now + draw(world.seed, name, "reaction", self._reaction_s), world.tie(), number, name)
            for number, name in enumerate(member_names(self.name, self._count))
        ]
        for at, _, _, name in sorted(due):
            if at > world.now:
                yield world.sleep_until(self, at)
            self._queue.ask(world, name, cause)
