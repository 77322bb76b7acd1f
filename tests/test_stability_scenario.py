"""Scenarios of trove systems: who pays, recovery mode, a run from the pool, what is refused, a fork."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import mutualize
from mutualize.cli import cli
from mutualize.errors import MutualizeError
from mutualize.events import ClaimWaiting, Liquidated, LossAbsorbed, ShortfallRecognised, TransactionFailed
from mutualize.fork import fork
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import Condition
from mutualize.projections.closing import closing
from mutualize.run import Run
from mutualize.scenario.load import loads
from mutualize.scenario.trove_systems import drawn_of
from mutualize.tables import as_integer, told_name
from mutualize.trove_events import PoolWithdrawn, TroveClosed, TroveOpened
from mutualize.units import PRICE_UNIT, WAD, mul_div_down
from mutualize.venues.troves import Rules

HERE = Path(__file__).parent / "lenders" / "stability"
STABILITY = str(HERE)
SMALL = 10**5
"""Base units that rounding may leave over."""
NOBODY = "[]"


def events(run: Run, kind: type) -> list[Any]:
    """Return the events of one kind."""
    return [entry.event for entry in run.entries() if isinstance(entry.event, kind)]


def number(run: Run, metric: str) -> int:
    """Return a figure that is a number."""
    figure = run.figure(metric)
    assert isinstance(figure, int)
    return figure


def gains(run: Run) -> dict[str, dict[str, int]]:
    """Return what each account gained at the end: by asset, then account, base units."""
    rows = run.board.gains.rows(closing(run.book, run.board.mirror))
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.asset, {})[row.account] = row.gain
    return found


def of(amounts: dict[str, int], population: str) -> int:
    """Return the sum of a population's."""
    return sum(amount for name, amount in amounts.items() if name.startswith(f"{population}-"))


# --- who pays --------------------------------------------------------------------------------------------


def test_the_pool_pays_until_it_is_empty_and_then_all_other_troves(tmp_path: Path) -> None:
    """Depositors pay what they have, all others the rest, and both get the collateral that goes with it."""
    run = mutualize.run(STABILITY, out=tmp_path / "run", check_replay=True)
    short = sum(event.amount for event in events(run, ShortfallRecognised))
    paid = {tier["tier"]: tier["covered"] for tier in run.tiers}
    assert paid["stability-pool"] == "100000"
    assert number(run, "tier.stability-pool.paid.LUSD") == 100_000 * WAD
    assert number(run, "tier.redistribution.paid.LUSD") == short - 100_000 * WAD > 0
    assert run.figure("tiers.order") == ("stability-pool", "redistribution")
    assert run.summary["waterfalls"][0]["open"] == "0"
    assert {event.account for event in events(run, Liquidated)} == {f"daring-{n:04d}" for n in range(1, 9)}
    lusd, eth = gains(run)["LUSD"], gains(run)["ETH"]
    took = number(run, "tier.stability-pool.took.ETH")
    assert abs(of(lusd, "savers") + 100_000 * WAD) < SMALL
    assert abs(of(eth, "savers") - took) < SMALL, "what they got is theirs, though nobody has claimed it"
    given = short - 100_000 * WAD
    assert -given < of(lusd, "careful") < -given + 1_000 * WAD, "the daring took a part before they fell, too"
    assert abs(of(lusd, "careful") + of(lusd, "daring") - 100_000 * WAD) < SMALL
    assert of(eth, "careful") > 0
    assert verify_deep(tmp_path / "run" / "ledger.jsonl").condition is Condition.SEALED
    assert run.write_report(tmp_path / "run.html") > 50_000


def test_other_borrowers_pay_by_their_stake() -> None:
    """Each careful trove owes more in proportion to the collateral that it had at the start."""
    run = mutualize.run(STABILITY)
    lusd, eth = gains(run)["LUSD"], gains(run)["ETH"]
    opened = {e.account: e.collateral_amount for e in events(run, TroveOpened) if "careful" in e.account}
    shares = [mul_div_down(-lusd[name], WAD, had) for name, had in opened.items()]
    assert max(shares) - min(shares) < SMALL
    assert all(eth[name] > 0 for name in opened)


