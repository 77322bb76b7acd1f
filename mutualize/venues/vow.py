"""The vow: where surplus and bad debt of a vault engine meet (Maker `vow.sol`).

    liquidation ─▶ sin[era], Sin: queued ─ flog, after `wait` ─▶ free debt = vice − Sin − Ash
    heal   surplus pays free debt            flop   no surplus: governance tokens are sold for free debt (Ash)
    kiss   what a flop raised pays its Ash   flap   too much surplus: it is sold for governance tokens

Its one rule: debt is never forgotten. What auctions did not bring is a shortfall once they are over; until
then it is lent to them (`loans:auction`). Surplus that pays it before (`advanced`) is told apart from
proceeds that are still to pay theirs (`sold`):

    loans:auction = Σ owed of open auctions + sold + skimmed − advanced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from mutualize.errors import Reason, require
from mutualize.events import LossAbsorbed, LossAllocated, ShortfallRecognised
from mutualize.units import mul_div_down, plus
from mutualize.vault_events import AuctionStarted, DebtHealed, SinFlogged
from mutualize.venues.auction import FLAP, FLOP, Auction, next_number
from mutualize.venues.vat import SYSTEM, VOW, part

if TYPE_CHECKING:
    from mutualize.venues.vat import Vat

BUFFER: Final = "surplus-buffer"
DILUTION: Final = "dilution"
SHUTDOWN: Final = "shutdown"
TIERS: Final = (BUFFER, DILUTION, SHUTDOWN)
"""Who pays, in that order: the surplus, holders of the governance token, holders of the stablecoin."""


def free_debt(vat: Vat) -> int:
    """Return the debt that is neither queued nor in a debt auction."""
    return plus(plus(vat.system("vice"), -vat.system("Sin")), -vat.system("Ash"))


def fess(vat: Vat, rad: int) -> None:
    """Queue the debt of a liquidation."""
    vat.add("sin", str(vat.at), rad)
    vat.add(SYSTEM, "Sin", rad)


def flog(vat: Vat, era: int) -> None:
    """Take one moment's debt out of the queue."""
    require(plus(era, vat.system("wait")) <= vat.at, Reason.WAIT_IS_UNFINISHED)
    rad = vat.get("sin", str(era))
    vat.add(SYSTEM, "Sin", -rad)
    vat.put("sin", str(era), 0)
    vat.tell(SinFlogged, era=era, amount=rad)


def heal(vat: Vat, rad: int) -> None:
    """Pay free debt: first what auctions have brought the money for, then the deficit, then in advance.

    After the thaw it is holders who gave stablecoins up, and each bears his part of the deficit, pro rata.
    """
    require(rad <= vat.get("dai", VOW), Reason.SURPLUS_IS_INSUFFICIENT)
    require(rad <= free_debt(vat), Reason.SHORTFALL_IS_INSUFFICIENT)
    deficit = vat.balance("deficit")
    if vat.system("thawed"):
        share = mul_div_down(deficit, rad, vat.system("vice")) if deficit else 0
        _pay(vat, rad, 0, share, SHUTDOWN)
    else:
        from_sold = min(rad, vat.system("sold"))
        _pay(vat, rad, from_sold, min(rad - from_sold, deficit), BUFFER)


def kiss(vat: Vat, rad: int) -> None:
    """Pay debt that is in debt auctions: first the deficit, since that is what they are for."""
    require(rad <= vat.system("Ash"), Reason.ASH_IS_INSUFFICIENT)
    require(rad <= vat.get("dai", VOW), Reason.SURPLUS_IS_INSUFFICIENT)
    vat.add(SYSTEM, "Ash", -rad)
    from_deficit = min(rad, vat.balance("deficit"))
    from_sold = min(rad - from_deficit, vat.system("sold"))
    _pay(vat, rad, from_sold, from_deficit, DILUTION)


def _pay(vat: Vat, rad: int, from_sold: int, from_deficit: int, tier: str) -> None:
    """Burn stablecoins and debt. What is neither from `sold` nor from the deficit pays in advance."""
    surplus = vat.get("dai", VOW)
    vat.burn(rad)
    vat.add(SYSTEM, "sold", -from_sold)
    vat.add(SYSTEM, "advanced", rad - from_sold - from_deficit)
    stablecoin = vat.names.stablecoin
    vat.post(part(VOW), "loans:auction", stablecoin, rad - from_deficit)
    vat.tell(DebtHealed, asset=stablecoin, amount=rad, kissed=tier == DILUTION)
    if tier == BUFFER:
        allocate(vat, BUFFER, surplus, from_deficit)
    _tell_absorbed(vat, tier, from_deficit, part(VOW))


