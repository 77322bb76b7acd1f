"""The sentences of the world around a protocol: prices, trades, gas, refusals, votes."""

from __future__ import annotations

from mutualize import events as e
from mutualize import vault_events as ve
from mutualize.report.sentences.words import Words, tells
from mutualize.report.text import plural


@tells(e.PricePublished)
def _(event: e.PricePublished, w: Words) -> str:
    asset, before = w.name(event.asset), w.prices.get(event.asset)
    away = "" if event.market == event.price else f"; the market said {w.price(event.market)}"
    if before is None:
        return f"The oracle told {asset} at {w.price(event.price)}{away}."
    if before == event.price:
        return f"The oracle told {asset} at {w.price(event.price)} again{away}."
    moved = "raised" if before < event.price else "lowered"
    return f"The oracle {moved} {asset} from {w.price(before)} to {w.price(event.price)}{away}."


@tells(e.MarketHalted)
def _(event: e.MarketHalted, w: Words) -> str:
    return f"No price of {w.name(event.asset)} could be had at {w.name(event.place)} any more."


@tells(e.MarketResumed)
def _(event: e.MarketResumed, w: Words) -> str:
    return f"{w.name(event.place)} quoted {w.name(event.asset)} again."


@tells(e.Traded)
def _(event: e.Traded, w: Words) -> str:
    sold, bought = w.full(event.sold, event.sold_amount), w.amount(event.bought, event.bought_amount)
    return (
        f"{w.name(event.account)} sold {sold} for {bought} at {w.name(event.place)}; before it the price was"
        f" {w.price(event.mid)}."
    )


@tells(e.GasPaid)
def _(event: e.GasPaid, w: Words) -> str:
    return f"{w.name(event.account)} paid {w.full(event.asset, event.amount)} of gas."


@tells(e.TransactionFailed)
def _(event: e.TransactionFailed, w: Words) -> str:
    paid = w.full(event.asset, event.amount)
    return f"A transaction of {w.name(event.account)} failed ({w.name(event.reason)}) and cost {paid} of gas."


@tells(e.RefusalsCounted)
def _(event: e.RefusalsCounted, w: Words) -> str:
    times = plural(event.count, "command was", "commands were")
    return f"{times} refused at no cost since the batch before ({w.name(event.reason)})."


@tells(e.ClaimWaiting)
def _(event: e.ClaimWaiting, w: Words) -> str:
    if not event.amount:
        return f"{w.name(event.account)} waits no more for {w.name(event.asset)} of {w.name(event.venue)}."
    wanted = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} wants {wanted}, and waits: {w.name(event.venue)} has no cash."


@tells(e.AgentFailed)
def _(event: e.AgentFailed, w: Words) -> str:
    return f"The code of {w.name(event.agent)} failed, and ended the run: {w.name(event.problem)}."


@tells(e.ProposalMade)
def _(event: e.ProposalMade, w: Words) -> str:
    when = w.moment(event.executable)
    return (
        f"{w.name(event.account)} put {w.name(event.proposal)} to the vote, to be carried out from {when} on."
    )


@tells(e.ProposalExecuted)
def _(event: e.ProposalExecuted, w: Words) -> str:
    return f"{w.name(event.account)} carried out {w.name(event.proposal)}, which had been voted."


@tells(ve.Delivered)
def _(event: ve.Delivered, w: Words) -> str:
    handed = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} handed {handed} to {w.name(event.to)}, outside of all venues."
