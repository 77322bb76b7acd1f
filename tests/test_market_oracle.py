"""The oracle: its computed publications are those of a feed that looks every second."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from mutualize.market.depth import Depth
from mutualize.market.market import Market
from mutualize.market.oracle import Oracle
from mutualize.market.path import Bar, ConstantPath, Path, PointPath, PricePath
from mutualize.randomness import Stream
from mutualize.units import WAD, Ratio

PERCENT = WAD // 100


def feed(deviation: int = PERCENT, heartbeat_s: int = 3_600, delay_s: int = 0) -> Oracle:
    """Make an oracle of CRV."""
    return Oracle(asset="CRV", heartbeat_s=heartbeat_s, deviation=Ratio(deviation), delay_s=delay_s)


def published(oracle: Oracle, path: Path, start: int, until: int) -> list[tuple[int, int]]:
    """Let an oracle jump from publication to publication; return (time, price) of each."""
    found: list[tuple[int, int]] = []
    now, last = start, None
    last_time = start
    while (t := oracle.next_publication(path, now, last, last_time, until)) is not None:
        price = path.at(t)
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
        price = path.at(t)
        if price is None:
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


@pytest.mark.parametrize("wrong", [{"heartbeat_s": 0}, {"deviation": -1}, {"delay_s": -1}])
def test_an_oracle_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    """A heartbeat without time and negative figures raise ValueError."""
    with pytest.raises(ValueError):
        feed(**wrong)
