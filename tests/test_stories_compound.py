"""Stories of Compound's markets: one sentence, a small ledger, what happened. All laws are checked.

The rule: amounts are whole units, and there is no interest unless the story is about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from systems import START, Notebook

from mutualize import commands as c
from mutualize import compound_commands as cc
from mutualize import tier_commands as tc
from mutualize.compound_events import Absorbed, CollateralBought
from mutualize.errors import Reason
from mutualize.events import (
    Borrowed,
    Liquidated,
    LossAbsorbed,
    Repaid,
    ShortfallRecognised,
    ShortfallUncovered,
    Supplied,
    Withdrawn,
)
from mutualize.invariants import check
from mutualize.protocol import Protocol, Receipt
from mutualize.recoveries import Row
from mutualize.tier import Tier
from mutualize.tier_rule import TierRule
from mutualize.venues.comet import Comet
from mutualize.venues.compound import Compound
from mutualize.venues.comptroller import CompoundRules
from mutualize.venues.outside import Feed
from mutualize.waterfall import Waterfall

USD, WAD, DOLLAR = 10**6, 10**18, 10**8
YEAR = 31_536_000
RESERVES = Tier(name="reserves", payer="revenue")
HAIRCUT = Tier(name="depositors", payer="claims")


class Story:
    """A venue, and words for what people do in it."""

    def __init__(self, venue: Any, tiers: Sequence[Tier] = ()) -> None:
        self.venue, self.at = venue, START
        waterfall = Waterfall(venue.cover(), tiers, recoveries=(Row(name="back", rule="reverse"),))
        self.protocol = Protocol([Feed(), venue, waterfall], Notebook(), reactors=[waterfall])
        self.protocol.observe(TierRule())
        self.book = self.protocol.book

    def ask(self, command: c.Command) -> Receipt:
        """Ask for something."""
        receipt = self.protocol.submit(command, at=self.at)
        check(self.book, deep=True)
        return receipt

    def do(self, kind: type[c.Command], account: str = "governance", **fields: Any) -> Receipt:
        """Ask for something that is not refused."""
        receipt = self.ask(kind(venue=self.venue.name, account=account, **fields))
        assert receipt, receipt.refused
        return receipt

    def refused(self, kind: type[c.Command], account: str = "governance", **fields: Any) -> Reason | None:
        """Ask for something that is refused, and return why."""
        return self.ask(kind(venue=self.venue.name, account=account, **fields)).refused

    def price(self, asset: str, price: int) -> None:
        """Let the oracle tell a price, 8 decimals."""
        told = {"venue": "oracle", "account": "oracle", "asset": asset}
        assert self.ask(c.PublishPrice(**told, price=price, market=price))

    def balance(self, part: str, asset: str = "USD") -> int:
        """Return an account of the venue."""
        return self.book.balance(f"{self.venue.name}:{part}", asset)


class V2(Story):
    """Markets of dollars and ether: a token is worth 2 cents of a dollar, a 50th of an ether."""

    def __init__(self, tiers: Sequence[Tier] = (), rules: CompoundRules | None = None, **terms: int) -> None:
        super().__init__(Compound("comp", ("USD", "ETH"), rules), tiers)
        usd = {"decimals": 6, "collateral_factor": 8 * 10**17, "initial_rate": 2 * 10**14, **terms}
        eth = {"collateral_factor": 75 * 10**16, "initial_rate": 2 * 10**26}
        for asset, values in (("USD", usd), ("ETH", eth)):
            self.do(c.ListReserve, asset=asset, parameters=tuple(values.items()))
        self.price("USD", DOLLAR)
        self.price("ETH", 2_000 * DOLLAR)

    def crash(self, price: int) -> None:
        """Let ann lend 10,000 dollars and bob 10 ether; bob borrows 10,000, and ether falls."""
        self.do(c.Supply, "ann", asset="USD", amount=10_000 * USD)
        self.do(c.Supply, "bob", asset="ETH", amount=10 * WAD)
        self.do(c.Borrow, "bob", asset="USD", amount=10_000 * USD)
        self.price("ETH", price * DOLLAR)

    def liquidate(self, amount: int, *, claims: bool = False) -> Receipt:
        """Let a keeper repay some of bob's debt."""
        return self.ask(
            c.Liquidate(
                venue="comp",
                account="kim",
                borrower="bob",
                collateral="ETH",
                debt="USD",
                debt_to_cover=amount,
                receive_claims=claims,
            )
        )


