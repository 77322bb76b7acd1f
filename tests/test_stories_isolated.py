"""Stories of isolated markets: who bears what nobody repays, and how a unit of collateral puts that off.

The rule: every command of a story is played through `Street`, which checks all laws after it.
"""

from __future__ import annotations

from typing import Any

import pytest

from mutualize import commands as c
from mutualize import events as e
from mutualize import isolated_commands as i
from mutualize import tier_commands as tc
from mutualize.book import replay
from mutualize.errors import Reason, Refused
from mutualize.events import Entry
from mutualize.invariants import check
from mutualize.isolated_events import MarketCreated
from mutualize.ledger import MemoryLedger, header
from mutualize.protocol import Protocol, Receipt
from mutualize.recoveries import Row
from mutualize.report.cuts import cut_of
from mutualize.report.explain.holders import shares_of
from mutualize.report.sentences.words import Words
from mutualize.scenario.presets import preset
from mutualize.staking import StakePool
from mutualize.tier import Tier
from mutualize.tier_rule import TierRule
from mutualize.units import WAD
from mutualize.venues.isolated import IsolatedMarket
from mutualize.venues.outside import Feed
from mutualize.waterfall import Waterfall

START = 1_700_000_000
ONE = 10**18
PAIR = "ETH/USD"
SUPPLIERS = Tier(name="suppliers", payer="claims")
DECIMALS = {"USD": 18, "ETH": 18}


class Street:
    """ETH against USD, both with 18 decimals: ann lends 1,000 and bob 500, xav pledges 1,000 at 1."""

    def __init__(self, *tiers: Tier, lltv: int = 8 * 10**17, rows: tuple[Row, ...] | None = None) -> None:
        self.venue = IsolatedMarket("iso", "ETH", "USD", DECIMALS, feed=PAIR)
        stake = StakePool("iso", "stakers", "USD")
        waterfall = Waterfall(
            self.venue.cover(), tiers, stakes={"stakers": stake}, decimals=DECIMALS, recoveries=rows
        )
        self.ledger = MemoryLedger(header("0" * 64, 0, "test", "test"))
        venues: list[Any] = [Feed(), self.venue, stake, waterfall]
        self.protocol = Protocol(venues, self.ledger, reactors=[waterfall])
        self.entries: list[Entry] = []
        self.protocol.observe(TierRule(), *TierRule.kinds)
        self.protocol.observe(self.entries.append)
        self.at, self.book = START, self.protocol.book
        listed = c.ListReserve(venue="iso", account="gov", asset="USD", parameters=(("lltv", lltv),))
        assert self.do(listed)
        self.price(1)
        assert self.do(c.Supply(venue="iso", account="ann", asset="USD", amount=1_000 * ONE))
        assert self.do(c.Supply(venue="iso", account="bob", asset="USD", amount=500 * ONE))
        assert self.do(c.Supply(venue="iso", account="xav", asset="ETH", amount=1_000 * ONE))

    def do(self, command: c.Command) -> Receipt:
        """Carry a command out, and check all laws."""
        receipt = self.protocol.submit(command, at=self.at)
        check(self.book, deep=True)
        assert replay(self.entries) == self.book
        return receipt

    def price(self, of: int, per: int = 1) -> None:
        """Let the oracle tell a price, as a fraction."""
        told = 10**36 * of // per
        assert self.do(c.PublishPrice(venue="oracle", account="o", asset=PAIR, price=told, market=told))

    def borrow(self, amount: int, who: str = "xav") -> Receipt:
        """Draw whole units."""
        return self.do(c.Borrow(venue="iso", account=who, asset="USD", amount=amount * ONE))

    def seize(self, seized: int) -> Receipt:
        """Seize base units of xav's collateral."""
        return self.do(i.LiquidatePosition(venue="iso", account="liq", borrower="xav", seized=seized))

    def claim(self, who: str) -> int:
        """Return what somebody may take out."""
        return self.venue.claim(self.book, who, "USD", self.at)


def told(receipt: Receipt, kind: type[e.Event]) -> list[Any]:
    """Return the events of a kind."""
    return [entry.event for entry in receipt.entries if isinstance(entry.event, kind)]


