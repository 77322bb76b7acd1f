"""The standard library's way with a ledger's lines: the bytes of msgspec, and its strictness."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import ledger_samples
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import mutualize
from mutualize import encoding, plain_json
from mutualize.encoding import decode, encode
from mutualize.events import KINDS, Cell, Entry
from mutualize.randomness import Stream

FAST = sys.modules[encoding.LIBRARY].json.Encoder(order="sorted")
PLAIN = plain_json.Encoder(order="sorted")
HOSTILE = (
    "".join(map(chr, range(0x20))),
    "\x7f\x80\x9f\xa0",
    '"\\/ \b\f\n\r\t',
    "\u2028\u2029\ufeff\ufffe\uffff",
    "\U00010000\U0001f600\U0010ffff",
    '","kind":"Repaid"}\n{"blk":0}',
    "e\u0301 \u202e\u200f",
)
TEXT = st.text(max_size=12) | st.sampled_from(HOSTILE)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


def outcome(work: Any, *arguments: Any) -> Any:
    """Return what a call gives, or the kind of error that a caller can tell apart."""
    try:
        return work(*arguments)
    except UnicodeError:
        return UnicodeError
    except TypeError:
        return TypeError


@given(st.dictionaries(TEXT, VALUE, max_size=4))
@example({text: text for text in HOSTILE})
@example({"\uffff": 1, "\U00010000": 2, "": 3})
@example({"a": "\ud800"})
@example({"\udfff": "a"})
@example({"a": ("b", [2**64, -(2**63) - 1, True, None])})
def test_every_mapping_has_the_bytes_of_msgspec(value: dict[str, Any]) -> None:
    """Any text, number and nesting is written alike, and a lone surrogate is refused by both."""
    assert outcome(PLAIN.encode, value) == outcome(FAST.encode, value)


def test_every_code_point_is_written_alike() -> None:
    """All of Unicode goes through both, and of the surrogates every one is refused by both."""
    refused = 0
    for start in range(0, 0x110000, 0x800):
        text = "".join(map(chr, range(start, start + 0x800)))
        lines = [outcome(encoder.encode_lines, [text, {text: text}]) for encoder in (PLAIN, FAST)]
        assert lines[0] == lines[1], f"from U+{start:04X}"
        refused += lines[0] is UnicodeError
    assert refused == 1


@pytest.mark.parametrize(
    "value", [{1: 2}, {True: 1}, {None: 1}, [object()]], ids=["1", "True", "None", "object"]
)
def test_what_no_line_holds_is_refused(value: Any) -> None:
    """Objects, and keys that are no text, are a TypeError, as msgspec's are."""
    assert outcome(PLAIN.encode, value) is outcome(FAST.encode, value) is TypeError


@pytest.mark.parametrize("value", [1.5, float("nan"), [1.0], b"a"], ids=repr)
def test_what_libraries_write_differently_is_refused(value: Any) -> None:
    """No float and no bytes get in, whose text differs from library to library."""
    assert outcome(PLAIN.encode, value) is TypeError


# --- the decoder against msgspec's, through the one place that reads lines --------------------------------


def read(line: bytes) -> Entry | None:
    """Return the entry of a line, or None where it is refused."""
    try:
        return decode(line)
    except (ValueError, RecursionError):
        return None


def answers(lines: list[bytes]) -> list[list[str] | None]:
    """Return what each line is read as, and written again as; None where it is refused."""
    entries = [read(line) for line in lines]
    return [None if entry is None else [repr(entry), encode(entry).hex()] for entry in entries]


def answers_without_msgspec(lines: list[bytes]) -> list[list[str] | None]:
    """Return the answers of a process in which msgspec cannot be imported."""
    code = (
        "import json, sys; sys.modules['msgspec'] = None; sys.path.insert(0, sys.argv[1])\n"
        "import test_plain_json as test\n"
        "print(json.dumps(test.answers([bytes.fromhex(line) for line in json.load(sys.stdin)])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        input=json.dumps([line.hex() for line in lines]),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[str] | None] = json.loads(done.stdout)
    return found


def sample(kind: str, stream: Stream) -> bytes:
    """Return a line of a kind, its fields drawn from what is awkward to write."""
    texts = [*HOSTILE, "", "a", "acct-07"]
    draw: dict[str, Any] = {
        "str": lambda: stream.choice(texts),
        "int": lambda: stream.choice([0, 1, -1, 2**53 + 1, 10**40]) + stream.below(3),
        "bool": lambda: stream.chance(1, 2),
    }
    fields = {name: draw[of]() for name, of in encoding.own_fields(KINDS[kind]).items()}
    cells = tuple(Cell(table, key, 7) for table in sorted(texts[:3]) for key in sorted(texts[2:4]))
    entry = Entry(stream.below(9), 5, 0, stream.choice([None, 0]), KINDS[kind](cells=cells, **fields))
    return encode(entry)


INSERTED = (
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b"\\u",
        b"\\ud800",
        b"\\ud83d\\ude00",
        b"\\/",
        b"\x00",
    ),
    *(
        b" ",
        b"\t",
        b"\x0b",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"null",
        b"true",
        b"NaN",
        b"1e5",
        b"1.0",
    ),
    *(b"-0", b"01", b"1", b"-", b'"kind":"Repaid",', b'"cause":null,', b'"t":1,', b'"amount":"7",', b"[[[["),
)


