"""Compound v3 (Comet): one base asset to lend, collateral kept apart, and reserves that may be negative.

    supply, withdraw ─▶ a signed principal as of two indexes     collateral earns nothing, nobody is lent it
    collateral too small ─▶ absorb: reserves take it and the debt over, whatever they have themselves
    reserves below target ─▶ anybody buys that collateral, at a discount ─▶ reserves grow again

Its one rule: a verb is one function of Comet.sol, guard by guard, and accrues only where that does. What
collateral did not cover is recognised at once; who pays for it a table of tiers says (`comet_figures` tells
how the contract's one signed number is kept). Rules: compound-finance/comet d5a30b0a.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mutualize.book import View
from mutualize.commands import (
    ALL,
    Borrow,
    Command,
    ContributeToFund,
    Liquidate,
    ListReserve,
    OpenPosition,
    Repay,
    SetParameter,
    Supply,
    Withdraw,
)
from mutualize.compound_commands import Absorb, BuyCollateral, Donate, WithdrawReserves
from mutualize.compound_events import Donated, ReservesWithdrawn
from mutualize.errors import Reason, require
from mutualize.events import (
    Borrowed,
    Cell,
    Event,
    ParameterChanged,
    PositionOpened,
    Repaid,
    ReserveListed,
    Supplied,
    Withdrawn,
)
from mutualize.tables import exits_table, reserve_table
from mutualize.units import UINT128_MAX, WAD, div_down, highest_without, mul_div_down, wad_mul_down
from mutualize.venues import absorption
from mutualize.venues.comet_figures import (
    BASE_PARAMETERS,
    COLLATERAL_PARAMETERS,
    INDEX,
    Base,
    Collateral,
    safe,
)
from mutualize.venues.comet_work import BORROW, Standing, Work
from mutualize.venues.funds import contribute
from mutualize.venues.markets_cover import MarketsCover
from mutualize.venues.rules import Flags
from mutualize.venues.sheet import Figures, parameters_of, require_sound


class Comet:
    """The venue. The first of `assets` is the base; the others are collateral, in the contract's order."""

    def __init__(self, name: str, assets: Sequence[str], *, governance: str = "governance") -> None:
        self.name = name
        self.assets = tuple(assets)
        self.asset = self.assets[0]
        self.governance = governance
        self.bits = Flags(assets)
        self._verbs: dict[type[Command], Callable[[Work, Any], list[Event]]] = {
            ListReserve: self.list_asset,
            SetParameter: self.set_parameter,
            Supply: self.supply,
            Withdraw: self.withdraw,
            Borrow: self.borrow,
            Repay: self.repay,
            OpenPosition: self.open_position,
            Absorb: absorption.absorb,
            BuyCollateral: absorption.buy_collateral,
            Liquidate: absorption.liquidate,
            WithdrawReserves: self.withdraw_reserves,
            Donate: self.donate,
            ContributeToFund: lambda _, command: contribute(command),
        }

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        require_sound(command, self.assets)
        return self._verbs[type(command)](self.work(view, at), command)

    def work(self, view: View, at: int) -> Work:
        """Return working copies for one transaction, or for reading."""
        return Work(self.name, self.assets, self.bits, view, at)

    def cover(self) -> MarketsCover:
        """Return how tiers may pay this venue's deficit, which is in the base asset."""
        return MarketsCover(self)

    # --- reads -------------------------------------------------------------------------------------------

    def decimals(self, view: View, asset: str) -> int:
        """Return the decimals of an asset."""
        return view.cell(reserve_table(self.name, asset), "decimals")

    def _now(self, view: View, at: int) -> Work:
        work = self.work(view, at)
        work.accrue()
        return work

    def reserves(self, view: View, at: int) -> int:
        """Return the contract's reserves with interest up to `at`: of either sign (`getReserves`)."""
        return self._now(view, at).base.reserves()

    def collateral_reserves(self, view: View, asset: str) -> int:
        """Return what the reserves have of a collateral (`getCollateralReserves`), base units."""
        return self.work(view, 0).collateral(asset).reserves

    def claim(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account can take out with interest up to `at`, rounded down (`balanceOf`)."""
        return self._now(view, at).claim(asset, account)

    def debt(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account owes with interest up to `at`, rounded down (`borrowBalanceOf`)."""
        return self._now(view, at).debt(account) if asset == self.asset else 0

    def health(self, view: View, account: str, at: int) -> Standing:
        """Return what carries an account's debt with interest up to `at`. Refuses where a price is missing.

        The contract's own answer is that of `work(view, at).is_liquidatable(account)`, as last accrued.
        """
        return self._now(view, at).standing(account)

    def utilization(self, view: View, asset: str) -> int:
        """Return loans over claims as last accrued, in WAD, rounded down; 0 for collateral."""
        return self.work(view, 0).base.utilization() if asset == self.asset else 0

    def quote(self, view: View, asset: str, amount: int) -> int:
        """Return how much collateral so much of the base asset buys (`quoteCollateral`)."""
        work = self.work(view, 0)
        return absorption.quote(work, work.collateral(asset), amount)

    def price_at_limit(self, view: View, account: str, asset: str, at: int) -> int | None:
        """Return the highest price of a collateral (8 decimals) at which the account may be absorbed.

        All other prices as they are. None where no price of it makes the account unsafe by falling.
        """
        work = self._now(view, at)
        held = work.held(asset, account) if asset != self.asset else 0
        carried, debt = work.standing(account)
        factor = work.collateral(asset).factor("liquidate_factor") if held else 0
        if not held or not factor:
            return None
        own = wad_mul_down(work.value(asset, held), factor)
        needed = debt - (carried - own)
        if needed <= 0:
            return None
        unit = work.collateral(asset).unit
        return highest_without(
            lambda price: div_down(mul_div_down(held, price, unit) * factor, WAD) >= needed
        )

    # --- set-up and governance ---------------------------------------------------------------------------

    def list_asset(self, work: Work, command: ListReserve) -> list[Event]:
        """Take the base asset, or a collateral, with its parameters; those not given have their default."""
        asset, given = command.asset, dict(command.parameters)
        table = reserve_table(self.name, asset)
        require(not work.view.has(table, "decimals"), Reason.PARAMETER_IS_INVALID)
        kind: type[Figures] = Collateral
        values = parameters_of(BASE_PARAMETERS if asset == self.asset else COLLATERAL_PARAMETERS, given)
        if asset == self.asset:
            kind = Base
            values |= {"last_update": work.at, "supply_index": INDEX, "borrow_index": INDEX}
        figures = kind.of(self.name, asset, values)
        return [
            ReserveListed(
                venue=self.name,
                asset=asset,
                decimals=figures.decimals,
                cells=tuple(Cell(table, name, value) for name, value in sorted(figures.cells().items())),
            )
        ]

    def set_parameter(self, work: Work, command: SetParameter) -> list[Event]:
        """Change a parameter. Interest so far is earned at the old terms."""
        asset, name, value = command.asset, command.name, command.value
        require(command.account == self.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        bounds = BASE_PARAMETERS if asset == self.asset else COLLATERAL_PARAMETERS
        require(name in bounds and name != "decimals", Reason.PARAMETER_IS_INVALID)
        require(bounds[name][1] <= value <= bounds[name][2], Reason.PARAMETER_IS_INVALID)
        figures = work.accrue() if asset == self.asset else work.collateral(asset)
        before = getattr(figures, name)
        setattr(figures, name, value)
        return work.done(ParameterChanged, asset=asset, name=name, before=before, after=value)

    # --- verbs -------------------------------------------------------------------------------------------

    def supply(self, work: Work, command: Supply) -> list[Event]:
        """Comet `supplyInternal`. Of the base asset ALL is what the account owes; what is more is lent."""
        holder, amount = command.account, command.amount
        require(not work.base.supply_paused, Reason.RESERVE_IS_PAUSED)
        if command.asset == self.asset:
            work.accrue()
            return self._supply(work, holder, holder, work.debt(holder) if amount == ALL else amount)
        self._put_up(work, holder, command.asset, amount)
        return work.done(Supplied, account=holder, asset=command.asset, amount=amount, scaled=amount)

    def _supply(self, work: Work, payer: str, holder: str, amount: int) -> list[Event]:
        """Comet `supplyBase`: what repays a debt is told apart from what is lent."""
        base, before = work.base, work.principal(holder)
        after = base.principal(base.present(before) + amount)
        events: list[Event] = []
        if before < 0:
            paid = min(amount, work.debt(holder))
            work.move(holder, base.repay_and_supply, min(after, 0))
            base.receive(paid)
            fields = {"account": holder, "payer": payer, "asset": self.asset}
            events.append(work.write(Repaid, **fields, amount=paid, scaled=min(after, 0) - before))
            amount -= paid
        if amount or before >= 0:
            now = work.principal(holder)
            work.move(holder, base.repay_and_supply, after)
            base.receive(amount)
            fields = {"account": holder, "asset": self.asset}
            events.append(work.write(Supplied, **fields, amount=amount, scaled=max(0, after - now)))
        return [*work.accruals(), *events]

    def _put_up(self, work: Work, holder: str, asset: str, amount: int) -> None:
        """Comet `supplyCollateral`: no accrual."""
        figures = work.collateral(asset)
        work.hold(asset, holder, work.held(asset, holder) + safe(amount, UINT128_MAX))
        cap = div_down(figures.supply_cap, figures.unit) * figures.unit
        require(figures.supply_scaled <= cap, Reason.SUPPLY_CAP_IS_EXCEEDED)
        figures.receive(amount)

    def withdraw(self, work: Work, command: Withdraw) -> list[Event]:
        """Comet `withdrawInternal`. ALL of the base asset is what is lent; what is more is borrowed."""
        holder, asset = command.account, command.asset
        require(not work.view.cell(exits_table(self.name), "frozen"), Reason.EXITS_ARE_FROZEN)
        require(not work.base.withdraw_paused, Reason.RESERVE_IS_PAUSED)
        whole = command.amount == ALL
        if asset == self.asset:
            work.accrue()
            return self._withdraw(work, holder, work.claim(asset, holder) if whole else command.amount)
        amount = work.held(asset, holder) if whole else safe(command.amount, UINT128_MAX)
        require(amount <= work.held(asset, holder), Reason.BALANCE_IS_INSUFFICIENT)
        work.hold(asset, holder, work.held(asset, holder) - amount)
        require(work.is_collateralized(holder), Reason.POSITION_WOULD_BE_UNSAFE)
        work.collateral(asset).pay_out(amount)
        return work.done(Withdrawn, account=holder, asset=asset, amount=amount, scaled=amount)

    def borrow(self, work: Work, command: Borrow) -> list[Event]:
        """Comet `withdrawInternal` of the base asset: what the account has lent goes first."""
        require(command.asset == self.asset, Reason.RESERVE_IS_UNKNOWN)
        require(not work.base.withdraw_paused, Reason.RESERVE_IS_PAUSED)
        work.accrue()
        return self._withdraw(work, command.account, command.amount)

    def _withdraw(self, work: Work, holder: str, amount: int) -> list[Event]:
        """Comet `withdrawBase`: what was lent is told apart from what is borrowed."""
        base, before = work.base, work.principal(holder)
        after = self._lendable(work, holder, amount)
        events: list[Event] = []
        fields = {"account": holder, "asset": self.asset}
        if before > 0 or before == amount == 0:
            paid = min(amount, base.present(before))
            work.move(holder, base.withdraw_and_borrow, max(after, 0))
            base.pay_out(paid)
            events.append(work.write(Withdrawn, **fields, amount=paid, scaled=before - max(after, 0)))
            amount -= paid
        if amount or before < 0:
            now = work.principal(holder)
            work.move(holder, base.withdraw_and_borrow, after)
            base.pay_out(amount)
            events.append(work.write(Borrowed, **fields, amount=amount, scaled=max(0, now - after)))
        return [*work.accruals(), *events]

    def _lendable(self, work: Work, holder: str, amount: int) -> int:
        """Return the principal after a withdrawal, if the collateral carries it."""
        base = work.base
        balance = base.present(work.principal(holder)) - amount
        after = base.principal(balance)
        if balance < 0:
            require(-balance >= base.borrow_min, Reason.BORROW_IS_TOO_SMALL)
            carried = work.carries(holder, BORROW, -base.present(after))
            require(carried, Reason.POSITION_WOULD_BE_UNSAFE)
        return after

    def repay(self, work: Work, command: Repay) -> list[Event]:
        """Comet `supplyInternal` of the base asset, but for no more than is owed."""
        debtor = command.on_behalf_of or command.account
        require(command.asset == self.asset, Reason.RESERVE_IS_UNKNOWN)
        require(not work.base.supply_paused, Reason.RESERVE_IS_PAUSED)
        work.accrue()
        require(work.debt(debtor) > 0, Reason.DEBT_IS_ZERO)
        return self._supply(work, command.account, debtor, min(command.amount, work.debt(debtor)))

    def open_position(self, work: Work, command: OpenPosition) -> list[Event]:
        """Begin with a position: `supplyCollateral` and `withdrawBase` in one event."""
        holder = command.account
        self._put_up(work, holder, command.collateral, command.collateral_amount)
        if command.debt_amount:
            require(command.debt == self.asset, Reason.RESERVE_IS_UNKNOWN)
            base = work.accrue()
            after = self._lendable(work, holder, command.debt_amount)
            work.move(holder, base.withdraw_and_borrow, after)
            base.pay_out(command.debt_amount)
        return work.done(
            PositionOpened,
            account=holder,
            collateral=command.collateral,
            collateral_amount=command.collateral_amount,
            debt=command.debt,
            debt_amount=command.debt_amount,
        )

    # --- reserves ----------------------------------------------------------------------------------------

    def withdraw_reserves(self, work: Work, command: WithdrawReserves) -> list[Event]:
        """Comet `withdrawReserves`: no accrual."""
        require(command.account == self.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        require(command.asset == self.asset, Reason.RESERVE_IS_UNKNOWN)
        reserves = absorption.reserves_now(work)
        require(0 <= reserves >= command.amount, Reason.RESERVES_ARE_INSUFFICIENT)
        work.base.pay_out(command.amount)
        return work.done(ReservesWithdrawn, account=command.account, asset=self.asset, amount=command.amount)

    def donate(self, work: Work, command: Donate) -> list[Event]:
        """Send an asset to the contract: no verb of its own, but what it has beyond claims are reserves."""
        if command.asset == self.asset:
            work.base.receive(command.amount)
        else:
            figures = work.collateral(command.asset)
            figures.receive(command.amount)
            figures.reserves += command.amount
        return work.done(Donated, account=command.account, asset=command.asset, amount=command.amount)
