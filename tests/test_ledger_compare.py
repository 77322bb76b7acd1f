"""Where two ledgers part: the first entry that differs, found by bisection along the chain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from ledger_samples import HEADER, sample, transactions

from mutualize.events import Entry, GasPaid, gas
from mutualize.ledger import FileLedger, Header, header
from mutualize.ledger_audit import find_first_difference

OTHER = GasPaid(transfers=gas("somebody", "ETH", 1))


def written(
    path: Path,
    *,
    rounds: int = 10,
    change: Callable[[Entry], Entry] = lambda entry: entry,
    described: Header = HEADER,
    batch: int = 4,
) -> Path:
    """Write a ledger whose entries went through `change`, with so many transactions to a batch."""
    with FileLedger(path, described, force=True) as ledger:
        for number, entries in enumerate(transactions(rounds), 1):
            ledger.append([change(entry) for entry in entries])
            if number % batch == 0:
                ledger.close_batch()
        ledger.seal("0" * 64)
    return path


def test_equal_ledgers_do_not_differ(tmp_path: Path) -> None:
    """Two runs with one digest have no first difference."""
    assert find_first_difference(written(tmp_path / "a"), written(tmp_path / "b")) is None


def test_other_batches_are_no_difference(tmp_path: Path) -> None:
    """The same events in other batches have another digest, and are the same events."""
    assert find_first_difference(written(tmp_path / "a"), written(tmp_path / "b", batch=3)) is None


@pytest.mark.parametrize("seq", range(100))
def test_the_first_of_many_differences_is_found(tmp_path: Path, seq: int) -> None:
    """From one event on everything differs: that one is named, with what each ledger says."""
    a = written(tmp_path / "a")
    b = written(tmp_path / "b", change=lambda e: attrs.evolve(e, event=OTHER) if e.seq >= seq else e)
    found = find_first_difference(a, b)
    assert found is not None
    assert (found.seq, found.headers) == (seq, None)
    assert found.left == sample().entries[seq]
    assert found.right is not None
    assert found.right.event == OTHER


def test_a_difference_in_a_long_ledger_is_found(tmp_path: Path) -> None:
    """In a long ledger, read in several pieces, the one entry that differs is found."""
    a = written(tmp_path / "a", rounds=3_000, batch=40)
    b = written(
        tmp_path / "b",
        rounds=3_000,
        batch=40,
        change=lambda e: attrs.evolve(e, event=OTHER) if e.seq == 20_001 else e,
    )
    found = find_first_difference(a, b)
    assert found is not None
    assert found.seq == 20_001


def test_a_shorter_ledger_ends_first(tmp_path: Path) -> None:
    """Where one ledger has ended, the other's next entry is the difference."""
    a, b = written(tmp_path / "a", rounds=4), written(tmp_path / "b", rounds=5)
    found = find_first_difference(a, b)
    assert found is not None
    assert (found.seq, found.left) == (40, None)
    turned = find_first_difference(b, a)
    assert turned is not None
    assert (turned.seq, turned.right) == (40, None)


def test_headers_that_differ_are_told_beside_the_entries(tmp_path: Path) -> None:
    """Another seed makes another header, and the first entry that it changed is found all the same."""
    other = header("5c" * 32, 43, "0.1.0", "1")
    a, same = written(tmp_path / "a"), written(tmp_path / "b", described=other)
    found = find_first_difference(a, same)
    assert found is not None
    assert (found.headers, found.seq) == ((HEADER, other), None)
    changed = written(
        tmp_path / "b", described=other, change=lambda e: attrs.evolve(e, event=OTHER) if e.seq == 55 else e
    )
    found = find_first_difference(a, changed)
    assert found is not None
    assert (found.headers, found.seq) == ((HEADER, other), 55)
