"""Scenarios of venues that lend by other rules than a pool's: read, run, and refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mutualize
from mutualize.compound_events import Absorbed
from mutualize.errors import MutualizeError
from mutualize.events import Liquidated, LossAbsorbed, ShortfallRecognised, ShortfallUncovered
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import Condition
from mutualize.run import Run
from mutualize.units import PRICE_UNIT

HERE = Path(__file__).parent / "lenders"
ISOLATED = str(HERE / "isolated")
COMPOUND = str(HERE / "compound")
COMET = str(HERE / "comet")


def events(run: Run, kind: type) -> list[Any]:
    """Return the events of one kind."""
    return [entry.event for entry in run.entries() if isinstance(entry.event, kind)]


def test_suppliers_of_an_isolated_market_bear_the_shortfall_by_their_share_price(tmp_path: Path) -> None:
    """What the collateral of three debtors does not cover is taken from all shares, in the liquidation."""
    run = mutualize.run(ISOLATED, out=tmp_path / "run", check_replay=True)
    short = sum(event.amount for event in events(run, ShortfallRecognised))
    assert short > 100_000 * 10**6
    assert sum(event.amount for event in events(run, LossAbsorbed)) == short
    assert {event.bearer for event in events(run, LossAbsorbed)} == {"claims"}
    assert len({event.account for event in events(run, Liquidated)}) == 3
    waterfall = run.summary["waterfalls"][0]
    assert waterfall["open"] == "0"
    assert verify_deep(tmp_path / "run" / "ledger.jsonl").condition is Condition.SEALED
    assert run.write_report(tmp_path / "run.html") > 50_000


def test_who_leaves_an_isolated_market_first_loses_least() -> None:
    """Depositors run from the first haircut on; the last of them bears what comes later."""
    run = mutualize.run(ISOLATED)
    lost = {row["account"]: float(row["money"]) for row in run.summary["gains"]["largest"]}
    lenders = sorted(money for name, money in lost.items() if name.startswith("lenders-"))
    assert lenders[0] < 3 * lenders[-1] < 0


def test_a_fund_before_the_suppliers_pays_first() -> None:
    """Any tiers may stand over an isolated market; the contract's own has one."""
    tiers = (
        '[{tier = "insurance-fund", payer = "fund", assumed = "x"}, {tier = "suppliers", payer = "claims",'
        ' assumed = "x"}]'
    )
    run = mutualize.run(
        ISOLATED,
        set={
            "venues.market.waterfall": tiers,
            "venues.market.funds": '{ insurance-fund = { USDC = "30000" }, assumed = "x" }',
        },
    )
    paid = [(tier["tier"], tier["covered"]) for tier in run.tiers]
    assert paid[0] == ("insurance-fund", "30000")
    assert paid[1][0] == "suppliers"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("venues.market.reserves.ETH.ltv", "0.5", "the collateral of an isolated market has no ltv"),
        ("venues.market.reserves.USDC.slope2", "0.5", "the loan of an isolated market has no slope2"),
        ("venues.market.reserves.USDC.reserve_factor", "0.3", "fee is at most 25 %"),
        ("venues.market.reserves.ETH.liquidation_threshold", "0", "has two reserves"),
        ("venues.market.rules.close_factor", "half", "rules are its contract's"),
        ("borrowers.debtors.behaviour", "deleverage", "nobody answers margin calls"),
    ],
)
def test_what_an_isolated_market_does_not_have_is_refused(path: str, value: str, words: str) -> None:
    """Terms of a pool that an isolated market's contract does not know are named."""
    with pytest.raises(MutualizeError, match=words):
        mutualize.run(ISOLATED, set={path: value})


# --- Compound v2 -----------------------------------------------------------------------------------------

VOTE = (
    '[{ name = "write-off", venue = "venus", at = "2024-01-01T17:00:00Z", action = "recognise-shortfall",'
    ' reserve = "USDC", borrower = "debtors" }]'
)
CUT = '[{ tier = "suppliers", payer = "claims", assumed = "x" }]'


def test_nobody_writes_a_debt_off_at_compound_and_the_last_find_no_cash(tmp_path: Path) -> None:
    """Debt that nothing covers goes on, nothing falls short, and who wants his money waits."""
    run = mutualize.run(COMPOUND, out=tmp_path / "run", check_replay=True)
    assert events(run, Liquidated)
    assert not events(run, ShortfallRecognised)
    assert run.figure("utilization.USDC") == 10**18
    waits = run.figure("withdrawals.waiting.USDC")
    assert isinstance(waits, int)
    assert waits > 50_000 * 10**6
    assert verify_deep(tmp_path / "run" / "ledger.jsonl").condition is Condition.SEALED
    assert run.write_report(tmp_path / "run.html") > 50_000


