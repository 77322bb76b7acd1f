"""Stories of a trove system: one sentence, a small ledger, what happened. All laws are checked on the way.

The rule: t0 begins with 600 ETH at 200 against 30,000 drawn, and alice and bob have 9,000 stablecoins each.
"""

from __future__ import annotations

from typing import Any

import pytest
from pool_alone import of_plain
from trove_game import OWN, Game
from trove_oracle import Plain
from trove_wishes import VENUE
from vector_player_liquity import PoolPlayer

from mutualize import commands as c
from mutualize import events as e
from mutualize import trove_commands as t
from mutualize import trove_events as te
from mutualize.errors import Reason
from mutualize.protocol import Receipt
from mutualize.scenario.presets import preset
from mutualize.units import WAD
from mutualize.venues.stability_cover import TIERS
from mutualize.venues.stability_pool import INDEXES


class Story(Game):
    """A game without chance, and words for what people do in it."""

    def __init__(self, index: str = "liquity-v1", table: str = OWN) -> None:
        super().__init__(index, table, 0)

    def open(self, who: str, ether: int, amount: int) -> Receipt:
        """Open a trove, in whole units."""
        return self.do(t.OpenTrove(venue=VENUE, account=who, collateral=ether * WAD, amount=amount * WAD))

    def provide(self, who: str, amount: int) -> Receipt:
        """Put stablecoins into the pool."""
        return self.do(c.Supply(venue=VENUE, account=who, asset="LUSD", amount=amount * WAD))

    def leave(self, who: str, amount: int = c.ALL) -> Receipt:
        """Take stablecoins out of the pool."""
        return self.do(c.Withdraw(venue=VENUE, account=who, asset="LUSD", amount=amount))

    def liquidate(self, *owners: str) -> Receipt:
        """Let a keeper liquidate troves, in one transaction."""
        own: dict[str, Any] = {"venue": VENUE, "account": "keeper"}
        if len(owners) == 1:
            return self.do(c.Liquidate(**own, borrower=owners[0], collateral="ETH", debt="LUSD"))
        return self.do(t.LiquidateTroves(**own, owners=owners))

    def dollars(self, price: int) -> None:
        """Let the oracle tell a price, in whole units."""
        self.price(price * 10**8)

    def worth(self, who: str) -> tuple[int, int]:
        """Return what somebody's deposit is worth and has gained."""
        return self.venue.deposit(self.book, who)

    def account(self, part: str, asset: str) -> int:
        """Return an account of the venue."""
        return self.book.balance(f"{VENUE}:{part}", asset)


