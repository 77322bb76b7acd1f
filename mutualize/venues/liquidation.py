"""Liquidation in a lending pool: a liquidator repays debt and seizes collateral at a bonus.

    seize = pay · price_debt / price_collateral · bonus      (at most the collateral; then pay follows)
    none left? ─▶ the rest of the debt, and every other debt of the account, is a shortfall

Rules: Aave v3.7 `LiquidationLogic`, in its order: guards, amounts, debt side, collateral side, other debts.
"""

from __future__ import annotations

import attrs

from mutualize.commands import Liquidate
from mutualize.errors import Reason, require
from mutualize.events import Event, Liquidated
from mutualize.units import (
    BPS,
    WAD,
    mul_div_down,
    mul_div_up,
    percent_div_down,
    percent_div_up,
    percent_mul_down,
    percent_mul_half_up,
    percent_mul_up,
    ray_div_down,
    ray_div_up,
    ray_mul_down,
    ray_mul_up,
)
from mutualize.venues.reserve import Reserve
from mutualize.venues.rules import Health, PoolRules
from mutualize.venues.work import Work

HALF = 5_000


@attrs.define
class Side:
    """One side of a liquidation: a reserve, the borrower's units in it, what they are now, and its price."""

    reserve: Reserve
    units: int
    amount: int
    price: int

    def value_down(self, amount: int) -> int:
        """Return what an amount is worth in 8-decimals money, rounded down."""
        return mul_div_down(amount, self.price, self.reserve.unit)

    def value_up(self, amount: int) -> int:
        """Return what an amount is worth in 8-decimals money, rounded up."""
        return mul_div_up(amount, self.price, self.reserve.unit)


@attrs.define
class Amounts:
    """What changes hands: `pay` of the debt; `seize` to the liquidator and `fee` to the treasury."""

    pay: int
    seize: int
    fee: int


def liquidate(work: Work, command: Liquidate) -> list[Event]:
    """Carry out a liquidation. Returns accruals, `Liquidated`, and a `ShortfallRecognised` per debt left."""
    borrower = command.borrower
    collateral, debt = work.open_reserve(command.collateral), work.open_reserve(command.debt)
    require(command.account != borrower, Reason.BORROWER_IS_LIQUIDATOR)
    health = work.health(borrower)
    require(health.factor < WAD, Reason.POSITION_IS_HEALTHY)
    flags = work.flags(borrower)
    is_collateral = collateral.threshold > 0 and work.bits.is_collateral(flags, command.collateral)
    require(is_collateral, Reason.COLLATERAL_IS_NOT_ENABLED)
    require(work.bits.is_owed(flags, command.debt), Reason.DEBT_IS_NOT_OWED)
    units = work.supplied(command.collateral, borrower)
    held = Side(
        collateral, units, ray_mul_down(units, collateral.liquidity_index), work.price(command.collateral)
    )
    units = work.owed(command.debt, borrower)
    owed = Side(debt, units, ray_mul_up(units, debt.borrow_index), work.price(command.debt))

    most = most_of(work.rules, health, held, owed)
    amounts = amounts_of(work.rules, held, owed, min(command.debt_to_cover, most))
    dust = work.rules.dust_rule and leaves_dust(work.rules.leftover_min, held, owed, amounts)
    require(not dust, Reason.LEFTOVER_IS_DUST)
    none_left = takes_all(held, amounts, health)

    burned = ray_div_down(amounts.pay, debt.borrow_index)
    if none_left and amounts.pay == owed.amount:
        burned = owed.units
    require(burned > 0 or none_left, Reason.BURN_IS_TOO_SMALL)
    work.burn_debt(command.debt, borrower, burned)
    debt.receive(amounts.pay)
    recognised = none_left and work.rules.recognition == "at-zero-collateral"
    if not (recognised and burned < owed.units):
        debt.update_rates()
    fund_fee = _hand_over(work, held, command, amounts, none_left)
    transfers, cells = work.changes()
    liquidated = Liquidated(
        venue=work.name,
        liquidator=command.account,
        account=borrower,
        collateral=command.collateral,
        debt=command.debt,
        paid=amounts.pay,
        seized=amounts.seize,
        fee=amounts.fee,
        fund_fee=fund_fee,
        claims=command.receive_claims,
        transfers=transfers,
        cells=cells,
    )
    left = owed.amount - amounts.pay
    shortfalls = _recognise_all(work, command.debt, borrower, left) if recognised else []
    return [*work.accruals(), liquidated, *shortfalls]  # those of the other debts' reserves included


