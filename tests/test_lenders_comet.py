"""Scenarios of Compound v3: reserves pay first, and whoever withdraws last bears what they lack."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from test_lenders import COMPOUND, HERE, ISOLATED, events

import mutualize
from mutualize.book import Book
from mutualize.compound_events import Absorbed, CollateralBought
from mutualize.errors import MutualizeError
from mutualize.events import (
    Liquidated,
    LossAbsorbed,
    ParameterChanged,
    PositionOpened,
    PricePublished,
    ShortfallRecognised,
)
from mutualize.fork import fork
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import Condition
from mutualize.run import Run
from mutualize.scenario.dump import inline
from mutualize.scenario.scalars import parse_time
from mutualize.tables import debt_table
from mutualize.venues.comet import Comet
from mutualize.venues.comet_lending import CometLending
from mutualize.watchlist import Watchlist

COMET = str(HERE / "comet")
SECOND: dict[str | tuple[str, Any], str] = {
    "assets.BTC": '{ decimals = 8, assumed = "x" }',
    "markets.BTC": '{ price = "20000", assumed = "x" }',
    "oracles.BTC": '{ heartbeat_s = 86400, assumed = "x" }',
    "venues.comet.reserves.BTC": (
        '{ ltv = "0.7", liquidation_threshold = "0.75", liquidation_factor = "0.9", assumed = "x" }'
    ),
}
"""Another collateral, whose price does not move."""


def sales(run: Run) -> list[Any]:
    """Return what liquidators bought of the reserves, with and without an absorption before it."""
    return [*events(run, Liquidated), *events(run, CollateralBought)]


def test_reserves_pay_as_far_as_they_go_and_the_last_to_withdraw_find_no_cash(tmp_path: Path) -> None:
    """What absorbed accounts leave uncovered is the reserves', then nobody's; who withdraws last waits."""
    run = mutualize.run(COMET, out=tmp_path / "run", check_replay=True)
    recognised, absorbed = events(run, ShortfallRecognised), events(run, Absorbed)
    assert {event.account for event in recognised} == {event.account for event in absorbed}
    assert {event.liquidator for event in absorbed} == {"keepers-0001", "keepers-0002"}
    short, paid = (sum(event.amount for event in found) for found in (recognised, events(run, LossAbsorbed)))
    assert short == sum(event.debt - event.credited for event in absorbed)
    assert short > 100_000 * 10**6
    assert 20_000 * 10**6 < paid < 21_000 * 10**6
    assert [(tier["tier"], tier["payer"]) for tier in run.tiers] == [("reserves", "revenue")]
    waits, still = run.figure("withdrawals.waiting.USDC"), run.summary["waterfalls"][0]["open"]
    assert isinstance(waits, int)
    assert waits == int(Decimal(still) * 10**6), "whoever left early left the loss to the last"
    assert verify_deep(tmp_path / "run" / "ledger.jsonl").condition is Condition.SEALED
    assert run.write_report(tmp_path / "run.html") > 50_000


def test_what_the_reserves_took_over_is_sold_and_pays_back_what_is_open() -> None:
    """Nobody sells all at once: the rest is bought as the market recovers, as long as the discount pays."""
    run = mutualize.run(COMET)
    assert len(events(run, CollateralBought)) > 3
    assert {event.account for event in events(run, CollateralBought)} == {"keepers-0001", "keepers-0002"}
    assert all(event.paid > event.cost > 0 for event in events(run, CollateralBought))
    taken = sum(event.collateral_amount for event in events(run, PositionOpened))
    sold = sum(getattr(event, "seized", None) or event.amount for event in sales(run))
    assert 0 <= taken - sold < 10**10, "not even a unit of the base asset buys what is left"
    came_back = sum(event.paid - event.cost for event in events(run, CollateralBought))
    open_now = int(Decimal(run.summary["waterfalls"][0]["open"]) * 10**6)
    short = sum(event.amount for event in events(run, ShortfallRecognised))
    paid = sum(event.amount for event in events(run, LossAbsorbed))
    assert came_back < short - paid - open_now < came_back * 3


def test_reserves_that_are_large_enough_pay_all_and_everybody_leaves_whole() -> None:
    """The same crash with ten times as much in the reserves: nobody waits, nothing is open."""
    run = mutualize.run(COMET, variant="rich")
    waterfall = run.summary["waterfalls"][0]
    assert (waterfall["open"], waterfall["tiers"][0]["covered"]) == ("0", waterfall["shortfall"])
    assert run.figure("withdrawals.waiting.USDC") == 0
    assert run.digest == mutualize.run(COMET, variant="rich").digest


def test_collateral_that_is_sold_below_cost_is_a_shortfall_of_nobody() -> None:
    """The price goes on falling after the absorption: what a sale does not bring back is lost, too."""
    points = (
        '[["2024-01-01T10:00:00Z", "2000"], ["2024-01-01T12:00:00Z", "2000"],'
        ' ["2024-01-01T13:00:00Z", "900"], ["2024-01-01T14:36:00Z", "918"],'
        ' ["2024-01-01T14:40:00Z", "600"], ["2024-01-01T18:00:00Z", "600"]]'
    )
    run = mutualize.run(COMET, set={"markets.ETH.points": points})
    nobody = [event for event in events(run, ShortfallRecognised) if not event.account]
    below = [event.cost - event.paid for event in events(run, CollateralBought) if event.cost > event.paid]
    assert [event.amount for event in nobody] == below
    assert below
    assert run.summary["waterfalls"][0]["debtors"] == 3


def test_any_tiers_may_stand_over_compound_v3() -> None:
    """A fund, and then a haircut of all who lend, in place of reserves below zero: nothing stays open."""
    venue = tomllib.loads((HERE / "comet" / "scenario.toml").read_text("utf-8"))["venues"]["comet"]
    del venue["preset"]
    venue["funds"] = {"dao": {"USDC": "30000"}}
    venue["waterfall"] = [
        {"tier": "reserves", "payer": "revenue"},
        {"tier": "dao", "payer": "fund"},
        {"tier": "lenders", "payer": "claims"},
    ]
    run = mutualize.run(COMET, set={"venues.comet": inline(venue)}, check_replay=True)
    assert [(tier["tier"], tier["covered"]) for tier in run.tiers][1] == ("dao", "30000")
    assert Decimal(run.tiers[2]["covered"]) > 40_000
    assert run.summary["waterfalls"][0]["open"] == "0"


def test_an_account_with_two_collaterals_is_absorbed_as_a_whole() -> None:
    """The reserves take both, and sell what nobody wanted of the one after the other."""
    row = 'venue = "comet", account = "whale", debt = "USDC", assumed = "x"'
    rows = (
        f'[{{ {row}, collateral = "BTC", collateral_amount = "1", debt_amount = "10000" }},'
        f' {{ {row}, collateral = "ETH", collateral_amount = "20", debt_amount = "30000" }}]'
    )
    run = mutualize.run(COMET, set={**SECOND, "positions": rows}, check_replay=True)
    whale = [event for event in events(run, Absorbed) if event.account == "whale"]
    assert len(whale) == 1
    sold = {getattr(event, "collateral", "") for event in sales(run)}
    assert sold == {"ETH", "BTC"}
    assert run.figure("debt.whale.USDC") == 0


def test_votes_pause_compound_v3_and_set_its_factors() -> None:
    """While it is paused nobody is absorbed; with a lower discount nobody buys what is seized."""
    late = "2024-01-01T17:00:00Z"
    pause = (
        '[{ name = "stop", venue = "comet", at = "2024-01-01T10:30:00Z", action = "pause" },'
        f' {{ name = "go-on", venue = "comet", at = "{late}", action = "unpause" }}]'
    )
    paused = mutualize.run(COMET, set={"governance": pause})
    times = [entry.at for entry in paused.entries() if isinstance(entry.event, Absorbed)]
    assert min(times) >= parse_time(late)
    dear = (
        '[{ name = "dear", venue = "comet", at = "2024-01-01T10:30:00Z", action = "set-parameter",'
        ' reserve = "USDC", parameter = "store_front_factor", value = "0" }]'
    )
    run = mutualize.run(COMET, set={"governance": dear})
    assert [(event.name, event.after) for event in events(run, ParameterChanged)] == [
        ("store_front_factor", 0)
    ]
    assert not events(run, Absorbed), "nobody earns anything by it"
    for wrong, words in [
        (dear.replace('"USDC"', '"ETH"'), "ETH has no store_front_factor at comet that a vote could set"),
        (dear.replace("store_front_factor", "slope1"), "USDC has no slope1 at comet"),
        (pause.replace('"pause" }', '"pause", reserve = "ETH" }'), "paused as a whole"),
        (
            pause.replace('"pause"', '"cover-deficit", reserve = "USDC", payer = "dao"'),
            "has no cover-deficit",
        ),
    ]:
        with pytest.raises(MutualizeError, match=words):
            mutualize.run(COMET, set={"governance": wrong})


def test_nothing_is_sold_while_reserves_are_at_their_target() -> None:
    """`NotForSale`: then no liquidator can earn anything, and none absorbs."""
    run = mutualize.run(COMET, variant="rich", set={"venues.comet.reserves.USDC.target_reserves": "20000"})
    assert not events(run, Absorbed)


def test_a_run_of_compound_v3_is_forked_by_price_and_by_terms(tmp_path: Path) -> None:
    """What comes after a moment may be otherwise: prices, and whatever its contract lets governance set."""
    mutualize.run(COMET, out=tmp_path / "run")
    at = "2024-01-01T12:30:00Z"
    held = fork(tmp_path / "run", at=at, set={"markets.ETH.price": "2500"})
    assert not events(held.run, ShortfallRecognised)
    bent = fork(tmp_path / "run", at=at, set={"venues.comet.reserves.USDC.optimal": "0.9"})
    assert {event.name for event in events(bent.run, ParameterChanged)} == {
        *(f"{side}_{part}" for side in ("supply", "borrow") for part in ("kink", "low", "high"))
    }
    with pytest.raises(MutualizeError, match="settled at the start, for good"):
        fork(tmp_path / "run", at=at, set={"venues.comet.reserves.USDC.reserves_initial": "1"})


def test_terms_of_markets_are_forked_as_their_contracts_call_them(tmp_path: Path) -> None:
    """v2's collateral factor; of an isolated market its fee alone, since all else is for good."""
    mutualize.run(COMPOUND, out=tmp_path / "v2")
    at = "2024-01-01T12:30:00Z"
    lower = fork(tmp_path / "v2", at=at, set={"venues.venus.reserves.ETH.liquidation_threshold": "0.7"})
    assert [event.name for event in events(lower.run, ParameterChanged)] == ["collateral_factor"]
    mutualize.run(ISOLATED, out=tmp_path / "one")
    dearer = fork(tmp_path / "one", at=at, set={"venues.market.reserves.USDC.reserve_factor": "0.2"})
    assert [event.name for event in events(dearer.run, ParameterChanged)] == ["fee"]
    with pytest.raises(MutualizeError, match="settled at the start, for good"):
        fork(tmp_path / "one", at=at, set={"venues.market.reserves.ETH.liquidation_threshold": "0.8"})


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("venues.comet.reserves.ETH.liquidation_bonus", "0.05", "a collateral of Compound v3 has no liq"),
        ("venues.comet.reserves.USDC.ltv", "0.5", "loan to value is above the liquidation threshold"),
        ("venues.comet.reserves.USDC.reserve_factor", "0.1", "the base asset of Compound v3 has no reserve"),
        ("venues.comet.reserves.USDC.liquidation_threshold", "0.5", "lends one asset, its base"),
        ("venues.comet.reserves.ETH.ltv", "0.86", "not below the liquidation_threshold"),
        ("venues.comet.reserves.ETH.liquidation_factor", "0.85", "who is absorbed in time would leave debt"),
        ("venues.comet.reserves.ETH", '{ ltv = "0.5", liquidation_threshold = "0.6", assumed = "x" }',
         "'liquidation_factor' is missing"),
        ("venues.comet.reserves.USDC", '{ base = "0.01", assumed = "x" }', "'store_front_factor' is missing"),
        ("venues.comet.reserves.USDC.supply_slope1", "0.5", "the rate curve bends upwards"),
        ("venues.comet.reserves.USDC.supply_slope2", "10", "supply_slope2 is above 1000 % a year"),
        ("assets.ETH.decimals", "24", "no asset with more than 18 decimals"),
        ("venues.comet.rules.close_factor", "half", "the rules of Compound v3 are its contract's"),
        ("venues.comet.preset", "compound-v2", "is for venues of kind compound"),
        ("venues.comet.kind", "compound", "is for venues of kind comet"),
        ("borrowers.debtors.behaviour", "deleverage", "nobody answers margin calls"),
        ("borrowers.debtors.debt", "ETH", "what they borrow is what they put up"),
        ("depositors.lenders.asset", "ETH", "comet lends USDC alone: ETH is put up there, not lent"),
        ("venues.comet.reserves.ETH.supply_cap", "1", "supply cap is exceeded. Raise the supply_cap"),
        ("venues.comet.reserves.USDC.borrow_min", "200000", "borrow is too small. Lower borrow_min"),
    ],
)  # fmt: skip
def test_what_compound_v3_does_not_have_is_refused(path: str, value: str, words: str) -> None:
    """Terms of other venues, and those that its contract refuses, are named."""
    with pytest.raises(MutualizeError, match=words):
        mutualize.run(COMET, set={path: value})


