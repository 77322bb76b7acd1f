"""Elasticities: how inputs are moved, what is reckoned from it, and that it is told apart from chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mutualize.errors import MutualizeError
from mutualize.points import Row, columns_of
from mutualize.projections.metrics import ask
from mutualize.report.pictures import tornado
from mutualize.report.plain import plain
from mutualize.report.sensitive import sensitivity_page
from mutualize.scenario.load import load
from mutualize.scenario.model import Scenario
from mutualize.sensitivity import (
    Mover,
    elasticity,
    in_units,
    moves_of,
    points_of,
    sensitivity_data,
    sensitivity_of,
    step_of,
    typed,
)
from mutualize.spread import Judge, Study
from mutualize.sweep import Failed
from mutualize.units import WAD

SMALL = Path(__file__).parent / "small"
FIVE = WAD // 20


@pytest.mark.parametrize(
    ("raw", "up", "down"),
    [
        ("58000000", "60900000", "55100000"),
        ("0.045", "0.0473", "0.0427"),
        ("1", "1.05", "0.95"),
        (20, "21", "19"),
        (2, "3", "1"),
        ({"uniform": [12, 60]}, "{ uniform = [13, 63] }", "{ uniform = [11, 57] }"),
        (
            {"histogram": [["1", "2", "7"], ["0", "4", "3"]]},
            '{ histogram = [["1.05", "2.1", "7"], ["0", "4.2", "3"]] }',
            '{ histogram = [["0.95", "1.9", "7"], ["0", "3.8", "3"]] }',
        ),
        (
            [["2024-01-01T00:00:00Z", "2000"]],
            '[["2024-01-01T00:00:00Z", "2100"]]',
            '[["2024-01-01T00:00:00Z", "1900"]]',
        ),
    ],
)
def test_a_value_is_moved_with_the_digits_it_may_have(raw: Any, up: str, down: str) -> None:
    """Five percent up and down: numerals, whole numbers by one at least, distributions, paths of prices."""
    mover = Mover(FIVE, 4)
    assert (typed(mover.move(raw, 4, 1)), typed(mover.move(raw, 4, -1))) == (up, down)


def test_what_is_zero_or_no_number_is_not_moved() -> None:
    """A share of nothing is nothing."""
    with pytest.raises(ValueError, match="it is zero"):
        Mover(FIVE, 4).change("0.00", 4)
    with pytest.raises(ValueError, match="it is no number"):
        Mover(FIVE, 4).move(True, 4, 1)


def test_every_chosen_number_is_moved_and_no_fact() -> None:
    """All calibrated and assumed inputs of the small scenario are there, each with its two sides."""
    scenario = load(SMALL)
    moves = moves_of(scenario, FIVE)
    assert {moved.given.kind for moved in moves} == {"calibrated", "assumed"}
    assert len(moves) == sum(given.kind in ("calibrated", "assumed") for given in scenario.inputs)
    assert all(set(moved.sides) == {"up", "down"} or moved.problem for moved in moves)


def test_an_elasticity_is_a_ratio_of_shares() -> None:
    """Linear is one, inverse is minus one, to the square is two; from nothing there is none."""
    assert elasticity(100, 105, 95, 2 * FIVE) == WAD
    assert elasticity(100, 95, 105, 2 * FIVE) == -WAD
    assert elasticity(-100, -105, -95, 2 * FIVE) == WAD
    assert elasticity(10_000, 11_025, 9_025, 2 * FIVE) == 2 * WAD
    assert elasticity(100, 105, 100, FIVE) == WAD
    assert elasticity(0, 5, 0, 2 * FIVE) is None
    assert elasticity(None, 5, 0, 2 * FIVE) is None


# --- as a whole ------------------------------------------------------------------------------------------


def linear(study: Study) -> dict[str, Row | Failed]:
    """Invent the points of a scenario whose shortfall goes with the insurance fund to the second power."""
    rows: dict[str, Row | Failed] = {}
    for key, point in points_of(study, FIVE).items():
        fund = dict(point.overrides).get("venues.aave.funds.insurance-fund.USDC", "500")
        run = next(run for run in study.runs if run.variant == point.variant)
        rows[key] = tuple(
            str(int(fund.partition(".")[0]) ** 2)
            if column.metric == "shortfall.USDC"
            else "0"
            if ask(column.metric).unit == "amount"
            else None
            for column in columns_of(run)
        )
        if "lot_max/down" in key:
            rows[key] = Failed(0, "MutualizeError: the lot is too small.")
    return rows


@pytest.fixture
def scenario() -> Scenario:
    """Return the small scenario."""
    return load(SMALL)


def test_what_moves_an_outcome_is_told_and_drawn(scenario: Scenario) -> None:
    """The one input that moves it has its elasticity, in a table and a picture; a side that fails is told."""
    study = Study.of(scenario, 2, 0)
    data = sensitivity_data(study, linear(study), FIVE)
    found = data["runs"][0]["elasticities"]
    assert [(one["input"], one["outcome"], one["median"]) for one in found] == [
        ("venues.aave.funds.insurance-fund.USDC", "shortfall.USDC", "2")
    ]
    text = plain(sensitivity_page(data))
    row = next(line for line in text.splitlines() if "insurance-fund.USDC" in line)
    assert row.split() == [
        "shortfall.USDC", "venues.aave.funds.insurance-fund.USDC", "calibrated", "2.00", "2.00", "2.00"
    ]  # fmt: skip
    assert "the other is no scenario: liquidators.keepers.lot_max." in text
    root = ElementTree.fromstring(tornado(data))  # noqa: S314 - our own text
    assert sum(element.tag.endswith("rect") for element in root.iter()) == 1 + 2


def test_a_fund_pays_what_it_has(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run for real: the fund's size has the elasticity one for what the fund pays."""
    monkeypatch.setattr("mutualize.sensitivity.CHOSEN", ("calibrated",))
    data = sensitivity_of(scenario, seeds=1, workers=1)
    found = {(one["input"], one["outcome"]): one["median"] for one in data["runs"][0]["elasticities"]}
    assert found["venues.aave.funds.insurance-fund.USDC", "tier.insurance-fund.paid.USDC"] == "1"
    assert json.loads(json.dumps(data)) == data


def test_a_figure_of_moved_decimals_is_cut_to_the_runs_own(scenario: Scenario) -> None:
    """Where an asset's decimals are moved up, an amount has a place more than the run can write."""
    study = Study.of(scenario, 1, 0)
    judge = Judge.of(study.runs[0])
    row = tuple("7.1234569" if column.metric == "shortfall.USDC" else None for column in judge.columns)
    assert "7.123456" in in_units(judge, row)
    whole = tuple("7.1" if raw else None for raw in row)
    assert in_units(judge, whole) == whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "--step: 0 is not between 0 and 1. Write a share, such as 0.05."),
        ("1", "--step: 1 is not between 0 and 1. Write a share, such as 0.05."),
        ("5%", "--step: '5%' is not a plain decimal number. Write a share, such as 0.05."),
    ],
)
def test_a_step_is_a_share(text: str, said: str) -> None:
    """What is no share between 0 and 1 is told with place, problem and remedy."""
    with pytest.raises(MutualizeError) as caught:
        step_of(text)
    assert caught.value.line() == said
