"""What the peers are measured with: the same crash for all, decided exactly, and who is missing is named."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mutualize.commands import Liquidate, ListReserve, OpenPosition, PublishPrice, Supply
from mutualize.events import Liquidated, ShortfallRecognised
from mutualize.ledger import MemoryLedger, header
from mutualize.protocol import Protocol
from mutualize.venues.outside import Feed
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules

CROWD = 300
PEERS = ("cadcad_model", "mesa_agents", "radcad_model", "simpy_processes")


Peers = Callable[[str], Any]
"""Returns a module of the benchmarks by its name."""


@pytest.fixture
def peers(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Peers:
    """Return what imports the modules beside the benchmarks."""
    if not (checkout / "benchmarks" / "peers").is_dir():
        pytest.skip("the benchmarks are not at hand")
    monkeypatch.syspath_prepend(str(checkout / "benchmarks"))
    return lambda name: importlib.import_module(f"peers.{name}")


def open_pool(crash: Any, crowd: list[tuple[str, int, int]]) -> Protocol:
    """Return a pool in which everybody of a crowd has a position, by the plain rule."""
    pool = Pool("pool", ("ETH", "USDC"), PoolRules(close_factor="full", dust_rule=False))
    protocol = Protocol([pool, Feed()], MemoryLedger(header("00" * 32, 1, "0", "0")))
    terms = {
        "ltv": crash.LTV_BPS,
        "threshold": crash.THRESHOLD_BPS,
        "bonus": crash.BONUS_BPS,
        "optimal": 8_000,
    }
    for asset, decimals, price in (("ETH", 18, crash.PRICE_FIRST), ("USDC", 6, 10**8)):
        listed = tuple({**terms, "decimals": decimals}.items())
        assert protocol.submit(
            ListReserve(venue="pool", account="governance", asset=asset, parameters=listed), at=0
        )
        tell(protocol, asset, price)
    deposits = crash.funds(sum(debt for _, _, debt in crowd)).deposits
    assert protocol.submit(Supply(venue="pool", account="lender", asset="USDC", amount=deposits), at=0)
    for name, collateral, debt in crowd:
        has = {"collateral": "ETH", "collateral_amount": collateral}
        owes = {"debt": "USDC", "debt_amount": debt}
        assert protocol.submit(OpenPosition(venue="pool", account=name, **has, **owes), at=0)  # type: ignore[arg-type]  # told by name
    return protocol


def tell(protocol: Protocol, asset: str, price: int) -> None:
    """Tell a price."""
    told = PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price)
    assert protocol.submit(told, at=0)


def test_the_pool_liquidates_whom_the_integers_of_the_crash_name(peers: Peers) -> None:
    """At every step the pool refuses to liquidate whoever is safe, and settles the others to the base unit.

    ---
    300 borrowers, 72 hours, two of them silent; the liquidator tries everybody at every price
    """
    crash = peers("workload")
    crowd = {borrower.name: borrower for borrower in crash.borrowers(CROWD)}
    protocol = open_pool(crash, crash.positions(CROWD))
    found, short = [], 0
    for step, (_, price) in enumerate(crash.prices(72), 1):
        if price is None:
            continue
        tell(protocol, "ETH", price)
        for name in list(crowd):
            receipt = protocol.submit(
                Liquidate(venue="pool", account="keeper", borrower=name, collateral="ETH", debt="USDC"), at=0
            )
            if not receipt:
                continue
            found.append((step, name))
            borrower = crowd.pop(name)
            settled = crash.settle(borrower.collateral, borrower.debt, price // crash.PRICE_GRAIN)
            liquidated = receipt.event(Liquidated)
            assert isinstance(liquidated, Liquidated)
            assert liquidated.paid == settled.paid
            if settled.shortfall:
                shortfall = receipt.event(ShortfallRecognised)
                assert isinstance(shortfall, ShortfallRecognised)
                assert shortfall.amount == settled.shortfall
                short += 1
    assert sorted(found) == sorted(crash.expected(crash.borrowers(CROWD), 72))
    assert len(found) > CROWD // 2
    assert short > CROWD // 20


def test_a_float_decides_as_an_integer_does(peers: Peers) -> None:
    """All that is compared when somebody is judged lies below 2⁵³, in both workloads."""
    crash, mixed = peers("workload"), peers("mixed_workload")
    highest = crash.PRICE_FIRST // crash.PRICE_GRAIN * 101 // 100
    assert max(crash.told(crash.MINUTES)) <= highest
    assert crash.WEIGHT * crash.COLLATERAL_MAX * highest < 2**53
    assert max(crash.SCALE * borrower.debt for borrower in crash.borrowers(2_000)) < 2**53
    crowd, prices = mixed.accounts(500), [row for _, row in mixed.mixed_prices(72)]
    sums = [
        (
            sum(grains * row[i] * mixed.ASSETS[i].threshold_percent for i, grains in account.collaterals),
            100 * sum(grains * row[i] for i, grains in account.debts),
        )
        for account in crowd
        for row in prices
    ]
    assert max(max(pair) for pair in sums) < 2**53


def test_the_crash_is_as_it_is_described(peers: Peers) -> None:
    """The price falls from 2,000 to 900, is missing twice by the hour and never by the minute."""
    crash = peers("workload")
    hourly, minutely = crash.prices(72), crash.prices(4_320)
    assert (len(hourly), len(minutely)) == (72, 4_320)
    assert [step for step, (_, price) in enumerate(hourly, 1) if price is None] == list(crash.GAP_HOURS)
    assert all(price is not None for _, price in minutely)
    assert hourly[-1] == minutely[-1] == (72 * 3_600, crash.PRICE_LAST)
    assert dict(hourly).items() - dict(minutely).items() == {(30 * 3_600, None), (54 * 3_600, None)}
    with pytest.raises(ValueError, match="take a number that divides 4320"):
        crash.prices(71)


@pytest.mark.parametrize("script", PEERS)
def test_a_peer_agrees(peers: Peers, script: str) -> None:
    """A peer that is installed names the same borrowers at the same steps, and the same shortfall."""
    compare, crash = peers("compare"), peers("workload")
    package = next(row.package for row in compare.ROWS if row.script == f"{script}.py")
    pytest.importorskip(package, reason=f"{package} is not installed: {compare.INSTALL}")
    answer = compare.answer(compare.HERE / f"{script}.py", str(CROWD), "72")
    crowd = {borrower.name: borrower for borrower in crash.borrowers(CROWD)}
    found = crash.expected(list(crowd.values()), 72)
    prices = crash.told(72)
    short = sum(
        crash.settle(crowd[who].collateral, crowd[who].debt, prices[step - 1]).shortfall
        for step, who in found
    )
    assert (answer["liquidated"], answer["liquidated_digest"]) == (len(found), crash.digest(found))
    assert answer["shortfall"] == short == sum(answer[tier] for tier in ("insurance", "stakers", "haircut"))


def test_the_watchlist_finds_whom_the_plain_loop_finds(peers: Peers) -> None:
    """Mixed accounts in a real pool: the watchlist finds each at the very step that the integers say."""
    compare, mixed, crash = peers("compare"), peers("mixed_workload"), peers("workload")
    left, found = mixed.accounts(CROWD), []
    for step, (_, prices) in enumerate(mixed.mixed_prices(36), 1):
        unsafe = {account.name: None for account in left if mixed.is_unsafe(account, prices)}
        found += [(step, name) for name in unsafe]
        left = [account for account in left if account.name not in unsafe]
    answer = compare.answer(compare.MIXED, str(CROWD), "36")
    assert (answer["liquidated"], answer["liquidated_digest"]) == (len(found), crash.digest(found))
    assert len(found) > CROWD // 10


def test_a_peer_that_is_not_installed_is_named(peers: Peers) -> None:
    """Who is missing is skipped by name, with the command that installs him."""
    row = peers("compare").ROWS[0]._replace(package="no_such_peer")
    with pytest.raises(peers("compare").Unavailable, match=r"no_such_peer is not installed.*bench-peers"):
        peers("compare").compare(row, 10, 1)


def test_a_peer_that_disagrees_is_told(peers: Peers) -> None:
    """No ratio comes out of a run in which the two liquidated different borrowers."""
    compare = peers("compare")
    own = {"liquidated": 2, "liquidated_digest": "a"}
    with pytest.raises(AssertionError, match="mesa-minutely: mutualize says"):
        compare.require_agreement(compare.ROWS[0], own, {**own, "liquidated_digest": "b"})


def test_a_script_that_fails_says_why(peers: Peers) -> None:
    """The words of a script that failed are passed on."""
    compare = peers("compare")
    with pytest.raises(RuntimeError, match="invalid int value: 'many'"):
        compare.answer(compare.MIXED, "many", "36")


def test_a_row_that_misses_its_target_says_so(peers: Peers) -> None:
    """A ratio below the target, or too much memory, is marked in the table and in the facts."""
    compare = peers("compare")
    row = compare.ROWS[1]
    good = compare.Compared(row, 10, 1, 1.0, row.faster, 20, 100, {}, {})
    slow, fat = good._replace(own_s=1.01), good._replace(own_memory_mib=21)
    assert [found.holds for found in (good, slow, fat)] == [True, False, False]
    assert ["MISSED" in compare.line(found) for found in (good, slow, fat)] == [False, True, True]
    assert [found.facts()["holds"] for found in (good, slow, fat)] == [True, False, False]


def test_rows_that_cannot_be_measured_are_printed(
    peers: Peers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table has a line for every row, and tells of each that was skipped why it was."""
    compare = peers("compare")
    monkeypatch.setattr(compare, "ROWS", [row._replace(package="no_such_peer") for row in compare.ROWS])
    assert compare.main(["--positions", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(compare.ROWS)
    assert all("no_such_peer is not installed" in line for line in lines[1:])
