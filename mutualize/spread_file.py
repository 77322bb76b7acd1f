"""The answers that are kept as files: how they are written, read, and held against the scenario beside them.

    scenarios/NAME/spread.json         ranges over seeds and over the sets of inputs that fit
    scenarios/NAME/sensitivity.json    elasticities

Each has a sum over its content, so that a damaged one is told from a sound one; and the digest of the
scenario, so that a stale one is told from a fresh one. The rule: what is not fresh is never shown.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from mutualize import __version__, locked_file
from mutualize.errors import Exit, MutualizeError
from mutualize.report.figures import Data
from mutualize.report.folder import SPREAD
from mutualize.scenario.document import read_bytes
from mutualize.scenario.limits import LIMITS
from mutualize.scenario.model import Scenario
from mutualize.spread import SCHEMA

SENSITIVITY: Final = "sensitivity.json"
WIDTH: Final = 110


def write_answer(path: Path, data: Data) -> None:
    """Write an answer, whole or not at all. Raises MutualizeError (74)."""
    text = _lines({**data, "sum": _sum(data)}, 0) + "\n"
    try:
        locked_file.replace(path, text.encode())
    except OSError as error:
        raise MutualizeError(str(path), f"cannot be written: {error.strerror}.", code=Exit.IO) from error


def read_answer(path: Path, schema: str) -> Data:
    """Read an answer. Raises MutualizeError: missing (4), cannot be read (74), damaged (8)."""
    try:
        data = json.loads(read_bytes(path, str(path), LIMITS, "data_bytes"))
    except ValueError:
        data = None
    if not isinstance(data, dict) or data.get("schema") != schema:
        raise MutualizeError(str(path), f"is no {schema}.", code=Exit.CORRUPT)
    told = data.pop("sum", None)
    if told != _sum(data):
        raise MutualizeError(str(path), "is damaged: its sum is another.", code=Exit.CORRUPT)
    return data


def _sum(data: Data) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(value: Any, indent: int) -> str:
    """Write JSON with a line for what fits into one, so that a row of figures is a line of a difference."""
    short = json.dumps(value, ensure_ascii=False)
    flat = not any(isinstance(inner, dict | list) for inner in _inside(value))
    if not _inside(value) or (isinstance(value, list) and flat) or len(short) + indent <= WIDTH:
        return short
    pad, end = " " * (indent + 1), " " * indent
    if isinstance(value, dict):
        parts = [f"{pad}{json.dumps(key)}: {_lines(inner, indent + 1)}" for key, inner in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{end}}}"
    return "[\n" + ",\n".join(pad + _lines(inner, indent + 1) for inner in value) + f"\n{end}]"


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


# --- beside a scenario -----------------------------------------------------------------------------------


def spread_beside(scenario: Scenario) -> Data | None:
    """Return what the file beside a scenario says of this run; None where there is no such file.

    `state` is 'fresh', 'stale' (of another text, other values or another version) or 'damaged'; `problem`
    says why it is not fresh. Of a fresh one all but its points is there, and `outcomes` are this run's.
    """
    path = scenario.folder / SPREAD
    if not path.is_file():
        return None
    try:
        data = read_answer(path, SCHEMA)
    except MutualizeError as error:
        return _state("damaged", error.problem)
    if data["version"] != __version__:
        return _state("stale", f"it was made by version {data['version']}.")
    return spread_for(scenario, data)


def spread_for(scenario: Scenario, data: Data) -> Data:
    """Return what an answer says of this run; its state is 'stale' where it says nothing of it."""
    own = [run for run in data["runs"] if run["sha256"] == scenario.sha256]
    if not own:
        return _state("stale", "it was made for another text of the scenario, or other values.")
    found = {name: data[name] for name in ("seeds", "draws", "worth", "scenario")}
    runs = {run["variant"] or "": run["outcomes"] for run in data["runs"]}
    return {**_state("fresh", ""), **found, "outcomes": own[0]["outcomes"], "runs": runs}


def _state(state: str, problem: str) -> Data:
    return {"state": state, "problem": problem}
