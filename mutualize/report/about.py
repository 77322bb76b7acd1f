"""What a scenario says itself: names for the projections, and the part of a summary that is no result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from mutualize.errors import MutualizeError
from mutualize.projections.expectations import Expectation
from mutualize.projections.frame import Frame, TierRow
from mutualize.report.figures import Data, ratio
from mutualize.report.text import moment, numeral
from mutualize.scenario.beginnings import FUNDER
from mutualize.scenario.dump import inline
from mutualize.scenario.fork import FORKED, changes
from mutualize.scenario.marks import KINDS, in_list_order
from mutualize.scenario.model import Expect, Scenario, Tier, Venue
from mutualize.tier import (
    ASSESSMENT,
    CLAIMS,
    DEBTOR,
    DEPOSITORS,
    FUND,
    HOLDER,
    HOUSE,
    INJECTION,
    LOANS,
    MARGIN,
    MEMBERS,
    MINT,
    REVENUE,
    STAKE,
    WINNERS,
)

Overrides: TypeAlias = Mapping[str, Any] | Iterable[str | tuple[str, Any]]
"""Other values for a scenario: by dotted path, or as 'path=value'."""

PURSES: Final = (FUND, HOUSE, STAKE, MEMBERS, DEBTOR)
"""Payers whose money stands in an account of their tier's own."""
PAYS: Final = {
    FUND: "funds",
    HOUSE: "house capital",
    STAKE: "stakers",
    MEMBERS: "members",
    ASSESSMENT: "members",
    DEBTOR: "members",
    CLAIMS: "depositors",
    WINNERS: "depositors",
    HOLDER: "depositors",
    MARGIN: "depositors",
    DEPOSITORS: "pool depositors",
    LOANS: "borrowers",
    MINT: "token holders",
    INJECTION: "operators",
    REVENUE: "treasury",
}
"""Who it is that pays, by a tier's payer."""

METHOD: Final = (
    (
        "Inside a bar of a price table the price runs in straight lines through four points (open, low, high,"
        " close where it closed higher, else open, high, low, close): an assumption, not a record."
    ),
    "Money is amount times price at the moment stated, not what a sale of that size would have brought.",
    (
        "Alone: each holder lends as large a share of his money as the pool lent, to borrowers drawn in"
        " proportion to what they borrowed, with no tier before him."
    ),
)
"""How figures are arrived at, where a reader might think otherwise."""


def expectations_of(scenario: Scenario) -> list[Expectation]:
    """Return what the scenario expects of this run (of this variant)."""
    return [_expectation(expect) for expect in scenario.expected()]


def _expectation(expect: Expect) -> Expectation:
    tolerance = expect.tolerance
    return Expectation(
        id=expect.id,
        metric=expect.metric,
        op=expect.op,
        values=expect.values,
        tolerance=0 if tolerance is None else tolerance.amount,
        relative=tolerance is not None and tolerance.relative,
        at=expect.at,
        kind=expect.kind,
        source=expect.source or "",
        remark=expect.remark,
        over=expect.over or "",
    )


def frame_of(scenario: Scenario, accounts: tuple[str, ...] = ()) -> Frame:
    """Return the frame of a run. `accounts` are watched beside the single positions of the scenario."""
    told = [scenario] if scenario.after is None else [scenario.after, scenario]
    single = [row.account for row in scenario.position_rows if row.account is not None]
    return Frame(
        decimals={scenario.money: 8, **{name: asset.decimals for name, asset in scenario.assets.items()}},
        money={name: market.money or scenario.money for name, market in scenario.markets.items()},
        roles=_roles(scenario),
        watch=tuple(dict.fromkeys((*accounts, *single))),
        tiers=tuple({(row.venue, row.tier): row for one in told for row in _rows(one)}.values()),
        currency=scenario.money,
        systems={
            venue.name: (venue.collateral, venue.trove_terms.rules.critical_ratio)
            for venue in scenario.venues.values()
            if venue.collateral is not None
        },
        seed=scenario.seed,
    )


def _roles(scenario: Scenario) -> dict[str, str]:
    roles = {position.account: "borrowers" for position in scenario.positions}
    for role in ("depositors", "borrowers", "liquidators", "opportunists", "stakers"):
        roles.update({population.name: role for population in getattr(scenario, role)})
    for role in ("biters", "bidders", "takers", "feed_keepers", "vow_keepers", "debt_bidders"):
        roles.update({population.name: role.replace("_", " ") for population in getattr(scenario, role)})
    roles.update({vault.owner: "vault owners" for vault in scenario.vaults})
    roles.update({row.name: "vault owners" for row in scenario.vault_rows})
    roles.update({trove.owner: "borrowers" for trove in scenario.troves})
    roles.update({row.name: "borrowers" for row in scenario.trove_rows})
    roles.update({group.name: "liquidators" for group in scenario.trove_keepers})
    for proposal in scenario.governance:
        if proposal.payer is not None:
            roles.setdefault(proposal.payer, "payers by vote")
    for venue in scenario.venues.values():
        for tier in venue.waterfall:
            roles[f"tier:{venue.purse_of(tier)}"] = PAYS[tier.payer]
        roles.update({name: "members" for fund in venue.members.values() for name in fund})
        roles.update(dict.fromkeys(venue.balances, "depositors"))
    roles.update({group.name: "members" for group in scenario.members})
    for row in scenario.recovered:
        if row.donor not in roles and row.donor.rpartition("-")[0] not in roles:
            roles[row.donor] = "donors"
    if scenario.after is not None:  # at the start their money is no flow, but there already
        roles.setdefault(FUNDER, "founders")
    return roles


