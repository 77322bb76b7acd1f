"""Withdrawals: first come, first served, on the cash that is there. Who finds none waits in order.

    ask ──▶ cash ≥ claim: paid in full      cash < claim: paid what is there, the rest waits
    cash comes back ──▶ the first in the queue takes it, then the second, … until it is gone

A real pool has no queue: it rejects, and holders try again. Here those who were first to ask are the first
to notice. While exits are frozen nobody is served. What waits is in the ledger (`ClaimWaiting`), so that the
time of waiting can be told.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from mutualize.accounts import OUTSIDE
from mutualize.agents.fees import Fees
from mutualize.agents.signals import cash_signal, exits_signal, terms_signal
from mutualize.commands import ALL, AwaitCash, Withdraw
from mutualize.venues.lending import Lending
from mutualize.world import Phase, Steps, World


class WithdrawalQueue:
    """Those who wait for cash of one reserve. One agent, however many wait."""

    phase: Final = Phase.WITHDRAWAL

    def __init__(self, lending: Lending, asset: str, fees: Fees) -> None:
        self.name = f"withdrawals:{lending.name}:{asset}"
        self.lending = lending
        self.asset = asset
        self._fees = fees
        self._queue: deque[str] = deque()
        self._asked = f"asked:{self.name}"

    def __len__(self) -> int:
        return len(self._queue)

    def ask(self, world: World, account: str, cause: int | None = None) -> None:
        """Ask for the whole claim of an account, after everybody who waits already."""
        if self._queue:
            claim = self.lending.claim(world.book, account, self.asset, world.now)
            world.submit(self._waiting(account, claim), cause=cause)
            self._queue.append(account)
        elif not self._serve(world, account, False, cause):
            world.signal(self._asked)
            self._queue.append(account)

    def run(self, world: World) -> Steps:
        """Serve the queue whenever cash comes back."""
        name = self.lending.name
        signals = (cash_signal(name, self.asset), terms_signal(name), exits_signal(name))
        while True:
            if not self._queue:
                yield world.wait(self, self._asked)
            wake = yield world.wait(self, *signals)
            while self._queue and self._serve(world, self._queue[0], True, wake.cause):
                self._queue.popleft()

    def _serve(self, world: World, account: str, waited: bool, cause: int | None) -> bool:
        """Pay out what is there. True if nothing is left to wait for: paid, or refused for another reason."""
        claim = self.lending.claim(world.book, account, self.asset, world.now)
        book = world.book
        stopped = self.lending.is_closed(book, self.asset)
        cash = 0 if stopped else min(claim, self.lending.cash(book, self.asset))
        if not claim:
            return True
        if not cash:
            if not waited:
                world.submit(self._waiting(account, claim), cause=cause)
            return False
        rest = claim - cash
        amount = cash if rest else ALL
        paid = world.submit(
            Withdraw(venue=self.lending.name, account=account, asset=self.asset, amount=amount),
            *self._fees.pay(account, world.now, "withdraw"),
            *([self._waiting(account, rest)] if rest or waited else []),
            cause=cause,
        )
        if not paid and waited:
            world.submit(self._waiting(account, 0), cause=cause)
        return not paid or not rest

    def _waiting(self, account: str, amount: int) -> AwaitCash:
        return AwaitCash(
            venue=OUTSIDE, account=account, pool=self.lending.name, asset=self.asset, amount=amount
        )
