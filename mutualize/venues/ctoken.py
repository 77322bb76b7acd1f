"""One market of Compound v2: its figures, its interest, and what a claim token is worth.

    net       = cash + borrows + deficit − reserves           rate = ⌊net / tokens⌋   (the first is given)
    claims    = ⌊tokens · rate⌋    loans = borrows    treasury = reserves, as far as there is money for them

Interest is simple between two blocks in which anybody came. Rules: CToken.sol, BaseJumpRateModelV2.sol;
compound-finance/compound-protocol a3214f67. The contract has no deficit: all integers are its own while
there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import attrs

from mutualize.errors import Reason, require
from mutualize.units import (
    UINT256_MAX,
    WAD,
    capped,
    div_down,
    mul_div_up,
    plus,
    times,
    wad_div_down,
    wad_mul_down,
)
from mutualize.venues.sheet import Bounds, Figures

RATE_MAX: Final = 5 * 10**12
"""The highest borrow rate per block, WAD (`borrowRateMaxMantissa`)."""
TO_RAY: Final = 10**9

PARAMETERS: Final[Bounds] = {
    "decimals": (18, 0, 36),
    "collateral_factor": (0, 0, 9 * 10**17),
    "reserve_factor": (0, 0, WAD),
    "initial_rate": (2 * 10**26, 1, UINT256_MAX),
    "base": (0, 0, UINT256_MAX),
    "multiplier": (0, 0, UINT256_MAX),
    "jump": (0, 0, UINT256_MAX),
    "kink": (8 * 10**17, 1, WAD),
    "blocks_per_year": (2_102_400, 1, UINT256_MAX),
    "borrow_cap": (0, 0, UINT256_MAX),
    "mint_paused": (0, 0, 1),
    "borrow_paused": (0, 0, 1),
    "seize_paused": (0, 0, 1),
}
"""What governance sets: (default, least, most). Factors and the kink in WAD, the rates in WAD per year.