def test_suppliers_bear_bad_debt_at_once_by_share_price() -> None:
    """The rest of the debt is gone with the last collateral, and each supplier has a share of what is left.

    ---
    ann, bob   supply 1,000 and 500            xav   pledges 1,000, borrows 800
    price      0.7
    liq        seizes 400, then 600            => 658.0 repaid, 142.0 short
                                               => ann 905.3, bob 452.7: 1,358 in all
    """
    street = Street(SUPPLIERS)
    assert street.borrow(800)
    street.price(7, 10)
    assert street.venue.health(street.book, "xav", START).factor == 7 * 10**17
    assert not told(street.seize(400 * ONE), e.ShortfallRecognised)
    receipt = street.seize(600 * ONE)
    short, paid = told(receipt, e.ShortfallRecognised), told(receipt, e.LossAbsorbed)
    assert [event.amount for event in short] == [event.amount for event in paid] == [141_999999999999999880]
    assert paid[0].bearer == "claims"
    assert (street.claim("ann"), street.claim("bob")) == (905333333333333333413, 452666666666666666706)
    for who in ("ann", "bob"):
        assert street.do(c.Withdraw(venue="iso", account=who, asset="USD", amount=c.ALL))
    assert street.book.balance("iso:cash", "USD") == street.book.balance("iso:claims", "USD") == 0


def test_a_unit_of_collateral_puts_the_loss_off() -> None:
    """Who seizes all but one base unit leaves the debt, and who withdraws in time leaves it to the others.

    ---
    liq    seizes 1,000 less a unit at 0.7     => nothing is recognised: bob's 500 are 500
    bob    takes 500 out
    liq    seizes the last unit                => 142.0 short, all of it ann's
    """
    street = Street(SUPPLIERS)
    assert street.borrow(800)
    street.price(7, 10)
    dodged = street.seize(1_000 * ONE - 1)
    assert dodged
    assert not told(dodged, e.ShortfallRecognised)
    assert street.claim("bob") == 500 * ONE
    assert street.do(c.Withdraw(venue="iso", account="bob", asset="USD", amount=c.ALL))
    caught = street.seize(1)
    (short,) = told(caught, e.ShortfallRecognised)
    assert short.amount == 800 * ONE - told(dodged, e.Liquidated)[0].paid - told(caught, e.Liquidated)[0].paid
    assert street.claim("ann") == 1_000 * ONE - short.amount


def test_who_asks_in_assets_pays_at_most_what_all_collateral_costs() -> None:
    """A liquidator who offers the whole debt gets all collateral, for what the contract asks for it."""
    exact, asked = Street(SUPPLIERS), Street(SUPPLIERS)
    liquidate = c.Liquidate(venue="iso", account="liq", borrower="xav", collateral="ETH", debt="USD")
    paid = []
    for street in (exact, asked):
        assert street.borrow(800)
        street.price(7, 10)
        receipt = street.seize(1_000 * ONE) if street is exact else street.do(liquidate)
        (event,) = told(receipt, e.Liquidated)
        paid.append((event.paid, event.seized))
        assert told(receipt, e.ShortfallRecognised)
    assert paid[0] == paid[1]
    assert paid[0][1] == 1_000 * ONE


def test_who_asks_in_assets_pays_no_more_than_is_owed() -> None:
    """With collateral enough, the debt is repaid in full and the rest of the collateral stays."""
    street = Street(SUPPLIERS)
    assert street.borrow(400)
    street.price(45, 100)
    liquidate = c.Liquidate(venue="iso", account="liq", borrower="xav", collateral="ETH", debt="USD")
    (event,) = told(street.do(liquidate), e.Liquidated)
    assert event.paid == 400 * ONE
    assert street.venue.debt(street.book, "xav", "USD", START) == 0
    left = street.venue.claim(street.book, "xav", "ETH", START)
    assert 0 < left == 1_000 * ONE - event.seized


def test_who_asks_in_assets_for_a_part_pays_a_part() -> None:
    """An offer below both is what is repaid."""
    street = Street(SUPPLIERS)
    assert street.borrow(800)
    street.price(9, 10)
    own: dict[str, Any] = {
        "venue": "iso",
        "account": "liq",
        "borrower": "xav",
        "collateral": "ETH",
        "debt": "USD",
    }
    (event,) = told(street.do(c.Liquidate(**own, debt_to_cover=100 * ONE)), e.Liquidated)
    assert event.paid == 100 * ONE
    incentive = street.venue.incentive(street.book)
    assert event.seized == 100 * incentive * 10 // 9
    refused = street.do(c.Liquidate(**own, debt_to_cover=1, receive_claims=True))
    assert refused.refused is Reason.PARAMETER_IS_INVALID


