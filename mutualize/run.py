"""Run: a scenario becomes a world, the world writes a ledger, the ledger becomes a report. The Python API.

    run("three-tiers") ─▶ load ─▶ build ─▶ world.run ─▶ seal ─▶ Run(digest, summary, tiers, entries, at)

Nothing is written outside of `out`, and nothing at all without it. The same scenario, seed and version give
the same bytes, whoever watches.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

import attrs
import structlog

from mutualize import __version__
from mutualize.book import Book, replay
from mutualize.ending import Ending, Interrupts
from mutualize.errors import Exit, InvariantBroken, MutualizeError
from mutualize.events import Entry
from mutualize.invariants import check
from mutualize.ledger import FileLedger, Header, Ledger, MemoryLedger, header
from mutualize.ledger_reader import read, verify
from mutualize.ledger_resume import ResumedLedger
from mutualize.points import columns_of
from mutualize.projections.board import Board
from mutualize.projections.expectations import Expectations, Outcome
from mutualize.projections.metrics import Figure, ask
from mutualize.report.about import Overrides, about, expectations_of, frame_of, overrides_of
from mutualize.report.export.arrow import Exported
from mutualize.report.export.tables import Source, about_of
from mutualize.report.figures import Data
from mutualize.report.folder import Folder
from mutualize.report.html import fragment
from mutualize.report.page import page, sentences
from mutualize.report.plain import plain
from mutualize.report.plots import figure
from mutualize.report.sentences.words import Units
from mutualize.report.state import state_at
from mutualize.report.summary import expectations, summarize
from mutualize.report.text import moment
from mutualize.scenario.build import build
from mutualize.scenario.dump import dump
from mutualize.scenario.limits import Limits, Raised, limits_of
from mutualize.scenario.load import load, loads
from mutualize.scenario.model import Scenario
from mutualize.spread import Told, spread_of
from mutualize.spread_file import spread_beside, spread_for
from mutualize.stretch import Stretch
from mutualize.tier_rule import TierRule
from mutualize.ties import ORDERS, ties_data

RULES: Final = "mutualize-rules/1"
"""The version of the rules: another one wherever the same scenario gives another ledger."""

SHOWN_MAX: Final = 20_000
"""A notebook, which keeps all that it shows, is given the page of a run of at most so many events."""

Progress: TypeAlias = Callable[[int], None]
Witness: TypeAlias = Callable[[bytes], None]


@attrs.define(eq=False, repr=False)
class Run(Exported):
    """A run that has ended: its ledger, and what it says.

    `summary` is the dictionary of docs/summary.md; `book` the state at the end; `board` all projections;
    `outcomes` the expectations, met or missed by this run alone; `ended` how it ended.
    """

    scenario: Scenario
    ledger: Ledger
    ended: Ending
    digest: str
    """The run's identity, 64 hex digits: two runs are equal if and only if their digests are."""
    book: Book
    board: Board
    outcomes: tuple[Outcome, ...]
    summary: Data
    folder: Folder | None = None

    @property
    def tiers(self) -> list[Data]:
        """All tiers of all shortfalls: venue, asset, and what each had, paid and has left."""
        return [
            {"venue": short["venue"], "asset": short["asset"], **tier}
            for short in self.summary["waterfalls"]
            for tier in short["tiers"]
        ]

    @property
    def missed(self) -> list[str]:
        """The ids of the expectations that were missed, by this run or by the median over seeds."""
        return [row["id"] for row in self.summary["expectations"]["results"] if row["met"] is False]

    def entries(self) -> Iterator[Entry]:
        """Return all entries of the ledger, from the first on. Raises MutualizeError where none were kept."""
        if isinstance(self.ledger, MemoryLedger):
            return iter(self.ledger.entries)
        if isinstance(self.ledger, FileLedger):
            return read(self.ledger.path)
        raise MutualizeError("", "the ledger of this run was not kept.", "Run it with `out`, or into memory.")

    def table_source(self) -> Source:
        """Return what tables of this run are made of. Raises MutualizeError where no ledger was kept."""
        about = about_of(self.ledger.header, "sealed", self.digest, self.ledger.durable_seq)
        self.entries()
        frame = self.board.frame
        return Source(self.entries, Units(frame.decimals, frame.currency, frame.money), about)

    def at(self, *, time: int | str | None = None, seq: int | None = None) -> Book:
        """Return the state at a moment (all that happened up to and at it), or after entry `seq`."""
        return state_at(self.entries(), time=time, seq=seq)

    def figure(self, metric: str) -> Figure:
        """Return a named metric at the end, an integer in its own unit. Raises MutualizeError."""
        return ask(metric).figure(self.board)

    def over_seeds(
        self, seeds: int, draws: int = 0, *, workers: int | None = None, told: Told | None = None
    ) -> Data | None:
        """Run this variant again with the seeds 1 … `seeds`, and with drawn sets of the inputs of `[spread]`.

        Notes in the summary how its outcomes spread, judges by it what is expected over seeds, and returns
        it; the result is the same for any number of `workers`. Returns what was known before for a run that
        did not get to its end.
        """
        if self.ended is Ending.COMPLETE:
            data = spread_of(
                self.scenario, seeds=seeds, draws=draws, variants=False, workers=workers, told=told
            )
            spread = spread_for(self.scenario, data)
            expected = expectations(self.summary["expectations"]["results"], spread, self.summary)
            self.summary |= {"spread": spread, "expectations": expected}
            if self.folder is not None:
                self.folder.write_summary(self.summary)
        found: Data | None = self.summary["spread"]
        return found

    def shuffle_ties(
        self, orders: int = ORDERS, *, workers: int | None = None, progress: Progress | None = None
    ) -> Data | None:
        """Run the scenario again in `orders` drawn orders of those who act in one instant and phase.

        Notes in the summary whether anything depends on it, and returns that; the result is the same for any
        number of `workers`. Returns None for a run that did not get to its end.
        """
        if self.ended is Ending.COMPLETE:
            self.summary["ties"] = ties_data(self.scenario, orders, workers=workers, progress=progress)
            if self.folder is not None:
                self.folder.write_summary(self.summary)
        ties: Data | None = self.summary["ties"]
        return ties

    def keep(self, folder: Folder) -> None:
        """Write the summary into the folder of this run. Raises MutualizeError (74)."""
        self.folder = folder
        folder.write_summary(self.summary)

    def report(self) -> str:
        """Return the whole report as plain text."""
        return plain(page(self.summary))

    def write_report(
        self, path: str | Path, *, force: bool = False, alternatives: Sequence[Run | Data] = ()
    ) -> int:
        """Write the run as one page that a browser opens by itself; return its size in bytes.

        The ledger is read again first, and must give the state that the run had. `alternatives` are runs of
        the same scenario with other values (or their summaries), shown beside it. Raises MutualizeError where
        no entries were kept, the file cannot be written or an alternative is none, and InvariantBroken where
        the ledger gives another state.
        """
        from mutualize.report.web.page import write_page  # noqa: PLC0415 - who writes no page waits for none
        from mutualize.report.web.source import Source, source_of  # noqa: PLC0415 - as above

        beside = [other.summary if isinstance(other, Run) else other for other in alternatives]
        if self.folder is not None:
            return write_page(source_of(self.folder.path), path, force=force, alternatives=beside)
        if replay(self.entries()) != self.book:
            raise InvariantBroken("replay-equals-book", "the ledger folds to another state than the run had")
        return write_page(Source(self.summary, self.entries), path, force=force, alternatives=beside)

    def plot(self) -> Any:
        """Return a figure of matplotlib's, for a paper. Raises MutualizeError (4) where that is missing."""
        return figure(self.summary)

    def __repr__(self) -> str:
        variant = f" variant {self.scenario.variant}" if self.scenario.variant else ""
        answer = " ".join(sentences(self.summary))
        return f"<Run {self.scenario.name}{variant}, {self.ended.value}, {self.digest[:12]}: {answer}>"

    def _repr_html_(self) -> str:
        tables = fragment(page(self.summary))
        if not isinstance(self.ledger, MemoryLedger) or len(self.ledger.entries) > SHOWN_MAX:
            return tables
        from mutualize.report.web.page import framed  # noqa: PLC0415 - as in `write_report`
        from mutualize.report.web.source import Source  # noqa: PLC0415 - as above

        return framed(Source(self.summary, self.entries)) + tables


