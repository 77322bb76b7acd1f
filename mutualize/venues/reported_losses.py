"""Losses from outside: cash that is stolen or lost its worth, claims without money, a mutual's claims.

    theft, backing    deficit ↑  cash ↓             mint, claim    deficit ↑  claims ↑

Whatever the way, the loss stands in the deficit to the unit, and the waterfall begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.commands import ALL
from mutualize.errors import Reason, require
from mutualize.events import ShortfallRecognised
from mutualize.loss_commands import BACKING, CLAIM, LOSSES, MINT, THEFT, ReportLoss
from mutualize.tables import ORACLE
from mutualize.tier_events import LossReported
from mutualize.units import UINT256_MAX, WAD, mul_div_up, ray_div_down

if TYPE_CHECKING:
    from mutualize.events import Event
    from mutualize.venues.work import Work


def require_sound(command: ReportLoss, governance: str) -> None:
    """Refuse a report that does not say what its kind of loss needs."""
    require(command.loss in LOSSES, Reason.PARAMETER_IS_INVALID)
    shared = command.loss == BACKING
    require((command.share > 0) == shared and command.share <= WAD, Reason.PARAMETER_IS_INVALID)
    require(not (shared and command.amount), Reason.PARAMETER_IS_INVALID)
    require(bool(command.holder) or command.loss not in (MINT, CLAIM), Reason.PARAMETER_IS_INVALID)
    require(command.loss != CLAIM or command.account == governance, Reason.CALLER_IS_NOT_GOVERNANCE)


def lost(command: ReportLoss, cash: int) -> int:
    """Return how much is lost, where `cash` is what stands behind claims. Refuses more cash than there is."""
    if command.loss == BACKING:
        return mul_div_up(cash, command.share, WAD)
    if command.loss != THEFT:
        require(command.amount <= UINT256_MAX - 1, Reason.AMOUNT_IS_TOO_LARGE)
        return command.amount
    amount = cash if command.amount == ALL else command.amount
    require(amount <= cash, Reason.LIQUIDITY_IS_INSUFFICIENT)
    return amount


def debtor_of(command: ReportLoss) -> str:
    """Return whose loss it is: the thief's. Who has an accepted claim owes nothing."""
    return command.holder if command.loss in (THEFT, MINT) else ""


def told(command: ReportLoss, amount: int) -> LossReported:
    """Return the event that says what kind of loss it is."""
    return LossReported(
        venue=command.venue,
        account=command.account,
        asset=command.asset,
        loss=command.loss,
        amount=amount,
        holder=command.holder,
    )


def report_loss(work: Work, command: ReportLoss) -> list[Event]:
    """Recognise a loss from outside in a lending pool. What a tier or a stake holds is not touched."""
    require_sound(command, work.rules.governance)
    reserve = work.reserve(command.asset)
    amount = lost(command, reserve.virtual)
    require(amount > 0, Reason.AMOUNT_IS_ZERO)
    if command.loss in (MINT, CLAIM):
        scaled = ray_div_down(amount, reserve.liquidity_index)
        require(scaled > 0, Reason.AMOUNT_IS_TOO_SMALL)
        work.mint_claims(command.asset, command.holder, scaled)
    else:
        reserve.virtual -= amount
    reserve.deficit += amount
    reserve.update_rates()
    shortfall = work.write(
        ShortfallRecognised,
        account=debtor_of(command),
        asset=command.asset,
        amount=amount,
        price=work.view.cell(ORACLE, command.asset),
    )
    return [*work.accruals(), told(command, amount), shortfall]
