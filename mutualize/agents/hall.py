"""The hall: what is open in the auctions of one ilk's seized collateral, and who has something to look at.

liquidation ─▶ a lot ─▶ every bidder's list        a bid ─▶ the lists of all others
deal        ─▶ gone

Each bidder has a list of his own, to which only what happened is added: nobody looks through all auctions.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

import attrs

from mutualize.events import Cell, Entry
from mutualize.randomness import Stream
from mutualize.vault_events import AuctionCancelled, AuctionEnded, BidPlaced, VaultLiquidated
from mutualize.venues.auction import FLIP


@attrs.define(eq=False)
class Lot:
    """An open auction: `lot` wad for `bid` rad, of at most `tab`. `tic` is the end of the last bid."""

    id: int
    began: int
    lot: int
    tab: int
    end: int
    bid: int = 0
    guy: str = ""
    tic: int = 0

    def is_open(self, at: int) -> bool:
        """Say whether it can be bid for."""
        return self.end > at and (self.tic > at or not self.tic)

    def is_final(self, at: int) -> bool:
        """Say whether its last bidder can have it."""
        return self.tic != 0 and (self.tic < at or self.end < at)


class Hall:
    """The auctions of one ilk. `observe` is to be called with every entry from the first on."""

    def __init__(self, venue: str, ilk: str) -> None:
        self.venue, self.ilk = venue, ilk
        self.lots: dict[int, Lot] = {}
        """All that are open, by number."""
        self.rows: list[Row] = []
        self._table = f"{venue}.{ilk}.flip"

    def observe(self, entry: Entry) -> None:
        """Note what became of the auctions."""
        event = entry.event
        match event:
            case VaultLiquidated() if event.auction == FLIP and self._is_mine(event.venue, event.ilk):
                end = self._cell(event.cells, f"{event.id}.end", 0)
                lot = Lot(event.id, entry.at, event.lot, event.tab, end)
                self.lots[event.id] = lot
                self._show(lot)
            case BidPlaced() if event.auction == FLIP and self._is_mine(event.venue, event.ilk):
                lot = self.lots[event.id]
                lot.bid, lot.lot, lot.guy = event.bid, event.lot, event.account
                lot.tic = self._cell(event.cells, f"{event.id}.tic", lot.tic)
                self._show(lot)
            case AuctionEnded() | AuctionCancelled() if self._is_mine(event.venue, event.ilk):
                self.lots.pop(event.id, None)

    def _is_mine(self, venue: str, ilk: str) -> bool:
        return venue == self.venue and ilk == self.ilk

    def _show(self, lot: Lot) -> None:
        for row in self.rows:
            if row.name != lot.guy:
                row.add(lot)
            else:
                heappush(row.won, (lot.tic, lot.id))

    def _cell(self, cells: Iterable[Cell], key: str, before: int) -> int:
        """Return one number as an event leaves it; one that it does not change is as it was."""
        return next((value for table, name, value in cells if name == key and table == self._table), before)


class Row:
    """One bidder's list. `patience_s` after a lot appeared he looks at it."""

    def __init__(
        self, name: str, hall: Hall, patience_s: int, stream: Stream, *, fresh_only: bool = False
    ) -> None:
        self.name = name
        self.won: list[tuple[int, int]] = []
        """(end of his bid, number) of the lots for which he bid; the earliest first."""
        self._later: list[tuple[int, int]] = []
        self._now: list[Lot] = []
        self._patience_s = patience_s
        self._stream = stream
        self._hall = hall
        self._fresh_only = fresh_only
        hall.rows.append(self)

    def add(self, lot: Lot) -> None:
        """Put a lot on the list."""
        if self._fresh_only and lot.guy:
            return
        if self._patience_s:
            heappush(self._later, (lot.began + self._patience_s, lot.id))
        else:
            self._now.append(lot)

    def put_back(self, lot: Lot) -> None:
        """Leave a lot on the list."""
        self._now.append(lot)

    def next_look(self, now: int) -> int | None:
        """Return when there is something to look at: now, later, or never."""
        self._ripen(now)
        if self._now:
            return now
        return self._later[0][0] if self._later else None

    def draw(self, now: int) -> Lot | None:
        """Take a lot off the list, any of them: who looks first at which is a matter of chance."""
        self._ripen(now)
        listed = self._now
        while listed:
            place = self._stream.below(len(listed))
            listed[place], listed[-1] = listed[-1], listed[place]
            lot = listed.pop()
            if lot.guy != self.name and lot.id in self._hall.lots and lot.is_open(now):
                return lot
        return None

    def _ripen(self, now: int) -> None:
        while self._later and self._later[0][0] <= now:
            lot = self._hall.lots.get(heappop(self._later)[1])
            if lot is not None:
                self._now.append(lot)
