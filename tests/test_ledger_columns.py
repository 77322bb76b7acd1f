"""Batches taken by the shapes of their lines, against the plain way that takes line by line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

import ledger_samples
import pytest
from fuzz_toml import SEEDS
from test_encoding_readers import NUMERALS, lines_with

from mutualize import ledger_columns
from mutualize.accounts import Transfer
from mutualize.encoding import encode
from mutualize.events import KINDS, Accrued, Cell, Entry, Event, Supplied
from mutualize.ledger import MemoryLedger
from mutualize.ledger_audit import _Audit
from mutualize.randomness import Stream
from mutualize.run import run

LEDGERS = ("sample", "crash", "vaults", "names")
ODD = (b"", b"0", b"00", b"01", b"-1", b"-0", b"7", b"9" * 999, b"9" * 1_000, b"9" * 1_001, b"x", b"1.0")


@pytest.fixture(autouse=True)
def shapes_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let shapes be found at once, as if a long ledger had earned them."""
    monkeypatch.setattr(ledger_columns, "LEARNING", 0)


@cache
def lines_of(ledger: str) -> tuple[bytes, ...]:
    """Return the lines of a ledger, of which most are of a shape that comes again."""
    if ledger == "names":
        return tuple(map(encode, named()))
    if ledger == "sample":
        return tuple(encode(entry) for entries in ledger_samples.transactions(30) for entry in entries)
    ran = run(SEEDS / f"{ledger}.toml", ledger="memory")
    assert isinstance(ran.ledger, MemoryLedger)
    return tuple(map(encode, ran.ledger.entries[:300]))


