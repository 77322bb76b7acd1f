"""Members of a fund: what each has contributed, when he joined, and the numbers that tiers share by.

<venue>.fund.<fund>.<asset>     member → base units, which the account `tier:<fund>` holds together
<venue>.fund.<fund>.joined      member → the moment of his first contribution
<venue>.default.<fund>.<asset>  the same as the first, as it was at the last default
<venue>.numbers.<name>          name → weight, or rank
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mutualize.events import Cell
from mutualize.tier import AT_DEFAULT, BY_WEIGHT, PRO_RATA, Tier

if TYPE_CHECKING:
    from mutualize.book import View


def fund_table(venue: str, fund: str, asset: str) -> str:
    """Name the table of members' contributions."""
    return f"{venue}.fund.{fund}.{asset}"


def joined_table(venue: str, fund: str) -> str:
    """Name the table of when members joined."""
    return f"{venue}.fund.{fund}.joined"


def default_table(venue: str, fund: str, asset: str) -> str:
    """Name the table of contributions as they were at the last default."""
    return f"{venue}.default.{fund}.{asset}"


def numbers_table(venue: str, name: str) -> str:
    """Name a table of weights or ranks."""
    return f"{venue}.numbers.{name}"


def caps_of(view: View, venue: str, tier: Tier, asset: str) -> dict[str, int]:
    """Return what each member of a tier's fund and cohort has in it now, base units."""
    joined = view.table(joined_table(venue, tier.account)) if tier.perimeter.has_cohort else {}
    return {
        name: amount
        for name, amount in view.table(fund_table(venue, tier.account, asset)).items()
        if amount and (not tier.perimeter.has_cohort or tier.perimeter.includes(joined.get(name, 0)))
    }


def contributions(view: View, venue: str, tier: Tier, asset: str) -> dict[str, int]:
    """Return what a tier's members had contributed when it matters: now, or at the default."""
    if tier.snapshot != AT_DEFAULT:
        return caps_of(view, venue, tier, asset)
    return {
        name: amount
        for name, amount in view.table(default_table(venue, tier.account, asset)).items()
        if amount
    }


def way_of(view: View, venue: str, tier: Tier, asset: str) -> tuple[str, Mapping[str, int]]:
    """Return how a tier's members share, and the weights or ranks that they share by.

    Pro rata to what was contributed at the default is by weight: by then somebody may have left.
    """
    if tier.sharing == PRO_RATA and tier.snapshot == AT_DEFAULT:
        return BY_WEIGHT, contributions(view, venue, tier, asset)
    return tier.sharing, view.table(numbers_table(venue, tier.by)) if tier.by else {}


def cells_of_parts(view: View, venue: str, fund: str, asset: str, parts: Mapping[str, int]) -> list[Cell]:
    """Return what is left of the contributions of those who bear a part."""
    table = fund_table(venue, fund, asset)
    return [Cell(table, name, view.cell(table, name) - part) for name, part in parts.items()]
