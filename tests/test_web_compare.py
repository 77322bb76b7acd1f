"""The page of two runs, and runs made again beside one: what they are made of, and what is refused."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import attrs
import pytest
from markupsafe import escape
from test_cli import call
from web_compared import FUND, POORER, hostile_comparison, long_comparison
from web_samples import HOSTILE, small, small_source

from mutualize.comparison import (
    alternative_plans,
    compare_runs,
    comparing,
    plans_beside,
    run_alternatives,
)
from mutualize.errors import MutualizeError
from mutualize.report.alternatives import ALTERNATIVES_MAX, alternatives_of, label_of
from mutualize.report.text import clean
from mutualize.report.web import beside, page
from mutualize.report.web.beside import changed_inputs, page_of_two, write_page_of_two
from mutualize.report.web.page import page_of
from mutualize.report.web.source import source_of
from mutualize.report.web.thinning import FULL_MAX, KEPT_MAX, room_of
from mutualize.run import run

FIXED_MAX = 120_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small run."""
    path = tmp_path_factory.mktemp("beside") / "run"
    run("three-tiers", out=path)
    return path


@pytest.fixture(scope="module")
def two() -> str:
    """Return the page of the small run beside itself with a poorer fund."""
    with comparing(["three-tiers"], [POORER]) as found:
        return page_of_two(found)


def program_of(text: str) -> str:
    """Return the script that a page carries along, unpacked."""
    packed = re.search(r'id="program">([^<]+)<', text)
    assert packed
    return gzip.decompress(base64.b64decode(packed[1])).decode()


def data_of(text: str) -> Any:
    """Return the data that a page carries along, unpacked."""
    packed = re.search(r'id="data">([^<]+)<', text)
    assert packed
    return json.loads(gzip.decompress(base64.b64decode(packed[1])))


# --- two sides -------------------------------------------------------------------------------------------


def test_two_runs_give_the_same_bytes(two: str, tmp_path: Path) -> None:
    """A page made twice is the same to the byte, wherever its ledgers lay meanwhile."""
    path = tmp_path / "two.html"
    with comparing(["three-tiers"], [POORER]) as found:
        assert write_page_of_two(found, path) == len(two.encode())
        with pytest.raises(MutualizeError, match="exists already"):
            write_page_of_two(found, path)
    assert path.read_text("utf-8") == two


def test_a_page_of_two_asks_for_nothing(two: str) -> None:
    """It names no address but a drawing's language, and its policy forbids what it does not name."""
    assert set(re.findall(r"https?://[^\s'\"<&]+", two)) <= {"http://www.w3.org/2000/svg"}
    assert two.count("<script") == 3
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', two)
    assert policy
    assert policy[1].startswith("default-src &#39;none&#39;")
    assert "unsafe" not in policy[1]
    assert not re.search(r"<[^>]+\s(on\w+|style)=", two.partition("<script")[0])
    assert "mutualize-compare-" not in two  # where its ledgers lay


def test_a_page_of_two_is_small(two: str) -> None:
    """With two small runs in it, it weighs less than what the fixed part of a page may."""
    assert len(two.encode()) <= FIXED_MAX


def test_what_only_two_sides_need_is_only_there(two: str) -> None:
    """The page of one run carries no code and no style of two sides, and that of two none of one alone."""
    one = page_of(small_source())
    for part in ("class Timeline", "class Lines"):
        assert part in program_of(two)
        assert part not in program_of(one)
    for part in ("class WhatIf", "class Flows", "class App "):
        assert part in program_of(one)
        assert part not in program_of(two)
    assert ".beside" in two
    assert ".beside" not in one
    assert "holdings" not in data_of(two)["sides"][0]
    shared = set(page.SCRIPTS) & set(beside.SCRIPTS)
    assert {"ledger.js", "state.js", "vessels.js", "time.js", "tell.js", "run.js"} <= shared


def test_it_tells_what_the_comparison_tells(two: str, folder: Path) -> None:
    """Who is better off, by tier, role and account; what was changed; where they part, and both digests."""
    found = compare_runs(["three-tiers"], [POORER])
    data = found.data()
    for row in data["pairs"][0]["measures"]:
        assert row["name"].removeprefix("gain.").removeprefix("expected.") in two or row["verdict"] == "same"
    for row in data["pairs"][0]["accounts"]["largest"]:
        assert f"<td>{row['account']}</td>" in two
    for side in data["sides"]:
        assert two.count(side["digest"]) >= 2
    assert "Worse off: depositors by 14,999 USD" in two
    assert f"<td>{FUND}</td><td>20000</td><td>5000</td>" in two
    told = data_of(two)
    assert told["part"] == data["pairs"][0]["first_difference"]["event"] == 18
    assert "founders put 20,000 USDC into insurance-fund" in two
    for line in data["pairs"][0]["first_difference"]["lines"]:
        assert str(escape(line)) in two
    assert source_of(folder).summary["ledger"]["digest"] in two