def test_a_pool_has_no_terms_of_compound_v3() -> None:
    """What only its contract knows is refused of the reserves of a pool, and of a market of v2."""
    with pytest.raises(MutualizeError, match="a reserve of a pool has no supply_cap"):
        mutualize.run("three-tiers", set={"venues.pool.reserves.ETH.supply_cap": "10"})
    with pytest.raises(MutualizeError, match="a market of Compound has no store_front_factor"):
        mutualize.run(COMPOUND, set={"venues.venus.reserves.USDC.store_front_factor": "0.5"})


def test_who_is_absorbed_for_nothing_in_time_owes_nothing_and_the_reserves_bear_the_fall() -> None:
    """Somebody absorbs a minute after the line is crossed: what is lost is lost where collateral is sold."""
    run = mutualize.run(COMET, set={"venues.comet.absorb_after_s": "60"}, check_replay=True)
    assert [event.liquidator for event in events(run, Absorbed)] == ["anybody"] * 3
    assert all(event.left > 0 for event in events(run, Absorbed)), (
        "the rest of his collateral is his, in USDC"
    )
    assert not events(run, Liquidated)
    recognised = events(run, ShortfallRecognised)
    below = [event.cost - event.paid for event in events(run, CollateralBought)]
    assert {event.account for event in recognised} == {""}
    assert [event.amount for event in recognised] == below
    rich = mutualize.run(
        COMET,
        variant="rich",
        set={"venues.comet.absorb_after_s": "60", "venues.comet.reserves.USDC.target_reserves": "20000"},
    )
    assert len(events(rich, Absorbed)) == 3, "nobody had to earn anything by it"
    with pytest.raises(MutualizeError, match="only Compound v3 absorbs accounts"):
        mutualize.run(COMPOUND, set={"venues.venus.absorb_after_s": "60"})


