"""Governance: a proposal, a vote that takes its time, and then a command. Dated, or set off by a deficit.

at, or on a shortfall ─▶ Propose ─▶ delay ─▶ ExecuteProposal with its commands, all of them or none
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from mutualize.accounts import OUTSIDE
from mutualize.agents.fees import Fees
from mutualize.agents.signals import deficit_signal
from mutualize.commands import (
    ALL,
    Command,
    CoverDeficitOffset,
    CoverPendingDeficit,
    EliminateDeficit,
    ExecuteProposal,
    Propose,
    RecogniseShortfall,
    Repay,
    SetDeficitOffset,
    SetParameter,
    Supply,
    TransferClaims,
)
from mutualize.errors import Reason
from mutualize.tier_commands import OpenExits, ReleaseTier
from mutualize.umbrella import Umbrella
from mutualize.venues.comet import Comet
from mutualize.venues.compound import Compound
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules
from mutualize.waterfall import Waterfall
from mutualize.world import Phase, Steps, World

GOVERNANCE: Final = PoolRules().governance
"""Who carries out what was voted."""
GUARDED: Final[dict[type, tuple[str, ...]]] = {
    Compound: ("mint_paused", "borrow_paused", "seize_paused"),
    Comet: ("supply_paused", "withdraw_paused", "absorb_paused", "buy_paused"),
}
"""What Compound's guardian pauses: in v2 to repay and to redeem is always allowed, in v3 nothing is."""
Measure = Callable[[World], Sequence[Command]]
"""What a proposal does: its commands, written down when it is executed."""


@attrs.frozen(kw_only=True)
class Occasion:
    """When a proposal is made: at a time, or when a shortfall in one of these reserves is recognised."""

    at: int | None = None
    on_deficit: tuple[str, ...] = ()


class Proposal:
    """One proposal."""

    phase: Final = Phase.SETTLEMENT

    def __init__(
        self, name: str, venue: str, occasion: Occasion, delay_s: int, measure: Measure, fees: Fees
    ) -> None:
        self.name = name
        self._venue = venue
        self._occasion = occasion
        self._delay_s = delay_s
        self._measure = measure
        self._fees = fees

    def run(self, world: World) -> Steps:
        """Propose, let the vote take its time, carry out."""
        cause = None
        if self._occasion.at is not None:
            yield world.sleep_until(self, self._occasion.at)
        else:
            signals = [deficit_signal(self._venue, asset) for asset in self._occasion.on_deficit]
            wake = yield world.wait(self, *signals)
            cause = wake.cause
        account = GOVERNANCE
        made = world.submit(
            Propose(venue=OUTSIDE, account=account, proposal=self.name, executable=world.now + self._delay_s),
            *self._fees.pay(account, world.now, "propose"),
            cause=cause,
        )
        yield world.sleep(self, self._delay_s)
        world.submit(
            ExecuteProposal(venue=OUTSIDE, account=account, proposal=self.name),
            *self._measure(world),
            *self._fees.pay(account, world.now, "execute"),
            cause=made.seq,
        )


# --- what can be decided ---------------------------------------------------------------------------------


def set_parameter(venue: Pool | Comet, asset: str, name: str, value: int) -> Measure:
    """Set a parameter of a reserve, named as the venue names it."""
    command = SetParameter(
        venue=venue.name, account=_governance_of(venue), asset=asset, name=name, value=value
    )
    return lambda _: [command]


def _governance_of(venue: Pool | Compound | Comet) -> str:
    return venue.governance if isinstance(venue, Comet) else venue.rules.governance


def set_paused(venue: Pool | Compound | Comet, assets: Sequence[str], paused: int) -> Measure:
    """Pause reserves (1), or open them again (0): at Compound every verb that a guardian can."""
    cells = GUARDED.get(type(venue), ("paused",))
    account = _governance_of(venue)
    commands = [
        SetParameter(venue=venue.name, account=account, asset=asset, name=cell, value=paused)
        for asset in assets
        for cell in cells
    ]
    return lambda _: commands


def recognise_shortfall(venue: str, borrower: str, asset: str) -> Measure:
    """Move what a borrower's collateral does not cover of his debt to the deficit."""
    command = RecogniseShortfall(venue=venue, account=GOVERNANCE, borrower=borrower, asset=asset)
    return lambda _: [command]


