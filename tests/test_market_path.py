"""Price paths: four points a bar, floored per second; what happens next is computed, never scanned for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from mutualize.market.path import Bar, ConstantPath, Path, PointPath, PricePath
from mutualize.randomness import Stream

LENGTHS = (1, 2, 3, 4, 5, 7, 12, 60)


def random_bars(stream: Stream, bar_s: int, price_max: int) -> list[Bar]:
    """Draw up to six bars with holes between some of them, flat stretches and jumps included."""
    bars, at = [], stream.between(-5, 100)
    for _ in range(stream.between(1, 6)):
        low, first, last, high = sorted(stream.between(0, price_max) for _ in range(4))
        if stream.chance(1, 6):
            first = last = high = low
        if stream.chance(1, 2):
            first, last = last, first
        bars.append(Bar(at, first, high, low, last))
        at += bar_s + (stream.between(1, 9) if stream.chance(1, 4) else 0)
    return bars


def random_points(stream: Stream, price_max: int) -> list[tuple[int, int]]:
    """Draw up to six points, jumps included."""
    points, at = [], stream.between(-5, 100)
    for _ in range(stream.between(1, 6)):
        points.append((at, stream.between(0, price_max)))
        at += stream.between(0, 15)
    return points


def random_paths(seed: int, count: int) -> Iterator[tuple[Stream, Path, range]]:
    """Give paths, with the seconds around each."""
    stream = Stream(seed, "paths")
    for _ in range(count):
        price_max = stream.choice((2, 9, 40, 10**12))
        path: PricePath | PointPath
        if stream.chance(1, 4):
            path = PointPath(random_points(stream, price_max))
        else:
            bar_s = stream.choice(LENGTHS)
            path = PricePath(random_bars(stream, bar_s, price_max), bar_s)
        yield stream, path, range(path.first - 4, path.last + 5)


def price_of_bars(bars: tuple[Bar, ...], bar_s: int, t: int) -> int | None:
    """Work out a price in rational numbers, straight from the table."""
    for bar in bars:
        if bar.at <= t < bar.at + bar_s:
            rising = bar.close >= bar.open
            corners = [bar.open, bar.low if rising else bar.high, bar.high if rising else bar.low, bar.close]
            where = Fraction(3 * (t - bar.at), bar_s)
            k = where.numerator // where.denominator
            exact = corners[k] + (corners[k + 1] - corners[k]) * (where - k)
            return exact.numerator // exact.denominator
    return None


def price_of_points(points: tuple[tuple[int, int], ...], t: int) -> int | None:
    """Work out a price in rational numbers, straight from the points."""
    for (start, first), (end, last) in pairwise(points):
        if start <= t < end:
            exact = first + Fraction((last - first) * (t - start), end - start)
            return exact.numerator // exact.denominator
    return points[-1][1] if t == points[-1][0] else None


# --- stories ---------------------------------------------------------------------------------------------


def test_a_rising_bar_visits_its_low_first() -> None:
    """A bar whose close is at or above its open goes open, low, high, close."""
    path = PricePath([Bar(0, 100, 160, 70, 130)], 30)
    assert [path.at(t) for t in (0, 5, 10, 15, 20, 25, 29)] == [100, 85, 70, 115, 160, 145, 133]


def test_a_falling_bar_visits_its_high_first() -> None:
    """A bar whose close is below its open goes open, high, low, close; prices are floored."""
    path = PricePath([Bar(0, 100, 160, 70, 90)], 30)
    assert [path.at(t) for t in (0, 5, 10, 15, 20, 25, 29)] == [100, 130, 160, 115, 70, 80, 88]


def test_a_hole_is_no_price() -> None:
    """Between the end of a bar and the start of the next there is none, nor before and after the table."""
    path = PricePath([Bar(0, 5, 5, 5, 5), Bar(20, 7, 7, 7, 7)], 10)
    assert [path.at(t) for t in (-1, 0, 9, 10, 19, 20, 29, 30)] == [None, 5, 5, None, None, 7, 7, None]
    assert (path.first, path.last) == (0, 29)
    changes, t = [], -5
    while (change := path.next_halt_change(t, 100)) is not None:
        changes.append(t := change)
    assert changes == [0, 10, 20, 30]
    assert path.next_price(9, 100) == 20
    assert path.next_price(29, 100) is None


def test_a_length_that_no_third_divides() -> None:
    """The knots of a bar of ten seconds lie between seconds; no price is bent to reach them."""
    path = PricePath([Bar(0, 0, 100, 0, 0)], 10)
    assert [path.at(t) for t in range(10)] == [0, 0, 0, 0, 20, 50, 80, 90, 60, 30]
    assert path.knots(0, 100) == [0, 4, 7, 10]


def test_a_crossing_is_the_first_second_behind_the_bound() -> None:
    """A floored price that is exactly at the bound is still inside."""
    path = PricePath([Bar(0, 100, 160, 70, 130)], 30)
    assert (path.at(6), path.at(7)) == (82, 79)
    assert path.next_crossing(0, 100, 82, 1000) == 7
    assert path.next_crossing(0, 100, 83, 1000) == 6
    assert path.next_crossing(0, 100, 0, 159) == 20
    assert path.next_crossing(0, 100, 0, 160) is None
    assert path.next_crossing(0, 6, 82, 1000) is None
    assert path.next_crossing(7, 100, 82, 1000) == 8  # still outside


def test_a_crossing_in_a_hole_waits_for_its_end() -> None:
    """What happened while nobody quoted is seen when quoting begins again."""
    path = PricePath([Bar(0, 50, 50, 50, 50), Bar(40, 20, 20, 20, 20)], 10)
    assert path.next_crossing(0, 100, 45, 55) == 40
    assert path.next_crossing(0, 39, 45, 55) is None


def test_points_are_joined_by_straight_lines() -> None:
    """Of two points at one time the later one holds, and behind the last point there is no price."""
    path = PointPath([(0, 100), (10, 50), (10, 20), (20, 40)])
    assert [path.at(t) for t in (-1, 0, 5, 9, 10, 15, 20, 21)] == [None, 100, 75, 55, 20, 30, 40, None]


def test_a_constant_price_never_moves() -> None:
    """A constant path has no knots and no halts, and is crossed at once or never."""
    path = ConstantPath(7)
    assert (path.at(-(10**12)), path.at(10**12), path.knots(0, 10), path.next_halt_change(0, 10)) == (
        7,
        7,
        [],
        None,
    )
    assert [path.next_crossing(3, 9, 7, 7), path.next_crossing(3, 9, 8), path.next_crossing(3, 9, 0, 6)] == [
        None,
        4,
        4,
    ]
    assert (path.next_price(3, 9), path.next_price(9, 9)) == (4, None)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Bar(0, 5, 4, 1, 3), "does not keep"),
        (lambda: Bar(0, 5, 6, 1, 7), "does not keep"),
        (lambda: Bar(0, 5, 6, -1, 5), "does not keep"),
        (lambda: PricePath([], 60), "at least one bar"),
        (lambda: PricePath([Bar(0, 1, 1, 1, 1)], 0), "no length"),
        (lambda: PricePath([Bar(0, 1, 1, 1, 1), Bar(59, 1, 1, 1, 1)], 60), "before the one at 0 has ended"),
        (lambda: PointPath([]), "at least one point"),
        (lambda: PointPath([(0, 1), (1, -1)]), "negative"),
        (lambda: PointPath([(1, 1), (0, 1)]), "stands behind"),
        (lambda: ConstantPath(-1), "negative"),
    ],
)
def test_a_table_that_makes_no_path_is_refused(wrong: object, says: str) -> None:
    """Impossible bars, overlaps and disorder raise ValueError with what is wrong."""
    assert callable(wrong)
    with pytest.raises(ValueError, match=says):
        wrong()


# --- laws ------------------------------------------------------------------------------------------------


def test_prices_equal_rational_arithmetic() -> None:
    """Each second's price is the floor of the exact line, for bars of every length and for points."""
    seen: Counter[str] = Counter()
    for _, path, seconds in random_paths(1, 1_500):
        for t in seconds:
            if isinstance(path, PricePath):
                expected = price_of_bars(path.bars, path.bar_s, t)
            else:
                assert isinstance(path, PointPath)
                expected = price_of_points(path.points, t)
            assert path.at(t) == expected
            seen["hole" if expected is None else type(path).__name__] += 1
    assert min(seen.values()) > 5_000


