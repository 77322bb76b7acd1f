"""What random play has found, each as the small list of operations that it shrank to.

The rule: a story stays here when the bug is gone; without the mending it fails.
"""

from __future__ import annotations

from driver import Watched
from driver_counts import Counts
from driver_op import Op
from house import House
from shrinker import replay_ops
from systems import DECIMALS, SETUPS, START, Setup, System, price

from mutualize import commands as c
from mutualize import tier_commands as tc
from mutualize.errors import Reason
from mutualize.events import Event, ShortfallUncovered
from mutualize.invariants import check
from mutualize.tier import Tier

NAMED = {setup.name: setup for setup in SETUPS}
TERMS = {
    "ltv": 7_500,
    "threshold": 8_000,
    "bonus": 10_500,
    "reserve_factor": 1_000,
    "protocol_fee": 1_000,
    "optimal": 8_000,
    "slope1": 400,
    "slope2": 6_000,
}


def listed(*assets: str) -> list[Op]:
    """Open reserves."""
    terms = {"venue": "aave", "account": "governance"}
    return [
        Op(0, c.ListReserve(**terms, asset=x, parameters=(("decimals", DECIMALS[x]), *TERMS.items())))
        for x in assets
    ]


def supply(who: str, asset: str, amount: int) -> Op:
    """Put money in."""
    return Op(0, c.Supply(venue="aave", account=who, asset=asset, amount=amount))


def position(who: str, held: tuple[str, int], owed: tuple[str, int]) -> Op:
    """Begin with a position."""
    collateral, collateral_amount = held
    debt, debt_amount = owed
    command = c.OpenPosition(
        venue="aave",
        account=who,
        collateral=collateral,
        collateral_amount=collateral_amount,
        debt=debt,
        debt_amount=debt_amount,
    )
    return Op(0, command)


def seizure(borrower: str, collateral: str, debt: str, *, receive_claims: bool = False) -> Op:
    """Liquidate as far as it goes."""
    command = c.Liquidate(
        venue="aave",
        account="keeper",
        borrower=borrower,
        collateral=collateral,
        debt=debt,
        receive_claims=receive_claims,
    )
    return Op(0, command)


def test_umbrella_answers_for_its_own_reserve_alone() -> None:
    """A loss of ETH and one of USDC in one liquidation: the umbrella over USDC waits until the fund paid.

    ---
    fund   1 unit of USDC
    dave   borrow 1,000 ETH, and some USDC       # two debts, both without collateral soon
    oracle price USDC 2                          # base units: nearly nothing
    keeper liquidate dave: ETH for USDC
        => ShortfallRecognised ETH, ShortfallRecognised USDC
        => the pending deficit of USDC is at most its deficit
    """
    stake = c.Stake(venue="aave.stake.stakers", account="sue", stake="stakers", assets=10**12)
    gift = {"venue": "aave", "account": "governance", "tier": "insurance-fund", "asset": "USDC"}
    ops = [
        *listed("USDC", "ETH"),
        Op(0, price("USDC", 10**8)),
        Op(0, price("ETH", 10**11)),
        Op(0, stake),
        Op(0, c.ContributeToFund(**gift, amount=1)),
        supply("ann", "USDC", 10**12),
        supply("ann", "ETH", 2 * 10**20),
        position("dave", ("USDC", 6 * 10**11), ("ETH", 10**20)),
        Op(0, c.SetCollateral(venue="aave", account="dave", asset="USDC", on=True)),
        Op(0, c.Borrow(venue="aave", account="dave", asset="USDC", amount=10**11)),
        Op(0, price("ETH", 10**12)),
        seizure("dave", "USDC", "ETH"),
    ]
    assert replay_ops(NAMED["fund-and-umbrella"], ops) is None
    watched = Watched(NAMED["fund-and-umbrella"], Counts())
    for op in ops:
        assert watched.play(op)
    book = watched.system.protocol.book
    deficit = watched.system.pool.reserve(book, "USDC").deficit
    assert watched.counts.of["ShortfallRecognised"] == 2
    assert watched.counts.of["paid by fund"] == 1
    assert 0 < book.cell("aave.umbrella.USDC", "pending") <= deficit


def test_a_reserve_of_more_than_ten_to_the_27_may_lack_a_rounding() -> None:
    """Rates with 27 decimals, rounded to the nearest, credit a very large reserve more than borrowers owe.

    ---
    bob    supply 5 ETH
    alice  borrow 1.17 ETH
    frank  supply 2.2 * 10^30 base units
    a year later, an accrual
        => residue -598 base units, and the books balance
    """
    ops = [
        *listed("USDC", "ETH"),
        supply("bob", "ETH", 5 * 10**18),
        Op(0, price("USDC", 10**8)),
        Op(0, price("ETH", 10**11)),
        supply("alice", "USDC", 10**21),
        position("alice", ("USDC", 10**9), ("ETH", 117 * 10**16)),
        position("frank", ("ETH", 22 * 10**29), ("USDC", 10**21)),
        Op(31_536_001, c.Withdraw(venue="aave", account="bob", asset="ETH", amount=10**18)),
    ]
    assert replay_ops(NAMED["umbrella"], ops) is None
    watched = Watched(NAMED["umbrella"], Counts())
    for op in ops:
        assert watched.play(op)
    book = watched.system.protocol.book
    assert -(10**3) < book.balance("aave:residue", "ETH") < 0
    check(book, deep=True)


