"""Where two ledgers part, in words: the first event that differs, and the chain of what led to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from ledger_samples import sample
from test_ledger_compare import OTHER, written

import mutualize
from mutualize.events import RefusalsCounted
from mutualize.ledger import header
from mutualize.ledger_audit import chain_of_causes
from mutualize.report.difference import first_difference


@pytest.mark.parametrize("seq", range(0, 100, 7))
def test_a_chain_of_causes_ends_where_nothing_led_to_it(tmp_path: Path, seq: int) -> None:
    """An entry, its cause, the cause's cause: each as the ledger has it, down to the first of all."""
    entries = sample().entries
    expected, wanted = [], seq
    while True:
        expected.append(entries[wanted])
        cause = entries[wanted].cause
        if cause is None:
            break
        wanted = cause
    assert chain_of_causes(written(tmp_path / "a"), seq) == expected


@pytest.mark.parametrize("seq", [100, 10**9, -1])
def test_there_is_no_chain_of_an_entry_that_is_not_there(tmp_path: Path, seq: int) -> None:
    """A seq outside of the ledger is told as such."""
    with pytest.raises(ValueError, match="there is no event"):
        chain_of_causes(written(tmp_path / "a"), seq)


def test_a_cause_that_follows_its_effect_ends_in_an_error(tmp_path: Path) -> None:
    """A ledger whose causes run in a circle is no reason to run in one."""
    path = written(tmp_path / "a", change=lambda e: attrs.evolve(e, cause=5) if e.seq == 5 else e)
    with pytest.raises(ValueError, match="there is no event 5 before this one"):
        chain_of_causes(path, 5)


def test_equal_ledgers_leave_nothing_to_say(tmp_path: Path) -> None:
    """Of the same events under the same header there is no line."""
    assert first_difference(written(tmp_path / "a"), written(tmp_path / "b", batch=3)) == []


def test_the_first_difference_is_told_with_what_led_to_it(tmp_path: Path) -> None:
    """The event in both ledgers, the fields that differ, and the causes, the nearest first."""
    entries = sample().entries
    seq = next(entry.seq for entry in entries if entry.seq > 50 and (entry.cause or 0) > 10)
    a = written(tmp_path / "a")
    b = written(tmp_path / "b", change=lambda e: attrs.evolve(e, event=OTHER) if e.seq >= seq else e)
    lines = first_difference(a, b)
    assert lines[0] == f"they part at event {seq}"
    assert lines[1].startswith(f"  was {seq} ")
    assert type(entries[seq].event).__name__ in lines[1]
    assert f"  is  {seq} " in lines[2]
    assert "GasPaid" in lines[2]
    cause = entries[seq].cause
    assert cause is not None
    at = lines.index("because of")
    assert lines[at + 1].startswith(f"  {cause} ")
    assert type(entries[cause].event).__name__ in lines[at + 1]
    assert len(lines) > at + 2


def test_only_what_differs_is_listed(tmp_path: Path) -> None:
    """Of an event with many fields the one that changed is named, before and after."""
    a = written(tmp_path / "a")
    b = written(tmp_path / "b", change=lambda e: attrs.evolve(e, tx=e.tx - 1) if e.seq == 40 else e)
    lines = [line.strip() for line in first_difference(a, b) if "->" in line]
    assert lines == [f"tx: {sample().entries[40].tx} -> {sample().entries[40].tx - 1}"]


def test_another_header_is_told_first(tmp_path: Path) -> None:
    """Ledgers of two scenarios differ in their headers before they differ in any event."""
    other = header("ab" * 32, 43, "0.1.0", "1")
    a, b = written(tmp_path / "a"), written(tmp_path / "b", described=other)
    lines = first_difference(a, b)
    assert lines[0].startswith("the header's scenario_sha256 was 5c5c")
    assert "the header's seed was 42 and is 43" in lines
    assert lines[-1] == "all events are the same"


def test_a_ledger_that_ends_early_is_told(tmp_path: Path) -> None:
    """Where one ledger has ended, the other's next event is the difference."""
    lines = first_difference(written(tmp_path / "a", rounds=5), written(tmp_path / "b"))
    assert lines[0] == "they part at event 50"
    assert lines[1] == "  was nothing: the ledger ends before"


def test_a_long_chain_is_cut_in_the_middle(tmp_path: Path) -> None:
    """Of many causes the nearest and the first of all are shown, and how many stand between."""
    a = written(tmp_path / "a", change=lambda e: attrs.evolve(e, cause=e.seq - 1 if e.seq else None))
    b = written(
        tmp_path / "b",
        change=lambda e: attrs.evolve(
            e, cause=e.seq - 1 if e.seq else None, event=OTHER if e.seq == 99 else e.event
        ),
    )
    lines = first_difference(a, b)
    assert "  … 87 more …" in lines
    assert lines[-1].startswith("  0 ")
    assert len(lines) < 60


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """What stands in a ledger is shown without control characters, and cut where it is endless."""
    hostile = RefusalsCounted(reason="\x1b[2J\u202e" + "x" * 5_000, count=1)
    b = written(tmp_path / "b", change=lambda e: attrs.evolve(e, event=hostile) if e.seq == 9 else e)
    lines = first_difference(written(tmp_path / "a"), b)
    assert all(line.isprintable() and len(line) < 2_000 for line in lines)


# --- by the command line ---------------------------------------------------------------------------------


def check(*options: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `mutualize check three-tiers` with these options."""
    command = [sys.executable, "-m", "mutualize", "check", "three-tiers", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_check_compares_with_an_older_ledger(tmp_path: Path) -> None:
    """A run whose older ledger is at hand is compared with it: the same events, and all is well."""
    mutualize.run("three-tiers", out=tmp_path / "old")
    done = check("--against", tmp_path / "old")
    assert done.returncode == 0, done.stderr
    assert "same" in done.stdout


def test_check_shows_where_a_run_parts_from_its_golden_digest(tmp_path: Path) -> None:
    """With a golden digest and its ledger the first event that differs is printed, and what led to it."""
    old = mutualize.run("three-tiers", set={"liquidators[0].min_profit": "2"}, out=tmp_path / "old")
    golden = tmp_path / "golden.txt"
    golden.write_text(f"three-tiers {old.digest}\n")
    done = check("--golden", golden, "--against", tmp_path / "old" / "ledger.jsonl")
    assert done.returncode == 1, done.stderr
    assert "the header's scenario_sha256 was" in done.stdout
    assert "they part at event" in done.stdout
    assert "because of" in done.stdout
    found: dict[str, Any] = json.loads(
        check("--golden", golden, "--against", tmp_path / "old", "--json").stdout
    )
    rows = {row["run"]: row["difference"] for row in found["runs"]}
    assert rows["three-tiers"][-2] == "because of"
    assert rows["three-tiers/par"] == []


def test_a_torn_ledger_is_nothing_to_compare_with(tmp_path: Path) -> None:
    """What is not whole is refused by the exit code that says in which way."""
    mutualize.run("three-tiers", out=tmp_path / "old")
    file = tmp_path / "old" / "ledger.jsonl"
    file.write_bytes(file.read_bytes()[:-5])
    done = check("--against", file)
    assert done.returncode in {6, 7}
    assert "is no ledger to compare with" in done.stderr
    assert check("--against", tmp_path / "nothing").returncode == 4
