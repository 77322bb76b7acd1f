"""Vault engines of a scenario: what they begin with, as commands in order, and everybody who acts on them.

    ilks, terms, tokens │ prices told │ first price taken, vaults, what holders have │ delay of the feed

The stablecoins that vaults draw go to whoever holds them (`market`); the engine's surplus and the bidders'
capital come from there. The delay of a feed begins last, with the first price in both of its places: as if
it had long been so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from mutualize.agents.fees import Fees
from mutualize.agents.genesis import Beginning
from mutualize.agents.members import draw, member_names
from mutualize.agents.mempool import Sending
from mutualize.agents.stock import HOLDERS
from mutualize.agents.vault_signals import VaultSignals
from mutualize.commands import Command, SetParameter
from mutualize.market.market import Market
from mutualize.protocol import Protocol
from mutualize.scenario.market import Bid as BidTable
from mutualize.scenario.model import Scenario, Venue
from mutualize.scenario.vault_people import VaultPeople
from mutualize.scenario.vaults import VaultRows, given
from mutualize.units import PRICE_UNIT, RAY, mul_div_down
from mutualize.vault_commands import (
    AdvanceFeed,
    ChangeVault,
    JoinCollateral,
    ListCollateral,
    MintGovernance,
    MoveDai,
    TakePrice,
)
from mutualize.venues.auction import OLD
from mutualize.venues.cdp import Vaults
from mutualize.venues.vat import VOW
from mutualize.world import Agent, World

if TYPE_CHECKING:
    from mutualize.randomness import Distribution

GOVERNANCE = "governance"


def engine_of(venue: Venue) -> Vaults:
    """Return the vault engine of a venue."""
    assert venue.stablecoin is not None, "the loader asks for it"
    assert venue.governance_token is not None, "the loader asks for it"
    return Vaults(
        venue.name,
        venue.stablecoin,
        {name: ilk.asset for name, ilk in venue.ilks.items()},
        governance_token=venue.governance_token,
        auctions=venue.auctions,
        governance=GOVERNANCE,
    )


class EngineBeginning:
    """The commands with which one vault engine begins: before prices are told, and after."""

    def __init__(self, scenario: Scenario, venue: Venue, seed: int) -> None:
        self._scenario = scenario
        self._venue = venue
        self._seed = seed
        self._old = venue.auctions == OLD

    def before_prices(self) -> Iterator[Beginning]:
        """List the ilks (no feed delays yet), set the terms, mint what tokens there were."""
        venue, place = self._venue, f"[venues.{self._venue.name}"
        common = {"venue": venue.name, "account": GOVERNANCE}
        for name, ilk in venue.ilks.items():
            terms = {**given(ilk, old=self._old), "hop": 0}
            listed = ListCollateral(**common, ilk=name, parameters=tuple(terms.items()))
            yield Beginning(f"{place}.ilks.{name}]", listed)
        for name, value in given(venue.system, old=self._old).items():
            yield Beginning(f"{place}.system]", SetParameter(**common, asset="", name=name, value=value))
        if venue.governance_supply:
            minted = MintGovernance(**common, to=HOLDERS, amount=venue.governance_supply)
            yield Beginning(f"{place}]", minted)

    def after_prices(self) -> Iterator[Beginning]:
        """Take the first price, open the vaults, hand the stablecoins out, let the feeds delay."""
        venue, place = self._venue, f"[venues.{self._venue.name}]"
        for name in venue.ilks:
            yield Beginning(place, TakePrice(venue=venue.name, account=GOVERNANCE, ilk=name))
        for row in self._scenario.vault_rows:
            if row.venue == venue.name:
                yield from self._vaults(row)
        if venue.buffer:
            yield Beginning(place, self._give(VOW, venue.buffer))
        yield from self._capital()
        for name, ilk in venue.ilks.items():
            if ilk.hop:
                hop = SetParameter(
                    venue=venue.name, account=GOVERNANCE, asset=name, name="hop", value=ilk.hop
                )
                yield Beginning(place, hop)
                yield Beginning(place, AdvanceFeed(venue=venue.name, account=GOVERNANCE, ilk=name))

    def _give(self, to: str, amount: int) -> Command:
        return MoveDai(venue=self._venue.name, account=HOLDERS, to=to, amount=amount)

    def _capital(self) -> Iterator[Beginning]:
        for table in ("bidders", "takers"):
            for group in getattr(self._scenario, table):
                if group.venue == self._venue.name:
                    for name in member_names(group.name, group.count):
                        amount = draw(self._seed, name, "capital", group.capital)
                        yield Beginning(f"[[{table}]] {group.name}", self._give(name, amount))
        for bidder in self._scenario.debt_bidders:
            if bidder.venue == self._venue.name:
                amount = draw(self._seed, bidder.name, "capital", bidder.capital)
                yield Beginning(f"[[debt_bidders]] {bidder.name}", self._give(bidder.name, amount))

    def _vaults(self, row: VaultRows) -> Iterator[Beginning]:
        place = f"[[vaults]] {row.name}"
        if row.file is not None:
            for vault in self._scenario.vaults:
                if (vault.venue, vault.ilk, vault.table) == (row.venue, row.ilk, row.name):
                    yield from self._open(
                        place, row.ilk, vault.owner, vault.collateral, vault.debt, vault.liquidation_price
                    )
            return
        for name in [row.name] if row.count is None else member_names(row.name, row.count):
            assert row.collateral is not None, "the loader asks for it"
            collateral = draw(self._seed, name, "collateral", row.collateral)
            debt = self._drawn(name, "debt", row.debt)
            price = self._drawn(name, "liquidation_price", row.liquidation_price)
            yield from self._open(place, row.ilk, name, collateral, debt, price)

    def _drawn(self, name: str, what: str, distribution: Distribution | None) -> int | None:
        return None if distribution is None else draw(self._seed, name, what, distribution)

    def _open(
        self, place: str, ilk: str, owner: str, collateral: int, debt: int | None, price: int | None
    ) -> Iterator[Beginning]:
        """Open a vault, and hand on what it draws.

        Below a price p it is unsafe: debt = ink · p / mat.
        """
        if debt is None:
            assert price is not None, "the loader asks for one of them"
            mat = self._venue.ilks[ilk].mat or RAY
            debt = mul_div_down(collateral * price, RAY, PRICE_UNIT * mat)
        common = {"venue": self._venue.name, "account": owner, "ilk": ilk}
        yield Beginning(place, JoinCollateral(**common, amount=collateral))
        yield Beginning(place, ChangeVault(**common, collateral=collateral, debt=debt))
        moved = MoveDai(venue=self._venue.name, account=owner, to=HOLDERS, amount=debt * RAY)
        yield Beginning(place, moved)


class Engines:
    """All vault engines of a scenario: they are made once, and shared."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.venues = {name: engine_of(v) for name, v in scenario.venues.items() if v.kind == "cdp"}

    def agents(
        self,
        world: World,
        protocol: Protocol,
        markets: Mapping[str, Market],
        fees: Fees,
        sending: Callable[[BidTable | None], Sending | None],
    ) -> list[Agent]:
        """Return everybody who acts on them, in the order of their standing in line."""
        if not self.venues:
            return []
        protocol.observe(VaultSignals(world).observe)
        people = VaultPeople(self.venues, world, protocol, markets, fees, sending)
        return people.agents(self._scenario)