def named() -> list[Entry]:
    """Return entries in which tables, keys, accounts and assets hold digits, and cells are set again."""
    stream, entries = Stream(3, "names"), []
    for seq in range(120):
        name, venue, value = f"b{stream.below(12):03}", f"v{stream.below(2)}", stream.below(5)
        keys = sorted({name, "b1", f"b{stream.below(9)}x"})
        cells = [Cell(f"{venue}.debt", key, value) for key in keys]
        cells += [Cell(f"{venue}.rate", "now", -value), Cell("total", "all", value)]
        moved = Transfer(f"{venue}:cash", f"outside:{name}", f"T{value}", 1 + stream.below(3))
        event: Event
        if seq % 3:
            event = Supplied(
                venue=venue, account=name, asset="100%", amount=seq, scaled=-seq, transfers=(moved,),
                cells=tuple(cells),
            )  # fmt: skip
        else:
            event = Accrued(venue=venue, asset=f"T{value}", cells=tuple(cells[-2:]))
        entries.append(Entry(seq, 5 + seq // 4, seq, seq - 1 if seq % 5 else None, event))
    return entries


def both(audit: _Audit, lines: Sequence[bytes]) -> tuple[bool, str]:
    """Say whether lines are taken by shape, and what is wrong with them; where they are, nothing is.

    The book is the same by both ways, or untouched.
    """
    plain, fast = _Audit(), _Audit()
    fast._shapes = audit._shapes
    plain.book.seq = fast.book.seq = audit.book.seq
    problem = plain._taken_singly([line.removesuffix(b"\n") for line in lines])
    is_taken = fast._taken_by_shape(b"".join(lines))
    if is_taken:
        assert not problem
        assert fast._at == plain._at
        assert fast.book == plain.book
    else:
        assert fast.book.seq == audit.book.seq
        assert not list(fast.book.tables())
    return is_taken, problem


def damaged(lines: Sequence[bytes], stream: Stream) -> list[bytes]:
    """Return lines of which one has other digits, or elsewhere, or stands elsewhere; or at a later time."""
    found = list(lines)
    at = stream.below(len(found))
    runs = list(re.finditer(rb"[0-9]+", found[at]))
    run, other = stream.choice(runs), stream.choice(runs)
    match stream.below(8):
        case 0:
            found[at] = found[at][: run.start()] + stream.choice(ODD) + found[at][run.end() :]
        case 1:
            found[at] = found[at][: run.start()] + other[0] + found[at][run.end() :]
        case 2:
            found[at] = found[at].replace(run[0], stream.choice(ODD))
        case 3:
            place = stream.below(len(found[at]) - 1)
            found[at] = found[at][:place] + b"7" + found[at][place + stream.below(2) :]
        case 4:
            found.insert(stream.below(len(found)), found.pop(at))
        case 5:
            rest = found[at][: run.start()] + found[at][run.end() :]
            place = stream.below(len(rest) - 1)
            found[at] = rest[:place] + run[0] + rest[place:]
        case 6:
            found[at:] = [re.sub(rb'"t":(\d+)', rb'"t":9\1', line) for line in found[at:]]
        case _:
            parts = re.findall(rb'"[^"]*":(?:"[^"]*"|\d+)', found[at])
            one, two = stream.choice(parts), stream.choice(parts)
            found[at] = found[at].replace(one, b"@").replace(two, one).replace(b"@", two)
    return found


def batches(ledger: str) -> Iterator[tuple[int, list[bytes]]]:
    """Yield batches of a ledger, each with the seq of its first line; no transaction is split."""
    start, lines = 0, list[bytes]()
    for seq, line in enumerate(lines_of(ledger)):
        if len(lines) >= 25 and b'"tx":%d' % seq in line:
            yield start, lines
            start, lines = seq, []
        lines.append(line)
    yield start, lines


@pytest.mark.parametrize("ledger", LEDGERS)
def test_only_sound_lines_are_taken_by_shape(ledger: str) -> None:
    """Whatever is taken by shape the plain way takes as well, to the same book; damage is left to it."""
    audit, stream, count = _Audit(), Stream(7, ledger), Counter[tuple[bool, bool]]()
    for start, lines in batches(ledger):
        audit.book.seq = start
        whole = both(audit, lines)
        assert whole == (not any(b"\\" in line for line in lines), "")
        for _ in range(600 if ledger == "crash" else 120):
            is_taken, problem = both(audit, damaged(lines, stream))
            count[is_taken, not problem] += 1
    assert count[True, False] == 0
    assert count[False, False] > 200, count
    assert count[True, True] > (20 if ledger != "sample" else -1), count


@pytest.mark.parametrize("numeral", NUMERALS, ids=lambda text: f"{text[:8]!a}x{len(text)}")
def test_every_numeral_is_judged_by_shape_as_plainly(numeral: str) -> None:
    """A shape that was found of a plain integer takes another in its place where the plain way does."""
    seen = Counter[bool]()
    for kind in sorted(KINDS):
        for sample in ("7", "-7"):
            for known, line in zip(lines_with(kind, sample), lines_with(kind, numeral), strict=True):
                audit = _Audit()
                audit.book.seq = 7
                both(audit, [known + b"\n"])
                is_taken, problem = both(audit, [line + b"\n"])
                assert is_taken <= (not problem)
                seen[is_taken] += 1
    is_plain = numeral in (
        "0",
        "7",
        "-7",
        "9" * 999,
        "-" + "9" * 999,
    )  # more digits are left to the plain way
    assert seen[True] > 2 * len(KINDS) if is_plain else not seen[True]


@pytest.mark.parametrize(("one", "other"), [("b2", "b10"), ("b7", "b7"), ("7", "6"), ("a1", "a01")])
def test_keys_out_of_order_are_not_taken(one: str, other: str) -> None:
    """Two keys that hold digits, the second not behind the first, are not how the entry is written."""
    audit = _Audit()

    def line(first: str, second: str) -> bytes:
        text = encode(Entry(0, 1, 0, None, Accrued(venue="v", asset="T", cells=(Cell("t", "k", 5),))))
        return text.replace(b'{"k":"5"}', f'{{"{first}":"5","{second}":"6"}}'.encode())

    for first, second in (("1", "2"), ("10", "2"), ("08", "9")):
        sound = re.sub("[0-9]+", first, one), re.sub("[0-9]+", second, other)
        assert both(audit, [line(*sound)]) == (True, "")
    assert both(audit, [line(one, other)])[0] is False


def test_no_more_shapes_are_kept_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many shapes, long lines and lines of no shape take no more memory than a few."""
    monkeypatch.setattr(ledger_columns, "SHAPES_MAX", 3)
    monkeypatch.setattr(ledger_columns, "LINE_MAX", 400)
    audit = _Audit()
    for start, lines in batches("vaults"):
        for seq, line in enumerate(lines, start):
            audit.book.seq = seq
            audit._taken_by_shape(line)
            assert len(audit._shapes._known) <= 3
            assert max(map(len, audit._shapes._known), default=0) <= 400
    assert len(audit._shapes._known) > 0


def test_a_shape_has_to_be_earned(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a short ledger no shape is looked for: that would cost more than it saves."""
    lines = lines_of("names")[:6]
    assert both(_Audit(), lines)[0] is True
    monkeypatch.setattr(ledger_columns, "LEARNING", len(b"".join(lines)) + 1)
    assert both(_Audit(), lines)[0] is False


def test_names_without_digits_cost_no_more_than_they_earn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every line has a shape of its own, looking for shapes ends, whatever the ledger's length."""
    monkeypatch.setattr(ledger_columns, "LEARNING", 16_000)
    audit, length = _Audit(), 0
    letters = str.maketrans("0123456789", "abcdefghij")
    for batch in range(600):
        entries = []
        for seq in range(25 * batch, 25 * batch + 25):
            name = f"{seq:06}".translate(letters)
            moved = Transfer("pool:cash", f"outside:{name}", "ETH", 1)
            event = Supplied(
                venue="pool", account=name, asset="ETH", amount=1, scaled=1, transfers=(moved,), cells=()
            )
            entries.append(Entry(seq, 5, seq, None, event))
        body = b"".join(map(encode, entries))
        length += len(body)
        assert not audit.take(body)
    assert audit.book.seq == 15_000
    assert length > 160 * 16_000
    assert audit._shapes.learned <= 140
