"""What must hold between the fields of one table of a scenario. Problems are noted, not raised.

Every table that could be read is checked, even where others could not; what must hold between tables is in
crosschecks.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Final

from mutualize.randomness import Fixed
from mutualize.scenario.fortunes import Loss, Profits
from mutualize.scenario.lenders import check_lender
from mutualize.scenario.market import Bid, Chain, Demand, Followed, Market, Oracle, Outage, Space
from mutualize.scenario.model import Conflict, ExpectRow, Vary
from mutualize.scenario.noting import Note, exactly_one, positive
from mutualize.scenario.place import Path, Problems, shown
from mutualize.scenario.population import (
    Borrowers,
    Depositors,
    Governance,
    Liquidators,
    Opportunists,
    PositionRow,
    Stakers,
)
from mutualize.scenario.scalars import parse_time, read_decimal
from mutualize.scenario.tier_checks import check_loss, check_profits, check_row, check_tiers
from mutualize.scenario.tier_rows import Tier
from mutualize.scenario.trove_checks import TROVE_CHECKS, check_system
from mutualize.scenario.vault_checks import VAULT_CHECKS, of_its_kind
from mutualize.scenario.venue import Reserve, Stake, Venue
from mutualize.units import BPS

COMPARISONS: Final = ("equals", "at_least", "at_most", "between", "order", "first", "last", "absent")
NEEDS: Final = {
    "cover-deficit": ("reserve", "payer"),
    "set-offset": ("reserve", "amount"),
    "set-parameter": ("reserve", "parameter", "value"),
    "pause": (),
    "unpause": (),
    "recognise-shortfall": ("reserve", "borrower"),
    "repay-debt": ("reserve", "borrower", "payer"),
    "release-tier": ("reserve", "tier"),
    "open-exits": (),
}
"""What each action of governance must say; `reserve` left out of pause means all."""
MAY_SAY: Final = {
    **{action: set(needs) for action, needs in NEEDS.items()},
    "cover-deficit": {"reserve", "payer", "amount"},
    "repay-debt": {"reserve", "borrower", "payer", "amount"},
    "release-tier": {"reserve", "tier", "amount"},
    "pause": {"reserve"},
    "unpause": {"reserve"},
}


def check_tables(built: Iterable[tuple[Path, Any]], problems: Problems) -> None:
    """Check every table that was read."""
    for path, made in built:
        check = _CHECKS.get(type(made)) or VAULT_CHECKS.get(type(made)) or TROVE_CHECKS.get(type(made))
        if check is not None:
            check(made, _note(path, problems))


def _note(path: Path, problems: Problems) -> Note:
    """Return what notes problems with a table at `path`."""
    return lambda field, *what: problems.add((*path, *_steps(field)), *what)


def _steps(field: str | Path) -> Path:
    return field if isinstance(field, tuple) else (field,) if field else ()


def _reserve(reserve: Reserve, note: Note) -> None:
    if reserve.ltv > reserve.liquidation_threshold:
        note(
            "ltv",
            "the loan to value is above the liquidation threshold.",
            "A new loan could be liquidated at once.",
        )
    if reserve.liquidation_threshold * reserve.liquidation_bonus > BPS * BPS:
        note(
            "liquidation_bonus",
            "threshold × (1 + bonus) is above 1: a liquidation would leave debt behind.",
            "Lower the threshold or the bonus.",
        )
    if reserve.base + reserve.slope1 + reserve.slope2 > 10 * BPS:
        note("slope2", "base + slope1 + slope2 is above 1000 % a year.")


def _market(market: Market, note: Note) -> None:
    exactly_one(market, ("price", "prices", "points"), note)
    if market.money == market.asset:
        note("money", f"{market.asset} cannot be priced in itself.")


def _followed(followed: Followed, note: Note) -> None:
    exactly_one(followed, ("price", "prices", "points"), note)


def _chain(chain: Chain, note: Note) -> None:
    if chain.gas_price_gwei is None and chain.gas_prices is None and chain.gas:
        note("gas", "gas is used, but it has no price.", "Give gas_price_gwei or gas_prices.")
    if chain.gas_price_gwei is not None and chain.gas_prices is not None:
        note("gas_prices", "exactly one of gas_price_gwei and gas_prices is needed, not both.")
    if chain.gas and chain.native is None:
        note("gas", "gas is used, but not in which asset it is paid.", "Give native.")
    if chain.space is not None:
        _gas_of_blocks(chain, chain.space.block_gas, note)


def _gas_of_blocks(chain: Chain, block_gas: int, note: Note) -> None:
    """Hold every transaction to fit into a block: one that does not would wait for ever."""
    if not chain.gas:
        note("space", "block space is bid for, but nothing needs gas.", "Give [chain.gas].")
    for action, gas in chain.gas.items():
        trades = 2 * chain.gas.get("trade", 0) if action == "liquidate" else 0
        if gas + trades > block_gas:
            with_trades = " with a trade on either side" if trades else ""
            note(
                ("gas", action),
                f"{gas + trades:,} units of gas{with_trades} never fit into a block of {block_gas:,}.",
            )


def _space(space: Space, note: Note) -> None:
    if space.file is not None and not space.demand:
        note("file", "there is a table, but none of its columns is used.", "Give [[chain.space.demand]].")
    for number, demand in enumerate(space.demand):
        if demand.column is not None and space.file is None:
            note(("demand", number, "column"), "there is no table to have this column.", "Give file.")
        if demand.gwei is not None and space.file is not None:
            note(("demand", number, "gwei"), "the prices stand in the table.", "Give column.")
    for number, (before, demand) in enumerate(pairwise(space.demand), 1):
        if demand.share <= before.share:
            note(("demand", number, "share"), "the share is not above the one before it.")
        if before.gwei is not None and demand.gwei is not None and demand.gwei < before.gwei:
            note(("demand", number, "gwei"), "a larger share pays less at most than the one before it.")


def _demand(demand: Demand, note: Note) -> None:
    exactly_one(demand, ("gwei", "column"), note)


def _bid(bid: Bid, note: Note) -> None:
    exactly_one(bid, ("gwei", "multiple"), note)
    if bid.gwei is not None and bid.gwei_max is not None and bid.gwei > bid.gwei_max:
        note("gwei_max", "the first bid is above the most that is ever bid.")


def _oracle(oracle: Oracle, note: Note) -> None:
    if oracle.heartbeat_s is None and oracle.osm is None:
        note(
            "",
            "'heartbeat_s' is missing (the longest time between two publications, seconds).",
            "Give it, or an osm whose source is the market itself.",
        )
    elif oracle.heartbeat_s is None:
        for field in ("deviation", "delay_s", "bid"):
            if getattr(oracle, field):
                note(
                    field,
                    "it says how the source of the osm is told, which is the market itself.",
                    "Give heartbeat_s.",
                )
    low, high = oracle.min_answer or 0, oracle.max_answer
    if high is not None and low > high:
        note("min_answer", "the lowest answer is above the highest.")
    if oracle.at_bound != "stick" and not low and high is None:
        note("at_bound", "it has no bounds.", "Give min_answer or max_answer.")


def _outage(outage: Outage, note: Note) -> None:
    if outage.start >= outage.end:
        note("end", "the outage does not end after it begins.")


def _stake(stake: Stake, note: Note) -> None:
    if stake.form == "exchange-rate" and stake.offset_digits:
        note("offset_digits", "only the form 'shares' has a virtual offset.")


def _venue(venue: Venue, note: Note) -> None:
    check_system(venue, note)
    if not of_its_kind(venue, note):
        return
    if not check_lender(venue, note):
        return
    for asset, reserve in venue.reserves.items() if venue.kind != "isolated" else ():
        if reserve.slope1 > reserve.slope2:
            problem = "slope1 is above slope2: the rate curve bends upwards."
            note(("reserves", asset, "slope1"), problem)
    check_tiers(venue, note)
    for number, tier in enumerate(venue.waterfall):
        if tier.stake is None or tier.stake not in venue.stakes:
            continue
        what = venue.stakes[tier.stake].asset
        if tier.asset not in {None, what}:
            note(
                ("waterfall", number, "asset"), f"the tier pays in {tier.asset}, but its stake holds {what}."
            )
        elif tier.price is None and _needs_price(venue, tier):
            note(("waterfall", number), f"the tier pays in {what}, but at no price.", "Give price.")


def _needs_price(venue: Venue, tier: Tier) -> bool:
    """Say whether a stake pays, in some reserve, in another asset than the one that is missing."""
    return any(asset != venue.pays_in(tier, asset) for asset in venue.assets)


def _depositors(people: Depositors, note: Note) -> None:
    triggers = (people.run_at_utilization, people.run_at_deficit, people.rumour_at)
    if people.behaviour == "run" and all(trigger is None for trigger in triggers):
        note(
            "behaviour", "they run, but at nothing.", "Give run_at_utilization, run_at_deficit or rumour_at."
        )
    if people.behaviour == "hold" and any(trigger is not None for trigger in triggers):
        note("behaviour", "they hold, yet something is said to make them run.", "Write behaviour = 'run'.")
    positive(people.amount, "amount", note)


def _borrowers(people: Borrowers, note: Note) -> None:
    exactly_one(people, ("health", "debt_amount"), note)
    if people.collateral == people.debt:
        note("debt", "what they borrow is what they put up.")
    positive(people.collateral_amount, "collateral_amount", note)
    if people.debt_amount is not None:
        positive(people.debt_amount, "debt_amount", note)
    if people.behaviour != "passive" and people.purse.support == (0, 0) and people.behaviour == "top-up":
        note("purse", "they top up, but have nothing to add.", "Give purse.")


def _liquidators(people: Liquidators, note: Note) -> None:
    if not people.flash and not any(people.capital.values()):
        note("capital", "they have neither capital nor flash liquidity.", "Give capital, or flash = true.")
    if people.together > 1 and people.bid is not None:
        note(
            "together",
            "who bids for block space bids for one liquidation at a time.",
            "Leave one of both out.",
        )
    if people.together > 1 and not people.flash:
        note("together", "only who repays with flash liquidity does several at once.", "Write flash = true.")


def _opportunists(people: Opportunists, note: Note) -> None:
    if people.collateral_amount == Fixed(0) and people.budget == Fixed(0):
        note("budget", "they have neither collateral nor money for it.", "Give collateral_amount or budget.")
    if not people.borrows:
        note("borrows", "they borrow nothing.", "Name what they borrow.")
    if people.collateral in people.borrows:
        note("borrows", "what they borrow is what they put up.")


def _stakers(people: Stakers, note: Note) -> None:
    triggers = (people.leave_at_loss, people.leave_at, people.leave_at_fall)
    if people.behaviour == "leave" and all(trigger is None for trigger in triggers):
        note("behaviour", "they leave, but at nothing.", "Give leave_at_loss, leave_at or leave_at_fall.")
    if people.behaviour == "stay" and any(said is not None for said in (*triggers, people.cooldown_began)):
        note(
            "behaviour", "they stay, yet something is said to make them leave.", "Write behaviour = 'leave'."
        )
    if (people.leave_at_fall is None) != (people.watches is None):
        given, missing = ("watches", "leave_at_fall") if people.watches else ("leave_at_fall", "watches")
        note(given, f"{given} says nothing without {missing}.", f"Give {missing}.")
    positive(people.amount, "amount", note)


def _governance(vote: Governance, note: Note) -> None:
    exactly_one(vote, ("at", "on"), note)
    for field in NEEDS[vote.action]:
        if getattr(vote, field) is None:
            note("", f"{shown(field)} is missing: {vote.action} needs it.")
    for field in ("reserve", "amount", "borrower", "parameter", "value", "payer", "tier"):
        if getattr(vote, field) is not None and field not in MAY_SAY[vote.action]:
            note(field, f"{vote.action} has no {field}.")
    if vote.amount == 0 and vote.action not in ("set-offset", "release-tier"):
        note("amount", "the amount is zero.")


def _position(row: PositionRow, note: Note) -> None:
    if row.file is not None:
        for field in ("account", "collateral_amount", "debt_amount"):
            if getattr(row, field) is not None:
                note(field, "this stands in the file.", "Leave it out.")
        return
    for field in ("account", "collateral", "collateral_amount", "debt", "debt_amount"):
        if getattr(row, field) is None:
            note("", f"{shown(field)} is missing.", "Give it, or a file with many positions.")
        elif field.endswith("amount") and not getattr(row, field):
            note(field, "the amount is zero.")
    if row.collateral is not None and row.collateral == row.debt:
        note("debt", "what is owed is what was put up.")


def _expect(row: ExpectRow, note: Note) -> None:
    if not exactly_one(row, COMPARISONS, note):
        return
    if row.absent is False:
        note("absent", "absent is true or left out.", "Write at_least = 1 for something that must be there.")
    if row.tolerance is not None and (row.order is not None or row.absent):
        note("tolerance", "an order or an absence has no tolerance.")
    for field in ("first", "last"):
        if getattr(row, field) is not None:
            try:
                parse_time(getattr(row, field))
            except ValueError as error:
                note(field, f"{error}.")
    if row.between is not None and len(row.between) != 2:
        note("between", "two values are needed.")
    if row.over is not None and (row.order is not None or row.absent):
        note("over", "an order or an absence has no median over seeds.", "Leave it out.")


def _conflict(conflict: Conflict, note: Note) -> None:
    if len(conflict.says) < 2:
        note("says", "a conflict needs two sources that say something.")


def _vary(vary: Vary, note: Note) -> None:
    try:
        if read_decimal(vary.low, 36, 0, 10**80) > read_decimal(vary.high, 36, 0, 10**80):
            note("low", f"{shown(vary.low)} is above {shown(vary.high)}.")
    except ValueError as error:
        note("low", f"{error}.")


_CHECKS: Final[dict[type, Callable[[Any, Note], None]]] = {
    Bid: _bid,
    Borrowers: _borrowers,
    Chain: _chain,
    Demand: _demand,
    Depositors: _depositors,
    ExpectRow: _expect,
    Conflict: _conflict,
    Governance: _governance,
    Liquidators: _liquidators,
    Opportunists: _opportunists,
    Followed: _followed,
    Market: _market,
    Oracle: _oracle,
    Outage: _outage,
    PositionRow: _position,
    Reserve: _reserve,
    Space: _space,
    Stake: _stake,
    Stakers: _stakers,
    Loss: check_loss,
    Profits: check_profits,
    Tier: check_row,
    Vary: _vary,
    Venue: _venue,
}
