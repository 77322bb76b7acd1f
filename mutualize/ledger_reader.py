"""Reading a ledger file: its entries, whether it is whole, and where two of them part.

    sealed     every batch and the seal are as they were written
    unsealed   whole batches, no seal: the run ended early, or is still going on
    torn       a readable prefix; what followed the last whole batch was cut off while it was written
    corrupt    bytes were changed: nothing from the first bad batch on can be trusted

Its one rule: a line is checked by rebuilding it and comparing bytes, never by believing what it says.
Only committed batches are ever read, so a ledger can be read while its run goes on writing it.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import BinaryIO

import attrs

from mutualize.encoding import decode
from mutualize.errors import Exit, MutualizeError
from mutualize.events import Entry
from mutualize.ledger import FORMAT, STATUSES, HashChain, Header

_CHUNK = 1 << 16
"""Bytes read at a time: small enough that no allocator asks the system for each of them anew."""
_HEADER_MAX = 1 << 16
_LINE_MAX = 1 << 26
_COMMIT_MAX = 256
"""No commit line is longer than that, in bytes."""
_TOLD_MAX = 300
"""No more characters of a problem are told, which may quote the file."""
_COMMIT = b'{"blk":'
_SEAL = b'{"events":'
_HEADER_KEYS = {"format", "rules", "scenario_sha256", "seed", "version"}


class Condition(Enum):
    """What state a ledger file is in, and the exit code that says so."""

    SEALED = "sealed", Exit.OK
    TORN = "torn", Exit.TORN
    UNSEALED = "unsealed", Exit.UNSEALED
    CORRUPT = "corrupt", Exit.CORRUPT

    def __init__(self, word: str, code: Exit) -> None:
        self.word = word
        self.code = code


@attrs.frozen(kw_only=True)
class Verdict:
    """What verification found. `events` and `batches` count what is whole and can be read."""

    condition: Condition
    events: int
    batches: int
    root: str
    """The last good batch's h, 64 hex digits. In a sealed ledger, the run's digest."""
    header: Header | None = None
    """None where the header itself is damaged."""
    state: str = ""
    """The digest of the final balances that the seal gives; empty without one."""
    status: str = ""
    """How the run ended, as the seal says ('complete', 'interrupted', 'failed'); empty without one."""
    problem: str = ""
    """What is wrong, where something is."""
    batch: int | None = None
    """The first bad batch of a corrupt ledger."""
    seq: int | None = None
    """The first bad event of a corrupt ledger, where it can be told."""

    @property
    def code(self) -> Exit:
        """The exit code: 0 for a sealed ledger, else 6, 7 or 8."""
        return self.condition.code

    def __str__(self) -> str:
        found = f"{self.condition.word}: {self.events:,} events in {self.batches:,} batches"
        if self.condition is Condition.SEALED:
            return f"{found}, {self.status}, digest {self.root}"
        place = "" if self.seq is None else f" The first bad event is {self.seq:,}."
        return f"{found} can be read. {self.problem}{place}"


def read_header(path: str | Path) -> Header:
    """Return what a ledger is a ledger of.

    Raises MutualizeError for a file that is missing (exit code 4), unreadable (74), no ledger (8), or in a
    format that this version does not know (2).
    """
    with open_ledger(path) as file:
        return Walk(path, file).known_header()


def read(path: str | Path) -> Iterator[Entry]:
    """Yield the entries of all committed batches, each batch checked against the chain before its first one.

    Ends quietly where the committed batches end: `verify` tells a sealed ledger from a torn or unsealed
    one. Raises MutualizeError as `read_header` does, and (8) at a corrupt batch, after all that precede it.
    """
    with open_ledger(path) as file:
        walk, seq = Walk(path, file), 0
        for body in walk.bodies():
            walk.known_header()
            for entry in entries_of(walk, body, seq):
                yield entry
                seq += 1
        if walk.verdict.condition is Condition.CORRUPT:
            raise walk.error()


def entries_of(walk: Walk, body: bytes, seq: int) -> Iterator[Entry]:
    """Yield the entries of a batch, the first one `seq`. Raises MutualizeError (8) at one that is none."""
    for line in body.split(b"\n")[:-1]:
        try:
            entry = decode(line)
        except ValueError as error:
            raise walk.error(walk.rejected(str(error))) from error
        if entry.seq != seq:
            raise walk.error(walk.rejected("Its events are not counted one by one.", seq))
        yield entry
        seq += 1


def verify(path: str | Path) -> Verdict:
    """Check the hash chain and the seal of a ledger, at a small multiple of what SHA-256 alone costs.

    Raises MutualizeError for a file that is missing (4) or unreadable (74), and for a sound ledger in a
    format that this version does not know (2).
    """
    with open_ledger(path) as file:
        walk = Walk(path, file)
        for _ in walk.bodies(keep=False):
            pass
        return walk.known_verdict()


@contextlib.contextmanager
def open_ledger(path: str | Path) -> Iterator[BinaryIO]:
    """Open a ledger to be read. Raises MutualizeError where it is missing (4) or cannot be read (74)."""
    try:
        with Path(path).open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise MutualizeError(str(path), "does not exist.", code=Exit.MISSING) from error
    except OSError as error:
        raise MutualizeError(str(path), f"cannot be read: {error.strerror}.", code=Exit.IO) from error


# --- walking along the chain ------------------------------------------------------------------------------


class Walk:
    """One pass over a file, along the chain. `verdict` holds once the bodies are through."""

    def __init__(self, path: str | Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        first_line = file.readline(_HEADER_MAX)
        self.header = _parse_header(first_line)
        """None where the first line is no header."""
        self.chain = HashChain(first_line)
        self._before = self.chain.copy()  # where the chain stood before the batch that was read last
        self._offset = len(first_line)  # of the open batch
        if self.header is not None:
            self.verdict = self._verdict(Condition.UNSEALED, "There is no seal.")
        elif first_line.endswith(b"\n") or len(first_line) == _HEADER_MAX:
            self.verdict = self._verdict(Condition.CORRUPT, "The first line is no header of a ledger.")
        else:
            self.verdict = self._verdict(Condition.TORN, "It ends inside the header.")

    @property
    def sound(self) -> int:
        """How many bytes hold the header and the whole batches, once the bodies are through."""
        return self._offset

    def bodies(self, *, keep: bool = True) -> Iterator[bytes]:
        """Yield the body of each batch once its commit line was checked (empty bytes without `keep`)."""
        if self.header is None:
            return
        self._before = self.chain.copy()
        kept: list[bytes] = []
        for piece, commit in _pieces(self._file):
            self.chain.feed(piece)
            if keep:
                kept.append(piece)
            if not commit:
                continue
            if commit != self.chain.commit_line() or not self.chain.length:
                self.verdict = self.rejected(
                    "Its bytes are not what its commit line says.", self._first_bad()
                )
                return
            self._offset += self.chain.length + len(commit)
            self.chain.close()
            yield b"".join(kept)
            self._before = self.chain.copy()
            kept.clear()
        self.verdict = self._end(self.chain.length)

    def again(self) -> None:
        """Go back behind the last whole batch: `bodies` then yields what was written in the meantime."""
        self.chain = self._before = self._before.copy()
        self._file.seek(self._offset)

    def rejected(self, problem: str, seq: int | None = None) -> Verdict:
        """Return the verdict that the batch which was read last is bad, and all before it are good."""
        batch = self._before.batches
        verdict = self._verdict(Condition.CORRUPT, f"Batch {batch} is bad. {_told(problem)}")
        return attrs.evolve(verdict, batch=batch, seq=seq)

    def known_header(self) -> Header:
        """Return the header. Raises MutualizeError if there is none (6, 8) or its format is not ours (2)."""
        if self.header is None:
            raise self.error()
        if self.header.format != FORMAT:
            problem = f"is written in the format {self.header.format!r:.60}; this version reads {FORMAT!r}."
            remedy = f"Use mutualize {_told(self.header.version)[:60]} or newer."
            raise MutualizeError(str(self._path), problem, remedy)
        return self.header

    def known_verdict(self) -> Verdict:
        """Return the verdict. Raises MutualizeError (2) for a sound ledger in a format that is not ours."""
        if self.header is not None and self.verdict.condition is not Condition.CORRUPT:
            self.known_header()
        return self.verdict

    def error(self, verdict: Verdict | None = None) -> MutualizeError:
        """Return a verdict, this walk's own if none is given, as an error."""
        verdict = verdict or self.verdict
        return MutualizeError(str(self._path), str(verdict), code=verdict.code)

    def _end(self, length: int) -> Verdict:
        """Judge the `length` bytes behind the last whole batch: nothing, a seal, a cut, or changed bytes.

        Not more than that, even where a run has written further batches in the meantime.
        """
        chain = self._before.copy()
        seq = chain.events
        self._file.seek(self._offset)
        while length and (line := self._file.readline(min(length, _LINE_MAX))):
            length -= len(line)
            if not line.endswith(b"\n"):
                if _may_be_cut(line, chain):
                    return self._verdict(Condition.TORN, "It ends inside a line.")
                return self.rejected("Its last line is not the beginning of any line that could stand there.")
            if not chain.length and (seal := _seal_of(line, chain)):
                if length:
                    return self.rejected("Bytes follow the seal.")
                return attrs.evolve(self._verdict(Condition.SEALED, ""), state=seal[0], status=seal[1])
            if not _is_event(line, seq):
                return self.rejected("A line of it is neither an event nor a seal.", seq)
            chain.feed(line)
            seq += 1
        if chain.length:
            return self._verdict(Condition.TORN, "Its last batch has no commit line.")
        return self._verdict(Condition.UNSEALED, "There is no seal.")

    def _verdict(self, condition: Condition, problem: str) -> Verdict:
        return Verdict(
            condition=condition,
            events=self._before.events,
            batches=self._before.batches,
            root=self._before.root,
            header=self.header,
            problem=problem,
        )

    def _first_bad(self) -> int | None:
        """Return the seq of the first line of the open batch that cannot be an event, if there is one."""
        self._file.seek(self._offset)
        seq = self._before.events
        while (line := self._file.readline(_LINE_MAX)) and not line.startswith(_COMMIT):
            if not _is_event(line, seq):
                return seq
            seq += 1
        return None


