"""What exists at the start of a scenario, as commands in order; populations are drawn here.

    reserves, first prices, deposits, balances, stakes, funds, members, positions, vaults, troves

Each figure of each member comes from a stream of its own, so another count or another population changes
nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mutualize.agents.genesis import Beginning
from mutualize.agents.members import draw, member_names
from mutualize.agents.oracles import publish
from mutualize.commands import (
    ContributeToFund,
    ListReserve,
    OpenCooldown,
    OpenPosition,
    SetCollateral,
    SetDeficitOffset,
    Stake,
    Supply,
)
from mutualize.errors import MutualizeError
from mutualize.market.market import Market
from mutualize.market.oracle import FOREVER, Oracle
from mutualize.scenario.comets import reserves_of
from mutualize.scenario.engines import EngineBeginning
from mutualize.scenario.lenders import terms_of
from mutualize.scenario.market import Oracle as OracleTable
from mutualize.scenario.model import Borrowers, Depositors, Members, Scenario, Stakers, Venue
from mutualize.scenario.tier_agents import names_of_members
from mutualize.scenario.trove_checks import KIND
from mutualize.scenario.trove_systems import TroveBeginning
from mutualize.tables import stake_table, umbrella_table
from mutualize.tier_commands import JoinFund, SetNumbers
from mutualize.units import BPS, WAD, Ratio, mul_div_down
from mutualize.venues.rules import PoolRules

GOVERNANCE = PoolRules().governance
FUNDER = "founders"
"""Whose money a fund begins with."""


def first_price(market: Market, start: int) -> int:
    """Return a market's price at the start. Raises MutualizeError where there is none."""
    price = market.mid(start)
    if price is None:
        raise MutualizeError(
            f"[markets.{market.asset}]",
            "there is no price at the start.",
            "Let the scenario start later, or the prices earlier.",
        )
    return price


def told(scenario: Scenario, asset: str, price: int) -> int:
    """Return what protocols are told of a market's first price: the nearest answer that its oracle has."""
    oracle = scenario.oracles.get(asset)
    return price if oracle is None else oracle_of(oracle).clip(price)


def oracle_of(table: OracleTable) -> Oracle:
    """Return the oracle of a table; without a heartbeat, one that is only asked when it is poked."""
    outages = [(outage.start, outage.end) for outage in table.outages]
    if table.stopped_at is not None:
        outages.append((table.stopped_at, FOREVER))
    return Oracle(
        asset=table.asset,
        heartbeat_s=table.heartbeat_s or FOREVER,
        deviation=Ratio(table.deviation),
        delay_s=table.delay_s,
        low=table.min_answer or 0,
        high=table.max_answer,
        sticks=table.at_bound == "stick",
        outages=tuple(outages),
    )


