"""What the projections must remember of the state: aggregates of venues, and accounts that are watched.

A mirror is a small part of a book, folded from the same entries: the balances of venues (not of people), the
numbers of each reserve, the prices told, and the units of watched accounts. Its size depends on the number
of venues, assets and watched accounts, never on the number of holders or events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from mutualize.accounts import OUTSIDE, account, is_debit_normal
from mutualize.book import EMPTY
from mutualize.events import Entry, Event, ReserveListed, Staked
from mutualize.tables import ORACLE, debt_table, reserve_table, supply_table
from mutualize.units import PRICE_UNIT, WAD, mul_div_down, mul_div_up, ray_mul_down, ray_mul_up
from mutualize.venues.reserve import Reserve

_OUTSIDE: Final = OUTSIDE + ":"
_USAGE: Final = frozenset(("virtual", "debt_scaled", "borrow_index"))


class Mirror:
    """The part of the state that the projections read. It has the face of a `View`."""

    def __init__(self, watch: Collection[str] = ()) -> None:
        self.watch = frozenset(watch)
        self.at = 0
        """The moment up to which everything was taken in (seconds since 1970 UTC)."""
        self._balances: dict[tuple[str, str], int] = {}
        self._tables: dict[str, dict[str, int]] = {ORACLE: {}}
        self._watched: dict[str, dict[str, int]] = {}
        self._reserves: dict[tuple[str, str], str] = {}
        self._stakes: dict[tuple[str, str], str] = {}
        self._names: dict[str, tuple[str, str]] = {}
        self.used: dict[tuple[str, str], None] = {}
        """(venue, asset) of the reserves whose utilization the last entry may have moved."""

    # --- folding -----------------------------------------------------------------------------------------

    def take(self, entry: Entry) -> None:
        """Take one entry in."""
        event = entry.event
        self.at = entry.at
        if isinstance(event, ReserveListed):
            self._list(event)
        elif isinstance(event, Staked):
            self._stakes[event.venue, event.stake] = event.asset
        if event.transfers:
            self._post(event)
        self.used.clear()
        for table, key, value in event.cells:
            cells = self._tables.get(table)
            if cells is not None:
                cells[key] = value
                if key in _USAGE and table in self._names:
                    self.used[self._names[table]] = None
            elif table in self._watched and key in self.watch:
                self._watched[table][key] = value

    def _list(self, event: ReserveListed) -> None:
        table = reserve_table(event.venue, event.asset)
        self._reserves[event.venue, event.asset] = table
        self._names[table] = (event.venue, event.asset)
        self._tables[table] = {}
        self._watched[supply_table(event.venue, event.asset)] = {}
        self._watched[debt_table(event.venue, event.asset)] = {}

    def _post(self, event: Event) -> None:
        balances = self._balances
        for debit, credit, asset, amount in event.transfers:
            if not debit.startswith(_OUTSIDE):
                balances[debit, asset] = balances.get((debit, asset), 0) + amount
            if not credit.startswith(_OUTSIDE):
                balances[credit, asset] = balances.get((credit, asset), 0) - amount

    # --- the face of a view ------------------------------------------------------------------------------

    def debits(self, account: str, asset: str) -> int:
        """Return debits minus credits of a venue's account, in base units."""
        return self._balances.get((account, asset), 0)

    def table(self, name: str) -> Mapping[str, int]:
        """Return the cells of a table that are remembered (to be read only)."""
        return self._tables.get(name) or self._watched.get(name) or EMPTY

    def cell(self, table: str, key: str, default: int = 0) -> int:
        """Return one integer of state, of those that are remembered."""
        return self.table(table).get(key, default)

    def has(self, table: str, key: str) -> bool:
        """Say whether a cell that is remembered was ever assigned."""
        return key in self.table(table)

    # --- reads -------------------------------------------------------------------------------------------

    def balance(self, account: str, asset: str) -> int:
        """Return the balance of a venue's account in its natural direction."""
        debits = self.debits(account, asset)
        return debits if is_debit_normal(account) else -debits

    def balances(self) -> Iterator[tuple[str, str, int]]:
        """Return (account, asset, balance in its natural direction) of all venues, sorted."""
        for name, asset in sorted(self._balances):
            yield name, asset, self.balance(name, asset)

    def reserves(self) -> Iterator[tuple[str, str]]:
        """Return (venue, asset) of all reserves, in the order of their listing."""
        return iter(self._reserves)

    def stakes(self) -> Iterator[tuple[str, str, str]]:
        """Return (venue, stake, asset) of all stakes that anybody ever put something in, sorted."""
        for (venue, stake), asset in sorted(self._stakes.items()):
            yield venue, stake, asset

    def reserve(self, venue: str, asset: str) -> Reserve:
        """Return a working copy of a reserve."""
        return Reserve.load(self, venue, asset)

    def price(self, asset: str) -> int:
        """Return the price that the oracle told last (8 decimals); 1 for what no oracle ever priced."""
        return self._tables[ORACLE].get(asset, PRICE_UNIT)

    def is_priced(self, asset: str) -> bool:
        """Say whether an oracle ever told this asset's price."""
        return asset in self._tables[ORACLE]

    def utilization(self, venue: str, asset: str) -> int:
        """Return loans over loans and cash that may be lent, in WAD, rounded down."""
        table = self._tables[self._reserves[venue, asset]]
        loans = ray_mul_up(table.get("debt_scaled", 0), table.get("borrow_index", 0))
        return mul_div_down(loans, WAD, loans + table.get("virtual", 0)) if loans else 0

    def deficit(self, venue: str, asset: str) -> int:
        """Return the recognised shortfall that nobody has paid yet, in base units."""
        return self.balance(account(venue, "deficit"), asset)

    def debt(self, name: str, asset: str, at: int) -> int:
        """Return what a watched account owes in all venues with interest up to `at`, rounded up."""
        owed = 0
        for venue, listed in self._reserves:
            scaled = self._watched[debt_table(venue, listed)].get(name, 0) if listed == asset else 0
            if scaled:
                owed += ray_mul_up(scaled, self.reserve(venue, asset).debt_index(at))
        return owed

    def claim(self, name: str, asset: str, at: int) -> int:
        """Return what a watched account is owed in all venues with interest up to `at`, rounded down."""
        held = 0
        for venue, listed in self._reserves:
            scaled = self._watched[supply_table(venue, listed)].get(name, 0) if listed == asset else 0
            if scaled:
                held += ray_mul_down(scaled, self.reserve(venue, asset).income_index(at))
        return held

    def ltv(self, name: str, at: int) -> int | None:
        """Return debt over collateral of a watched account at the oracle's prices, in WAD, rounded down.

        All its claims count as collateral, as on an account that nobody restricted. None without any.
        """
        held, owed = self.worth(name, at, self.price)
        return mul_div_down(owed, WAD, held) if held else None

    def worth(self, name: str, at: int, price: Callable[[str], int]) -> tuple[int, int]:
        """Return what a watched account holds, and owes, at some price of each asset (8 decimals): money."""
        held = owed = 0
        for asset in dict.fromkeys(asset for _, asset in self._reserves):
            unit = self.reserve(next(v for v, a in self._reserves if a == asset), asset).unit
            held += mul_div_down(self.claim(name, asset, at), price(asset), unit)
            owed += mul_div_up(self.debt(name, asset, at), price(asset), unit)
        return held, owed
