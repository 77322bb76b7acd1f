"""Scarce blocks and oracles as those of 12 March 2020, from a scenario file to a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_world_build import TEXT, Pages, Played, without

from mutualize.ending import Ending
from mutualize.events import GasPaid, Liquidated, PricePublished, TransactionFailed
from mutualize.points import SILENT
from mutualize.report.plain import plain
from mutualize.report.show import scenario_data, scenario_page
from mutualize.scenario.build import build
from mutualize.scenario.dump import dump
from mutualize.scenario.load import loads
from mutualize.scenario.model import Scenario
from mutualize.scenario.schema import schema
from mutualize.units import PRICE_UNIT, WAD
from mutualize.world import World

GWEI = 10**9
GAS_TABLE = """\
# gas prices of included transactions, percentiles by ten minutes
timestamp_utc,tx_count,mean_gwei,p30_gwei,p60_gwei,p90_gwei,max_gwei
2023-12-31T23:50:00Z,4141,9.8997,4.527,6.9246,30,300
2024-01-01T06:30:00Z,4073,113.9942,100,102.3078,141,4319.3215
2024-01-01T07:30:00Z,6291,80.9071,48.2048,70.0016,150,2000
"""
CHAIN = """
[chain]
marked = { assumed = "as on Ethereum in March 2020" }
block_s = 12
native = "ETH"
gas_prices = { file = "gas.csv", bar_s = 600, column = "mean_gwei" }
[chain.gas]
liquidate = 500000
trade = 100000
publish = 100000
poke = 80000
[chain.space]
block_gas = 10000000
file = "gas.csv"
[[chain.space.demand]]
column = "p30_gwei"
share = "0.3"
[[chain.space.demand]]
column = "p60_gwei"
share = "0.6"
[[chain.space.demand]]
column = "p90_gwei"
share = "0.9"
[[chain.space.demand]]
column = "max_gwei"
share = "1"
"""
ORACLE = """
[oracles.ETH]
marked = { assumed = "as Maker's" }
heartbeat_s = 21600
deviation = "0.01"
min_answer = "600"
stopped_at = "2024-01-01T20:00:00Z"
outages = [{ start = "2024-01-01T01:00:00Z", end = "2024-01-01T02:00:00Z" }]
[oracles.ETH.bid]
multiple = "2"
[oracles.ETH.osm]
hop_s = 3600
bid = { multiple = "1.5", escalation = "0.125", every_blocks = 5, gwei_max = "400", deadline_s = 1800 }
"""
BASE = without(TEXT, "chain", "oracles.ETH", "liquidators")
KEEPERS = """
[[liquidators]]
name = "keepers"
marked = { assumed = "invented" }
count = 3
venue = "pool"
flash = true
"""


def scenario(folder: Path, *tables: str) -> Scenario:
    (folder / "gas.csv").write_text(GAS_TABLE)
    return loads(BASE + CHAIN + "".join(tables), folder)


def run(given: Scenario) -> tuple[World, Pages]:
    pages = Pages()
    world = build(given, pages, log=SILENT)
    assert world.run() is Ending.COMPLETE
    return world, pages


def seen(pages: Pages, kind: type) -> list[tuple[int, Any]]:
    """Return (seconds since the start, event) of all events of a kind."""
    start = pages.entries[0].at
    return [(entry.at - start, entry.event) for entry in pages.entries if isinstance(entry.event, kind)]


def test_the_demand_is_read_from_a_table_of_percentiles(tmp_path: Path) -> None:
    """Each row holds from its time on, a price for each share."""
    given = scenario(tmp_path)
    assert given.chain is not None
    assert given.chain.space is not None
    rows = given.chain.space.rows
    assert [at - given.start for at, _ in rows] == [-600, 23_400, 27_000]
    assert rows[1][1] == (100 * GWEI, 102_307_800_000, 141 * GWEI, 4_319_321_500_000)
    assert [demand.share for demand in given.chain.space.demand][-1] == WAD
    assert given.files[0].rows == 3


@pytest.mark.parametrize("per_block", [1, 20])
def test_who_bids_too_little_in_a_crash_saves_nobody(tmp_path: Path, per_block: int) -> None:
    """Bots that bid 40 gwei, which was plenty before, are stuck from 6:30 on, when others pay 100.

    ---
    The price falls from 6:00 to 7:00, and three tenths of the gas pay 48 at most from 7:30 on. Twice the gas
    price is in every block.
    """
    bots = KEEPERS + f"per_block = {per_block}\n"
    _, stuck = run(scenario(tmp_path, bots, '[liquidators.bid]\ngwei = "40"\n'))
    _, quick = run(scenario(tmp_path, bots, '[liquidators.bid]\nmultiple = "2"\n'))
    assert not [at for at, _ in seen(stuck, Liquidated) if at >= 23_400]
    assert len(seen(quick, Liquidated)) > len(seen(stuck, Liquidated))
    assert seen(quick, GasPaid)
    assert seen(quick, TransactionFailed)  # three who see the same and not each other


def test_an_osm_with_its_source_runs_as_it_is_written(tmp_path: Path) -> None:
    """A feed, its bound, its outage and its end; and a poke each hop that tells what is an hour old."""
    world, pages = run(scenario(tmp_path, ORACLE, KEEPERS))
    told = [
        (at, event.price // PRICE_UNIT) for at, event in seen(pages, PricePublished) if event.asset == "ETH"
    ]
    hops = [at // 3_600 for at, _ in told]
    assert hops == [0, 2, *range(3, 20)]  # none at one o'clock: an outage; none from eight in the evening on
    assert sorted({price for _, price in told}) == [600, 602, 1_000]  # the market ends at 500
    assert next(at // 3_600 for at, price in told if price < 1_000) == 8  # seen at seven, live at eight
    assert world.agents.keys() >= {"mempool", "oracle:ETH", "osm:ETH"}
    assert {event.account for _, event in seen(pages, GasPaid)} >= {"oracle"}


def test_a_first_price_beyond_a_bound_is_told_as_the_bound() -> None:
    """Where the market begins at 1,000 and the highest answer is 900, protocols begin with 900."""
    oracle = '\n[oracles.ETH]\nmarked = { assumed = "x" }\nheartbeat_s = 3600\nmax_answer = "900"\n'
    played = Played(without(TEXT, "oracles.ETH") + oracle)
    first = next(event for event in played.seen(PricePublished) if event.asset == "ETH")
    assert (first.price, first.market) == (900 * PRICE_UNIT, 1_000 * PRICE_UNIT)


def test_demand_can_be_written_without_a_table(tmp_path: Path) -> None:
    """One price by share for the whole run; without any, blocks are empty but for those who bid."""
    constant = '[chain.space]\nblock_gas = 10000000\ndemand = [{ share = "0.9", gwei = "50" }]\n'
    head, _, _ = CHAIN.partition("[chain.space]")
    (tmp_path / "gas.csv").write_text(GAS_TABLE)
    given = loads(BASE + head + constant + KEEPERS, tmp_path)
    assert given.chain is not None
    assert given.chain.space is not None
    assert given.chain.space.rows == ((0, (50 * GWEI,)),)
    for rest, count in ((constant, 0), ("[chain.space]\nblock_gas = 10000000\n", 1)):
        world, pages = run(loads(BASE + head + rest + KEEPERS + '[liquidators.bid]\ngwei = "49"\n', tmp_path))
        assert min(1, len(seen(pages, Liquidated))) == count, rest
        assert world.wakes < 2_000


def test_a_scenario_in_which_nobody_bids_is_the_one_without_scarce_blocks(tmp_path: Path) -> None:
    """Block space alone changes nothing: the same entries, and not one more wake."""
    head, _, _ = CHAIN.partition("[chain.space]")
    (tmp_path / "gas.csv").write_text(GAS_TABLE)
    scarce, plain_chain = run(scenario(tmp_path, KEEPERS)), run(loads(BASE + head + KEEPERS, tmp_path))
    assert scarce[1].entries == plain_chain[1].entries
    assert scarce[0].wakes == plain_chain[0].wakes


def test_the_same_scenario_gives_the_same_entries(tmp_path: Path) -> None:
    """Bids, waits and failures are the same each time, and after a round trip through the file it writes."""
    given = scenario(tmp_path, ORACLE, KEEPERS, '[liquidators.bid]\nmultiple = "1.2"\n')
    again = loads(dump(given), tmp_path)
    assert again.sha256 == given.sha256
    assert run(given)[1].entries == run(again)[1].entries


def test_a_page_says_what_is_told_and_who_bids(tmp_path: Path) -> None:
    """`show` has the oracles in words, what others bid, and every sender's bid."""
    given = scenario(tmp_path, ORACLE, KEEPERS, '[liquidators.bid]\ngwei = "20"\n')
    text = " ".join(plain(scenario_page(given, None)).split())
    for words in (
        "ETH after a move of 1.00 %, and every 6 h behind a hop of 1 h below 600 the bound",
        "silent from 2024-01-01T01:00:00Z to 2024-01-01T02:00:00Z stopped at 2024-01-01T20:00:00Z",
        "A block holds 10,000,000 units of gas; the highest bid is first, and pays what it bid.",
        "Others: 30.0 % of the gas pays at most the column p30_gwei.",
        "Others: all of the gas pays at most the column max_gwei.",
        "feed of ETH 2 times the gas price",
        "osm of ETH 1.5 times the gas price, raised by 12.50 % every 5 blocks",
        "to 400 gwei at most, given up after 30 min",
        "keepers 20 gwei",
    ):
        assert words in text, text
    assert scenario_data(given, None)["bids"]["keepers"] == "20 gwei"
    nobody = scenario(tmp_path)
    assert "Nobody bids: all are in the next block." in plain(scenario_page(nobody, None))


def test_the_schema_knows_blocks_bids_and_hops() -> None:
    """An editor is told of every key."""
    known = schema()["$defs"]
    assert set(known["Bid"]["properties"]) > {"gwei", "multiple", "escalation", "deadline_s"}
    assert set(known["Space"]["properties"]) > {"block_gas", "file", "demand"}
    assert set(known["Osm"]["properties"]) > {"hop_s", "bid"}
    assert known["Oracle"]["required"] == []
