"""A check against a baseline: what changed, which way, and what fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import mutualize
from mutualize.checker import Checker, failing_of
from mutualize.errors import MutualizeError
from mutualize.report import baseline as baselines
from mutualize.report.baseline import compare, tolerance
from mutualize.report.measures import ANY, LESS, MORE, Measure, measures, number

SMALL = str(Path(__file__).parent / "small")


def verdict(before: Any, now: Any, worse: str = MORE, *rules: str) -> str:
    """Return the verdict on one measure."""
    rows = [tolerance(rule) for rule in rules]
    return compare(Measure("pool.shortfall.USDC", now, "USDC", worse), before, rows).verdict


@pytest.mark.parametrize(
    ("before", "now", "worse", "rules", "expected"),
    [
        ("100", "100", MORE, (), "same"),
        ("100", "100.000001", MORE, (), "worse"),
        ("100", "99.999999", MORE, (), "better"),
        ("-100", "-101", LESS, (), "worse"),
        ("-100", "-99", LESS, (), "better"),
        ("100", "99", ANY, (), "changed"),
        ("100", "101", MORE, ("*=rel:1%",), "within"),
        ("100", "101.01", MORE, ("*=rel:1%",), "worse"),
        ("-100", "-101", LESS, ("pool.*=rel:0.01",), "within"),
        ("0", "5", MORE, ("*=rel:50%",), "worse"),
        ("0", "5", MORE, ("*=abs:5",), "within"),
        ("100", "105", MORE, ("*=abs:1,rel:5%",), "within"),
        ("100", "105", MORE, ("*=rel:5%", "pool.shortfall.*=rel:1%"), "worse"),
        ("100", "105", MORE, ("gain.*=rel:50%",), "worse"),
        ("100", "105", MORE, ("*=worse:less",), "better"),
        ("100", "95", MORE, ("*=worse:any",), "changed"),
        (["fund", "stake"], ("fund", "stake"), ANY, (), "same"),
        (["fund", "stake"], ("stake", "fund"), ANY, (), "changed"),
        (None, "5", MORE, (), "changed"),
        (None, None, MORE, (), "same"),
        ("5", None, MORE, (), "changed"),
    ],
)
def test_verdicts(before: Any, now: Any, worse: str, rules: tuple[str, ...], expected: str) -> None:
    """Each way a measure can change has a verdict; the last rule that fits decides what is allowed."""
    assert verdict(before, now, worse, *rules) == expected


def test_changes_are_exact() -> None:
    """A change is a fraction, of numerals that no float could tell apart."""
    one = compare(Measure("m", "10000000000000000.000000000000000002", "", MORE), "10000000000000000", ())
    assert one.change == Fraction(2, 10**18)
    assert one.share == Fraction(2, 10**34)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=rel:1%",
        "x",
        "x=",
        "x=rel",
        "x=rel:-1",
        "x=abs:1%",
        "x=abs:1e9",
        "x=worse:up",
        "x=rel:1%,",
        "a b=abs:1",
    ],
)
def test_a_rule_that_says_nothing_is_refused(text: str) -> None:
    """The place and what may be written are named."""
    with pytest.raises(MutualizeError, match="--tol"):
        tolerance(text)


@pytest.mark.parametrize("text", ["1e999999999", "1/3", "", "nan", "0x10", " 1", "1" * 500])
def test_what_is_no_numeral_is_no_number(text: str) -> None:
    """A file cannot make a number grow."""
    assert number(text) is None


@pytest.mark.parametrize("text", ["same", "worst", "worse,,nothing"])
def test_a_verdict_that_is_none_is_refused(text: str) -> None:
    """Also 'same', which cannot fail."""
    with pytest.raises(MutualizeError, match="--fail-on"):
        failing_of(text)


@pytest.fixture
def approved(tmp_path: Path) -> Path:
    """Return a baseline of the small scenario."""
    file = tmp_path / "baseline.json"
    with Checker(baseline=file, update=True, rules=[tolerance("gain.market=rel:5%")]) as checker:
        for variant in checker.variants(SMALL):
            checker.run(SMALL, variant)
        assert checker.result().ok
    return file


def checked(scenario: str, approved: Path, **options: Any) -> Iterator[dict[str, Any]]:
    """Check a scenario, and yield what its measures became."""
    with Checker(baseline=approved, **options) as checker:
        for variant in checker.variants(scenario):
            checker.run(scenario, variant)
        yield from (one for row in checker.result().rows for one in row["baseline"])


def changed(tmp_path: Path, old: str, new: str) -> str:
    """Return the small scenario with one text replaced."""
    folder = tmp_path / "small"
    folder.mkdir()
    text = Path(SMALL, "scenario.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "scenario.toml").write_text(text.replace(old, new), encoding="utf-8")
    return str(folder)


def test_what_was_approved_holds(approved: Path) -> None:
    """All measures of the same run are the same, and each is there."""
    found = list(checked(SMALL, approved))
    assert {one["verdict"] for one in found} == {"same"}
    ran = mutualize.run(SMALL)
    assert {one["measure"] for one in found} >= set(measures(ran.summary))


def test_an_update_keeps_rules_and_other_scenarios(approved: Path) -> None:
    """What was not run stays as it is; what was is written anew; the same run writes the same bytes."""
    before = json.loads(approved.read_bytes())
    before["runs"]["another"] = {"digest": "d", "measures": {"m": "1"}}
    approved.write_text(json.dumps(before), encoding="utf-8")
    with Checker(baseline=approved, update=True, rules=[tolerance("m=abs:1")]) as checker:
        for variant in checker.variants(SMALL):
            checker.run(SMALL, variant)
        checker.result()
    now = json.loads(approved.read_bytes())
    assert now["runs"] == before["runs"]
    assert now["tolerances"] == ["gain.market=rel:5%", "m=abs:1"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda data: data["runs"].clear(), "new"),
        (lambda data: data["runs"]["small"]["measures"].pop("liquidations"), "new"),
        (lambda data: data["runs"]["small"]["measures"].update(more="1"), "gone"),
        (lambda data: data["runs"]["small"]["measures"].update(liquidations="7"), "changed"),
    ],
)
def test_new_and_gone_are_verdicts_of_their_own(approved: Path, change: Any, expected: str) -> None:
    """Each fails if it is asked to, and only then."""
    data = json.loads(approved.read_bytes())
    change(data)
    approved.write_text(json.dumps(data), encoding="utf-8")
    for failing in ((), (expected,)):
        found = [one for one in checked(SMALL, approved, failing=failing) if one["verdict"] == expected]
        assert found
        assert all(bool(one["problem"]) == bool(failing) for one in found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "schema"),
        ('{"schema": "mutualize/baseline@9", "runs": {}, "tolerances": []}', "schema"),
        ('{"schema": "mutualize/baseline@1", "runs": [], "tolerances": []}', "'runs'"),
        ('{"schema": "mutualize/baseline@1", "runs": {}, "tolerances": [1]}', "'tolerances'"),
        ('{"schema": "mutualize/baseline@1", "runs": {"a": 1}, "tolerances": []}', "'a'"),
        (
            (
                '{"schema": "mutualize/baseline@1", "runs": {"a": {"digest": "", "measures": {"m": 1}}},'
                ' "tolerances": []}'
            ),
            "no numeral",
        ),
        ('{"schema": "mutualize/baseline@1", "runs": {}, "tolerances": ["x"]}', "no rule"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """It is named, and what is wrong with it."""
    file = tmp_path / "baseline.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(MutualizeError, match=r"baseline\.json") as caught:
        baselines.read(file)
    assert problem in str(caught.value)


def verdicts_of(scenario: str, approved: Path) -> dict[str, str]:
    """Return the verdicts on a run by measure; variants apart."""
    with Checker(baseline=approved) as checker:
        checker.run(scenario, None)
        return {one["measure"]: one["verdict"] for one in checker.result().rows[0]["baseline"]}


def test_a_smaller_fund_is_worse_for_depositors_and_a_larger_one_better(
    approved: Path, tmp_path: Path
) -> None:
    """The direction of each measure tells a regression from what is none."""
    found = {}
    for fund in ("50", "900"):
        folder = tmp_path / fund
        folder.mkdir()
        scenario = changed(folder, 'USDC = "500"', f'USDC = "{fund}"')
        found[fund] = verdicts_of(scenario, approved)
    for measure in ("aave.tier.haircut.USDC", "gain.depositors"):
        assert (found["50"][measure], found["900"][measure]) == ("worse", "better")


def test_swapped_tiers_are_caught(approved: Path, tmp_path: Path) -> None:
    """Where the stake pays before the fund, the order is another."""
    first = '[[venues.aave.waterfall]]\ntier = "insurance-fund"\npayer = "fund"\n'
    text = Path(SMALL, "scenario.toml").read_text(encoding="utf-8")
    assert first in text
    swapped = text.replace(first, "")
    at = swapped.index('[[venues.aave.waterfall]]\ntier = "haircut"')
    (tmp_path / "swapped").mkdir()
    file = tmp_path / "swapped" / "scenario.toml"
    file.write_text(swapped[:at] + first + swapped[at:], encoding="utf-8")
    found = verdicts_of(str(file.parent), approved)
    assert found["aave.order.USDC"] == "changed"
