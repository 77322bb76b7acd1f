"""Kills: runs are struck down at random moments, looked at, repaired, resumed, and struck down again.

`python tests/crash_kills.py --kills 1000 --seed 1` prints counts as JSON, and what was lost as `lost`: a list
of texts, each with the number of the kill that repeats it (`--only N`).

Each run is a forked child that writes a run folder in batches of five events and tells its parent, through a
pipe, how many events are acknowledged. Half of them are struck from outside: the parent waits for a drawn
number of acknowledgements and a drawn while longer. The others write 61 bytes at a time, and strike
themselves behind a drawn piece: in the middle of a batch, most often. The blow is SIGKILL, or, in one of
four, SIGINT or SIGTERM. `--planted` plants a bug: events are acknowledged before they are written.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import mutualize.ledger
from mutualize import locked_file
from mutualize.ledger import FileLedger, Ledger
from mutualize.ledger_reader import Condition, Verdict, verify
from mutualize.ledger_repair import repair
from mutualize.randomness import Stream
from mutualize.run import resume, run

SMALL = Path(__file__).parent / "small"
BATCH_EVENTS = 5
WORD = struct.Struct("<q")


class Golden:
    """A run that was never interrupted: its bytes, and the root after each batch."""

    def __init__(self, folder: Path) -> None:
        run(SMALL, out=folder)
        self.data = (folder / "ledger.jsonl").read_bytes()
        self.summary = (folder / "summary.json").read_bytes()
        lines = self.data.splitlines(keepends=True)
        self.roots = [json.loads(line)["h"] for line in lines if line.startswith(b'{"blk":')]


class LittleByLittle:
    """Writes as a slow disk does, 61 bytes at a time, and strikes its own process behind a piece."""

    def __init__(self, pieces: int, number: signal.Signals) -> None:
        self.pieces = pieces
        self.number = number

    def __call__(self, file: Any, data: bytes | bytearray, offset: int) -> None:
        """Write all of `data` at `offset`."""
        file.seek(offset)
        for start in range(0, len(data), 61):
            file.write(data[start : start + 61])
            self.pieces -= 1
            if not self.pieces:
                os.kill(os.getpid(), self.number)


def live(work: Callable[[], object], pipe: int, slowly: LittleByLittle | None, planted: bool) -> NoReturn:
    """Be the child: do the work, acknowledge through the pipe, and end without any clearing up."""
    close_batch = FileLedger.close_batch

    def acknowledging(ledger: Ledger) -> None:
        if planted:
            os.write(pipe, WORD.pack(ledger._next))
        close_batch(ledger)
        os.write(pipe, WORD.pack(ledger.durable_seq))

    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        FileLedger.close_batch = acknowledging  # type: ignore[assignment,method-assign]
        if slowly is not None:
            locked_file.write_at = slowly
        work()
        code = 0
    except KeyboardInterrupt:
        code = 2
    except BaseException as error:  # noqa: BLE001 - a child says in a line what happened to it
        os.write(pipe, WORD.pack(-1) + f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(code)


class Life:
    """What became of one child: how much it had acknowledged, and what it complained of."""

    def __init__(
        self, work: Callable[[], object], stream: Stream, number: signal.Signals | None, planted: bool
    ) -> None:
        wanted, while_us, pieces = stream.below(45), stream.below(1_500), 1 + stream.below(1_800)
        slowly = LittleByLittle(pieces, number) if number is not None and stream.chance(1, 2) else None
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            live(work, writing, slowly, planted)
        os.close(writing)
        self.acknowledged = 0
        self.complaint = ""
        seen = 0
        with os.fdopen(reading, "rb") as pipe:
            while number is None or slowly is not None or seen < wanted:
                word = pipe.read(WORD.size)
                if len(word) < WORD.size:
                    break
                seen += 1
                self._take(word, pipe)
            if number is not None and slowly is None:
                time.sleep(while_us / 1_000_000)
                os.kill(child, number)
            while len(word := pipe.read(WORD.size)) == WORD.size:
                self._take(word, pipe)
        status = os.waitpid(child, 0)[1]
        self.inside = slowly is not None
        self.killed = os.WIFSIGNALED(status)
        self.code = -1 if self.killed else os.WEXITSTATUS(status)

    def _take(self, word: bytes, pipe: Any) -> None:
        (value,) = WORD.unpack(word)
        if value < 0:
            self.complaint = pipe.read().decode()
        self.acknowledged = max(self.acknowledged, value)


class Rig:
    """All the kills, one after the other, each from its own stream."""

    def __init__(self, folder: Path, seed: int, planted: bool) -> None:
        self.folder = folder
        self.seed = seed
        self.planted = planted
        self.golden = Golden(folder / "golden")
        self.counts: dict[str, int] = {}
        self.lost: list[str] = []

    def count(self, what: str) -> None:
        """Count something that happened."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def strike(self, index: int) -> None:
        """Let one run live, die, be looked at and resumed, until it is whole."""
        stream = Stream(self.seed, f"kill-{index}")
        place = self.folder / str(index)
        acknowledged = self._life(
            index, lambda: run(SMALL, out=place), stream, place, 0, self._signal(stream)
        )
        for _ in range(3):
            if not (place / "scenario.toml").exists() or stream.chance(1, 2):
                break
            self.count("resumes that were struck")
            acknowledged = self._life(
                index, lambda: resume(place), stream, place, acknowledged, self._signal(stream)
            )
        if (place / "scenario.toml").exists():
            self.count("resumed")
            self._life(index, lambda: resume(place), stream, place, acknowledged, None)
            same = (place / "ledger.jsonl").read_bytes() == self.golden.data
            self._hold(index, same, "the resumed ledger has other bytes")
            same = (place / "summary.json").read_bytes() == self.golden.summary
            self._hold(index, same, "the summary of the resumed run is another")
            left = [file.name for file in place.iterdir() if file.name.endswith((".interrupted", ".new"))]
            self._hold(index, ".interrupted" not in "".join(left), f"left behind: {left}")
        else:
            self._hold(index, not acknowledged, "there is no scenario to resume from")
        shutil.rmtree(place, ignore_errors=True)

    def _signal(self, stream: Stream) -> signal.Signals:
        return stream.choice((signal.SIGKILL,) * 6 + (signal.SIGINT, signal.SIGTERM))

    def _life(
        self,
        index: int,
        work: Callable[[], object],
        stream: Stream,
        place: Path,
        acknowledged: int,
        number: signal.Signals | None,
    ) -> int:
        """Let a child do its work, and look at what it left. Returns how many events are acknowledged."""
        life = Life(work, stream, number, self.planted)
        self.count(f"sent {number.name}" if number is not None else "undisturbed")
        self.count("struck while it lived" if life.killed else "had ended, or ended by itself")
        if life.killed and life.inside:
            self.count("struck inside a batch")
        expected = "was interrupted before it came" in life.complaint
        self._hold(index, expected or not life.complaint, life.complaint)
        acknowledged = max(acknowledged, life.acknowledged)
        ledger = place / "ledger.jsonl"
        if not ledger.exists():
            self._hold(index, not acknowledged, "there is no ledger")
            return acknowledged
        verdict = verify(ledger)
        self.count(f"found {verdict.condition.word}")
        self._hold(index, verdict.events >= acknowledged, f"{acknowledged} acknowledged, but {verdict}")
        self._hold(index, verdict.condition is not Condition.CORRUPT, str(verdict))
        self._hold(index, self._is_golden(verdict), f"other events: {verdict}")
        if number in (signal.SIGINT, signal.SIGTERM) and life.code == 0:
            self.count("sealed after an interrupt")
            self._hold(index, verdict.condition is Condition.SEALED, f"after {number.name}: {verdict}")
        if verdict.condition is Condition.TORN and verdict.header is not None and stream.chance(1, 2):
            self._repair(index, ledger, verdict)
        return acknowledged

    def _is_golden(self, verdict: Verdict) -> bool:
        """Say whether the batches are the golden ones; the last of an interrupted run may be a short one."""
        if (
            not verdict.batches
            or verdict.root == self.golden.roots[min(verdict.batches, len(self.golden.roots)) - 1]
        ):
            return True
        return verdict.status == "interrupted"

    def _repair(self, index: int, ledger: Path, verdict: Verdict) -> None:
        before = ledger.read_bytes()
        done = repair(ledger)
        after = verify(ledger)
        self.count("repaired")
        assert done.kept is not None
        self._hold(index, done.kept.read_bytes() == before, "the .broken copy is another")
        whole = (after.condition, after.events) == (Condition.UNSEALED, verdict.events)
        self._hold(index, whole and before.startswith(ledger.read_bytes()), f"after the repair: {after}")

    def _hold(self, index: int, holds: bool, problem: str) -> None:
        if not holds:
            again = f"python tests/crash_kills.py --seed {self.seed} --only {index}"
            self.lost.append(f"kill {index}: {problem} (again: {again})")


def main(arguments: list[str] | None = None) -> int:
    """Strike as often as asked, and print what happened. Returns 1 where something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--planted", action="store_true")
    given = parser.parse_args(arguments)
    mutualize.ledger.BATCH_EVENTS = BATCH_EVENTS
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), given.seed, given.planted)
        for index in [given.only] if given.only is not None else range(given.kills):
            rig.strike(index)
    print(json.dumps({"counts": dict(sorted(rig.counts.items())), "lost": rig.lost}, indent=1))  # noqa: T201
    return 1 if rig.lost else 0


if __name__ == "__main__":
    sys.exit(main())
