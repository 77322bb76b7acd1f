"""Governance of a vault engine: a dated act, proposed, then carried out after its delay, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mutualize.accounts import OUTSIDE
from mutualize.agents.fees import Fees
from mutualize.commands import ExecuteProposal, Propose, SetParameter
from mutualize.venues.cdp import Vaults
from mutualize.world import Phase, Steps, World


class TermsAct:
    """Sets terms of a vault engine. `terms` are (ilk, or empty; the contract's name; integer)."""

    phase: Final = Phase.SETTLEMENT

    def __init__(
        self,
        name: str,
        venue: Vaults,
        at: int,
        delay_s: int,
        terms: Sequence[tuple[str, str, int]],
        fees: Fees,
    ) -> None:
        self.name = name
        self._venue = venue
        self._at = at
        self._delay_s = delay_s
        self._terms = tuple(terms)
        self._fees = fees

    def run(self, world: World) -> Steps:
        """Propose, let the vote take its time, carry out."""
        yield world.sleep_until(self, self._at)
        account = self._venue.governance
        made = world.submit(
            Propose(venue=OUTSIDE, account=account, proposal=self.name, executable=world.now + self._delay_s),
            *self._fees.pay(account, world.now, "propose"),
        )
        yield world.sleep(self, self._delay_s)
        changes = [
            SetParameter(venue=self._venue.name, account=account, asset=ilk, name=name, value=value)
            for ilk, name, value in self._terms
        ]
        world.submit(
            ExecuteProposal(venue=OUTSIDE, account=account, proposal=self.name),
            *changes,
            *self._fees.pay(account, world.now, "execute"),
            cause=made.seq,
        )
