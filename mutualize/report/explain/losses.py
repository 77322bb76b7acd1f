"""Every shortfall of a run: in total, and the largest ones in full, from the market to the last holder.

    market fell ─▶ oracle said ─▶ health below one ─▶ liquidations, slippage
      ─▶ shortfall ─▶ each tier ─▶ each holder's share

The ledger is read twice: to find the largest, then to tell them. What is kept grows with the number of
debtors and venues, never with that of events.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from mutualize.accounts import account
from mutualize.compound_events import Absorbed, CollateralBought
from mutualize.events import (
    Accrued,
    Borrowed,
    Entry,
    Liquidated,
    LossAbsorbed,
    PositionOpened,
    Repaid,
    ShortfallRecognised,
    Supplied,
    Withdrawn,
)
from mutualize.ledger_reader import read
from mutualize.report.explain.cases import follow
from mutualize.report.explain.steps import Part, Step, share, span
from mutualize.report.sentences.words import Words, units_beside
from mutualize.report.text import listing, plural
from mutualize.tier_events import RecoveryPaid
from mutualize.units import mul_div_down

FULL: Final = 3
"""How many shortfalls are told in full."""
COMING_IN: Final = (
    *(RecoveryPaid, CollateralBought, Liquidated, Absorbed, Accrued),
    *(Supplied, Withdrawn, Borrowed, Repaid, PositionOpened),
)
"""What may bring money that pays for a deficit: recoveries, and all that Compound v3's reserves gain by."""


@attrs.define
class Total:
    """All that fell short of one asset on one venue, and who made it good."""

    venue: str
    asset: str
    amount: int = 0
    count: int = 0
    first: int = 0
    last: int = 0
    debtors: dict[str, None] = attrs.field(factory=dict)
    paid: dict[str, int] = attrs.field(factory=dict)
    open: int = 0
    """What nobody has paid yet: the balance of the deficit."""

    def recognise(self, event: ShortfallRecognised, at: int) -> None:
        """Take a shortfall in."""
        self.first, self.last = self.first or at, at
        self.amount += event.amount
        self.count += 1
        if event.account:  # what is stolen, or sold below cost, is nobody's debt
            self.debtors[event.account] = None

    def steps(self, words: Words) -> Iterator[Step]:
        """Say it in sentences."""
        whole = words.full(self.asset, self.amount)
        when = span(self.first, self.last, words)
        of = f" of {plural(len(self.debtors), 'debtor')}" if self.debtors else ""
        yield Step(
            f"{whole}{of} fell short on {words.name(self.venue)}, {when}"
            f" ({plural(self.count, 'shortfall')}).",
            tone="strong",
        )
        paid = [
            f"{words.name(who)} {words.amount(self.asset, amount)} ({share(amount, self.amount)})"
            for who, amount in self.paid.items()
        ]
        left = words.amount(self.asset, self.open)
        rest = f"{left} is still missing" if self.open else "nothing is missing any more"
        yield Step(f"Who paid: {listing(paid) or 'nobody'}; {rest}.", tone="strong")


class _Totals:
    """What a first reading finds."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.by_reserve: dict[tuple[str, str], Total] = {}
        self.largest: list[tuple[int, Entry]] = []

    def take(self, entry: Entry) -> None:
        event = entry.event
        if isinstance(event, ShortfallRecognised):
            total = self.by_reserve.setdefault((event.venue, event.asset), Total(event.venue, event.asset))
            total.recognise(event, entry.at)
            self._rank(event, entry)
        for debit, credit, asset, amount in entry.event.transfers:
            if debit.endswith(":deficit") or credit.endswith(":deficit"):
                self._move(entry, debit, credit, asset, amount)
        self.words.take(entry)

    def _move(self, entry: Entry, debit: str, credit: str, asset: str, amount: int) -> None:
        for total in self.by_reserve.values():
            place = account(total.venue, "deficit")
            if total.asset != asset or debit == credit:
                continue
            if debit == place:
                total.open += amount
            elif credit == place:
                total.open -= amount
                who = _payer(entry)
                total.paid[who] = total.paid.get(who, 0) + amount

    def _rank(self, event: ShortfallRecognised, entry: Entry) -> None:
        """Keep the largest shortfalls, by what they were worth."""
        decimals = self.words.decimals.get(event.asset, 0)
        worth = mul_div_down(event.amount, event.price or 1, 10**decimals)
        self.largest.append((worth, entry))
        self.largest.sort(key=lambda ranked: (-ranked[0], ranked[1].seq))
        del self.largest[FULL:]


def _payer(entry: Entry) -> str:
    """Say who made a deficit smaller: a tier, who burned claims for it, or else what happened."""
    event = entry.event
    if isinstance(event, LossAbsorbed):
        return event.tier
    if isinstance(event, COMING_IN):
        return "money that came back"
    return str(getattr(event, "account", "") or getattr(event, "bearer", "") or type(event).__name__)


def losses(ledger: Path) -> list[Part]:
    """Explain the shortfalls of a run. Raises MutualizeError as `read` does."""
    units = units_beside(ledger)
    found = _Totals(Words(units))
    for entry in read(ledger):
        found.take(entry)
    parts = [_overview(found)]
    chosen = sorted((entry for _, entry in found.largest), key=lambda entry: entry.seq)
    cases = follow(ledger, chosen, Words(units))
    parts += [case.part() for case in cases]
    count = sum(total.count for total in found.by_reserve.values())
    if count > len(cases):
        rest = plural(count - len(cases), "smaller shortfall is", "smaller shortfalls are")
        step = Step(f"{rest} counted above and not told: ask for one of them by --event N or --account A.")
        parts.append(Part("The rest", (step,)))
    return parts


def _overview(found: _Totals) -> Part:
    steps = [step for total in found.by_reserve.values() for step in total.steps(found.words)]
    return Part("What fell short", tuple(steps or [Step("Nothing fell short.", tone="strong")]))
