"""Projections on the real pool: what a ledger says about who paid, who lost and who gained."""

from __future__ import annotations

from math import isqrt

import pytest

from mutualize.commands import (
    ALL,
    Borrow,
    Command,
    EliminateDeficit,
    Liquidate,
    ListReserve,
    OpenPosition,
    PayGas,
    PublishPrice,
    Repay,
    Supply,
    Trade,
    TransferClaims,
    Withdraw,
)
from mutualize.events import (
    Cell,
    ClaimWaiting,
    Entry,
    Event,
    LossAbsorbed,
    RefusalsCounted,
    TransactionFailed,
    gas,
)
from mutualize.points import Discarded
from mutualize.projections.board import Board
from mutualize.projections.closing import closing
from mutualize.projections.frame import Frame, TierRow
from mutualize.projections.gains import UNKNOWN
from mutualize.projections.metrics import METRICS, ask
from mutualize.projections.pooling import Lottery, spread
from mutualize.projections.series import Series
from mutualize.protocol import Protocol, Receipt
from mutualize.randomness import Stream
from mutualize.units import PRICE_UNIT, RAY, WAD
from mutualize.venues.outside import Feed, Outside
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules

DECIMALS = {"USDC": 6, "ETH": 18, "CRV": 18}
USDC, ETH = 10**6, 10**18
ROLES = {"lender": "depositors", "debtor": "borrowers", "keeper": "liquidators"}


class Stage:
    """A pool with three reserves, prices of 1, 1,000 and 1, and a board that looks on."""

    def __init__(self, *, watch: tuple[str, ...] = (), rules: PoolRules | None = None) -> None:
        self.pool = Pool("aave", tuple(DECIMALS), rules)
        self.protocol = Protocol([self.pool, Feed(), Outside()], Discarded())
        tiers = (
            TierRow(venue="aave", tier="fund", payer="fund", holder="aave:tier:fund"),
            TierRow(venue="aave", tier="haircut", payer="claims", holder="aave:claims"),
        )
        money = {"ETH": "USDC", "CRV": "USDC"}
        self.board = Board(Frame(decimals=DECIMALS, money=money, roles=ROLES, watch=watch, tiers=tiers))
        self.entries: list[Entry] = []
        self.protocol.observe(self.entries.append)
        self.protocol.observe(self.board.take)
        self.at = 1_000
        for asset, price in {"USDC": 1, "ETH": 1_000, "CRV": 1}.items():
            terms = {"decimals": DECIMALS[asset], "ltv": 7_500, "threshold": 8_000, "bonus": 10_500}
            terms |= {"optimal": 8_000, "slope1": 400, "slope2": 6_000, "reserve_factor": 1_000}
            self.must(
                ListReserve(venue="aave", account="governance", asset=asset, parameters=tuple(terms.items()))
            )
            self.price(asset, price * PRICE_UNIT)

    def do(self, *commands: Command) -> Receipt:
        return self.protocol.submit(*commands, at=self.at)

    def must(self, *commands: Command) -> Receipt:
        receipt = self.do(*commands)
        assert receipt, receipt.refused
        return receipt

    def price(self, asset: str, price: int) -> None:
        self.must(PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price))

    def supply(self, account: str, asset: str, amount: int) -> None:
        self.must(Supply(venue="aave", account=account, asset=asset, amount=amount))

    def open(self, account: str, eth: int, usdc: int) -> None:
        self.must(
            OpenPosition(
                venue="aave",
                account=account,
                collateral="ETH",
                collateral_amount=eth * ETH,
                debt="USDC",
                debt_amount=usdc * USDC,
            )
        )

    def liquidate(self, borrower: str, *beside: Command, most: int = ALL, claims: bool = False) -> Receipt:
        return self.must(
            Liquidate(
                venue="aave",
                account="keeper-1",
                borrower=borrower,
                collateral="ETH",
                debt="USDC",
                debt_to_cover=most,
                receive_claims=claims,
            ),
            *beside,
        )

    def write(self, event: Event) -> None:
        """Take an event in as it is, past all rules."""
        entry = Entry(self.protocol.book.seq, self.at, self.protocol.book.seq, None, event)
        self.protocol.book.apply(entry)
        self.entries.append(entry)
        self.board.take(entry)

    def gain(self, account: str, asset: str) -> int:
        rows = self.board.gains.rows(closing(self.protocol.book, self.board.mirror))
        return sum(row.gain for row in rows if (row.account, row.asset) == (account, asset))

    def sums(self) -> dict[str, int]:
        rows = self.board.gains.rows(closing(self.protocol.book, self.board.mirror))
        return {asset: sum(row.gain for row in rows if row.asset == asset) for asset in DECIMALS}


