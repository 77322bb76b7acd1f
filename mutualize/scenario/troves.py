"""Trove systems in a scenario: their terms, their troves, and who liquidates them.

Stablecoins and collateral are counted in wad (18 decimals), as the contracts count them; ratios in WAD, times
in seconds. The terms have the words of `mutualize.venues.troves.Rules`, and its defaults: Liquity v1's.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from mutualize.randomness import Distribution, Fixed
from mutualize.scenario.fields import Distribution as Draw
from mutualize.scenario.fields import File, Name, Numeral, Ref, Table, of, whole
from mutualize.scenario.market import RATIO_MAX, Bid
from mutualize.scenario.vaults import COUNT_MAX, REACTION, WEI
from mutualize.units import WAD
from mutualize.venues.stability_pool import INDEXES
from mutualize.venues.troves import Rules

INDEX_NAMES: Final = tuple(INDEXES)
"""How the known ways to follow deposits of a stability pool are called."""
RATIO: Final = Numeral(18, WAD, RATIO_MAX)
TOGETHER_MAX: Final = 1_000


def _term(kind: Numeral, doc: str) -> Any:
    """Declare a term that keeps the contract's value where it is left out."""
    return of(kind, doc, default=None)


@attrs.frozen(kw_only=True)
class TroveTerms:
    """Terms of a trove system. What is left out is as in Liquity v1."""

    minimum_ratio: int | None = _term(RATIO, "a trove below it is liquidated: 1.1")
    critical_ratio: int | None = _term(RATIO, "below it, all troves together are in recovery mode: 1.5")
    reserve: int | None = _term(WEI, "stablecoins that each trove owes for its liquidator: 200")
    net_debt_min: int | None = _term(WEI, "the least that a trove owes beside that: 1800")
    fee: int | None = _term(Numeral(18, 0, WAD - 1), "of what is drawn, a share: 0.005")
    collateral_divisor: int | None = whole(
        "a liquidator gets one part in so many of the collateral: 200", 1, 10**18, default=None
    )

    @property
    def rules(self) -> Rules:
        """The contract's rules with these terms."""
        return Rules(**attrs.asdict(self, filter=lambda _, value: value is not None))


@attrs.frozen(kw_only=True)
class TroveRows:
    """`[[troves]]`: one trove (its owner is `name`), `count` of them drawn, or a table of troves."""

    name: str = of(Name(), "how the trove's owner is called, or the population: name-0001 and so on")
    venue: str = of(Ref("venues"), "where the troves are")
    count: int | None = whole("how many; left out: one trove", 0, COUNT_MAX, default=None)
    collateral: Distribution | None = of(Draw(WEI), "how much collateral each has", default=None)
    debt: Distribution | None = of(
        Draw(WEI), "how many stablecoins each owes, with the fee and the liquidator's reserve", default=None
    )
    ratio: Distribution | None = of(
        Draw(RATIO), "or: worth of each one's collateral over its debt, at the first price", default=None
    )
    file: str | None = of(File(), "or: a CSV file with owner, collateral, and debt or ratio", default=None)


@attrs.frozen(kw_only=True)
class Trove:
    """One trove of a table: `collateral` and `debt` in wad, or its `ratio` (WAD)."""

    owner: str
    table: str
    venue: str
    collateral: int
    debt: int | None
    ratio: int | None


@attrs.frozen(kw_only=True)
class TroveKeepers:
    """Who liquidates troves as soon as they may be, the riskiest first, several in one transaction."""

    name: str = of(Name(), "how the population is called; its members are name-0001 and so on")
    count: int = whole("how many, each for himself", 0, COUNT_MAX, default=1)
    venue: str = of(Ref("venues"), "where")
    latency_s: Distribution = of(Draw(REACTION), "from a price to action, seconds", default=Fixed(0))
    together: int = whole(
        "how many of the riskiest troves one transaction goes through", 1, TOGETHER_MAX, default=10
    )
    bid: Bid | None = of(
        Table(Bid), "how they bid for block space; left out: at once, at the gas price", default=None
    )


__all__ = ["INDEX_NAMES", "Trove", "TroveKeepers", "TroveRows", "TroveTerms"]
