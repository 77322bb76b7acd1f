"""What it costs to write, to check and to fold ten thousand events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_samples import HEADER, transactions

from mutualize import verify_ledger
from mutualize.book import Book, replay
from mutualize.events import Entry
from mutualize.ledger import FileLedger, Ledger, MemoryLedger
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import read, verify

ROUNDS = 1_000
EVENTS = 10_000
BATCHES = 10
DIGEST = "426badaa4ceaefe8bb8c79574f8c37e3c43bd4b255377f282fb0cbf6c66a3e14"
STATE = "1fd3b70affa2e71c482b9953a9a3fc95f2acdf91c5be8155bf0916f27346ae37"


@pytest.fixture(scope="module")
def written() -> list[tuple[Entry, ...]]:
    """Return the transactions of an invented run."""
    return list(transactions(ROUNDS))


@pytest.fixture(scope="module")
def entries(written: list[tuple[Entry, ...]]) -> list[Entry]:
    """Return its entries."""
    return [entry for transaction in written for entry in transaction]


@pytest.fixture(scope="module")
def sealed(written: list[tuple[Entry, ...]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return its ledger, sealed."""
    path = tmp_path_factory.mktemp("ledger") / "run.jsonl"
    assert fill(FileLedger(path, HEADER), written) == DIGEST
    return path


def fill(ledger: Ledger, written: list[tuple[Entry, ...]]) -> str:
    """Write all transactions and seal the ledger; return its digest."""
    for transaction in written:
        if ledger.append(transaction):
            ledger.close_batch()
    return ledger.seal(STATE)


def note(benchmark: Any, events: int = EVENTS, digest: str = DIGEST) -> None:
    """Keep beside the figures what was done, and how much of it in a second."""
    benchmark.extra_info.update(events=events, digest=digest)
    if benchmark.stats:  # there are none where benchmarks are only run as tests
        benchmark.extra_info["events_per_s"] = round(events / benchmark.stats.stats.min)


def test_append_in_memory(benchmark: Any, written: list[tuple[Entry, ...]]) -> None:
    """Encode and chain every transaction."""
    digest = benchmark(lambda: fill(MemoryLedger(HEADER), written))
    assert digest == DIGEST
    note(benchmark)


def test_append_to_a_file(benchmark: Any, written: list[tuple[Entry, ...]], tmp_path: Path) -> None:
    """Encode, chain and write every transaction, and flush the seal to the disk."""
    names: Iterator[int] = iter(range(1_000_000))
    digest = benchmark(lambda: fill(FileLedger(tmp_path / f"{next(names)}.jsonl", HEADER), written))
    assert digest == DIGEST
    note(benchmark)


def test_verify(benchmark: Any, sealed: Path) -> None:
    """Check chain and seal."""
    verdict = benchmark(verify, sealed)
    assert (verdict.events, verdict.batches, verdict.root) == (EVENTS, BATCHES, DIGEST)
    note(benchmark)


def test_verify_deep(benchmark: Any, sealed: Path) -> None:
    """Decode, encode again, fold, and compare every line."""
    verdict = benchmark(verify_deep, sealed)
    assert (verdict.events, verdict.batches, verdict.root) == (EVENTS, BATCHES, DIGEST)
    note(benchmark)


def test_verify_with_the_standard_library(benchmark: Any, sealed: Path) -> None:
    """Check the file with the verifier that imports nothing of ours."""

    def check() -> tuple[int, str]:
        with sealed.open("rb") as file:
            return verify_ledger.check(file)

    code, words = benchmark(check)
    assert code == 0, words
    note(benchmark)


def test_read(benchmark: Any, sealed: Path, entries: list[Entry]) -> None:
    """Decode every line."""
    found = benchmark(lambda: list(read(sealed)))
    assert len(found) == EVENTS
    assert found[-1].event == entries[-1].event
    note(benchmark)


def test_apply(benchmark: Any, entries: list[Entry]) -> None:
    """Fold entries into a book."""
    book: Book = benchmark(replay, entries)
    assert book.seq == EVENTS
    assert book.digest() == STATE
    note(benchmark)