def test_a_vote_recognises_what_a_population_leaves_uncovered_and_any_tiers_pay_it() -> None:
    """Beside the contract: the shortfall is what the debtors' collateral does not cover; claims bear it."""
    run = mutualize.run(COMPOUND, set={"governance": VOTE, "venues.venus.waterfall": CUT})
    recognised = events(run, ShortfallRecognised)
    assert {event.account for event in recognised} <= {f"debtors-{number:04d}" for number in (1, 2, 3)}
    short = sum(event.amount for event in recognised)
    assert short > 10_000 * 10**6
    borne = sum(event.amount for event in events(run, LossAbsorbed))
    left = sum(event.amount for event in events(run, ShortfallUncovered))
    assert borne + left == short, "what is not claims is the reserves', and stays open"
    assert left < 10 * 10**6
    later = mutualize.run(COMPOUND, set={"governance": VOTE})
    assert later.summary["waterfalls"][0]["open"] == later.summary["waterfalls"][0]["shortfall"]


def test_a_guardian_pauses_what_is_seized_and_opens_it_again() -> None:
    """While it is paused nobody is liquidated; repaying and redeeming go on, as in the contract."""
    paused = (
        '[{ name = "stop", venue = "venus", at = "2024-01-01T10:30:00Z", action = "pause" },'
        ' { name = "go-on", venue = "venus", at = "2024-01-01T17:00:00Z", action = "unpause" }]'
    )
    run = mutualize.run(COMPOUND, set={"governance": paused})
    early = mutualize.run(COMPOUND)
    opened = 1_704_128_400  # 2024-01-01T17:00:00Z
    times = [entry.at for entry in run.entries() if isinstance(entry.event, Liquidated)]
    before = [entry.at for entry in early.entries() if isinstance(entry.event, Liquidated)]
    assert min(before) < opened <= min(times)
    vote = paused.replace('"pause"', '"cover-deficit", reserve = "USDC", payer = "dao"')
    with pytest.raises(MutualizeError, match="it has no cover-deficit"):
        mutualize.run(COMPOUND, set={"governance": vote})


def test_one_account_may_owe_in_several_rows() -> None:
    """Rows of one account add up, and all but the first go by their number."""
    row = 'venue = "venus", account = "whale", debt = "USDC", assumed = "x"'
    rows = (
        f'[{{ {row}, collateral = "ETH", collateral_amount = "10", debt_amount = "1000" }},'
        f' {{ {row}, collateral = "BTC", collateral_amount = "1", debt_amount = "500" }}]'
    )
    coin: dict[str | tuple[str, Any], str] = {
        "assets.BTC": '{ decimals = 8, assumed = "x" }',
        "markets.BTC": '{ price = "20000", assumed = "x" }',
        "oracles.BTC": '{ heartbeat_s = 86400, assumed = "x" }',
        "venues.venus.reserves.BTC": (
            '{ liquidation_threshold = "0.8", liquidation_bonus = "0.1", assumed = "x" }'
        ),
    }
    run = mutualize.run(COMPOUND, set={**coin, "positions": rows})
    owed = run.figure("debt.whale.USDC")
    assert isinstance(owed, int)
    assert owed >= 1_500 * 10**6
    listed = [one["path"] for one in run.summary["inputs"]["listed"]]
    assert "positions.whale.debt_amount" in listed
    assert "positions[1].debt_amount" in listed
    with pytest.raises(MutualizeError, match="is there twice"):
        mutualize.run(COMPOUND, set={**coin, "positions": rows.replace('"BTC"', '"ETH"')})


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("venues.venus.reserves.ETH.ltv", "0.5", "a market of Compound has no ltv"),
        ("venues.venus.reserves.USDC.liquidation_bonus", "0.05", "one liquidation_bonus for all markets"),
        ("venues.venus.reserves.ETH.liquidation_threshold", "0.905", "at most 90 %"),
        ("venues.venus.rules.dust_rule", "false", "Compound has no dust_rule"),
    ],
)
def test_what_compound_does_not_have_is_refused(path: str, value: str, words: str) -> None:
    """Terms of a pool that Compound's contracts do not know are named."""
    with pytest.raises(MutualizeError, match=words):
        mutualize.run(COMPOUND, set={path: value})


@pytest.mark.parametrize(("scenario", "delay"), [(COMET, None), (COMET, "30"), (COMPOUND, None)])
def test_who_holds_what_is_told_to_be_worth_nothing_waits_for_a_price(
    scenario: str, delay: str | None
) -> None:
    """A price of zero is none to these contracts: nobody is liquidated at it, and nobody's code fails."""
    times = ("10:00:00", "12:00:00", "12:00:01", "15:00:00", "15:00:01", "18:00:00")
    prices = ("2000", "2000", "0", "0", "1000", "1000")
    points = [f'["2024-01-01T{at}Z", "{price}"]' for at, price in zip(times, prices, strict=True)]
    feed = {"oracles.ETH.delay_s": "60", "markets.ETH.points": f"[{', '.join(points)}]"}
    run = mutualize.run(scenario, set=feed | ({"venues.comet.absorb_after_s": delay} if delay else {}))
    assert run.summary["agents_failed"] == []
    told = [entry.at for entry in run.entries() if getattr(entry.event, "price", None) == 1000 * PRICE_UNIT]
    at = [entry.at for entry in run.entries() if isinstance(entry.event, Liquidated | Absorbed)]
    assert at
    assert min(at) > told[0]
