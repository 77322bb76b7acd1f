"""Running a scenario: the Python API, the run folder, and draws that do not depend on who makes them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

import mutualize
from mutualize.book import replay
from mutualize.ending import Ending
from mutualize.errors import Exit, MutualizeError
from mutualize.ledger_reader import Condition, verify
from mutualize.randomness import Stream
from mutualize.report.folder import Folder
from mutualize.report.page import page
from mutualize.report.plain import plain
from mutualize.report.summary import dumps
from mutualize.run import Run, run
from mutualize.scenario.load import load
from mutualize.sweep import Failed, drawn, range_of, sweep

SMALL = Path(__file__).parent / "small"


@pytest.fixture(scope="module")
def small() -> Run:
    """Return the small crash, run once for all tests that only look at it."""
    return run(SMALL, check_replay=True)


# --- what a run says -------------------------------------------------------------------------------------


def test_a_run_says_who_paid(small: Run) -> None:
    """All three tiers paid in order, and the parts sum to the shortfall to the last unit."""
    (short,) = small.board.waterfalls.shortfalls()
    assert short.order() == ("insurance-fund", "stakers", "haircut")
    assert short.covered == short.amount > 0
    assert [tier["tier"] for tier in small.tiers] == ["insurance-fund", "stakers", "haircut"]
    assert small.tiers[0]["paid"] == small.tiers[0]["had"] == "500"


def test_gains_and_losses_of_a_whole_run_sum_to_zero(small: Run) -> None:
    """Over lenders, borrowers, liquidators, stakers, market, miners, fund and residue, nothing is left."""
    for asset in small.summary["gains"]["assets"]:
        decimals = small.board.frame.decimals[asset["asset"]]
        units = [_units(role["gain"], decimals) for role in asset["roles"]]
        assert sum(units) == 0
        assert "others" not in {role["role"] for role in asset["roles"]}


def _units(number: str, decimals: int) -> int:
    whole, _, fraction = number.lstrip("-").partition(".")
    value = int(whole + fraction.ljust(decimals, "0"))
    return -value if number.startswith("-") else value


def test_the_state_at_any_moment_is_folded_from_the_ledger(small: Run) -> None:
    """The last state is the run's, an earlier one is what the first entries give."""
    assert small.at() == small.book
    half = small.at(seq=100)
    assert half.seq == 101
    assert half == replay(entry for entry in small.entries() if entry.seq <= 100)
    early = small.at(time="2024-01-01T00:30:00Z")
    assert early.balance("aave:deficit", "USDC") == 0
    assert early.seq < small.book.seq


def test_a_moment_that_is_none_is_refused(small: Run) -> None:
    """A seq that is not there and a time that cannot be read are mistakes with a remedy."""
    with pytest.raises(MutualizeError, match="there is no entry 1000000"):
        small.at(seq=1_000_000)
    with pytest.raises(MutualizeError, match="not a moment in UTC"):
        small.at(time="noon")
    with pytest.raises(MutualizeError, match="there is no entry -1: they are counted from 0"):
        small.at(seq=-1)
    with pytest.raises(MutualizeError, match="by --at or by --seq"):
        small.at(time="2024-01-01T00:30:00Z", seq=1)


def test_a_run_introduces_itself(small: Run) -> None:
    """Its repr says who paid, and a notebook shows the whole report, escaped."""
    assert repr(small).startswith("<Run small, complete, ")
    assert "Who paid: insurance-fund" in repr(small)
    assert "<table>" in small._repr_html_()
    assert "<script" not in small._repr_html_()
    assert small.figure("tiers.order") == ("insurance-fund", "stakers", "haircut")
    assert small.missed == []


def test_the_package_can_be_called_whoever_imported_what() -> None:
    """`mutualize.run` is the module and the function at once."""
    assert mutualize.run(SMALL).digest == run(SMALL).digest
    with pytest.raises(AttributeError, match="no attribute 'runs'"):
        mutualize.runs  # noqa: B018


def test_the_report_has_its_parts_in_order(small: Run) -> None:
    """Who paid comes first, how far to believe it after that, identity and next commands last."""
    headings = [line for line in small.report().split("\n") if line]
    wanted = [
        "The waterfall: USDC on aave",
        "Who lost and who gained",
        "Liquidations",
        "Refusals",
        "Time as a loss",
        "What pooling did",
        "Expectations",
        "Inputs that are not published facts",
        "What published sources disagree on",
        "Not modelled",
        "This run",
    ]
    assert [line for line in headings if line in wanted] == wanted
    assert small.digest in small.report()


def test_a_report_can_be_written_again_from_the_summary_alone(small: Run) -> None:
    """Years later summary.json gives the same words."""
    assert plain(page(json.loads(dumps(small.summary)))) == small.report()


def test_calibrated_and_assumed_inputs_are_listed_before_facts(small: Run) -> None:
    """A reader meets what was chosen before what was published, and the counts of both."""
    kinds = [given["kind"] for given in small.summary["inputs"]["listed"]]
    assert kinds == sorted(kinds, key=["override", "calibrated", "assumed", "fact"].index)
    assert small.summary["expectations"]["calibrated"] == 1


