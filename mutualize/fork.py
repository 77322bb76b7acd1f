"""Forking a run: its past as it was, proved against its ledger, and other values from a moment on.

    RUN/scenario.toml ─▶ + [fork] at, set ─▶ run ─┬─ before the moment: every event is RUN's, byte for byte
    RUN/ledger.jsonl ────────────────────────────┘  from the moment on: what follows from the other values

What comes out is a run like any other: its scenario says what was changed and when, so that it can be run
again, resumed and verified by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from mutualize.ending import Ending
from mutualize.errors import Exit, MutualizeError
from mutualize.ledger_past import Past
from mutualize.ledger_reader import Condition, open_ledger, verify
from mutualize.report.about import Overrides, overrides_of
from mutualize.report.folder import Folder
from mutualize.run import Progress, Run, header_of
from mutualize.run import run as run_scenario
from mutualize.scenario.document import Document
from mutualize.scenario.known import plain
from mutualize.scenario.limits import BeyondLimitError, Limits, Raised, limits_of
from mutualize.scenario.load import FORK, load, load_document
from mutualize.scenario.model import Scenario
from mutualize.scenario.scalars import format_time, parse_time
from mutualize.scenario.settings import copied, get, meant, resolve


@attrs.frozen
class Forked:
    """A fork that has ended: its run, and what was proved of the past that it shares with the other one."""

    run: Run
    at: int
    """The moment from which it is another run, seconds since 1970-01-01 UTC."""
    events: int
    """How many events are the same, byte for byte: all before the moment, and more up to `first`."""
    batches: int
    """How many whole batches are."""
    first: int | None
    """The first event that is not the same; None where all are, so that the change has changed nothing."""


def fork(
    folder: str | Path,
    *,
    at: int | str,
    set: Overrides,  # noqa: A002 (the word of the command line)
    out: str | Path | None = None,
    force: bool = False,
    limits: Raised = (),
    progress: Progress | None = None,
    log: Any = None,
) -> Forked:
    """Run the scenario of a kept run again, with other values from the moment `at` on.

    `set` is as for `run`; `out` is a folder for the new run, without which it is kept in memory.

    Raises MutualizeError for a folder that holds no run (4), a ledger that is corrupt (8) or of another
    version or scenario (2), for what cannot be different from that moment on (2), and where the past is not
    what the ledger holds (1): nothing of the fork is kept then.
    """
    place = Folder(folder, resumed=True)
    if out is not None and Path(out).resolve() == place.path.resolve():
        raise MutualizeError(str(out), "is the run that is forked.", "Choose another place.", code=Exit.IO)
    allowed = limits_of(limits)
    before = load(place.scenario, limits=allowed)
    _require_own(place.ledger, before)
    moment = _moment(at)
    forked = _forked(before, moment, overrides_of(set), allowed)
    with open_ledger(place.ledger) as file:
        past = Past(place.ledger, file, moment)
        ran = run_scenario(forked, out=out, force=force, progress=progress, log=log, witness=past)
        if ran.ended is Ending.COMPLETE:
            past.end()
    return Forked(ran, moment, past.events, past.batches, past.events if past.parted else None)


def _require_own(ledger: Path, scenario: Scenario) -> None:
    """Refuse a ledger that the scenario beside it cannot be held against."""
    verdict = verify(ledger)
    if verdict.condition is Condition.CORRUPT or verdict.header is None:
        raise MutualizeError(str(ledger), str(verdict), code=verdict.code)
    found, ours = verdict.header, header_of(scenario)
    if (found.version, found.rules) != (ours.version, ours.rules):
        problem = (
            f"was written by mutualize {found.version} with the rules {found.rules!r};"
            f" this is {ours.version} with {ours.rules!r}."
        )
        raise MutualizeError(str(ledger), problem, "Fork it with that version, or run the scenario again.")
    if found != ours:
        problem = "is the ledger of another scenario or seed than the one that stands beside it."
        raise MutualizeError(str(ledger), problem, "Run that scenario into another folder.")
    if scenario.fork is not None:
        problem = f"is a fork itself, from {format_time(scenario.fork.at)} on."
        raise MutualizeError(str(ledger), problem, "Fork the run that it comes from, with all changes.")


def _moment(at: int | str) -> int:
    try:
        return at if isinstance(at, int) else parse_time(at)
    except ValueError as error:
        raise MutualizeError("--at", f"{error}.", "Write it as 2022-11-22T17:20:00Z.") from None


def _meant(scenario: Scenario, path: str, typed: str, limits: Limits) -> Any:
    """Return the value that was typed, as what its path leads to has it."""
    try:
        before = plain(get(scenario.data, resolve(scenario.data, path).path))
        return meant(before, typed, limits)
    except BeyondLimitError as error:
        raise MutualizeError(f"--set {path}", str(error), error.remedy, code=Exit.LIMIT) from None
    except ValueError as error:
        raise MutualizeError(f"--set {path}", f"{error}.") from None


def _forked(scenario: Scenario, at: int, settings: list[tuple[str, str]], limits: Limits) -> Scenario:
    """Return the scenario with a fork. Raises MutualizeError for what cannot be set, or not from then on."""
    if not settings:
        raise MutualizeError("--set", "there is nothing to change.", "Say what by --set PATH=VALUE.")
    values = {path: _meant(scenario, path, typed, limits) for path, typed in settings}
    data = {**copied(scenario.data), FORK: {"at": format_time(at), "set": values}}
    return load_document(Document("--set", data, ""), scenario.folder, limits=limits)
