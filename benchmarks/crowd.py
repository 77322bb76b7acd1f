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
from pathlib import Path

from mutualize.bench import crash
from mutualize.run import run
from mutualize.scenario.model import Scenario


def crowd(count: int) -> Scenario:
    """Return the crash of `mutualize bench` with liquidators who are late, one transaction a block each."""
    depth = f'{{ amount = "{count * 10}", impact = "0.01", recovery_s = 60 }}'
    late = {
        "liquidators[0].name": "keepers",
        "liquidators[0].count": "5",
        "liquidators[0].latency_s": "{ uniform = [12, 60] }",
        "liquidators[0].per_block": "1",
        "markets.ETH.cost": "0",
        "markets.ETH.depth": depth,
    }
    return crash(count, Path(__file__).parent, tuple(late.items()))


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
