"""The mempool: transactions that were sent, and wait for a block with room for what they bid.

    send ──▶ waits ──▶ a block has room for its bid ──▶ carried out: gas paid
               │ raised as its bid says          └───▶ or it reverts by now: TransactionFailed, gas paid
               └─ past its deadline ──▶ dropped: costs nothing, counted as TRANSACTION_IS_DROPPED

The rule: a block takes the highest bid first, and of equal bids the first that was sent; each that finds no
room in it (`market/space.py`, less what those before it took) waits. What is sent in one instant can be in
the next block, not in one of the same instant. A raised bid keeps its place among equals.

How an agent sends (`sender` pays and is told; `actions` are names of `[chain.gas]`, whose gas is added up):

    sent = mempool.send(world, account, ("poke",), submitting(command, …), bid, cause=…)
    yield from until_ended(world, self, sent)      # or wait for `ended_signal(account)` among others
    sent.included, sent.failure                    # was it in a block? why did it revert, if it did?

Who has to look at the world when the transaction is carried out, and not when it is sent, writes an `Act`
of his own instead of `submitting`: a function that does everything in one transaction which holds the gas
that it is handed, or does nothing and returns why. A sender may have several transactions waiting; who
waits for one before he sends the next is stuck with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import attrs

from mutualize.accounts import OUTSIDE
from mutualize.commands import Command, FailTransaction, PayGas
from mutualize.errors import Reason
from mutualize.market.chain import Chain
from mutualize.market.space import Bid, Space
from mutualize.world import Agent, Phase, Steps, World

Act = Callable[[World, Sequence[Command]], Reason | None]
"""What a transaction does in its block, with the commands that pay its gas; or why it reverts."""

SENT: Final = "mempool:sent"


def ended_signal(sender: str) -> str:
    """Name the signal that a transaction of a sender was included or dropped."""
    return f"mempool:ended:{sender}"


def submitting(*commands: Command, cause: int | None = None) -> Act:
    """Return what carries out commands as they stand, all of them or none."""

    def act(world: World, gas: Sequence[Command]) -> Reason | None:
        planned = world.plan(*commands, *gas)
        if isinstance(planned, Reason):
            return planned
        world.carry_out(planned, cause)
        return None

    return act


@attrs.define(eq=False)
class Sent:
    """A transaction: how it stands. `bid` is wei for a unit of gas; `first` the first block it can be in."""

    sender: str
    gas: int
    number: int
    first: int
    bid: int
    act: Act
    policy: Bid
    expires: int | None
    cause: int | None
    raises: int = 0
    ended: bool = False
    included: bool = False
    failure: Reason | None = None


class Mempool:
    """All transactions of a run that wait. One agent, asleep until a block in which something can change."""

    name = "mempool"
    phase: Final = Phase.BLOCK

    def __init__(self, chain: Chain) -> None:
        assert chain.space is not None, "without scarce space nothing waits"
        self._chain = chain
        self._space: Space = chain.space
        self._waiting: list[Sent] = []
        self._number = 0
        self._due: int | None = None
        self._more = False

    def __len__(self) -> int:
        return len(self._waiting)

    def send(
        self,
        world: World,
        sender: str,
        actions: Sequence[str],
        act: Act,
        policy: Bid,
        cause: int | None = None,
    ) -> Sent:
        """Take a transaction in; it is the sender's to look at."""
        now = world.now
        sent = Sent(
            sender=sender,
            gas=self._chain.units(*actions),
            number=self._number,
            first=self._chain.next_block(now + 1),
            bid=policy.opening(self._chain.gas_price(now)),
            act=act,
            policy=policy,
            expires=None if policy.deadline_s is None else now + policy.deadline_s,
            cause=cause,
        )
        self._number += 1
        self._waiting.append(sent)
        if self._due is None or sent.first < self._due:
            world.signal(SENT)
        return sent

    def run(self, world: World) -> Steps:
        """Sleep until something can change, and let a block be built then."""
        while True:
            self._due = self._next(world.now)
            yield world.wait(self, SENT, until=self._due)
            if self._due is not None and world.now >= self._due:
                self._build(world)

    # --- when ----------------------------------------------------------------------------------------------

    def _next(self, now: int) -> int | None:
        """Return the next block in which something can change, or None where nothing waits.

        After a block that took something, that is the next one: there is room again. After one that took
        nothing, the first for which the demand, a bid, or who waits is another.
        """
        if not self._waiting:
            return None
        following = self._chain.next_block(now + 1)
        if self._more:
            return following
        moments = [self._space.next_change(now)]
        for sent in self._waiting:
            moments += [sent.first if sent.first > now else None, self._raise(sent), _behind(sent.expires)]
        known = [moment for moment in moments if moment is not None]
        return max(following, self._chain.next_block(min(known))) if known else None

    def _raise(self, sent: Sent) -> int | None:
        """Return the block for which a bid is raised next, or None where it stays as it is."""
        if sent.policy.raised(sent.bid) == sent.bid:
            return None
        return sent.first + (sent.raises + 1) * sent.policy.every_blocks * self._chain.block_s

    # --- a block -------------------------------------------------------------------------------------------

    def _build(self, world: World) -> None:
        """Drop what is too late, raise what is due, choose, then carry out what was chosen, in order."""
        now = world.now
        late = {s: None for s in self._waiting if s.expires is not None and s.expires < now}
        waiting = [sent for sent in self._waiting if sent not in late]
        for sent in waiting:
            if self._raise(sent) == now:
                sent.bid = sent.policy.raised(sent.bid)
                sent.raises += 1
        chosen = self._choose(waiting, now)
        self._waiting = [sent for sent in waiting if sent not in chosen]
        self._more = bool(chosen)
        for sent in late:
            world.count_refusal(Reason.TRANSACTION_IS_DROPPED)
            _end(world, sent)
        for sent in chosen:
            self._carry_out(world, sent)

    def _choose(self, waiting: list[Sent], block: int) -> dict[Sent, None]:
        """Return what a block takes: highest bid first, then first sent, each if there is room."""
        chosen: dict[Sent, None] = {}
        used = 0
        there = [sent for sent in waiting if sent.first <= block]
        for sent in sorted(there, key=lambda sent: (-sent.bid, sent.number)):
            if used + sent.gas <= self._space.room(sent.bid, block):
                used += sent.gas
                chosen[sent] = None
        return chosen

    def _carry_out(self, world: World, sent: Sent) -> None:
        cost, native = sent.gas * sent.bid, self._chain.native
        paid = PayGas(venue=OUTSIDE, account=sent.sender, asset=native, amount=cost)
        sent.included = True
        sent.failure = sent.act(world, (paid,) if cost else ())
        if sent.failure is not None and cost:
            failed = FailTransaction(
                venue=OUTSIDE,
                account=sent.sender,
                reason=sent.failure.name,
                asset=native,
                amount=cost,
            )
            world.submit(failed, cause=sent.cause)
        _end(world, sent)


def _behind(moment: int | None) -> int | None:
    """Return the first second after a moment."""
    return None if moment is None else moment + 1


def _end(world: World, sent: Sent) -> None:
    sent.ended = True
    world.signal(ended_signal(sent.sender), sent.cause)


class Sending(NamedTuple):
    """What an agent sends with: where to, and how he bids."""

    mempool: Mempool
    policy: Bid

    def send(
        self, world: World, sender: str, actions: Sequence[str], act: Act, cause: int | None = None
    ) -> Sent:
        """Send under this policy."""
        return self.mempool.send(world, sender, actions, act, self.policy, cause)


def until_ended(world: World, agent: Agent, sent: Sent) -> Steps:
    """Wait, as an agent, until a transaction was included or dropped."""
    while not sent.ended:
        yield world.wait(agent, ended_signal(sent.sender))