def crash(mid: int = 490, brought: int = 1_900) -> Stage:
    """Ten lenders, two debtors, a fall to 500: both are liquidated, and their debt is not covered."""
    stage = Stage(watch=("debtor-1",))
    for number in range(10):
        stage.supply(f"lender-{number}", "USDC", 1_000 * USDC)
    stage.open("debtor-1", 4, 3_000)
    stage.open("debtor-2", 2, 1_000)
    stage.at += 3_600
    stage.price("ETH", 500 * PRICE_UNIT)
    stage.at += 60
    sale = Trade(
        venue="outside",
        account="keeper-1",
        sold="ETH",
        sold_amount=4 * ETH,
        bought="USDC",
        bought_amount=brought * USDC,
        place="exchange",
        mid=mid * PRICE_UNIT,
    )
    gas = PayGas(venue="outside", account="keeper-1", asset="ETH", amount=ETH // 100)
    stage.liquidate("debtor-1", sale, gas)
    return stage


# --- gains and losses ------------------------------------------------------------------------------------


def test_gains_and_losses_sum_to_zero_exactly() -> None:
    """After loans, interest, a liquidation with its sale and gas, and a shortfall, nothing is left over."""
    stage = crash()
    stage.at += 86_400
    stage.must(Withdraw(venue="aave", account="lender-3", asset="USDC", amount=ALL))
    stage.must(
        Repay(venue="aave", account="lender-3", asset="USDC", amount=7 * USDC, on_behalf_of="debtor-2")
    )
    assert stage.sums() == {"USDC": 0, "ETH": 0, "CRV": 0}
    assert stage.gain(UNKNOWN, "USDC") == stage.gain(UNKNOWN, "ETH") == 0


@pytest.mark.parametrize("seed", range(8))
def test_random_play_never_loses_sight_of_a_unit(seed: int) -> None:
    """Whatever three people do in a pool whose prices jump, each asset's gains and losses sum to zero."""
    stage, stream, done = Stage(), Stream(seed, "play"), 0
    for name in ("lender-1", "lender-2"):
        stage.supply(name, "USDC", 10_000 * USDC)
    names, assets = ("lender-1", "lender-2", "debtor-1", "keeper-1"), ("USDC", "ETH")
    for _ in range(150):
        stage.at += stream.below(50_000)
        who, asset = stream.choice(names), stream.choice(assets)
        size = stream.below(3_000 * USDC if asset == "USDC" else 5 * ETH)
        kind = stream.below(8)
        command: Command = Supply(venue="aave", account=who, asset=asset, amount=size)
        if kind == 1:
            command = Withdraw(venue="aave", account=who, asset=asset, amount=stream.choice((size, ALL)))
        elif kind in (2, 3):
            command = Borrow(venue="aave", account=who, asset=asset, amount=size)
        elif kind == 4:
            command = Repay(venue="aave", account=who, asset=asset, amount=size, on_behalf_of="debtor-1")
        elif kind == 5:
            command = TransferClaims(venue="aave", account=who, to="lender-1", asset=asset, amount=size)
        elif kind == 6:
            command = PublishPrice(
                venue="oracle",
                account="o",
                asset="ETH",
                price=(d := 300 + stream.below(1_500)) * 10**8,
                market=d,
            )
        elif kind == 7:
            command = Liquidate(
                venue="aave",
                account=who,
                borrower=stream.choice(names),
                collateral="ETH",
                debt="USDC",
                debt_to_cover=size,
                receive_claims=stream.chance(1, 2),
            )
        done += bool(stage.do(command))
        assert stage.sums() == {"USDC": 0, "ETH": 0, "CRV": 0}
    assert done > 40
    assert stage.gain(UNKNOWN, "USDC") == stage.gain(UNKNOWN, "ETH") == 0


def test_a_position_of_the_first_instant_is_had_at_the_start() -> None:
    """Opening a position moves no purse: it stands under 'opening', and the debtor has gained nothing yet."""
    stage = Stage()
    stage.supply("lender-1", "USDC", 5_000 * USDC)
    stage.open("debtor-1", 4, 3_000)
    rows = stage.board.gains.rows(closing(stage.protocol.book, stage.board.mirror))
    debtor = {row.asset: row for row in rows if row.account == "debtor-1"}
    assert (debtor["ETH"].opening, debtor["ETH"].flow, debtor["ETH"].gain) == (4 * ETH, 0, 0)
    assert (debtor["USDC"].opening, debtor["USDC"].flow, debtor["USDC"].gain) == (-3_000 * USDC, 0, 0)


def test_roles_come_from_the_names_of_populations() -> None:
    """A member has its population's role, a venue's account the role of its part, anybody else none."""
    frame = Frame(roles={**ROLES, "tier:safety": "stakers"})
    named = {
        "lender-0007": "depositors",
        "lender-x": "others",
        "aave:tier:fund": "funds",
        "aave:tier:safety": "stakers",
        "aave:residue": "residue",
        "market/exchange": "market",
        "miners": "miners",
        "stranger": "others",
    }
    assert {name: frame.role(name) for name in named} == named


# --- liquidations ----------------------------------------------------------------------------------------


def test_the_cost_of_a_liquidation_is_taken_apart_and_adds_up() -> None:
    """The bonus is fee, gap to the market, slippage, gas and profit, to the last unit of money."""
    stage = crash()
    (pair,) = stage.board.liquidations.pairs()
    seized_at_oracle, repaid = 4 * 500 * PRICE_UNIT, pair.paid * 100
    assert pair.bonus_value == seized_at_oracle - repaid
    assert pair.gap_value == 4 * 10 * PRICE_UNIT
    assert pair.slippage_value == (4 * 490 - 1_900) * PRICE_UNIT
    assert pair.gas_value == 5 * PRICE_UNIT
    assert pair.profit_value == 1_900 * PRICE_UNIT - repaid - 5 * PRICE_UNIT
    parts = (pair.fee_value, pair.gap_value, pair.slippage_value, pair.gas_value, pair.profit_value)
    assert sum(parts) == pair.bonus_value
    assert stage.board.liquidations.harmed() == {}, "the oracle was too high, which harms whoever seizes"


def test_who_was_liquidated_below_the_market_was_harmed() -> None:
    """Where the oracle says 500 and the market 600, four ETH cost their owner 400 more than the bonus."""
    stage = crash(mid=600, brought=2_350)
    assert stage.board.liquidations.harmed() == {"debtor-1": 4 * 100 * PRICE_UNIT}
    assert ask("harm").figure(stage.board) == 400 * PRICE_UNIT
    assert ask("harm.debtors").figure(stage.board) == 1


def test_what_positions_are_short_of_at_the_markets_prices_is_seen_whatever_the_oracle_says() -> None:
    """Four ETH against 3,000: at a market of 500 a thousand is missing, also where the oracle says 1,000."""
    stage = Stage(watch=("debtor-1", "debtor-2"))
    stage.supply("lender-1", "USDC", 10_000 * USDC)
    stage.open("debtor-1", 4, 3_000)
    stage.open("debtor-2", 4, 100)
    assert ask("underwater").figure(stage.board) == 0
    stage.must(
        PublishPrice(
            venue="oracle", account="oracle", asset="ETH", price=1_000 * PRICE_UNIT, market=500 * PRICE_UNIT
        )
    )
    assert ask("underwater").figure(stage.board) == 1_000 * PRICE_UNIT, "the other's surplus is his own"
    assert ask("ltv.debtor-1").figure(stage.board) == 75 * 10**16


def test_liquidations_know_their_first_and_last_moment() -> None:
    """Counts and moments follow the entries."""
    board = crash().board
    found = board.liquidations
    assert (found.count, found.first, found.last) == (1, 4_660, 4_660)
    assert ask("liquidations.first").figure(board) == 4_660
    assert Stage().board.liquidations.first is None


# --- tiers -----------------------------------------------------------------------------------------------


def test_who_hands_over_the_claims_is_who_paid_a_deficit() -> None:
    """The covering address burns the claims, but the payer beside the tiers is the one who gave them."""
    stage = crash()
    (short,) = stage.board.waterfalls.shortfalls()
    owed = stage.board.waterfalls.open(short)
    assert owed == short.amount > 0
    stage.must(
        Supply(venue="aave", account="treasury-dao", asset="USDC", amount=owed + 2),
        TransferClaims(venue="aave", account="treasury-dao", to="umbrella", asset="USDC", amount=owed + 1),
        EliminateDeficit(venue="aave", account="umbrella", asset="USDC", amount=owed),
    )
    assert short.tiers["treasury-dao"].covered == short.covered == owed
    assert stage.board.waterfalls.open(short) == 0
    assert short.order() == ("treasury-dao",)
    assert stage.sums()["USDC"] == 0


def test_a_shortfall_is_worth_two_things() -> None:
    """In money it stands at recognition and at settlement, each at the price of its moment."""
    stage = crash()
    (short,) = stage.board.waterfalls.shortfalls()
    assert short.recognised_value == short.amount * 100
    stage.price("USDC", PRICE_UNIT // 2)
    tier = short.tiers["fund"]
    stage.write(
        LossAbsorbed(
            venue="aave", asset="USDC", tier="fund", index=0, bearer="fund", amount=100, rest=0,
            paid_asset="ETH", paid=3, price=PRICE_UNIT // 2, paid_price=500 * PRICE_UNIT,
        )
    )  # fmt: skip
    assert (tier.covered, tier.paid, tier.holds) == (100, 3, "ETH")
    assert tier.settled_value == 100 * 50
    assert short.value_at_recognition(tier.covered) == 100 * 100


# --- pooling ---------------------------------------------------------------------------------------------


def test_a_haircut_is_felt_by_who_holds_at_that_moment() -> None:
    """Who left before loses nothing; who stays loses in proportion; nobody is visited for it."""
    stage = crash()
    stage.must(Withdraw(venue="aave", account="lender-0", asset="USDC", amount=ALL))
    index = stage.board.mirror.cell("aave.USDC", "liquidity_index")
    stage.write(
        LossAbsorbed(
            venue="aave", asset="USDC", tier="haircut", index=1, bearer="claims", amount=1, rest=0,
            paid_asset="USDC", paid=1, price=PRICE_UNIT, paid_price=PRICE_UNIT,
            cells=(Cell("aave.USDC", "liquidity_index", index - RAY // 100),),
        )
    )  # fmt: skip
    losses = stage.board.pooling.losses("aave", "USDC")
    claims = stage.board.mirror.balance("aave:claims", "USDC")
    deficit = stage.board.mirror.deficit("aave", "USDC")
    assert losses["lender-0"][1] == 0
    expected = 10 * USDC + (990 * USDC * deficit) // claims
    assert abs(losses["lender-1"][1] - expected) <= 2 * USDC // 100


def test_alone_each_lender_meets_his_own_borrowers() -> None:
    """Lending alone costs the same in the mean and far more in the spread."""
    lottery = Lottery({"good": 900, "bad": 100}, {"bad": 50})
    alone = [(100, lottery.lose(100, Stream(1, str(number)), 100)) for number in range(2_000)]
    assert lottery.size == 1_000
    found = spread(alone)
    assert abs(found.mean - 5 * WAD // 100) < WAD // 100
    assert found.lowest == 0
    assert found.highest == WAD // 2
    assert found.deviation == isqrt(sum((loss * WAD // 100 - found.mean) ** 2 for _, loss in alone) // 2_000)


def test_the_comparison_depends_on_seed_and_names_alone() -> None:
    """The same ledger gives the same comparison, and other seeds give others."""
    board = crash().board
    first, again = board.pooling.compare(1), board.pooling.compare(1)
    assert first == again
    assert first[0].pooled.holders == 10
    assert first[0].alone.total > 0


# --- time, refusals, prices ------------------------------------------------------------------------------


def test_time_is_a_loss() -> None:
    """A reserve that is lent out to the last unit counts its seconds, and so does everybody who waits."""
    stage = Stage()
    stage.supply("lender-1", "USDC", 1_000 * USDC)
    stage.open("debtor-1", 4, 1_000)
    stage.at += 600
    stage.write(ClaimWaiting(venue="aave", account="lender-1", asset="USDC", amount=400))
    stage.at += 400
    stage.must(Repay(venue="aave", account="debtor-1", asset="USDC", amount=500 * USDC))
    stage.write(ClaimWaiting(venue="aave", account="lender-1", asset="USDC", amount=0))
    stage.board.until(stage.at + 5_000)
    assert stage.board.waiting.usage["aave", "USDC"].full_s == 1_000
    queue = stage.board.waiting.queues["aave", "USDC"]
    assert (queue.holder_s, queue.unit_s, queue.most, queue.now) == (400, 160_000, 400, 0)


def test_refusals_are_counted_by_reason() -> None:
    """Those that cost nothing and those that cost gas stand apart."""
    stage = Stage()
    stage.write(RefusalsCounted(reason="POSITION_IS_HEALTHY", count=3))
    stage.write(TransactionFailed(reason="POSITION_IS_HEALTHY", transfers=gas("keeper-1", "ETH", 1)))
    stage.write(RefusalsCounted(reason="AMOUNT_IS_ZERO", count=1))
    assert stage.board.refusals.reasons() == [("POSITION_IS_HEALTHY", 3, 1), ("AMOUNT_IS_ZERO", 1, 0)]


def test_a_line_through_time_keeps_every_peak() -> None:
    """However many values there are, the line stays short, and a peak of one second is still on it."""
    series = Series(stretches_max=10)
    for at in range(10_000):
        series.add(at, 7 if at == 6_543 else 5)
    assert len(series.stretches) <= 10
    assert max(stretch.high for stretch in series.stretches) == 7
    assert series.maximum == (7, 6_543)
    assert (series.first, series.last) == ((5, 0), (5, 9_999))


def test_a_watched_account_is_followed_to_its_end() -> None:
    """Its debts, its loan to value before the last seizure, and the moment its collateral ran out."""
    stage = crash()
    watched = stage.board.positions.accounts["debtor-1"]
    assert watched.exhausted == 4_660
    assert watched.exhaustion_ltv is not None
    assert watched.exhaustion_ltv // (WAD // 1_000) == 1_500
    assert watched.seizures == 1
    assert ask("debt.debtor-1.USDC").figure(stage.board) == 0


def test_every_metric_has_a_figure_on_a_quiet_board() -> None:
    """No metric fails where nothing has happened."""
    words = {
        "<asset>": "USDC",
        "<account>": "debtor-1",
        "<tier>": "fund",
        "<auction>": "flip",
        "<REASON>": "AMOUNT_IS_ZERO",
    }
    board = Stage(watch=("debtor-1",)).board
    for metric in METRICS:
        name = ".".join(words.get(part, part) for part in metric.pattern.split("."))
        assert ask(name).figure(board) in (0, None, (), PRICE_UNIT), name


def test_a_board_from_the_entries_equals_the_live_one() -> None:
    """Folding the ledger again gives the same figures as watching it being written."""
    stage = crash()
    again = Board(stage.board.frame).take_all(stage.entries)
    for metric in ("shortfall.USDC", "liquidations.profit", "debt.debtor-1.USDC", "utilization.USDC"):
        assert ask(metric).figure(again) == ask(metric).figure(stage.board)
