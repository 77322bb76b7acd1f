"""What somebody asks of a vault engine. Imperatives, as all commands.

`ilk` is a kind of collateral with its terms ('ETH-A'). `auction` is 'flip' (seized collateral, by rising
bids), 'flop' (new governance tokens for stablecoins) or 'flap' (surplus for governance tokens); the last two
have no ilk. Stablecoins are counted in rad (45 decimals); collateral, units of debt and governance tokens in
wad (18).
"""

from __future__ import annotations

import attrs

from mutualize.commands import Command

# --- set-up ----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ListCollateral(Command):
    """Take a kind of collateral. `parameters` are (name, integer) pairs; venues/vat.py documents each."""

    ilk: str
    parameters: tuple[tuple[str, int], ...]


@attrs.frozen(kw_only=True)
class MintGovernance(Command):
    """Give `to` new governance tokens (governance)."""

    to: str
    amount: int


# --- vaults ----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class JoinCollateral(Command):
    """Bring collateral in; it is in no vault yet."""

    ilk: str
    amount: int


@attrs.frozen(kw_only=True)
class ExitCollateral(Command):
    """Take collateral out that is in no vault."""

    ilk: str
    amount: int


@attrs.frozen(kw_only=True)
class ChangeVault(Command):
    """Put collateral into one's vault and draw debt, or (below zero) the reverse. `frob`.

    `debt` is in units that the ilk's rate turns into stablecoins.
    """

    ilk: str
    collateral: int
    debt: int


@attrs.frozen(kw_only=True)
class MoveDai(Command):
    """Give stablecoins to somebody else."""

    to: str
    amount: int


@attrs.frozen(kw_only=True)
class AccrueRate(Command):
    """Bring an ilk's rate up to now: the stability fee becomes surplus. `drip`."""

    ilk: str


@attrs.frozen(kw_only=True)
class AdvanceFeed(Command):
    """Let a delayed price feed (`hop` seconds) take the next price. `osm.poke`."""

    ilk: str


@attrs.frozen(kw_only=True)
class TakePrice(Command):
    """Let vaults be valued at the feed's price from now on. `spot.poke`."""

    ilk: str


# --- auctions --------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class LiquidateVault(Command):
    """Seize the collateral of an unsafe vault and put it up for auction. `bite` or `bark`."""

    ilk: str
    vault: str


@attrs.frozen(kw_only=True)
class RaiseBid(Command):
    """Bid more for the lot of a flip or flap. `tend`."""

    auction: str
    ilk: str = ""
    id: int
    lot: int
    bid: int


@attrs.frozen(kw_only=True)
class LowerLot(Command):
    """Ask for less of the lot at the same bid, in a flip or flop. `dent`."""

    auction: str
    ilk: str = ""
    id: int
    lot: int
    bid: int


@attrs.frozen(kw_only=True)
class EndAuction(Command):
    """Give the lot to the last bidder. `deal`."""

    auction: str
    ilk: str = ""
    id: int


@attrs.frozen(kw_only=True)
class RestartAuction(Command):
    """Begin an auction again in which nobody bid in time. `tick`."""

    auction: str
    ilk: str = ""
    id: int


@attrs.frozen(kw_only=True)
class TakeCollateral(Command):
    """Buy up to `amount` of a sale's lot at its present price, which is to be `price_max` (ray) at most."""

    ilk: str
    id: int
    amount: int
    price_max: int


@attrs.frozen(kw_only=True)
class ResetSale(Command):
    """Begin a sale again whose price has fallen too far, or which is too old. `redo`."""

    ilk: str
    id: int


# --- surplus and shortfall -------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class FlogSin(Command):
    """Take the debt of one moment's liquidations out of the queue."""

    era: int


@attrs.frozen(kw_only=True)
class HealDebt(Command):
    """Pay debt that is in no queue and no auction, out of the surplus."""

    amount: int


@attrs.frozen(kw_only=True)
class KissDebt(Command):
    """Pay debt that is in debt auctions, out of the surplus."""

    amount: int


@attrs.frozen(kw_only=True)
class StartDebtAuction(Command):
    """Sell new governance tokens for stablecoins. `flop`."""


@attrs.frozen(kw_only=True)
class StartSurplusAuction(Command):
    """Sell surplus for governance tokens, which are burned. `flap`."""


# --- the end ---------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Shutdown(Command):
    """End it all (governance): no new debt, no liquidations, what is owed is settled in collateral."""


@attrs.frozen(kw_only=True)
class TagPrice(Command):
    """Freeze what a stablecoin is worth in an ilk's collateral, at the feed's price. `cage(ilk)`."""

    ilk: str


@attrs.frozen(kw_only=True)
class CancelAuction(Command):
    """Undo an auction that the shutdown interrupted: 'flip', 'clip', 'flop' or 'flap'."""

    auction: str
    ilk: str = ""
    id: int


@attrs.frozen(kw_only=True)
class SkimVault(Command):
    """Take from a vault the collateral that its debt is worth, or all of it."""

    ilk: str
    vault: str


@attrs.frozen(kw_only=True)
class FreeCollateral(Command):
    """Take the rest of one's collateral out of a vault without debt."""

    ilk: str


@attrs.frozen(kw_only=True)
class ThawDebt(Command):
    """Fix how many stablecoins there are to be settled."""


@attrs.frozen(kw_only=True)
class FixShare(Command):
    """Fix how much of an ilk's collateral each stablecoin gets. `flow`."""

    ilk: str


@attrs.frozen(kw_only=True)
class CashOut(Command):
    """Give up stablecoins (`amount` in wad) for their share of an ilk's collateral. `pack` and `cash`.

    Those that were given up for another ilk's share count here as well.
    """

    ilk: str
    amount: int


# --- outside ---------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Deliver(Command):
    """Hand over an asset outside of all venues: one side of a trade whose other side is inside of one."""

    to: str
    asset: str
    amount: int
