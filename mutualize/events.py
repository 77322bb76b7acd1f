"""What happened. Past participles, immutable, with the resulting integers: nothing is left to compute.

An event carries `transfers` (how money moved) and `cells` (what is true afterwards, as absolute values);
the book assigns and posts them without knowing any rule. An `Entry` is an event at its place in the
ledger: `seq`, time, `cause` (the entry that led to it) and `tx` (the transaction it belongs to).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

import attrs

from mutualize.accounts import OUTSIDE, Transfer, outside

_OUTSIDE: Final = f"{OUTSIDE}:"
_MARKET: Final = outside("market/")
MINERS: Final = outside("miners")
"""Whose account gas goes to."""


class Cell(NamedTuple):
    """One integer of state: `table` names a kind of thing, `key` one of them, `value` what it is now."""

    table: str
    key: str
    value: int


@attrs.frozen(kw_only=True)
class Event:
    """The face that all events share."""

    transfers: tuple[Transfer, ...] = ()
    cells: tuple[Cell, ...] = ()

    follows: ClassVar[bool] = False
    """True where, decided together with others, this event was led to by the one before it in the list."""


@attrs.frozen
class Entry:
    """An event at its place in the ledger. `cause` is the seq of the entry that led to it, or None."""

    seq: int
    at: int
    tx: int
    cause: int | None
    event: Event


KINDS: dict[str, type[Event]] = {}
"""Every kind of event by its name, which is what the ledger writes."""

E = TypeVar("E", bound=type[Event])


def registered(cls: E) -> E:
    """Make a kind of event known to the ledger, by its name."""
    KINDS[cls.__name__] = cls
    return cls


# --- the world -------------------------------------------------------------------------------------------


@registered
@attrs.frozen(kw_only=True)
class PricePublished(Event):
    """An oracle told the protocol a price; `market` is what the market said at that moment. 8 decimals."""

    asset: str
    price: int
    market: int


@registered
@attrs.frozen(kw_only=True)
class MarketHalted(Event):
    """No price could be had at a place of trading (a hole in its table)."""

    asset: str
    place: str


@registered
@attrs.frozen(kw_only=True)
class MarketResumed(Event):
    """The place of trading quotes again."""

    asset: str
    place: str


@registered
@attrs.frozen(kw_only=True)
class Traded(Event):
    """Somebody sold one asset for another. `mid` is the price of the non-money asset before the trade.

    Who, what and where are its two transfers (see `trade`): first what was sold, then what was bought.
    """

    mid: int

    @property
    def account(self) -> str:
        """Who traded."""
        return self.transfers[0].credit.removeprefix(_OUTSIDE)

    @property
    def place(self) -> str:
        """Where."""
        return self.transfers[0].debit.removeprefix(_MARKET)

    @property
    def sold(self) -> str:
        """The asset that was sold."""
        return self.transfers[0].asset

    @property
    def sold_amount(self) -> int:
        """How much of it, in base units."""
        return self.transfers[0].amount

    @property
    def bought(self) -> str:
        """The asset that was bought."""
        return self.transfers[1].asset

    @property
    def bought_amount(self) -> int:
        """How much of it, in base units."""
        return self.transfers[1].amount


class Gas(Event):
    """The face of events in which somebody pays for a transaction: their one transfer (see `gas`)."""

    __slots__ = ()

    @property
    def account(self) -> str:
        """Who paid."""
        return self.transfers[0].credit.removeprefix(_OUTSIDE)

    @property
    def asset(self) -> str:
        """The chain's native asset."""
        return self.transfers[0].asset

    @property
    def amount(self) -> int:
        """How much of it, in base units."""
        return self.transfers[0].amount


@registered
@attrs.frozen(kw_only=True)
class GasPaid(Gas):
    """A transaction was included; its sender paid for it in the chain's native asset."""


@registered
@attrs.frozen(kw_only=True)
class TransactionFailed(Gas):
    """A transaction was included and rejected: nothing changed but the gas that was paid."""

    reason: str


def trade(account: str, sold: tuple[str, int], bought: tuple[str, int], place: str) -> tuple[Transfer, ...]:
    """Return the transfers of a trade: (asset, base units) sold by an account for (asset, base units)."""
    trader, market = _traders(account, place)
    return (Transfer(market, trader, *sold), Transfer(trader, market, *bought))


@lru_cache(maxsize=1024)
def _traders(account: str, place: str) -> tuple[str, str]:
    """Return both accounts of a trade. Kept, so that they are looked up under texts whose hash is known."""
    return _OUTSIDE + account, _MARKET + place


