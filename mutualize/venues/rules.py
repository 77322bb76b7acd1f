"""What a lending pool's rules leave open, and what a position's health is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from mutualize.units import BPS, UINT256_MAX, WAD, mul_div_down, mul_div_half_up

CLOSE_FACTORS: Final = ("aave-v3", "half", "full")
RECOGNITIONS: Final = ("at-zero-collateral", "never")


@attrs.frozen(kw_only=True)
class PoolRules:
    """What differs between versions of the protocol. Thresholds in 8-decimals money; the defaults are v3.7's.

    close_factor          'aave-v3' (half of the position above `half_above_health`, else all), 'half', 'full'
    dust_rule             refuse a liquidation that leaves less than `leftover_min` on either side
    recognition           'at-zero-collateral' (v3.3 and later), or 'never' (debt goes on accruing)
    zero_price_seizes     a worthless collateral is seized for nothing (the contract divides by zero instead)
    """

    close_factor: str = "aave-v3"
    half_above_health: int = 95 * 10**16
    full_below_value: int = 2_000 * 10**8
    dust_rule: bool = True
    leftover_min: int = 1_000 * 10**8
    recognition: str = "at-zero-collateral"
    zero_price_seizes: bool = True
    treasury: str = "treasury"
    umbrella: str = "umbrella"
    governance: str = "governance"
    fund: str = "insurance-fund"


@attrs.define
class Health:
    """A position's collateral, debt and its parts, in 8-decimals money; `factor` in WAD."""

    collateral: int
    debt: int
    weighted: int
    borrowable: int

    @property
    def factor(self) -> int:
        """Health factor in WAD: below 10¹⁸ the position may be liquidated. Half up, then down, as in v3.7."""
        if not self.debt:
            return UINT256_MAX
        return mul_div_down(mul_div_half_up(self.weighted, WAD, self.debt), 1, BPS)

    @property
    def threshold(self) -> int:
        """Average liquidation threshold in bps, rounded down."""
        return mul_div_down(self.weighted, 1, self.collateral) if self.collateral else 0

    @property
    def ltv(self) -> int:
        """Average loan to value that may be borrowed, in bps, rounded down."""
        return mul_div_down(self.borrowable, 1, self.collateral) if self.collateral else 0


class Flags:
    """Which reserves a holder uses: bit 2i says that he owes in reserve i, bit 2i+1 that it is collateral.

    Aave `UserConfiguration`.
    """

    def __init__(self, assets: Sequence[str]) -> None:
        self._assets = tuple(assets)
        self._ids = {asset: index for index, asset in enumerate(self._assets)}
        self._used: dict[int, tuple[tuple[str, bool, bool], ...]] = {}

    def is_collateral(self, flags: int, asset: str) -> bool:
        """Say whether this asset's claim is collateral."""
        return bool(flags >> (2 * self._ids[asset] + 1) & 1)

    def is_owed(self, flags: int, asset: str) -> bool:
        """Say whether there is a debt in this asset."""
        return bool(flags >> (2 * self._ids[asset]) & 1)

    def with_collateral(self, flags: int, asset: str, on: bool) -> int:
        """Return the flags with this asset's claim as collateral, or not."""
        bit = 1 << (2 * self._ids[asset] + 1)
        return flags | bit if on else flags & ~bit

    def with_debt(self, flags: int, asset: str, on: bool) -> int:
        """Return the flags with a debt in this asset, or not."""
        bit = 1 << (2 * self._ids[asset])
        return flags | bit if on else flags & ~bit

    def pair(self, collateral: str, debt: str) -> int:
        """Return the flags of who has this collateral and owes this debt, and nothing else."""
        return 2 << 2 * self._ids[collateral] | 1 << 2 * self._ids[debt]

    def used(self, flags: int) -> tuple[tuple[str, bool, bool], ...]:
        """Return (asset, is collateral, is owed) of all reserves that are used, in their order."""
        used = self._used.get(flags)
        if used is None:
            used = self._used[flags] = tuple(self._read(flags))
        return used

    def _read(self, flags: int) -> Iterator[tuple[str, bool, bool]]:
        index = 0
        while flags:
            if flags & 3:
                yield self._assets[index], bool(flags & 2), bool(flags & 1)
            flags >>= 2
            index += 1
