"""Stories of venues that keep balances: exchanges, clearing houses, mutuals; losses from outside, and IOUs.

The rule: every command of a story is played through `house.House`, which checks all laws after it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import attrs
import pytest
from house import House, events, given_back, paid, report, settle, uncovered

from mutualize import commands as c
from mutualize import events as e
from mutualize import tier_commands as tc
from mutualize import tier_events as te
from mutualize.recoveries import Row
from mutualize.tier import AT_DEFAULT, BY_WEIGHT, FIRST_LOSS, RANKED, Perimeter, Quota, Tier

WAD = 10**18
DAY = 86_400
HOLDERS = Tier(name="holders", payer="claims")
EQUITY = Tier(name="equity", payer="house")
MARGIN = Tier(name="margin", payer="margin", every_asset=True)
WINNERS = Tier(name="winners", payer="winners")


# --- balances --------------------------------------------------------------------------------------------


def test_balances_are_money_that_can_be_taken_out() -> None:
    """Who deposits, gives and takes has at each moment what he put in and got, and no more can leave.

    ---
    ann   deposits 100, gives bob 30     => 70 and 30
    bob   takes all out                  => 0
    ann   asks for 71                    => refused
    """
    house = House()
    house.deposit("ann", 100)
    house.must(c.TransferClaims(venue="ex", account="ann", to="bob", asset="USD", amount=30))
    assert (house.held("ann"), house.held("bob")) == (70, 30)
    house.must(c.Withdraw(venue="ex", account="bob", asset="USD", amount=c.ALL))
    ask = c.Withdraw(venue="ex", account="ann", asset="USD", amount=71)
    assert house.refused(ask) == "BALANCE_IS_INSUFFICIENT"
    assert house.book.balance("ex:cash", "USD") == house.held("ann") == 70
    house.replayed()


def test_to_oneself_nothing_is_given() -> None:
    """Who gives himself what he has, has it still."""
    house = House()
    house.deposit("ann", 100)
    house.must(c.TransferClaims(venue="ex", account="ann", to="ann", asset="USD", amount=c.ALL))
    assert house.held("ann") == 100


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (c.Supply(venue="ex", account="ann", asset="DOGE", amount=1), "RESERVE_IS_UNKNOWN"),
        (c.Supply(venue="ex", account="ann", asset="USD", amount=0), "AMOUNT_IS_ZERO"),
        (c.Supply(venue="ex", account="ann", asset="USD", amount=2**256 - 1), "AMOUNT_IS_TOO_LARGE"),
        (c.Withdraw(venue="ex", account="nobody", asset="USD", amount=1), "BALANCE_IS_INSUFFICIENT"),
        (c.Withdraw(venue="ex", account="nobody", asset="USD", amount=c.ALL), "AMOUNT_IS_ZERO"),
        (c.TransferClaims(venue="ex", account="ann", to="bob", asset="USD", amount=0), "AMOUNT_IS_ZERO"),
        (settle(), "AMOUNT_IS_ZERO"),
        (settle(("ann", "perp", 0)), "AMOUNT_IS_ZERO"),
        (settle(("ann", "perp", 5), ("nobody", "perp", -5)), "MEMBER_IS_UNKNOWN"),
        (settle(("ann", "perp", 5), ("ann", "call", -5)), "PARAMETER_IS_INVALID"),
        (report("flood", amount=1), "PARAMETER_IS_INVALID"),
        (report("theft", amount=101), "LIQUIDITY_IS_INSUFFICIENT"),
        (report("theft", amount=0), "AMOUNT_IS_ZERO"),
        (report("theft", amount=1, share=1), "PARAMETER_IS_INVALID"),
        (report("mint", amount=1), "PARAMETER_IS_INVALID"),
        (report("mint", amount=c.ALL, holder="mal"), "AMOUNT_IS_TOO_LARGE"),
        (report("backing", share=WAD + 1), "PARAMETER_IS_INVALID"),
        (report("backing", share=WAD, amount=1), "PARAMETER_IS_INVALID"),
        (report("backing", asset="ETH", share=WAD), "AMOUNT_IS_ZERO"),
        (report("claim", amount=1, holder="eve", account="eve"), "CALLER_IS_NOT_GOVERNANCE"),
        (tc.Recover(venue="ex.waterfall", account="x", asset="USD", amount=1), "NOTHING_IS_OWED_BACK"),
        (tc.Recover(venue="ex.waterfall", account="x", asset="DOGE", amount=1), "RESERVE_IS_UNKNOWN"),
        (tc.Pledge(venue="ex.waterfall", account="x", asset="USD", amount=0), "AMOUNT_IS_ZERO"),
    ],
)
def test_nonsense_is_refused(command: c.Command, reason: str) -> None:
    """What makes no sense is refused for a reason with a name, and changes nothing."""
    house = House(HOLDERS)
    house.deposit("ann", 100)
    assert house.refused(command) == reason


# --- profits, and who cannot pay -------------------------------------------------------------------------


def test_gains_are_netted_over_instruments() -> None:
    """Who wins on one instrument what he loses on another neither pays nor gets anything.

    ---
    ann   has 10; future −500, option +500      => 10
    bob   future +500                           => 500
    eve   has 600; option −500                  => 100
    """
    house = House(WINNERS)
    for name, amount in (("ann", 10), ("bob", 1), ("eve", 600)):
        house.deposit(name, amount)
    receipt = house.settle(
        ("ann", "future", -500), ("ann", "option", 500), ("bob", "future", 500), ("eve", "option", -500)
    )
    assert [house.held(name) for name in ("ann", "bob", "eve")] == [10, 501, 100]
    assert not events(receipt, e.ShortfallRecognised)


def test_winners_give_up_gains_and_losers_pay_nothing() -> None:
    """A share of what was won in the period goes, net of what the same winner lost before.

    ---
    day 1   eve +60, ann −60
    day 1   bob +300, cal +100, eve −20, deb −380 with 80 to pay
    =>      300 are missing; net winners: bob 300, cal 100, eve 40; ann and deb pay nothing
    """
    house = House(WINNERS)
    for name, amount in (("ann", 500), ("bob", 50), ("cal", 50), ("deb", 80), ("eve", 50)):
        house.deposit(name, amount)
    house.settle(("eve", "perp", 60), ("ann", "perp", -60))
    receipt = house.settle(("bob", "p", 300), ("cal", "p", 100), ("eve", "p", -20), ("deb", "p", -380))
    assert paid(receipt) == [("winners", 300)]
    assert events(receipt, e.ShortfallRecognised)[0].account == "deb"
    assert [house.held(name) for name in ("ann", "bob", "cal", "deb", "eve")] == [
        440,
        50 + 300 - 204,
        50 + 100 - 68,
        0,
        50 + 40 - 28,
    ]
    gains = house.book.table(f"ex.USD.gains.{house.at // DAY}")
    assert sum(gains[name] for name in ("bob", "cal", "eve")) == 140


def test_a_new_period_forgets_old_gains() -> None:
    """What was won in the period before is the winner's for good."""
    house = House(WINNERS)
    for name in ("ann", "bob", "deb"):
        house.deposit(name, 100)
    house.settle(("ann", "perp", 90), ("bob", "perp", -90))
    receipt = house.settle(("bob", "perp", 150), ("deb", "perp", -150), wait=DAY)
    assert paid(receipt) == [("winners", 50)]
    assert (house.held("ann"), house.held("bob")) == (190, 110)


