"""A ledger as a file: streamed, locked, refused where one exists, and met by a disk that is full."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ledger_samples
import pytest
from ledger_samples import HEADER, sample, transactions, write

from mutualize.book import Book
from mutualize.errors import Exit, MutualizeError
from mutualize.ledger import FileLedger
from mutualize.ledger_reader import Condition, read, verify


def test_the_first_batch_is_on_disk_before_the_second_begins(tmp_path: Path) -> None:
    """A ledger is streamed: readers see what was committed, and nothing else, while the run goes on."""
    path = tmp_path / "run.jsonl"
    with FileLedger(path, HEADER) as ledger:
        assert verify(path).condition is Condition.UNSEALED
        for number, entries in enumerate(transactions(), 1):
            ledger.append(entries)
            if number % 5 == 0:
                ledger.close_batch()
            assert len(list(read(path))) == ledger.durable_seq == verify(path).events
        assert verify(path).condition is Condition.UNSEALED


def test_a_reader_is_not_disturbed_by_what_is_written_meanwhile(tmp_path: Path) -> None:
    """A reader that began before a batch was committed ends as if it had not been, or reads it too."""
    path = tmp_path / "run.jsonl"
    steps = transactions()
    with FileLedger(path, HEADER) as ledger:
        ledger.append(next(steps))
        ledger.close_batch()
        reader = read(path)
        seen = [next(reader)]
        for entries in steps:
            ledger.append(entries)
            ledger.close_batch()
        seen += reader
    assert seen == list(read(path))[: len(seen)]


def test_a_run_that_breaks_off_leaves_an_unsealed_ledger(tmp_path: Path) -> None:
    """When an error ends the run, what was appended is committed, and no seal pretends to an end."""
    path = tmp_path / "run.jsonl"
    first, *_ = transactions()

    def break_off() -> None:
        with FileLedger(path, HEADER) as ledger:
            ledger.append(first)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    verdict = verify(path)
    assert (verdict.condition, verdict.events) == (Condition.UNSEALED, 1)


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    """A second run to the same place ends before it begins, and leaves the first one's ledger alone."""
    path = tmp_path / "run.jsonl"
    with FileLedger(path, HEADER) as ledger:
        write(ledger)
    before = path.read_bytes()
    with pytest.raises(MutualizeError, match=r"run\.jsonl: exists already\. .* --force\.$") as caught:
        FileLedger(path, HEADER)
    assert caught.value.code == Exit.IO
    assert path.read_bytes() == before


def test_force_replaces_a_finished_ledger_at_once(tmp_path: Path) -> None:
    """With force the new ledger stands in the old one's place from its first line on."""
    path = tmp_path / "run.jsonl"
    path.write_text("what was there\n")
    with path.open("rb") as reader:
        ledger = FileLedger(path, HEADER, force=True)
        assert path.read_bytes() == HEADER.line()
        assert reader.read() == b"what was there\n"
    write(ledger)
    assert path.read_bytes() == sample().data
    assert [each.name for each in tmp_path.iterdir()] == ["run.jsonl"]
    FileLedger(tmp_path / "new.jsonl", HEADER, force=True).close()


@pytest.mark.parametrize("force", [False, True])
def test_a_ledger_that_is_being_written_is_never_replaced(tmp_path: Path, force: bool) -> None:
    """A second writer is refused at once, in this process as in another, with force or without."""
    path = tmp_path / "run.jsonl"
    with FileLedger(path, HEADER) as ledger:
        with pytest.raises(MutualizeError, match="is being written by another run") as caught:
            FileLedger(path, HEADER, force=force)
        assert caught.value.code == Exit.IO
        other = f"""
from mutualize.ledger import *
try:
    FileLedger({str(path)!r}, header("", 0, "", ""), force={force})
except MutualizeError as error:
    raise SystemExit(error.code)
"""
        assert subprocess.run([sys.executable, "-c", other], check=False).returncode == 74
        write(ledger)
    assert path.read_bytes() == sample().data


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder that is missing, or that stands in the file's place, is an I/O error with its path."""
    for path, force in ((tmp_path / "none" / "run.jsonl", False), (tmp_path, True)):
        with pytest.raises(MutualizeError, match="cannot be created") as caught:
            FileLedger(path, HEADER, force=force)
        assert (caught.value.place, caught.value.code) == (str(path), Exit.IO)


