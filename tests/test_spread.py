"""Many runs of one scenario: what they say together, what fits, and a file that is gone on from."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mutualize.errors import MutualizeError
from mutualize.kept_points import KeptPoints, partial_of
from mutualize.points import Point, Row, columns_of
from mutualize.projections.metrics import ask
from mutualize.report.check import checked, checks_page
from mutualize.report.earned import spread_page, worth
from mutualize.report.figures import Data
from mutualize.report.pictures import spread_picture
from mutualize.report.plain import plain
from mutualize.run import run
from mutualize.scenario.load import load, loads
from mutualize.scenario.model import Scenario
from mutualize.spread import Study, rows_in, spread_data, spread_of, typical
from mutualize.spread_file import read_answer, spread_beside, write_answer
from mutualize.sweep import Failed

SMALL = Path(__file__).parent / "small"
TEXT = (SMALL / "scenario.toml").read_text("utf-8")
EXPECT = """
[[expect]]
id = "deep"
metric = "shortfall.USDC"
between = ["1003", "1006"]
kind = "fitted"
[[expect]]
id = "in-par"
metric = "uncovered.USDC"
at_most = "1005"
kind = "fitted"
variant = "par"
[[expect]]
id = "usual"
metric = "shortfall.USDC"
equals = "1002"
kind = "held-out"
over = "seeds"
"""


def small(add: str = "", *edits: tuple[str, str]) -> Scenario:
    """Load the small scenario with more to it."""
    text = TEXT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return loads(f"{text}{add}", SMALL)


PLAYED: list[Point] = []


def invented(point: Point) -> Row:
    """Stand in for a run: amounts are 1,000 and the seed, so that a test can reckon with them."""
    PLAYED.append(point)
    scenario = loads(point.text, Path(point.folder), point.overrides, point.variant)
    rows: dict[str, Any] = {"amount": f"{1000 + scenario.seed}", "names": ["stakers"]}
    return tuple(rows.get(ask(column.metric).unit) for column in columns_of(scenario))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invent figures instead of running."""
    PLAYED.clear()
    monkeypatch.setattr("mutualize.kept_points.play", invented)


# --- seeds -----------------------------------------------------------------------------------------------


def test_a_point_is_a_run_that_anybody_can_repeat() -> None:
    """Seed 2 of a variant has the figures of `run --variant par --seed 2`, and the file holds them."""
    data = spread_of(load(SMALL), seeds=2, draws=0, workers=1)
    (_, par) = data["points"]["runs"]
    at = par["columns"].index("uncovered.USDC")
    (short,) = run(SMALL, variant="par", seed=2).summary["waterfalls"]
    assert par["seeds"][1][at] == short["open"]
    assert data["draws"] is None


@pytest.mark.parametrize(("lender", "asset"), [("comet", "USDC"), ("stability", "LUSD")])
def test_what_falls_short_is_called_by_its_asset(lender: str, asset: str) -> None:
    """The base of Compound v3, and what troves owe, are told over seeds as in each run."""
    scenario = load(SMALL.parent / "lenders" / lender)
    data = spread_of(scenario, seeds=1, draws=0, workers=1)
    whole = {one["metric"]: one["seeds"]["median"] for one in data["runs"][0]["outcomes"]}
    short = run(scenario, seed=1, ledger="none").summary["waterfalls"][0]
    assert whole[f"shortfall.{asset}"] == short["shortfall"]
    assert all(row["paid"] == whole[f"tier.{row['tier']}.paid.{asset}"] for row in short["tiers"])


@pytest.mark.usefixtures("quick")
def test_the_answer_follows_from_its_points(tmp_path: Path) -> None:
    """Written, read and worked out again from its own points it is the same, to the letter."""
    scenario = small(EXPECT)
    data = spread_of(scenario, seeds=3, draws=8, workers=1)
    write_answer(tmp_path / "spread.json", data)
    read = read_answer(tmp_path / "spread.json", "mutualize/spread@1")
    study = Study.of(scenario, 3, 8)
    assert json.loads(json.dumps(spread_data(study, rows_in(study, read)))) == read


def test_the_median_is_one_that_occurred() -> None:
    """Of numbers the nearest rank, of lists the most frequent; nothing where most did not happen."""
    assert typical([3, 1, 2, None]) == 2
    assert typical([None, None, None, 5]) is None
    assert typical([None, None, 5, 7]) == 5
    assert typical([("a",), ("b",), ("b",)]) == ("b",)
    assert typical([]) is None


