"""Flap: surplus is auctioned for governance tokens, which are burned (Maker `flap.sol`).

    kick: `bump` of the surplus ─▶ tend: more tokens ─▶ deal: the winner has the surplus, his tokens are gone

Rules: makerdao/dss fa4f6630, and 44330065 (12 March 2020), where who bids again must have his old bid twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.errors import Reason, require
from mutualize.tables import as_integer
from mutualize.vault_events import AuctionEnded, BidPlaced
from mutualize.venues.auction import FLAP, Auction
from mutualize.venues.vat import SYSTEM

if TYPE_CHECKING:
    from mutualize.vault_commands import RaiseBid
    from mutualize.venues.vat import Vat


def tend(vat: Vat, command: RaiseBid, *, old: bool) -> None:
    """Bid more tokens. Maker `Flapper.tend`."""
    auction, bidder = Auction(vat, FLAP, "", command.id), command.account
    vat.require_live()
    auction.require_open()
    auction.require_higher(command.lot, command.bid)
    if old or as_integer(bidder) != auction["guy"]:
        vat.pull(bidder, auction.name("guy"), auction["bid"])
    vat.pull(bidder, FLAP, command.bid - auction["bid"])
    auction["bid"] = command.bid
    auction.placed(bidder)
    vat.tell(
        BidPlaced,
        account=bidder,
        auction=FLAP,
        ilk="",
        id=command.id,
        lot=command.lot,
        bid=command.bid,
    )


def deal(vat: Vat, number: int) -> None:
    """Give the surplus to the last bidder, and burn his tokens. Maker `Flapper.deal`."""
    vat.require_live()
    auction = Auction(vat, FLAP, "", number)
    auction.require_final()
    winner, lot, bid = auction.name("guy"), auction["lot"], auction["bid"]
    vat.move(FLAP, winner, lot)
    vat.burn_governance(bid)
    vat.add(SYSTEM, "fill", -lot)
    auction.delete()
    vat.tell(AuctionEnded, account=winner, auction=FLAP, ilk="", id=number, lot=lot, bid=bid)


def yank(vat: Vat, number: int) -> tuple[str, int, int]:
    """Give the bidder his tokens back, in the shutdown. `Flapper.yank`. Returns (bidder, lot, bid)."""
    auction = Auction(vat, FLAP, "", number)
    require(auction["guy"] != 0, Reason.AUCTION_IS_UNKNOWN)
    bidder, lot, bid = auction.name("guy"), auction["lot"], auction["bid"]
    vat.pull(FLAP, bidder, bid)
    auction.delete()
    return bidder, lot, bid
