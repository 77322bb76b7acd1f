"""Which vaults are unsafe now? Answered by their order, not by visiting every vault.

    vault    one number: art / ink, which only its owner, or a liquidation, changes
    price    one number: spot / rate; a vault is unsafe where its own is above it

So a heap holds all vaults, the riskiest on top, and a price touches those alone that it makes unsafe. Whether
one of them is unsafe to the last unit is settled by the engine's own integers.
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import heappop, heappush
from itertools import islice

from mutualize.book import View
from mutualize.events import Entry
from mutualize.units import RAY, UINT256_MAX, div_up, mul_div_down


class VaultIndex:
    """The vaults of one ilk. `observe` is to be called with every entry from the first on."""

    def __init__(self, venue: str, ilk: str) -> None:
        self.ilk = ilk
        self._terms = f"{venue}.{ilk}"
        self._tables = {f"{venue}.{ilk}.ink": 0, f"{venue}.{ilk}.art": 1}
        self._vaults: dict[str, list[int]] = {}
        self._heap: list[tuple[int, str]] = []
        self._unsafe: dict[str, None] = {}

    def observe(self, entry: Entry) -> None:
        """Note every vault that changed."""
        for table, owner, value in entry.event.cells:
            side = self._tables.get(table)
            if side is not None:
                vault = self._vaults.setdefault(owner, [0, 0])
                vault[side] = value
                if owner not in self._unsafe:
                    heappush(self._heap, (-self._risk(owner), owner))

    def _risk(self, owner: str) -> int:
        """Return art / ink in rays, rounded down; nothing for a vault without debt."""
        ink, art = self._vaults[owner]
        if not art:
            return 0
        return mul_div_down(art, RAY, ink) if ink else UINT256_MAX

    def look(self, view: View) -> None:
        """Take in whom the price as it is now makes unsafe."""
        spot, rate = view.cell(self._terms, "spot"), view.cell(self._terms, "rate")
        if not spot:
            return
        bar = mul_div_down(spot, RAY, rate)
        heap = self._heap
        while heap and -heap[0][0] >= bar:
            risk, owner = heappop(heap)
            if -risk == self._risk(owner) and self._vaults[owner][0]:
                self._unsafe[owner] = None

    def lots(self, view: View, enough: int) -> int:
        """Return in how many auctions the unsafe vaults would be sold, or `enough`, where it is more."""
        lump, found = view.cell(self._terms, "lump"), 0
        for owner in self._unsafe:
            if found >= enough:
                break
            found += div_up(self._vaults[owner][0], lump) if lump else 1
        return min(found, enough)

    def is_unsafe(self, view: View, owner: str) -> bool:
        """Say whether a vault may be liquidated, in the engine's own integers."""
        ink, art = self._vaults.get(owner, (0, 0))
        spot, rate = view.cell(self._terms, "spot"), view.cell(self._terms, "rate")
        return bool(ink and spot) and ink * spot < art * rate

    def next(self, view: View, held: Collection[str]) -> str | None:
        """Return the riskiest unsafe vault, of those that nobody holds where there are any, or None."""
        self.look(view)
        first = None
        for owner in tuple(islice(self._unsafe, len(held) + 1)):
            if not self.is_unsafe(view, owner):
                del self._unsafe[owner]
                heappush(self._heap, (-self._risk(owner), owner))
                return self.next(view, held)
            if owner not in held:
                return owner
            first = first or owner
        return first