# --- sets of inputs --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_sets_that_miss_what_was_fitted_are_left_out() -> None:
    """A set fits where every fitted expectation holds, in the base and in variants, and variants follow it.

    ---
    sets 1 … 8: shortfall 1,001 … 1,008       `deep` holds from 1,003 to 1,006, `in-par` up to 1,005
        => 3, 4 and 5 fit; the variant is run for 3 to 6 alone
    """
    data = spread_of(small(EXPECT), seeds=1, draws=8, workers=1)
    assert (data["draws"]["count"], data["draws"]["fit"], data["draws"]["failed"]) == (8, 3, 0)
    base, par = data["runs"]
    (short,) = [one for one in base["outcomes"] if one["id"] == "usual"]
    assert [short["fitting"][name] for name in ("count", "min", "max", "met")] == [3, "1003", "1005", 0]
    assert {one["metric"]: one["fitting"]["count"] for one in par["outcomes"]}["uncovered.USDC"] == 3
    ran = Counter(point.variant for point in PLAYED)
    assert ran == {None: 1 + 8, "par": 1 + 4}
    drawn = [int(row[0]) for row in data["points"]["drawn"][2:5]]
    (vary,) = data["draws"]["vary"]
    assert (vary["fit_low"], vary["fit_high"]) == (str(min(drawn)), str(max(drawn)))


@pytest.mark.usefixtures("quick")
def test_what_a_variant_sets_is_not_drawn_for_it() -> None:
    """A counterfactual stays one: the set leaves alone what the variant itself says."""
    deep = '[variants.deep]\nmarked = { assumed = "x" }\nset = { "markets.ETH.depth.amount" = "900" }\n'
    scenario = small(deep)
    spread_of(scenario, seeds=1, draws=2, workers=1)
    changed = {(point.variant, path) for point in PLAYED for path, _ in point.overrides if path != "seed"}
    assert changed == {(None, "markets.ETH.depth.amount"), ("par", "markets.ETH.depth.amount")}


@pytest.mark.usefixtures("quick")
def test_a_set_that_cannot_be_run_is_counted() -> None:
    """Bounds that no scenario can have make failed sets, with the reason, and no error."""
    scenario = small('[[spread.vary]]\npath = "venues.aave.reserves.USDC.ltv"\nlow = "0.9"\nhigh = "0.9"\n')
    data = spread_of(scenario, seeds=1, draws=2, workers=1)
    assert (data["draws"]["failed"], data["draws"]["fit"]) == (2, 0)
    assert "above the liquidation threshold" in data["draws"]["problems"][0]
    assert "2 sets could not be run" in plain(spread_page(data))


# --- over seeds ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_one_lucky_seed_decides_nothing() -> None:
    """An expectation over seeds is open after a run, and the median decides it, whatever the run had."""
    ran = run(small(EXPECT))
    assert ran.summary["expectations"]["open"] == 1
    assert "usual" not in ran.missed
    row = checked(ran.summary, {})
    assert (row["open"], row["ok"]) == (["usual"], False)
    assert "one seed does not decide it" in plain(checks_page([row]))
    ran.over_seeds(3, workers=1)
    assert ran.summary["expectations"]["open"] == 0
    (usual,) = [one for one in ran.summary["expectations"]["results"] if one["id"] == "usual"]
    assert (usual["met"], usual["computed"] != "1002") == (True, True)
    assert "met by the median" in ran.report()
    ran.over_seeds(5, workers=1)
    assert "usual" in ran.missed
    assert "MISSED by the median" in ran.report()


@pytest.mark.usefixtures("quick")
def test_what_lies_beside_a_scenario_is_shown_while_it_is_fresh(tmp_path: Path) -> None:
    """Fresh it is there for base and variants; of other values it is stale, and a changed byte is damage."""
    (tmp_path / "scenario.toml").write_text(TEXT + EXPECT)
    scenario = load(tmp_path)
    assert spread_beside(scenario) is None
    file = tmp_path / "spread.json"
    write_answer(file, spread_of(scenario, seeds=3, draws=0, workers=1))
    for variant in (None, "par"):
        found = spread_beside(load(tmp_path, (), variant))
        assert found is not None
        assert (found["state"], found["seeds"]) == ("fresh", 3)
    assert run(tmp_path).summary["expectations"]["open"] == 0
    kept = run(tmp_path, out=tmp_path / "out")
    assert run(tmp_path / "out").summary["spread"] == kept.summary["spread"]
    stale = run(tmp_path, seed=4)
    assert stale.summary["spread"]["state"] == "stale"
    assert "the one that is there is stale" in stale.report()
    file.write_text(file.read_text().replace("1003", "1004", 1))
    assert run(tmp_path).summary["spread"] == {
        "state": "damaged",
        "problem": "is damaged: its sum is another.",
    }


