"""Who has borne what, so that recovered money finds its way back; and IOUs, which say the same on paper.

    <venue>.borne.<asset>           tier → base units of the lost asset that it bore and was not given back
    <venue>.borne.<asset>.<tier>    holder → his part of that, where a tier's payers are known by name
    <venue>.iou.<iou>.<asset>       holder → units of an IOU; one is owed one base unit of `asset`

A tier that hands out an IOU is owed through it, and by nothing else: what it bore is not written down twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mutualize.events import Cell
from mutualize.tables import ORACLE
from mutualize.tier import Tier
from mutualize.units import mul_div_down

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.venues.cover import Cover


def borne_table(venue: str, asset: str, tier: str = "") -> str:
    """Name the table of what tiers have borne, or (of one tier) its holders."""
    return f"{venue}.borne.{asset}.{tier}" if tier else f"{venue}.borne.{asset}"


def iou_table(venue: str, iou: str, asset: str) -> str:
    """Name the table of who holds how much of an IOU."""
    return f"{venue}.iou.{iou}.{asset}"


class Borne:
    """What one venue's payers have borne. `kept`: it is written down, since something may be recovered."""

    def __init__(self, cover: Cover, decimals: Mapping[str, int], *, kept: bool) -> None:
        self._cover, self._decimals, self._kept = cover, decimals, kept

    def cells(
        self, view: View, tier: Tier, asset: str, amount: int, parts: Mapping[str, int]
    ) -> tuple[Cell, ...]:
        """Return the cells of a payment of `amount`: IOUs for those who bore it, or what they bore."""
        if tier.iou:
            return self._ious(view, tier, asset, parts)
        return self.changed(view, tier, asset, amount, parts, 1) if self._kept else ()

    def changed(
        self, view: View, tier: Tier, asset: str, amount: int, parts: Mapping[str, int], sign: int
    ) -> tuple[Cell, ...]:
        """Return the cells of what a tier and its holders have borne after that much more, or less."""
        table, holders = (borne_table(self._cover.name, asset, name) for name in ("", tier.name))
        cells = [Cell(holders, name, view.cell(holders, name) + sign * part) for name, part in parts.items()]
        return (Cell(table, tier.name, view.cell(table, tier.name) + sign * amount), *cells)

    def _ious(self, view: View, tier: Tier, asset: str, parts: Mapping[str, int]) -> tuple[Cell, ...]:
        """Return the cells of IOUs: one for a base unit lost, or for what that is worth in another asset."""
        counted_in = tier.iou_asset or asset
        table = iou_table(self._cover.name, tier.iou, counted_in)
        above, below = self._rate(view, tier, asset, counted_in)
        return tuple(
            Cell(table, name, view.cell(table, name) + mul_div_down(part, above, below))
            for name, part in parts.items()
        )

    def _rate(self, view: View, tier: Tier, asset: str, counted_in: str) -> tuple[int, int]:
        """Return units of an IOU for one base unit of the lost asset, as a fraction; 0 without a price."""
        if counted_in == asset:
            return 1, 1
        price = view.cell(ORACLE, asset) if tier.loss_price is None else tier.loss_price
        iou_price = view.cell(ORACLE, counted_in)
        if not iou_price:
            return 0, 1
        decimals = self._decimals.get(counted_in)
        if decimals is None:
            decimals = self._cover.decimals(view, counted_in)
        lost_unit, iou_unit = int(10 ** self._cover.decimals(view, asset)), int(10**decimals)
        return price * iou_unit, iou_price * lost_unit
