"""Damage is never silent: every truncation, every flipped bit, every moved batch, and every lie.

Each damaged ledger is judged by the program and by the verifier that stands alone; they have to agree.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import HEADER, batch_ends, judge, sample, transactions

from mutualize import verify_ledger
from mutualize.errors import Exit, MutualizeError
from mutualize.events import Entry
from mutualize.ledger import Header, MemoryLedger
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import Condition, read, read_header, verify

GOOD = sample().data
ENDS = batch_ends(GOOD)
EVENTS = [
    0,
    *(
        sum(json.loads(line)["n"] for line in GOOD[:end].splitlines() if b'{"blk"' in line)
        for end in ENDS[1:]
    ),
]
STRUCTURE = [
    i
    for end in [ENDS[0], ENDS[1], ENDS[-1], len(GOOD)]
    for i in range(GOOD.rfind(b"\n", 0, end - 1) + 1, end)
]
"""The offsets of the header, the first and the last commit line, and the seal."""


def whole_before(offset: int) -> int:
    """Return how many events the batches hold that end at or before an offset."""
    return max((events for end, events in zip(ENDS, EVENTS, strict=True) if end <= offset), default=0)


def alone(data: bytes) -> tuple[int, int]:
    """Return (exit code, events) as the verifier that stands alone finds them."""
    code, words = verify_ledger.check(BytesIO(data))
    return code, int(words.split()[1])


def flipped(offset: int, bit: int) -> bytes:
    """Return the sample with one bit changed."""
    data = bytearray(GOOD)
    data[offset] ^= 1 << bit
    return bytes(data)


# --- bytes ------------------------------------------------------------------------------------------------


def test_a_sound_ledger_is_sealed() -> None:
    """The sample itself is accepted, by both."""
    assert (judge(GOOD).condition, judge(GOOD).events) == (Condition.SEALED, 100)
    assert alone(GOOD) == (0, 100)
    assert [*range(0, 101, 10)] == EVENTS


@pytest.mark.slow
def test_a_truncation_at_every_byte_is_noticed() -> None:
    """Cut anywhere, a ledger is torn, or unsealed between two batches, and no whole batch is lost."""
    for length in range(len(GOOD)):
        verdict = judge(GOOD[:length])
        expected = Condition.UNSEALED if length in ENDS else Condition.TORN
        assert (verdict.condition, verdict.events) == (expected, whole_before(length)), length


@pytest.mark.slow
def test_a_bit_flipped_at_every_byte_is_noticed() -> None:
    """Whichever byte has changed, the ledger is corrupt, and every batch before it can be read."""
    for offset in range(len(GOOD)):
        verdict = judge(flipped(offset, offset * 5 & 7))
        assert (verdict.condition, verdict.events) == (Condition.CORRUPT, whole_before(offset)), offset


@pytest.mark.slow
def test_every_bit_of_a_line_that_holds_the_chain_counts() -> None:
    """In the header, a commit line and the seal no bit at all can change unnoticed."""
    for offset in STRUCTURE:
        for bit in range(8):
            verdict = judge(flipped(offset, bit))
            assert (verdict.condition, verdict.events) == (Condition.CORRUPT, whole_before(offset)), (
                offset,
                bit,
            )


@pytest.mark.slow
def test_both_verifiers_agree_on_every_truncation() -> None:
    """The verifier that stands alone says the same of every 29th cut, and of those around a batch's end."""
    near = {end + i for end in ENDS for i in range(-30, 9)}
    for length in range(len(GOOD)):
        if length % 29 == 0 or length in near:
            data = GOOD[:length]
            verdict = judge(data)
            assert alone(data) == (verdict.code, verdict.events), length


@pytest.mark.slow
def test_both_verifiers_agree_on_flipped_bits() -> None:
    """The verifier that stands alone finds a bit at every 31st byte, and in the lines that hold the chain."""
    for offset in sorted({*range(0, len(GOOD), 31), *STRUCTURE}):
        data = flipped(offset, offset & 7)
        assert alone(data) == (8, whole_before(offset)), offset


