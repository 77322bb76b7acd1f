"""Bench: a short set of measurements of this machine, and whether an earlier set still holds.

    three-tiers    the shipped scenario, its ledger kept in memory
    crash          a crash of many borrowers, its ledger streamed to a file
    sha256         SHA-256 of that file: the yardstick of the next two
    verify, deep   the two ways of verifying that file
    replay         that file folded to its book

Counts and digests are exact. Time is CPU time of this process, the least of several goes; between the goes a
fixed loop is timed as well, and two measurements are compared in loops, so that another machine's speed
cancels out.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self, TypeAlias, TypeVar

import attrs

from mutualize import __version__
from mutualize.ending import Ending
from mutualize.errors import Exit, MutualizeError
from mutualize.invariants import check
from mutualize.ledger_audit import fold, verify_deep
from mutualize.ledger_reader import Condition, Verdict, verify
from mutualize.report.blocks import Block, Line, Table
from mutualize.report.text import moment, numeral, plural
from mutualize.run import Run, run
from mutualize.scenario.load import load, loads
from mutualize.scenario.model import Scenario
from mutualize.units import div_down, format_decimal, mul_div_down, mul_div_half_up

SCHEMA: Final = "mutualize/bench@1"
POSITIONS: Final = 3_000
"""So many borrowers has the crash, unless another number is asked for."""
POSITIONS_MAX: Final = 1_000_000
TRIPWIRE: Final = 125
"""Percent of the earlier time: whoever takes longer has become slower."""
SECOND: Final = 10**9
"""Nanoseconds."""
ENOUGH_NS: Final = 300_000_000
"""A row is gone through again until this much CPU time is spent on it …"""
GOES: Final = (2, 20)
"""… but so often at least, and so often at most."""
LOOPS: Final = 15_000

_STEPS: Final = 72
_FIRST_S: Final = 1_704_067_200
_HOUR_S: Final = 3_600
_TEXT: Final = """
format = "mutualize-scenario/1"
name = "crash"
title = "A crash of many borrowers"
summary = "ETH falls by 55 % in 72 hourly steps."
start = "2024-01-01T00:00:00Z"
end = "2024-01-04T00:00:00Z"
seed = 1
not_modelled = ["anything: it measures the machine"]
[assets.ETH]
marked = {{ assumed = "invented" }}
decimals = 18
[assets.USDC]
marked = {{ assumed = "invented" }}
decimals = 6
[markets.ETH]
marked = {{ assumed = "invented" }}
money = "USDC"
place = "an invented exchange"
points = {points}
cost = "0.02"
[markets.USDC]
price = {{ value = "1", assumed = "invented" }}
[oracles.ETH]
marked = {{ assumed = "invented" }}
heartbeat_s = 3600
deviation = "0.5"
[chain]
marked = {{ assumed = "invented" }}
block_s = 12
[venues.pool]
kind = "pool"
marked = {{ assumed = "invented" }}
[venues.pool.rules]
close_factor = "aave-v3"
dust_rule = true
recognition = "at-zero-collateral"
[venues.pool.reserves.ETH]
ltv = "0.80"
liquidation_threshold = "0.85"
liquidation_bonus = "0.05"
[venues.pool.reserves.USDC]
ltv = "0.75"
liquidation_threshold = "0.80"
liquidation_bonus = "0.05"
reserve_factor = "0.10"
optimal = "0.90"
slope1 = "0.04"
slope2 = "0.60"
[[venues.pool.waterfall]]
tier = "insurance-fund"
payer = "fund"
[[venues.pool.waterfall]]
tier = "haircut"
payer = "claims"
[venues.pool.funds.insurance-fund]
USDC = "20000"
[[depositors]]
name = "lenders"
marked = {{ assumed = "invented" }}
count = 100
venue = "pool"
asset = "USDC"
amount = "{deposit}"
[[borrowers]]
name = "borrowers"
marked = {{ assumed = "invented" }}
count = {count}
venue = "pool"
collateral = "ETH"
collateral_amount = {{ power_law = ["1", "1000"] }}
debt = "USDC"
health = {{ uniform = ["1.05", "4"] }}
[[liquidators]]
name = "keeper"
marked = {{ assumed = "invented" }}
count = 1
venue = "pool"
flash = true
per_block = 100000
min_profit = "1"
"""

Data: TypeAlias = dict[str, Any]
_T = TypeVar("_T")


# --- what is measured ------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Row:
    """What was done, exactly; and the CPU time that it took, in nanoseconds."""

    name: str
    events: int
    bytes: int
    """Of the ledger on file; 0 where there is none."""
    digest: str
    cpu_ns: int
    loop_ns: int
    """What the fixed loop took between the goes of this row: how fast the machine was then."""
    memory_kib: int | None
    """The most memory that the process has held so far; None where the system does not tell."""

    @property
    def events_per_s(self) -> int:
        """Events a second of CPU time."""
        return mul_div_down(self.events, SECOND, self.cpu_ns)


@attrs.frozen(kw_only=True)
class Measurement:
    """One set of rows, and what it was taken with."""

    positions: int
    version: str
    python: str
    rows: tuple[Row, ...]

    def ratio(self, row: Row) -> tuple[str, str]:
        """Return a row's time as a multiple of its yardstick's, to two places, and the yardstick's name.

        Both are empty for a row without a yardstick.
        """
        name = YARDSTICKS.get(row.name, "")
        times = [other.cpu_ns for other in self.rows if other.name == name]
        if not times:
            return "", ""
        return numeral(mul_div_half_up(row.cpu_ns, 100, times[0]), 2), name

    def data(self) -> Data:
        """Return it as `mutualize/bench@1`."""
        rows = []
        for row in self.rows:
            ratio, name = self.ratio(row)
            more = {"events_per_s": row.events_per_s, "ratio": ratio or None, "ratio_to": name or None}
            rows.append({**attrs.asdict(row), **more})
        return {**attrs.asdict(self), "rows": rows, "schema": SCHEMA}

    @classmethod
    def of(cls, data: Data) -> Self:
        """Return it from such data. Raises ValueError for what is none."""
        fields = _fields(cls, data)
        if data.get("schema") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        if not 1 <= fields["positions"] <= POSITIONS_MAX:
            raise ValueError(f"positions is {fields['positions']:,}")
        return cls(**{**fields, "rows": tuple(Row(**_fields(Row, row)) for row in fields["rows"])})


YARDSTICKS: Final = {"verify": "sha256", "verify --deep": "sha256", "replay": "crash"}
_KINDS: Final = {"rows": list, "memory_kib": int | None} | dict.fromkeys(
    ("events", "bytes", "cpu_ns", "loop_ns", "positions"), int
)


def _fields(shape: type[attrs.AttrsInstance], data: object) -> Data:
    """Return the fields of a class from data, other keys left out. Raises ValueError where one is unfit."""
    found: Data = {}
    for field in attrs.fields(shape):
        value = data.get(field.name) if isinstance(data, dict) else None
        if not isinstance(value, _KINDS.get(field.name, str)) or isinstance(value, bool):
            raise ValueError(f"{field.name} is {value!r:.40}")  # noqa: TRY004 - what a file says, not a call
        if field.name.endswith("_ns") and isinstance(value, int) and value <= 0:
            raise ValueError(f"{field.name} is not positive")
        found[field.name] = value
    return found


def measure(positions: int = POSITIONS) -> Measurement:
    """Go through the set, with a crash of so many borrowers. Takes some seconds.

    Raises MutualizeError for more borrowers than a scenario may have, and where a run is interrupted.
    """
    rows: list[Row] = []

    def add(name: str, work: Callable[[], _T], said: Callable[[_T], tuple[int, str]], size: int = 0) -> None:
        done, cpu_ns, loop_ns = _timed(work)
        events, digest = said(done)
        rows.append(
            Row(
                name=name,
                events=events,
                bytes=size or (ledger.stat().st_size if ledger.exists() else 0),
                digest=digest,
                cpu_ns=cpu_ns,
                loop_ns=loop_ns,
                memory_kib=_peak_memory_kib(),
            )
        )

    with TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.jsonl"
        scenario = crash(positions, Path(folder))
        add("three-tiers", partial(run, load("three-tiers")), _ran)
        add("crash", partial(run, scenario, ledger=ledger, force=True), _ran)
        events = rows[-1].events
        add("sha256", partial(_sha256, ledger), lambda digest: (events, digest))
        add("verify", partial(verify, ledger), _verified)
        deep = partial(verify_deep, ledger, check, partial(check, deep=True))  # as the command does
        add("verify --deep", deep, _verified)
        add("replay", partial(fold, ledger), lambda book: (book.seq, book.digest()))
    python = ".".join(str(part) for part in sys.version_info[:3])
    return Measurement(positions=positions, version=__version__, python=python, rows=tuple(rows))


def crash(positions: int, folder: Path, overrides: Sequence[tuple[str, str]] = ()) -> Scenario:
    """Return the scenario of the crash: a straight line down, every other step 1 % above it.

    `overrides` are (dotted path, value), as behind --set.
    """
    points = []
    for step in range(_STEPS + 1):
        cents = 200_000 - mul_div_down(110_000, step, _STEPS)
        cents += div_down(cents, 100) if step & 1 else 0
        points.append([moment(_FIRST_S + step * _HOUR_S), numeral(cents, 2)])
    text = _TEXT.format(points=json.dumps(points), count=positions, deposit=positions * 200)
    return loads(text, folder, overrides)


def _ran(ran: Run) -> tuple[int, str]:
    if ran.ended is not Ending.COMPLETE:
        raise MutualizeError("", f"a run of the bench ended {ran.ended.value}.", code=ran.ended.code)
    return ran.ledger.durable_seq, ran.digest


def _verified(verdict: Verdict) -> tuple[int, str]:
    assert verdict.condition is Condition.SEALED, verdict
    return verdict.events, verdict.root


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- how it is timed -------------------------------------------------------------------------------------


def _timed(work: Callable[[], _T]) -> tuple[_T, int, int]:
    """Return what the work gave, and the least CPU times of the work and of the loop, in nanoseconds."""
    taken: list[int] = []
    loops: list[int] = []
    while True:
        gc.collect()
        loops.append(_loop_ns())
        began = time.process_time_ns()
        done = work()
        taken.append(max(1, time.process_time_ns() - began))
        if len(taken) >= GOES[1] or (len(taken) >= GOES[0] and sum(taken) >= ENOUGH_NS):
            return done, min(taken), min(loops)


def _loop_ns() -> int:
    """Return what a fixed amount of work takes: integers, a dictionary, texts and their hash."""
    began = time.process_time_ns()
    cells: dict[str, int] = {}
    digest = hashlib.sha256()
    for number in range(LOOPS):
        name = f"account-{number & 1023}"
        cells[name] = cells.get(name, 0) + mul_div_down(number, 10**27, 10**18)
        digest.update(name.encode())
    return max(1, time.process_time_ns() - began)


def _peak_memory_kib() -> int | None:
    """Return the most memory that this process held, where the system has a file that tells it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) if found else None