def paid(receipt: Receipt) -> list[tuple[str, str, int]]:
    """Return (tier, whose loss, amount) of all payments, in stablecoins rounded down."""
    events = [entry.event for entry in receipt.entries]
    return [(x.tier, x.debtor, x.amount // WAD) for x in events if isinstance(x, e.LossAbsorbed)]


def near(ours: int, exact: int) -> bool:
    """Say whether an amount is what it should be, or less by what rounding takes."""
    return exact - 10**4 < ours <= exact


def test_the_pool_pays_first_and_all_other_troves_the_rest() -> None:
    """Depositors give up what they have and get as large a part of the collateral; t0 gets debt and the rest.

    ---
    t1      open 24 ETH, draw 4,000: owes 4,220
    alice   2,110 into the pool
    oracle  180
    keeper  liquidate t1
        => stability-pool 2,110 · redistribution 2,110
    """
    story = Story()
    assert story.open("t1", 24, 4_000)
    assert story.provide("alice", 2_110)
    story.dollars(180)
    receipt = story.liquidate("t1")
    assert paid(receipt) == [("stability-pool", "t1", 2_110), ("redistribution", "t1", 2_110)]
    seized = 24 * WAD - 24 * WAD // 200
    left, gain = story.worth("alice")
    assert left == 0
    assert near(gain, seized // 2)
    coll, debt = story.venue.troves(story.book).pending("t0")
    assert near(coll, seized // 2)
    assert near(debt, 2_110 * WAD)
    assert story.account("deficit", "LUSD") == story.account("treasury:seized", "ETH") == 0
    assert story.venue.held(story.book, "keeper") == 200 * WAD


def test_a_sequence_is_offset_as_a_whole() -> None:
    """Two liquidations at once move the pool's product once, so it is not what one after the other gives."""
    products = []
    for owners in ((("t1", "t2"),), (("t1",), ("t2",))):
        story = Story()
        for owner in ("t1", "t2"):
            assert story.open(owner, 24, 4_000)
        assert story.provide("alice", 9_000)
        story.dollars(180)
        for together in owners:
            assert story.liquidate(*together)
        products.append(story.venue.troves(story.book).pool["P"])
    assert products[0] != products[1]
    assert abs(products[0] - products[1]) < 100


def test_in_recovery_mode_the_pool_gets_110_percent_and_the_owner_claims_the_rest() -> None:
    """A trove of 115 % is liquidated while all together are below 150 %, and its surplus is its owner's.

    ---
    t1      open 66 ETH, draw 4,000: owes 4,220
    alice   9,000 into the pool
    oracle  74: all together 142 %
    keeper  liquidate t0 (it is above that), t1
        => stability-pool 4,220 for 110 % of it in ETH
    t1      claim the rest
    """
    story = Story()
    assert story.open("t1", 66, 4_000)
    assert story.provide("alice", 9_000)
    story.dollars(74)
    assert story.venue.is_in_recovery(story.book)
    assert story.liquidate("t0").refused is Reason.NOTHING_IS_UNSAFE
    capped = 4_220 * WAD * 11 // 740
    receipt = story.liquidate("t1")
    assert paid(receipt) == [("stability-pool", "t1", 4_220)]
    assert story.account("tier:stability-pool", "ETH") == capped - capped // 200
    assert story.venue.surplus(story.book, "t1") == 66 * WAD - capped
    claim = t.ClaimSurplus(venue=VENUE, account="t1")
    told = story.do(claim).event(te.SurplusClaimed)
    assert isinstance(told, te.SurplusClaimed)
    assert told.amount == 66 * WAD - capped
    assert story.do(claim).refused is Reason.SURPLUS_IS_ZERO


def test_a_worthless_trove_passes_the_pool_by_in_recovery_mode() -> None:
    """At 100 % and below the pool is spared, since its depositors would lose: all other troves bear it.

    ---
    t1      open 13 ETH, draw 2,000: owes 2,210
    alice   9,000 into the pool
    oracle  70: all together below 150 %, t1 41 %
    keeper  liquidate t1
        => redistribution 2,210
    """
    story = Story()
    assert story.open("t1", 13, 2_000)
    assert story.provide("alice", 9_000)
    story.dollars(70)
    assert story.venue.is_in_recovery(story.book)
    receipt = story.liquidate("t1")
    assert paid(receipt) == [("redistribution", "t1", 2_210)]
    assert [x.capacity for x in allocated(receipt)] == [0, 2_210 * WAD]
    assert story.worth("alice") == (9_000 * WAD, 0)


def allocated(receipt: Receipt) -> list[e.LossAllocated]:
    """Return what tiers were made to owe."""
    return [entry.event for entry in receipt.entries if isinstance(entry.event, e.LossAllocated)]


def test_the_last_trove_stands_whatever_it_is_worth() -> None:
    """Somebody has to owe the stablecoins that are there: nobody liquidates or closes the only trove."""
    story = Story()
    story.dollars(1)
    assert story.liquidate("t0").refused is Reason.NOTHING_IS_UNSAFE
    assert story.do(t.LiquidateTroves(venue=VENUE, account="keeper", count=9)).refused is not None
    closing = t.CloseTrove(venue=VENUE, account="t0")
    assert story.do(closing).refused is Reason.SYSTEM_IS_IN_RECOVERY


def test_who_deposits_does_not_run_from_a_liquidation() -> None:
    """While a trove is below 110 % nobody takes stablecoins out of the pool; a gain can be taken."""
    story = Story()
    assert story.open("t1", 24, 4_000)
    assert story.open("t2", 24, 4_000)
    assert story.provide("alice", 9_000)
    story.dollars(180)
    assert story.liquidate("t1")
    assert story.leave("alice").refused is Reason.TROVES_ARE_UNSAFE
    receipt = story.leave("alice", 0)
    told = receipt.event(te.PoolWithdrawn)
    assert isinstance(told, te.PoolWithdrawn)
    assert told.amount == 0
    assert near(told.gain, 24 * WAD - 24 * WAD // 200)
    assert near(4_220 * WAD, told.lost)
    assert story.liquidate("t2")
    assert story.leave("alice")


def test_among_equals_the_newest_is_the_safest() -> None:
    """Three troves of one ratio are liquidated in the order in which they were opened."""
    story = Story()
    for owner in ("t3", "t1", "t2"):
        assert story.open(owner, 24, 4_000)
    assert story.venue.riskiest(story.book, 9) == ["t3", "t1", "t2", "t0"]
    story.dollars(180)
    receipt = story.do(t.LiquidateTroves(venue=VENUE, account="keeper", count=2))
    assert [debtor for _, debtor, _ in paid(receipt)] == ["t3", "t1"]


def test_a_fund_before_the_pool_pays_and_the_collateral_stays() -> None:
    """What a fund pays brings it no collateral: it pays 3,000 of 4,220, and that part stays with the venue.

    ---
    table   fund 3,000 · stability pool · redistribution
    alice   9,000 into the pool
    keeper  liquidate t1, who owes 4,220
        => fund 3,000 · stability-pool 1,220
    """
    story = Story(table="fund-first")
    assert story.open("t1", 24, 4_000)
    assert story.provide("alice", 9_000)
    story.dollars(180)
    assert [(tier, amount) for tier, _, amount in paid(story.liquidate("t1"))] == [
        ("fund", 3_000),
        ("stability-pool", 1_220),
    ]
    seized = 24 * WAD - 24 * WAD // 200
    to_pool = seized * 1_220 // 4_220
    assert story.account("tier:stability-pool", "ETH") == to_pool
    assert story.account("treasury:seized", "ETH") == seized - to_pool
    assert story.account("deficit", "LUSD") == 0


def test_without_a_tier_the_debt_stands_open() -> None:
    """Nobody pays: the deficit is the whole debt, and the collateral that was seized lies beside it."""
    story = Story(table="none")
    assert story.open("t1", 24, 4_000)
    story.dollars(180)
    assert story.liquidate("t1")
    assert story.account("deficit", "LUSD") == 4_220 * WAD
    assert story.account("treasury:seized", "ETH") == 24 * WAD - 24 * WAD // 200


@pytest.mark.parametrize(
    ("index", "answer"), [("liquity-v1", Reason.BALANCE_IS_INSUFFICIENT), ("liquity-v2", None)]
)
def test_rounding_keeps_the_last_depositor_of_v1_in(index: str, answer: Reason | None) -> None:
    """In v1 deposits of 1 and 3 claim a unit more than there is after two offsets: who is last cannot leave.

    ---
    a  1, b 3 (v2: and a stablecoin that always stays)
    offset 3 · a leaves · offset 0.5 · b leaves
    """
    player, plain = PoolPlayer(INDEXES[index]), Plain(index)
    plain.s["lusd"] = dict.fromkeys(("a", "b", "c"), 2**200)
    ops: list[dict[str, Any]] = [
        {"op": "provide", "args": {"user": "a", "amount": WAD}},
        {"op": "provide", "args": {"user": "b", "amount": 3 * WAD}},
        {"op": "offset", "args": {"debt": 3 * WAD, "coll": WAD}},
        {"op": "withdraw", "args": {"user": "a", "amount": 10**30}},
        {"op": "offset", "args": {"debt": WAD // 2, "coll": WAD}},
        {"op": "withdraw", "args": {"user": "b", "amount": 10**30}},
    ]
    if index == "liquity-v2":
        ops.insert(5, {"op": "provide", "args": {"user": "c", "amount": 2 * WAD}})
        ops = [op if op["op"] != "offset" else {**op, "args": {**op["args"], "coll": WAD}} for op in ops]
        ops[0:0] = [{"op": "provide", "args": {"user": "c", "amount": 4 * WAD}}]
    for op in ops[:-1]:
        assert player.play(op), op
        assert of_plain(plain, op) is None
    assert player.play(ops[-1]).refused is answer


def test_the_shipped_table_is_the_contracts() -> None:
    """The rows of the preset are those with which the venue's integers are the contract's."""
    rows = [
        (row["tier"], row["payer"], row["loss_price"]["value"]) for row in preset("liquity-v1")["waterfall"]
    ]
    assert rows == [(tier.name, tier.payer, "1") for tier in TIERS]
    assert {tier.loss_price for tier in TIERS} == {10**8}


def test_an_agent_reads_how_near_a_trove_is() -> None:
    """The least price at which a trove is safe is exact: a unit below it, and not at it, it is liquidated.

    ---
    t1      open 24 ETH, draw 4,000: owes 4,220
    """
    story = Story()
    assert story.open("t1", 24, 4_000)
    trove = story.venue.trove(story.book, "t1")
    assert trove is not None
    assert (trove.collateral, trove.debt) == (24 * WAD, 4_220 * WAD)
    assert trove.ratio == 24 * 200 * WAD // 4_220
    assert story.venue.trove(story.book, "t9") is None
    least = story.venue.price_safe(story.book, "t1")
    story.price(least)
    assert story.liquidate("t1").refused is Reason.NOTHING_IS_UNSAFE
    story.price(least - 1)
    assert story.liquidate("t1")
