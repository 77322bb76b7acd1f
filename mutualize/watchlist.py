"""Who can be liquidated now? Answered by stops on the prices of pairs, not by visiting every position.

    pair       price = what a unit of debt in b counts / what a unit of collateral in a counts
    health     = Σ collateral / Σ debt falls at most by what the dearest pair of a position rose
    stop       price now · health now, left on each of its pairs: behind none of them, nothing can be wrong

    dirty ─┐                                        ┌─▶ clearly safe: leaves stops, sleeps until one is passed
    woken ─┼─▶ Σ amounts · weights, in integers  ───┼─▶ near: is looked at each time
    near  ─┘                                        └─▶ unsafe; within rounding, the pool itself decides

With one collateral and one debt a stop is exact. With several it errs on the safe side: who wakes and is
healthy leaves stops anew from there, so he wakes more often the nearer he comes to the line, and there is no
common reference that could grow old. Interest moves the prices, not the amounts: time is like any other move.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from operator import itemgetter, mul
from typing import Final

import attrs

from mutualize.book import View
from mutualize.events import Entry, Event, LossAbsorbed, ParameterChanged, PricePublished
from mutualize.stops import Key, Stops
from mutualize.stretch import Stretch
from mutualize.units import BPS, RAY, WAD, div_up, mul_div_down, mul_div_up
from mutualize.venues.lending import DEBTORS, HOLDERS, Counted, Lending

ONE: Final = 2**128
"""1 on the axis of prices and stops."""
ENDLESS: Final = 2**2048
"""The price of a pair whose collateral counts nothing: over any stop that can come of 256-bit numbers."""
SCALE: Final = 10**48
"""Further digits of a weight: one that is not 0 has 12 at least, be it 10⁻⁸ for a token with 36 decimals."""
DRIFT_MAX: Final = 16
"""By how much a price or an index may move before it is worked out anew what rounding can hide."""
DOUBT: Final = 2**30
"""Who is over the line by less than one part in this, or by less than rounding can hide, the pool judges."""
NEAR: Final = 2**9
"""Who has several pairs, and is over the line by less than one part in this, does not sleep."""

WAVES: Final = (PricePublished, ParameterChanged, LossAbsorbed)
"""What may move everybody at once."""


@attrs.frozen(eq=False)
class Kind:
    """Positions with the same flags: the same assets as collateral, the same as debt.

    Places count the assets of the pool twice: as collateral, then as debt.
    """

    flags: int
    places: tuple[int, ...]
    held: int
    """How many of the places, which come first, are collateral."""
    pairs: tuple[Key, ...]
    pick: Callable[[list[int]], tuple[int, ...]]
    """Takes the weights of its places out of the weights of all."""
    is_pair: bool
    """Whether that is one collateral and one debt: the rule, and worth a way of its own."""


Near = tuple[Kind, list[int], int]
"""Who is looked at each time: amounts, and the margin from which on he may sleep."""


@attrs.define
class Market:
    """What a scaled unit of each asset counts now, at the level that is asked for.

    `weights`: of collateral, rounded down, then of debt, negative and rounded up. The margin of a position is
    the sum of its amounts times these: negative where it is not safe. `prices`: of all pairs, rounded up;
    `floors`: rounded down, of those whose collateral counts anything, since what counts nothing cannot fall.
    `unpriced`: the places of what has no price; who has any of it cannot be liquidated.
    """

    weights: list[int]
    prices: dict[Key, int]
    floors: dict[Key, int]
    unpriced: set[int]


def _pairs(weights: list[int], count: int) -> tuple[dict[Key, int], dict[Key, int]]:
    """Return the prices of all pairs, and their floors."""
    prices, floors = {}, {}
    for held in range(count):
        counts = weights[held]
        for owed in range(count, 2 * count):
            pair = (held, owed)
            prices[pair] = price = mul_div_up(-weights[owed], ONE, counts) if counts else ENDLESS
            if counts:
                floors[pair] = max(0, price - 1)
    return prices, floors


class Watchlist:
    """An observer of entries that knows which accounts of a pool are below a health factor.

    `members` says whose positions are watched (all, if not given). Counts of what it did: `placed` (how often
    a position was read and weighed, to let it sleep if it can), `looks` (at who is near), `screened` (exact
    evaluations), `references` (how often a drift made it place everybody anew).
    """

    def __init__(self, lending: Lending, members: Callable[[str], bool] | None = None) -> None:
        self.lending = lending
        self.waves = 0
        """Grows whenever prices, parameters or a haircut moved everybody at once."""
        self.placed = 0
        self.looks = 0
        self.screened = 0
        self.references = 0
        self._members = members
        self._tables = dict.fromkeys(lending.tables)
        self._flags = lending.flags_table
        self._dirty: dict[str, None] = {}
        self._near: dict[str, Near] = {}
        self._stops = Stops()
        self._kinds: dict[int, Kind | None] = {}
        self._reference: dict[str, tuple[int, int, int]] = {}
        """Price and indexes of an asset when it was last worked out what rounding can hide."""
        self._hidden = [0] * (2 * len(lending.assets))
        """That, in scaled units: so much less is counted as collateral (negative), so much more as debt."""
        self._at_risk = 0 if lending.flags_table else -1
        """The flags of all who ever owed, together: what was collateral to any of them; all where unknown."""
        self._owes = sum(1 << 2 * place for place in range(len(lending.assets)))

    def observe(self, entry: Entry) -> None:
        """Note whose position an entry changed."""
        event = entry.event
        members, tables, flags = self._members, self._tables, self._flags
        for table, key, value in event.cells:
            if table in tables and (members is None or members(key)):
                self._dirty[key] = None
                if table == flags and value & self._owes:
                    self._at_risk |= value
        if type(event) in WAVES and self._moves_all(event):
            self.waves += 1

    def observe_stretch(self, stretch: Stretch) -> bool:
        """Note whose positions a stretch changed; its shapes say whether one of its kinds moves everybody."""
        members, dirty = self._members, self._dirty
        for table in self._tables:
            for key, value in stretch.tables.get(table, {}).items():
                if members is None or members(key):
                    dirty[key] = None
                    if table == self._flags and value & self._owes:
                        self._at_risk |= value
        moving = (event for kind in stretch.shapes for event in kind.sample if type(event) in WAVES)
        if any(map(self._moves_all, moving)):
            self.waves += 1
        return True

    def _moves_all(self, event: Event) -> bool:
        """Say whether an event moves everybody at once: a price, a parameter, a loss that an index bears.

        A haircut moves those whose collateral it cuts; a redistribution moves all who owe.
        """
        if not isinstance(event, LossAbsorbed):
            return True
        if event.asset not in self.lending.assets:
            return False
        moved = self.lending.moves_all(event)
        return moved == DEBTORS or (moved == HOLDERS and self.is_at_risk(event.asset))

    def is_at_risk(self, asset: str) -> bool:
        """Say whether anybody who ever owed had an asset as collateral."""
        return self.lending.bits.is_collateral(self._at_risk, asset)

    @property
    def moved(self) -> Container[str]:
        """Whose positions were changed since somebody asked last who is unsafe."""
        return self._dirty

    def candidates(self, view: View, at: int, level: int = WAD) -> list[str]:
        """Return who has collateral and health below `level` (WAD): most unsafe first, then by name."""
        return [name for _, name in self.ranked(view, at, level)]

    def ranked(self, view: View, at: int, level: int = WAD) -> list[tuple[int, str]]:
        """Return `candidates` with their health factors."""
        found = self.unsafe(view, at, level)
        factor = self.lending.factor(view, at)
        self.screened += len(found)
        return sorted((factor(name), name) for name in found)

    def unsafe(self, view: View, at: int, level: int = WAD) -> list[str]:
        """Return the accounts of `candidates` in no order of meaning, looking only at those in doubt."""
        return [name for names in self.unsafe_by_flags(view, at, level).values() for name in names]

    def unsafe_by_flags(self, view: View, at: int, level: int = WAD) -> dict[int, list[str]]:
        """Return the same, by what they hold and owe: by their flags in the pool."""
        assert level * BPS >= 2 * DOUBT, "a level of next to nothing is not told from rounding"
        market = self._market(view, at, level)
        moved, self._dirty = self._dirty, {}
        self._stops.withdraw_all(moved)
        if self._near:
            for name in moved:
                self._near.pop(name, None)
        self._place(view, market, [*moved, *self._stops.passed(market.prices)])
        return self._judge(view, at, level, market, self._look(market))

    # --- the market --------------------------------------------------------------------------------------

    def _market(self, view: View, at: int, level: int) -> Market:
        """Return the weights of all assets that have a reserve and a price, and the prices of their pairs."""
        count, whole = len(self.lending.assets), self.lending.whole
        weights, drifted, unpriced = [0] * (2 * count), False, set()
        for place, asset in enumerate(self.lending.assets):
            now = self.lending.counted(view, asset, at)
            if now is None:
                unpriced |= {place, count + place}
                continue
            weights[place] = WAD * mul_div_down(now.income * now.price * now.threshold, SCALE, now.unit)
            weights[count + place] = -level * mul_div_up(now.debt * now.price * whole, SCALE, now.unit)
            drifted |= self._drifts(place, asset, now)
        if drifted:
            for name in self.lending.flags(view):
                if self._members is None or self._members(name):
                    self._dirty[name] = None
        return Market(weights, *_pairs(weights, count), unpriced)

    def _drifts(self, place: int, asset: str, now: Counted) -> bool:
        """Say whether an asset is new or has moved so far that everybody has to be placed anew.

        A balance is rounded to a base unit and a value to a unit of money, which hides less than
        RAY / index + RAY · unit / (index · price) scaled units: more, the lower they are.
        """
        then, moving = self._reference.get(asset), (now.price, now.income, now.debt)
        if then is not None:
            for before, is_now in zip(then, moving, strict=True):
                if is_now and not before <= is_now * DRIFT_MAX <= before * DRIFT_MAX**2:
                    break
            else:
                return False
            self.references += 1
        self._reference[asset] = moving
        price, income, owed = moving
        for index, column, sign in ((income, place, -1), (owed, place + len(self.lending.assets), 1)):
            if index and price:
                lowest = div_up(DRIFT_MAX * RAY, index)
                lowest += div_up(DRIFT_MAX**2 * RAY * now.unit, index * price)
                self._hidden[column] = sign * lowest
        return True

    # --- who may sleep -----------------------------------------------------------------------------------

    def _kind(self, flags: int) -> Kind | None:
        """Return what flags mean. None without collateral or without debt, or without a price of each."""
        assets, bits = self.lending.assets, self.lending.bits
        held = [place for place, asset in enumerate(assets) if bits.is_collateral(flags, asset)]
        owed = [len(assets) + place for place, asset in enumerate(assets) if bits.is_owed(flags, asset)]
        if not held or not owed:
            self._kinds[flags] = None
            return None
        if any(asset not in self._reference for asset, _, _ in bits.used(flags)):
            return None
        pairs = tuple((a, b) for a in held for b in owed)
        self._kinds[flags] = Kind(
            flags, (*held, *owed), len(held), pairs, itemgetter(*held, *owed), len(pairs) == 1
        )
        return self._kinds[flags]

    def _place(self, view: View, market: Market, names: list[str]) -> None:
        """Read positions, and let them sleep where they can."""
        by_flags: dict[int, list[str]] = {}
        flags_of, columns = self.lending.flags(view), self._columns(view)
        for name in names:
            flags = flags_of.get(name, 0)
            if flags in by_flags:
                by_flags[flags].append(name)
            else:
                by_flags[flags] = [name]
        for flags, alike in by_flags.items():
            kind = self._kinds[flags] if flags in self._kinds else self._kind(flags)
            if kind is None:
                continue
            reads, hidden = [columns(place) for place in kind.places], kind.pick(self._hidden)
            self.placed += len(alike)
            if kind.is_pair:
                self._place_pairs(market, kind, alike, reads)
                continue
            for name in alike:
                amounts = [read.get(name, 0) + less for read, less in zip(reads, hidden, strict=True)]
                self._stand(market, name, kind, [max(0, amount) for amount in amounts])

    def _columns(self, view: View) -> Callable[[int], Mapping[str, int]]:
        """Return the function that finds the units of a place: first all collateral, then all debt."""
        assets = self.lending.assets
        held, owed, count = self.lending.held, self.lending.owed, len(assets)
        return lambda place: held(view, assets[place]) if place < count else owed(view, assets[place - count])

    def _place_pairs(
        self, market: Market, kind: Kind, names: list[str], reads: list[Mapping[str, int]]
    ) -> None:
        """Do what `_stand` does, for many who have one collateral and one debt, and the same."""
        (pair,), near, stops = kind.pairs, self._near, []
        (held, owed), (counts, weighs) = kind.pick(self._hidden), kind.pick(market.weights)
        floor, claims, debts = market.floors.get(pair, 0), map(reads[0].get, names), map(reads[1].get, names)
        for name, claim, due in zip(names, claims, debts, strict=True):
            units, debt = (claim or 0) + held, (due or 0) + owed
            if units < 0:  # noqa: PLR1730 - `max` takes as long as all the rest
                units = 0
            weighted, counted = units * counts, -debt * weighs
            if weighted <= counted:
                near[name] = kind, [units, debt], 0
            else:  # without a floor the collateral counts nothing, and nobody comes here
                stops.append((mul_div_down(floor, weighted, counted or 1), name))
        self._stops.leave_all(pair, stops)

    def _stand(self, market: Market, name: str, kind: Kind, amounts: list[int]) -> None:
        """Leave stops for a position that is clearly safe, else note it as near."""
        weighs = kind.pick(market.weights)
        margin = sum(map(mul, amounts, weighs))
        enough = 0
        if margin > 0:
            weighted = sum(map(mul, amounts[: kind.held], weighs))
            owed = weighted - margin
            # one pair: its stop is exact; several: close by, to look each time is less than to sleep and wake
            enough = mul_div_up(owed, 1, NEAR) if len(kind.pairs) > 1 else 0
            if margin > enough:
                owed, floors = owed or 1, market.floors
                self._stops.leave(
                    name,
                    [
                        (pair, mul_div_down(floors[pair], weighted, owed))
                        for pair in kind.pairs
                        if pair in floors
                    ],
                )
                return
        self._near[name] = kind, amounts, enough

    # --- looking -----------------------------------------------------------------------------------------

    def _look(self, market: Market) -> list[str]:
        """Return who of those near is not clearly safe. Who has got away from there may sleep."""
        near, weights = self._near, market.weights
        weighs: dict[int, tuple[int, ...]] = {}
        over, away = [], []
        self.looks += len(near)
        for name, (kind, amounts, enough) in near.items():
            ready = weighs.get(kind.flags)
            if ready is None:
                ready = weighs[kind.flags] = kind.pick(weights)
            if kind.is_pair:
                margin = amounts[0] * ready[0] + amounts[1] * ready[1]
            else:
                margin = sum(map(mul, amounts, ready))
            if margin < 0:
                over.append(name)
            elif margin > enough:
                away.append(name)
        self.placed += len(away)
        for name in away:
            kind, amounts, _ = near.pop(name)
            self._stand(market, name, kind, amounts)
        return over

    def _judge(
        self, view: View, at: int, level: int, market: Market, names: list[str]
    ) -> dict[int, list[str]]:
        """Return, by flags, who is below `level`. What rounding may hide, the pool's own integers decide."""
        factor: Callable[[str], int] | None = None
        found: dict[int, list[str]] = {}
        hidden: dict[int, tuple[tuple[int, ...], int]] = {}
        for name in names:
            kind, amounts, _ = self._near[name]
            if not market.unpriced.isdisjoint(kind.places):
                continue
            ready = hidden.get(kind.flags)
            if ready is None:
                ready = hidden[kind.flags] = self._hides(market, kind)
            weighs, least = ready
            if kind.is_pair:
                owed = -amounts[1] * weighs[1]
                margin = amounts[0] * weighs[0] - owed
            else:
                margin = sum(map(mul, amounts, weighs))
                owed = -sum(map(mul, amounts[kind.held :], weighs[kind.held :]))
            if margin + least + mul_div_up(owed, 1, DOUBT) >= 0:
                factor = factor or self.lending.factor(view, at)
                self.screened += 1
                if factor(name) >= level:
                    continue
            found.setdefault(kind.flags, []).append(name)
        return {flags: found[flags] for flags in sorted(found)}

    def _hides(self, market: Market, kind: Kind) -> tuple[tuple[int, ...], int]:
        """Return the weights of a kind, and what rounding can hide of a margin.

        Who is over the line by more than that, and by one part in `DOUBT` of what he owes, is so for sure.
        """
        weighs = kind.pick(market.weights)
        return weighs, -sum(map(mul, kind.pick(self._hidden), weighs))
