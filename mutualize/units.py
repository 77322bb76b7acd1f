"""Units of money, ratio and time as integers. The only place that divides.

The direction of every rounding is in the function's name: `_down` when the protocol pays, `_up` when it
is owed, `_half_up` where a deployed contract rounds to the nearest. All arguments are non-negative.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NewType

from mutualize.errors import Reason, Refused

Amount = NewType("Amount", int)
"""Base units of an asset: 1.5 USDC with 6 decimals is 1_500_000."""
Price = NewType("Price", int)
"""Money per whole unit of an asset, 8 decimals (Aave's base currency)."""
Ratio = NewType("Ratio", int)
"""A share with 18 decimals (WAD): 30 % is 3 * 10**17."""
Bps = NewType("Bps", int)
"""A share in hundredths of a percent: 30 % is 3_000."""
Seconds = NewType("Seconds", int)
"""Simulated time: seconds since 1970-01-01 UTC, or a duration."""

BPS = 10**4
WAD = 10**18
RAY = 10**27
RAD = 10**45
HALF_RAY = RAY // 2
PRICE_UNIT = 10**8
YEAR: Seconds = Seconds(31_536_000)
UINT128_MAX = 2**128 - 1
UINT256_MAX = 2**256 - 1
INT256_MAX = 2**255 - 1
DECIMALS_MAX = 45
"""The most decimals that an asset can have: those of a vault engine's stablecoin (rad)."""
AMOUNT_MAX = 10**38
"""The largest amount that a scenario may state: what a 128-bit decimal holds."""


def mul_div_down(a: int, b: int, c: int) -> int:
    """Return ⌊a·b/c⌋."""
    return a * b // c


def mul_div_up(a: int, b: int, c: int) -> int:
    """Return ⌈a·b/c⌉."""
    return -(-a * b // c)


def mul_div_half_up(a: int, b: int, c: int) -> int:
    """Return a·b/c rounded to the nearest integer, halves up."""
    return (a * b + c // 2) // c


def div_down(a: int, b: int) -> int:
    """Return ⌊a/b⌋."""
    return a // b


def div_up(a: int, b: int) -> int:
    """Return ⌈a/b⌉."""
    return -(-a // b)


def plus(a: int, b: int) -> int:
    """Return a + b. Refuses what is below zero, or above what a 256-bit machine word can hold."""
    result = a + b
    if result < 0:
        raise _too_small()
    return capped(result)


def times(a: int, b: int) -> int:
    """Return a·b. Refuses what a 256-bit machine word cannot hold."""
    return capped(a * b)


def times_signed(a: int, b: int) -> int:
    """Return a·b, b of either sign. Refuses what a signed machine word of 256 bits cannot hold."""
    if abs(a * b) > INT256_MAX:
        raise _too_large()
    return a * b


def capped(value: int) -> int:
    """Return the value. Refuses what a 256-bit machine word cannot hold."""
    if value > UINT256_MAX:
        raise _too_large()
    return value


def word_mul_div_down(a: int, b: int, c: int) -> int:
    """Return ⌊a·b/c⌋. Refuses a product that a 256-bit machine word cannot hold (Morpho `mulDivDown`)."""
    return capped(a * b) // c


def word_mul_div_up(a: int, b: int, c: int) -> int:
    """Return ⌈a·b/c⌉. Refuses what `⌊(a·b + c − 1)/c⌋` cannot be worked out from (Morpho `mulDivUp`)."""
    return capped(a * b + c - 1) // c


def power_half_up(x: int, n: int, base: int) -> int:
    """Return xⁿ at a scale of `base`, by squaring, each multiplication rounded halves up (Maker `rpow`)."""
    if not x:
        return 0 if n else base
    result, half = (x if n % 2 else base), base // 2
    n //= 2
    while n:
        x = capped(x * x + half) // base
        if n % 2:
            result = capped(result * x + half) // base
        n //= 2
    return result


def part_of_period(at: int, period: int) -> int:
    """Return how much of the current period has passed, periods counted from zero."""
    return at % period


def highest_without(enough: Callable[[int], bool]) -> int:
    """Return the highest number below 2**256 for which `enough` is false: as it grows, it turns true once.

    At 0 it is false, and at 2**256 it counts as true.
    """
    low, high = 0, UINT256_MAX + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return low


def _too_small() -> Refused:
    """Return the refusal of what would be below zero, as the contracts refuse it."""
    return Refused(Reason.BALANCE_IS_INSUFFICIENT)


def _too_large() -> Refused:
    """Return the refusal of what a 256-bit machine word cannot hold, as the contracts refuse it."""
    return Refused(Reason.AMOUNT_IS_TOO_LARGE)


def _wiped_out() -> Refused:
    return Refused(Reason.RESERVE_IS_WIPED_OUT)


def ray_mul_half_up(a: int, b: int) -> int:
    """Return a·b in rays, halves up (Aave `rayMul`)."""
    product = a * b + HALF_RAY
    if product > UINT256_MAX:
        raise _too_large()
    return product // RAY


def ray_mul_down(a: int, b: int) -> int:
    """Return ⌊a·b⌋ in rays (Aave `rayMulFloor`)."""
    product = a * b
    if product > UINT256_MAX:
        raise _too_large()
    return product // RAY


def ray_mul_up(a: int, b: int) -> int:
    """Return ⌈a·b⌉ in rays (Aave `rayMulCeil`)."""
    product = a * b
    if product > UINT256_MAX:
        raise _too_large()
    return -(-product // RAY)


def ray_div_half_up(a: int, b: int) -> int:
    """Return a/b in rays, halves up (Aave `rayDiv`). Refuses b = 0."""
    if b == 0:
        raise _wiped_out()
    product = a * RAY + b // 2
    if product > UINT256_MAX:
        raise _too_large()
    return product // b


def ray_div_down(a: int, b: int) -> int:
    """Return ⌊a/b⌋ in rays (Aave `rayDivFloor`). Refuses b = 0."""
    if b == 0:
        raise _wiped_out()
    product = a * RAY
    if product > UINT256_MAX:
        raise _too_large()
    return product // b


def ray_div_up(a: int, b: int) -> int:
    """Return ⌈a/b⌉ in rays (Aave `rayDivCeil`). Refuses b = 0."""
    if b == 0:
        raise _wiped_out()
    product = a * RAY
    if product > UINT256_MAX:
        raise _too_large()
    return -(-product // b)


def wad_mul_down(a: int, b: int) -> int:
    """Return ⌊a·b⌋, one of them in WAD (Compound `mul_ScalarTruncate`, `mulFactor`)."""
    return capped(a * b) // WAD


def wad_div_down(a: int, b: int) -> int:
    """Return ⌊a/b⌋ in WAD (Compound `div_`). Refuses b = 0."""
    if b == 0:
        raise _wiped_out()
    return capped(a * WAD) // b


def percent_mul_half_up(a: int, bps: int) -> int:
    """Return a·bps/10⁴, halves up (Aave `percentMul`)."""
    product = a * bps + BPS // 2
    if product > UINT256_MAX:
        raise _too_large()
    return product // BPS


def percent_mul_down(a: int, bps: int) -> int:
    """Return ⌊a·bps/10⁴⌋ (Aave `percentMulFloor`)."""
    product = a * bps
    if product > UINT256_MAX:
        raise _too_large()
    return product // BPS


def percent_mul_up(a: int, bps: int) -> int:
    """Return ⌈a·bps/10⁴⌉ (Aave `percentMulCeil`)."""
    product = a * bps
    if product > UINT256_MAX:
        raise _too_large()
    return -(-product // BPS)


def percent_div_down(a: int, bps: int) -> int:
    """Return ⌊a·10⁴/bps⌋ (Aave `percentDivFloor`)."""
    product = a * BPS
    if product > UINT256_MAX:
        raise _too_large()
    return product // bps


def percent_div_up(a: int, bps: int) -> int:
    """Return ⌈a·10⁴/bps⌉ (Aave `percentDivCeil`)."""
    product = a * BPS
    if product > UINT256_MAX:
        raise _too_large()
    return -(-product // bps)


def split_pro_rata(amount: int, weights: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Split `amount` among claimants in proportion to their weights; the parts sum to `amount` exactly.

    Telescoping: with claims sorted by name and C the running sum, part_i = ⌊L·C_i/W⌋ − ⌊L·C_{i−1}/W⌋.
    Where `amount` ≤ W no part exceeds its weight. Each part is within one unit of its exact share, and the
    result depends on names and weights alone, not on the order in which they were given.

    Raises ValueError for a negative amount or weight, a repeated name, or a positive amount without weights.
    """
    ordered = sorted(weights)
    total = sum(weight for _, weight in ordered)
    if amount < 0 or any(weight < 0 for _, weight in ordered):
        raise ValueError("amounts and weights must not be negative")
    if len({name for name, _ in ordered}) != len(ordered):
        raise ValueError("a claimant is named twice")
    if total == 0:
        if amount:
            raise ValueError("nobody to split among: the weights sum to zero")
        return [(name, 0) for name, _ in ordered]
    parts: list[tuple[str, int]] = []
    running = before = 0
    for name, weight in ordered:
        running += weight
        upto = amount * running // total
        parts.append((name, upto - before))
        before = upto
    return parts


_NUMERAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,45})?")  # a stablecoin of a vault engine has 45 places


def parse_decimal(text: str, decimals: int) -> int:
    """Read a plain decimal numeral ('1.5') as an integer with `decimals` places, exactly.

    Raises ValueError where the text is no plain ASCII numeral or has more places than `decimals`:
    nothing is rounded, and '1e9', '1_000', ' 5 ' and 'nan' are refused.
    """
    if not _NUMERAL.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is not a plain decimal number")
    whole, _, fraction = text.partition(".")
    if len(fraction.rstrip("0")) > decimals:
        raise ValueError(f"{text!r} has more than {decimals} decimal places")
    digits = fraction[:decimals].ljust(decimals, "0")
    sign = -1 if whole.startswith("-") else 1
    return sign * int(whole.lstrip("-") + digits)


def format_decimal(value: int, decimals: int, places: int | None = None) -> str:
    """Write an integer with `decimals` places as a numeral with thousands separators, cut to `places`.

    Cut, not rounded: no figure is ever shown larger than it is. Without `places`, trailing zeros go.
    """
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), 10**decimals)
    digits = str(fraction).rjust(decimals, "0") if decimals else ""
    digits = digits.rstrip("0") if places is None else digits[:places].ljust(places, "0")
    return f"{sign}{whole:,}" + (f".{digits}" if digits else "")


def total(amounts: Iterable[int]) -> int:
    """Return the exact sum."""
    return sum(amounts)
