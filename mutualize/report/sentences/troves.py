"""The sentences of a trove system: troves, stability pool, surplus."""

from __future__ import annotations

from mutualize import trove_events as te
from mutualize.report.sentences.words import Words, tells


@tells(te.TroveOpened)
def _(event: te.TroveOpened, w: Words) -> str:
    put, drew = w.full(event.collateral, event.collateral_amount), w.full(event.debt, event.drawn)
    more = f"{w.amount(event.debt, event.fee)} of fee and {w.amount(event.debt, event.reserve)} of reserve"
    venue = w.name(event.venue)
    return (
        f"{w.name(event.account)} opened a trove at {venue} with {put} and drew {drew}; he owes {more}, too."
    )


@tells(te.TroveAdjusted)
def _(event: te.TroveAdjusted, w: Words) -> str:
    done = []
    if event.collateral_change:
        verb = "put into" if event.collateral_change > 0 else "took out of"
        done.append(f"{verb} his trove {w.full(event.collateral, abs(event.collateral_change))}")
    if event.debt_change:
        verb = "raised" if event.debt_change > 0 else "lowered"
        done.append(f"{verb} its debt by {w.full(event.debt, abs(event.debt_change))}")
    what = " and ".join(done) or "left his trove as it was"
    return f"{w.name(event.account)} {what} at {w.name(event.venue)}{_taken(event, w)}."


def _taken(event: te.TroveAdjusted, w: Words) -> str:
    """Tell what redistributions had given the trove."""
    if not event.taken_collateral and not event.taken_debt:
        return ""
    coll, debt = w.full(event.collateral, event.taken_collateral), w.full(event.debt, event.taken_debt)
    return f"; of redistributions it took in {coll} and a debt of {debt}"


@tells(te.TroveClosed)
def _(event: te.TroveClosed, w: Words) -> str:
    coll = w.full(event.collateral, event.collateral_amount)
    debt = w.full(event.debt, event.debt_amount)
    trove = f"trove of {w.name(event.account)} at {w.name(event.venue)}, {coll} against a debt of {debt},"
    if event.reason == te.BY_OWNER:
        return f"The {trove} was closed by its owner."
    left = f"; {w.full(event.collateral, event.surplus)} is his to claim" if event.surplus else ""
    reserve = w.amount(event.debt, event.reserve)
    return f"The {trove} was liquidated, for {reserve} of reserve and a part of the collateral{left}."


@tells(te.PoolDeposited)
def _(event: te.PoolDeposited, w: Words) -> str:
    put, pool = w.full(event.asset, event.amount), f"stability pool of {w.name(event.venue)}"
    return f"{w.name(event.account)} put {put} into the {pool}{_gained(event, w)}."


@tells(te.PoolWithdrawn)
def _(event: te.PoolWithdrawn, w: Words) -> str:
    took, pool = w.full(event.asset, event.amount), f"stability pool of {w.name(event.venue)}"
    return f"{w.name(event.account)} took {took} out of the {pool}{_gained(event, w)}."


def _gained(event: te.PoolDeposited | te.PoolWithdrawn, w: Words) -> str:
    """Tell what liquidations had done to the deposit."""
    if not event.gain and not event.lost:
        return ""
    gain, lost = w.full(event.collateral, event.gain), w.full(event.asset, event.lost)
    return f", and was paid {gain} for {lost} that liquidations had used"


@tells(te.SurplusClaimed)
def _(event: te.SurplusClaimed, w: Words) -> str:
    took = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} took {took}, left of his liquidated trove at {w.name(event.venue)}."