def test_two_who_cannot_pay_are_two_losses() -> None:
    """Two debtors of one settlement are two shortfalls, each led through all tiers by itself."""
    house = House(MARGIN, EQUITY, HOLDERS)
    for name, amount in (("ann", 1_000), ("bob", 10), ("cal", 20)):
        house.deposit(name, amount)
    house.deposit("cal", 10**8, "BTC")
    house.fund("equity", 30)
    receipt = house.settle(("ann", "perp", 700), ("bob", "perp", -350), ("cal", "perp", -350))
    shortfalls = [(event.account, event.amount) for event in events(receipt, e.ShortfallRecognised)]
    assert shortfalls == [("bob", 340), ("cal", 330)]
    assert paid(receipt) == [("equity", 30), ("holders", 310), ("margin", 330)]
    assert house.rule.absorbed == 3
    assert house.held("cal", "BTC") == 10**8 - -(-330 * 10**8 // 60_406)


# --- a clearing house ------------------------------------------------------------------------------------

CONTRIBUTION = Tier(name="own-contribution", payer="debtor", purse="default-fund")
SKIN = Tier(name="skin-in-the-game", payer="house")
SURVIVORS = Tier(name="survivors", payer="members", purse="default-fund", snapshot=AT_DEFAULT)
CALLS = Tier(
    name="assessments",
    payer="assessment",
    purse="default-fund",
    multiple=WAD,
    multiple_max=3 * WAD // 2,
    period_s=30 * DAY,
    snapshot=AT_DEFAULT,
)
CLEARING = (CONTRIBUTION, SKIN, SURVIVORS, CALLS, WINNERS)


def clearing_house(loss: int, **terms: Any) -> House:
    """Return a clearing house where deb, with a margin of 100, has just lost 100 + `loss` to wim."""
    house = House(*CLEARING, **terms)
    for name, contribution in (("ann", 600), ("bob", 300), ("cal", 100), ("deb", 200)):
        house.deposit(name, 100)
        house.join(name, contribution)
    house.deposit("wim", 100)
    house.fund("skin-in-the-game", 50)
    house.settle(("wim", "swap", 100 + loss), ("deb", "swap", -100 - loss))
    return house


def test_a_clearing_house_is_exhausted_line_by_line() -> None:
    """Margin, own contribution, skin in the game, survivors, assessments and winners pay in this order.

    ---
    deb       lost 2,700, had margin 100, contribution 200     => 2,400 left
    house     skin in the game 50                              => 2,350
    members   600, 300 and 100 in the fund                     => 1,350
    members   are assessed once more as much, at most          => 350
    wim       won 2,700                                        => has 2,450 of it: nothing is left
    """
    house = clearing_house(2_600)
    assert [house.held(name) for name in ("ann", "bob", "cal", "deb", "wim")] == [100, 100, 100, 0, 2_450]
    assert house.purse("default-fund") == house.purse("skin-in-the-game") == house.deficit() == 0
    absorbed = [x.event for x in house.notebook.entries if isinstance(x.event, e.LossAbsorbed)]
    assert [(event.bearer, event.amount) for event in absorbed] == [
        ("deb", 200),
        ("skin-in-the-game", 50),
        ("survivors", 1_000),
        ("assessments", 1_000),
        ("winners", 350),
    ]
    house.replayed()


def test_survivors_share_by_what_they_had_at_the_default() -> None:
    """Of 700 that survivors pay, each bears by his contribution when the loss came, and deb none."""
    house = clearing_house(950)
    left = house.book.table("ex.fund.default-fund.USD")
    assert dict(left) == {"ann": 180, "bob": 90, "cal": 30, "deb": 0}


def test_assessment_caps_bind_for_some_only() -> None:
    """In a second default within the period who was called before answers for less, and others for more.

    ---
    first     all are called for their whole multiple: 600, 300, 100
    new       contributes 1,000 afterwards; ann 600, bob 300 again, cal nothing
    second    1,900 in the fund; then ann ≤ 300, bob ≤ 150 by the period, new ≤ 1,000 by the default
    """
    house = clearing_house(2_250)
    for name, amount in (("ann", 600), ("bob", 300), ("new", 1_000), ("dot", 1)):
        house.join(name, amount)
        house.deposit(name, 1)
    receipt = house.settle(("wim", "swap", 3_302), ("dot", "swap", -3_302))
    parts = house.book.table("ex.assessed.assessments.USD")
    period = house.at // (30 * DAY)
    assert paid(receipt) == [("own-contribution", 1), ("survivors", 1_900), ("assessments", 1_400)]
    called = {"ann": 600 + 300, "bob": 300 + 150, "cal": 100, "new": 950}
    assert parts == {f"{period}/{name}": part for name, part in called.items()}


def test_a_call_that_is_answered_in_part_is_passed_on() -> None:
    """Who was called pays by the deadline or does not; the rest falls on the winners, whole.

    ---
    called  ann 600, bob 300, cal 100 within a day    => ann pays 600, bob 100
    lapse   300 fall on wim
    """
    house = House(attrs.evolve(CALLS, due_s=DAY), WINNERS)
    for name, amount in (("ann", 600), ("bob", 300), ("cal", 100), ("wim", 1)):
        house.deposit(name, 1)
        if name != "wim":
            house.join(name, amount)
    house.deposit("deb", 1)
    house.deposit("zoe", 400)
    house.settle(("wim", "swap", 1_001), ("deb", "swap", -1_001))
    assert house.deficit() == 1_000
    ask = {"venue": "ex.waterfall", "tier": "assessments", "asset": "USD"}
    house.must(tc.SettleTier(**ask, account="ann", amount=c.ALL))
    house.must(tc.SettleTier(**ask, account="bob", amount=100))
    assert house.refused(tc.SettleTier(**ask, account="zoe", amount=1)) == "CALLER_IS_NOT_CALLED"
    assert house.refused(tc.LapseTier(**ask, account="zoe")) == "TIER_HAS_TO_WAIT"
    # the winner's period is that of the moment at which he is asked
    house.settle(("wim", "swap", 400), ("zoe", "swap", -400), wait=DAY)
    house.must(tc.LapseTier(**ask, account="zoe"))
    assert house.held("wim") == 1 + 1_001 + 400 - 300
    assert house.deficit() == 0


# --- Bitfinex --------------------------------------------------------------------------------------------

BFX = Tier(name="every-account", payer="claims", every_asset=True, iou="BFX", iou_asset="USD")
SERIES = (11_812, 13_152, 15_000, 17_500, 20_000, 46_000, 50_000, 1_000_000)
"""What was redeemed of each BFX, in millionths: September 2016 to April 2017, as it was published."""


def bitfinex() -> House:
    """Return the exchange of August 2016 in small: liabilities of 1.2 million dollars in three assets."""
    house = House(EQUITY, BFX, recoveries=[Row(name="redemption", rule="ious", iou="BFX")])
    house.deposit("ann", 300_000_00)
    house.deposit("bob", 1_500_00_000_000, "BTC")
    house.deposit("cal", 100 * 10**18, "ETH")
    house.deposit("cal", 7, "BTC")
    return house


def test_one_percentage_over_all_assets() -> None:
    """A loss of 36.067 % of all there is, in bitcoin, takes 36.067 % of every account of every asset.

    ---
    119,756 BTC were 36.067 % of what Bitfinex owed; whoever was cut got one BFX for each dollar
    """
    house = bitfinex()
    cents = Fraction(300_000_00) + Fraction(1_500_00_000_007 * 60_406, 10**8) + 100 * 1_000
    stolen = int(cents * 36_067 / 100_000 * 10**8 / 60_406)
    keys = (("ann", "USD"), ("bob", "BTC"), ("cal", "ETH"), ("cal", "BTC"))
    before = {key: house.held(*key) for key in keys}
    receipt = house.lose("theft", "BTC", amount=stolen, holder="thief")
    assert paid(receipt) == [("every-account", stolen)]
    assert house.deficit("BTC") == 0
    for key, was in before.items():
        unit = {"USD": 1, "BTC": 1, "ETH": 10**12}[key[1]]
        assert abs(Fraction(was - house.held(*key)) - Fraction(was * 36_067, 100_000)) <= 2 * unit + 1
    lost = stolen * 60_406 // 10**8
    assert abs(sum(house.ious(name) for name in ("ann", "bob", "cal")) - lost) <= 3
    house.replayed()


def test_ious_are_redeemed_by_the_published_series() -> None:
    """Eight redemptions, each a share of what is still out, pay every BFX in full on the third of April.

    ---
    1 Sep 1.1812 %, 30 Sep 1.3152 %, … 6 Mar 5 %, 3 Apr 100 %
    """
    house = bitfinex()
    house.lose("theft", "BTC", amount=300_00_000_000)
    names = ("ann", "bob", "cal")
    issued, before = house.ious("ann"), house.held("ann")
    for share in SERIES:
        out = sum(house.ious(name) for name in names)
        amount = -(-out * share // 10**6)
        receipt = house.recover("operator", amount)
        assert given_back(receipt) == [("BFX", amount)]
        assert sum(house.ious(name) for name in names) == out - amount
    assert [house.ious(name) for name in names] == [0, 0, 0]
    assert house.held("ann") == before + issued
    more = tc.Recover(venue="ex.waterfall", account="operator", asset="USD", amount=1)
    assert house.refused(more) == "NOTHING_IS_OWED_BACK"
    house.replayed()


def test_an_asset_that_is_short_itself_pays_for_no_other() -> None:
    """Where dollars are missing too, their accounts do not pay for the bitcoin: there is no cash to sell."""
    house = House(attrs.evolve(BFX, perimeter=Perimeter(assets=("BTC",))))
    house.deposit("ann", 1_000_00)
    house.deposit("bob", 10**8, "BTC")
    assert uncovered(house.lose("theft", "USD", amount=900_00)) == [900_00]
    house.lose("theft", "BTC", amount=10**7)
    assert house.held("ann") == 1_000_00
    assert house.held("bob", "BTC") == 9 * 10**7


def test_a_price_of_nothing_asks_only_the_lost_asset() -> None:
    """An asset without a price buys nothing, and for a lost asset without one nothing is sold."""
    for worthless in ("USD", "BTC"):
        house = House(BFX)
        house.deposit("ann", 1_000_00)
        house.deposit("bob", 10**8, "BTC")
        house.price(worthless, 0)
        house.lose("theft", "BTC", amount=10**7)
        assert (house.held("ann"), house.held("bob", "BTC")) == (1_000_00, 9 * 10**7)


# --- whose loss it is ------------------------------------------------------------------------------------


def test_a_mutual_accepts_a_claim() -> None:
    """An accepted claim is paid by the stakers, then by all members, and the claimant takes it out.

    ---
    stakers   200; members of the capital pool 1,000
    claim     of 500 for eve is accepted       => 200 + 300
    """
    house = House(
        Tier(name="stakers", payer="stake", stake="stakers"),
        Tier(name="capital", payer="members", purse="pool"),
    )
    house.stake("sue", 200)
    house.join("ann", 600, "pool")
    house.join("bob", 400, "pool")
    receipt = house.lose("claim", amount=500, holder="eve")
    assert paid(receipt) == [("stakers", 200), ("capital", 300)]
    assert dict(house.book.table("ex.fund.pool.USD")) == {"ann": 420, "bob": 280}
    house.must(c.Withdraw(venue="ex", account="eve", asset="USD", amount=c.ALL))
    reported = events(receipt, te.LossReported)[0]
    assert (reported.loss, reported.holder, reported.amount) == ("claim", "eve", 500)


def test_a_thief_of_claims_pays_first() -> None:
    """Claims that were created without money are a loss of whoever has them: his own balance goes first."""
    house = House(MARGIN, HOLDERS)
    house.deposit("ann", 1_000)
    receipt = house.lose("mint", amount=300, holder="mal")
    assert paid(receipt) == [("margin", 300)]
    assert (house.held("ann"), house.held("mal")) == (1_000, 0)


def test_backing_is_lost_as_a_share() -> None:
    """An asset that loses a tenth of its backing costs every holder of it a tenth, rounded to the unit."""
    house = House(HOLDERS)
    house.deposit("ann", 999)
    house.deposit("bob", 500)
    house.lose("backing", share=WAD // 10)
    assert house.held("ann") + house.held("bob") == 1_499 - 150
    assert house.book.balance("ex:cash", "USD") == 1_349


def test_one_unit_over_many_holders() -> None:
    """One unit lost over a thousand holders costs exactly one of them exactly one."""
    house = House(HOLDERS)
    names = [f"holder-{number:04d}" for number in range(300)]
    for name in names:
        house.deposit(name, 1_000_000_007)
    house.lose("theft", amount=1)
    assert sorted(1_000_000_007 - house.held(name) for name in names) == [0] * 299 + [1]


def test_a_loss_larger_than_everything() -> None:
    """Each tier gives all it has, and what nobody has stays in sight.

    ---
    equity  10, ann 100, bob 5; a claim of 10³⁰ is accepted for eve, who may take out the 115 that are there
    """
    house = House()
    house = House(EQUITY, WINNERS, attrs.evolve(HOLDERS, perimeter=Perimeter(before=house.at + 1)))
    house.fund("equity", 10)
    house.deposit("ann", 100)
    house.deposit("bob", 5)
    house.at += 1
    receipt = house.lose("claim", amount=10**30, holder="eve")
    assert paid(receipt) == [("equity", 10), ("holders", 105)]
    assert uncovered(receipt) == [house.deficit()] == [10**30 - 115]
    assert (house.held("ann"), house.held("bob"), house.held("eve")) == (0, 0, 10**30)
    take = {"venue": "ex", "account": "eve", "asset": "USD"}
    assert house.refused(c.Withdraw(**take, amount=116)) == "LIQUIDITY_IS_INSUFFICIENT"
    house.must(c.Withdraw(**take, amount=115))


def test_nobody_is_there_to_pay() -> None:
    """Without holders, members, stakers and money every tier is empty, and all of it stays uncovered."""
    house = House(
        MARGIN, EQUITY, SURVIVORS, CALLS, WINNERS, Tier(name="friend", payer="holder", holder="joe")
    )
    house.deposit("ann", 100)
    receipt = house.lose("theft", amount=100)
    assert uncovered(receipt) == [100]
    assert all(event.amount == 0 for event in events(receipt, e.LossAllocated))
    late = c.Withdraw(venue="ex", account="ann", asset="USD", amount=1)
    assert house.refused(late) == "LIQUIDITY_IS_INSUFFICIENT"


def test_exits_are_frozen_while_a_loss_is_open() -> None:
    """From the loss on nobody takes anything out, until governance says so."""
    house = House(HOLDERS, freezes=True)
    house.deposit("ann", 100)
    house.lose("theft", amount=10)
    leave = c.Withdraw(venue="ex", account="ann", asset="USD", amount=c.ALL)
    assert house.refused(leave) == "EXITS_ARE_FROZEN"
    house.must(tc.OpenExits(venue="ex.waterfall", account="governance"))
    house.must(leave)


# --- shared how ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sharing", "lost"),
    [
        ("pro-rata", (25, 25, 50)),
        (BY_WEIGHT, (30, 70, 0)),
        (RANKED, (0, 0, 100)),
        (FIRST_LOSS, (100, 0, 0)),
    ],
)
def test_holders_share_in_every_form(sharing: str, lost: tuple[int, ...]) -> None:
    """Holders bear a loss pro rata, by weight, the highest rank first, or the lowest first."""
    house = House(attrs.evolve(HOLDERS, sharing=sharing, by="" if sharing == "pro-rata" else "table"))
    for name, amount in (("ann", 100), ("bob", 100), ("cal", 200)):
        house.deposit(name, amount)
    if sharing == BY_WEIGHT:
        house.numbers("table", ann=3, bob=7)
    else:
        house.numbers("table", ann=1, bob=2, cal=3)
    house.lose("theft", amount=100)
    assert tuple(had - house.held(name) for name, had in (("ann", 100), ("bob", 100), ("cal", 200))) == lost


def test_a_cohort_is_asked_alone() -> None:
    """Two rows over the same facts: who joined before the incident pays half as much as who joined since."""
    house = House()
    moment = house.at + 10
    old = Tier(name="old", payer="claims", perimeter=Perimeter(before=moment), limit=WAD // 10)
    new = Tier(name="new", payer="claims", perimeter=Perimeter(since=moment))
    house = House(old, new)
    house.deposit("ann", 1_000)
    house.must(c.Supply(venue="ex", account="bob", asset="USD", amount=1_000), wait=10)
    assert paid(house.lose("theft", amount=500)) == [("old", 100), ("new", 400)]
    assert (house.held("ann"), house.held("bob")) == (900, 600)


def test_balances_are_read_as_they_were_at_the_default() -> None:
    """Who deposits between the loss and the vote bears nothing of it, where balances count as they were."""
    house = House(attrs.evolve(HOLDERS, snapshot=AT_DEFAULT, vote="haircut"))
    house.deposit("ann", 1_000)
    house.lose("theft", amount=100)
    house.deposit("late", 1_000)
    ask = {"venue": "ex.waterfall", "tier": "holders", "asset": "USD"}
    house.must(tc.ReleaseTier(**ask, account="governance", most=100))
    assert (house.held("ann"), house.held("late")) == (900, 1_000)


def test_a_quota_is_spent_in_its_period() -> None:
    """A tier that pays at most 30 a day pays 30 of 50, and 30 again the day after."""
    house = House(attrs.evolve(EQUITY, quota=Quota(amount=30, period_s=DAY)))
    house.deposit("ann", 1_000)
    house.fund("equity", 1_000)
    assert paid(house.lose("theft", amount=50)) == [("equity", 30)]
    assert paid(house.lose("theft", amount=50)) == []
    house.at += DAY
    assert paid(house.lose("theft", amount=50)) == [("equity", 30)]