def test_other_tables_may_stand_over_a_market() -> None:
    """A fund and stakers pay first, and suppliers what is left; the market is made whole by what they pay."""
    fund = Tier(name="fund", payer="fund")
    stakers = Tier(name="stakers", payer="stake", stake="stakers")
    street = Street(fund, stakers, SUPPLIERS)
    given = c.ContributeToFund(venue="iso", account="dao", tier="fund", asset="USD", amount=40 * ONE)
    assert street.do(given)
    assert street.do(c.Stake(venue="iso.stake.stakers", account="sue", stake="stakers", assets=60 * ONE))
    assert street.borrow(800)
    street.price(7, 10)
    paid = told(street.seize(1_000 * ONE), e.LossAbsorbed)
    assert [(event.tier, event.amount) for event in paid][:2] == [("fund", 40 * ONE), ("stakers", 60 * ONE)]
    assert 1_500 * ONE - street.book.balance("iso:claims", "USD") == paid[2].amount
    assert street.book.balance("iso:deficit", "USD") == 0
    for who in ("ann", "bob"):
        assert street.do(c.Withdraw(venue="iso", account=who, asset="USD", amount=c.ALL))


def test_without_a_table_claims_stay_at_par_until_there_is_no_cash() -> None:
    """Where nobody pays, the first to leave is paid in full and the last finds what is left."""
    street = Street()
    assert street.borrow(800)
    street.price(7, 10)
    assert told(street.seize(1_000 * ONE), e.ShortfallUncovered)
    assert street.claim("ann") == 1_000 * ONE
    left = street.venue.liquidity(street.book)
    assert left == street.book.balance("iso:cash", "USD") < 1_500 * ONE
    assert street.do(c.Withdraw(venue="iso", account="ann", asset="USD", amount=c.ALL))
    asked = c.Withdraw(venue="iso", account="bob", asset="USD", amount=c.ALL)
    assert street.do(asked).refused is Reason.LIQUIDITY_IS_INSUFFICIENT
    rest = c.Withdraw(venue="iso", account="bob", asset="USD", amount=left - 1_000 * ONE)
    assert street.do(rest)
    assert street.book.balance("iso:cash", "USD") == 0


