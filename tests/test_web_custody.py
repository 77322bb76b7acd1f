"""The page of a venue that keeps balances: a theft, deadlines, and shares of holders by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, found
from tiny_scenario import tiny

from mutualize.book import replay
from mutualize.report.web.page import page_of
from mutualize.report.web.source import Source
from mutualize.report.web.story import story
from mutualize.run import Run, run
from mutualize.scenario.load import loads
from mutualize.units import parse_decimal

HARD_DAY = Path(__file__).parent / "hard-day"
BANK = """
[venues.bank]
kind = "custody"
holds = ["USDC"]
[venues.bank.balances]
ann = { USDC = "50" }
bob = { USDC = "30" }
cyd = { USDC = "0.000007" }
[venues.bank.funds.reserve]
USDC = "4"
[[venues.bank.waterfall]]
tier = "reserve"
payer = "fund"
[[venues.bank.waterfall]]
tier = "haircut"
payer = "claims"
[[losses]]
venue = "bank"
at = "2024-01-01T06:00:00Z"
loss = "theft"
asset = "USDC"
amount = "20"
"""
"""Of the 20 that a thief takes the reserve pays 4; three balances bear the rest, pro rata."""
needs_browser = pytest.mark.skipif(not found(), reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def day() -> Run:
    """Return the run of a hard day at a club."""
    return run(HARD_DAY)


@pytest.fixture(scope="module")
def bank() -> Run:
    """Return the run of a theft from three balances."""
    return run(tiny(('amount = "1000"', 'amount = "9000"'), add=BANK))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return one browser for all tests."""
    with Browser() as started:
        yield started


def opened(browser: Browser, ran: Run, folder: Path, width: int = 1200) -> None:
    """Open the page of a run."""
    path = folder / "page.html"
    path.write_text(page_of(Source(ran.summary, ran.entries)), "utf-8")
    browser.open(path, width=width)
    assert browser.errors == []


def parts_of(ran: Run) -> dict[tuple[int, str], int]:
    """Return what each payment took from each holder, as the page is told."""
    data = story(Source(ran.summary, ran.entries))
    rows, who, assets, lost = (text.split(",") for text in data["holdings"]["parts"])
    assert {data["names"][int(asset)] for asset in assets} == {"USDC"}
    keys = [(int(row), data["names"][int(name)]) for row, name in zip(rows, who, strict=True)]
    return dict(zip(keys, map(int, lost), strict=True))


def test_single_shares_are_those_of_the_balances(bank: Run) -> None:
    """What a haircut took from each is the fall of his balance, and the sum is what the tier paid."""
    entries = list(bank.entries())
    (cut,) = [e for e in entries if getattr(e.event, "tier", "") == "haircut" and hasattr(e.event, "paid")]
    before, after = (replay(entries[:upto]).table("bank.USDC.balance") for upto in (cut.seq, cut.seq + 1))
    parts = parts_of(bank)
    assert parts == {(cut.seq, who): had - after[who] for who, had in before.items() if had != after[who]}
    assert sum(parts.values()) == parse_decimal("16", 6)


def test_who_is_called_and_who_gets_back_has_his_part(day: Run) -> None:
    """Members bear what they put in and what they paid when called; recovered money is a part below zero."""
    in_all: dict[str, int] = {}
    for (_, who), amount in parts_of(day).items():
        in_all[who] = in_all.get(who, 0) + amount
    unit = 10**6
    assert {name: in_all[name] for name in ("ann", "bob", "cyd")} == {
        "ann": 200 * unit,
        "bob": 90 * unit,
        "cyd": 40 * unit,
    }
    borne = day.book.table("club.borne.USDC.haircut")
    assert {name: in_all[name] for name in borne} == borne


@pytest.mark.slow
@needs_browser
def test_a_theft_is_told_without_a_debtor(browser: Browser, day: Run, tmp_path: Path) -> None:
    """Nobody's collateral is gone; the chain has what was paid by a deadline, and who bore it by name."""
    opened(browser, day, tmp_path)
    assert browser.text("#say") == "1,000.00 USDC fell short on club."
    chain = browser.text("#why-out")
    assert "anybody reported that club lost 1,000.00 USDC (theft)." in chain
    assert "Borne by ann 100.00 USDC, bob 60.00 USDC, cyd 40.00 USDC." in chain
    assert "cash-call did not raise 70.00 USDC in time" in chain
    assert "new-tokens paid 800.00 CLUB: the deficit fell by 360.00 USDC.\n" in chain
    assert "paid by new-tokens\t800.00 CLUB" in chain
    assert "what was lost" in browser.run("document.querySelector('#flows-out').textContent")
    for name in ("ann", "guests-0004", "10 more depositors"):
        assert name in browser.run("document.querySelector('#flows-out').textContent")