initial_rate   base units of the asset for a claim token · 10¹⁸, while there are no tokens
borrow_cap     the least that may not be lent in all (0: no cap)
"""


@attrs.define(kw_only=True)
class CToken(Figures):
    """A working copy of one market. Factors, rates and the index in WAD, amounts in base units."""

    collateral_factor: int
    reserve_factor: int
    initial_rate: int
    base: int
    multiplier: int
    jump: int
    kink: int
    blocks_per_year: int
    borrow_cap: int
    mint_paused: int
    borrow_paused: int
    seize_paused: int
    total_borrows: int
    total_reserves: int
    total_supply: int
    borrow_index: int
    accrual_block: int
    deficit: int
    debt_units: int
    """What `units_of` says of all debts: for readers that know units and an index alone."""

    STATE: ClassVar[Mapping[str, str]] = {
        "total_borrows": "total_borrows",
        "total_reserves": "total_reserves",
        "total_supply": "supply_scaled",
        "accrual_block": "accrual_block",
        "deficit": "deficit",
        "debt_units": "debt_scaled",
        "virtual": "virtual",
    }
    """Fields, and what their cells are called."""

    @classmethod
    def numbers_of(cls, cells: Mapping[str, int]) -> dict[str, int]:
        """Return the fields that the cells of a table stand for."""
        fields = {name: cells[name] for name in PARAMETERS}
        fields |= {name: cells[cell] for name, cell in cls.STATE.items()}
        return fields | {"borrow_index": div_down(cells["borrow_index"], TO_RAY)}

    def cells(self) -> dict[str, int]:
        """Return all cells; the indexes there have 27 decimals."""
        cells: dict[str, int] = {name: getattr(self, name) for name in PARAMETERS}
        cells |= {cell: getattr(self, name) for name, cell in self.STATE.items()}
        cells["borrow_index"] = self.borrow_index * TO_RAY
        cells["liquidity_index"] = self._rate_now() * TO_RAY
        return cells

    def accounts(self) -> list[tuple[str, int]]:
        """Return what the accounts hold. Reserves are worth no more than what claims leave of the money."""
        names, claims = self.names, self.claims()
        left = self.virtual + self.total_borrows + self.deficit - claims
        return [
            (names.cash, self.virtual),
            (names.loans, self.total_borrows),
            (names.deficit, self.deficit),
            (names.claims, -claims),
            (names.treasury, -min(self.total_reserves, left)),
        ]

    # --- what a token is worth ---------------------------------------------------------------------------

    def net(self) -> int:
        """Return what stands behind all tokens. Refuses where the reserves are more than there is."""
        return plus(capped(self.virtual + self.total_borrows + self.deficit), -self.total_reserves)

    def exchange_rate(self) -> int:
        """Return base units per token in WAD, as last accrued (`exchangeRateStoredInternal`)."""
        if not self.total_supply:
            return self.initial_rate
        return div_down(times(self.net(), WAD), self.total_supply)

    def _rate_now(self) -> int:
        """Return the same for the books, which have to be told whatever it is."""
        net = self.virtual + self.total_borrows + self.deficit - self.total_reserves
        return div_down(max(0, net) * WAD, self.total_supply) if self.total_supply else self.initial_rate

    def claims(self) -> int:
        """Return what all tokens are worth, rounded down."""
        return div_down(self.total_supply * self._rate_now(), WAD)

    def treasury(self) -> int:
        """Return what the reserves are worth."""
        return -self.accounts()[-1][1]

    # --- interest ----------------------------------------------------------------------------------------

    def utilization(self) -> int:
        """Return borrows over what stands behind tokens, in WAD (`utilizationRate`)."""
        return wad_div_down(self.total_borrows, self.net()) if self.total_borrows else 0

    def borrow_rate(self) -> int:
        """Return the interest per block, in WAD (`getBorrowRateInternal`)."""
        usage = self.utilization()
        slope = div_down(times(self.multiplier, WAD), times(self.blocks_per_year, self.kink))
        base = div_down(self.base, self.blocks_per_year)
        if usage <= self.kink:
            return capped(wad_mul_down(usage, slope) + base)
        normal = capped(wad_mul_down(self.kink, slope) + base)
        jump = div_down(self.jump, self.blocks_per_year)
        return capped(wad_mul_down(usage - self.kink, jump) + normal)

    def accrue(self, block: int) -> bool:
        """Reckon interest up to a block (`accrueInterest`). Returns whether any block had passed."""
        if block == self.accrual_block:
            return False
        rate = self.borrow_rate()
        require(rate <= RATE_MAX, Reason.RATE_IS_ABSURD)
        factor = times(rate, block - self.accrual_block)
        interest = wad_mul_down(factor, self.total_borrows)
        self.total_borrows = capped(self.total_borrows + interest)
        self.total_reserves = capped(self.total_reserves + wad_mul_down(self.reserve_factor, interest))
        self.borrow_index = capped(self.borrow_index + wad_mul_down(factor, self.borrow_index))
        self.accrual_block = block
        return True

    # --- paying a deficit, which the contract does not know ----------------------------------------------

    def room_for(self, payer: str) -> int:
        """Return how much the payer of a tier has left to give: claims, loans, or revenue."""
        return {"claims": self.claims(), "loans": self.total_borrows, "revenue": self.treasury()}[payer]

    def cut(self, payer: str, amount: int) -> None:
        """Let a payer pay a part of the deficit. With less behind it each token is worth less, by itself."""
        self.deficit -= amount
        if payer == "loans":
            borrows = self.total_borrows
            self.borrow_index = mul_div_up(self.borrow_index, borrows + amount, borrows)
            self.total_borrows += amount
        elif payer == "revenue":
            self.total_reserves -= amount

    def room_back(self, payer: str) -> int:
        """Return how much a payer can be given back."""
        if payer == "loans":
            return max(0, self.total_borrows - mul_div_up(self.total_borrows, WAD, self.borrow_index))
        return UINT256_MAX if self.total_supply or payer != "claims" else 0

    def give_back(self, payer: str, amount: int) -> None:
        """Give recovered money that comes in to a payer."""
        self.receive(amount)
        if payer == "loans":
            borrows = self.total_borrows
            self.borrow_index = mul_div_up(self.borrow_index, borrows - amount, borrows)
            self.total_borrows -= amount
        elif payer == "revenue":
            self.total_reserves += amount

    def units_for(self, amount: int) -> int:
        """Return how many tokens are worth an amount, rounded up."""
        rate = self._rate_now()
        require(rate > 0, Reason.RESERVE_IS_WIPED_OUT)
        return mul_div_up(amount, WAD, rate)

    def units_bought(self, amount: int) -> int:
        """Return how many tokens an amount buys, rounded down."""
        return wad_div_down(amount, self.exchange_rate())


def units_of(principal: int, snapshot: int) -> int:
    """Return a debt in units of the borrow index, rounded up: what it was when the index was 1."""
    return mul_div_up(principal, WAD, snapshot) if principal else 0
