"""What a page is made from: a sealed ledger that was checked to the last line, and its summary. No more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

import attrs

from mutualize.errors import Exit, MutualizeError
from mutualize.events import Entry
from mutualize.invariants import check as check_laws
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import Condition, read
from mutualize.report.figures import Data
from mutualize.report.folder import LEDGER, SUMMARY
from mutualize.report.summary import SCHEMA

_REMEDY: Final = {
    Condition.TORN: "Go on with it by `mutualize resume`, or cut it by `mutualize repair`.",
    Condition.UNSEALED: "Its run has not ended: go on with it by `mutualize resume`.",
    Condition.CORRUPT: "Run the scenario again; `mutualize repair --salvage` saves what is sound.",
}
_NEEDED: Final = ("assets", "expectations", "gains", "inputs", "ledger", "scenario", "terms", "waterfalls")
"""Keys without which a summary tells too little; the youngest are `assets` and `terms`."""
_AGAIN: Final = "Run the scenario again with this version."


@attrs.frozen
class Source:
    """A run: what its summary says, and its entries, which can be read as often as one likes."""

    summary: Data
    entries: Callable[[], Iterable[Entry]]


def source_of(run: str | Path) -> Source:
    """Return what a page of a run is made from; `run` is its folder, or the ledger in it.

    Raises MutualizeError for what is missing (4), unreadable (74), torn, unsealed or corrupt (6, 7, 8), from
    another version, or two files that are not of the same run (2); InvariantBroken where a law does not hold.
    """
    ledger = Path(run) / LEDGER if Path(run).is_dir() else Path(run)
    verdict = verify_deep(ledger, check_laws, partial(check_laws, deep=True))
    if verdict.condition is not Condition.SEALED:
        raise MutualizeError(str(ledger), str(verdict), _REMEDY[verdict.condition], code=verdict.code)
    beside = ledger.parent / SUMMARY
    summary = known(beside, _summary_at(beside))
    if summary["ledger"]["digest"] != verdict.root:
        raise MutualizeError(str(beside), "is the summary of another run than the ledger beside it.", _AGAIN)
    return Source(summary, partial(read, ledger))


def known(place: Path, summary: object) -> Data:
    """Return a summary that this version can tell of. Raises MutualizeError for any other."""
    if not isinstance(summary, dict) or summary.get("schema") != SCHEMA:
        found = str(summary.get("schema"))[:40] if isinstance(summary, dict) else "no object"
        raise MutualizeError(str(place), f"is {found!r}; this version reads {SCHEMA!r}.", _AGAIN)
    missing = [key for key in _NEEDED if key not in summary]
    if missing or not isinstance(summary["ledger"], dict) or "digest" not in summary["ledger"]:
        told = ", ".join(missing) or "ledger.digest"
        raise MutualizeError(str(place), f"does not tell {told}: another version wrote it.", _AGAIN)
    return summary


def _summary_at(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        remedy = "It is written when a run has ended: run it again, or go on by `mutualize resume`."
        raise MutualizeError(str(path), "does not exist.", remedy, code=Exit.MISSING) from error
    except OSError as error:
        raise MutualizeError(str(path), f"cannot be read: {error.strerror}.", code=Exit.IO) from error
    except (ValueError, RecursionError) as error:
        raise MutualizeError(str(path), "is no JSON.", _AGAIN) from error
