"""The oracle: its computed publications are those of a feed that looks every second."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from mutualize.market.depth import Depth
from mutualize.market.market import Market
from mutualize.market.oracle import FOREVER, Oracle, Osm
from mutualize.market.path import Bar, ConstantPath, Path, PointPath, PricePath
from mutualize.randomness import Stream
from mutualize.units import WAD, Ratio

PERCENT = WAD // 100


def feed(deviation: int = PERCENT, heartbeat_s: int = 3_600, delay_s: int = 0, **more: Any) -> Oracle:
    """Make an oracle of CRV."""
    return Oracle(asset="CRV", heartbeat_s=heartbeat_s, deviation=Ratio(deviation), delay_s=delay_s, **more)


def published(oracle: Oracle, path: Path, start: int, until: int) -> list[tuple[int, int]]:
    """Let an oracle jump from publication to publication; return (time, price) of each."""
    found: list[tuple[int, int]] = []
    now, last = start, None
    last_time = start
    while (t := oracle.next_publication(path, now, last, last_time, until)) is not None:
        seen = path.at(t)
        price = None if seen is None else oracle.answer(seen)
        assert price is not None
        found.append((t, price))
        now, last, last_time = t, price, t
    return found


def scanned(oracle: Oracle, path: Path, start: int, until: int) -> list[tuple[str, int, int]]:
    """Look every second, by the rule's own words; return (why, time, price) of each publication."""
    found: list[tuple[str, int, int]] = []
    last: int | None = None
    last_time = start
    for t in range(start + 1, until + 1):
        seen = path.at(t)
        price = None if seen is None else oracle.answer(seen)
        if price is None or any(start <= t < end for start, end in oracle.outages):
            continue
        if last is None:
            why = "first"
        elif price != last and abs(price - last) * WAD >= oracle.deviation * last:
            why = "deviation"
        elif t - last_time >= oracle.heartbeat_s:
            why = "heartbeat" if t - last_time == oracle.heartbeat_s else "late heartbeat"
        else:
            continue
        found.append((why, t, price))
        last, last_time = price, t
    return found


def test_a_deviation_is_measured_from_the_last_published_price() -> None:
    """A price that creeps down publishes at each full percent from the last publication, and not between."""
    path = PointPath([(0, 100_000), (1_000, 90_000)])
    assert published(feed(), path, -1, 500) == [
        (0, 100_000),
        (100, 99_000),
        (199, 98_010),
        (298, 97_020),  # 97,029.9 would do; the price falls by 10 a second
        (396, 96_040),
        (493, 95_070),
    ]


def test_a_deviation_counts_when_it_is_reached_exactly() -> None:
    """One percent is enough; a hair less is not."""
    assert feed().quiet_band(100_000) == (99_001, 100_999)
    assert feed().quiet_band(99_950) == (98_951, 100_949)
    assert feed(0).quiet_band(100_000) == (100_000, 100_000)
    assert feed().quiet_band(0) == (0, 0)


def test_a_heartbeat_publishes_a_price_that_stands_still() -> None:
    """After the heartbeat the price is told again, and its time begins anew."""
    assert published(feed(heartbeat_s=60), ConstantPath(5), 0, 200) == [(1, 5), (61, 5), (121, 5), (181, 5)]


def test_a_heartbeat_that_was_missed_is_caught_up_at_once() -> None:
    """Asked long after the heartbeat ran out, the oracle publishes in the next second, never in the past."""
    assert feed(heartbeat_s=60).next_publication(ConstantPath(5), 500, 5, 0, 1_000) == 501


def test_nothing_is_published_while_the_market_is_halted() -> None:
    """A heartbeat that falls into a hole is caught up at its end, and so is a deviation."""
    path = PricePath([Bar(0, 100, 100, 100, 100), Bar(90, 100, 100, 100, 100), Bar(200, 5, 5, 5, 5)], 30)
    assert published(feed(heartbeat_s=60), path, -1, 229) == [(0, 100), (90, 100), (200, 5)]
    assert feed(heartbeat_s=60).next_publication(path, 119, 100, 90, 199) is None


