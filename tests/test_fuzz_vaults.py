"""What fuzzed scenarios of vault engines came to, each as the one change of the seed that leads to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_toml import SEEDS

from mutualize.errors import Exit, MutualizeError
from mutualize.events import GasPaid
from mutualize.report.page import page
from mutualize.report.plain import plain
from mutualize.run import run
from mutualize.scenario.limits import Limits
from mutualize.scenario.load import load, loads
from mutualize.scenario.size import steps
from mutualize.scenario.vault_size import auctions, engine_steps
from mutualize.vault_events import AuctionStarted

VAULTS = (SEEDS / "vaults.toml").read_text("utf-8")


def changed(old: str, new: str) -> str:
    """Return the seed with one change."""
    assert VAULTS.count(old) >= 1, old
    return VAULTS.replace(old, new, 1)


def refusal(text: str) -> MutualizeError:
    """Return why a scenario is refused."""
    with pytest.raises(MutualizeError) as caught:
        loads(text, SEEDS)
    return caught.value


@pytest.mark.parametrize("old", ['lump = "50"', 'lump = "500"'], ids=["ilk", "act"])
def test_an_auction_of_nothing_is_refused(old: str) -> None:
    """With a lump of nothing biters would begin auctions for ever, in one instant, until memory ends."""
    assert ".lump: '0' is not above zero." in refusal(changed(old, 'lump = "0"')).line()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('lump = "50"', 'lump = "0.000001"'),
        ('lump = "500"', 'lump = "0.000001"'),
        ("hop = 300", "hop = 1"),
        ("every_s = 300", "every_s = 1"),
        ('collateral = "120"', 'collateral = "1000000000"'),
    ],
    ids=["lump", "act", "hop", "vow", "collateral"],
)
def test_what_engines_do_is_estimated(old: str, new: str) -> None:
    """A small lump or hop, or a huge vault, is refused by a limit that names its flag, before it is run."""
    with pytest.raises(MutualizeError) as caught:
        loads(changed(old, new), SEEDS, limits=Limits(steps=5_000))
    assert caught.value.code is Exit.LIMIT
    assert "--limit steps=" in caught.value.remedy


def test_the_estimate_is_above_what_is_done() -> None:
    """The seed itself sends fewer transactions than are expected of it, but a twentieth at least."""
    scenario = loads(VAULTS, SEEDS)
    ran = run(scenario, ledger="memory")
    sent = sum(isinstance(entry.event, GasPaid) for entry in ran.entries())
    assert 0 < sent < engine_steps(scenario) < 20 * sent
    assert engine_steps(scenario) < steps(scenario)


def test_later_codes_are_estimated_by_debt() -> None:
    """Liq 1.2 sells no more than a dunk of debt at once; a sale of Liq 2.0 holds a whole vault."""
    text = changed('auctions = "flip-2020-03"', 'auctions = "flip"')
    scenario = loads(text.replace('lump = "50"', 'dunk = "100"', 1), SEEDS)
    owed = 120 * 150 // 1.5 + 5_000 + 2_600.25 + 20_000
    assert owed * 1.13 / 100 <= auctions(scenario, scenario.venues["maker"], "eth-a") <= owed * 1.13 / 100 + 4
    assert auctions(scenario, scenario.venues["dutch"], "eth-b") == 2


def test_a_debt_auction_before_any_shortfall_can_be_reported() -> None:
    """Free debt may be sold for tokens while its collateral is at auction: no waterfall is shown yet."""
    ran = run(loads(changed('offer = "nothing"\n', ""), SEEDS), ledger="memory")
    assert ran.summary["waterfalls"] == []
    assert any(isinstance(e.event, AuctionStarted) and e.event.auction == "flop" for e in ran.entries())
    assert "Nothing fell short." in plain(page(ran.summary))


def test_a_table_of_vaults_that_is_none_is_told(tmp_path: Path) -> None:
    """A cell of more characters than the reader takes is an error with a line, as in any other table."""
    (tmp_path / "scenario.toml").write_text(VAULTS, "utf-8")
    (tmp_path / "vaults.csv").write_text(f"owner,collateral,{'x' * 140_000}\nbob,1,1\n", "utf-8")
    with pytest.raises(MutualizeError) as caught:
        load(tmp_path)
    assert "vaults.csv:1: the row is longer than 4,096 characters." in caught.value.line()
