"""Exits from a venue of balances: first come, first served, as far as there is cash; no cash, no exit.

    a rumour ─▶ reaction time ─▶ Withdraw all ── frozen, or not enough cash: takes what there is, and waits
    exits open, cash comes back ─▶ the first of those who wait, then the second, …

At par the first to leave are paid in full, and the last find nothing. Who waits stands in the ledger.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from mutualize.agents.fees import OUTSIDE, Fees
from mutualize.agents.members import Draw, draw, member_names
from mutualize.agents.signals import cash_signal, exits_signal, loss_signal
from mutualize.commands import AwaitCash, Withdraw
from mutualize.tables import exits_table
from mutualize.venues.custody import Custody
from mutualize.world import Phase, Steps, World


class ExitQueue:
    """Those who want one asset out of one venue of balances. One agent, however many wait."""

    phase: Final = Phase.WITHDRAWAL

    def __init__(self, custody: Custody, asset: str, fees: Fees) -> None:
        self.name = f"exits:{custody.name}:{asset}"
        self._custody, self._asset, self._fees = custody, asset, fees
        self._queue: deque[str] = deque()
        self._told: dict[str, int] = {}

    def ask(self, world: World, account: str, cause: int | None) -> None:
        """Ask for all that an account has, after everybody who waits already."""
        self._queue.append(account)
        if len(self._queue) > 1 or not self._serve(world, cause):
            self._tell(world, account, cause)

    def run(self, world: World) -> Steps:
        """Serve the queue whenever exits open or cash comes back."""
        name, asset = self._custody.name, self._asset
        signals = (exits_signal(name), cash_signal(name, asset), loss_signal(name, asset))
        while True:
            wake = yield world.wait(self, *signals)
            served = True
            while self._queue and served:
                account = self._queue[0]
                served = self._serve(world, wake.cause)
                self._tell(world, account, wake.cause)

    def _serve(self, world: World, cause: int | None) -> bool:
        """Pay the first of the queue what there is for him; returns whether he is done."""
        account, custody = self._queue[0], self._custody
        held = custody.held(world.book, account, self._asset)
        is_frozen = world.book.cell(exits_table(custody.name), "frozen")
        cash = 0 if is_frozen else max(0, min(held, custody.cash(world.book, self._asset)))
        if cash:
            world.submit(
                Withdraw(venue=custody.name, account=account, asset=self._asset, amount=cash),
                *self._fees.pay(account, world.now, "withdraw"),
                cause=cause,
            )
        if cash < held:
            return False
        self._queue.popleft()
        return True

    def _tell(self, world: World, account: str, cause: int | None) -> None:
        """Write down that somebody waits, and for how much, where that is news."""
        held = self._custody.held(world.book, account, self._asset)
        if self._told.get(account, 0) == held:
            return
        self._told[account] = held
        world.submit(
            AwaitCash(
                venue=OUTSIDE, account=account, pool=self._custody.name, asset=self._asset, amount=held
            ),
            cause=cause,
        )


class Fleeing:
    """A population that runs from a venue of balances after a rumour. One agent, whatever their number."""

    phase: Final = Phase.WITHDRAWAL

    def __init__(self, name: str, count: int, queue: ExitQueue, *, rumour_at: int, reaction_s: Draw) -> None:
        self.name = name
        self._count, self._queue = count, queue
        self._rumour_at, self._reaction_s = rumour_at, reaction_s

    def run(self, world: World) -> Steps:
        """Sleep until the rumour, then ask for each member's money when he has made up his mind."""
        yield world.sleep_until(self, self._rumour_at)
        due = [
            (world.now + draw(world.seed, name, "reaction", self._reaction_s), world.tie(), number, name)
            for number, name in enumerate(member_names(self.name, self._count))
        ]
        for at, _, _, name in sorted(due):
            if at > world.now:
                yield world.sleep_until(self, at)
            self._queue.ask(world, name, None)
