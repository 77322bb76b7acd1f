"""Who acts around the waterfalls of a scenario: stewards, members of funds, and what comes from outside.

A venue none of whose tiers takes time, and whose exits are never frozen, needs no steward and has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mutualize.agents.contributors import Contributors, Habits
from mutualize.agents.fees import Fees
from mutualize.agents.fortunes import Dated
from mutualize.agents.governance import GOVERNANCE
from mutualize.agents.members import member_names
from mutualize.agents.slashers import ANYBODY
from mutualize.agents.steward import Steward
from mutualize.commands import ALL
from mutualize.loss_commands import CLAIM, THEFT, ReportLoss, SettleProfits
from mutualize.scenario.model import Loss, Members, Profits, Recovered, Scenario
from mutualize.tier_commands import Pledge, Recover

if TYPE_CHECKING:
    from mutualize.scenario.lenders import Parts
    from mutualize.world import Agent


def names_of_members(group: Members) -> list[str]:
    """Return the names of a group of members; without a count it is one member, of its own name."""
    return [group.name] if group.count is None else member_names(group.name, group.count)


def settlement(row: Profits, asset: str) -> SettleProfits:
    """Return the command that settles the gains in one asset."""
    return SettleProfits(venue=row.venue, account=ANYBODY, asset=asset, gains=row.gains(asset))


class TierAgents:
    """Makes them. `venues` are all venues by name, made already."""

    def __init__(self, scenario: Scenario, venues: Mapping[str, Parts], fees: Fees) -> None:
        self._scenario, self._venues, self._fees = scenario, venues, fees

    def agents(self) -> list[Agent]:
        """Return them, in the order in which they stand in line."""
        scenario = self._scenario
        losses = [self._loss(number, row) for number, row in enumerate(scenario.losses)]
        recovered = [self._recovered(number, row) for number, row in enumerate(scenario.recovered)]
        profits = [
            Dated(f"profits:{number}:{asset}", row.at, settlement(row, asset))
            for number, row in enumerate(scenario.profits)
            for asset in row.assets
        ]
        return [*losses, *profits, *recovered, *map(self._members, scenario.members), *self._stewards()]

    def _stewards(self) -> Iterator[Agent]:
        votes = self._scenario.governance
        for name, parts in self._venues.items():
            venue, waterfall = self._scenario.venues[name], parts.waterfall
            later = venue if self._scenario.after is None else self._scenario.after.venues[name]
            tiers = (*venue.waterfall, *later.waterfall)
            takes_time = any(tier.wait_s or tier.due_s is not None for tier in tiers)
            if waterfall is not None and (takes_time or venue.freeze_exits or later.freeze_exits):
                opens = not any((vote.venue, vote.action) == (name, "open-exits") for vote in votes)
                yield Steward(waterfall, opens=opens, fees=self._fees)

    def _members(self, group: Members) -> Agent:
        waterfall = self._venues[group.venue].waterfall
        assert waterfall is not None, "the loader has seen to it that the fund is a tier"
        habits = Habits(
            fund=group.fund,
            asset=group.asset,
            amount=group.amount,
            joins_at=group.joins_at,
            answers=group.answers,
            reaction_s=group.reaction_s,
            leaves_at=group.leaves_at,
        )
        return Contributors(group.name, names_of_members(group), waterfall, habits, self._fees)

    def _loss(self, number: int, row: Loss) -> Agent:
        amount = row.amount
        if amount is None:
            amount = ALL if row.loss == THEFT else 0
        command = ReportLoss(
            venue=row.venue,
            account=GOVERNANCE if row.loss == CLAIM else ANYBODY,
            loss=row.loss,
            asset=row.asset,
            amount=amount,
            share=row.share or 0,
            holder=row.holder or "",
        )
        return Dated(f"loss:{number}", row.at, command)

    def _recovered(self, number: int, row: Recovered) -> Agent:
        waterfall = self._venues[row.venue].waterfall
        assert waterfall is not None, "the loader has seen to it that there is a table of recoveries"
        kind = Pledge if row.pledge else Recover
        command = kind(venue=waterfall.name, account=row.donor, asset=row.asset, amount=row.amount)
        return Dated(f"recovered:{number}", row.at, command)
