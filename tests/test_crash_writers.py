"""One writer at a time, readers at any time, and at every signal a sealed ledger and a line."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ledger_samples import HEADER, batch_ends, sample, write
from test_cli import SMALL, call

from mutualize import locked_file
from mutualize.errors import Exit, MutualizeError
from mutualize.ledger import FileLedger
from mutualize.ledger_reader import Condition, read, verify
from mutualize.ledger_repair import repair, salvage
from mutualize.run import resume, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="locks and signals of Unix"),
]

# --- two writers -----------------------------------------------------------------------------------------

WAITING = """
import sys
import mutualize.ledger
from mutualize.cli import main
mutualize.ledger.BATCH_EVENTS = 20
append = mutualize.ledger.Ledger.append
def appended(ledger, entries):
    is_full = append(ledger, entries)
    if entries[0].seq <= 100 <= entries[-1].seq:
        print("waiting", file=sys.stderr, flush=True)
        sys.stdin.readline()
    return is_full
mutualize.ledger.Ledger.append = appended
main(sys.argv[1:])
"""


@contextmanager
def waiting(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process of its own, which waits behind its hundredth event until it is told."""
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", WAITING, *words], text=True, **pipes) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting\n"
        yield process
        process.communicate("go on\n")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the ledger of a run that was alone."""
    place = tmp_path_factory.mktemp("whole") / "run"
    with waiting("run", SMALL, "--out", str(place)):
        pass
    return (place / "ledger.jsonl").read_bytes()


def test_a_second_writer_is_refused_whatever_it_wants(whole: bytes, tmp_path: Path) -> None:
    """While a run writes, another one, by force or not, a resume and a repair end with 74."""
    place = str(tmp_path / "run")
    with waiting("run", SMALL, "--out", place) as process:
        for words in (
            ["run", SMALL, "--out", place, "--force"],
            ["resume", place],
            ["repair", place],
        ):
            assert "is being written by another run." in call(*words, code=74).stderr
        assert "exists already" in call("run", SMALL, "--out", place, code=74).stderr
        assert call("verify", place, code=7).stdout.startswith("unsealed: ")
    assert process.returncode == 0
    assert (tmp_path / "run" / "ledger.jsonl").read_bytes() == whole


def test_a_resumed_run_is_a_writer_like_any_other(whole: bytes, tmp_path: Path) -> None:
    """While one resumes, also while it proves the past, nobody else may write."""
    place = str(tmp_path / "run")
    with waiting("run", SMALL, "--out", place):
        pass
    for torn in (batch_ends(whole)[2] + 30, len(whole) - 500):
        (tmp_path / "run" / "ledger.jsonl").write_bytes(whole[:torn])
        with waiting("resume", place) as process:
            for words in (["run", SMALL, "--out", place, "--force"], ["resume", place], ["repair", place]):
                assert "is being written by another run." in call(*words, code=74).stderr
        assert process.returncode == 0
        assert (tmp_path / "run" / "ledger.jsonl").read_bytes() == whole


def test_readers_see_whole_batches_only(whole: bytes, tmp_path: Path) -> None:
    """What a reader sees of a run that goes on ends with a batch, however much is waiting to be written."""
    with waiting("run", SMALL, "--out", str(tmp_path / "run")):
        ledger = tmp_path / "run" / "ledger.jsonl"
        seen = ledger.read_bytes()
        assert whole.startswith(seen)
        assert len(seen) in batch_ends(whole)
        entries = list(read(ledger))
        assert len(entries) == verify(ledger).events <= 100


def test_who_was_replaced_before_he_got_his_lock_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making a file and locking it another run may take its place: the first is refused then."""
    path = tmp_path / "run.jsonl"
    take, others = locked_file._take_lock, []

    def late(file: io.FileIO, *, wait: bool) -> bool:
        monkeypatch.setattr(locked_file, "_take_lock", take)
        others.append(FileLedger(path, HEADER, force=True))
        return take(file, wait=wait)

    monkeypatch.setattr(locked_file, "_take_lock", late)
    with pytest.raises(MutualizeError, match="is being written by another run") as caught:
        FileLedger(path, HEADER)
    assert caught.value.code is Exit.IO
    (other,) = others
    write(other)
    assert path.read_bytes() == sample().data


