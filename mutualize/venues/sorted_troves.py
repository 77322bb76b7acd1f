"""The list of troves, from the safest to the riskiest (Liquity `SortedTroves.sol`), with express lanes.

    lane 2   ───────────────▶ c ──────────────────────────▶ the end
    lane 1   ──────▶ a ─────▶ c ────────────▶ f ──────────▶ the end
    lane 0   ──▶ d ▶ a ▶ e ─▶ c ▶ b ────────▶ f ──▶ g ────▶ the end

A trove stays where it was put until its owner acts: redistributions and prices move all ratios and keep their
order. Its one rule: who comes in stands before the first trove that is no safer, as the contract puts him who
gives no hint, so among equals the newest is the safest. The contract walks to that place, or is told it by a
hint that somebody else has looked for; here lanes lead there, so that the cost grows with the logarithm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mutualize.tables import as_integer, as_name
from mutualize.units import div_down

if TYPE_CHECKING:
    from mutualize.venues.cell_sheet import Sheet

LANES: Final = 10
"""So many lanes there are at most: every fourth trove of a lane, by its name, is in the next one."""
LOOK_BACK: Final = 16
NEAR: Final = 1_000
"""Rounding can put neighbours out of order: so many before the place are looked at, if they are that near."""
END: Final = ""
"""The name at both ends of the list: nobody is called so."""


class SortedTroves:
    """The list, as cells of a sheet. `ratio` gives a trove's nominal ratio, as it is now."""

    def __init__(self, sheet: Sheet, ratio: Callable[[str], int]) -> None:
        self._sheet, self._ratio = sheet, ratio

    def next(self, name: str, lane: int = 0) -> str:
        """Return who is next to a trove on the riskier side, or END; END's next is the safest."""
        return as_name(self._sheet.get(f"order.next.{lane}", name))

    def prev(self, name: str, lane: int = 0) -> str:
        """Return who is next to a trove on the safer side, or END; END's previous is the riskiest."""
        return as_name(self._sheet.get(f"order.prev.{lane}", name))

    def insert(self, name: str, ratio: int) -> None:
        """Put a trove in its place. SortedTroves `_insert`, `findInsertPosition` without a hint."""
        place, path = END, [END] * LANES
        for lane in reversed(range(LANES)):
            while (after := self.next(place, lane)) and self._ratio(after) > ratio:
                place = after
            path[lane] = place
        passed = self._out_of_order(place, ratio)
        for lane in range(lanes_of(name)):
            before = path[lane]
            while before in passed:
                before = self.prev(before, lane)
            after = self.next(before, lane)
            self._join(before, name, lane)
            self._join(name, after, lane)

    def remove(self, name: str) -> None:
        """Take a trove out. SortedTroves `_remove`."""
        for lane in range(lanes_of(name)):
            self._join(self.prev(name, lane), self.next(name, lane), lane)
            self._sheet.put(f"order.next.{lane}", name, as_integer(END))
            self._sheet.put(f"order.prev.{lane}", name, as_integer(END))

    def _join(self, before: str, after: str, lane: int) -> None:
        self._sheet.put(f"order.next.{lane}", before, as_integer(after))
        self._sheet.put(f"order.prev.{lane}", after, as_integer(before))

    def _out_of_order(self, place: str, ratio: int) -> list[str]:
        """Return those up to a place before whom the contract's walk from the safest would have stopped."""
        seen: list[str] = []
        passed: list[str] = []
        far = ratio + div_down(ratio, NEAR) + NEAR
        while place and len(seen) < LOOK_BACK and (its := self._ratio(place)) < far:
            seen.append(place)
            if its <= ratio:
                passed = [*seen]
            place = self.prev(place)
        return passed


def lanes_of(name: str) -> int:
    """Return in how many lanes a trove is: a fact of its owner's name, the same in every run."""
    bits = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    lanes = 1
    while lanes < LANES and not bits & 3:
        lanes, bits = lanes + 1, bits >> 2
    return lanes