def test_the_beginning_is_no_gain() -> None:
    """Fees and reserves of troves that stand at the start are nobody's loss where nothing happens."""
    run = mutualize.run(STABILITY, set={"markets.ETH": '{ price = "2000", assumed = "x" }'})
    assert not events(run, Liquidated)
    assert run.summary["waterfalls"] == []
    assert all(gain == 0 for amounts in gains(run).values() for gain in amounts.values())


def test_conservation_and_the_same_digest_twice() -> None:
    """Gains of each asset sum to zero, every gain has a name, and a second run gives the same bytes."""
    for variant in (None, "recovery", "run"):
        run = mutualize.run(STABILITY, variant=variant, check_replay=True)
        for amounts in gains(run).values():
            assert sum(amounts.values()) == 0
            assert "unknown" not in amounts
            assert abs(amounts.get("liquity:residue", 0)) < SMALL
        assert mutualize.run(STABILITY, variant=variant).digest == run.digest


def test_a_liquidator_gets_the_reserve_and_a_part_of_the_collateral() -> None:
    """200 stablecoins for each trove, and one part in 200 of what it held."""
    run = mutualize.run(STABILITY)
    closed = events(run, TroveClosed)
    got = gains(run)
    assert of(got["LUSD"], "keepers") == 200 * WAD * len(closed)
    assert got["LUSD"]["liquity:tier:gas-pool"] == -200 * WAD * len(closed)
    assert run.figure("liquidations.profit") == run.figure("liquidations.bonus")
    assert 2_000 * PRICE_UNIT < number(run, "liquidations.profit") < 2_500 * PRICE_UNIT
    assert of(got["ETH"], "keepers") == sum(mul_div_down(each.collateral_amount, 1, 200) for each in closed)


# --- recovery mode ---------------------------------------------------------------------------------------


def test_in_recovery_mode_the_pool_gets_no_more_than_110_percent() -> None:
    """Above 110 % a trove is liquidated for 110 % of its debt; the rest of its collateral is its owner's."""
    run = mutualize.run(STABILITY, variant="recovery")
    capped = [event for event in events(run, TroveClosed) if event.surplus]
    assert {event.account.partition("-")[0] for event in capped} == {"careful"}
    seconds = number(run, "recovery.seconds")
    assert 3_600 < seconds < 3 * 3_600
    assert number(run, "recovery.first") == 1_704_124_485, "as soon as the price was told"
    lowest = number(run, "recovery.ratio.min")
    assert lowest < 15 * 10**17
    took = {event.debtor: event for event in events(run, LossAbsorbed)}
    for event in capped:
        paid = took[event.account]
        gave = sum(moved.amount for moved in paid.transfers if moved.asset == "ETH")
        assert paid.rest == 0, "the pool pays all of it, or it is not liquidated"
        assert mul_div_down(gave, number(run, "price.ETH.min"), PRICE_UNIT) <= mul_div_down(
            paid.amount, 11, 10
        )
        assert gains(run)["ETH"][event.account] == event.surplus - event.collateral_amount
    assert number(run, "surplus.ETH") == sum(event.surplus for event in capped) > 0
    assert run.summary["troves"][0]["recovery"]["spells"] == 1
    assert "All together were in recovery mode (below 150.0 %) from" in run.report()


def test_a_trove_above_110_percent_that_the_pool_could_not_pay_is_spared() -> None:
    """In recovery mode, too, others bear nothing for a trove that is worth more than its debt."""
    small = {"depositors.savers.amount": "20000"}
    run = mutualize.run(STABILITY, variant="recovery", set=small)
    assert run.summary["troves"][0]["recovery"]["spells"] >= 1
    liquidated = {event.account.partition("-")[0] for event in events(run, Liquidated)}
    assert liquidated == {"daring"}


# --- a run from the pool ---------------------------------------------------------------------------------


