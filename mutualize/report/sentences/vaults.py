"""The sentences of a vault engine: vaults, auctions, bad debt, shutdown."""

from __future__ import annotations

from typing import TypeAlias

from mutualize import vault_events as ve
from mutualize.report.sentences.words import RAY_DECIMALS, WAD_DECIMALS, Words, exact, tells

Auction: TypeAlias = (
    ve.AuctionStarted | ve.BidPlaced | ve.AuctionEnded | ve.AuctionRestarted | ve.AuctionCancelled
)
"""What is told of an auction."""
Bid: TypeAlias = ve.AuctionStarted | ve.BidPlaced | ve.AuctionEnded | ve.AuctionCancelled
"""What is told of an auction with a bid in it."""


def _lot(event: Auction, w: Words) -> str:
    """Return what is sold: an ilk's collateral, new tokens (flop), or the surplus (flap)."""
    venue, ilk = event.venue, getattr(event, "ilk", "")
    asset = (
        w.ilk(venue, ilk) if ilk else w.governance(venue) if event.auction == "flop" else w.stablecoin(venue)
    )
    return w.full(asset, event.lot)


def _bid(event: Bid, w: Words) -> str:
    """Return what is bid: stablecoins, but for the surplus governance tokens."""
    asset = w.governance(event.venue) if event.auction == "flap" else w.stablecoin(event.venue)
    return w.full(asset, event.bid)


def _auction(event: Auction, w: Words) -> str:
    return f"{w.name(event.auction)} auction {event.id:,} at {w.name(event.venue)}"


@tells(ve.CollateralListed)
def _(event: ve.CollateralListed, w: Words) -> str:
    return f"{w.name(event.venue)} took {w.name(event.asset)} as collateral, as {w.name(event.ilk)}."


@tells(ve.GovernanceMinted)
def _(event: ve.GovernanceMinted, w: Words) -> str:
    new, venue = w.full(event.asset, event.amount), w.name(event.venue)
    return f"{w.name(event.account)} was given {new}, newly made by {venue}: all holders are diluted."


@tells(ve.CollateralJoined)
def _(event: ve.CollateralJoined, w: Words) -> str:
    return f"{w.name(event.account)} brought {w.full(event.asset, event.amount)} to {w.name(event.venue)}."


@tells(ve.CollateralExited)
def _(event: ve.CollateralExited, w: Words) -> str:
    return (
        f"{w.name(event.account)} took {w.full(event.asset, event.amount)} away from {w.name(event.venue)}."
    )


@tells(ve.VaultChanged)
def _(event: ve.VaultChanged, w: Words) -> str:
    stablecoin, done = w.stablecoin(event.venue), []
    if event.collateral:
        verb = "put into" if event.collateral > 0 else "took out of"
        done.append(f"{verb} his vault {w.full(event.asset, abs(event.collateral))}")
    if event.drawn:
        verb = "drew" if event.drawn > 0 else "repaid"
        done.append(f"{verb} {w.full(stablecoin, abs(event.drawn))}")
    what = " and ".join(done) or "left his vault as it was"
    return f"{w.name(event.account)} {what} at {w.name(event.venue)}."


@tells(ve.DaiMoved)
def _(event: ve.DaiMoved, w: Words) -> str:
    gave, venue = w.full(event.asset, event.amount), w.name(event.venue)
    return f"{w.name(event.account)} gave {w.name(event.to)} {gave} at {venue}."


@tells(ve.RateAccrued)
def _(event: ve.RateAccrued, w: Words) -> str:
    fee, venue = w.full(w.stablecoin(event.venue), event.fee), w.name(event.venue)
    return f"The fee on {w.name(event.ilk)} at {venue} was reckoned up to now: {fee} for its surplus."


@tells(ve.FeedAdvanced)
def _(event: ve.FeedAdvanced, w: Words) -> str:
    now, then = (f"{exact(price, WAD_DECIMALS)} {w.currency}" for price in (event.price, event.next))
    return (
        f"The delayed feed of {w.name(event.asset)} at {w.name(event.venue)} says {now} now, and {then} next."
    )


@tells(ve.PriceTaken)
def _(event: ve.PriceTaken, w: Words) -> str:
    price = f"{exact(event.price, WAD_DECIMALS)} {w.currency} per {w.name(event.asset)}"
    return f"{w.name(event.venue)} values vaults of {w.name(event.ilk)} at {price} from now on."