def _rows(scenario: Scenario) -> list[TierRow]:
    return [_row(venue, tier) for venue in scenario.venues.values() for tier in venue.waterfall]


def _row(venue: Venue, tier: Tier) -> TierRow:
    purse = f"{venue.name}:tier:{tier.stake or venue.purse_of(tier)}"
    holders = {
        CLAIMS: f"{venue.name}:claims",
        REVENUE: f"{venue.name}:treasury",
        DEPOSITORS: f"{venue.name}:tier:stability-pool",
    }
    return TierRow(
        venue=venue.name,
        tier=tier.tier,
        payer=tier.payer,
        holder=purse if tier.payer in PURSES else holders.get(tier.payer, ""),
        asset=tier.asset or (venue.stakes[tier.stake].asset if tier.stake is not None else ""),
        used=tier.used,
    )


def about(scenario: Scenario) -> Data:
    """Return the part of a summary that the scenario says itself."""
    return {
        "scenario": {
            "name": scenario.name,
            "title": scenario.title,
            "summary": scenario.summary,
            "sha256": scenario.sha256,
            "start": moment(scenario.start),
            "end": moment(scenario.end),
            "seed": str(scenario.seed),
            "variant": scenario.variant,
            "fork": _fork(scenario),
            "set": _set(scenario),
            "money": scenario.money,
            "block_s": None if scenario.chain is None else scenario.chain.block_s,
        },
        "assets": {name: asset.decimals for name, asset in scenario.assets.items()},
        "terms": terms(scenario),
        "inputs": inputs(scenario),
        "conflicts": [
            {
                "about": conflict.about,
                "says": [
                    {"value": says.value, "source": says.source, "title": scenario.sources[says.source]}
                    for says in conflict.says
                ],
                "remark": conflict.remark,
            }
            for conflict in scenario.conflicts
        ],
        "sources": dict(scenario.sources),
        "not_modelled": list(scenario.not_modelled),
        "method": list(METHOD),
        "gaps": [
            {"market": gap.market, "start": moment(gap.start), "end": moment(gap.end)}
            for gap in scenario.gaps
        ],
    }


def _set(scenario: Scenario) -> Data:
    """Return what was set for this run, from its beginning on: path and value, as it was typed."""
    if scenario.overrides:
        return {path: str(value) for path, value in scenario.overrides.items()}
    own = [given for given in scenario.inputs if given.kind == "override"]
    return {given.path: given.value for given in own if not given.path.startswith(FORKED)}


def _fork(scenario: Scenario) -> Data | None:
    """Return what is different from a moment on; None where nothing is."""
    if scenario.fork is None:
        return None
    told = [{"path": path, "before": before, "now": now} for path, before, now in changes(scenario)]
    return {"at": moment(scenario.fork.at), "changes": told}


def terms(scenario: Scenario) -> list[Data]:
    """Return every row of every waterfall as a page needs it: who pays, from what, up to how much."""
    return [_terms(scenario, venue, tier) for venue in scenario.venues.values() for tier in venue.waterfall]


def _terms(scenario: Scenario, venue: Venue, tier: Tier) -> Data:
    def amounts(given: Mapping[str, int]) -> Data:
        return {asset: numeral(value, scenario.assets[asset].decimals) for asset, value in given.items()}

    row = _row(venue, tier)
    unlike = (
        tier.wait_s,
        tier.vote,
        tier.due_s is not None,
        tier.quota,
        tier.perimeter.assets,
        tier.every_asset,
    )
    return {
        "venue": row.venue,
        "tier": row.tier,
        "payer": row.payer,
        "holder": row.holder,
        "asset": row.asset,
        "used": row.used,
        "limit": ratio(tier.limit),
        "of_loss": ratio(tier.of_loss),
        "min_left": amounts(tier.min_left),
        "amount_max": amounts(tier.amount_max),
        "offset": amounts(tier.offset),
        "sharing": tier.sharing,
        "at_once": not any(unlike),
    }


def inputs(scenario: Scenario) -> Data:
    """Return every number with its mark: overrides, calibrated and assumed ones first; and their counts."""
    return {
        "counts": {kind: sum(1 for given in scenario.inputs if given.kind == kind) for kind in KINDS},
        "listed": [
            {"path": given.path, "value": given.value, "kind": given.kind, "why": given.why}
            for given in in_list_order(scenario.inputs)
        ],
        "files": [
            {"name": file.name, "sha256": file.sha256, "rows": file.rows, "kind": file.kind, "why": file.why}
            for file in scenario.files
        ],
    }


def overrides_of(given: Overrides) -> list[tuple[str, str]]:
    """Return overrides as (path, value as typed). Raises MutualizeError for one without '='."""
    pairs = given.items() if isinstance(given, Mapping) else given
    overrides: list[tuple[str, str]] = []
    for pair in pairs:
        path, equals, value = (
            pair.partition("=") if isinstance(pair, str) else (pair[0], "=", _typed(pair[1]))
        )
        if not equals:
            raise MutualizeError("--set", f"{pair!r} says no value.", "Write it as path=value.")
        overrides.append((path.strip(), value.strip()))
    return overrides


def _typed(value: Any) -> str:
    """Write a value of Python as one would type it: lists and tables as TOML has them."""
    return inline(value) if isinstance(value, bool | list | tuple | Mapping) else str(value)