@pytest.mark.slow
@needs_browser
def test_the_arithmetic_of_what_was_passed_on_ends_at_nothing(
    browser: Browser, day: Run, tmp_path: Path
) -> None:
    """What a tier did not raise in time is added again before the tiers below bear it."""
    opened(browser, day, tmp_path)
    rows = browser.run(
        "[...document.querySelectorAll('#sum-out > .wide tbody tr')].map(r => [...r.cells].map(c =>"
        " c.textContent.replace('\\u00a0', ' ')))"
    )
    assert rows[0] == ["what fell short (event #33)", "", "1,000.00", ""]
    assert ["+ not raised by cash-call", "", "70.00", "670.00"] in rows
    assert rows[-1][0::2] == ["= stays open", "0.00"]
    bore = browser.run("document.querySelector('#sum-out details').textContent")
    assert "guests-000110.00USDC" in bore
    assert "guarantee-fundtogether200.00USDC" in bore


@pytest.mark.slow
@needs_browser
def test_deadlines_stand_where_they_belong(browser: Browser, day: Run, tmp_path: Path) -> None:
    """A deadline is a line at its moment; one after the last event is clipped at the edge, and says so."""
    opened(browser, day, tmp_path)
    told = browser.text("#chart-legend")
    assert "Deadlines (dashed): cash-call by 13:00:00, new-tokens by 16:00:00." in told
    assert browser.run(PLACES) == [[False, True], [False, True]]
    text = (HARD_DAY / "scenario.toml").read_text(encoding="utf-8")
    assert "due_s = 7200" in text
    late = run(loads(text.replace("due_s = 7200", "due_s = 72000"), HARD_DAY))
    opened(browser, late, tmp_path)
    told = browser.text("#chart-legend")
    assert "cash-call by 01-01 13:00:00, new-tokens by 01-02 10:00:00 (▸ after the last event)." in told
    assert browser.run(PLACES) == [[False, True], [True, False]]


PLACES = """mutualize.app.chart.deadlines.map(([, at]) => {
  const {plot} = mutualize.app.chart, {isAfter, x} = mutualize.app.chart.placeOf(plot, at);
  return [isAfter, Math.abs(x - plot.valToPos(at, 'x', true)) < 1 && x < plot.bbox.left + plot.bbox.width];
})"""
"""Of each deadline: is it clipped, and does it stand at its moment inside of the chart?"""


@pytest.mark.slow
@needs_browser
def test_my_money_tells_each_share(browser: Browser, day: Run, bank: Run, tmp_path: Path) -> None:
    """A guest's haircuts and what came back; a holder of next to nothing loses to the last unit."""
    opened(browser, day, tmp_path)
    browser.run("mutualize.app.why.who('guests-0003')")
    told = browser.text("#why-out")
    assert "Losses of others took 15.00 USDC in all. Of that 10.7142 USDC came back." in told
    assert "guests-0003's share: 10.00 USDC." in told
    assert "guests-0003 got 10.7142 USDC of it." in told
    assert "waits for no USDC any more" in told
    opened(browser, bank, tmp_path)
    parts = parts_of(bank)
    for who in ("ann", "bob", "cyd"):
        browser.run(f"mutualize.app.why.who({json.dumps(who)})")
        (lost,) = (amount for (_, name), amount in parts.items() if name == who)
        exact = browser.run(f"mutualize.app.amount({lost}n, 'USDC')")
        assert f"took {exact} in all" in browser.text("#why-out")


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", [1200, 390])
def test_balances_can_be_shared_out_again(browser: Browser, bank: Run, tmp_path: Path, width: int) -> None:
    """Where all pays at once, what if offers the table of a custody too, holder by holder."""
    opened(browser, bank, tmp_path, width=width)
    told = browser.text("#whatif-out")
    assert "What that is to 3 holders" in told
    assert "ann" in told
    assert browser.run("document.documentElement.scrollWidth") <= width
