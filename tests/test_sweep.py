"""Sweeping many liquidations gives the bytes that one after the other gives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from mutualize import cascade
from mutualize.agents.liquidators import Liquidator
from mutualize.book import replay
from mutualize.cascade import Borne, Cascade
from mutualize.events import Event, Liquidated, ShortfallRecognised, Slashed
from mutualize.randomness import Stream
from mutualize.run import run
from mutualize.scenario.load import loads
from mutualize.tier import Tier
from mutualize.venues.sweep import Sweep
from mutualize.world import World

SCENARIO = """
format = "mutualize-scenario/1"
name = "sweep"
title = "A crash"
summary = "Somebody sends many transactions a block."
start = "2024-01-01T00:00:00Z"
end = "2024-01-01T06:00:00Z"
seed = {seed}
not_modelled = ["anything real"]
[assets.ETH]
marked = {{ assumed = "invented" }}
decimals = 18
[assets.USDC]
marked = {{ assumed = "invented" }}
decimals = 6
[markets.ETH]
marked = {{ assumed = "invented" }}
money = "USDC"
place = "spot"
cost = "{cost}"
points = {points}
[markets.USDC]
price = {{ value = "1", assumed = "invented" }}
[assets.DAI]
marked = {{ assumed = "invented" }}
decimals = 18
[markets.DAI]
price = {{ value = "1", assumed = "invented" }}
[oracles.ETH]
marked = {{ assumed = "invented" }}
heartbeat_s = 1200
deviation = "0.02"
[venues.pool]
kind = "pool"
marked = {{ assumed = "invented" }}
[venues.pool.rules]
close_factor = "{close_factor}"
dust_rule = {dust}
recognition = "{recognition}"
[venues.pool.reserves.ETH]
ltv = "0.80"
liquidation_threshold = "0.85"
liquidation_bonus = "0.05"
protocol_fee = "{fee}"
[venues.pool.reserves.USDC]
ltv = "0.75"
liquidation_threshold = "0.80"
liquidation_bonus = "0.05"
reserve_factor = "0.10"
optimal = "0.90"
slope1 = "{slope}"
slope2 = "0.60"
[venues.pool.reserves.DAI]
ltv = "0.75"
liquidation_threshold = "0.80"
liquidation_bonus = "0.05"
[[venues.pool.waterfall]]
tier = "insurance-fund"
payer = "fund"
of_loss = "{of_loss}"
[[venues.pool.waterfall]]
tier = "stakers"
payer = "stake"
stake = "stakers"
limit = "{limit}"
price = "oracle"
[[venues.pool.waterfall]]
tier = "haircut"
payer = "claims"
[venues.pool.funds.insurance-fund]
USDC = "100"
[venues.pool.stakes.stakers]
asset = "USDC"
[[stakers]]
name = "backers"
marked = {{ assumed = "invented" }}
stake = "stakers"
venue = "pool"
count = 1
amount = "400"
[[depositors]]
name = "lenders"
marked = {{ assumed = "invented" }}
count = 3
venue = "pool"
asset = "USDC"
amount = "200000"
[[borrowers]]
name = "borrowers"
marked = {{ assumed = "invented" }}
count = 60
venue = "pool"
collateral = "ETH"
collateral_amount = {{ power_law = ["0.01", "20"] }}
debt = "USDC"
health = {{ uniform = ["1.01", "2"] }}
[[depositors]]
name = "others"
marked = {{ assumed = "invented" }}
count = 1
venue = "pool"
asset = "DAI"
amount = "200000"
[[borrowers]]
name = "against-claims"
marked = {{ assumed = "invented" }}
count = {against}
venue = "pool"
collateral = "USDC"
collateral_amount = "1000"
debt = "DAI"
health = {{ uniform = ["1.001", "1.05"] }}
[[liquidators]]
name = "keepers"
marked = {{ assumed = "invented" }}
count = {keepers}
venue = "pool"
flash = true
per_block = {per_block}
min_profit = "{min_profit}"
"""


def crash_of(number: int) -> dict[str, Any]:
    """Return a random crash: prices, rules and liquidators."""
    stream = Stream(number, "crash")
    prices = [stream.between(700, 2_100) for _ in range(stream.between(4, 9))]
    steps = [f"2024-01-01T{hour:02}:{minute:02}:00Z" for hour in range(6) for minute in (0, 30)]
    points = list(zip(steps, ["2000", *map(str, prices)], strict=False))
    points.append(("2024-01-01T06:00:00Z", points[-1][1]))
    return {
        "seed": number,
        "points": json.dumps(points),
        "cost": stream.choice(("0", "0.02", "0.049")),
        "close_factor": stream.choice(("aave-v3", "half", "full")),
        "dust": stream.choice(("true", "false")),
        "recognition": stream.choice(("at-zero-collateral", "at-zero-collateral", "never")),
        "fee": stream.choice(("0", "0.1")),
        "slope": stream.choice(("0", "0.04")),
        "limit": stream.choice(("1", "0.3")),
        "of_loss": stream.choice(("1", "1", "1", "0.5")),
        "against": stream.choice((0, 0, 20)),
        "keepers": stream.choice((1, 1, 2)),
        "per_block": stream.choice((2, 7, 1_000)),
        "min_profit": stream.choice(("0", "1", "20")),
    }


CRASHES = 60
REACHED: Counter[str] = Counter()


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count what sweeps do: one by one, joined to a stretch, and joined with a shortfall that tiers paid."""
    found: Counter[str] = Counter()
    take, join, bear = Sweep.take, Sweep.join, Cascade.bear

    def counted(self: Sweep) -> list[Event]:
        found["singly"] += 1
        return take(self)

    def joined(self: Sweep, got: int) -> bool:
        done = join(self, got)
        found["joined"] += done
        return done

    def borne(self: Cascade, *of: Any) -> Borne:
        found["borne"] += 1
        told = bear(self, *of)
        found["all tiers"] += len([row for row in self.rows if row.place in told.key]) == len(self.rows)
        return told

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sweep, "take", counted)
        patch.setattr(Sweep, "join", joined)
        patch.setattr(Cascade, "bear", borne)
        yield found


