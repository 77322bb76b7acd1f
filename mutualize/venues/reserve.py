"""One reserve of a lending pool: its numbers, its interest, and how their changes become transfers.

    claims    = ⌊supply_scaled · liquidity_index⌋        loans = ⌈debt_scaled · borrow_index⌉
    treasury  = ⌊accrued_scaled · liquidity_index⌋       virtual = cash − what tiers hold of it

A `Reserve` is a working copy: verbs change it, `flush` then says what became of the books.
Suppliers earn simple interest while debt compounds, so interest leaves a residue ≥ 0.

Rules: Aave v3.7 (aave-dao/aave-v3-origin fd1fbd91): ReserveLogic, DefaultReserveInterestRateStrategyV2.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

import attrs

from mutualize.accounts import Transfer, account, tier_account, transfers_between
from mutualize.book import View
from mutualize.errors import Reason, require
from mutualize.events import Cell
from mutualize.tables import debt_table, reserve_table, supply_table
from mutualize.units import (
    BPS,
    RAY,
    YEAR,
    mul_div_down,
    percent_mul_half_up,
    ray_div_down,
    ray_div_half_up,
    ray_mul_down,
    ray_mul_half_up,
    ray_mul_up,
)

BPS_IN_RAY: Final = 10**23
SMALL: Final = 2**128
"""What is below this is never refused for its size when it is divided in rays."""

PARAMETERS: Final[dict[str, tuple[int, int]]] = {
    "decimals": (0, 36),
    "ltv": (0, BPS),
    "threshold": (0, BPS),
    "bonus": (BPS, 2 * BPS),
    "reserve_factor": (0, BPS),
    "protocol_fee": (0, BPS),
    "fund_fee_share": (0, BPS),
    "fund_reserve_share": (0, BPS),
    "optimal": (100, 9_900),
    "base": (0, 10 * BPS),
    "slope1": (0, 10 * BPS),
    "slope2": (0, 10 * BPS),
    "paused": (0, 1),
}
"""What governance sets, with bounds. All but decimals and paused are in bps; `bonus` counts from 10⁴."""

STATE: Final = (
    "liquidity_index",
    "borrow_index",
    "liquidity_rate",
    "borrow_rate",
    "last_update",
    "supply_scaled",
    "debt_scaled",
    "accrued_scaled",
    "deficit",
    "virtual",
)
_FIELDS: Final = (*PARAMETERS, *STATE)
_state_of: Final = attrgetter(*STATE)
_fields_of: Final = itemgetter(*_FIELDS)
_UNITS: Final[tuple[int, ...]] = tuple(10**digits for digits in range(PARAMETERS["decimals"][1] + 1))


class Names(NamedTuple):
    """What a reserve's tables and accounts are called."""

    reserve: str
    supply: str
    debt: str
    cash: str
    loans: str
    deficit: str
    claims: str
    treasury: str
    residue: str


@cache
def names_of(venue: str, asset: str) -> Names:
    """Return the names of one reserve. Remembered: there are as many as reserves."""
    tables = reserve_table(venue, asset), supply_table(venue, asset), debt_table(venue, asset)
    return Names(*tables, *(account(venue, part) for part in Names._fields[3:]))


Flushed = tuple[tuple[Transfer, ...], list[Cell]]
"""The transfers and cells that say what became of the books."""