@tells(ve.VaultLiquidated)
def _(event: ve.VaultLiquidated, w: Words) -> str:
    stablecoin = w.stablecoin(event.venue)
    reward = f", for a reward of {w.full(stablecoin, event.reward)}" if event.reward else ""
    return (
        f"{w.name(event.liquidator)} seized {w.full(event.asset, event.lot)} of the vault of"
        f" {w.name(event.account)} at {w.name(event.venue)} for a debt of {w.full(stablecoin, event.owed)}:"
        f" {w.name(event.auction)} auction {event.id:,} is to raise"
        f" {w.amount(stablecoin, event.tab)}{reward}."
    )


@tells(ve.AuctionStarted)
def _(event: ve.AuctionStarted, w: Words) -> str:
    return f"The {_auction(event, w)} began: {_lot(event, w)} for {_bid(event, w)}."


@tells(ve.BidPlaced)
def _(event: ve.BidPlaced, w: Words) -> str:
    return f"{w.name(event.account)} bid {_bid(event, w)} for {_lot(event, w)} in the {_auction(event, w)}."


@tells(ve.CollateralTaken)
def _(event: ve.CollateralTaken, w: Words) -> str:
    stablecoin = w.stablecoin(event.venue)
    return (
        f"{w.name(event.account)} bought {w.full(event.asset, event.amount)} for"
        f" {w.full(stablecoin, event.paid)} in sale {event.id:,} at {w.name(event.venue)};"
        f" {w.amount(event.asset, event.lot)} is left, to raise {w.amount(stablecoin, event.tab)}."
    )


@tells(ve.AuctionRestarted)
def _(event: ve.AuctionRestarted, w: Words) -> str:
    reward = f", for a reward of {w.full(w.stablecoin(event.venue), event.reward)}" if event.reward else ""
    return f"{w.name(event.account)} began the {_auction(event, w)} anew, over {_lot(event, w)}{reward}."


@tells(ve.AuctionEnded)
def _(event: ve.AuctionEnded, w: Words) -> str:
    return f"{w.name(event.account)} won {_lot(event, w)} for {_bid(event, w)} in the {_auction(event, w)}."


@tells(ve.SinFlogged)
def _(event: ve.SinFlogged, w: Words) -> str:
    debt = w.full(w.stablecoin(event.venue), event.amount)
    where = f"queued at {w.name(event.venue)} at {w.moment(event.era)}"
    return f"Bad debt of {debt}, {where}, may now be healed or auctioned."


@tells(ve.DebtHealed)
def _(event: ve.DebtHealed, w: Words) -> str:
    which = "what a debt auction had raised" if event.kissed else "its surplus"
    return f"{w.name(event.venue)} paid {w.full(event.asset, event.amount)} of bad debt out of {which}."


@tells(ve.ShutDown)
def _(event: ve.ShutDown, w: Words) -> str:
    return f"The shutdown of {w.name(event.venue)} began."


@tells(ve.PriceTagged)
def _(event: ve.PriceTagged, w: Words) -> str:
    tag = f"{exact(event.tag, RAY_DECIMALS)} {w.name(event.asset)}"
    return f"One stablecoin of {w.name(event.venue)} is worth {tag} ({w.name(event.ilk)}), for good."


@tells(ve.AuctionCancelled)
def _(event: ve.AuctionCancelled, w: Words) -> str:
    return (
        f"The {_auction(event, w)} was undone: {_lot(event, w)} went back to the vault, and {_bid(event, w)}"
        f" to {w.name(event.account)}."
    )


@tells(ve.VaultSkimmed)
def _(event: ve.VaultSkimmed, w: Words) -> str:
    taken, owed = w.full(event.asset, event.collateral), w.full(w.stablecoin(event.venue), event.owed)
    return f"The debt of {w.name(event.account)} at {w.name(event.venue)}, {owed}, was settled by {taken}."


@tells(ve.CollateralFreed)
def _(event: ve.CollateralFreed, w: Words) -> str:
    left = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} got {left} back, left in a vault without debt at {w.name(event.venue)}."


@tells(ve.DebtThawed)
def _(event: ve.DebtThawed, w: Words) -> str:
    return f"{w.full(event.asset, event.amount)} of {w.name(event.venue)} is to be settled in collateral."


@tells(ve.ShareFixed)
def _(event: ve.ShareFixed, w: Words) -> str:
    share = f"{exact(event.share, RAY_DECIMALS)} {w.name(event.asset)}"
    return f"Each stablecoin of {w.name(event.venue)} gets {share} ({w.name(event.ilk)})."


@tells(ve.CashedOut)
def _(event: ve.CashedOut, w: Words) -> str:
    given, got = w.full(w.stablecoin(event.venue), event.given), w.full(event.asset, event.amount)
    return f"{w.name(event.account)} gave up {given} at {w.name(event.venue)} and got {got}."
