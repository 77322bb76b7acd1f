"""Who lost and who gained: of each asset, all gains and losses sum to zero, exactly.

    gain of a holder   what he has in venues at the end − at the start + what came into his purse meanwhile
                       (claims − debts + stake; a position or deposit of the first instant is 'at the start')
    gain of a venue    what its tiers, its treasury and its residue have at the end − at the start,
                       less the deficit that is still open

Purses are not kept: what comes in and goes out follows from the events, and is checked against the cash that
the venue's transfers move. A difference would show up under the name `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from mutualize.accounts import OUTSIDE, split_account, tier_account
from mutualize.accounts import account as part_of
from mutualize.compound_events import CollateralBought, Donated, ReservesAdded, ReservesWithdrawn
from mutualize.events import (
    AssetsLost,
    Borrowed,
    ClaimsTransferred,
    Entry,
    Event,
    FundContributed,
    FundsReturned,
    Liquidated,
    LossAbsorbed,
    PositionOpened,
    Repaid,
    ShortfallRecognised,
    Slashed,
    Staked,
    Supplied,
    Unstaked,
    Withdrawn,
)
from mutualize.tier_events import ContributionReturned, MemberContributed, RecoveryAllocated, RecoveryPaid
from mutualize.trove_events import TroveEvent, TroveOpened
from mutualize.vault_events import CollateralExited, CollateralJoined, DaiMoved, GovernanceMinted
from mutualize.venues.vat import VOW

UNKNOWN: Final = "unknown"
"""Whose cash a venue moved where no field of the event says it. Nothing should ever stand here."""
MARKET: Final = "market"
"""Who takes what a tier sells to pay in another asset."""
COLLECTOR: Final = "collector"
"""Who takes what is slashed and not sold at once."""

DILUTED: Final = "diluted"
"""Who bears new governance tokens: all who held some, since a token is a smaller part of the whole."""

_OUTSIDE: Final = OUTSIDE + ":"
_OPENING: Final = (
    Supplied,
    Borrowed,
    Staked,
    FundContributed,
    Donated,
    MemberContributed,
    CollateralJoined,
    DaiMoved,
    GovernanceMinted,
    TroveOpened,
)
"""What counts as had at the start, if it happened in the first instant."""

_OTHERS: Final[Mapping[type[Event], str]] = {
    LossAbsorbed: MARKET,
    Slashed: COLLECTOR,
    AssetsLost: "thief",
    ShortfallRecognised: "thief",
    RecoveryPaid: "donor",
}
"""Whose cash it is that an event moves without naming anybody."""


@attrs.frozen
class Row:
    """One account and one asset, in base units. `gain` = `closing` − `opening` + `flow`."""

    account: str
    asset: str
    opening: int
    flow: int
    closing: int

    @property
    def gain(self) -> int:
        """What the account gained of the asset; a loss is negative."""
        return self.closing - self.opening + self.flow


def _purses(event: Event) -> tuple[tuple[str, str, int], ...]:
    """Return what an event brought into purses: (account, asset, amount), negative where it went out."""
    match event:
        case (
            Supplied()
            | FundContributed()
            | MemberContributed()
            | CollateralJoined()
            | ReservesAdded()
            | Donated()
        ):
            return ((event.account, event.asset, -event.amount),)
        case Withdrawn() | Borrowed() | ContributionReturned() | CollateralExited() | ReservesWithdrawn():
            return ((event.account, event.asset, event.amount),)
        case Repaid():
            return ((event.payer, event.asset, -event.amount),)
        case PositionOpened():
            return (
                (event.account, event.collateral, -event.collateral_amount),
                (event.account, event.debt, event.debt_amount),
            )
        case Liquidated():
            seized = 0 if event.claims else event.seized
            return (
                (event.liquidator, event.debt, -event.paid),
                (event.liquidator, event.collateral, seized),
            )
        case CollateralBought():
            paid = (event.account, event.asset, -event.paid)
            return (paid, (event.account, event.collateral, event.amount))
        case Staked() | FundsReturned() | Unstaked():
            assets = event.assets if isinstance(event, Unstaked) else -event.assets
            return ((event.account, event.asset, assets),)
    return ()


class Gains:
    """What went into and out of purses, by asset and account, since the start."""

    def __init__(self) -> None:
        self._start: int | None = None
        self._slashed = (-1, "")
        self._donor = UNKNOWN
        self._opening: dict[str, dict[str, int]] = {}
        self._flows: dict[str, dict[str, int]] = {}
        self._systems: dict[str, None] = {}
        """Trove systems in which somebody had a trove at the start."""

    def look(self, entry: Entry) -> None:
        """Take one entry in."""
        event = entry.event
        if self._start is None:
            self._start = entry.at
        cash = _cash_out(event)
        if isinstance(event, RecoveryAllocated):
            self._donor = event.account
        opening = isinstance(event, PositionOpened) or (
            entry.at == self._start and isinstance(event, _OPENING)
        )
        if opening and isinstance(event, DaiMoved):
            self._book(self._opening, event.account, event.asset, -event.amount)
            self._book(self._opening, _holder(event.venue, event.to), event.asset, event.amount)
        elif isinstance(event, GovernanceMinted):
            self._mint(event, opening=opening)
        purses = (event.purse,) if isinstance(event, TroveEvent) else _purses(event)
        for account, asset, amount in purses:
            cash[asset] = cash.get(asset, 0) - amount
            self._book(
                self._opening if opening else self._flows, account, asset, -amount if opening else amount
            )
        if opening and isinstance(event, FundContributed | Donated):
            self._hand_over(event)
        if entry.at == self._start and isinstance(event, TroveOpened | ClaimsTransferred):
            self._begin(event)
        for asset, rest in cash.items():
            if rest:
                self._book(self._flows, self._other(event, asset, len(cash)), asset, rest)
        self._sell(entry.tx, event)
        self._outside(event)

    def _other(self, event: Event, asset: str, assets: int) -> str:
        """Say whose cash an event moved without naming anybody: a payer's own, a donor's, or the market's."""
        if isinstance(event, LossAbsorbed) and event.paid_asset == event.asset == asset and assets == 1:
            return event.bearer
        if isinstance(event, RecoveryPaid):
            return self._donor
        return _OTHERS.get(type(event), UNKNOWN)

    def _mint(self, event: GovernanceMinted, *, opening: bool) -> None:
        """Count the tokens that there are at the start as somebody's; later ones dilute all who hold some."""
        if opening:
            self._book(self._opening, event.account, event.asset, event.amount)
        else:
            self._book(self._flows, DILUTED, event.asset, -event.amount)

    def _sell(self, tx: int, event: Event) -> None:
        """Hand what was slashed to the market, where a tier then paid with it in the same transaction."""
        if isinstance(event, Slashed):
            self._slashed = (tx, event.asset)
        elif isinstance(event, LossAbsorbed) and self._slashed == (tx, event.paid_asset) != (tx, event.asset):
            self._book(self._flows, COLLECTOR, event.paid_asset, -event.paid)
            self._book(self._flows, MARKET, event.paid_asset, event.paid)

    def _hand_over(self, event: FundContributed | Donated) -> None:
        """Count the money that a fund or the reserves had at the start as theirs, not as the giver's."""
        for _, credit, asset, amount in event.transfers:
            if split_account(credit)[1] != "claims":
                self._book(self._opening, event.account, asset, -amount)
                self._book(self._opening, credit, asset, amount)

    def _begin(self, event: TroveOpened | ClaimsTransferred) -> None:
        """Count a trove of the first instant, and stablecoins handed on in it, as had at the start."""
        if isinstance(event, TroveOpened):
            self._systems[event.venue] = None
            treasury, reserve = part_of(event.venue, "treasury"), tier_account(event.venue, "gas-pool")
            self._book(self._opening, event.account, event.debt, -event.fee - event.reserve)
            self._book(self._opening, treasury, event.debt, event.fee)
            self._book(self._opening, reserve, event.debt, event.reserve)
        elif event.venue in self._systems:
            self._book(self._opening, event.account, event.asset, -event.amount)
            self._book(self._opening, event.to, event.asset, event.amount)

    def _outside(self, event: Event) -> None:
        for debit, credit, asset, amount in event.transfers:
            if debit.startswith(_OUTSIDE):
                self._book(self._flows, debit[len(_OUTSIDE) :], asset, amount)
            if credit.startswith(_OUTSIDE):
                self._book(self._flows, credit[len(_OUTSIDE) :], asset, -amount)

    @staticmethod
    def _book(into: dict[str, dict[str, int]], account: str, asset: str, amount: int) -> None:
        amounts = into.setdefault(asset, {})
        amounts[account] = amounts.get(account, 0) + amount

    def rows(self, closing: Mapping[str, Mapping[str, int]]) -> list[Row]:
        """Return a row for every account and asset, sorted. `closing` is by asset and account."""
        rows: list[Row] = []
        for asset in sorted({**self._opening, **self._flows, **closing}):
            opening, flows = self._opening.get(asset, {}), self._flows.get(asset, {})
            ends = closing.get(asset, {})
            for account in sorted({**opening, **flows, **ends}):
                row = Row(
                    account, asset, opening.get(account, 0), flows.get(account, 0), ends.get(account, 0)
                )
                if row.opening or row.flow or row.closing:
                    rows.append(row)
        return rows


def _holder(venue: str, name: str) -> str:
    """Return the account in which a holder's stablecoins stand: the vow's are a tier."""
    return tier_account(venue, "surplus-buffer") if name == VOW else name


def _cash_out(event: Event) -> dict[str, int]:
    """Return how much cash left the venues, by asset; negative where it came in."""
    cash: dict[str, int] = {}
    for debit, credit, asset, amount in event.transfers:
        if split_account(debit)[1] == "cash":
            cash[asset] = cash.get(asset, 0) - amount
        if split_account(credit)[1] == "cash":
            cash[asset] = cash.get(asset, 0) + amount
    return cash
