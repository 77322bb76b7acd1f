"""The figures of Compound v3: the base asset with its two indexes, and each collateral, kept apart.

    claims   = ⌊supply · supply index⌋     loans = ⌊borrow · borrow index⌋
    reserves = cash + loans − claims       of either sign, exactly
             = treasury − deficit − absorbed       each of which is 0 or more

`absorbed` is what reserves have paid for collateral that is not yet sold, `deficit` what nobody has paid yet;
what comes in later pays that first. Rules: compound-finance/comet d5a30b0a, Comet.sol, CometCore.sol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import attrs

from mutualize.errors import Reason, Refused, require
from mutualize.units import (
    RAY,
    UINT128_MAX,
    UINT256_MAX,
    WAD,
    YEAR,
    capped,
    div_down,
    mul_div_down,
    mul_div_up,
    times,
    wad_mul_down,
)
from mutualize.venues.sheet import Bounds, Figures

INDEX: Final = 10**15
"""`BASE_INDEX_SCALE`."""
TO_RAY: Final = 10**12
UINT64_MAX: Final = 2**64 - 1
INT104_MAX: Final = 2**103 - 1
UINT104_MAX: Final = 2**104 - 1
FACTOR: Final = 10**14
"""Factors of collateral are kept with four decimals, of 18 that are given (`getAssetInfo`)."""

BASE_PARAMETERS: Final[Bounds] = {
    "decimals": (6, 0, 18),
    "supply_kink": (8 * 10**17, 0, WAD),
    "supply_base": (0, 0, UINT64_MAX),
    "supply_low": (0, 0, UINT64_MAX),
    "supply_high": (0, 0, UINT64_MAX),
    "borrow_kink": (8 * 10**17, 0, WAD),
    "borrow_base": (0, 0, UINT64_MAX),
    "borrow_low": (0, 0, UINT64_MAX),
    "borrow_high": (0, 0, UINT64_MAX),
    "borrow_min": (0, 0, UINT104_MAX),
    "target_reserves": (0, 0, UINT104_MAX),
    "store_front_factor": (0, 0, WAD),
    "supply_paused": (0, 0, 1),
    "withdraw_paused": (0, 0, 1),
    "absorb_paused": (0, 0, 1),
    "buy_paused": (0, 0, 1),
}
"""What governance sets of the base asset: (default, least, most).

