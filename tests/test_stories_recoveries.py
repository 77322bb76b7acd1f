"""Stories of money that comes back: a table shares it out, in a venue of balances and in a lending pool.

The rule: every command is played through `house.House` or `Lending`, which check all laws after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from house import House, events, given_back, paid, report, uncovered
from systems import DECIMALS, Notebook

from mutualize import commands as c
from mutualize import tier_commands as tc
from mutualize import tier_events as te
from mutualize.events import LossAbsorbed
from mutualize.invariants import check
from mutualize.loss_commands import ReportLoss
from mutualize.protocol import Protocol, Receipt, Venue
from mutualize.rate_stake import RateStakePool
from mutualize.recoveries import Row, complaints
from mutualize.staking import StakePool
from mutualize.tier import AT_DEFAULT, Tier
from mutualize.tier_rule import TierRule
from mutualize.units import RAY
from mutualize.venues.outside import Feed
from mutualize.venues.pool import Pool
from mutualize.waterfall import Waterfall

WAD = 10**18
M = 10**6
FUND = Tier(name="fund", payer="fund")
STAKERS = Tier(name="stakers", payer="stake", stake="stakers")
SURVIVORS = Tier(name="survivors", payer="members", purse="default-fund")
CALLS = Tier(name="calls", payer="assessment", purse="default-fund", snapshot=AT_DEFAULT)
HOLDERS = Tier(name="holders", payer="claims")
BACKWARDS = Row(name="backwards", rule="reverse")
FAIR = Row(name="fair", rule="pro-rata")


def after_a_loss(
    amount: int, *rows: Row, tiers: Sequence[Tier] = (FUND, STAKERS, SURVIVORS, HOLDERS)
) -> House:
    """Return an exchange with 100 in a fund, 200 staked, 300 of members and 1,000 of ann's, less a loss."""
    house = House(*tiers, recoveries=rows)
    house.fund("fund", 100)
    house.stake("sue", 200)
    house.join("mia", 200)
    house.join("max", 100)
    house.deposit("ann", 1_000)
    house.lose("theft", amount=amount)
    return house


# --- who is given back what ------------------------------------------------------------------------------


def test_who_paid_last_is_given_back_first() -> None:
    """Recovered money climbs the waterfall: depositors, then members, then stakers, then the fund.

    ---
    lost       900: fund 100, stakers 200, members 300, ann 300
    recovered  350      => ann 300, members 50
    recovered  1,000    => members 250, stakers 200, fund 100; 450 are not taken
    """
    house = after_a_loss(900, BACKWARDS)
    assert given_back(house.recover("court", 350)) == [("holders", 300), ("survivors", 50)]
    assert house.held("ann") == 1_000
    assert dict(house.book.table("ex.fund.default-fund.USD")) == {"mia": 34, "max": 16}
    receipt = house.recover("court", 1_000)
    assert given_back(receipt) == [("survivors", 250), ("stakers", 200), ("fund", 100)]
    assert events(receipt, te.MoneyRecovered)[0].amount == 550
    assert house.stake_pool.value_of(house.book, "sue") == 200
    assert house.purse("fund") == 100
    assert dict(house.book.table("ex.fund.default-fund.USD")) == {"mia": 200, "max": 100}
    again = tc.Recover(venue="ex.waterfall", account="court", asset="USD", amount=1)
    assert house.refused(again) == "NOTHING_IS_OWED_BACK"
    house.replayed()


def test_all_who_paid_share_by_what_they_bore() -> None:
    """Pro rata to the loss, a half recovered is a half for each, to the unit."""
    house = after_a_loss(900, FAIR)
    assert given_back(house.recover("court", 450)) == [
        ("fund", 50),
        ("stakers", 100),
        ("survivors", 150),
        ("holders", 150),
    ]


def test_a_tier_that_paid_may_be_skipped() -> None:
    """The house's own fund bore its part for good: it is left out, and the rest goes to the others."""
    house = after_a_loss(900, attrs.evolve(FAIR, skip=("fund",)))
    assert given_back(house.recover("court", 10_000)) == [
        ("stakers", 200),
        ("survivors", 300),
        ("holders", 300),
    ]
    assert house.purse("fund") == 0


