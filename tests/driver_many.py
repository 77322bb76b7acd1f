"""Random play on several processes: a number of operations, spread over all set-ups and seeds.

The rule: which operations are played depends on their number and the first seed alone; how many processes
share them does not matter. Set MUTUALIZE_JOBS to another number of processes than there are processors.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterator

import attrs
from driver import Failure, run
from driver_counts import Counts
from systems import SETUPS

LENGTH = 350
"""Operations of one run: long enough to fall from one crisis into the next, short enough to start afresh."""
BUNDLE = 8
"""Runs that are handed to a process at once."""
FAILURES_MAX = 5
"""How many failures end the play."""


@attrs.define
class Played:
    """What was reached, and what was found."""

    counts: Counts = attrs.field(factory=Counts)
    by_setup: dict[str, int] = attrs.field(factory=dict)
    failures: list[Failure] = attrs.field(factory=list)


Task = tuple[int, int, int]
"""(number of the set-up, first seed, how many seeds)."""


def tasks(operations: int, first_seed: int) -> Iterator[Task]:
    """Return what has to be played for at least so many operations: as many seeds of each set-up."""
    seeds = max(1, -(-operations // (LENGTH * len(SETUPS))))
    for start in range(0, seeds, BUNDLE):
        for number in range(len(SETUPS)):
            yield number, first_seed + start, min(BUNDLE, seeds - start)


def play_some(task: Task) -> tuple[str, dict[str, int], Failure | None]:
    """Play some seeds of one set-up; stop at the first failure. Rubbish is collected between them."""
    number, first, times = task
    setup, counts = SETUPS[number], Counts()
    gc.disable()
    try:
        for seed in range(first, first + times):
            run(setup, seed, LENGTH, counts)
    except Failure as failure:
        return setup.name, counts.of, failure
    finally:
        gc.enable()
        gc.collect()
    return setup.name, counts.of, None


def processes() -> int:
    """Return how many processes to use."""
    given = os.environ.get("MUTUALIZE_JOBS")
    return max(1, int(given)) if given else os.cpu_count() or 1


def play_many(operations: int, *, first_seed: int = 0) -> Played:
    """Play at least so many operations. Returns at once when a handful of failures were found."""
    played, wanted = Played(), list(tasks(operations, first_seed))
    workers = min(processes(), len(wanted))
    if workers == 1:
        _gather(played, map(play_some, wanted))
        return played
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        _gather(played, pool.imap_unordered(play_some, wanted))
    return played


def _gather(played: Played, found: Iterator[tuple[str, dict[str, int], Failure | None]]) -> None:
    for name, counted, failure in found:
        played.counts.merge(Counts(counted))
        played.by_setup[name] = played.by_setup.get(name, 0) + counted.get("operations", 0)
        if failure is not None:
            played.failures.append(failure)
            if len(played.failures) >= FAILURES_MAX:
                return
