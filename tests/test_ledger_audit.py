"""What the chain cannot see: a ledger that lies about itself, and laws that do not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from ledger_samples import HEADER, batch_ends, sample, transactions

from mutualize import verify_ledger
from mutualize.book import Book, replay
from mutualize.encoding import canonical, encode
from mutualize.errors import InvariantBroken, MutualizeError
from mutualize.ledger import MemoryLedger
from mutualize.ledger_audit import fold, verify_deep
from mutualize.ledger_reader import Condition, read, verify

GOOD = sample().data
ENDS = batch_ends(GOOD)


def alone(data: bytes) -> tuple[int, int]:
    """Return (exit code, events) as the verifier that stands alone finds them."""
    code, words = verify_ledger.check(BytesIO(data))
    return code, int(words.split()[1])


def forged(change: Callable[[list[dict[str, Any]]], None]) -> bytes:
    """Return a ledger with a sound chain whose second batch was changed before it was hashed."""
    ledger = MemoryLedger(HEADER)
    steps = list(transactions(6))
    book = replay(entry for entries in steps for entry in entries)
    for entries in steps[:12]:
        ledger.append(entries)
    ledger.close_batch()
    lines = [json.loads(encode(entry)) for entries in steps[12:] for entry in entries]
    change(lines)
    ledger._batch += b"".join(map(canonical, lines))
    ledger._next += len(lines)
    ledger.seal(book.digest())
    return ledger.data


def assign(index: int, **fields: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Return a change that sets fields of one line."""
    return lambda lines: lines[index].update(fields)


def drop(index: int, key: str) -> Callable[[list[dict[str, Any]]], None]:
    """Return a change that takes a field out of one line."""

    def change(lines: list[dict[str, Any]]) -> None:
        del lines[index][key]

    return change


MORE = [["aave:cash", "aave:claims", "CRV", "1"]]
LIES = {
    "nothing": (lambda _: None, "", None, 0),
    "a gap in the seqs": (assign(3, seq=34), "Event 34 stands where event 33 should.", 33, 8),
    "a cause that is later": (assign(3, cause=33), "A cause does not precede its effect.", 33, 8),
    "a cause that is nothing": (assign(3, cause=-1), "A cause does not precede its effect.", 33, 0),
    "time that runs backwards": (assign(4, t=5), "Time runs backwards.", 34, 8),
    "a transaction from the batch before": (
        assign(0, tx=29), "An event belongs to a transaction that does not begin in its batch.", 30, 0,
    ),
    "a transaction at two times": (assign(2, t=1_669_077_001), "A transaction has two times.", 32, 8),
    "a transfer of nothing": (
        assign(2, transfers=[["aave:cash", "aave:claims", "CRV", "0"]]), "A transfer moves nothing.", 32, 8,
    ),
    "another amount": (assign(2, transfers=MORE), "of the balances is not what the transfers give.", None, 8),
    "an unknown kind": (assign(5, kind="Dreamt"), "A line of it is no event: Dreamt: Invalid value", 35, 0),
    "a missing field": (drop(5, "venue"), "missing required field `venue`", 35, 0),
    "a number for a text": (assign(1, asset=3), "Expected `str`, got `int`", 31, 0),
    "an empty list": (assign(0, transfers=[]), "A line of it is not in its canonical form.", 30, 0),
    "a numeral with a zero": (assign(9, count="04"), "'04' is not a plain decimal integer", 39, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_lie_with_a_sound_chain_is_found_by_the_audit(tmp_path: Path, name: str) -> None:
    """Somebody who rewrites a batch and hashes it anew passes the chain, but not `verify --deep`.

    The last figure is what the verifier that stands alone says: it knows chain, order, causes and balances,
    but not the kinds of events.
    """
    change, problem, seq, code = LIES[name]
    path = tmp_path / "run.jsonl"
    path.write_bytes(forged(change))
    assert verify(path).condition is Condition.SEALED
    deep = verify_deep(path)
    assert (deep.code, deep.seq) == (8 if problem else 0, seq)
    assert problem in deep.problem
    assert deep.events == (30 if seq is not None else 60)
    assert alone(path.read_bytes())[0] == code


def test_an_edited_and_rehashed_ledger_fails_only_its_golden_digest(tmp_path: Path) -> None:
    """The documented limit: who rewrites everything passes all checks but a digest that others wrote down."""
    path, ledger = tmp_path / "run.jsonl", MemoryLedger(HEADER)
    for entries in transactions():
        ledger.append(entries)
    ledger._batch = bytearray(bytes(ledger._batch).replace(b'"count":"5"', b'"count":"6"'))
    ledger.seal(replay(ledger.entries).digest())
    path.write_bytes(ledger.data)
    assert verify_deep(path).condition is Condition.SEALED
    assert alone(ledger.data)[0] == 0
    honest = MemoryLedger(HEADER)
    for entries in transactions():
        honest.append(entries)
    assert honest.seal(replay(honest.entries).digest()) != verify_deep(path).root


def test_a_law_is_checked_after_every_batch(tmp_path: Path) -> None:
    """The caller's check sees the book after each batch; what it raises passes, with the place."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(GOOD)
    seen: list[int] = []

    def law(book: Book) -> None:
        seen.append(book.seq)
        if book.seq > 20:
            raise InvariantBroken("law", "a unit is missing")

    with pytest.raises(InvariantBroken) as caught:
        verify_deep(path, law)
    assert seen == [10, 20, 30]
    assert caught.value.__notes__ == ["in the ledger's first 30 events"]
    assert verify_deep(path, lambda _: None).events == 100


@pytest.mark.parametrize("length", [0, 1, ENDS[0] - 1, ENDS[0], ENDS[1], ENDS[1] + 5, len(GOOD) - 1])
def test_the_audit_tells_a_cut_as_verify_does(tmp_path: Path, length: int) -> None:
    """Torn and unsealed ledgers are audited as far as they go."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(GOOD[:length])
    assert verify_deep(path) == verify(path)


# --- folding without entries ------------------------------------------------------------------------------


def folded(path: Path) -> Book | list[str]:
    """Return the book that a ledger folds to, or what is said of it."""
    try:
        return fold(path)
    except MutualizeError as error:
        return error.lines()


def replayed(path: Path) -> Book | list[str]:
    """Return the same the plain way."""
    try:
        return replay(read(path))
    except MutualizeError as error:
        return error.lines()


@pytest.mark.parametrize("name", ["good", "tiny", "empty", "torn", "unsealed", "corrupt"])
def test_folding_is_replaying(name: str) -> None:
    """Whole, torn, unsealed or corrupt: the same book, or the same words."""
    path = Path(__file__).parent / "ledgers" / f"{name}.jsonl"
    assert folded(path) == replayed(path)


@pytest.mark.parametrize("name", LIES)
def test_what_lies_about_itself_is_folded_as_it_is_read(name: str, tmp_path: Path) -> None:
    """A batch that is not as it should be is taken entry by entry, or refused with the same words."""
    path = tmp_path / "forged.jsonl"
    path.write_bytes(forged(LIES[name][0]))
    assert folded(path) == replayed(path)
