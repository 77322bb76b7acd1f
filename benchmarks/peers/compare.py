"""mutualize against each peer: the same crash, in turn, each in a process of its own; and the ratios.

    python benchmarks/peers/compare.py --positions 100000 --rounds 3            all rows, as a table
    python benchmarks/peers/compare.py --positions 1000 --row mesa-hourly --json

Its rule: a ratio is taken of medians of CPU time, from one call of this script, which runs both in turn, and
only after both have agreed, by digest, on who was liquidated at which step. (Under the exact rule interest
moves them a little; there only the times are compared.) CPU time, since a busy machine slows both alike; that
of processes which a peer starts counts. A peer that is not installed is skipped, by name, with the command
that installs it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

HERE: Final = Path(__file__).resolve().parent
CRASH: Final = HERE.parent / "crash.py"
MIXED: Final = HERE / "mixed_mutualize.py"
INSTALL: Final = 'python -m pip install -e ".[bench-peers]"'
POSITIONS: Final = 100_000
"""What the targets are stated for."""
HOURLY: Final = 72
MINUTELY: Final = 4_320


class Row(NamedTuple):
    """A row of the table: a peer, what it is asked, and by how much mutualize is to be better."""

    name: str
    package: str
    script: str
    steps: int
    rule: str
    faster: float
    """How many times faster mutualize is to be."""
    memory: float | None = None
    """At most which part of the peer's memory it may take."""
    options: tuple[str, ...] = ()


ROWS: Final = (
    Row("mesa-minutely", "mesa", "mesa_agents.py", MINUTELY, "plain", 25),
    Row("cadcad-hourly", "cadCAD", "cadcad_model.py", HOURLY, "plain", 10, 1 / 5),
    Row("radcad-hourly", "radcad", "radcad_model.py", HOURLY, "plain", 10, 1 / 5),
    Row("simpy-hourly", "simpy", "simpy_processes.py", HOURLY, "plain", 8),
    Row("mesa-hourly", "mesa", "mesa_agents.py", HOURLY, "plain", 1),
    Row("mesa-hourly-exact", "mesa", "mesa_agents.py", HOURLY, "exact", 1 / 2),
    Row("numpy-mixed", "numpy", "numpy_mixed.py", MINUTELY, "mixed", 5, options=("--idiom", "healths")),
    Row("numpy-mixed-fastest", "numpy", "numpy_mixed.py", MINUTELY, "mixed", 5),
)


class Unavailable(Exception):
    """Why a row cannot be measured here."""


class Compared(NamedTuple):
    """What came out for a row: medians of seconds, the most memory, and what both answered."""

    row: Row
    positions: int
    rounds: int
    own_s: float
    peer_s: float
    own_memory_mib: int
    peer_memory_mib: int
    own: Mapping[str, Any]
    peer: Mapping[str, Any]

    @property
    def faster(self) -> float:
        """How many times faster mutualize was."""
        return self.peer_s / self.own_s

    @property
    def memory(self) -> float:
        """Which part of the peer's memory it took."""
        return self.own_memory_mib / self.peer_memory_mib

    @property
    def holds(self) -> bool:
        """Say whether the row's target is met."""
        return self.faster >= self.row.faster and (self.row.memory is None or self.memory <= self.row.memory)

    def facts(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "row": self.row.name,
            "positions": self.positions,
            "rounds": self.rounds,
            "steps": self.row.steps,
            "rule": self.row.rule,
            "own_s": self.own_s,
            "peer_s": self.peer_s,
            "faster": round(self.faster, 2),
            "faster_target": self.row.faster,
            "memory": round(self.memory, 3),
            "memory_target": self.row.memory,
            "holds": self.holds,
            "own": dict(self.own),
            "peer": dict(self.peer),
        }


def require_installed(row: Row) -> None:
    """Raise Unavailable where the peer, or our own side of the row, is not at hand."""
    if importlib.util.find_spec(row.package) is None:
        raise Unavailable(f"{row.package} is not installed; to compare with it: {INSTALL}")
    if row.rule != "mixed" and not CRASH.exists():
        raise Unavailable(f"there is no {CRASH.name} beside {HERE.name}/")