def test_crossings_equal_a_scan_of_every_second() -> None:
    """The computed crossing is the one that asking second after second would find."""
    seen: Counter[str] = Counter()
    for stream, path, seconds in random_paths(2, 4_000):
        known = [price for t in seconds if (price := path.at(t)) is not None]
        middle = stream.choice(known)
        spread = stream.between(0, max(1, max(known) - min(known)))
        low, high = middle - stream.between(0, spread), middle + stream.between(-1, spread)
        after = stream.choice(seconds)
        until = after + stream.between(0, len(seconds))
        bound = None if stream.chance(1, 10) else high
        expected = None
        for t in range(after + 1, until + 1):
            price = path.at(t)
            if price is not None and (price < low or (bound is not None and price > bound)):
                expected = t
                break
        assert path.next_crossing(after, until, low, bound) == expected
        if expected is None:
            seen["never"] += 1
            continue
        before, price = path.at(expected - 1), path.at(expected)
        assert price is not None
        seen["below" if price < low else "above"] += 1
        seen["out of a hole"] += before is None
        seen["at once"] += expected == after + 1
        seen["on a line, later"] += before is not None and expected > after + 1
        seen["empty band"] += bound is not None and low > bound
    assert min(seen[name] for name in seen) > 100, seen
    assert len(seen) == 7


