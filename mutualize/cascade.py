"""A cascade: a waterfall of tiers that do nothing but pay at once, for losses of one reserve, in numbers.

    short ─▶ plan: (tier, capacity, amount, rest) … ─▶ bear: the reserve pays, and what the events would hold

Its one rule: `Waterfall` decides, this does it faster, or there is none (`cascade_of` returns None): for a
tier that waits, pays later, in another asset, by a quota, or tells more than that it pays. Tests play both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mutualize.accounts import Transfer, tier_account, transfers_between
from mutualize.events import Cell, Event, LossAbsorbed, LossAllocated, ShortfallRecognised, Slashed
from mutualize.payers import converts
from mutualize.staking import StakePool
from mutualize.stretch import hole
from mutualize.tables import ORACLE
from mutualize.tier import CLAIMS, FUND, NOW, STAKE, Tier, allowed
from mutualize.units import WAD
from mutualize.venues.cover import PoolCover, cut_index

if TYPE_CHECKING:
    from mutualize.book import Book
    from mutualize.venues.reserve import Names, Reserve
    from mutualize.waterfall import Waterfall


class Row(NamedTuple):
    """A tier, and what holds its money: the account of a fund, or the table of a stake."""

    place: int
    tier: Tier
    account: str
    bearer: str
    table: str = ""
    min_left: int = 0


class Owed(NamedTuple):
    """What one tier is made to owe of a loss."""

    row: Row
    capacity: int
    amount: int
    rest: int


class Borne(NamedTuple):
    """A loss that was borne: how its events differ from those of others, and their numbers."""

    key: tuple[object, ...]
    numbers: list[int]


class Cascade:
    """The tiers of one reserve. `begin` reads what they have; from then on nobody else may draw on them."""

    def __init__(self, venue: str, asset: str, rows: tuple[Row, ...], book: Book) -> None:
        self.venue, self.asset, self.rows = venue, asset, rows
        self._book = book
        self.drawn: dict[str, int] = {}
        """What was taken from each account since `begin`."""
        self.staked: dict[str, int] = {}
        """What is left in each stake, by its table, where something was taken since `begin`."""
        self.begin()

    def begin(self) -> None:
        """Begin with what the book says that the tiers have."""
        book = self._book
        self.drawn, self.staked = {}, {}
        self._price = book.cell(ORACLE, self.asset)
        self._left = {
            row.account: book.cell(row.table, "total_assets")
            if row.table
            else -book.debits(row.account, self.asset)
            for row in self.rows
            if row.account
        }

    def plan(self, reserve: Reserve, short: int) -> list[Owed] | None:
        """Return what the tiers would owe of a loss; None where they cannot pay all of it."""
        owed, rest = [], short
        for row in self.rows:
            if row.account:
                left = self._left[row.account]
                capacity = allowed(row.tier, max(0, left - row.min_left) if row.table else left)
            else:
                capacity = allowed(row.tier, reserve.claims() + reserve.treasury())
            amount = min(rest, capacity)
            rest -= amount
            owed.append(Owed(row, capacity, amount, rest))
            if not rest:
                return owed
        return None

    def bear(self, reserve: Reserve, short: int, loans: int, fell: int, planned: list[Owed]) -> Borne:
        """Let the tiers pay a loss that was recognised in a working copy: `loans` fell so far, to that."""
        earned, owed = reserve.liquidity_rate, reserve.borrow_rate
        reserve.update_rates(loans)
        key: list[object] = [(short > fell) - (short < fell)]
        key += (reserve.liquidity_rate != earned, reserve.borrow_rate != owed)
        numbers = [short, self._price, min(short, fell), abs(short - fell), reserve.debt_scaled]
        numbers += (reserve.deficit, reserve.liquidity_rate, reserve.borrow_rate)
        for row, capacity, amount, rest in planned:
            numbers += (capacity, amount, rest)
            key.append(row.place if amount else -1 - row.place)
            if amount:
                earned, owed = reserve.liquidity_rate, reserve.borrow_rate
                self._pay(reserve, row, amount, key, numbers)
                reserve.update_rates(loans)
                key += (reserve.liquidity_rate != earned, reserve.borrow_rate != owed)
                numbers += (reserve.deficit, reserve.liquidity_rate, reserve.borrow_rate)
        return Borne(tuple(key), numbers)

    def _pay(self, reserve: Reserve, row: Row, amount: int, key: list[object], numbers: list[int]) -> None:
        """Let one tier pay."""
        reserve.deficit -= amount
        if row.account:
            self._left[row.account] -= amount
            self.drawn[row.account] = self.drawn.get(row.account, 0) + amount
            if row.table:
                self.staked[row.table] = self._left[row.account]
                numbers.append(self._left[row.account])
            reserve.virtual += amount
            numbers.append(reserve.virtual)
        else:
            self._cut(reserve, amount, key, numbers)

    def _cut(self, reserve: Reserve, amount: int, key: list[object], numbers: list[int]) -> None:
        """Cut all claims; say between which accounts that moves how much."""
        names, index = reserve.names, reserve.liquidity_index
        claims, treasury = reserve.claims(), reserve.treasury()
        cut_index(reserve, amount)
        changes = [(names.deficit, -amount)]
        if change := claims - reserve.claims():
            changes.append((names.claims, change))
        if change := treasury - reserve.treasury():
            changes.append((names.treasury, change))
        moved = transfers_between(changes, names.residue, self.asset)
        key += (reserve.liquidity_index != index, tuple([(debit, credit) for debit, credit, _, _ in moved]))
        numbers.append(reserve.liquidity_index)
        numbers += [amount for _, _, _, amount in moved]


# --- what the events are ---------------------------------------------------------------------------------


class Sampler:
    """Makes samples of the events of a loss out of the key that `bear` returned, holes in its order."""

    def __init__(self, names: Names, venue: str, asset: str, rows: Sequence[Row], first: int) -> None:
        """`first` is the number of the first hole."""
        self._rows = {row.place: row for row in rows}
        self._names, self._venue, self._asset, self._next = names, venue, asset, first

    def _hole(self) -> int:
        self._next += 1
        return hole(self._next - 1)

    def events(self, key: tuple[Any, ...], flags: str, name: str) -> list[tuple[Event, int]]:
        """Return the events, and which one before led to each: 0 is the liquidation."""
        names, parts = self._names, iter(key)
        sign = next(parts)
        short, price = self._hole(), self._hole()
        moved = between(
            names.deficit, names.loans, names.residue, self._asset, sign, self._hole(), self._hole()
        )
        cells = [(names.reserve, "debt_scaled", self._hole()), (names.debt, name, 0), (flags, name, 0)]
        recognised = ShortfallRecognised(
            venue=self._venue,
            account=name,
            asset=self._asset,
            amount=short,
            price=price,
            transfers=tuple(moved),
            cells=self._cells(cells, parts),
        )
        found: list[tuple[Event, int]] = [(recognised, 0)]
        led = 1
        for place in parts:
            row = self._rows[place if place >= 0 else -1 - place]
            capacity, amount, rest = self._hole(), self._hole(), self._hole()
            found.append((self._allocated(row, capacity, amount if place >= 0 else 0, rest), led))
            led = len(found)
            if place >= 0:
                found += [(event, led) for event in self._paid(row, amount, rest, price, parts)]
                led = len(found)
        return found

    def _cells(self, cells: list[tuple[str, str, int]], parts: Iterator[Any]) -> tuple[Cell, ...]:
        """Return cells with the reserve's deficit and, where they change, its rates."""
        reserve = self._names.reserve
        cells.append((reserve, "deficit", self._hole()))
        for rate in ("liquidity_rate", "borrow_rate"):
            value = self._hole()
            if next(parts):
                cells.append((reserve, rate, value))
        return tuple(sorted(Cell(*cell) for cell in cells))

    def _allocated(self, row: Row, capacity: int, amount: int, rest: int) -> Event:
        return LossAllocated(
            venue=self._venue,
            asset=self._asset,
            tier=row.tier.name,
            index=row.place,
            capacity=capacity,
            amount=amount,
            rest=rest,
        )

    def _paid(self, row: Row, amount: int, rest: int, price: int, parts: Iterator[Any]) -> list[Event]:
        """Return what it is that a tier pays."""
        names, slashed, cells = self._names, list[Event](), list[tuple[str, str, int]]()
        moved: tuple[Transfer, ...]
        if row.table:
            cell = Cell(row.table, "total_assets", self._hole())
            taken = Slashed(
                venue=self._venue, stake=row.bearer, asset=self._asset, assets=amount, cells=(cell,)
            )
            slashed.append(taken)
        if row.account:
            moved = (Transfer(row.account, names.deficit, self._asset, amount),)
            cells.append((names.reserve, "virtual", self._hole()))
        else:
            is_cut, accounts = next(parts), next(parts)
            index = self._hole()
            if is_cut:
                cells.append((names.reserve, "liquidity_index", index))
            moved = tuple([Transfer(debit, credit, self._asset, self._hole()) for debit, credit in accounts])
        absorbed = LossAbsorbed(
            venue=self._venue,
            asset=self._asset,
            tier=row.tier.name,
            index=row.place,
            bearer=row.bearer,
            amount=amount,
            rest=rest,
            paid_asset=self._asset,
            paid=amount,
            price=price,
            paid_price=price,
            transfers=moved,
            cells=self._cells(cells, parts),
        )
        return [*slashed, absorbed]