def _pieces(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield (bytes of a body, b'') and, where a body ends, (the rest of it, its commit line).

    A body is never held as a whole here, so that a file without commit lines needs no memory either.
    """
    rest = b""
    while chunk := file.read(_CHUNK):
        rest += chunk
        start = 0
        for begin, end in _commits(rest):
            yield rest[start:begin], rest[begin:end]
            start = end
        # a commit line that the next chunk completes, and the line feed before it, stay
        keep_from = max(start, len(rest) - _COMMIT_MAX)
        if keep_from > start:
            yield rest[start:keep_from], b""
        rest = rest[keep_from:]
    if rest:
        yield rest, b""


def _commits(data: bytes) -> list[tuple[int, int]]:
    """Return (begin, end) of each whole commit line that stands behind another line.

    Searched for from the end: for this needle `rfind` is twice as fast as `find` or a regular expression.
    """
    found: list[tuple[int, int]] = []
    before = len(data)
    while (before := data.rfind(b"\n" + _COMMIT, 0, before)) >= 0:
        end = data.find(b"\n", before + 1) + 1
        if end and end - before < _COMMIT_MAX:
            found.append((before + 1, end))
    found.reverse()
    return found


def commit_after(file: BinaryIO, offset: int) -> tuple[int, bytes]:
    """Return offset and bytes of the first commit line that begins behind an offset; empty without one."""
    file.seek(offset)
    for piece, commit in _pieces(file):
        offset += len(piece)
        if commit:
            return offset, commit
    return offset, b""


def _may_be_cut(line: bytes, chain: HashChain) -> bool:
    """Say whether a line without its end may be what an interrupted write left of a line."""
    if line.startswith(_COMMIT):
        return chain.length > 0 and chain.commit_line().startswith(line)
    if not line.startswith(_SEAL):
        return True
    state = _state_in(line, chain)
    whole = [chain.seal_line(state.ljust(64, "0"), status) for status in STATUSES]
    return chain.length == 0 and any(seal.startswith(line) for seal in whole)


def _seal_of(line: bytes, chain: HashChain) -> tuple[str, str] | None:
    """Return (state, status) where the line is this chain's seal, byte for byte."""
    state = _state_in(line, chain)
    for status in STATUSES:
        if re.fullmatch("[0-9a-f]{64}", state) and line == chain.seal_line(state, status):
            return state, status
    return None


def _state_in(line: bytes, chain: HashChain) -> str:
    """Return what stands where this chain's seal has the digest of the balances: at most 64 characters."""
    start = chain.seal_line("", STATUSES[0]).index(b'","status"')
    return line[start : start + 64].partition(b'"')[0].decode("ascii", "replace")


def _is_event(line: bytes, seq: int) -> bool:
    """Say whether a line has the looks of the event `seq`: one object in canonical JSON that says so."""
    try:
        value = json.loads(line.decode())
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode() + b"\n" == line and type(value["seq"]) is int and value["seq"] == seq
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def _told(text: str) -> str:
    """Return words of a file, or about it, as they can be printed; cut where they are long."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:_TOLD_MAX])


def _parse_header(line: bytes) -> Header | None:
    with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):
        fields = json.loads(line.decode())
        if fields.keys() == _HEADER_KEYS and all(isinstance(value, str) for value in fields.values()):
            header = Header(**{**fields, "seed": int(fields["seed"])})
            return header if header.line() == line else None
    return None
