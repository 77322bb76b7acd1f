"""Forks at odd moments, of all kinds of venues, and what has to be refused before anything is run."""

from __future__ import annotations

from pathlib import Path
from shlex import split

import pytest
import tiny_vaults
from test_cli import call, from_json
from test_fork import outcome, told_of_eth

from mutualize.errors import Exit, MutualizeError
from mutualize.events import PricePublished
from mutualize.fork import fork
from mutualize.report.alternatives import label_of
from mutualize.report.web.page import commands
from mutualize.run import Run, resume
from mutualize.run import run as run_scenario
from mutualize.scenario.load import load
from mutualize.scenario.scalars import parse_time

HARD = Path(__file__).parent / "hard-day"
NOON = "2024-01-01T12:00:00Z"
SEEN = "2024-01-01T12:10:55Z"
"""When ETH is a tenth below 2,000 in three-tiers: that is seen then, and told ten minutes later."""
COUNCIL = (
    '{name="council", venue="club", on="deficit", delay_s=7200, action="release-tier", tier="treasury",'
    ' reserve="USDC", amount="100"}'
)
DOORS = '{name="doors", venue="club", at="2024-01-01T18:00:00Z", action="open-exits"}'
FEED = """
[oracles.ETH]
heartbeat_s = 600
deviation = "0.01"

[venues.maker]"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of three-tiers."""
    place = tmp_path_factory.mktemp("edges") / "run"
    run_scenario("three-tiers", out=place)
    return place


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of the hard day."""
    place = tmp_path_factory.mktemp("edges") / "club"
    run_scenario(HARD, out=place)
    return place


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of a vault engine whose collateral has a feed."""
    place = tmp_path_factory.mktemp("edges") / "maker"
    edits = (("\n[venues.maker]", FEED),)
    run_scenario(tiny_vaults.vaults(tiny_vaults.KEEPERS, tiny_vaults.HEALERS, edits=edits), out=place)
    return place


def told_at(run: Run) -> list[int]:
    """Return when the oracle told a price of ETH."""
    told = ((entry.at, entry.event) for entry in run.entries())
    return [at for at, event in told if isinstance(event, PricePublished) and event.asset == "ETH"]


# --- the moment itself -------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [f"oracles.ETH.stopped_at={SEEN}", "oracles.ETH.deviation=0.5"])
def test_a_feed_that_changes_as_it_sees_a_price_goes_by_the_new_terms(setting: str, kept: Path) -> None:
    """What the old feed would have seen in that very second the new one does not see."""
    forked = fork(kept, at=SEEN, set=[setting])
    assert outcome(forked.run) == outcome(run_scenario("three-tiers", set=[setting]))
    assert parse_time(SEEN) + 600 not in told_at(forked.run)
    assert parse_time(SEEN) + 600 in told_at(run_scenario("three-tiers"))


def test_a_shorter_delay_does_not_wait_for_what_is_under_way(kept: Path) -> None:
    """A fresh price that is there first is told; the older one, which would come after it, never is."""
    forked = fork(kept, at="2024-01-01T12:20:50Z", set={"oracles.ETH.delay_s": "0"})
    late = fork(kept, at="2024-01-01T12:20:50Z", set={"oracles.ETH.delay_s": "600"})
    assert late.first is None
    prices = told_of_eth(forked.run.entries())
    assert prices[:2] == [200_000_000_000, 179_986_111_111], "the first was nearly there"
    assert prices == sorted(prices, reverse=True)
    delayed = fork(kept, at="2024-01-01T12:20:00Z", set={"oracles.ETH.delay_s": "0"})
    seen = parse_time("2024-01-01T12:20:45Z")
    assert told_at(delayed.run)[1] == seen, "told in the second in which it was seen"
    assert 179_986_111_111 not in told_of_eth(delayed.run.entries())


