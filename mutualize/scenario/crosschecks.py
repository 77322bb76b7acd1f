"""What must hold between the tables of a scenario, once all are sound. Problems are noted, not raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from mutualize.errors import Reason
from mutualize.scenario.comets import COMET_DECIMALS_MAX
from mutualize.scenario.fields import Amount, Distribution, Numeral, Parameter, Whole
from mutualize.scenario.market import Bid, Followed, Gap, Market
from mutualize.scenario.model import Scenario
from mutualize.scenario.place import Path, Problems, did_you_mean, shown
from mutualize.scenario.scalars import format_time, read_decimal
from mutualize.scenario.settings import resolve
from mutualize.scenario.size import check_size
from mutualize.scenario.tier_people import check_around
from mutualize.scenario.tier_rows import Tier
from mutualize.scenario.trove_checks import check_systems, is_of_a_system, keeper_bids
from mutualize.scenario.vault_crosschecks import VAULT_ROLES, check_engines, engine_bids, engine_moments
from mutualize.scenario.venue import Venue
from mutualize.venues.vat import CONTRACTS

ROLES: Final = ("depositors", "borrowers", "liquidators", "opportunists", "stakers")
NUMBERS: Final = (Amount, Numeral, Distribution, Parameter, Whole)
OWN_NAMES: Final = (
    "treasury",
    "umbrella",
    "governance",
    "market",
    "miners",
    "oracle",
    "outside",
    "genesis",
    "anybody",
)
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
    _bids(scenario, add)
    for venue in scenario.venues.values():
        _venue(scenario, venue, add)
    _stakers(scenario, add)
    check_engines(scenario, add)
    check_systems(scenario, add)
    _names(scenario, add)
    _votes(scenario, add)
    check_around(scenario, add)
    _expectations(scenario, data, add)
    _answers(scenario, add)
    check_size(scenario, add)


def _moments(scenario: Scenario, add: Add) -> None:
    """Everything that is dated happens inside the window; another variant's expectations have their own."""
    dated: list[tuple[Path, int | None]] = [
        *((("depositors", n, "rumour_at"), people.rumour_at) for n, people in enumerate(scenario.depositors)),
        *((("stakers", n, "leave_at"), people.leave_at) for n, people in enumerate(scenario.stakers)),
        *((("governance", n, "at"), vote.at) for n, vote in enumerate(scenario.governance)),
        *((("members", n, "joins_at"), group.joins_at) for n, group in enumerate(scenario.members)),
        *((("members", n, "leaves_at"), group.leaves_at) for n, group in enumerate(scenario.members)),
        *((("losses", n, "at"), loss.at) for n, loss in enumerate(scenario.losses)),
        *((("profits", n, "at"), row.at) for n, row in enumerate(scenario.profits)),
        *((("recovered", n, "at"), row.at) for n, row in enumerate(scenario.recovered)),
        *(
            (("expect", n, "at"), row.at)
            for n, row in enumerate(scenario.expect_rows)
            if row.variant == scenario.variant
        ),
        *_outages(scenario),
        *engine_moments(scenario),
    ]
    for path, at in dated:
        if at is not None and not scenario.start <= at <= scenario.end:
            window = f"{format_time(scenario.start)} to {format_time(scenario.end)}"
            add(path, f"{format_time(at)} is outside of the run ({window}).")


def _outages(scenario: Scenario) -> Iterator[tuple[Path, int | None]]:
    """Yield where each oracle falls silent, and when."""
    for asset, oracle in scenario.oracles.items():
        yield ("oracles", asset, "stopped_at"), oracle.stopped_at
        for number, outage in enumerate(oracle.outages):
            yield ("oracles", asset, "outages", number, "start"), outage.start
            yield ("oracles", asset, "outages", number, "end"), outage.end


def _bids(scenario: Scenario, add: Add) -> None:
    """Hold everybody who bids to have something to bid for, and a transaction that takes some of it."""
    bids: list[tuple[Path, Bid | None, str]] = [
        (("liquidators", n, "bid"), people.bid, "liquidate") for n, people in enumerate(scenario.liquidators)
    ]
    for asset, oracle in scenario.oracles.items():
        bids.append((("oracles", asset, "bid"), oracle.bid, "publish"))
        bids.append((("oracles", asset, "osm", "bid"), oracle.osm.bid if oracle.osm else None, "poke"))
    bids += [*engine_bids(scenario), *keeper_bids(scenario)]
    chain = scenario.chain
    for path, bid, action in bids:
        if bid is not None and (chain is None or chain.space is None):
            add(path, "there is no block space to bid for.", "Give [chain.space], with its block_gas.")
        elif bid is not None and chain is not None and not chain.gas.get(action):
            add(path, f"its transactions take no space: {action} needs no gas.", f"Give chain.gas.{action}.")


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
    for asset, oracle in scenario.oracles.items():
        _priced(scenario, asset, ("oracles", asset), add)
        if oracle.follows is not None:
            _followed(scenario, oracle.follows, ("oracles", asset, "follows"), add)
    chain = scenario.chain
    if chain is not None:
        _from_the_start(scenario, chain.gas_path, ("chain", "gas_prices"), "gas price", add)
        rows = chain.space.rows if chain.space is not None else ()
        _from_the_start(scenario, rows, ("chain", "space", "file"), "demand for block space", add)
    if scenario.chain is not None and scenario.chain.native is not None and scenario.chain.gas:
        _priced(scenario, scenario.chain.native, ("chain", "native"), add)