def test_bad_debt_is_never_recognised() -> None:
    """The debt stays, claims stay at par, and the last to redeem finds no cash.

    ---
    ann    lend 10,000 USD
    bob    lend 10 ETH, borrow 10,000 USD
    oracle ETH 500                      # worth 5,000
    kim    liquidate for all, again and again
        => bob has no collateral worth a cent, and owes more than 5,000
    """
    story = V2()
    story.crash(500)
    paid = 0
    while receipt := story.liquidate(c.ALL):
        event = receipt.event(Liquidated)
        assert isinstance(event, Liquidated)
        paid += event.paid
    assert 10 * 500 * USD * 100 // 108 - 100 < paid <= 10 * 500 * USD * 100 // 108
    owed = story.venue.debt(story.book, "bob", "USD", story.at)
    assert owed == 10_000 * USD - paid
    assert story.balance("deficit") == 0
    assert story.venue.claim(story.book, "ann", "USD", story.at) == 10_000 * USD
    assert story.refused(c.Withdraw, "ann", asset="USD", amount=c.ALL) is Reason.LIQUIDITY_IS_INSUFFICIENT
    story.do(c.Withdraw, "ann", asset="USD", amount=paid)


def test_an_account_under_water_is_liquidated_piecewise() -> None:
    """Half the debt would seize more than there is: it is refused, and all means what is not."""
    story = V2()
    story.crash(500)
    assert story.liquidate(5_000 * USD).refused is Reason.SEIZURE_IS_TOO_LARGE
    assert story.liquidate(5_000 * USD + 1).refused is Reason.REPAYMENT_IS_TOO_LARGE
    receipt = story.liquidate(c.ALL, claims=True)
    event = receipt.event(Liquidated)
    assert isinstance(event, Liquidated)
    assert event.paid == 4_629_629_629  # 5,000 / 1.08, a unit less than would seize a token too many
    assert event.claims
    assert event.seized + event.fee <= 10 * WAD
    assert story.venue.claim(story.book, "kim", "ETH", story.at) == event.seized


def test_an_account_above_water_is_liquidated_by_halves() -> None:
    """All is half of the debt, for 8 % more in collateral, of which 2.8 % are the reserves'."""
    story = V2()
    story.crash(1_300)
    event = story.liquidate(c.ALL).event(Liquidated)
    assert isinstance(event, Liquidated)
    assert event.paid == 5_000 * USD
    worth = 5_000 * 108 * WAD // (100 * 1_300)
    assert worth - 2 * 10**8 < event.seized + event.fee <= worth
    assert event.fee * 1_000 // (event.seized + event.fee) in (27, 28)
    assert story.balance("treasury", "ETH") == event.fee
    assert story.balance("cash", "ETH") == 10 * WAD - event.seized


def test_reserves_bear_what_the_last_to_redeem_takes_too_much() -> None:
    """Tokens are rounded down when an amount is redeemed, and the money comes out of the reserves."""
    story = V2()
    story.do(c.Supply, "ann", asset="ETH", amount=WAD)
    story.do(cc.AddReserves, "kim", asset="ETH", amount=WAD)
    tokens = story.venue.work(story.book, story.at).tokens("ETH", "ann")
    most = (tokens + 1) * 2 * 10**8 - 1
    event = story.do(c.Withdraw, "ann", asset="ETH", amount=most).event(Withdrawn)
    assert isinstance(event, Withdrawn)
    assert (event.scaled, event.amount) == (tokens, WAD + 2 * 10**8 - 1)
    assert story.venue.market(story.book, "ETH").total_reserves == WAD
    assert story.balance("treasury", "ETH") == WAD - 2 * 10**8 + 1