def test_a_run_from_the_pool_leaves_the_rest_to_other_borrowers() -> None:
    """Who leaves first loses least, and what he would have paid all other troves pay."""
    run, calm = mutualize.run(STABILITY, variant="run"), mutualize.run(STABILITY)
    left = events(run, PoolWithdrawn)
    assert 1 <= len(left) <= 5
    pool, before = (number(each, "tier.stability-pool.paid.LUSD") for each in (run, calm))
    others, fewer = (number(each, "tier.redistribution.paid.LUSD") for each in (run, calm))
    assert pool < before
    assert others > fewer
    lost = gains(run)["LUSD"]
    first, last = left[0].account, min(lost, key=lambda name: lost[name] if "savers" in name else 0)
    assert lost[last] < lost[first] < 0
    assert gains(run)["ETH"][first] == left[0].gain > 0


def test_nobody_leaves_the_pool_while_a_trove_is_to_be_liquidated() -> None:
    """The contract keeps its door shut: who wants to leave waits, and pays once somebody liquidates."""
    rumour = {
        "depositors.savers.behaviour": "run",
        "depositors.savers.rumour_at": "2024-01-01T14:00:00Z",
        "depositors.savers.reaction_s": "0",
        "trove_keepers.keepers.latency_s": "1800",
    }
    run = mutualize.run(STABILITY, set=rumour)
    waiting = events(run, ClaimWaiting)
    assert {event.account for event in waiting} == {f"savers-{n:04d}" for n in range(1, 6)}
    closed = [entry for entry in run.entries() if isinstance(entry.event, TroveClosed)]
    left = [entry for entry in run.entries() if isinstance(entry.event, PoolWithdrawn)]
    assert left
    assert closed[0].at <= left[0].at, "the door opens with the liquidation"
    assert of(gains(run)["LUSD"], "savers") < 0
    assert number(run, "withdrawals.waiting.LUSD") == 0


@pytest.mark.parametrize("index", ["liquity-v1-2025", "liquity-v2"])
def test_a_later_pool_keeps_one_stablecoin(index: str) -> None:
    """The pools of 2025 are never emptied: one unit stays, whatever is liquidated."""
    run = mutualize.run(STABILITY, set={"venues.liquity.index": index}, check_replay=True)
    assert number(run, "tier.stability-pool.paid.LUSD") == 99_999 * WAD
    assert abs(of(gains(run)["LUSD"], "savers") + 99_999 * WAD) < SMALL
    assert sum(gains(run)["ETH"].values()) == 0


# --- what a scenario may say -----------------------------------------------------------------------------


def test_a_table_of_troves(tmp_path: Path) -> None:
    """Troves may stand in a file, with what they owe or with their ratio."""
    text = (HERE / "scenario.toml").read_text("utf-8")
    rows = 'name = "careful"\nvenue = "liquity"\nfile = "troves.csv"\n'
    begin = text.index('name = "careful"')
    text = text[:begin] + rows + text[text.index("\n[[depositors]]", begin) :]
    text = text[: text.index("\n[variants.")]
    text = text.replace('marked = { assumed = "far from it" }', 'assumed = "far from it"')
    (tmp_path / "scenario.toml").write_text(text, "utf-8")
    (tmp_path / "troves.csv").write_text("owner,collateral,ratio\nann,400,4\nbob,500,5\n", "utf-8")
    run = mutualize.run(tmp_path)
    opened = {event.account: event for event in events(run, TroveOpened)}
    assert opened["ann"].collateral_amount == 400 * WAD
    owes = opened["ann"].drawn + opened["ann"].fee + opened["ann"].reserve
    assert 200_000 * WAD - 1 <= owes <= 200_000 * WAD
    assert number(run, "seizures.ann") == 0
    (tmp_path / "troves.csv").write_text(
        "owner,collateral,debt\nann,400,1\nann,0,x\nkeepers-1,1,1\n", "utf-8"
    )
    with pytest.raises(MutualizeError) as caught:
        mutualize.run(tmp_path)
    told = str(caught.value)
    assert "troves.csv:3: collateral: " in told


