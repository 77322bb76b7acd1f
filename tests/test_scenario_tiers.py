"""Tiers of scenarios: a hard day with everything that takes time, and the tables that are shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_scenario import tiny

from mutualize.cli import cli
from mutualize.errors import MutualizeError
from mutualize.events import ClaimWaiting, Withdrawn
from mutualize.report.figures import Data
from mutualize.report.page import page
from mutualize.report.plain import plain
from mutualize.report.preset import reasons
from mutualize.report.show import scenario_page
from mutualize.run import Run, run
from mutualize.scenario.dump import dump
from mutualize.scenario.load import load, loads
from mutualize.scenario.presets import names, preset
from mutualize.scenario.venues import Venues
from mutualize.tier_events import ContributionReturned, ExitsFrozen, ExitsOpened

HARD_DAY = Path(__file__).parent / "hard-day"
DIGEST = "304368038f06819cc17ea6ad1dcc23ea3857fee9efaf03f4f4a316e74f57c01e"


@pytest.fixture(scope="module")
def day() -> Run:
    """Return the hard day, run once."""
    return run(HARD_DAY, check_replay=True)


def tier(day: Run, name: str) -> Data:
    """Return what the summary says of one tier."""
    (short,) = day.summary["waterfalls"]
    return next(row for row in short["tiers"] if row["tier"] == name)


# --- a hard day ------------------------------------------------------------------------------------------


def test_a_hard_day_gives_the_same_bytes(day: Run) -> None:
    """A call for cash, a vote, new tokens, shut doors and a recovery have a golden digest."""
    assert day.digest == DIGEST


def test_a_call_is_answered_in_part_and_the_rest_goes_on(day: Run) -> None:
    """Of 200 that were called one pays 100, one 30 of 60, and one nothing, so that 70 are passed on."""
    call = tier(day, "cash-call")
    assert (call["covered"], call["passed_on"], call["owed"]) == ("130", "70", "0")


def test_what_a_vote_releases_is_all_that_its_tier_pays(day: Run) -> None:
    """The council grants 100 of the treasury's 300, whatever waits."""
    treasury = tier(day, "treasury")
    assert (treasury["covered"], treasury["held"], treasury["left"]) == (
        "100",
        "0",
        "200",
    )


def test_new_tokens_pay_their_quota_and_no_more(day: Run) -> None:
    """800 tokens at 0.45 bring 360; what is passed on later meets a quota that is used up."""
    tokens = tier(day, "new-tokens")
    assert (tokens["covered"], tokens["holds"], tokens["paid"]) == ("360", "CLUB", "800")


def test_recovered_money_repays_the_last_who_paid_first(day: Run) -> None:
    """The court's 150 go to those whose balances were cut, who bore 210."""
    assert tier(day, "haircut")["given_back"] == "150"


def test_who_was_shut_in_leaves_when_the_doors_open(day: Run) -> None:
    """Nobody withdraws between the theft and the last payment; then those who stood in line do, in order."""
    events = [entry.event for entry in day.entries()]
    kinds = [type(event) for event in events]
    shut, opened = kinds.index(ExitsFrozen), kinds.index(ExitsOpened)
    assert not {Withdrawn, ContributionReturned} & set(kinds[shut:opened])
    waited = [event.account for event in events[shut:opened] if isinstance(event, ClaimWaiting)]
    left = [event.account for event in events[opened:] if isinstance(event, Withdrawn)]
    assert left == list(dict.fromkeys(waited))
    assert len(left) > 5
    assert kinds[opened:].count(ContributionReturned) == 1


def test_the_page_says_what_tiers_did_later(day: Run) -> None:
    """What was passed on, and what came back, stand below the table."""
    text = plain(page(day.summary))
    assert "70.00 USDC was not raised in time by cash-call" in text
    assert "150.00 USDC came back and was given to those who had paid by haircut." in text


def test_a_scenario_shows_what_its_tiers_say_in_words() -> None:
    """Votes, shut doors and the rule of recoveries are shown before anything is run."""
    text = plain(scenario_page(load(HARD_DAY), None))
    assert "vote council" in text
    assert "Nobody leaves while a loss is open." in text
    assert "What comes back repays: back-to-all (reverse)." in text


WINNERS = """
[venues.exchange]
kind = "custody"
holds = ["USDC"]
[venues.exchange.balances]
ann = { USDC = "50" }
bob = { USDC = "50" }
cyd = { USDC = "50" }
[[venues.exchange.waterfall]]
tier = "clawback"
payer = "winners"
sharing = "by-weight"
by = "shares"
[venues.exchange.numbers.shares]
ann = 1
bob = 3
[[profits]]
venue = "exchange"
at = "2024-01-01T06:00:00Z"
instrument = "futures"
won = { ann = { USDC = "60" }, bob = { USDC = "30" } }
lost = { cyd = { USDC = "90" } }
"""


