"""A sweep: many liquidations of one pair at one moment, without taking the reserves up and down for each.

    look(borrower) ─▶ what would be paid and seized ─┬▶ join() … join() ─▶ close(): a stretch, to be committed
                                                     └▶ take(): the events, to be committed at once

Its one rule: `liquidation` decides, this does it faster. The same events come out, in the same order, or none
do (`look` returns None) and the plain way has to be taken: for who owes or holds anything else, for a
position that would leave dust, for a fund's share of the fee. The tests play both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.accounts import Transfer
from mutualize.book import Draft
from mutualize.cascade import cascade_of
from mutualize.errors import Refused
from mutualize.events import Cell, Event, Liquidated
from mutualize.units import WAD, mul_div_down, mul_div_up, ray_div_down, ray_div_up, ray_mul_down, ray_mul_up
from mutualize.venues.joined import Done, Joined, Loss, Terms
from mutualize.venues.liquidation import Amounts, Side, amounts_of, leaves_dust, most_of, takes_all
from mutualize.venues.rules import Health

if TYPE_CHECKING:
    from mutualize.book import Book
    from mutualize.stretch import Stretch
    from mutualize.venues.pool import Pool
    from mutualize.waterfall import Waterfall


class Sweep:
    """Liquidations of `debt` against `collateral` by one liquidator, as long as nobody else writes.

    Raises Refused where the pair cannot be liquidated at all: a reserve is paused or a price missing.
    """

    def __init__(
        self,
        pool: Pool,
        book: Book,
        at: int,
        pair: tuple[str, str],
        liquidator: str,
        waterfall: Waterfall | None = None,
        *,
        joins: bool = True,
    ) -> None:
        """`pair` is (collateral, debt); the `waterfall` is all that follows from a shortfall.

        Without `joins` none are joined, since something else follows from a liquidation.
        """
        collateral, debt = pair
        self._at, self._pair = at, pair
        self._book, self._venue, self._rules, self._liquidator = book, pool.name, pool.rules, liquidator
        self._draft = Draft(book)
        self._work = work = pool.work(self._draft, at)
        self._collateral, self._debt = work.open_reserve(collateral), work.open_reserve(debt)
        self._debt_first = debt < collateral
        self._accruals = work.accruals()
        self._price_held, self._price_owed = work.price(collateral), work.price(debt)
        self._supply = book.table(self._collateral.names.supply)
        self._debts = book.table(self._debt.names.debt)
        self._flags, self._flag_table = book.table(pool.flags), pool.flags
        self._pair_flags = pool.bits.pair(collateral, debt)
        self._held_bit = pool.bits.with_collateral(0, collateral, on=True)
        self._owed_bit = pool.bits.with_debt(0, debt, on=True)
        self._held = Side(self._collateral, 0, 0, self._price_held)
        self._owed = Side(self._debt, 0, 0, self._price_owed)
        self._recognises = pool.rules.recognition == "at-zero-collateral"
        names = self._collateral.names, self._debt.names
        terms = Terms(pool.name, liquidator, pool.rules.treasury, pool.flags, collateral, debt, *names)
        cascade = (
            None if waterfall is None or waterfall.venue != pool.name else cascade_of(waterfall, debt, book)
        )
        if cascade is not None:
            terms = terms._replace(rows=cascade.rows)
        self._cascade, self._joins = cascade, joins
        self.joined = Joined(terms, self._collateral, self._debt, cascade)
        """What was joined and is not yet closed."""
        self._borrower = ""
        self._found: tuple[Amounts, bool, int, int] | None = None
        """What was looked at last: amounts, whether none is left, units that are burned on both sides."""
        self._can = (
            collateral != debt
            and bool(self._price_held and self._price_owed and self._collateral.threshold)
            and not self._collateral.fund_fee_share
        )

    def is_current(self, at: int, pair: tuple[str, str]) -> bool:
        """Say whether it is still that moment and pair, and nothing was written but what came from here."""
        return at == self._at and pair == self._pair and self._work.follows(self._draft)

    def look(self, borrower: str, units: int, owed_units: int) -> Amounts | None:
        """Return what liquidating a borrower would do, or None where the plain way has to be taken.

        Units are what he holds of the collateral and owes of the debt now, and he has nothing else.
        """
        self._found = None
        if not self._can or borrower in (self._liquidator, self._rules.treasury):
            return None
        self._borrower = borrower
        held, owed, rules = self._held, self._owed, self._rules
        try:
            health = self._weigh(units, owed_units)
            if health.factor >= WAD:
                return None
            most = owed.amount if rules.close_factor == "full" else most_of(rules, health, held, owed)
            amounts = amounts_of(rules, held, owed, most)
            if rules.dust_rule and leaves_dust(rules.leftover_min, held, owed, amounts):
                return None
            taken = ray_div_up(amounts.seize, held.reserve.liquidity_index)
            none_left = taken >= units or takes_all(held, amounts, health)
            clears = none_left and amounts.pay == owed.amount
            burned = owed_units if clears else ray_div_down(amounts.pay, owed.reserve.borrow_index)
        except Refused:  # the plain way says so, and its refusal is handled there
            return None
        can_burn = burned > 0 or none_left
        if not can_burn or not amounts.seize or amounts.seize > held.reserve.virtual:
            return None
        self._found = amounts, none_left, burned, min(taken, units)
        return amounts

    def _weigh(self, units: int, owed_units: int) -> Health:
        """Note what a position holds and owes; return its health."""
        held, owed = self._held, self._owed
        collateral, debt = held.reserve, owed.reserve
        held.units, owed.units = units, owed_units
        held.amount = amount = ray_mul_down(units, collateral.liquidity_index)
        owed.amount = due = ray_mul_up(owed_units, debt.borrow_index)
        value = mul_div_down(amount, held.price, collateral.unit)
        worth = mul_div_up(due, owed.price, debt.unit)
        return Health(value, worth, value * collateral.threshold, 0)

    def take(self) -> list[Event]:
        """Return the events of what was looked at last, to be committed before anything else is."""
        assert self._found is not None, "look first"
        assert not self.joined.count, "close before"
        amounts, none_left, burned, taken = self._found
        held, owed, borrower = self._held, self._owed, self._borrower
        collateral, debt, names = held.reserve, owed.reserve, held.reserve.names
        if not self._accruals:
            self._work.begin(self._at)
        left, recognised = owed.units - burned, none_left and self._recognises
        cells = [Cell(debt.names.debt, borrower, left)] if burned else []
        repaid, changed = debt.repaid(burned, amounts.pay, rates=not (recognised and left))
        cells += changed

        index = collateral.liquidity_index
        kept = held.units - taken
        seized, changed = collateral.paid_out(taken, amounts.seize)
        cells += changed
        if amounts.fee:
            given, treasury = min(kept, ray_div_up(amounts.fee, index)), self._rules.treasury
            kept -= given
            if given:
                cells.append(Cell(names.supply, treasury, self._supply.get(treasury, 0) + given))
        cells.append(Cell(names.supply, borrower, kept))
        flags = (self._owed_bit if left else 0) | (0 if none_left or not kept else self._held_bit)
        if flags != self._pair_flags:
            cells.append(Cell(self._flag_table, borrower, flags))
        events = self._told(amounts, repaid + seized if self._debt_first else seized + repaid, cells)
        short = owed.amount - amounts.pay
        if recognised and short:
            self._work.assume(debt.names.debt, borrower, left)
            self._work.assume(self._flag_table, borrower, flags)
            events.append(self._work.recognise(debt.asset, borrower, short))
        return events

    def _told(self, amounts: Amounts, transfers: tuple[Transfer, ...], cells: list[Cell]) -> list[Event]:
        cells.sort()
        accruals, self._accruals = self._accruals, []
        liquidated = Liquidated(
            venue=self._venue,
            liquidator=self._liquidator,
            account=self._borrower,
            collateral=self._collateral.asset,
            debt=self._debt.asset,
            paid=amounts.pay,
            seized=amounts.seize,
            fee=amounts.fee,
            transfers=transfers,
            cells=tuple(cells),
        )
        self._work.made.append(liquidated.cells)
        return [*accruals, liquidated]

    # --- joined to a stretch -----------------------------------------------------------------------------

    def has_changed(self, account: str) -> bool:
        """Say whether what is joined changed a position: the book does not know it yet."""
        return account in self.joined.left

    def standing(self, account: str) -> tuple[int, int, bool] | None:
        """Return the units that such a one holds and owes, all that he does; None where he is not unsafe."""
        joined = self.joined
        if joined.flags.get(account, self._pair_flags) != self._pair_flags:
            return None
        units, owed = joined.kept[account], joined.left[account]
        return None if self._weigh(units, owed).factor >= WAD else (units, owed, True)

    def begin(self, place: str, mid: int, cause: int | None) -> None:
        """Begin to join; what is seized is sold there, at this price in the middle. `cause` led to it."""
        assert not self.joined.count, "close first"
        self.joined.begin(self._book.seq, self._at, cause, place, mid)

    def join(self, got: int) -> bool:
        """Do what was looked at last, and sell what is seized; or return False where `take` has to do it.

        That is where more follows from a shortfall than a cascade knows of, where interest is still to be
        told of, and where one of the aggregates does not change.
        """
        assert self._found is not None, "look first"
        amounts, none_left, burned, taken = self._found
        held, owed, joined = self._held, self._owed, self.joined
        collateral, debt, left = held.reserve, owed.reserve, owed.units - burned
        claims = ray_mul_down(collateral.supply_scaled - taken, collateral.liquidity_index)
        loans = ray_mul_up(debt.debt_scaled - burned, debt.borrow_index)
        moves = burned and amounts.pay and claims < joined.claims and loans < joined.loans
        if self._accruals or not moves or not self._joins:
            return False
        loss: Loss | None = None
        if none_left and self._recognises and (left or amounts.pay < owed.amount):
            short = owed.amount - amounts.pay
            fell = loans - ray_mul_up(debt.debt_scaled - burned - left, debt.borrow_index)
            planned = None if self._cascade is None else self._cascade.plan(debt, short)
            if planned is None or not (left and fell > 0):
                return False
            loss = Loss(short, fell, planned)
        debt.debt_scaled -= burned
        debt.virtual += amounts.pay
        if loss is None:
            debt.update_rates(loans)
        collateral.supply_scaled -= taken
        collateral.virtual -= amounts.seize
        collateral.update_rates()
        kept, given, has = held.units - taken, 0, 0
        if amounts.fee:
            kept, given, has = self._give_fee(kept, amounts.fee)
        flags = (self._owed_bit if left else 0) | (0 if none_left or not kept else self._held_bit)
        changed = None if flags == self._pair_flags else flags
        done = Done(self._borrower, amounts, got, claims, loans, kept, given, has, left, changed)
        joined.add(done, loss)
        self._found = None
        return True

    def _give_fee(self, kept: int, fee: int) -> tuple[int, int, int]:
        """Return what the borrower keeps of his units after the fee, and what of it is told in `Done`."""
        treasury = self._rules.treasury
        given = min(kept, ray_div_up(fee, self._collateral.liquidity_index))
        if not given:
            return kept, 0, 0
        has = self.joined.kept.get(treasury) or self._supply.get(treasury, 0)
        return kept - given, 1 if self._borrower < treasury else -1, has + given

    def close(self) -> Stretch:
        """Return what was joined. It has to be committed before anything else is done."""
        stretch = self.joined.close()
        self._work.told(stretch.seq + stretch.count)
        return stretch
