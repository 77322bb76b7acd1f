"""Liquidation in Compound v3: the reserves take an account over, and sell its collateral later.

    absorb   loans ─▶ absorbed   what the reserves pay for the collateral, by its liquidation factor
                  └─▶ deficit    what is then missing: recognised, and the waterfall begins
    buy      absorbed ─▶ cash    what that part had cost; more is the reserves' gain, less is a shortfall, too

Rules: compound-finance/comet d5a30b0a: absorbInternal, buyCollateral, quoteCollateral.
"""

from __future__ import annotations

import attrs

from mutualize.commands import Liquidate
from mutualize.compound_commands import Absorb, BuyCollateral
from mutualize.compound_events import Absorbed, CollateralBought
from mutualize.errors import Reason, require
from mutualize.events import Event, Liquidated
from mutualize.units import UINT128_MAX, WAD, div_down, times, wad_mul_down
from mutualize.venues.comet_figures import Base, Collateral, safe
from mutualize.venues.comet_work import Work


def absorb(work: Work, command: Absorb) -> list[Event]:
    """Comet `absorb`: all of these accounts, or none."""
    require(not work.base.absorb_paused, Reason.RESERVE_IS_PAUSED)
    work.accrue()
    events: list[Event] = []
    for debtor in command.accounts:
        events += _absorb(work, command.account, debtor)
    return [*work.accruals(), *events]


def _absorb(work: Work, liquidator: str, debtor: str) -> list[Event]:
    """Comet `absorbInternal`: the reserves pay for the collateral; the debt that is left is short."""
    require(work.is_liquidatable(debtor), Reason.POSITION_IS_HEALTHY)
    base, debt = work.base, work.debt(debtor)
    seized = work.seize(debtor)
    for figures, amount, paid in seized.held:
        figures.reserves += amount
        figures.cost += paid
    base.absorbed += seized.paid
    short, left = max(0, debt - seized.paid), max(0, seized.paid - debt)
    work.move(debtor, base.repay_and_supply, base.principal(left - short))
    fields = {"account": debtor, "asset": work.asset}
    credited = {"debt": debt, "credited": seized.paid, "left": left}
    events = [work.write(Absorbed, liquidator=liquidator, **fields, **credited)]
    if short:
        work.move(debtor, base.repay_and_supply, 0)
        events.append(work.recognise(debtor, short))
    return events


def buy_collateral(work: Work, command: BuyCollateral) -> list[Event]:
    """Comet `buyCollateral`: no accrual."""
    cost, out, rest = _sell(work, command.collateral, command.amount, command.least)
    bought = work.write(
        CollateralBought,
        account=command.account,
        asset=work.asset,
        paid=command.amount,
        collateral=command.collateral,
        amount=out,
        cost=cost,
    )
    return [bought, *_below_cost(work, command.collateral, rest)]


def _sell(work: Work, asset: str, amount: int, least: int) -> tuple[int, int, int]:
    """Sell collateral of the reserves. Return its cost, how much it is, and how much of the cost is lost."""
    figures, base = work.collateral(asset), work.base
    require(not base.buy_paused, Reason.RESERVE_IS_PAUSED)
    require(reserves_now(work) < base.target_reserves, Reason.COLLATERAL_IS_NOT_FOR_SALE)
    out = quote(work, figures, amount)
    require(out >= least, Reason.SLIPPAGE_IS_TOO_LARGE)
    require(out <= figures.reserves, Reason.RESERVES_ARE_INSUFFICIENT)
    cost = figures.part_of_cost(out)
    back = min(cost, amount)
    base.receive(amount)
    base.absorbed -= back
    figures.pay_out(safe(out, UINT128_MAX))
    figures.reserves -= out
    figures.cost -= back
    return cost, out, cost - back


def _below_cost(work: Work, asset: str, rest: int) -> list[Event]:
    """Recognise what a sale did not bring back of what the reserves had paid: nobody's debt by now."""
    if not rest:
        return []
    work.base.absorbed -= rest
    work.collateral(asset).cost -= rest
    return [work.recognise("", rest)]


def reserves_now(work: Work) -> int:
    """Return the reserves with interest up to now, which is not booked (`getReserves`)."""
    later = attrs.evolve(work.base)
    later.accrue(work.at)
    return later.reserves()


def quote(work: Work, figures: Collateral, amount: int) -> int:
    """Return how much collateral so much of the base asset buys (`quoteCollateral`)."""
    above, below = terms(work, figures)
    return div_down(div_down(times(above, amount), below), int(10**work.base.decimals))


def discount(work: Work, figures: Collateral) -> int:
    """Return by how much less than its price the reserves sell a collateral, WAD: a part of the penalty."""
    penalty = WAD - figures.factor("liquidation_factor")
    return wad_mul_down(work.base.store_front_factor, penalty)


def terms(work: Work, figures: Collateral) -> tuple[int, int]:
    """Return what base units are multiplied with, and divided by: a price less the discount."""
    price = wad_mul_down(work.told_price(figures.asset), WAD - discount(work, figures))
    require(price > 0, Reason.PRICE_IS_MISSING)
    return work.told_price(work.asset) * figures.unit, price


def price_of(work: Work, figures: Collateral, amount: int) -> int:
    """Return the most that may be paid for so much collateral, base units of the base asset."""
    above, below = terms(work, figures)
    return div_down((amount + 1) * below * int(10**work.base.decimals) - 1, above)


def is_selling(base: Base) -> bool:
    """Say whether the reserves sell collateral, with interest up to now (`buyCollateral`: below a target)."""
    return not base.buy_paused and base.reserves() < base.target_reserves


def liquidate(work: Work, command: Liquidate) -> list[Event]:
    """Absorb an account and buy some of its collateral in one transaction, as liquidators' contracts do.

    Who asks for ALL buys as much as was seized. The base asset pays for it.
    """
    asset = command.collateral
    require(not command.receive_claims, Reason.PARAMETER_IS_INVALID)
    require(command.debt == work.asset, Reason.DEBT_IS_NOT_OWED)
    figures, seized = work.collateral(asset), work.held(asset, command.borrower)
    require(seized > 0, Reason.COLLATERAL_IS_NOT_ENABLED)
    absorbing = Absorb(venue=command.venue, account=command.account, accounts=(command.borrower,))
    events = absorb(work, absorbing)
    paid = min(command.debt_to_cover, price_of(work, figures, seized))
    require(paid > 0, Reason.AMOUNT_IS_ZERO)
    _, out, rest = _sell(work, asset, paid, 0)
    fields = {"liquidator": command.account, "account": command.borrower}
    bought = work.write(Liquidated, **fields, collateral=asset, debt=work.asset, paid=paid, seized=out)
    return [*events, bought, *_below_cost(work, asset, rest)]
