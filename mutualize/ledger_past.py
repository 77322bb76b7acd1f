"""The past of a fork: what another run's ledger holds up to a moment, held against what is written now.

    the run as it was     batch 0   batch 1   batch 2 ┊ other events
                             ‖         ‖         ‖    ┊
    the run that forks    batch 0   batch 1   batch 2 ┊ from the moment on

Its one rule: a shared past is proved, batch by batch and byte by byte, and never taken for granted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, Final

from mutualize.encoding import decode
from mutualize.errors import Exit, MutualizeError
from mutualize.ledger_reader import Walk

_SHOWN: Final = 160
"""How many characters of an event an error shows."""


class Past:
    """The witness of a ledger that is written: what comes before `turn` has to be what `path` holds.

    `file` is the ledger at `path`, opened. While batches are shown, MutualizeError (1) is raised for the
    first event before the moment that is not the same.
    """

    def __init__(self, path: Path, file: BinaryIO, turn: int) -> None:
        self._bodies: Iterator[bytes] = Walk(path, file).bodies()
        self._path, self._turn = path, turn
        self.events = 0
        """How many events are the same, byte for byte."""
        self.batches = 0
        """How many whole batches are."""
        self.parted = False
        """Whether an event was found that is not the same; it is number `events`, then."""

    def __call__(self, lines: bytes) -> None:
        """Compare a batch of event lines, as far as the two have not parted."""
        if self.parted:
            return
        old = next(self._bodies, b"")
        if old == lines:
            self.events += lines.count(b"\n")
            self.batches += 1
            return
        for mine, theirs in zip_longest(lines.split(b"\n")[:-1], old.split(b"\n")[:-1]):
            if mine != theirs:
                self._part(mine, theirs)
                return
            self.events += 1

    def end(self) -> None:
        """Take note that nothing more is written. Raises MutualizeError where more of the past is there."""
        more = b"" if self.parted else next(self._bodies, b"")
        if more:
            self._part(None, more.partition(b"\n")[0])

    def _part(self, mine: bytes | None, theirs: bytes | None) -> None:
        """Note where they part. Raises MutualizeError where that is in the past."""
        self.parted = True
        if not any(line is not None and decode(line).at < self._turn for line in (mine, theirs)):
            return
        has, gives = (_words(line) for line in (theirs, mine))
        problem = (
            f"is not what its scenario gives: they part at event {self.events:,}, before the fork."
            f" The ledger has {has}, the run gives {gives}."
        )
        remedy = "It ends too early, was changed, or was written by other code: run the scenario again."
        raise MutualizeError(str(self._path), problem, remedy, code=Exit.CHECK_FAILED)


def _words(line: bytes | None) -> str:
    """Return a line of a ledger as an error shows it."""
    if line is None:
        return "its end"
    text = line.decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
