"""What must hold of the rows of waterfalls and recoveries, and of what they look up in their venue.

A row by itself (`check_row`), then a venue by itself (`check_tiers`); what governance, members and depositors
have to do with it is in tier_people.py. Problems are noted, not raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from mutualize.loss_commands import BACKING, THEFT
from mutualize.recoveries import complaints
from mutualize.scenario.fortunes import Loss, Profits
from mutualize.scenario.place import Path, did_you_mean, shown
from mutualize.scenario.tier_rows import Tier
from mutualize.scenario.venue import Venue
from mutualize.scenario.waterfalls import row_of
from mutualize.tier import (
    ASSESSMENT,
    AT_DEFAULT,
    BY_WEIGHT,
    CLAIMS,
    DEBTOR,
    DEPOSITORS,
    FUND,
    HOLDER,
    HOUSE,
    INJECTION,
    LOANS,
    MARGIN,
    MEMBERS,
    MINT,
    PRO_RATA,
    REVENUE,
    STAKE,
    WINNERS,
)
from mutualize.tier import Tier as Engine
from mutualize.venues.cover import PoolCover
from mutualize.venues.custody_cover import CustodyCover
from mutualize.venues.isolated_cover import MarketCover
from mutualize.venues.markets_cover import MarketsCover
from mutualize.venues.stability_cover import StabilityCover

CONVERTING: Final = (FUND, HOUSE, STAKE, MINT, INJECTION)
"""Payers who can pay in another asset than the one that is missing."""
PROMPT: Final = (CLAIMS, WINNERS, HOLDER, MARGIN, DEPOSITORS, LOANS, DEBTOR)
"""Payers who are there or are not: nothing more is raised from them by waiting."""
OF_MEMBERS: Final = (MEMBERS, ASSESSMENT, DEBTOR)
SHARED: Final = (MEMBERS, CLAIMS, WINNERS)
"""Payers who may share otherwise than pro rata, since there are several and all are known by name."""
NAMED: Final = (*OF_MEMBERS, *CustodyCover.named, *PoolCover.named)
PURSED: Final = (FUND, HOUSE, *OF_MEMBERS)
INDEXED: Final = (CLAIMS, LOANS, REVENUE)
"""What a pool takes from everybody alike, by one index."""
OFFERED: Final = {
    "pool": PoolCover.payers,
    "custody": CustodyCover.payers,
    "isolated": MarketCover.payers,
    "compound": MarketsCover.payers,
    "stability": StabilityCover.payers,
    "comet": MarketsCover.payers,
}

Problem = tuple[str | Path, str, str]
"""Which field, what is wrong with it, and what to do."""
Note = Callable[..., None]


# --- a row by itself -------------------------------------------------------------------------------------


def check_row(tier: Tier, note: Note) -> None:
    """Check what a tier says about itself."""
    for field, problem, remedy in (*_whose(tier), *_amounts(tier), *_when(tier), *_sharing(tier)):
        note(field, problem, remedy)


def _whose(tier: Tier) -> Iterator[Problem]:
    payer = tier.payer
    if payer == STAKE and tier.stake is None:
        yield "stake", "a tier paid by a stake names it.", "Give stake."
    if payer != STAKE and tier.stake is not None:
        yield "stake", f"a tier paid by {payer} has no stake.", ""
    if payer == HOLDER and tier.holder is None:
        yield "holder", "a tier paid by one holder names him.", "Give holder."
    if payer not in (HOLDER, INJECTION) and tier.holder is not None:
        yield "holder", f"a tier paid by {payer} has no holder.", ""
    if payer not in PURSED and tier.purse is not None:
        yield "purse", f"a tier paid by {payer} has no purse.", ""
    if payer == CLAIMS and tier.asset is not None:
        yield "asset", "claims are cut in the asset that is missing, not in another.", ""
    elif payer not in CONVERTING and tier.asset is not None:
        yield "asset", f"a tier paid by {payer} pays in the asset that is missing, not in another.", ""
    if tier.asset is not None and tier.price is None:
        yield (
            "asset",
            f"the tier pays in {tier.asset}, but at no price.",
            "Give price: a number, 'oracle' or 'market'.",
        )
    if tier.discount and tier.price is None:
        yield "discount", "a discount needs a price.", ""


def _amounts(tier: Tier) -> Iterator[Problem]:
    if not tier.limit:
        yield (
            "limit",
            "a limit of zero pays nothing.",
            "Write used = false for a tier that exists and is not used.",
        )
    if tier.payer in (MINT, INJECTION) and not tier.amount_max:
        yield (
            "amount_max",
            f"a tier paid by {tier.payer} has no end: it could pay anything.",
            "Give amount_max.",
        )
    if tier.period_s is None:
        for field in ("quota", "multiple_max"):
            if getattr(tier, field):
                yield field, f"{field} is for a period whose length is not said.", "Give period_s."
    elif not tier.quota and tier.multiple_max is None:
        yield "period_s", "period_s says nothing without quota or multiple_max.", "Leave it out."
    if tier.payer != ASSESSMENT and tier.multiple_max is not None:
        yield "multiple_max", f"only members are assessed, not {tier.payer}.", "Write payer = 'assessment'."


def _when(tier: Tier) -> Iterator[Problem]:
    if tier.payer in PROMPT and tier.due_s is not None:
        yield (
            "due_s",
            f"a tier paid by {tier.payer} pays at once or never: nothing is raised by waiting.",
            "Leave out due_s, or let it wait: wait_s.",
        )


def _sharing(tier: Tier) -> Iterator[Problem]:
    payer, perimeter = tier.payer, tier.perimeter
    if tier.sharing != PRO_RATA and payer not in SHARED:
        yield "sharing", f"a tier paid by {payer} is not shared {tier.sharing}.", "Leave out sharing."
    elif tier.sharing != PRO_RATA and tier.by is None:
        yield "by", f"{tier.sharing} goes by numbers, but not by which.", "Give by."
    if tier.sharing == PRO_RATA and tier.by is not None:
        yield "by", "pro rata goes by what each has, not by numbers.", "Give sharing."
    if tier.snapshot == AT_DEFAULT and payer not in (*SHARED, ASSESSMENT):
        yield "snapshot", f"what {payer} is entitled to is not written down at a default.", "Leave it out."
    cohort = next((field for field in ("since", "before") if getattr(perimeter, field) is not None), None)
    if cohort is not None and payer not in (*SHARED, *OF_MEMBERS):
        yield ("perimeter", cohort), f"nobody joins what pays here: {payer}.", "Leave it out."
    if perimeter.since is not None and perimeter.before is not None and perimeter.since >= perimeter.before:
        yield ("perimeter", "before"), "nobody joined both after and before.", ""
    if tier.iou is not None and payer not in NAMED:
        yield "iou", f"who pays is not known by name ({payer}): nobody could hold the IOU.", "Leave out iou."
    if tier.iou_asset is not None and tier.iou is None:
        yield "iou_asset", "there is no IOU to be counted in it.", "Give iou."


def check_loss(loss: Loss, note: Note) -> None:
    """Check that a loss from outside says what its kind needs."""
    if loss.loss == BACKING:
        if loss.share is None:
            note("", "'share' is missing: backing needs it.")
        if loss.amount is not None:
            note("amount", "backing is lost by share.", "Give share alone.")
        return
    if loss.share is not None:
        note("share", f"{loss.loss} is by amount, not by share.", "Give amount.")
    if loss.loss == THEFT:
        return
    for field in ("amount", "holder"):
        if not getattr(loss, field):
            note("", f"{shown(field)} is missing: {loss.loss} needs it.")


def check_profits(profits: Profits, note: Note) -> None:
    """Check that what was won is what was lost, of each asset."""
    for asset in profits.assets:
        if sum(gain for _, _, gain in profits.gains(asset)):
            note("lost", f"what was lost of {asset} is not what was won.", "They sum to the same.")


# --- a venue by itself -----------------------------------------------------------------------------------


def check_tiers(venue: Venue, note: Note) -> None:
    """Check a venue's tiers beside its purses, members and numbers."""
    _kind(venue, note)
    for number, tier in enumerate(venue.waterfall):
        _offered(venue, tier, lambda field, *what, at=number: note(("waterfall", at, *field), *what))
    _purses(venue, note)
    _numbers(venue, note)
    rows = [row_of(row) for row in venue.recoveries]
    tiers = [Engine(name=tier.tier, payer=tier.payer, iou=tier.iou or "") for tier in venue.waterfall]
    for place, field, problem in complaints(rows, tiers):
        names = [tier.tier for tier in venue.waterfall]
        remedy = did_you_mean(getattr(rows[place], field), names) if field == "tier" else ""
        note(("recoveries", place, field), f"{problem}.", remedy)


