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
from mutualize.venues.rules import Health
from mutualize.venues.work import Work

HALF = 5_000


@attrs.frozen
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
    held = ray_mul_down(work.supplied(command.collateral, borrower), collateral.liquidity_index)
    owed = ray_mul_up(work.owed(command.debt, borrower), debt.borrow_index)
    is_collateral = collateral.threshold > 0 and work.bits.is_collateral(
        work.flags(borrower), command.collateral
    )
    require(is_collateral, Reason.COLLATERAL_IS_NOT_ENABLED)
    require(owed > 0, Reason.DEBT_IS_NOT_OWED)

    most = _most(work, health, collateral, debt, held, owed)
    amounts = _amounts(work, collateral, debt, held, min(command.debt_to_cover, most))
    _require_no_dust(work, collateral, debt, amounts, held, owed)
    none_left = _takes_all(work, collateral, borrower, amounts, health)

    burned = ray_div_down(amounts.pay, debt.borrow_index)
    if none_left and amounts.pay == owed:
        burned = work.owed(command.debt, borrower)
    require(burned > 0 or none_left, Reason.BURN_IS_TOO_SMALL)
    work.burn_debt(command.debt, borrower, burned)
    debt.receive(amounts.pay)
    recognised = none_left and work.rules.recognition == "at-zero-collateral"
    if not (recognised and work.owed(command.debt, borrower)):
        debt.update_rates()
    fund_fee = _hand_over(work, collateral, command, amounts, none_left)
    liquidated = work.write(
        Liquidated,
        liquidator=command.account,
        account=borrower,
        collateral=command.collateral,
        debt=command.debt,
        paid=amounts.pay,
        seized=amounts.seize,
        fee=amounts.fee,
        fund_fee=fund_fee,
        claims=command.receive_claims,
        debt_price=work.price(command.debt),
        collateral_price=work.price(command.collateral),
    )
    left = owed - amounts.pay
    shortfalls = _recognise_all(work, command.debt, borrower, left) if recognised else []
    return [*work.accruals(), liquidated, *shortfalls]


def _most(work: Work, health: Health, collateral: Reserve, debt: Reserve, held: int, owed: int) -> int:
    """Return how much of the debt may be repaid at once: the close factor."""
    rules = work.rules
    if rules.close_factor == "full":
        return owed
    if rules.close_factor == "half":  # Aave v2: LIQUIDATION_CLOSE_FACTOR_PERCENT of this reserve's debt
        return percent_mul_half_up(owed, HALF)
    held_value = mul_div_down(held, work.price(collateral.asset), collateral.unit)
    owed_value = mul_div_up(owed, work.price(debt.asset), debt.unit)
    small = held_value < rules.full_below_value or owed_value < rules.full_below_value
    if small or health.factor <= rules.half_above_health:
        return owed
    half = percent_mul_half_up(health.debt, HALF)
    return mul_div_down(half, debt.unit, work.price(debt.asset)) if owed_value > half else owed


def _amounts(work: Work, collateral: Reserve, debt: Reserve, held: int, pay: int) -> Amounts:
    """Return what changes hands (Aave `_calculateAvailableCollateralToLiquidate`)."""
    price_c, price_d = work.price(collateral.asset), work.price(debt.asset)
    if price_c == 0:  # a worthless debt (price_d = 0) seizes nothing, by the formula
        require(work.rules.zero_price_seizes and price_d > 0, Reason.PRICE_IS_MISSING)
        return Amounts(pay=0, seize=held, fee=0)
    base = mul_div_down(price_d * pay, collateral.unit, price_c * debt.unit)
    seize = percent_mul_down(base, collateral.bonus)
    if seize > held:
        seize = held
        worth = mul_div_down(price_c * held, debt.unit, price_d * collateral.unit)
        pay = percent_div_up(worth, collateral.bonus)
    fee = 0
    if collateral.protocol_fee:
        bonus = seize - percent_div_down(seize, collateral.bonus)
        fee = percent_mul_up(bonus, collateral.protocol_fee)
    return Amounts(pay=pay, seize=seize - fee, fee=fee)


def _require_no_dust(
    work: Work, collateral: Reserve, debt: Reserve, amounts: Amounts, held: int, owed: int
) -> None:
    """Refuse to leave a position too small to be worth liquidating (Aave `MustNotLeaveDust`)."""
    taken = amounts.seize + amounts.fee
    if not work.rules.dust_rule or amounts.pay >= owed or taken >= held:
        return
    owed_left = mul_div_up(owed - amounts.pay, work.price(debt.asset), debt.unit)
    held_left = mul_div_down(held - taken, work.price(collateral.asset), collateral.unit)
    enough = owed_left >= work.rules.leftover_min and held_left >= work.rules.leftover_min
    require(enough, Reason.LEFTOVER_IS_DUST)


def _units(collateral: Reserve, held_scaled: int, amounts: Amounts) -> int:
    """Return the scaled units that leave the borrower: seizure and fee each rounded up, at most all."""
    index = collateral.liquidity_index
    return min(held_scaled, ray_div_up(amounts.seize, index) + ray_div_up(amounts.fee, index))


def _takes_all(work: Work, collateral: Reserve, borrower: str, amounts: Amounts, health: Health) -> bool:
    """Say whether all collateral value of the account is consumed; dust that is worth nothing included."""
    used = _units(collateral, work.supplied(collateral.asset, borrower), amounts)
    taken = ray_mul_down(used, collateral.liquidity_index)
    value = mul_div_down(taken, work.price(collateral.asset), collateral.unit)
    return value == health.collateral


def _hand_over(work: Work, collateral: Reserve, command: Liquidate, amounts: Amounts, none_left: bool) -> int:
    """Move the collateral: to the liquidator, the fee to treasury and fund. Returns the fund's part."""
    asset, borrower = command.collateral, command.borrower
    held = work.supplied(asset, borrower)
    scaled = min(held, ray_div_up(amounts.seize, collateral.liquidity_index))
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
