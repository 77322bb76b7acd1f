"""Clip: seized collateral is sold at a falling price, to whoever takes it (Maker `dog.sol` and `clip.sol`).

    bark ─▶ price = top · cut^⌊age / step⌋ ─▶ take, take … ─▶ lot or tab is zero
                └─▶ too old or too low: redo

Collateral goes and stablecoins come in one step, so nobody's money is locked. Rules: makerdao/dss fa4f6630.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.errors import Reason, require
from mutualize.tables import as_integer
from mutualize.units import (
    RAY,
    WAD,
    div_down,
    plus,
    power_half_up,
    ray_div_down,
    ray_mul_down,
    times,
)
from mutualize.vault_events import AuctionEnded, AuctionRestarted, CollateralTaken, VaultLiquidated
from mutualize.venues import vow
from mutualize.venues.auction import CLIP, Record, next_number
from mutualize.venues.flip import require_unsafe
from mutualize.venues.vat import AUCTIONS, SYSTEM, VOW, value_of

if TYPE_CHECKING:
    from mutualize.vault_commands import LiquidateVault, ResetSale, TakeCollateral
    from mutualize.venues.vat import Vat


class Sale(Record):
    """One sale."""

    fields = ("tab", "lot", "usr", "tic", "top", "owed", "paid")

    def status(self) -> tuple[bool, int]:
        """Return (must be reset, price in ray). Maker `status`, `StairstepExponentialDecrease.price`."""
        vat, ilk, top = self.vat, self.ilk, self["top"]
        age = plus(vat.at, -self["tic"])
        price = ray_mul_down(
            top, power_half_up(vat.get(ilk, "cut"), div_down(age, vat.get(ilk, "step")), RAY)
        )
        too_old, too_low = age > vat.get(ilk, "tail"), ray_div_down(price, top) < vat.get(ilk, "cusp")
        return too_old or too_low, price

    def start(self) -> int:
        """Set the clock and the starting price; return the feed's price in ray."""
        feed = vat_price(self.vat, self.ilk)
        top = ray_mul_down(feed, self.vat.get(self.ilk, "buf"))
        require(top > 0, Reason.STARTING_PRICE_IS_ZERO)
        self["tic"], self["top"] = self.vat.at, top
        return feed

    def reward(self, keeper: str) -> int:
        """Mint the keeper's reward; it adds to the debt that the sale should cover. Returns it."""
        tip, chip = self.vat.get(self.ilk, "tip"), self.vat.get(self.ilk, "chip")
        if not (tip or chip):
            return 0
        coin = plus(tip, div_down(times(self["tab"], chip), WAD))
        self.vat.suck(keeper, coin)
        self["owed"] = plus(self["owed"], coin)
        return coin


def vat_price(vat: Vat, ilk: str) -> int:
    """Return the feed's price in ray. Maker `getFeedPrice`."""
    price = vat.price(ilk)
    require(price > 0, Reason.PRICE_IS_MISSING)
    return value_of(price)


def chost(vat: Vat, ilk: str) -> int:
    """Return the least tab that may be left, rad. Maker `upchost`, which anyone may call at any time."""
    return div_down(times(vat.get(ilk, "dust"), vat.get(ilk, "chop")), WAD)


def bark(vat: Vat, command: LiquidateVault) -> None:
    """Seize an unsafe vault, as far as there is room. Maker `Dog.bark`, `Clipper.kick`."""
    ilk, owner, keeper = command.ilk, command.vault, command.account
    vat.require_live()
    rate = require_unsafe(vat, ilk, owner)
    ink, art = vat.get(f"{ilk}.ink", owner), vat.get(f"{ilk}.art", owner)
    dart = _debt_at_once(vat, ilk, art, rate)
    dink = div_down(times(ink, dart), art)
    require(dink > 0, Reason.AUCTION_WOULD_BE_EMPTY)
    vat.grab(ilk, owner, AUCTIONS, -dink, -dart)
    owed = times(dart, rate)
    vow.fess(vat, owed)
    tab = div_down(times(owed, vat.get(ilk, "chop")), WAD)
    vat.add(SYSTEM, "Dirt", tab)
    vat.add(ilk, "dirt", tab)
    require(tab > 0, Reason.TAB_IS_ZERO)
    sale = Sale(vat, CLIP, ilk, next_number(vat, CLIP, ilk))
    sale["tab"], sale["lot"], sale["usr"], sale["owed"] = tab, dink, as_integer(owner), owed
    sale.start()
    reward = sale.reward(keeper)
    vat.tell(
        VaultLiquidated,
        liquidator=keeper,
        account=owner,
        ilk=ilk,
        asset=vat.names.ilks[ilk],
        auction=CLIP,
        id=sale.number,
        lot=dink,
        owed=owed,
        tab=tab,
        reward=reward,
    )


