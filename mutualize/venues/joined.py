"""Liquidations of one pair, joined into a stretch: their shapes, their sums, the cells that they change.

Its one rule: `Sweep.take` says what the events of a liquidation are; the samples here are of those events.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from mutualize.accounts import transfers_between
from mutualize.cascade import Borne, Cascade, Owed, Row, Sampler, between
from mutualize.encoding import encode_text
from mutualize.events import Cell, Event, Liquidated, Traded, trade
from mutualize.stretch import FIRST, LAST, SEQ, Shape, Stretch, Values, hole
from mutualize.venues.liquidation import Amounts
from mutualize.venues.reserve import Names, Reserve

MID, PAID, SEIZED, FEE, GOT = range(SEQ + 1, SEQ + 6)
REPAID, REPAID_REST, HANDED, HANDED_REST = range(GOT + 1, GOT + 5)
SUPPLY, CASH, KEPT, TREASURY = range(HANDED_REST + 1, HANDED_REST + 5)
DEBT, DEBT_CASH, LEFT, FLAGS = range(TREASURY + 1, TREASURY + 5)
EARNED, OWED, DEBT_EARNED, DEBT_OWED = range(FLAGS + 1, FLAGS + 5)
"""The numbers of a liquidation and its sale, in this order; those of a shortfall follow."""


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
    rows: tuple[Row, ...] = ()
    """The tiers that pay a shortfall of the debt's reserve."""


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
    borne: tuple[object, ...] | None = None
    """How a shortfall was borne, where there was one: the key of that."""


@lru_cache(maxsize=1024)
def shape_of(terms: Terms, variant: Variant, more: int) -> Shape:
    """Return the shape of such a liquidation with the sale of what was seized. Kept: there are few.

    `more` is how many numbers tell of its shortfall.
    """
    return Shape(_sample(terms, variant), DEBT_OWED - SEQ + more)


def _sample(terms: Terms, variant: Variant) -> list[tuple[Event, int | None]]:
    held, owed = terms.held, terms.owed
    name = LAST if variant.given < 0 else FIRST
    repaid = between(owed.cash, owed.loans, owed.residue, terms.debt, variant.repaid, *pair(REPAID))
    handed = between(held.claims, held.cash, held.residue, terms.collateral, variant.handed, *pair(HANDED))
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
    follows: list[tuple[Event, int | None]] = []
    if variant.borne is not None:
        sampler = Sampler(owed, terms.venue, terms.debt, terms.rows, DEBT_OWED + 1)
        follows += sampler.events(variant.borne, terms.flags, name)
    return [(liquidated, None), *follows, (sale, None)]


def pair(place: int) -> tuple[int, int]:
    """Return two holes."""
    return hole(place), hole(place + 1)


class Done(NamedTuple):
    """A liquidation: what changed hands, and what is there now.

    `claims` and `loans` are what those of both reserves are worth. `given`: 1 where the treasury was given
    units, so that it has `treasury`, and its name is behind the borrower's; -1 where it is before; else 0.
    `flags`: None where they are as they were.
    """

    borrower: str
    amounts: Amounts
    got: int
    claims: int
    loans: int
    kept: int
    given: int
    treasury: int
    left: int
    flags: int | None


class Loss(NamedTuple):
    """A shortfall: the borrower's debt, by how much loans fall with it, and which tiers pay."""

    short: int
    fell: int
    planned: list[Owed]


