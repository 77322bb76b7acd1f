"""A counterexample: all that repeats a check that failed, in one file.

    run that fails ─▶ scenario as run, tables, what failed ─▶ NAME.json ─▶ still fails, fixed, stale

`mutualize/counterexample@1`. What was approved, the baseline of this run, is in it as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs

from mutualize import locked_file
from mutualize.errors import Exit, MutualizeError
from mutualize.report import baseline as baselines
from mutualize.report.baseline import Baseline, tolerance
from mutualize.report.check import against_baseline, checked
from mutualize.report.check_formats import findings
from mutualize.report.figures import Data
from mutualize.run import Run
from mutualize.run import run as run_scenario
from mutualize.scenario.dump import dump
from mutualize.scenario.find import FILE

SCHEMA: Final = "mutualize/counterexample@1"
STILL_FAILS, FIXED, STALE = "still fails", "fixed", "stale"
NEW_RUN: Final = "baseline run"
"""What fails where a run is not in the baseline and new ones are not let pass: the file has no run of it."""
SIZE_MAX: Final = 256 * 1024 * 1024
"""The largest file that is read, in bytes."""


@attrs.frozen
class Replayed:
    """What became of a counterexample: STILL_FAILS, FIXED or STALE, and the problems that there are now."""

    answer: str
    run: str
    before: tuple[str, ...]
    now: tuple[str, ...]

    @property
    def code(self) -> Exit:
        """0 where it is fixed, 1 where it still fails, 2 where it says nothing any more."""
        return {FIXED: Exit.OK, STILL_FAILS: Exit.CHECK_FAILED, STALE: Exit.USAGE}[self.answer]

    def data(self) -> Data:
        """Return it as plain data."""
        schema = "mutualize/counterexample-replay@1"
        return {"schema": schema, "answer": self.answer, "run": self.run,
                "before": list(self.before), "now": list(self.now)}  # fmt: skip


def write(folder: Path, ran: Run, row: Data, approved: Baseline, failing: tuple[str, ...]) -> Path:
    """Write what repeats a run that failed into a folder; return the file. Raises MutualizeError (74)."""
    run, scenario = str(row["run"]), ran.scenario
    known = {run: approved.runs[run]} if approved.knows(run) else {}
    data = {
        "schema": SCHEMA,
        "run": run,
        "version": ran.summary["ledger"]["version"],
        "rules": ran.summary["ledger"]["rules"],
        "digest": ran.digest,
        "golden": row["golden"],
        "variant": scenario.variant,
        "seed": scenario.seed,
        "scenario": dump(scenario),
        "files": {file.name: (scenario.folder / file.name).read_text("utf-8") for file in scenario.files},
        "baseline": {"runs": known, "tolerances": [rule.text for rule in approved.tolerances]},
        "failing": list(failing),
        "problems": [f"{each.what}: {each.problem}" for each in findings([row]) if each.problem],
        "failed": _failed(row),
    }
    path = folder / f"{re.sub('[^a-z0-9_-]', '.', run)}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        locked_file.replace(path, (json.dumps(data, indent=1, sort_keys=True) + "\n").encode())
    except OSError as error:
        raise MutualizeError(str(path), f"cannot be written: {error.strerror}.", code=Exit.IO) from error
    return path


def _failed(row: Data) -> list[str]:
    """Return what was looked at and did not hold, by name."""
    return [each.what for each in findings([row]) if each.problem]


def replay(path: Path, scenario: str = "") -> Replayed:
    """Repeat what failed: the scenario as it was run; or `scenario` as it is now, same variant and seed.

    Raises MutualizeError where the file is none (2), or cannot be read (74).
    """
    data = _read(path)
    run, before, failed = data["run"], tuple(data["problems"]), set(data["failed"])
    with TemporaryDirectory() as folder:
        _lay_out(Path(folder), data, path)
        try:
            if scenario:
                ran = run_scenario(scenario, variant=data["variant"], seed=data["seed"], ledger="none")
            else:
                ran = run_scenario(folder, ledger="none")
        except MutualizeError as error:
            return Replayed(STALE, run, before, tuple(error.lines()))
    golden = {run: data["golden"]} if data["golden"] else {}
    row = {**checked(ran.summary, {}), "run": run}
    row["golden"] = golden.get(run)
    rules = tuple(tolerance(text, str(path)) for text in data["baseline"]["tolerances"])
    approved = Baseline(data["baseline"]["runs"], rules)
    if approved.knows(run) or NEW_RUN in failed:
        against_baseline(row, ran.summary, approved, (), tuple(data["failing"]))
    found = findings([row])
    asked = {each.what for each in found}
    problems = tuple(f"{each.what}: {each.problem}" for each in found if each.problem)
    if any(each.what in failed and each.problem for each in found):
        answer = STILL_FAILS
    else:
        answer = FIXED if failed <= asked else STALE
    return Replayed(answer, run, before, problems)


def _read(path: Path) -> dict[str, Any]:
    """Read a counterexample, every field checked."""
    try:
        if path.stat().st_size > SIZE_MAX:
            raise MutualizeError(str(path), f"is longer than {SIZE_MAX:,} bytes.", code=Exit.LIMIT)
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MutualizeError(str(path), "there is no such file.", code=Exit.MISSING) from None
    except (OSError, ValueError, RecursionError) as error:
        raise MutualizeError(str(path), f"cannot be read: {type(error).__name__}.", code=Exit.IO) from None
    problem = _problem(data)
    if problem:
        raise MutualizeError(str(path), f"is no counterexample: {problem}.", f"A {SCHEMA} is asked for.")
    return dict(data)


def _problem(data: Any) -> str:
    """Return what is wrong with the fields; empty where nothing is."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        return f"its schema is not {SCHEMA}"
    for name in ("run", "scenario"):
        if not isinstance(data.get(name), str):
            return f"{name!r} is no text"
    for name in ("problems", "failed", "failing"):
        if not _is_list(data.get(name)):
            return f"{name!r} is no list of texts"
    files, seed = data.get("files"), data.get("seed")
    for name in ("golden", "variant"):
        if not (data.get(name) is None or isinstance(data[name], str)):
            return f"{name!r} is no text"
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        return "'seed' is no seed"
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        return "'files' is no table of texts"
    return baselines.problem_of(data.get("baseline"))


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _lay_out(folder: Path, data: Mapping[str, Any], path: Path) -> None:
    """Write the scenario and its tables into an empty folder, and nowhere else."""
    for name, text in {**data["files"], FILE: data["scenario"]}.items():
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name or "\0" in name:
            raise MutualizeError(str(path), f"{name[:80]!r} would lie outside the scenario's folder.")
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
