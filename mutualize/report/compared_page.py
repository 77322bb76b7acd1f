"""A comparison in words: who is better off, tables by tier, role and account, and where ledgers part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from mutualize.report.baseline import BETTER, GONE, NEW, SAME, WORSE, Compared
from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.compared import (
    ACCOUNTS_MAX,
    EXPECTED,
    GAIN,
    PRICE_DECIMALS,
    AccountChange,
    Comparison,
    Pair,
    change_of,
    ratio_of,
)
from mutualize.report.text import DUST, clean, listing, money, numeral, percent, places_for, plural, shown
from mutualize.units import mul_div_down

_TONES: Final = {BETTER: "good", WORSE: "bad"}


def comparison_page(found: Comparison) -> list[Block]:
    """Return a comparison in words."""
    return list(_page(found))


def _page(found: Comparison) -> Iterator[Block]:
    yield Line(f"{found.sides[0].label} beside {listing([side.label for side in found.sides[1:]])}", "strong")
    yield from (Line(f"Note: {warning}", "bad") for warning in found.warnings)
    yield Table(
        ("run", "scenario", "variant", ">seed", ">events", "digest"),
        tuple(
            (
                side.label,
                side.scenario,
                side.summary["scenario"]["variant"] or "",
                str(side.summary["scenario"]["seed"]),
                f"{side.summary['ledger']['events']:,}",
                side.summary["ledger"]["digest"][:16],
            )
            for side in found.sides
        ),
    )
    for pair in found.pairs:
        yield from _beside(pair)


def _beside(pair: Pair) -> Iterator[Block]:
    yield Heading(f"{pair.side.label}, beside {pair.base.label}")
    yield Line(answer(pair), "strong")
    yield from figures(pair.measured, pair.base.money)
    yield from expected(pair.measured)
    yield from accounts(pair)
    yield Heading(f"Where {pair.side.label} and {pair.base.label} part")
    if not pair.parting:
        yield Line("Nowhere: their ledgers are the same.")
    yield from (Line(line, indent=1 + (len(line) - len(line.lstrip())) // 2) for line in pair.parting)


def figures(
    measured: Sequence[Compared], money: str, before: str = "before", now: str = "now"
) -> Iterator[Table]:
    """Yield what fell short and which tier covered it, and by role who gained; `before`, `now`: titles."""
    tiers = [one for one in measured if not one.name.startswith((GAIN, EXPECTED))]
    if tiers:
        yield _table("what fell short, and who covered it", tiers, 0, before, now)
    roles = [one for one in measured if one.name.startswith(GAIN)]
    if roles:
        yield _table(f"who gained and lost, {money}", roles, len(GAIN), before, now)


def expected(measured: Sequence[Compared], before: str = "before", now: str = "now") -> Iterator[Table]:
    """Yield the expectations that found something else."""
    others = [one for one in measured if one.name.startswith(EXPECTED) and one.verdict != SAME]
    if others:
        yield _table("what was expected", others, len(EXPECTED), before, now)


def answer(pair: Pair) -> str:
    """Say in a sentence which roles are better and worse off."""
    told = []
    for verdict, words in ((WORSE, "Worse off"), (BETTER, "Better off")):
        roles = [
            f"{clean(one.name[len(GAIN) :])} by {by}"
            + (f" ({_percent(abs(one.share))})" if one.share is not None else "")
            for one in pair.measured
            if one.name.startswith(GAIN) and one.verdict == verdict and one.change is not None
            for by in [_money(abs(one.change), one.unit)]
            if not by.startswith(DUST)
        ]
        told.append(f"{words}: {listing(roles) or 'nobody'}.")
    return " ".join(told)


def _table(
    title: str, rows: Sequence[Compared], cut: int = 0, before: str = "before", now: str = "now"
) -> Table:
    return Table(
        (title, f">{before}", f">{now}", ">change", ">relative", ""),
        tuple(
            (
                one.name[cut:],
                _value(one.before, one.unit),
                _value(one.now, one.unit),
                "" if not one.change else _value(change_of(one), one.unit),
                _percent(one.share) if one.share else "",
                "" if one.verdict == SAME else one.verdict,
            )
            for one in rows
        ),
        tuple(_TONES.get(one.verdict, "") for one in rows),
    )


def accounts(pair: Pair, before: str = "before", now: str = "now") -> Iterator[Block]:
    """Yield how many accounts are better and worse off, and those whose change is the largest."""
    verdicts = [one.verdict for one in pair.accounts]
    counts = [f"{verdicts.count(each):,} {each}" for each in (BETTER, WORSE, NEW, GONE) if each in verdicts]
    yield Heading(f"Accounts: {listing([*counts, f'{pair.same:,} the same'])}")
    if pair.accounts:
        largest = pair.accounts[:ACCOUNTS_MAX]
        yield Table(
            ("account", "role", f">{before}", f">{now}", ">change", ""),
            tuple((one.account, one.role, *_figures(one), one.verdict) for one in largest),
            tuple(_TONES.get(one.verdict, "") for one in largest),
        )
        left = len(pair.accounts) - len(largest)
        if left > 0:
            yield Line(f"and {plural(left, 'smaller change')}.", "quiet", indent=1)


def _figures(one: AccountChange) -> tuple[str, ...]:
    """Return what an account gained before and now, and by how much that changed."""
    values = (one.before, one.now, one.change)
    return tuple("" if value is None else money(numeral(value, PRICE_DECIMALS)) for value in values)


def _value(value: object, unit: str) -> str:
    """Write a measure's value for people."""
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return ", ".join(value) or "nobody"
    text = str(value)
    if not unit or not text.lstrip("-").replace(".", "", 1).isdigit():
        return text
    return f"{shown(text, places_for([text]))} {unit}"


def _money(value: Fraction, unit: str) -> str:
    return money(numeral(mul_div_down(value.numerator, 10**8, value.denominator), PRICE_DECIMALS), unit)


def _percent(share: Fraction) -> str:
    return percent(ratio_of(share) or "0", 2)