def _followed(scenario: Scenario, followed: Followed, path: Path, add: Add) -> None:
    """Hold the place that a feed follows to have a price at the start."""
    points, candles = followed.points, followed.candles
    first = points[0][0] if points else candles[0].at if candles else scenario.start
    if first > scenario.start:
        add(path, f"there is no price at the start; the first one is of {format_time(first)}.")


def _from_the_start(
    scenario: Scenario, rows: Sequence[tuple[int, Any]], path: Path, what: str, add: Add
) -> None:
    """Hold a table to have begun when the run begins."""
    if rows and rows[0][0] > scenario.start:
        first, start = format_time(rows[0][0]), format_time(scenario.start)
        add(path, f"there is no {what} at the start ({start}); the table begins {first}.")


def _priced(scenario: Scenario, asset: str, path: Path, add: Add) -> None:
    if asset not in scenario.markets:
        add(path, f"{asset} has no price.", f"Give [markets.{asset}].")


def _venue(scenario: Scenario, venue: Venue, add: Add) -> None:
    for asset in venue.reserves:
        _priced(scenario, asset, ("venues", venue.name, "reserves", asset), add)
        if venue.kind == "comet" and scenario.assets[asset].decimals > COMET_DECIMALS_MAX:
            problem = f"Compound v3 has no asset with more than {COMET_DECIMALS_MAX} decimals."
            add(("assets", asset, "decimals"), problem)
    for number, tier in enumerate(venue.waterfall):
        _tier(scenario, venue, tier, ("venues", venue.name, "waterfall", number), add)
    over: dict[str, str] = {}
    for reserve, umbrella in venue.umbrella.items():
        path: Path = ("venues", venue.name, "umbrella", reserve, "stake")
        _priced(scenario, venue.stakes[umbrella.stake].asset, path, add)
        if over.setdefault(umbrella.stake, reserve) != reserve:
            add(path, f"the stake {shown(umbrella.stake)} answers for {over[umbrella.stake]} already.")


def _tier(scenario: Scenario, venue: Venue, tier: Tier, path: Path, add: Add) -> None:
    """Check that there is a price to ask for, where a tier pays at the oracle's or market's."""
    if not isinstance(tier.price, str):
        return
    asset = venue.pays_in(tier, "")
    if not asset:
        add((*path, "price"), "the tier pays in the asset that is missing: no price is needed.")
        return
    _priced(scenario, asset, (*path, "price"), add)


def _stakers(scenario: Scenario, add: Add) -> None:
    for number, people in enumerate(scenario.stakers):
        if people.watches is not None:
            _priced(scenario, people.watches, ("stakers", number, "watches"), add)
        if people.cooldown_began is not None and people.cooldown_began > scenario.start:
            add(
                ("stakers", number, "cooldown_began"),
                f"{format_time(people.cooldown_began)} is after the start ({format_time(scenario.start)}).",
                "Who starts a cooldown in the run does so by leave_at.",
            )