def test_what_a_venue_refuses_at_that_moment_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    """An umbrella's offset cannot be below the deficit that is open already."""
    run_scenario("umbrella-2025", out=tmp_path / "run", set={"end": "2025-10-21T00:00:00Z"})
    lower = {"venues.aave.umbrella.USDC.deficit_offset": "5"}
    with pytest.raises(MutualizeError, match="refused at that moment: offset is too low") as told:
        fork(tmp_path / "run", at="2025-10-11T00:00:00Z", set=lower, out=tmp_path / "forked")
    assert "another moment" in told.value.remedy
    assert not (tmp_path / "forked").exists()


def test_a_run_that_has_not_ended_is_told_before_anything_is_run(kept: Path, tmp_path: Path) -> None:
    """Without its summary there is nothing to hold the fork against."""
    for name in ("scenario.toml", "ledger.jsonl"):
        (tmp_path / name).write_bytes((kept / name).read_bytes())
    asked = ["fork", str(tmp_path), "--at", NOON, "--set", "markets.ETH.price=1000"]
    said = call(*asked, "--out", str(tmp_path / "forked"), code=Exit.MISSING)
    assert "mutualize resume" in said.stderr
    assert not (tmp_path / "forked").exists()


# --- all kinds of venues -----------------------------------------------------------------------------------


def test_what_a_trade_costs_changes_for_bidders_too(maker: Path) -> None:
    """They reckon with the market's cost of the moment, so they bid less from then on."""
    forked = fork(maker, at="2024-01-01T00:00:01Z", set={"markets.ETH.cost": "0.2"})
    whole = run_scenario(maker, set={"markets.ETH.cost": "0.2"})
    assert forked.first is not None
    assert outcome(forked.run) == outcome(whole)
    assert outcome(whole) != outcome(run_scenario(maker))


@pytest.mark.parametrize("at", ["2024-01-01T10:00:01Z", "2024-01-01T12:30:00Z"])
def test_a_tier_that_sells_on_a_market_finds_its_new_depth(at: str, tmp_path: Path) -> None:
    """Also while a loss waits for it: the table of tiers is the same."""
    text = (HARD / "scenario.toml").read_text()
    for old, new in (
        ('price = "oracle"\ndiscount', 'price = "market"\ndiscount'),
        ('price = "0.50"', 'price = "0.50"\ndepth = { amount = "5000", impact = "0.1", recovery_s = 60 }'),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "scenario.toml").write_text(text)
    run_scenario(tmp_path, out=tmp_path / "run")
    deeper = {"markets.CLUB.depth.impact": "0.9"}
    forked = fork(tmp_path / "run", at=at, set=deeper)
    assert forked.first is not None
    assert outcome(forked.run) == outcome(run_scenario(tmp_path, set=deeper))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("venues.club.rules.close_factor=half", "only a pool goes by such rules"),
        (
            f"governance=[{COUNCIL}, {DOORS}]",
            "whether a vote opens the exits of club is settled at the start",
        ),
    ],
)
def test_what_a_venue_of_balances_cannot_change_is_refused_before_it_is_run(
    setting: str, words: str, club: Path
) -> None:
    """It would have no effect, or an effect on what has happened."""
    with pytest.raises(MutualizeError, match=words) as told:
        fork(club, at="2024-01-01T17:00:00Z", set=[setting])
    assert told.value.code is Exit.USAGE


@pytest.mark.parametrize("setting", ["freeze_exits=true", "rules.close_factor=half"])
def test_terms_that_a_vault_engine_does_not_have_are_refused(setting: str, maker: Path) -> None:
    """Its own terms are changed by dated acts."""
    with pytest.raises(MutualizeError, match="a vault engine has no such terms"):
        fork(maker, at="2024-01-01T01:00:00Z", set=[f"venues.maker.{setting}"])


# --- what stands in the file -------------------------------------------------------------------------------


