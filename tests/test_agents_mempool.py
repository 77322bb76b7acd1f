"""The mempool: who is taken into which block, what it costs, and what becomes of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from planting import Bug, planted

from mutualize.accounts import OUTSIDE
from mutualize.agents.mempool import Mempool, Sent, ended_signal, submitting, until_ended
from mutualize.commands import Command, HaltMarket
from mutualize.ending import Ending
from mutualize.errors import Reason
from mutualize.events import AgentFailed, Entry, Event, GasPaid, MarketHalted, TransactionFailed
from mutualize.market.chain import Chain
from mutualize.market.space import Bid, Levels, Space
from mutualize.points import SILENT
from mutualize.protocol import Protocol
from mutualize.randomness import Stream
from mutualize.units import WAD, Ratio
from mutualize.venues.outside import Outside
from mutualize.world import Phase, Steps, World

HOUR = 3_600
BLOCK = 12
GAS = {"poke": 100, "liquidate": 500, "trade": 50}
HALF = (Ratio(WAD // 2),)


class Pages:
    """A journal in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entries: Sequence[Entry]) -> bool:
        self.entries += entries
        return False

    def close_batch(self) -> None:
        pass

    def seal(self, state: str, status: str = "complete") -> str:
        return f"{status} {state}"


class Sender:
    """An agent whose life is a function."""

    def __init__(self, name: str, life: Callable[[Sender, World], Steps], phase: Phase) -> None:
        self.name = name
        self.phase = phase
        self.life = life

    def run(self, world: World) -> Steps:
        return self.life(self, world)


class Rig:
    """A chain of twelve-second blocks of 1,000 gas, a mempool, and who sends to it.

    `demand` are rows (time, price) of what half of a block's gas pays at most; a bid that pays as much can
    have 500 units. A diary holds (time, who) of what was carried out.
    """

    def __init__(
        self, *demand: tuple[int, int], end: int = HOUR, block_gas: int = 1_000, gas_price: int = 10
    ) -> None:
        rows: tuple[Levels, ...] = tuple((at, (price,)) for at, price in demand)
        space = Space(block_gas=block_gas, shares=HALF if rows else (), rows=rows)
        self.chain = Chain(start=0, block_s=BLOCK, native="ETH", gas_path=gas_price, gas=GAS, space=space)
        self.pages = Pages()
        self.world = World(Protocol([Outside()], self.pages), start=0, end=end, seed=1, log=SILENT)
        self.mempool = Mempool(self.chain)
        self.world.start(self.mempool)
        self.diary: list[tuple[int, str]] = []
        self.sent: dict[str, Sent] = {}

    def send(
        self,
        who: str,
        at: int,
        policy: Bid,
        *,
        actions: tuple[str, ...] = ("poke",),
        reverts: Reason | None = None,
        phase: Phase = Phase.LIQUIDATION,
    ) -> None:
        """Let somebody send a transaction at a moment, and note when it was carried out or dropped."""

        def act(world: World, gas: Sequence[Command]) -> Reason | None:
            self.diary.append((world.now, who))
            if reverts is not None:
                return reverts
            return submitting()(world, gas)

        def life(sender: Sender, world: World) -> Steps:
            yield world.sleep_until(sender, at)
            sent = self.sent[who] = self.mempool.send(world, who, actions, act, policy)
            yield from until_ended(world, sender, sent)
            if not sent.included:
                self.diary.append((world.now, f"{who} is dropped"))

        self.world.start(Sender(who, life, phase))

    def play(self) -> list[tuple[int, str]]:
        assert self.world.run() is Ending.COMPLETE, self.seen(AgentFailed)
        return self.diary

    def seen(self, kind: type[Event]) -> list[Any]:
        return [entry.event for entry in self.pages.entries if isinstance(entry.event, kind)]


def gwei(price: int, **more: Any) -> Bid:
    return Bid(wei=price, **more)


# --- stories -----------------------------------------------------------------------------------------------


def test_a_bid_above_the_others_is_in_the_next_block_and_pays_what_it_bid() -> None:
    """Sent at 30, a transaction is in the block of 36; its 100 units cost its own bid, not the gas price."""
    rig = Rig((0, 20))
    rig.send("bot", 30, gwei(25))
    assert rig.play() == [(36, "bot")]
    [paid] = rig.seen(GasPaid)
    assert (paid.account, paid.amount) == ("bot", 2_500)


