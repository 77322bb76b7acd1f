"""The auctions of vault engines: how many, for how much, how many for nothing, and what owners got back.

    owed ─▶ auction ─▶ bid          a bid of less than a thousandth of the debt is next to nothing: 'zero'
    lot  ─▶ winner, and home        what of the collateral went home is 'returned'

Stablecoins are rad, collateral and governance tokens wad, shares WAD.
"""

from __future__ import annotations

from typing import Final

import attrs

from mutualize.accounts import account, tier_account
from mutualize.events import Entry, ShortfallRecognised
from mutualize.projections.frame import Handlers
from mutualize.projections.mirror import Mirror
from mutualize.units import WAD, mul_div_down
from mutualize.vault_events import (
    AuctionEnded,
    AuctionStarted,
    CollateralTaken,
    DebtHealed,
    GovernanceMinted,
    RateAccrued,
    VaultLiquidated,
)

BUFFER: Final = "surplus-buffer"
NEXT_TO_NOTHING: Final = 1_000
"""A bid of less than one part in so many of the debt. A share, since what is left of a vault may be dust."""


@attrs.define
class Kind:
    """All auctions of a kind ('flip', 'flop' …): how many, and when the first and the last began."""

    count: int = 0
    ended: int = 0
    first: int | None = None
    last: int | None = None

    def began(self, at: int) -> None:
        """Count one more."""
        self.count += 1
        self.first = at if self.first is None else self.first
        self.last = at


@attrs.frozen
class Seized:
    """A liquidation whose auction is open: collateral (wad), debt (rad), and whose it was."""

    asset: str
    owner: str
    lot: int
    owed: int


class Auctions:
    """The auctions so far. It looks after the mirror took an entry in."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._open: dict[tuple[str, str, int], Seized] = {}
        self._owed_open: dict[str, int] = {}
        self._stablecoins: dict[str, str] = {}
        self.kinds: dict[str, Kind] = {}
        self.owners: dict[str, int] = {}
        """How often each owner's vault was liquidated."""
        self.owed: dict[str, int] = {}
        """Debt of all liquidations, by the stablecoin's engine."""
        self.sold: dict[str, int] = {}
        """Collateral that winners got, by asset."""
        self.seized: dict[str, int] = {}
        self.zero = 0
        self.zero_lots: dict[str, int] = {}
        self.zero_owners: dict[str, int] = {}
        self.zero_first: int | None = None
        self.zero_last: int | None = None
        self.returned = 0
        """Sum over all auctions won by more than nothing of the share of the lot that went home, WAD."""
        self.won = 0
        """How many those are."""
        self.minted: dict[str, int] = {}
        self.missing_max: dict[str, int] = {}
        """By stablecoin, the most that was missing behind the debt of no vault and no open auction."""
        self._start: int | None = None
        self.handlers: Handlers = {
            VaultLiquidated: self._seized,
            AuctionStarted: self._started,
            AuctionEnded: self._ended,
            CollateralTaken: self._taken,
            GovernanceMinted: self._minted,
            ShortfallRecognised: self._recognised,
            DebtHealed: self._healed,
            RateAccrued: self._accrued,
        }

    def kind(self, auction: str) -> Kind:
        """Return the figures of a kind of auction."""
        return self.kinds.get(auction) or Kind()

    def zero_share(self) -> int:
        """Return how many of the ended collateral auctions were won for nothing, WAD."""
        return mul_div_down(self.zero, WAD, self.zero + self.won) if self.zero + self.won else 0

    def returned_share(self) -> int:
        """Return which share of the collateral went home, the mean of auctions won for something, WAD."""
        return mul_div_down(self.returned, 1, self.won) if self.won else 0

    # --- folding -------------------------------------------------------------------------------------------

    def _kind(self, auction: str) -> Kind:
        return self.kinds.setdefault(auction, Kind())

    def _seized(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, VaultLiquidated)
        self._kind(event.auction).began(entry.at)
        seized = Seized(event.asset, event.account, event.lot, event.owed)
        self._open[event.venue, event.ilk, event.id] = seized
        self.owners[event.account] = self.owners.get(event.account, 0) + 1
        self.owed[event.venue] = self.owed.get(event.venue, 0) + event.owed
        self.seized[event.asset] = self.seized.get(event.asset, 0) + event.lot
        self._owed_open[event.venue] = self._owed_open.get(event.venue, 0) + event.owed

    def _started(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, AuctionStarted)
        self._kind(event.auction).began(entry.at)

    def _ended(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, AuctionEnded)
        self._kind(event.auction).ended += 1
        seized = self._open.pop((event.venue, event.ilk, event.id), None)
        if seized is None:
            return
        self._owed_open[event.venue] -= seized.owed
        if event.auction == "flip":
            self._flipped(entry.at, seized, event)

    def _flipped(self, at: int, seized: Seized, event: AuctionEnded) -> None:
        """Count the end of an English auction of collateral."""
        self.sold[seized.asset] = self.sold.get(seized.asset, 0) + event.lot
        if event.bid * NEXT_TO_NOTHING >= seized.owed:
            self.won += 1
            self.returned += mul_div_down(seized.lot - event.lot, WAD, seized.lot)
            return
        self.zero += 1
        self.zero_lots[seized.asset] = self.zero_lots.get(seized.asset, 0) + event.lot
        self.zero_owners[seized.owner] = self.zero_owners.get(seized.owner, 0) + event.lot
        self.zero_first = at if self.zero_first is None else self.zero_first
        self.zero_last = at

    def _taken(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, CollateralTaken)
        self.sold[event.asset] = self.sold.get(event.asset, 0) + event.amount

    def _minted(self, entry: Entry) -> None:
        """Count new governance tokens; those of the first instant were there before."""
        event = entry.event
        assert isinstance(event, GovernanceMinted)
        if self._start is None:
            self._start = entry.at
        if entry.at > self._start:
            self.minted[event.asset] = self.minted.get(event.asset, 0) + event.amount

    def _recognised(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, ShortfallRecognised)
        if event.venue in self.owed:
            self._stablecoins[event.venue] = event.asset
            self._look(event.venue)

    def _healed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, DebtHealed)
        self._look(event.venue)

    def _accrued(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, RateAccrued)
        self._look(event.venue)

    def _look(self, venue: str) -> None:
        """Note what is missing now: debt of no vault and no auction, less the surplus."""
        asset = self._stablecoins.get(venue)
        if asset is None:
            return
        balance = self._mirror.balance
        queued = balance(account(venue, "loans:auction"), asset) - self._owed_open[venue]
        missing = balance(account(venue, "deficit"), asset) + queued
        missing -= balance(tier_account(venue, BUFFER), asset)
        self.missing_max[asset] = max(missing, self.missing_max.get(asset, 0))
