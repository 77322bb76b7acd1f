"""Feeds that are off the market: one that follows a named place, stuck, stopped."""

from __future__ import annotations

from typing import Any

import pytest

import mutualize
from mutualize.agents.opportunists import Lure
from mutualize.errors import MutualizeError
from mutualize.events import Borrowed, Liquidated, PricePublished
from mutualize.report.plain import plain
from mutualize.report.show import scenario_page
from mutualize.run import Run
from mutualize.scenario.load import load
from mutualize.world import World

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


def number(run: Run, metric: str) -> int:
    """Return a metric that is a number."""
    value = run.figure(metric)
    assert isinstance(value, int)
    return value


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
    assert number(run, "harm") > 1_000 * 10**8


def test_liquidators_sell_at_the_market_whatever_the_feed_follows() -> None:
    """The gap between the two is the liquidators' gain, and stands apart in the cost of a liquidation."""
    run = mutualize.run("three-tiers", set=CRASH)
    money = run.summary["liquidations"]["money"]
    assert money["gap"].startswith("-")
    assert number(run, "liquidations.profit") > number(run, "liquidations.bonus")


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


# --- who borrows against what a feed overstates --------------------------------------------------------

STUCK: dict[str, Any] = {
    "markets.ETH.points": [["2024-01-01T10:00:00Z", "2000"], ["2024-01-01T12:00:00Z", "2000"],
                           ["2024-01-01T13:00:00Z", "100"], ["2024-01-01T18:00:00Z", "100"]],
    "oracles.ETH.min_answer": "1500",
    "opportunists": [{
        "name": "raiders", "count": 2, "venue": "pool", "collateral": "ETH", "budget": "20000",
        "borrows": ["USDC"], "premium": "0.10", "reaction_s": {"uniform": [60, 600]}, "assumed": "invented",
    }],
}  # fmt: skip


def test_a_feed_stuck_at_its_floor_is_borrowed_against_until_nothing_is_left() -> None:
    """The market pays 100, the feed says 1,500: what is bought for that borrows all the pool's money."""
    run = mutualize.run("three-tiers", set=STUCK)
    assert number(run, "utilization.USDC") == 10**18, "the pool is dry"
    assert min(price for price, _ in told(run)) >= 1_500 * 10**8 > 100 * 10**8
    drawn = sum(
        entry.event.amount
        for entry in run.entries()
        if isinstance(entry.event, Borrowed) and entry.event.account.startswith("raiders-")
    )
    assert drawn == (500_000 - 360_000) * 10**6, "all that others had not borrowed yet"
    roles = {row["role"]: row["money"] for row in run.summary["gains"]["roles"]}
    assert roles["opportunists"].partition(".")[0].isdigit(), "they gained"


def test_who_cannot_take_an_opportunity_waits_for_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the pool is dry they look again when something happens, and not every second."""
    looks: list[int] = []
    original = Lure.limit

    def counted(lure: Lure, world: World) -> int:
        looks.append(world.now)
        return original(lure, world)

    monkeypatch.setattr(Lure, "limit", counted)
    mutualize.run("three-tiers", set=STUCK)
    assert 0 < len(looks) < 1_000


def test_an_opportunist_has_figures_of_his_own_and_stands_among_those_who_take_part() -> None:
    """Expectations may name what he owes, all shortfalls together have a figure, and `show` lists him."""
    expect = {"id": "owed", "metric": "debt.raiders-0002.USDC", "at_least": "1", "kind": "identity"}
    total = {"id": "all", "metric": "shortfall.money", "at_least": "0", "kind": "identity"}
    run = mutualize.run("three-tiers", set=STUCK | {"expect": [expect, total]})
    assert [row["met"] for row in run.summary["expectations"]["results"]] == [True, True]
    assert run.figure("shortfall.money") == run.figure("shortfall.USDC.money")
    assert "opportunists" in plain(scenario_page(load("venus-luna-2022"), None))


def test_nobody_raids_what_the_market_does_not_undercut_by_the_premium() -> None:
    """At 1,000 under a feed of 1,500 a loan of 80 % pays a fifth more than the cost, and not a half."""
    low = {**STUCK, "markets.ETH.points": [[at, "2000" if at < "2024-01-01T12:30" else "1000"] for at, _ in
                                           (*STUCK["markets.ETH.points"],)]}  # fmt: skip
    raided = mutualize.run("three-tiers", set=low)
    assert any("raiders-" in str(entry.event) for entry in raided.entries())
    left = mutualize.run("three-tiers", set=low | {"opportunists.raiders.premium": "0.5"})
    assert not any("raiders-" in str(entry.event) for entry in left.entries())


def test_what_somebody_has_already_is_put_up_at_a_moment_and_all_is_drawn_that_it_lends() -> None:
    """Collateral of one's own waits for its moment, and draws as much as the rules lend: once."""
    held = {**STUCK["opportunists"][0], "budget": "0", "collateral_amount": "50", "count": 1,
            "at": "2024-01-01T11:00:00Z"}  # fmt: skip
    run = mutualize.run("three-tiers", set={"opportunists": [held]})
    drawn = [
        (entry.at, entry.event.amount)
        for entry in run.entries()
        if isinstance(entry.event, Borrowed) and entry.event.account == "raiders-0001"
    ]
    assert len(drawn) == 1
    assert drawn[0][1] == 50 * 2_000 * 80 * 10**4 - 1, "80 % of 50 ETH at 2,000, and a unit for rounding"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"budget": "0"}, "neither collateral nor money for it"),
        ({"borrows": []}, "they borrow nothing"),
        ({"borrows": ["ETH"]}, "what they borrow is what they put up"),
        ({"borrows": ["DOGE"]}, "DOGE"),
    ],
)
def test_an_opportunist_without_an_opportunity_is_refused(change: dict[str, Any], words: str) -> None:
    """He needs something to put up, and something to borrow."""
    with pytest.raises(MutualizeError, match=words):
        mutualize.run("three-tiers", set={"opportunists": [{**STUCK["opportunists"][0], **change}]})
