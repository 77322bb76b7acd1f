"""What if from here: a past that is proved, and other values from a moment on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from test_cli import call, from_json

import mutualize
from mutualize.encoding import encode
from mutualize.errors import Exit, MutualizeError
from mutualize.events import Entry, PricePublished
from mutualize.fork import fork
from mutualize.ledger import HashChain
from mutualize.ledger_reader import read
from mutualize.market.path import ConstantPath, PointPath
from mutualize.market.spliced import SplicedPath
from mutualize.run import Run, resume
from mutualize.run import run as run_scenario
from mutualize.scenario.load import load
from mutualize.scenario.scalars import parse_time

START = "2024-01-01T10:00:00Z"
FIRST = "2024-01-01T10:00:01Z"
FALL = "2024-01-01T12:30:00Z"
DEEP = {"venues.pool.funds.insurance-fund.USDC": "50000"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of three-tiers."""
    place = tmp_path_factory.mktemp("fork") / "run"
    run_scenario("three-tiers", out=place)
    return place


def paid(run: Run) -> list[tuple[str, str]]:
    """Return what each tier paid."""
    return [(tier["tier"], tier["covered"]) for tier in run.tiers]


def outcome(run: Run) -> Any:
    """Return all that a run came to, but for where it comes from."""
    return run.summary["waterfalls"], run.summary["gains"], run.summary["liquidations"]


# --- the past ----------------------------------------------------------------------------------------------


def test_all_before_the_moment_is_the_same_and_the_first_event_after_it_is_named(kept: Path) -> None:
    """The past is the same bytes, the event at which the two part is named, and nothing is expected of it."""
    forked = fork(kept, at=FALL, set=DEEP)
    old, new = [*read(kept / "ledger.jsonl")], [*forked.run.entries()]
    assert forked.first is not None
    assert [encode(entry) for entry in old[: forked.first]] == [
        encode(entry) for entry in new[: forked.first]
    ]
    assert encode(old[forked.first]) != encode(new[forked.first])
    assert forked.events == forked.first
    assert min(entry.at for entry in (old[forked.first], new[forked.first])) >= parse_time(FALL)
    assert paid(forked.run)[0] == ("insurance-fund", "50000")
    assert forked.run.outcomes == (), "what was published is about what happened"


def test_a_fork_that_changes_nothing_says_so(kept: Path) -> None:
    """The end of a run, an hour earlier in which nothing happens any more."""
    forked = fork(kept, at=FALL, set={"end": "2024-01-01T17:00:00Z"})
    assert forked.first is None
    assert (forked.events, forked.batches) == (len([*read(kept / "ledger.jsonl")]), 1)


def test_a_past_of_many_batches_is_proved_batch_by_batch(tmp_path: Path) -> None:
    """A real crash is forked an hour before its end: its whole batches are compared as such."""
    run_scenario("aave-crv-2022", out=tmp_path / "run")
    entries = [*read(tmp_path / "run" / "ledger.jsonl")]
    late = entries[-1].at - 3_600
    forked = fork(tmp_path / "run", at=late, set={"venues.aave.reserves.CRV.reserve_factor": "0.5"})
    assert forked.batches >= 1
    assert forked.events >= sum(1 for entry in entries if entry.at < late)


def test_a_ledger_that_says_another_past_is_refused_with_the_event(kept: Path, tmp_path: Path) -> None:
    """A run whose ledger was written from another scenario than the one that stands beside it now."""
    other = tmp_path / "other"
    run_scenario("three-tiers", out=other, set={"liquidators.keepers.lot_max.USDC": "1000"})
    text = (other / "ledger.jsonl").read_bytes()
    header = (kept / "ledger.jsonl").read_bytes().split(b"\n", 1)[0]
    (other / "scenario.toml").write_bytes((kept / "scenario.toml").read_bytes())
    (other / "ledger.jsonl").write_bytes(rechained(header, text.split(b"\n", 1)[1]))
    with pytest.raises(MutualizeError, match="they part at event 29, before the fork") as told:
        fork(other, at="2024-01-01T17:00:00Z", set=DEEP, out=tmp_path / "forked")
    assert told.value.code is Exit.CHECK_FAILED
    assert not (tmp_path / "forked").exists(), "nothing of it is kept"


