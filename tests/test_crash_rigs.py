"""What dies in the middle loses nothing acknowledged: kills, power cuts, failing calls, full disks.

Small here; in full by environment variables: MUTUALIZE_KILLS=1000, MUTUALIZE_CUTS=100000 and
MUTUALIZE_INJECTIONS=all (docs/reliability.md has the commands).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mutualize.ledger_reader import Condition, verify

HERE = Path(__file__).parent
SMALL = HERE / "small"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals, forks and limits of Unix"),
]


def rig(name: str, *options: str, code: int = 0) -> dict[str, Any]:
    """Run a rig as its own process; return what it counted and what it found."""
    done = subprocess.run(
        [sys.executable, HERE / f"{name}.py", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# --- kills -----------------------------------------------------------------------------------------------


def test_a_kill_at_any_moment_loses_nothing_acknowledged() -> None:
    """Runs are struck down, repaired, resumed and struck again, and end with the bytes of a quiet run."""
    kills = int(os.environ.get("MUTUALIZE_KILLS", "40"))
    counts = rig("crash_kills", "--kills", str(kills))["counts"]
    assert counts["sent SIGKILL"] >= kills
    assert counts["struck inside a batch"] >= kills // 5
    assert counts["resumes that were struck"] >= kills // 4
    assert counts["resumed"] >= kills // 2
    assert min(counts[f"found {word}"] for word in ("torn", "unsealed", "sealed")) >= kills // 10
    assert min(counts["repaired"], counts["sealed after an interrupt"]) >= kills // 20


def test_the_rig_of_kills_notices_who_acknowledges_too_early() -> None:
    """With the planted bug that a batch is acknowledged before it is written, kills find lost events."""
    lost = rig("crash_kills", "--kills", "12", "--planted", code=1)["lost"]
    assert any("acknowledged, but torn" in line for line in lost)


# --- power cuts ------------------------------------------------------------------------------------------


def test_a_power_cut_loses_nothing_that_was_flushed() -> None:
    """Whatever a disk forgets of what was not flushed, a durable run keeps its word, and goes on from it."""
    cuts = int(os.environ.get("MUTUALIZE_CUTS", "5000"))
    counts = rig("crash_power_cuts", "--cuts", str(cuts))["counts"]
    assert counts["moments"] >= 250
    assert min(counts[f"cut: {name}"] for name in ("durable", "resumed", "not durable")) >= cuts // 6
    assert min(counts[f"found {word}"] for word in ("torn", "unsealed", "sealed", "corrupt")) >= cuts // 50
    assert counts["resumed"] >= cuts // 500


def test_the_rig_of_power_cuts_notices_who_does_not_flush() -> None:
    """With the planted bug that files are never flushed, cuts find lost events."""
    lost = rig("crash_power_cuts", "--cuts", "200", "--planted", code=1)["lost"]
    assert any("acknowledged, but" in line for line in lost)


# --- calls that fail -------------------------------------------------------------------------------------


def can_strace() -> bool:
    """Say whether processes can be traced here."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False).returncode == 0


def test_a_call_that_fails_is_told_in_a_line() -> None:
    """Whichever call fails, with EIO, ENOSPC or EINTR, it is told in a line or does no harm to any file."""
    if not can_strace():
        pytest.skip("strace is not installed, or may not trace here")
    wanted = os.environ.get("MUTUALIZE_INJECTIONS", "8")
    counts = rig(
        "crash_injections",
        *(["--all"] if wanted == "all" else ["--commands", "run,resume", "--sample", wanted]),
    )["counts"]
    assert counts["calls"] >= 100
    assert sum(number for word, number in counts.items() if "ended with" in word) >= 6


# --- a disk that is full ---------------------------------------------------------------------------------

CHILD = """
import resource, signal, sys
import mutualize.ledger
from mutualize.cli import main
mutualize.ledger.BATCH_EVENTS = 20
if int(sys.argv[1]):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
main(sys.argv[2:])
"""


def child(limit: int, *words: str, code: int) -> str:
    """Run the command line with a limit on the size of files (0: none); return what it said on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(limit), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that had all the room it wanted."""
    place = tmp_path_factory.mktemp("whole") / "run"
    child(0, "run", str(SMALL), "--out", str(place), code=0)
    return place


def test_a_file_that_may_not_grow_is_a_full_disk(whole: Path, tmp_path: Path) -> None:
    """The run ends with 74, its whole batches can be read, and it is resumed when there is room again."""
    golden = (whole / "ledger.jsonl").read_bytes()
    place = tmp_path / "run"
    said = child(30_000, "run", str(SMALL), "--out", str(place), code=74)
    assert said.startswith(f"error: {place / 'ledger.jsonl'}: cannot be written (")
    verdict = verify(place / "ledger.jsonl")
    assert verdict.condition is Condition.TORN
    assert verdict.events > 0
    torn = (place / "ledger.jsonl").read_bytes()
    said = child(10_000, "repair", str(place), code=74)
    assert said.endswith("It is as it was.\n")
    assert (place / "ledger.jsonl").read_bytes() == torn
    child(40_000, "resume", str(place), code=74)
    child(0, "resume", str(place), code=0)
    assert (place / "ledger.jsonl").read_bytes() == golden
    assert (place / "ledger.jsonl.broken").read_bytes() == torn


@pytest.fixture
def little_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of two pages of names and 64 kB; skip where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_full_keeps_what_was_written(whole: Path, little_disk: Path) -> None:
    """Old output stays as it is, the new one ends in a readable prefix, and the error names the file."""
    old = little_disk / "old.jsonl"
    old.write_bytes((whole / "ledger.jsonl").read_bytes()[:20_000])
    before = old.read_bytes()
    said = child(0, "run", str(SMALL), "--out", str(little_disk / "run"), code=74)
    assert "ledger.jsonl: cannot be written (" in said
    assert "No space left on device" in said
    assert verify(little_disk / "run" / "ledger.jsonl").condition in {Condition.TORN, Condition.UNSEALED}
    assert verify(little_disk / "run" / "ledger.jsonl").events > 0
    assert old.read_bytes() == before
    assert "cannot be" in child(0, "repair", str(old), code=74)
    assert old.read_bytes() == before
