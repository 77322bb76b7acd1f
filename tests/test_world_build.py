"""A world out of a scenario: who is in it, in which order, and whether the same one comes out twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from mutualize.book import replay
from mutualize.encoding import encode
from mutualize.ending import Ending
from mutualize.errors import MutualizeError
from mutualize.events import (
    Borrowed,
    CollateralSet,
    CooldownStarted,
    DeficitEliminated,
    Entry,
    Event,
    LossAbsorbed,
    LossAllocated,
    MarketHalted,
    OffsetCovered,
    ParameterChanged,
    PendingDeficitCovered,
    PositionOpened,
    PricePublished,
    ProposalExecuted,
    Repaid,
    ShortfallRecognised,
    ShortfallUncovered,
    Slashed,
    Staked,
    Supplied,
    Unstaked,
    Withdrawn,
)
from mutualize.scenario.build import build
from mutualize.scenario.load import loads
from mutualize.scenario.model import Scenario
from mutualize.world import World

TEXT = """
format = "mutualize-scenario/1"
name = "small"
title = "A small crash"
start = "2024-01-01T00:00:00Z"
end = "2024-01-02T00:00:00Z"
[assets.ETH]
decimals = { value = 18, assumed = "as it is" }
[assets.USDC]
decimals = { value = 6, assumed = "as it is" }
[assets.SAFE]
decimals = { value = 18, assumed = "as it is" }
[markets.ETH]
marked = { assumed = "invented" }
money = "USDC"
points = [["2024-01-01T00:00:00Z", "1000"], ["2024-01-01T06:00:00Z", "1000"],
          ["2024-01-01T07:00:00Z", "500"], ["2024-01-02T00:00:00Z", "500"]]
[markets.ETH.depth]
amount = "1000"
impact = "0.01"
recovery_s = 600
[markets.USDC]
price = { value = "1", assumed = "the peg holds" }
[markets.SAFE]
marked = { assumed = "invented" }
money = "USDC"
price = "10"
[oracles.ETH]
marked = { assumed = "slow on purpose" }
heartbeat_s = 3600
deviation = "0.2"
delay_s = 300
[chain]
marked = { assumed = "invented" }
block_s = 12
[venues.pool]
kind = "pool"
marked = { assumed = "round figures" }
[venues.pool.reserves.ETH]
ltv = "0.75"
liquidation_threshold = "0.8"
liquidation_bonus = "0.05"
[venues.pool.reserves.USDC]
ltv = "0.75"
liquidation_threshold = "0.8"
liquidation_bonus = "0.05"
slope1 = "0.04"
slope2 = "0.6"
[[venues.pool.waterfall]]
tier = "fund"
payer = "fund"
[[venues.pool.waterfall]]
tier = "safety"
payer = "stake"
stake = "safety"
limit = "0.30"
price = "oracle"
[[venues.pool.waterfall]]
tier = "haircut"
payer = "claims"
[venues.pool.funds.fund]
USDC = "1000"
[venues.pool.stakes.safety]
asset = "SAFE"
cooldown_s = 3600
window_s = 7200
[[depositors]]
name = "lenders"
marked = { assumed = "invented" }
count = 10
venue = "pool"
asset = "USDC"
amount = { uniform = ["9000", "11000"] }
[[borrowers]]
name = "borrowers"
marked = { assumed = "invented" }
count = 30
venue = "pool"
collateral = "ETH"
collateral_amount = { uniform = ["1", "5"] }
debt = "USDC"
health = { uniform = ["1.1", "2"] }
[[stakers]]
name = "stakers"
marked = { assumed = "invented" }
count = 5
venue = "pool"
stake = "safety"
amount = "20"
[[liquidators]]
name = "keepers"
marked = { assumed = "invented" }
count = 3
venue = "pool"
flash = true
"""


class Pages:
    """A journal in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entries: Sequence[Entry]) -> bool:
        self.entries += entries
        return False

    def close_batch(self) -> None:
        pass

    def seal(self, state: str, status: str = "complete") -> str:
        return f"{status} {state}"


