"""Targets: what liquidators see of a pool, ranked by what there is to earn. Shared by all who look there.

price, parameter, haircut ─▶ wave ─▶ the watchlist is asked once, every unsafe position is ranked once
liquidation ─▶ that position alone is ranked again, when it comes up

ceiling = (bonus − 1) · min(reach · debt, collateral / bonus)     in money, before fees, gas and slippage
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Container, Mapping
from typing import Final, NamedTuple

from mutualize.randomness import Stream
from mutualize.units import RAY, WAD, mul_div_down
from mutualize.venues.lending import Counted, Lending
from mutualize.venues.sweep import Sweep
from mutualize.watchlist import Watchlist
from mutualize.world import World


class Pair(NamedTuple):
    """What is seized, and what is repaid."""

    collateral: str
    debt: str


class Target(NamedTuple):
    """An unsafe position under one pair, with the most that could be earned on it (8-decimals money)."""

    ceiling: int
    account: str
    held: int = 0
    """What he holds and owes there, in scaled units."""
    owed: int = 0
    is_all: bool = False
    """Whether that is all that he holds as collateral, and all that he owes."""


Skip = Mapping[tuple[Pair, str], None]
"""Targets that somebody has given up on, until the next wave."""


class Scale(NamedTuple):
    """How a pair's units are weighed: ceiling = min(held · collateral, owed · debt) · bonus / unit."""

    collateral: int
    debt: int
    bonus: int
    unit: int

    def ceiling(self, held: int, owed: int) -> int:
        """Return the most that could be earned on so many units, in 8-decimals money, rounded down."""
        return mul_div_down(min(held * self.collateral, owed * self.debt), self.bonus, self.unit)