def compared(crash: dict[str, Any]) -> None:
    """Play a crash in stretches, singly, and the plain way, and hold the digests against each other."""
    scenario = loads(SCENARIO.format(**crash), Path())
    with counting() as found:
        fast = run(scenario)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "room", 0)
        singly = run(scenario, ledger="none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Liquidator, "_sweep", lambda *_: None)
        plain = run(scenario, ledger="none")
    assert fast.digest == singly.digest == plain.digest, crash
    assert replay(fast.entries()) == fast.book == plain.book, crash
    assert fast.summary == plain.summary, crash
    kinds = Counter(type(entry.event) for entry in fast.entries())
    REACHED.update(found)
    REACHED["left to the plain way"] += kinds[Liquidated] - found["joined"] - found["singly"]
    REACHED["shortfalls"] += kinds[ShortfallRecognised]
    REACHED["slashes"] += kinds[Slashed]


def test_sweeping_and_one_by_one_write_the_same_ledger() -> None:
    """On the same random crashes the fast ways and the plain way give one digest, and all are taken."""
    REACHED.clear()
    for number in range(CRASHES):
        compared(crash_of(number))
    for way, least in {
        "joined": 300,
        "singly": 50,
        "left to the plain way": 20,
        "borne": 30,
        "all tiers": 5,
        "shortfalls": 40,
        "slashes": 10,
    }.items():
        assert REACHED[way] > least, REACHED


@pytest.mark.parametrize("number", [12, 26, 56])
def test_a_haircut_among_many_makes_others_unsafe_at_once(number: int) -> None:
    """Who owes against claims that a haircut cuts is liquidated when the plain way does, no price later."""
    crash = {**crash_of(number), "of_loss": "1", "against": 20, "recognition": "at-zero-collateral"}
    compared({**crash, "keepers": 1, "per_block": 1_000, "min_profit": "0"})


@pytest.mark.parametrize("per_block", [1, 3])
def test_nobody_gets_more_into_a_block_than_he_can(per_block: int) -> None:
    """Each liquidator sends `per_block` transactions a second at most, and so many where there is work."""
    crash = {
        "seed": 1, "points": json.dumps([["2024-01-01T00:00:00Z", "2000"], ["2024-01-01T06:00:00Z", "1300"]]),
        "cost": "0.02", "close_factor": "full", "dust": "false", "recognition": "at-zero-collateral",
        "fee": "0", "slope": "0", "limit": "1", "of_loss": "1", "against": 0, "keepers": 1,
        "per_block": per_block, "min_profit": "0",
    }  # fmt: skip
    ran = run(loads(SCENARIO.format(**crash), Path()))
    sent = Counter(entry.at for entry in ran.entries() if isinstance(entry.event, Liquidated))
    assert max(sent.values()) == per_block


def test_a_name_that_looks_like_a_hole_is_not_joined() -> None:
    """Names may be made of the digits that stand for numbers in a shape: then one goes after the other."""
    crash = crash_of(1)
    text = SCENARIO.format(**crash)
    ran = []
    for name in ("keepers", "7190000000000000008"):
        scenario = loads(text.replace('name = "keepers"', f'name = "{name}"'), Path())
        ran.append(run(scenario, check_replay=True))
    plain = [sum(isinstance(entry.event, Liquidated) for entry in each.entries()) for each in ran]
    assert plain[0] == plain[1] > 0


def test_a_place_that_looks_like_a_hole_is_not_joined() -> None:
    """Where collateral is sold has a name as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "SCENARIO", SCENARIO.replace('"spot"', '"7190000000000000008"'))
        REACHED.clear()
        for number in range(3):
            compared(crash_of(number))
    assert REACHED["singly"] > 10


def test_a_tier_is_joined_only_where_all_that_it_says_is_known() -> None:
    """Each field of a tier is worked out in a cascade, or has to be as in one that only pays at once."""
    worked_out = {
        "name", "payer", "limit", "amount_max", "multiple", "multiple_max", "period_s", "min_left", "wait_s",
        "vote", "asset", "purse", "stake", "holder", "sharing", "by", "perimeter", "every_asset", "iou_asset",
        "price", "discount", "depth",
    }  # fmt: skip
    fields = {field.name for field in attrs.fields(Tier)}
    assert fields == worked_out | (set(cascade._PLAIN) - {"waits"})
