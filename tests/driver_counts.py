"""How often random play got where: the proof that the laws had something to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from auditor import ONE, Auditor
from laws import Step
from systems import ASSETS

from mutualize import commands as c
from mutualize import events as e
from mutualize.errors import Reason
from mutualize.events import Event


class Counts:
    """How often each situation was reached."""

    def __init__(self, of: dict[str, int] | None = None) -> None:
        self.of: dict[str, int] = of or {}

    def add(self, name: str, times: int = 1) -> None:
        """Count one (or none)."""
        if times:
            self.of[name] = self.of.get(name, 0) + times

    def merge(self, other: Counts) -> None:
        """Add another's counts."""
        for name, times in other.of.items():
            self.add(name, times)


def count(step: Step, counts: Counts) -> None:
    """Count what an entry reached."""
    kind = type(step.event)
    counts.add(kind.__name__)
    more = MORE.get(kind)
    if more is not None:
        more(step, step.event, counts)


def _liquidated(step: Step, event: e.Liquidated, counts: Counts) -> None:
    counts.add("liquidated for claims", event.claims)
    counts.add("fund took a fee", bool(event.fund_fee))
    counts.add("worthless collateral seized", step.before.price(event.collateral) == 0)
    counts.add("partial liquidation", step.after.units("debt", event.debt, event.account) > 0)
    debts = sum(step.before.units("debt", asset, event.account) > 0 for asset in ASSETS)
    counts.add("liquidated with several debts", debts > 1)


def _allocated(step: Step, event: e.LossAllocated, counts: Counts) -> None:
    tier = step.setup.tiers[event.index]
    counts.add("exhausted tier", 0 < event.capacity == event.amount)
    counts.add("empty tier", event.capacity == 0)
    counts.add("unused tier", not tier.used)
    counts.add("offset left a rest", bool(tier.offset and event.capacity > event.amount and event.rest))


def _absorbed(step: Step, event: e.LossAbsorbed, counts: Counts) -> None:
    tier = step.setup.tiers[event.index]
    counts.add(f"paid by {tier.payer}")
    counts.add("converted", event.paid_asset != event.asset)
    counts.add("loss of one unit", event.amount == 1)
    reserve = step.before.reserve(event.asset)
    counts.add("second haircut", tier.payer == "claims" and reserve["liquidity_index"] < ONE)
    counts.add("wiped out", step.after.reserve(event.asset)["liquidity_index"] == 0)


def _slashed(step: Step, event: e.Slashed, counts: Counts) -> None:
    counts.add("slash in cooldown", any(step.before.stake(".cooldown.shares").values()))
    counts.add("all stake gone", not step.before.owed("tier:stakers", event.asset) - event.assets)


MORE: Final[dict[type[Event], Callable[[Step, Any, Counts], None]]] = {
    e.Liquidated: _liquidated,
    e.LossAllocated: _allocated,
    e.LossAbsorbed: _absorbed,
    e.Slashed: _slashed,
    e.TreasuryMinted: lambda _, event, counts: counts.add("fund took interest", bool(event.fund_amount)),
    e.Repaid: lambda _, event, counts: counts.add("repaid for another", event.payer != event.account),
    e.ShortfallRecognised: lambda step, event, counts: counts.add(
        "shortfall without depositors", step.after.owed("claims", event.asset) == 0
    ),
}
"""What else is counted of some kinds of event."""


def count_refusal(counts: Counts, now: Auditor, reason: Reason, command: c.Command, at: int) -> None:
    """Count a refusal; a claim that is there and cannot be paid for lack of cash is a run."""
    counts.add(f"refused {reason.name}")
    if isinstance(command, c.Withdraw) and reason is Reason.LIQUIDITY_IS_INSUFFICIENT:
        claim = now.claim(command.asset, command.account, at)
        runs = claim >= command.amount or command.amount == c.ALL
        counts.add("withdrawal without cash", runs)
        counts.add("run at par", runs and now.reserve(command.asset).get("deficit", 0) > 0)
