"""Flop: new governance tokens are auctioned for stablecoins that pay bad debt (Maker `flop.sol`).

    kick: `dump` tokens for `sump` ─▶ dent: fewer tokens for the same ─▶ deal: they are minted
      └─▶ no bid: tick, and `pad` times as many tokens

Holders of the token pay, by dilution. Rules: makerdao/dss fa4f6630, and 44330065 (12 March 2020), where the
first bid stays with the vow until somebody kisses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.errors import Reason, require
from mutualize.tables import as_integer
from mutualize.units import WAD, div_down, times
from mutualize.vault_events import AuctionEnded, BidPlaced, GovernanceMinted
from mutualize.venues import vow
from mutualize.venues.auction import FLOP, Auction
from mutualize.venues.vat import SYSTEM

if TYPE_CHECKING:
    from mutualize.vault_commands import LowerLot
    from mutualize.venues.vat import Vat


def dent(vat: Vat, command: LowerLot, *, old: bool) -> None:
    """Ask for fewer tokens. Maker `Flopper.dent`."""
    auction, bidder = Auction(vat, FLOP, "", command.id), command.account
    vat.require_live()
    auction.require_open()
    require(command.bid == auction["bid"], Reason.BID_DOES_NOT_MATCH)
    auction.require_lower(command.lot)
    is_first, is_other = auction["tic"] == 0, as_integer(bidder) != auction["guy"]
    if old or is_other:
        vat.move(bidder, auction.name("guy"), command.bid)
    auction["lot"] = command.lot
    auction.placed(bidder)
    vat.tell(
        BidPlaced,
        account=bidder,
        auction=FLOP,
        ilk="",
        id=command.id,
        lot=command.lot,
        bid=command.bid,
    )
    if is_first and not old:
        vow.kiss(vat, min(command.bid, vat.get(SYSTEM, "Ash")))


def deal(vat: Vat, number: int) -> None:
    """Mint the tokens. Maker `Flopper.deal`."""
    vat.require_live()
    auction = Auction(vat, FLOP, "", number)
    auction.require_final()
    winner, lot, bid = auction.name("guy"), auction["lot"], auction["bid"]
    auction.delete()
    vat.tell(AuctionEnded, account=winner, auction=FLOP, ilk="", id=number, lot=lot, bid=bid)
    vat.mint(winner, lot)
    vat.tell(GovernanceMinted, account=winner, asset=vat.names.governance_token, amount=lot)


def tick(auction: Auction) -> None:
    """Offer more tokens, where nobody bid. Maker `Flopper.tick`."""
    auction.tick()
    auction["lot"] = div_down(times(auction.term("pad"), auction["lot"]), WAD)


def yank(vat: Vat, number: int) -> tuple[str, int, int]:
    """Take an auction back, in the shutdown. Maker `Flopper.yank`. Returns (bidder, lot, bid)."""
    auction = Auction(vat, FLOP, "", number)
    require(auction["guy"] != 0, Reason.AUCTION_IS_UNKNOWN)
    bidder, lot, bid = auction.name("guy"), auction["lot"], auction["bid"]
    auction.delete()
    return bidder, lot, bid
