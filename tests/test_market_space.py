"""Block space: how much room a bid has, and how bids grow."""

from __future__ import annotations

from collections import Counter

import pytest

from mutualize.market.space import Bid, Space
from mutualize.randomness import Stream
from mutualize.units import WAD, Ratio

GWEI = 10**9


def shares(*percent: int) -> tuple[Ratio, ...]:
    return tuple(Ratio(WAD // 100 * number) for number in percent)


def at_noon() -> Space:
    """Return a block of ten million units as on 12 March 2020, 12:00: p30, p60, p90 and the maximum."""
    prices = tuple(int(gwei * GWEI) for gwei in (100, 102, 141, 4_319))
    return Space(block_gas=10_000_000, shares=shares(30, 60, 90, 100), rows=((0, prices),))


def test_a_bid_displaces_whoever_pays_less() -> None:
    """The room of a bid is the share of the gas that pays at most as much, straight between columns."""
    space = at_noon()
    rooms = {gwei: space.room(gwei * GWEI, 5) for gwei in (0, 99, 100, 101, 102, 141, 2_230, 4_319, 9_999)}
    assert rooms == {
        0: 0,
        99: 0,  # below the lowest column nothing is taken in
        100: 3_000_000,
        101: 4_500_000,
        102: 6_000_000,
        141: 9_000_000,
        2_230: 9_500_000,
        4_319: 10_000_000,
        9_999: 10_000_000,
    }


def test_a_table_without_its_maximum_leaves_the_rest_to_others() -> None:
    """Where the highest column is that of nine tenths, no bid has more than nine tenths of a block."""
    space = Space(block_gas=1_000, shares=shares(90), rows=((0, (5,)),))
    assert [space.room(bid, 0) for bid in (4, 5, 10**30)] == [0, 900, 900]


def test_columns_of_one_price_are_one_step() -> None:
    """At 14:40 that day three tenths and six tenths paid 150 at most: who pays 150 has six tenths."""
    space = Space(block_gas=1_000, shares=shares(30, 60, 90), rows=((0, (150, 150, 200)),))
    assert [space.room(bid, 0) for bid in (149, 150, 175, 200)] == [0, 600, 750, 900]


def test_an_empty_chain_has_room_for_any_bid() -> None:
    """Without demand a block belongs to whoever is there."""
    space = Space(block_gas=77)
    assert (space.room(0, -5), space.next_change(0)) == (77, None)


def test_a_row_holds_until_the_next_one() -> None:
    """The demand is a step function of time, and says when it changes."""
    space = Space(block_gas=100, shares=shares(50), rows=((0, (5,)), (600, (9,)), (1_200, (2,))))
    assert [space.room(5, t) for t in (0, 599, 600, 1_199, 1_200, 10**9)] == [50, 50, 0, 0, 50, 50]
    assert [space.next_change(t) for t in (-1, 0, 599, 600, 1_200)] == [0, 600, 600, 1_200, None]
    with pytest.raises(ValueError, match="no demand for block space is known at -1"):
        space.room(5, -1)


def test_room_is_what_a_full_block_of_others_leaves() -> None:
    """Filled one unit of gas after the other with what others pay, a block leaves what the formula says.

    ---
    Of n units those between two columns pay prices evenly spaced between the two.
    """
    stream, seen = Stream(1, "space"), Counter[str]()
    for _ in range(300):
        steps = stream.between(1, 4)
        cuts = sorted({stream.between(1, 40) for _ in range(steps)})
        prices = sorted(stream.below(60) for _ in cuts)
        space = Space(
            block_gas=40, shares=tuple(Ratio(WAD * cut // 40) for cut in cuts), rows=((0, tuple(prices)),)
        )
        for bid in range(62):
            known = [cut for cut, price in zip(cuts, prices, strict=True) if price <= bid]
            least = known[-1] if known else 0
            beyond = [cut for cut, price in zip(cuts, prices, strict=True) if price > bid]
            most = beyond[0] if beyond and known else least
            room = space.room(bid, 0)
            assert least - 1 <= room <= most  # a share such as 1/40 is rounded once
            assert room <= space.room(bid + 1, 0)
            seen["none" if not known else "all" if not beyond else "between"] += 1
    assert min(seen.values()) > 1_000, seen


def test_a_bid_that_is_raised_ends_at_its_most() -> None:
    """An eighth more each time, rounded up, and never above the most."""
    policy = Bid(wei=20, escalation=Ratio(WAD // 8), wei_max=30)
    bids = [policy.opening(7)]
    for _ in range(5):
        bids.append(policy.raised(bids[-1]))
    assert bids == [20, 23, 26, 30, 30, 30]
    assert Bid(wei=20).raised(20) == 20


def test_a_multiple_follows_the_price_of_the_moment() -> None:
    """A multiple is rounded up; a fixed price does not look."""
    assert Bid(multiple=Ratio(WAD * 3 // 2)).opening(101) == 152
    assert Bid(wei=20).opening(10**12) == 20
    assert Bid(multiple=Ratio(2 * WAD), wei_max=150).opening(101) == 150


@pytest.mark.parametrize(
    "fields",
    [
        {"block_gas": 0},
        {"block_gas": 1, "shares": shares(50)},
        {"block_gas": 1, "shares": shares(50, 50), "rows": ((0, (1, 2)),)},
        {"block_gas": 1, "shares": shares(50, 101), "rows": ((0, (1, 2)),)},
        {"block_gas": 1, "shares": shares(50), "rows": ((0, (1, 2)),)},
        {"block_gas": 1, "shares": shares(50, 60), "rows": ((0, (2, 1)),)},
        {"block_gas": 1, "shares": shares(50), "rows": ((0, (-1,)),)},
        {"block_gas": 1, "shares": shares(50), "rows": ((5, (1,)), (5, (1,)))},
    ],
)
def test_a_space_that_cannot_be_is_refused(fields: dict[str, object]) -> None:
    """Empty blocks, falling prices or shares, and rows out of order raise ValueError."""
    with pytest.raises(ValueError):
        Space(**fields)  # type: ignore[arg-type]  # fields of several types


@pytest.mark.parametrize("wrong", [{"wei": -1}, {"multiple": -1}, {"every_blocks": 0}, {"deadline_s": 0}])
def test_a_bid_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    """Negative figures and no time to wait raise ValueError."""
    with pytest.raises(ValueError):
        Bid(**wrong)  # type: ignore[arg-type]  # fields of several types
