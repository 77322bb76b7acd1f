"""Flip: seized collateral is auctioned for stablecoins (Maker `cat.sol` and `flip.sol`).

    bite ─▶ tend: the bid rises up to `tab` ─▶ dent: the lot falls, the rest goes home ─▶ deal

What is bid is the vow's at once; who is outbid is paid back by who outbids him. A bid of nearly nothing wins
where nobody else bids. Rules: makerdao/dss fa4f6630 (Liq 1.2), and 44330065 (12 March 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.errors import Reason, require
from mutualize.tables import as_integer
from mutualize.units import RAY, WAD, div_down, plus, times
from mutualize.vault_events import AuctionEnded, BidPlaced, VaultLiquidated
from mutualize.venues import vow
from mutualize.venues.auction import FLIP, Auction, next_number
from mutualize.venues.vat import AUCTIONS, CAT, SYSTEM, VOW

if TYPE_CHECKING:
    from mutualize.vault_commands import LiquidateVault, LowerLot, RaiseBid
    from mutualize.venues.vat import Vat


def bite(vat: Vat, command: LiquidateVault, *, old: bool) -> None:
    """Seize as much of an unsafe vault as one auction may hold. Maker `Cat.bite`."""
    ilk, owner = command.ilk, command.vault
    vat.require_live()
    rate = require_unsafe(vat, ilk, owner)
    dink, dart = _slice_2020(vat, ilk, owner) if old else _slice(vat, ilk, owner, rate)
    vat.grab(ilk, owner, AUCTIONS, -dink, -dart)
    owed = times(dart, rate)
    vow.fess(vat, owed)
    tab = div_down(times(owed, vat.get(ilk, "chop")), RAY if old else WAD)
    if not old:
        vat.add(SYSTEM, "litter", tab)
    auction = Auction(vat, FLIP, ilk, next_number(vat, FLIP, ilk))
    auction.begin(CAT, dink, 0)
    auction["usr"], auction["tab"], auction["owed"] = as_integer(owner), tab, owed
    vat.tell(
        VaultLiquidated,
        liquidator=command.account,
        account=owner,
        ilk=ilk,
        asset=vat.names.ilks[ilk],
        auction=FLIP,
        id=auction.number,
        lot=dink,
        owed=owed,
        tab=tab,
        reward=0,
    )


def require_unsafe(vat: Vat, ilk: str, owner: str) -> int:
    """Refuse a vault whose collateral covers its debt, or an ilk without price; return the rate."""
    rate, spot = vat.get(ilk, "rate"), vat.get(ilk, "spot")
    worth = times(vat.get(f"{ilk}.ink", owner), spot)
    require(spot > 0 and worth < times(vat.get(f"{ilk}.art", owner), rate), Reason.VAULT_IS_SAFE)
    return rate


def _slice_2020(vat: Vat, ilk: str, owner: str) -> tuple[int, int]:
    """Return (collateral, debt) of one auction: at most a lump, no matter how many there are."""
    ink, art = vat.get(f"{ilk}.ink", owner), vat.get(f"{ilk}.art", owner)
    require(ink > 0, Reason.AUCTION_WOULD_BE_EMPTY)  # the contract divides by zero
    dink = min(ink, vat.get(ilk, "lump"))
    return dink, min(art, div_down(times(dink, art), ink))


def _slice(vat: Vat, ilk: str, owner: str, rate: int) -> tuple[int, int]:
    """Return (collateral, debt) of one auction: at most a dunk of debt, and what is free in the box."""
    ink, art = vat.get(f"{ilk}.ink", owner), vat.get(f"{ilk}.art", owner)
    room = vat.system("box") - vat.system("litter")
    require(room > 0 and room >= vat.get(ilk, "dust"), Reason.LIQUIDATIONS_ARE_AT_LIMIT)
    most = times(min(vat.get(ilk, "dunk"), room), WAD)
    dart = min(art, div_down(div_down(most, rate), vat.get(ilk, "chop")))
    dink = min(ink, div_down(times(ink, dart), art))
    require(dart > 0 and dink > 0, Reason.AUCTION_WOULD_BE_EMPTY)
    return dink, dart


def tend(vat: Vat, command: RaiseBid, *, old: bool) -> None:
    """Bid more. Maker `Flipper.tend`."""
    auction, bidder = Auction(vat, FLIP, command.ilk, command.id), command.account
    auction.require_open()
    auction.require_higher(command.lot, command.bid, auction["tab"])
    if old or as_integer(bidder) != auction["guy"]:  # of 2020: he pays himself back, and must have it twice
        vat.move(bidder, auction.name("guy"), auction["bid"])
    vat.move(bidder, VOW, command.bid - auction["bid"])
    auction["bid"] = command.bid
    _place(auction, bidder)


def dent(vat: Vat, command: LowerLot, *, old: bool) -> None:
    """Ask for less of the lot for the whole tab; the rest goes home. Maker `Flipper.dent`."""
    auction, bidder = Auction(vat, FLIP, command.ilk, command.id), command.account
    auction.require_open()
    require(command.bid == auction["bid"], Reason.BID_DOES_NOT_MATCH)
    require(command.bid == auction["tab"], Reason.TAB_IS_UNPAID)
    auction.require_lower(command.lot)
    if old or as_integer(bidder) != auction["guy"]:
        vat.move(bidder, auction.name("guy"), command.bid)
    vat.flux(command.ilk, AUCTIONS, auction.name("usr"), auction["lot"] - command.lot)
    auction["lot"] = command.lot
    _place(auction, bidder)


def _place(auction: Auction, bidder: str) -> None:
    auction.placed(bidder)
    auction.vat.tell(
        BidPlaced,
        account=bidder,
        auction=FLIP,
        ilk=auction.ilk,
        id=auction.number,
        lot=auction["lot"],
        bid=auction["bid"],
    )


def deal(vat: Vat, ilk: str, number: int, *, old: bool) -> None:
    """Give the lot to the last bidder; what the debt exceeds his bid by is a shortfall. `Flipper.deal`."""
    auction = Auction(vat, FLIP, ilk, number)
    auction.require_final()
    if not old:
        vat.add(SYSTEM, "litter", -auction["tab"])
    lot, bid, winner, owner = auction["lot"], auction["bid"], auction.name("guy"), auction.name("usr")
    vat.flux(ilk, AUCTIONS, winner, lot)
    outcome = vow.Outcome(owner, auction["owed"], bid)
    auction.delete()
    prepaid = outcome.book(vat)
    vat.tell(AuctionEnded, account=winner, auction=FLIP, ilk=ilk, id=number, lot=lot, bid=bid)
    outcome.tell(vat, prepaid)


def yank(vat: Vat, ilk: str, number: int, *, old: bool) -> tuple[str, str, int, int, int, int]:
    """Take an unfinished auction back; the bidder is repaid by minting. Maker `End.skip`, `Flipper.yank`.

    Returns (bidder, owner, lot, tab, owed, bid).
    """
    auction = Auction(vat, FLIP, ilk, number)
    lot, tab, owed, bid = (auction[field] for field in ("lot", "tab", "owed", "bid"))
    require(auction["guy"] != 0, Reason.AUCTION_IS_UNKNOWN)
    require(bid < tab, Reason.TAB_IS_PAID)
    bidder, owner = auction.name("guy"), auction.name("usr")
    vat.suck(bidder, bid)
    if not old:
        vat.add(SYSTEM, "litter", -tab)
    auction.delete()
    return bidder, owner, lot, tab, plus(owed, bid), bid