def test_what_is_sent_at_a_block_is_in_the_next_one() -> None:
    """Nobody is in a block that he has seen."""
    rig = Rig()
    rig.send("bot", 24, gwei(1))
    assert rig.play() == [(36, "bot")]


def test_a_stuck_bot_misses() -> None:
    """A bot with a fixed price waits as long as others pay more.

    ---
    demand   20, from 100 on 200, from 7,300 on 20
    bot      bids 50 at 30: in; bids 50 again at 150: waits until 7,308
    """
    rig = Rig((0, 20), (100, 200), (7_300, 20), end=3 * HOUR)
    rig.send("early", 30, gwei(50))
    rig.send("late", 150, gwei(50))
    assert rig.play() == [(36, "early"), (7_308, "late")]
    assert rig.world.wakes < 12  # nobody looked at the 596 blocks in between


def test_a_bid_that_escalates_gets_in() -> None:
    """A quarter more every two blocks, up to 247, and there is room, at what it bids then."""
    rig = Rig((0, 200))
    rig.send("bot", 0, gwei(100, escalation=Ratio(WAD // 4), every_blocks=2))
    assert rig.play() == [(BLOCK + 4 * 2 * BLOCK, "bot")]
    assert rig.seen(GasPaid)[0].amount == 247 * 100


def test_escalation_ends_at_the_most_that_is_ever_bid() -> None:
    """Who stops below the others waits to the end, and nobody looks again once nothing can change."""
    rig = Rig((0, 200))
    rig.send("bot", 0, gwei(100, escalation=Ratio(WAD), wei_max=199))
    assert rig.play() == []
    assert len(rig.mempool) == 1
    assert rig.sent["bot"].bid == 199
    assert rig.world.wakes < 8


def test_a_full_block_leaves_the_lower_bid_for_the_next_one() -> None:
    """Two liquidations do not fit into half a block: the higher bid is first, though it came later."""
    rig = Rig((0, 20))
    rig.send("low", 10, gwei(30), actions=("liquidate",))
    rig.send("high", 11, gwei(31), actions=("liquidate",))
    assert rig.play() == [(12, "high"), (24, "low")]


def test_of_equal_bids_the_first_that_was_sent_is_first() -> None:
    """A tie goes to who came first, in one instant as well."""
    rig = Rig((0, 20))
    for who in ("b", "a", "c"):
        rig.send(who, 10, gwei(30), actions=("liquidate",))
    assert rig.play() == [(12, "b"), (24, "a"), (36, "c")]


def test_a_small_transaction_takes_the_room_that_a_large_one_cannot() -> None:
    """After 450 units of the highest bid there is no room for 500 more, but for 50 there is."""
    rig = Rig((0, 20))
    rig.send("first", 1, gwei(40), actions=("poke", "poke", "poke", "poke", "trade"))
    rig.send("large", 2, gwei(39), actions=("liquidate",))
    rig.send("small", 3, gwei(38), actions=("trade",))
    assert rig.play() == [(12, "first"), (12, "small"), (24, "large")]


def test_who_is_included_and_stale_fails_and_pays() -> None:
    """A transaction that reverts in its block changes nothing and costs its gas."""
    rig = Rig((0, 20))
    rig.send("slow", 1, gwei(30), reverts=Reason.POSITION_IS_HEALTHY)
    rig.play()
    [failed] = rig.seen(TransactionFailed)
    assert (failed.account, failed.amount, failed.reason) == ("slow", 3_000, "POSITION_IS_HEALTHY")
    assert not rig.seen(GasPaid)
    assert (rig.sent["slow"].included, rig.sent["slow"].failure) == (True, Reason.POSITION_IS_HEALTHY)


def test_a_transaction_past_its_deadline_is_dropped() -> None:
    """The first block after the deadline drops it, at no cost, and that is counted."""
    rig = Rig((0, 200))
    rig.send("bot", 10, gwei(100, deadline_s=60))
    assert rig.play() == [(72, "bot is dropped")]
    assert not rig.seen(GasPaid)
    assert rig.world.protocol.refusals == {"TRANSACTION_IS_DROPPED": 1}


def test_a_deadline_at_a_block_is_still_kept() -> None:
    """The block of the very second of the deadline takes it."""
    rig = Rig((0, 200), (60, 1))
    rig.send("bot", 12, gwei(100, deadline_s=48))
    assert rig.play() == [(60, "bot")]


def test_a_multiple_is_taken_when_it_is_sent() -> None:
    """Twice the gas price of 10 pays for 20 a unit."""
    rig = Rig((0, 20))
    rig.send("bot", 5, Bid(multiple=Ratio(2 * WAD)))
    rig.play()
    assert rig.seen(GasPaid)[0].amount == 20 * 100


def test_commands_are_carried_out_with_their_gas_or_not_at_all() -> None:
    """`submitting` sends commands as they stand; what a venue refuses reverts with its reason."""
    rig = Rig()
    halt = HaltMarket(venue=OUTSIDE, account=OUTSIDE, asset="ETH", place="here", on=True)

    def life(sender: Sender, world: World) -> Steps:
        first = rig.mempool.send(world, "keeper", ("poke",), submitting(halt), gwei(1))
        yield world.wait(sender, ended_signal("keeper"))
        assert (first.included, first.failure) == (True, None)

    rig.world.start(Sender("keeper", life, Phase.LIQUIDATION))
    rig.play()
    first, second = rig.pages.entries
    assert (first.tx, type(first.event), type(second.event)) == (second.tx, MarketHalted, GasPaid)


def test_free_gas_leaves_no_entry() -> None:
    """A bid of nothing is in an empty block, and what fails there leaves no trace but its outcome."""
    rig = Rig()
    rig.send("bot", 1, gwei(0), reverts=Reason.PURSE_IS_EMPTY)
    assert rig.play() == [(12, "bot")]
    assert not rig.pages.entries


def test_a_sender_may_act_before_the_mempool_has_begun() -> None:
    """What is sent in the first instant, before the mempool's own turn, is not lost."""
    rig = Rig()

    def life(sender: Sender, world: World) -> Steps:
        sent = rig.mempool.send(world, "early", ("poke",), submitting(), gwei(3))
        yield from until_ended(world, sender, sent)
        rig.diary.append((world.now, "early"))

    rig.world.start(Sender("early", life, Phase.MARKET))
    assert rig.play() == [(12, "early")]


def test_where_nobody_sends_nobody_wakes() -> None:
    """A mempool without transactions sleeps through the run, whatever the demand does."""
    rig = Rig(*((at, 20 + at) for at in range(0, 50 * HOUR, 600)), end=50 * HOUR)
    assert rig.play() == []
    assert rig.world.wakes == 0


# --- the law -----------------------------------------------------------------------------------------------


class Journal:
    """What a naive look at every block would do: the same rule, in other words."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.blocks: dict[int, list[int]] = {}
        self.dropped: dict[int, int] = {}
        """When each that was dropped was."""

    def play(self, offers: list[tuple[int, int, Bid]], end: int) -> None:
        """Take (moment, gas, policy) of all that is sent, in order; fill blocks one after the other."""
        waiting = dict(enumerate(offers))
        for block in range(0, end + 1, BLOCK):
            for n, (at, _, bid) in waiting.items():
                if block > at + (bid.deadline_s or 10**9):
                    self.dropped[n] = block
            waiting = {n: offer for n, offer in waiting.items() if n not in self.dropped}
            bids = {n: self.bid_of(offer, block) for n, offer in waiting.items() if offer[0] < block}
            taken: list[int] = []
            while bids:
                best = max(bids, key=lambda n: (bids[n], -n))
                used = sum(waiting[n][1] for n in taken)
                if used + waiting[best][1] <= self.space.room(bids.pop(best), block):
                    taken.append(best)
            if taken:
                self.blocks[block] = taken
            waiting = {n: offer for n, offer in waiting.items() if n not in taken}

    def bid_of(self, offer: tuple[int, int, Bid], block: int) -> int:
        """Raise a bid block by block."""
        at, _, policy = offer
        first = (at // BLOCK + 1) * BLOCK
        bid = policy.opening(10)
        for number in range(1, (block - first) // BLOCK + 1):
            if number % policy.every_blocks == 0:
                bid = policy.raised(bid)
        return bid


def drawn(stream: Stream) -> Bid:
    return Bid(
        wei=stream.choice((5, 10, 10, 20, 20, 30)),
        escalation=Ratio(stream.choice((0, 0, WAD // 10, WAD))),
        every_blocks=stream.between(1, 4),
        wei_max=stream.choice((None, None, 25)),
        deadline_s=stream.choice((None, None, stream.between(1, 200))),
    )


def compare(stream: Stream) -> Counter[str]:
    """Play a drawn run and hold it to what a look at every block finds; return what was seen."""
    rows = [(0, stream.between(0, 30))]
    while stream.chance(3, 4):
        rows.append((rows[-1][0] + stream.between(1, 300), stream.between(0, 30)))
    rig = Rig(*rows, end=1_200, block_gas=stream.choice((200, 1_000, 2_000)))
    offers: list[tuple[int, int, Bid]] = []
    span = stream.choice((30, 100, 600))
    phase = stream.choice((Phase.LIQUIDATION, Phase.MARKET))
    for at in sorted(stream.below(span) for _ in range(stream.between(1, 25))):
        actions = stream.choice((("poke",), ("trade",), ("liquidate",), ("poke", "trade")))
        policy = drawn(stream)
        rig.send(str(len(offers)), at, policy, actions=actions, phase=phase)
        offers.append((at, sum(GAS[action] for action in actions), policy))
    rig.play()
    by_hand = Journal(rig.mempool._space)
    by_hand.play(offers, 1_200)
    taken: dict[int, list[int]] = {}
    for block, who in rig.diary:
        if who.isdigit():
            taken.setdefault(block, []).append(int(who))
    dropped = {int(who.removesuffix(" is dropped")): at for at, who in rig.diary if not who.isdigit()}
    assert taken == by_hand.blocks
    assert dropped == by_hand.dropped
    seen = Counter({"dropped": len(dropped), "left waiting": len(rig.mempool)})
    for block, numbers in taken.items():
        seen += look(
            rig.mempool._space, block, [(by_hand.bid_of(offers[n], block), n) for n in numbers], offers
        )
    return seen


def look(
    space: Space, block: int, bids: list[tuple[int, int]], offers: list[tuple[int, int, Bid]]
) -> Counter[str]:
    """Hold one block, (bid, number) in its order, to the rule; return what was seen of it."""
    numbers = [number for _, number in bids]
    assert bids == sorted(bids, key=lambda pair: (-pair[0], pair[1]))
    used = 0
    for bid, number in bids:
        used += offers[number][1]
        assert used <= space.room(bid, block)
    return Counter(
        {
            "several in a block": len(bids) > 1,
            "equal bids": len({bid for bid, _ in bids}) < len(bids),
            "overtaken": numbers != sorted(numbers),
            "waited": any(offers[n][0] + BLOCK < block for n in numbers),
            "raised": any(bid > (offers[n][2].wei or 0) for bid, n in bids),
            "full": used + GAS["trade"] > space.room(bids[-1][0], block),
        }
    )


@pytest.mark.slow
def test_blocks_hold_what_a_look_at_every_block_puts_there() -> None:
    """Highest bid first, then arrival, never more than fits: as one who builds every block by hand.

    ---
    Asleep through blocks in which nothing can change, the mempool misses none in which something does.
    """
    stream, seen = Stream(3, "mempool"), Counter[str]()
    for _ in range(200):
        seen += compare(stream)
    assert min(seen.values()) >= 100, seen
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        ("_choose", "(-sent.bid, sent.number)", "sent.number"),
        ("_choose", "(-sent.bid, sent.number)", "(-sent.bid, -sent.number)"),
        ("_choose", "used + sent.gas <=", "sent.gas <="),
        ("_choose", "sent.first <= block", "True"),
        ("_build", "s.expires < now", "s.expires <= now"),
        ("_build", "self._more = bool(chosen)", "self._more = False"),
        ("_build", "sent.raises += 1", "sent.raises += 2"),
        ("_next", "[self._space.next_change(now)]", "[None]"),
        ("_next", "sent.first if sent.first > now else None", "None"),
        ("_next", ", _behind(sent.expires)", ", None"),
        ("_next", ", self._raise(sent)", ", None"),
        ("send", "sent.first < self._due", "False"),
    ],
)
def test_the_law_sees_a_planted_bug(function: str, old: str, new: str) -> None:
    """Each rule of the mempool, broken, is noticed within a few hundred runs."""
    stream = Stream(3, "mempool")
    bug = Bug(f"{old} → {new}", f"agents.mempool:Mempool.{function}", old, new, ())
    with planted(bug), pytest.raises(AssertionError):
        sum((compare(stream) for _ in range(400)), Counter())
