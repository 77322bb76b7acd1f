"""Writing a ledger: what is written, in which batches, and what is acknowledged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ledger_samples import HEADER, sample, transactions, write

from mutualize.book import Book, View, replay
from mutualize.commands import Command, PayGas
from mutualize.errors import Exit, Reason, Refused
from mutualize.events import Entry, Event, GasPaid, RefusalsCounted, gas
from mutualize.ledger import BATCH_EVENTS, FileLedger, MemoryLedger, header
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import Condition, read, read_header, verify
from mutualize.protocol import Protocol


class Miners:
    """A venue that takes gas from everybody but the poor."""

    name = "miners"

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Decide PayGas: as many events as it pays units; refused for 'poor' and for 'halted'."""
        assert isinstance(command, PayGas)
        if command.account == "poor":
            raise Refused(Reason.PURSE_IS_EMPTY)
        if command.account == "halted":
            raise Refused(Reason.MARKET_IS_HALTED)
        return [GasPaid(transfers=gas(command.account, "ETH", 1))] * command.amount


def pay(protocol: Protocol, account: str, events: int, at: int) -> None:
    """Submit a transaction that gives so many events."""
    protocol.submit(PayGas(venue="miners", account=account, asset="ETH", amount=events), at=at)


def batches(data: bytes) -> list[tuple[int, list[str]]]:
    """Return (events, kinds) of each batch, as a reader with nothing but JSON sees them."""
    found: list[tuple[int, list[str]]] = []
    kinds: list[str] = []
    for line in data.splitlines()[1:-1]:
        fields = json.loads(line)
        if "blk" in fields:
            found.append((fields["n"], kinds))
            kinds = []
        else:
            kinds.append(fields["kind"])
    return found


# --- what is written --------------------------------------------------------------------------------------


def test_a_file_holds_the_bytes_of_the_memory(tmp_path: Path) -> None:
    """Both writers give the same bytes, the same digest and the same entries."""
    path = tmp_path / "run.jsonl"
    with FileLedger(path, HEADER) as ledger:
        write(ledger)
    memory = sample()
    assert path.read_bytes() == memory.data
    assert ledger.digest == memory.digest
    assert list(read(path)) == memory.entries == [entry for tx in transactions() for entry in tx]
    assert read_header(path) == HEADER


def test_the_chain_is_what_the_format_says() -> None:
    """Each h is the SHA-256 of the one before it and the body, the first that of header and body."""
    lines = sample().data.splitlines(keepends=True)
    before, body, seen = lines[0], b"", 0
    for line in lines[1:-1]:
        if not line.startswith(b'{"blk":'):
            body += line
            continue
        digest = hashlib.sha256(before + body)
        count = body.count(b"\n")
        assert line == b'{"blk":%d,"h":"%s","len":%d,"n":%d}\n' % (
            seen, digest.hexdigest().encode(), len(body), count
        )  # fmt: skip
        before, body, seen = digest.digest(), b"", seen + 1
    seal = json.loads(lines[-1])
    assert (seal["root"], seal["seal"], seal["status"]) == (before.hex(), seen, "complete")
    assert seal["sum"] == hashlib.sha256(lines[-1].partition(b',"sum"')[0]).hexdigest()
    assert sample().digest == seal["root"]


def test_a_run_in_which_nothing_happened(tmp_path: Path) -> None:
    """Without an event there is no batch; the root is the SHA-256 of the header line."""
    with FileLedger(tmp_path / "empty.jsonl", HEADER) as ledger:
        digest = ledger.seal(Book().digest())
    assert digest == hashlib.sha256(HEADER.line()).hexdigest()
    verdict = verify_deep(tmp_path / "empty.jsonl")
    assert (verdict.condition, verdict.events, verdict.batches) == (Condition.SEALED, 0, 0)
    assert list(read(tmp_path / "empty.jsonl")) == []


def test_the_header_describes_the_run_and_nothing_else() -> None:
    """Scenario, seed, version and rules make the digest; a seed is text, so that it may be of any size."""
    line = header("ab" * 32, 2**80, "1.2.3", "7").line()
    assert line == (
        b'{"format":"mutualize-ledger/1","rules":"7","scenario_sha256":"%s","seed":"1208925819614629174706176",'
        b'"version":"1.2.3"}\n' % (b"ab" * 32)
    )