def recognise_shortfalls(venue: str, borrowers: Sequence[str], asset: str) -> Measure:
    """Move what each of many borrowers leaves uncovered, where the venue takes it for such."""

    def measure(world: World) -> Sequence[Command]:
        wishes = [
            RecogniseShortfall(venue=venue, account=GOVERNANCE, borrower=name, asset=asset)
            for name in borrowers
        ]
        return [wish for wish in wishes if not isinstance(world.would(wish), Reason)]

    return measure


def set_offset(umbrella: Umbrella, amount: int) -> Measure:
    """Set the deficit below which an umbrella's stakers are not touched."""
    account = umbrella.pool.rules.governance
    command = SetDeficitOffset(venue=umbrella.name, account=account, amount=amount)
    return lambda _: [command]


def release_tier(waterfall: Waterfall, tier: str, asset: str, most: int | None) -> Measure:
    """Let a tier pay what waits for it: at most so much in all (without an amount: all of it)."""
    command = ReleaseTier(venue=waterfall.name, account=GOVERNANCE, tier=tier, asset=asset, most=most)
    return lambda _: [command]


def open_exits(waterfall: Waterfall) -> Measure:
    """Let people leave again."""
    command = OpenExits(venue=waterfall.name, account=GOVERNANCE)
    return lambda _: [command]


def repay_debt(pool: Pool, payer: str, borrower: str, asset: str, amount: int | None) -> Measure:
    """Repay somebody's debt (all of it, without an amount) out of a payer's pocket."""
    command = Repay(
        venue=pool.name,
        account=payer,
        asset=asset,
        amount=ALL if amount is None else amount,
        on_behalf_of=borrower,
    )
    return lambda _: [command]


def cover_deficit(
    pool: Pool, payer: str, asset: str, amount: int | None, umbrella: Umbrella | None = None
) -> Measure:
    """Cover an open deficit (all of it, without an amount) out of a payer's pocket.

    The pool lets only its covering address burn claims against a deficit, so the payer's money takes that
    way: supplied, handed over as claims, burned. Two units more than that pay for rounding (both the transfer
    and the burn take ⌈covered/index⌉ claim units; up to an index of 2 there are as many).

    Where an umbrella stands over the reserve, what its stakers have paid for is covered first, then what is
    below its offset; nobody may cover what they still answer for. Who covers all of a deficit takes that off
    them first, the one way that the contract has: the offset is raised to what is open and not pending.
    """
    if umbrella is not None:
        return _cover_under(umbrella, payer, amount)
    covering = pool.rules.umbrella

    def measure(world: World) -> Sequence[Command]:
        deficit = pool.reserve(world.book, asset).deficit
        covered = deficit if amount is None else min(amount, deficit)
        if not covered:
            return [EliminateDeficit(venue=pool.name, account=covering, asset=asset, amount=ALL)]
        return [
            Supply(venue=pool.name, account=payer, asset=asset, amount=covered + 2),
            TransferClaims(venue=pool.name, account=payer, to=covering, asset=asset, amount=covered),
            EliminateDeficit(venue=pool.name, account=covering, asset=asset, amount=covered),
        ]

    return measure


def _cover_under(umbrella: Umbrella, payer: str, amount: int | None) -> Measure:
    pool, asset = umbrella.pool, umbrella.asset

    def measure(world: World) -> Sequence[Command]:
        book = world.book
        deficit = pool.reserve(book, asset).deficit
        covered = deficit if amount is None else min(amount, deficit)
        pending, rest = min(covered, umbrella.pending(book)), max(0, deficit - umbrella.pending(book))
        most = rest if amount is None else umbrella.coverable_offset(book)
        offset = min(covered - pending, most)
        paid = Supply(venue=pool.name, account=payer, asset=asset, amount=pending + offset + 4)
        commands: list[Command] = [paid]
        if offset > umbrella.coverable_offset(book):
            commands += set_offset(umbrella, rest)(world)
        if pending:
            commands.append(CoverPendingDeficit(venue=umbrella.name, account=payer, amount=pending))
        if offset or not pending:
            commands.append(CoverDeficitOffset(venue=umbrella.name, account=payer, amount=offset))
        return commands

    return measure
