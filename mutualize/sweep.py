"""Many runs: points are worked through in batches by several processes, and the answer is always the same.

    points ─▶ batches ─▶ processes (spawned, reused) ─▶ results, in the order of the points

The rule: nothing depends on how many workers there are. A point's seed is SHA-256 over the master seed and
the point's own name, never a stream that a worker goes on with; results are put back in order; a point that
fails is a result too.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ProcessPoolExecutor, wait
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any, Final, Generic, TypeVar

import attrs

from mutualize.ending import Ending
from mutualize.errors import Exit
from mutualize.projections.board import Board
from mutualize.projections.expectations import decimals_of
from mutualize.projections.metrics import Figure, ask
from mutualize.randomness import Stream
from mutualize.report.about import frame_of
from mutualize.report.figures import Data
from mutualize.report.summary import figure
from mutualize.report.text import moment
from mutualize.scenario.build import build
from mutualize.scenario.dump import dump
from mutualize.scenario.limits import LIMITS, Limits
from mutualize.scenario.load import loads
from mutualize.scenario.model import Scenario
from mutualize.units import div_up, format_decimal, mul_div_up, parse_decimal

P = TypeVar("P")
R = TypeVar("R")

SEED_BITS: Final = 63
BATCHES_PER_WORKER: Final = 32
"""Into how many batches each worker's part is cut: few cost little to hand out, many balance better."""
SERIAL_MAX: Final = 3
"""So few points are not worth another process."""


@attrs.frozen
class Failed:
    """A point that raised an error: which one, and what it said."""

    index: int
    problem: str


def derived_seed(seed: int, *names: object) -> int:
    """Return a seed of 63 bits that depends on the master seed and the names alone."""
    text = "/".join(str(name) for name in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - SEED_BITS)


def workers_default() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sweep(
    work: Callable[[P], R],
    points: Sequence[P],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[R | Failed]:
    """Return `work(point)` for every point, in their order; a point that raises gives a `Failed`.

    `work` must be importable by name (it is sent to other processes), and so must points and results be
    picklable. `executor` may be any of concurrent.futures' kind (Dask's `Client.get_executor()` for one).
    `progress` is told how many points are done.
    """
    count = workers_default() if workers is None else workers
    if executor is None and (count <= 1 or len(points) <= SERIAL_MAX):
        return _serial(work, points, progress)
    size = max(1, div_up(len(points), count * BATCHES_PER_WORKER))
    batches = [
        Batch(work, start, tuple(points[start : start + size])) for start in range(0, len(points), size)
    ]
    if executor is not None:
        return _collect(executor, batches, progress)
    others = active_children()
    with ProcessPoolExecutor(count, get_context("spawn"), initializer=_belong_to_parent) as pool:
        try:
            return _collect(pool, batches, progress)
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
    work: Callable[[P], R], points: Sequence[P], progress: Callable[[int], None] | None
) -> list[R | Failed]:
    results: list[R | Failed] = []
    for index, point in enumerate(points):
        results += Batch(work, index, (point,))()
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
    executor: Executor, batches: Sequence[Batch[P, R]], progress: Callable[[int], None] | None
) -> list[R | Failed]:
    futures = {executor.submit(batch): batch for batch in batches}
    found: dict[int, list[R | Failed]] = {}
    pending = set(futures)
    done = 0
    while pending:
        finished, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in finished:
            found[futures[future].start] = future.result()
            done += len(futures[future].points)
        if progress is not None:
            progress(done)
    return [result for start in sorted(found) for result in found[start]]


# --- drawing inputs, and what became of them -------------------------------------------------------------


def drawn(stream: Stream, low: str, high: str) -> str:
    """Draw a numeral evenly between two, in steps of the last digit that either is written with.

    Raises ValueError where one is no plain numeral, or `low` is above `high`.
    """
    places = max(len(text.partition(".")[2]) for text in (low, high))
    value = stream.between(parse_decimal(low, places), parse_decimal(high, places))
    return format_decimal(value, places, places).replace(",", "")


@attrs.frozen
class Band:
    """How many integers spread: nearest-rank quantiles, so each is one that really occurred."""

    count: int
    minimum: int
    p5: int
    median: int
    p95: int
    maximum: int