def test_an_open_deficit_comes_first_unless_the_table_says_otherwise() -> None:
    """What no tier paid is paid first of all; a table that names the deficit puts it where it wants it."""
    for rows, expected in (
        ((BACKWARDS,), [("", 250), ("stakers", 50)]),
        ((BACKWARDS, Row(name="rest", rule="deficit")), [("stakers", 200), ("fund", 100)]),
        ((), [("", 250)]),
    ):
        house = after_a_loss(550, *rows, tiers=(FUND, STAKERS))
        assert house.deficit() == 250
        assert given_back(house.recover("court", 300)) == expected
    assert house.deficit() == 0


def test_what_a_tier_still_owes_is_not_paid_for_it() -> None:
    """Of a deficit of 100 that a fund owes by tomorrow, recovered money pays nothing."""
    house = House(attrs.evolve(FUND, due_s=86_400), recoveries=())
    house.fund("fund", 60)
    house.deposit("ann", 1_000)
    house.lose("theft", amount=100)
    assert given_back(house.recover("court", 100)) == [("", 40)]
    house.must(tc.SettleTier(venue="ex.waterfall", account="any", tier="fund", asset="USD", amount=60))
    assert house.deficit() == 0


def test_rows_have_limits_ends_and_donors() -> None:
    """Half to the stakers, at most 30 in all; the insurer's money to the fund alone; the rest to all.

    ---
    court    100   => stakers 30; fair: fund 70 · 100/870 …
    insurer  100   => fund
    """
    house = after_a_loss(
        900,
        Row(name="insured", rule="tier", tier="fund", donors=("insurer",)),
        Row(name="half", rule="tier", tier="stakers", limit=WAD // 2, amount=30, donors=("court",)),
        attrs.evolve(FAIR, donors=("court",)),
    )
    assert given_back(house.recover("insurer", 150)) == [("fund", 100)]
    assert given_back(house.recover("court", 20)) == [
        ("stakers", 10),
        ("stakers", 2),
        ("survivors", 4),
        ("holders", 4),
    ]
    assert given_back(house.recover("court", 100))[0] == ("stakers", 20)
    assert given_back(house.recover("court", 10))[0][0] == "stakers"
    assert house.book.cell("ex.recovered.USD", "half") == 30


def test_a_pledge_is_kept_by_giving() -> None:
    """Who promised 100 and gives 60 has 40 promised; what he gives beyond is no negative promise."""
    house = after_a_loss(900, BACKWARDS)
    pledge = tc.Pledge(venue="ex.waterfall", account="dao", asset="USD", amount=100)
    house.must(pledge)
    house.recover("dao", 60)
    assert house.book.cell("ex.pledged.USD", "dao") == 40
    house.recover("dao", 60)
    assert house.book.cell("ex.pledged.USD", "dao") == 0
    house.must(pledge)
    house.must(pledge)
    assert house.book.cell("ex.pledged.USD", "dao") == 200


def test_money_of_the_outside_goes_back_outside() -> None:
    """Members who were called paid out of their pockets, and are paid there: the venue holds none of it."""
    house = House(
        CALLS, Tier(name="owner", payer="injection", holder="boss", amount_max=50), recoveries=[BACKWARDS]
    )
    house.join("mia", 200)
    house.join("max", 100)
    house.deposit("ann", 1_000)
    house.lose("theft", amount=340)
    cash = house.book.balance("ex:cash", "USD")
    receipt = house.recover("court", 100)
    assert [(event.bearer, event.amount) for event in events(receipt, te.RecoveryPaid)] == [
        ("boss", 40),
        ("calls", 60),
    ]
    assert house.book.balance("ex:cash", "USD") == cash
    assert dict(house.book.table("ex.borne.USD.calls")) == {"mia": 160, "max": 80}


def test_each_holder_is_given_what_he_bore() -> None:
    """Of what winners and holders gave up, each is given his own part, not that of who is richer now."""
    house = House(HOLDERS, recoveries=[BACKWARDS])
    house.deposit("ann", 300)
    house.deposit("bob", 100)
    house.lose("theft", amount=40)
    house.deposit("new", 10**6)
    house.recover("court", 20)
    assert (house.held("ann"), house.held("bob"), house.held("new")) == (285, 95, 10**6)


def test_a_purse_is_filled_up_to_a_target() -> None:
    """What the treasury gives fills the fund to 150 and the stake to 300, whoever had emptied them."""
    rows = (
        Row(name="fund", rule="replenish", tier="fund", target=150, donors=("treasury",)),
        Row(name="stake", rule="replenish", tier="stakers", target=300, donors=("treasury",)),
        BACKWARDS,
    )
    house = after_a_loss(250, *rows)
    receipt = house.recover("treasury", 500)
    assert given_back(receipt) == [("fund", 150), ("stakers", 250), ("stakers", 100)]
    assert house.purse("stakers") == 400
    assert house.purse("fund") == 150


def test_a_stake_without_stakers_is_given_nothing() -> None:
    """Where all stakers left after they were slashed, what they bore goes to whoever the table names next."""
    house = after_a_loss(150, BACKWARDS)
    house.must(c.Redeem(venue="ex.stake.stakers", account="sue", stake="stakers", shares=200))
    assert given_back(house.recover("court", 1_000)) == [("fund", 100)]


def test_tokens_that_were_sold_are_bought_back() -> None:
    """A fund that paid in another asset is given that asset back, at the price of the day, rounded down."""
    fund = attrs.evolve(FUND, asset="ETH")
    house = House(fund, recoveries=[BACKWARDS])
    house.fund("fund", 10**19, "ETH")
    house.deposit("ann", 100_00)
    assert paid(house.lose("theft", amount=50_00)) == [("fund", 50_00)]
    assert house.purse("fund", "ETH") == 5 * 10**18
    house.price("ETH", 30 * 10**8)
    paid_back = events(house.recover("court", 10_00), te.RecoveryPaid)[0]
    assert (paid_back.paid_asset, paid_back.paid) == ("ETH", 10**19 // 30)
    house.price("ETH", 0)
    more = tc.Recover(venue="ex.waterfall", account="court", asset="USD", amount=1)
    assert house.refused(more) == "NOTHING_IS_OWED_BACK"


def test_without_a_table_nothing_is_written_down() -> None:
    """Where nothing can be recovered, no cell says who has borne what: such ledgers keep their bytes."""
    house = House(FUND, HOLDERS)
    house.fund("fund", 10)
    house.deposit("ann", 100)
    house.lose("theft", amount=50)
    assert not [table for table in house.book.tables() if ".borne" in table or ".iou" in table]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (Row(name="x", rule="fair"), "rule"),
        (Row(name="x", rule="tier", tier="nobody"), "tier"),
        (Row(name="x", rule="replenish", tier="holders", target=1), "tier"),
        (Row(name="x", rule="replenish", tier="fund"), "target"),
        (Row(name="x", rule="ious"), "iou"),
        (Row(name="x", rule="ious", iou="BFX"), "iou"),
        (Row(name="x", rule="reverse", skip=("nobody",)), "skip"),
    ],
)
def test_a_senseless_row_is_told(row: Row, field: str) -> None:
    """A row of recoveries that makes no sense beside the tiers is told by its place and its field."""
    assert complaints([row], [FUND, HOLDERS])[0][:2] == (0, field)
    with pytest.raises(ValueError, match=rf"recoveries\[0\]\.{field}"):
        House(FUND, HOLDERS, recoveries=[row])