def gas(account: str, asset: str, amount: int) -> tuple[Transfer, ...]:
    """Return the transfer of gas that an account pays, in base units of the chain's asset."""
    return (Transfer(MINERS, _OUTSIDE + account, asset, amount),)


@registered
@attrs.frozen(kw_only=True)
class RefusalsCounted(Event):
    """How often commands were refused for `reason` since the last batch, at no cost to anybody."""

    reason: str
    count: int


@registered
@attrs.frozen(kw_only=True)
class ClaimWaiting(Event):
    """A holder wants `amount` of a claim paid out and the venue has no cash; 0 when he no longer waits."""

    venue: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class AgentFailed(Event):
    """An agent's own code raised an error: the run ends here."""

    agent: str
    problem: str


# --- a lending pool --------------------------------------------------------------------------------------


@registered
@attrs.frozen(kw_only=True)
class ReserveListed(Event):
    """A pool opened a reserve for an asset; its parameters are the cells."""

    venue: str
    asset: str
    decimals: int


@registered
@attrs.frozen(kw_only=True)
class ParameterChanged(Event):
    """Governance set one parameter of a reserve (or of a venue, where `asset` is empty)."""

    venue: str
    asset: str
    name: str
    before: int
    after: int


@registered
@attrs.frozen(kw_only=True)
class Accrued(Event):
    """A reserve's indexes were brought up to now; interest went from loans to claims and treasury."""

    venue: str
    asset: str


@registered
@attrs.frozen(kw_only=True)
class Supplied(Event):
    """Money went in, a claim was given. `scaled` is the change of the holder's units."""

    venue: str
    account: str
    asset: str
    amount: int
    scaled: int


@registered
@attrs.frozen(kw_only=True)
class Withdrawn(Event):
    """A claim was paid out."""

    venue: str
    account: str
    asset: str
    amount: int
    scaled: int


@registered
@attrs.frozen(kw_only=True)
class Borrowed(Event):
    """A loan was paid out."""

    venue: str
    account: str
    asset: str
    amount: int
    scaled: int


@registered
@attrs.frozen(kw_only=True)
class Repaid(Event):
    """`payer` repaid a loan of `account`."""

    venue: str
    account: str
    payer: str
    asset: str
    amount: int
    scaled: int


@registered
@attrs.frozen(kw_only=True)
class CollateralSet(Event):
    """A holder put a claim up as collateral, or took it back."""

    venue: str
    account: str
    asset: str
    on: bool


@registered
@attrs.frozen(kw_only=True)
class ClaimsTransferred(Event):
    """A claim changed hands inside the pool (money did not move)."""

    venue: str
    account: str
    to: str
    asset: str
    amount: int
    scaled: int


@registered
@attrs.frozen(kw_only=True)
class PositionOpened(Event):
    """A position that existed when the run began: collateral was supplied, debt drawn."""

    venue: str
    account: str
    collateral: str
    collateral_amount: int
    debt: str
    debt_amount: int


@registered
@attrs.frozen(kw_only=True)
class TreasuryMinted(Event):
    """The accrued share of the treasury became claims of `account`, and `fund_amount` cash of a fund."""

    venue: str
    account: str
    asset: str
    amount: int
    fund_amount: int


@registered
@attrs.frozen(kw_only=True)
class Liquidated(Event):
    """A liquidator repaid `paid` of `debt` and got `seized` of `collateral` (after `fee` to the treasury).

    `fund_fee` is the part of the fee that went to the insurance fund; `claims` says that the liquidator took
    claims instead of the underlying. The prices are those that the oracle told last.
    """

    venue: str
    liquidator: str
    account: str
    collateral: str
    debt: str
    paid: int
    seized: int
    fee: int = 0
    fund_fee: int = 0
    claims: bool = False


@registered
@attrs.frozen(kw_only=True)
class ShortfallRecognised(Event):
    """Debt of `account` that no collateral covers moved from loans to deficit. Starts the waterfall."""

    follows: ClassVar[bool] = True

    venue: str
    account: str
    asset: str
    amount: int
    price: int


@registered
@attrs.frozen(kw_only=True)
class DeficitEliminated(Event):
    """`account` gave up claims of its own to pay an open deficit."""

    venue: str
    account: str
    asset: str
    amount: int


# --- the waterfall ---------------------------------------------------------------------------------------


