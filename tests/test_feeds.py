"""Feeds that are off the market: one that follows a named place, stuck, stopped."""

from __future__ import annotations

from typing import Any

import pytest

import mutualize
from mutualize.errors import MutualizeError
from mutualize.events import Liquidated, PricePublished
from mutualize.run import Run

CRASH = {
    "markets.ETH.points": [["2024-01-01T10:00:00Z", "2000"], ["2024-01-01T18:00:00Z", "2000"]],
    "oracles.ETH.follows": {
        "place": "one small exchange",
        "points": [
            ["2024-01-01T10:00:00Z", "2000"],
            ["2024-01-01T12:00:00Z", "2000"],
            ["2024-01-01T12:30:00Z", "1500"],
            ["2024-01-01T13:00:00Z", "2000"],
            ["2024-01-01T18:00:00Z", "2000"],
        ],
        "assumed": "a flash crash at one place",
    },
}


def told(run: Run) -> list[tuple[int, int]]:
    """Return what the oracle said of ETH, and what the market was then, in whole units."""
    events = (entry.event for entry in run.entries())
    return [
        (event.price, event.market)
        for event in events
        if isinstance(event, PricePublished) and event.asset == "ETH"
    ]


def test_a_feed_that_follows_one_place_harms_debtors_whom_the_market_would_have_left_alone() -> None:
    """A flash crash at the one place a feed looks at: no shortfall, but positions sold below their worth."""
    run = mutualize.run("three-tiers", set=CRASH)
    said = told(run)
    assert {market for _, market in said} == {2_000 * 10**8}, "the market never moved"
    assert min(price for price, _ in said) < 1_700 * 10**8
    assert any(isinstance(entry.event, Liquidated) for entry in run.entries())
    assert not run.tiers, "nothing fell short"
    harm = run.summary["liquidations"]["harm"]
    assert [one["account"] for one in harm["largest"]] == ["bob", "ann"]
    assert f"2 debtors lost {int(harm['money'].partition('.')[0]):,} USD beyond the bonus" in run.report()
    assert run.figure("harm") > 1_000 * 10**8


def test_liquidators_sell_at_the_market_whatever_the_feed_follows() -> None:
    """The gap between the two is the liquidators' gain, and stands apart in the cost of a liquidation."""
    run = mutualize.run("three-tiers", set=CRASH)
    money = run.summary["liquidations"]["money"]
    assert money["gap"].startswith("-")
    assert run.figure("liquidations.profit") > run.figure("liquidations.bonus")


@pytest.mark.parametrize(
    ("follows", "words"),
    [
        ({"place": "x"}, "exactly one of price, prices, points"),
        ({"place": "x", "points": [["2024-01-01T11:00:00Z", "1"]]}, "there is no price at the start"),
        ({"place": "x", "price": "1", "depth": {}}, "depth"),
    ],
)
def test_a_place_without_a_price_is_refused(follows: dict[str, Any], words: str) -> None:
    """The place that a feed follows has a price from the start on, and nobody trades there."""
    with pytest.raises(MutualizeError, match=words):
        mutualize.run("three-tiers", set={"oracles.ETH.follows": {**follows, "assumed": "x"}})
