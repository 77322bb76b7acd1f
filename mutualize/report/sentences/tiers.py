"""The sentences of the waterfall: who was made to owe a loss, who paid, what came back."""

from __future__ import annotations

from mutualize import events as e
from mutualize import tier_events as te
from mutualize.projections.troves import SEIZED
from mutualize.report.sentences.words import Words, tells
from mutualize.report.text import listing


def _of_whom(debtor: str, w: Words) -> str:
    return f" of {w.name(debtor)}'s loss" if debtor else ""


@tells(e.LossAllocated)
def _(event: e.LossAllocated, w: Words) -> str:
    asset = event.asset
    if not event.amount:
        left = f"{w.amount(asset, event.rest)} is left to the tiers below"
        why = "has nothing to pay with" if not event.capacity else "has nothing to pay"
        if event.debtor and not event.capacity:  # it may have money that is not for his loss
            why = f"can pay nothing{_of_whom(event.debtor, w)}"
        return f"{w.name(event.tier)} at {w.name(event.venue)} {why}; {left}."
    due = f" by {w.moment(event.due)}" if event.due else ""
    rest = (
        f"{w.amount(asset, event.rest)} is left to the tiers below" if event.rest else "nothing is left over"
    )
    return (
        f"{w.name(event.tier)} at {w.name(event.venue)} has to pay {w.full(asset, event.amount)}"
        f"{_of_whom(event.debtor, w)}{due}, of at most {w.amount(asset, event.capacity)}; {rest}."
    )


@tells(e.LossAbsorbed)
def _(event: e.LossAbsorbed, w: Words) -> str:
    covered = w.full(event.asset, event.amount, event.price or None)
    by = "" if event.bearer in (event.tier, "") else f", borne by {w.name(event.bearer)}"
    with_what = ""
    if event.paid_asset != event.asset or event.paid != event.amount:
        with_what = f" with {w.full(event.paid_asset, event.paid, event.paid_price or None)}"
    rest = f"; {w.amount(event.asset, event.rest)} is still missing" if event.rest else ""
    seized = f"{event.venue}:{SEIZED}"
    took = [w.full(asset, took) for debit, _, asset, took in event.transfers if debit == seized]
    got = f", and got {listing(took)} of the collateral" if took else ""
    return (
        f"{w.name(event.tier)} at {w.name(event.venue)} paid {covered}{_of_whom(event.debtor, w)}"
        f"{with_what}{by}{got}{rest}."
    )


@tells(e.ShortfallUncovered)
def _(event: e.ShortfallUncovered, w: Words) -> str:
    left = w.full(event.asset, event.amount)
    return f"All tiers of {w.name(event.venue)} have paid what they can: nobody has paid {left}."


@tells(e.FundContributed)
def _(event: e.FundContributed, w: Words) -> str:
    put = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} put {put} into {w.name(event.tier)} at {w.name(event.venue)}."


@tells(te.LossHeld)
def _(event: te.LossHeld, w: Words) -> str:
    what = f"until {w.moment(event.until)}" if event.until else "for a vote"
    held = w.full(event.asset, event.amount)
    return f"{held} of a loss waits at {w.name(event.tier)} of {w.name(event.venue)} {what}."


@tells(te.LossReleased)
def _(event: te.LossReleased, w: Words) -> str:
    held, most = w.full(event.asset, event.amount), w.amount(event.asset, event.most)
    return (
        f"{held}{_of_whom(event.debtor, w)} waits at {w.name(event.tier)} of {w.name(event.venue)} no more:"
        f" it may pay at most {most}."
    )


@tells(te.LossPassedOn)
def _(event: te.LossPassedOn, w: Words) -> str:
    missing = w.full(event.asset, event.amount) + _of_whom(event.debtor, w)
    return (
        f"{w.name(event.tier)} at {w.name(event.venue)} had not raised {missing} in time:"
        " the tiers below answer for it."
    )


@tells(te.MembersCalled)
def _(event: te.MembersCalled, w: Words) -> str:
    called = w.full(event.asset, event.amount)
    return f"{w.name(event.tier)} at {w.name(event.venue)} called its members for {called}."


@tells(te.MemberContributed)
def _(event: te.MemberContributed, w: Words) -> str:
    put = w.full(event.asset, event.amount)
    return f"{w.name(event.account)}, a member, put {put} into {w.name(event.fund)} at {w.name(event.venue)}."


@tells(te.ContributionReturned)
def _(event: te.ContributionReturned, w: Words) -> str:
    took, venue = w.full(event.asset, event.amount), w.name(event.venue)
    return f"{w.name(event.account)}, a member, took {took} out of {w.name(event.fund)} at {venue}."


@tells(te.NumbersSet)
def _(event: te.NumbersSet, w: Words) -> str:
    return f"The numbers by which a tier of {w.name(event.venue)} is shared ({w.name(event.table)}) were set."


@tells(te.SnapshotTaken)
def _(event: te.SnapshotTaken, w: Words) -> str:
    lost = w.full(event.asset, event.amount)
    return (
        f"What each payer had at {w.name(event.venue)} at the loss of {lost}{_of_whom(event.debtor, w)}"
        " was written down."
    )


@tells(te.ExitsFrozen)
def _(event: te.ExitsFrozen, w: Words) -> str:
    return f"Nobody leaves {w.name(event.venue)} any more."


@tells(te.ExitsOpened)
def _(event: te.ExitsOpened, w: Words) -> str:
    return f"{w.name(event.venue)} lets people leave again."


@tells(te.MoneyRecovered)
def _(event: te.MoneyRecovered, w: Words) -> str:
    gave = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} gave {w.name(event.venue)} back {gave} of what was lost."


@tells(te.MoneyPledged)
def _(event: te.MoneyPledged, w: Words) -> str:
    promised = w.full(event.asset, event.amount)
    return f"{w.name(event.account)} promised {w.name(event.venue)} {promised} for what was lost."


@tells(te.RecoveryAllocated)
def _(event: te.RecoveryAllocated, w: Words) -> str:
    amount, where = w.full(event.asset, event.amount), w.name(event.venue)
    whom = f"those who paid by {w.name(event.tier)}" if event.tier else "what is still missing"
    whom = f"holders of {w.name(event.iou)}" if event.iou else whom
    return (
        f"Of what {w.name(event.account)} gave, {amount} goes to {whom} at {where} (row {w.name(event.row)})."
    )


@tells(te.RecoveryPaid)
def _(event: te.RecoveryPaid, w: Words) -> str:
    repaid = w.full(event.asset, event.amount)
    paid = "" if event.paid_asset == event.asset else f" with {w.full(event.paid_asset, event.paid)}"
    return f"{w.name(event.bearer)} at {w.name(event.venue)} got {repaid} back{paid}."


LOSSES = {
    "theft": "was stolen",
    "mint": "was made out of nothing",
    "backing": "of what backs claims is gone",
    "claim": "was claimed, and the claim was accepted",
}


@tells(te.LossReported)
def _(event: te.LossReported, w: Words) -> str:
    lost, how = w.full(event.asset, event.amount), LOSSES.get(event.loss, "was lost")
    holder = f" (it is with {w.name(event.holder)} now)" if event.holder else ""
    return f"{w.name(event.account)} reported to {w.name(event.venue)} that {lost} {how}{holder}."


@tells(te.ProfitsSettled)
def _(event: te.ProfitsSettled, w: Words) -> str:
    paid = w.full(event.asset, event.amount)
    return (
        f"Those who lost at {w.name(event.venue)} paid {paid} to those who won, in period {event.period:,}."
    )
