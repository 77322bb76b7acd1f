"""What a liquidation costs, and a shortfall that goes through three tiers, however many bear it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from mutualize.book import Book
from mutualize.commands import (
    Command,
    ContributeToFund,
    Liquidate,
    ListReserve,
    OpenPosition,
    PublishPrice,
    RecogniseShortfall,
    Stake,
    Supply,
)
from mutualize.events import (
    Accrued,
    Cell,
    Entry,
    Liquidated,
    LossAbsorbed,
    LossAllocated,
    ParameterChanged,
    ShortfallRecognised,
    Slashed,
)
from mutualize.ledger import MemoryLedger, header
from mutualize.protocol import Planned, Protocol
from mutualize.staking import StakePool
from mutualize.tier import Tier
from mutualize.units import WAD
from mutualize.venues.outside import Feed
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules
from mutualize.waterfall import Waterfall

USDC = 10**6
ETH = 10**18
TERMS = {"ltv": 7_000, "threshold": 8_000, "bonus": 10_500, "optimal": 9_000, "slope1": 400, "slope2": 6_000}
HOLDERS = [10, 10_000, pytest.param(1_000_000, marks=pytest.mark.slow)]
HOUR_S = 3_600
RECOGNISE = RecogniseShortfall(venue="pool", account="governance", borrower="ann", asset="USDC")
CELLS = 13
"""How many cells the three tiers write."""


class CountingBook(Book):
    """A book that counts how many cells and balances are looked at."""

    reads = 0

    def debits(self, account: str, asset: str) -> int:
        CountingBook.reads += 1
        return super().debits(account, asset)

    def cell(self, table: str, key: str, default: int = 0) -> int:
        CountingBook.reads += 1
        return super().cell(table, key, default)

    def has(self, table: str, key: str) -> bool:
        CountingBook.reads += 1
        return super().has(table, key)

    def table(self, name: str) -> Mapping[str, int]:
        cells = super().table(name)
        CountingBook.reads += len(cells)
        return cells


class Rig:
    """A pool with lenders, stakers, a fund, and ann, who owes 100,000 USDC against 100 ETH at 2,000."""

    def __init__(self, recognition: str) -> None:
        self.pool = Pool("pool", ("ETH", "USDC"), PoolRules(recognition=recognition))
        stake = StakePool("pool", "stakers", "USDC")
        tiers = [
            Tier(name="insurance-fund", payer="fund"),
            Tier(name="stakers", payer="stake", stake="stakers", limit=3 * WAD // 10),
            Tier(name="haircut", payer="claims"),
        ]
        waterfall = Waterfall(self.pool.cover(), tiers, stakes={"stakers": stake})
        ledger = MemoryLedger(header("00" * 32, 1, "0", "0"))
        self.protocol = Protocol([self.pool, stake, Feed()], ledger, reactors=[waterfall])
        self.protocol.book = CountingBook()
        for asset, decimals in (("ETH", 18), ("USDC", 6)):
            terms = tuple({**TERMS, "decimals": decimals}.items())
            self.do(ListReserve(venue="pool", account="governance", asset=asset, parameters=terms))
        self.price("ETH", 2_000)
        self.price("USDC", 1)
        self.do(Supply(venue="pool", account="lender", asset="USDC", amount=1_000_000 * USDC))
        self.do(Stake(venue="pool.stake.stakers", account="backer", stake="stakers", assets=50_000 * USDC))
        fund = {"tier": "insurance-fund", "asset": "USDC", "amount": 20_000 * USDC}
        self.do(ContributeToFund(venue="pool", account="treasury", **fund))  # type: ignore[arg-type]
        owes = {"debt": "USDC", "debt_amount": 100_000 * USDC}
        has = {"collateral": "ETH", "collateral_amount": 100 * ETH}
        self.do(OpenPosition(venue="pool", account="ann", **has, **owes))  # type: ignore[arg-type]

    def do(self, command: Command, at: int = 0) -> None:
        """Carry a command out, which must not be refused."""
        receipt = self.protocol.submit(command, at=at)
        assert receipt, receipt.refused

    def price(self, asset: str, money: int) -> None:
        """Tell a price in whole units of money."""
        price = money * 10**8
        self.do(PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price))

    def spread(self, table: str, owner: str, holders: int) -> None:
        """Hand what one has out among so many, as if each had come alone."""
        book = self.protocol.book
        each, rest = divmod(book.cell(table, owner), holders)
        cells = [Cell(table, f"{owner}-{number}", each) for number in range(holders)]
        self.write(Cell(table, owner, rest), *cells)

    def write(self, *cells: Cell) -> None:
        """Put cells into the book as they are."""
        book = self.protocol.book
        event = ParameterChanged(venue="pool", asset="", name="", before=0, after=0, cells=cells)
        book.apply(Entry(book.seq, 0, book.seq, None, event))

    def liquidation(self) -> Liquidate:
        """Return the command that liquidates ann as far as the rules allow."""
        return Liquidate(venue="pool", account="keeper", borrower="ann", collateral="ETH", debt="USDC")


def kinds(planned: Sequence[Planned]) -> list[type]:
    """Return of which kind the planned events are."""
    return [type(plan.event) for plan in planned]


def note(benchmark: Any, events: int) -> None:
    """Keep beside the figures what was done, and how much of it in a second."""
    benchmark.extra_info["events"] = events
    if benchmark.stats:  # there are none where benchmarks are only run as tests
        benchmark.extra_info["events_per_s"] = round(events / benchmark.stats.stats.min)


def test_liquidation(benchmark: Any) -> None:
    """Decide a liquidation an hour later: two accruals, half of the debt for collateral at a bonus."""
    rig = Rig("at-zero-collateral")
    rig.price("ETH", 1_249)
    command = rig.liquidation()
    planned = benchmark(rig.protocol.plan, command, at=HOUR_S)
    assert kinds(planned) == [Accrued, Accrued, Liquidated]
    done = planned[-1].event
    assert isinstance(done, Liquidated)
    assert (done.paid, done.seized, done.fee) == (50_000_025_368, 42_033_648_227_702_161_728, 0)
    note(benchmark, len(planned))


def shortfall(holders: int) -> Rig:
    """Return a pool in which ann owes what no collateral covers, with so many lenders and stakers."""
    rig = Rig("never")
    rig.price("ETH", 100)
    rig.do(rig.liquidation())
    rig.spread("pool.USDC.supply", "lender", holders)
    rig.spread("pool.stake.stakers.shares", "backer", holders)
    return rig


def absorb(rig: Rig) -> tuple[list[Planned], int]:
    """Return what follows from recognising the shortfall, and how much of the book was looked at for it."""
    CountingBook.reads = 0
    return rig.protocol.plan(RECOGNISE, at=0), CountingBook.reads


@pytest.mark.parametrize("holders", HOLDERS)
def test_absorb(benchmark: Any, holders: int) -> None:
    """A shortfall empties the fund, slashes the stakers, and marks all lenders down: nobody is visited."""
    planned, reads = benchmark(absorb, shortfall(holders))
    assert kinds(planned) == [
        ShortfallRecognised,
        *(LossAllocated, LossAbsorbed),
        *(LossAllocated, Slashed, LossAbsorbed),
        *(LossAllocated, LossAbsorbed),
    ]
    paid = [plan.event.amount for plan in planned if isinstance(plan.event, LossAbsorbed)]
    assert paid == [20_000 * USDC, 15_000 * USDC, 55_476_190_476]
    assert (planned, reads) == absorb(shortfall(1)), "as many holders as there are, the cost is the same"
    assert sum(len(plan.event.cells) for plan in planned) == CELLS
    note(benchmark, len(planned))
    benchmark.extra_info.update(holders=holders, reads=reads)
