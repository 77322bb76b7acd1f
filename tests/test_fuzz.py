"""Bad input never shows a traceback, hangs, runs code or reaches out: a hundred thousand fuzzed inputs.

MUTUALIZE_FUZZ=1000000 feeds a million. A failure prints the command that repeats it, and a small input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fuzz_inputs import LEDGER, WEIGHTS, case, documents
from fuzz_targets import PLACES, Target, check_lines
from fuzz_toml import write

from mutualize.errors import Exit, MutualizeError
from mutualize.scenario.document import parse
from mutualize.scenario.place import Problems, did_you_mean

INPUTS = int(os.environ.get("MUTUALIZE_FUZZ", "10000"))
WORKERS = 2
SEED = 1
RARE = 10
"""Fewer expected inputs than this may be none at all by chance."""
COMMANDS = 32
"""How many inputs go through the real command line, in CI."""
FUZZ = Path(__file__).with_name("fuzz.py")


def started(*options: object, hash_seed: int = 0) -> subprocess.Popen[str]:
    """Start the fuzzer in a process of its own: what it listens with cannot be taken off again."""
    return subprocess.Popen(
        [sys.executable, str(FUZZ), *map(str, options)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
    )


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a fuzzer and return what it counted and found."""
    text, _ = process.communicate()
    assert text, f"the fuzzer ended with {process.returncode} and said nothing"
    found: dict[str, Any] = json.loads(text)
    return found


def described(findings: Sequence[dict[str, Any]]) -> str:
    """Write findings as a person reads them: the command first."""
    lines = []
    for each in findings:
        lines += [each["repeat"], f"  {each['made of']}: {each['kind']}: {each['detail']}"]
        lines += [f"  options {each['options']}"] if each["options"] else []
        lines += [f"  {each['name']}: {line[:200]}" for line in each["data"].splitlines()[:40]]
    return "\n".join(lines)


def share(counts: dict[str, int], kind: str, *words: str) -> int:
    """Return how many inputs of a kind ended in one of these ways."""
    return sum(
        count
        for name, count in counts.items()
        if name.startswith(f"{kind}: ") and any(word in name for word in words)
    )