class Disk(io.FileIO):
    """A disk that takes at most `stride` bytes at a time, and `room` bytes in all."""

    stride = 1 << 30
    room = 1 << 30
    interrupt = False

    def write(self, data: Any) -> int:
        if self.interrupt:
            super().write(bytes(data)[:10])
            self.interrupt = False
            raise KeyboardInterrupt
        taken = min(len(data), self.stride, self.room - self.tell())
        if not taken:
            raise OSError(28, "No space left on device")
        return super().write(bytes(data)[:taken])


def on_disk(path: Path, **limits: Any) -> FileLedger:
    """Return a ledger that writes to such a disk."""
    ledger = FileLedger(path, HEADER)
    ledger._file.close()
    ledger._file = disk = Disk(path, "r+")
    for name, value in limits.items():
        setattr(disk, name, value)
    return ledger


def test_a_disk_that_takes_little_at_a_time_gets_everything(tmp_path: Path) -> None:
    """A write that was cut short is gone on with."""
    with on_disk(tmp_path / "run.jsonl", stride=97) as ledger:
        write(ledger)
    assert (tmp_path / "run.jsonl").read_bytes() == sample().data


def test_a_write_that_was_interrupted_is_repeated_in_its_place(tmp_path: Path) -> None:
    """An exception from a signal's handler in the middle of a write leaves no bytes twice."""
    with on_disk(tmp_path / "run.jsonl", interrupt=True) as ledger:
        steps = transactions()
        ledger.append(next(steps))
        with pytest.raises(KeyboardInterrupt):
            ledger.close_batch()
        assert (ledger.durable_seq, verify(ledger.path).events) == (0, 0)
        ledger.seal(Book().digest(), "interrupted")
    verdict = verify(tmp_path / "run.jsonl")
    assert (verdict.condition, verdict.events, verdict.status) == (Condition.SEALED, 1, "interrupted")


@pytest.mark.parametrize("room", range(len(HEADER.line()), len(sample().data), 1_009))
def test_a_full_disk_leaves_what_was_acknowledged(tmp_path: Path, room: int) -> None:
    """When the disk is full the run ends with an error, and all acknowledged events can be read."""
    path = tmp_path / "run.jsonl"
    ledger = on_disk(path, room=room)
    with pytest.raises(MutualizeError, match=r"cannot be written \([\d,]+ bytes\): No space left") as caught:
        write(ledger)
    assert caught.value.code == Exit.IO
    with pytest.raises(MutualizeError, match="failed or was closed before"):
        ledger.seal("", "failed")
    ledger.close()
    assert len(list(read(path))) == ledger.durable_seq
    assert verify(path).condition in {Condition.TORN, Condition.UNSEALED}
    assert path.read_bytes() == sample().data[:room]


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is one of Unix")
def test_a_limit_of_the_system_is_met_like_a_full_disk(tmp_path: Path) -> None:
    """With a real limit on the size of files, a real short write and a real error leave a readable prefix."""
    path = tmp_path / "run.jsonl"
    script = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(ledger_samples.__file__).parent)!r})
from ledger_samples import *
from mutualize.ledger import FileLedger
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
ledger = FileLedger({str(path)!r}, HEADER)
try:
    write(ledger)
except Exception as error:
    print(error.code, ledger.durable_seq)
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    code, durable = map(int, done.stdout.split())
    verdict = verify(path)
    assert (code, verdict.condition, verdict.events) == (74, Condition.TORN, durable)
    assert durable > 0
    assert path.stat().st_size == 20_000


def test_a_flush_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk does not confirm the seal, the run fails: it is not tried again."""

    def refuse(_: int) -> None:
        raise OSError(5, "Input/output error")

    ledger = FileLedger(tmp_path / "run.jsonl", HEADER)
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(MutualizeError, match="Input/output error") as caught:
        write(ledger)
    assert caught.value.code == Exit.IO
    ledger.close()
