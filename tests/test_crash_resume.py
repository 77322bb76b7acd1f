"""A run that died goes on from its last whole batch, and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ledger_samples import batch_ends

import mutualize.ledger
from mutualize import locked_file
from mutualize.book import Book
from mutualize.encoding import decode
from mutualize.ending import Ending
from mutualize.errors import Exit, MutualizeError
from mutualize.events import Entry
from mutualize.ledger import FileLedger, Ledger, MemoryLedger, header
from mutualize.ledger_reader import Condition, verify
from mutualize.ledger_resume import ResumedLedger
from mutualize.report.folder import Folder
from mutualize.run import Run, resume, run

SMALL = Path(__file__).parent / "small"


class Whole:
    """The files of a run that nothing disturbed, by their names."""

    def __init__(self, place: Path) -> None:
        run(SMALL, out=place)
        self.files = {file.name: file.read_bytes() for file in place.iterdir()}
        self.ledger = self.files["ledger.jsonl"]
        self.ends = batch_ends(self.ledger)

    def lay(self, place: Path, ledger: bytes) -> Path:
        """Lay out what a run leaves that died with this ledger."""
        place.mkdir(parents=True, exist_ok=True)
        (place / "ledger.jsonl").write_bytes(ledger)
        (place / "scenario.toml").write_bytes(self.files["scenario.toml"])
        return place

    def holds(self, place: Path, *others: str) -> bool:
        """Say whether a folder holds the files of the undisturbed run, and these others beside them."""
        found = {file.name: file.read_bytes() for file in place.iterdir()}
        return {**found, **self.files} == found and found.keys() == {*self.files, *others}


@pytest.fixture(scope="module", autouse=True)
def _small_batches() -> Any:
    """Close a batch at five events, so that a small run has many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mutualize.ledger, "BATCH_EVENTS", 5)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Return the undisturbed run."""
    return Whole(tmp_path_factory.mktemp("whole") / "run")


@contextmanager
def interrupt(seq: int, number: int = signal.SIGINT) -> Iterator[None]:
    """Send a signal to this process when a ledger has taken entry `seq`."""
    append = Ledger.append

    def appended(ledger: Ledger, entries: Sequence[Entry]) -> bool:
        is_full = append(ledger, entries)
        if entries[0].seq <= seq <= entries[-1].seq:
            os.kill(os.getpid(), number)
        return is_full

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "append", appended)
        yield


# --- what died -------------------------------------------------------------------------------------------


def test_a_run_resumes_from_behind_every_batch(whole: Whole, tmp_path: Path) -> None:
    """From whole batches, however many, the run goes on in its file, and nothing is kept beside it."""
    assert len(whole.ends) > 30
    for count, end in enumerate(whole.ends[::4]):
        place = whole.lay(tmp_path / str(count), whole.ledger[:end])
        ran = resume(place, durable=bool(count % 2))
        assert ran is not None
        assert ran.ended is Ending.COMPLETE
        assert whole.holds(place)


def test_what_was_torn_off_is_kept(whole: Whole, tmp_path: Path) -> None:
    """Wherever it was torn the run ends in golden bytes, and the torn file is beside it as .broken."""
    for count, (start, end) in enumerate(list(pairwise(whole.ends))[::5]):
        torn = whole.ledger[: (start + end) // 2]
        place = whole.lay(tmp_path / str(count), torn)
        assert resume(place) is not None
        assert whole.holds(place, "ledger.jsonl.broken")
        assert (place / "ledger.jsonl.broken").read_bytes() == torn


@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_ledger_without_a_whole_header_is_begun_again(whole: Whole, tmp_path: Path, size: int) -> None:
    """A run that died while its file was created starts over; there is nothing to keep."""
    place = whole.lay(tmp_path, whole.ledger[:size])
    assert resume(place) is not None
    assert whole.holds(place)


def test_a_torn_ledger_never_replaces_an_older_broken_one(whole: Whole, tmp_path: Path) -> None:
    """The second copy gets a number."""
    for cut in (900, 901):
        whole.lay(tmp_path, whole.ledger[: whole.ends[7] + cut])
        (tmp_path / "summary.json").unlink(missing_ok=True)
        resume(tmp_path)
    assert whole.holds(tmp_path, "ledger.jsonl.broken", "ledger.jsonl.broken-2")


def test_a_run_that_has_ended_is_left_alone(whole: Whole, tmp_path: Path) -> None:
    """Sealed and summarized: nothing to do; where only the summary is missing, it is written."""
    run(SMALL, out=tmp_path)
    before = (tmp_path / "ledger.jsonl").stat()
    assert resume(tmp_path) is None
    (tmp_path / "summary.json").unlink()
    assert resume(tmp_path / "ledger.jsonl") is not None
    assert whole.holds(tmp_path)
    after = (tmp_path / "ledger.jsonl").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_failed_run_fails_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent's own mistake is the end of its run: it is proved like any other."""

    def broken(*_: object) -> None:
        raise RuntimeError("out of ideas")

    monkeypatch.setattr("mutualize.agents.liquidators.Liquidator.run", broken)
    run(SMALL, out=tmp_path)
    before = (tmp_path / "ledger.jsonl").read_bytes()
    assert resume(tmp_path) is None
    (tmp_path / "ledger.jsonl").write_bytes(before[:-400])
    ran = resume(tmp_path)
    assert ran is not None
    assert ran.ended is Ending.FAILED
    assert (tmp_path / "ledger.jsonl").read_bytes() == before