def test_an_iou_needs_somebody_by_name() -> None:
    """A fund has nobody who could hold its IOU, which is told when the table is read."""
    with pytest.raises(ValueError, match="nobody could hold its IOU"):
        House(attrs.evolve(FUND, iou="PAPER"))


def test_two_ious_share_by_what_is_out() -> None:
    """Money for IOUs of two tiers is shared by what is out of each; in reverse order the last comes first."""
    members = attrs.evolve(SURVIVORS, iou="OLD")
    holders = attrs.evolve(HOLDERS, iou="NEW")
    for row, expected in (
        (Row(name="all", rule="ious"), [("OLD", 30), ("NEW", 10)]),
        (Row(name="new", rule="ious", iou="NEW"), [("NEW", 40)]),
        (BACKWARDS, [("NEW", 40)]),
    ):
        house = House(members, holders, recoveries=[row])
        house.join("mia", 300)
        house.deposit("ann", 1_000)
        house.lose("theft", amount=400)
        assert (house.ious("mia", "OLD"), house.ious("ann", "NEW")) == (300, 100)
        assert given_back(house.recover("court", 40)) == expected


def test_one_iou_of_two_tiers_comes_back_where_the_last_of_them_stands() -> None:
    """In reverse order who paid last is given back first: an IOU by the lowest tier that gave it."""
    first = attrs.evolve(SURVIVORS, iou="PAPER")
    house = House(first, FUND, attrs.evolve(HOLDERS, iou="PAPER"), recoveries=[BACKWARDS])
    house.join("mia", 300)
    house.fund(FUND.name, 50)
    house.deposit("ann", 1_000)
    house.lose("theft", amount=400)
    assert (house.ious("mia", "PAPER"), house.ious("ann", "PAPER")) == (300, 50)
    assert given_back(house.recover("court", 380)) == [("PAPER", 350), (FUND.name, 30)]