def rechained(header: bytes, text: bytes) -> bytes:
    """Return the events of one ledger under the header of another, as one batch with a sound chain."""
    body = b"".join(
        line + b"\n" for line in text.split(b"\n") if line and not line.startswith((b'{"blk"', b'{"events"'))
    )
    chain = HashChain(header + b"\n")
    chain.feed(body)
    return header + b"\n" + body + chain.commit_line()


def test_a_ledger_that_ends_before_the_moment_is_refused(kept: Path, tmp_path: Path) -> None:
    """A ledger that was cut off does not hold the past that is to be shared."""
    short = tmp_path / "short"
    short.mkdir()
    for name in ("scenario.toml", "ledger.jsonl"):
        (short / name).write_bytes((kept / name).read_bytes())
    lines = (kept / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (short / "ledger.jsonl").write_bytes(rechained(lines[0].rstrip(b"\n"), b"".join(lines[1:20])))
    with pytest.raises(MutualizeError, match="The ledger has its end, the run gives"):
        fork(short, at=FALL, set=DEEP)


def test_a_corrupt_ledger_and_one_of_another_version_are_refused(kept: Path, tmp_path: Path) -> None:
    """What cannot be held against a scenario is told before anything is run."""
    for old, new, words in (
        (b'"amount":', b'"amuont":', "corrupt"),
        (mutualize.__version__.encode(), b"0.0.0", "was written by mutualize 0.0.0"),
    ):
        bad = tmp_path / words[:4]
        bad.mkdir()
        (bad / "scenario.toml").write_bytes((kept / "scenario.toml").read_bytes())
        data = (kept / "ledger.jsonl").read_bytes().replace(old, new, 1)
        if old in data.partition(b"\n")[0] or new in data.partition(b"\n")[0]:
            data = rechained(*data.split(b"\n", 1))
        (bad / "ledger.jsonl").write_bytes(data)
        with pytest.raises(MutualizeError, match=words):
            fork(bad, at=FALL, set=DEEP)
    with pytest.raises(MutualizeError, match="not the folder of a run"):
        fork(tmp_path / "nothing", at=FALL, set=DEEP)


# --- what can be different ---------------------------------------------------------------------------------

WATERFALL = (
    'venues.pool.waterfall=[{tier="stakers", payer="stake", stake="stakers", limit="0.30", price="oracle"},'
    ' {tier="insurance-fund", payer="fund"}, {tier="haircut", payer="claims"}]'
)


@pytest.mark.parametrize(
    "setting",
    [
        "venues.pool.reserves.ETH.liquidation_bonus=0.10",
        "venues.pool.rules.recognition=never",
        WATERFALL,
        "markets.ETH.depth.impact=0.10",
        "markets.ETH.cost=0.05",
        "oracles.ETH.delay_s=60",
        "oracles.ETH.stopped_at=2024-01-01T12:20:00Z",
        "liquidators.keepers.lot_max.USDC=10000",
        "liquidators.keepers.min_profit=500",
        "liquidators.keepers.fraction_max=0.25",
        "liquidators.keepers.latency_s=300",
        "end=2024-01-01T12:45:00Z",
    ],
)
def test_what_is_other_from_the_first_second_on_comes_to_what_a_run_of_its_own_does(
    setting: str, kept: Path
) -> None:
    """Nothing happens in the first second, so a fork right after it has to end as a run with that value."""
    forked = fork(kept, at=FIRST, set=[setting])
    whole = run_scenario("three-tiers", set=[setting])
    plain = run_scenario("three-tiers")
    assert outcome(forked.run) == outcome(whole)
    assert outcome(forked.run) != outcome(plain)
    if not setting.startswith("end="):
        assert fork(kept, at="2024-01-01T14:10:00Z", set=[setting]).events >= max(40, forked.events)


def test_a_price_goes_another_way_from_the_moment_on(kept: Path) -> None:
    """A path of points, or one price, holds from the moment on; what was told before was told."""
    points = f'markets.ETH.points=[["{FALL}", "1450"], ["2024-01-01T18:00:00Z", "1500"]]'
    forked = fork(kept, at=FALL, set=[points])
    assert min(told_of_eth(forked.run.entries())) > min(told_of_eth(read(kept / "ledger.jsonl")))
    steady = fork(kept, at=FALL, set={"markets.ETH.price": "1450"})
    assert told_of_eth(steady.run.entries())[-1] == 145_733_333_333, "within a tenth of it: nothing is told"


def told_of_eth(entries: Iterable[Entry]) -> list[int]:
    """Return what the oracle said of ETH."""
    told = (entry.event for entry in entries)
    return [event.price for event in told if isinstance(event, PricePublished) and event.asset == "ETH"]


def test_a_later_vote_can_be_added_and_an_earlier_one_cannot(tmp_path: Path) -> None:
    """A vote after the moment pauses the pool; one before it would have to have happened."""
    vote = (
        'governance=[{name="stop", venue="pool", at="%s", action="set-parameter", reserve="USDC",'
        ' parameter="paused", value=1}]'
    )
    run_scenario("three-tiers", out=tmp_path / "run")
    forked = fork(tmp_path / "run", at="2024-01-01T11:00:00Z", set=[vote % "2024-01-01T11:30:00Z"])
    kinds = [type(entry.event).__name__ for entry in forked.run.entries()]
    assert "ProposalExecuted" in kinds
    assert "Liquidated" not in kinds, "the pool was paused before the fall"
    with pytest.raises(
        MutualizeError, match="governance: some of it is, or may be, before 2024-01-01T11:00:00Z"
    ):
        fork(tmp_path / "run", at="2024-01-01T11:00:00Z", set=[vote % "2024-01-01T10:30:00Z"])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("seed=3", "seed: cannot be different from a moment on"),
        ("depositors.lenders.count=3", "count: cannot be different from a moment on"),
        ("positions[0].debt_amount=1", "cannot be different from a moment on"),
        ("venues.pool.stakes.stakers.cooldown_s=0", "cannot be different from a moment on"),
        ("venues.pool.funds.insurance-fund.USDC=1", "would have to pay somebody"),
        ("markets.ETH.depth.permanent=0.5", "that trades move for good"),
        ("liquidators.keepers.min_proft=1", "Did you mean 'min_profit'"),
        ("liquidators.keepers.min_profit=-1", "min_profit: '-1' is negative"),
    ],
)
def test_what_cannot_be_different_is_refused_by_name(setting: str, words: str, kept: Path) -> None:
    """What was drawn at the beginning, or would have to pay somebody, is named, with what can be done."""
    with pytest.raises(MutualizeError, match=words) as told:
        fork(kept, at=FALL, set=[setting])
    assert told.value.code is Exit.USAGE
    assert told.value.place.startswith("--set")