def test_a_run_beside_itself_parts_nowhere(folder: Path) -> None:
    """Two ledgers that are one have no parting, and no input in which they differ."""
    with comparing([str(folder), str(folder)]) as found:
        text = page_of_two(found)
    assert "Nowhere: their ledgers are the same." in text
    assert "None that is listed." in text
    assert data_of(text)["part"] is None


def test_inputs_that_differ_are_told() -> None:
    """A tier that is gone, a row that says something else and a listed value are told, and nothing else."""
    par = run("three-tiers", variant="par").summary
    found = {path: (was, now) for path, was, now in changed_inputs(small().summary, par)}
    assert found["pool: its tiers"] == ("insurance-fund, stakers, haircut", "insurance-fund, stakers")
    assert found["depositors.lenders.behaviour"] == ("-", "run")
    assert not any(path.startswith("pool.haircut") for path in found)
    other = json.loads(json.dumps(par))
    other["terms"][1]["limit"] = "0.1"
    assert [row[0] for row in changed_inputs(par, other)] == ["pool.stakers.limit"]
    assert changed_inputs(par, par) == []


def test_only_two_sides_have_a_page(folder: Path, tmp_path: Path) -> None:
    """Three runs are refused before anything is run, and nothing is written; two are written."""
    path = tmp_path / "page.html"
    done = call("compare", "three-tiers", "--set", POORER, "--variant", "par", "--set", f"{FUND}=1",
                "--report", str(path), code=2)  # fmt: skip
    assert "here are 3" in done.stderr
    assert "Name two runs" in done.stderr
    assert done.stdout == ""
    assert not path.exists()
    again = call("compare", str(folder), "--set", POORER, "--report", str(path))
    assert "Open it in a browser" in again.stderr
    assert "Worse off: depositors" in again.stdout
    assert path.read_text("utf-8").startswith("<!doctype html>")
    refused = call("compare", str(folder), "--set", POORER, "--report", str(path), code=74)
    assert "--force" in refused.stderr
    three = compare_runs(["three-tiers"], [POORER, f"{FUND}=1"])
    with pytest.raises(MutualizeError, match="here are 3"):
        page_of_two(three)


