"""How large a run will be, estimated before it begins: who takes part, and how often prices are told.

publications ≤ heartbeats of the window + moves of the price that are larger than the deviation
steps        = publications · (1 + liquidators who look at each) + blocks in which somebody may wait
               + what is done on vault engines (vault_size)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from mutualize.errors import Exit
from mutualize.scenario.limits import option_of, remedy_of
from mutualize.scenario.market import Candle, Followed, Market
from mutualize.scenario.model import Scenario
from mutualize.scenario.place import Path
from mutualize.scenario.vault_crosschecks import IN_FILE
from mutualize.scenario.vault_size import engine_steps
from mutualize.units import WAD, div_up, mul_div_up

ROLES: Final = (
    "depositors",
    "borrowers",
    "liquidators",
    "opportunists",
    "stakers",
    "biters",
    "bidders",
    "takers",
    "vault_rows",
    "trove_rows",
    "trove_keepers",
)
AGENTS: Final = ("liquidators", "opportunists", "biters", "bidders", "takers", "trove_keepers")
"""Those of them who act each for himself."""
THIRDS: Final = 3
Add = Callable[..., None]
Line = tuple[int, int, int, int]
"""A straight piece of a price: from when to when (seconds), and both prices."""


def check_size(scenario: Scenario, add: Add) -> None:
    """Note whatever is larger than the scenario's limits, each with the flag that raises it."""
    groups: list[tuple[Path, int]] = [
        ((IN_FILE.get(role, role), number, "count"), people.count or 0)
        for role in ROLES
        for number, people in enumerate(getattr(scenario, role))
    ]
    groups += [
        (("members", number, "count"), 1 if group.count is None else group.count)
        for number, group in enumerate(scenario.members)
    ]
    agents = [(path, count) for path, count in groups if path[0] in AGENTS]
    people = sum(count for _, count in groups) + len(scenario.positions)
    people += len(scenario.vaults) + len(scenario.troves)
    largest: Path = max(groups, key=lambda group: group[1], default=(("positions",), 0))[0]
    busiest: Path = max(agents, key=lambda group: group[1], default=(("liquidators",), 0))[0]
    found: list[tuple[str, Path, int, str]] = [
        ("variants", ("variants",), len(scenario.variants), "variants"),
        ("draws", ("spread", "draws"), scenario.spread.draws or 0, "sets of inputs are drawn"),
        ("draws", ("spread", "seeds"), scenario.spread.seeds or 0, "seeds are run"),
        ("members", largest, people, "people and positions take part"),
        ("agents", busiest, sum(count for _, count in agents), "liquidators act, each for himself"),
        (
            "steps",
            ("end",),
            steps(scenario),
            "steps are expected (publications of prices, times lookers; auctions, times bidders)",
        ),
    ]
    for name, path, count, what in found:
        most = getattr(scenario.limits, name)
        if count > most:
            problem = f"{count:,} {what}: the limit {option_of(name)} is {most:,}."
            add(path, problem, remedy_of(name, count), Exit.LIMIT)


def steps(scenario: Scenario) -> int:
    """Return how often a price will be told to somebody who looks at it, at most: an estimate from above.

    What trades do to prices is left out: it depends on the run.
    """
    total = 0
    for asset, market in scenario.markets.items():
        lookers = sum(
            group.count for group in scenario.liquidators if asset in scenario.venues[group.venue].reserves
        )
        keepers = scenario.trove_keepers
        lookers += sum(group.count for group in keepers if scenario.venues[group.venue].collateral == asset)
        oracle = scenario.oracles.get(asset)
        heard = told = publications(scenario, market)
        if oracle is not None and oracle.osm is not None:
            told = div_up(scenario.end - scenario.start, oracle.osm.hop_s)
        total += heard + told * lookers
    chain = scenario.chain
    blocks = div_up(scenario.end - scenario.start, chain.block_s) if chain and chain.space else 0
    return total + blocks + engine_steps(scenario)


def publications(scenario: Scenario, market: Market) -> int:
    """Return how often an asset's price will be published, at most."""
    window = scenario.end - scenario.start
    oracle = scenario.oracles.get(market.asset)
    between = scenario.chain.block_s if scenario.chain is not None and oracle is None else 1
    if oracle is not None and oracle.heartbeat_s is None:
        return 0  # its source is asked when it is poked
    beats = div_up(window, oracle.heartbeat_s) if oracle is not None and oracle.heartbeat_s else 0
    deviation = oracle.deviation if oracle is not None else 0
    moves = 0
    for begin, end, first, last in _lines(
        oracle.follows if oracle is not None and oracle.follows else market
    ):
        length = min(end, scenario.end) - max(begin, scenario.start)
        if length > 0:
            moves += min(div_up(length, between), _moves(first, last, deviation))
    return min(beats + moves, window)


def _moves(first: int, last: int, deviation: int) -> int:
    """Return how many moves of at least `deviation` fit between two prices, and one more."""
    if first == last:
        return 0
    least = max(1, min(first, last))
    move = max(1, mul_div_up(deviation, least, WAD))
    return div_up(abs(last - first), move) + 1


def _lines(market: Market | Followed) -> Iterator[Line]:
    """Yield the straight pieces of a market's price; a bar is its three legs."""
    for (begin, first), (end, last) in pairwise(market.points):
        yield begin, end, first, last
    if market.prices is not None:
        for candle in market.candles:
            yield from _legs(candle, market.prices.bar_s)


def _legs(candle: Candle, bar_s: int) -> Iterator[Line]:
    third = div_up(bar_s, THIRDS)
    inner = (candle.low, candle.high) if candle.close >= candle.open else (candle.high, candle.low)
    for number, (first, last) in enumerate(pairwise((candle.open, *inner, candle.close))):
        yield candle.at + number * third, candle.at + (number + 1) * third, first, last
