"""What holders have in units, where a cut of one number takes from all of them: claims and stakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mutualize.book import EMPTY
from mutualize.events import Entry, LossAbsorbed, Slashed
from mutualize.report.cuts import units_cut
from mutualize.report.figures import Data
from mutualize.report.web.columns import in_columns
from mutualize.report.web.steps import Key
from mutualize.tables import balance_table, reserve_table, stake_table, supply_table
from mutualize.tier import CLAIMS
from mutualize.tier_events import RecoveryPaid

BY_NAME = (("", ".balance"), ("fund.", ""), ("called.", ""))
"""How names of tables begin (after the venue's) and end in which somebody has an amount by name: a balance,
what he put into a fund, what he was called for."""
CUT = ("liquidity_index", "supply_assets", "supply_shares", "total_assets")
"""The numbers that a cut of all moves, or reckons with."""
UNITS_MAX = 60_000
"""So many changes of units, and parts, are told; beyond it the page says that it tells no single shares."""


class Holdings:
    """Who had how many units when, and what each cut did to a unit.

    A cut takes ⌊units · before⌋ − ⌊units · after⌋ from each; the page works it out for whom one asks about.
    Where a venue keeps balances, or members their contributions, each is cut by name: those are parts.
    """

    def __init__(self, waterfalls: list[Key], stakes: list[tuple[str, str, str]]) -> None:
        self._tables: dict[str, Data] = {}
        self._cut_tables = {reserve_table(venue, asset) for venue, asset in waterfalls}
        self._cut_tables |= {stake_table(venue, stake) for venue, stake, _ in stakes}
        for venue, asset in waterfalls:
            for table, kind in (
                (supply_table(venue, asset), "claims"),
                (balance_table(venue, asset), "balance"),
            ):
                self._tables[table] = {"kind": kind, "venue": venue, "asset": asset, "of": ""}
        for venue, stake, asset in stakes:
            self._tables[f"{stake_table(venue, stake)}.shares"] = {
                "kind": "stake", "venue": venue, "asset": asset, "of": stake
            }  # fmt: skip
        self._order = {table: at for at, table in enumerate(self._tables)}
        self.units: dict[str, dict[str, int]] = {table: {} for table in self._tables}
        self._numbers: dict[tuple[str, str], int] = {}
        self.changes: list[tuple[int, int, str, int]] = []
        """(row, table, who, units from then on)."""
        self.cuts: list[tuple[int, int, int, int, int]] = []
        """(row, table, numerator before and after, denominator)."""
        self.parts: list[tuple[int, str, str, int]] = []
        """(row, who, asset, base units that he bore; what he was given back is below zero)."""
        self._venues = {venue for venue, _ in waterfalls}
        self._own: dict[str, tuple[str, dict[str, int]] | None] = {}
        """By table: its asset, and what each holder has in it by name; None for any other table."""
        self.first: dict[Key, dict[str, int]] = {}
        """What each holder's claim was worth just before the first cut, base units, by waterfall."""

    def take(self, entry: Entry, row: int) -> None:
        """Take one entry in."""
        event = entry.event
        self._cut(entry, row)
        if event.cells and getattr(event, "venue", "") in self._venues:
            self._by_name(event, row)
        for table, key, value in event.cells:
            if table in self.units:
                self.units[table][key] = value
                if len(self.changes) <= UNITS_MAX:
                    self.changes.append((row, self._order[table], key, value))
            elif key in CUT and table in self._cut_tables:
                self._numbers[table, key] = value

    def cell(self, table: str, key: str) -> int:
        """Return a number that cuts change, as it is now."""
        return self._numbers.get((table, key), 0)

    def table(self, name: str) -> Mapping[str, int]:
        """Return the units of all who have something in a table."""
        return self.units.get(name, EMPTY)

    def _cut(self, entry: Entry, row: int) -> None:
        event = entry.event
        if not isinstance(event, Slashed | LossAbsorbed):
            return
        cut = units_cut(event, self)
        if cut is not None and cut.table in self._order:
            self.cuts.append((row, self._order[cut.table], cut.before, cut.after, cut.scale))
        if isinstance(event, LossAbsorbed) and event.bearer == CLAIMS:
            own = self.table(balance_table(event.venue, event.asset))
            worth = dict(own) if cut is None else {name: cut.had(name) for name in cut.units}
            self.first.setdefault((event.venue, event.asset), worth)

    def _by_name(self, event: Any, row: int) -> None:
        """Follow what holders have by name, and note what a payment took from each."""
        bears = isinstance(event, LossAbsorbed | RecoveryPaid)
        for table, who, value in event.cells:
            if table not in self._own:
                asset = _asset_of(table, event.venue)
                self._own[table] = (asset, {}) if asset else None
            own = self._own[table]
            if own is not None:
                asset, held = own
                if bears and (lost := held.get(who, 0) - value) and len(self.parts) <= UNITS_MAX:
                    self.parts.append((row, who, asset, lost))
                held[who] = value

    def data(self, number: Callable[[str], int]) -> Data | None:
        """Return the columns; None where there are too many changes to tell them all."""
        if len(self.changes) > UNITS_MAX or len(self.parts) > UNITS_MAX:
            return None
        return {
            "tables": list(self._tables.values()),
            "changes": in_columns([(r, t, number(who), units) for r, t, who, units in self.changes], 4),
            "cuts": in_columns(self.cuts, 5),
            "parts": in_columns([(r, number(who), number(of), lost) for r, who, of, lost in self.parts], 4),
        }


def _asset_of(table: str, venue: str) -> str:
    """Return the asset of a table in which holders of a venue stand by name; empty for any other."""
    rest = table.removeprefix(f"{venue}.")
    for begin, end in BY_NAME:
        if rest != table and rest.startswith(begin) and rest.endswith(end):
            return rest.removesuffix(end).rpartition(".")[2]
    return ""
