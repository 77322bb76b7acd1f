"""What agents notice of a vault engine: entries of the ledger, turned into named signals. It never acts.

spot:<venue>:<ilk>       vaults are valued at another price
flip:<venue>:<ilk>       an auction of seized collateral began, or was bid for
clip:<venue>:<ilk>       a sale at a falling price began, or began again, or was bought from
flop:<venue>             a debt auction began, or was bid for
sin:<venue>              debt was queued
"""

from __future__ import annotations

from mutualize.events import Entry
from mutualize.vault_events import (
    AuctionRestarted,
    AuctionStarted,
    BidPlaced,
    CollateralTaken,
    PriceTaken,
    VaultLiquidated,
)
from mutualize.venues.auction import CLIP
from mutualize.world import World


def spot_signal(venue: str, ilk: str) -> str:
    """Name the signal that vaults are valued at another price."""
    return f"spot:{venue}:{ilk}"


def flip_signal(venue: str, ilk: str) -> str:
    """Name the signal that an auction of an ilk's collateral began, or was bid for."""
    return f"flip:{venue}:{ilk}"


def clip_signal(venue: str, ilk: str) -> str:
    """Name the signal that a sale of an ilk's collateral began, began again, or was bought from."""
    return f"clip:{venue}:{ilk}"


def flop_signal(venue: str) -> str:
    """Name the signal that a debt auction began, or was bid for."""
    return f"flop:{venue}"


def sin_signal(venue: str) -> str:
    """Name the signal that the debt of a liquidation was queued."""
    return f"sin:{venue}"


class VaultSignals:
    """An observer of entries that wakes whoever waits for what they mean."""

    def __init__(self, world: World) -> None:
        self._world = world

    def observe(self, entry: Entry) -> None:
        """Wake those whom an entry concerns."""
        event = entry.event
        match event:
            case PriceTaken():
                self._world.signal(spot_signal(event.venue, event.ilk), entry.seq)
            case VaultLiquidated():
                self._world.signal(sin_signal(event.venue), entry.seq)
                named = clip_signal if event.auction == CLIP else flip_signal
                self._world.signal(named(event.venue, event.ilk), entry.seq)
            case CollateralTaken():
                self._world.signal(clip_signal(event.venue, event.ilk), entry.seq)
            case AuctionRestarted() if event.auction == CLIP:
                self._world.signal(clip_signal(event.venue, event.ilk), entry.seq)
            case BidPlaced() if event.ilk:
                self._world.signal(flip_signal(event.venue, event.ilk), entry.seq)
            case BidPlaced() | AuctionStarted():
                self._world.signal(flop_signal(event.venue), entry.seq)
