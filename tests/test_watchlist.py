"""Who can be liquidated now: the index against a visit to everybody."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mutualize.commands import (
    ALL,
    Command,
    Liquidate,
    ListReserve,
    OpenPosition,
    PublishPrice,
    Repay,
    SetParameter,
    Supply,
    Withdraw,
)
from mutualize.events import Cell, Entry, ParameterChanged
from mutualize.loss_commands import ReportLoss
from mutualize.protocol import Protocol, Receipt
from mutualize.randomness import Stream
from mutualize.tier import Tier
from mutualize.units import RAY, WAD
from mutualize.venues.lending import PoolLending
from mutualize.venues.outside import Feed
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules
from mutualize.watchlist import Watchlist
from mutualize.waterfall import Waterfall

DECIMALS = {"USDC": 6, "ETH": 18, "CRV": 18, "BTC": 8, "ODD": 0, "FINE": 27}
PRICES = {"USDC": 1, "ETH": 1_000, "CRV": 1, "BTC": 20_000, "ODD": 7, "FINE": 3}


class Pages:
    """A journal that keeps nothing."""

    def append(self, entries: Sequence[Entry]) -> bool:
        return not entries

    def close_batch(self) -> None:
        pass

    def seal(self, state: str, status: str = "complete") -> str:
        return f"{status} {state}"


class Rig:
    """A pool with all assets listed and priced, and a watchlist beside it."""

    def __init__(
        self,
        rules: PoolRules | None = None,
        assets: Sequence[str] = tuple(DECIMALS),
        tiers: Sequence[Tier] = (),
    ) -> None:
        self.pool = Pool("aave", assets, rules)
        waterfalls = [Waterfall(self.pool.cover(), tiers)] if tiers else []
        self.protocol = Protocol([self.pool, Feed()], Pages(), reactors=waterfalls)
        self.list = Watchlist(PoolLending(self.pool))
        self.protocol.observe(self.list.observe)
        self.at = 0
        for asset in assets:
            terms = {"decimals": DECIMALS[asset], "ltv": 7_000, "threshold": 8_000, "bonus": 10_500}
            terms |= {"optimal": 8_000, "slope1": 400, "slope2": 6_000, "reserve_factor": 1_000}
            self.do(
                ListReserve(venue="aave", account="governance", asset=asset, parameters=tuple(terms.items()))
            )
            self.price(asset, PRICES[asset] * 10**8)

    def do(self, *commands: Command) -> Receipt:
        return self.protocol.submit(*commands, at=self.at)

    def must(self, *commands: Command) -> None:
        receipt = self.do(*commands)
        assert receipt, receipt.refused

    def price(self, asset: str, price: int) -> None:
        self.do(PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price))

    def supply(self, account: str, asset: str, amount: int) -> None:
        self.must(Supply(venue="aave", account=account, asset=asset, amount=amount))

    def open(self, account: str, amount: int, debt: int) -> None:
        """Open a position of ETH against USDC."""
        command = OpenPosition(
            venue="aave",
            account=account,
            collateral="ETH",
            collateral_amount=amount,
            debt="USDC",
            debt_amount=debt,
        )
        self.must(command)

    def write(self, *cells: Cell) -> None:
        """Put cells into the book as they are, past all rules, to reach corners quickly."""
        event = ParameterChanged(venue="aave", asset="", name="", before=0, after=0, cells=cells)
        book = self.protocol.book
        entry = Entry(book.seq, self.at, book.seq, None, event)
        book.apply(entry)
        self.list.observe(entry)

    def everybody(self, level: int = WAD) -> list[tuple[int, str]]:
        """Visit everybody: what the index has to equal."""
        found = []
        for account, flags in self.protocol.book.table("aave.flags").items():
            if any(holds for _, holds, _ in self.pool.bits.used(flags)):
                factor = self.pool.health(self.protocol.book, account, self.at).factor
                if factor < level:
                    found.append((factor, account))
        return sorted(found)

    def agrees(self, level: int = WAD) -> int:
        """Compare the index with everybody; return how many were found."""
        names = self.list.unsafe(self.protocol.book, self.at, level)
        found = self.list.ranked(self.protocol.book, self.at, level)
        assert found == self.everybody(level)
        assert sorted(names) == sorted(name for _, name in found)
        return len(found)


# --- stories ---------------------------------------------------------------------------------------------


def test_most_unsafe_first_and_ties_by_name() -> None:
    """Whoever is deepest under water stands first; equals stand in the order of their names."""
    rig = Rig()
    rig.supply("lender", "USDC", 10**12)
    for name, debt in (("b", 700), ("c", 600), ("a", 700), ("safe", 100)):
        rig.open(name, 10**18, debt * 10**6)
    assert rig.list.candidates(rig.protocol.book, 0) == []
    rig.price("ETH", 740 * 10**8)
    assert rig.list.candidates(rig.protocol.book, 0) == ["a", "b", "c"]


def test_a_price_that_crosses_nobody_costs_nothing() -> None:
    """Thousands of positions, a falling price: only those whose line is crossed are looked at."""
    rig = Rig()
    rig.supply("lender", "USDC", 10**15)
    count = 2_000
    for i in range(count):
        rig.open(f"b-{i:04}", 10**18, (300 * 10**6) + i * 200_000)
    rig.list.candidates(rig.protocol.book, 0)
    assert rig.list.placed == count
    for price in range(999, 874, -1):
        rig.price("ETH", price * 10**8)
        assert rig.list.candidates(rig.protocol.book, 0) == []
    assert (rig.list.placed, rig.list.screened) == (count, 0)
    rig.price("ETH", 870_03 * 10**6)
    found = rig.list.unsafe(rig.protocol.book, 0)
    assert rig.list.screened <= 3, "who is clearly over the bar is not looked at"
    assert len(found) == rig.agrees()
    assert 10 < len(found) < 30


def test_one_change_draws_one_line() -> None:
    """When one of many positions changes, one line is drawn, and the old one is found when it is crossed."""
    rig = Rig()
    rig.supply("lender", "USDC", 10**15)
    for i in range(500):
        rig.open(f"b-{i:03}", 10**18, 600 * 10**6 + i)
    rig.list.candidates(rig.protocol.book, 0)
    before = rig.list.placed
    rig.must(Repay(venue="aave", account="b-250", asset="USDC", amount=300 * 10**6))
    rig.list.candidates(rig.protocol.book, 0)
    assert rig.list.placed == before + 1
    rig.price("ETH", 700 * 10**8)
    assert rig.agrees() == 499


def test_who_pays_back_is_watched_no_more() -> None:
    """A repaid position is nobody's candidate, and neither is a mere depositor."""
    rig = Rig()
    rig.supply("lender", "USDC", 10**12)
    rig.open("anna", 10**18, 700 * 10**6)
    rig.must(Repay(venue="aave", account="anna", asset="USDC", amount=ALL))
    rig.price("ETH", 1)
    assert rig.list.candidates(rig.protocol.book, 0) == []