def test_what_is_drawn_for_a_debt_is_exact() -> None:
    """With fee and reserve it comes to the debt, or to one base unit less; never to more."""
    rules = Rules()
    for debt in (2_000 * WAD, 2_000 * WAD + 1, 12_345_678_901_234_567_890_123, rules.reserve, 0):
        drawn = drawn_of(rules, debt)
        owed = drawn + mul_div_down(drawn, rules.fee, WAD) + rules.reserve
        more = drawn + 1 + mul_div_down(drawn + 1, rules.fee, WAD) + rules.reserve
        assert owed <= debt < more or drawn == 0


def test_gas_is_paid_for_each_trove_and_who_is_late_has_paid_for_nothing() -> None:
    """Two keepers bid for the same troves in the same block: one transaction reverts."""
    chain = (
        '{ block_s = 12, native = "ETH", gas_price_gwei = "50", gas = { liquidate = 300000 },'
        ' space = { block_gas = 30000000, demand = [{ share = "1", gwei = "1" }] }, assumed = "x" }'
    )
    bids: dict[str | tuple[str, Any], str] = {
        "trove_keepers.keepers.bid": '{ gwei = "60", assumed = "x" }',
        "chain": chain,
    }
    run = mutualize.run(STABILITY, set={**bids, "trove_keepers.keepers.latency_s": "20"})
    assert len(events(run, Liquidated)) == 8
    assert events(run, TransactionFailed)
    assert of(gains(run)["ETH"], "keepers") < mul_div_down(112 * WAD, 1, 200)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("venues.liquity.collateral", "LUSD", "what troves hold is what they owe"),
        ("venues.liquity.index", "liquity-v3", "is not an index. Did you mean 'liquity-v2'"),
        ("venues.liquity.freeze_exits", "true", "a venue of the kind 'stability' has no freeze_exits"),
        (
            "venues.liquity.reserves.ETH",
            "{}",
            "has no reserves. Give stablecoin and collateral",
        ),
        ("venues.liquity.governance_token", "ETH", "a venue of the kind 'stability' has no governance_token"),
        (
            "venues.liquity.trove_terms.critical_ratio",
            "1.05",
            "the critical ratio is below the minimum ratio",
        ),
        ("venues.liquity.trove_terms.minimum_ratio", "0.9", "'0.9' is too small: at least 1"),
        ("assets.LUSD.decimals", "6", "LUSD has 6 decimals: the contracts count it with 18"),
        ("troves", NOBODY, "there are no troves here"),
        ("troves.daring.debt", "5000", "exactly one of debt, ratio is needed"),
        ("troves.daring.collateral", "0", "the amount can be zero"),
        ("troves.daring.name", "savers", "the name 'savers' is taken"),
        ("depositors.savers.asset", "ETH", "there is no reserve 'ETH' in 'liquity'"),
        ("depositors.savers.amount", "1000000", "puts 1,000,000 LUSD into the pool; of what troves drew"),
        ("depositors.savers.collateral", "false", "nobody borrows against a deposit in a stability pool"),
        ("troves.careful.ratio", "1.4", "system would be critical. All troves together"),
        ("troves.daring.ratio", "1.05", "trove would be unsafe. Put up more collateral"),
        ("troves.daring.collateral", "1", "trove debt is too small. A trove owes"),
        (
            "liquidators",
            '[{ name = "bots", venue = "liquity", flash = true }]',
            "there is nothing for liquidators to do. Give \\[\\[trove_keepers\\]\\]",
        ),
        (
            "borrowers",
            '[{ name = "b", count = 1, venue = "liquity", collateral = "ETH", debt = "LUSD" }]',
            "It is a trove system: who borrows there is one of the \\[\\[troves\\]\\]",
        ),
        (
            "biters",
            '[{ name = "bots", venue = "liquity", ilk = "ETH" }]',
            "there is no ilk 'ETH' in 'liquity'",
        ),
        (
            "expect",
            '[{ id = "x", metric = "debt.daring-0001.LUSD", equals = "0", kind = "held-out" }]',
            "of a trove system no debt is measured, but seizures",
        ),
        (
            "governance",
            '[{ name = "vote", venue = "liquity", at = "2024-01-01T12:00:00Z", action = "pause" }]',
            "it has no pause",
        ),
        (
            "venues.liquity.waterfall",
            '[{ tier = "suppliers", payer = "claims", assumed = "x" }]',
            "a venue of kind stability has no claims to take from. It has: depositors, loans",
        ),
    ],
)
def test_what_a_trove_system_does_not_have_is_refused(path: str, value: str, words: str) -> None:
    """What the contracts do not know, or could not begin with, is named with its remedy."""
    with pytest.raises(MutualizeError, match=words):
        mutualize.run(STABILITY, set={path: value})