@pytest.mark.parametrize(
    ("tier", "claims"),
    [
        (Tier(name="bob", payer="holder", holder="bob"), 1_500),
        (Tier(name="all", payer="loans"), 1_500),
        (Tier(name="bank", payer="injection", amount_max=500 * ONE), 1_500),
        (Tier(name="all", payer="claims", limit=WAD // 2), 1_500),
    ],
    ids=lambda value: getattr(value, "payer", None),
)
def test_what_comes_back_goes_to_who_bore_it(tier: Tier, claims: int) -> None:
    """Whoever paid is given back what he bore, and the books balance at each step."""
    street = Street(tier, rows=(Row(name="back", rule="reverse"),))
    assert street.do(c.Supply(venue="iso", account="yan", asset="ETH", amount=1_000 * ONE))
    assert street.borrow(100, "yan")
    assert street.borrow(600)
    street.price(5, 10)
    (short,) = told(street.seize(1_000 * ONE), e.ShortfallRecognised)
    deficit = street.book.balance("iso:deficit", "USD")
    owed = street.book.balance("iso:claims", "USD") - street.book.balance("iso:loans", "USD")
    assert owed == 1_500 * ONE - 100 * ONE - (short.amount - deficit) * (tier.payer != "injection")
    back = tc.Recover(venue="iso.waterfall", account="court", asset="USD", amount=short.amount)
    assert street.do(back)
    assert street.book.balance("iso:deficit", "USD") == 0
    assert street.book.balance("iso:claims", "USD") == claims * ONE
    assert street.book.balance("iso:loans", "USD") == 100 * ONE


def test_a_market_that_lost_all_is_dead() -> None:
    """With shares left and no money behind them, a deposit is too large for 128 bits; a unit buys a third."""
    street = Street(SUPPLIERS, lltv=WAD - 1)
    assert street.do(c.Supply(venue="iso", account="xav", asset="ETH", amount=10_000 * ONE))
    assert street.borrow(1_500)
    street.price(0)
    assert told(street.seize(11_000 * ONE), e.LossAbsorbed)[0].amount == 1_500 * ONE
    assert (street.claim("ann"), street.claim("bob")) == (0, 0)
    large = c.Supply(venue="iso", account="new", asset="USD", amount=100 * ONE)
    assert street.do(large).refused is Reason.AMOUNT_IS_TOO_LARGE
    assert street.do(c.Supply(venue="iso", account="new", asset="USD", amount=1))
    assert street.venue.market(street.book, START).supply.shares > 10**27


def test_a_worthless_collateral_is_seized_for_nothing_and_not_by_shares() -> None:
    """At a price of 0 collateral costs nothing, and shares of the debt divide by it."""
    street = Street(SUPPLIERS)
    assert street.borrow(800)
    street.price(0)
    by_shares = i.LiquidatePosition(venue="iso", account="liq", borrower="xav", shares=1)
    assert street.do(by_shares).refused is Reason.PRICE_IS_MISSING
    liquidate = c.Liquidate(
        venue="iso", account="liq", borrower="xav", collateral="ETH", debt="USD", debt_to_cover=1
    )
    receipt = street.do(liquidate)
    assert told(receipt, e.Liquidated)[0].paid == 0
    assert told(receipt, e.ShortfallRecognised)[0].amount == 800 * ONE


@pytest.mark.parametrize(
    ("lltv", "incentive"),
    [
        (980, 1_006_036_217_303_822_937),
        (945, 1_016_776_817_488_561_260),
        (915, 1_026_167_265_264_238_070),
        (860, 1_043_841_336_116_910_229),
        (770, 1_074_113_856_068_743_286),
        (625, 1_126_760_563_380_281_690),
        (385, 115 * 10**16),
    ],
)
def test_the_incentive_follows_from_the_liquidation_loan_to_value(lltv: int, incentive: int) -> None:
    """The riskier the collateral, the more a liquidator gets, up to 15 %."""
    street = Street(SUPPLIERS, lltv=lltv * 10**15)
    assert street.venue.incentive(street.book) == incentive


def test_a_borrower_may_liquidate_himself() -> None:
    """The contract does not ask who liquidates."""
    street = Street(SUPPLIERS)
    assert street.borrow(800)
    street.price(7, 10)
    own = i.LiquidatePosition(venue="iso", account="xav", borrower="xav", seized=ONE)
    assert told(street.do(own), e.Liquidated)[0].liquidator == "xav"


def test_the_price_of_a_pair_follows_from_two_prices() -> None:
    """Without a feed for the pair, its price is the quotient, decimals counted in; without one there is none.

    ---
    WBTC   60,000 with 8 decimals      USDC   0.5 with 6 decimals      => 120,000 · 10⁶⁻⁸ · 10³⁶
    """
    venue = IsolatedMarket("iso", "WBTC", "USDC", {"WBTC": 8, "USDC": 6})
    protocol = Protocol([Feed(), venue], MemoryLedger(header("0" * 64, 0, "test", "test")))
    created = protocol.submit(c.ListReserve(venue="iso", account="g", asset="USDC", parameters=()), at=START)
    assert isinstance(created.event(MarketCreated), MarketCreated)
    for asset, price in (("WBTC", 60_000 * 10**8), ("USDC", 10**8 // 2)):
        with pytest.raises(Refused, match="PRICE_IS_MISSING"):
            venue.price(protocol.book)
        published = c.PublishPrice(venue="oracle", account="o", asset=asset, price=price, market=price)
        assert protocol.submit(published, at=START)
    assert venue.price(protocol.book) == 120_000 * 10**34


def test_a_market_has_two_assets() -> None:
    """One asset on both sides is refused: its accounts could not be told apart."""
    with pytest.raises(ValueError, match="an isolated market has two assets, not USD alone"):
        IsolatedMarket("iso", "USD", "USD", DECIMALS)


def test_a_position_is_unsafe_below_the_price_that_is_told() -> None:
    """At that price nobody may liquidate, and a unit below anybody may."""
    street = Street(SUPPLIERS)
    assert street.venue.unsafe_below(street.book, "xav", START) == 0
    assert street.borrow(700)
    lowest = street.venue.unsafe_below(street.book, "xav", START)
    assert lowest == 875 * 10**33
    for price, refused in ((lowest, Reason.POSITION_IS_HEALTHY), (lowest - 1, None)):
        told_price = c.PublishPrice(venue="oracle", account="o", asset=PAIR, price=price, market=price)
        assert street.do(told_price)
        assert street.seize(ONE).refused is refused
    assert Street(SUPPLIERS, lltv=0).venue.unsafe_below(street.book, "nobody", START) == 0
    health = street.venue.health(street.book, "nobody", START)
    assert (health.debt, health.pledged, health.factor) == (0, 0, 2**256 - 1)


def test_interest_is_told_before_anybody_comes() -> None:
    """What is read with interest up to now is what an accrual then writes, the fee's dilution included."""
    street = Street(SUPPLIERS)
    terms = (("lltv", 8 * 10**17), ("rate_base", 10**9), ("rate_slope", 10**9), ("fee", 10**17))
    venue = IsolatedMarket("iso", "ETH", "USD", DECIMALS, feed=PAIR)
    protocol = Protocol([Feed(), venue], MemoryLedger(header("0" * 64, 0, "test", "test")))
    listed = c.ListReserve(venue="iso", account="gov", asset="USD", parameters=terms)
    commands = [
        listed,
        c.PublishPrice(venue="oracle", account="o", asset=PAIR, price=10**36, market=10**36),
        c.Supply(venue="iso", account="ann", asset="USD", amount=1_000 * ONE),
        c.Supply(venue="iso", account="xav", asset="ETH", amount=1_000 * ONE),
        c.Borrow(venue="iso", account="xav", asset="USD", amount=500 * ONE),
    ]
    assert all(protocol.submit(command, at=START) for command in commands)
    assert (venue.rate(protocol.book), venue.utilization(protocol.book)) == (15 * 10**8, WAD // 2)
    later = START + 10**7
    before = [
        venue.claim(protocol.book, "ann", "USD", later),
        venue.claim(protocol.book, "treasury", "USD", later),
        venue.debt(protocol.book, "xav", "USD", later),
    ]
    assert protocol.submit(i.AccrueInterest(venue="iso", account="anybody"), at=later)
    after = [
        venue.claim(protocol.book, "ann", "USD", later),
        venue.claim(protocol.book, "treasury", "USD", later),
        venue.debt(protocol.book, "xav", "USD", later),
    ]
    assert before == after
    assert 0 < before[1] < before[2] - 500 * ONE
    assert not protocol.submit(i.AccrueInterest(venue="iso", account="anybody"), at=later).entries
    assert street.claim("ann") == 1_000 * ONE


def test_all_means_all_shares() -> None:
    """Who withdraws or repays all of it leaves no share behind."""
    street = Street(SUPPLIERS)
    assert street.borrow(3)
    assert street.do(c.Repay(venue="iso", account="pal", asset="USD", amount=c.ALL, on_behalf_of="xav"))
    assert street.do(c.Withdraw(venue="iso", account="xav", asset="ETH", amount=c.ALL))
    assert street.do(c.Withdraw(venue="iso", account="bob", asset="USD", amount=c.ALL))
    tables = (street.venue.names.debt, street.venue.names.pledged, street.venue.names.supply)
    held = [street.book.cell(table, who) for table, who in zip(tables, ("xav", "xav", "bob"), strict=True)]
    assert held == [0, 0, 0]


def test_the_contracts_own_form_knows_no_all() -> None:
    """There 2²⁵⁶ − 1 is an amount like any other, and too large."""
    street = Street(SUPPLIERS)
    own: dict[str, Any] = {"venue": "iso", "account": "xav", "amount": c.ALL}
    for kind in (i.SupplyShares, i.WithdrawShares, i.BorrowShares, i.RepayShares):
        assert street.do(kind(**own)).refused is Reason.AMOUNT_IS_TOO_LARGE
    assert street.do(i.WithdrawCollateral(**own)).refused is Reason.AMOUNT_IS_TOO_LARGE


def test_a_cut_is_explained_by_share() -> None:
    """What each supplier lost is what his claim fell by, and is told in a sentence."""
    street = Street(SUPPLIERS)
    assert street.borrow(800)
    street.price(7, 10)
    claims = {who: street.claim(who) for who in ("ann", "bob")}
    place = len(street.entries)
    receipt = street.seize(1_000 * ONE)
    at = next(n for n, entry in enumerate(street.entries) if isinstance(entry.event, e.LossAbsorbed))
    book = replay(street.entries[:at])
    cut = cut_of(street.entries[at].event, book)
    assert place < at
    assert receipt
    assert cut is not None
    assert {who: cut.lost(who) for who in claims} == {who: claims[who] - street.claim(who) for who in claims}
    words = Words()
    for entry in street.entries:
        words.take(entry)
    (line,) = shares_of(street.entries[at].event, book, words)
    assert line.startswith("Each of 2 holders lost 9.4666 % of his claim in USD: ann 94.66")


def test_the_shipped_table_is_the_contracts() -> None:
    """Its one row takes from claims, whatever the loss."""
    (row,) = preset("morpho-blue")["waterfall"]
    assert (row["tier"], row["payer"]) == ("suppliers", "claims")
    assert set(row) == {"tier", "payer", "fact"}