def _names(scenario: Scenario, add: Add) -> None:
    """Check that a name means one agent, and no member of a population is called as somebody else."""
    taken: dict[str, str] = dict.fromkeys(OWN_NAMES, "an account of the program")
    if any(venue.kind == "cdp" for venue in scenario.venues.values()):
        taken.update(dict.fromkeys(CONTRACTS, "a contract of a vault engine"))
    for role in (*ROLES, "members", "governance", *VAULT_ROLES, "acts", "trove_keepers"):
        for number, group in enumerate(getattr(scenario, role)):
            _take(group.name, role.replace("_", " "), (role, number, "name"), taken, add)
    for number, row in enumerate(scenario.vault_rows):
        _take(row.name, "vault owners", ("vaults", number, "name"), taken, add)
    for number, rows in enumerate(scenario.trove_rows):
        _take(rows.name, "trove owners", ("troves", number, "name"), taken, add)
    roles = (*ROLES, "trove_rows", "trove_keepers")
    populations = [people.name for role in roles for people in getattr(scenario, role)]
    owners: list[tuple[Path, str]] = [(("positions",), position.account) for position in scenario.positions]
    owners += [(("troves",), trove.owner) for trove in scenario.troves]
    for at, account in owners:
        if account in taken:
            add(at, f"the account {shown(account)} has the name of {taken[account]}.")
        head, _, tail = account.rpartition("-")
        if head in populations and tail.isdigit():
            add(at, f"the account {shown(account)} could be a member of {shown(head)}.")
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
    populations += [people.name for people in scenario.opportunists]
    for number, vote in enumerate(scenario.governance):
        if vote.action == "set-offset" and vote.reserve not in scenario.venues[vote.venue].umbrella:
            add(
                ("governance", number, "reserve"),
                f"no umbrella answers for {vote.reserve}: there is no offset to set.",
                f"Give [venues.{vote.venue}.umbrella.{vote.reserve}].",
            )
        if vote.borrower is None or vote.borrower in accounts:
            continue
        if vote.borrower in populations and vote.action == "recognise-shortfall":
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
    for number, metric in enumerate(scenario.spread.metrics):
        _metric_words(scenario, metric, ("spread", "metrics", number), add)
    for number, vary in enumerate(scenario.spread.vary):
        path: Path = ("spread", "vary", number, "path")
        try:
            target = resolve(data, vary.path)
        except ValueError as error:
            add(path, str(error))
            continue
        if not isinstance(target.kind, NUMBERS):
            add(path, f"{shown(vary.path)} is not a number.")


def _answers(scenario: Scenario, add: Add) -> None:
    """Hold what is expected apart from what was put in: a calibrated input is never the answer itself."""
    put_in = {number: given.path for given in scenario.inputs if given.kind == "calibrated"
              if (number := _number(given.value)) is not None}  # fmt: skip
    for at, row in enumerate(scenario.expect_rows):
        for field in ("equals", "between"):
            stated = getattr(row, field)
            values = stated if isinstance(stated, tuple) else (stated,)
            found = next((put_in[n] for text in values if (n := _number(text)) in put_in), None)
            if found is not None and row.kind != "identity":
                add(
                    ("expect", at, field),
                    f"the calibrated input {shown(found)} is this number: what was put in is no finding.",
                    "Calibrate to something else, or write kind = 'identity'.",
                )


def _number(text: str | None) -> int | None:
    """Return a numeral with 36 decimals; None for words, and for 0 and 1, which many things are."""
    try:
        number = read_decimal(text, 36, 0, 10**120)
    except ValueError:
        return None
    return None if number in (0, 10**36) else number


OF_ASSETS: Final = ("shortfall", "uncovered", "pending", "haircut", "unstaked", "price", "market", "surplus")
"""Metrics that name an asset next."""
ALL_SHORTFALLS: Final = "shortfall.money"
"""The one of them that names none."""


def _metric_words(scenario: Scenario, metric: str, path: Path, add: Add) -> None:
    """Hold what a metric names to exist: else a typing error would meet 'equals 0'."""
    kind, _, rest = metric.partition(".")
    name, _, tail = rest.partition(".")
    asset = ""
    if kind == "tier":
        tiers = [*_payers(scenario)]
        if name not in tiers:
            add(path, f"there is no tier {shown(name)}.", did_you_mean(name, tiers))
        asset = tail.partition(".")[2]
    elif kind in ("debt", "claim", "ltv", "seizures", "exhausted"):
        holders = [position.account for position in scenario.positions]
        people = (scenario.depositors, scenario.borrowers, scenario.opportunists)
        owners = [row.name for row in scenario.vault_rows]
        owners += [row.name for row in scenario.trove_rows]
        groups = [*(group.name for rows in people for group in rows), *owners]
        owners += [*(vault.owner for vault in scenario.vaults), *(trove.owner for trove in scenario.troves)]
        holders += owners
        everybody = (*holders, *OWN_NAMES)
        if name not in everybody and name.rpartition("-")[0] not in groups:
            add(path, f"there is no account {shown(name)}.", did_you_mean(name, holders or groups))
        elif kind != "seizures" and is_of_a_system(scenario, name):
            add(path, f"of a trove system no {kind} is measured, but seizures.<account> is.")
        asset = tail if kind in ("debt", "claim") else ""
    elif kind in OF_ASSETS and metric != ALL_SHORTFALLS:
        asset = rest if rest in scenario.assets else name
    if asset and asset not in scenario.assets:
        add(path, f"there is no asset {shown(asset)}.", did_you_mean(asset, scenario.assets))


def _payers(scenario: Scenario) -> Iterator[str]:
    """Yield who may pay for a shortfall: tiers, stakes under an umbrella, and who covers by vote."""
    for venue in scenario.venues.values():
        yield from (tier.tier for tier in venue.waterfall)
        yield from (umbrella.stake for umbrella in venue.umbrella.values())
    yield from (v.payer for v in scenario.governance if v.payer is not None and v.action == "cover-deficit")


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
