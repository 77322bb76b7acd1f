"""What to do next: the commands that reproduce a run, and that look further into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import join

from mutualize.report.figures import Data


def next_steps(
    summary: Data,
    ledger: Path | None,
    scenario: str,
    seed: int | None,
    settings: Sequence[str],
    variant: str | None,
) -> list[tuple[str, str]]:
    """Return (what for, command) for a run that was asked for in these words; `ledger` is where it lies."""
    options = ["--seed", str(seed)] if seed is not None else []
    options += ["--variant", variant] if variant is not None else []
    options += [word for setting in settings for word in ("--set", setting)]
    again = join(["mutualize", "run", scenario, *options])
    if ledger is None:
        return [("reproduce", again), ("keep ledger and summary", f"{again} --out DIR")]
    moments = [short["first"] for short in summary["waterfalls"]] or [summary["ledger"]["at"]]
    return [
        ("reproduce", again),
        ("verify", join(["mutualize", "verify", str(ledger), "--deep"])),
        ("look at a moment", join(["mutualize", "replay", str(ledger), "--at", moments[0]])),
    ]
