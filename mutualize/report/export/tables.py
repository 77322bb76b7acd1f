"""The tables of a run: `events`, `transfers`, `tiers`. Rows come as the ledger is read; nothing is rounded.

Amounts are whole base units. In Arrow and Parquet each is twice there: as decimal128(38, 0), which other
tools can add up, and as text, which is exact beyond 38 digits too (a vault engine has 45 decimals).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import attrs

from mutualize.errors import MutualizeError
from mutualize.events import Entry, LossAbsorbed, LossAllocated, fields_of
from mutualize.ledger import Header
from mutualize.report.sentences.words import Units, Words

SCHEMA: Final = "mutualize/table@1"
WHOLE, MOMENT, TEXT, AMOUNT = "whole", "moment", "text", "amount"
"""Types of columns: an integer of 64 bits, seconds since 1970 UTC, a text, base units of an asset."""
Row: TypeAlias = tuple[Any, ...]


@attrs.frozen
class Source:
    """What tables are made of: a ledger's entries, from the first on, and what is known of the run."""

    entries: Callable[[], Iterator[Entry]]
    units: Units
    about: Mapping[str, str]
    """Digest, seed, scenario and versions, which go into the metadata of every table."""

    def metadata(self, table: str) -> dict[str, str]:
        """Return the metadata of a table, all of it text."""
        decimals = json.dumps(dict(self.units.decimals), sort_keys=True)
        known = {**self.about, "currency": self.units.currency, "decimals": decimals}
        return {"schema": SCHEMA, "table": table, **known}


def about_of(header: Header, condition: str, digest: str, events: int) -> dict[str, str]:
    """Return what is known of a run by its ledger, all of it text."""
    return {
        "condition": condition,
        "digest": digest,
        "events": str(events),
        "rules": header.rules,
        "scenario_sha256": header.scenario_sha256,
        "seed": str(header.seed),
        "version": header.version,
    }


@attrs.frozen
class Shape:
    """A table: its columns with their types, and what makes its rows."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: Callable[[Source], Iterator[Row]]


def _events(source: Source) -> Iterator[Row]:
    """Yield a row an event: `amount` is its amount or its assets, `fields` all its own fields as JSON."""
    for entry in source.entries():
        own = fields_of(entry.event)
        amount = own.get("amount", own.get("assets"))
        told = {name: str(value) if type(value) is int else value for name, value in own.items()}
        yield (
            *(entry.seq, entry.at, entry.tx, entry.cause, type(entry.event).__name__),
            *(own.get(name) for name in ("venue", "account", "tier", "asset")),
            amount,
            json.dumps(told, sort_keys=True, ensure_ascii=False),
        )


def _transfers(source: Source) -> Iterator[Row]:
    """Yield a row a transfer. `place` counts the transfers of one event, from 0."""
    words = Words(source.units)
    for entry in source.entries():
        words.take(entry)
        for place, (debit, credit, asset, amount) in enumerate(entry.event.transfers):
            kind, decimals = type(entry.event).__name__, words.decimals.get(asset)
            yield entry.seq, place, entry.at, kind, debit, credit, asset, decimals, amount


@attrs.define
class _Sum:
    """What one tier owed and paid of one asset."""

    index: int
    times: int = 0
    owed: int = 0
    covered: int = 0
    first: int | None = None
    last: int | None = None
    paid: dict[str, int] = attrs.field(factory=dict)


def _tiers(source: Source) -> Iterator[Row]:
    """Yield a row for each tier that was made to owe or paid, and each asset that it paid with."""
    sums: dict[tuple[str, str, str], _Sum] = {}
    for entry in source.entries():
        event = entry.event
        if not isinstance(event, LossAllocated | LossAbsorbed):
            continue
        of = sums.setdefault((event.venue, event.asset, event.tier), _Sum(event.index))
        if isinstance(event, LossAllocated):
            of.times += 1
            of.owed += event.amount
        else:
            of.covered += event.amount
            of.first, of.last = entry.at if of.first is None else of.first, entry.at
            of.paid[event.paid_asset] = of.paid.get(event.paid_asset, 0) + event.paid
    for (venue, asset, tier), of in sorted(sums.items(), key=lambda item: (item[0][:2], item[1].index)):
        for paid_asset, paid in of.paid.items() or ((None, 0),):
            yield (
                *(venue, asset, tier, of.index, of.times, of.owed, of.covered),
                *(paid_asset, paid, of.first, of.last),
            )


SHAPES: Final = {
    "events": Shape(
        "events",
        (
            *(("seq", WHOLE), ("t", MOMENT), ("tx", WHOLE), ("cause", WHOLE), ("kind", TEXT)),
            *(("venue", TEXT), ("account", TEXT), ("tier", TEXT), ("asset", TEXT)),
            *(("amount", AMOUNT), ("fields", TEXT)),
        ),
        _events,
    ),
    "transfers": Shape(
        "transfers",
        (
            *(("seq", WHOLE), ("place", WHOLE), ("t", MOMENT), ("kind", TEXT)),
            *(("debit", TEXT), ("credit", TEXT), ("asset", TEXT), ("decimals", WHOLE), ("amount", AMOUNT)),
        ),
        _transfers,
    ),
    "tiers": Shape(
        "tiers",
        (
            *(("venue", TEXT), ("asset", TEXT), ("tier", TEXT), ("index", WHOLE), ("times", WHOLE)),
            *(("owed", AMOUNT), ("covered", AMOUNT), ("paid_asset", TEXT), ("paid", AMOUNT)),
            *(("first", MOMENT), ("last", MOMENT)),
        ),
        _tiers,
    ),
}
"""All tables, by name."""


def shape_of(table: str) -> Shape:
    """Return a table by name. Raises MutualizeError for a name that is none."""
    if table not in SHAPES:
        raise MutualizeError(
            "--table", f"there is no table {table!r:.80}.", f"They are: {', '.join(SHAPES)}."
        )
    return SHAPES[table]