def between(debit: str, credit: str, residue: str, asset: str, rest: int, *amounts: int) -> list[Transfer]:
    """Return what `transfers_between` makes of one debit and one credit, which differ by the rest."""
    moved = Transfer(debit, credit, asset, amounts[0])
    if not rest:
        return [moved]
    return [moved, Transfer(*((debit, residue) if rest > 0 else (residue, credit)), asset, amounts[1])]


# --- where there is one ----------------------------------------------------------------------------------


def cascade_of(waterfall: Waterfall, asset: str, book: Book) -> Cascade | None:
    """Return the cascade of one reserve; None where any tier does more than to pay at once."""
    if waterfall.tells_more or not isinstance(waterfall.cover, PoolCover):
        return None
    rows = []
    for index, tier in enumerate(waterfall.tiers(asset)):
        if tier.perimeter.covers(asset):
            row = _row(waterfall, index, tier, asset)
            if row is None:
                return None
            rows.append(row)
    accounts = [row.account for row in rows]
    if not rows or len(set(accounts)) < len(accounts):
        return None
    return Cascade(waterfall.venue, asset, tuple(rows), book)


_PLAIN: Final = {"offset": 0, "used": True, "waits": False, "due_s": None, "quota": None, "iou": ""} | {
    "of_loss": WAD, "snapshot": NOW, "loss_price": None
}  # fmt: skip
"""What a tier is like that does nothing but pay at once, in the lost asset."""


def _row(waterfall: Waterfall, index: int, tier: Tier, asset: str) -> Row | None:
    """Return a tier as a row of a cascade, if it can be one."""
    if converts(tier, asset) or any(getattr(tier, name) != value for name, value in _PLAIN.items()):
        return None
    if tier.payer == CLAIMS:
        return Row(index, tier, "", CLAIMS)
    if tier.payer == FUND:
        return Row(index, tier, tier_account(waterfall.venue, tier.account), tier.name)
    stake = waterfall.stakes.get(tier.stake) if tier.payer == STAKE else None
    if type(stake) is not StakePool or stake.asset != asset:
        return None
    account = tier_account(waterfall.venue, stake.stake)
    return Row(index, tier, account, stake.stake, stake.table, stake.min_left)