@given(st.data())
def test_both_verifiers_agree_on_any_damage(data: st.DataObject) -> None:
    """Bytes cut out, put in twice, put elsewhere or overwritten never pass, whoever looks."""
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        at, size = data.draw(st.integers(0, len(damaged))), data.draw(st.integers(0, 400))
        other = data.draw(
            st.sampled_from([b"", b"\n", damaged[at : at + size] * 2, data.draw(st.binary(max_size=5))])
        )
        damaged[at : at + size] = other
    verdict = judge(bytes(damaged))
    if bytes(damaged) == GOOD:
        return
    assert verdict.condition is not Condition.SEALED
    assert verdict.events == alone(bytes(damaged))[1]
    assert alone(bytes(damaged))[0] in {verdict.code, Exit.CORRUPT}


def body(number: int) -> bytes:
    """Return a batch's lines with its commit line."""
    return GOOD[ENDS[number] : ENDS[number + 1]]


HEAD, SEAL = GOOD[: ENDS[0]], GOOD[ENDS[-1] :]
REST = GOOD[ENDS[3] :]
MOVED = {
    "swapped": (HEAD + body(1) + body(0) + body(2) + REST, 0),
    "deleted": (HEAD + body(0) + body(2) + REST, 10),
    "doubled": (HEAD + body(0) + body(1) + body(1) + body(2) + REST, 20),
    "last one deleted": (GOOD[: ENDS[9]] + SEAL, 90),
    "last one doubled": (GOOD[: ENDS[-1]] + body(9) + SEAL, 100),
    "sealed twice": (GOOD + SEAL, 100),
    "sealed in the middle": (HEAD + body(0) + SEAL + body(1) + body(2) + REST, 10),
    "followed by a word": (GOOD + b"x", 100),
    "commit line doubled": (GOOD[: ENDS[-1]] + body(9).splitlines(keepends=True)[-1] + SEAL, 100),
    "commit line deleted": (GOOD[: ENDS[-1]].rpartition(b'{"blk"')[0] + SEAL, 90),
    "blank line put in": (GOOD[: ENDS[2]] + b"\n" + GOOD[ENDS[2] :], 20),
    "carriage returns": (GOOD.replace(b"\n", b"\r\n"), 0),
    "header doubled": (HEAD + GOOD, 0),
    "header deleted": (GOOD[ENDS[0] :], 0),
}


@pytest.mark.parametrize("name", MOVED)
def test_lines_and_batches_keep_their_places(name: str) -> None:
    """Swapped, deleted, doubled: the chain tells, and the batches before can be read."""
    data, events = MOVED[name]
    verdict = judge(data)
    assert (verdict.condition, verdict.events) == (Condition.CORRUPT, events)
    assert alone(data) == (8, events)


def test_the_verdict_names_the_bad_batch_and_event(tmp_path: Path) -> None:
    """Where a line can be seen to be wrong its seq is told; where only the hash is, the batch."""
    path = tmp_path / "run.jsonl"
    broken = flipped(GOOD.index(b'"seq":44,') + 6, 1)
    assert (judge(broken).batch, judge(broken).seq) == (4, 44)
    edited = GOOD.replace(b'"count":"5"', b'"count":"6"')
    assert (judge(edited).batch, judge(edited).seq) == (4, None)
    path.write_bytes(broken)
    with pytest.raises(MutualizeError) as caught:
        list(read(path))
    assert str(caught.value) == (
        f"{path}: corrupt: 40 events in 4 batches can be read. Batch 4 is bad."
        " Its bytes are not what its commit line says. The first bad event is 44."
    )


@pytest.mark.parametrize("offset", range(0, len(GOOD), 997))
def test_what_can_be_read_is_read(tmp_path: Path, offset: int) -> None:
    """A corrupt ledger gives all entries before the bad batch, then an error; a cut one ends quietly."""
    path, entries = tmp_path / "run.jsonl", sample().entries
    path.write_bytes(GOOD[:offset])
    assert list(read(path)) == entries[: whole_before(offset)]
    path.write_bytes(flipped(offset, 0))
    seen: list[Entry] = []
    with pytest.raises(MutualizeError) as caught:
        seen.extend(read(path))
    assert caught.value.code == Exit.CORRUPT
    assert seen == entries[: whole_before(offset)]