@attrs.define
class Reserve:
    """A working copy of one reserve. Indexes and rates in RAY, parameters in bps, amounts in base units."""

    venue: str
    asset: str
    names: Names
    unit: int
    """Base units in one whole unit of the asset."""
    decimals: int
    ltv: int
    threshold: int
    bonus: int
    reserve_factor: int
    protocol_fee: int
    fund_fee_share: int
    fund_reserve_share: int
    optimal: int
    base: int
    slope1: int
    slope2: int
    paused: int
    liquidity_index: int
    borrow_index: int
    liquidity_rate: int
    borrow_rate: int
    last_update: int
    supply_scaled: int
    debt_scaled: int
    accrued_scaled: int
    deficit: int
    virtual: int
    _tiers: dict[str, int] = attrs.field(factory=dict)
    _written: tuple[int, ...] = ()
    """`STATE` as it was last loaded or flushed."""
    _worth: tuple[int, int, int] | None = None
    """Loans, claims and treasury as they were then; None where nobody has asked yet."""

    @classmethod
    def load(cls, view: View, venue: str, asset: str) -> Reserve:
        """Read a reserve. Refuses an asset that is not listed."""
        names = names_of(venue, asset)
        cells = view.table(names.reserve)
        require("decimals" in cells, Reason.RESERVE_IS_UNKNOWN)
        try:
            fields = _fields_of(cells)
        except KeyError:  # a projection may know less
            fields = tuple(cells.get(name, 0) for name in _FIELDS)
        reserve = cls(venue, asset, names, _UNITS[cells["decimals"]], *fields)
        reserve._written = _state_of(reserve)
        return reserve

    def claims(self) -> int:
        """Return what suppliers are owed in all, rounded down."""
        return ray_mul_down(self.supply_scaled, self.liquidity_index)

    def loans(self) -> int:
        """Return what borrowers owe in all, rounded up."""
        return ray_mul_up(self.debt_scaled, self.borrow_index)

    def treasury(self) -> int:
        """Return the interest that is the treasury's and not yet claimed by it, rounded down."""
        return ray_mul_down(self.accrued_scaled, self.liquidity_index)

    # --- interest ----------------------------------------------------------------------------------------

    def income_index(self, at: int) -> int:
        """Return the liquidity index with simple interest up to `at` (Aave `getNormalizedIncome`)."""
        elapsed = at - self.last_update
        if not elapsed or not self.liquidity_rate:
            return self.liquidity_index
        growth = RAY + mul_div_down(self.liquidity_rate, elapsed, YEAR)
        return ray_mul_half_up(growth, self.liquidity_index)

    def debt_index(self, at: int) -> int:
        """Return the borrow index with compound interest up to `at`: eˣ in three terms (`MathUtils` v3.7)."""
        elapsed = at - self.last_update
        if not elapsed or not self.debt_scaled:
            return self.borrow_index
        x = mul_div_down(self.borrow_rate, elapsed, YEAR)
        second = mul_div_down(x, 1, 2)
        growth = RAY + x + ray_mul_half_up(x, second + ray_mul_half_up(x, mul_div_down(x, 1, 6)))
        return ray_mul_half_up(growth, self.borrow_index)

    def accrue(self, at: int) -> bool:
        """Bring the indexes up to `at` and give the treasury its share. Returns whether time had passed."""
        if at == self.last_update:
            return False
        before = self.borrow_index
        self.liquidity_index, self.borrow_index = self.income_index(at), self.debt_index(at)
        if self.reserve_factor:
            accrued = ray_mul_down(self.debt_scaled, self.borrow_index - before)
            share = percent_mul_half_up(accrued, self.reserve_factor)
            if self.liquidity_index:  # a wiped reserve has no index to count the share in: all is residue
                self.accrued_scaled += ray_div_down(share, self.liquidity_index)
        self.last_update = at
        return True

    def update_rates(self, loans: int | None = None) -> None:
        """Set the rates that follow from utilization; a deficit lowers what suppliers earn, not the index.

        `loans` is what those are worth, where that is known already.
        """
        debt = (self.loans() if loans is None else loans) if self.debt_scaled else 0
        if not debt:
            self.liquidity_rate, self.borrow_rate = 0, self.base * BPS_IN_RAY
            return
        if not (self.slope1 or self.slope2 or self.base) and self.virtual + debt + self.deficit < SMALL:
            self.liquidity_rate = self.borrow_rate = 0  # nothing to be shared out, and nothing too large
            return
        usage = ray_div_half_up(debt, self.virtual + debt)
        supply_usage = ray_div_half_up(debt, self.virtual + debt + self.deficit)
        rate = self.base * BPS_IN_RAY
        optimal = self.optimal * BPS_IN_RAY
        if usage > optimal:
            excess = ray_div_half_up(usage - optimal, RAY - optimal)
            rate += self.slope1 * BPS_IN_RAY + ray_mul_half_up(self.slope2 * BPS_IN_RAY, excess)
        else:
            rate += ray_div_half_up(ray_mul_half_up(self.slope1 * BPS_IN_RAY, usage), optimal)
        self.borrow_rate = rate
        self.liquidity_rate = percent_mul_half_up(
            ray_mul_half_up(rate, supply_usage), BPS - self.reserve_factor
        )

    # --- money in and out --------------------------------------------------------------------------------

    def receive(self, amount: int) -> None:
        """Take money in."""
        self.virtual += amount

    def pay_out(self, amount: int) -> None:
        """Pay money out. Refuses what is not there."""
        require(amount <= self.virtual, Reason.LIQUIDITY_IS_INSUFFICIENT)
        self.virtual -= amount

    def move_to_tier(self, tier: str, amount: int) -> None:
        """Set money of the reserve aside for a tier; a negative amount takes it back."""
        self.virtual -= amount
        self._tiers[tier] = self._tiers.get(tier, 0) + amount

    # --- what became of the books ------------------------------------------------------------------------

    def flush(self) -> Flushed:
        """Return the transfers and cells since the last flush (or load), and start anew."""
        written, now = self._written, _state_of(self)
        if now == written and not self._tiers:
            return (), []
        names, tiers = self.names, self._tiers
        before = self._worth or self._worth_of(written)
        loans, claims, treasury = self._worth = self._worth_now(before, written, now)
        self._written = now
        changes = []
        if cash := now[9] - written[9] + (sum(tiers.values()) if tiers else 0):
            changes.append((names.cash, cash))
        if change := loans - before[0]:
            changes.append((names.loans, change))
        if change := now[8] - written[8]:
            changes.append((names.deficit, change))
        if change := before[1] - claims:
            changes.append((names.claims, change))
        if change := before[2] - treasury:
            changes.append((names.treasury, change))
        if tiers:
            changes += [(tier_account(self.venue, tier), -change) for tier, change in sorted(tiers.items())]
            self._tiers = {}
        moved = transfers_between(changes, names.residue, self.asset) if changes else ()
        return moved, _changed(names.reserve, written, now)

    def worth(self) -> tuple[int, int, int]:
        """Return what loans, claims and treasury were worth when they were last told of, in base units."""
        return self._worth or self._worth_of(self._written)

    def told(self, loans: int, claims: int, treasury: int) -> None:
        """Take it that somebody else told of all that changed, and what it is worth now."""
        self._written, self._worth = _state_of(self), (loans, claims, treasury)

    def repaid(self, units: int, amount: int, *, rates: bool) -> Flushed:
        """Burn debt units for money that comes in. Returns what `flush` would; all else is flushed."""
        loans, claims, treasury = self.worth()
        self.debt_scaled -= units
        self.virtual += amount
        if rates:
            self.update_rates()
        left = ray_mul_up(self.debt_scaled, self.borrow_index)
        self._worth = left, claims, treasury
        changed = [_new(Cell, (self.names.reserve, "debt_scaled", self.debt_scaled))] if units else []
        return self._turned_over(amount, (self.names.loans, left - loans), changed)

    def paid_out(self, units: int, amount: int) -> Flushed:
        """Burn claim units for money that goes out. Returns what `flush` would; all else is flushed."""
        loans, claims, treasury = self.worth()
        self.supply_scaled -= units
        self.virtual -= amount
        self.update_rates()
        left = ray_mul_down(self.supply_scaled, self.liquidity_index)
        self._worth = loans, left, treasury
        changed = [_new(Cell, (self.names.reserve, "supply_scaled", self.supply_scaled))] if units else []
        return self._turned_over(-amount, (self.names.claims, claims - left), changed)

    def _turned_over(self, cash: int, other: tuple[str, int], cells: list[Cell]) -> Flushed:
        """Return what became of the books where cash moved against one other account."""
        names, written, now = self.names, self._written, _state_of(self)
        self._written, table = now, names.reserve
        if now[3] != written[3]:
            cells.append(_new(Cell, (table, "borrow_rate", now[3])))
        if now[2] != written[2]:
            cells.append(_new(Cell, (table, "liquidity_rate", now[2])))
        if cash:
            cells.append(_new(Cell, (table, "virtual", now[9])))
        return transfers_between(((names.cash, cash), other), names.residue, self.asset), cells

    def _worth_of(self, state: tuple[int, ...]) -> tuple[int, int, int]:
        """Return loans, claims and treasury in a state."""
        index, supplied = state[0], state[5]
        return ray_mul_up(state[6], state[1]), ray_mul_down(supplied, index), ray_mul_down(state[7], index)

    def _worth_now(
        self, worth: tuple[int, int, int], written: tuple[int, ...], now: tuple[int, ...]
    ) -> tuple[int, int, int]:
        """Return the same from what they were worth as written: only what was counted anew changed."""
        if now[:2] != written[:2]:  # with interest or a haircut everything did
            return self._worth_of(now)
        loans, claims, treasury = worth
        return (
            loans if now[6] == written[6] else ray_mul_up(now[6], now[1]),
            claims if now[5] == written[5] else ray_mul_down(now[5], now[0]),
            treasury if now[7] == written[7] else ray_mul_down(now[7], now[0]),
        )


