"""The world outside as a protocol sees it: prices that it is told, trades, gas, votes.

`Feed` writes what an oracle said; `Outside` writes what agents did elsewhere, as transfers between
`outside:` accounts. Both record terms that were found before; neither computes any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.accounts import Transfer
from mutualize.commands import (
    AwaitCash,
    Command,
    ExecuteProposal,
    FailAgent,
    FailTransaction,
    HaltMarket,
    PayGas,
    Propose,
    PublishPrice,
    Trade,
)
from mutualize.errors import Reason, require
from mutualize.events import (
    AgentFailed,
    Cell,
    ClaimWaiting,
    Event,
    GasPaid,
    MarketHalted,
    MarketResumed,
    PricePublished,
    ProposalExecuted,
    ProposalMade,
    Traded,
    TransactionFailed,
    gas,
    trade,
)
from mutualize.tables import ORACLE
from mutualize.vault_commands import Deliver
from mutualize.vault_events import Delivered, delivery

if TYPE_CHECKING:
    from mutualize.book import View


class Feed:
    """The oracle's side of the protocol: the last price of each asset."""

    name = ORACLE

    def decide(self, _view: View, command: Command, _at: int) -> list[Event]:
        """Write a price. Zero is legal, a negative price is not."""
        assert isinstance(command, PublishPrice)
        require(command.price >= 0, Reason.AMOUNT_IS_TOO_SMALL)
        return [
            PricePublished(
                asset=command.asset,
                price=command.price,
                market=command.market,
                cells=(Cell(ORACLE, command.asset, command.price),),
            )
        ]


class Outside:
    """Everything that happens elsewhere and has to be in the record."""

    name = "outside"

    def decide(self, _view: View, command: Command, _at: int) -> list[Event]:
        """Write what happened."""
        match command:
            case Trade():
                return [_traded(command)]
            case Deliver():
                return [_delivered(command)]
            case PayGas() | FailTransaction():
                return [_paid(command)]
            case AwaitCash():
                return [
                    ClaimWaiting(
                        venue=command.pool,
                        account=command.account,
                        asset=command.asset,
                        amount=command.amount,
                    )
                ]
            case FailAgent():
                return [AgentFailed(agent=command.account, problem=command.problem)]
            case HaltMarket():
                kind = MarketHalted if command.on else MarketResumed
                return [kind(asset=command.asset, place=command.place)]
            case Propose():
                return [
                    ProposalMade(
                        account=command.account,
                        proposal=command.proposal,
                        executable=command.executable,
                    )
                ]
            case ExecuteProposal():
                return [ProposalExecuted(account=command.account, proposal=command.proposal)]
        raise AssertionError(command)


def _gas(command: PayGas | FailTransaction) -> tuple[Transfer, ...]:
    require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
    return gas(command.account, command.asset, command.amount)


def _paid(command: PayGas | FailTransaction) -> Event:
    if isinstance(command, PayGas):
        return GasPaid(transfers=_gas(command))
    return TransactionFailed(reason=command.reason, transfers=_gas(command))


def _delivered(command: Deliver) -> Delivered:
    require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
    account, to, asset, amount = command.account, command.to, command.asset, command.amount
    moved = delivery(account, to, asset, amount)
    return Delivered(account=account, to=to, asset=asset, amount=amount, transfers=moved)


def _traded(command: Trade) -> Traded:
    require(command.sold_amount > 0 and command.bought_amount > 0, Reason.AMOUNT_IS_ZERO)
    sold, bought = (command.sold, command.sold_amount), (command.bought, command.bought_amount)
    return Traded(mid=command.mid, transfers=trade(command.account, sold, bought, command.place))
