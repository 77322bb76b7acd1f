"""Custody: an exchange's, a vault's or a mutual's balances. Members hold, move and win money of many assets.

    claims  =  Σ balances              cash that tiers do not hold  =  claims + residue − deficit
    settling profits:  balance ± net gain;  what a loser lacks ─▶ deficit, and the waterfall begins

Its one rule: every holder is known by name, so who is cut, and by how much, stands in his own balance. At par
(no tier cuts anybody) the first to leave are paid in full, and the last find no cash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mutualize.accounts import Transfer, account
from mutualize.book import balance
from mutualize.commands import ALL, Command, ContributeToFund, Supply, TransferClaims, Withdraw
from mutualize.errors import Reason, require
from mutualize.events import (
    Cell,
    ClaimsTransferred,
    Event,
    ShortfallRecognised,
    Supplied,
    Withdrawn,
)
from mutualize.loss_commands import CLAIM, MINT, ReportLoss, SettleProfits
from mutualize.tables import ORACLE, balance_table, exits_table, gains_table, since_table
from mutualize.tier_events import ProfitsSettled
from mutualize.units import UINT256_MAX, div_down
from mutualize.venues.custody_cover import CustodyCover
from mutualize.venues.funds import contribute
from mutualize.venues.reported_losses import debtor_of, lost, require_sound, told

if TYPE_CHECKING:
    from mutualize.book import View


class Custody:
    """The venue. `decimals` are those of its assets; gains count from period to period of `period_s`."""

    def __init__(
        self,
        name: str,
        decimals: Mapping[str, int],
        *,
        governance: str = "governance",
        period_s: int = 86_400,
    ) -> None:
        self.name, self.governance, self.period_s = name, governance, period_s
        self.assets, self.decimals = tuple(decimals), dict(decimals)
        self._verbs: dict[type[Command], Callable[[View, Any, int], list[Event]]] = {
            Supply: self.deposit,
            Withdraw: self.withdraw,
            TransferClaims: self.transfer,
            ContributeToFund: lambda _view, command, _at: contribute(command),
            SettleProfits: self.settle_profits,
            ReportLoss: self.report_loss,
        }

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        require(getattr(command, "asset", "") in self.decimals, Reason.RESERVE_IS_UNKNOWN)
        return self._verbs[type(command)](view, command, at)

    def cover(self) -> CustodyCover:
        """Return how tiers may pay this venue's deficits."""
        return CustodyCover(self.name, self.decimals, self.period_s)

    # --- reads -------------------------------------------------------------------------------------------

    def held(self, view: View, holder: str, asset: str) -> int:
        """Return what somebody has here."""
        return view.cell(balance_table(self.name, asset), holder)

    def cash(self, view: View, asset: str) -> int:
        """Return the cash that stands behind balances: what tiers hold is not theirs to be paid from."""
        owed = sum(balance(view, account(self.name, part), asset) for part in ("claims", "residue"))
        return owed - balance(view, account(self.name, "deficit"), asset)

    # --- verbs -------------------------------------------------------------------------------------------

    def deposit(self, view: View, command: Supply, at: int) -> list[Event]:
        """Put money in."""
        require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
        return [
            Supplied(
                venue=self.name,
                account=command.account,
                asset=command.asset,
                amount=command.amount,
                scaled=command.amount,
                transfers=(self._backed(command.asset, command.amount),),
                cells=self._credited(view, command.account, command.asset, command.amount, at),
            )
        ]

    def withdraw(self, view: View, command: Withdraw, _at: int) -> list[Event]:
        """Take money out. Refused while exits are frozen, and where there is no cash."""
        require(not view.cell(exits_table(self.name), "frozen"), Reason.EXITS_ARE_FROZEN)
        held = self.held(view, command.account, command.asset)
        amount = held if command.amount == ALL else command.amount
        require(amount > 0, Reason.AMOUNT_IS_ZERO)
        require(amount <= held, Reason.BALANCE_IS_INSUFFICIENT)
        require(amount <= self.cash(view, command.asset), Reason.LIQUIDITY_IS_INSUFFICIENT)
        backed = self._backed(command.asset, amount)
        return [
            Withdrawn(
                venue=self.name,
                account=command.account,
                asset=command.asset,
                amount=amount,
                scaled=amount,
                transfers=(Transfer(backed.credit, backed.debit, backed.asset, amount),),
                cells=(Cell(balance_table(self.name, command.asset), command.account, held - amount),),
            )
        ]

    def transfer(self, view: View, command: TransferClaims, at: int) -> list[Event]:
        """Give a balance to somebody else. Money does not move."""
        held = self.held(view, command.account, command.asset)
        amount = held if command.amount == ALL else command.amount
        require(amount > 0, Reason.AMOUNT_IS_ZERO)
        require(amount <= held, Reason.BALANCE_IS_INSUFFICIENT)
        cells: tuple[Cell, ...] = ()
        if command.to != command.account:
            left = Cell(balance_table(self.name, command.asset), command.account, held - amount)
            cells = tuple(sorted((left, *self._credited(view, command.to, command.asset, amount, at))))
        return [
            ClaimsTransferred(
                venue=self.name,
                account=command.account,
                to=command.to,
                asset=command.asset,
                amount=amount,
                scaled=amount,
                cells=cells,
            )
        ]

    def settle_profits(self, view: View, command: SettleProfits, at: int) -> list[Event]:
        """Let losers pay winners, net over all instruments; what a loser lacks is his shortfall."""
        gains, sums = _netted(command.gains)
        require(not any(sums.values()), Reason.PARAMETER_IS_INVALID)
        require(any(gains.values()), Reason.AMOUNT_IS_ZERO)
        known = since_table(self.name)
        require(all(view.has(known, name) for name in gains), Reason.MEMBER_IS_UNKNOWN)
        asset, period = command.asset, div_down(at, self.period_s)
        balances, counted = balance_table(self.name, asset), gains_table(self.name, asset, period)
        cells, short = [], {}
        for name, gain in sorted(gains.items()):
            after = view.cell(balances, name) + gain
            require(after <= UINT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
            cells += [
                Cell(balances, name, max(0, after)),
                Cell(counted, name, view.cell(counted, name) + gain),
            ]
            if after < 0:
                short[name] = -after
        settled = ProfitsSettled(
            venue=self.name,
            account=command.account,
            asset=asset,
            period=period,
            amount=sum(gain for gain in gains.values() if gain > 0),
            cells=tuple(sorted(cells)),
        )
        return [settled, *(self._short(view, name, asset, amount) for name, amount in short.items())]

    def report_loss(self, view: View, command: ReportLoss, at: int) -> list[Event]:
        """Recognise a loss from outside: cash that is gone, or balances that nobody paid in."""
        require_sound(command, self.governance)
        amount = lost(command, self.cash(view, command.asset))
        require(amount > 0, Reason.AMOUNT_IS_ZERO)
        cells: tuple[Cell, ...] = ()
        if command.loss in (MINT, CLAIM):
            gone = account(self.name, "claims")
            cells = self._credited(view, command.holder, command.asset, amount, at)
        else:
            gone = account(self.name, "cash")
        deficit = Transfer(account(self.name, "deficit"), gone, command.asset, amount)
        return [
            told(command, amount),
            ShortfallRecognised(
                venue=self.name,
                account=debtor_of(command),
                asset=command.asset,
                amount=amount,
                price=view.cell(ORACLE, command.asset),
                transfers=(deficit,),
                cells=cells,
            ),
        ]

    # --- what a verb changes -----------------------------------------------------------------------------

    def _backed(self, asset: str, amount: int) -> Transfer:
        """Return the transfer of money that comes in for a balance."""
        return Transfer(account(self.name, "cash"), account(self.name, "claims"), asset, amount)

    def _credited(self, view: View, holder: str, asset: str, amount: int, at: int) -> tuple[Cell, ...]:
        """Return the cells of a balance that grew, and the moment of a member's first."""
        after = self.held(view, holder, asset) + amount
        require(after <= UINT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        cells = [Cell(balance_table(self.name, asset), holder, after)]
        if not view.has(since_table(self.name), holder):
            cells.append(Cell(since_table(self.name), holder, at))
        return tuple(sorted(cells))

    def _short(self, view: View, debtor: str, asset: str, amount: int) -> Event:
        """Return the shortfall of a loser whose balance was not enough: winners are owed it all the same."""
        deficit = Transfer(account(self.name, "deficit"), account(self.name, "claims"), asset, amount)
        return ShortfallRecognised(
            venue=self.name,
            account=debtor,
            asset=asset,
            amount=amount,
            price=view.cell(ORACLE, asset),
            transfers=(deficit,),
        )


def _netted(gains: tuple[tuple[str, str, int], ...]) -> tuple[dict[str, int], dict[str, int]]:
    """Return each account's net gain over all instruments, and each instrument's sum over all accounts."""
    net: dict[str, int] = {}
    sums: dict[str, int] = {}
    for name, instrument, gain in gains:
        net[name] = net.get(name, 0) + gain
        sums[instrument] = sums.get(instrument, 0) + gain
    return net, sums