def test_halts_and_knots_equal_a_scan_of_every_second() -> None:
    """Halts, the next price, and the seconds behind the corners are what a scan finds."""
    seen: Counter[str] = Counter()
    for stream, path, seconds in random_paths(3, 1_500):
        after = stream.choice(seconds)
        until = after + stream.between(0, len(seconds))
        span = range(after + 1, until + 1)
        quoting = [t for t in span if path.at(t) is not None]
        turns = [t for t in span if (path.at(t) is None) != (path.at(t - 1) is None)]
        assert path.next_price(after, until) == next(iter(quoting), None)
        assert path.next_halt_change(after, until) == next(iter(turns), None)
        knots = path.knots(after, until)
        assert knots == sorted(set(knots))
        assert set(knots) <= set(range(after, until))
        assert set(turns) - {until} <= set(knots)
        seen["price"] += bool(quoting)
        seen["halt"] += bool(turns)
        seen["knots"] += bool(knots)
        if isinstance(path, PricePath) and path.bar_s % 3 == 0:
            corners = {bar.at + k * path.bar_s // 3 for bar in path.bars for k in range(4)}
            assert set(knots) == corners & set(range(after, until))
            seen["all corners"] += bool(knots)
    assert min(seen.values()) > 100
    assert len(seen) == 4


def test_between_knots_a_path_is_straight() -> None:
    """Away from knots the price moves in one direction only: nothing can be missed between two of them."""
    checked = 0
    for _, path, seconds in random_paths(4, 800):
        knots = [seconds.start, *path.knots(seconds.start, seconds.stop), seconds.stop]
        for start, end in pairwise(knots):
            prices = [path.at(t) for t in range(start, end)]
            known = [price for price in prices if price is not None]
            assert len(known) in (0, len(prices))
            assert known in (sorted(known), sorted(known, reverse=True))
            checked += len(known) > 2
    assert checked > 1_000


def test_work_is_proportional_to_knots_passed() -> None:
    """A year of one-minute bars is crossed by looking at the bars that are passed, from a bisected start."""

    class Counting(list[object]):
        """A list that counts how often it is asked for one of its members."""

        asked = 0

        def __getitem__(self, index: Any) -> Any:
            Counting.asked += 1
            return super().__getitem__(index)

    minutes = 100_000
    path = PricePath((Bar(60 * k, 100, 105, 95, 100) for k in range(minutes)), 60)
    path._pieces = Counting(path._pieces)  # type: ignore[assignment]
    assert path.next_crossing(60 * 90_000, 60 * 90_010, 90, 110) is None
    assert 30 <= Counting.asked <= 33
    Counting.asked = 0
    assert path.next_crossing(60 * 90_000, 60 * minutes, 96, 110) == 60 * 90_000 + 17
    assert Counting.asked == 1
