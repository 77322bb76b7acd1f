"""Auditing ledgers by their entries: does one say the truth about itself, and where do two of them part?

Its one rule: nothing is taken on trust. What the file claims (order, causes, balances) is worked out again.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from mutualize.book import Book
from mutualize.encoding import Line, decode, encode, proved
from mutualize.errors import InvariantBroken
from mutualize.events import Entry
from mutualize.ledger import Header
from mutualize.ledger_columns import LineShapes, Moved, Tables, pieces
from mutualize.ledger_reader import Condition, Verdict, Walk, commit_after, entries_of, open_ledger

Check = Callable[[Book], None]
TOGETHER: Final = 16_000
"""About so many bytes of a ledger are decoded at a time."""


def verify_deep(path: str | Path, check: Check | None = None, at_end: Check | None = None) -> Verdict:
    """Check all that a ledger claims: what `verify` checks, and every line, reference and balance.

    Each line is decoded and encoded again, seqs are contiguous, causes precede effects, time does not run
    backwards, no batch splits a transaction, amounts are positive, and the balances that the transfers give
    are those of the seal. `check` is called with the book after each batch, `at_end` after the last; they
    raise InvariantBroken where a law does not hold, and that error passes, with a note that says where. What
    visits every holder belongs to the end: else the cost grows with holders times batches. Raises
    MutualizeError as `verify`.
    """
    with open_ledger(path) as file:
        walk, audit = Walk(path, file), _Audit()
        for body in walk.bodies():
            walk.known_header()
            problem = audit.take(body)
            if problem:
                return walk.rejected(problem, audit.book.seq)
            if check is not None:
                _run(check, audit.book)
        if at_end is not None:
            _run(at_end, audit.book)
        verdict = walk.known_verdict()
        if verdict.condition is Condition.SEALED and verdict.state != audit.book.digest():
            problem = "The seal's digest of the balances is not what the transfers give."
            return attrs.evolve(verdict, condition=Condition.CORRUPT, problem=problem, batch=verdict.batches)
        return verdict


def fold(path: str | Path) -> Book:
    """Return the book that a ledger folds to: that of `replay(read(path))`, at a fraction of its cost.

    Ends and raises as `read` does.
    """
    with open_ledger(path) as file:
        walk, audit = Walk(path, file), _Audit()
        for body in walk.bodies():
            walk.known_header()
            if not audit.take_whole(body):
                audit.fold(entries_of(walk, body, audit.book.seq))
        if walk.known_verdict().condition is Condition.CORRUPT:
            raise walk.error()
        return audit.book


def _run(check: Check, book: Book) -> None:
    try:
        check(book)
    except InvariantBroken as error:
        error.add_note(f"in the ledger's first {book.seq:,} events")
        raise


class _Audit:
    """What an entry is held against: the book and the entry before it."""

    def __init__(self) -> None:
        self.book = Book()
        """What is true after the last good entry; its seq is that of the first bad one."""
        self._at = 0
        self._tx: int | None = None
        self._shapes = LineShapes()

    def take(self, body: bytes) -> str:
        """Take a batch into the book, up to its first bad line. Returns what is wrong with it, or nothing."""
        if self.take_whole(body):
            return ""
        self._tx = None  # a transaction never goes on in the next batch
        return self._taken_singly(body.split(b"\n")[:-1])

    def take_whole(self, body: bytes) -> bool:
        """Take a batch into the book without making entries; say whether it was, else nothing was."""
        return self._taken_by_shape(body) or self._taken_together(body)

    def fold(self, entries: Iterable[Entry]) -> None:
        """Take entries into the book unasked, as `replay` does."""
        for entry in entries:
            self.book.apply(entry)
            self._at = entry.at

    def _taken_by_shape(self, body: bytes) -> bool:
        """Take a whole batch in as `_taken_together` does, if all its lines are of shapes that are known."""
        taken = self._shapes.take(body, self.book.seq, self._at)
        if taken is not None:
            self._apply(taken.seq, taken.at, taken.moved, taken.tables)
        return taken is not None

    def _taken_together(self, body: bytes) -> bool:
        """Take a whole batch in by what it comes to: all that it moves, and what its cells are at its end.

        Says whether it did; it takes nothing where anything seems to be wrong. No entry is made, and no
        integer that a later line overwrites.
        """
        moved: Moved = {}
        tables: Tables = {}
        seq, at = self.book.seq, self._at
        last = None  # a transaction never goes on in the next batch
        for line in _lines_of(body):
            if line is None:
                return False
            now, tx, cause = line.t, line.tx, line.cause
            if line.seq != seq or now < at or (cause is not None and not 0 <= cause < seq):
                return False
            if tx != seq and (tx != last or now != at):
                return False
            at, last, seq = now, tx, seq + 1
            for debit, credit, asset, numeral in line.transfers:
                amount = int(numeral)
                if amount <= 0:
                    return False
                key = debit, credit, asset
                moved[key] = moved[key] + amount if key in moved else amount
            for table, row in line.set.items():
                if table in tables:
                    tables[table].update(row)
                else:
                    tables[table] = row
        self._apply(seq, at, moved, tables)
        return True

    def _apply(self, seq: int, at: int, moved: Moved, tables: Tables) -> None:
        """Take in all entries up to `seq` by what they come to."""
        self._at = at
        self.book.apply_together(
            seq - self.book.seq,
            [(*key, amount) for key, amount in moved.items()],
            {table: dict(zip(row, map(int, row.values()), strict=True)) for table, row in tables.items()},
        )

    def _taken_singly(self, lines: list[bytes]) -> str:
        """Take a batch in line by line, as `take` does: the plain way, which tells what is wrong."""
        for line in lines:
            try:
                entry = decode(line)
            except ValueError as error:
                return f"A line of it is no event: {error}."
            if encode(entry) != line + b"\n":
                return "A line of it is not in its canonical form."
            problem = self._out_of_place(self.book.seq, entry.seq, entry.at, entry.tx, entry.cause)
            if problem:
                return problem
            if any(transfer.amount <= 0 for transfer in entry.event.transfers):
                return "A transfer moves nothing."
            self.book.apply(entry)
        return ""

    def _out_of_place(self, expected: int, seq: int, at: int, tx: int, cause: int | None) -> str:
        """Return what is wrong with the place of an entry; if nothing is, it is the one before the next."""
        if seq != expected:
            return f"Event {seq:,} stands where event {expected:,} should."
        if cause is not None and not 0 <= cause < seq:
            return "A cause does not precede its effect."
        if at < self._at:
            return "Time runs backwards."
        if tx not in (seq, self._tx):
            return "An event belongs to a transaction that does not begin in its batch."
        if tx == self._tx and at != self._at:
            return "A transaction has two times."
        self._at, self._tx = at, tx
        return ""


def _lines_of(body: bytes) -> Iterator[Line | None]:
    """Yield what the lines of a batch hold, proved; None at the end where one of them was not.

    Some at a time: asking for each alone costs calls, and all at once do not fit the processor's cache.
    """
    for piece in pieces(body, TOGETHER):
        found = proved(piece)
        if found is None:
            yield None
            return
        yield from found


# --- comparing two ledgers --------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Difference:
    """Where two ledgers part. Entries that follow differ in their turn, and say nothing new."""

    headers: tuple[Header, Header] | None
    """Both headers, where they differ."""
    left: Entry | None
    """The first entry that differs, in the first ledger; None where that one ended before."""
    right: Entry | None
    """The first entry that differs, in the second ledger; None where that one ended before."""

    @property
    def seq(self) -> int | None:
        """The seq at which they part; None where only the headers differ."""
        entry = self.left or self.right
        return entry.seq if entry else None


def find_first_difference(left: str | Path, right: str | Path) -> Difference | None:
    """Return where two ledgers part, or None where they hold the same events under the same header.

    Of two ledgers with one header the last common commit line is found by bisection (the chain makes all
    later ones differ), so a difference in a large file costs a few reads. Verify both first: in a corrupt
    file the answer means nothing. Raises MutualizeError as `read_header` does, and ValueError for a line
    that is no event.
    """
    with open_ledger(left) as file_a, open_ledger(right) as file_b:
        header_a, header_b = (Walk(path, f).known_header() for path, f in ((left, file_a), (right, file_b)))
        headers = None if header_a == header_b else (header_a, header_b)
        starts = len(header_a.line()), len(header_b.line())
        if headers is None:
            start = _last_common(file_a, file_b, starts[0])
            starts = start, start
        for line_a, line_b in zip_longest(_events(file_a, starts[0]), _events(file_b, starts[1])):
            if line_a != line_b:
                return Difference(
                    headers=headers,
                    left=decode(line_a) if line_a else None,
                    right=decode(line_b) if line_b else None,
                )
    return Difference(headers=headers, left=None, right=None) if headers else None


def chain_of_causes(path: str | Path, seq: int) -> list[Entry]:
    """Return an entry of a ledger, its cause, the cause's cause, and so on to the one that has none.

    No line is decoded but theirs. Raises MutualizeError as `read_header` does, and ValueError for a line
    that is no event or whose cause does not precede it, and where there is no entry `seq`.
    """
    with open_ledger(path) as file:
        starts, start = array("q"), len(Walk(path, file).known_header().line())
        for line, begin in _lines(file, start):
            if len(starts) > seq:
                break
            if not line.startswith(b'{"blk":'):
                starts.append(begin)
        chain: list[Entry] = []
        wanted: int | None = seq
        while wanted is not None:
            if not 0 <= wanted < len(starts) or (chain and wanted >= chain[-1].seq):
                raise ValueError(f"there is no event {wanted:,} before this one")
            file.seek(starts[wanted])
            chain.append(decode(file.readline()))
            wanted = chain[-1].cause
    return chain


def _last_common(left: BinaryIO, right: BinaryIO, start: int) -> int:
    """Return the offset behind the last commit line up to which both files are the same."""
    low, high = start, min(left.seek(0, 2), right.seek(0, 2))
    while low < high:
        middle = (low + high) >> 1
        begin, line = commit_after(left, middle)
        right.seek(begin)
        if line and right.read(len(line)) == line:
            low = begin + len(line)
        else:
            high = middle
    return low


def _events(file: BinaryIO, start: int) -> Iterator[bytes]:
    """Yield the whole event lines from an offset on, commit lines left out, up to the seal."""
    for line, _ in _lines(file, start):
        if not line.startswith(b'{"blk":'):
            yield line


def _lines(file: BinaryIO, start: int) -> Iterator[tuple[bytes, int]]:
    """Yield the whole lines from an offset on, each with where it begins, up to the seal."""
    file.seek(start)
    for line in file:
        if line.startswith(b'{"events":') or not line.endswith(b"\n"):
            return
        yield line, start
        start += len(line)
