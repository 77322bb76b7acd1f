"""Power cuts: a disk under a run that may lose all that was not flushed, looked at after each of many cuts.

`python tests/crash_power_cuts.py --cuts 100000 --seed 1` prints counts as JSON, and what was lost as `lost`:
a list of texts, each with the number of the cut that repeats it (`--only N`).

Runs through the real code write what the disk is told: bytes of files, names, flushes of files and of the
folder, acknowledgements. At a cut a point of that story is drawn, and what of it the disk had kept: all that
was flushed; of everything else each sector (or its beginning) and each name on its own, or none, or all; a
file as long as it was told, or shorter, with zeros where a sector was lost.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

import attrs
from ledger_samples import judge

import mutualize.ledger
from mutualize import locked_file
from mutualize.ledger import FileLedger, Ledger
from mutualize.ledger_reader import Condition
from mutualize.randomness import Stream
from mutualize.run import resume, run

SMALL = Path(__file__).parent / "small"
BATCH_EVENTS = 5
SECTOR = 512


@attrs.frozen
class Told:
    """Something that the disk was told, or that the run told its user."""

    what: str
    """'write', 'sync', 'name', 'remove', 'rename', 'folder' (its flush), or 'acknowledged'."""
    file: int = 0
    offset: int = 0
    data: bytes = b""
    name: str = ""
    to: str = ""


class Story:
    """What the disk was told, in order. `names` is the folder as the run sees it."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.names: dict[str, int] = {}
        self.files = 0


class DiskFile(io.FileIO):
    """A file whose writes are noted in the story."""

    story: ClassVar[Story] = Story()
    opened: ClassVar[dict[int, int]] = {}

    def __init__(self, path: Path, mode: str) -> None:
        super().__init__(path, mode)
        story = self.story
        if mode in ("x", "w"):
            story.files += 1
            story.names[path.name] = story.files
            story.told.append(Told("name", story.files, name=path.name))
        self.number = story.names[path.name]
        self.opened[self.fileno()] = self.number

    def write(self, data: Any) -> int:
        """Write, and note it."""
        self.story.told.append(Told("write", self.number, self.tell(), bytes(data)))
        return super().write(data)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self.opened.pop(self.fileno(), None)
        super().close()


@contextmanager
def recorded() -> Iterator[Story]:
    """Hand out the story of all that is written while the block lasts."""
    story = DiskFile.story = Story()
    fsync, link, replace, unlink = os.fsync, os.link, Path.replace, Path.unlink
    close_batch = FileLedger.close_batch

    def syncing(fd: int) -> None:
        fsync(fd)
        number = DiskFile.opened.get(fd)
        story.told.append(Told("folder") if number is None else Told("sync", number))

    def linking(old: Path, new: Path) -> None:
        link(old, new)
        story.names[new.name] = story.names[old.name]
        story.told.append(Told("name", story.names[new.name], name=new.name))

    def replacing(old: Path, new: Path) -> Path:
        story.names[new.name] = story.names.pop(old.name)
        story.told.append(Told("rename", story.names[new.name], name=old.name, to=new.name))
        return replace(old, new)

    def unlinking(path: Path, missing_ok: bool = False) -> None:
        if story.names.pop(path.name, None) is not None:
            story.told.append(Told("remove", name=path.name))
        unlink(path, missing_ok=missing_ok)

    def acknowledging(ledger: Ledger) -> None:
        close_batch(ledger)
        story.told.append(Told("acknowledged", ledger.durable_seq))

    with (
        patch.object(os, "fsync", syncing),
        patch.object(os, "link", linking),
        patch.object(Path, "replace", replacing),
        patch.object(Path, "unlink", unlinking),
        patch.object(FileLedger, "close_batch", acknowledging),
        patch.object(locked_file, "io", SimpleNamespace(FileIO=DiskFile)),
    ):
        yield story


class Disk:
    """What is on the disk for certain, and what it was told since."""

    def __init__(self, story: list[Told]) -> None:
        self.flushed: dict[int, bytes] = {}
        self.pending: dict[int, list[Told]] = {}
        self.names: dict[str, int] = {}
        self.renamed: list[Told] = []
        self.acknowledged = 0
        for told in story:
            self._take(told)

    def _take(self, told: Told) -> None:
        match told.what:
            case "write":
                self.pending.setdefault(told.file, []).append(told)
            case "sync":
                self.flushed[told.file] = self.whole(told.file)
                self.pending.pop(told.file, None)
            case "folder":
                for change in self.renamed:
                    _rename(self.names, change)
                self.renamed.clear()
            case "acknowledged":
                self.acknowledged = max(self.acknowledged, told.file)
            case _:
                self.renamed.append(told)

    def whole(self, file: int) -> bytes:
        """Return all that a file was told to hold."""
        data = bytearray(self.flushed.get(file, b""))
        for told in self.pending.get(file, ()):
            data[told.offset : told.offset + len(told.data)] = told.data
        return bytes(data)

    def after_cut(self, stream: Stream) -> dict[str, bytes]:
        """Return what may be found when the power is back: names and contents."""
        names, mode = dict(self.names), stream.below(4)
        for change in self.renamed:
            if mode == 0 or (mode > 1 and stream.chance(1, 2)):
                _rename(names, change)
        return {name: self._content(file, stream) for name, file in names.items()}

    def _content(self, file: int, stream: Stream) -> bytes:
        old, new = self.flushed.get(file, b""), self.whole(file)
        mode = stream.below(5)
        if mode == 0 or old == new:
            return old
        if mode == 1:
            return new
        size = max(len(new), len(old))
        data = bytearray(old.ljust(size, b"\0"))
        for start in range(0, size, SECTOR):
            end = min(start + SECTOR, size)
            kept = stream.below(4)
            if kept == 1:
                end = stream.between(start, end)
            if kept:
                data[start:end] = new[start:end].ljust(end - start, b"\0")
        if mode == 2:
            del data[stream.between(min(len(old), len(new)), size) :]
        return bytes(data)


