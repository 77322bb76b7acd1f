"""What a scenario tells the projections beside the events: names and units, nothing that moves money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import attrs

from mutualize.events import Entry, Event
from mutualize.units import mul_div_down

Handler: TypeAlias = Callable[[Entry], None]
Handlers: TypeAlias = Mapping[type[Event], Handler]
"""Which entries a projection wants to see, by the kind of their event."""

OTHERS: Final = "others"
"""The role of an account that no population of the scenario names."""
MARKETS: Final = "market/"
"""How the accounts of places of trading begin."""
NAMED: Final[Mapping[str, str]] = {
    "market": "market",
    "miners": "miners",
    "treasury": "treasury",
    "umbrella": "treasury",
    "governance": "treasury",
    "collector": "treasury",
    "thief": "thieves",
    "diluted": "token holders",
}
"""The roles of accounts that are called the same everywhere."""
PARTS: Final[Mapping[str, str]] = {
    "tier": "funds",
    "tier:gas-pool": "reserve for liquidators",
    "treasury": "treasury",
    "residue": "residue",
    "deficit": "open deficit",
    "loans": "debt at auction",
    "loans:absorbed": "collateral not yet sold",
}
"""The roles of a venue's own accounts."""


@attrs.frozen(kw_only=True)
class TierRow:
    """One row of a venue's waterfall, as the scenario states it.

    `holder` is the account, and `asset` what it holds, out of which the tier pays; an empty `asset` stands
    for the asset that is missing. A tier that is not `used` exists and never pays.
    """

    venue: str
    tier: str
    payer: str
    holder: str
    asset: str = ""
    used: bool = True


@attrs.frozen(kw_only=True)
class Frame:
    """The scenario's own words.

    decimals  of each asset's base unit (8 for the money of account, where something trades against it)
    money     asset → the asset that it is traded against
    roles     population, or account → what it is ('depositors', 'liquidators', …)
    watch     accounts whose debts and loan to value are followed
    tiers     the waterfalls
    currency  the money of account, in which all values are stated
    systems   trove system → (what its troves hold, the ratio below which it is in recovery mode, WAD)
    seed      from which the draws of `pooling` are derived
    """

    decimals: Mapping[str, int] = attrs.field(factory=dict)
    money: Mapping[str, str] = attrs.field(factory=dict)
    roles: Mapping[str, str] = attrs.field(factory=dict)
    watch: tuple[str, ...] = ()
    tiers: tuple[TierRow, ...] = ()
    currency: str = "USD"
    systems: Mapping[str, tuple[str, int]] = attrs.field(factory=dict)
    seed: int = 0

    def role(self, account: str) -> str:
        """Return the role of an account: its own, or its population's ('lenders' for 'lenders-7')."""
        role = self.roles.get(account)
        if role is not None:
            return role
        if ":" in account:
            return self._part(account.partition(":")[2])
        if account.startswith(MARKETS):
            return "market"
        population, _, number = account.rpartition("-")
        return self.roles.get(population, OTHERS) if number.isdigit() else NAMED.get(account, OTHERS)

    def _part(self, part: str) -> str:
        """Return the role of a part of a venue: a tier's is its payer's."""
        return self.roles.get(part) or PARTS.get(part) or PARTS.get(part.partition(":")[0], OTHERS)

    def unit(self, asset: str) -> int:
        """Return the base units in one whole unit of an asset. Raises KeyError for an unknown asset."""
        return int(10 ** self.decimals[asset])

    def value_down(self, asset: str, amount: int, price: int) -> int:
        """Return what `amount` is worth in money (8 decimals), toward minus infinity."""
        return mul_div_down(amount, price, self.unit(asset))
