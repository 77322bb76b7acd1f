"""What all peers share: the command line, the clock, and the JSON that they print. Nothing of how they work.

    python benchmarks/peers/<peer>.py N STEPS [--idiom NAME] [--freeze]

A peer runs in a process of its own, so that its peak of memory is its own. Set-up (its objects, from the list
of borrowers) is timed apart from the run. Nothing is done to it that its documentation does not do: garbage
is collected as Python does by default. `--freeze` shows what it would gain from being exempt.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from peers.workload import Borrower, borrowers, digest


class Outcome(NamedTuple):
    """What a peer found: (step, name) of who was liquidated, and who bore what, in base units of USDC."""

    found: Sequence[tuple[int, str]]
    shortfall: int
    insurance: int
    stakers: int
    haircut: int


Prepare = Callable[[list[Borrower], int], Callable[[], Outcome]]
"""From borrowers and the number of steps: set up, and return what runs it."""


def cpu_s() -> float:
    """Return the CPU time of this process and of those that it started and that ended, in seconds."""
    both = [resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)]
    return sum(spent.ru_utime + spent.ru_stime for spent in both)


def peak_memory_mib() -> int:
    """Return the most memory that this process held, or one that it started, whichever is more.

    On Linux `getrusage` counts the memory of who started the process as its own; /proc does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        own = int(lines["VmHWM"].split()[0])
    else:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024


def parser(about: str | None) -> argparse.ArgumentParser:
    """Return what reads the command line: how many positions, how many steps."""
    line = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("positions", type=int)
    line.add_argument("steps", type=int)
    return line


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what it returns, its wall time and its CPU time in seconds."""
    began, spent = time.perf_counter(), cpu_s()
    answer = work()
    return answer, time.perf_counter() - began, cpu_s() - spent


def say(facts: Mapping[str, object]) -> None:
    """Print JSON, with the Python that ran it."""
    json.dump({**facts, "python": platform.python_version()}, sys.stdout, indent=1)
    sys.stdout.write("\n")


def main(package: str, idioms: Mapping[str, Prepare], about: str | None) -> None:
    """Measure one run of a peer and print it as JSON. The first idiom is what its documentation does."""
    line = parser(about)
    line.add_argument("--idiom", choices=list(idioms), default=next(iter(idioms)))
    line.add_argument("--freeze", action="store_true", help="exempt the set-up from garbage collection")
    given = line.parse_args()
    crowd = borrowers(given.positions)
    run, setup_s, setup_cpu_s = timed(lambda: idioms[given.idiom](crowd, given.steps))
    if given.freeze:
        gc.collect()
        gc.freeze()
    outcome, run_s, run_cpu_s = timed(run)
    say(
        {
            "peer": package,
            "version": version(package),
            "idiom": given.idiom,
            "positions": given.positions,
            "steps": given.steps,
            "setup_s": round(setup_s, 4),
            "setup_cpu_s": round(setup_cpu_s, 4),
            "run_s": round(run_s, 4),
            "run_cpu_s": round(run_cpu_s, 4),
            "peak_memory_mib": peak_memory_mib(),
            "liquidated": len(outcome.found),
            "liquidated_digest": digest(outcome.found),
            "shortfall": outcome.shortfall,
            "insurance": outcome.insurance,
            "stakers": outcome.stakers,
            "haircut": outcome.haircut,
        }
    )
