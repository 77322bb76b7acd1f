"""Joining and leaving a fund of members, and the numbers that tiers share by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.accounts import Transfer, account, tier_account
from mutualize.commands import ALL, Command
from mutualize.errors import Reason, require
from mutualize.events import Cell, Event
from mutualize.members import fund_table, joined_table, numbers_table
from mutualize.tables import exits_table
from mutualize.tier_commands import JoinFund, LeaveFund, SetNumbers
from mutualize.tier_events import ContributionReturned, MemberContributed, NumbersSet

if TYPE_CHECKING:
    from mutualize.book import View


class Membership:
    """The members of one venue's funds."""

    def __init__(self, venue: str, governance: str) -> None:
        self.venue, self.governance = venue, governance

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        match command:
            case JoinFund():
                return self.join(view, command, at)
            case LeaveFund():
                return self.leave(view, command)
            case SetNumbers():
                return self.set_numbers(command)
        raise AssertionError(command)

    def join(self, view: View, command: JoinFund, at: int) -> list[Event]:
        """Contribute, or contribute more; the moment of the first contribution is kept."""
        require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
        table, joined = (
            fund_table(self.venue, command.fund, command.asset),
            joined_table(self.venue, command.fund),
        )
        held = view.cell(table, command.account)
        cells = [Cell(table, command.account, held + command.amount)]
        if not view.has(joined, command.account):
            cells.append(Cell(joined, command.account, at))
        return [
            MemberContributed(
                venue=self.venue,
                fund=command.fund,
                account=command.account,
                asset=command.asset,
                amount=command.amount,
                transfers=(self._in(command.fund, command.asset, command.amount),),
                cells=tuple(sorted(cells)),
            )
        ]

    def leave(self, view: View, command: LeaveFund) -> list[Event]:
        """Take a contribution out. Refused while exits are frozen."""
        table = fund_table(self.venue, command.fund, command.asset)
        held = view.cell(table, command.account)
        amount = held if command.amount == ALL else command.amount
        require(amount > 0, Reason.AMOUNT_IS_ZERO)
        require(amount <= held, Reason.BALANCE_IS_INSUFFICIENT)
        require(not view.cell(exits_table(self.venue), "frozen"), Reason.EXITS_ARE_FROZEN)
        into = self._in(command.fund, command.asset, amount)
        return [
            ContributionReturned(
                venue=self.venue,
                fund=command.fund,
                account=command.account,
                asset=command.asset,
                amount=amount,
                transfers=(Transfer(into.credit, into.debit, into.asset, into.amount),),
                cells=(Cell(table, command.account, held - amount),),
            )
        ]

    def set_numbers(self, command: SetNumbers) -> list[Event]:
        """Set weights or ranks."""
        require(command.account == self.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        require(all(number >= 0 for _, number in command.numbers), Reason.PARAMETER_IS_INVALID)
        table = numbers_table(self.venue, command.table)
        cells = tuple(sorted(Cell(table, name, number) for name, number in command.numbers))
        return [NumbersSet(venue=self.venue, table=command.table, cells=cells)]

    def _in(self, fund: str, asset: str, amount: int) -> Transfer:
        return Transfer(account(self.venue, "cash"), tier_account(self.venue, fund), asset, amount)
