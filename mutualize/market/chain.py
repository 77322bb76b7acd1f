"""The chain: when a transaction is included, and what it costs.

The rule: blocks stand on a grid from the start, and nothing happens between two of them. Where block space is
scarce (`space`), those who bid for it wait in a mempool (mutualize/agents/mempool.py); all others are in the
next block, at the gas price.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise

import attrs

from mutualize.market.space import Space
from mutualize.units import div_up


def _rows(rows: int | Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return a constant gas price as a table of one row that has always held."""
    return ((-(2**63), rows),) if isinstance(rows, int) else tuple(rows)


@attrs.frozen(kw_only=True)
class Chain:
    """Blocks every `block_s` seconds from `start` on; gas units per action, paid in `native` (18 decimals).

    `gas_path` is a price in wei per unit of gas: one integer, or rows (time, wei) in order of time, each
    holding from its time up to, but not including, the next one's; the last one holds for good. An action
    without gas units is free. Raises ValueError for a block time below one second, for negative gas or
    prices, and for rows that are out of order or begin after `start`.
    """

    start: int
    block_s: int
    native: str
    gas_path: tuple[tuple[int, int], ...] = attrs.field(converter=_rows, default=0)
    gas: Mapping[str, int] = attrs.field(factory=dict)
    space: Space | None = None
    _times: tuple[int, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        times = tuple(at for at, _ in self.gas_path)
        object.__setattr__(self, "_times", times)
        if self.block_s < 1:
            raise ValueError(f"a block time of {self.block_s} seconds is none")
        if not times or times[0] > self.start:
            raise ValueError("the gas prices begin after the chain does")
        if any(before >= at for before, at in pairwise(times)):
            raise ValueError("the gas prices are out of order")
        if min(*self.gas.values(), *(wei for _, wei in self.gas_path), 0) < 0:
            raise ValueError("gas and its price are not negative")

    def next_block(self, t: int) -> int:
        """Return the time of the first block at or after `t`; the first block of all is at `start`."""
        return self.start + div_up(max(0, t - self.start), self.block_s) * self.block_s

    def inclusion(self, t: int, latency: int = 0) -> int:
        """Return the time of the block that includes a transaction sent `latency` seconds after `t`."""
        return self.next_block(t + latency)

    def gas_price(self, t: int) -> int:
        """Return the gas price at `t`, in wei per unit. Raises ValueError before the first row."""
        index = bisect_right(self._times, t) - 1
        if index < 0:
            raise ValueError(f"no gas price is known at {t}")
        return self.gas_path[index][1]

    def units(self, *actions: str) -> int:
        """Return how much gas one transaction needs that does all of this."""
        return sum(self.gas.get(action, 0) for action in actions)

    def cost(self, action: str, t: int) -> int:
        """Return what an action costs at `t`, in base units of the native asset."""
        return self.units(action) * self.gas_price(t)
