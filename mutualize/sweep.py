"""Many runs: points are worked through in batches by several processes, and the answer is always the same.

    points ─▶ batches ─▶ processes (spawned, reused) ─▶ results, in the order of the points

The rule: nothing depends on how many workers there are. What a point draws depends on the point alone, never
on a stream that a worker goes on with; results are put back in order; a point that fails is a result too.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ProcessPoolExecutor, wait
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Final, Generic, TypeAlias, TypeVar

import attrs

from mutualize.errors import Exit
from mutualize.randomness import Stream
from mutualize.units import div_up, format_decimal, mul_div_up, parse_decimal

P = TypeVar("P")
R = TypeVar("R")

BATCHES_PER_WORKER: Final = 32
"""Into how many batches each worker's part is cut: few cost little to hand out, many balance better."""
SERIAL_MAX: Final = 3
"""So few points are not worth another process."""


@attrs.frozen
class Failed:
    """A point that raised an error: which one, and what it said."""

    index: int
    problem: str


Progress: TypeAlias = Callable[[int], None]
"""Is told how many points are done."""


def workers_default() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sweep(
    work: Callable[[P], R],
    points: Sequence[P],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    keep: Callable[[int, R | Failed], None] | None = None,
) -> list[R | Failed]:
    """Return `work(point)` for every point, in their order; a point that raises gives a `Failed`.

    `work` must be importable by name (it is sent to other processes), and so must points and results be
    picklable. `executor` may be any of concurrent.futures' kind (Dask's `Client.get_executor()` for one).
    `progress` is told how many points are done; `keep` gets each result with its index as soon as it is
    there, in whatever order they come.
    """
    count = workers_default() if workers is None else workers
    if executor is None and (count <= 1 or len(points) <= SERIAL_MAX):
        return _serial(work, points, progress, keep)
    size = max(1, div_up(len(points), count * BATCHES_PER_WORKER))
    batches = [
        Batch(work, start, tuple(points[start : start + size])) for start in range(0, len(points), size)
    ]
    if executor is not None:
        return _collect(executor, batches, progress, keep)
    others = active_children()
    with ProcessPoolExecutor(count, get_context("spawn"), initializer=_belong_to_parent) as pool:
        try:
            return _collect(pool, batches, progress, keep)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                if worker not in others:
                    worker.kill()  # a draw that is running answers a gentler signal by going on
            raise


def _belong_to_parent() -> None:
    """Leave Ctrl-C to the process that asked for the work, and end when that does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        Thread(target=_outlive_nobody, args=(parent,), daemon=True).start()


def _outlive_nobody(parent: BaseProcess) -> None:
    parent.join()
    os._exit(Exit.INTERRUPTED)


def _serial(
    work: Callable[[P], R],
    points: Sequence[P],
    progress: Progress | None,
    keep: Callable[[int, R | Failed], None] | None,
) -> list[R | Failed]:
    results: list[R | Failed] = []
    for index, point in enumerate(points):
        results += Batch(work, index, (point,))()
        if keep is not None:
            keep(index, results[-1])
        if progress is not None:
            progress(index + 1)
    return results


@attrs.frozen
class Batch(Generic[P, R]):
    """Some neighbouring points, to be worked through in one go."""

    work: Callable[[P], R]
    start: int
    points: tuple[P, ...]

    def __call__(self) -> list[R | Failed]:
        """Work through the points."""
        results: list[R | Failed] = []
        for index, point in enumerate(self.points, self.start):
            try:
                results.append(self.work(point))
            except Exception as error:  # noqa: BLE001 (a failed point is a result, whatever it failed of)
                results.append(Failed(index, f"{type(error).__name__}: {error}"))
        return results


def _collect(
    executor: Executor,
    batches: Sequence[Batch[P, R]],
    progress: Progress | None,
    keep: Callable[[int, R | Failed], None] | None,
) -> list[R | Failed]:
    futures = {executor.submit(batch): batch for batch in batches}
    found: dict[int, list[R | Failed]] = {}
    pending = set(futures)
    done = 0
    while pending:
        finished, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in finished:
            start = futures[future].start
            found[start] = future.result()
            done += len(found[start])
            if keep is not None:
                for index, result in enumerate(found[start], start):
                    keep(index, result)
        if progress is not None:
            progress(done)
    return [result for start in sorted(found) for result in found[start]]


# --- drawing inputs, and how figures spread --------------------------------------------------------------


def drawn(stream: Stream, low: str, high: str) -> str:
    """Draw a numeral evenly between two, in steps of the last digit that either is written with.

    Raises ValueError where one is no plain numeral, or `low` is above `high`.
    """
    places = max(len(text.partition(".")[2]) for text in (low, high))
    value = stream.between(parse_decimal(low, places), parse_decimal(high, places))
    return format_decimal(value, places, places).replace(",", "")


@attrs.frozen
class Range:
    """How integers spread: nearest-rank quantiles, so each is one that really occurred."""

    count: int
    minimum: int
    p5: int
    median: int
    p95: int
    maximum: int


def range_of(values: Sequence[int]) -> Range | None:
    """Return the range of some integers, or None where there are none."""
    if not values:
        return None
    ordered = sorted(values)

    def rank(percent: int) -> int:
        return ordered[max(0, mul_div_up(len(ordered), percent, 100) - 1)]

    return Range(len(ordered), ordered[0], rank(5), rank(50), rank(95), ordered[-1])