@pytest.mark.slow
def test_no_input_gets_a_traceback_hangs_or_reaches_out(tmp_path: Path) -> None:
    """Whatever is fed, it loads and runs, or is refused in plain lines: a second, 256 MB, nothing opened."""
    each = -(-INPUTS // WORKERS)
    states = [tmp_path / f"state-{number}" for number in range(WORKERS)]
    workers = [
        started("--seed", SEED, "--from", number * each, "--count", each, "--state", states[number])
        for number in range(WORKERS)
    ]
    counts: dict[str, int] = {}
    findings: list[dict[str, Any]] = []
    for worker, state in zip(workers, states, strict=True):
        text, _ = worker.communicate()
        assert text, (
            f"a worker died of: python tests/fuzz.py --seed {SEED} --case {state.read_text().strip()}"
        )
        found = json.loads(text)
        findings += found["findings"]
        for name, count in found["counts"].items():
            counts[name] = counts.get(name, 0) + count
    print(*(f"{count:>8} {name}" for name, count in sorted(counts.items())), sep="\n")  # noqa: T201
    assert not findings, "\n" + described(findings)
    total = sum(counts.values())
    assert total == each * WORKERS
    reached(counts, total)


def reached(counts: dict[str, int], total: int) -> None:
    """Hold the fuzzer to have got where it claims to look: past the parser, through runs, into losses."""
    percent = {kind: weight * total for kind, weight in WEIGHTS.items()}
    for kind, weight in percent.items():
        assert share(counts, kind, "") * 100 == pytest.approx(weight, abs=5_000), kind
    expected: dict[str, dict[str, float]] = {
        "scenario": {"ran": 5, "refused: USAGE": 50, "refused: LIMIT": 1, "refused at the start": 0.3},
        "text": {"ran": 1, "refused: USAGE": 60, "refused: LIMIT": 0.5},
        "prices": {"ran": 4, "refused: USAGE": 60, "LIMIT": 1, "with losses": 0.2},
        "gas": {"ran": 4, "refused: USAGE": 60, "LIMIT": 1},
        "positions": {"ran": 4, "refused: USAGE": 60, "LIMIT": 1},
        "vaults": {"ran": 3, "refused: USAGE": 60, "LIMIT": 0.5, "with losses": 2},
        "options": {"ran": 0.5, "refused: USAGE": 60},
        "ledger": {"corrupt": 40, "sealed, ": 15, "deep unlawful": 5, "unsealed": 0.1, "not replayed": 40},
    }
    for kind, ways in expected.items():
        for way, least in ways.items():
            wanted = least * share(counts, kind, "")
            assert wanted < RARE * 100 or share(counts, kind, way) * 100 >= wanted, (kind, way)
    assert share(counts, "scenario", "with losses") * 200 > share(counts, "scenario", "")


def test_the_same_seed_feeds_the_same_inputs() -> None:
    """Another process under another hash seed comes to the same end for every input."""
    runs = [(SEED, 0), (SEED, 1), (SEED + 1, 0)]
    first, again, other = (
        result(process)
        for process in [started("--seed", seed, "--count", 300, hash_seed=salt) for seed, salt in runs]
    )
    assert first["digest"] == again["digest"] != other["digest"]
    assert first["counts"] == again["counts"]


FAULTS = {
    "traceback": ("traceback", "KeyError in fuzz.py:<lambda>"),
    "hang": ("hang", "hang"),
    "memory": ("memory", "memory"),
    "open": ("reach", "open"),
    "exec": ("reach", "compile"),
    "socket": ("reach", "socket.__new__"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fuzzer_finds_what_it_looks_for(fault: str) -> None:
    """A planted traceback, hang, greed or reach is found, with a command that repeats it, and shrunk."""
    found = result(started("--seed", SEED, "--first", "--plant", fault))
    assert found["findings"], fault
    (finding, *_) = found["findings"]
    kind, where = FAULTS[fault]
    assert finding["kind"] == kind
    assert where.split()[0] in finding["where"]
    again = result(started("--seed", *finding["repeat"].split()[3:], "--plant", fault))
    assert [each["where"] for each in again["findings"]] == [finding["where"]]
    if fault != "hang":  # to try many smaller ones takes a second each
        number = finding["number"]
        assert len(finding["data"]) < len(case(SEED, number).data) >> 1


def test_the_writer_writes_what_the_parser_reads() -> None:
    """A document that nothing was changed in comes back as it was."""
    for name, doc in documents().items():
        assert parse(write(doc), name).data == doc, name


# --- through the command line -----------------------------------------------------------------------------


def commands(number: int, folder: Path, kind: str) -> list[str]:
    """Return the command that an input is given to: all are met in turn."""
    if kind == "ledger":
        ledger = str(folder / LEDGER)
        return [
            ["verify", ledger],
            ["verify", ledger, "--deep"],
            ["replay", ledger],
            ["replay", ledger, "--json"],
        ][number % 4]
    limits = ["--limit", "members=200", "--limit", "agents=20", "--limit", "steps=2000", "--limit", "draws=3"]
    name = str(folder)
    return [
        ["show", name],
        ["run", name, "--json"],
        ["check", name],
        ["run", name],
    ][number % 4] + limits


@pytest.mark.slow
def test_the_command_line_answers_in_plain_lines() -> None:
    """Whole commands in processes of their own: known exit codes, no traceback, `error:` at each line."""
    count = max(COMMANDS, INPUTS // 3_000 if INPUTS > 100_000 else 0)
    codes: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as root:
        target = Target.made(Path(root))
        for number in range(count):
            each = case(SEED, number * 107)
            target.put(each)
            command = commands(number, target.folder, each.kind)
            if each.kind == "options" and command[0] in {"show", "run"}:
                command += [word for path, value in each.options for word in ("--set", f"{path}={value}")]
            if any("\0" in word or not word.isprintable() for word in command):
                continue  # no shell hands that over
            done = subprocess.run(
                [sys.executable, "-m", "mutualize", *command], capture_output=True, text=True, check=False
            )
            repeat = f"python tests/fuzz.py --seed {SEED} --case {each.number} (as: mutualize {command[0]})"
            assert done.returncode in {*map(int, Exit)}, repeat
            assert "Traceback" not in done.stderr, f"{repeat}\n{done.stderr}"
            assert done.returncode != Exit.INVARIANT_BROKEN or "--deep" in command, f"{repeat}\n{done.stderr}"
            told = [
                line for line in done.stderr.splitlines() if not line.startswith(("error: ", "warning: "))
            ]
            assert not told, f"{repeat}\n{told}"
            codes[done.returncode] = codes.get(done.returncode, 0) + 1
    assert codes[Exit.USAGE] > count >> 2
    assert codes[Exit.OK] > 0
    assert codes[Exit.CORRUPT] > 0


# --- what was found ---------------------------------------------------------------------------------------


def test_known_names_that_cannot_be_printed_are_not_printed() -> None:
    """A remedy that lists what is known writes names of the user's as it writes values."""
    assert did_you_mean("zzz", ["\u202e", "\n"]) == "Known: \\u202e, \\u000a."


def test_an_error_without_a_place_is_seen() -> None:
    """The check of the lines itself refuses what names no place, cannot be printed, or hides a flag."""
    assert PLACES.fullmatch("/x/scenario/scenario.toml:5")
    problems = Problems("scenario.toml")
    problems.add(("a",), "is wrong")
    with pytest.raises(MutualizeError) as caught:
        problems.raise_if_any()
    check_lines(caught.value)
    for error in (
        MutualizeError("nowhere", "is wrong."),
        MutualizeError("scenario.toml:1", "is\nwrong."),
        MutualizeError("scenario.toml:1", "is wrong." * 999),
        MutualizeError("scenario.toml:1", "is too large.", code=Exit.LIMIT),
    ):
        with pytest.raises(Exception, match="text: "):
            check_lines(error)
