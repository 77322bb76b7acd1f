"""A lending pool with several reserves and cross collateral: Aave v3 rules, with the contract's integers.

    supply ─▶ claims (scaled by the liquidity index)      borrow ─▶ loans (scaled by the borrow index)
    health = Σ collateral·price·threshold / Σ debt·price      below 1: anyone may liquidate
    collateral gone, debt left ─▶ deficit: recognised, and the waterfall begins

Rules: Aave v3.7 (aave-dao/aave-v3-origin fd1fbd91). What earlier versions did is a parameter (`PoolRules`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mutualize.book import Draft, View
from mutualize.commands import (
    ALL,
    Borrow,
    Command,
    ContributeToFund,
    EliminateDeficit,
    Liquidate,
    ListReserve,
    MintToTreasury,
    OpenPosition,
    RecogniseShortfall,
    Repay,
    SetCollateral,
    SetParameter,
    Supply,
    TransferClaims,
    Withdraw,
)
from mutualize.errors import Reason, require
from mutualize.events import (
    Borrowed,
    Cell,
    ClaimsTransferred,
    CollateralSet,
    DeficitEliminated,
    Event,
    ParameterChanged,
    PositionOpened,
    Repaid,
    ReserveListed,
    Supplied,
    TreasuryMinted,
    Withdrawn,
)
from mutualize.loss_commands import ReportLoss
from mutualize.open_losses import OpenLosses
from mutualize.tables import exits_table, reserve_table
from mutualize.units import (
    BPS,
    RAY,
    WAD,
    mul_div_down,
    ray_div_down,
    ray_div_up,
    ray_mul_down,
    ray_mul_up,
)
from mutualize.venues.cover import PoolCover
from mutualize.venues.funds import contribute
from mutualize.venues.liquidation import liquidate
from mutualize.venues.reported_losses import report_loss
from mutualize.venues.reserve import PARAMETERS, STATE, Reserve
from mutualize.venues.rules import Flags, Health, PoolRules
from mutualize.venues.work import Work


class Pool:
    """The venue. `assets` fixes the order of reserves, and with it the bits of a holder's flags."""

    def __init__(self, name: str, assets: Sequence[str], rules: PoolRules | None = None) -> None:
        self.name = name
        self.assets = tuple(assets)
        self.rules = rules or PoolRules()
        self.bits = Flags(assets)
        self.flags = f"{name}.flags"
        self._kept: Work | None = None
        """The working copies of the last transaction that began on a book."""
        self._verbs: dict[type[Command], Callable[[View, Any, int], list[Event]]] = {
            ListReserve: self.list_reserve,
            SetParameter: self.set_parameter,
            Supply: self.supply,
            Withdraw: self.withdraw,
            Borrow: self.borrow,
            Repay: self.repay,
            SetCollateral: self.set_collateral,
            TransferClaims: self.transfer_claims,
            OpenPosition: self.open_position,
            Liquidate: self.liquidate,
            RecogniseShortfall: self.recognise,
            MintToTreasury: self.mint_to_treasury,
            EliminateDeficit: self.eliminate_deficit,
            ContributeToFund: lambda _view, command, _at: contribute(command),
            ReportLoss: self.report_loss,
        }

    def change(self, rules: PoolRules) -> None:
        """Go by the rules of another version from now on."""
        self.rules, self._kept = rules, None

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        return self._verbs[type(command)](view, command, at)

    def work(self, view: View, at: int, *, accruing: bool = True) -> Work:
        """Return working copies for one transaction, or (not accruing) for reading.

        Those of the last transaction, or of this one so far, are taken up again where the view shows that
        nothing was written but what they told: a copy that is right need not be made anew.
        """
        if not accruing or not isinstance(view, Draft):
            return Work(self.name, self.bits, self.rules, view, at, accruing=accruing)
        kept = self._kept
        if kept is None or not kept.follows(view):
            if view.events:
                return Work(self.name, self.bits, self.rules, view, at)
            kept = self._kept = Work(self.name, self.bits, self.rules, view.below, at)
        if not view.events:
            kept.begin(at)
        return kept

    def cover(self) -> PoolCover:
        """Return how tiers may pay this pool's deficits."""
        return PoolCover(self)

    # --- reads -------------------------------------------------------------------------------------------

    def reserve(self, view: View, asset: str) -> Reserve:
        """Return a copy of a reserve as it was last written. Refuses an asset that is not listed."""
        return Reserve.load(view, self.name, asset)

    def claim(self, view: View, account: str, asset: str, at: int) -> int:
        """Return a holder's claim with interest up to `at`, rounded down."""
        return self.work(view, at, accruing=False).claim(asset, account)

    def debt(self, view: View, account: str, asset: str, at: int) -> int:
        """Return a borrower's debt with interest up to `at`, rounded up."""
        return self.work(view, at, accruing=False).debt(asset, account)

    def health(self, view: View, account: str, at: int) -> Health:
        """Return a position's health with interest up to `at`. Refuses where a price is missing."""
        return self.work(view, at, accruing=False).health(account)

    def utilization(self, view: View, asset: str) -> int:
        """Return loans over loans and cash as last written, in WAD, rounded down."""
        reserve = self.reserve(view, asset)
        loans = reserve.loans()
        return mul_div_down(loans, WAD, loans + reserve.virtual) if loans else 0

    # --- set-up and governance ---------------------------------------------------------------------------

    def list_reserve(self, view: View, command: ListReserve, at: int) -> list[Event]:
        """Open a reserve with its parameters (all of `PARAMETERS`; those not given are 0)."""
        given = dict(command.parameters)
        table = reserve_table(self.name, command.asset)
        require(command.asset in self.assets, Reason.RESERVE_IS_UNKNOWN)
        require(not view.has(table, "decimals"), Reason.PARAMETER_IS_INVALID)
        require(not set(given).difference(PARAMETERS), Reason.PARAMETER_IS_INVALID)
        for name, value in given.items():
            require(PARAMETERS[name][0] <= value <= PARAMETERS[name][1], Reason.PARAMETER_IS_INVALID)
        cells = {name: given.get(name, 0) for name in PARAMETERS}
        cells |= dict.fromkeys(STATE, 0) | {"liquidity_index": RAY, "borrow_index": RAY, "last_update": at}
        return [
            ReserveListed(
                venue=self.name,
                asset=command.asset,
                decimals=given.get("decimals", 0),
                cells=tuple(sorted(Cell(table, name, value) for name, value in cells.items())),
            )
        ]

    def set_parameter(self, view: View, command: SetParameter, at: int) -> list[Event]:
        """Change a parameter of a reserve. Interest so far is earned at the old terms."""
        require(command.account == self.rules.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        bounds = PARAMETERS.get(command.name)
        require(bounds is not None and command.name != "decimals", Reason.PARAMETER_IS_INVALID)
        assert bounds is not None
        require(bounds[0] <= command.value <= bounds[1], Reason.PARAMETER_IS_INVALID)
        work = self.work(view, at)
        reserve = work.reserve(command.asset)
        before = getattr(reserve, command.name)
        work.set_parameter(command.asset, command.name, command.value)
        reserve.update_rates()
        return work.done(
            ParameterChanged,
            asset=command.asset,
            name=command.name,
            before=before,
            after=command.value,
        )

    # --- verbs -------------------------------------------------------------------------------------------

    def supply(self, view: View, command: Supply, at: int) -> list[Event]:
        """Aave `SupplyLogic.executeSupply`."""
        work = self.work(view, at)
        reserve = work.open_reserve(command.asset)
        scaled = ray_div_down(command.amount, reserve.liquidity_index)
        require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
        require(scaled > 0, Reason.AMOUNT_IS_TOO_SMALL)
        reserve.receive(command.amount)
        reserve.update_rates()
        work.mint_claims(command.asset, command.account, scaled)
        return work.done(
            Supplied, account=command.account, asset=command.asset, amount=command.amount, scaled=scaled
        )

    def withdraw(self, view: View, command: Withdraw, at: int) -> list[Event]:
        """Aave `SupplyLogic.executeWithdraw`."""
        require(not view.cell(exits_table(self.name), "frozen"), Reason.EXITS_ARE_FROZEN)
        work = self.work(view, at)
        reserve = work.open_reserve(command.asset)
        held = work.supplied(command.asset, command.account)
        amount, scaled = _part_of_claim(command.amount, held, reserve)
        require(scaled > 0, Reason.AMOUNT_IS_ZERO)
        require(scaled <= held, Reason.BALANCE_IS_INSUFFICIENT)
        reserve.pay_out(amount)
        reserve.update_rates()
        was_collateral = self.bits.is_collateral(work.flags(command.account), command.asset)
        work.burn_claims(command.asset, command.account, scaled)
        if was_collateral:
            work.require_safe(command.account)
        return work.done(
            Withdrawn, account=command.account, asset=command.asset, amount=amount, scaled=scaled
        )

    def borrow(self, view: View, command: Borrow, at: int) -> list[Event]:
        """Aave `BorrowLogic.executeBorrow`."""
        work = self.work(view, at)
        reserve = work.open_reserve(command.asset)
        scaled = ray_div_up(command.amount, reserve.borrow_index)
        require(scaled > 0, Reason.AMOUNT_IS_ZERO)
        require(reserve.claims() >= ray_mul_up(scaled, reserve.borrow_index), Reason.CLAIMS_ARE_INSUFFICIENT)
        work.mint_debt(command.asset, command.account, scaled)
        reserve.pay_out(command.amount)
        reserve.update_rates()
        work.require_borrowable(command.account)
        return work.done(
            Borrowed, account=command.account, asset=command.asset, amount=command.amount, scaled=scaled
        )

    def repay(self, view: View, command: Repay, at: int) -> list[Event]:
        """Aave `BorrowLogic.executeRepay`."""
        work = self.work(view, at)
        reserve = work.open_reserve(command.asset)
        debtor = command.on_behalf_of or command.account
        owed = ray_mul_up(work.owed(command.asset, debtor), reserve.borrow_index)
        require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
        require(owed > 0, Reason.DEBT_IS_ZERO)
        paid = min(command.amount, owed)
        scaled = ray_div_down(paid, reserve.borrow_index)
        require(scaled > 0, Reason.BURN_IS_TOO_SMALL)
        work.burn_debt(command.asset, debtor, scaled)
        reserve.receive(paid)
        reserve.update_rates()
        return work.done(
            Repaid, account=debtor, payer=command.account, asset=command.asset, amount=paid, scaled=scaled
        )

    def set_collateral(self, view: View, command: SetCollateral, at: int) -> list[Event]:
        """Aave `SupplyLogic.executeUseReserveAsCollateral`: no accrual, no new rates."""
        work = self.work(view, at, accruing=False)
        work.open_reserve(command.asset)
        flags = work.flags(command.account)
        if self.bits.is_collateral(flags, command.asset) == command.on:
            return []
        if command.on:
            require(work.supplied(command.asset, command.account) > 0, Reason.BALANCE_IS_ZERO)
            require(work.reserve(command.asset).ltv > 0, Reason.COLLATERAL_IS_NOT_ALLOWED)
            work.flag_collateral(command.account, command.asset, on=True)
        else:
            work.flag_collateral(command.account, command.asset, on=False)
            work.require_safe(command.account)
        return work.done(CollateralSet, account=command.account, asset=command.asset, on=command.on)

    def transfer_claims(self, view: View, command: TransferClaims, at: int) -> list[Event]:
        """Aave `AToken.transfer`: no accrual; the sender must stay safe."""
        work = self.work(view, at, accruing=False)
        reserve = work.open_reserve(command.asset)
        held = work.supplied(command.asset, command.account)
        index = reserve.income_index(at)
        amount = ray_mul_down(held, index) if command.amount == ALL else command.amount
        scaled = held if command.amount == ALL else ray_div_up(amount, index)
        require(scaled > 0, Reason.AMOUNT_IS_ZERO)
        require(scaled <= held, Reason.BALANCE_IS_INSUFFICIENT)
        was_collateral = self.bits.is_collateral(work.flags(command.account), command.asset)
        work.move_claims(command.asset, command.account, command.to, scaled)
        if was_collateral:
            work.require_safe(command.account)
        return work.done(
            ClaimsTransferred,
            account=command.account,
            to=command.to,
            asset=command.asset,
            amount=amount,
            scaled=scaled,
        )

    def open_position(self, view: View, command: OpenPosition, at: int) -> list[Event]:
        """Begin with a position: `supply` and `borrow` in one event. Health is checked, ltv is not."""
        work = self.work(view, at)
        supply, debt = work.open_reserve(command.collateral), work.open_reserve(command.debt)
        scaled = ray_div_down(command.collateral_amount, supply.liquidity_index)
        require(scaled > 0, Reason.AMOUNT_IS_TOO_SMALL)
        supply.receive(command.collateral_amount)
        work.mint_claims(command.collateral, command.account, scaled)
        if command.debt_amount:
            debt.pay_out(command.debt_amount)
            work.mint_debt(command.debt, command.account, ray_div_up(command.debt_amount, debt.borrow_index))
            work.require_safe(command.account)
        supply.update_rates()
        debt.update_rates()
        return work.done(
            PositionOpened,
            account=command.account,
            collateral=command.collateral,
            collateral_amount=command.collateral_amount,
            debt=command.debt,
            debt_amount=command.debt_amount,
        )

    def liquidate(self, view: View, command: Liquidate, at: int) -> list[Event]:
        """Aave `LiquidationLogic.executeLiquidationCall`; in a file of its own."""
        return liquidate(self.work(view, at), command)

    def recognise(self, view: View, command: RecogniseShortfall, at: int) -> list[Event]:
        """Move the whole debt of a borrower without collateral to the deficit (where it is not automatic)."""
        require(command.account == self.rules.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        work = self.work(view, at)
        work.open_reserve(command.asset)
        require(work.owed(command.asset, command.borrower) > 0, Reason.DEBT_IS_NOT_OWED)
        require(work.health(command.borrower).collateral == 0, Reason.COLLATERAL_REMAINS)
        shortfall = work.recognise(command.asset, command.borrower)
        return [*work.accruals(), shortfall]

    def report_loss(self, view: View, command: ReportLoss, at: int) -> list[Event]:
        """Recognise a loss from outside; in a file of its own."""
        return report_loss(self.work(view, at), command)

    def mint_to_treasury(self, view: View, command: MintToTreasury, at: int) -> list[Event]:
        """Aave `executeMintToTreasury`; before it, the fund takes its share of the interest in cash."""
        fund_share = self.reserve(view, command.asset).fund_reserve_share
        # the contract books no interest here; but where cash leaves, what it stands for is booked first
        work = self.work(view, at, accruing=fund_share > 0)
        reserve = work.reserve(command.asset)
        index, accrued = reserve.income_index(at), reserve.accrued_scaled
        share = mul_div_down(accrued, fund_share, BPS)
        fund_amount = min(ray_mul_down(share, index), reserve.virtual)
        if fund_amount:
            accrued -= ray_div_up(fund_amount, index)
            reserve.move_to_tier(self.rules.fund, fund_amount)
            reserve.update_rates()
        reserve.accrued_scaled = 0
        work.mint_claims(command.asset, self.rules.treasury, accrued, collateral=False)
        return work.done(
            TreasuryMinted,
            account=self.rules.treasury,
            asset=command.asset,
            amount=ray_mul_down(accrued, index),
            fund_amount=fund_amount,
        )

    def eliminate_deficit(self, view: View, command: EliminateDeficit, at: int) -> list[Event]:
        """Aave `LiquidationLogic.executeEliminateDeficit`: claims are burned, cash does not move."""
        require(command.account == self.rules.umbrella, Reason.CALLER_IS_NOT_UMBRELLA)
        require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
        work = self.work(view, at, accruing=False)
        require(work.reserve(command.asset).deficit > 0, Reason.DEFICIT_IS_ZERO)
        borrows = any(owes for _, _, owes in self.bits.used(work.flags(command.account)))
        require(not borrows, Reason.CALLER_HAS_DEBT)
        work = self.work(view, at)
        reserve = work.open_reserve(command.asset)
        # what tiers still owe is theirs to pay: paid twice, the deficit would fall below zero
        pending = sum(loss.amount for loss in OpenLosses(self.name).all(view, command.asset))
        require(reserve.deficit > pending, Reason.DEFICIT_IS_ZERO)
        written = min(command.amount, reserve.deficit - pending)
        scaled = ray_div_up(written, reserve.liquidity_index)
        held = work.supplied(command.asset, command.account)
        require(scaled <= held, Reason.BALANCE_IS_INSUFFICIENT)
        work.burn_claims(command.asset, command.account, scaled)
        reserve.deficit -= written
        reserve.update_rates()
        return work.done(DeficitEliminated, account=command.account, asset=command.asset, amount=written)


def _part_of_claim(amount: int, held: int, reserve: Reserve) -> tuple[int, int]:
    """Return (amount, scaled units to burn): the whole claim for ALL, else units rounded up."""
    if amount == ALL:
        return ray_mul_down(held, reserve.liquidity_index), held
    return amount, ray_div_up(amount, reserve.liquidity_index)
