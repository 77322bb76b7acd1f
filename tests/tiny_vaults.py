"""A small vault engine as a scenario, and how its runs are read: shared by the tests of its agents."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import pytest

import mutualize
from mutualize.errors import MutualizeError
from mutualize.events import Event
from mutualize.scenario.load import loads
from mutualize.scenario.model import Scenario

E = TypeVar("E", bound=Event)
HERE = Path(__file__).parent
HOUR = 3_600
START = 1_704_067_200
"""2024-01-01T00:00:00Z."""
VAULTS = """
format = "mutualize-scenario/1"
name = "tiny-vaults"
title = "One vault engine"
start = "2024-01-01T00:00:00Z"
end = "2024-01-03T00:00:00Z"
marked = { assumed = "invented" }

[assets.ETH]
decimals = 18
[assets.DAI]
decimals = 45
[assets.MKR]
decimals = 18

[markets.ETH]
points = [
    ["2024-01-01T00:00:00Z", "200"],
    ["2024-01-01T03:30:00Z", "200"],
    ["2024-01-01T03:30:01Z", "140"],
    ["2024-01-04T00:00:00Z", "140"],
]

[venues.maker]
kind = "cdp"
stablecoin = "DAI"
governance_token = "MKR"
auctions = "flip-2020-03"
buffer = "1000"
governance_supply = "1000000"
[venues.maker.ilks.eth-a]
asset = "ETH"
mat = "1.5"
hop = 3600
chop = "1.13"
lump = "50"
beg = "1.03"
ttl = 600
tau = 259200
[venues.maker.system]
wait = 7200
dump = "50"
sump = "5000"
flop_beg = "1.05"
flop_ttl = 600
flop_tau = 259200

[[vaults]]
name = "alice"
venue = "maker"
ilk = "eth-a"
collateral = "100"
liquidation_price = "150"
[[vaults]]
name = "safe"
venue = "maker"
ilk = "eth-a"
collateral = "10000"
debt = "500000"

[[feed_keepers]]
name = "poker"
venue = "maker"
ilk = "eth-a"

[[biters]]
name = "biters"
venue = "maker"
ilk = "eth-a"
"""
KEEPERS = """
[[bidders]]
name = "keepers"
venue = "maker"
ilk = "eth-a"
capital = "50000"
margin = "0.02"
"""
SHARKS = """
[[bidders]]
name = "sharks"
venue = "maker"
ilk = "eth-a"
offer = "nothing"
capital = "1"
latency_s = 600
"""
HEALERS = """
[[vow_keepers]]
name = "healers"
venue = "maker"
"""
BUYERS = """
[[debt_bidders]]
name = "buyers"
venue = "maker"
capital = "100000"
[[debt_bidders.paid]]
lots = 1
price = "200"
[[debt_bidders.paid]]
lots = 10
price = "250"
"""


def vaults(
    *parts: str, edits: tuple[tuple[str, str], ...] = (), folder: Path = HERE, **options: Any
) -> Scenario:
    """Load the engine with these people, after edits, each of which must apply."""
    text = VAULTS + "".join(parts)
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return loads(text, folder, **options)


def vault_problems(*parts: str, edits: tuple[tuple[str, str], ...] = ()) -> list[str]:
    """Return the lines that a user is told."""
    with pytest.raises(MutualizeError) as caught:
        vaults(*parts, edits=edits)
    return caught.value.lines()


def played(*parts: str, edits: tuple[tuple[str, str], ...] = ()) -> mutualize.Run:
    """Run it, and hold the laws and the replay against it."""
    return mutualize.run(vaults(*parts, edits=edits), check_replay=True)


def told(run: mutualize.Run, kind: type[E]) -> list[tuple[int, E]]:
    """Return the events of a kind with the seconds since the start."""
    return [(entry.at - START, entry.event) for entry in run.entries() if isinstance(entry.event, kind)]
