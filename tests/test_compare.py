"""`mutualize compare`: who is better off and who worse, by exact figures, and where two ledgers part."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from test_cli import call, from_json
from test_sentences import HOSTILE, steers

import mutualize
from mutualize.comparison import SIDES_MAX, compare_runs, plans_of
from mutualize.errors import MutualizeError
from mutualize.report.accounts_of import worth_of_accounts
from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.compared import Side, compared
from mutualize.report.compared_page import comparison_page
from mutualize.report.markdown import markdown
from mutualize.report.plain import plain
from mutualize.report.text import numeral

FUND = "venues.pool.funds.insurance-fund.USDC"


@pytest.fixture(scope="module")
def tiers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of three-tiers."""
    path = tmp_path_factory.mktemp("runs") / "tiers"
    mutualize.run("three-tiers", out=path)
    return path


@pytest.fixture(scope="module")
def poorer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the same run with a fund of a quarter."""
    path = tmp_path_factory.mktemp("runs") / "poorer"
    mutualize.run("three-tiers", out=path, set={FUND: 5_000})
    return path


def by_name(data: dict[str, Any]) -> dict[str, Any]:
    """Return the measures of the first pair, by name."""
    return {one["name"]: one for one in data["pairs"][0]["measures"]}


def test_a_smaller_fund_moves_the_loss_to_depositors(tiers: Path, poorer: Path) -> None:
    """What the fund no longer pays, depositors lose: exactly, by tier, by role and by account.

    ---
    fund 20,000 ─▶ 5,000
    """
    data = compare_runs([str(tiers), str(poorer)]).data()
    found = by_name(data)
    fund, haircut = found["pool.tier.insurance-fund.USDC"], found["pool.tier.haircut.USDC"]
    assert (fund["before"], fund["now"], fund["change"], fund["verdict"]) == (
        "20000",
        "5000",
        "-15000",
        "better",
    )
    assert (haircut["verdict"], haircut["change"].split(".")[0]) == ("worse", "15000")
    assert found["gain.depositors"]["verdict"] == "worse"
    assert found["gain.depositors"]["share"].startswith("-0.3192")
    assert found["gain.stakers"]["verdict"] == "same"
    accounts = data["pairs"][0]["accounts"]
    assert accounts["worse"] == 11  # ten depositors, and who borrowed a little longer
    assert accounts["largest"][0]["account"] == "pool:tier:insurance-fund"
    assert accounts["largest"][1]["role"] == "depositors"
    assert data["pairs"][0]["first_difference"]["event"] == 18


def test_all_accounts_gain_what_the_summary_says(tiers: Path) -> None:
    """The list of all accounts has the figures of the ten in the summary."""
    summary = json.loads((tiers / "summary.json").read_text())
    found = worth_of_accounts(tiers / "ledger.jsonl")
    for row in summary["gains"]["largest"]:
        worth = found[row["account"]]
        assert worth.role == row["role"]
        assert numeral(worth.money, 8) == row["money"]


def test_a_run_beside_itself_has_nothing_to_tell(tiers: Path) -> None:
    """Nobody is better or worse off, and the ledgers do not part."""
    found = compare_runs([str(tiers), str(tiers)])
    data = found.data()
    assert {one["verdict"] for one in by_name(data).values()} == {"same"}
    assert data["pairs"][0]["first_difference"] is None
    assert [side["label"] for side in data["sides"]] == [f"{tiers} (1)", f"{tiers} (2)"]
    text = plain(comparison_page(found))
    assert "Worse off: nobody. Better off: nobody." in text
    assert "Nowhere: their ledgers are the same." in text


def test_a_scenario_is_compared_with_itself_under_other_values() -> None:
    """Each value of a path, and each variant, is a run beside the first."""
    labels = [plan.label for plan in plans_of(["x"], ["a=1", "b=2", "a=3"], [])]
    assert labels == ["x", "a=1 b=2", "a=3 b=2"]
    assert [plan.label for plan in plans_of(["x"], ["a=1"], ["v", "w"])] == ["x", "v a=1", "w a=1"]
    done = call("compare", "three-tiers", "--set", f"{FUND}=5000", "--set", f"{FUND}=0").stdout
    assert f"{FUND}=5000, beside three-tiers" in done
    assert f"{FUND}=0, beside three-tiers" in done
    assert "Worse off: depositors by 14,999 USD (31.92 %). Better off: funds by 15,000 USD (75.00 %)." in done
    assert "founders put 5,000 USDC into insurance-fund at pool." in " ".join(done.split())


def test_a_kept_run_is_compared_with_itself_under_a_variant(tiers: Path) -> None:
    """The scenario beside the ledger is run again with what is changed."""
    data = from_json("compare", str(tiers), "--variant", "par")
    assert data["sides"][1]["variant"] == "par"
    found = by_name(data)
    assert found["pool.tier.haircut.USDC"]["verdict"] == "gone"
    assert found["gain.depositors"]["verdict"] == "better"
    assert found["gain.open deficit"]["verdict"] == "worse"  # nobody lost it yet, and somebody will


def test_different_scenarios_are_compared_with_a_warning(tiers: Path) -> None:
    """Same money: what both have a name for can be compared, and the reader is told."""
    data = compare_runs([str(tiers), "umbrella-2025"]).data()
    assert "different scenarios" in data["warnings"][0]
    found = by_name(data)
    assert found["pool.shortfall.USDC"]["verdict"] == "gone"
    assert found["aave.shortfall.USDC"]["verdict"] == "new"


def test_different_money_is_not_compared(tiers: Path) -> None:
    """A sum in dollars says nothing about one in euros."""
    summary = json.loads((tiers / "summary.json").read_text())
    other = {**summary, "scenario": {**summary["scenario"], "money": "EUR"}}
    sides = [Side("a", summary, tiers / "ledger.jsonl"), Side("b", other, tiers / "ledger.jsonl")]
    with pytest.raises(MutualizeError, match="values are in EUR, those of a in USD") as error:
        compared(sides)
    assert error.value.code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["three-tiers"], 2, "nothing to compare it with"),
        (["three-tiers", "three-tiers", "--set", "seed=3"], 2, "compared as they are"),
        (["three-tiers", "no-such"], 4, "no scenario"),
        (["three-tiers", "no.jsonl"], 4, "does not exist"),
        (["three-tiers", *(f"--set=seed={n}" for n in range(SIDES_MAX))], 5, "too many"),
        (["RUN", "RUN", "--seed", "3"], 2, "is a run that is there"),
        (["three-tiers", "NO-SUMMARY"], 4, "there is no summary"),
        (["three-tiers", "OTHER"], 2, "of another run than the ledger"),
        (["three-tiers", "STRANGE"], 2, "no summary of this version"),
        (["three-tiers", "BROKEN"], 74, "cannot be read"),
        (["three-tiers", "CORRUPT"], 8, "corrupt"),
        (["three-tiers", "TORN"], 6, "torn"),
    ],
)
def test_what_cannot_be_compared_says_why(
    tiers: Path, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    """Each mistake has its exit code, and names the run that it is in."""
    folder = tmp_path / "run"
    shutil.copytree(tiers, folder)
    summary = folder / "summary.json"
    match words[1] if len(words) > 1 else "":
        case "NO-SUMMARY":
            summary.unlink()
        case "OTHER":
            summary.write_text(summary.read_text().replace("11ffaf5f", "00000000"))
        case "STRANGE":
            summary.write_text("[]")
        case "BROKEN":
            summary.write_text("{")
        case "CORRUPT":
            ledger = folder / "ledger.jsonl"
            ledger.write_bytes(ledger.read_bytes().replace(b"64991795239", b"64991795238"))
        case "TORN":
            ledger = folder / "ledger.jsonl"
            ledger.write_bytes(ledger.read_bytes()[:-300])
    named = [str(folder) if word.isupper() else word for word in words]
    assert said in call("compare", *named, code=code).stderr


def test_markdown_has_no_markup_but_ours() -> None:
    """A name with pipes, tags and control characters is shown as it is, in its cell."""
    name = HOSTILE + "|[x](http://y)`<!--"
    blocks: list[Block] = [
        Heading(name),
        Line(name, "strong"),
        Line(name, indent=2),
        Table(("who", ">how much"), ((name, "5"),)),
    ]
    text = markdown(blocks)
    assert not any(steers(line) for line in text.splitlines())
    assert "\n| who | how much |\n|---|---:|\n" in text
    row = text.splitlines()[-1]
    assert row.replace("\\|", "").count("|") == 3
    assert "<b>" not in text.replace("\\<b\\>", "")
    assert "\n\n\n" not in text


def test_hostile_names_stay_text_in_a_comparison(tiers: Path) -> None:
    """What a run is called steers nothing, in words, Markdown or JSON."""
    summary = json.loads((tiers / "summary.json").read_text())
    sides = [Side(HOSTILE, summary, tiers / "ledger.jsonl"), Side("b", summary, tiers / "ledger.jsonl")]
    found = compared(sides)
    texts = [
        plain(comparison_page(found)),
        markdown(comparison_page(found)),
        json.dumps(found.data(), ensure_ascii=False),
    ]
    for text in texts:
        assert "bob?evil" in text
        assert not any(steers(line) for line in text.splitlines())
    assert "| run | scenario |" in call("compare", str(tiers), str(tiers), "--format", "markdown").stdout
