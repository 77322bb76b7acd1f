"""What holders have in units, where a cut of one number takes from all of them: claims and stakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mutualize.book import EMPTY
from mutualize.events import Entry, LossAbsorbed, Slashed
from mutualize.report.figures import Data
from mutualize.report.web.columns import in_columns
from mutualize.report.web.steps import Key
from mutualize.tables import balance_table, reserve_table, stake_table, supply_table
from mutualize.tier import CLAIMS
from mutualize.tier_events import RecoveryPaid
from mutualize.units import RAY

BY_NAME = (("", ".balance"), ("fund.", ""), ("called.", ""))
"""How names of tables begin (after the venue's) and end in which somebody has an amount by name: a balance,
what he put into a fund, what he was called for."""
UNITS_MAX = 60_000
"""So many changes of units, and parts, are told; beyond it the page says that it tells no single shares."""


class Holdings:
    """Who had how many units when, and what each cut did to a unit.

    A cut takes ⌊units · before⌋ − ⌊units · after⌋ from each; the page works it out for whom one asks about.
    Where a venue keeps balances, or members their contributions, each is cut by name: those are parts.
    """

    def __init__(self, waterfalls: list[Key], stakes: list[tuple[str, str, str]]) -> None:
        self._tables: dict[str, Data] = {}
        self._reserves: dict[str, str] = {}
        for venue, asset in waterfalls:
            self._reserves[reserve_table(venue, asset)] = supply_table(venue, asset)
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
        self._index: dict[str, int] = {}
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
        """What each holder's claim was worth just before the first cut, by waterfall."""

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
            elif key == "liquidity_index" and table in self._reserves:
                self._index[table] = value

    def _cut(self, entry: Entry, row: int) -> None:
        event = entry.event
        if isinstance(event, Slashed):
            shares = f"{stake_table(event.venue, event.stake)}.shares"
            held = self.units.get(shares, EMPTY)
            after = next((cell.value for cell in event.cells if cell.key == "total_assets"), None)
            if (total := sum(held.values())) and after is not None:
                self.cuts.append((row, self._order[shares], after + event.assets, after, total))
        elif isinstance(event, LossAbsorbed) and event.bearer == CLAIMS:
            reserve = reserve_table(event.venue, event.asset)
            index = self._index.get(reserve)
            after_index = next((c.value for c in event.cells if c[:2] == (reserve, "liquidity_index")), None)
            table = self._reserves.get(reserve, "")
            if index is not None and after_index is not None and table:
                self.cuts.append((row, self._order[table], index, after_index, RAY))
                worth = {name: units * index for name, units in self.units[table].items()}
            else:
                table = balance_table(event.venue, event.asset)
                worth = {name: units * RAY for name, units in self.units.get(table, EMPTY).items()}
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