def _changed(table: str, written: tuple[int, ...], now: tuple[int, ...]) -> list[Cell]:
    """Return the cells of a reserve that differ, by name. Written out: a loop takes twice as long."""
    income, owed, income_rate, owed_rate, update, supply, debt, accrued, deficit, virtual = written
    cells = []
    if now[7] != accrued:
        cells.append(_new(Cell, (table, "accrued_scaled", now[7])))
    if now[1] != owed:
        cells.append(_new(Cell, (table, "borrow_index", now[1])))
    if now[3] != owed_rate:
        cells.append(_new(Cell, (table, "borrow_rate", now[3])))
    if now[6] != debt:
        cells.append(_new(Cell, (table, "debt_scaled", now[6])))
    if now[8] != deficit:
        cells.append(_new(Cell, (table, "deficit", now[8])))
    if now[4] != update:
        cells.append(_new(Cell, (table, "last_update", now[4])))
    if now[0] != income:
        cells.append(_new(Cell, (table, "liquidity_index", now[0])))
    if now[2] != income_rate:
        cells.append(_new(Cell, (table, "liquidity_rate", now[2])))
    if now[5] != supply:
        cells.append(_new(Cell, (table, "supply_scaled", now[5])))
    if now[9] != virtual:
        cells.append(_new(Cell, (table, "virtual", now[9])))
    return cells


_new: Final = tuple.__new__
"""What a named tuple's own constructor calls; at half of its cost."""
