"""`mutualize ledger`: events of a run, one a line, chosen by what they are, and followed while it goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cli import call
from test_sentences import HOSTILE, steers

import mutualize
from mutualize import events as e
from mutualize.encoding import decode
from mutualize.errors import Exit, MutualizeError
from mutualize.events import Entry
from mutualize.ledger import FileLedger, header
from mutualize.ledger_follow import follow
from mutualize.ledger_reader import read
from mutualize.report.entries import Choice, as_line, as_record, lines
from mutualize.report.sentences.words import Words

LEDGERS = Path(__file__).parent / "ledgers"
HEADER = header("0" * 64, 1, "0", "x")


@pytest.fixture(scope="module")
def tiers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of three-tiers."""
    path = tmp_path_factory.mktemp("runs") / "tiers"
    mutualize.run("three-tiers", out=path)
    return path


def seqs(folder: Path, choice: Choice) -> list[int]:
    """Return the seqs of the events that are chosen."""
    found = lines(read(folder / "ledger.jsonl"), choice, Words(), as_json=True)
    return [json.loads(line)["seq"] for line in found]


def test_every_event_is_a_line(tiers: Path) -> None:
    """Without a condition all events are listed, in their order, each with its kind and its sentence."""
    done = call("ledger", str(tiers)).stdout.splitlines()
    assert len(done) == 124
    assert done[28].startswith("[28] 2024-01-01T13:06:58Z PricePublished: The oracle lowered ETH from")
    assert done[111].endswith("LossAbsorbed: haircut at pool paid 14,991.795239 USDC, borne by claims.")


def test_conditions_choose_events(tiers: Path) -> None:
    """Kinds and people are alternatives, everything else must hold together."""
    assert seqs(tiers, Choice(kinds=("Slashed", "ShortfallRecognised"))) == [104, 108, 116, 119]
    assert seqs(tiers, Choice(accounts=("lenders-0001", "cat"))) == [4, 21]
    assert seqs(tiers, Choice(tiers=("stakers",), kinds=("Slashed", "LossAbsorbed"))) == [108, 109, 119, 120]
    assert seqs(tiers, Choice(since=1_704_118_727, kinds=("Liquidated",))) == [115]
    assert seqs(tiers, Choice(until=1_704_103_200))[-1] == 21
    assert seqs(tiers, Choice(cause=104, kinds=("LossAbsorbed",))) == [106, 109, 111, 120, 122]
    assert seqs(tiers, Choice(cause=123)) == []


def test_lines_of_json_are_the_events_themselves(tiers: Path) -> None:
    """A line is what the ledger has, and reads back as the same event."""
    done = call("ledger", str(tiers), "--json", "--tail", "2").stdout.splitlines()
    entries = list(read(tiers / "ledger.jsonl"))
    assert [decode(line.encode()) for line in done] == entries[-2:]


def test_a_stream_is_never_held() -> None:
    """Lines come as events come: nothing is read ahead."""
    given: list[int] = []

    def stream() -> Iterator[Entry]:
        for entry in prices():
            given.append(entry.seq)
            yield entry

    found = lines(stream(), Choice(), Words(), as_json=False)
    next(found)
    assert len(given) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kind", "Slashd"], "Did you mean 'Slashed'?"),
        (["--from", "yesterday"], "is not a moment"),
        (["--to", "2024-13-01T00:00:00Z"], "is not a moment"),
    ],
)
def test_a_mistaken_condition_is_named(tiers: Path, words: list[str], said: str) -> None:
    """A kind or a moment that is none is an error with its remedy."""
    assert said in call("ledger", str(tiers), *words, code=2).stderr


@pytest.mark.parametrize(("name", "code"), [("torn", 6), ("unsealed", 7), ("corrupt", 8), ("none", 4)])
def test_a_damaged_ledger_is_listed_as_far_as_it_goes(name: str, code: int) -> None:
    """What can be read is listed, and the exit code says what is wrong."""
    done = call("ledger", str(LEDGERS / f"{name}.jsonl"), code=code)
    assert done.stderr
    assert len(done.stdout.splitlines()) == {6: 20, 7: 20, 8: 10, 4: 0}[code]


def test_whoever_has_read_enough_ends_it_quietly(tiers: Path) -> None:
    """A listing in a pipe ends without an error."""
    command = f"{sys.executable} -m mutualize ledger {tiers} | head -2"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2


