"""Reading by functions made for each kind, against the plain way that reads field by field."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import ledger_samples
import pytest
from test_plain_json import EDGES, damaged, sample

from mutualize import encoding, ledger_audit
from mutualize.accounts import Transfer
from mutualize.book import Book, replay
from mutualize.encoding import decode, encode, own_fields, proved
from mutualize.events import KINDS, Cell, Entry
from mutualize.ledger import MemoryLedger
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import Condition, Verdict
from mutualize.randomness import Stream

NUMERALS = (
    *("0", "7", "-7", "9" * 1_000, "-" + "9" * 999),
    *("", "-", "+", "-0", "00", "07", "-07", "+7", " 7", "7 ", "7_0", "1.0", "1e5", "0x7", "seven"),
    *("1,2", "0,0", ",", "1,", ",1", "\u0667", "7\u0667", "\u00b2", "\uff17", "7\x00", "7\\n"),
    *("9" * 1_001, "-" + "9" * 1_000, "9" * 5_000),
)
PLAIN = NUMERALS[:5]


def told(line: bytes) -> Entry | str:
    """Return the entry of a line, or the words of its refusal."""
    try:
        return decode(line)
    except ValueError as error:
        return str(error)


def told_plainly(line: bytes) -> Entry | str:
    """Return the same, by no code that was made for a kind."""
    try:
        return encoding._plainly(encoding._decoder().decode(line))
    except ValueError as error:
        return f"{encoding._kind_of(line)}: {error}"


def assert_agreed(line: bytes) -> bool:
    """Hold both ways against each other, and the proof of a line against encoding its entry; say which."""
    entry = told_plainly(line)
    assert told(line) == entry, line
    is_canonical = isinstance(entry, Entry) and encode(entry) == line + b"\n"
    assert (proved(line + b"\n") is not None) is is_canonical, line
    return is_canonical


def lines_with(kind: str, numeral: str) -> list[bytes]:
    """Return lines of a kind that spell one integer so: each field, an amount, a cell that comes again."""
    values: dict[str, Any] = {"str": "a", "int": 41_999_999, "bool": True}
    own = own_fields(KINDS[kind])
    event = KINDS[kind](
        transfers=(Transfer("a", "b", "ETH", 42_999_999), Transfer("a", "b", "ETH", 3)),
        cells=(Cell("t", "k", 43_999_999), Cell("u", "k", 4)),
        **{name: values[of] for name, of in own.items()},
    )
    line = encode(Entry(7, 9, 7, 3, event)).decode().rstrip("\n")
    found = [line.replace(f'"{of}"', f'"{numeral}"') for of in ("42999999", "43999999")]
    found += [line.replace(f'"{name}":"41999999"', f'"{name}":"{numeral}"') for name in own]
    return [each.encode() for each in found if each != line]


@pytest.mark.parametrize("numeral", NUMERALS, ids=lambda text: f"{text[:8]!a}x{len(text)}")
def test_every_numeral_is_judged_alike(numeral: str) -> None:
    """Wherever it stands, an odd numeral is refused in the words of the plain way, and a plain one taken."""
    for kind in sorted(KINDS):
        for line in lines_with(kind, numeral):
            is_default = numeral == "0" and isinstance(told_plainly(line), str)
            assert assert_agreed(line) is (numeral in PLAIN and not is_default), line


def test_damaged_lines_are_judged_alike() -> None:
    """Whole and damaged lines of every kind give the same entry, or the same words, by both ways."""
    stream, count = Stream(12, "lines"), Counter[bool]()
    lines = [*EDGES, *ledger_samples.sample().data.split(b"\n")]
    for kind in sorted(KINDS):
        for _ in range(4):
            whole = sample(kind, stream).rstrip(b"\n")
            lines += [whole, *(damaged(whole, stream) for _ in range(30))]
    for line in lines:
        try:
            count[assert_agreed(line)] += 1
        except RecursionError:  # a refusal as well, which both ways leave to the caller
            count[False] += 1
    assert count[True] >= 4 * len(KINDS)
    assert count[False] > 60 * len(KINDS)


@pytest.mark.parametrize(
    "change",
    [('"set":{"t":{"k":"5"}}', '"set":{"t":{}}'), ('"set":{"t":{"k":"5"}}', '"set":{}'), (',"tx"', ', "tx"')],
)
def test_what_is_taken_but_not_written_so_is_no_proof(change: tuple[str, str]) -> None:
    """An empty table, no table and a blank are read, and are not how the entry is written."""
    line = encode(Entry(7, 9, 7, 3, ledger_samples.price(0))).decode().rstrip("\n")
    line = line.replace('"set":{"oracle":{"CRV":"50000000"}}', '"set":{"t":{"k":"5"}}')
    assert assert_agreed(line.encode())
    line = line.replace(*change)
    assert isinstance(told(line.encode()), Entry)
    assert not assert_agreed(line.encode())


# --- whole batches -----------------------------------------------------------------------------------------


def ledger_of(lines: list[bytes]) -> bytes:
    """Return a ledger with a sound chain and these lines, right or wrong, in four batches."""
    ledger = MemoryLedger(ledger_samples.HEADER)
    for start in range(0, len(lines), 30):
        ledger._batch += b"".join(line + b"\n" for line in lines[start : start + 30])
        ledger._next += len(lines[start : start + 30])
        ledger.close_batch()
    ledger.seal(replay(entry for each in ledger_samples.transactions() for entry in each).digest())
    return ledger.data


def test_a_damaged_batch_is_told_as_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are taken together or line by line with one verdict, word for word, and one book after each."""
    path, stream, count = tmp_path / "run.jsonl", Stream(13, "batches"), Counter[Condition]()
    whole = [encode(entry).rstrip(b"\n") for each in ledger_samples.transactions() for entry in each]

    def audited() -> tuple[Verdict, list[tuple[int, str, list[tuple[str, list[tuple[str, int]]]]]]]:
        seen = []

        def note(book: Book) -> None:
            tables = [(name, list(book.table(name).items())) for name in book.tables()]
            seen.append((book.seq, book.digest(), tables))

        return verify_deep(path, note), seen

    for number in range(150):
        lines = list(whole)
        at = stream.below(len(lines))
        match number % 3:
            case 0 if number:
                lines[at] = damaged(lines[at], stream).replace(b"\n", b"")
            case 1:
                lines[at] = lines[at].replace(b'"t":', b'"t":1').replace(b'"tx":', b'"tx":-')
            case 2:
                lines[at] = re.sub(rb'"[0-9]+"]', stream.choice((b'"0"]', b'"-5"]', b'"01"]')), lines[at])
        path.write_bytes(ledger_of(lines))
        together = audited()
        with monkeypatch.context() as patched:
            patched.setattr(ledger_audit._Audit, "_taken_together", lambda *_: False)
            assert audited() == together, lines[at]
        count[together[0].condition] += 1
    assert count[Condition.SEALED] > 0
    assert count[Condition.CORRUPT] > 100