@pytest.mark.parametrize("at", [START, "2024-01-01T18:00:01Z", "noon"])
def test_a_moment_outside_of_the_run_is_refused(at: str, kept: Path) -> None:
    """A fork has a moment inside of the run, and a change."""
    with pytest.raises(MutualizeError, match=r"not after the start|noon"):
        fork(kept, at=at, set=DEEP)
    with pytest.raises(MutualizeError, match="nothing to change"):
        fork(kept, at=FALL, set=())


def test_tiers_cannot_be_others_while_a_loss_waits(tmp_path: Path) -> None:
    """An open loss stands at a place of the old table."""
    run_scenario("three-tiers", out=tmp_path / "run", set={"venues.pool.waterfall.stakers.wait_s": "7200"})
    entries = [*read(tmp_path / "run" / "ledger.jsonl")]
    held = next(entry.at for entry in entries if type(entry.event).__name__ == "LossHeld")
    with pytest.raises(MutualizeError, match="a loss waits or is owed at that moment"):
        fork(tmp_path / "run", at=held + 60, set=["venues.pool.waterfall.stakers.limit=0.5"])
    forked = fork(tmp_path / "run", at=held - 60, set=["venues.pool.waterfall.stakers.limit=0.5"])
    assert forked.first is not None


# --- a fork is a run ---------------------------------------------------------------------------------------


