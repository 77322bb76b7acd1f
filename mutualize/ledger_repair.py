"""Repairing a ledger file: what was torn off is set aside, and what is whole stands alone again.

Its one rule: nothing is lost. The file as it was stays beside the repaired one, under another name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import attrs

from mutualize import locked_file
from mutualize.ledger_reader import Condition, Verdict, Walk, open_ledger
from mutualize.locked_file import io_error

BROKEN: Final = ".broken"
"""What the name of the file as it was ends with."""


@attrs.frozen(kw_only=True)
class Repair:
    """What a repair found and did."""

    verdict: Verdict
    """What the file was before."""
    kept: Path | None = None
    """Where the file as it was lies now; None where nothing was to do."""


def repair(path: str | Path) -> Repair:
    """Cut a torn ledger behind its last whole batch, and keep the file as it was as `.broken`.

    Does nothing to a sealed or unsealed one. Raises MutualizeError for a corrupt ledger (8: nothing can tell
    why its bytes changed, see `salvage`), one that is cut inside its header (6), one that is missing (4), is
    being written, or cannot be rewritten (74); the file is as it was then.
    """
    place = Path(path)
    with locked_file.lock(place) as file:
        walk = walked(place)
        verdict = walk.known_verdict()
        if verdict.condition is Condition.CORRUPT:
            remedy = "--salvage FILE writes what can be read into another file."
            raise walk.error(attrs.evolve(verdict, problem=f"{verdict.problem} It was left alone. {remedy}"))
        if verdict.condition is not Condition.TORN:
            return Repair(verdict=verdict)
        walk.known_header()
        kept = locked_file.free_name(place, BROKEN)
        try:
            locked_file.cut(place, file, walk.sound, kept).close()
        except OSError as error:
            raise io_error(place, f"cannot be repaired: {error.strerror}.", "It is as it was.") from error
    return Repair(verdict=verdict, kept=kept)


def salvage(path: str | Path, target: str | Path) -> Verdict:
    """Write all whole batches of a torn or corrupt ledger into a new file; return what was found.

    A sealed or unsealed ledger is whole, and nothing is written. Raises MutualizeError where not even the
    header can be read (6, 8), where the ledger is missing (4) or being written, and where the new file exists
    already or cannot be written (74).
    """
    place, new = Path(path), Path(target)
    with locked_file.lock(place) as file:
        walk = walked(place)
        verdict = walk.known_verdict()
        if verdict.condition in (Condition.SEALED, Condition.UNSEALED):
            return verdict
        walk.known_header()
        copy = locked_file.create(new, b"", force=False, durable=True)
        try:
            locked_file.copy_start(file, copy, walk.sound)
            os.fsync(copy.fileno())
        except OSError as error:
            new.unlink(missing_ok=True)
            raise io_error(new, f"cannot be written ({walk.sound:,} bytes): {error.strerror}.") from error
        finally:
            copy.close()
    return verdict


def walked(path: Path) -> Walk:
    """Return a walk that has been through a whole ledger. Raises MutualizeError as `verify` does."""
    with open_ledger(path) as file:
        walk = Walk(path, file)
        for _ in walk.bodies(keep=False):
            pass
        return walk