# --- other values, other ends ----------------------------------------------------------------------------


def test_the_same_run_has_the_same_digest_and_summary(small: Run) -> None:
    """Bytes are equal for the same scenario and seed, and differ for another."""
    again = run(SMALL)
    assert (again.digest, dumps(again.summary)) == (small.digest, dumps(small.summary))
    assert run(SMALL, seed=4).digest != small.digest


def test_other_values_are_marked_as_set_for_the_run() -> None:
    """An override is in the summary, in front of all inputs."""
    ran = run(SMALL, set={"venues.aave.funds.insurance-fund.USDC": "750"})
    assert ran.summary["scenario"]["set"] == {"venues.aave.funds.insurance-fund.USDC": "750"}
    assert ran.tiers[0]["had"] == "750"
    assert run(SMALL, set=["venues.aave.funds.insurance-fund.USDC=750"]).digest == ran.digest
    assert run(load(SMALL), set=["venues.aave.funds.insurance-fund.USDC=750"]).digest == ran.digest


def test_values_of_python_are_set_as_they_would_be_typed() -> None:
    """Tables, lists, fractions and truths of Python are those of a scenario's file."""
    table = "venues.aave.waterfall"
    stakers = {
        "tier": "stakers",
        "payer": "stake",
        "stake": "safety",
        "limit": Decimal("0.20"),
        "price": "oracle",
    }
    rows = [{"tier": "insurance-fund", "payer": "fund", "used": False}, stakers]
    ran = run(SMALL, set={table: rows})
    assert [(row["used"], row["limit"]) for row in ran.summary["terms"]] == [(False, "1"), (True, "0.2")]
    typed = (
        '[{tier="insurance-fund",payer="fund",used=false},'
        '{tier="stakers",payer="stake",stake="safety",limit="0.20",price="oracle"}]'
    )
    assert run(SMALL, set={table: typed}).digest == ran.digest


def test_a_variant_in_which_depositors_stay_at_par_leaves_a_deficit() -> None:
    """Without a haircut the rest is uncovered, and stays in everybody's sight."""
    ran = run(SMALL, variant="par")
    (short,) = ran.summary["waterfalls"]
    assert [tier["tier"] for tier in short["tiers"]] == ["insurance-fund"]
    assert short["open"] != "0"
    assert ran.missed == []
    assert "nobody yet" in ran.report()


def test_mistakes_in_a_scenario_are_errors_with_a_place(tmp_path: Path) -> None:
    """What cannot be run is refused before anything is written."""
    with pytest.raises(MutualizeError, match="there is no 'depth' in"):
        run(SMALL, set=["oracles.ETH.depth=1"], out=tmp_path / "out")
    with pytest.raises(MutualizeError, match="no variant"):
        run(SMALL, variant="parr")
    assert not (tmp_path / "out").exists()


