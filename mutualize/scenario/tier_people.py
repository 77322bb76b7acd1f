"""What tiers need of the rest of a scenario: votes that are held, members and holders by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from mutualize.agents.members import is_member
from mutualize.scenario.lenders import LENDERS, lent_at, settable
from mutualize.scenario.model import Scenario
from mutualize.scenario.place import did_you_mean, shown
from mutualize.scenario.tier_checks import OF_MEMBERS
from mutualize.scenario.tier_rows import Tier
from mutualize.scenario.vault_crosschecks import IN_FILE
from mutualize.scenario.venue import Venue
from mutualize.tier import HOLDER

Add = Callable[..., None]
OF_COMPOUND: Final = {
    "compound": ("recognise-shortfall", "pause", "unpause"),
    "comet": ("set-parameter", "pause", "unpause"),
}
"""What a vote may do at Compound: what governance and its guardian do; and in v2, beside them, recognise."""
LENT: Final = (
    ("depositors", "asset", True),
    ("borrowers", "debt", True),
    ("borrowers", "collateral", False),
    ("opportunists", "borrows", True),
    ("opportunists", "collateral", False),
    ("position_rows", "debt", True),
    ("position_rows", "collateral", False),
)
"""What people name in a venue that lends one asset: whether it has to be that one, or another."""


def check_around(scenario: Scenario, add: Add) -> None:
    """Check what tiers need of the rest of the scenario, and what the rest has to do with them."""
    for venue in scenario.venues.values():
        for number, tier in enumerate(venue.waterfall):
            _vote(scenario, venue, tier, ("venues", venue.name, "waterfall", number), add)
            _people(scenario, venue, tier, ("venues", venue.name, "waterfall", number), add)
    _releases(scenario, add)
    for number, group in enumerate(scenario.members):
        funds = [*_mutual(scenario.venues[group.venue])]
        if group.fund not in funds:
            problem = f"there is no tier {shown(group.fund)} that members pay."
            add(("members", number, "fund"), problem, did_you_mean(group.fund, funds))
    for number, row in enumerate(scenario.recovered):
        if not scenario.venues[row.venue].recoveries:
            problem = f"{row.venue} does not say what recovered money repays."
            add(("recovered", number, "venue"), problem, f"Give [[venues.{row.venue}.recoveries]].")
    _kinds(scenario, add)


def _kinds(scenario: Scenario, add: Add) -> None:
    """Check that people are where there is something for them to do."""
    for number, settled in enumerate(scenario.profits):
        kind = scenario.venues[settled.venue].kind
        if kind != "custody":
            problem = f"{settled.venue} settles no profits: it is of kind {kind}."
            add(("profits", number, "venue"), problem, "Write kind = 'custody' in the venue.")
    for role in ("borrowers", "liquidators", "opportunists", "position_rows"):
        for number, people in enumerate(getattr(scenario, role)):
            if scenario.venues[people.venue].kind == "custody":
                path = ("positions" if role == "position_rows" else role, number, "venue")
                add(path, f"{people.venue} lends nothing: it is of kind custody.")
    for number, group in enumerate(scenario.borrowers):
        if group.behaviour != "passive" and scenario.venues[group.venue].kind in LENDERS:
            problem = f"nobody answers margin calls at {group.venue}: only a pool's borrowers do so far."
            add(("borrowers", number, "behaviour"), problem, "Write behaviour = 'passive'.")
    _lent(scenario, add)
    for number, people in enumerate(scenario.depositors):
        runs = people.run_at_utilization is not None or people.run_at_deficit is not None
        if scenario.venues[people.venue].kind == "custody" and runs:
            problem = f"{people.venue} is of kind custody: who runs from it runs at a moment."
            add(("depositors", number, "behaviour"), problem, "Give rumour_at alone.")


def _lent(scenario: Scenario, add: Add) -> None:
    """Check that people lend and borrow what is lent, where that is one asset, and put up another."""
    for role, field, is_lent in LENT:
        for number, people in enumerate(getattr(scenario, role)):
            lent, named = lent_at(scenario.venues[people.venue]), getattr(people, field)
            for asset in named if isinstance(named, tuple) else (named,):
                if None in (lent, asset) or (asset == lent) is is_lent:
                    continue
                what = "put up there, not lent" if is_lent else "lent there, not put up"
                problem = f"{people.venue} lends {lent} alone: {asset} is {what}."
                add((IN_FILE.get(role, role), number, field), problem)


def _mutual(venue: Venue) -> dict[str, Tier]:
    return {venue.purse_of(tier): tier for tier in venue.waterfall if tier.payer in OF_MEMBERS}


def _vote(scenario: Scenario, venue: Venue, tier: Tier, path: tuple[Any, ...], add: Add) -> None:
    if tier.vote is None:
        return
    held = [
        vote for vote in scenario.governance if vote.action == "release-tier" and vote.venue == venue.name
    ]
    if not any(vote.name == tier.vote and vote.tier == tier.tier for vote in held):
        row = f"name = {shown(tier.vote)}, action = 'release-tier', tier = {shown(tier.tier)}"
        add(
            (*path, "vote"),
            f"the vote {shown(tier.vote)} is never held: what is lost would wait for ever.",
            f"Give [[governance]] {row}.",
        )


def _releases(scenario: Scenario, add: Add) -> None:
    for number, vote in enumerate(scenario.governance):
        venue = scenario.venues[vote.venue]
        if vote.action == "open-exits" and not venue.freeze_exits:
            problem = f"the exits of {venue.name} are never frozen."
            add(("governance", number, "action"), problem, "Write freeze_exits = true in the venue.")
        elif vote.action == "release-tier":
            waiting = [tier.tier for tier in venue.waterfall if tier.vote is not None]
            if vote.tier not in waiting:
                problem = f"no tier {shown(vote.tier)} of {venue.name} waits for a vote."
                add(("governance", number, "tier"), problem, did_you_mean(vote.tier or "", waiting))
        elif vote.action != "open-exits" and not _can(venue, vote.action):
            add(("governance", number, "action"), f"{venue.name} is no pool: it has no {vote.action}.")
        elif vote.parameter is not None:
            known = settable(venue, vote.reserve or "")
            if vote.parameter not in known:
                problem = f"{vote.reserve} has no {vote.parameter} at {venue.name} that a vote could set."
                add(("governance", number, "parameter"), problem, f"It has: {', '.join(known)}.")
        elif vote.action in ("pause", "unpause") and venue.kind == "comet" and vote.reserve is not None:
            problem = f"{venue.name} is paused as a whole, not one asset of it."
            add(("governance", number, "reserve"), problem, "Leave it out.")


def _can(venue: Venue, action: str) -> bool:
    """Say whether a venue can be told so by vote: a pool anything, Compound some things."""
    return venue.kind == "pool" or action in OF_COMPOUND.get(venue.kind, ())


def _people(scenario: Scenario, venue: Venue, tier: Tier, path: tuple[Any, ...], add: Add) -> None:
    """Check that those whom a tier and its numbers name are there."""
    if tier.payer not in (*OF_MEMBERS, HOLDER) and tier.by is None:
        return
    known, noun = _holders(scenario, venue), "holder"
    if tier.payer in OF_MEMBERS:
        purse = venue.purse_of(tier)
        known, noun = _members(scenario, venue, purse), "member"
        if not known.names and not known.groups:
            remedy = f"Give [venues.{venue.name}.members.{purse}], or [[members]]."
            add(path, f"the fund {shown(purse)} has no members: nobody could pay.", remedy)
            return
    if tier.payer == HOLDER and tier.holder is not None and not known.has(tier.holder):
        remedy = did_you_mean(tier.holder, known.names)
        add((*path, "holder"), f"there is no holder {shown(tier.holder)}.", remedy)
    for name in venue.numbers.get(tier.by or "", {}):
        if not known.has(name):
            where = ("venues", venue.name, "numbers", tier.by, name)
            add(where, f"there is no {noun} {shown(name)}.", did_you_mean(name, known.names))


@attrs.frozen
class People:
    """Accounts by name, and tests for the members of populations, which may be too many to be listed."""

    names: tuple[str, ...]
    groups: tuple[Callable[[str], bool], ...]

    def has(self, name: str) -> bool:
        """Say whether somebody is among them."""
        return name in self.names or any(is_one(name) for is_one in self.groups)


def _members(scenario: Scenario, venue: Venue, fund: str) -> People:
    groups = [group for group in scenario.members if (group.venue, group.fund) == (venue.name, fund)]
    single = [group.name for group in groups if group.count is None]
    tests = [is_member(group.name, group.count) for group in groups if group.count is not None]
    return People((*venue.members.get(fund, {}), *single), tuple(tests))


def _holders(scenario: Scenario, venue: Venue) -> People:
    """Return who has, or may come to have, a claim by name."""
    groups = [group for group in scenario.depositors if group.venue == venue.name]
    losses = [row.holder for row in scenario.losses if row.venue == venue.name and row.holder is not None]
    positions = [position.account for position in scenario.positions if position.venue == venue.name]
    tests = tuple(is_member(group.name, group.count) for group in groups)
    return People((*venue.balances, *losses, *positions), tests)