def answer(script: Path, *options: str) -> dict[str, Any]:
    """Run a script with this interpreter and return the JSON that it prints, after what it may have logged.

    Raises RuntimeError, with what it said, where it fails.
    """
    done = subprocess.run(
        [sys.executable, str(script), *options], capture_output=True, text=True, check=False
    )
    begins = done.stdout.find("{")
    if done.returncode or begins < 0:
        raise RuntimeError(f"{script.name} {' '.join(options)} failed:\n{done.stderr[-2_000:]}")
    facts: dict[str, Any] = json.loads(done.stdout[begins:])
    return facts


def ask_own(row: Row, positions: int) -> dict[str, Any]:
    """Run mutualize's side of a row once; its ledger goes to disk, in a folder that is thrown away."""
    if row.rule == "mixed":
        return answer(MIXED, str(positions), str(row.steps))
    with tempfile.TemporaryDirectory() as folder:
        size = ("--positions", str(positions), "--steps", str(row.steps))
        return answer(CRASH, *size, "--rule", row.rule, "--ledger", f"{folder}/ledger.jsonl", "--json")


def require_agreement(row: Row, own: Mapping[str, Any], peer: Mapping[str, Any]) -> None:
    """Raise AssertionError where the two do not agree on who was liquidated."""
    if row.rule == "exact":
        return
    keys = ["liquidated", "liquidated_digest"]
    if [own[key] for key in keys] != [peer[key] for key in keys]:
        told = [{key: facts[key] for key in keys} for facts in (own, peer)]
        raise AssertionError(f"{row.name}: mutualize says {told[0]}, {row.package} says {told[1]}")


def compare(row: Row, positions: int, rounds: int) -> Compared:
    """Run both in turn, so many times; mixed accounts are twice as many.

    Raises Unavailable where the row cannot be measured here, AssertionError where the two do not agree.
    """
    require_installed(row)
    positions = 2 * positions if row.rule == "mixed" else positions
    own, peer = [], []
    for _ in range(rounds):
        own.append(ask_own(row, positions))
        peer.append(answer(HERE / row.script, str(positions), str(row.steps), *row.options))
        require_agreement(row, own[-1], peer[-1])
    return Compared(
        row,
        positions,
        rounds,
        own_s=statistics.median(facts["watch_s" if row.rule == "mixed" else "run_s"] for facts in own),
        peer_s=statistics.median(facts["run_cpu_s"] for facts in peer),
        own_memory_mib=max(facts["peak_memory_mib"] for facts in own),
        peer_memory_mib=max(facts["peak_memory_mib"] for facts in peer),
        own=own[-1],
        peer=peer[-1],
    )


def line(found: Compared) -> str:
    """Return a row of the table."""
    memory = "" if found.row.memory is None else f"{found.memory:5.2f} ≤ {found.row.memory:.2f}"
    times = f"{found.own_s:10.3f}{found.peer_s:10.3f}{found.faster:9.2f} ≥ {found.row.faster:<6g}"
    return (
        f"{found.row.name:22}{times}"
        f"{found.own_memory_mib:7}{found.peer_memory_mib:7}  {memory:14}{'' if found.holds else 'MISSED'}"
    )


def main(words: Sequence[str] | None = None) -> int:
    """Measure rows and print them. Returns 0; targets hold for their own size and are told, not enforced."""
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("--positions", type=int, default=POSITIONS)
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--row", action="append", choices=[row.name for row in ROWS])
    reader.add_argument("--json", action="store_true")
    given = reader.parse_args(words)
    if given.rounds < 1 or given.positions < 1:
        reader.error("at least one position and one round")
    if not given.json:
        sys.stdout.write(f"{'row':22}{'own s':>10}{'peer s':>10}{'faster':>9}{'own MiB':>16}{'peer':>7}\n")
    for row in ROWS:
        if given.row and row.name not in given.row:
            continue
        try:
            found = compare(row, given.positions, given.rounds)
        except Unavailable as why:
            text = json.dumps({"row": row.name, "skipped": str(why)}) if given.json else f"{row.name:22}{why}"
        else:
            text = json.dumps(found.facts()) if given.json else line(found)
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
