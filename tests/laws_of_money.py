"""Laws of single verbs: which way a division rounds, what a liquidation may take, when a loss is a loss.

The rule: each is computed from the state before and what the event says, by the rules alone.
"""

from __future__ import annotations

from auditor import BPS, ONE, WAD, ceil_div
from laws import NUMBER, Step, law, need
from systems import ASSETS, DECIMALS

from mutualize import events as e


def _exact_down(amount: int, scaled: int, index: int) -> bool:
    return scaled * index <= amount * ONE < (scaled + 1) * index


def _exact_up(amount: int, scaled: int, index: int) -> bool:
    return (scaled - 1) * index < amount * ONE <= scaled * index


@law(
    "rounding",
    e.Supplied,
    e.Withdrawn,
    e.Borrowed,
    e.Repaid,
    e.ClaimsTransferred,
    e.DeficitEliminated,
    e.PendingDeficitCovered,
    e.OffsetCovered,
    e.TreasuryMinted,
    e.PositionOpened,
)
def rounding(s: Step) -> None:
    """Every division rounds against whoever asked, by less than one unit (R2), and units are what is told."""
    ev, asset = s.event, getattr(s.event, "asset", "")
    name = "rounding"
    match ev:
        case e.Supplied():
            index = s.before.reserve(asset)["liquidity_index"]
            need(s.change("supply", asset, ev.account) == ev.scaled, name, "units of a supply")
            need(_exact_down(ev.amount, ev.scaled, index), name, "supply", ev)
        case e.Withdrawn():
            index = s.before.reserve(asset)["liquidity_index"]
            need(s.change("supply", asset, ev.account) == -ev.scaled, name, "units of a withdrawal")
            whole = s.before.units("supply", asset, ev.account) == ev.scaled
            exact = _exact_up(ev.amount, ev.scaled, index)
            need(exact or (whole and ev.amount == ev.scaled * index // ONE), name, "withdraw", ev)
        case e.Borrowed():
            index = s.before.reserve(asset)["borrow_index"]
            need(s.change("debt", asset, ev.account) == ev.scaled, name, "units of a loan")
            need(_exact_up(ev.amount, ev.scaled, index), name, "borrow", ev)
        case e.Repaid():
            index = s.before.reserve(asset)["borrow_index"]
            need(s.change("debt", asset, ev.account) == -ev.scaled, name, "units of a repayment")
            need(_exact_down(ev.amount, ev.scaled, index), name, "repay", ev)
            owed = ceil_div(s.before.units("debt", asset, ev.account) * index, ONE)
            need(ev.amount <= owed, name, "paid more than was owed")
        case e.ClaimsTransferred() if ev.account != ev.to:
            index = s.before.indexes(asset, s.entry.at)[0]
            need(s.change("supply", asset, ev.account) == -ev.scaled, name, "units that left")
            need(s.change("supply", asset, ev.to) == ev.scaled, name, "units that came")
            need(ev.amount * ONE <= ev.scaled * index, name, "transfer", ev)
        case e.DeficitEliminated() | e.PendingDeficitCovered() | e.OffsetCovered():
            index = s.before.reserve(asset)["liquidity_index"]
            burned = -s.change("supply", asset, ev.account)
            need(_exact_up(ev.amount, burned, index), name, "burn", ev)
        case e.TreasuryMinted():
            index = s.before.indexes(asset, s.entry.at)[0]
            units = s.change("supply", asset, "treasury")
            need(s.after.reserve(asset).get("accrued_scaled", 0) == 0, name, "accrued is left")
            taken = units * index + ev.fund_amount * ONE
            accrued = s.before.reserve(asset).get("accrued_scaled", 0)
            need(taken <= accrued * index < taken + 2 * index + 2 * ONE, name, "mint", ev)
        case e.PositionOpened():
            index = s.before.reserve(ev.collateral)["liquidity_index"]
            need(
                _exact_down(ev.collateral_amount, s.change("supply", ev.collateral, ev.account), index),
                name,
                "collateral of a position",
            )
            index = s.before.reserve(ev.debt)["borrow_index"]
            need(_exact_up(ev.debt_amount, s.change("debt", ev.debt, ev.account), index), name, "its debt")


@law("stake-rounding", e.Staked, e.Unstaked)
def stake_rounding(s: Step) -> None:
    """Shares are given rounded down and paid out rounded down; to name assets costs shares rounded up."""
    ev, cells = s.event, s.before.cells.get("aave.stake.stakers", {})
    if not isinstance(ev, (e.Staked, e.Unstaked)):
        return
    change = s.after.cells["aave.stake.stakers.shares"].get(ev.account, 0)
    change -= s.before.cells.get("aave.stake.stakers.shares", {}).get(ev.account, 0)
    entered = isinstance(ev, e.Staked)
    need(change == (ev.shares if entered else -ev.shares), "stake-rounding", "shares of a holder")
    if s.setup.rate_form:
        above, below = cells.get("exchange_rate", WAD), WAD
    else:
        above = cells.get("total_shares", 0) + 10**s.setup.offset_digits
        below = cells.get("total_assets", 0) + 1
    gained, paid = (ev.shares * below, ev.assets * above)
    if entered:
        need(gained <= paid < gained + max(above, below), "stake-rounding", ev)
    else:
        need(paid <= gained < paid + max(above, below), "stake-rounding", ev)


@law("liquidation", e.Liquidated)
def liquidation(s: Step) -> None:
    """Only an unsafe position, only its collateral, up to the close factor, at the stated bonus and fee."""
    ev = s.event
    if not isinstance(ev, e.Liquidated):
        return
    at, name = s.entry.at, "liquidation"
    factor = s.before.factor(ev.account, at, ASSETS)
    need(factor is not None and factor < WAD, name, f"a safe position ({factor}) was liquidated")
    need(ev.account != ev.liquidator, name, "by himself")
    flagged = s.before.flags(ev.account) >> 2 * NUMBER[ev.collateral] & 2
    need(bool(flagged), name, "what was no collateral was seized")
    held, owed = s.before.claim(ev.collateral, ev.account, at), s.before.debt(ev.debt, ev.account, at)
    need(ev.paid <= _most(s, ev, held, owed, factor or 0), name, "more than the close factor was repaid")
    _seizure(s, ev, held)
    _units_of_liquidation(s, ev, owed)
    _dust(s, ev, held, owed)
    _improves(s, ev, factor or 0)


def _value(s: Step, asset: str, amount: int) -> int:
    return amount * s.before.price(asset) // int(10 ** DECIMALS[asset])


def _value_up(s: Step, asset: str, amount: int) -> int:
    return ceil_div(amount * s.before.price(asset), 10 ** DECIMALS[asset])


def _most(s: Step, ev: e.Liquidated, held: int, owed: int, factor: int) -> int:
    rules = s.setup.rules
    if rules.close_factor == "full":
        return owed
    if rules.close_factor == "half":
        return (owed + 1) // 2
    small = min(_value(s, ev.collateral, held), _value_up(s, ev.debt, owed)) < 2_000 * 10**8
    if small or factor <= 95 * 10**16:
        return owed
    half = (s.before.position(ev.account, s.entry.at, ASSETS)[2] + 1) // 2
    if _value_up(s, ev.debt, owed) <= half:
        return owed
    return half * int(10 ** DECIMALS[ev.debt]) // s.before.price(ev.debt)


def _seizure(s: Step, ev: e.Liquidated, held: int) -> None:
    """Hold price, bonus, fee and the fund's share of it against the rules."""
    name, cells, total = "liquidation", s.before.reserve(ev.collateral), ev.seized + ev.fee
    price_d, price_c = s.before.price(ev.debt), s.before.price(ev.collateral)
    if price_c == 0:
        need(ev.paid == 0 and total == held and ev.fee == 0, name, "worthless collateral")
        return
    unit_d, unit_c = 10 ** DECIMALS[ev.debt], 10 ** DECIMALS[ev.collateral]
    bonus = cells["bonus"]
    due = price_d * ev.paid * unit_c // (price_c * unit_d) * bonus // 10_000
    if total != due:
        worth = price_c * held * unit_d // (price_d * unit_c)
        need(total == held, name, f"{total} was seized, {due} was due")
        need(ev.paid == ceil_div(worth * 10_000, bonus), name, "the price of all collateral")
    gain = total - total * 10_000 // bonus
    need(ev.fee == ceil_div(gain * cells["protocol_fee"], 10_000), name, "the fee")
    index = s.before.indexes(ev.collateral, s.entry.at)[0]
    lendable = cells.get("virtual", 0) - (0 if ev.claims else ev.seized)
    lendable += ev.paid if ev.debt == ev.collateral else 0
    share = min(ev.fee * cells["fund_fee_share"] // 10_000, lendable)
    had = s.before.units("supply", ev.collateral, ev.account)
    left = min(had - min(had, ceil_div(ev.seized * ONE, index)), ceil_div(ev.fee * ONE, index))
    need(ev.fund_fee == (share if ceil_div(share * ONE, index) <= left else 0), name, "the fund's share")


def _units_of_liquidation(s: Step, ev: e.Liquidated, owed: int) -> None:
    """Hold what left the borrower, and who got it, against what was told."""
    name = "liquidation"
    index, borrow = s.before.indexes(ev.collateral, s.entry.at)[0], s.before.indexes(ev.debt, s.entry.at)[1]
    burned, had = -s.change("debt", ev.debt, ev.account), s.before.units("debt", ev.debt, ev.account)
    whole = burned == had and ev.paid >= owed
    need(whole or _exact_down(ev.paid, burned, borrow), name, f"{burned} units of debt for {ev.paid}")
    held = s.before.units("supply", ev.collateral, ev.account)
    left = -s.change("supply", ev.collateral, ev.account)
    taken = min(held, ceil_div(ev.seized * ONE, index))
    expected = min(held, taken + ceil_div(ev.fee * ONE, index))
    need(left == expected, name, f"{left} units were taken, not {expected}")
    need((ev.seized + ev.fee) * ONE <= left * index + 2 * ONE, name, "more went out than was taken")
    if ev.claims and ev.liquidator != "treasury":
        need(s.change("supply", ev.collateral, ev.liquidator) == taken, name, "claims of the liquidator")
    kept = left - taken - ceil_div(ev.fund_fee * ONE, index)
    if "treasury" not in (ev.liquidator, ev.account):
        need(s.change("supply", ev.collateral, "treasury") == kept, name, "the treasury's fee")


def _dust(s: Step, ev: e.Liquidated, held: int, owed: int) -> None:
    """Leave nothing that is too small to be liquidated."""
    total = ev.seized + ev.fee
    if not s.setup.rules.dust_rule or ev.paid >= owed or total >= held:
        return
    least = 1_000 * 10**8
    rest = _value_up(s, ev.debt, owed - ev.paid), _value(s, ev.collateral, held - total)
    need(min(rest) >= least, "liquidation", f"dust was left: {rest}")


def _improves(s: Step, ev: e.Liquidated, factor: int) -> None:
    """Where threshold times bonus is below the health factor, a liquidation does not lower it (H3).

    (W − t·c) / (D − d) ≥ W / D  if  c ≤ bonus·d and t·bonus ≤ W / D;  roundings are some units of each side.
    """
    cells = s.before.reserve(ev.collateral)
    _, weighted, debt = s.after.position(ev.account, s.entry.at, ASSETS)
    if not debt or cells["threshold"] * cells["bonus"] * WAD > factor * BPS * BPS:
        return
    slack = 8 + sum(
        4 * (s.before.price(asset) // int(10 ** DECIMALS[asset]) + 1) for asset in (ev.collateral, ev.debt)
    )
    better = (weighted + slack * BPS) * WAD >= factor * (debt - slack) * BPS
    need(better, "liquidation", f"health {factor} became {weighted} / {debt}", ev)


@law("pro-rata", e.LossAbsorbed)
def pro_rata(s: Step) -> None:
    """Let a haircut leave each claim its share of what is left, to a unit, whoever comes first (W5).

    share = claim before · left / worth        share − 1 − (a step of the index) ≤ claim after ≤ share
    """
    ev = s.event
    if not isinstance(ev, e.LossAbsorbed) or ev.bearer != "claims":
        return
    cells = s.before.reserve(ev.asset)
    units = cells.get("supply_scaled", 0) + cells.get("accrued_scaled", 0)
    worth = ceil_div(units * cells["liquidity_index"], ONE)
    left = s.before.owed("claims", ev.asset) + s.before.owed("treasury", ev.asset) - ev.amount
    old, new = cells["liquidity_index"], s.after.reserve(ev.asset)["liquidity_index"]
    for owner, held in s.before.cells.get(s.before.names.units["supply"][ev.asset], {}).items():
        most = held * old * left // (ONE * worth)
        kept = held * new // ONE
        need(most - 1 - held // ONE <= kept <= most, "pro-rata", f"{owner} keeps {kept} of {most}", ev)


@law("pro-rata-stake", e.Slashed)
def pro_rata_stake(s: Step) -> None:
    """Let a slash leave each staker his share of what is left, to a unit (W5).

    kept = ⌊ had · left / all ⌋, or a unit less
    """
    ev = s.event
    old, new = s.before.stake(), s.after.stake()
    if not isinstance(ev, e.Slashed) or s.setup.rate_form or not old.get("total_assets"):
        return
    virtual, left = 10**s.setup.offset_digits, old["total_assets"] - ev.assets
    for owner, shares in s.before.stake(".shares").items():
        kept = shares * (new["total_assets"] + 1) // (old["total_shares"] + virtual)
        had = shares * (old["total_assets"] + 1) // (old["total_shares"] + virtual)
        share = had * (left + 1) // (old["total_assets"] + 1)
        need(share - 1 <= kept <= share + 1, "pro-rata-stake", f"{owner} keeps {kept} of {share}", ev)


@law("shortfall", e.ShortfallRecognised)
def shortfall(s: Step) -> None:
    """See that a shortfall is the whole debt of one without collateral, burned and booked (W2)."""
    ev = s.event
    if not isinstance(ev, e.ShortfallRecognised):
        return
    at, name = s.entry.at, "shortfall"
    owed = s.before.debt(ev.asset, ev.account, at)  # what a partial repayment rounded away is no loss
    unit = s.before.indexes(ev.asset, at)[1] // ONE + 1
    need(ev.amount > 0 and owed - unit <= ev.amount <= owed, name, f"{owed} was owed", ev)
    need(s.after.units("debt", ev.asset, ev.account) == 0, name, "debt is left")
    collateral = s.before.position(ev.account, at, ASSETS)[0]
    need(collateral == 0, name, f"collateral of {collateral} is left")


@law("umbrella")
def umbrella(s: Step) -> None:
    """Pending deficit never exceeds the deficit (W6) and rises by a slash alone, above the offset alone."""
    if s.setup.umbrella == "none":
        return
    old, new = (x.cells.get("aave.umbrella.USDC", {}) for x in (s.before, s.after))
    lacking = s.after.reserve("USDC").get("deficit", 0)
    need(0 <= new.get("pending", 0) <= lacking, "umbrella", "pending above the deficit")
    moved = new.get("pending", 0) - old.get("pending", 0)
    match s.event:
        case e.PendingDeficitRaised():
            need(moved == s.event.amount >= 0, "umbrella", s.event)
            lacking -= old.get("offset", 0) + old.get("pending", 0)
            stake = s.setup.stake_asset
            worth = s.before.price("USDC") * (lacking * 10_500 // 10_000) * 10 ** DECIMALS[stake]
            want = worth // (s.before.price(stake) * 10**6)
            taken = new["collected"] - old.get("collected", 0)
            had = s.before.owed("tier:stakers", stake) + taken - s.setup.min_left
            need(taken == min(want, had), "umbrella", f"{taken} was slashed, {want} was due of {had}")
            covered = lacking if taken == want else lacking * taken // want
            need(s.event.amount == covered <= lacking, "umbrella", f"{covered} is covered", s.event)
        case e.PendingDeficitCovered():
            need(moved == -s.event.amount, "umbrella", s.event)
        case _:
            need(moved == 0, "umbrella", s.event)
