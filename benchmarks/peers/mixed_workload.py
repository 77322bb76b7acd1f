"""Accounts with several collaterals and several debts in five assets, and five prices that fall together.

The rule: every amount is a multiple of 10⁻⁴ tokens and every price of 10⁻⁴ of money, and nobody holds more
than 500,000 of money. So value · threshold is an integer below 2⁵³, and who computes in 64-bit floats decides
exactly as the pool in its integers does.

Every number, all of them assumed:
- ETH, BTC, LINK and AVAX begin at 2,000, 40,000, 15 and 30 and fall by about 55 % in 72 hours, each along the
  market of `workload.py`, and around it on a mean-reverting walk of its own; USDC stays within 0.1 % of 1
- liquidation thresholds 82, 78, 70, 65 and 80 %; no interest, no fee
- 1, 2 or 3 collaterals (50, 35, 15 %), any assets, worth 1,000 to 500,000 in all (density x⁻²) and split at
  random; 1 or 2 debts (70, 30 %), any assets, but USDC is among them in 3 of 4 cases; health 1.05 to 3
- an account is unsafe where Σ collateral · price · threshold < Σ debt · price, exactly; in the step in which
  that is first so it is closed, which here means that all its debts are repaid: the question is who is found
"""

from __future__ import annotations

from typing import Final, NamedTuple

from peers.workload import MINUTE_S, MINUTES, PRICE_FIRST, SEED, Words, market_price


class Asset(NamedTuple):
    """An asset: what a grain (10⁻⁴ tokens) is in base units; its first price in grains; its threshold."""

    name: str
    decimals: int
    first: int
    threshold_percent: int

    @property
    def grain(self) -> int:
        """10⁻⁴ tokens in base units."""
        return int(10 ** (self.decimals - 4))


ASSETS: Final = (
    Asset("ETH", 18, 2_000 * 10**4, 82),
    Asset("BTC", 8, 40_000 * 10**4, 78),
    Asset("LINK", 18, 15 * 10**4, 70),
    Asset("AVAX", 18, 30 * 10**4, 65),
    Asset("USDC", 6, 10**4, 80),
)
STABLE: Final = 4
"""Which of them does not fall."""
WORTH_MIN: Final = 1_000 * 10**8
WORTH_MAX: Final = 500_000 * 10**8
"""Value of all collateral of an account, in 10⁻⁸ of money."""
HEALTH_MIN: Final = 1_050_000
HEALTH_MAX: Final = 3_000_000
"""In parts of 10⁶."""
COLLATERALS: Final = (1,) * 10 + (2,) * 7 + (3,) * 3
DEBTS: Final = (1,) * 7 + (2,) * 3
ONE: Final = 10**6
STEP_MAX: Final = 2_000
"""Of the walks, in parts of 10⁶ a minute; they are pulled back by 1/720 of where they are."""


class Account(NamedTuple):
    """What an account holds as collateral and owes, by index of the asset, in grains."""

    name: str
    collaterals: tuple[tuple[int, int], ...]
    debts: tuple[tuple[int, int], ...]


def _some(words: Words, count: int, first: int | None = None) -> list[int]:
    """Return so many different assets, `first` among them if it is given."""
    left = list(range(len(ASSETS)))
    chosen = [] if first is None else [left.pop(first)]
    while len(chosen) < count:
        chosen.append(left.pop(words.below(len(left))))
    return sorted(chosen)


def _split(words: Words, worth: int, among: list[int]) -> tuple[tuple[int, int], ...]:
    """Split a value at random; return (asset, grains of it), at least one grain each."""
    weights = [1 + words.below(1_000) for _ in among]
    whole = sum(weights)
    return tuple(
        (index, max(1, worth * weight // (whole * ASSETS[index].first)))
        for index, weight in zip(among, weights, strict=True)
    )


def accounts(n: int, seed: int = SEED) -> list[Account]:
    """Return `n` accounts. The first k of them are the same, however many there are."""
    words = Words(seed, "mixed/accounts")
    made = []
    span = WORTH_MAX + 1 - WORTH_MIN
    for number in range(n):
        worth = (WORTH_MIN * (WORTH_MAX + 1) << 32) // ((WORTH_MAX + 1 << 32) - (words.word() >> 32) * span)
        held = _split(words, worth, _some(words, COLLATERALS[words.below(len(COLLATERALS))]))
        health = HEALTH_MIN + words.below(HEALTH_MAX - HEALTH_MIN + 1)
        weighted = sum(grains * ASSETS[i].first * ASSETS[i].threshold_percent for i, grains in held)
        owing = _some(words, DEBTS[words.below(len(DEBTS))], STABLE if words.below(4) else None)
        owed = _split(words, weighted * ONE // (100 * health), owing)
        made.append(Account(f"a{number:07}", held, owed))
    return made


def mixed_prices(steps: int) -> list[tuple[int, tuple[int, ...]]]:
    """Return (second since the start, price of each asset in grains) of each step after the first prices.

    `steps` divides the 4,320 minutes. Raises ValueError for another number.
    """
    if steps < 1 or MINUTES % steps:
        raise ValueError(f"{steps} steps: take a number that divides {MINUTES}")
    words = Words(SEED, "mixed/prices")
    places = [0] * len(ASSETS)
    told = []
    for minute in range(1, MINUTES + 1):
        for index, place in enumerate(places):
            step = words.below(2 * STEP_MAX + 1) - STEP_MAX
            places[index] = 0 if index == STABLE else place + step - (place // 720)
        if minute % (MINUTES // steps) == 0:
            stable = ASSETS[STABLE].first + words.below(21) - 10
            common = market_price(minute)
            told.append(
                (
                    minute * MINUTE_S,
                    tuple(
                        stable
                        if index == STABLE
                        else asset.first * common * (ONE + places[index]) // (PRICE_FIRST * ONE)
                        for index, asset in enumerate(ASSETS)
                    ),
                )
            )
    return told


def is_unsafe(account: Account, prices: tuple[int, ...]) -> bool:
    """Say whether the collateral no longer carries the debt."""
    weighted = sum(grains * prices[i] * ASSETS[i].threshold_percent for i, grains in account.collaterals)
    return weighted < 100 * sum(grains * prices[i] for i, grains in account.debts)