class Targets:
    """The ranking of all unsafe positions of a pool, by pair."""

    def __init__(self, lending: Lending, watchlist: Watchlist) -> None:
        self.lending = lending
        self.wave = -1
        self.asking: list[Callable[[Pair, int], int]] = []
        """What those who look here ask for: the least ceiling that can pay them, by pair and time."""
        self._watchlist = watchlist
        self._ranked: dict[Pair, list[Target]] = {}

    @property
    def is_outdated(self) -> bool:
        """Whether everybody was moved since the ranking was made."""
        return self.wave != self._watchlist.waves

    def would_move(self, asset: str) -> bool:
        """Say whether a haircut on the claims of an asset moves anybody who owes against them."""
        return self._watchlist.is_at_risk(asset)

    @property
    def moved(self) -> Container[str]:
        """Whose positions were changed since the ranking was made."""
        return self._watchlist.moved

    def ranked(self, pair: Pair) -> list[Target]:
        """Return the ranking of a pair, the best target last: as it is kept."""
        return self._ranked[pair]

    def look(self, world: World) -> list[Pair]:
        """Bring the ranking up to the last wave; return the pairs that have targets, in order of reserves."""
        if self.is_outdated:
            self.wave = self._watchlist.waves
            self._rank(world)
        return [pair for pair, ranked in self._ranked.items() if ranked]

    def pick(
        self,
        world: World,
        pair: Pair,
        skip: Skip,
        stream: Stream | None = None,
        ahead: Sweep | None = None,
    ) -> Target | None:
        """Return the target with the highest ceiling, or (with a stream) any with at least half of that.

        Liquidators who do not see each other's transactions would else all go for the same one. What was
        liquidated since is ranked again before it is returned, or dropped; `ahead` knows of what the book
        does not hold yet.
        """
        ranked = self._ranked[pair]
        while (place := _choose(ranked, pair, skip, stream)) is not None:
            target = ranked[place]
            if ahead is not None and ahead.has_changed(target.account):
                standing = ahead.standing(target.account)
            elif target.account in self.moved:
                standing = self._standing(world, pair, target.account)
            else:
                return target
            if standing is None:
                del ranked[place]
                continue
            scale = self._scale(world, pair)
            now = Target(scale.ceiling(standing[0], standing[1]), target.account, *standing)
            if now.ceiling * 100 >= target.ceiling * 99:
                return now
            del ranked[place]
            insort(ranked, now)
        return None

    def _standing(self, world: World, pair: Pair, account: str) -> tuple[int, int, bool] | None:
        """Return what somebody holds and owes, and whether it is all; None where he is not unsafe there."""
        book, lending = world.book, self.lending
        flags = lending.flags(book).get(account, 0)
        if not self._is_pair(flags, pair) or lending.factor(book, world.now)(account) >= WAD:
            return None
        held, owed = lending.held(book, pair.collateral), lending.owed(book, pair.debt)
        return held.get(account, 0), owed.get(account, 0), flags == lending.bits.pair(*pair)

    def forget(self, world: World, pair: Pair, account: str) -> None:
        """Drop a target that was just liquidated, if nothing is left of it."""
        if not self._is_pair(self.lending.flags(world.book).get(account, 0), pair):
            self.drop(pair, account)

    def drop(self, pair: Pair, account: str) -> None:
        """Drop a target of which nothing is left, if it is the first."""
        ranked = self._ranked[pair]
        if ranked and ranked[-1].account == account:
            ranked.pop()

    def _is_pair(self, flags: int, pair: Pair) -> bool:
        """Say whether who has these flags can be liquidated under this pair (still)."""
        both = self.lending.bits.pair(*pair)
        return flags & both == both

    def _rank(self, world: World) -> None:
        """Rank what is unsafe and may pay somebody."""
        assets, lending, book = self.lending.assets, self.lending, world.book
        self._ranked = {Pair(held, owed): [] for held in assets for owed in assets}
        unsafe = self._watchlist.unsafe_by_flags(book, world.now)
        for flags, accounts in unsafe.items():
            for pair, least in self._least(world, flags) if accounts else ():
                supply, debts = lending.held(book, pair.collateral).get, lending.owed(book, pair.debt).get
                ceiling, is_all = self._scale(world, pair).ceiling, flags == lending.bits.pair(*pair)
                self._ranked[pair] += [
                    _new(Target, (ceiling(held, owed), account, held, owed, is_all))
                    for account in accounts
                    if (owed := debts(account, 0)) >= least
                    for held in (supply(account, 0),)
                ]
        for ranked in self._ranked.values():
            ranked.sort()

    def _least(self, world: World, flags: int) -> list[tuple[Pair, int]]:
        """Return the pairs of positions with these flags, and the least debt units that may pay in each."""
        used, whole = self.lending.bits.used(flags), self.lending.whole
        found = []
        for held in (asset for asset, holds, _ in used if holds):
            for owed in (asset for asset, _, owes in used if owes):
                pair = Pair(held, owed)
                asked = min((ask(pair, world.now) for ask in self.asking), default=0)
                collateral, debt = self._counted(world, held), self._counted(world, owed)
                earned = (collateral.bonus - whole) * debt.price * debt.debt * collateral.reach
                least = mul_div_down(asked * whole * debt.unit, RAY, earned) if earned else 0
                found.append((pair, max(1, least)))
        return found

    def _counted(self, world: World, asset: str) -> Counted:
        counted = self.lending.counted(world.book, asset, world.now)
        assert counted is not None, "nobody is unsafe in what has no price"
        return counted

    def _scale(self, world: World, pair: Pair) -> Scale:
        """Return how a pair's units are weighed now."""
        collateral, debt = self._counted(world, pair.collateral), self._counted(world, pair.debt)
        whole = self.lending.whole
        return Scale(
            collateral.income * collateral.price * debt.unit * whole,
            debt.debt * debt.price * collateral.unit * collateral.bonus * collateral.reach,
            collateral.bonus - whole,
            RAY * collateral.unit * debt.unit * collateral.bonus * whole,
        )


_new: Final = tuple.__new__
"""What a named tuple's own constructor calls; at half of its cost."""

TRIES: Final = 16
"""How often a place is drawn before the free ones are counted."""


def _choose(ranked: list[Target], pair: Pair, skip: Skip, stream: Stream | None) -> int | None:
    """Return the place of the target to look at next, or None."""
    if stream is None:
        if not skip:
            return len(ranked) - 1 if ranked else None
        places = range(len(ranked) - 1, -1, -1)
        return next((place for place in places if (pair, ranked[place].account) not in skip), None)
    if not ranked:
        return None
    first = bisect_left(ranked, Target(mul_div_down(ranked[-1].ceiling, 1, 2), ""))
    for _ in range(TRIES):
        place = first + stream.below(len(ranked) - first)
        if (pair, ranked[place].account) not in skip:
            return place
    free = [place for place in range(first, len(ranked)) if (pair, ranked[place].account) not in skip]
    return stream.choice(free) if free else _choose(ranked, pair, skip, None)