def test_who_is_watched_is_found_unsafe_when_the_contract_says_so() -> None:
    """At every price the list of the unsafe is what `isLiquidatable` answers, account by account."""
    row = 'venue = "comet", account = "whale", debt = "USDC", assumed = "x"'
    rows = (
        f'[{{ {row}, collateral = "BTC", collateral_amount = "1", debt_amount = "10000" }},'
        f' {{ {row}, collateral = "ETH", collateral_amount = "20", debt_amount = "30000" }}]'
    )
    many = {**SECOND, "positions": rows, "borrowers.debtors.count": "60", "liquidators": "[]"}
    run = mutualize.run(COMET, set={**many, "borrowers.debtors.collateral_amount": "2"})
    book, comet = Book(), Comet("comet", ("USDC", "ETH", "BTC"))
    watchlist, seen = Watchlist(CometLending(comet)), []
    for entry in run.entries():
        book.apply(entry)
        watchlist.observe(entry)
        if isinstance(entry.event, PricePublished) and book.has("comet.USDC", "decimals"):
            work = comet.work(book, entry.at)
            work.accrue()
            exact = {name for name in book.table(debt_table("comet", "USDC")) if work.is_liquidatable(name)}
            assert {*watchlist.candidates(book, entry.at)} == exact
            seen.append(len(exact))
    assert len({*seen}) > 4, "they do not all become unsafe at once"
    assert max(seen) == 61