def test_claims_stay_at_par_until_somebody_pays() -> None:
    """What governance recognises stands open, and counts as money behind claims."""
    story = V2(tiers=(Tier(name="unused", payer="revenue", used=False),))
    story.crash(500)
    receipt = story.do(c.RecogniseShortfall, asset="USD", borrower="bob")
    shortfall = receipt.event(ShortfallRecognised)
    assert isinstance(shortfall, ShortfallRecognised)
    assert shortfall.amount == 5_000 * USD
    assert isinstance(receipt.event(ShortfallUncovered), ShortfallUncovered)
    assert story.balance("deficit") == 5_000 * USD == story.balance("loans")
    assert story.venue.claim(story.book, "ann", "USD", story.at) == 10_000 * USD
    covered = story.refused(c.RecogniseShortfall, asset="USD", borrower="bob")
    assert covered is Reason.COLLATERAL_COVERS_DEBT


def test_a_haircut_lowers_what_tokens_are_worth() -> None:
    """Who lends bears the recognised loss pro rata, and gets back what is recovered."""
    story = V2(tiers=(HAIRCUT,))
    story.do(c.Supply, "cyd", asset="USD", amount=30_000 * USD)
    story.crash(500)
    story.do(c.RecogniseShortfall, asset="USD", borrower="bob")
    worth = [story.venue.claim(story.book, who, "USD", story.at) for who in ("ann", "cyd")]
    assert worth == [8_750 * USD, 26_250 * USD]
    recover = tc.Recover(venue="comp.waterfall", account="dan", asset="USD", amount=1_000 * USD)
    assert story.ask(recover)
    assert story.venue.claim(story.book, "ann", "USD", story.at) == 9_000 * USD
    assert story.balance("cash") == 31_000 * USD