# --- what was interrupted --------------------------------------------------------------------------------


@pytest.mark.parametrize("seq", range(1, 280, 31))
def test_an_interrupted_run_ends_as_if_it_never_was(whole: Whole, tmp_path: Path, seq: int) -> None:
    """The batch that the interrupt closed early is proved, event for event, and made whole."""
    with interrupt(seq):
        ran = run(SMALL, out=tmp_path)
    assert ran.ended is Ending.INTERRUPTED
    again = resume(tmp_path)
    assert again is not None
    assert again.ended is Ending.COMPLETE
    assert whole.holds(tmp_path)


def test_interrupts_close_batches_early(whole: Whole, tmp_path: Path) -> None:
    """So the test above shows something: most interrupted ledgers are no prefix of the whole one."""
    early = 0
    for seq in range(1, 280, 31):
        with interrupt(seq):
            run(SMALL, out=tmp_path, force=True)
        lines = (tmp_path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
        early += not whole.ledger.startswith(b"".join(lines[:-1]))
    assert early >= 4


def test_an_interrupt_before_the_point_of_resumption_changes_nothing(whole: Whole, tmp_path: Path) -> None:
    """Who interrupts the proof of the past finds the ledger as it was, and can resume it again."""
    with interrupt(200):
        run(SMALL, out=tmp_path)
    before = (tmp_path / "ledger.jsonl").read_bytes()
    for number, code in ((signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)):
        told = pytest.raises(MutualizeError, match="is as it was: the run was interrupted")
        with told as caught, interrupt(60, number):
            resume(tmp_path)
        assert caught.value.code is code
        assert (tmp_path / "ledger.jsonl").read_bytes() == before
    assert resume(tmp_path) is not None
    assert whole.holds(tmp_path)


def test_a_resumed_run_can_be_interrupted_as_well(whole: Whole, tmp_path: Path) -> None:
    """Each time it gets a little further, and is sealed as interrupted."""
    with interrupt(20):
        run(SMALL, out=tmp_path)
    events = verify(tmp_path / "ledger.jsonl").events
    for seq in (60, 101, 202):
        with interrupt(seq):
            ran = resume(tmp_path)
        assert ran is not None
        assert ran.ended is Ending.INTERRUPTED
        verdict = verify(tmp_path / "ledger.jsonl")
        assert (verdict.condition, verdict.status) == (Condition.SEALED, "interrupted")
        assert verdict.events > events
        events = verdict.events
    assert resume(tmp_path) is not None
    assert whole.holds(tmp_path)


def test_a_run_that_broke_off_with_an_error_can_go_on(whole: Whole, tmp_path: Path) -> None:
    """The open batch is written when an error ends a run, without what was refused; it is made whole."""
    scenario = Folder(whole.lay(tmp_path, b""), resumed=True).scenario
    described = verify_header(whole.ledger)
    lines = whole.ledger[whole.ends[9] : whole.ends[10]].split(b"\n")[:3]
    (tmp_path / "ledger.jsonl").unlink()
    with FileLedger(tmp_path / "ledger.jsonl", described) as ledger:
        fill(ledger, whole.ledger[: whole.ends[9]])
        ledger.append([decode(line) for line in lines])
    assert verify(tmp_path / "ledger.jsonl").condition is Condition.UNSEALED
    assert not whole.ledger.startswith((tmp_path / "ledger.jsonl").read_bytes())
    assert scenario.exists()
    assert resume(tmp_path) is not None
    assert whole.holds(tmp_path)


def verify_header(data: bytes) -> Any:
    """Return the header of a ledger's bytes."""
    fields = json.loads(data[: data.index(b"\n")])
    return header(fields["scenario_sha256"], int(fields["seed"]), fields["version"], fields["rules"])


def fill(ledger: Any, data: bytes, change: tuple[bytes, bytes] = (b"", b"")) -> None:
    """Write the batches of a ledger's bytes into another, one change made in them, all hashed anew."""
    batch: list[Any] = []
    for line in data.splitlines(keepends=True)[1:]:
        if line.startswith(b'{"blk":'):
            for entry in batch:
                ledger.append([entry])
            ledger.close_batch()
            batch.clear()
        elif not line.startswith(b'{"events":'):
            batch.append(decode(line.replace(*change) if change[0] else line))


# --- the past is proved ----------------------------------------------------------------------------------


def test_a_past_that_was_changed_is_no_past(whole: Whole, tmp_path: Path) -> None:
    """An edited ledger with its hashes made anew passes as sound, and is found out by running it again."""
    line = next(line for line in whole.ledger.splitlines() if b'"seq":100,' in line)
    for old, new in ((b'"t":17', b'"t":16'),):
        forged = MemoryLedger(verify_header(whole.ledger))
        fill(forged, whole.ledger, (line, line.replace(old, new)))
        place = whole.lay(tmp_path, forged.data)
        assert verify(place / "ledger.jsonl").condition is Condition.UNSEALED
        with pytest.raises(MutualizeError, match=r"they part at event 100\. The ledger has ") as caught:
            resume(place)
        assert caught.value.code is Exit.CHECK_FAILED
        assert (place / "ledger.jsonl").read_bytes() == forged.data
        assert sorted(file.name for file in place.iterdir()) == ["ledger.jsonl", "scenario.toml"]


def test_more_than_the_run_gives_is_no_past(whole: Whole, tmp_path: Path) -> None:
    """A ledger that goes on where its run ends is refused, and so is another end than the run has."""
    longer = MemoryLedger(verify_header(whole.ledger))
    fill(longer, whole.ledger)
    last = longer.entries[-1]
    seq = last.seq + 1
    longer.append([type(last)(seq, last.at, seq, None, last.event)])
    longer.close_batch()
    with pytest.raises(MutualizeError, match=f"they part at event {seq}"):
        resume(whole.lay(tmp_path / "longer", longer.data))
    shorter = MemoryLedger(verify_header(whole.ledger))
    fill(shorter, whole.ledger[: whole.ends[5]])
    shorter.seal(Book().digest(), "complete")
    with pytest.raises(MutualizeError, match=r"The ledger has its end, the run gives \{"):
        resume(whole.lay(tmp_path / "shorter", shorter.data))


def test_another_version_is_told_so(whole: Whole, tmp_path: Path) -> None:
    """Rules, version and scenario must be those of the ledger; otherwise nothing is even tried."""
    for old, new, said in (
        (b'"rules":"', b'"rules":"other-', "with the rules 'other-"),
        (b'"version":"', b'"version":"9', "was written by mutualize 9"),
        (b'"seed":"', b'"seed":"9', "the ledger of another scenario or seed"),
    ):
        place = whole.lay(tmp_path, whole.ledger[: whole.ends[0]].replace(old, new))
        with pytest.raises(MutualizeError, match=said) as caught:
            resume(place)
        assert caught.value.code is Exit.USAGE


def test_a_corrupt_ledger_is_resumed_on_demand_only(whole: Whole, tmp_path: Path) -> None:
    """Without `salvage` it is refused; with it the run goes on from the last sound batch, and all is kept."""
    for count, at in enumerate((3, whole.ends[0] + 30, whole.ends[12] + 30, len(whole.ledger) - 20)):
        data = bytearray(whole.ledger)
        data[at] ^= 4
        place = whole.lay(tmp_path / str(count), bytes(data))
        with pytest.raises(MutualizeError, match="--salvage goes on from its last sound batch") as caught:
            resume(place)
        assert caught.value.code is Exit.CORRUPT
        assert (place / "ledger.jsonl").read_bytes() == data
        assert resume(place, salvage=True) is not None
        assert whole.holds(place, "ledger.jsonl.broken")
        assert (place / "ledger.jsonl.broken").read_bytes() == data


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    """A folder without a ledger or without a scenario cannot be resumed: exit code 4."""
    for name in ("ledger.jsonl", "scenario.toml"):
        with pytest.raises(MutualizeError, match=f"{name}: does not exist: this is not the folder") as caught:
            resume(tmp_path)
        assert caught.value.code is Exit.MISSING
        (tmp_path / name).write_text("")


def test_a_disk_that_fails_at_the_cut_changes_nothing(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the copy cannot be written the torn ledger stays as it was, and the error is one of the disk."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    torn = whole.ledger[: whole.ends[9] + 300]
    place = whole.lay(tmp_path, torn)
    with monkeypatch.context() as patch:
        patch.setattr(locked_file, "copy_start", full)
        with pytest.raises(MutualizeError, match="No space left on device") as caught:
            resume(place)
    assert caught.value.code is Exit.IO
    assert {file.name: file.read_bytes() for file in place.iterdir()}["ledger.jsonl"] == torn
    assert not list(place.glob("*.new"))
    assert resume(place) is not None
    assert whole.holds(place, "ledger.jsonl.broken")


def test_the_cut_file_never_holds_less_than_before(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the interrupted file is replaced, the events of its short batch are in the new one already."""
    with interrupt(100):
        run(SMALL, out=tmp_path)
    before = verify(tmp_path / "ledger.jsonl").events
    seen: list[int] = []
    cut = locked_file.cut

    def watched(*arguments: Any) -> Any:
        file = cut(*arguments)
        seen.append(verify(tmp_path / "ledger.jsonl").events)
        seen.append(verify(tmp_path / "ledger.jsonl.interrupted").events)
        return file

    monkeypatch.setattr(locked_file, "cut", watched)
    assert resume(tmp_path) is not None
    assert seen[0] >= before == seen[1]
    assert whole.holds(tmp_path)


def test_durable_and_not_durable_give_the_same_bytes(whole: Whole, tmp_path: Path) -> None:
    """Flushing changes when something is written for good, not what."""
    run(SMALL, out=tmp_path, durable=True)
    assert whole.holds(tmp_path)
    assert isinstance(run(SMALL, ledger=tmp_path / "my.jsonl", durable=True), Run)
    assert issubclass(ResumedLedger, FileLedger)
