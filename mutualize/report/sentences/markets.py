"""The sentences of Compound's markets: reserves, absorption, and the sale of what was absorbed."""

from __future__ import annotations

from mutualize import compound_events as ce
from mutualize.report.sentences.words import Words, tells


@tells(ce.ReservesAdded)
def _(event: ce.ReservesAdded, w: Words) -> str:
    amount = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} added {amount} to the reserves of {w.name(event.venue)}."


@tells(ce.ReservesWithdrawn)
def _(event: ce.ReservesWithdrawn, w: Words) -> str:
    amount = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} took {amount} out of the reserves of {w.name(event.venue)}."


@tells(ce.Donated)
def _(event: ce.Donated, w: Words) -> str:
    amount = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} sent {amount} to {w.name(event.venue)} for nothing in return."


@tells(ce.Absorbed)
def _(event: ce.Absorbed, w: Words) -> str:
    who, venue, asset = w.name(event.account), w.name(event.venue), event.asset
    left = f"; {w.amount(asset, event.left)} is left to {who}" if event.left else ""
    return (
        f"{w.name(event.liquidator)} had the reserves of {venue} take over all collateral of {who}, who owed"
        f" {w.full(asset, event.debt)}, and pay {w.full(asset, event.credited)} for it{left}."
    )


@tells(ce.CollateralBought)
def _(event: ce.CollateralBought, w: Words) -> str:
    bought, paid = w.full(event.collateral, event.amount), w.full(event.asset, event.paid)
    cost = w.full(event.asset, event.cost)
    return (
        f"{w.name(event.account)} bought {bought} of the reserves of {w.name(event.venue)} for {paid}:"
        f" they had paid {cost} for it."
    )