class Played:
    """A scenario that was built and run."""

    def __init__(self, text: str = TEXT, seed: int | None = None, **overrides: str) -> None:
        dotted = [(path.replace("__", "."), value) for path, value in overrides.items()]
        self.scenario: Scenario = loads(text, Path("/nonexistent"), dotted)
        self.pages = Pages()
        self.world: World = build(self.scenario, self.pages, seed=seed)
        self.ending = self.world.run()

    def seen(self, kind: type[Event]) -> list[Any]:
        """Return all events of a kind."""
        return [entry.event for entry in self.pages.entries if isinstance(entry.event, kind)]

    def times(self, kind: type[Event]) -> list[int]:
        """Return when events of a kind happened, in seconds since the start."""
        return [
            entry.at - self.scenario.start for entry in self.pages.entries if isinstance(entry.event, kind)
        ]

    def digest(self) -> str:
        """Return SHA-256 over all entries."""
        return hashlib.sha256(b"".join(map(encode, self.pages.entries))).hexdigest()


def without(text: str, *tables: str) -> str:
    """Return the scenario without some of its tables: from their first line to the next table."""
    kept, skipping = [], False
    for line in text.splitlines():
        if line.startswith("["):
            skipping = line.strip("[]") in tables
        if not skipping:
            kept.append(line)
    return "\n".join(kept)


# --- the whole -------------------------------------------------------------------------------------------


def test_a_crash_runs_through_all_tiers() -> None:
    """Everybody plays his part: loans, a crash, liquidations, a shortfall, and each tier in its turn."""
    played = Played()
    assert played.ending is Ending.COMPLETE
    assert len(played.seen(Supplied)) == 10
    assert len(played.seen(PositionOpened)) == 30
    assert len(played.seen(Staked)) == 5
    assert played.seen(ShortfallRecognised)
    tiers = [event.tier for event in played.seen(LossAbsorbed)]
    assert list(dict.fromkeys(tiers)) == ["fund", "safety", "haircut"]
    assert played.seen(ShortfallUncovered) == []
    assert replay(played.pages.entries) == played.world.book


def test_the_beginning_has_an_order() -> None:
    """Reserves, prices, deposits, stakes, funds, positions; then the first of everything else."""
    played = Played()
    kinds = dict.fromkeys(
        type(entry.event).__name__ for entry in played.pages.entries if entry.at == played.scenario.start
    )
    assert list(kinds) == [
        "ReserveListed",
        "PricePublished",
        "Supplied",
        "Staked",
        "FundContributed",
        "PositionOpened",
    ]


