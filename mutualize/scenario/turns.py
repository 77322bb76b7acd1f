"""How a fork comes about in a world: what differs from its moment on, as effects that a `Turn` carries out.

a reserve's term, more money in a fund, an offset     a command, as if it had been voted
tiers, rules, habits, feeds, depth and cost           the object that knows them goes by others
prices                                                the path was spliced when the market was made
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import attrs

from mutualize.agents.members import draw
from mutualize.agents.oracles import feed_signal
from mutualize.agents.signals import terms_signal
from mutualize.agents.turning import Effect, Turn
from mutualize.commands import Command, ContributeToFund, SetDeficitOffset, SetParameter
from mutualize.errors import MutualizeError
from mutualize.rate_stake import RateStakePool
from mutualize.scenario.beginnings import FUNDER, GOVERNANCE, oracle_of
from mutualize.scenario.fork import differences
from mutualize.scenario.lenders import terms_of
from mutualize.scenario.population import Liquidators
from mutualize.scenario.venues import Venues
from mutualize.scenario.waterfalls import stakes_of, waterfall_of
from mutualize.tables import umbrella_table
from mutualize.units import Ratio
from mutualize.venues.rules import PoolRules

if TYPE_CHECKING:
    from mutualize.agents.desk import Desk, Habits
    from mutualize.agents.liquidators import Liquidator
    from mutualize.agents.oracles import PriceFeed
    from mutualize.market.market import Market
    from mutualize.scenario.lenders import Parts
    from mutualize.scenario.model import Scenario
    from mutualize.scenario.place import Path
    from mutualize.world import World

Group: TypeAlias = "tuple[Desk, Sequence[Liquidator]]"


@attrs.frozen(kw_only=True)
class Movers:
    """What a turn can move: the markets, feeds, venues and liquidators of a world, by their names."""

    markets: Mapping[str, Market]
    later: Mapping[str, Market]
    """What the markets are like afterwards, as if nobody had traded."""
    feeds: Mapping[str, PriceFeed]
    venues: Mapping[str, Parts]
    groups: Mapping[str, Group]
    habits: Mapping[str, Habits]
    """What groups of liquidators are like afterwards."""


def turn_of(scenario: Scenario, after: Scenario, at: int, movers: Movers) -> Turn:
    """Return the agent that makes `after` of a scenario at a moment."""
    effects: dict[Path, Effect] = {}
    for path in differences(scenario, after):
        made = _effect(scenario, after, path, at, movers)
        if made is not None:
            effects.setdefault(*made)
        for name in _who_sells_there(path, after, movers):
            effects.setdefault(("venues", name, "waterfall"), _waterfall(movers.venues[name], after, name))
    signals = [feed_signal(asset) for asset in movers.feeds]
    signals += [terms_signal(name) for name in movers.venues]
    return Turn(at, effects.values(), signals)


def _who_sells_there(path: Path, after: Scenario, movers: Movers) -> list[str]:
    """Return the venues with tiers that sell what they pay in on a market whose depth is another one."""
    if path[0] != "markets" or path[2:3] != ("depth",):
        return []
    return [
        name
        for name in movers.venues
        for venue in (after.venues[name],)
        if any(
            tier.price == "market" and path[1] in [venue.pays_in(tier, missing) for missing in venue.assets]
            for tier in venue.waterfall
        )
    ]


def _effect(
    scenario: Scenario, after: Scenario, path: Path, at: int, movers: Movers
) -> tuple[Path, Effect] | None:
    """Return what brings one difference about, under the path of all that it brings about together."""
    table, name = (str(step) for step in path[:2]) if len(path) > 1 else (str(path[0]), "")
    if table == "markets" and path[2] in ("cost", "depth"):
        return (table, name), _market(movers.markets[name], movers.later[name], at)
    if table == "oracles":
        return (table, name), _feed(movers.feeds[name], after, name)
    if table == "liquidators":
        group = next(group for group in after.liquidators if group.name == name)
        return (table, name), _liquidators(*movers.groups[name], movers.habits[name], group)
    return _of_venue(scenario, after, path, movers.venues[name]) if table == "venues" else None


def _of_venue(scenario: Scenario, after: Scenario, path: Path, parts: Parts) -> tuple[Path, Effect]:
    name = str(path[1])
    match path[2:]:
        case ("reserves", asset, _):
            commands = _terms(scenario, after, name, str(asset))
            return path[:4], lambda _: commands
        case ("umbrella", asset, "deficit_offset"):
            amount = after.venues[name].umbrella[str(asset)].deficit_offset
            offset = SetDeficitOffset(
                venue=umbrella_table(name, str(asset)), account=GOVERNANCE, amount=amount
            )
            return path, lambda _: [offset]
        case ("rules", *_):
            return path[:3], _rules(parts, after, name)
        case ("waterfall" | "freeze_exits", *_):
            return (*path[:2], "waterfall"), _waterfall(parts, after, name)
        case ("funds", *_):
            return path[:3], _funds(scenario, after, name)
    raise AssertionError(path)


def _terms(scenario: Scenario, after: Scenario, name: str, asset: str) -> list[SetParameter]:
    """Return what sets the terms of a reserve that are others: those of its contract."""
    before, later = (dict(terms_of(one, one.venues[name]))[asset] for one in (scenario, after))
    known = dict(before)
    return [
        SetParameter(venue=name, account=GOVERNANCE, asset=asset, name=cell, value=value)
        for cell, value in later
        if value != known.get(cell)
    ]


def _market(market: Market, later: Market, at: int) -> Effect:
    def change(_: World) -> list[Command]:
        market.change(at, depth=later.depth, cost=Ratio(later.cost))
        return []

    return change


def _feed(feed: PriceFeed, after: Scenario, asset: str) -> Effect:
    def change(_: World) -> list[Command]:
        feed.change(oracle_of(after.oracles[asset]))
        return []

    return change


def _liquidators(desk: Desk, members: Sequence[Liquidator], habits: Habits, group: Liquidators) -> Effect:
    def change(world: World) -> list[Command]:
        desk.change(habits)
        for member in members:
            latency_s = draw(world.seed, member.name, "latency", group.latency_s)
            member.change(per_block=group.per_block, latency_s=latency_s)
        return []

    return change


def _rules(parts: Parts, after: Scenario, name: str) -> Effect:
    def change(_: World) -> list[Command]:
        assert isinstance(parts, Venues), "only a pool has rules"
        parts.pool.change(PoolRules(**attrs.asdict(after.venues[name].rules)))
        return []

    return change


def _waterfall(parts: Parts, after: Scenario, name: str) -> Effect:
    """Go by the later table; a stake by exchange rate keeps the limit of its tier itself."""
    waterfall, venue = parts.waterfall, after.venues[name]

    def change(world: World) -> list[Command]:
        if waterfall is None:
            problem = "an umbrella pays here: there are no tiers that could be others."
            raise MutualizeError(f"[fork.set] venues.{name}.waterfall", problem)
        try:
            waterfall.change(world.book, waterfall_of(after, venue, waterfall.cover, parts.stakes))
        except ValueError:
            problem = "a loss waits or is owed at that moment: the tiers cannot be others meanwhile."
            remedy = "Choose a moment at which none is open."
            raise MutualizeError(f"[fork.set] venues.{name}.waterfall", problem, remedy) from None
        for stake, later in stakes_of(after, venue).items():
            mine = parts.stakes[stake]
            if isinstance(mine, RateStakePool) and isinstance(later, RateStakePool):
                mine.slash_max = later.slash_max
        return []

    return change


def _funds(scenario: Scenario, after: Scenario, name: str) -> Effect:
    """Put as much more into each fund as it would have begun with."""
    before = scenario.venues[name].funds
    commands = [
        ContributeToFund(venue=name, account=FUNDER, tier=fund, asset=asset, amount=more)
        for fund, amounts in after.venues[name].funds.items()
        for asset, amount in amounts.items()
        if (more := amount - before.get(fund, {}).get(asset, 0)) > 0
    ]
    return lambda _: commands
