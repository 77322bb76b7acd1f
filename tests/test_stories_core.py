"""Stories of the waterfall: one sentence, a small ledger, and what happened. All laws are checked on the way.

The rule: a story is played through the same watch as random play, so it can only add to what is checked.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from auditor import ONE, Auditor
from driver import Watched
from driver_counts import Counts
from driver_op import Op
from systems import ASSETS, COOLDOWN, FUND, HAIRCUT, PRICES, STAKERS, Setup, price

from mutualize import commands as c
from mutualize import events as e
from mutualize.errors import Reason
from mutualize.protocol import Receipt
from mutualize.tier import Tier
from mutualize.venues.rules import PoolRules

M = 10**6
ETHER = 10**18
PLAIN = PoolRules(dust_rule=False, close_factor="full")
FREE = (("protocol_fee", 0), ("reserve_factor", 0), ("base", 0), ("slope1", 0), ("slope2", 0))
"""No fee and no interest: the figures of a story can be followed in one's head."""


class Story:
    """A system whose reserves are listed, and words for what people do in it."""

    def __init__(self, *tiers: Tier, **terms: Any) -> None:
        terms = {"rules": PLAIN, "parameters": FREE, **terms}
        self.watched = Watched(Setup(name="story", tiers=tiers, **terms), Counts())
        for command in self.watched.system.begin():
            assert self.watched.play(Op(0, command))
        self.book, self.pool = self.watched.system.protocol.book, self.watched.system.pool

    def do(self, command: c.Command, wait: int = 0) -> Receipt:
        """Carry a command out after a while; return what became of it."""
        return self.watched.play(Op(wait, command))

    def must(self, command: c.Command, wait: int = 0) -> Receipt:
        """Carry a command out that is not refused."""
        receipt = self.do(command, wait)
        assert receipt, receipt.refused
        return receipt

    def supply(self, who: str, amount: int, asset: str = "USDC") -> None:
        """Deposit."""
        self.must(c.Supply(venue="aave", account=who, asset=asset, amount=amount))

    def stake(self, who: str, amount: int) -> None:
        """Stake."""
        self.must(c.Stake(venue="aave.stake.stakers", account=who, stake="stakers", assets=amount))

    def fund(self, amount: int, tier: str = "insurance-fund", asset: str = "USDC") -> None:
        """Fill a fund."""
        give = {"venue": "aave", "account": "governance", "tier": tier, "asset": asset}
        self.must(c.ContributeToFund(**give, amount=amount))

    def borrow(self, who: str, amount: int, collateral: int = ETHER) -> None:
        """Open a position: collateral in ether, a loan in dollars."""
        self.must(
            c.OpenPosition(
                venue="aave",
                account=who,
                collateral="ETH",
                collateral_amount=collateral,
                debt="USDC",
                debt_amount=amount,
            )
        )

    def default(self, who: str, asset: str = "USDC") -> Receipt:
        """Let ether be worth nothing, and liquidate: the whole debt is a shortfall."""
        self.must(price("ETH", 0))
        seize: dict[str, Any] = {
            "venue": "aave",
            "account": "keeper",
            "borrower": who,
            "collateral": "ETH",
            "debt": asset,
        }
        receipt = self.must(c.Liquidate(**seize))
        self.must(price("ETH", PRICES["ETH"]))
        return receipt

    def claim(self, who: str, asset: str = "USDC") -> int:
        """Return what somebody's claim is worth."""
        return self.pool.claim(self.book, who, asset, self.watched.system.at)

    def deficit(self, asset: str = "USDC") -> int:
        """Return the open deficit."""
        return self.pool.reserve(self.book, asset).deficit


def tiers_of(receipt: Receipt) -> list[tuple[str, int, int]]:
    """Return (tier, paid, rest) of all allocations of a transaction."""
    found = [entry.event for entry in receipt.entries]
    return [(x.tier, x.amount, x.rest) for x in found if isinstance(x, e.LossAllocated)]