def test_a_trove_system_without_tiers_is_refused() -> None:
    """Its contracts always let the pool pay, then other troves: without them the run would be another's."""
    text = (HERE / "scenario.toml").read_text().replace('preset = "liquity-v1"\n', "")
    with pytest.raises(MutualizeError, match="no tiers: neither the pool nor other troves would pay"):
        loads(text, HERE)


def test_troves_belong_to_a_trove_system() -> None:
    """Elsewhere they are refused by name, and so are its terms."""
    pool = '{ kind = "pool", reserves = { ETH = {} } }'
    with pytest.raises(MutualizeError, match="'pool' is a pool: troves are for a venue of kind stability"):
        mutualize.run(STABILITY, set={"venues.pool": pool, "troves.daring.venue": "pool"})
    pool = '{ kind = "pool", reserves = { ETH = {} }, collateral = "ETH" }'
    with pytest.raises(MutualizeError, match="a venue of the kind 'pool' has no collateral"):
        mutualize.run(STABILITY, set={"venues.pool": pool})


def test_a_fund_may_stand_before_the_pool_and_gets_no_collateral() -> None:
    """Any tiers may stand over a trove system; what a fund pays brings it nothing."""
    tiers = (
        '[{ tier = "insurance-fund", payer = "fund", assumed = "x" },'
        ' { tier = "pool", payer = "depositors", loss_price = "1", assumed = "x" },'
        ' { tier = "others", payer = "loans", loss_price = "1", assumed = "x" }]'
    )
    text = (HERE / "scenario.toml").read_text("utf-8").replace('preset = "liquity-v1"\n', "")
    fund = '{ insurance-fund = { LUSD = "5000" }, assumed = "x" }'
    said = (("venues.liquity.waterfall", tiers), ("venues.liquity.funds", fund))
    run = mutualize.run(loads(text, HERE, said))
    order = [tier["tier"] for tier in run.tiers if tier["covered"] != "0"]
    assert order == ["insurance-fund", "pool", "others"]
    assert number(run, "tier.insurance-fund.paid.LUSD") == 5_000 * WAD
    assert number(run, "tier.insurance-fund.took.ETH") == 0


# --- a fork ----------------------------------------------------------------------------------------------


def test_a_fork_of_the_price_spares_the_daring_and_terms_are_refused_by_name(tmp_path: Path) -> None:
    """From a moment on ETH may stay where it was; terms and what troves began with cannot be others."""
    out = tmp_path / "run"
    first = mutualize.run(STABILITY, out=out)
    stays = '[["2024-01-01T13:00:00Z", "1750"], ["2024-01-01T18:00:00Z", "1750"]]'
    at = "2024-01-01T13:00:00Z"
    forked = fork(out, at=at, set={"markets.ETH.points": stays})
    assert len(events(first, Liquidated)) == 8
    assert not events(forked.run, Liquidated)
    for path, value in (
        ("venues.liquity.trove_terms.minimum_ratio", "1.2"),
        ("trove_keepers.keepers.together", "3"),
        ("troves.daring.count", "9"),
    ):
        with pytest.raises(MutualizeError, match="cannot be different from a moment on"):
            fork(out, at=at, set={path: value})


# --- in words --------------------------------------------------------------------------------------------


