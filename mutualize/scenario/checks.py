"""What must hold between the fields of one table of a scenario. Problems are noted, not raised.

Every table that could be read is checked, even where others could not; what must hold between tables is in
crosschecks.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from mutualize.scenario.market import Chain, Market
from mutualize.scenario.model import Band, Conflict, ExpectRow, Vary
from mutualize.scenario.place import Path, Problems, did_you_mean, shown
from mutualize.scenario.population import Borrowers, Depositors, Governance, Liquidators, PositionRow, Stakers
from mutualize.scenario.scalars import parse_time, read_decimal
from mutualize.scenario.venue import Reserve, Stake, Tier, Venue
from mutualize.units import BPS

COMPARISONS: Final = ("equals", "at_least", "at_most", "between", "order", "first", "last", "absent")
NEEDS: Final = {
    "cover-deficit": ("reserve", "payer"),
    "set-parameter": ("reserve", "parameter", "value"),
    "pause": (),
    "unpause": (),
    "recognise-shortfall": ("reserve", "borrower"),
    "repay-debt": ("reserve", "borrower", "payer"),
}
"""What each action of governance must say; `reserve` left out of pause means all."""
MAY_SAY: Final = {
    **{action: set(needs) for action, needs in NEEDS.items()},
    "cover-deficit": {"reserve", "payer", "amount"},
    "repay-debt": {"reserve", "borrower", "payer", "amount"},
    "pause": {"reserve"},
    "unpause": {"reserve"},
}

Note = Callable[..., None]
"""Notes a problem: (field of the table, a path below it, or empty; problem; remedy)."""


def check_tables(built: Iterable[tuple[Path, Any]], problems: Problems) -> None:
    """Check every table that was read."""
    for path, made in built:
        check = _CHECKS.get(type(made))
        if check is not None:
            check(made, _note(path, problems))


def _note(path: Path, problems: Problems) -> Note:
    """Return what notes problems with a table at `path`."""
    return lambda field, *what: problems.add((*path, *_steps(field)), *what)


def _steps(field: str | Path) -> Path:
    return field if isinstance(field, tuple) else (field,) if field else ()


def _exactly_one(made: Any, fields: tuple[str, ...], note: Note) -> bool:
    given = [field for field in fields if getattr(made, field) not in {None, ()}]
    if len(given) == 1:
        return True
    said = f"not {' and '.join(given)}" if given else "none is given"
    note(given[-1] if given else "", f"exactly one of {', '.join(fields)} is needed, {said}.")
    return False


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
    if reserve.slope1 > reserve.slope2:
        note("slope1", "slope1 is above slope2: the rate curve bends upwards.")
    if reserve.base + reserve.slope1 + reserve.slope2 > 10 * BPS:
        note("slope2", "base + slope1 + slope2 is above 1000 % a year.")


def _market(market: Market, note: Note) -> None:
    _exactly_one(market, ("price", "prices", "points"), note)
    if market.money == market.asset:
        note("money", f"{market.asset} cannot be priced in itself.")


def _chain(chain: Chain, note: Note) -> None:
    if chain.gas_price_gwei is None and chain.gas_prices is None and chain.gas:
        note("gas", "gas is used, but it has no price.", "Give gas_price_gwei or gas_prices.")
    if chain.gas_price_gwei is not None and chain.gas_prices is not None:
        note("gas_prices", "exactly one of gas_price_gwei and gas_prices is needed, not both.")
    if chain.gas and chain.native is None:
        note("gas", "gas is used, but not in which asset it is paid.", "Give native.")


def _tier(tier: Tier, note: Note) -> None:
    if tier.payer == "stake" and tier.stake is None:
        note("stake", "a tier paid by a stake names it.", "Give stake.")
    if tier.payer != "stake" and tier.stake is not None:
        note("stake", f"a tier paid by {tier.payer} has no stake.")
    if tier.payer == "claims" and tier.asset is not None:
        note("asset", "claims are cut in the asset that is missing, not in another.")
    if tier.asset is not None and tier.price is None:
        note(
            "asset",
            f"the tier pays in {tier.asset}, but at no price.",
            "Give price: a number, 'oracle' or 'market'.",
        )
    if tier.discount and tier.price is None:
        note("discount", "a discount needs a price.")
    if not tier.limit:
        note(
            "limit",
            "a limit of zero pays nothing.",
            "Write used = false for a tier that exists and is not used.",
        )


def _stake(stake: Stake, note: Note) -> None:
    if stake.form == "exchange-rate" and stake.offset_digits:
        note("offset_digits", "only the form 'shares' has a virtual offset.")


def _venue(venue: Venue, note: Note) -> None:
    if not venue.reserves:
        note("reserves", "a pool without reserves lends nothing.")
    funds = [tier.tier for tier in venue.waterfall if tier.payer == "fund"]
    for name in venue.funds:
        if name not in funds:
            note(
                ("funds", name),
                f"there is no tier {shown(name)} that a fund pays.",
                did_you_mean(name, funds),
            )
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
    return any(reserve != venue.pays_in(tier, reserve) for reserve in venue.reserves)


def _depositors(people: Depositors, note: Note) -> None:
    triggers = (people.run_at_utilization, people.run_at_deficit, people.rumour_at)
    if people.behaviour == "run" and all(trigger is None for trigger in triggers):
        note(
            "behaviour", "they run, but at nothing.", "Give run_at_utilization, run_at_deficit or rumour_at."
        )
    if people.behaviour == "hold" and any(trigger is not None for trigger in triggers):
        note("behaviour", "they hold, yet something is said to make them run.", "Write behaviour = 'run'.")
    _positive(people.amount, "amount", note)


def _borrowers(people: Borrowers, note: Note) -> None:
    _exactly_one(people, ("health", "debt_amount"), note)
    if people.collateral == people.debt:
        note("debt", "what they borrow is what they put up.")
    _positive(people.collateral_amount, "collateral_amount", note)
    if people.debt_amount is not None:
        _positive(people.debt_amount, "debt_amount", note)
    if people.behaviour != "passive" and people.purse.support == (0, 0) and people.behaviour == "top-up":
        note("purse", "they top up, but have nothing to add.", "Give purse.")


def _liquidators(people: Liquidators, note: Note) -> None:
    if not people.flash and not any(people.capital.values()):
        note("capital", "they have neither capital nor flash liquidity.", "Give capital, or flash = true.")


def _stakers(people: Stakers, note: Note) -> None:
    triggers = (people.leave_at_loss, people.leave_at)
    if people.behaviour == "leave" and all(trigger is None for trigger in triggers):
        note("behaviour", "they leave, but at nothing.", "Give leave_at_loss or leave_at.")
    if people.behaviour == "stay" and any(trigger is not None for trigger in triggers):
        note(
            "behaviour", "they stay, yet something is said to make them leave.", "Write behaviour = 'leave'."
        )
    _positive(people.amount, "amount", note)


def _positive(amount: Any, field: str, note: Note) -> None:
    if amount.support[0] < 1:
        note(field, "the amount can be zero.", "Everybody needs something above zero.")


def _governance(vote: Governance, note: Note) -> None:
    _exactly_one(vote, ("at", "on"), note)
    for field in NEEDS[vote.action]:
        if getattr(vote, field) is None:
            note("", f"{shown(field)} is missing: {vote.action} needs it.")
    for field in ("reserve", "amount", "borrower", "parameter", "value", "payer"):
        if getattr(vote, field) is not None and field not in MAY_SAY[vote.action]:
            note(field, f"{vote.action} has no {field}.")
    if vote.amount == 0:
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
    if not _exactly_one(row, COMPARISONS, note):
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


def _conflict(conflict: Conflict, note: Note) -> None:
    if len(conflict.says) < 2:
        note("says", "a conflict needs two sources that say something.")


def _band(band: Band, note: Note) -> None:
    if not band.vary:
        note("vary", "no input is varied.")


def _vary(vary: Vary, note: Note) -> None:
    try:
        if read_decimal(vary.low, 36, 0, 10**80) > read_decimal(vary.high, 36, 0, 10**80):
            note("low", f"{shown(vary.low)} is above {shown(vary.high)}.")
    except ValueError as error:
        note("low", f"{error}.")


_CHECKS: Final[dict[type, Callable[[Any, Note], None]]] = {
    Band: _band,
    Borrowers: _borrowers,
    Chain: _chain,
    Depositors: _depositors,
    ExpectRow: _expect,
    Conflict: _conflict,
    Governance: _governance,
    Liquidators: _liquidators,
    Market: _market,
    PositionRow: _position,
    Reserve: _reserve,
    Stake: _stake,
    Stakers: _stakers,
    Tier: _tier,
    Vary: _vary,
    Venue: _venue,
}