def _kind(venue: Venue, note: Note) -> None:
    if venue.kind == "custody":
        if not venue.holds:
            note("holds", "a venue of balances holds some asset.", "Give holds = ['USDC'].")
        for field in ("reserves", "umbrella"):
            if getattr(venue, field):
                note(field, f"a venue of balances has no {field}.", "Write kind = 'pool', or leave it out.")
        for holder, amounts in venue.balances.items():
            for asset in amounts:
                if asset not in venue.holds:
                    note(("balances", holder, asset), f"{venue.name} holds no {asset}.", "Add it to holds.")
        return
    if venue.kind == "stability":
        return
    if not venue.reserves:
        note("reserves", "a pool without reserves lends nothing.")
    for field in ("holds", "balances"):
        if getattr(venue, field):
            note(field, f"a pool has no {field}.", "Write kind = 'custody', or leave it out.")


def _offered(venue: Venue, tier: Tier, note: Note) -> None:
    """Check that the venue has whom a tier asks, and can ask them as the tier says."""
    own = {payer for payers in OFFERED.values() for payer in payers}
    if tier.payer in own and tier.payer not in OFFERED[venue.kind]:
        remedy = f"It has: {', '.join(OFFERED[venue.kind])}."
        note(("payer",), f"a venue of kind {venue.kind} has no {tier.payer} to take from.", remedy)
        return
    if tier.every_asset and (venue.kind != "custody" or tier.payer == WINNERS):
        note(("every_asset",), "only balances in custody are cut in every asset.", "Leave it out.")
    if venue.kind == "custody" or tier.payer not in INDEXED:
        return
    cuts = (
        (("sharing",), tier.sharing != PRO_RATA),
        (("perimeter", "since"), tier.perimeter.since is not None),
        (("perimeter", "before"), tier.perimeter.before is not None),
        (("iou",), tier.iou is not None),
        (("snapshot",), tier.snapshot == AT_DEFAULT),
    )
    for field, is_said in cuts:
        if is_said:
            problem = f"who lends takes {tier.payer} from all alike, by one index: nobody is known by name."
            note(field, problem, f"Leave out {field[-1]}, or write kind = 'custody'.")