def test_the_sentence_says_what_the_agreement_is_worth() -> None:
    """Free numbers against fitted targets, the median, and the share of seeds, in words."""
    none: Data = {"count": 0, "met": 0, "cases": 0, "within": 0}
    kinds = {
        "held-out": {"count": 2, "met": 1, "cases": 100, "within": 61},
        "fitted": {"count": 3, "met": 3, "cases": 150, "within": 150},
        "identity": none,
    }
    said = worth({"inputs": {"calibrated": 2}, "kinds": kinds}, 50)
    assert said == (
        "What the agreement is worth: of 5 expectations 2 held-out, 3 fitted and 0 identity. 2 inputs were"
        " calibrated for 3 fitted targets: fewer free numbers than targets, so part of the fit is earned too."
        " At the median over 50 seeds 4 of 5 hold; single seeds are within tolerance, held-out ones in 61 %"
        " and fitted ones in 100 % of all cases."
    )
    assert "no fewer free numbers" in worth({"inputs": {"calibrated": 3}, "kinds": kinds}, 50)
    assert "nothing was tuned" in worth({"inputs": {"calibrated": 0}, "kinds": kinds}, 50)
    assert "Nothing is expected" in worth({"inputs": {}, "kinds": dict.fromkeys(kinds, none)}, 50)


# --- a call that is gone on from -------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_an_interrupted_call_is_gone_on_from(tmp_path: Path) -> None:
    """What was worked through is not run again, a torn line is, and the answer is that of a single call."""
    scenario, path = small(EXPECT), tmp_path / "a.json.partial"
    whole = spread_of(scenario, seeds=3, draws=4, path=path, workers=1)
    count = len(PLAYED)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + count
    path.write_bytes(b"".join(lines[:5]) + lines[5][:30])
    PLAYED.clear()
    assert spread_of(scenario, seeds=3, draws=4, path=path, workers=1) == whole
    assert len(PLAYED) == count - 4
    PLAYED.clear()
    assert spread_of(scenario, seeds=4, draws=4, path=path, workers=1)["seeds"] == 4
    assert len(PLAYED) == 2


DAMAGE = {
    "no-points": (b"nonsense\n", "{}: is no file of points. Delete it to begin anew."),
    "empty": (b"", "{}: is no file of points. Delete it to begin anew."),
    "a-line": (None, "{}:3: the line is damaged. Delete it to begin anew."),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_of_points_is_told_and_left_alone(tmp_path: Path, name: str) -> None:
    """Place, problem and remedy, exit code 8; nothing is repaired and nothing lost."""
    path = tmp_path / "a.partial"
    spread_of(small(), seeds=2, draws=0, path=path, workers=1)
    data, said = DAMAGE[name]
    path.write_bytes(path.read_bytes().replace(b"1002", b"1003", 1) if data is None else data)
    before = path.read_bytes()
    with pytest.raises(MutualizeError) as caught:
        spread_of(small(), seeds=2, draws=0, path=path, workers=1)
    assert (caught.value.line(), int(caught.value.code)) == (said.format(path), 8)
    assert path.read_bytes() == before


@pytest.mark.usefixtures("quick")
def test_points_of_another_scenario_are_not_gone_on_from(tmp_path: Path) -> None:
    """What was worked through for other values says nothing of these."""
    path = tmp_path / "a.partial"
    spread_of(small(), seeds=1, draws=0, path=path, workers=1)
    with pytest.raises(MutualizeError, match="holds points of another scenario: ") as caught:
        spread_of(small(EXPECT), seeds=1, draws=0, path=path, workers=1)
    assert caught.value.remedy == "Choose another place, or delete it."
    with KeptPoints(path, {"of": "spread"}), pytest.raises(MutualizeError, match="being written by another"):
        KeptPoints(path, {"of": "spread"})


def test_a_failed_point_is_kept_as_such(tmp_path: Path) -> None:
    """Why there are no figures stands in the file, and is read back."""
    path = partial_of(tmp_path / "a.json")
    with KeptPoints(path, {"of": "x"}) as kept:
        kept.add("a", Failed(0, "ValueError: no"))
        kept.add("b", ("1", None, 3))
    with KeptPoints(path, {"of": "x"}) as again:
        assert {key: getattr(row, "problem", row) for key, row in again.rows.items()} == {
            "a": "ValueError: no",
            "b": ("1", None, 3),
        }


# --- the picture -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_the_picture_is_sound_and_shows_what_was_expected() -> None:
    """It is XML without script or link, and each expectation's range is a box behind its bars."""
    data = spread_of(small(EXPECT), seeds=5, draws=8, workers=1)
    root = ElementTree.fromstring(spread_picture(data))  # noqa: S314 - our own text
    kinds = Counter(element.tag.rpartition("}")[2] for element in root.iter())
    assert set(kinds) == {"svg", "title", "rect", "text", "line"}
    hints = [element.text or "" for element in root.iter() if element.tag.endswith("title")]
    assert sum(hint.startswith("expected: ") for hint in hints) == 4
    assert spread_picture(data) == spread_picture(data)