@registered
@attrs.frozen(kw_only=True)
class LossAllocated(Event):
    """A tier was made to owe `amount` of the loss; `rest` is left to the tiers below. amount ≤ capacity.

    Where it pays later, `due` says by when and `number` names what it owes. `debtor` is whose loss it is,
    where some tier has to know.
    """

    venue: str
    asset: str
    tier: str
    index: int
    capacity: int
    amount: int
    rest: int
    due: int = 0
    number: int = 0
    debtor: str = ""


@registered
@attrs.frozen(kw_only=True)
class LossAbsorbed(Event):
    """A tier paid: the deficit fell by `amount`. It paid `paid` of `paid_asset`, worth that at its price.

    `price` and `paid_price` have 8 decimals; `bearer` names whose money it was. A `number` names what it
    owed, where it pays later.
    """

    venue: str
    asset: str
    tier: str
    index: int
    bearer: str
    amount: int
    rest: int
    paid_asset: str
    paid: int
    price: int
    paid_price: int
    number: int = 0
    debtor: str = ""


@registered
@attrs.frozen(kw_only=True)
class ShortfallUncovered(Event):
    """All tiers are exhausted; `amount` stays in the deficit, in everybody's sight."""

    venue: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class FundContributed(Event):
    """Money was put into a tier's fund."""

    venue: str
    tier: str
    account: str
    asset: str
    amount: int


# --- stake -----------------------------------------------------------------------------------------------


@registered
@attrs.frozen(kw_only=True)
class Staked(Event):
    """Assets went into a stake, shares came out."""

    venue: str
    stake: str
    account: str
    asset: str
    assets: int
    shares: int


@registered
@attrs.frozen(kw_only=True)
class Unstaked(Event):
    """Shares were redeemed for assets."""

    venue: str
    stake: str
    account: str
    asset: str
    assets: int
    shares: int


@registered
@attrs.frozen(kw_only=True)
class CooldownStarted(Event):
    """A staker announced to leave: `shares` may go between `ends` and `ends` + `window` (seconds)."""

    venue: str
    stake: str
    account: str
    shares: int
    ends: int
    window: int


@registered
@attrs.frozen(kw_only=True)
class CooldownOpened(Event):
    """A staker came with a cooldown that he had started before, at `began`; else as `CooldownStarted`."""

    venue: str
    stake: str
    account: str
    shares: int
    began: int
    ends: int
    window: int


@registered
@attrs.frozen(kw_only=True)
class StakeTransferred(Event):
    """Shares of a stake changed hands."""

    venue: str
    stake: str
    account: str
    to: str
    shares: int


@registered
@attrs.frozen(kw_only=True)
class Slashed(Event):
    """`assets` were taken from all stakers pro rata: shares are untouched, their price fell."""

    venue: str
    stake: str
    asset: str
    assets: int


@registered
@attrs.frozen(kw_only=True)
class SlashingSettled(Event):
    """The state after a slash, in which staking is blocked and leaving is free, ended."""

    venue: str
    stake: str


@registered
@attrs.frozen(kw_only=True)
class FundsReturned(Event):
    """Assets came back to the stakers without new shares (a gain, or money returned after a slash)."""

    venue: str
    stake: str
    account: str
    asset: str
    assets: int


@registered
@attrs.frozen(kw_only=True)
class AssetsLost(Event):
    """Assets left a share vault without shares being burned."""

    venue: str
    stake: str
    asset: str
    assets: int


# --- umbrella --------------------------------------------------------------------------------------------


@registered
@attrs.frozen(kw_only=True)
class PendingDeficitRaised(Event):
    """A slash covered `amount` of the deficit; the claims to burn against it are still to come."""

    follows: ClassVar[bool] = True

    venue: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class PendingDeficitCovered(Event):
    """Claims were burned against the pending deficit."""

    venue: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class OffsetCovered(Event):
    """Claims were burned against the part of the deficit that the treasury bears itself."""

    venue: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class OffsetSet(Event):
    """The deficit below which stakers are not touched was set."""

    venue: str
    asset: str
    amount: int


# --- governance ------------------------------------------------------------------------------------------


@registered
@attrs.frozen(kw_only=True)
class ProposalMade(Event):
    """A proposal began its vote; it may be executed from `executable` (time) on."""

    account: str
    proposal: str
    executable: int


@registered
@attrs.frozen(kw_only=True)
class ProposalExecuted(Event):
    """A proposal's command was carried out."""

    account: str
    proposal: str


def fields_of(event: Event) -> dict[str, Any]:
    """Return the event's own fields by name, without transfers and cells."""
    return {
        name: getattr(event, name)
        for name in (a.name for a in attrs.fields(type(event)))
        if name not in ("transfers", "cells")
    }
