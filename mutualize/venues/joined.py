"""Liquidations of one pair, joined into a stretch: their shapes, their sums, the cells that they change.

Its one rule: `Sweep.take` says what the events of a liquidation are; the samples here are of those events.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from mutualize.accounts import Transfer, transfers_between
from mutualize.encoding import encode_text
from mutualize.events import Cell, Event, Liquidated, Traded, trade
from mutualize.stretch import FIRST, LAST, SEQ, Shape, Stretch, Values, hole
from mutualize.venues.reserve import Names, Reserve

KINDS = frozenset((Liquidated, Traded))

TRADED, MID, PAID, SEIZED, FEE, GOT = range(SEQ + 1, SEQ + 7)
REPAID, REPAID_REST, HANDED, HANDED_REST = range(GOT + 1, GOT + 5)
SUPPLY, CASH, KEPT, TREASURY = range(HANDED_REST + 1, HANDED_REST + 5)
DEBT, DEBT_CASH, LEFT, FLAGS = range(TREASURY + 1, TREASURY + 5)
EARNED, OWED, DEBT_EARNED, DEBT_OWED = range(FLAGS + 1, FLAGS + 5)
"""The values of a liquidation and its sale, in this order: the seq of the sale, the price in the middle, …"""


class Terms(NamedTuple):
    """What all liquidations of a stretch have in common."""

    venue: str
    liquidator: str
    treasury: str
    flags: str
    """The table of flags."""
    collateral: str
    debt: str
    held: Names
    owed: Names
    place: str = ""
    """Where what is seized is sold."""


class Variant(NamedTuple):
    """In what they differ beside their numbers.

    `repaid` and `handed`: what rounding leaves beside what is repaid and handed over goes to the residue
    (1), comes from it (-1), or is nothing (0). `fee`: whether there is one; `given`: whether the treasury
    gets units for it, its cell behind (1) or before (-1) the borrower's. The others: which cells change.
    """

    repaid: int
    handed: int
    fee: bool
    given: int
    flags: bool
    earned: bool
    owed: bool
    debt_earned: bool
    debt_owed: bool


@lru_cache(maxsize=1024)
def shape_of(terms: Terms, variant: Variant) -> Shape:
    """Return the shape of such a liquidation with the sale of what was seized. Kept: there are few."""
    return Shape(_sample(terms, variant))


def _sample(terms: Terms, variant: Variant) -> list[Event]:
    held, owed = terms.held, terms.owed
    name = LAST if variant.given < 0 else FIRST
    repaid = _between(owed.cash, owed.loans, owed.residue, terms.debt, variant.repaid, REPAID)
    handed = _between(held.claims, held.cash, held.residue, terms.collateral, variant.handed, HANDED)
    cells = [
        (held.reserve, "supply_scaled", SUPPLY),
        (held.reserve, "virtual", CASH),
        (held.supply, name, KEPT),
        (owed.reserve, "debt_scaled", DEBT),
        (owed.reserve, "virtual", DEBT_CASH),
        (owed.debt, name, LEFT),
    ]
    if variant.given:
        cells.append((held.supply, terms.treasury, TREASURY))
    if variant.flags:
        cells.append((terms.flags, name, FLAGS))
    for changed, table, key, place in (
        (variant.earned, held.reserve, "liquidity_rate", EARNED),
        (variant.owed, held.reserve, "borrow_rate", OWED),
        (variant.debt_earned, owed.reserve, "liquidity_rate", DEBT_EARNED),
        (variant.debt_owed, owed.reserve, "borrow_rate", DEBT_OWED),
    ):
        if changed:
            cells.append((table, key, place))
    liquidated = Liquidated(
        venue=terms.venue,
        liquidator=terms.liquidator,
        account=name,
        collateral=terms.collateral,
        debt=terms.debt,
        paid=hole(PAID),
        seized=hole(SEIZED),
        fee=hole(FEE) if variant.fee else 0,
        transfers=tuple(repaid + handed if terms.debt < terms.collateral else handed + repaid),
        cells=tuple(sorted(Cell(table, key, hole(place)) for table, key, place in cells)),
    )
    sold, bought = (terms.collateral, hole(SEIZED)), (terms.debt, hole(GOT))
    sale = Traded(mid=hole(MID), transfers=trade(terms.liquidator, sold, bought, terms.place))
    return [liquidated, sale]


def _between(debit: str, credit: str, residue: str, asset: str, rest: int, place: int) -> list[Transfer]:
    """Return what `transfers_between` makes of one debit and one credit, which differ by the rest."""
    moved = Transfer(debit, credit, asset, hole(place))
    if not rest:
        return [moved]
    return [moved, Transfer(*((debit, residue) if rest > 0 else (residue, credit)), asset, hole(place + 1))]


class Joined:
    """What is joined and not yet closed. The reserves are the working copies, which are ahead of the book."""

    def __init__(self, terms: Terms, collateral: Reserve, debt: Reserve) -> None:
        self._terms, self._collateral, self._debt = terms, collateral, debt
        self._shapes: dict[tuple[int, ...], Shape] = {}
        self._rows: list[tuple[Shape, Values]] = []
        self.kept: dict[str, int] = {}
        self.left: dict[str, int] = {}
        self.flags: dict[str, int] = {}
        """Cells that were changed: claim units, debt units, flags."""
        self.begin(0, 0, None, "", 0)

    def begin(self, seq: int, at: int, cause: int | None, place: str, mid: int) -> None:
        """Begin with entry `seq`; `place` and `mid` say where what is seized is sold, at which price."""
        if place != self._terms.place:
            self._terms, self._shapes = self._terms._replace(place=place), {}
        self._rows, self.kept, self.left, self.flags = [], {}, {}, {}
        self._seq, self._mid = seq, mid
        self._head = (at, cause, b"null" if cause is None else b"%d" % cause)
        self._held_worth, self._owed_worth = self._collateral.worth(), self._debt.worth()
        self._held_cash, self._owed_cash = self._collateral.virtual, self._debt.virtual
        self.claims, self.loans = self._held_worth[1], self._owed_worth[0]
        """What they are worth with all that is joined."""
        self._got = 0

    @property
    def count(self) -> int:
        """How many entries there are."""
        return len(KINDS) * len(self._rows)

    def add(
        self,
        borrower: str,
        amounts: tuple[int, int, int, int],
        worth: tuple[int, int],
        cells: tuple[int, int, int],
        given: int,
        flags: int | None,
        rates: tuple[int, int, int, int],
    ) -> None:
        """Add a liquidation, done to the reserves already.

        `amounts`: paid, seized, fee, and what the sale brought. `worth`: of claims and of loans after it.
        `cells`: units that the borrower keeps, what the treasury has then (if it was `given` any: 1 where its
        name is behind the borrower's, else -1), and what he owes still. `flags`: None where they are as they
        were. `rates`: those of both reserves before it.
        """
        collateral, debt = self._collateral, self._debt
        paid, seized, fee, got = amounts
        handed, repaid = self.claims - worth[0], self.loans - worth[1]
        self.claims, self.loans = worth
        self._got += got
        kept, treasury, left = cells
        self.kept[borrower], self.left[borrower] = kept, left
        if given:
            self.kept[self._terms.treasury] = treasury
        if flags is not None:
            self.flags[borrower] = flags
        earned, owed, debt_earned, debt_owed = now = (
            collateral.liquidity_rate,
            collateral.borrow_rate,
            debt.liquidity_rate,
            debt.borrow_rate,
        )
        variant = (
            (paid > repaid) - (paid < repaid),
            (handed > seized) - (handed < seized),
            fee > 0,
            given,
            flags is not None,
            earned != rates[0],
            owed != rates[1],
            debt_earned != rates[2],
            debt_owed != rates[3],
        )
        shape = self._shapes.get(variant)
        if shape is None:
            shape = self._shapes[variant] = shape_of(self._terms, Variant(*variant))
        seq = self._seq + 2 * len(self._rows)
        values = (
            *self._head,
            borrower,
            encode_text(borrower),
            seq,
            seq + 1,
            self._mid,
            paid,
            seized,
            fee,
            got,
            min(paid, repaid),
            abs(paid - repaid),
            min(handed, seized),
            abs(handed - seized),
            collateral.supply_scaled,
            collateral.virtual,
            kept,
            treasury,
            debt.debt_scaled,
            debt.virtual,
            left,
            flags,
            *now,
        )
        self._rows.append((shape, values))

    def close(self) -> Stretch:
        """Return the stretch, and tell the reserves that all they hold is told."""
        terms, collateral, debt = self._terms, self._collateral, self._debt
        paid, seized = debt.virtual - self._owed_cash, self._held_cash - collateral.virtual
        handed, repaid = self._held_worth[1] - self.claims, self._owed_worth[0] - self.loans
        held, owed = terms.held, terms.owed
        moved = [
            *transfers_between(((owed.cash, paid), (owed.loans, -repaid)), owed.residue, terms.debt),
            *transfers_between(((held.claims, handed), (held.cash, -seized)), held.residue, terms.collateral),
            *trade(terms.liquidator, (terms.collateral, seized), (terms.debt, self._got), terms.place),
        ]
        tables = {
            held.supply: self.kept,
            owed.debt: self.left,
            held.reserve: {**_rates(collateral), "supply_scaled": collateral.supply_scaled},
            owed.reserve: {**_rates(debt), "debt_scaled": debt.debt_scaled},
        }
        if self.flags:
            tables[terms.flags] = self.flags
        stretch = Stretch(self._seq, self.count, KINDS, moved, tables, self._rows)
        collateral.told(self._held_worth[0], self.claims, self._held_worth[2])
        debt.told(self.loans, *self._owed_worth[1:])
        self._rows, self.kept, self.left, self.flags = [], {}, {}, {}
        return stretch


def _rates(reserve: Reserve) -> dict[str, int]:
    """Return the cells of a reserve that any liquidation changes."""
    return {
        "borrow_rate": reserve.borrow_rate,
        "liquidity_rate": reserve.liquidity_rate,
        "virtual": reserve.virtual,
    }
