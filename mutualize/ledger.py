"""The ledger: what happened, append-only, in batches that a hash chain ties together.

    header    {"format":"mutualize-ledger/1", …}
    batch 0   event lines … commit line {"blk":0,"h":h₀,"len":bytes,"n":events}   h₀ = SHA256(header ‖ body₀)
    batch i   event lines … commit line {"blk":i,"h":hᵢ, …}                       hᵢ = SHA256(hᵢ₋₁ ‖ bodyᵢ)
    seal      {"events":…,"root":h,"seal":batches,"state":…,"status":…,"sum":…}

Its one rule: what was acknowledged is written, and never changes. docs/ledger-format.md describes the
bytes; `ledger_reader` reads and verifies them.
"""

from __future__ import annotations

import hashlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs

from mutualize import locked_file
from mutualize.encoding import canonical, encode_all
from mutualize.errors import MutualizeError
from mutualize.events import Entry
from mutualize.locked_file import io_error
from mutualize.stretch import Stretch

FORMAT = "mutualize-ledger/1"
BATCH_EVENTS = 1_000
"""A batch that holds so many events is closed at the end of the transaction that filled it."""
STATUSES = ("complete", "interrupted", "failed")
"""How a run can have ended: at its end, by a signal, or by an error in an agent's own code."""


@attrs.frozen(kw_only=True)
class Header:
    """What a ledger is a ledger of. Nothing of the machine, the clock or the path is in it."""

    scenario_sha256: str
    seed: int
    version: str
    rules: str
    format: str = FORMAT

    def line(self) -> bytes:
        """Return the first line of the file."""
        return canonical({**attrs.asdict(self), "seed": int.__repr__(self.seed)})


def header(scenario_sha256: str, seed: int, version: str, rules: str) -> Header:
    """Describe a run: digest of its scenario, its seed, the version of mutualize and of the rules."""
    return Header(scenario_sha256=scenario_sha256, seed=seed, version=version, rules=rules)


class HashChain:
    """Where the chain stands: the closed batches, and the bytes fed since. Writers and readers share it."""

    __slots__ = ("_hash", "_last", "_length", "_lines", "batches", "events")

    def __init__(self, first_line: bytes) -> None:
        self._hash = hashlib.sha256(first_line)
        self._last = self._hash.digest()
        self._length = 0
        self._lines = 0
        self.batches = 0
        """How many batches are closed."""
        self.events = 0
        """How many events the closed batches hold."""

    @property
    def root(self) -> str:
        """The last batch's h in hex; while there is no batch, the SHA-256 of the header line."""
        return self._last.hex()

    @property
    def length(self) -> int:
        """How many bytes the open batch holds."""
        return self._length

    def copy(self) -> HashChain:
        """Return an independent chain that stands where this one does."""
        other = object.__new__(HashChain)
        other._hash, other._last = self._hash.copy(), self._last
        other._length, other._lines = self._length, self._lines
        other.batches, other.events = self.batches, self.events
        return other

    def feed(self, piece: bytes | bytearray, lines: int | None = None) -> None:
        """Take bytes of the open batch: event lines, or parts of them. `lines` are counted unless told."""
        self._hash.update(piece)
        self._length += len(piece)
        self._lines += piece.count(b"\n") if lines is None else lines

    def commit_line(self) -> bytes:
        """Return the line that closes the open batch, without closing it."""
        fields = {"blk": self.batches, "h": self._hash.hexdigest(), "len": self._length, "n": self._lines}
        return canonical(fields)

    def close(self) -> None:
        """Close the open batch and open the next."""
        self._last = self._hash.digest()
        self._hash = hashlib.sha256(self._last)
        self.batches += 1
        self.events += self._lines
        self._length = self._lines = 0

    def seal_line(self, state: str, status: str) -> bytes:
        """Return the line that ends the ledger. `sum` is the SHA-256 of the line's bytes before it."""
        seal = {"events": self.events, "root": self.root, "seal": self.batches}
        start = canonical({**seal, "state": state, "status": status})[: -len(b"}\n")]
        return start + b',"sum":"%s"}\n' % hashlib.sha256(start).hexdigest().encode()