def most_of(rules: PoolRules, health: Health, held: Side, owed: Side) -> int:
    """Return how much of the debt may be repaid at once: the close factor."""
    if rules.close_factor == "full":
        return owed.amount
    if rules.close_factor == "half":  # Aave v2: LIQUIDATION_CLOSE_FACTOR_PERCENT of this reserve's debt
        return percent_mul_half_up(owed.amount, HALF)
    owed_value = owed.value_up(owed.amount)
    small = held.value_down(held.amount) < rules.full_below_value or owed_value < rules.full_below_value
    if small or health.factor <= rules.half_above_health:
        return owed.amount
    half = percent_mul_half_up(health.debt, HALF)
    return mul_div_down(half, owed.reserve.unit, owed.price) if owed_value > half else owed.amount


def amounts_of(rules: PoolRules, held: Side, owed: Side, pay: int) -> Amounts:
    """Return what changes hands (Aave `_calculateAvailableCollateralToLiquidate`)."""
    collateral, debt = held.reserve, owed.reserve
    if held.price == 0:  # a worthless debt (its price 0) seizes nothing, by the formula
        require(rules.zero_price_seizes and owed.price > 0, Reason.PRICE_IS_MISSING)
        return Amounts(0, held.amount, 0)
    base = mul_div_down(owed.price * pay, collateral.unit, held.price * debt.unit)
    seize = percent_mul_down(base, collateral.bonus)
    if seize > held.amount:
        seize = held.amount
        worth = mul_div_down(held.price * seize, debt.unit, owed.price * collateral.unit)
        pay = percent_div_up(worth, collateral.bonus)
    fee = 0
    if collateral.protocol_fee:
        bonus = seize - percent_div_down(seize, collateral.bonus)
        fee = percent_mul_up(bonus, collateral.protocol_fee)
    return Amounts(pay, seize - fee, fee)


def leaves_dust(least: int, held: Side, owed: Side, amounts: Amounts) -> bool:
    """Say whether what is left would be too small to be worth liquidating (Aave `MustNotLeaveDust`)."""
    taken = amounts.seize + amounts.fee
    if amounts.pay >= owed.amount or taken >= held.amount:
        return False
    enough = owed.value_up(owed.amount - amounts.pay) >= least
    return not (enough and held.value_down(held.amount - taken) >= least)


def takes_all(held: Side, amounts: Amounts, health: Health) -> bool:
    """Say whether all collateral value of the account is consumed; dust that is worth nothing included."""
    index = held.reserve.liquidity_index  # seizure and fee are each rounded up to units, at most all
    used = ray_div_up(amounts.seize, index) + (ray_div_up(amounts.fee, index) if amounts.fee else 0)
    return held.value_down(ray_mul_down(min(held.units, used), index)) == health.collateral


def _hand_over(work: Work, held: Side, command: Liquidate, amounts: Amounts, none_left: bool) -> int:
    """Move the collateral: to the liquidator, the fee to treasury and fund. Returns the fund's part."""
    asset, borrower, collateral = command.collateral, command.borrower, held.reserve
    scaled = min(held.units, ray_div_up(amounts.seize, collateral.liquidity_index))
    if command.receive_claims:
        work.move_claims(asset, borrower, command.account, scaled, collateral=False)
    else:
        require(scaled > 0, Reason.BURN_IS_TOO_SMALL)
        work.burn_claims(asset, borrower, scaled)
        collateral.pay_out(amounts.seize)
        collateral.update_rates()
    fund_fee = _pay_fee(work, collateral, borrower, amounts.fee) if amounts.fee else 0
    if none_left and work.bits.is_collateral(work.flags(borrower), asset):
        work.flag_collateral(borrower, asset, on=False)
    return fund_fee


def _pay_fee(work: Work, collateral: Reserve, borrower: str, fee: int) -> int:
    """Move the fee to the treasury as claims, after the fund's share in cash. Returns the fund's share."""
    asset, index = collateral.asset, collateral.liquidity_index
    left = min(work.supplied(asset, borrower), ray_div_up(fee, index))
    fund_fee = min(mul_div_down(fee, collateral.fund_fee_share, BPS), collateral.virtual)
    burned = ray_div_up(fund_fee, index)
    if not fund_fee or burned > left:
        fund_fee = burned = 0
    else:
        work.burn_claims(asset, borrower, burned)
        collateral.move_to_tier(work.rules.fund, fund_fee)
        collateral.update_rates()
    work.move_claims(asset, borrower, work.rules.treasury, left - burned, collateral=False)
    return fund_fee


def _recognise_all(work: Work, first: str, borrower: str, left: int) -> list[Event]:
    """Book what is left of every debt of an account without collateral; the liquidated debt first.

    Of that one the deficit is the debt before, less what was paid (`left`). The debt of the units that are
    left may be some base units more, since the burn rounded down: a gain of the residue, not a shortfall.
    """
    others = [asset for asset, _, owes in work.bits.used(work.flags(borrower)) if owes and asset != first]
    return [
        work.recognise(asset, borrower, left if asset == first else None)
        for asset in [first, *others]
        if asset != first or left
    ]