def test_a_publication_arrives_late() -> None:
    """The delay moves the arrival; the price is that of the moment of observation."""
    assert feed(delay_s=30).arrival(1_000) == 1_030


def test_publications_equal_a_look_at_every_second() -> None:
    """Jumping from publication to publication misses none and invents none."""
    seen: Counter[str] = Counter()
    stream = Stream(1, "oracle")
    for _ in range(400):
        bar_s = stream.choice((5, 10, 60))
        bars, at, price = [], 0, stream.between(50, 2_000)
        for _ in range(stream.between(1, 12)):
            first = price
            price = max(0, price + stream.between(-100, 100)) if stream.chance(9, 10) else stream.below(3)
            ends = [first, price, max(0, first - stream.below(60)), price + stream.below(60)]
            bars.append(Bar(at, first, max(ends), min(ends), price))
            at += bar_s + (stream.between(1, 200) if stream.chance(1, 6) else 0)
        path = PricePath(bars, bar_s)
        oracle = feed(
            stream.choice((0, 1, PERCENT, 5 * PERCENT, WAD, 3 * WAD)), stream.choice((1, 7, 60, 10**6))
        )
        start = stream.between(-10, 40)
        expected = scanned(oracle, path, start, at + 10)
        assert published(oracle, path, start, at + 10) == [(t, price) for _, t, price in expected]
        seen.update(why for why, _, _ in expected)
        seen["after zero"] += sum(last == 0 for (_, _, last), _ in pairwise(expected))
    assert sorted(seen) == ["after zero", "deviation", "first", "heartbeat", "late heartbeat"]
    assert min(seen.values()) > 50, seen


LUNA = PointPath([(0, 200), (100, 100), (200, 0), (300, 50), (400, 150), (500, 150)])
"""A price that falls through a floor of 100, and comes back: floor of what one sees from 101 to 349."""


def test_below_its_floor_a_feed_sticks_to_it() -> None:
    """Told 100 while the market says 0: the answer is the bound, and is told again at each heartbeat."""
    oracle = feed(PERCENT * 10, 60, low=100)
    told = published(oracle, LUNA, -1, 420)
    assert [(t, price) for t, price in told if 90 <= t <= 350] == [
        (95, 105),  # a tenth less would be 94, which is never told
        (155, 100),
        (215, 100),
        (275, 100),
        (335, 100),
    ]
    assert told == [(t, price) for _, t, price in scanned(oracle, LUNA, -1, 420)]


def test_below_its_floor_a_feed_may_fall_silent() -> None:
    """The last price above the floor stays until the market is back above it."""
    oracle = feed(PERCENT * 10, 60, low=100, sticks=False)
    told = published(oracle, LUNA, -1, 420)
    assert [t for t, _ in told if 101 <= t <= 349] == []
    assert (350, 100) in told
    assert told == [(t, price) for _, t, price in scanned(oracle, LUNA, -1, 420)]


def test_in_an_outage_nothing_is_told() -> None:
    """What was due in an outage is caught up when it ends; one that does not end is a stopped feed."""
    oracle = feed(heartbeat_s=60, outages=((50, 130), (130, 150), (260, FOREVER)))
    assert published(oracle, ConstantPath(5), 0, 1_000) == [(1, 5), (150, 5), (210, 5)]
    assert [oracle.next_open(t) for t in (49, 50, 140, 150)] == [49, 150, 150, 150]