…_base, …_low, …_high   interest per year (WAD): without use, and what full use adds below and above the kink
borrow_min              the least debt of an account, base units
target_reserves         reserves from which on no collateral is sold, base units
store_front_factor      the part of the liquidation penalty that buyers of collateral get, WAD
"""

COLLATERAL_PARAMETERS: Final[Bounds] = {
    "decimals": (18, 0, 18),
    "borrow_factor": (0, 0, WAD),
    "liquidate_factor": (0, 0, WAD),
    "liquidation_factor": (WAD, 0, WAD),
    "supply_cap": (UINT128_MAX, 0, UINT128_MAX),
}
"""What governance sets of a collateral. Factors in WAD: what may be borrowed against it, from where on its
holder may be absorbed, and what the reserves pay for it then. The cap is in base units.
"""

_BASE_STATE: Final = ("last_update", "total_supply", "total_borrow", "absorbed", "deficit", "virtual")
_COLLATERAL_STATE: Final = ("supply_scaled", "reserves", "cost", "virtual")


def safe(value: int, most: int) -> int:
    """Return a number that fits its type in the contract (`safe64`, `safe104`, `safe128`), or refuse."""
    require(value <= most, Reason.AMOUNT_IS_TOO_LARGE)
    return value


@attrs.define(kw_only=True)
class Base(Figures):
    """The base asset. Indexes with 15 decimals, amounts in base units, totals in principals."""

    supply_kink: int
    supply_base: int
    supply_low: int
    supply_high: int
    borrow_kink: int
    borrow_base: int
    borrow_low: int
    borrow_high: int
    borrow_min: int
    target_reserves: int
    store_front_factor: int
    supply_paused: int
    withdraw_paused: int
    absorb_paused: int
    buy_paused: int
    last_update: int
    supply_index: int
    borrow_index: int
    total_supply: int
    total_borrow: int
    supply_units: int
    """Σ of what holders have: some units less than the total, where rounding touched a holder alone."""
    debt_units: int
    absorbed: int
    deficit: int

    @classmethod
    def numbers_of(cls, cells: Mapping[str, int]) -> dict[str, int]:
        """Return the fields that the cells of a table stand for."""
        fields = {name: cells[name] for name in (*BASE_PARAMETERS, *_BASE_STATE)}
        fields["supply_units"], fields["debt_units"] = cells["supply_scaled"], cells["debt_scaled"]
        fields["supply_index"] = div_down(cells["liquidity_index"], TO_RAY)
        return fields | {"borrow_index": div_down(cells["borrow_index"], TO_RAY)}

    def cells(self) -> dict[str, int]:
        """Return all cells; the indexes there have 27 decimals."""
        cells: dict[str, int] = {name: getattr(self, name) for name in (*BASE_PARAMETERS, *_BASE_STATE)}
        cells["supply_scaled"], cells["debt_scaled"] = self.supply_units, self.debt_units
        cells["liquidity_index"] = self.supply_index * TO_RAY
        cells["borrow_index"] = self.borrow_index * TO_RAY
        return cells

    def accounts(self) -> list[tuple[str, int]]:
        """Return what the accounts hold. Nothing is left over: the treasury is what is not anybody's."""
        names = self.names
        return [
            (names.cash, self.virtual),
            (names.loans, self.loans()),
            (f"{names.loans}:absorbed", self.absorbed),
            (names.deficit, self.deficit),
            (names.claims, -self.claims()),
            (names.treasury, -self.treasury()),
        ]

    def claims(self) -> int:
        """Return what all suppliers are owed, rounded down (`presentValueSupply`)."""
        return mul_div_down(self.total_supply, self.supply_index, INDEX)

    def loans(self) -> int:
        """Return what all borrowers owe, rounded down, too (`presentValueBorrow`)."""
        return mul_div_down(self.total_borrow, self.borrow_index, INDEX)

    def reserves(self) -> int:
        """Return the contract's reserves, which may be below zero (`getReserves`)."""
        return self.virtual + self.loans() - self.claims()

    def treasury(self) -> int:
        """Return what the reserves still have, had the collateral been sold at what they paid for it."""
        return self.reserves() + self.absorbed + self.deficit

    # --- interest ----------------------------------------------------------------------------------------

    def utilization(self) -> int:
        """Return loans over claims, in WAD (`getUtilization`)."""
        claims = self.claims()
        return div_down(times(self.loans(), WAD), claims) if claims else 0

    def supply_rate(self, usage: int) -> int:
        """Return what suppliers earn per second, in WAD (`getSupplyRate`)."""
        return _rate(usage, self.supply_kink, self.supply_base, self.supply_low, self.supply_high)

    def borrow_rate(self, usage: int) -> int:
        """Return what borrowers pay per second, in WAD (`getBorrowRate`): a curve of its own."""
        return _rate(usage, self.borrow_kink, self.borrow_base, self.borrow_low, self.borrow_high)

    def accrue(self, at: int) -> bool:
        """Reckon interest up to a moment (`accrueInternal`). Returns whether any time had passed."""
        elapsed = at - self.last_update
        if not elapsed:
            return False
        usage = self.utilization()
        earned = wad_mul_down(self.supply_index, times(self.supply_rate(usage), elapsed))
        charged = wad_mul_down(self.borrow_index, times(self.borrow_rate(usage), elapsed))
        self.supply_index = safe(self.supply_index + earned, UINT64_MAX)
        self.borrow_index = safe(self.borrow_index + charged, UINT64_MAX)
        self.last_update = at
        return True

    # --- principals --------------------------------------------------------------------------------------

    def present(self, principal: int) -> int:
        """Return what a signed principal is worth, rounded towards zero on both sides (`presentValue`)."""
        if principal >= 0:
            return mul_div_down(principal, self.supply_index, INDEX)
        return -mul_div_down(-principal, self.borrow_index, INDEX)

    def principal(self, present: int) -> int:
        """Return the signed principal of a balance: rounded down, a debt's up (`principalValue`)."""
        if present >= 0:
            if not self.supply_index:  # the contract's never falls; a haircut of everything leaves 0
                raise Refused(Reason.RESERVE_IS_WIPED_OUT)
            return safe(div_down(times(present, INDEX), self.supply_index), INT104_MAX)
        capped(-present * INDEX + self.borrow_index - 1)
        return -safe(mul_div_up(-present, INDEX, self.borrow_index), INT104_MAX)

    def repay_and_supply(self, before: int, after: int) -> tuple[int, int]:
        """Count a higher principal in the totals; return (repaid, supplied). If it fell, none is."""
        repaid, supplied = _parts(-before, -after)
        self.total_borrow -= repaid
        self.total_supply = safe(self.total_supply + supplied, UINT104_MAX)
        return repaid, supplied

    def withdraw_and_borrow(self, before: int, after: int) -> tuple[int, int]:
        """Count a lower principal in the totals; return (withdrawn, borrowed). If it rose, none is."""
        withdrawn, borrowed = _parts(before, after)
        self.total_supply -= withdrawn
        self.total_borrow = safe(self.total_borrow + borrowed, UINT104_MAX)
        return withdrawn, borrowed

    # --- money in and out --------------------------------------------------------------------------------

    def settle(self, pending: int) -> None:
        """Let what came in pay what is open, but for what tiers owe; what went out beyond it is open, too.

        `pending` is what they owe. Nobody recognises what goes out so: the contract's reserves just fall.
        """
        treasury, before = self.treasury(), -self._held[-1][1]
        if treasury < 0:
            self.deficit -= treasury
        elif treasury > before:
            self.deficit -= min(treasury - before, max(0, self.deficit - pending))

    # --- paying a deficit by other tiers than reserves ---------------------------------------------------

    def room_for(self, payer: str) -> int:
        """Return how much the payer of a tier has left to give: claims, loans, or revenue."""
        return {"claims": self.claims(), "loans": self.loans(), "revenue": self.treasury()}[payer]

    def cut(self, payer: str, amount: int) -> None:
        """Let a payer pay a part of the deficit: reserves by themselves, the others by their index.

        An index has 15 decimals, so that somewhat more may be taken: the treasury has it.
        """
        if payer == "claims":
            worth_up = mul_div_up(self.total_supply, self.supply_index, INDEX)
            self.supply_index = mul_div_down(self.supply_index, self.claims() - amount, worth_up)
        elif payer == "loans":
            loans = self.loans()
            self.borrow_index = safe(mul_div_up(self.borrow_index, loans + amount, loans), UINT64_MAX)
        self.deficit -= amount

    def room_back(self, payer: str) -> int:
        """Return how much a payer can be given back: an index has to fit its type, and stays above 1."""
        if payer == "claims":
            if not self.claims():
                return 0
            return max(0, mul_div_down(self.claims(), UINT64_MAX, self.supply_index) - self.claims())
        if payer == "loans":
            return max(0, self.loans() - mul_div_up(self.loans(), INDEX, self.borrow_index))
        return UINT256_MAX

    def give_back(self, payer: str, amount: int) -> None:
        """Give recovered money that comes in to a payer."""
        self.receive(amount)
        if payer == "claims":
            worth_up = mul_div_up(self.total_supply, self.supply_index, INDEX)
            raised = mul_div_down(self.supply_index, self.claims() + amount, worth_up)
            self.supply_index = max(self.supply_index, raised)
        elif payer == "loans":
            loans = self.loans()
            self.borrow_index = mul_div_up(self.borrow_index, loans - amount, loans)

    def units_for(self, amount: int) -> int:
        """Return how much principal is worth an amount, rounded up."""
        return mul_div_up(amount, INDEX, self.supply_index)

    def units_bought(self, amount: int) -> int:
        """Return how much principal an amount buys, rounded down."""
        return self.principal(amount)


