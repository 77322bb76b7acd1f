"""What must hold between the tables of a scenario, once all are sound. Problems are noted, not raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from mutualize.errors import Reason
from mutualize.scenario.fields import Amount, Distribution, Numeral, Parameter, Whole
from mutualize.scenario.market import Gap, Market
from mutualize.scenario.model import Scenario
from mutualize.scenario.place import Path, Problems, did_you_mean, shown
from mutualize.scenario.scalars import format_time
from mutualize.scenario.settings import resolve
from mutualize.scenario.size import check_size
from mutualize.scenario.venue import Tier, Venue

ROLES: Final = ("depositors", "borrowers", "liquidators", "stakers")
NUMBERS: Final = (Amount, Numeral, Distribution, Parameter, Whole)
OWN_NAMES: Final = ("treasury", "umbrella", "governance", "market", "miners", "outside", "genesis")
"""Accounts that a run has of its own."""

Add = Callable[..., None]


def check_whole(scenario: Scenario, data: Mapping[str, Any], problems: Problems) -> None:
    """Check what holds between tables; `data` is what the scenario was read from."""
    add = problems.add
    if scenario.start >= scenario.end:
        add(("end",), "the end does not come after the start.")
        return
    _moments(scenario, add)
    _markets(scenario, add)
    for venue in scenario.venues.values():
        _venue(scenario, venue, add)
    _names(scenario, add)
    _votes(scenario, add)
    _expectations(scenario, data, add)
    check_size(scenario, add)


def _moments(scenario: Scenario, add: Add) -> None:
    """Everything that is dated happens inside the window; another variant's expectations have their own."""
    dated: list[tuple[Path, int | None]] = [
        *((("depositors", n, "rumour_at"), people.rumour_at) for n, people in enumerate(scenario.depositors)),
        *((("stakers", n, "leave_at"), people.leave_at) for n, people in enumerate(scenario.stakers)),
        *((("governance", n, "at"), vote.at) for n, vote in enumerate(scenario.governance)),
        *(
            (("expect", n, "at"), row.at)
            for n, row in enumerate(scenario.expect_rows)
            if row.variant == scenario.variant
        ),
        (("band", "until"), scenario.band.until if scenario.band else None),
    ]
    for path, at in dated:
        if at is not None and not scenario.start <= at <= scenario.end:
            window = f"{format_time(scenario.start)} to {format_time(scenario.end)}"
            add(path, f"{format_time(at)} is outside of the run ({window}).")


def _markets(scenario: Scenario, add: Add) -> None:
    for asset, market in scenario.markets.items():
        money = scenario.markets.get(market.money) if market.money is not None else None
        if market.money is not None and money is None:
            add(
                ("markets", asset, "money"),
                f"{market.money} has no market itself.",
                f"Give [markets.{market.money}].",
            )
        if money is not None and money.money is not None:
            add(
                ("markets", asset, "money"),
                f"{market.money} is no money: it is itself priced in {money.money}.",
            )
        if market.points and market.points[0][0] > scenario.start:
            add(
                ("markets", asset, "points"), "the first point comes after the start: there is no price then."
            )
    if scenario.money in scenario.markets:
        add(
            ("money",),
            f"the money of account is {scenario.money}, which has a market: it would be priced in itself.",
            "Give the money of account another name, such as 'USD'.",
        )
    for asset in scenario.oracles:
        _priced(scenario, asset, ("oracles", asset), add)
    chain = scenario.chain
    if chain is not None and chain.gas_path and chain.gas_path[0][0] > scenario.start:
        first, start = format_time(chain.gas_path[0][0]), format_time(scenario.start)
        add(
            ("chain", "gas_prices"),
            f"there is no gas price at the start ({start}); the table begins {first}.",
        )
    if scenario.chain is not None and scenario.chain.native is not None and scenario.chain.gas:
        _priced(scenario, scenario.chain.native, ("chain", "native"), add)


def _priced(scenario: Scenario, asset: str, path: Path, add: Add) -> None:
    if asset not in scenario.markets:
        add(path, f"{asset} has no price.", f"Give [markets.{asset}].")


def _venue(scenario: Scenario, venue: Venue, add: Add) -> None:
    for asset in venue.reserves:
        _priced(scenario, asset, ("venues", venue.name, "reserves", asset), add)
    for number, tier in enumerate(venue.waterfall):
        _tier(scenario, venue, tier, ("venues", venue.name, "waterfall", number), add)
    if venue.umbrella is not None:
        _priced(
            scenario,
            venue.stakes[venue.umbrella.stake].asset,
            ("venues", venue.name, "umbrella", "stake"),
            add,
        )


def _tier(scenario: Scenario, venue: Venue, tier: Tier, path: Path, add: Add) -> None:
    """Check that there is a price to ask for, where a tier pays at the oracle's or market's."""
    if not isinstance(tier.price, str):
        return
    asset = venue.pays_in(tier, "")
    if not asset:
        add((*path, "price"), "the tier pays in the asset that is missing: no price is needed.")
        return
    _priced(scenario, asset, (*path, "price"), add)