@pytest.mark.parametrize("payer", ["loans", "holder", "revenue", "fund"])
def test_others_may_pay_what_is_recognised(payer: str) -> None:
    """The other borrowers, one holder, the reserves or a fund pay as far as they go, and are given back."""
    story = V2(tiers=(Tier(name="payer", payer=payer, holder="ann" if payer == "holder" else ""),))
    story.do(c.Supply, "cyd", asset="USD", amount=30_000 * USD)
    story.do(cc.AddReserves, "kim", asset="USD", amount=2_000 * USD)
    story.do(c.ContributeToFund, "kim", tier="payer", asset="USD", amount=1_000 * USD)
    story.do(c.Borrow, "cyd", asset="USD", amount=10_000 * USD)
    story.crash(500)
    event = story.do(c.RecogniseShortfall, asset="USD", borrower="bob").event(LossAbsorbed)
    assert isinstance(event, LossAbsorbed)
    expected = {"loans": 5_000, "holder": 5_000, "revenue": 2_000, "fund": 1_000}[payer]
    assert event.amount == expected * USD
    assert story.balance("deficit") == (5_000 - expected) * USD
    ann = story.venue.claim(story.book, "ann", "USD", story.at)
    assert ann == (5_000 if payer == "holder" else 10_000) * USD
    if payer == "loans":
        debts = [story.venue.debt(story.book, who, "USD", story.at) for who in ("bob", "cyd")]
        assert [debt // USD for debt in debts] == [6_666, 13_333]
    recover = tc.Recover(venue="comp.waterfall", account="dan", asset="USD", amount=6_000 * USD)
    assert story.ask(recover)
    assert story.balance("deficit") == 0
    if payer == "revenue":
        assert story.balance("treasury") == 2_000 * USD


def test_interest_counts_blocks() -> None:
    """A year of blocks at 10 % is simple interest: a tenth of it is the reserves'."""
    blocks = 2_102_400
    story = V2(base=10**17, reserve_factor=10**17)
    story.crash(2_000)
    story.at += blocks * 15
    assert story.venue.debt(story.book, "bob", "USD", story.at) == 10_999_999_999
    story.do(c.Supply, "dan", asset="USD", amount=0)
    assert story.venue.market(story.book, "USD").total_borrows == 10_999_999_999
    assert story.balance("treasury") == 99_999_999
    assert story.balance("claims") + story.balance("residue") == 10_900 * USD
    assert story.venue.claim(story.book, "ann", "USD", story.at) == story.balance("claims")


def test_the_price_at_the_limit_is_the_last_at_which_collateral_does_not_do() -> None:
    """At that price the account may be liquidated, and a unit above it is safe."""
    story = V2()
    story.crash(2_000)
    limit = story.venue.price_at_limit(story.book, "bob", "ETH", story.at)
    assert limit is not None
    assert abs(limit - 133_333_333_333) <= 1  # 10,000 / (10 · 0.75)
    story.price("ETH", limit)
    assert story.venue.health(story.book, "bob", story.at).factor < WAD
    story.price("ETH", limit + 1)
    assert story.venue.health(story.book, "bob", story.at).factor >= WAD
    assert story.liquidate(1).refused is Reason.POSITION_IS_HEALTHY
    assert story.venue.price_at_limit(story.book, "bob", "USD", story.at) is None
    assert story.venue.price_at_limit(story.book, "ann", "USD", story.at) is None


def test_who_does_not_enter_a_market_has_no_collateral_there() -> None:
    """Where front ends do not do it for him, a lender enters by himself, and leaves where nobody needs it."""
    story = V2(rules=CompoundRules(enters=False))
    story.do(c.Supply, "ann", asset="USD", amount=10_000 * USD)
    story.do(c.Supply, "bob", asset="ETH", amount=10 * WAD)
    unsafe = Reason.POSITION_WOULD_BE_UNSAFE
    assert story.refused(c.Borrow, "bob", asset="USD", amount=1) is unsafe
    story.do(c.SetCollateral, "bob", asset="ETH", on=True)
    story.do(c.Borrow, "bob", asset="USD", amount=1)
    assert story.refused(c.SetCollateral, "bob", asset="ETH", on=False) is unsafe
    assert story.refused(c.SetCollateral, "bob", asset="USD", on=False) is Reason.CALLER_HAS_DEBT
    story.do(c.Repay, "bob", asset="USD", amount=c.ALL)
    story.do(c.SetCollateral, "bob", asset="ETH", on=False)


class V3(Story):
    """Dollars to lend, ether as collateral: 80 % may be borrowed, at 85 % it ends, and reserves pay 90 %."""

    def __init__(self, tiers: Sequence[Tier] = (RESERVES,), **terms: int) -> None:
        super().__init__(Comet("comet", ("USD", "ETH")), tiers)
        usd = {"target_reserves": 10**6 * USD, "store_front_factor": 5 * 10**17, **terms}
        eth = {"borrow_factor": 8 * 10**17, "liquidate_factor": 85 * 10**16, "liquidation_factor": 9 * 10**17}
        for asset, values in (("USD", usd), ("ETH", eth)):
            self.do(c.ListReserve, asset=asset, parameters=tuple(values.items()))
        self.price("USD", DOLLAR)
        self.price("ETH", 2_000 * DOLLAR)
        self.do(c.Supply, "ann", asset="USD", amount=50_000 * USD)
        self.do(c.Supply, "bob", asset="ETH", amount=10 * WAD)

    def crash(self, price: int, reserves: int = 0) -> Receipt:
        """Let bob borrow 10,000 dollars against 10 ether, which fall; absorb him."""
        self.do(cc.Donate, "kim", asset="USD", amount=reserves * USD)
        self.do(c.Borrow, "bob", asset="USD", amount=10_000 * USD)
        self.price("ETH", price * DOLLAR)
        return self.do(cc.Absorb, "kim", accounts=("bob",))

    def parts(self) -> list[int]:
        """Return treasury, deficit and what was absorbed, in whole dollars."""
        return [self.balance(part) // USD for part in ("treasury", "deficit", "loans:absorbed")]

    def reserves(self) -> int:
        """Return the contract's signed number, in whole dollars."""
        return int(self.venue.reserves(self.book, self.at)) // USD


def test_reserves_below_zero_are_told_in_three_parts() -> None:
    """Reserves of 500 take a debt of 10,000 over for collateral at 9,000, and half of the rest stays open.

    ---
    kim    give 500
    bob    borrow 10,000 against 10 ETH
    oracle ETH 1,000
    kim    absorb bob
        => ShortfallRecognised 1,000   LossAbsorbed tier=reserves 500   ShortfallUncovered 500
        reserves = 0 − 500 − 9,000 = −9,500
    """
    story = V3()
    receipt = story.crash(1_000, reserves=500)
    absorbed, shortfall = receipt.event(Absorbed), receipt.event(ShortfallRecognised)
    assert isinstance(absorbed, Absorbed)
    assert (absorbed.debt, absorbed.credited, absorbed.left) == (10_000 * USD, 9_000 * USD, 0)
    assert isinstance(shortfall, ShortfallRecognised)
    assert (shortfall.account, shortfall.amount) == ("bob", 1_000 * USD)
    paid, rest = receipt.event(LossAbsorbed), receipt.event(ShortfallUncovered)
    assert isinstance(paid, LossAbsorbed)
    assert isinstance(rest, ShortfallUncovered)
    assert (paid.amount, rest.amount) == (500 * USD, 500 * USD)
    assert story.parts() == [0, 500, 9_000]
    assert story.reserves() == -9_500
    assert story.balance("treasury", "ETH") == 10 * WAD


def test_what_comes_in_pays_first_what_is_open() -> None:
    """A gift of 700 pays the 500 that are open, and 200 are the reserves'."""
    story = V3()
    story.crash(1_000, reserves=500)
    story.do(cc.Donate, "kim", asset="USD", amount=300 * USD)
    assert story.parts() == [0, 200, 9_000]
    story.do(cc.Donate, "kim", asset="USD", amount=400 * USD)
    assert story.parts() == [200, 0, 9_000]
    assert story.reserves() == -8_800


def test_collateral_is_sold_for_more_than_it_cost() -> None:
    """Buyers get half of the penalty: at 950 an ether the sale brings 50 more than the 900 it had cost."""
    story = V3()
    story.crash(1_000, reserves=500)
    event = story.do(cc.BuyCollateral, "dan", collateral="ETH", amount=950 * USD).event(CollateralBought)
    assert isinstance(event, CollateralBought)
    assert (event.amount, event.cost) == (WAD, 900 * USD)
    assert story.parts() == [0, 450, 8_100]
    assert story.venue.quote(story.book, "ETH", 950 * USD) == WAD
    slipped = story.refused(cc.BuyCollateral, "dan", collateral="ETH", amount=949 * USD, least=WAD)
    assert slipped is Reason.SLIPPAGE_IS_TOO_LARGE


def test_collateral_that_falls_further_is_a_shortfall_of_nobodys() -> None:
    """At half the price the sale brings 475 for what had cost 900, and the 425 are recognised as well."""
    story = V3()
    story.crash(1_000, reserves=2_000)
    assert story.parts() == [1_000, 0, 9_000]
    story.price("ETH", 500 * DOLLAR)
    receipt = story.do(cc.BuyCollateral, "dan", collateral="ETH", amount=475 * USD)
    shortfall = receipt.event(ShortfallRecognised)
    assert isinstance(shortfall, ShortfallRecognised)
    assert (shortfall.account, shortfall.amount) == ("", 425 * USD)
    assert isinstance(receipt.event(LossAbsorbed), LossAbsorbed)
    assert story.parts() == [575, 0, 8_100]


def test_collateral_worth_more_than_the_debt_is_credited() -> None:
    """At 1,150 the reserves pay 10,350, and the 350 beyond the debt are bob's to withdraw."""
    story = V3()
    event = story.crash(1_150).event(Absorbed)
    assert isinstance(event, Absorbed)
    assert event.left == 350 * USD
    assert story.venue.claim(story.book, "bob", "USD", story.at) == 350 * USD
    assert story.parts() == [0, 0, 10_350]
    story.do(c.Withdraw, "bob", asset="USD", amount=c.ALL)
    assert story.refused(cc.Absorb, "kim", accounts=("bob",)) is Reason.POSITION_IS_HEALTHY


def test_nothing_is_sold_once_reserves_have_reached_their_target() -> None:
    """At the target the sale ends, to the unit."""
    story = V3(target_reserves=100 * USD)
    story.crash(1_000)
    story.do(cc.Donate, "kim", asset="USD", amount=10_100 * USD - 1)
    assert story.venue.reserves(story.book, story.at) == 100 * USD - 1
    bought = story.do(cc.BuyCollateral, "dan", collateral="ETH", amount=1)
    assert isinstance(bought.event(CollateralBought), CollateralBought)
    closed = story.refused(cc.BuyCollateral, "dan", collateral="ETH", amount=1)
    assert closed is Reason.COLLATERAL_IS_NOT_FOR_SALE
    assert story.refused(cc.WithdrawReserves, asset="USD", amount=100 * USD + 1) is not None
    story.do(cc.WithdrawReserves, asset="USD", amount=100 * USD)


def test_a_liquidator_absorbs_and_buys_in_one_transaction() -> None:
    """All of the collateral, for a price less half the penalty."""
    story = V3()
    story.do(c.Borrow, "bob", asset="USD", amount=10_000 * USD)
    story.price("ETH", 1_000 * DOLLAR)
    receipt = story.do(c.Liquidate, "kim", borrower="bob", collateral="ETH", debt="USD")
    event = receipt.event(Liquidated)
    assert isinstance(event, Liquidated)
    assert (event.paid, event.seized, event.account) == (9_500 * USD, 10 * WAD, "bob")
    assert story.parts() == [0, 500, 0]
    assert story.reserves() == -500


def test_one_verb_repays_and_lends_and_another_withdraws_and_borrows() -> None:
    """Supplying more than is owed repays first; withdrawing more than is lent borrows the rest."""
    story = V3()
    story.do(c.Borrow, "bob", asset="USD", amount=1_000 * USD)
    receipt = story.do(c.Supply, "bob", asset="USD", amount=1_500 * USD)
    repaid, supplied = receipt.event(Repaid), receipt.event(Supplied)
    assert isinstance(repaid, Repaid)
    assert isinstance(supplied, Supplied)
    assert (repaid.amount, supplied.amount) == (1_000 * USD, 500 * USD)
    receipt = story.do(c.Withdraw, "bob", asset="USD", amount=800 * USD)
    withdrawn, borrowed = receipt.event(Withdrawn), receipt.event(Borrowed)
    assert isinstance(withdrawn, Withdrawn)
    assert isinstance(borrowed, Borrowed)
    assert (withdrawn.amount, borrowed.amount) == (500 * USD, 300 * USD)
    story.do(c.Repay, "kim", asset="USD", amount=c.ALL, on_behalf_of="bob")
    assert story.venue.debt(story.book, "bob", "USD", story.at) == 0
    assert story.refused(c.Withdraw, "bob", asset="ETH", amount=11 * WAD) is Reason.BALANCE_IS_INSUFFICIENT
    story.do(c.Withdraw, "bob", asset="ETH", amount=c.ALL)


def test_suppliers_may_earn_more_than_borrowers_pay() -> None:
    """With no borrower the reserves pay suppliers their interest, and what they lack stands open."""
    story = V3(supply_base=10**16)
    story.do(cc.Donate, "kim", asset="USD", amount=100 * USD)
    story.at += YEAR
    story.do(c.Supply, "bob", asset="USD", amount=1)
    assert story.balance("claims") == 50_499_999_998
    assert [story.balance(part) for part in ("treasury", "deficit")] == [0, 399_999_997]
    assert story.venue.reserves(story.book, story.at) == -399_999_997


def test_a_haircut_lowers_the_index_of_suppliers() -> None:
    """Under another table suppliers bear what the collateral did not cover, and are given back later."""
    story = V3(tiers=(HAIRCUT,))
    story.crash(1_000)
    assert story.venue.claim(story.book, "ann", "USD", story.at) == 49_000 * USD
    assert story.parts() == [0, 0, 9_000]
    recover = tc.Recover(venue="comet.waterfall", account="dan", asset="USD", amount=400 * USD)
    assert story.ask(recover)
    assert story.venue.claim(story.book, "ann", "USD", story.at) == 49_400 * USD


@pytest.mark.parametrize("payer", ["loans", "holder", "fund", "revenue"])
def test_other_tables_may_stand_over_reserves(payer: str) -> None:
    """Borrowers, a holder, a fund or the reserves pay the shortfall, and are given back what is recovered."""
    story = V3(tiers=(Tier(name="payer", payer=payer, holder="ann" if payer == "holder" else ""),))
    story.do(c.Supply, "cyd", asset="ETH", amount=100 * WAD)
    story.do(c.Borrow, "cyd", asset="USD", amount=10_000 * USD)
    story.do(c.ContributeToFund, "kim", tier="payer", asset="USD", amount=2_000 * USD)
    event = story.crash(1_000, reserves=1_500).event(LossAbsorbed)
    assert isinstance(event, LossAbsorbed)
    assert event.amount == 1_000 * USD
    kept = {"loans": (50_000, 11_000), "holder": (49_000, 10_000)}.get(payer, (50_000, 10_000))
    ann = story.venue.claim(story.book, "ann", "USD", story.at)
    assert (ann, story.venue.debt(story.book, "cyd", "USD", story.at)) == tuple(each * USD for each in kept)
    treasury = {"revenue": 500}.get(payer, 1_500)
    assert story.parts() == [treasury, 0, 9_000]
    recover = tc.Recover(venue="comet.waterfall", account="dan", asset="USD", amount=1_000 * USD)
    assert story.ask(recover)
    cyd = story.venue.debt(story.book, "cyd", "USD", story.at)
    assert cyd == 10_000 * USD
    assert story.parts()[0] == 1_500
    assert story.venue.claim(story.book, "ann", "USD", story.at) == 50_000 * USD


def test_the_price_at_which_an_account_may_be_absorbed() -> None:
    """At that price it may be, and a unit above it is safe."""
    story = V3()
    story.do(c.Borrow, "bob", asset="USD", amount=10_000 * USD)
    limit = story.venue.price_at_limit(story.book, "bob", "ETH", story.at)
    assert limit is not None
    assert abs(limit - 117_647_058_823) <= 1  # 10,000 / (10 · 0.85)
    story.price("ETH", limit + 1)
    assert story.venue.health(story.book, "bob", story.at).factor >= WAD
    assert story.refused(cc.Absorb, "kim", accounts=("bob",)) is Reason.POSITION_IS_HEALTHY
    story.price("ETH", limit)
    assert story.venue.health(story.book, "bob", story.at).factor < WAD
    story.do(cc.Absorb, "kim", accounts=("bob",))
    assert story.venue.price_at_limit(story.book, "bob", "ETH", story.at) is None
    assert story.venue.price_at_limit(story.book, "bob", "USD", story.at) is None
    assert story.venue.collateral_reserves(story.book, "ETH") == 10 * WAD
    assert story.venue.utilization(story.book, "USD") == story.venue.utilization(story.book, "ETH") == 0


def test_a_withdrawn_reserve_that_is_not_booked_is_open_until_it_is() -> None:
    """Governance may take interest that no verb has booked yet; the books owe it until one does."""
    story = V3(borrow_base=10**17)
    story.do(c.Borrow, "bob", asset="USD", amount=10_000 * USD)
    story.at += YEAR
    earned = story.venue.reserves(story.book, story.at)
    assert earned == 999_999_999
    story.do(cc.WithdrawReserves, asset="USD", amount=earned)
    assert story.balance("deficit") == earned
    story.do(c.Supply, "ann", asset="USD", amount=0)
    assert story.balance("deficit") == 0