def test_bounds_and_outages_equal_a_look_at_every_second() -> None:
    """Whatever bounds and outages a feed has, it jumps to the seconds that a scan finds."""
    seen: Counter[str] = Counter()
    stream = Stream(2, "bounded")
    for _ in range(600):
        points, at = [(0, stream.between(0, 200))], 0
        for _ in range(stream.between(1, 8)):
            at += stream.between(1, 60)
            points.append((at, stream.choice((0, stream.below(40), stream.between(0, 200)))))
        low = stream.choice((0, stream.between(1, 120)))
        high = stream.choice((None, low, low + stream.between(0, 90)))
        spans = sorted(
            (start, start + stream.between(1, 50)) for start in (stream.below(200), stream.below(200))
        )
        oracle = feed(
            stream.choice((0, PERCENT, 20 * PERCENT, 2 * WAD)),
            stream.choice((7, 60, 10**6)),
            low=low,
            high=high,
            sticks=stream.chance(1, 2),
            outages=tuple(spans[: stream.below(3)]),
        )
        path = PointPath(points)
        expected = scanned(oracle, path, -1, at + 1)
        assert published(oracle, path, -1, at + 1) == [(t, price) for _, t, price in expected]
        told = {price for _, _, price in expected}
        seen["sticks to the floor"] += oracle.sticks and low > 0 and low in told
        seen["sticks to the ceiling"] += oracle.sticks and high is not None and high in told
        silent = [t for t in range(at) if oracle.answer(path.at(t) or 0) is None]
        seen["silent"] += bool(silent) and bool(told)
        seen["back"] += bool(silent) and any(t > silent[0] for _, t, _ in expected)
        seen["interrupted"] += bool(oracle.outages) and bool(told)
    assert min(seen.values()) > 50, seen


def test_an_osm_tells_what_it_saw_a_hop_ago() -> None:
    """Poked in time, each price is live one hop after it was seen, and for one hop.

    ---
    seen 100 at 3,600; live from 7,200, while the market may be anywhere.
    """
    osm = Osm.begin(3_600, 200, 10)
    assert (osm.current, osm.due) == (200, 3_600)
    osm = osm.poke(100, 3_600)
    assert (osm.current, osm.following, osm.due) == (200, 100, 7_200)
    osm = osm.poke(50, 7_200)
    assert (osm.current, osm.following) == (100, 50)


def test_a_late_poke_shifts_no_hop_and_a_skipped_one_lengthens_the_delay() -> None:
    """The hops stand on a grid, whenever in one a poke comes.

    ---
    After a poke at 5,000 the next may come at 7,200; after one at 9,000, at 10,800.
    100 is seen at 5,000 and live only from 9,000 on: the poke at 7,200 did not come.
    """
    osm = Osm.begin(3_600, 200, 0).poke(100, 5_000)
    assert osm.due == 7_200
    osm = osm.poke(50, 9_000)
    assert (osm.current, osm.due) == (100, 10_800)
    with pytest.raises(AssertionError, match="too early"):
        osm.poke(1, 10_799)


def test_an_oracle_can_watch_a_market_that_trades_move() -> None:
    """A trade's permanent impact is a price move like any other: the next publication comes from it."""
    depth = Depth(amount=1_000, impact=Ratio(PERCENT), recovery_s=60, permanent=Ratio(WAD))
    market = Market(
        asset="CRV",
        money="USDC",
        asset_decimals=0,
        money_decimals=6,
        path=ConstantPath(10**8),
        depth=depth,
    )
    assert feed().next_publication(market, 0, 10**8, 0, 3_000) is None
    market.take_sell(999, at=1)
    assert feed().next_publication(market, 1, 10**8, 0, 3_000) is None
    market.take_sell(1, at=2)
    assert feed().next_publication(market, 2, 10**8, 0, 3_000) == 3
    assert market.mid(3) == 99_000_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"heartbeat_s": 0},
        {"deviation": -1},
        {"delay_s": -1},
        {"low": -1},
        {"low": 2, "high": 1},
        {"outages": ((5, 5),)},
    ],
)
def test_an_oracle_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """A heartbeat without time, negative figures, and bounds or outages that are none raise ValueError."""
    with pytest.raises(ValueError):
        feed(**wrong)


def test_an_osm_needs_a_hop() -> None:
    """A hop without time raises ValueError."""
    with pytest.raises(ValueError, match="hop"):
        Osm(hop_s=0, current=1, following=1, poked=0)