def uncovered(receipt: Receipt) -> list[int]:
    """Return what no tier paid."""
    return [x.event.amount for x in receipt.entries if isinstance(x.event, e.ShortfallUncovered)]


def test_the_second_haircut_starts_from_what_the_first_left() -> None:
    """The second haircut starts from what the first one left.

    ---
    ann   supply 1,000
    bob   borrows 500 and defaults     => ann has 500
    eve   borrows 250 and defaults     => ann has 250
    """
    story = Story(HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.borrow("bob", 500 * M)
    story.borrow("eve", 250 * M)
    assert tiers_of(story.default("bob")) == [("depositors", 500 * M, 0)]
    assert story.claim("ann") == 500 * M
    story.default("eve")
    assert story.claim("ann") == 250 * M
    assert story.deficit() == 0


@pytest.mark.parametrize(("short", "paid"), [(1, 399 * M + 999_999), (0, 400 * M), (-1, 400 * M)])
def test_a_fund_exactly_as_large_as_the_loss(short: int, paid: int) -> None:
    """A fund that holds the loss to the unit pays all of it, and no tier below is even asked."""
    story = Story(FUND, STAKERS, HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.stake("sue", 50 * M)
    story.fund(400 * M - short)
    story.borrow("bob", 400 * M)
    found = tiers_of(story.default("bob"))
    rest = 400 * M - paid
    below = [("stakers", rest, 0)] if rest else []
    assert found == [("insurance-fund", paid, rest), *below]
    assert story.claim("ann") == 1_000 * M


def test_tiers_are_exhausted_in_order() -> None:
    """Each tier gives all it has before the next one is asked.

    ---
    fund 100, stake 150, depositors 1,000; a loss of 600   => 100 + 150 + 350
    """
    story = Story(FUND, STAKERS, HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.stake("sue", 150 * M)
    story.fund(100 * M)
    story.borrow("bob", 600 * M)
    assert tiers_of(story.default("bob")) == [
        ("insurance-fund", 100 * M, 500 * M),
        ("stakers", 150 * M, 350 * M),
        ("depositors", 350 * M, 0),
    ]
    assert story.claim("ann") == 650 * M


def test_an_offset_is_left_to_the_tiers_below() -> None:
    """A tier leaves the first part of a loss, its offset, to those below it."""
    story = Story(attrs.evolve(FUND, offset=30 * M), HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.fund(500 * M)
    story.borrow("bob", 100 * M)
    assert tiers_of(story.default("bob")) == [("insurance-fund", 70 * M, 30 * M), ("depositors", 30 * M, 0)]


@pytest.mark.parametrize(("offset", "owed"), [(0, 50 * M), (30 * M, 35 * M)])
def test_a_tier_may_pay_a_share_of_each_loss(offset: int, owed: int) -> None:
    """A tier that pays half of a loss pays half of what is above its offset; the rest is for those below."""
    story = Story(attrs.evolve(FUND, of_loss=10**18 // 2, offset=offset), HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.fund(500 * M)
    story.borrow("bob", 100 * M)
    left = 100 * M - owed
    assert tiers_of(story.default("bob")) == [("insurance-fund", owed, left), ("depositors", left, 0)]


def test_a_loss_below_the_offset_does_not_touch_a_tier() -> None:
    """A loss that is no larger than the offset costs the tier nothing, which is on record."""
    story = Story(attrs.evolve(FUND, offset=100 * M), HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.fund(500 * M)
    story.borrow("bob", 100 * M)
    assert tiers_of(story.default("bob")) == [("insurance-fund", 0, 100 * M), ("depositors", 100 * M, 0)]


def test_a_limit_holds_for_each_shortfall() -> None:
    """A limit of three tenths takes 300 of 1,000, and 210 of the 700 that are left."""
    story = Story(attrs.evolve(STAKERS, limit=3 * 10**17), HAIRCUT)
    story.supply("ann", 2_000 * M)
    story.stake("sue", 1_000 * M)
    story.borrow("bob", 500 * M)
    story.borrow("eve", 500 * M)
    assert tiers_of(story.default("bob"))[0] == ("stakers", 300 * M, 200 * M)
    assert tiers_of(story.default("eve"))[0] == ("stakers", 210 * M, 290 * M)


def test_an_unused_tier_is_seen_and_spared() -> None:
    """A tier that exists and is not used is in the record with nothing to give."""
    story = Story(attrs.evolve(FUND, used=False), HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.fund(500 * M)
    story.borrow("bob", 100 * M)
    assert tiers_of(story.default("bob")) == [("insurance-fund", 0, 100 * M), ("depositors", 100 * M, 0)]
    assert story.book.balance("aave:tier:insurance-fund", "USDC") == 500 * M


@pytest.mark.parametrize(("quote", "sold", "covered"), [(50, 2, 100), (25, 4, 100), (10, 5, 50)])
def test_a_stake_whose_own_price_falls(quote: int, sold: int, covered: int) -> None:
    """The further the staked token has fallen, the more of it goes, until it is all gone and too little."""
    story = Story(attrs.evolve(STAKERS, asset="AAVE"), HAIRCUT, stake_asset="AAVE")
    story.supply("ann", 1_000 * M)
    story.stake("sue", 5 * ETHER)
    story.borrow("bob", 100 * M)
    story.must(price("AAVE", quote * 10**8))
    receipt = story.default("bob")
    slashed = receipt.event(e.Slashed)
    assert isinstance(slashed, e.Slashed)
    assert slashed.assets == sold * ETHER
    assert tiers_of(receipt)[0] == ("stakers", covered * M, (100 - covered) * M)


def test_one_unit_over_many_holders() -> None:
    """One unit lost over many holders costs nobody more than one, and all of them two: one is residue."""
    story = Story(HAIRCUT)
    names = [f"holder-{number:03d}" for number in range(100)]
    for name in names:
        story.supply(name, 1_000_000_007)
    story.borrow("bob", 1)
    claims = story.book.balance("aave:claims", "USDC")
    before = {name: story.claim(name) for name in names}
    story.default("bob")
    lost = [before[name] - story.claim(name) for name in names]
    assert claims - story.book.balance("aave:claims", "USDC") == 2
    assert story.book.balance("aave:residue", "USDC") == 1
    assert set(lost) <= {0, 1}
    assert story.deficit() == 0


def test_all_stakers_are_gone() -> None:
    """Where all stakers left in time, their tier has nothing, says so, and depositors pay."""
    story = Story(STAKERS, HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.stake("sue", 500 * M)
    story.borrow("bob", 300 * M)
    stake = {"venue": "aave.stake.stakers", "account": "sue", "stake": "stakers"}
    story.must(c.StartCooldown(**stake))
    story.must(c.Redeem(**stake, shares=500 * M), wait=COOLDOWN)
    assert tiers_of(story.default("bob")) == [("stakers", 0, 300 * M), ("depositors", 300 * M, 0)]


def test_announcing_to_leave_is_not_leaving() -> None:
    """Who is in his cooldown when the loss comes is slashed with all the others."""
    story = Story(STAKERS, HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.stake("sue", 100 * M)
    story.stake("tom", 100 * M)
    story.borrow("bob", 100 * M)
    stake = {"venue": "aave.stake.stakers", "account": "sue", "stake": "stakers"}
    story.must(c.StartCooldown(**stake))
    story.default("bob")
    left = story.must(c.Redeem(**stake, shares=100 * M), wait=COOLDOWN).event(e.Unstaked)
    assert isinstance(left, e.Unstaked)
    assert left.assets == 50 * M


def test_at_par_the_last_one_finds_no_cash() -> None:
    """Where nobody is cut, the first who comes is paid in full and the last is not paid at all.

    ---
    ann, zoe   supply 500 each
    bob        borrows 500 and defaults: uncovered 500, both claims still read 500
    ann        withdraws 500
    zoe        is refused
    """
    story = Story()
    story.supply("ann", 500 * M)
    story.supply("zoe", 500 * M)
    story.borrow("bob", 500 * M)
    assert uncovered(story.default("bob")) == [500 * M]
    assert story.claim("zoe") == 500 * M
    story.must(c.Withdraw(venue="aave", account="ann", asset="USDC", amount=c.ALL))
    late = story.do(c.Withdraw(venue="aave", account="zoe", asset="USDC", amount=c.ALL))
    assert late.refused is Reason.LIQUIDITY_IS_INSUFFICIENT
    assert story.deficit() == 500 * M


def test_a_haircut_cannot_take_more_than_there_is() -> None:
    """Claims pay until nothing is left; interest that nobody was owed stays uncovered, in sight.

    ---
    ann   supply 1,000
    bob   borrows 1,000, two years pass, defaults
    =>    all claims are gone, the rest is uncovered, and the reserve takes no deposit any more
    """
    story = Story(HAIRCUT, parameters=(("protocol_fee", 0), ("reserve_factor", 1_000), ("slope2", 6_000)))
    story.supply("ann", 1_000 * M)
    story.borrow("bob", 1_000 * M, collateral=10 * ETHER)
    story.must(price("BTC", PRICES["BTC"]), wait=2 * 31_536_000)
    receipt = story.default("bob")
    assert uncovered(receipt) == [story.deficit()]
    assert story.deficit() > 0
    assert story.claim("ann") == 0
    late = story.do(c.Supply(venue="aave", account="zoe", asset="USDC", amount=M))
    assert late.refused is Reason.RESERVE_IS_WIPED_OUT


def test_two_debts_are_two_losses() -> None:
    """One default in two assets is two shortfalls, and each goes through all tiers by itself."""
    story = Story(FUND, HAIRCUT)
    story.supply("ann", 1_000 * M)
    story.supply("ann", 10**8, "BTC")
    story.fund(60 * M)
    story.borrow("bob", 100 * M)
    story.must(c.Borrow(venue="aave", account="bob", asset="BTC", amount=10**5))
    assert tiers_of(story.default("bob")) == [
        ("insurance-fund", 60 * M, 40 * M),
        ("depositors", 40 * M, 0),
        ("insurance-fund", 0, 10**5),
        ("depositors", 10**5, 0),
    ]
    assert story.claim("ann", "BTC") == 10**8 - 10**5


# --- the same, a little different -------------------------------------------------------------------------


def loss_of_ann(fund: int, stake: int, others: tuple[int, ...]) -> int:
    """Return what a depositor loses by a default of 400, with this much before her and beside her."""
    story = Story(FUND, STAKERS, HAIRCUT)
    story.supply("ann", 500 * M)
    for number, amount in enumerate(others):
        story.supply(f"other-{number}", amount)
    if fund:
        story.fund(fund)
    if stake:
        story.stake("sue", stake)
    story.borrow("bob", 400 * M)
    story.default("bob")
    return 500 * M - story.claim("ann")


def test_more_insurance_never_raises_a_haircut() -> None:
    """With every unit more in a fund or a stake, a depositor loses the same or less."""
    for kind in (0, 1):
        sizes = [(size, 0)[:: 1 - 2 * kind] for size in (0, 1, 2, M, 100 * M, 399 * M, 400 * M, 10**12)]
        losses = [loss_of_ann(fund, stake, (500 * M,)) for fund, stake in sizes]
        assert losses == sorted(losses, reverse=True)
        assert losses[0] == 200 * M
        assert losses[-1] == 0


def test_splitting_a_depositor_changes_nobody_elses_loss() -> None:
    """Whether a neighbour holds one claim or three, a depositor loses the same, to the unit."""
    assert abs(loss_of_ann(0, 7, (500 * M,)) - loss_of_ann(0, 7, (300 * M, 199 * M, M))) <= 1


def test_a_gift_before_the_second_staker_steals_nothing() -> None:
    """Who stakes one unit and gives the stake a fortune gains nothing from whoever stakes next.

    ---
    mal   stakes 1 unit, gives all stakers 1,000
    sue   stakes 1,000
    mal   leaves     => with less than he put in
    """
    story = Story(STAKERS, HAIRCUT)
    story.stake("mal", 1)
    give = {"venue": "aave.stake.stakers", "account": "mal", "stake": "stakers"}
    story.must(c.ReturnFunds(**give, assets=1_000 * M))
    story.stake("sue", 1_000 * M)
    story.must(c.StartCooldown(**give))
    story.must(c.Redeem(**give, shares=1), wait=COOLDOWN)
    assert story.watched.auditor.wallets["mal"]["USDC"] < 0


# --- what was wrong once ---------------------------------------------------------------------------------


def test_the_fund_takes_only_interest_that_is_booked() -> None:
    """The fund's share of interest is paid after that interest was booked, never out of the residue."""
    terms = (("reserve_factor", 10_000), ("fund_reserve_share", 10_000), ("slope2", 6_000))
    story = Story(HAIRCUT, parameters=terms)
    story.supply("ann", 1_000 * M)
    story.borrow("bob", 1_000 * M, collateral=10 * ETHER)
    story.supply("zoe", 100 * M, "USDC")
    story.must(c.Supply(venue="aave", account="ann", asset="USDC", amount=M), wait=1)
    story.must(c.MintToTreasury(venue="aave", account="anyone", asset="USDC"), wait=31_536_000)
    assert story.book.cell("aave.USDC", "accrued_scaled") == 0
    assert story.book.cell("aave.USDC", "last_update") == story.watched.system.at


def test_a_number_that_returns_is_told() -> None:
    """A share that grew from nothing and fell to nothing in one transaction is written as nothing."""
    terms = (("reserve_factor", 10_000), ("fund_reserve_share", 5_000), ("slope2", 6_000))
    story = Story(HAIRCUT, parameters=terms)
    story.supply("ann", 1_000 * M)
    story.borrow("bob", 900 * M, collateral=10 * ETHER)
    for _ in range(3):
        story.must(c.MintToTreasury(venue="aave", account="anyone", asset="USDC"), wait=86_400)
        assert story.book.cell("aave.USDC", "accrued_scaled", -1) in (0, -1)


def umbrella_story(decimals_price: int) -> Story:
    """Return a pool with a deficit of 100 and an umbrella of 500 staked, whose asset has this price."""
    story = Story(umbrella="by hand", stake_asset="AAVE")
    story.supply("ann", 1_000 * M)
    story.stake("sue", 500 * ETHER)
    story.borrow("bob", 100 * M)
    story.must(price("AAVE", decimals_price))
    story.default("bob")
    return story


def test_a_stake_that_is_worth_nothing_cannot_be_slashed() -> None:
    """Where the staked asset has a price of zero, a slash is refused and does not divide by it."""
    story = umbrella_story(0)
    slash = c.Slash(venue="aave.umbrella.USDC", account="anyone", stake="stakers")
    assert story.do(slash).refused is Reason.PRICE_IS_MISSING


def test_a_worthless_stake_does_not_stop_a_liquidation() -> None:
    """An umbrella that slashes by itself lets a liquidation pass where its stake is worth nothing."""
    story = Story(umbrella="automatic", stake_asset="AAVE")
    story.supply("ann", 1_000 * M)
    story.stake("sue", 500 * ETHER)
    story.borrow("bob", 100 * M)
    story.must(price("AAVE", 0))
    story.default("bob")
    assert story.deficit() == 100 * M


def test_pending_deficit_is_covered_no_further_than_there_is_deficit() -> None:
    """Where the deficit was paid another way meanwhile, what is still pending burns nobody's claims."""
    story = umbrella_story(PRICES["AAVE"])
    story.supply("umbrella", 100 * M)
    pay = {"venue": "aave", "account": "umbrella", "asset": "USDC"}
    protocol, at = story.watched.system.protocol, story.watched.system.at
    slash = c.Slash(venue="aave.umbrella.USDC", account="anyone", stake="stakers")
    cover = c.CoverPendingDeficit(venue="aave.umbrella.USDC", account="umbrella", amount=c.ALL)
    planned = [x.event for x in protocol.plan(slash, c.EliminateDeficit(**pay, amount=99 * M), cover, at=at)]
    covered = [x.amount for x in planned if isinstance(x, e.PendingDeficitCovered)]
    assert covered == [M]


# --- one who deals with himself --------------------------------------------------------------------------


def worth(auditor: Auditor, names: tuple[str, ...], at: int, prices: dict[str, int]) -> int:
    """Return what people have in all, wallets, claims and debts, in 8-decimals money times 10¹⁸."""
    scale = {"USDC": 10**12, "ETH": 1, "BTC": 10**10}
    total = 0
    for name in names:
        for asset in ASSETS:
            held = auditor.wallets.get(name, {}).get(asset, 0)
            held += auditor.claim(asset, name, at) - auditor.debt(asset, name, at)
            total += held * prices[asset] * scale[asset]
    return total


@pytest.mark.parametrize("claims", [False, True])
@pytest.mark.parametrize("fall", [2, 30, 60, 79, 82, 90, 99])
@pytest.mark.parametrize("fee", [0, 1_000, 10_000])
def test_dealing_with_oneself_gains_no_more_than_somebody_lost(fall: int, fee: int, claims: bool) -> None:
    """Who borrows, knows the price to come and liquidates himself gains at most a loss that has a name.

    ---
    mal     puts 100 ether up, borrows all he can; ether falls
    mallory liquidates mal, as often as it goes
    =>      both together gain, against just holding ether, no more than the shortfall; the fund pays
            exactly what it was made to owe; where nothing fell short, they gain nothing
    """
    story = Story(FUND, HAIRCUT, parameters=(("protocol_fee", fee), ("fund_fee_share", 5_000)))
    story.supply("ann", 1_000_000 * M)
    story.supply("ann", 1_000 * ETHER, "ETH")
    story.fund(5_000 * M)
    story.borrow("mal", 160_000 * M - M, collateral=100 * ETHER)
    falling = PRICES["ETH"] * (100 - fall) // 100
    story.must(price("ETH", falling))
    paid_by: dict[str, int] = {}
    for cover in (1, 50_000 * M, 50_000 * M, c.ALL, c.ALL):
        terms: dict[str, Any] = {
            "borrower": "mal",
            "collateral": "ETH",
            "debt": "USDC",
            "debt_to_cover": cover,
        }
        seize = c.Liquidate(venue="aave", account="mallory", **terms, receive_claims=claims)
        for entry in story.do(seize).entries:
            if isinstance(entry.event, e.LossAbsorbed):
                paid_by[entry.event.tier] = paid_by.get(entry.event.tier, 0) + entry.event.amount
    auditor, at = story.watched.auditor, story.watched.system.at
    gain = worth(auditor, ("mal", "mallory"), at, {**PRICES, "ETH": falling})
    named = sum(paid_by.values()) * PRICES["USDC"] * 10**12
    rounding = 10 * PRICES["USDC"] * 10**12
    assert gain <= named + rounding
    assert named or gain <= rounding
    fund = auditor.owed("tier:insurance-fund", "USDC")
    assert fund == 5_000 * M - paid_by.get("insurance-fund", 0)
    assert auditor.reserve("USDC")["liquidity_index"] <= ONE
