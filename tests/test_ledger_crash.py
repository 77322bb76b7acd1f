"""A writer that is killed at any moment loses nothing that it had acknowledged."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import ledger_samples
import pytest
from ledger_samples import transactions

from mutualize.ledger_reader import Condition, read, verify

WRITER = """
import os, sys
sys.path.insert(0, sys.argv[2])
from ledger_samples import *
from mutualize.ledger import FileLedger
ledger = FileLedger(sys.argv[1], HEADER)
for number, entries in enumerate(transactions(1_000_000)):
    ledger.append(entries)
    if number % 7 == 0:
        ledger.close_batch()
        os.write(1, b"%d\\n" % ledger.durable_seq)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("moment", range(6))
def test_a_kill_loses_no_acknowledged_event(tmp_path: Path, moment: int) -> None:
    """What the writer said was durable before SIGKILL struck can be read, entry for entry."""
    path = tmp_path / "run.jsonl"
    folder = str(Path(ledger_samples.__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), folder], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        with contextlib.suppress(subprocess.TimeoutExpired):
            writer.wait(0.003 * moment**2)  # the pipe may fill up meanwhile: the writer then waits, not we
        writer.kill()
        lines += writer.stdout.readlines()
    acknowledged = int([line for line in lines if line.endswith(b"\n")][-1])
    verdict = verify(path)
    assert verdict.condition in {Condition.UNSEALED, Condition.TORN}
    assert verdict.events >= acknowledged > 0
    entries = list(read(path))
    assert len(entries) == verdict.events
    expected = (entry for transaction in transactions(1_000_000) for entry in transaction)
    assert all(entry == next(expected) for entry in entries)
