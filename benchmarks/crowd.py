"""A crowd: thousands of borrowers while ETH falls by 55 % in 72 hourly steps; and what that took.

    python benchmarks/crowd.py 10000                     one run, its ledger kept in memory
    python benchmarks/crowd.py 10000 --ledger FILE       one run, its ledger streamed to a new file

It runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mutualize.run import run
from mutualize.scenario.load import loads
from mutualize.scenario.model import Scenario

STEPS = 72
FIRST_S = 1_704_067_200
HOUR_S = 3_600
PRICE_FIRST = 2_000
"""Dollars."""
FALL = 45
"""What is left of the price at the end, in percent."""

TEXT = """
format = "mutualize-scenario/1"
name = "crowd"
title = "A crowd of borrowers"
summary = "ETH falls by 55 % in 72 hourly steps."
start = "2024-01-01T00:00:00Z"
end = "2024-01-04T00:00:00Z"
seed = 1
not_modelled = ["anything: it measures the machine"]
[assets.ETH]
marked = {{ assumed = "invented" }}
decimals = 18
[assets.USDC]
marked = {{ assumed = "invented" }}
decimals = 6
[markets.ETH]
marked = {{ assumed = "invented" }}
money = "USDC"
place = "an invented exchange"
points = {points}
depth = {{ amount = "{depth}", impact = "0.01", recovery_s = 60 }}
[markets.USDC]
price = {{ value = "1", assumed = "invented" }}
[oracles.ETH]
marked = {{ assumed = "invented" }}
heartbeat_s = 3600
deviation = "0.5"
[chain]
marked = {{ assumed = "invented" }}
block_s = 12
[venues.pool]
kind = "pool"
marked = {{ assumed = "invented" }}
[venues.pool.rules]
close_factor = "aave-v3"
dust_rule = true
recognition = "at-zero-collateral"
[venues.pool.reserves.ETH]
ltv = "0.80"
liquidation_threshold = "0.85"
liquidation_bonus = "0.05"
[venues.pool.reserves.USDC]
ltv = "0.75"
liquidation_threshold = "0.80"
liquidation_bonus = "0.05"
reserve_factor = "0.10"
optimal = "0.90"
slope1 = "0.04"
slope2 = "0.60"
[[venues.pool.waterfall]]
tier = "insurance-fund"
payer = "fund"
[[venues.pool.waterfall]]
tier = "haircut"
payer = "claims"
[venues.pool.funds.insurance-fund]
USDC = "20000"
[[depositors]]
name = "lenders"
marked = {{ assumed = "invented" }}
count = 100
venue = "pool"
asset = "USDC"
amount = "{deposit}"
[[borrowers]]
name = "borrowers"
marked = {{ assumed = "invented" }}
count = {count}
venue = "pool"
collateral = "ETH"
collateral_amount = {{ power_law = ["1", "1000"] }}
debt = "USDC"
health = {{ uniform = ["1.05", "4"] }}
[[liquidators]]
name = "keepers"
marked = {{ assumed = "invented" }}
count = 5
venue = "pool"
flash = true
latency_s = {{ uniform = [12, 60] }}
min_profit = "1"
"""


def prices() -> Iterator[tuple[int, int]]:
    """Return (time, price in cents) of each step: a straight line down, every other step 1 % above it."""
    for step in range(STEPS + 1):
        base = PRICE_FIRST * (100 * STEPS - (100 - FALL) * step) // STEPS
        yield FIRST_S + step * HOUR_S, base + (base // 100 if step % 2 else 0)


def moment(step_s: int) -> str:
    """Write a time as a scenario does."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(step_s))


def crowd(count: int) -> Scenario:
    """Return the scenario with so many borrowers."""
    points = [[moment(at), f"{cents // 100}.{cents % 100:02}"] for at, cents in prices()]
    text = TEXT.format(points=json.dumps(points), count=count, deposit=count * 200, depth=count * 10)
    return loads(text, Path(__file__).parent)


def peak_memory_kib() -> int:
    """Return the most memory that this process held. (On Linux `getrusage` counts its parent's as well.)"""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(count: int, ledger: str) -> dict[str, object]:
    """Run it; return what was done, and what it took."""
    scenario = crowd(count)
    began = time.process_time()
    ran = run(scenario, ledger=ledger)
    took_s = time.process_time() - began
    kinds = Counter(type(entry.event).__name__ for entry in ran.entries())
    return {
        "borrowers": count,
        "digest": ran.digest,
        "events": ran.ledger.durable_seq,
        "kinds": dict(sorted(kinds.items())),
        "cpu_s": round(took_s, 2),
        "events_per_s": round(ran.ledger.durable_seq / took_s),
        "peak_memory_mib": peak_memory_kib() // 1024,
    }


def main() -> None:
    """Measure one run and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--ledger", default="memory")
    given = parser.parse_args()
    json.dump(measure(given.count, given.ledger), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