def _names(scenario: Scenario, add: Add) -> None:
    """Check that a name means one agent, and no member of a population is called as somebody else."""
    taken: dict[str, str] = dict.fromkeys(OWN_NAMES, "an account of the program")
    for role in ROLES:
        for number, people in enumerate(getattr(scenario, role)):
            _take(people.name, role, (role, number, "name"), taken, add)
    for number, vote in enumerate(scenario.governance):
        _take(vote.name, "governance", ("governance", number, "name"), taken, add)
    populations = [people.name for role in ROLES for people in getattr(scenario, role)]
    for position in scenario.positions:
        at: Path = ("positions",)
        if position.account in taken:
            add(at, f"the account {shown(position.account)} has the name of {taken[position.account]}.")
        head, _, tail = position.account.rpartition("-")
        if head in populations and tail.isdigit():
            add(at, f"the account {shown(position.account)} could be a member of {shown(head)}.")
    pairs = sorted((p.account, p.venue, p.collateral, p.debt) for p in scenario.positions)
    for before, after in pairwise(pairs):
        if before == after:
            add(("positions",), f"the position of {shown(after[0])} ({after[2]}, {after[3]}) is there twice.")


def _take(name: str, role: str, path: Path, taken: dict[str, str], add: Add) -> None:
    if name in taken:
        add(path, f"the name {shown(name)} is taken: {taken[name]}.")
    taken.setdefault(name, f"one of the {role}")


def _votes(scenario: Scenario, add: Add) -> None:
    accounts = {position.account for position in scenario.positions}
    populations = [people.name for people in scenario.borrowers]
    for number, vote in enumerate(scenario.governance):
        if vote.borrower is None or vote.borrower in accounts:
            continue
        head, _, tail = vote.borrower.rpartition("-")
        if head not in populations or not tail.isdigit():
            remedy = did_you_mean(vote.borrower, sorted(accounts))
            add(("governance", number, "borrower"), f"there is no borrower {shown(vote.borrower)}.", remedy)


def _expectations(scenario: Scenario, data: Mapping[str, Any], add: Add) -> None:
    for number, row in enumerate(scenario.expect_rows):
        if row.variant is not None and row.variant not in scenario.variants:
            remedy = did_you_mean(row.variant, scenario.variants)
            add(("expect", number, "variant"), f"there is no variant {shown(row.variant)}.", remedy)
        reason = row.metric.removeprefix("refusals.")
        if reason != row.metric and reason not in Reason.__members__:
            remedy = did_you_mean(reason, Reason.__members__)
            add(("expect", number, "metric"), f"there is no reason {shown(reason)} to refuse.", remedy)
        if row.variant == scenario.variant:
            _metric_words(scenario, row.metric, ("expect", number, "metric"), add)
    for number, vary in enumerate(scenario.band.vary if scenario.band else ()):
        path: Path = ("band", "vary", number, "path")
        try:
            target = resolve(data, vary.path)
        except ValueError as error:
            add(path, str(error))
            continue
        if not isinstance(target.kind, NUMBERS):
            add(path, f"{shown(vary.path)} is not a number.")


def _metric_words(scenario: Scenario, metric: str, path: Path, add: Add) -> None:
    """Hold what a metric names to exist: else a typing error would meet 'equals 0'."""
    kind, _, rest = metric.partition(".")
    name, _, tail = rest.partition(".")
    asset = ""
    if kind == "tier":
        tiers = [tier.tier for venue in scenario.venues.values() for tier in venue.waterfall]
        if name not in tiers:
            add(path, f"there is no tier {shown(name)}.", did_you_mean(name, tiers))
        asset = tail.partition(".")[2]
    elif kind in ("debt", "claim", "ltv", "seizures", "exhausted"):
        holders = [position.account for position in scenario.positions]
        groups = [*(who.name for who in scenario.depositors), *(who.name for who in scenario.borrowers)]
        everybody = (*holders, *OWN_NAMES)
        if name not in everybody and name.rpartition("-")[0] not in groups:
            add(path, f"there is no account {shown(name)}.", did_you_mean(name, holders or groups))
        asset = tail if kind in ("debt", "claim") else ""
    elif kind in ("shortfall", "uncovered", "haircut", "price", "market"):
        asset = rest if rest in scenario.assets else name
    if asset and asset not in scenario.assets:
        add(path, f"there is no asset {shown(asset)}.", did_you_mean(asset, scenario.assets))


# --- holes in prices -------------------------------------------------------------------------------------


def find_gaps(scenario: Scenario, problems: Problems) -> tuple[Gap, ...]:
    """Return the holes of price tables inside the window; no price at the start is a problem."""
    gaps: list[Gap] = []
    for asset, market in scenario.markets.items():
        if market.prices is None or not market.candles:
            continue
        found = list(_gaps(market, market.prices.bar_s, scenario.start, scenario.end))
        if found and found[0].start <= scenario.start:
            first, end = format_time(market.candles[0].at), format_time(scenario.start)
            problems.add(
                ("markets", asset, "prices"),
                f"there is no price at the start ({end}); the table begins {first}.",
            )
        gaps.extend(found)
    return tuple(gaps)


def _gaps(market: Market, bar_s: int, start: int, end: int) -> list[Gap]:
    """Return [start, end] without the bars of the table."""
    covered = start
    gaps = []
    for candle in market.candles:
        if candle.at > covered and covered < end:
            gaps.append(Gap(market.asset, covered, min(candle.at, end)))
        covered = max(covered, candle.at + bar_s)
    if covered < end:
        gaps.append(Gap(market.asset, covered, end))
    return gaps
