"""Two runs beside each other: who is better off and who worse, and the first event at which they part.

    measures of both ─▶ per tier, per role ┐
    gains of all accounts ─▶ the largest   ├─▶ table, Markdown, JSON
    both ledgers ─▶ where they part, why   ┘

Verdicts are those of a baseline: better and worse where a measure has a worse side, else changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import attrs

from mutualize.errors import MutualizeError
from mutualize.events import Entry
from mutualize.ledger_audit import find_first_difference
from mutualize.ledger_reader import read
from mutualize.report.accounts_of import Worth, worth_of_accounts
from mutualize.report.baseline import BETTER, GONE, NEW, NEW_HERE, SAME, WORSE, Compared, compare
from mutualize.report.difference import first_difference
from mutualize.report.figures import Data
from mutualize.report.measures import Measure, measures
from mutualize.report.sentences.tell import sentence
from mutualize.report.sentences.words import Words, units_beside
from mutualize.report.text import clean, listing, numeral
from mutualize.units import WAD, mul_div_down

SCHEMA: Final = "mutualize/compare@1"
ACCOUNTS_MAX: Final = 10
"""How many accounts are named."""
GAIN: Final = "gain."
EXPECTED: Final = "expected."
PRICE_DECIMALS: Final = 8


@attrs.frozen
class Side:
    """One run of a comparison: what it is called here, its summary, and its ledger."""

    label: str
    summary: Data
    ledger: Path

    @property
    def money(self) -> str:
        """The money of account."""
        return str(self.summary["scenario"]["money"])

    @property
    def scenario(self) -> str:
        """The scenario's name."""
        return str(self.summary["scenario"]["name"])

    def data(self) -> Data:
        """Return what the run is, as plain data."""
        about = self.summary["scenario"]
        return {
            "label": clean(self.label),
            "scenario": about["name"],
            "variant": about["variant"],
            "seed": about["seed"],
            "digest": self.summary["ledger"]["digest"],
            "events": self.summary["ledger"]["events"],
            "ended": self.summary["ledger"]["ended"],
        }


@attrs.frozen
class AccountChange:
    """What one account gained in both runs, in money (8 decimals); None where it is not in one of them."""

    account: str
    role: str
    before: int | None
    now: int | None

    @property
    def change(self) -> int:
        """By how much it is better off; below zero, worse."""
        return (self.now or 0) - (self.before or 0)

    @property
    def verdict(self) -> str:
        """Whether it is better off, worse off, new, gone, or as before."""
        if self.before is None:
            return NEW
        if self.now is None:
            return GONE
        return BETTER if self.change > 0 else WORSE if self.change < 0 else SAME

    def data(self) -> Data:
        """Return it as plain data."""
        share = Fraction(self.change, abs(self.before)) if self.before else None
        return {
            "account": clean(self.account),
            "role": self.role,
            "before": None if self.before is None else numeral(self.before, PRICE_DECIMALS),
            "now": None if self.now is None else numeral(self.now, PRICE_DECIMALS),
            "change": numeral(self.change, PRICE_DECIMALS),
            "share": ratio_of(share),
            "verdict": self.verdict,
        }


@attrs.frozen
class Pair:
    """A run beside the one that it is compared with."""

    base: Side
    side: Side
    measured: tuple[Compared, ...]
    accounts: tuple[AccountChange, ...]
    """Those that changed, the largest change first."""
    same: int
    """How many accounts gained or lost the same."""
    parting: tuple[str, ...]
    """Where the ledgers part, in lines; empty where they are one."""
    seq: int | None
    """The event at which they part."""

    def data(self) -> Data:
        """Return it as plain data."""
        verdicts = [one.verdict for one in self.accounts]
        return {
            "side": clean(self.side.label),
            "measures": [_measure(one) for one in self.measured],
            "accounts": {
                "better": verdicts.count(BETTER),
                "worse": verdicts.count(WORSE),
                "new": verdicts.count(NEW),
                "gone": verdicts.count(GONE),
                "same": self.same,
                "largest": [one.data() for one in self.accounts[:ACCOUNTS_MAX]],
            },
            "first_difference": {"event": self.seq, "lines": list(self.parting)} if self.parting else None,
        }


@attrs.frozen
class Comparison:
    """All sides, and each of them beside the first."""

    sides: tuple[Side, ...]
    pairs: tuple[Pair, ...]
    warnings: tuple[str, ...]

    def data(self) -> Data:
        """Return it as plain data, `mutualize/compare@1`."""
        return {
            "schema": SCHEMA,
            "money": self.sides[0].money,
            "sides": [side.data() for side in self.sides],
            "warnings": list(self.warnings),
            "pairs": [pair.data() for pair in self.pairs],
        }