def test_damage_in_an_unfinished_tail_is_no_acceptance() -> None:
    """What follows the last batch of a torn ledger was never acknowledged; what precedes it can be read.

    There the verifier that stands alone, which looks into events, may see damage where `verify` does not.
    """
    cut = GOOD[: ENDS[2] + 2_000]
    for offset in range(ENDS[2], len(cut), 7):
        data = bytearray(cut)
        data[offset] ^= 4
        verdict = judge(bytes(data))
        assert verdict.condition in {Condition.TORN, Condition.CORRUPT}
        code, events = alone(bytes(data))
        assert events == verdict.events == whole_before(ENDS[2])
        assert code in {verdict.code, Exit.CORRUPT}


def test_large_files_are_walked_in_pieces() -> None:
    """Wherever the pieces that are read begin and end, the verdict is the same."""
    ledger = MemoryLedger(HEADER)
    steps = transactions(2_000)
    for number in range(400):
        for _ in range(1 + number * 7 % 23):
            ledger.append(next(steps))
        ledger.close_batch()
    ledger.seal("0" * 64)
    assert len(ledger.data) > 16 << 16
    assert (judge(ledger.data).condition, judge(ledger.data).events) == (
        Condition.SEALED,
        len(ledger.entries),
    )


# --- files that are something else ------------------------------------------------------------------------


def test_a_newer_format_asks_for_a_newer_version(tmp_path: Path) -> None:
    """A sound ledger of another format is a matter of versions, not of damage; a damaged one is corrupt."""
    path = tmp_path / "run.jsonl"
    ledger = MemoryLedger(
        Header(scenario_sha256="", seed=1, version="9.0", rules="1", format="mutualize-ledger/2")
    )
    for entries in transactions():
        ledger.append(entries)
    ledger.seal("0" * 64)
    path.write_bytes(ledger.data)
    for reader in (verify, verify_deep, read_header, lambda path: list(read(path))):
        with pytest.raises(
            MutualizeError, match=r"'mutualize-ledger/2'.* Use mutualize 9\.0 or newer"
        ) as caught:
            reader(path)
        assert caught.value.code == Exit.USAGE
    path.write_bytes(ledger.data.replace(b'"count":"5"', b'"count":"6"'))
    assert verify(path).condition is Condition.CORRUPT


@pytest.mark.parametrize(
    "content", [b"# a text\n", b"{}\n", b'{"format":"mutualize-ledger/1"}\n', b"x" * 70_000]
)
def test_a_file_that_is_no_ledger_is_told_so(tmp_path: Path, content: bytes) -> None:
    """Any other file is corrupt from its first line on, whatever it is."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    assert (verify(path).condition, verify(path).header) == (Condition.CORRUPT, None)
    assert "The first line is no header of a ledger." in str(verify(path))
    with pytest.raises(MutualizeError, match="no header of a ledger") as caught:
        read_header(path)
    assert caught.value.code == Exit.CORRUPT


def test_a_header_says_everything_that_it_should() -> None:
    """A header with another field, an odd seed or a number is none, even if all else fits."""
    for old, new in (
        (b'"seed":"42"', b'"seed":"4_2"'),
        (b'"rules":"1"', b'"rules":1'),
        (b"}", b',"zeal":""}'),
    ):
        assert judge(HEAD.replace(old, new)).header is None


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A missing ledger and a folder have exit codes of their own."""
    with pytest.raises(MutualizeError, match="does not exist") as missing:
        verify(tmp_path / "none.jsonl")
    with pytest.raises(MutualizeError, match="cannot be read") as folder:
        verify(tmp_path)
    assert (missing.value.code, folder.value.code) == (Exit.MISSING, Exit.IO)