class Beginnings:
    """All commands of the beginning of one scenario, made as they are asked for."""

    def __init__(
        self,
        scenario: Scenario,
        markets: Mapping[str, Market],
        seed: int,
        followed: Mapping[str, Market] | None = None,
    ) -> None:
        """Take the markets, and those places among others that feeds follow alone."""
        self._scenario = scenario
        self._seed = seed
        self._markets = {asset: first_price(market, scenario.start) for asset, market in markets.items()}
        seen = {**markets, **(followed or {})}
        self._prices = {
            asset: told(scenario, asset, first_price(market, scenario.start))
            for asset, market in seen.items()
        }

    def __iter__(self) -> Iterator[Beginning]:
        scenario = self._scenario
        for venue in scenario.venues.values():
            yield from self._reserves(venue)
        engines = [
            EngineBeginning(scenario, venue, self._seed)
            for venue in scenario.venues.values()
            if venue.kind == "cdp"
        ]
        for engine in engines:
            yield from engine.before_prices()
        for asset, price in self._prices.items():
            yield Beginning(f"[markets.{asset}]", publish(asset, price, self._markets[asset]))
        for depositors in scenario.depositors:
            yield from self._depositors(depositors)
        for venue in scenario.venues.values():
            yield from self._balances(venue)
        for stakers in scenario.stakers:
            yield from self._stakers(stakers)
        for venue in scenario.venues.values():
            yield from self._funds(venue)
            yield from self._tables(venue)
        for group in scenario.members:
            if group.joins_at is None:
                yield from self._members(group)
        for borrowers in scenario.borrowers:
            yield from self._borrowers(borrowers)
        yield from self._positions()
        for engine in engines:
            yield from engine.after_prices()
        yield from self._troves()

    def _unit(self, asset: str) -> int:
        return int(10 ** self._scenario.assets[asset].decimals)

    def _reserves(self, venue: Venue) -> Iterator[Beginning]:
        for asset, terms in terms_of(self._scenario, venue):
            command = ListReserve(venue=venue.name, account=GOVERNANCE, asset=asset, parameters=terms)
            yield Beginning(f"[venues.{venue.name}.reserves.{asset}]", command)
        for gift in reserves_of(venue, FUNDER):
            yield Beginning(f"[venues.{venue.name}.reserves.{gift.asset}]", gift)
        for asset, umbrella in venue.umbrella.items():
            if umbrella.deficit_offset:
                offset = SetDeficitOffset(
                    venue=umbrella_table(venue.name, asset),
                    account=GOVERNANCE,
                    amount=umbrella.deficit_offset,
                )
                yield Beginning(f"[venues.{venue.name}.umbrella.{asset}]", offset)

    def _troves(self) -> Iterator[Beginning]:
        for venue in self._scenario.venues.values():
            if venue.kind == KIND and venue.collateral is not None:
                yield from TroveBeginning(self._scenario, venue, self._seed, self._price(venue.collateral))

    def _depositors(self, group: Depositors) -> Iterator[Beginning]:
        if self._scenario.venues[group.venue].kind == KIND:
            return  # what they put in has to be drawn first: `TroveBeginning`
        place = f"[[depositors]] {group.name}"
        common = {"venue": group.venue, "asset": group.asset}
        reserve = self._scenario.venues[group.venue].reserves.get(group.asset)
        flagged = reserve is not None and reserve.ltv > 0
        for name in member_names(group.name, group.count):
            amount = draw(self._seed, name, "amount", group.amount)
            yield Beginning(place, Supply(account=name, amount=amount, **common))
            if flagged and not group.collateral:  # a first deposit becomes collateral by itself
                yield Beginning(place, SetCollateral(account=name, on=False, **common))

    def _stakers(self, group: Stakers) -> Iterator[Beginning]:
        for name in member_names(group.name, group.count):
            assets = draw(self._seed, name, "amount", group.amount)
            command = Stake(
                venue=stake_table(group.venue, group.stake), account=name, stake=group.stake, assets=assets
            )
            yield Beginning(f"[[stakers]] {group.name}", command)
            if group.cooldown_began is not None:
                opened = OpenCooldown(
                    venue=command.venue, account=name, stake=group.stake, began=group.cooldown_began
                )
                yield Beginning(f"[[stakers]] {group.name}", opened)

    def _funds(self, venue: Venue) -> Iterator[Beginning]:
        for tier, amounts in venue.funds.items():
            for asset, amount in amounts.items():
                if amount:
                    command = ContributeToFund(
                        venue=venue.name, account=FUNDER, tier=tier, asset=asset, amount=amount
                    )
                    yield Beginning(f"[venues.{venue.name}.funds.{tier}]", command)

    def _balances(self, venue: Venue) -> Iterator[Beginning]:
        for holder, amounts in venue.balances.items():
            for asset, amount in amounts.items():
                if amount:
                    command = Supply(venue=venue.name, account=holder, asset=asset, amount=amount)
                    yield Beginning(f"[venues.{venue.name}.balances.{holder}]", command)

    def _tables(self, venue: Venue) -> Iterator[Beginning]:
        """Yield what tiers look up: who has contributed what, and by which numbers they share."""
        waterfall = f"{venue.name}.waterfall"
        for fund, members in venue.members.items():
            for name, amounts in members.items():
                for asset, amount in amounts.items():
                    joined = JoinFund(venue=waterfall, account=name, fund=fund, asset=asset, amount=amount)
                    yield Beginning(f"[venues.{venue.name}.members.{fund}.{name}]", joined)
        for table, numbers in venue.numbers.items():
            pairs = tuple(sorted(numbers.items()))
            numbered = SetNumbers(venue=waterfall, account=GOVERNANCE, table=table, numbers=pairs)
            yield Beginning(f"[venues.{venue.name}.numbers.{table}]", numbered)

    def _members(self, group: Members) -> Iterator[Beginning]:
        for name in names_of_members(group):
            amount = draw(self._seed, name, "contribution", group.amount)
            if amount:
                command = JoinFund(
                    venue=f"{group.venue}.waterfall",
                    account=name,
                    fund=group.fund,
                    asset=group.asset,
                    amount=amount,
                )
                yield Beginning(f"[[members]] {group.name}", command)

    def _borrowers(self, group: Borrowers) -> Iterator[Beginning]:
        for name in member_names(group.name, group.count):
            held = draw(self._seed, name, "collateral", group.collateral_amount)
            command = OpenPosition(
                venue=group.venue,
                account=name,
                collateral=group.collateral,
                collateral_amount=held,
                debt=group.debt,
                debt_amount=self._debt(group, name, held),
            )
            yield Beginning(f"[[borrowers]] {group.name}", command)

    def _debt(self, group: Borrowers, name: str, held: int) -> int:
        """Return what a member owes: drawn, or what gives him the health that is drawn, rounded down."""
        if group.health is None:
            return draw(self._seed, name, "debt", group.debt_amount) if group.debt_amount else 0
        health = draw(self._seed, name, "health", group.health)
        price = self._price(group.debt)
        threshold = self._scenario.venues[group.venue].reserves[group.collateral].liquidation_threshold
        value = mul_div_down(held, self._price(group.collateral), self._unit(group.collateral))
        safe = mul_div_down(value * threshold, WAD, BPS * health)
        return mul_div_down(safe, self._unit(group.debt), price) if price else 0

    def _price(self, asset: str) -> int:
        if asset not in self._prices:
            raise MutualizeError(
                f"[markets.{asset}]", "it is borrowed against, and has no market.", "Add one."
            )
        return self._prices[asset]

    def _positions(self) -> Iterator[Beginning]:
        for position in self._scenario.positions:
            command = OpenPosition(
                venue=position.venue,
                account=position.account,
                collateral=position.collateral,
                collateral_amount=position.collateral_amount,
                debt=position.debt,
                debt_amount=position.debt_amount,
            )
            yield Beginning(f"[[positions]] {position.account}", command)