def run(
    scenario: Scenario | str | Path,
    *,
    seed: int | None = None,
    set: Overrides = (),  # noqa: A002 (the word of the command line)
    variant: str | None = None,
    out: str | Path | None = None,
    ledger: str | Path = "memory",
    force: bool = False,
    check_replay: bool = False,
    durable: bool = False,
    limits: Raised = (),
    progress: Progress | None = None,
    log: Any = None,
    witness: Witness | None = None,
) -> Run:
    """Run a scenario (a shipped one's name, a folder, a `.toml` file, or one that was loaded) to its end.

    seed, set     other values: `set` maps dotted paths to values, or lists 'path=value'
    variant       which variant to apply first
    out           a folder for ledger, summary and scenario; without it nothing is written
    ledger        'memory', 'none' (its digest is all that is kept), or a file to stream it to
    check_replay  fold the ledger again at the end, and compare with the state
    durable       flush every batch of a ledger on file to the disk before it counts, against a power cut
    limits        how large it may be, by name: {'members': 5_000_000}
    progress      told the simulated time now and then
    witness       shown the event lines of each batch before it is written; what it raises ends the run

    Raises MutualizeError for a mistake in the scenario or a file that cannot be written, InvariantBroken
    where a law does not hold. An interrupted run is sealed as such and returned.
    """
    chosen = _chosen(scenario, seed, set, variant, limits_of(limits))
    columns_of(chosen)  # what is no metric is told before the run, not after it
    folder = None if out is None else Folder(out, force=force)
    try:
        with (
            Interrupts() as interrupts,
            _opened(chosen, ledger if folder is None else folder.ledger, force, durable) as opened,
        ):
            opened.witness = witness
            if folder is not None:
                folder.write_scenario(chosen)
            ran = _play(chosen, opened, interrupts, progress, log)
            if folder is not None:
                ran.keep(folder)
    except MutualizeError as error:
        if folder is not None and error.code is not Exit.IO:
            folder.discard()
        raise
    if check_replay and replay(ran.entries()) != ran.book:
        raise InvariantBroken("replay-equals-book", "the ledger folds to another state than the run had")
    if interrupts.first is not ran.ended:
        interrupts.pass_on()
    return ran


