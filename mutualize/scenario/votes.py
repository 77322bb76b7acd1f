"""Votes of a scenario: what each proposal does once it is carried out."""

from __future__ import annotations

from mutualize.agents.fees import Fees
from mutualize.agents.governance import (
    Measure,
    Occasion,
    Proposal,
    cover_deficit,
    open_exits,
    recognise_shortfall,
    recognise_shortfalls,
    release_tier,
    repay_debt,
    set_offset,
    set_parameter,
    set_paused,
)
from mutualize.agents.members import member_names
from mutualize.scenario.comets import Comets, setting_of
from mutualize.scenario.lenders import Markets, Parts
from mutualize.scenario.model import Governance, Scenario
from mutualize.scenario.venues import Venues


def proposal_of(scenario: Scenario, vote: Governance, parts: Parts, fees: Fees) -> Proposal:
    """Return the agent of a vote. The loader has checked that its action has what it needs."""
    assets = scenario.venues[vote.venue].assets
    reserves = assets if vote.reserve is None else (vote.reserve,)
    occasion = Occasion(at=vote.at, on_deficit=reserves if vote.at is None else ())
    measure = _measure(scenario, vote, parts, reserves)
    return Proposal(vote.name, vote.venue, occasion, vote.delay_s, measure, fees)


def _measure(scenario: Scenario, vote: Governance, parts: Parts, reserves: tuple[str, ...]) -> Measure:
    asset = reserves[0]
    match vote.action:
        case "open-exits" | "release-tier":
            assert parts.waterfall is not None, "a venue with tiers has a waterfall"
            if vote.action == "open-exits":
                return open_exits(parts.waterfall)
            return release_tier(parts.waterfall, vote.tier or "", asset, vote.amount)
        case "recognise-shortfall":
            return _recognition(scenario, vote, asset)
        case "pause" | "unpause" if isinstance(parts, Markets):
            return set_paused(parts.compound, reserves, int(vote.action == "pause"))
        case "pause" | "unpause" if isinstance(parts, Comets):
            return set_paused(parts.comet, (parts.comet.asset,), int(vote.action == "pause"))
        case "set-parameter" if isinstance(parts, Comets):
            return set_parameter(parts.comet, asset, *setting_of(vote.parameter, vote.value))
    assert isinstance(parts, Venues), "all else is about a pool"
    return _of_pool(parts, vote, reserves)


def _recognition(scenario: Scenario, vote: Governance, asset: str) -> Measure:
    """Return what recognises one borrower's shortfall, or those of a whole population."""
    borrower = vote.borrower or ""
    for group in scenario.borrowers:
        if group.name == borrower:
            return recognise_shortfalls(vote.venue, member_names(group.name, group.count), asset)
    for people in scenario.opportunists:
        if people.name == borrower:
            return recognise_shortfalls(vote.venue, member_names(people.name, people.count), asset)
    return recognise_shortfall(vote.venue, borrower, asset)


def _of_pool(parts: Venues, vote: Governance, reserves: tuple[str, ...]) -> Measure:
    pool, asset, payer = parts.pool, reserves[0], vote.payer or ""
    match vote.action:
        case "cover-deficit":
            return cover_deficit(pool, payer, asset, vote.amount, parts.umbrellas.get(asset))
        case "set-offset":
            assert vote.amount is not None
            return set_offset(parts.umbrellas[asset], vote.amount)
        case "set-parameter":
            assert vote.cell is not None
            assert vote.value is not None
            return set_parameter(pool, asset, vote.cell, vote.value)
        case "pause" | "unpause":
            return set_paused(pool, reserves, int(vote.action == "pause"))
        case "repay-debt":
            return repay_debt(pool, payer, vote.borrower or "", asset, vote.amount)
    raise AssertionError(vote.action)
