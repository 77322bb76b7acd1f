"""Two runs beside each other for tests: a long one, and one whose names mean harm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from web_samples import HOSTILE, hostile_source, long_source, small_source

from mutualize.report.baseline import WORSE
from mutualize.report.compared import AccountChange, Comparison, Pair, Side, measured
from mutualize.report.web.source import Source

FUND = "venues.pool.funds.insurance-fund.USDC"
POORER = f"{FUND}=5000"
"""The change that most tests make."""


def _compared(
    labels: Sequence[str],
    sources: Sequence[Source],
    accounts: Sequence[str],
    parting: Sequence[str],
    seq: int,
) -> tuple[Comparison, list[Source]]:
    base, side = (
        Side(label, source.summary, Path("none")) for label, source in zip(labels, sources, strict=True)
    )
    changes = tuple(AccountChange(name, "depositors", 2 * 10**8, 10**8) for name in accounts)
    assert all(change.verdict == WORSE for change in changes)
    pair = Pair(base, side, measured(base.summary, side.summary), changes, 0, tuple(parting), seq)
    return Comparison((base, side), (pair,), ()), list(sources)


def long_comparison(count: int) -> tuple[Comparison, list[Source]]:
    """Return the small run beside itself with so many events after it, and what both are made from."""
    lines = ["A: nothing more happened.", "B: [124] somebody sold."]
    return _compared(("short", "long"), (small_source(), long_source(count)), (), lines, 124)


def hostile_comparison() -> tuple[Comparison, list[Source]]:
    """Return two runs in which labels, accounts and all else are called by hostile names."""
    both = (small_source(), hostile_source())
    return _compared((HOSTILE[0], HOSTILE[2]), both, HOSTILE, HOSTILE, 20)