def _purses(venue: Venue, note: Note) -> None:
    """Check that each purse has money and one kind of owner, and that who shares one is in order."""
    tiers = list(enumerate(venue.waterfall))
    funds = [venue.purse_of(tier) for _, tier in tiers if tier.payer in (FUND, HOUSE)]
    mutual = [venue.purse_of(tier) for _, tier in tiers if tier.payer in OF_MEMBERS]
    for name in venue.funds:
        if name not in funds:
            note(
                ("funds", name),
                f"there is no tier {shown(name)} that a fund pays.",
                did_you_mean(name, funds),
            )
    for name in venue.members:
        if name not in mutual:
            problem = f"there is no tier {shown(name)} that members pay."
            note(("members", name), problem, did_you_mean(name, mutual))
    is_filled = any(table.fund_fee_share or table.fund_reserve_share for table in venue.reserves.values())
    seen: dict[str, Tier] = {}
    for number, tier in tiers:
        purse = venue.purse_of(tier)
        if tier.payer in (FUND, HOUSE) and purse in mutual:
            note(("waterfall", number), f"the purse {shown(purse)} is its members' already.", "Give another.")
        elif tier.payer in (FUND, HOUSE) and purse not in venue.funds and not is_filled:
            note(
                ("waterfall", number),
                f"the {tier.payer} {shown(purse)} has no money, and nothing fills it.",
                f"Give [venues.{venue.name}.funds.{purse}].",
            )
        key = f"stake {tier.stake}" if tier.stake else f"purse {purse}"
        above = seen.get(key) if tier.payer in (FUND, HOUSE, STAKE, MEMBERS) else None
        if above is not None and above.due_s is not None:
            note(
                ("waterfall", number),
                f"{shown(above.tier)} and {shown(tier.tier)} count on the same {key.partition(' ')[0]}, and"
                f" which is paid first is not said: the upper one pays later.",
                "Leave out its due_s, or give each money of its own.",
            )
        if tier.payer in (FUND, HOUSE, STAKE, MEMBERS):
            seen.setdefault(key, tier)
    for reserve, umbrella in venue.umbrella.items():
        shared = seen.get(f"stake {umbrella.stake}")
        if shared is not None and (shared.due_s is not None or shared.wait_s or shared.vote):
            problem = f"the stake {shown(umbrella.stake)} pays for {shown(shared.tier)} too, which takes time"
            note(
                ("umbrella", reserve, "stake"),
                f"{problem}: which is paid first is not said.",
                "Let the tier pay at once, or leave out one of them.",
            )


def _numbers(venue: Venue, note: Note) -> None:
    for number, tier in enumerate(venue.waterfall):
        if tier.by is None or tier.by in venue.numbers:
            continue
        remedy = did_you_mean(tier.by, venue.numbers) or f"Give [venues.{venue.name}.numbers.{tier.by}]."
        note(("waterfall", number, "by"), f"there are no numbers {shown(tier.by)}.", remedy)
    weights = {tier.by for tier in venue.waterfall if tier.sharing == BY_WEIGHT}
    for name, numbers in venue.numbers.items():
        if name in weights and not sum(numbers.values()):
            problem = f"the weights {shown(name)} sum to zero: nobody would bear anything."
            note(("numbers", name), problem, "Give somebody a weight.")