def test_it_is_explained_to_a_depositor_and_told_in_the_report(tmp_path: Path) -> None:
    """Each liquidation that a deposit paid for stands in its holder's story, with what came of it."""
    run = mutualize.run(STABILITY, out=tmp_path / "run")
    result = CliRunner().invoke(cli, ["explain", str(tmp_path / "run"), "--account", "savers-0001"])
    told = " ".join(result.output.split())
    assert result.exit_code == 0
    assert "savers-0001 put 20,000 LUSD into the stability pool of liquity." in told
    assert "savers-0001 lost 3,706.835569964722558213 LUSD by it: 18.5341 % of his deposit of 20,000" in told
    result = CliRunner().invoke(cli, ["explain", str(tmp_path / "run"), "--tier", "stability-pool"])
    told = " ".join(result.output.split())
    assert "whoever pays it gets the collateral that goes with it." in told
    assert "borne by depositors, and got 13.320866341216675286 ETH (20,072 USD) of the collateral." in told
    report = " ".join(run.report().split())
    assert "Depositors lost nothing" not in report
    assert "Liquidated: 8 troves with 111.79 ETH: 80.3409 ETH to stability-pool and" in report
    assert "All together were never in recovery mode (below 150.0 %); the lowest ratio was 238.8 %" in report


def test_other_borrowers_are_told_what_a_redistribution_gave_them(tmp_path: Path) -> None:
    """What a trove owes more, and got for it, stands in its owner's story and comes to what he gained."""
    run = mutualize.run(STABILITY, out=tmp_path / "run")
    gained, owner = gains(run), "careful-0001"
    result = CliRunner().invoke(cli, ["explain", str(tmp_path / "run"), "--account", owner])
    parts = re.findall(
        rf"{owner} owes ([\d,.]+) LUSD more by it, and got ([\d.]+) ETH", _words(result.output)
    )
    owes, got = ([Decimal(part.replace(",", "")) for part in column] for column in zip(*parts, strict=True))
    assert sum(owes) * WAD == -gained["LUSD"][owner]
    assert sum(got) * WAD == gained["ETH"][owner]
    result = CliRunner().invoke(cli, ["explain", str(tmp_path / "run"), "--tier", "redistribution"])
    assert "other troves owe it now, by stake: careful-" in _words(result.output)


def test_its_state_is_shown_in_whole_units(tmp_path: Path) -> None:
    """Both assets have 18 decimals, which no reserve lists; names that stand for nothing are no error."""
    mutualize.run(STABILITY, out=tmp_path / "run")
    told = _words(CliRunner().invoke(cli, ["replay", str(tmp_path / "run" / "ledger.jsonl")]).output)
    assert "liquity:tier:gas-pool LUSD 1,600.000000000000000000" in told
    assert "base units" not in told
    assert [told_name(number) for number in (0, -1, 255, as_integer("ETH"))] == ["0", "-1", "255", "ETH"]


def test_a_tier_is_explained_without_visiting_everybody_at_each_payment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a number of holders looked at, later payments are counted, and said to be."""
    mutualize.run(STABILITY, out=tmp_path / "run")
    words = ["explain", str(tmp_path / "run"), "--tier", "stability-pool"]
    whole = _words(CliRunner().invoke(cli, words).output)
    assert "not told here" not in whole
    monkeypatch.setattr("mutualize.report.explain.tier.VISITED_MAX", 12)
    told = _words(CliRunner().invoke(cli, words).output)
    left, paid = told.count("Each of 5 holders lost"), whole.count("Each of 5 holders lost")
    assert left == 2
    assert f"Who bore how much of {paid - left} later payments is not told here: --event N" in told


def _words(output: str) -> str:
    return " ".join(output.split())


def test_what_takes_part_is_shown_before_a_run() -> None:
    """Owners of troves and their keepers stand in the list of people."""
    result = CliRunner().invoke(cli, ["show", STABILITY])
    told = " ".join(result.output.split())
    assert "daring trove owners 8" in told
    assert "keepers trove keepers 2" in told
