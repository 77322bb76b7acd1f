"""A ledger that is written a second time: what is there is proved, then it goes on from there.

    the run, from its seed     batch 0   batch 1   batch 2   batch 3 …
                                  ‖         ‖         ‖          └─▶ written
    the file as it was         batch 0   batch 1   batch 2   what was torn off

Its one rule: the past is proved, not trusted. Every batch is made anew and compared byte for byte, and the
file is not touched before all that it holds was found to be what the scenario gives.
"""

from __future__ import annotations

import contextlib
import io
import os
from itertools import zip_longest
from pathlib import Path
from typing import Final

import attrs

from mutualize import locked_file
from mutualize.encoding import decode
from mutualize.errors import Exit, MutualizeError
from mutualize.events import RefusalsCounted
from mutualize.ledger import FileLedger, Header
from mutualize.ledger_reader import Condition, commit_after
from mutualize.ledger_repair import BROKEN, walked
from mutualize.locked_file import io_error

INTERRUPTED: Final = ".interrupted"
"""What the name of a copy ends with that is kept until the ledger is sealed again."""
_SHOWN: Final = 160
"""How many characters of an event an error shows."""


class ResumedLedger(FileLedger):
    """A ledger that is there already, to which the same run is written again.

    As long as `is_proving` holds, what is written is compared with what is there, and nothing changes. Where
    the whole batches end, the file is cut, and the run goes on in it:

    - what was torn off stays in a `.broken` copy, as after a repair; so does, with `salvage`, what follows
      the first bad batch of a corrupt ledger, which is refused otherwise;
    - a seal that says 'interrupted' goes, and so does a last batch that was closed early, as it is at an
      interrupt, once all its events were proved; a copy is kept until the new seal is written.

    A ledger that was sealed at its end is proved up to its seal, and stays as it is. The file is locked, as
    that of a new ledger is. Raises MutualizeError for a ledger that is another run's or another version's
    (2), is missing (4), is corrupt (8), is being written or cannot be (74), and, while writing, for a batch
    that is not what the run gives (1).
    """

    def __init__(
        self, path: str | Path, described: Header, *, durable: bool = False, salvage: bool = False
    ) -> None:
        self._salvage = salvage
        self.is_proving = True
        """Whether the run is still at what the file holds already."""
        super().__init__(path, described, durable=durable)

    def _open(self, *, force: bool) -> io.FileIO:
        file = locked_file.lock(self.path, "r+")
        try:
            self._inspect(file)
            if self.durable:  # what is proved is acknowledged, and may not be on the disk yet
                os.fsync(file.fileno())
        except OSError as error:
            file.close()
            raise io_error(self.path, f"cannot be flushed: {error.strerror}.") from error
        except BaseException:
            file.close()
            raise
        return file

    def _inspect(self, file: io.FileIO) -> None:
        """Find out how much of the file is whole. Raises MutualizeError where no run can go on from it."""
        walk = walked(self.path)
        self._found = walk.known_verdict()
        self._sound = walk.sound
        found, ours = self._found.header, self.header
        if self._found.condition is Condition.CORRUPT and not self._salvage:
            remedy = "Look into it; --salvage goes on from its last sound batch."
            problem = f"{self._found.problem} {remedy}"
            raise walk.error(attrs.evolve(self._found, problem=problem))
        if found == ours:
            return
        if found is not None and (found.version, found.rules) != (ours.version, ours.rules):
            problem = (
                f"was written by mutualize {found.version} with the rules {found.rules!r};"
                f" this is {ours.version} with {ours.rules!r}."
            )
            remedy = "Resume it with that version, or run the scenario again."
            raise MutualizeError(str(self.path), problem, remedy)
        self._sound = 0  # not even its header is whole
        if found is not None or not (self._salvage or ours.line().startswith(file.read())):
            problem = "is the ledger of another scenario or seed than the one that stands beside it."
            raise MutualizeError(str(self.path), problem, "Run that scenario into another folder.")

    def require_proved(self, code: Exit) -> None:
        """Refuse to end as interrupted while the file holds more than what was proved.

        Raises MutualizeError with the exit code of the interrupt.
        """
        if self.is_proving:
            problem = "is as it was: the run was interrupted before it came to where the ledger ends."
            raise MutualizeError(str(self.path), problem, code=code)

    # --- writing -----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the file; while it is still being proved, without writing anything."""
        if self.is_proving:
            self._shut()
        else:
            super().close()

    def seal(self, state: str, status: str = "complete") -> str:
        """End the ledger as any other, and take the copy away that was kept until now."""
        digest = super().seal(state, status)
        with contextlib.suppress(OSError):
            self.path.with_name(self.path.name + INTERRUPTED).unlink(missing_ok=True)
        return digest

    def _write(self, data: bytes | bytearray, *, last: bool = False) -> None:
        if self.is_proving:
            try:
                if self._is_there(data, last=last):
                    self._offset += len(data)
                    return
                self._cut_before(data)
            except OSError as error:
                raise self._failure(error, len(data)) from error
        super()._write(data, last=last)

    def _is_there(self, data: bytes | bytearray, *, last: bool) -> bool:
        """Say whether the file holds this already; where not, whether the run may go on here.

        Raises MutualizeError where the file holds something else.
        """
        is_past = self._offset < self._sound
        has_ended = self._found.condition is Condition.SEALED and self._found.status != "interrupted"
        if (is_past or has_ended) and self._read(len(data)) == data:
            return True
        if has_ended or (is_past and (last or not self._is_cut_short(data))):
            raise self._difference(data)
        return False

    def _cut_before(self, data: bytes | bytearray) -> None:
        """Cut the file where the run goes on; the whole old file is kept, if that takes anything away.

        The cut file takes its place with `data` in it already: at no moment does it hold less than before.
        """
        is_torn, is_corrupt = (self._found.condition is each for each in (Condition.TORN, Condition.CORRUPT))
        if not self._sound and is_torn:  # it holds the beginning of the header, and nothing else
            locked_file.write_at(self._file, self.header.line(), 0)
        elif self._file.seek(0, io.SEEK_END) > (end := min(self._offset, self._sound)):
            kept = self.path.with_name(self.path.name + INTERRUPTED)
            if is_torn or is_corrupt:
                kept = locked_file.free_name(self.path, BROKEN)
            more = data if end else self.header.line() + data
            self._file = locked_file.cut(self.path, self._file, end, kept, more)
        self.is_proving = False

    def _is_cut_short(self, data: bytes | bytearray) -> bool:
        """Say whether the file's last batch was closed early, and holds the beginning of this one.

        What was refused until then was counted at its end, in events that come later now.
        """
        end, commit = commit_after(self._file, self._offset)
        if end + len(commit) != self._sound:
            return False
        lines = self._read(end - self._offset).split(b"\n")[:-1]
        while lines and isinstance(decode(lines[-1]).event, RefusalsCounted):
            lines.pop()
        return data.startswith(b"".join(line + b"\n" for line in lines))

    def _read(self, size: int) -> bytes:
        """Return the bytes that the file holds where the run is; fewer where it ends."""
        self._file.seek(self._offset)
        found = bytearray()
        while len(found) < size and (piece := self._file.read(size - len(found))):
            found += piece
        return bytes(found)

    def _difference(self, data: bytes | bytearray) -> MutualizeError:
        """Return the error that names the first event at which file and run part."""
        there = self._read(len(data) + _SHOWN).split(b"\n")
        lines = zip_longest(there, bytes(data).split(b"\n")[:-1], fillvalue=b"")
        seq, old, new = next(
            (seq, *pair) for seq, pair in enumerate(lines, self.durable_seq) if len({*pair}) > 1
        )
        problem = (
            f"is not what its scenario gives: they part at event {seq:,}."
            f" The ledger has {_words(old)}, the run gives {_words(new)}."
        )
        remedy = "It was changed, or written by other code: run the scenario again into another folder."
        return MutualizeError(str(self.path), problem, remedy, code=Exit.CHECK_FAILED)


def _words(line: bytes) -> str:
    """Return a line of a ledger as an error shows it."""
    if not line or line.startswith(b'{"events":'):
        return "its end"
    if line.startswith(b'{"blk":'):
        return "the end of a batch"
    text = line.decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