def damaged(line: bytes, stream: Stream) -> bytes:
    """Return a line after one to three edits: a piece cut out, put in, doubled, or one bit flipped."""
    for _ in range(1 + stream.below(3)):
        at = stream.below(len(line) + 1)
        match stream.below(4):
            case 0:
                line = line[:at] + stream.choice(INSERTED) + line[at:]
            case 1:
                line = line[:at] + line[at + 1 + stream.below(8) :]
            case 2:
                line = line[: at + stream.below(20)] + line[at:]
            case _:
                flipped = line[at : at + 1]
                line = line[:at] + bytes(b ^ (1 << stream.below(8)) for b in flipped) + line[at + 1 :]
    return line


EDGES = (
    b"", b"{}", b"[]", b"null",
    b'{"kind":1}', b'{"kind":"Repaid"}', b'{"kind":["Repaid"]}', b"\xef\xbb\xbf{}",
    b'{"kind":"RefusalsCounted","kind":"Repaid","count":"1","reason":"a","cause":1,"seq":1,"t":1,"tx":1}',
    *(
        b'{"cause":%s,"count":"1","kind":"RefusalsCounted","reason":%s,"seq":%s,"set":%s,"t":1,"transfers":%s,"tx":1}'
        % parts
        for parts in (
            (b"null", b'"a"', b"1", b"{}", b"[]"),
            (b"true", b'"a"', b"1", b"{}", b"[]"),
            (b"1.0", b'"a"', b"1", b"{}", b"[]"),
            (b"1", b'"\\ud800"', b"1", b"{}", b"[]"),
            (b"1", b'"\\uD83D\\uDE00\\u0000"', b"1", b"{}", b"[]"),
            (b"1", b"null", b"1", b"{}", b"[]"),
            (b"1", b'"a"', b"null", b"{}", b"[]"),
            (b"1", b'"a"', b"-0", b"{}", b"[]"),
            (b"1", b'"a"', b"1" * 25, b"{}", b"[]"),
            (b"1", b'"a"', b"1" * 5000, b"{}", b"[]"),
            (b"1", b'"a"', b"1", b'{"t":{"k":"1"},"t":{"k":"2","k":"3"}}', b"[]"),
            (b"1", b'"a"', b"1", b'{"t":{"k":1}}', b"[]"),
            (b"1", b'"a"', b"1", b'{"t":{"k":1,"k":"1"}}', b"[]"),
            (b"1", b'"a"', b"1", b"null", b"[]"),
            (b"1", b'"a"', b"1", b"{}", b"{}"),
            (b"1", b'"a"', b"1", b"{}", b'[["a","b","c","1"]]'),
            (b"1", b'"a"', b"1", b"{}", b'[["a","b","c"]]'),
            (b"1", b'"a"', b"1", b"{}", b'[["a","b","c",1]]'),
        )
    ),
)  # fmt: skip


def test_the_same_lines_are_taken_and_the_same_refused() -> None:
    """Whole and damaged lines of every kind give the same entry, or the same refusal, by both decoders."""
    stream = Stream(11, "lines")
    lines = [*EDGES, *ledger_samples.sample().data.split(b"\n")]
    for kind in sorted(KINDS):
        for _ in range(6):
            whole = sample(kind, stream).rstrip(b"\n")
            lines += [whole, *(damaged(whole, stream) for _ in range(40))]
    by_msgspec, by_json = answers(lines), answers_without_msgspec(lines)
    for line, left, right in zip(lines, by_msgspec, by_json, strict=True):
        assert left == right, line
    count = Counter(answer is None for answer in by_msgspec)
    assert count[False] > 6 * len(KINDS)
    assert count[True] > 100 * len(KINDS)


def test_a_run_without_msgspec_has_the_same_digest() -> None:
    """Where msgspec cannot be imported, a scenario gives the very same bytes."""
    code = (
        "import sys; sys.modules['msgspec'] = None\n"
        "import mutualize, mutualize.encoding as e\n"
        "print(e.LIBRARY, mutualize.run('three-tiers').digest)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mutualize.plain_json", mutualize.run("three-tiers").digest]