@pytest.mark.parametrize("status", ["complete", "interrupted", "failed"])
def test_a_seal_says_how_the_run_ended(tmp_path: Path, status: str) -> None:
    """An interrupted run is sealed as such: its ledger is whole."""
    with FileLedger(tmp_path / "run.jsonl", HEADER) as ledger:
        write(ledger, seal=False)
        ledger.seal("0" * 64, status)
    verdict = verify(tmp_path / "run.jsonl")
    assert (verdict.condition, verdict.status, verdict.code) == (Condition.SEALED, status, Exit.OK)


def test_a_ledger_is_sealed_once() -> None:
    """After the seal nothing is taken; before it there is no digest; no status is invented."""
    ledger = MemoryLedger(HEADER)
    with pytest.raises(ValueError, match="no digest before it is sealed"):
        _ = ledger.digest
    with pytest.raises(ValueError, match="sealed once, as one of complete, interrupted, failed"):
        ledger.seal("", "happy")
    write(ledger)
    with pytest.raises(ValueError, match="the ledger is sealed"):
        ledger.append([])
    with pytest.raises(ValueError, match="sealed once"):
        ledger.seal("")


def test_entries_follow_each_other() -> None:
    """A transaction that leaves a gap, or that cannot be encoded, is not taken at all."""
    first, second, *_ = transactions()
    ledger = MemoryLedger(HEADER)
    with pytest.raises(ValueError, match="entry 1 does not follow entry -1"):
        ledger.append(second)
    ledger.append(first)
    broken: Any = 0.5
    with pytest.raises(ValueError, match=r"^GasPaid: "):
        ledger.append([*second, Entry(3, 0, 1, None, GasPaid(transfers=gas("a", "b", broken)))])
    ledger.append(second)
    assert ledger.entries == [*first, *second]


# --- batches ----------------------------------------------------------------------------------------------


def test_a_batch_is_closed_by_the_transaction_that_fills_it() -> None:
    """A batch holds at least a thousand events, and never splits a transaction."""
    protocol = Protocol([Miners()], journal := MemoryLedger(HEADER))
    pay(protocol, "rich", BATCH_EVENTS - 1, at=1)
    assert journal.durable_seq == 0
    pay(protocol, "rich", 7, at=2)
    assert journal.durable_seq == BATCH_EVENTS + 6
    pay(protocol, "rich", 3, at=3)
    assert journal.durable_seq == BATCH_EVENTS + 6
    protocol.seal(at=4)
    assert journal.durable_seq == BATCH_EVENTS + 9
    assert [n for n, _ in batches(journal.data)] == [BATCH_EVENTS + 6, 3]


def test_refusals_are_counted_into_the_batch() -> None:
    """What was refused for nothing stands in the file, by reason, in a transaction before the commit line."""
    protocol = Protocol([Miners()], journal := MemoryLedger(HEADER))
    seen: list[Entry] = []
    protocol.observe(seen.append)
    for account in ("poor", "halted", "poor"):
        pay(protocol, account, 1, at=1)
    assert protocol.refusals == {"PURSE_IS_EMPTY": 2, "MARKET_IS_HALTED": 1}
    pay(protocol, "rich", BATCH_EVENTS, at=2)
    pay(protocol, "poor", 1, at=3)
    protocol.seal(at=4)

    counted = [entry for entry in seen if isinstance(entry.event, RefusalsCounted)]
    assert [(entry.seq, entry.at, entry.tx, entry.event) for entry in counted] == [
        (1000, 2, 1000, RefusalsCounted(reason="MARKET_IS_HALTED", count=1)),
        (1001, 2, 1000, RefusalsCounted(reason="PURSE_IS_EMPTY", count=2)),
        (1002, 4, 1002, RefusalsCounted(reason="PURSE_IS_EMPTY", count=1)),
    ]
    assert [(n, kinds[-2:]) for n, kinds in batches(journal.data)] == [
        (1002, ["RefusalsCounted", "RefusalsCounted"]),
        (1, ["RefusalsCounted"]),
    ]
    assert not protocol.refusals
    assert seen == journal.entries
    assert replay(journal.entries) == protocol.book


def test_the_receipt_is_that_of_the_submission() -> None:
    """The counts that go with a full batch are nobody's receipt."""
    protocol = Protocol([Miners()], MemoryLedger(HEADER))
    pay(protocol, "poor", 1, at=1)
    command = PayGas(venue="miners", account="rich", asset="ETH", amount=BATCH_EVENTS)
    receipt = protocol.submit(command, at=2)
    assert receipt.seq == BATCH_EVENTS - 1
    assert protocol.book.seq == BATCH_EVENTS + 1
