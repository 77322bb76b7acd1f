"""Sensitivity: by how many percent an outcome moves where one chosen input moves by one percent.

    elasticity = (y(x + h) − y(x − h)) / y(x)  ÷  2h / x        one input at a time, with the same seeds

Every calibrated or assumed number is moved up and down by a share (a whole number by one at least; a
distribution, or a path of prices, as a whole). Where one side is no scenario any more, the other alone
counts. Moments count from the start of the run. The rule is that of spread.py: a function of its points.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from mutualize import __version__
from mutualize.errors import MutualizeError
from mutualize.kept_points import KeptPoints
from mutualize.points import Point, Row
from mutualize.projections.expectations import decimals_of
from mutualize.projections.metrics import TIME, Figure, ask
from mutualize.report.figures import Data, ratio
from mutualize.report.text import numeral
from mutualize.scenario.fields import Numeral
from mutualize.scenario.known import RESERVED, plain
from mutualize.scenario.marks import Input
from mutualize.scenario.model import Scenario
from mutualize.scenario.settings import get, resolve
from mutualize.spread import Judge, Rows, Study, Told, seed_key
from mutualize.sweep import Failed, range_of
from mutualize.units import WAD, mul_div_down, mul_div_half_up, parse_decimal

SCHEMA: Final = "mutualize/sensitivity@1"
CHOSEN: Final = ("calibrated", "assumed")
SEEDS: Final = 3
STEP: Final = "0.05"
SIDES: Final = {"up": 1, "down": -1}
FINER: Final = 100
"""A step is written with so many steps of its last digit at least, where the number may have the digits."""


@attrs.frozen
class Moved:
    """An input of a run, and the values that it is moved to, as they would be typed; or why it is not."""

    given: Input
    sides: Mapping[str, str]
    change: int
    """By which share each side moves it (WAD)."""
    problem: str = ""


@attrs.frozen
class Mover:
    """Moves values of one scenario by a share (WAD); amounts have the places of the coarsest asset."""

    step: int
    places: int

    def moved(self, given: Input, data: Mapping[str, Any]) -> Moved:
        """Return an input with the values that it is moved to."""
        target = resolve(data, given.path)
        raw = plain(get(data, target.path))
        if isinstance(raw, dict):
            raw = {name: value for name, value in raw.items() if name not in RESERVED}
        places = target.kind.places if isinstance(target.kind, Numeral) else self.places
        try:
            change = self.change(raw, places)
            sides = {side: typed(self.move(raw, places, sign)) for side, sign in SIDES.items()}
        except ValueError as error:
            return Moved(given, {}, 0, str(error))
        return Moved(given, sides, change)

    def change(self, raw: Any, places: int) -> int:
        """Return the share by which a value moves: that of the step as it can be written."""
        if not isinstance(raw, int | str):
            return self.step
        value, step = self.units(raw, places)[:2]
        if not value:
            raise ValueError("it is zero")
        return mul_div_down(step, WAD, abs(value))

    def move(self, raw: Any, places: int, sign: int) -> Any:
        """Return a value moved up or down. Raises ValueError for what is no number."""
        match raw:
            case bool():
                raise ValueError("it is no number")
            case int():
                value, step, _ = self.units(raw, places)
                return value + sign * step
            case str():
                value, step, digits = self.units(raw, places)
                return numeral(value + sign * step, digits)
            case {"histogram": rows}:
                return {"histogram": [[*self.each(row[:2], places, sign), row[2]] for row in rows]}
            case dict():
                return {way: self.each(numbers, places, sign) for way, numbers in raw.items()}
            case list():
                return [[pair[0], *self.each(pair[1:], places, sign)] for pair in raw]
            case _:
                raise ValueError("it is no number")

    def each(self, numbers: Sequence[Any], places: int, sign: int) -> list[Any]:
        """Return several numbers moved; a zero among them stays."""
        return [self.move(number, places, sign) if str(number).strip("0.") else number for number in numbers]

    def units(self, raw: int | str, places: int) -> tuple[int, int, int]:
        """Return a number and its step in units of the last of `digits`, and these."""
        if isinstance(raw, int):
            return raw, max(1, mul_div_half_up(abs(raw), self.step, WAD)), 0
        digits = len(raw.partition(".")[2])
        while digits < places and mul_div_down(abs(parse_decimal(raw, digits)), self.step, WAD) < FINER:
            digits += 1
        value = parse_decimal(raw, digits)
        return value, max(1, mul_div_half_up(abs(value), self.step, WAD)), digits


def typed(value: Any) -> str:
    """Return a value as it would be typed behind `--set`."""
    if isinstance(value, dict):
        ((way, numbers),) = value.items()
        return f"{{ {way} = {json.dumps(numbers)} }}"
    return json.dumps(value) if isinstance(value, list) else str(value)


def moves_of(run: Scenario, step: int) -> list[Moved]:
    """Return every chosen number of a run with the values that it is moved to."""
    mover = Mover(step, min((asset.decimals for asset in run.assets.values()), default=0))
    chosen = [given for given in run.inputs if given.kind in CHOSEN and _is_value(run, given)]
    return [mover.moved(given, run.data) for given in chosen]


def _is_value(run: Scenario, given: Input) -> bool:
    """Say whether an input is one value of the scenario, and no file beside it or word among them."""
    try:
        raw = plain(get(run.data, resolve(run.data, given.path).path))
    except ValueError:
        return False
    return not isinstance(raw, bool) and (not isinstance(raw, str) or _is_numeral(raw))


def _is_numeral(text: str) -> bool:
    try:
        parse_decimal(text, len(text))
    except ValueError:
        return False
    return True


# --- the points ------------------------------------------------------------------------------------------


def move_key(run: Scenario, moved: Moved, side: str, seed: int) -> str:
    """Return the key of a point of a run in which one input is moved."""
    return f"move/{run.variant or ''}/{moved.given.path}/{side}/{seed}"


def points_of(study: Study, step: int) -> dict[str, Point]:
    """Return all points: each run as it is, and with each input moved up and down, for each seed."""
    points = study.of_seeds()
    for run in study.runs:
        for moved in moves_of(run, step):
            for side, value in moved.sides.items():
                for seed in range(1, study.seeds + 1):
                    overrides = [(moved.given.path, value), ("seed", str(seed))]
                    points[move_key(run, moved, side, seed)] = study.point(run, overrides)
    return points


# --- what they say ---------------------------------------------------------------------------------------


def sensitivity_data(study: Study, rows: Rows, step: int) -> Data:
    """Return the whole answer, from the points alone."""
    runs = [_run(study, run, rows, step) for run in study.runs]
    points = points_of(study, step)
    return {
        "schema": SCHEMA,
        "scenario": {
            "name": study.scenario.name,
            "title": study.scenario.title,
            "money": study.scenario.money,
            "sha256": study.scenario.sha256,
        },
        "version": __version__,
        "seeds": study.seeds,
        "step": ratio(step),
        "runs": runs,
        "points": {key: _raw(rows.get(key)) for key in points},
    }


def _raw(row: Row | Failed | None) -> Any:
    return list(row) if isinstance(row, tuple) else None if row is None else row.problem


def _run(study: Study, run: Scenario, rows: Rows, step: int) -> Data:
    """Return what moves what in one run."""
    judge, moves = Judge.of(run), moves_of(run, step)
    still = [_numbers(judge, rows.get(seed_key(run, seed))) for seed in range(1, study.seeds + 1)]
    listed: list[Data] = []
    found: list[Data] = []
    for moved in moves:
        sides = {
            side: [
                _numbers(judge, rows.get(move_key(run, moved, side, seed)))
                for seed in range(1, study.seeds + 1)
            ]
            for side in moved.sides
        }
        listed.append(_input(run, rows, moved))
        found += _elasticities(judge, moved, still, sides)
    return {
        "variant": run.variant,
        "sha256": run.sha256,
        "inputs": listed,
        "outcomes": [{"outcome": str(column), "unit": ask(column.metric).unit} for column in judge.columns],
        "elasticities": found,
    }


def _input(run: Scenario, rows: Rows, moved: Moved) -> Data:
    """Return an input, where it was moved to, and why one side is missing, if it is."""
    problems = [moved.problem] if moved.problem else []
    for side in moved.sides:
        row = rows.get(move_key(run, moved, side, 1))
        if isinstance(row, Failed):
            problems.append(f"{side}: {row.problem}")
    given = moved.given
    return {
        "path": given.path,
        "kind": given.kind,
        "value": given.value,
        "up": moved.sides.get("up"),
        "down": moved.sides.get("down"),
        "problems": problems,
    }


def _numbers(judge: Judge, row: Row | Failed | None) -> list[Figure] | None:
    """Return the figures of a row, moments as seconds from the start; None where there are none."""
    if not isinstance(row, tuple):
        return None
    return [
        figure - judge.run.start if isinstance(figure, int) and ask(column.metric).unit == TIME else figure
        for column, figure in zip(judge.columns, judge.figures(in_units(judge, row)), strict=True)
    ]


def in_units(judge: Judge, row: Row) -> Row:
    """Return a row in the units of the run itself, cut: the decimals of an asset may be what was moved."""
    pairs = zip(judge.columns, row, strict=True)
    return tuple(_cut(raw, decimals_of(ask(column.metric), judge.frame)) for column, raw in pairs)


def _cut(raw: Any, decimals: int) -> Any:
    """Return a numeral with no more places than this, cut; all else as it is."""
    if not isinstance(raw, str) or "." not in raw:
        return raw
    whole, _, places = raw.partition(".")
    return f"{whole}.{places[:decimals]}".rstrip(".")


def _elasticities(
    judge: Judge,
    moved: Moved,
    still: Sequence[list[Figure] | None],
    sides: Mapping[str, Sequence[list[Figure] | None]],
) -> list[Data]:
    """Return the outcomes that an input moves, each with the median of its elasticity over the seeds."""
    found: list[Data] = []
    for place, column in enumerate(judge.columns):
        values: list[int] = []
        moving = 0
        for number, base in enumerate(still):
            up, down = (rows[number] if (rows := sides.get(side)) else None for side in ("up", "down"))
            y, above, below = ((row[place] if row is not None else None) for row in (base, up, down))
            moving += (up is not None and above != y) or (down is not None and below != y)
            value = elasticity(y, y if up is None else above, y if down is None else below,
                               moved.change * ((up is not None) + (down is not None)))  # fmt: skip
            if value is not None:
                values.append(value)
        spread = range_of(values)
        if moving:
            found.append(
                {
                    "input": moved.given.path,
                    "outcome": str(column),
                    "median": None if spread is None else ratio(spread.median),
                    "min": None if spread is None else ratio(spread.minimum),
                    "max": None if spread is None else ratio(spread.maximum),
                    "moving": moving,
                }
            )
    return found


def elasticity(y: Figure, above: Figure, below: Figure, change: int) -> int | None:
    """Return (above − below) / y over a relative `change` of the input (WAD), toward zero; None without."""
    if not isinstance(y, int) or not isinstance(above, int) or not isinstance(below, int):
        return None
    if not y or not change:
        return None
    size = mul_div_down(abs(above - below) * WAD, WAD, abs(y) * change)
    return size if (above >= below) == (y > 0) else -size


def sensitivity_of(
    scenario: Scenario,
    *,
    seeds: int = SEEDS,
    step: str = STEP,
    variants: bool = True,
    path: Path | None = None,
    workers: int | None = None,
    told: Told | None = None,
) -> Data:
    """Work out the elasticities of a scenario; with a `path` the points are kept there until all is done.

    Raises MutualizeError for a step that is none, or where that file is damaged, or of another scenario.
    """
    share = step_of(step)
    study = Study.of(scenario, seeds, 0, variants=variants)
    about = {"of": "sensitivity", "scenario": scenario.sha256, "version": __version__, "step": ratio(share)}
    points = points_of(study, share)
    with KeptPoints(path, about) as kept:
        kept.work(points, workers, None if told is None else lambda done: told(done, len(points)))
        return sensitivity_data(study, kept.rows, share)


def step_of(text: str) -> int:
    """Read a step, '0.05' (WAD). Raises MutualizeError for what is no share between 0 and 1."""
    try:
        share = parse_decimal(text, 18)
    except ValueError as error:
        raise MutualizeError("--step", f"{error}.", "Write a share, such as 0.05.") from None
    if not 0 < share < WAD:
        raise MutualizeError("--step", f"{text} is not between 0 and 1.", "Write a share, such as 0.05.")
    return share