class Joined:
    """What is joined and not yet closed. The reserves are the working copies, which are ahead of the book."""

    def __init__(self, terms: Terms, collateral: Reserve, debt: Reserve, cascade: Cascade | None) -> None:
        self._terms, self._collateral, self._debt, self._cascade = terms, collateral, debt, cascade
        self._shapes: dict[tuple[object, ...], Shape] = {}
        self.begin(0, 0, None, "", 0)

    def begin(self, seq: int, at: int, cause: int | None, place: str, mid: int) -> None:
        """Begin with entry `seq`; `place` and `mid` say where what is seized is sold, at which price."""
        if place != self._terms.place:
            self._terms, self._shapes = self._terms._replace(place=place), {}
        self._seq, self._mid = seq, mid
        self._head = (at, cause, "null" if cause is None else str(cause))
        self._held_worth, self._owed_worth = self._collateral.worth(), self._debt.worth()
        self._held_cash = self._collateral.virtual
        self._owed_index, self._deficit = self._debt.liquidity_index, self._debt.deficit
        self._rates = (
            self._collateral.liquidity_rate,
            self._collateral.borrow_rate,
            self._debt.liquidity_rate,
            self._debt.borrow_rate,
        )
        self.claims, self.loans = self._held_worth[1], self._owed_worth[0]
        """What they are worth with all that is joined."""
        self.paid = self.got = 0
        """What was paid, and what the sales brought."""
        if self._cascade is not None:
            self._cascade.begin()
        self._reset()

    def _reset(self) -> None:
        """Let nothing be joined."""
        self._rows: list[tuple[Shape, Values]] = []
        self.count = 0
        """How many entries there are."""
        self.kept: dict[str, int] = {}
        self.left: dict[str, int] = {}
        self.flags: dict[str, int] = {}
        """Cells that were changed: claim units, debt units, flags."""

    @property
    def seized(self) -> int:
        """What was seized."""
        return self._held_cash - self._collateral.virtual

    @property
    def has_cut(self) -> bool:
        """Whether a shortfall among them cut the claims on the debt's reserve."""
        return self._debt.liquidity_index != self._owed_index

    def add(self, done: Done, loss: Loss | None) -> None:
        """Add a liquidation, done to the reserves already but for the loss, which is borne here."""
        borrower, amounts, got, claims, loans, kept, given, treasury, left, flags = done
        collateral, debt = self._collateral, self._debt
        paid, seized, fee = amounts.pay, amounts.seize, amounts.fee
        handed, repaid = self.claims - claims, self.loans - loans
        self.claims, self.loans = claims, loans
        self.paid += paid
        self.got += got
        self.kept[borrower] = kept
        if given:
            self.kept[self._terms.treasury] = treasury
        earned, owed = collateral.liquidity_rate, collateral.borrow_rate
        debt_earned, debt_owed = debt.liquidity_rate, debt.borrow_rate
        was = self._rates
        self._rates = earned, owed, debt_earned, debt_owed
        supply, cash = collateral.supply_scaled, collateral.virtual
        debt_units, debt_cash = debt.debt_scaled, debt.virtual
        borne = None if loss is None else self._bear(loss, left)
        self.left[borrower] = left if borne is None else 0
        if flags is not None:
            self.flags[borrower] = flags if borne is None else 0
        repaid_rest, handed_rest = paid - repaid, handed - seized
        variant = (
            (repaid_rest > 0) - (repaid_rest < 0) if repaid_rest else 0,
            (handed_rest > 0) - (handed_rest < 0) if handed_rest else 0,
            fee > 0,
            given,
            flags is not None,
            earned != was[0],
            owed != was[1],
            debt_earned != was[2],
            debt_owed != was[3],
            None if borne is None else borne.key,
        )
        shape = self._shapes.get(variant)
        if shape is None:
            more = 0 if borne is None else len(borne.numbers)
            shape = self._shapes[variant] = shape_of(self._terms, Variant(*variant), more)
        seq = self._seq + self.count
        self.count += shape.count
        values = (
            *self._head,
            borrower,
            encode_text(borrower).decode(),
            seq,
            self._mid,
            paid,
            seized,
            fee,
            got,
            repaid if repaid_rest > 0 else paid,
            abs(repaid_rest),
            seized if handed_rest > 0 else handed,
            abs(handed_rest),
            supply,
            cash,
            kept,
            treasury,
            debt_units,
            debt_cash,
            left,
            flags,
            earned,
            owed,
            debt_earned,
            debt_owed,
            *(() if borne is None else borne.numbers),
            *range(seq + 1, seq + shape.count),
        )
        self._rows.append((shape, values))

    def _bear(self, loss: Loss, left: int) -> Borne:
        """Let the tiers bear a loss; so many units of debt are gone with it."""
        assert self._cascade is not None, "who plans, bears"
        debt = self._debt
        debt.debt_scaled -= left
        debt.deficit += loss.short
        self.loans -= loss.fell
        borne = self._cascade.bear(debt, loss.short, self.loans, loss.fell, loss.planned)
        self._rates = (*self._rates[:2], debt.liquidity_rate, debt.borrow_rate)
        return borne

    def close(self) -> Stretch:
        """Return the stretch, and tell the reserves that all they hold is told."""
        terms, collateral, debt = self._terms, self._collateral, self._debt
        seized, handed = self.seized, self._held_worth[1] - self.claims
        held, owed = terms.held, terms.owed
        moved = [
            *transfers_between(((held.claims, handed), (held.cash, -seized)), held.residue, terms.collateral),
            *transfers_between(self._debt_changes(), owed.residue, terms.debt),
            *trade(terms.liquidator, (terms.collateral, seized), (terms.debt, self.got), terms.place),
        ]
        tables = {
            held.supply: self.kept,
            owed.debt: self.left,
            held.reserve: {**_rates(collateral), "supply_scaled": collateral.supply_scaled},
            owed.reserve: {**_rates(debt), "debt_scaled": debt.debt_scaled},
        }
        if self.flags:
            tables[terms.flags] = self.flags
        if self._cascade is not None:
            tables[owed.reserve] |= {"deficit": debt.deficit, "liquidity_index": debt.liquidity_index}
            for table, left in self._cascade.staked.items():
                tables[table] = {"total_assets": left}
        stretch = Stretch(self._seq, self.count, moved, tables, self._rows)
        collateral.told(self._held_worth[0], self.claims, self._held_worth[2])
        debt.told(self.loans, *self._claims_of_debt())
        self._reset()
        return stretch

    def _claims_of_debt(self) -> tuple[int, int]:
        """Return what claims and treasury are worth now in the reserve of the debt."""
        if not self.has_cut:
            return self._owed_worth[1:]
        return self._debt.claims(), self._debt.treasury()

    def _debt_changes(self) -> list[tuple[str, int]]:
        """Return by how much the accounts of the debt's reserve changed."""
        names, debt = self._terms.owed, self._debt
        claims, treasury = self._claims_of_debt()
        drawn = {} if self._cascade is None else self._cascade.drawn
        return [
            (names.cash, self.paid),
            (names.loans, self.loans - self._owed_worth[0]),
            (names.deficit, debt.deficit - self._deficit),
            (names.claims, self._owed_worth[1] - claims),
            (names.treasury, self._owed_worth[2] - treasury),
            *drawn.items(),
        ]


def _rates(reserve: Reserve) -> dict[str, int]:
    """Return the cells of a reserve that any liquidation changes."""
    return {
        "borrow_rate": reserve.borrow_rate,
        "liquidity_rate": reserve.liquidity_rate,
        "virtual": reserve.virtual,
    }