# --- what it is compared with ----------------------------------------------------------------------------


def earlier(path: Path) -> Measurement:
    """Read a measurement that was kept.

    Raises MutualizeError for a file that is missing (4), unreadable (74) or no measurement (2).
    """
    remedy = "Write one with --out FILE."
    try:
        return Measurement.of(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise MutualizeError(str(path), "there is no such file.", remedy, code=Exit.MISSING) from None
    except OSError as error:
        raise MutualizeError(str(path), f"cannot be read: {error.strerror}.", code=Exit.IO) from None
    except RecursionError:
        raise MutualizeError(str(path), "is no measurement: it is nested too deeply.", remedy) from None
    except ValueError as error:
        raise MutualizeError(str(path), f"is no measurement: {error}.", remedy) from None


def differences(now: Measurement, before: Measurement) -> list[str]:
    """Return what differs from an earlier measurement, a line each: counts, digests, and what is slower."""
    rows = {row.name: row for row in now.rows}
    olds = {row.name: row for row in before.rows}
    lines = [f"{name}: was measured then, and is not now" for name in olds if name not in rows]
    for name, row in rows.items():
        if name not in olds:
            lines.append(f"{name}: is measured now, and was not then")
            continue
        old = olds[name]
        for what in ("events", "bytes", "digest"):
            was, is_now = getattr(old, what), getattr(row, what)
            if was != is_now:
                lines.append(f"{name}: {what}: was {was} and is {is_now}")
        percent = mul_div_down(row.cpu_ns * old.loop_ns, 100, old.cpu_ns * row.loop_ns)
        if percent > TRIPWIRE:
            lines.append(f"{name}: slower: takes {percent:,} % of the time that it took, in loops")
    return lines


def bench_page(now: Measurement, differing: list[str] | None = None) -> list[Block]:
    """Return it in words. `differing` is what `differences` said, None where nothing was compared."""
    cells = []
    for row in now.rows:
        ratio, name = now.ratio(row)
        cells.append(
            (
                row.name,
                format_decimal(row.cpu_ns, 6, 2),
                f"{row.events:,}",
                f"{row.events_per_s:,}",
                f"{ratio} x {name}" if ratio else "-",
                "-" if row.memory_kib is None else f"{row.memory_kib >> 10:,}",
                row.digest[:16],
            )
        )
    columns = ("", ">CPU ms", ">events", ">events/s", ">ratio", ">peak MiB", "digest")
    blocks: list[Block] = [Table(columns, tuple(cells))]
    about = f"{now.positions:,} borrowers, mutualize {now.version}, Python {now.python}."
    blocks.append(Line(about, "quiet"))
    if differing is not None:
        blocks += [Line(line, "bad") for line in differing]
        verdict = f"{plural(len(differing), 'difference')}." if differing else "As before: no difference."
        blocks.append(Line(verdict, "bad" if differing else "good"))
    return blocks