def compared(sides: Sequence[Side]) -> Comparison:
    """Compare runs with the first of them.

    Runs of different scenarios are compared, with a warning, as long as their money of account is one; else
    raises MutualizeError (2), since no sum of theirs could be held against another.
    """
    base = sides[0]
    for side in sides[1:]:
        if side.money != base.money:
            problem = (
                f"values are in {side.money}, those of {base.label} in {base.money}: no sum can be compared."
            )
            raise MutualizeError(side.label, problem)
    names = dict.fromkeys(side.scenario for side in sides)
    warnings = []
    if len(names) > 1:
        told = listing([clean(name) for name in names])
        only = "only names that both have can be held against each other"
        warnings.append(f"These are runs of different scenarios ({told}): {only}.")
    warnings += [
        f"{clean(side.label)} did not get to its end ({side.summary['ledger']['ended']})."
        for side in sides
        if side.summary["ledger"]["ended"] != "complete"
    ]
    before = worth_of_accounts(base.ledger)
    pairs = tuple(_pair(base, side, before) for side in sides[1:])
    return Comparison(tuple(sides), pairs, tuple(warnings))


def _pair(base: Side, side: Side, before: Mapping[str, Worth]) -> Pair:
    now = before if side.ledger == base.ledger else worth_of_accounts(side.ledger)
    changes = [
        AccountChange(
            name,
            (now.get(name) or before[name]).role,
            before[name].money if name in before else None,
            now[name].money if name in now else None,
        )
        for name in {**before, **now}
    ]
    moved = [one for one in changes if one.verdict != SAME]
    moved.sort(key=lambda one: (-abs(one.change), one.account))
    found = find_first_difference(base.ledger, side.ledger)
    return Pair(
        base=base,
        side=side,
        measured=measured(base.summary, side.summary),
        accounts=tuple(moved),
        same=len(changes) - len(moved),
        parting=tuple(_parting(base, side)),
        seq=None if found is None else found.seq,
    )


def measured(before: Data, now: Data) -> tuple[Compared, ...]:
    """Hold every measure of a summary against that of another, in the order of the first."""
    return tuple(_measured(measures(before), measures(now)))


def _measured(before: Mapping[str, Measure], now: Mapping[str, Measure]) -> Iterator[Compared]:
    for name, measure in before.items():
        if name in now:
            yield compare(now[name], measure.value)
        elif name.startswith(GAIN):  # a role that has nobody gained nothing
            yield compare(attrs.evolve(measure, value="0"), measure.value)
        else:
            yield Compared(name, measure.unit, measure.value, None, None, None, GONE)
    for name, measure in now.items():
        if name not in before:
            yield compare(measure, "0" if name.startswith(GAIN) else NEW_HERE)


def _parting(base: Side, side: Side) -> Iterator[str]:
    """Yield where two ledgers part: what happened in each, in sentences, then how, and because of what."""
    found = find_first_difference(base.ledger, side.ledger)
    if found is None:
        return
    for one, entry in ((base, found.left), (side, found.right)):
        if entry is not None:
            yield f"{clean(one.label)}: [{entry.seq}] {_told(one.ledger, entry)}"
        elif found.seq is not None:
            yield f"{clean(one.label)}: nothing more happened."
    yield from first_difference(base.ledger, side.ledger)


def _told(ledger: Path, wanted: Entry) -> str:
    """Return the sentence of an event, with units and prices as they were then."""
    words = Words(units_beside(ledger))
    for entry in read(ledger):
        if entry.seq == wanted.seq:
            break
        words.take(entry)
    return sentence(wanted.event, words)


def ratio_of(share: Fraction | None) -> str | None:
    """Return a share as a numeral, cut."""
    if share is None:
        return None
    cut = mul_div_down(abs(share.numerator), WAD, share.denominator)
    return numeral(-cut if share < 0 else cut, 18)


def _measure(one: Compared) -> Data:
    return {
        "name": one.name,
        "unit": one.unit,
        "before": list(one.before) if isinstance(one.before, tuple) else one.before,
        "now": list(one.now) if isinstance(one.now, tuple) else one.now,
        "change": change_of(one),
        "share": ratio_of(one.share),
        "verdict": one.verdict,
    }


def change_of(one: Compared) -> str | None:
    """Return a change exactly: both numbers are decimals, so their difference is one."""
    if one.change is None:
        return None
    places = max(len(str(value).partition(".")[2]) for value in (one.before, one.now))
    return numeral((one.change * 10**places).numerator, places)
