"""Sources of pages for tests: a small run, a long one that follows it, and one whose names mean harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import attrs

from mutualize.accounts import Transfer, outside
from mutualize.events import Entry, Event, GasPaid, Liquidated, Traded, gas, trade
from mutualize.randomness import Stream
from mutualize.report.web.source import Source
from mutualize.run import Run, run

HOSTILE = (
    "</script><img src=x onerror=document.title='owned'>",
    "<!--<script>",
    "\u202ename\u2066 turned",
    "line\nend\u2028and\x1b[31m bell\x07",
    "{venue}",
    "=HYPERLINK(1)",
    "__proto__",
    "a,b\"c'&amp;<b>",
)
"""Names that a page must show as what they are."""


@cache
def small() -> Run:
    """Return the run of three tiers, in memory."""
    return run("three-tiers")


def small_source() -> Source:
    """Return what its page is made from."""
    ran = small()
    return Source(ran.summary, ran.entries)


def long_source(count: int) -> Source:
    """Return the small run with so many sales, gas and liquidations after it, all with odd amounts."""
    ran = small()
    summary = json.loads(json.dumps(ran.summary))
    entries = list(ran.entries())
    summary["ledger"]["events"] = len(entries) + count

    def all_of_them() -> Iterator[Entry]:
        yield from entries
        stream, at = Stream(11, "pages"), entries[-1].at
        for number in range(count):
            seq = len(entries) + number
            at += stream.below(40)
            cause = 28 if number % 3 == 0 else seq - 1
            yield Entry(seq, at, seq - number % 3, cause, _event(number, stream))

    return Source(summary, all_of_them)


def _event(number: int, stream: Stream) -> Event:
    who = f"keepers-{stream.below(40):04}"
    seized, paid = 10**18 + stream.below(10**20), 10**6 + stream.below(10**11)
    if number % 3 == 0:
        return Liquidated(
            venue="pool",
            liquidator=who,
            account=f"debtors-{stream.below(5_000):05}",
            collateral="ETH",
            debt="USDC",
            paid=paid,
            seized=seized,
            transfers=(
                Transfer("pool:claims", "pool:cash", "ETH", seized),
                Transfer("pool:cash", "pool:loans", "USDC", paid),
            ),
        )
    if number % 3 == 1:
        sold = trade(who, ("ETH", seized), ("USDC", paid), "an invented exchange")
        return Traded(mid=9 * 10**10 + stream.below(10**9), transfers=sold)
    return GasPaid(transfers=gas(who, "ETH", 10**15 + stream.below(10**16)))


def hostile_source() -> Source:
    """Return the small run in which people, the scenario and its words are called by hostile names."""
    ran = small()
    names = {f"lenders-{number:04}": HOSTILE[number - 1] for number in range(1, len(HOSTILE) + 1)}
    summary: dict[str, Any] = json.loads(json.dumps(ran.summary))
    summary["scenario"]["title"] = HOSTILE[0]
    summary["scenario"]["summary"] = HOSTILE[1] + HOSTILE[2]
    summary["scenario"]["name"] = HOSTILE[3]
    summary["not_modelled"] = list(HOSTILE)
    summary["sources"] = {name: name for name in HOSTILE}
    for given in summary["inputs"]["listed"]:
        given["why"] = HOSTILE[0]
    entries = [_renamed(entry, names) for entry in ran.entries()]
    return Source(summary, lambda: entries)


def _renamed(entry: Entry, names: dict[str, str]) -> Entry:
    event = entry.event
    changed: dict[str, Any] = {
        field.name: names[getattr(event, field.name)]
        for field in attrs.fields(type(event))
        if isinstance(getattr(event, field.name), str) and getattr(event, field.name) in names
    }
    changed["cells"] = tuple(cell._replace(key=names.get(cell.key, cell.key)) for cell in event.cells)
    changed["transfers"] = tuple(
        move._replace(debit=_side(move.debit, names), credit=_side(move.credit, names))
        for move in event.transfers
    )
    return attrs.evolve(entry, event=attrs.evolve(event, **changed))


def _side(account: str, names: dict[str, str]) -> str:
    venue, _, name = account.partition(":")
    return outside(names.get(name, name)) if venue == "outside" else account
