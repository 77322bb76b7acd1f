"""What whole runs cost: the shipped scenarios, and a crowd of borrowers while the price falls by 55 %."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mutualize
from mutualize.ledger_reader import Condition, verify
from mutualize.run import Run

HERE = Path(__file__).parent
CROWD = HERE / "crowd.py"
GOLDEN: dict[str, str] = json.loads((HERE.parent / "tests" / "golden.json").read_text())
SHIPPED = {"three-tiers": (124, 20), "aave-crv-2022": (1_782, 303)}
"""Events and liquidations of each."""
PRICES = 74
"""Of ETH, one an hour and one at the start; of USDC, one."""
CROWDS = [
    pytest.param(1_000, (3_605, 702, 0), id="1000-borrowers"),
    pytest.param(10_000, (31_573, 6_967, 0), id="10000-borrowers", marks=pytest.mark.slow),
    pytest.param(100_000, (175_154, 25_604, 31), id="100000-borrowers", marks=pytest.mark.slow),
]
"""Borrowers, and what becomes of them: events, liquidations, and losses that a tier paid."""


def liquidations(run: Run) -> int:
    """Return how many liquidations there were."""
    return sum(type(entry.event).__name__ == "Liquidated" for entry in run.entries())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario(benchmark: Any, name: str) -> None:
    """Load, play, seal and summarise, with the ledger in memory."""
    run: Run = benchmark.pedantic(mutualize.run, args=(name,), rounds=3)
    assert (run.ledger.durable_seq, liquidations(run)) == SHIPPED[name]
    assert run.digest == GOLDEN[name]
    assert not run.missed
    benchmark.extra_info.update(digest=run.digest, events=run.ledger.durable_seq)
    if benchmark.stats:  # there are none where benchmarks are only run as tests
        benchmark.extra_info["events_per_s"] = round(run.ledger.durable_seq / benchmark.stats.stats.min)


@pytest.mark.parametrize("to_disk", [False, True], ids=["in-memory", "on-disk"])
@pytest.mark.parametrize(("count", "done"), CROWDS)
def test_a_crowd(benchmark: Any, tmp_path: Path, count: int, done: tuple[int, ...], to_disk: bool) -> None:
    """Play 72 hourly steps in a process of its own, which says what it did and how much memory it took."""
    ledger = tmp_path / "run.jsonl"
    command = [sys.executable, CROWD, str(count), *(("--ledger", ledger) if to_disk else ())]

    def play() -> dict[str, Any]:
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        facts: dict[str, Any] = json.loads(said)
        return facts

    facts = benchmark.pedantic(play, rounds=1)
    kinds = facts.pop("kinds")
    assert (kinds["PositionOpened"], kinds["PricePublished"]) == (count, PRICES)
    assert (facts["events"], kinds["Liquidated"], kinds.get("LossAbsorbed", 0)) == done
    if to_disk:
        verdict = verify(ledger)
        assert (verdict.condition, verdict.root) == (Condition.SEALED, facts["digest"])
        facts["ledger_mib"] = ledger.stat().st_size >> 20
    benchmark.extra_info.update(facts)
