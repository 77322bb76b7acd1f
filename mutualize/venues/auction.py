"""An English auction of a vault engine: what `flip`, `flop` and `flap` have in common (Maker, dss).

    kick ──▶ bids, each standing for `ttl` ──▶ deal, once the last bid stood or the auction is over
      └──▶ no bid until `end`: tick

Its one rule: a bid ends at `tic`, an auction at `end`, and in that very second nobody can act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mutualize.errors import Reason, require
from mutualize.tables import as_integer, as_name
from mutualize.units import WAD, times
from mutualize.venues.vat import SYSTEM

if TYPE_CHECKING:
    from mutualize.venues.vat import Vat

FLIP: Final = "flip"
CLIP: Final = "clip"
FLOP: Final = "flop"
FLAP: Final = "flap"

OLD: Final = "flip-2020-03"
"""The code that stood on 12 March 2020 (dss 44330065); else that of 2022 (dss fa4f6630)."""


class Record:
    """One auction's numbers, in the table of its kind. A contract's `bids[id]` or `sales[id]`."""

    fields: tuple[str, ...] = ("bid", "lot", "guy", "tic", "end", "usr", "tab", "owed")

    def __init__(self, vat: Vat, kind: str, ilk: str, number: int) -> None:
        self.vat, self.kind, self.ilk, self.number = vat, kind, ilk, number
        self.table = table_of(kind, ilk)

    def __getitem__(self, field: str) -> int:
        return self.vat.get(self.table, f"{self.number}.{field}")

    def __setitem__(self, field: str, value: int) -> None:
        self.vat.put(self.table, f"{self.number}.{field}", value)

    def delete(self) -> None:
        """Set everything to zero."""
        for field in self.fields:
            self[field] = 0

    def name(self, field: str) -> str:
        """Return an account that is kept as an integer."""
        return as_name(self[field])


class Auction(Record):
    """One English auction."""

    def term(self, name: str) -> int:
        """Return a term of its kind: an ilk has its own for its flips."""
        return self.vat.get(self.ilk, name) if self.ilk else self.vat.get(SYSTEM, f"{self.kind}_{name}")

    def begin(self, guy: str, lot: int, bid: int) -> None:
        """Open it for bids."""
        self["bid"], self["lot"], self["guy"] = bid, lot, as_integer(guy)
        self["end"] = self._after("tau")

    def _after(self, term: str) -> int:
        """Return the moment when a time is over that begins now. A contract keeps it in 48 bits."""
        moment = self.vat.at + self.term(term)
        require(moment < 2**48, Reason.AMOUNT_IS_TOO_LARGE)
        return moment

    def require_open(self) -> None:
        """Refuse a bid where there is no auction, or no longer."""
        at = self.vat.at
        require(self["guy"] != 0, Reason.AUCTION_IS_UNKNOWN)
        require(self["tic"] > at or self["tic"] == 0, Reason.BID_IS_FINAL)
        require(self["end"] > at, Reason.AUCTION_IS_OVER)

    def require_higher(self, lot: int, bid: int, most: int | None = None) -> None:
        """Refuse a bid that is not enough above the last one. One of `most` always is."""
        require(lot == self["lot"], Reason.LOT_DOES_NOT_MATCH)
        require(most is None or bid <= most, Reason.BID_IS_TOO_HIGH)
        require(bid > self["bid"], Reason.BID_IS_NOT_HIGHER)
        steps = times(bid, WAD) >= times(self.term("beg"), self["bid"])
        require(steps or bid == most, Reason.BID_RISES_TOO_LITTLE)

    def require_lower(self, lot: int) -> None:
        """Refuse to ask for a lot that is not enough below the last one."""
        require(lot < self["lot"], Reason.LOT_IS_NOT_LOWER)
        falls = times(self.term("beg"), lot) <= times(self["lot"], WAD)
        require(falls, Reason.LOT_FALLS_TOO_LITTLE)

    def placed(self, guy: str) -> None:
        """Let somebody's bid stand."""
        self["guy"] = as_integer(guy)
        self["tic"] = self._after("ttl")

    def require_final(self) -> None:
        """Refuse to end it before the last bid stood, or time is up."""
        at = self.vat.at
        final = self["tic"] != 0 and (self["tic"] < at or self["end"] < at)
        require(final, Reason.AUCTION_IS_UNFINISHED)

    def tick(self) -> None:
        """Begin again, where nobody bid. (One that is not there can be, too: only its `end` is set.)"""
        require(self["end"] < self.vat.at, Reason.AUCTION_IS_UNFINISHED)
        require(self["tic"] == 0, Reason.BID_IS_PLACED)
        self["end"] = self._after("tau")


def table_of(kind: str, ilk: str) -> str:
    """Name the table of a kind of auction, without the venue's name."""
    return f"{ilk}.{kind}" if ilk else kind


def next_number(vat: Vat, kind: str, ilk: str) -> int:
    """Return the number of a new auction."""
    return vat.add(table_of(kind, ilk), "kicks", 1)