def test_the_lock_of_a_file_that_was_replaced_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who locks the old file when its writer has replaced it is refused by the new one's lock."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(sample().data)
    take, others = locked_file._take_lock, []

    def late(file: io.FileIO, *, wait: bool) -> bool:
        monkeypatch.setattr(locked_file, "_take_lock", take)
        others.append(FileLedger(path, HEADER, force=True))
        return take(file, wait=wait)

    monkeypatch.setattr(locked_file, "_take_lock", late)
    with pytest.raises(MutualizeError, match="is being written by another run"):
        FileLedger(path, HEADER, force=True)
    (other,) = others
    for attempt in (lambda: repair(path), lambda: salvage(path, tmp_path / "other.jsonl")):
        with pytest.raises(MutualizeError, match="is being written by another run"):
            attempt()
    write(other)
    assert path.read_bytes() == sample().data


def test_a_file_that_could_not_be_begun_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that does not even take the header leaves no file in the way of the next attempt."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "run.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(locked_file, "write_at", full)
        for before in (None, b"an older run\n"):
            if before is not None:
                path.write_bytes(before)
            with pytest.raises(MutualizeError, match="cannot be created: No space left") as caught:
                FileLedger(path, HEADER, force=True)
            assert caught.value.code is Exit.IO
            assert [file.name for file in tmp_path.iterdir()] == [path.name] * (before is not None)
    assert path.read_bytes() == b"an older run\n"


def test_a_flush_that_fails_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `durable` a batch that was not flushed is not acknowledged, and nothing is written after it."""
    flushed: list[int] = []

    def refuse(number: int) -> None:
        flushed.append(number)
        if len(flushed) == 5:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)
    ledger = FileLedger(tmp_path / "run.jsonl", HEADER, durable=True)
    assert len(flushed) == 2, "the file and its folder"
    with pytest.raises(MutualizeError, match="Input/output error") as caught:
        write(ledger)
    assert caught.value.code is Exit.IO
    assert ledger.durable_seq == 20
    size = ledger.path.stat().st_size
    with pytest.raises(MutualizeError, match="failed or was closed before"):
        ledger.close_batch()
    ledger.close()
    assert (len(flushed), ledger.path.stat().st_size) == (5, size)


# --- signals, at every stage -----------------------------------------------------------------------------

STRUCK = """
import os, signal, sys
import mutualize.run
from mutualize.cli import main
import mutualize.agents.genesis, mutualize.world
number, stage, words = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
owner, name = {
    "build": (sys.modules["mutualize.run"], "build"),
    "genesis": (mutualize.world.World, "submit"),
    "laws": (sys.modules["mutualize.run"].Lawful, "seal"),
    "ties": (sys.modules["mutualize.run"], "ties_data"),
}[stage]
there, calls = getattr(owner, name), []
def struck(*arguments, **options):
    calls.append(1)
    if len(calls) == (7 if stage == "genesis" else 1):
        os.kill(os.getpid(), number)
    return there(*arguments, **options)
setattr(owner, name, struck)
main(words)
"""
STAGES = {
    "build": ("interrupted", 0),
    "genesis": ("interrupted", 7),
    "laws": ("complete", None),
    "ties": ("complete", None),
}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a run that nobody disturbed."""
    place = tmp_path_factory.mktemp("alone") / "run"
    run(SMALL, out=place)
    return {file.name: file.read_bytes() for file in place.iterdir()}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_every_stage_in_a_line(
    alone: dict[str, bytes], tmp_path: Path, number: int, code: int, stage: str
) -> None:
    """Whenever it comes the ledger is sealed, one line says so, and a resume finishes what was begun."""
    place = tmp_path / "run"
    words = ["run", SMALL, "--shuffle-ties", "1", "--jobs", "1", "--out", str(place)]
    done = subprocess.run(
        [sys.executable, "-c", STRUCK, str(int(number)), stage, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    verdict = verify(place / "ledger.jsonl")
    status, events = STAGES[stage]
    assert (verdict.condition, verdict.status) == (Condition.SEALED, status)
    assert events is None or verdict.events == events
    assert (resume(place) is None) is (status == "complete")
    assert {file.name: file.read_bytes() for file in place.iterdir()} == alone


def test_durable_wants_a_ledger() -> None:
    """There is nothing to flush where nothing is written."""
    assert "--durable: there is no ledger to flush." in call("run", SMALL, "--durable", code=2).stderr


def test_resuming_what_has_ended_says_so(tmp_path: Path) -> None:
    """Nothing to do is no error."""
    place = str(tmp_path / "run")
    call("run", SMALL, "--durable", "--out", place)
    assert call("resume", place).stdout.startswith("nothing to do: ")
    assert '"resumed": false' in call("resume", place, "--json").stdout
    assert "this is not the folder of a run" in call("resume", str(tmp_path), code=4).stderr