# --- a lending pool --------------------------------------------------------------------------------------


class Lending:
    """A pool with dollars that ann and zoe lend, and a stake; losses come from outside."""

    def __init__(self, *tiers: Tier, recoveries: Sequence[Row] = (BACKWARDS,), rate: bool = False) -> None:
        self.pool = Pool("aave", ("USDC", "ETH"))
        stake: StakePool = StakePool("aave", "stakers", "USDC")
        if rate:
            stake = RateStakePool("aave", "stakers", "USDC", cooldown_s=0, window_s=0, lower_bound=100 * M)
        self.stake = stake
        self.waterfall = Waterfall(
            self.pool.cover(), tiers, stakes={"stakers": stake}, decimals=DECIMALS, recoveries=recoveries
        )
        venues: list[Venue] = [Feed(), self.pool, stake, self.waterfall]
        self.protocol = Protocol(venues, Notebook(), reactors=[self.waterfall], observers=[TierRule()])
        self.book, self.at = self.protocol.book, 1_700_000_000
        for asset, price in (("USDC", 10**8), ("ETH", 2_000 * 10**8)):
            terms = {"decimals": DECIMALS[asset], "ltv": 7_500, "threshold": 8_000, "bonus": 10_500}
            terms |= {"optimal": 8_000, "slope1": 400, "slope2": 6_000, "reserve_factor": 1_000}
            given = {"venue": "aave", "account": "governance", "asset": asset}
            self.must(c.ListReserve(**given, parameters=tuple(terms.items())))
            told = {"venue": "oracle", "account": "oracle", "asset": asset}
            self.must(c.PublishPrice(**told, price=price, market=price))
        for name in ("ann", "zoe"):
            self.must(c.Supply(venue="aave", account=name, asset="USDC", amount=1_000 * M))

    def do(self, command: c.Command, wait: int = 0) -> Receipt:
        """Carry a command out, and check all laws."""
        self.at += wait
        receipt = self.protocol.submit(command, at=self.at)
        check(self.book, deep=True)
        return receipt

    def must(self, command: c.Command, wait: int = 0) -> Receipt:
        """Carry a command out that is not refused."""
        receipt = self.do(command, wait)
        assert receipt, receipt.refused
        return receipt

    def lose(self, loss: str, **what: Any) -> Receipt:
        """Report a loss."""
        return self.must(attrs.evolve(report(loss, "USDC", **what), venue="aave"))

    def recover(self, amount: int) -> Receipt:
        """Give money back."""
        return self.must(tc.Recover(venue="aave.waterfall", account="court", asset="USDC", amount=amount))

    def borrow(self, amount: int) -> None:
        """Let bob borrow against ether."""
        terms: dict[str, Any] = {
            "collateral": "ETH",
            "collateral_amount": WAD,
            "debt": "USDC",
            "debt_amount": amount,
        }
        self.must(c.OpenPosition(venue="aave", account="bob", **terms))

    def claim(self, who: str) -> int:
        """Return what somebody's claim is worth now."""
        return self.pool.claim(self.book, who, "USDC", self.at)