class Ledger(ABC):
    """What all writers share. Use `FileLedger` or `MemoryLedger`; both give the same bytes."""

    def __init__(self, described: Header) -> None:
        self.header = described
        self.durable_seq = 0
        """How many entries are acknowledged: every entry below this seq is written and stays readable."""
        self._chain = HashChain(described.line())
        self._batch = bytearray()
        self._next = 0
        self._sealed = False
        self.witness: Callable[[bytes], None] | None = None
        """Is shown the event lines of each batch before it is written; what it raises stops the writing."""

    @property
    def digest(self) -> str:
        """The run's identity, 64 hex digits: the root of the chain. Raises ValueError before the seal."""
        if not self._sealed:
            raise ValueError("a ledger has no digest before it is sealed")
        return self._chain.root

    def append(self, entries: Sequence[Entry]) -> bool:
        """Take one whole transaction into the open batch; it is acknowledged when the batch is closed.

        Returns whether the batch is full (BATCH_EVENTS), so that it should be closed now. Raises ValueError,
        and takes nothing, where an entry cannot be encoded or does not follow the one before it, or where
        the ledger is sealed.
        """
        if self._sealed:
            raise ValueError("the ledger is sealed")
        for seq, entry in enumerate(entries, self._next):
            if entry.seq != seq:
                raise ValueError(f"entry {entry.seq} does not follow entry {seq - 1}")
        self._batch += encode_all(entries)
        self._next += len(entries)
        return self.room <= 0

    @property
    def room(self) -> int:
        """How many more entries fill the open batch."""
        return BATCH_EVENTS - (self._next - self.durable_seq)

    def append_stretch(self, stretch: Stretch) -> bool:
        """Take a stretch into the open batch, as `append` would each of its transactions.

        No transaction of it but the last may fill the batch (`room`).
        """
        if self._sealed or stretch.seq != self._next:
            raise ValueError(f"entry {stretch.seq} does not follow entry {self._next - 1}")
        for lines in stretch.lines():
            self._batch += lines
        self._next += stretch.count
        return self.room <= 0

    def close_batch(self) -> None:
        """Write the open batch and its commit line; what it holds is acknowledged. Nothing if it is empty."""
        if not self._batch:
            return
        if self.witness is not None:
            self.witness(bytes(self._batch))
        chain = self._chain.copy()  # so that a failing write leaves this ledger where the file is
        chain.feed(self._batch, self._next - self.durable_seq)
        self._write(self._batch + chain.commit_line())
        chain.close()
        self._chain = chain
        self._batch = bytearray()
        self.durable_seq = self._next

    def seal(self, state: str, status: str = "complete") -> str:
        """Close the open batch and end the ledger; return its digest.

        `state` is the digest of the final balances (`Book.digest`), `status` one of STATUSES. Raises
        ValueError for another status, or where the ledger is sealed already.
        """
        if status not in STATUSES or self._sealed:
            raise ValueError(f"a ledger is sealed once, as one of {', '.join(STATUSES)}")
        self.close_batch()
        self._write(self._chain.seal_line(state, status), last=True)
        self._sealed = True
        return self.digest

    @abstractmethod
    def _write(self, data: bytes | bytearray, *, last: bool = False) -> None:
        """Write bytes behind those that were written before, all of them or raise. The seal comes `last`."""


class MemoryLedger(Ledger):
    """A ledger that is kept in memory, with its entries: for tests, notebooks and teaching."""

    def __init__(self, described: Header) -> None:
        super().__init__(described)
        self.entries: list[Entry] = []
        """All entries, acknowledged or not, as they were given."""
        self._data = bytearray(described.line())

    @property
    def data(self) -> bytes:
        """The bytes that a file would hold."""
        return bytes(self._data)

    def append(self, entries: Sequence[Entry]) -> bool:
        """Take one whole transaction into the open batch, and keep its entries."""
        is_full = super().append(entries)
        self.entries += entries
        return is_full

    def append_stretch(self, stretch: Stretch) -> bool:
        """Take a stretch into the open batch, and keep its entries."""
        is_full = super().append_stretch(stretch)
        self.entries += stretch.entries()
        return is_full

    def _write(self, data: bytes | bytearray, *, last: bool = False) -> None:
        self._data += data


class FileLedger(Ledger):
    """A ledger that is streamed to a new file, unbuffered, one write a batch. Holds one batch in memory.

    The file is created at once, with its header, and locked until the seal. An existing file is refused;
    with `force` the new one takes its place at once (the old one is gone then, also if the run fails), but
    never that of a ledger which another run is still writing. Acknowledged means handed to the operating
    system: it survives any death of the process; the seal is also flushed to the disk. With `durable` every
    batch is flushed to the disk before it is acknowledged: it survives a power cut as well.

    Every failure of the file raises MutualizeError with exit code 74. Nothing is written after one, and
    nothing is tried again: what was acknowledged before stays readable. Use it in a `with` block, which
    closes the open batch when the run ends without a seal.
    """

    def __init__(
        self, path: str | Path, described: Header, *, force: bool = False, durable: bool = False
    ) -> None:
        super().__init__(described)
        self.path = Path(path)
        self.durable = durable
        self._failed = False
        self._offset = len(described.line())
        self._file = self._open(force=force)

    def _open(self, *, force: bool) -> io.FileIO:
        """Return the file to write to, locked, `_offset` bytes long."""
        return locked_file.create(self.path, self.header.line(), force=force, durable=self.durable)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the open batch and the file. Without a seal before it, the ledger stays unsealed."""
        if self._file.closed:
            return
        try:
            if not self._failed:
                self.close_batch()
        finally:
            self._shut()

    def seal(self, state: str, status: str = "complete") -> str:
        """End the ledger, flush it to the disk and close the file; return its digest."""
        digest = super().seal(state, status)
        self._shut()
        return digest

    def _shut(self) -> None:
        """Close the file. One that failed has said so already."""
        try:
            locked_file.close(self._file)
        except OSError as error:
            if not self._failed:
                raise self._failure(error, 0) from error

    def _write(self, data: bytes | bytearray, *, last: bool = False) -> None:
        """Write at the end of what was acknowledged, so that a write that was interrupted can be repeated."""
        if self._failed or self._file.closed:
            raise io_error(self.path, "cannot be written: it failed or was closed before")
        try:
            locked_file.write_at(self._file, data, self._offset)
            if self.durable or last:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failure(error, len(data)) from error
        self._offset += len(data)

    def _failure(self, error: OSError, size: int) -> MutualizeError:
        self._failed = True
        return io_error(
            self.path,
            f"cannot be written ({size:,} bytes): {error.strerror}.",
            f"The {self.durable_seq:,} events before stay readable.",
        )
