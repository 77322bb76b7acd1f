"""The answer to one question about a run: its shortfalls, one holder, one event, one tier."""

from __future__ import annotations

from pathlib import Path

from mutualize.report.explain.event import event as explain_event
from mutualize.report.explain.holder import holder as explain_holder
from mutualize.report.explain.losses import losses as explain_losses
from mutualize.report.explain.steps import Explained, sound
from mutualize.report.explain.tier import tier as explain_tier


def explained(
    ledger: Path, *, account: str | None = None, event: int | None = None, tier: str | None = None
) -> Explained:
    """Explain what was asked of a ledger; without a question, every shortfall.

    Raises MutualizeError for a ledger that is missing (4) or corrupt (8), and where what was asked for is not
    in it (2). Of a torn or unsealed one, all whole batches are explained.
    """
    verdict = sound(ledger)
    if account is not None:
        parts = explain_holder(ledger, account)
    elif event is not None:
        parts = explain_event(ledger, event, verdict.events)
    elif tier is not None:
        parts = explain_tier(ledger, tier)
    else:
        parts = explain_losses(ledger)
    return Explained({"account": account, "event": event, "tier": tier}, tuple(parts), verdict)
