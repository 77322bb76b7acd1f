"""The sentences of a lending pool, and of what falls short there."""

from __future__ import annotations

from mutualize import events as e
from mutualize import isolated_events as ie
from mutualize.compound_events import is_purchase
from mutualize.report.sentences.words import Words, tells


@tells(e.ReserveListed)
def _(event: e.ReserveListed, w: Words) -> str:
    return f"{w.name(event.venue)} opened a reserve for {w.name(event.asset)} ({event.decimals} decimals)."


@tells(ie.MarketCreated)
def _(event: ie.MarketCreated, w: Words) -> str:
    loan, collateral = w.name(event.asset), w.name(event.collateral)
    places = f"{event.decimals} and {event.collateral_decimals} decimals"
    return f"{w.name(event.venue)} began: a market that lends {loan} against {collateral} ({places})."


@tells(e.ParameterChanged)
def _(event: e.ParameterChanged, w: Words) -> str:
    of = f" of {w.name(event.asset)}" if event.asset else ""
    return (
        f"{w.name(event.name)}{of} on {w.name(event.venue)} was set from {event.before:,} to {event.after:,}."
    )


@tells(e.Accrued)
def _(event: e.Accrued, w: Words) -> str:
    interest = sum(t.amount for t in event.transfers if t.debit.endswith(":loans"))
    for_whom = f": borrowers owe {w.full(event.asset, interest)} more" if interest else ": none was due"
    return f"Interest on {w.name(event.asset)} at {w.name(event.venue)} was reckoned up to now{for_whom}."


@tells(e.Supplied)
def _(event: e.Supplied, w: Words) -> str:
    return f"{w.name(event.account)} lent {w.full(event.asset, event.amount)} to {w.name(event.venue)}."


@tells(e.Withdrawn)
def _(event: e.Withdrawn, w: Words) -> str:
    return f"{w.name(event.account)} took {w.full(event.asset, event.amount)} out of {w.name(event.venue)}."


@tells(e.Borrowed)
def _(event: e.Borrowed, w: Words) -> str:
    return f"{w.name(event.account)} borrowed {w.full(event.asset, event.amount)} from {w.name(event.venue)}."


@tells(e.Repaid)
def _(event: e.Repaid, w: Words) -> str:
    of = "of his own debt" if event.payer == event.account else f"of the debt of {w.name(event.account)}"
    paid = w.full(event.asset, event.amount)
    return f"{w.name(event.payer)} repaid {paid} {of} at {w.name(event.venue)}."


@tells(e.CollateralSet)
def _(event: e.CollateralSet, w: Words) -> str:
    done = "put up as collateral" if event.on else "keeps out of his collateral"
    return f"{w.name(event.account)} {done} what he has of {w.name(event.asset)} at {w.name(event.venue)}."


@tells(e.ClaimsTransferred)
def _(event: e.ClaimsTransferred, w: Words) -> str:
    claim = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} gave {w.name(event.to)} a claim on {claim} at {w.name(event.venue)}."


@tells(e.PositionOpened)
def _(event: e.PositionOpened, w: Words) -> str:
    held = w.full(event.collateral, event.collateral_amount)
    owed = w.full(event.debt, event.debt_amount)
    return f"{w.name(event.account)} had put up {held} at {w.name(event.venue)}, and owed {owed}."


@tells(e.TreasuryMinted)
def _(event: e.TreasuryMinted, w: Words) -> str:
    fund = f", and {w.amount(event.asset, event.fund_amount)} went to its fund" if event.fund_amount else ""
    got = w.full(event.asset, event.amount)
    who, venue = w.name(event.account), w.name(event.venue)
    return f"{who} was given {got} that the treasury of {venue} had earned{fund}."


@tells(e.Liquidated)
def _(event: e.Liquidated, w: Words) -> str:
    fees = event.fee + event.fund_fee
    fee = f", and a fee of {w.full(event.collateral, fees)} was taken" if fees else ""
    if is_purchase(event):
        return (
            f"{w.name(event.liquidator)} paid {w.full(event.debt, event.paid)} to the reserves of"
            f" {w.name(event.venue)} for {w.full(event.collateral, event.seized)} of what they took over from"
            f" {w.name(event.account)}."
        )
    got = "claims on " if event.claims else ""
    if not event.paid:  # others pay the debt of a trove
        return (
            f"{w.name(event.liquidator)} liquidated {w.name(event.account)} at {w.name(event.venue)}, and got"
            f" {got}{w.full(event.collateral, event.seized)} of his collateral{fee}."
        )
    return (
        f"{w.name(event.liquidator)} repaid {w.full(event.debt, event.paid)} of the debt of"
        f" {w.name(event.account)} at {w.name(event.venue)}, and got {got}"
        f"{w.full(event.collateral, event.seized)} of his collateral{fee}."
    )


@tells(e.ShortfallRecognised)
def _(event: e.ShortfallRecognised, w: Words) -> str:
    of = f" that {w.name(event.account)} owed" if event.account else ""
    missing = w.full(event.asset, event.amount, event.price or None)
    why = "nothing was left to cover it"
    if w.has_troves(event.venue):
        why = "whoever pays it gets the collateral that goes with it"
    return f"{missing}{of} fell short on {w.name(event.venue)}: {why}."


@tells(e.DeficitEliminated)
def _(event: e.DeficitEliminated, w: Words) -> str:
    gave = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} gave up claims of {gave} to pay what {w.name(event.venue)} lacked."


@tells(e.PendingDeficitRaised)
def _(event: e.PendingDeficitRaised, w: Words) -> str:
    amount = w.full(event.asset, event.amount)
    venue = w.name(event.venue)
    return f"The slash answers for {amount} that {venue} lacks; claims are still to be burned for it."


@tells(e.PendingDeficitCovered)
def _(event: e.PendingDeficitCovered, w: Words) -> str:
    amount = w.full(event.asset, event.amount)
    who, venue = w.name(event.account), w.name(event.venue)
    return f"{who} burned claims of {amount}, which the slash at {venue} had paid for."


@tells(e.OffsetCovered)
def _(event: e.OffsetCovered, w: Words) -> str:
    amount = w.full(event.asset, event.amount)
    who, venue = w.name(event.account), w.name(event.venue)
    return f"{who} burned claims of {amount}: the part that {venue} bears itself."


@tells(e.OffsetSet)
def _(event: e.OffsetSet, w: Words) -> str:
    amount = w.full(event.asset, event.amount)
    return f"{w.name(event.venue)} bears the first {amount} of a deficit itself, before stakers are touched."