def resume(
    folder: str | Path,
    *,
    durable: bool = False,
    salvage: bool = False,
    limits: Raised = (),
    progress: Progress | None = None,
    log: Any = None,
) -> Run | None:
    """Go on with a run that died or was interrupted, from the folder that it left (or the ledger in it).

    The scenario runs again from its seed; what the ledger holds is compared batch by batch, and from its
    last whole batch on it is written. It ends with the digest and the bytes of a run that was never
    interrupted. Returns None, and does nothing, where the run has ended already and is summarized.

    durable, limits, progress   as for `run`
    salvage                     go on also from the last sound batch of a corrupt ledger

    Raises MutualizeError as `ledger_resume.ResumedLedger` does; where it is interrupted before it got to
    the point from which the run goes on, that is an error too (130, 143), and the ledger is as it was.
    """
    place = Folder(folder, resumed=True)
    if place.summarized and place.summarized == _ended(place.ledger):
        return None
    chosen = load(place.scenario, limits=limits_of(limits))
    described = header_of(chosen)
    with (
        Interrupts() as interrupts,
        ResumedLedger(place.ledger, described, durable=durable, salvage=salvage) as opened,
    ):
        ran = _play(chosen, opened, interrupts, progress, log)
        ran.keep(place)
    if interrupts.first is not ran.ended:
        interrupts.pass_on()
    return ran


def _ended(ledger: Path) -> str:
    """Return the digest of a ledger that was sealed at the end of its run, and an empty text for others."""
    verdict = verify(ledger)
    return verdict.root if verdict.status in ("complete", "failed") else ""