def test_a_question_does_not_change_what_is_written() -> None:
    """Whatever was asked before, the same command in the same state gives the same events, in their order.

    ---
    ann     supply ETH
    anybody asks what something would do, or nobody does
    keeper  liquidate bob: ETH for USDC          # in the same second
        => the same transfers, in the same order
    """

    def told(*asked: c.Command) -> list[Event]:
        system = System(Setup(name="question"), written=False)
        begin: list[c.Command] = [
            *system.begin(),
            supply("ann", "USDC", 10**12).command,
            supply("ann", "ETH", 10**20).command,
            position("bob", ("USDC", 10**10), ("ETH", 35 * 10**17)).command,
            price("ETH", 3_000 * 10**8),
            supply("ann", "ETH", 10**18).command,
        ]
        for command in begin:
            assert system.protocol.submit(command, at=START)
        for command in asked:
            assert system.protocol.plan(command, at=START)
        seize = c.Liquidate(venue="aave", account="keeper", borrower="bob", collateral="USDC", debt="ETH")
        return [entry.event for entry in system.protocol.submit(seize, at=START).entries]

    plain = told()
    assert {transfer.asset for event in plain for transfer in event.transfers} == {"ETH", "USDC"}
    for asked in (("ETH",), ("USDC",), ("USDC", "ETH"), ("ETH", "USDC"), ("BTC",)):
        assert told(*(supply("ann", asset, 10**6).command for asset in asked)) == plain


def test_a_sweep_leaves_a_wiped_out_collateral_to_the_plain_way() -> None:
    """Claims that a haircut wiped out, still flagged as collateral, are nothing that a sweep can seize.

    ---
    ann, carol  supply BTC
    erin        borrow all of it, default
        => a haircut takes all claims on BTC: their index is 0
    carol       borrow USDC for ETH, and is unsafe
    keeper      liquidate carol: BTC for USDC
        => refused, as the plain way does
    """
    watched = Watched(NAMED["never"], Counts())
    ops = [
        *listed("USDC", "ETH", "BTC"),
        supply("ann", "BTC", 45 * 10**8),
        supply("carol", "BTC", 25 * 10**8),
        supply("ann", "USDC", 10**10),
        *(Op(0, price(asset, value)) for asset, value in (("USDC", 10**8), ("ETH", 10**11), ("BTC", 10**12))),
        position("erin", ("ETH", 10**21), ("BTC", 70 * 10**8)),
        Op(0, price("ETH", 1)),
        seizure("erin", "ETH", "BTC"),
        Op(0, c.RecogniseShortfall(venue="aave", account="governance", borrower="erin", asset="BTC")),
        Op(0, price("ETH", 2 * 10**11)),
    ]
    for op in ops:
        assert watched.play(op)
    assert watched.system.pool.reserve(watched.system.protocol.book, "BTC").liquidity_index == 0
    for op in (position("carol", ("ETH", 10**18), ("USDC", 10**9)), Op(0, price("ETH", 10**9))):
        assert watched.play(op)
    assert watched.play(seizure("carol", "ETH", "USDC", receive_claims=True))
    receipt = watched.play(seizure("carol", "BTC", "USDC"))
    assert receipt.refused is Reason.RESERVE_IS_WIPED_OUT


def test_nobody_asks_a_stake_for_less_than_nothing() -> None:
    """A stake of -1 took money out of the tier, and shares given away below zero were taken from another.

    ---
    sue    stake 1,000
    bob    stake -1; mint, redeem, withdraw, give away -1 share
        => refused
    """
    watched = Watched(NAMED["three-tiers"], Counts(), foretold=False)
    own = {"venue": "aave.stake.stakers", "stake": "stakers"}
    assert watched.play(Op(0, c.Stake(**own, account="sue", assets=1_000)))
    for command in (
        c.Stake(**own, account="bob", assets=-1),
        c.MintShares(**own, account="bob", shares=-1),
        c.Redeem(**own, account="bob", shares=-1),
        c.WithdrawAssets(**own, account="bob", assets=-1),
        c.TransferStake(**own, account="bob", to="sue", shares=-1),
    ):
        assert watched.play(Op(0, command)).refused is Reason.AMOUNT_IS_TOO_SMALL


def test_no_vote_lets_a_tier_pay_less_than_nothing() -> None:
    """A vote over -1 made a stake be slashed by -1.

    ---
    sue      stake 1,000
    thief    100
        => the stakers' tier waits for a vote
    vote     it pays -1 at most
        => refused
    vote     it pays 0 at most
        => ShortfallUncovered 100
    """
    house = House(Tier(name="stakers", payer="stake", stake="stakers", vote="slash"))
    house.deposit("ann", 1_000)
    house.must(c.Stake(venue="ex.stake.stakers", account="sue", stake="stakers", assets=1_000))
    house.lose("theft", amount=100)
    ask = {"venue": "ex.waterfall", "account": "governance", "tier": "stakers", "asset": "USD"}
    assert house.refused(tc.ReleaseTier(**ask, most=-1)) == "AMOUNT_IS_TOO_SMALL"
    receipt = house.must(tc.ReleaseTier(**ask, most=0))
    assert [e.event.amount for e in receipt.entries if isinstance(e.event, ShortfallUncovered)] == [100]
