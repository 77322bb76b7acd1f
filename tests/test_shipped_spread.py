"""What lies beside the shipped scenarios follows from its points, and its points can be run again."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from mutualize.points import Point, play
from mutualize.report.figures import Data
from mutualize.report.folder import SPREAD
from mutualize.report.pictures import spread_picture, tornado
from mutualize.scenario.find import shelf, shipped
from mutualize.scenario.load import load
from mutualize.sensitivity import SCHEMA as SENSITIVE
from mutualize.sensitivity import points_of, sensitivity_data, step_of
from mutualize.spread import SCHEMA, Study, draw_key, rows_in, seed_key, spread_data
from mutualize.spread_file import SENSITIVITY, read_answer
from mutualize.sweep import Failed

pytestmark = pytest.mark.slow


@cache
def kept(name: str, file: str, schema: str, command: str) -> Data:
    """Return what lies beside a scenario, if it is of this scenario's text."""
    path, fresh = shelf() / name / file, f"work it out by: mutualize {command} {name} --update"
    assert path.exists(), f"{path} is missing: {fresh}"
    data = read_answer(path, schema)
    assert data["scenario"]["sha256"] == load(name).sha256, f"{path} is of another text: {fresh}"
    return data


def spread(name: str) -> tuple[Study, Data]:
    """Return the spread of a scenario, and the study that it is of."""
    data = kept(name, SPREAD, SCHEMA, "spread")
    return Study.of(load(name), data["seeds"], data["draws"]["count"] if data["draws"] else 0), data


def sensitivity(name: str) -> tuple[Study, int, Data]:
    """Return the elasticities of a scenario, the study and the step that they are of."""
    data = kept(name, SENSITIVITY, SENSITIVE, "sensitivity")
    study = Study.of(load(name), data["seeds"], 0, variants=len(data["runs"]) > 1)
    return study, step_of(data["step"]), data


def plain(data: Any) -> Any:
    """Return data as a file has it."""
    return json.loads(json.dumps(data))


def rerun(point: Point, row: object, command: str) -> None:
    """Hold a point to what is kept of it, to the last digit."""
    assert plain(play(point)) == plain(row), f"the rules give other figures: mutualize {command} --update"


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_spread_follows_from_its_points(name: str) -> None:
    """Of this very text, its ranges and its picture are those of its points."""
    study, data = spread(name)
    assert plain(spread_data(study, rows_in(study, data))) == data, f"mutualize spread {name} --update"
    assert (shelf() / name / SPREAD).with_suffix(".svg").read_text("utf-8") == spread_picture(data)


@pytest.mark.parametrize("name", shipped())
def test_points_of_a_shipped_spread_can_be_run_again(name: str) -> None:
    """The first seed of the base, the last of the last variant, and a drawn set give the figures kept."""
    study, data = spread(name)
    rows = rows_in(study, data)
    base, last = study.runs[0], study.runs[-1]
    points = {**study.of_seeds(), **study.of_draws(base, [study.draws] if study.draws else [])}
    keys = [seed_key(base, 1), seed_key(last, study.seeds)]
    keys += [draw_key(base, study.draws)] if study.draws else []
    for key in keys:
        rerun(points[key], rows[key], f"spread {name}")


@pytest.mark.parametrize("name", shipped())
def test_shipped_elasticities_follow_from_their_points(name: str) -> None:
    """Of this very text, they and their picture are those of their points."""
    study, step, data = sensitivity(name)
    rows = {
        key: Failed(0, row) if isinstance(row, str) else tuple(row) for key, row in data["points"].items()
    }
    assert plain(sensitivity_data(study, rows, step)) == data, f"mutualize sensitivity {name} --update"
    assert (shelf() / name / SENSITIVITY).with_suffix(".svg").read_text("utf-8") == tornado(data)


@pytest.mark.parametrize("name", shipped())
def test_points_of_shipped_elasticities_can_be_run_again(name: str) -> None:
    """An input that is moved gives the figures kept."""
    study, step, data = sensitivity(name)
    key, point = next(
        (key, point)
        for key, point in reversed(points_of(study, step).items())
        if isinstance(data["points"][key], list)
    )
    rerun(point, data["points"][key], f"sensitivity {name}")
