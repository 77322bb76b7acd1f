"""Money put into a tier's purse, which no contract of a venue knows: the same at all of them."""

from __future__ import annotations

from mutualize.accounts import Transfer, account, tier_account
from mutualize.commands import ContributeToFund
from mutualize.errors import Reason, require
from mutualize.events import Event, FundContributed


def contribute(command: ContributeToFund) -> list[Event]:
    """Put money into a tier's purse: it is cash held apart, and never lent. Refuses an amount of nothing."""
    require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
    cash, purse = account(command.venue, "cash"), tier_account(command.venue, command.tier)
    return [
        FundContributed(
            venue=command.venue,
            tier=command.tier,
            account=command.account,
            asset=command.asset,
            amount=command.amount,
            transfers=(Transfer(cash, purse, command.asset, command.amount),),
        )
    ]
