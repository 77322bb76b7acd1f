"""What happened in a vault engine. Past participles with the resulting integers, as all events.

`auction` is 'flip', 'clip', 'flop' or 'flap'; the last two have no ilk. `asset` is the stablecoin where an
event has no ilk, and the ilk's collateral where it has one.
"""

from __future__ import annotations

import attrs

from mutualize.accounts import Transfer, outside
from mutualize.events import Event, registered


@registered
@attrs.frozen(kw_only=True)
class CollateralListed(Event):
    """A vault engine took a kind of collateral; its parameters are the cells."""

    venue: str
    ilk: str
    asset: str


@registered
@attrs.frozen(kw_only=True)
class GovernanceMinted(Event):
    """New governance tokens were given to an account: its holders are diluted."""

    venue: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class CollateralJoined(Event):
    """Collateral came in."""

    venue: str
    account: str
    ilk: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class CollateralExited(Event):
    """Collateral went out."""

    venue: str
    account: str
    ilk: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class VaultChanged(Event):
    """A vault's collateral and units of debt changed by so much; `drawn` stablecoins (or repaid, below 0)."""

    venue: str
    account: str
    ilk: str
    asset: str
    collateral: int
    debt: int
    drawn: int


@registered
@attrs.frozen(kw_only=True)
class DaiMoved(Event):
    """Stablecoins changed hands."""

    venue: str
    account: str
    to: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class RateAccrued(Event):
    """An ilk's rate was brought up to now; the fee went from loans to the surplus."""

    venue: str
    ilk: str
    rate: int
    fee: int


@registered
@attrs.frozen(kw_only=True)
class FeedAdvanced(Event):
    """A delayed price feed moved on: `price` holds now, `next` will. 18 decimals."""

    venue: str
    ilk: str
    asset: str
    price: int
    next: int


@registered
@attrs.frozen(kw_only=True)
class PriceTaken(Event):
    """Vaults are valued at `price` (18 decimals) from now on: `spot` is that with the margin taken off."""

    venue: str
    ilk: str
    asset: str
    price: int
    spot: int


@registered
@attrs.frozen(kw_only=True)
class VaultLiquidated(Event):
    """Collateral of a vault was seized for `owed` stablecoins of its debt; the auction is to raise `tab`.

    `reward` was minted for the keeper (`liquidator`).
    """

    venue: str
    liquidator: str
    account: str
    ilk: str
    asset: str
    auction: str
    id: int
    lot: int
    owed: int
    tab: int
    reward: int


@registered
@attrs.frozen(kw_only=True)
class AuctionStarted(Event):
    """A debt or surplus auction began."""

    venue: str
    auction: str
    id: int
    lot: int
    bid: int


@registered
@attrs.frozen(kw_only=True)
class BidPlaced(Event):
    """A bid replaced the one before: `bid` for `lot`."""

    venue: str
    account: str
    auction: str
    ilk: str
    id: int
    lot: int
    bid: int


@registered
@attrs.frozen(kw_only=True)
class CollateralTaken(Event):
    """`amount` of a sale's lot was bought for `paid`; `lot` and `tab` are left."""

    venue: str
    account: str
    ilk: str
    asset: str
    id: int
    amount: int
    paid: int
    price: int
    lot: int
    tab: int


@registered
@attrs.frozen(kw_only=True)
class AuctionRestarted(Event):
    """An auction began again, since nobody had bid, or since its price had fallen too far."""

    venue: str
    account: str
    auction: str
    ilk: str
    id: int
    lot: int
    reward: int


@registered
@attrs.frozen(kw_only=True)
class AuctionEnded(Event):
    """The last bidder got the lot for his bid; of a sale, what is left of the lot went back to its owner."""

    venue: str
    account: str
    auction: str
    ilk: str
    id: int
    lot: int
    bid: int


@registered
@attrs.frozen(kw_only=True)
class SinFlogged(Event):
    """The debt of one moment's liquidations left the queue: it may be healed, or auctioned."""

    venue: str
    era: int
    amount: int


@registered
@attrs.frozen(kw_only=True)
class DebtHealed(Event):
    """Surplus paid debt; both are gone. `kissed`: the debt was in a debt auction."""

    venue: str
    asset: str
    amount: int
    kissed: bool


@registered
@attrs.frozen(kw_only=True)
class ShutDown(Event):
    """The shutdown began."""

    venue: str


@registered
@attrs.frozen(kw_only=True)
class PriceTagged(Event):
    """A stablecoin is worth `tag` of the ilk's collateral (ray), for good."""

    venue: str
    ilk: str
    asset: str
    tag: int


@registered
@attrs.frozen(kw_only=True)
class AuctionCancelled(Event):
    """An auction was undone: its lot went back to the vault with the debt, its bid to the bidder."""

    venue: str
    account: str
    auction: str
    ilk: str
    id: int
    lot: int
    bid: int


@registered
@attrs.frozen(kw_only=True)
class VaultSkimmed(Event):
    """A vault's debt of `owed` was settled by `collateral`, at the tag."""

    venue: str
    account: str
    ilk: str
    asset: str
    collateral: int
    owed: int


@registered
@attrs.frozen(kw_only=True)
class CollateralFreed(Event):
    """What was left in a vault without debt went back to its owner."""

    venue: str
    account: str
    ilk: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class DebtThawed(Event):
    """So many stablecoins are to be settled."""

    venue: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class ShareFixed(Event):
    """Each stablecoin gets `share` of the ilk's collateral (ray)."""

    venue: str
    ilk: str
    asset: str
    share: int


@registered
@attrs.frozen(kw_only=True)
class CashedOut(Event):
    """A holder gave up stablecoins (`given` rad, now) and got `amount` of an ilk's collateral."""

    venue: str
    account: str
    ilk: str
    asset: str
    amount: int
    given: int


# --- outside ---------------------------------------------------------------------------------------------


@registered
@attrs.frozen(kw_only=True)
class Delivered(Event):
    """An asset was handed over outside of all venues."""

    account: str
    to: str
    asset: str
    amount: int


def delivery(account: str, to: str, asset: str, amount: int) -> tuple[Transfer, ...]:
    """Return the transfer of what an account hands over, in base units."""
    return (Transfer(outside(to), outside(account), asset, amount),)