def test_a_fork_is_a_run_by_itself(kept: Path, tmp_path: Path) -> None:
    """Its folder says what was changed and when: it runs again, resumes and reports by itself."""
    forked = fork(kept, at=FALL, set=DEEP, out=tmp_path / "forked")
    again = run_scenario(tmp_path / "forked", check_replay=True)
    assert again.digest == forked.run.digest
    assert load(tmp_path / "forked").fork is not None
    told = forked.run.summary["scenario"]["fork"]
    assert told == {
        "at": FALL,
        "changes": [{"path": next(iter(DEEP)), "before": "20000", "now": "50000"}],
    }
    assert f"from {FALL} on, {next(iter(DEEP))} = 50000 (was 20000)" in forked.run.report()
    whole = (tmp_path / "forked" / "ledger.jsonl").read_bytes()
    (tmp_path / "forked" / "ledger.jsonl").write_bytes(whole[: whole.index(b"\n") + 200])
    (tmp_path / "forked" / "summary.json").unlink()
    resumed = resume(tmp_path / "forked")
    assert resumed is not None
    assert (tmp_path / "forked" / "ledger.jsonl").read_bytes() == whole
    with pytest.raises(MutualizeError, match="is a fork itself"):
        fork(tmp_path / "forked", at=FALL, set=DEEP)


def test_the_run_that_is_forked_is_never_replaced(kept: Path) -> None:
    """Not even by force, since then there would be nothing left to prove."""
    before = (kept / "ledger.jsonl").read_bytes()
    with pytest.raises(MutualizeError, match="is the run that is forked"):
        fork(kept, at=FALL, set=DEEP, out=kept, force=True)
    assert (kept / "ledger.jsonl").read_bytes() == before


def test_the_command_tells_what_is_proved_and_who_is_better_off(kept: Path, tmp_path: Path) -> None:
    """In words and as JSON, with the fork kept where it is asked for."""
    asked = ["fork", str(kept), "--at", FALL, "--set", "venues.pool.funds.insurance-fund.USDC=50000"]
    said = call(*asked)
    assert said.returncode == 0
    assert "The past is proved: 23 events are the same, byte for byte." in said.stdout
    assert "The first event that is different is [23]." in said.stdout
    assert "Better off: stakers by 10,505 USD (20.59 %) and depositors by" in said.stdout
    data = from_json("fork", *asked[1:], "--out", str(tmp_path / "forked"))
    told = call(*asked, "--report", str(tmp_path / "fork.html"))
    assert "fork.html: " in told.stderr
    assert "the fork" in (tmp_path / "fork.html").read_text()
    call(*asked, "--report", str(tmp_path / "fork.html"), code=Exit.IO)
    assert data["schema"] == "mutualize/fork@1"
    assert data["past"] == {"events": 23, "batches": 0, "first_different": 23}
    assert (tmp_path / "forked" / "ledger.jsonl").is_file()


# --- a path of two -----------------------------------------------------------------------------------------


def test_a_spliced_path_is_its_parts_at_every_second() -> None:
    """Against the plain way: every second asked one by one."""
    first = PointPath([(0, 100), (10, 50), (30, 90)])
    ways = [PointPath([(25, 10), (40, 80)]), PointPath([(12, 7), (30, 7)]), ConstantPath(60)]
    checked = 0
    for before in (first, ConstantPath(60)):
        for after in ways:
            for turn in (5, 20, 31, 35):
                spliced = SplicedPath(before, turn, after)
                prices = {t: (before if t < turn else after).at(t) for t in range(-2, 60)}
                assert {t: spliced.at(t) for t in prices} == prices
                for start in range(-2, 48):
                    for until in (start, start + 1, start + 9, 48):
                        checked += compare(spliced, prices, start, until)
    assert checked == 4_800


def compare(path: SplicedPath, prices: Mapping[int, int | None], after: int, until: int) -> int:
    """Hold a path to its prices, second by second; returns 1, to be counted."""
    span = range(after + 1, until + 1)
    first: Iterator[int] = (t for t in span if prices[t] is not None)
    assert path.next_price(after, until) == next(first, None)
    crossing = (t for t in span if (p := prices[t]) is not None and not 20 <= p <= 70)
    assert path.next_crossing(after, until, 20, 70) == next(crossing, None)
    halts = (t for t in span if (prices[t] is None) != (prices.get(t - 1) is None))
    if after > -2:
        assert path.next_halt_change(after, until) == next(halts, None)
    return 1
