"""Which events of a long run are shown one by one, and which are merged: a page never grows without bound.

up to FULL_MAX events   each is a row
beyond                  what matters most is kept as it is; of the rest, neighbours are merged into rows that
                        say how many they stand for, and move as much money as they did together
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

import attrs

from mutualize.events import KINDS, Entry
from mutualize.units import div_down, div_up

FULL_MAX: Final = 100_000
"""So many events are told one by one."""
KEPT_MAX: Final = 20_000
"""Beyond that, so many are; and about as many rows are made of all others."""

LOSSES: Final = (
    "AgentFailed",
    "DeficitEliminated",
    "ExitsFrozen",
    "ExitsOpened",
    "LossAbsorbed",
    "LossAllocated",
    "LossHeld",
    "LossPassedOn",
    "LossReleased",
    "LossReported",
    "MarketHalted",
    "MarketResumed",
    "MoneyRecovered",
    "OffsetCovered",
    "ParameterChanged",
    "PendingDeficitCovered",
    "PendingDeficitRaised",
    "ProposalExecuted",
    "ProposalMade",
    "RecoveryPaid",
    "ShortfallRecognised",
    "ShortfallUncovered",
    "ShutDown",
    "Slashed",
)
SALES: Final = (
    "Absorbed", "AuctionEnded", "CollateralBought", "CollateralTaken", "Liquidated", "VaultLiquidated",
)  # fmt: skip
_LEVELS: Final = {
    **{KINDS[name]: 3 for name in LOSSES if name in KINDS},
    **{KINDS[name]: 1 for name in SALES if name in KINDS},
}


def room_of(sides: int) -> tuple[int, int]:
    """Return how many events each of several runs on one page is told one by one: at most, and beyond."""
    return div_down(FULL_MAX, sides), div_down(KEPT_MAX, sides)


@attrs.frozen
class Rows:
    """Where each entry of the ledger stands on the page: `row_of[seq]`; how many entries each row holds."""

    row_of: array[int]
    sizes: array[int]

    @property
    def is_thinned(self) -> bool:
        """Say whether any row stands for more than one event."""
        return len(self.sizes) < len(self.row_of)


def rows_of(entries: Iterable[Entry], full_max: int = FULL_MAX, kept_max: int = KEPT_MAX) -> Rows:
    """Decide about every entry. What led to a loss is kept before what did not."""
    levels, causes = bytearray(), array("q")
    for entry in entries:
        levels.append(_LEVELS.get(type(entry.event), 0))
        causes.append(-1 if entry.cause is None else entry.cause)
    count = len(levels)
    if count <= full_max:
        return Rows(array("q", range(count)), array("q", [1]) * count)
    for seq in range(count - 1, -1, -1):
        if levels[seq] >= 2 and causes[seq] >= 0:
            levels[causes[seq]] = max(levels[causes[seq]], 2)
    return _merged(_kept(levels, kept_max), max(1, kept_max))


def _kept(levels: bytearray, kept_max: int) -> bytearray:
    """Return 1 for each entry that is kept: whole levels from the top while they fit, then every n-th."""
    kept, room = bytearray(len(levels)), kept_max
    for level in (3, 2, 1, 0):
        found = levels.count(level)
        if not found:
            continue
        stride, met = max(1, div_up(found, max(1, room))), 0
        for seq, own in enumerate(levels):
            if own == level:
                kept[seq] = met % stride == 0
                met += 1
        room -= found
        if room <= 0 or stride > 1:
            break
    return kept


def _merged(kept: bytearray, rows_max: int) -> Rows:
    """Merge neighbours that are not kept, so many into one that about `rows_max` rows come of it."""
    size_max = max(2, div_down(kept.count(0), rows_max) + 1)
    row_of, sizes, is_open = array("q"), array("q"), False
    for own in kept:
        if own or not is_open or sizes[-1] >= size_max:
            sizes.append(1)
        else:
            sizes[-1] += 1
        is_open = not own
        row_of.append(len(sizes) - 1)
    return Rows(row_of, sizes)