def test_each_side_has_half_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run beside another is thinned at half the size at which it is alone, and the page says so."""
    assert room_of(2) == (FULL_MAX >> 1, KEPT_MAX >> 1)
    monkeypatch.setattr("mutualize.report.web.thinning.FULL_MAX", 3_000)
    monkeypatch.setattr("mutualize.report.web.thinning.KEPT_MAX", 300)
    text = page_of_two(*long_comparison(2_000))
    one, other = (side["events"] for side in data_of(text)["sides"])
    assert one["all"] == one["count"] == 124
    assert other["all"] == 2_124
    assert other["count"] <= 4 * 150 + 10
    assert "B has 2,124 events" in text
    assert "more than 1,500 are not told one by one" in text
    assert "A has" not in text


def test_hostile_names_are_texts_in_both_sides() -> None:
    """No label, no account and no line ends the element that it stands in, and none steers the eye."""
    text = page_of_two(*hostile_comparison())
    assert text.count("<script") == 3
    assert "<img" not in text
    for trick in ("\u202e", "\u2066", "\u2028", "\x1b", "\x07"):
        assert trick not in text
    assert HOSTILE[0] not in text
    assert "&lt;img src=x" in text


# --- alternatives that were run again --------------------------------------------------------------------


def test_alternatives_stand_beside_the_run(folder: Path, tmp_path: Path) -> None:
    """Each is labelled as run again, with its digest and a command that gives this very digest."""
    path = tmp_path / "page.html"
    done = call("report", str(folder), "-o", str(path), "--alternatives", "--alternative", POORER)
    assert done.returncode == 0
    text = path.read_text("utf-8")
    assert "Re-simulated: run again with something changed" in text
    assert f"<summary>{POORER}</summary>" in text
    assert "<summary>variant par</summary>" in text
    commands = re.findall(r"Repeat it: <code>([^<]+)</code>", text)
    digests = re.findall(r"digest of this alternative <code>([0-9a-f]{64})</code>", text)
    assert len(commands) == len(digests) == 2
    for command, digest in zip(commands, digests, strict=True):
        words = shlex.split(command)
        options = dict(zip(words[3::2], words[4::2], strict=True))
        chosen = [options["--set"]] if "--set" in options else []
        again = run(words[2], seed=int(options["--seed"]), variant=options.get("--variant"), set=chosen)
        assert again.digest == digest
    assert text.count(small().digest) >= 4  # the original is named beside each
    was, now = ('<td class="n">-46,977.90 USD</td>', '<td class="n">-61,977.90 USD</td>')
    assert f"<td>depositors</td>{was}{now}" in text


def test_nothing_is_run_unless_asked_for(folder: Path) -> None:
    """Without a word about alternatives a page is what it was, to the byte, and holds none."""
    text = page_of(source_of(folder))
    assert "Re-simulated" not in text
    assert page_of(source_of(folder), ()) == text


def test_a_run_takes_runs_as_alternatives(folder: Path, tmp_path: Path) -> None:
    """`write_report(alternatives=…)` takes runs and summaries, and gives the page of the command line."""
    ran = small()
    poorer = run("three-tiers", set={FUND: 5000})
    ran.write_report(tmp_path / "a.html", alternatives=[poorer])
    ran.write_report(tmp_path / "b.html", alternatives=[poorer.summary])
    call("report", str(folder), "-o", str(tmp_path / "c.html"), "--alternative", POORER)
    call("run", "three-tiers", "--report", str(tmp_path / "d.html"), "--alternative", POORER)
    pages = {path.read_bytes() for path in tmp_path.glob("?.html")}
    assert len(pages) == 1


def test_an_alternative_says_in_what_it_is_another() -> None:
    """Variant, seed, and values that are set in one of them only, or otherwise."""
    ran, base = small(), small().summary
    changed = run("three-tiers", variant="par", seed=9, set={FUND: 5000}).summary
    assert label_of(base, changed) == f"variant par, seed 9, {FUND}=5000"
    assert label_of(changed, base) == f"without a variant, seed 7, {FUND} as in the scenario"
    assert label_of(base, ran.summary) == "the same again"


def test_what_is_no_alternative_is_told() -> None:
    """Another scenario, other rules, a run without an end, and too many of them."""
    base = small().summary
    for part, value, said in (
        (("scenario", "name"), "x", "of another scenario"),
        (("ledger", "rules"), "mutualize-rules/0", "by other rules"),
        (("ledger", "ended"), "interrupted", "the run ended interrupted"),
    ):
        changed = json.loads(json.dumps(base))
        changed[part[0]][part[1]] = value
        with pytest.raises(MutualizeError, match=said):
            alternatives_of(base, [changed])
    with pytest.raises(MutualizeError, match="too many") as caught:
        alternatives_of(base, [base] * (ALTERNATIVES_MAX + 1))
    assert int(caught.value.code) == 5


def test_alternatives_are_of_the_run_as_it_was_asked_for() -> None:
    """What was set for the run stays set; its variant stays unless another is named."""
    plans = alternative_plans("three-tiers", ["a=1 b=2", "par c=3"], every=True, settings=("x=0",))
    assert [(plan.settings, plan.variant) for plan in plans] == [
        (("x=0", "a=1", "b=2"), None),
        (("x=0", "c=3"), "par"),
        (("x=0",), "par"),
    ]
    assert [plan.variant for plan in alternative_plans("three-tiers", ["a=1"], variant="par")] == ["par"]
    assert alternative_plans("three-tiers", [], every=True, variant="par") == []
    for text in ("", "a b", "'"):
        with pytest.raises(MutualizeError, match="is no alternative"):
            alternative_plans("three-tiers", [text])
    with pytest.raises(MutualizeError, match="too many"):
        alternative_plans("three-tiers", ["a=1"] * 16)


def test_alternatives_need_the_scenario_that_was_run(folder: Path, tmp_path: Path) -> None:
    """A scenario that is gone or was changed since is no ground for an alternative; nor is a variant."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    ledger, scenario = copy / "ledger.jsonl", copy / "scenario.toml"
    assert len(plans_beside(ledger, [POORER], every=True)) == 2
    scenario.write_text(scenario.read_text().replace("seed = 7", "seed = 8"))
    with pytest.raises(MutualizeError, match="was changed since the run"):
        plans_beside(ledger, [POORER])
    scenario.unlink()
    with pytest.raises(MutualizeError, match="does not exist") as caught:
        plans_beside(ledger, [POORER])
    assert int(caught.value.code) == 4
    run("three-tiers", variant="par", out=tmp_path / "par")
    with pytest.raises(MutualizeError, match="this is the variant par"):
        plans_beside(tmp_path / "par" / "ledger.jsonl", [], every=True)


def test_an_alternative_that_cannot_be_run_stops_the_page(folder: Path, tmp_path: Path) -> None:
    """A path that is none is told, and no page is written; without a page there is nothing to show it in."""
    path = tmp_path / "page.html"
    done = call("report", str(folder), "-o", str(path), "--alternative", "no.such.path=1", code=2)
    assert "no.such.path" in done.stderr
    assert not path.exists()
    assert "Name one by --report" in call("run", "three-tiers", "--alternatives", code=2).stderr
    plans = alternative_plans("three-tiers", [POORER])
    assert run_alternatives(plans)[0]["scenario"]["set"] == {FUND: "5000"}


def test_a_hostile_alternative_stays_text() -> None:
    """What a value or a path says is shown as what it is."""
    changed = json.loads(json.dumps(small().summary))
    changed["scenario"]["set"] = {HOSTILE[0]: HOSTILE[2]}
    text = page_of(small_source(), [changed])
    assert text.count("<script") == 3
    assert HOSTILE[0] not in text
    assert "\u202e" not in text
    assert str(escape(clean(HOSTILE[0]))) in text
    assert attrs.asdict(alternatives_of(small().summary, [changed])[0])["label"].endswith("turned")