def _debt_at_once(vat: Vat, ilk: str, art: int, rate: int) -> int:
    """Return the units of debt that one sale takes: what there is room for, and no dust on either side."""
    room = min(vat.system("Hole") - vat.system("Dirt"), vat.get(ilk, "hole") - vat.get(ilk, "dirt"))
    require(room > 0, Reason.LIQUIDATIONS_ARE_AT_LIMIT)
    dart = min(art, div_down(div_down(times(room, WAD), rate), vat.get(ilk, "chop")))
    if art > dart:
        if times(art - dart, rate) < vat.get(ilk, "dust"):
            return art
        require(times(dart, rate) >= vat.get(ilk, "dust"), Reason.AUCTION_WOULD_BE_DUST)
    return dart


def take(vat: Vat, command: TakeCollateral) -> None:
    """Buy from a sale. Maker `Clipper.take`."""
    sale, ilk = Sale(vat, CLIP, command.ilk, command.id), command.ilk
    owner = sale.name("usr")
    require(owner != "", Reason.SALE_IS_UNKNOWN)
    must_reset, price = sale.status()
    require(not must_reset, Reason.SALE_NEEDS_RESET)
    require(command.price_max >= price, Reason.PRICE_IS_TOO_HIGH)
    amount, paid = _purchase(sale, command.amount, price, chost(vat, ilk))
    tab, lot = sale["tab"] - paid, sale["lot"] - amount
    vat.flux(ilk, AUCTIONS, command.account, amount)
    vat.move(command.account, VOW, paid)
    dug = paid if lot else plus(tab, paid)
    vat.add(SYSTEM, "Dirt", -dug)
    vat.add(ilk, "dirt", -dug)
    sale["tab"], sale["lot"], sale["paid"] = tab, lot, plus(sale["paid"], paid)
    vat.tell(
        CollateralTaken,
        account=command.account,
        ilk=ilk,
        asset=vat.names.ilks[ilk],
        id=command.id,
        amount=amount,
        paid=paid,
        price=price,
        lot=lot,
        tab=tab,
    )
    if not (tab and lot):
        _end(sale, owner)


def _end(sale: Sale, owner: str) -> None:
    """End a sale: what is left of its lot goes home, what is left of its debt is a shortfall."""
    vat, ilk, lot, paid = sale.vat, sale.ilk, sale["lot"], sale["paid"]
    outcome = vow.Outcome(owner, sale["owed"], paid)
    vat.flux(ilk, AUCTIONS, owner, lot)
    prepaid = outcome.book(vat)
    sale.delete()
    vat.tell(AuctionEnded, account=owner, auction=CLIP, ilk=ilk, id=sale.number, lot=lot, bid=paid)
    outcome.tell(vat, prepaid)


def _purchase(sale: Sale, most: int, price: int, dust: int) -> tuple[int, int]:
    """Return (collateral, stablecoins) of a purchase: no more than the tab, and it leaves no dust."""
    tab, lot = sale["tab"], sale["lot"]
    amount = min(lot, most)
    paid = times(amount, price)
    if paid > tab:
        return div_down(tab, price), tab
    if paid < tab and amount < lot and tab - paid < dust:
        require(tab > dust, Reason.PURCHASE_IS_PARTIAL)
        return div_down(tab - dust, price), tab - dust
    return amount, paid


def redo(vat: Vat, command: ResetSale) -> None:
    """Begin a sale again. Maker `Clipper.redo`."""
    sale = Sale(vat, CLIP, command.ilk, command.id)
    require(sale["usr"] != 0, Reason.SALE_IS_UNKNOWN)
    must_reset, _ = sale.status()
    require(must_reset, Reason.SALE_NEEDS_NO_RESET)
    worth, least = times(sale["lot"], sale.start()), chost(vat, command.ilk)
    reward = sale.reward(command.account) if sale["tab"] >= least and worth >= least else 0
    vat.tell(
        AuctionRestarted,
        account=command.account,
        auction=CLIP,
        ilk=command.ilk,
        id=command.id,
        lot=sale["lot"],
        reward=reward,
    )


def yank(vat: Vat, ilk: str, number: int) -> tuple[str, str, int, int, int, int]:
    """Take a sale back. Maker `End.snip`, `Clipper.yank`. Returns (bidder, owner, lot, tab, owed, bid)."""
    sale = Sale(vat, CLIP, ilk, number)
    require(sale["usr"] != 0, Reason.SALE_IS_UNKNOWN)
    owner, lot, tab, owed, paid = sale.name("usr"), sale["lot"], sale["tab"], sale["owed"], sale["paid"]
    vat.add(SYSTEM, "Dirt", -tab)
    vat.add(ilk, "dirt", -tab)
    sale.delete()
    return owner, owner, lot, tab, owed, paid