def band_of(values: Sequence[int]) -> Band | None:
    """Return the band of some integers, or None where there are none."""
    if not values:
        return None
    ordered = sorted(values)

    def rank(percent: int) -> int:
        return ordered[max(0, mul_div_up(len(ordered), percent, 100) - 1)]

    return Band(len(ordered), ordered[0], rank(5), rank(50), rank(95), ordered[-1])


# --- the band of an outcome over uncertain inputs --------------------------------------------------------


@attrs.frozen
class Draw:
    """One run of a band: the scenario's text and folder, the drawn inputs, a seed, and what is measured."""

    text: str
    folder: str
    overrides: tuple[tuple[str, str], ...]
    metric: str
    until: int | None
    limits: Limits = LIMITS


class Silent:
    """A logger that says nothing: what a draw has to say is its figure."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _say_nothing


def _say_nothing(*_: object, **__: object) -> None:
    """Say nothing."""


SILENT: Final[Any] = Silent()


class Discarded:
    """A journal that keeps nothing: for runs of which only a figure is wanted."""

    def append(self, entries: object) -> bool:
        """Take a transaction, and never be full."""
        del entries
        return False

    def close_batch(self) -> None:
        """Close nothing."""

    def seal(self, state: str, status: str = "complete") -> str:
        """Seal nothing; return no digest."""
        del state, status
        return ""


def measure(draw: Draw) -> Figure:
    """Run one draw, and return its figure. Raises MutualizeError where the draw cannot be run."""
    scenario = loads(draw.text, Path(draw.folder), draw.overrides, limits=draw.limits)
    if draw.until is not None:
        scenario = attrs.evolve(scenario, end=draw.until)
    asked = ask(draw.metric)
    board = Board(frame_of(scenario, (asked.account,) if asked.account else ()))
    world = build(scenario, Discarded(), log=SILENT)
    world.protocol.observe(board.take)
    ended = world.run()
    if ended is not Ending.COMPLETE:
        raise RuntimeError(f"the run {ended.value}")
    board.until(world.now)
    return asked.figure(board)


def draws_of(scenario: Scenario) -> list[Draw]:
    """Return the draws of a scenario's band. Each depends on its number and the seed, on nothing else."""
    band = scenario.band
    assert band is not None, "only a scenario with a band has draws"
    text, folder = dump(scenario), str(scenario.folder)
    draws: list[Draw] = []
    for number in range(band.draws):
        seed = derived_seed(scenario.seed, scenario.sha256, number)
        inputs = [(vary.path, drawn(Stream(seed, vary.path), vary.low, vary.high)) for vary in band.vary]
        overrides = (*inputs, ("seed", str(seed)))
        draws.append(Draw(text, folder, overrides, band.metric, band.until, scenario.limits))
    return draws


def band_data(
    scenario: Scenario, *, workers: int | None = None, progress: Callable[[int], None] | None = None
) -> Data:
    """Run a scenario's band and return it as the summary has it: nearest-rank quantiles over all draws."""
    band = scenario.band
    assert band is not None, "only a scenario with a band has one"
    asked, frame = ask(band.metric, "band.metric"), frame_of(scenario)
    results = sweep(measure, draws_of(scenario), workers=workers, progress=progress)
    failed = [result.problem for result in results if isinstance(result, Failed)]
    spread = band_of([result for result in results if isinstance(result, int)])
    names = {"min": "minimum", "p5": "p5", "median": "median", "p95": "p95", "max": "maximum"}
    decimals = decimals_of(asked, frame)
    return {
        "metric": band.metric,
        "unit": asked.unit,
        "asset": asked.asset,
        "draws": len(results),
        "failed": len(failed),
        "none": sum(result is None for result in results),
        "problems": failed[:3],
        "until": None if band.until is None else moment(band.until),
        "vary": [{"path": vary.path, "low": vary.low, "high": vary.high} for vary in band.vary],
        **{
            name: None if spread is None else figure(getattr(spread, field), asked.unit, decimals)
            for name, field in names.items()
        },
    }