def test_winners_give_back_what_a_loser_cannot_pay() -> None:
    """Cyd lost 90 and had 50: of the 40 that he lacks ann gives one part, and bob three, of what they won."""
    ran = run(tiny(('amount = "1000"', 'amount = "9000"'), add=WINNERS))
    table = ran.book.table("exchange.USDC.balance")
    assert {name: table[name] for name in ("ann", "bob", "cyd")} == {
        "ann": 100_000_000,
        "bob": 50_000_000,
        "cyd": 0,
    }


# --- shipped tables --------------------------------------------------------------------------------------

STAKES = """
[venues.pool.stakes.{0}]
asset = "USDC"
"""
MKR = """
[assets.MKR]
decimals = 18
[markets.MKR]
money = "USDC"
price = "250"
"""
VOTE = """
[[governance]]
name = "{0}"
venue = "pool"
on = "deficit"
action = "release-tier"
tier = "{1}"
reserve = "USDC"
"""
NEEDS = {
    "default": STAKES.format("stakers"),
    "aave-safety-module": (
        STAKES.format("safety-module")
        + '[venues.pool.funds.treasury]\nUSDC = "1"\n'
        + VOTE.format("slash", "safety-module")
        + VOTE.format("treasury-pays", "treasury")
    ),
    "aave-v3-umbrella": STAKES.format("stk-usdc"),
    "maker-2020": MKR + VOTE.format("shutdown", "shutdown"),
    "maker-dutch": MKR + VOTE.format("shutdown", "shutdown"),
}


def test_every_table_gives_the_source_of_every_row() -> None:
    """Each row has a mark, and each fact names a source of the table."""
    for name in names():
        table = preset(name)
        assert table["name"] == name
        for row in (*table.get("waterfall", ()), *table.get("umbrella", {}).values()):
            found = reasons(row)
            assert found
            for why in found:
                assert why.partition(":")[0] in (*table["sources"], "assumed", "calibrated")


TINY_TIERS = """[[venues.pool.waterfall]]
tier = "insurance-fund"
payer = "fund"
[[venues.pool.waterfall]]
tier = "haircut"
payer = "claims"
"""
TINY_FUND = '[venues.pool.funds.insurance-fund]\nUSDC = "1000"\n'


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_a_pool_takes_a_table_by_its_name(name: str) -> None:
    """Its rows stand in the venue as if they had been written there, and a run's copy has them instead."""
    fund = TINY_FUND if name == "default" else ""
    edits = ((TINY_TIERS, ""), (TINY_FUND, fund), ('kind = "pool"', f'kind = "pool"\npreset = "{name}"'))
    scenario = tiny(*edits, add=NEEDS[name])
    venue, table = scenario.venues["pool"], preset(name)
    assert [row.tier for row in venue.waterfall] == [row["tier"] for row in table.get("waterfall", ())]
    assert list(venue.umbrella) == [reserve for reserve in table.get("umbrella", ()) if reserve == "USDC"]
    assert venue.preset is None
    assert loads(dump(scenario), scenario.folder).sha256 == scenario.sha256
    parts = Venues(scenario, "pool")
    tiers = [] if parts.waterfall is None else [row.name for row in parts.waterfall.tiers("USDC")]
    assert tiers == [row.tier for row in venue.waterfall]


def test_a_mutual_takes_its_table() -> None:
    """Of a claim that was accepted the stake pays half, and capital the rest."""
    scenario = tiny(('amount = "1000"', 'amount = "9000"'), add=MUTUAL)
    ran = run(scenario)
    paid = {row["tier"]: row["covered"] for row in ran.tiers if row["venue"] == "mutual"}
    assert paid == {"cover-pool": "40", "capital-pool": "40"}


MUTUAL = """
[venues.mutual]
kind = "custody"
holds = ["USDC"]
preset = "discretionary-mutual"
[venues.mutual.stakes.cover-pool]
asset = "USDC"
[venues.mutual.funds.capital-pool]
USDC = "1000"
[[stakers]]
name = "coverers"
count = 1
venue = "mutual"
stake = "cover-pool"
amount = "100"
[[losses]]
venue = "mutual"
at = "2024-01-01T06:00:00Z"
loss = "claim"
asset = "USDC"
amount = "80"
holder = "a-farmer"
"""


def test_the_command_lists_tables_and_prints_one() -> None:
    """`mutualize waterfall` lists them; with a name it prints rows and sources, and JSON where asked."""
    listed = json.loads(CliRunner().invoke(cli, ["waterfall", "--json"]).stdout)
    assert [row["name"] for row in listed["waterfalls"]] == names()
    one = json.loads(CliRunner().invoke(cli, ["waterfall", "maker-2020", "--json"]).stdout)
    assert one["schema"] == "mutualize/waterfall@1"
    text = CliRunner().invoke(cli, ["waterfall", "aave-safety-module"]).stdout
    assert "after the vote slash" in text
    assert "preset-stk: aave-dao/aave-stk-gov-v3" in text
    with pytest.raises(MutualizeError, match="there is no preset"):
        preset("aave-safety-modul")
