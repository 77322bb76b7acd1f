"""`mutualize bench`: what was done is compared exactly; what it took, by a wire that edited files trip."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from mutualize import bench
from mutualize.cli import cli
from mutualize.errors import Exit, MutualizeError

ROWS = ["three-tiers", "crash", "sha256", "verify", "verify --deep", "replay"]
POSITIONS = 50


def call(*words: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(cli, ["bench", *words], obj={"debug": False, "color": "never"})


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """One go of everything is enough where nobody looks at the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "GOES", (1, 1))
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return a measurement that the command line kept in a file."""
    path = tmp_path_factory.mktemp("bench") / "kept.json"
    done = call("--positions", str(POSITIONS), "--out", str(path))
    assert done.exit_code == 0, done.output
    assert all(name in done.output for name in ROWS)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def edited(kept: dict[str, Any], tmp_path: Path) -> Callable[..., str]:
    """Return what writes the measurement with other values in its rows, and returns where."""

    def edit(name: str = "", **values: object) -> str:
        rows = [{**row, **(values if name in ("", row["name"]) else {})} for row in kept["rows"]]
        path = tmp_path / "edited.json"
        path.write_text(json.dumps({**kept, "rows": rows}), encoding="utf-8")
        return str(path)

    return edit


def test_what_is_measured_is_told_as_json(kept: dict[str, Any]) -> None:
    """Each row says what was done, and those with a yardstick are ratios to it."""
    assert kept["schema"] == "mutualize/bench@1"
    assert kept["positions"] == POSITIONS
    assert [row["name"] for row in kept["rows"]] == ROWS
    rows = {row["name"]: row for row in kept["rows"]}
    assert all(row["events"] > 0 and row["cpu_ns"] > 0 and row["loop_ns"] > 0 for row in kept["rows"])
    assert rows["crash"]["events"] == rows["verify"]["events"] == rows["replay"]["events"] > POSITIONS
    assert rows["crash"]["digest"] == rows["verify"]["digest"] == rows["verify --deep"]["digest"]
    assert [row["ratio_to"] for row in kept["rows"]] == [None, None, None, "sha256", "sha256", "crash"]
    assert rows["three-tiers"]["bytes"] == 0 < rows["crash"]["bytes"]


def test_counts_and_digests_are_the_same_twice(edited: Callable[..., str]) -> None:
    """Measured again, nothing differs from a measurement that took far longer, whose positions are taken."""
    done = call("--compare", edited(cpu_ns=10**15), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["differences"] == []
    assert found["positions"] == POSITIONS


def test_another_count_is_named(edited: Callable[..., str]) -> None:
    """One event more than then is exit code 1, whatever the time."""
    done = call("--compare", edited("crash", events=1, cpu_ns=10**15))
    assert done.exit_code == Exit.CHECK_FAILED
    assert "crash: events: was 1 and is" in done.output


def test_a_slower_machine_trips_the_wire(edited: Callable[..., str]) -> None:
    """Who takes more than 1.25 times what it took is exit code 1, and named."""
    done = call("--compare", edited(cpu_ns=1))
    assert done.exit_code == Exit.CHECK_FAILED
    assert all(f"{name}: slower" in done.output for name in ROWS)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cpu_ns": 1_250}, []),
        ({"cpu_ns": 1_260}, ["a: slower: takes 126 % of the time that it took, in loops"]),
        ({"cpu_ns": 5_000, "loop_ns": 400}, []),
        ({"cpu_ns": 1_000, "loop_ns": 50}, ["a: slower: takes 200 % of the time that it took, in loops"]),
        ({"digest": "e"}, ["a: digest: was d and is e"]),
        ({"bytes": 8}, ["a: bytes: was 7 and is 8"]),
        ({"name": "b"}, ["a: was measured then, and is not now", "b: is measured now, and was not then"]),
        ({"memory_kib": 9}, []),
    ],
)
def test_times_are_compared_in_loops(values: dict[str, Any], said: list[str]) -> None:
    """A machine on which the loop takes four times as long may take four times as long for all else."""
    row = bench.Row(name="a", events=5, bytes=7, digest="d", cpu_ns=1_000, loop_ns=100, memory_kib=None)
    before = bench.Measurement(positions=1, version="1", python="3", rows=(row,))
    assert bench.differences(attrs.evolve(before, rows=(attrs.evolve(row, **values),)), before) == said


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """It is told before anything is measured, with exit code 4."""
    error = call("--compare", str(tmp_path / "none.json")).exception
    assert isinstance(error, MutualizeError)
    assert error.code is Exit.MISSING
    assert "there is no such file. Write one with --out FILE." in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x80",
        "[]",
        "{}",
        "[" * 100_000,
        '{"schema": "mutualize/check@1"}',
        '{"schema": "mutualize/bench@1", "positions": "50", "version": "1", "python": "3", "rows": []}',
        '{"schema": "mutualize/bench@2", "positions": 50, "version": "1", "python": "3", "rows": []}',
        '{"schema": "mutualize/bench@1", "positions": 50, "version": "1", "python": "3", "rows": [0]}',
        '{"schema": "mutualize/bench@1", "positions": 0, "version": "1", "python": "3", "rows": []}',
        '{"schema": "mutualize/bench@1", "positions": 1000001, "version": "1", "python": "3", "rows": []}',
        '{"schema": "mutualize/bench@1", "positions": true, "version": "1", "python": "3", "rows": []}',
    ],
)
def test_another_format_is_told(tmp_path: Path, text: str) -> None:
    """What is no measurement is exit code 2, and says how to write one."""
    path = tmp_path / "other.json"
    path.write_text(text, encoding="latin-1")
    error = call("--compare", str(path)).exception
    assert isinstance(error, MutualizeError)
    assert error.code is Exit.USAGE
    assert "is no measurement" in str(error)


@pytest.mark.parametrize("name", ["cpu_ns", "loop_ns"])
def test_a_time_of_nothing_is_no_measurement(edited: Callable[..., str], name: str) -> None:
    """A file that says zero nanoseconds is refused, since nothing can be divided by it."""
    error = call("--compare", edited(**{name: 0})).exception
    assert isinstance(error, MutualizeError)
    assert f"{name} is not positive" in str(error)


def test_other_positions_than_compared_are_refused(edited: Callable[..., str]) -> None:
    """Counts of two sizes cannot be equal, which is said before anything is measured."""
    error = call("--compare", edited(), "--positions", str(POSITIONS + 1)).exception
    assert isinstance(error, MutualizeError)
    assert "was measured with 50 positions. Leave it out to compare." in str(error)


def test_a_crash_can_be_larger_than_it_may(tmp_path: Path) -> None:
    """More borrowers than the limits allow are an error, and no memory is taken for them."""
    with pytest.raises(MutualizeError) as caught:
        bench.crash(10**12, tmp_path)
    assert caught.value.code in (Exit.LIMIT, Exit.USAGE)
