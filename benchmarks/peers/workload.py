"""The crash that the peers and mutualize go through: the same borrowers and prices, as plain integers.

    positions(n, seed) ─▶ [(name, collateral in wei, debt in base units of USDC)]
    prices(steps)      ─▶ [(second since the start, price of an ETH with 8 decimals; None: none is told)]

The rule: who must be liquidated at which step is decided by integers that a 64-bit float holds exactly, so
that all who take part have to agree on it to the last borrower (`digest`).

Every number, all of them assumed:
- collateral is ETH (18 decimals), debt is USDC (6 decimals, always worth 1 = 10⁸); 8 decimals of money
- the price begins at 2,000 (`PRICE_FIRST`, told at second 0, before the first step) and ends at 900, after 72
  hours; `prices(72)` is one a hour, silent in the hours 30 and 54, after which it has fallen by 18 % since it
  spoke last; `prices(4320)` is the same market by the minute, which never falls silent
- liquidation threshold 85 %, loan to value 80 %, bonus 5 % (10,500), close factor 100 %, no fee, no interest
- collateral 1 to 100 ETH (few large, many small: a density of x⁻²) in steps of 10⁻⁴ ETH; health 1.05 to 3,
  uniform; the debt follows from both at the first price
- a position is unsafe where collateral · price · 85 % < debt, exactly; it is closed at once, at the price of
  that step, by who sells what he seized with 2 % slippage
- what its collateral does not pay is a shortfall: insurance (0.2 % of all debt at the start), then stakers
  (0.3 %), then a haircut of the depositors (who deposited 1.25 of all debt)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

SEED: Final = 1
PRICE_FIRST: Final = 2_000 * 10**8
"""Price of an ETH at second 0, 8 decimals."""
PRICE_LAST: Final = 900 * 10**8
THRESHOLD_BPS: Final = 8_500
LTV_BPS: Final = 8_000
BONUS_BPS: Final = 10_500
SLIPPAGE_BPS: Final = 200
INSURANCE_BPS: Final = 20
STAKERS_BPS: Final = 30
DEPOSITS_BPS: Final = 12_500
BPS: Final = 10**4
HOUR_S: Final = 3_600
MINUTE_S: Final = 60
HOURS: Final = 72
MINUTES: Final = 60 * HOURS
GAP_HOURS: Final = (30, 54)
ANCHORS: Final = ((0, 2_000), (29, 1_720), (31, 1_410), (53, 1_250), (55, 1_025), (72, 900))
"""(hour, price in whole money): straight lines between them, and noise of at most 0.2 % upon them."""
NOISE_MAX: Final = 200
"""In parts of 10⁵."""

COLLATERAL_GRAIN: Final = 10**14
"""Wei: all collateral is a multiple of it, 10⁻⁴ ETH."""
PRICE_GRAIN: Final = 10**4
"""All prices (8 decimals) are multiples of it."""
COLLATERAL_MIN: Final = 10**4
COLLATERAL_MAX: Final = 10**6
"""In grains: 1 and 100 ETH."""
HEALTH_MIN: Final = 1_050_000
HEALTH_MAX: Final = 3_000_000
"""In parts of 10⁶."""

WEIGHT: Final = 17
SCALE: Final = 2_000
"""Unsafe is WEIGHT · collateral · price < SCALE · debt (collateral and price in grains, debt in units)."""

MASK: Final = 2**64 - 1


class Words:
    """A splitmix64 generator (Steele, Lea and Flood, OOPSLA 2014), begun from SHA-256 of "<seed>/<name>"."""

    def __init__(self, seed: int, name: str) -> None:
        self.state = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big")

    def word(self) -> int:
        """Return the next 64 bits."""
        self.state = word = (self.state + 0x9E3779B97F4A7C15) & MASK
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
        return word ^ (word >> 31)

    def below(self, n: int) -> int:
        """Return an integer of 0 … n − 1; `n` is far below 2³², so that the bias is of no account."""
        return (self.word() >> 32) * n >> 32


class Borrower(NamedTuple):
    """A position as the peers hold it: collateral in grains (10⁻⁴ ETH), debt in base units of USDC."""

    name: str
    collateral: int
    debt: int


class Funds(NamedTuple):
    """What stands behind the debt, in base units of USDC."""

    insurance: int
    stakers: int
    deposits: int


class Settled(NamedTuple):
    """What closing a position brings, in base units of USDC: paid + shortfall is the debt."""

    paid: int
    shortfall: int
    profit: int


# --- the borrowers ---------------------------------------------------------------------------------------


def borrowers(n: int, seed: int = SEED) -> list[Borrower]:
    """Return `n` borrowers. The first k of them are the same, however many there are."""
    words = Words(seed, "crash/borrowers")
    top = COLLATERAL_MAX + 1
    made = []
    for number in range(n):
        word = words.word()
        collateral = ((COLLATERAL_MIN * top) << 32) // ((top << 32) - (word >> 32) * (top - COLLATERAL_MIN))
        health = HEALTH_MIN + ((word & 0xFFFFFFFF) * (HEALTH_MAX - HEALTH_MIN + 1) >> 32)
        debt = WEIGHT * collateral * (PRICE_FIRST // PRICE_GRAIN) * 10**6 // (SCALE * health)
        made.append(Borrower(f"b{number:07}", collateral, debt))
    return made


def positions(n: int, seed: int = SEED) -> list[tuple[str, int, int]]:
    """Return the same borrowers as (name, collateral in wei, debt in base units of USDC)."""
    return [(name, collateral * COLLATERAL_GRAIN, debt) for name, collateral, debt in borrowers(n, seed)]


def funds(debt: int) -> Funds:
    """Return what stands behind so much debt in all."""
    return Funds(debt * INSURANCE_BPS // BPS, debt * STAKERS_BPS // BPS, debt * DEPOSITS_BPS // BPS)


# --- the prices ------------------------------------------------------------------------------------------


@cache
def _market() -> list[int]:
    """Return the price of every minute, the first and the last included, in grains."""
    words = Words(SEED, "crash/prices")
    market = []
    for (begin, high), (end, low) in pairwise(ANCHORS):
        span = 60 * (end - begin)
        for minute in range(span):
            base = (high * (span - minute) + low * minute) * (10**8 // PRICE_GRAIN) // span
            noise = words.below(2 * NOISE_MAX + 1) - NOISE_MAX
            market.append(base * (10**5 + noise) // 10**5)
    first, last = PRICE_FIRST // PRICE_GRAIN, PRICE_LAST // PRICE_GRAIN
    return [first, *(max(last, price) for price in market[1:]), last]


def market_price(minute: int) -> int:
    """Return the price of an ETH, 8 decimals, so many minutes after the start (0 … 4,320)."""
    return _market()[minute] * PRICE_GRAIN


def prices(steps: int) -> list[tuple[int, int | None]]:
    """Return (second since the start, price with 8 decimals or None) of each step after the first price.

    `steps` divides the 4,320 minutes: 72 is one price a hour, of which two are missing, 4,320 one a minute.
    Raises ValueError for another number.
    """
    if steps < 1 or MINUTES % steps:
        raise ValueError(f"{steps} steps: take a number that divides {MINUTES}")
    apart = MINUTES // steps
    silent = GAP_HOURS if steps == HOURS else ()
    return [
        (step * apart * MINUTE_S, None if step in silent else market_price(step * apart))
        for step in range(1, steps + 1)
    ]


def told(steps: int) -> list[int]:
    """Return the price in grains that is known at each step: the last one told, while the feed is silent."""
    known, last = [], PRICE_FIRST
    for _, price in prices(steps):
        last = last if price is None else price
        known.append(last // PRICE_GRAIN)
    return known


# --- what must come out ----------------------------------------------------------------------------------


def settle(collateral: int, debt: int, price: int) -> Settled:
    """Close a position at a price (both in grains), with Aave's roundings: what is paid rounds up."""
    worth = collateral * price // 100
    paid = min(debt, -(-worth * BPS // BONUS_BPS))
    seized = min(worth, paid * BONUS_BPS // BPS)
    return Settled(paid, debt - paid, seized * (BPS - SLIPPAGE_BPS) // BPS - paid)


class Absorbed(NamedTuple):
    """Who bears a shortfall, in base units of USDC."""

    insurance: int
    stakers: int
    haircut: int


def absorb(shortfall: int, insurance: int, stakers: int) -> Absorbed:
    """Return who bears it where so much is left of both funds: insurance, then stakers, then a haircut."""
    first = min(shortfall, insurance)
    second = min(shortfall - first, stakers)
    return Absorbed(first, second, shortfall - first - second)


def digest(found: Iterable[tuple[int, str]]) -> str:
    """Return SHA-256 of who was liquidated: a line "<step> <name>" each, sorted; steps count from 1."""
    lines = "".join(f"{step} {name}\n" for step, name in sorted(found))
    return hashlib.sha256(lines.encode()).hexdigest()


def expected(crowd: Sequence[Borrower], steps: int) -> list[tuple[int, str]]:
    """Return (step, name) of everybody who must be liquidated: the plain loop, as an oracle for tests."""
    left = list(crowd)
    found = []
    for step, price in enumerate(told(steps), 1):
        safe = []
        for borrower in left:
            if WEIGHT * borrower.collateral * price < SCALE * borrower.debt:
                found.append((step, borrower.name))
            else:
                safe.append(borrower)
        left = safe
    return found