def _rename(names: dict[str, int], change: Told) -> None:
    if change.what == "name":
        names[change.name] = change.file
    elif change.what == "remove":
        names.pop(change.name, None)
    else:
        names.pop(change.name, None)
        names[change.to] = change.file


class Rig:
    """The stories that are cut: a durable run, one that is not, a resumed one, and one by force."""

    def __init__(self, folder: Path, seed: int, planted: bool) -> None:
        self.folder, self.seed = folder, seed
        self.counts: dict[str, int] = {}
        self.lost: list[str] = []
        self.stories: dict[str, list[Told]] = {}
        place = folder / "run"
        self.stories["not durable"] = self._tell(lambda: run(SMALL, out=place), planted)
        shutil.rmtree(place)
        self.stories["durable"] = self._tell(lambda: run(SMALL, out=place, durable=True), planted)
        self.golden = {file.name: file.read_bytes() for file in sorted(place.iterdir())}
        data = self.golden["ledger.jsonl"]
        lines = data.splitlines(keepends=True)
        self.roots = [json.loads(line)["h"] for line in lines if line.startswith(b'{"blk":')]
        torn = data[: len(data) * 2 // 3]
        (place / "ledger.jsonl").write_bytes(torn)
        (place / "summary.json").unlink()
        self.torn = torn
        before = [
            told
            for number, (name, content) in enumerate(
                {"ledger.jsonl": torn, "scenario.toml": self.golden["scenario.toml"]}.items(), 1_000_000
            )
            for told in (
                Told("write", number, 0, content),
                Told("sync", number),
                Told("name", number, name=name),
            )
        ]
        with recorded() as story:
            story.names = {"ledger.jsonl": 1_000_000, "scenario.toml": 1_000_001}
            resume(place, durable=True)
        self.stories["resumed"] = [
            *before,
            Told("folder"),
            Told("acknowledged", judge(torn).events),
            *story.told,
        ]

    def _tell(self, work: Callable[[], object], planted: bool) -> list[Told]:
        with recorded() as story:
            work()
        if planted:
            return [told for told in story.told if told.what != "sync"]
        return story.told

    def count(self, what: str) -> None:
        """Count something that happened."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def cut(self, index: int) -> None:
        """Cut one story somewhere, and look at what is left."""
        stream = Stream(self.seed, f"cut-{index}")
        name = stream.choice(("durable", "durable", "resumed", "not durable"))
        told = self.stories[name]
        disk = Disk(told[: stream.between(0, len(told))])
        found = disk.after_cut(stream)
        self.count(f"cut: {name}")
        acknowledged = 0 if name == "not durable" else disk.acknowledged
        again = f"python tests/crash_power_cuts.py --seed {self.seed} --only {index}"
        for problem in self._problems(found, acknowledged, name):
            self.lost.append(f"cut {index} ({name}): {problem} (again: {again})")
        if stream.chance(1, 250) and "scenario.toml" in found and "ledger.jsonl" in found:
            self._resume(found, index)

    def _problems(self, found: dict[str, bytes], acknowledged: int, name: str) -> Iterator[str]:
        ledger = found.get("ledger.jsonl")
        if ledger is None:
            if acknowledged:
                yield "the ledger is gone"
            return
        verdict = judge(ledger)
        self.count(f"found {verdict.condition.word}")
        if verdict.events < acknowledged:
            yield f"{acknowledged} acknowledged, but {verdict}"
        if verdict.batches and verdict.root != self.roots[verdict.batches - 1]:
            yield f"other events: {verdict}"
        if verdict.condition is Condition.SEALED and ledger != self.golden["ledger.jsonl"]:
            yield "a damaged ledger is called sealed"
        if acknowledged and "scenario.toml" not in found:
            yield "there is no scenario to resume from"
        for file in ("scenario.toml", "summary.json"):
            if name != "not durable" and found.get(file, self.golden[file]) != self.golden[file]:
                yield f"{file} is not whole"
        if name == "resumed" and self.torn not in (ledger, found.get("ledger.jsonl.broken")):
            yield "the torn ledger is lost"

    def _resume(self, found: dict[str, bytes], index: int) -> None:
        """Go on with what was found, in earnest; the bytes must be golden in the end."""
        self.count("resumed")
        place = self.folder / "resumed"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name, content in found.items():
            (place / name).write_bytes(content)
        if found["scenario.toml"] != self.golden["scenario.toml"]:
            return
        resume(place, salvage=True)
        for name, content in self.golden.items():
            if (place / name).read_bytes() != content:
                self.lost.append(f"cut {index}: {name} of the resumed run is another")


def main(arguments: list[str] | None = None) -> int:
    """Cut as often as asked, and print what happened. Returns 1 where something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--planted", action="store_true", help="plant a bug: files are never flushed")
    given = parser.parse_args(arguments)
    mutualize.ledger.BATCH_EVENTS = BATCH_EVENTS
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), given.seed, given.planted)
        for index in [given.only] if given.only is not None else range(given.cuts):
            rig.cut(index)
    rig.counts["moments"] = sum(len(story) for story in rig.stories.values())
    print(json.dumps({"counts": dict(sorted(rig.counts.items())), "lost": rig.lost}, indent=1))  # noqa: T201
    return 1 if rig.lost else 0


if __name__ == "__main__":
    sys.exit(main())