def test_debt_without_collateral_is_no_candidate() -> None:
    """Under the rules of 2022 debt may stay after all collateral is gone: nobody can be liquidated there."""
    rig = Rig(PoolRules(recognition="never", dust_rule=False, close_factor="full"))
    rig.supply("lender", "USDC", 10**12)
    rig.open("anna", 10**18, 700 * 10**6)
    rig.price("ETH", 500 * 10**8)
    assert rig.list.candidates(rig.protocol.book, 0) == ["anna"]
    rig.must(Liquidate(venue="aave", account="keeper", borrower="anna", collateral="ETH", debt="USDC"))
    assert rig.pool.debt(rig.protocol.book, "anna", "USDC", 0) > 0
    assert rig.list.candidates(rig.protocol.book, 0) == []


def test_a_margin_call_is_a_second_level() -> None:
    """The same lines answer for any health factor, whatever was asked before."""
    rig = Rig()
    rig.supply("lender", "USDC", 10**12)
    rig.open("anna", 10**18, 700 * 10**6)
    rig.open("bert", 10**18, 600 * 10**6)
    rig.price("ETH", 900 * 10**8)
    assert rig.list.candidates(rig.protocol.book, 0) == []
    assert rig.list.candidates(rig.protocol.book, 0, 105 * WAD // 100) == ["anna"]
    assert rig.list.candidates(rig.protocol.book, 0, 130 * WAD // 100) == ["anna", "bert"]
    assert rig.list.candidates(rig.protocol.book, 0) == []


def test_interest_alone_can_cross_a_line() -> None:
    """Time moves the market and not the lines: a position at the edge is unsafe a year later."""
    rig = Rig()
    rig.supply("lender", "USDC", 1_000 * 10**6)
    rig.open("anna", 10**18, 799 * 10**6)
    assert rig.list.candidates(rig.protocol.book, 0) == []
    assert rig.list.candidates(rig.protocol.book, 30 * 86_400) == ["anna"]
    assert rig.list.placed <= 2


def test_a_haircut_makes_others_unsafe() -> None:
    """A claim index that falls is the one way in which another's loss makes a healthy borrower unsafe."""
    rig = Rig()
    rig.supply("lender", "USDC", 10**12)
    rig.open("anna", 10**18, 700 * 10**6)
    waves = rig.list.waves
    assert rig.agrees() == 0
    rig.write(Cell("aave.ETH", "liquidity_index", RAY * 8 // 10))
    assert rig.agrees() == 1
    assert rig.list.waves == waves + 1


def test_a_loss_that_debtors_bear_moves_all_who_owe() -> None:
    """A redistribution raises what everybody owes, so it may make any of them unsafe."""
    rig = Rig(tiers=[Tier(name="debtors", payer="loans")])
    rig.supply("lender", "USDC", 10**9)
    rig.open("anna", 10**18, 790 * 10**6)
    waves = rig.list.waves
    assert rig.agrees() == 0
    theft = ReportLoss(venue="aave", account="thief", loss="theft", asset="USDC", amount=20 * 10**6)
    rig.must(theft)
    assert rig.list.waves == waves + 1
    assert rig.agrees() == 1


def test_only_members_are_watched() -> None:
    """A watchlist of a few does not look at the others."""
    rig = Rig()
    mine = Watchlist(PoolLending(rig.pool), members=lambda name: name.startswith("a"))
    rig.protocol.observe(mine.observe)
    rig.supply("lender", "USDC", 10**12)
    rig.open("anna", 10**18, 700 * 10**6)
    rig.open("bert", 10**18, 700 * 10**6)
    rig.price("ETH", 500 * 10**8)
    assert mine.candidates(rig.protocol.book, 0) == ["anna"]
    assert mine.placed == 1


def mixed(rig: Rig, account: str, held: dict[str, int], owed: dict[str, int]) -> None:
    """Write a position of several assets, in whole tokens."""
    flags, cells = 0, []
    for asset, tokens in held.items():
        flags = rig.pool.bits.with_collateral(flags, asset, on=True)
        cells.append(Cell(f"aave.{asset}.supply", account, tokens * 10 ** DECIMALS[asset]))
    for asset, tokens in owed.items():
        flags = rig.pool.bits.with_debt(flags, asset, on=True)
        cells.append(Cell(f"aave.{asset}.debt", account, tokens * 10 ** DECIMALS[asset]))
    rig.write(*cells, Cell("aave.flags", account, flags))


def test_assets_that_fall_together_wake_nobody_before_his_time() -> None:
    """Two collaterals that halve with the debt's price leave a position asleep."""
    rig = Rig()
    mixed(rig, "anna", {"ETH": 10, "BTC": 1}, {"CRV": 12_000})
    assert rig.agrees() == 0
    for factor in (90, 70, 50):
        for asset in ("ETH", "BTC", "CRV"):
            rig.price(asset, PRICES[asset] * 10**6 * factor)
        assert rig.agrees() == 0
    assert (rig.list.placed, rig.list.looks) == (1, 0)


def test_who_wakes_healthy_sleeps_until_his_next_stop() -> None:
    """Half of the collateral falls: its holder wakes, is healthy, and the same again costs nothing."""
    rig = Rig()
    mixed(rig, "anna", {"ETH": 10, "USDC": 10_000}, {"CRV": 8_790})
    assert rig.agrees() == 0
    placed = []
    for price in (600, 520, 400, 399, 300, 299, 100):
        rig.price("ETH", price * 10**8)
        assert rig.agrees() == 0
        placed.append(rig.list.placed)
    assert placed == [1, 2, 2, 2, 3, 3, 4]
    assert list(rig.list._near) == ["anna"], "a thousandth above the line"
    rig.price("ETH", 1_000 * 10**8)
    assert rig.agrees() == 0
    assert rig.list._near == {}, "who has recovered sleeps again"
    assert (rig.list.placed, rig.list.references) == (5, 0)


def test_who_is_near_is_looked_at_each_time() -> None:
    """A mixed position a hair above the line does not sleep, and one of a single pair does."""
    rig = Rig()
    mixed(rig, "anna", {"ETH": 5, "USDC": 5_000}, {"CRV": 7_999})
    mixed(rig, "bert", {"ETH": 10}, {"CRV": 7_999})
    for _ in range(5):
        assert rig.agrees() == 0
    assert list(rig.list._near) == ["anna"]
    rig.price("CRV", 10**8 + 10**5)
    assert rig.agrees() == 2
    assert rig.list.screened == 2, "both were evaluated to rank them, and nobody to find them"


def test_debt_that_becomes_worth_something_again_wakes() -> None:
    """A debt without a price, and collateral without one, wake their owner as soon as they have one."""
    rig = Rig()
    mixed(rig, "anna", {"ETH": 1, "BTC": 1}, {"CRV": 20_000})
    rig.price("CRV", 0)
    rig.price("BTC", 0)
    assert rig.agrees() == 0
    rig.price("CRV", 1)
    assert rig.agrees() == 0
    rig.price("CRV", 10**8)
    assert rig.agrees() == 1
    rig.price("BTC", 60_000 * 10**8)
    assert rig.agrees() == 0


def test_a_watchlist_that_comes_late_finds_who_is_there() -> None:
    """Whoever was there before a watchlist began to observe is watched like the others, if he is a member."""
    rig = Rig()
    mixed(rig, "anna", {"ETH": 1}, {"USDC": 900})
    mixed(rig, "bert", {"ETH": 1}, {"USDC": 900})
    late = Watchlist(PoolLending(rig.pool), members=lambda name: name == "anna")
    assert late.unsafe(rig.protocol.book, 0) == ["anna"]


def test_a_missing_price_is_no_error() -> None:
    """A reserve that has no price yet has nobody who could be liquidated."""
    rig = Rig(assets=["USDC", "ETH"])
    pool = Pool("aave", ["USDC", "ETH"])
    book = Protocol([pool], Pages()).book
    assert Watchlist(PoolLending(pool)).candidates(book, 0) == []
    assert rig.list.candidates(rig.protocol.book, 0) == []


def test_old_stops_are_thrown_away() -> None:
    """A position that changes again and again leaves few stops behind."""
    rig = Rig()
    rig.supply("lender", "USDC", 10**15)
    rig.open("anna", 10**18, 300 * 10**6)
    for _ in range(1_000):
        rig.must(Repay(venue="aave", account="anna", asset="USDC", amount=1_000))
        rig.list.candidates(rig.protocol.book, 0)
    assert len(rig.list._stops) < 100
    rig.price("ETH", 300 * 10**8)
    assert rig.agrees() == 1


# --- against everybody -----------------------------------------------------------------------------------


def amount(stream: Stream, asset: str, value: int) -> int:
    """Draw an amount worth up to about `value`: sometimes a few units, sometimes a round figure."""
    most = max(1, value * 10 ** DECIMALS[asset] // PRICES[asset])
    drawn: int = stream.choice([1, 2, most, stream.below(most) + 1, stream.below(most) + 1])
    return drawn


def populate(rig: Rig, stream: Stream, count: int, kinds: int) -> None:
    """Write positions of any kind: one to `kinds` collaterals, one to `kinds` debts, dust among them."""
    assets = list(DECIMALS)
    for asset in assets:
        indexes = (RAY + stream.below(RAY), RAY + stream.below(RAY))
        rig.write(
            Cell(f"aave.{asset}", "liquidity_index", indexes[0]),
            Cell(f"aave.{asset}", "borrow_index", indexes[1]),
            Cell(f"aave.{asset}", "debt_scaled", 1),
            Cell(f"aave.{asset}", "borrow_rate", stream.below(RAY)),
        )
    for i in range(count):
        cells, flags, name = [], 0, f"p-{i:03}"
        value = 10 ** stream.below(8)
        held = stream.shuffled(assets)[: 1 + stream.below(kinds)]
        owed = stream.shuffled(assets)[: 1 + stream.below(kinds)]
        for asset in held:
            flags = rig.pool.bits.with_collateral(flags, asset, on=True)
            cells.append(Cell(f"aave.{asset}.supply", name, amount(stream, asset, value)))
        for asset in owed:
            flags = rig.pool.bits.with_debt(flags, asset, on=True)
            cells.append(Cell(f"aave.{asset}.debt", name, amount(stream, asset, value) // 3 + 1))
        rig.write(*cells, Cell("aave.flags", name, flags))


def disturb(rig: Rig, stream: Stream) -> None:
    """Move the world a little or a lot: prices (to nothing, too), thresholds, haircuts, positions, time."""
    asset = stream.choice(list(DECIMALS))
    what = stream.below(10)
    if what < 6:
        before = rig.protocol.book.cell("oracle", asset)
        factor = stream.choice([50, 90, 97, 99, 100, 101, 110, 200])
        rig.price(asset, stream.choice([before * factor // 100] * 8 + [0, 1, 10**14, PRICES[asset] * 10**8]))
    elif what == 6:
        rig.write(Cell(f"aave.{asset}", "threshold", stream.choice([0, 1, 5_000, 8_000, 9_500])))
    elif what == 7:
        index = rig.protocol.book.cell(f"aave.{asset}", "liquidity_index")
        rig.write(Cell(f"aave.{asset}", "liquidity_index", index * (1 + stream.below(10_000)) // 10_000))
    elif what == 8:
        name = f"p-{stream.below(60):03}"
        cells = [
            Cell(f"aave.{asset}.supply", name, amount(stream, asset, 10**4)),
            Cell(f"aave.{asset}.debt", name, amount(stream, asset, 10**3)),
            Cell("aave.flags", name, stream.choice([0, 1, 2, 3, stream.bits(12)])),
        ]
        rig.write(*cells)
    else:
        rig.at += stream.choice([1, 3_600, 86_400, 31_536_000])


@pytest.mark.parametrize("kinds", [1, 2, 4])
def test_the_index_equals_a_visit_to_everybody(kinds: int) -> None:
    """After every disturbance, at two levels, the index finds exactly whom a visit to everybody finds."""
    found = empty = references = changed = 0
    for seed in range(6):
        rig, stream = Rig(), Stream(seed, f"watchlist-{kinds}")
        populate(rig, stream, 60, kinds)
        before = -1
        for _ in range(40):
            disturb(rig, stream)
            now = rig.agrees()
            rig.agrees(WAD + stream.below(WAD))
            found, empty, changed = found + now, empty + (now == 0), changed + (now != before)
            before = now
        references += rig.list.references
    assert found > 500, "unsafe positions were found, and many"
    assert changed > 50, "their number changed all the time"
    assert references > 0, "prices fell so far that a new reference was taken"


def bring_near(rig: Rig, stream: Stream) -> None:
    """Give everybody so much collateral that his health is between 1.01 and 1.6, but for rounding."""
    for name in list(rig.protocol.book.table("aave.flags")):
        factor, wanted = rig.pool.health(rig.protocol.book, name, rig.at).factor, stream.between(101, 160)
        tables = [f"aave.{asset}.supply" for asset in DECIMALS]
        held = [(table, rig.protocol.book.cell(table, name)) for table in tables]
        rig.write(
            *[Cell(table, name, 1 + has * wanted * 10**16 // (factor or WAD)) for table, has in held if has]
        )


def walk(rig: Rig, stream: Stream, *, down: bool) -> None:
    """Let all prices go the same way for an hour, each by something more or less, but for the stable one."""
    common = stream.between(970, 1_000) if down else stream.between(1_000, 1_031)
    for asset in list(DECIMALS)[1:]:
        before = rig.protocol.book.cell("oracle", asset)
        rig.price(asset, max(1, before * common * stream.between(990, 1_010) // 1_000_000))
    rig.at += 3_600


@pytest.mark.parametrize("kinds", [1, 3])
def test_a_crowd_that_walks_up_and_down(kinds: int) -> None:
    """Small steps of all prices, with interest, down and up again: few are looked at, and all are found."""
    reached = {"found": 0, "recovered": 0, "woken in vain": 0, "near": 0, "within rounding": 0, "drifts": 0}
    weighed = 0
    for seed in range(3):
        rig, stream = Rig(), Stream(seed, f"walk-{kinds}")
        populate(rig, stream, 60, kinds)
        bring_near(rig, stream)
        before, watched = rig.agrees(), rig.list
        for step in range(80):
            walk(rig, stream, down=step % 40 < 20)
            if step == 60:
                rig.price("FINE", 20 * rig.protocol.book.cell("oracle", "FINE"))
            asleep, drifts, screened = dict(watched._stops._since), watched.references, watched.screened
            placed, looks = watched.placed, watched.looks
            found = len(watched.unsafe(rig.protocol.book, rig.at))
            reached["found"] += found
            reached["recovered"] += found < before
            reached["near"] += watched.looks - looks - found
            reached["within rounding"] += watched.screened - screened
            reached["drifts"] += watched.references - drifts
            if watched.references == drifts:
                still = watched._stops._since
                reached["woken in vain"] += sum(
                    still.get(name, left) != left for name, left in asleep.items()
                )
                weighed += watched.placed - placed
            before = rig.agrees()
            assert before == found
    assert weighed < 3 * 80 * 60 // 20, "who is neither near nor found is left alone"
    if kinds == 1:
        assert reached.pop("woken in vain") == 0, "the stop of a single pair is exact"
    assert min(reached.values()) > 2, reached


def test_play_by_the_rules_agrees_too() -> None:
    """Deposits, loans, repayments and liquidations by the pool's own verbs, in a crash, with shortfalls."""
    reached = {"found": 0, "liquidated": 0, "shortfalls": 0, "repaid": 0}
    for seed in range(6):
        rig, stream = Rig(), Stream(seed, "verbs")
        rig.supply("lender", "USDC", 10**14)
        for i in range(40):
            rig.open(f"b-{i:02}", 10**18, stream.between(300, 790) * 10**6)
        price = 1_000
        for _ in range(40):
            price = price * stream.choice([93, 97, 99, 103]) // 100
            rig.price("ETH", price * 10**8)
            rig.at += 3_600
            reached["found"] += rig.agrees()
            for name in rig.list.candidates(rig.protocol.book, rig.at)[: stream.below(4)]:
                receipt = rig.do(
                    Liquidate(venue="aave", account="keeper", borrower=name, collateral="ETH", debt="USDC")
                )
                reached["liquidated"] += bool(receipt)
                reached["shortfalls"] += any("Shortfall" in type(e.event).__name__ for e in receipt.entries)
            name = f"b-{stream.below(40):02}"
            reached["repaid"] += bool(
                rig.do(Repay(venue="aave", account=name, asset="USDC", amount=stream.below(400) * 10**6))
            )
            rig.do(Withdraw(venue="aave", account=name, asset="ETH", amount=stream.below(10**18)))
            rig.agrees()
    assert min(reached.values()) > 15, reached


def test_thresholds_set_by_governance_move_everybody() -> None:
    """A lower liquidation threshold makes safe positions unsafe without any price."""
    rig = Rig()
    rig.supply("lender", "USDC", 10**12)
    rig.open("anna", 10**18, 700 * 10**6)
    assert rig.agrees() == 0
    rig.must(SetParameter(venue="aave", account="governance", asset="ETH", name="threshold", value=6_900))
    assert rig.agrees() == 1