def test_cash_is_stolen_from_a_pool_and_comes_back() -> None:
    """A theft cuts all claims by one number, and what comes back raises them by one, never beyond.

    ---
    ann, zoe  lend 1,000 each; 500 are stolen     => 750 each
    court     returns 300                         => 900 each
    court     returns 300, of which 200 are owed  => 1,000 each, or a unit less
    """
    lending = Lending(HOLDERS)
    receipt = lending.lose("theft", amount=500 * M, holder="mal")
    reported = events(receipt, te.LossReported)[0]
    assert (reported.loss, reported.holder) == ("theft", "mal")
    assert lending.claim("ann") == 750 * M
    lending.recover(300 * M)
    assert 0 <= 900 * M - lending.claim("ann") <= 1
    assert events(lending.recover(300 * M), te.MoneyRecovered)[0].amount == 200 * M
    assert 0 <= 1_000 * M - lending.claim("zoe") <= 2
    assert lending.pool.reserve(lending.book, "USDC").liquidity_index <= RAY


@pytest.mark.parametrize(("loss", "lost"), [("mint", 600 * M), ("claim", 600 * M), ("backing", 500 * M)])
def test_a_pool_recognises_every_kind_of_loss(loss: str, lost: int) -> None:
    """Claims without money, an accepted claim, a quarter of the backing: the deficit is what was lost."""
    what = {"share": WAD // 4} if loss == "backing" else {"amount": lost, "holder": "mal"}
    lending = Lending(recoveries=())
    receipt = lending.lose(loss, **what)
    assert uncovered(receipt) == [lost]
    assert lending.pool.reserve(lending.book, "USDC").deficit == lost
    assert lending.claim("mal") == (0 if loss == "backing" else lost)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"loss": "theft", "amount": 2_000 * M + 1}, "LIQUIDITY_IS_INSUFFICIENT"),
        ({"loss": "theft", "amount": 0}, "AMOUNT_IS_ZERO"),
        ({"loss": "mint", "amount": 5}, "PARAMETER_IS_INVALID"),
        ({"loss": "claim", "amount": 5, "holder": "x", "account": "x"}, "CALLER_IS_NOT_GOVERNANCE"),
        ({"loss": "theft", "amount": 1, "asset": "DOGE"}, "RESERVE_IS_UNKNOWN"),
    ],
)
def test_a_pool_refuses_nonsense(what: dict[str, Any], reason: str) -> None:
    """A report that makes no sense is refused by a pool as by any venue."""
    lending = Lending(HOLDERS)
    command = ReportLoss(**{"venue": "aave", "account": "governance", "asset": "USDC", **what})
    refused = lending.do(command).refused
    assert refused is not None
    assert refused.name == reason


def test_loans_that_bore_a_loss_are_lowered_again() -> None:
    """What was added to all debts is taken off again, and no debt falls below what was borrowed."""
    lending = Lending(Tier(name="borrowers", payer="loans"))
    lending.borrow(500 * M)
    lending.lose("theft", amount=100 * M)
    assert lending.pool.debt(lending.book, "bob", "USDC", lending.at) == 600 * M
    assert given_back(lending.recover(1_000 * M)) == [("borrowers", 100 * M)]
    assert 0 <= lending.pool.debt(lending.book, "bob", "USDC", lending.at) - 500 * M <= 1


