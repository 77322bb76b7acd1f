"""What if: the same losses, shared out by another table. The reference that the page's own script must equal.

    purse of tier i at loss k = what it would hold had nothing ever been paid + what is added − what it paid
    it pays min(share_of(rest), allowed(tier, purse)), by the project's own rules, and the rest goes on

What people did stays as it was: deposits, stakes and sales are those of the run. That is exact for a table
whose tiers all pay at once, out of what stands there, in the asset that is missing; and where replaying the
run's own table does not give the run's own payments to the last unit, nothing is offered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from mutualize.report.figures import Data
from mutualize.report.web.steps import Key, Loss, Steps
from mutualize.sharing import share
from mutualize.tier import BY_WEIGHT, CLAIMS, FIRST_LOSS, FUND, HOUSE, PRO_RATA, RANKED, STAKE, Tier, allowed

OF_THE_KIND: Final = (FUND, HOUSE, STAKE, CLAIMS)
"""Whose money can be shared out again: what stands there when the loss comes."""
EQUALLY, LARGEST_FIRST, SMALLEST_FIRST = "equally", "largest-first", "smallest-first"
RULES: Final = (PRO_RATA, EQUALLY, LARGEST_FIRST, SMALLEST_FIRST)
"""How a haircut can be shared among holders, in the page."""
HOLDERS_MAX: Final = 2_000
LOSSES_MAX: Final = 20_000


@attrs.frozen(kw_only=True)
class Case:
    """What is shared out: `bases[k][i]` is what tier i would hold at loss k, had nothing ever been paid."""

    tiers: tuple[Tier, ...]
    losses: tuple[int, ...]
    bases: tuple[tuple[int, ...], ...]
    extra: tuple[int, ...]
    """What is added to each tier's purse (or taken off, below zero), base units."""


@attrs.frozen
class Outcome:
    """Who pays: `paid[k][i]` of loss k by tier i, and what of each loss stays open."""

    paid: tuple[tuple[int, ...], ...]
    open: tuple[int, ...]

    def totals(self) -> list[int]:
        """Return what each tier pays in all."""
        return [sum(column) for column in zip(*self.paid, strict=True)]


def share_out(case: Case) -> Outcome:
    """Share all losses out, one after the other, down the table."""
    spent = [0] * len(case.tiers)
    paid, rests = [], []
    for loss, base in zip(case.losses, case.bases, strict=True):
        rest, row = loss, []
        for at, tier in enumerate(case.tiers):
            purse = max(0, base[at] + case.extra[at] - spent[at])
            amount = min(tier.share_of(rest), allowed(tier, purse)) if tier.used else 0
            spent[at] += amount
            rest -= amount
            row.append(amount)
        paid.append(tuple(row))
        rests.append(rest)
    return Outcome(tuple(paid), tuple(rests))


def haircut(rule: str, amount: int, claims: Mapping[str, int]) -> dict[str, int]:
    """Share a haircut among holders by one of `RULES`; nobody bears more than his claim."""
    amount = min(amount, sum(claims.values()))
    match rule:
        case "equally":
            return share(BY_WEIGHT, amount, claims, dict.fromkeys((n for n, c in claims.items() if c), 1))
        case "largest-first":
            return share(RANKED, amount, claims, claims)
        case "smallest-first":
            return share(FIRST_LOSS, amount, claims, claims)
    return share(PRO_RATA, amount, claims)


# --- of a run --------------------------------------------------------------------------------------------


def case_of(steps: Steps, key: Key, names: Sequence[str]) -> tuple[Case | None, str]:
    """Return what can be shared out again, and why nothing can where it is None."""
    tiers = []
    for name in names:
        tier, term = steps.tier_of(*key, name), steps.term(key[0], name)
        if tier is None or term is None:
            return None, f"{name} paid beside the table of tiers."
        if tier.used and (why := _unlike(tier, term, key[1])):
            return None, why
        tiers.append(tier)
    losses = steps.losses[key]
    if len(losses) > LOSSES_MAX:
        return None, f"there are more than {LOSSES_MAX:,} losses."
    case = Case(
        tiers=tuple(tiers),
        losses=tuple(loss.amount for loss in losses),
        bases=_bases(losses, names),
        extra=(0,) * len(tiers),
    )
    told = tuple(tuple(loss.paid.get(name, 0) for name in names) for loss in losses)
    if share_out(case).paid != told:
        return None, "these rules alone do not give what this run's tiers paid, to the last unit."
    return case, ""


def _unlike(tier: Tier, term: Data, asset: str) -> str:
    """Say in what a tier is not one that pays at once, out of what stands there, in the missing asset."""
    if tier.payer not in OF_THE_KIND:
        return f"{tier.name} is paid by {tier.payer}, which is not money that stands there."
    if not term["at_once"]:
        return f"{tier.name} does not pay at once."
    if term["asset"] and term["asset"] != asset:
        return f"{tier.name} pays in {term['asset']}, at prices of the moment."
    return ""


def _bases(losses: Sequence[Loss], names: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    spent = dict.fromkeys(names, 0)
    bases = []
    for loss in losses:
        bases.append(tuple(loss.found.get(name, 0) + spent[name] for name in names))
        for name in names:
            spent[name] += loss.paid.get(name, 0)
    return tuple(bases)


def case_data(case: Case) -> Data:
    """Write a case for the page: every integer as its digits."""
    return {
        "tiers": [
            {
                "tier": tier.name,
                "payer": tier.payer,
                "limit": str(tier.limit),
                "of_loss": str(tier.of_loss),
                "min_left": str(tier.min_left),
                "offset": str(tier.offset),
                "amount_max": None if tier.amount_max is None else str(tier.amount_max),
                "used": tier.used,
            }
            for tier in case.tiers
        ],
        "losses": [str(loss) for loss in case.losses],
        "bases": [[str(base) for base in row] for row in case.bases],
        "extra": [str(extra) for extra in case.extra],
    }
