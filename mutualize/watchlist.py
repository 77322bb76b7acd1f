"""Who can be liquidated now? Answered by an index, not by visiting every position.

    position   a fixed line:   line = debt value / weighted collateral value, both at reference prices
    market     one number:     bar  = (worst fall of a collateral) / (worst rise of a debt) since then
    unsafe  ⇒  line ≥ bar      a price that moves touches only the lines that it crosses

With one collateral and one debt the two sides are the same number, whatever the reference: whoever is
clearly over the bar is unsafe, and only who is within rounding of it is looked at. With several assets the
bar errs on the safe side, and a new reference is taken once that has cost as much as looking at everybody
would have. What the bar leaves open is settled by the pool's own exact integers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Final

import attrs

from mutualize.book import View
from mutualize.events import Entry, Event, LossAbsorbed, ParameterChanged, PricePublished
from mutualize.tables import ORACLE, debt_table, reserve_table, supply_table
from mutualize.units import BPS, RAY, WAD, div_up, mul_div_down, mul_div_up
from mutualize.venues.pool import Pool
from mutualize.venues.work import Work

ONE: Final = 2**64
"""1 on the axis of lines and bars."""
SCALE: Final = 10**18
"""Further digits of a weight, so that a price of 10⁻⁸ for a token with 36 decimals still has some."""
LINE_MAX: Final = 2**250
"""The line of a position whose collateral weighs nothing."""
DRIFT_MAX: Final = 64
"""By how much a price or index may fall before the group takes a new reference."""
SLACK: Final = 2**40
"""Bars are lowered by one part in this, for the rounding of bars and factors themselves."""
CLEAR: Final = 2**10
"""A line is clearly over a bar if it is so by one part in this. What rounding moves by more than an eighth of
that is dust, and is always looked at."""


WAVES: Final = (PricePublished, ParameterChanged, LossAbsorbed)
"""What may move everybody at once."""


@attrs.frozen
class Weight:
    """What a scaled unit of an asset counts, as collateral and as debt, and how far rounding can err.

    A balance is rounded to a base unit, a value to a unit of money; as prices and indexes fall these weigh
    more, up to `DRIFT_MAX` times more until a new reference is due.
    """

    collateral: int
    collateral_error: int
    debt: int
    debt_error: int
    value: int
    index: int


@attrs.define
class Ranking:
    """Lines in order, and whose each is."""

    lines: list[int]
    names: list[str]

    @classmethod
    def of(cls, drawn: list[tuple[int, str]]) -> Ranking:
        """Rank (line, name) pairs."""
        ranked = sorted(drawn)
        return cls([line for line, _ in ranked], [name for _, name in ranked])

    def pairs(self) -> list[tuple[int, str]]:
        """Return (line, name) of all, in order."""
        return list(zip(self.lines, self.names, strict=True))


@attrs.define
class Group:
    """Positions with the same flags: the same assets as collateral, the same as debt.

    Each ranking was at least twice as long as the next when that came, so there are few, and a line is ranked
    again only when its ranking doubles: to insert it into one long list would cost in proportion to all.
    """

    collaterals: tuple[str, ...]
    debts: tuple[str, ...]
    reference: dict[str, Weight]
    rankings: list[Ranking] = attrs.field(factory=list)
    dusty: dict[str, None] = attrs.field(factory=dict)
    """Positions so small that rounding matters."""
    settled: int = 0
    """How many lines there were when all were drawn anew; what came since may have left old ones behind."""
    wasted: int = 0
    """How many exact evaluations found nothing since then."""

    @property
    def is_simple(self) -> bool:
        """Say whether the bar of this group is exact: one collateral, one debt."""
        return len(self.collaterals) == 1 and len(self.debts) == 1

    def __len__(self) -> int:
        """Return how many lines there are, old ones that were left behind included."""
        return sum([len(ranking.lines) for ranking in self.rankings])

    def rank(self, drawn: list[tuple[int, str]]) -> None:
        """Take all lines anew."""
        self.rankings, self.settled = [Ranking.of(drawn)], len(drawn)

    def add(self, drawn: list[tuple[int, str]]) -> None:
        """Take further lines in."""
        if not len(self):
            self.rank(drawn)
            return
        while self.rankings and len(self.rankings[-1].lines) < 2 * len(drawn):
            drawn = [*self.rankings.pop().pairs(), *drawn]
        self.rankings.append(Ranking.of(drawn))


class Watchlist:
    """An observer of entries that knows which accounts of a pool are below a health factor.

    `members` says whose positions are watched (all, if not given). Counts of what it did: `lines_drawn`,
    `screened` (exact evaluations), `references` (how often a group was drawn anew).
    """

    def __init__(self, pool: Pool, members: Callable[[str], bool] | None = None) -> None:
        self.pool = pool
        self.waves = 0
        """Grows whenever prices, parameters or a haircut moved everybody at once."""
        self.lines_drawn = 0
        self.screened = 0
        self.references = 0
        self._members = members
        self._flags = f"{pool.name}.flags"
        self._groups: dict[int, Group] = {}
        self._dirty: dict[str, None] = {}
        self._moved: dict[str, None] = {}
        """Who changed after the first lines were drawn: an old line may be left behind somewhere."""
        self._at_risk = 0
        """The flags of all who ever owed, together: what was collateral to any of them."""
        self._owes = sum(1 << 2 * place for place in range(len(pool.assets)))
        self._tables = dict.fromkeys(
            [self._flags]
            + [supply_table(pool.name, asset) for asset in pool.assets]
            + [debt_table(pool.name, asset) for asset in pool.assets]
        )

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

    def _moves_all(self, event: Event) -> bool:
        """Say whether an event moves everybody at once: a price, a parameter, a haircut of collateral."""
        if not isinstance(event, LossAbsorbed):
            return True
        at_risk = event.asset in self.pool.assets and self.pool.bits.is_collateral(self._at_risk, event.asset)
        return at_risk and any(key == "liquidity_index" for _, key, _ in event.cells)

    def has_moved(self, account: str) -> bool:
        """Say whether a position was changed since somebody asked last who is unsafe."""
        return account in self._dirty

    def candidates(self, view: View, at: int, level: int = WAD) -> list[str]:
        """Return who has collateral and health below `level` (WAD): most unsafe first, then by name."""
        return [name for _, name in self.ranked(view, at, level)]

    def ranked(self, view: View, at: int, level: int = WAD) -> list[tuple[int, str]]:
        """Return `candidates` with their health factors."""
        work = self._reading(view, at)
        found = self.unsafe(view, at, level)
        self.screened += len(found)
        return sorted((work.health(name).factor, name) for name in found)

    def unsafe(self, view: View, at: int, level: int = WAD) -> list[str]:
        """Return the accounts of `candidates` in no order of meaning, looking only at those in doubt."""
        return [name for names in self.unsafe_by_flags(view, at, level).values() for name in names]

    def unsafe_by_flags(self, view: View, at: int, level: int = WAD) -> dict[int, list[str]]:
        """Return the same, by what they hold and owe: by their flags in the pool."""
        market = self._market(view, at)
        self._draw_dirty(view, market)
        if 2 * len(self._moved) > 64 + sum(len(group) for group in self._groups.values()):
            for flags in self._groups:
                self._redraw(view, flags, market)
            self._moved.clear()
        work = self._reading(view, at)
        return {flags: self._screen(work, level, flags, market) for flags in sorted(self._groups)}

    def _reading(self, view: View, at: int) -> Work:
        """Return the pool's working copies for reading, its reserves loaded once for all accounts."""
        work = self.pool.work(view, at, accruing=False)
        for asset in self.pool.assets:
            if view.has(reserve_table(self.pool.name, asset), "decimals"):
                work.reserve(asset)
        return work

    # --- the market as one number ------------------------------------------------------------------------

    def _market(self, view: View, at: int) -> dict[str, Weight]:
        """Return the weights of all assets that have a reserve and a price."""
        market = {}
        for asset in self.pool.assets:
            if view.has(reserve_table(self.pool.name, asset), "decimals") and view.has(ORACLE, asset):
                reserve, price = self.pool.reserve(view, asset), view.cell(ORACLE, asset)
                income, owed = reserve.income_index(at), reserve.debt_index(at)
                error = DRIFT_MAX * (1 + div_up(price, reserve.unit)) * RAY * SCALE
                market[asset] = Weight(
                    collateral=mul_div_down(income * price * reserve.threshold, SCALE, reserve.unit),
                    collateral_error=error * reserve.threshold,
                    debt=mul_div_up(owed * price * BPS, SCALE, reserve.unit),
                    debt_error=error * BPS,
                    value=income * price,
                    index=income,
                )
        return market

    def _bar(self, group: Group, market: dict[str, Weight], level: int) -> int | None:
        """Return the line from which on a position may be below `level`, or None: a new reference is due."""
        falls = []
        for asset in group.collaterals:
            then, now = group.reference[asset], market[asset]
            if then.collateral:
                if now.value * DRIFT_MAX < then.value or now.index * DRIFT_MAX < then.index:
                    return None
                falls.append(mul_div_down(now.collateral, ONE, then.collateral))
        rise = 0
        for asset in group.debts:
            then, now = group.reference[asset], market[asset]
            if now.debt and not then.debt:
                return None
            if then.debt:
                rise = max(rise, mul_div_up(now.debt, ONE, then.debt))
        if 0 < rise * DRIFT_MAX < ONE:
            return None
        if not rise:
            return LINE_MAX + 1
        bar = mul_div_down(mul_div_down(WAD, ONE, level), min(falls, default=ONE), rise)
        return mul_div_down(bar, SLACK - 1, SLACK) - 1

    def _line(self, view: View, account: str, group: Group) -> int:
        """Return a position's line at the group's reference, rounded towards unsafe."""
        venue = self.pool.name
        weighted = owed = 0
        clear = True
        for asset in group.collaterals:
            weight = group.reference[asset]
            held = view.cell(supply_table(venue, asset), account) * weight.collateral
            weighted += max(0, held - weight.collateral_error)
            clear = clear and held > 8 * CLEAR * weight.collateral_error
        for asset in group.debts:
            weight = group.reference[asset]
            owes = view.cell(debt_table(venue, asset), account) * weight.debt
            owed += owes + weight.debt_error
            clear = clear and owes > 8 * CLEAR * weight.debt_error
        if not clear:
            group.dusty[account] = None
        self.lines_drawn += 1
        return min(LINE_MAX, mul_div_up(owed, ONE, weighted)) if weighted else LINE_MAX

    def _lines(self, view: View, accounts: list[str], group: Group) -> list[tuple[int, str]]:
        """Return (line, account) of many positions: as `_line` draws them, the tables looked up once."""
        if not group.is_simple:
            return [(self._line(view, account, group), account) for account in accounts]
        (asset,), (owed_asset,), venue = group.collaterals, group.debts, self.pool.name
        holds, owes = view.table(supply_table(venue, asset)), view.table(debt_table(venue, owed_asset))
        held_weight, owed_weight = group.reference[asset], group.reference[owed_asset]
        per_unit, held_error = held_weight.collateral, held_weight.collateral_error
        per_debt, owed_error = owed_weight.debt, owed_weight.debt_error
        held_clear, owed_clear = 8 * CLEAR * held_error, 8 * CLEAR * owed_error
        drawn = []
        for account in accounts:
            held, owed = holds.get(account, 0) * per_unit, owes.get(account, 0) * per_debt
            if held <= held_clear or owed <= owed_clear:
                group.dusty[account] = None
            weighted = held - held_error
            line = mul_div_up(owed + owed_error, ONE, weighted) if weighted > 0 else LINE_MAX
            drawn.append((min(LINE_MAX, line), account))
        self.lines_drawn += len(drawn)
        return drawn

    # --- keeping the lines -------------------------------------------------------------------------------

    def _draw_dirty(self, view: View, market: dict[str, Weight]) -> None:
        """Draw a line for every position that changed since. What it leaves behind is found when crossed."""
        fresh: dict[int, list[tuple[int, str]]] = {}
        if self._groups:
            self._moved.update(self._dirty)
        members: dict[int, list[str]] = {}
        for account in self._dirty:
            members.setdefault(view.cell(self._flags, account), []).append(account)
        self._dirty.clear()
        for flags, accounts in members.items():
            group = self._groups.get(flags) or self._new_group(flags, market)
            if group is not None:
                fresh[flags] = self._lines(view, accounts, group)
        for flags, drawn in fresh.items():
            self._groups[flags].add(drawn)

    def _new_group(self, flags: int, market: dict[str, Weight]) -> Group | None:
        """Begin a group. None without collateral or without debt: there nobody can be liquidated."""
        held = tuple(asset for asset in self.pool.assets if self.pool.bits.is_collateral(flags, asset))
        owed = tuple(asset for asset in self.pool.assets if self.pool.bits.is_owed(flags, asset))
        if not held or not owed or any(asset not in market for asset in (*held, *owed)):
            return None
        self._groups[flags] = Group(held, owed, market)
        return self._groups[flags]

    def _redraw(self, view: View, flags: int, market: dict[str, Weight]) -> None:
        """Take the present market as reference and draw all lines of a group anew, without those who left."""
        group = self._groups[flags]
        group.reference, group.wasted = market, 0
        group.dusty.clear()
        self.references += 1
        members = dict.fromkeys(name for ranking in group.rankings for name in ranking.names)
        staying = [name for name in members if view.cell(self._flags, name) == flags]
        group.rank(self._lines(view, staying, group))

    # --- looking -----------------------------------------------------------------------------------------

    def _screen(self, work: Work, level: int, flags: int, market: dict[str, Weight]) -> list[str]:
        """Return who of a group is below `level`. What is not clear from the lines is evaluated exactly."""
        view = work.view
        group = self._groups[flags]
        if group.wasted > 64 + len(group) or len(group) > 64 + 2 * group.settled:
            self._redraw(view, flags, market)
        bar = self._bar(group, market, level)
        if bar is None:
            self._redraw(view, flags, market)
            bar = self._bar(group, market, level)
            assert bar is not None, "a group's own reference lets it look"
        found: list[str] = []
        seen: dict[str, None] = {}
        for ranking in group.rankings:
            found += self._cross(work, level, flags, bar, ranking, seen)
        return found

    def _cross(
        self, work: Work, level: int, flags: int, bar: int, ranking: Ranking, seen: dict[str, None]
    ) -> list[str]:
        """Return who of a ranking is below `level`; `seen` is filled with those who were looked at."""
        group, lines, names = self._groups[flags], ranking.lines, ranking.names
        first = bisect_left(lines, bar)
        if first == len(lines):
            return []
        clear = bisect_left(lines, bar + mul_div_up(bar, 1, CLEAR)) if group.is_simple else len(lines)
        found = names[clear:]
        doubtful = list(range(first, clear))
        moved, dusty = self._moved, group.dusty
        if found and (moved or dusty):
            doubtful += [
                place for place in range(clear, len(names)) if names[place] in moved or names[place] in dusty
            ]
            found = [name for name in found if name not in moved and name not in dusty]
        return found + self._settle(work, level, flags, ranking, doubtful, seen) if doubtful else found

    def _settle(
        self, work: Work, level: int, flags: int, ranking: Ranking, places: list[int], seen: dict[str, None]
    ) -> list[str]:
        """Evaluate the positions at these places exactly; throw lines away that are no longer true."""
        group, view = self._groups[flags], work.view
        found, gone = [], []
        for place in places:
            name = ranking.names[place]
            moved = view.cell(self._flags, name) != flags
            if moved or name in seen or ranking.lines[place] != self._line(view, name, group):
                gone.append(place)
                continue
            seen[name] = None
            self.screened += 1
            if work.health(name).factor < level:
                found.append(name)
            else:
                group.wasted += 1
        for place in reversed(gone):
            del ranking.lines[place], ranking.names[place]
        return found