def test_what_the_pool_refuses_at_the_start_leaves_no_folder(tmp_path: Path) -> None:
    """A beginning that the rules reject is a mistake of the scenario, and its half-written run is gone."""
    with pytest.raises(MutualizeError, match="is refused at the start"):
        run(SMALL, set=["depositors.lenders.amount=1"], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_is_sealed_as_such(tmp_path: Path) -> None:
    """Ctrl-C ends the run after the event in hand; what was reached is a whole ledger and a report."""
    moments: list[int] = []

    def interrupt(at: int) -> None:
        moments.append(at)
        if len(moments) == 20:
            os.kill(os.getpid(), signal.SIGINT)

    ran = run(SMALL, out=tmp_path / "out", progress=interrupt)
    assert ran.ended is Ending.INTERRUPTED
    verdict = verify(tmp_path / "out" / "ledger.jsonl")
    assert (verdict.condition, verdict.status) == (Condition.SEALED, "interrupted")
    assert "The run was interrupted" in ran.report()


def test_a_failing_agent_ends_the_run_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What went wrong in an agent's own code is in the ledger, sealed as failed, and in the report."""

    def broken(*_: object) -> None:
        raise RuntimeError("out of ideas")

    monkeypatch.setattr("mutualize.agents.liquidators.Liquidator.run", broken)
    ran = run(SMALL, out=tmp_path / "out")
    assert ran.ended is Ending.FAILED
    assert verify(tmp_path / "out" / "ledger.jsonl").status == "failed"
    assert "keepers-0001 failed: RuntimeError: out of ideas" in ran.report()


# --- the run folder --------------------------------------------------------------------------------------


def test_a_run_folder_holds_all_that_is_needed(tmp_path: Path, small: Run) -> None:
    """Ledger, summary and scenario as it was run: the folder is a scenario that gives the same digest."""
    ran = run(SMALL, seed=5, variant="par", out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "ledger.jsonl",
        "scenario.toml",
        "summary.json",
    ]
    assert verify(tmp_path / "out" / "ledger.jsonl").root == ran.digest
    assert json.loads((tmp_path / "out" / "summary.json").read_text("utf-8")) == ran.summary
    assert run(tmp_path / "out").digest == ran.digest != small.digest
    assert list(ran.entries())[-1].seq + 1 == ran.summary["ledger"]["events"]


def test_a_run_never_replaces_another_by_accident(tmp_path: Path) -> None:
    """A folder that holds a run is refused, and taken with `force`."""
    first = run(SMALL, out=tmp_path)
    with pytest.raises(MutualizeError, match="exists already") as caught:
        run(SMALL, out=tmp_path)
    assert caught.value.code is Exit.IO
    assert run(SMALL, out=tmp_path, force=True).digest == first.digest


def test_a_ledger_that_is_not_kept_has_the_same_digest(small: Run) -> None:
    """Whoever wants the report alone pays for no memory, and is told so when he asks for entries."""
    ran = run(SMALL, ledger="none")
    assert ran.digest == small.digest
    with pytest.raises(MutualizeError, match="was not kept"):
        ran.entries()


def test_a_ledger_can_be_streamed_to_a_file(tmp_path: Path, small: Run) -> None:
    """Without a run folder the ledger alone is written where one wants it."""
    ran = run(SMALL, ledger=tmp_path / "my.jsonl", check_replay=True)
    assert verify(tmp_path / "my.jsonl").root == ran.digest == small.digest


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """A file in the way is told with its path and exit code 74."""
    (tmp_path / "file").write_text("")
    with pytest.raises(MutualizeError, match="cannot be created") as caught:
        Folder(tmp_path / "file" / "out")
    assert caught.value.code is Exit.IO


# --- many runs -------------------------------------------------------------------------------------------


def square(number: int) -> int:
    """Return the square; 13 is refused."""
    if number == 13:
        raise ValueError("unlucky")
    return number * number


def test_results_do_not_depend_on_the_number_of_workers() -> None:
    """One process or three: the same results in the same order, and a failed point is one of them."""
    points = list(range(20))
    serial = sweep(square, points, workers=1)
    assert serial == [Failed(13, "ValueError: unlucky") if n == 13 else n * n for n in points]
    code = (
        "from mutualize.sweep import sweep\n"
        "from mutualize.units import format_decimal\n"
        "from functools import partial\n"
        "write = partial(format_decimal, decimals=1)\n"
        "if __name__ == '__main__':\n"
        "    both = [sweep(write, range(40), workers=workers) for workers in (1, 2)]\n"
        "    print(both[0] == both[1] == [write(n) for n in range(40)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_inputs_are_drawn_with_the_digits_they_are_written_with() -> None:
    """Steps are as fine as the bounds are written, and both bounds can be drawn."""
    found = {drawn(Stream(1, str(number)), "0.8", "1.00") for number in range(2_000)}
    assert found == {f"0.{cents}" for cents in range(80, 100)} | {"1.00"}
    assert {drawn(Stream(1, str(n)), "7", "7") for n in range(5)} == {"7"}


def test_a_range_is_made_of_values_that_occurred() -> None:
    """Nearest-rank quantiles, of one value, of a hundred, of none."""
    found = range_of(list(range(100, 0, -1)))
    assert found is not None
    assert attrs.astuple(found) == (100, 1, 5, 50, 95, 100)
    single = range_of([7])
    assert single is not None
    assert attrs.astuple(single) == (1, 7, 7, 7, 7, 7)
    assert range_of([]) is None


def test_the_spread_of_a_run_is_in_its_summary() -> None:
    """Worked out on demand, it stands in the summary: of this run's variant, with whole quantiles."""
    ran = run(SMALL)
    assert ran.summary.get("spread") is None
    found = ran.over_seeds(3, 2, workers=1)
    assert found is not None
    assert found == ran.summary["spread"]
    assert (found["state"], found["seeds"], found["draws"]["count"]) == ("fresh", 3, 2)
    (short,) = [one for one in found["outcomes"] if one["id"] == "some-shortfall"]
    numbers = [_units(short["seeds"][name], 6) for name in ("min", "p5", "median", "p95", "max")]
    assert numbers == sorted(numbers)
    assert numbers[0] < numbers[-1]
    assert "over 3 seeds" in ran.report()


# --- what is documented ----------------------------------------------------------------------------------


def names_in(data: object) -> set[str]:
    """Return all keys of a summary but those that a scenario chose (assets, paths, sources)."""
    found: set[str] = set()
    if isinstance(data, dict):
        for key, value in data.items():
            found |= {key} | (names_in(value) if key not in ("gas", "debts", "set", "sources") else set())
        if {"money", "gains"} <= data.keys() and "account" in data:
            found -= names_in(data["gains"])
    elif isinstance(data, list):
        for value in data:
            found |= names_in(value)
    return found


def test_every_key_of_a_summary_is_documented(small: Run, checkout: Path) -> None:
    """A reader of summary.json finds each of its words in docs/summary.md."""
    text = (checkout / "docs" / "summary.md").read_text("utf-8")
    words = {word for part in text.split("`") for word in part.replace("−", " ").replace("=", " ").split()}
    keys = names_in(small.summary)
    unknown = {key for key in keys if key not in words and key not in small.scenario.assets}
    assert unknown - {"fact", "calibrated", "assumed", "override", "held-out", "fitted", "identity"} == set()