@attrs.define(kw_only=True)
class Collateral(Figures):
    """One collateral: what accounts have of it, and what the reserves have, bought at `cost` of the base."""

    borrow_factor: int
    liquidate_factor: int
    liquidation_factor: int
    supply_cap: int
    supply_scaled: int
    reserves: int
    cost: int

    FIELDS: ClassVar[tuple[str, ...]] = (*COLLATERAL_PARAMETERS, *_COLLATERAL_STATE)

    @classmethod
    def numbers_of(cls, cells: Mapping[str, int]) -> dict[str, int]:
        """Return the fields that the cells of a table stand for."""
        return {name: cells[name] for name in cls.FIELDS}

    def cells(self) -> dict[str, int]:
        """Return all cells; a unit of it is worth a unit for good."""
        one = {"liquidity_index": RAY, "borrow_index": RAY, "debt_scaled": 0}
        return one | {name: getattr(self, name) for name in self.FIELDS}

    def accounts(self) -> list[tuple[str, int]]:
        """Return what the accounts hold."""
        names = self.names
        return [
            (names.cash, self.virtual),
            (names.claims, -self.supply_scaled),
            (names.treasury, -self.reserves),
        ]

    @property
    def unit(self) -> int:
        """Base units in one whole unit of the asset."""
        return int(10**self.decimals)

    def factor(self, name: str) -> int:
        """Return a factor as the contract keeps it: with four decimals."""
        return div_down(getattr(self, name), FACTOR) * FACTOR

    def part_of_cost(self, amount: int) -> int:
        """Return what the reserves paid for a part of what they have; for all of it, all."""
        left = mul_div_down(self.cost, self.reserves - amount, self.reserves) if amount else self.cost
        return self.cost - left


def _rate(usage: int, kink: int, base: int, low: int, high: int) -> int:
    """Return interest per second on a curve with one kink; its terms are per year, cut to seconds first."""
    base, low, high = (div_down(term, YEAR) for term in (base, low, high))
    if usage <= kink:
        return safe(base + wad_mul_down(low, usage), UINT64_MAX)
    return safe(base + wad_mul_down(low, kink) + wad_mul_down(high, usage - kink), UINT64_MAX)


def _parts(before: int, after: int) -> tuple[int, int]:
    """Return how much of a fall is above zero and how much below; nothing where the number rose."""
    if after > before:
        return 0, 0
    return max(before, 0) - max(after, 0), max(-after, 0) - max(-before, 0)
