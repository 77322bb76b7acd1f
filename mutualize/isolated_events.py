"""What happened in an isolated market that no other place to lend knows."""

from __future__ import annotations

import attrs

from mutualize.events import Event, registered


@registered
@attrs.frozen(kw_only=True)
class MarketCreated(Event):
    """A market began: `asset` is lent against `collateral`. Its terms are the cells."""

    venue: str
    asset: str
    collateral: str
    decimals: int
    collateral_decimals: int