def test_a_variant_that_a_fork_would_not_fit_does_not_stand_in_its_way(kept: Path, tmp_path: Path) -> None:
    """The variant of three-tiers has no haircut; the run that is forked has."""
    change = {"venues.pool.waterfall.haircut.limit": "0.5"}
    forked = fork(kept, at=NOON, set=change, out=tmp_path / "forked")
    assert run_scenario(tmp_path / "forked").digest == forked.run.digest
    checked = from_json("check", str(tmp_path / "forked"))
    assert [run["run"] for run in checked["runs"]] == ["three-tiers"], "and no variant is put on top of it"


def test_a_whole_table_is_set_before_what_is_in_it_in_whatever_order_they_are_given(
    kept: Path, tmp_path: Path
) -> None:
    """The file has long tables last, and running it again has to come to the same."""
    why = "so long that the table does not fit in one line of the file that is written"
    table = (
        f'venues.pool.reserves.ETH={{ltv={{value="0.8", assumed="{why}"}}, liquidation_threshold="0.85",'
        f' liquidation_bonus={{value="0.10", assumed="{why}"}}, marked={{assumed="{why}"}}}}'
    )
    cell = "venues.pool.reserves.ETH.liquidation_bonus=0.07"
    found = []
    for number, each in enumerate(([table, cell], [cell, table])):
        folder = tmp_path / str(number)
        forked = fork(kept, at=NOON, set=each, out=folder)
        assert run_scenario(folder).digest == forked.run.digest
        found.append(outcome(forked.run))
    assert found[0] == found[1] != outcome(run_scenario("three-tiers"))


def test_a_page_tells_the_commands_that_come_to_the_same_fork(tmp_path: Path) -> None:
    """Whole tables are written as one would type them, and what is no number is told as well."""
    start = {"end": "2024-01-01T17:00:00Z", "venues.pool.funds.insurance-fund.USDC": "15000"}
    run_scenario("three-tiers", out=tmp_path / "run", set=start)
    table = (
        'venues.pool.waterfall=[{tier="insurance-fund", payer="fund"},'
        ' {tier="haircut", payer="claims", marked={assumed="it\'s a \\"what if\\""}}]'
    )
    forked = fork(tmp_path / "run", at=NOON, set=[table], out=tmp_path / "forked")
    again, forking, _ = (split(command) for _, command in commands(forked.run.summary))
    call(*again[1:-1], str(tmp_path / "again"))
    chosen = [str(tmp_path / "again") if word == "DIR" else word for word in forking[1:]]
    call(*[str(tmp_path / "fork") if word == "FORK" else word for word in chosen])
    assert resume(tmp_path / "fork") is None
    assert (tmp_path / "fork" / "ledger.jsonl").read_bytes() == (
        tmp_path / "forked" / "ledger.jsonl"
    ).read_bytes()
    assert "waterfall = [{ tier =" in forked.run.report()
    assert max(len(line) for line in forked.run.report().splitlines() if "A fork" in line) < 180


def test_what_was_set_is_kept_whatever_it_is_and_does_not_make_another_scenario(tmp_path: Path) -> None:
    """A moment has no mark that could tell of it; a run and the same values by hand have one digest."""
    ran = run_scenario("three-tiers", out=tmp_path / "run", set={"end": "2024-01-01T12:00:00Z"}, seed=9)
    assert ran.summary["scenario"]["set"] == {"end": "2024-01-01T12:00:00Z"}
    text = (tmp_path / "run" / "scenario.toml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("overrides = ")]
    assert len(lines) == len(text.splitlines()) - 1
    (tmp_path / "run" / "scenario.toml").write_text("\n".join(lines))
    by_hand = load(tmp_path / "run")
    assert not by_hand.overrides
    assert by_hand.sha256 == ran.summary["scenario"]["sha256"]
    plain = run_scenario("three-tiers").summary
    assert label_of(plain, ran.summary) == "seed 9, end=2024-01-01T12:00:00Z"