def test_hostile_names_stay_on_their_line() -> None:
    """Whatever somebody is called, an event is one line that steers nothing, in words and as JSON."""
    supplied = e.Supplied(venue="pool", account=HOSTILE, asset=HOSTILE, amount=5, scaled=5)
    entry = Entry(0, 1_704_103_200, 0, None, supplied)
    for line in (as_line(entry, Words()), as_record(entry)):
        assert not steers(line)


def prices() -> Iterator[Entry]:
    """Yield one price after the other, each a transaction of its own."""
    for seq in range(10):
        told = e.PricePublished(asset="ETH", price=10**8 + seq, market=10**8)
        yield Entry(seq, 1_704_103_200 + seq, seq, None, told)


# --- following -------------------------------------------------------------------------------------------


class Writer:
    """A ledger that is written a step each time its reader pauses."""

    def __init__(self, path: Path, batches: int) -> None:
        self.path = path
        self.ledger = FileLedger(path, HEADER)
        self.ledger.__enter__()
        self.entries = prices()
        self.left = batches
        self.pauses = 0

    def step(self) -> None:
        """Write one more batch; after the last one, the seal."""
        self.pauses += 1
        if self.left:
            self.left -= 1
            self.ledger.append([next(self.entries)])
            self.ledger.close_batch()
        else:
            self.ledger.seal("0" * 64)
            self.ledger.__exit__(None, None, None)


def test_a_ledger_is_followed_to_its_seal(tmp_path: Path) -> None:
    """Each batch is told once, as soon as it stands there, and the seal ends it."""
    writer = Writer(tmp_path / "ledger.jsonl", 3)
    sizes = [len(batch) for batch in follow(writer.path, writer.step)]
    assert sizes == [1, 1, 1]
    assert writer.pauses == 4


def test_half_a_batch_is_not_told(tmp_path: Path) -> None:
    """Bytes that no commit line stands behind wait, however they are cut."""
    whole = (LEDGERS / "good.jsonl").read_bytes()
    path, size = tmp_path / "ledger.jsonl", 0
    path.write_bytes(b"")

    def grow() -> None:
        nonlocal size
        size += 97
        path.write_bytes(whole[:size])

    told = [entry.seq for batch in follow(path, grow) for entry in batch]
    assert told == list(range(30))


def test_a_ledger_that_is_replaced_or_taken_away_is_an_error(tmp_path: Path) -> None:
    """What is followed is one file, not whatever comes to stand at its path."""
    for done, code in ((Path.unlink, Exit.MISSING), (swap, Exit.IO)):
        path = tmp_path / "ledger.jsonl"
        path.write_bytes((LEDGERS / "unsealed.jsonl").read_bytes())
        with pytest.raises(MutualizeError) as error:
            list(follow(path, lambda path=path, done=done: done(path)))  # type: ignore[misc]  # both bound now
        assert error.value.code is code


def swap(path: Path) -> None:
    """Put another file in the place of one."""
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def test_a_followed_ledger_that_turns_bad_is_corrupt(tmp_path: Path) -> None:
    """Bytes that can be no ledger end it with the exit code of a corrupt one."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes((LEDGERS / "unsealed.jsonl").read_bytes())

    def spoil() -> None:
        with path.open("ab") as file:
            file.write(b"no ledger\n" * 3)

    with pytest.raises(MutualizeError) as error:
        list(follow(path, spoil))
    assert error.value.code is Exit.CORRUPT
    for start in (b"no header\n", b"x" * 10):
        path.write_bytes(start)
        with pytest.raises(MutualizeError):
            list(follow(path, lambda: spoil_header(path)))


def spoil_header(path: Path) -> None:
    """Write a first line that is no header."""
    path.write_bytes(b"no header\n")


def test_following_a_sealed_ledger_ends_at_once(tiers: Path) -> None:
    """The command shows the last events that are there, and the seal ends it."""
    done = call("ledger", str(tiers), "--follow", "--tail", "2").stdout.splitlines()
    assert [line.partition(" ")[0] for line in done] == ["[122]", "[123]"]


def test_the_command_follows_a_run_that_goes_on(tmp_path: Path) -> None:
    """Another process writes, this one lists, and both end."""
    writer = Writer(tmp_path / "ledger.jsonl", 2)
    command = [sys.executable, "-m", "mutualize", "ledger", str(writer.path), "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        writer.step()
        assert reader.stdout.readline().startswith("[0]")
        writer.step()
        assert reader.stdout.readline().startswith("[1]")
        writer.step()
        assert reader.stdout.read() == ""
    assert reader.returncode == 0
