"""A check that failed can be repeated from one file: it still fails, is fixed, or says nothing any more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mutualize import counterexample
from mutualize.checker import Checker
from mutualize.errors import MutualizeError

SMALL = Path(__file__).parent / "small"


def scenario_in(folder: Path, old: str = "", new: str = "") -> str:
    """Write the small scenario, one text replaced."""
    folder.mkdir(exist_ok=True)
    text = (SMALL / "scenario.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "scenario.toml").write_text(text.replace(old, new), encoding="utf-8")
    return str(folder)


@pytest.fixture
def failed(tmp_path: Path) -> Path:
    """Return the counterexample of a fund that became smaller."""
    baseline = tmp_path / "baseline.json"
    with Checker(baseline=baseline, update=True) as checker:
        checker.run(str(SMALL), None)
        checker.result()
    worse = scenario_in(tmp_path / "mine", 'USDC = "500"', 'USDC = "50"')
    with Checker(baseline=baseline, counterexamples=tmp_path / "failed") as checker:
        checker.run(worse, None)
        row = checker.result().rows[0]
    return Path(row["counterexample"])


def test_it_still_fails_until_it_is_fixed(failed: Path, tmp_path: Path) -> None:
    """By itself it fails again, with the same words; with the scenario mended it is fixed."""
    again = counterexample.replay(failed)
    assert again.answer == counterexample.STILL_FAILS
    assert again.now == again.before
    assert any("gain.depositors" in problem for problem in again.now)
    assert int(again.code) == 1
    mine = str(tmp_path / "mine")
    assert counterexample.replay(failed, mine).answer == counterexample.STILL_FAILS
    scenario_in(tmp_path / "mine")
    fixed = counterexample.replay(failed, mine)
    assert (fixed.answer, fixed.now, int(fixed.code)) == (counterexample.FIXED, (), 0)


def test_a_run_that_is_new_still_fails(tmp_path: Path) -> None:
    """Where new runs are not let pass, one that the baseline does not know fails again, and is not stale."""
    baseline = tmp_path / "baseline.json"
    with Checker(baseline=baseline, update=True) as checker:
        checker.run("three-tiers", None)
        checker.result()
    with Checker(baseline=baseline, failing=("new",), counterexamples=tmp_path / "failed") as checker:
        checker.run(str(SMALL), None)
        row = checker.result().rows[0]
    again = counterexample.replay(Path(row["counterexample"]))
    assert (again.answer, again.now) == (counterexample.STILL_FAILS, again.before)
    assert again.now == ("baseline run: is not in the baseline",)


def test_it_is_stale_where_nothing_can_be_said(failed: Path) -> None:
    """So it is where the scenario cannot be read any more, or what failed is not looked at."""
    data = json.loads(failed.read_bytes())
    for change in ({"scenario": 'format = "mutualize-scenario/9"'}, {"failed": ["baseline no.such.measure"]}):
        failed.write_text(json.dumps({**data, **change}), encoding="utf-8")
        stale = counterexample.replay(failed)
        assert (stale.answer, int(stale.code)) == (counterexample.STALE, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "mutualize/counterexample@9"},
        {"scenario": 5},
        {"files": {"a": 1}},
        {"files": []},
        {"problems": "x"},
        {"failed": [1]},
        {"golden": 1},
        {"variant": 1},
        {"seed": True},
        {"seed": -1},
        {"seed": "7"},
        {"baseline": {}},
        {"baseline": {"runs": {"small": {}}, "tolerances": []}},
        {"files": {"../outside.csv": "x"}},
        {"files": {"/outside.csv": "x"}},
        {"files": {"a\\..\\b": "x"}},
        {"files": {"": "x"}},
    ],
)
def test_a_file_that_is_none_is_refused(failed: Path, change: dict[str, Any]) -> None:
    """Every field is checked, and no table lies outside the scenario's folder."""
    data = json.loads(failed.read_bytes())
    failed.write_text(json.dumps({**data, **change}), encoding="utf-8")
    with pytest.raises(MutualizeError):
        counterexample.replay(failed)


def test_tables_go_with_it(failed: Path, tmp_path: Path) -> None:
    """A scenario with a file beside it is repeated from its counterexample alone."""
    folder = tmp_path / "tables"
    folder.mkdir()
    before, _, rest = (SMALL / "scenario.toml").read_text(encoding="utf-8").partition("points = ")
    table = 'prices = { file = "eth.csv", bar_s = 3600 }\n'
    text = before + table + rest.partition("\n")[2]
    (folder / "scenario.toml").write_text(text, encoding="utf-8")
    prices = ("1000", "500", "510", "515", "520", "520")
    rows = [f"2024-01-01T{hour:02}:00:00Z,{p},{p},{p},{p}" for hour, p in enumerate(prices)]
    (folder / "eth.csv").write_text(
        "\n".join(["timestamp_utc,open,high,low,close", *rows, ""]), encoding="utf-8"
    )
    baseline = failed.parent.parent / "baseline.json"
    with Checker(baseline=baseline, counterexamples=tmp_path / "tables-failed") as checker:
        ran = checker.run(str(folder), None)
        row = checker.result().rows[0]
    (folder / "eth.csv").unlink()
    again = counterexample.replay(Path(row["counterexample"]))
    assert again.answer == counterexample.STILL_FAILS
    assert again.now == again.before
    assert json.loads(Path(row["counterexample"]).read_bytes())["digest"] == ran.digest