def test_members_start_with_the_health_they_drew() -> None:
    """A health factor is turned into a debt at the start's prices, never below what was drawn."""
    played = Played(without(TEXT, "liquidators"))
    pool = played.world.protocol.venues["pool"]
    factors = []
    for opened in played.seen(PositionOpened):
        value = opened.collateral_amount * 1_000 * 10**8 // 10**18
        debt = -(-opened.debt_amount * 10**8 // 10**6)
        factors.append(value * 8_000 // debt)
    assert 11_000 <= min(factors) < 13_000
    assert 17_000 < max(factors) <= 20_001
    assert pool.name == "pool"


def test_the_same_seed_gives_the_same_entries() -> None:
    """Built twice, a scenario does the same to the last byte; another seed does something else."""
    assert Played().digest() == Played().digest() == Played(seed=1).digest()
    assert Played(seed=2).digest() != Played(seed=1).digest()


def test_another_population_disturbs_nobody() -> None:
    """One more population, or more members of one, leaves what all others draw as it was."""
    more = (
        TEXT
        + """
[[depositors]]
name = "others"
marked = { assumed = "invented" }
count = 4
venue = "pool"
asset = "USDC"
amount = { uniform = ["1", "2"] }
"""
    )
    first, second, third = Played(), Played(more), Played(TEXT.replace("count = 30", "count = 40"))
    opened = first.seen(PositionOpened)
    amounts = [(event.account, event.collateral_amount, event.debt_amount) for event in opened]
    for other in (second, third):
        again = [(e.account, e.collateral_amount, e.debt_amount) for e in other.seen(PositionOpened)]
        assert again[:30] == amounts


def test_a_refused_beginning_names_its_place() -> None:
    """A pool without cash cannot lend: the message says which table asks for it, and what helps."""
    text = TEXT.replace('amount = { uniform = ["9000", "11000"] }', 'amount = "1"')
    with pytest.raises(MutualizeError) as caught:
        Played(text)
    assert caught.value.place == "[[borrowers]] borrowers"
    assert "liquidity is insufficient" in caught.value.problem
    assert "depositors" in caught.value.remedy


def test_a_start_without_a_price_is_a_mistake() -> None:
    """A market whose prices begin later than the scenario is told so before anything runs."""
    scenario = loads(TEXT, Path("/nonexistent"))
    with pytest.raises(MutualizeError, match="no price at the start"):
        build(attrs.evolve(scenario, start=scenario.start - 1), Pages())


# --- prices ----------------------------------------------------------------------------------------------


def test_oracles_publish_late_and_constant_prices_once() -> None:
    """The moving price is told after its deviation and its delay, in a block; a constant one at the start."""
    played = Played()
    told = [event.asset for event in played.seen(PricePublished)]
    assert told.count("USDC") == told.count("SAFE") == 1
    assert told.count("ETH") > 20
    moved = next(
        t
        for t, e in zip(played.times(PricePublished), played.seen(PricePublished), strict=True)
        if e.asset == "ETH" and e.price < 900 * 10**8
    )
    assert moved % 12 == 0
    assert moved >= 6 * 3_600 + 1_440 + 300


def test_without_oracle_and_chain_the_market_is_told_at_once() -> None:
    """Left out, the oracle says what the market says in every second in which that changed."""
    text = without(TEXT, "oracles.ETH", "chain").replace("07:00:00Z", "06:00:20Z")
    played = Played(text)
    prices = [event.price // 10**8 for event in played.seen(PricePublished) if event.asset == "ETH"]
    assert prices == [1_000 - 25 * k for k in range(21)]
    assert played.seen(MarketHalted) == []


# --- stake, umbrella, votes ------------------------------------------------------------------------------


def leaving(text: str, how: str) -> str:
    return text.replace('amount = "20"\n', f'amount = "20"\nbehaviour = "leave"\n{how}\n', 1)


def test_stakers_leave_after_cooldown() -> None:
    """Who announces to leave before the crash goes after his cooldown, and is slashed if that is too late."""
    early = Played(leaving(TEXT, 'leave_at = "2024-01-01T01:00:00Z"'))
    assert early.times(CooldownStarted) == [3_600] * 5
    assert early.times(Unstaked) == [7_200] * 5
    assert {event.assets for event in early.seen(Unstaked)} == {20 * 10**18}
    assert "safety" not in {event.tier for event in early.seen(LossAbsorbed)}
    late = Played(leaving(TEXT, 'leave_at = "2024-01-01T06:10:00Z"'))
    assert late.times(CooldownStarted) == [6 * 3_600 + 600] * 5
    assert all(event.assets < 20 * 10**18 for event in late.seen(Unstaked))


def test_stakers_leave_at_a_loss() -> None:
    """The first slash sets them off; they start the cooldown after their reaction time."""
    played = Played(leaving(TEXT, 'leave_at_loss = "0.01"\nreaction_s = 60'))
    slashed = played.times(Slashed)[0]
    assert played.times(CooldownStarted) == [slashed + 60] * 5
    assert played.times(Unstaked) == [slashed + 60 + 3_600] * 5


def test_the_older_stake_lets_leave_while_a_slash_is_unsettled() -> None:
    """With the exchange-rate form the limit is the stake's own, and after a slash leaving is free."""
    text = TEXT.replace('asset = "SAFE"\ncooldown_s', 'asset = "SAFE"\nform = "exchange-rate"\ncooldown_s')
    played = Played(leaving(text, 'leave_at_loss = "0.01"\nreaction_s = 60'))
    [first, *_] = played.seen(Slashed)
    assert first.assets <= 30 * 10**18
    assert played.seen(CooldownStarted) == []
    assert played.times(Unstaked) == [played.times(Slashed)[0] + 60] * 5


UMBRELLA = """
[venues.pool.umbrella.USDC]
marked = { assumed = "invented" }
stake = "safety"
deficit_offset = "200"
"""
NO_TIERS = without(TEXT, "venues.pool.waterfall", "venues.pool.funds.fund")


def test_an_umbrella_slashes_above_its_offset_and_is_covered_by_vote() -> None:
    """An umbrella slashes at once; governance later covers what was paid for, and the offset."""
    vote = """
[[governance]]
name = "cover"
marked = { assumed = "invented" }
venue = "pool"
at = "2024-01-01T12:00:00Z"
delay_s = 3600
action = "cover-deficit"
reserve = "USDC"
payer = "treasury-safe"
"""
    text = NO_TIERS.replace("[[depositors]]", UMBRELLA + "[[depositors]]", 1) + vote
    played = Played(text.replace('amount = "20"', 'amount = "500"'))
    lost = sum(event.amount for event in played.seen(ShortfallRecognised))
    assert lost > 200 * 10**6
    assert played.seen(Slashed)
    assert played.seen(ShortfallUncovered) == []
    [pending] = played.seen(PendingDeficitCovered)
    covered = sum(event.amount for event in played.seen(OffsetCovered))
    assert pending.amount + covered == lost
    assert covered == 200 * 10**6


def test_without_any_tier_the_deficit_stays_in_sight() -> None:
    """No waterfall at all: the loss is recognised, nobody pays, and an event says so."""
    played = Played(without(NO_TIERS, "stakers", "venues.pool.stakes.safety"))
    recognised = sum(event.amount for event in played.seen(ShortfallRecognised))
    assert sum(event.amount for event in played.seen(ShortfallUncovered)) == recognised > 0


def test_limits_of_a_tier_are_kept_per_asset() -> None:
    """A cap and an offset that name an asset hold for shortfalls in that asset."""
    text = TEXT.replace(
        'payer = "fund"\n', 'payer = "fund"\namount_max = { USDC = "50" }\noffset = { USDC = "10" }\n'
    )
    played = Played(text)
    for event in played.seen(LossAllocated):
        if event.tier == "fund":
            assert event.capacity <= 50 * 10**6
            assert event.rest >= 10 * 10**6 or event.amount == 0


def proposal(action: str, **fields: str) -> str:
    lines = [f"{name} = {value}" for name, value in fields.items()]
    head = ["[[governance]]", 'name = "vote"', 'marked = { assumed = "x" }', 'venue = "pool"']
    return "\n".join([TEXT, *head, 'at = "2024-01-01T01:00:00Z"', f'action = "{action}"', *lines])


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        (proposal("pause"), ParameterChanged, 2),
        (proposal("unpause", reserve='"ETH"'), ParameterChanged, 1),
        (
            proposal("set-parameter", reserve='"ETH"', parameter='"ltv"', value='"0.5"'),
            ParameterChanged,
            1,
        ),
        (
            proposal("repay-debt", reserve='"USDC"', borrower='"borrowers-0001"', payer='"safe"'),
            Repaid,
            1,
        ),
        (proposal("cover-deficit", reserve='"USDC"', payer='"safe"'), DeficitEliminated, 0),
        (
            proposal("recognise-shortfall", reserve='"USDC"', borrower='"borrowers-0001"'),
            ShortfallRecognised,
            0,
        ),
    ],
)
def test_votes_do_what_they_say(text: str, kind: type[Event], count: int) -> None:
    """Each action of governance becomes its command; one that the pool refuses executes nothing."""
    played = Played(without(text, "liquidators"))
    assert len(played.seen(kind)) == count
    assert len(played.seen(ProposalExecuted)) == (1 if count else 0)


def test_depositors_may_keep_their_claims_out_of_collateral() -> None:
    """A deposit becomes collateral by itself; who does not want that says so at once."""
    text = TEXT.replace('amount = { uniform = ["9000", "11000"] }', 'amount = "10000"\ncollateral = false')
    played = Played(text)
    assert [event.on for event in played.seen(CollateralSet)] == [False] * 10


def test_a_run_and_margin_calls_are_built_too() -> None:
    """Depositors who run and borrowers who answer margin calls take part when the scenario says so."""
    text = TEXT.replace("[[stakers]]", RUN + "[[stakers]]", 1)
    played = Played(text)
    assert {event.account[:7] for event in played.seen(Withdrawn)} == {"nervous"}
    assert {event.account[:7] for event in played.seen(Repaid)} == {"careful"}
    assert played.seen(Borrowed) == []


def test_a_haircut_makes_depositors_run_too() -> None:
    """A haircut pays the deficit at once; depositors who run at a deficit run at it all the same."""
    text = RUN.replace('rumour_at = "2024-01-01T02:00:00Z"', 'run_at_deficit = "0.0001"')
    played = Played(TEXT.replace("[[stakers]]", text + "[[stakers]]", 1))
    cuts = [
        at
        for at, event in zip(played.times(LossAbsorbed), played.seen(LossAbsorbed), strict=True)
        if event.bearer == "claims"
    ]
    left = played.times(Withdrawn)
    assert len(left) == 3
    assert cuts[0] + 10 <= min(left) <= max(left) <= cuts[0] + 600


RUN = """
[[depositors]]
name = "nervous"
marked = { assumed = "invented" }
count = 3
venue = "pool"
asset = "USDC"
amount = "500"
behaviour = "run"
rumour_at = "2024-01-01T02:00:00Z"
reaction_s = { uniform = [10, 600] }
[[borrowers]]
name = "careful"
marked = { assumed = "invented" }
count = 3
venue = "pool"
collateral = "ETH"
collateral_amount = "2"
debt = "USDC"
health = "1.9"
behaviour = "deleverage"
margin_health = "1.6"
reaction_s = 12
purse = "2000"
"""