def _chosen(
    scenario: Scenario | str | Path, seed: int | None, given: Overrides, variant: str | None, limits: Limits
) -> Scenario:
    """Return the scenario to run, loaded with all other values applied."""
    overrides = overrides_of(given)
    if seed is not None:
        overrides.append(("seed", str(seed)))
    if not isinstance(scenario, Scenario):
        return load(scenario, overrides, variant, limits=limits)
    if not overrides and variant is None:
        return scenario
    return loads(dump(scenario), scenario.folder, overrides, variant, limits=scenario.limits)


def header_of(scenario: Scenario) -> Header:
    """Return what the ledger of a scenario's run says of itself."""
    return header(scenario.sha256, scenario.seed, __version__, RULES)


def _opened(
    scenario: Scenario, ledger: str | Path, force: bool, durable: bool
) -> AbstractContextManager[Ledger]:
    """Return the ledger to write, in a `with` block that closes its file."""
    described = header_of(scenario)
    if ledger == "memory":
        return nullcontext(MemoryLedger(described))
    if ledger == "none":
        return nullcontext(UnkeptLedger(described))
    return FileLedger(ledger, described, force=force, durable=durable)


def _play(
    scenario: Scenario, ledger: Ledger, interrupts: Interrupts, progress: Progress | None, log: Any
) -> Run:
    """Build the world, let it run, seal the ledger, and read off what it says."""
    expectations = Expectations(expectations_of(scenario), frame_of(scenario))
    board = Board(frame_of(scenario, expectations.accounts))
    expectations.attach(board)
    lawful = Lawful(ledger)
    world = build(scenario, lawful, log=quiet_log() if log is None else log)
    lawful.book = world.book
    rule = TierRule()
    world.protocol.observe(rule, *TierRule.kinds, summary=rule.observe_stretch)
    world.protocol.observe(board.take)
    ended = world.run(progress, interrupts)
    if interrupts.first is ended and isinstance(ledger, ResumedLedger):
        ledger.require_proved(ended.code)
    digest = world.protocol.seal(world.now, ended.status)
    board.until(world.now)
    outcomes = tuple(expectations.outcomes(board))
    facts = {
        "digest": digest,
        "state": world.book.digest(),
        "events": ledger.durable_seq,
        "ended": ended.value,
        "at": moment(world.now),
        "version": __version__,
        "rules": RULES,
    }
    summary = summarize(about(scenario), facts, board, world.book, outcomes, spread_beside(scenario))
    return Run(
        scenario=scenario,
        ledger=ledger,
        ended=ended,
        digest=digest,
        book=world.book,
        board=board,
        outcomes=outcomes,
        summary=summary,
    )


class UnkeptLedger(Ledger):
    """A ledger of which nothing but the digest is kept, whatever its length."""

    def _write(self, data: bytes | bytearray, *, last: bool = False) -> None:
        """Let go of what was hashed."""


class Lawful:
    """A ledger that acknowledges no batch after which a law does not hold. Raises InvariantBroken."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.book = Book()

    def append(self, entries: Sequence[Entry]) -> bool:
        """Take one whole transaction."""
        return self._ledger.append(entries)

    @property
    def room(self) -> int:
        """How many more entries fill the open batch."""
        return self._ledger.room

    def append_stretch(self, stretch: Stretch) -> bool:
        """Take many whole transactions."""
        return self._ledger.append_stretch(stretch)

    def close_batch(self) -> None:
        """Check the laws that cost little, then close the batch."""
        check(self.book)
        self._ledger.close_batch()

    def seal(self, state: str, status: str = "complete") -> str:
        """Check all laws, also those that visit every holder, then end the ledger."""
        check(self.book, deep=True)
        return self._ledger.seal(state, status)


WARNING: Final = 30
"""The level of a warning, as all of Python counts; older structlog takes no name for it."""


def quiet_log() -> Any:
    """Return a logger for the operator on stderr, from warnings on; structlog's own where one is set up."""
    if structlog.is_configured():
        return structlog.get_logger()
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(WARNING),
    )


class _Callable(ModuleType):
    """This module, which can be called: `mutualize.run(…)` is the function, whoever imported what first."""

    def __call__(self, *args: Any, **options: Any) -> Run:
        return run(*args, **options)


sys.modules[__name__].__class__ = _Callable
