"""Repairing a ledger: what was torn off is set aside, nothing is lost, and damage is never smoothed over."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ledger_samples import batch_ends, sample
from test_cli import call, from_json

from mutualize import locked_file
from mutualize.errors import Exit, MutualizeError
from mutualize.ledger_reader import Condition, read, verify
from mutualize.ledger_repair import repair, salvage

GOOD = sample().data
ENDS = batch_ends(GOOD)
TORN = GOOD[: ENDS[2] + 700]
CORRUPT = GOOD[: ENDS[2] + 60] + b"?" + GOOD[ENDS[2] + 61 :]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger of a test lies."""
    return tmp_path / "run.jsonl"


def names(path: Path) -> list[str]:
    """Return what lies in the ledger's folder."""
    return sorted(file.name for file in path.parent.iterdir())


def test_a_torn_ledger_is_cut_behind_its_last_whole_batch(path: Path) -> None:
    """The rest is whole batches, byte for byte, and the torn file stands beside it as it was."""
    for cut in range(ENDS[0] + 1, len(GOOD), 611):
        torn = GOOD[:cut]
        if cut in ENDS:
            continue
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(torn)
        found = verify(path)
        assert found.condition is Condition.TORN
        done = repair(path)
        assert (done.verdict, done.kept) == (found, path.with_name("run.jsonl.broken"))
        assert path.read_bytes() == GOOD[: max(end for end in ENDS if end <= cut)]
        assert path.with_name("run.jsonl.broken").read_bytes() == torn
        assert verify(path).condition is Condition.UNSEALED
        assert len(list(read(path))) == found.events
        assert names(path) == ["run.jsonl", "run.jsonl.broken"]


def test_a_second_repair_keeps_the_first_copy(path: Path) -> None:
    """Copies are numbered: what was set aside once is never written over."""
    for count in range(3):
        path.write_bytes(TORN[: -1 - count])
        repair(path)
    assert names(path) == ["run.jsonl", "run.jsonl.broken", "run.jsonl.broken-2", "run.jsonl.broken-3"]
    assert path.with_name("run.jsonl.broken").read_bytes() == TORN[:-1]


@pytest.mark.parametrize("data", [GOOD, GOOD[: ENDS[2]], GOOD[: ENDS[0]]])
def test_what_is_whole_needs_no_repair(path: Path, data: bytes) -> None:
    """A sealed and an unsealed ledger are left alone, by a salvage as well."""
    path.write_bytes(data)
    assert repair(path).kept is None
    assert salvage(path, path.with_name("other.jsonl")) == verify(path)
    assert path.read_bytes() == data
    assert names(path) == ["run.jsonl"]


def test_a_corrupt_ledger_is_left_alone(path: Path) -> None:
    """Nobody knows who changed its bytes: it is refused with 8, and what is sound can be salvaged."""
    path.write_bytes(CORRUPT)
    with pytest.raises(MutualizeError, match=r"Batch 2 is bad\. .* --salvage FILE writes what can") as caught:
        repair(path)
    assert caught.value.code is Exit.CORRUPT
    other = path.with_name("other.jsonl")
    assert salvage(path, other).condition is Condition.CORRUPT
    assert other.read_bytes() == GOOD[: ENDS[2]]
    assert path.read_bytes() == CORRUPT
    with pytest.raises(MutualizeError, match="exists already") as caught:
        salvage(path, other)
    assert caught.value.code is Exit.IO
    with pytest.raises(MutualizeError, match=r"exists already|being written"):
        salvage(path, path)
    assert path.read_bytes() == CORRUPT


@pytest.mark.parametrize(("data", "code"), [(GOOD[:50], Exit.TORN), (b"nonsense\n", Exit.CORRUPT)])
def test_without_a_header_there_is_nothing_to_save(path: Path, data: bytes, code: Exit) -> None:
    """Neither repair nor salvage makes a ledger of a file that is none."""
    path.write_bytes(data)
    for attempt in (lambda: repair(path), lambda: salvage(path, path.with_name("other.jsonl"))):
        with pytest.raises(MutualizeError) as caught:
            attempt()
        assert caught.value.code is code
    assert path.read_bytes() == data
    assert names(path) == ["run.jsonl"]


def test_a_disk_that_fails_leaves_the_torn_ledger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever step of a repair fails, the file is there as it was, and the error is one of the disk."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    for owner, name in ((os, "fsync"), (os, "link"), (locked_file, "write_at"), (Path, "replace")):
        path.write_bytes(TORN)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, refuse)
            with pytest.raises(MutualizeError, match=r"cannot be repaired: .* It is as it was") as caught:
                repair(path)
        assert caught.value.code is Exit.IO
        assert path.read_bytes() == TORN
    path.write_bytes(CORRUPT)
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(MutualizeError, match="Input/output error"):
        salvage(path, path.with_name("other.jsonl"))
    assert not path.with_name("other.jsonl").exists()


def test_a_file_system_without_links_gets_a_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file can have one name only, the torn one is copied."""

    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    path.write_bytes(TORN)
    monkeypatch.setattr(os, "link", refuse)
    repair(path)
    assert path.with_name("run.jsonl.broken").read_bytes() == TORN
    assert path.read_bytes() == GOOD[: ENDS[2]]
    assert names(path) == ["run.jsonl", "run.jsonl.broken"]


def test_the_command_says_what_it_did(path: Path) -> None:
    """In words and as JSON: what was found, how much is whole, and where the file as it was lies."""
    path.write_bytes(TORN)
    assert (
        call("repair", str(path)).stdout
        == f"{path}: cut behind 20 events in 2 batches; as it was: {path}.broken\n"
    )
    assert call("repair", str(path)).stdout.startswith("nothing to do: unsealed: 20 events")
    path.write_bytes(TORN)
    assert from_json("repair", str(path)) == {
        "schema": "mutualize/repair@1",
        "condition": "torn",
        "events": 20,
        "batches": 2,
        "kept": f"{path}.broken-2",
        "salvaged": None,
    }
    path.write_bytes(CORRUPT)
    assert "error: " in call("repair", str(path), code=8).stderr
    other = str(path.with_name("other.jsonl"))
    assert json.loads(call("repair", str(path), "--salvage", other, "--json").stdout)["salvaged"] == other
    assert "exists already" in call("repair", str(path), "--salvage", other, code=74).stderr
    said = call("repair", str(path), "--salvage", other + "-2").stdout
    assert said == f"{other}-2: 20 events in 2 batches, of {path}, which was left alone\n"
    assert "does not exist" in call("repair", str(path.with_name("none")), code=4).stderr