def test_revenue_and_a_holder_get_back_their_own() -> None:
    """What the treasury had earned, and the claim of one holder, come back as they were."""
    lending = Lending(
        Tier(name="revenue", payer="revenue"), Tier(name="friend", payer="holder", holder="zoe")
    )
    lending.borrow(1_000 * M)
    lending.must(c.Supply(venue="aave", account="ann", asset="USDC", amount=M), wait=31_536_000)
    earned = lending.pool.reserve(lending.book, "USDC").treasury()
    zoe = lending.claim("zoe")
    lending.lose("theft", amount=500 * M)
    assert given_back(lending.recover(500 * M)) == [("friend", 500 * M - earned), ("revenue", earned)]
    assert 0 <= zoe - lending.claim("zoe") <= 2
    assert 0 <= earned - lending.pool.reserve(lending.book, "USDC").treasury() <= 2


def test_claims_that_are_gone_are_given_nothing() -> None:
    """Where a haircut took all there was, no index can be raised: what comes back is not taken."""
    lending = Lending(HOLDERS)
    lending.lose("theft", amount=2_000 * M)
    assert lending.claim("ann") == 0
    back = tc.Recover(venue="aave.waterfall", account="court", asset="USDC", amount=M)
    refused = lending.do(back).refused
    assert refused is not None
    assert refused.name == "NOTHING_IS_OWED_BACK"


def test_an_older_stake_takes_no_small_gifts() -> None:
    """A stake by exchange rate refuses returns below its bound, so they go to whoever is next."""
    lending = Lending(FUND, STAKERS, rate=True)
    stake = c.Stake(venue="aave.stake.stakers", account="sue", stake="stakers", assets=1_000 * M)
    lending.must(stake)
    give = {"venue": "aave", "account": "dao", "tier": "fund", "asset": "USDC"}
    lending.must(c.ContributeToFund(**give, amount=100 * M))
    receipt = lending.lose("theft", amount=300 * M)
    assert [event.amount for event in events(receipt, LossAbsorbed)] == [100 * M, 200 * M]
    assert given_back(lending.recover(60 * M)) == [("fund", 60 * M)]
    assert given_back(lending.recover(150 * M)) == [("stakers", 150 * M)]


def test_a_pool_pays_ious_in_claims() -> None:
    """Members of a pool's fund who hold IOUs are paid in claims on it."""
    lending = Lending(attrs.evolve(SURVIVORS, iou="PAPER"), recoveries=[Row(name="paper", rule="ious")])
    join = {"venue": "aave.waterfall", "account": "mia", "fund": "default-fund", "asset": "USDC"}
    lending.must(tc.JoinFund(**join, amount=300 * M))
    lending.lose("theft", amount=200 * M)
    assert lending.book.cell("aave.iou.PAPER.USDC", "mia") == 200 * M
    assert given_back(lending.recover(150 * M)) == [("PAPER", 150 * M)]
    assert lending.claim("mia") == 150 * M
    assert lending.book.cell("aave.iou.PAPER.USDC", "mia") == 50 * M


def test_governance_does_not_pay_what_a_tier_owes() -> None:
    """A deficit that a tier owes by a deadline is the tier's: eliminated twice it would fall below zero."""
    lending = Lending(attrs.evolve(FUND, due_s=86_400))
    give = {"venue": "aave", "account": "dao", "tier": "fund", "asset": "USDC"}
    lending.must(c.ContributeToFund(**give, amount=100 * M))
    lending.must(c.Supply(venue="aave", account="umbrella", asset="USDC", amount=500 * M))
    lending.lose("theft", amount=150 * M)
    eliminate = c.EliminateDeficit(venue="aave", account="umbrella", asset="USDC", amount=c.ALL)
    lending.must(eliminate)
    assert lending.pool.reserve(lending.book, "USDC").deficit == 100 * M
    assert lending.do(eliminate).refused is not None
    lending.must(
        tc.SettleTier(venue="aave.waterfall", account="any", tier="fund", asset="USDC", amount=c.ALL)
    )
    assert lending.pool.reserve(lending.book, "USDC").deficit == 0