def allocate(vat: Vat, tier: str, capacity: int, rad: int, rest: int | None = None) -> None:
    """Make a tier owe a part of the deficit; what it leaves is `rest`, or what is left of the deficit."""
    if not rad:
        return
    vat.tell(
        LossAllocated,
        asset=vat.names.stablecoin,
        tier=tier,
        index=TIERS.index(tier),
        capacity=capacity,
        amount=rad,
        rest=vat.balance("deficit") - rad if rest is None else rest,
    )


def _tell_absorbed(vat: Vat, tier: str, rad: int, payer: str) -> None:
    """Let a tier pay a part of the deficit."""
    if not rad:
        return
    stablecoin, price = vat.names.stablecoin, vat.stablecoin_price()
    vat.post(payer, "deficit", stablecoin, rad)
    vat.tell(
        LossAbsorbed,
        asset=stablecoin,
        tier=tier,
        index=TIERS.index(tier),
        bearer="claims" if tier == SHUTDOWN else tier,
        amount=rad,
        rest=vat.balance("deficit"),
        paid_asset=stablecoin,
        paid=rad,
        price=price,
        paid_price=price,
    )


@attrs.frozen
class Outcome:
    """What an auction of seized collateral was to bring (the debt `owed`), and what it brought (`paid`)."""

    owner: str
    owed: int
    paid: int

    @property
    def shortfall(self) -> int:
        """Return what is missing."""
        return max(0, self.owed - self.paid)

    def book(self, vat: Vat) -> int:
        """Take it off what was paid in advance, or keep it to be healed. Returns what was paid too much."""
        ahead = min(vat.system("advanced"), self.owed)
        covered = self.owed - self.shortfall
        vat.add(SYSTEM, "advanced", -ahead)
        vat.add(SYSTEM, "sold", max(0, covered - ahead))
        return max(0, ahead - covered)

    def tell(self, vat: Vat, prepaid: int) -> None:
        """Recognise the shortfall. The part that surplus had paid in advance is absorbed at once."""
        if self.shortfall:
            recognise(vat, self.owner, self.shortfall, "loans:auction")
            allocate(vat, BUFFER, prepaid, prepaid)
            _tell_absorbed(vat, BUFFER, prepaid, "loans:auction")


def recognise(vat: Vat, owner: str, rad: int, credit: str) -> None:
    """Say that so much debt has nothing behind it."""
    vat.post("deficit", credit, vat.names.stablecoin, rad)
    vat.tell(
        ShortfallRecognised,
        account=owner,
        asset=vat.names.stablecoin,
        amount=rad,
        price=vat.stablecoin_price(),
    )
    if vat.system("thawed"):
        allocate(vat, SHUTDOWN, vat.system("thawed"), rad)


def flop(vat: Vat) -> None:
    """Begin a debt auction. Maker `Vow.flop`, `Flopper.kick`."""
    free, sump, dump = free_debt(vat), vat.system("sump"), vat.system("dump")
    require(sump <= free, Reason.SHORTFALL_IS_INSUFFICIENT)
    require(vat.get("dai", VOW) == 0, Reason.SURPLUS_IS_NOT_ZERO)
    vat.add(SYSTEM, "Ash", sump)
    vat.require_live()
    auction = Auction(vat, FLOP, "", next_number(vat, FLOP, ""))
    auction.begin(VOW, dump, sump)
    vat.tell(AuctionStarted, auction=FLOP, id=auction.number, lot=dump, bid=sump)
    allocate(vat, DILUTION, free, sump, free - sump)


def flap(vat: Vat) -> None:
    """Begin a surplus auction. Maker `Vow.flap`, `Flapper.kick`."""
    bump, kept = vat.system("bump"), vat.system("hump")
    least = plus(plus(vat.system("vice"), bump), kept)
    require(vat.get("dai", VOW) >= least, Reason.SURPLUS_IS_INSUFFICIENT)
    require(free_debt(vat) == 0, Reason.SHORTFALL_IS_NOT_ZERO)
    vat.require_live()
    fill = vat.add(SYSTEM, "fill", bump)
    require(fill <= vat.system("lid"), Reason.SURPLUS_AUCTIONS_ARE_AT_LIMIT)
    auction = Auction(vat, FLAP, "", next_number(vat, FLAP, ""))
    auction.begin(VOW, bump, 0)
    vat.move(VOW, FLAP, bump)
    vat.tell(AuctionStarted, auction=FLAP, id=auction.number, lot=bump, bid=0)
