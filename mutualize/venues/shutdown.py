"""Emergency shutdown: the last tier. Holders of the stablecoin are paid in collateral (Maker `end.sol`).

    shutdown ─▶ tag: collateral per stablecoin ─▶ cancel auctions, skim vaults ─▶ thaw: so many stablecoins
             ─▶ fix: what each gets of an ilk ─▶ cash out

What a vault lacks is recognised when it is skimmed. Everybody who cashes out bears the same part of it.
Rules: makerdao/dss fa4f6630. Stablecoins are given up (`pack`) when they are cashed, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.errors import Reason, require
from mutualize.units import RAY, WAD, div_down, mul_div_down, plus, ray_mul_down, times
from mutualize.vault_events import (
    AuctionCancelled,
    CashedOut,
    CollateralFreed,
    DebtThawed,
    PriceTagged,
    ShareFixed,
    ShutDown,
    VaultSkimmed,
)
from mutualize.venues import clip, flap, flip, flop, vow
from mutualize.venues.auction import CLIP, FLIP, FLOP
from mutualize.venues.vat import AUCTIONS, END, FLAP, SYSTEM, VOW

if TYPE_CHECKING:
    from mutualize.vault_commands import CancelAuction, CashOut, SkimVault
    from mutualize.venues.vat import Vat


def shut_down(vat: Vat) -> None:
    """Stop everything; what surplus there is pays what debt it can. Maker `End.cage`, `Vow.cage`."""
    vat.require_live()
    vat.put(SYSTEM, "caged", 1)
    vat.put(SYSTEM, "when", vat.at)
    vat.put(SYSTEM, "Sin", 0)
    vat.put(SYSTEM, "Ash", 0)
    vat.move(FLAP, VOW, vat.get("dai", FLAP))
    vat.tell(ShutDown)
    vow.heal(vat, min(vat.get("dai", VOW), vat.system("vice")))


def tag(vat: Vat, ilk: str) -> None:
    """Freeze an ilk's price. Maker `End.cage(ilk)`."""
    require(vat.system("caged") == 1, Reason.VENUE_IS_LIVE)
    require(vat.get(ilk, "tag") == 0, Reason.PRICE_IS_TAGGED)
    price = vat.price(ilk)
    require(price > 0, Reason.PRICE_IS_MISSING)
    vat.put(ilk, "end_art", vat.get(ilk, "Art"))
    vat.put(ilk, "tag", mul_div_down(RAY, WAD, price))
    vat.tell(PriceTagged, ilk=ilk, asset=vat.names.ilks[ilk], tag=vat.get(ilk, "tag"))


def cancel(vat: Vat, command: CancelAuction, *, old: bool) -> None:
    """Undo an auction. Maker `End.skip`, `End.snip`, `Flopper.yank`, `Flapper.yank`."""
    require(vat.system("caged") == 1, Reason.VENUE_IS_LIVE)
    require(command.auction in (FLIP, CLIP, FLOP, FLAP), Reason.AUCTION_IS_UNKNOWN)
    if command.auction in (FLIP, CLIP):
        _give_back(vat, command, old=old)
        return
    yank = flop.yank if command.auction == FLOP else flap.yank
    bidder, lot, bid = yank(vat, command.id)
    if command.auction == FLOP:
        vat.suck(bidder, bid)
    _tell_cancelled(vat, command, bidder, lot, bid)
    if command.auction == FLOP:
        vow.recognise(vat, bidder, bid, "loans:auction")


def _give_back(vat: Vat, command: CancelAuction, *, old: bool) -> None:
    """Give the lot back to the vault, with the whole tab as its debt: the penalty is the vow's at once."""
    ilk, is_flip = command.ilk, command.auction == FLIP
    require(vat.get(ilk, "tag") != 0, Reason.PRICE_IS_NOT_TAGGED)
    found = flip.yank(vat, ilk, command.id, old=old) if is_flip else clip.yank(vat, ilk, command.id)
    bidder, owner, lot, tab, owed, paid = found
    vat.suck(VOW, tab)
    art = div_down(tab, vat.get(ilk, "rate"))
    vat.add(ilk, "end_art", art)
    vat.grab(ilk, owner, AUCTIONS, lot, art)
    dust = tab - times(art, vat.get(ilk, "rate"))
    outcome = vow.Outcome(owner, plus(owed, dust), plus(paid, tab))
    prepaid = outcome.book(vat)
    _tell_cancelled(vat, command, bidder, lot, paid if is_flip else 0)
    outcome.tell(vat, prepaid)


def _tell_cancelled(vat: Vat, command: CancelAuction, bidder: str, lot: int, bid: int) -> None:
    vat.tell(
        AuctionCancelled,
        account=bidder,
        auction=command.auction,
        ilk=command.ilk,
        id=command.id,
        lot=lot,
        bid=bid,
    )


def skim(vat: Vat, command: SkimVault) -> None:
    """Settle a vault's debt at the tag; what is missing is a shortfall. Maker `End.skim`."""
    ilk, owner = command.ilk, command.vault
    tagged = vat.get(ilk, "tag")
    require(tagged != 0, Reason.PRICE_IS_NOT_TAGGED)
    ink, art, rate = vat.get(f"{ilk}.ink", owner), vat.get(f"{ilk}.art", owner), vat.get(ilk, "rate")
    owe = ray_mul_down(ray_mul_down(art, rate), tagged)
    wad = min(ink, owe)
    vat.add(ilk, "gap", owe - wad)
    vat.grab(ilk, owner, END, -wad, -art)
    owed = times(art, rate)
    secured = owed if wad == owe else mul_div_down(owed, wad, owe)
    vat.add(SYSTEM, "skimmed", secured)
    vat.tell(VaultSkimmed, account=owner, ilk=ilk, asset=vat.names.ilks[ilk], collateral=wad, owed=owed)
    if owed > secured:
        vow.recognise(vat, owner, owed - secured, "loans:auction")


def free(vat: Vat, ilk: str, owner: str) -> None:
    """Let an owner have what is left of his collateral. Maker `End.free`."""
    require(vat.system("caged") == 1, Reason.VENUE_IS_LIVE)
    require(vat.get(f"{ilk}.art", owner) == 0, Reason.DEBT_IS_NOT_ZERO)
    ink = vat.get(f"{ilk}.ink", owner)
    vat.grab(ilk, owner, owner, -ink, 0)
    vat.tell(CollateralFreed, account=owner, ilk=ilk, asset=vat.names.ilks[ilk], amount=ink)


def thaw(vat: Vat) -> None:
    """Fix how many stablecoins there are. Maker `End.thaw`."""
    require(vat.system("caged") == 1, Reason.VENUE_IS_LIVE)
    require(vat.system("thawed") == 0, Reason.SHORTFALL_IS_NOT_ZERO)
    require(vat.get("dai", VOW) == 0, Reason.SURPLUS_IS_NOT_ZERO)
    require(vat.at >= plus(vat.system("when"), vat.system("end_wait")), Reason.WAIT_IS_UNFINISHED)
    debt, deficit, asset = vat.system("debt"), vat.balance("deficit"), vat.names.stablecoin
    vat.put(SYSTEM, "thawed", debt)
    vat.tell(DebtThawed, asset=asset, amount=debt)
    vow.allocate(vat, vow.SHUTDOWN, debt, deficit)


def fix(vat: Vat, ilk: str) -> None:
    """Fix what each stablecoin gets of an ilk. Maker `End.flow`."""
    whole = div_down(vat.system("thawed"), RAY)
    require(whole != 0, Reason.DEBT_IS_NOT_THAWED)
    require(vat.get(ilk, "fix") == 0, Reason.SHARE_IS_FIXED)
    worth = ray_mul_down(ray_mul_down(vat.get(ilk, "end_art"), vat.get(ilk, "rate")), vat.get(ilk, "tag"))
    share = div_down(times(plus(worth, -vat.get(ilk, "gap")), RAY), whole)
    vat.put(ilk, "fix", share)
    vat.tell(ShareFixed, ilk=ilk, asset=vat.names.ilks[ilk], share=share)


def cash_out(vat: Vat, command: CashOut) -> None:
    """Give stablecoins up and take their share of an ilk. Maker `End.pack` and `End.cash`."""
    ilk, holder, wad = command.ilk, command.account, command.amount
    share = vat.get(ilk, "fix")
    require(share != 0, Reason.SHARE_IS_NOT_FIXED)
    out = vat.add(f"out.{ilk}", holder, wad)
    missing = max(0, out - vat.get("bag", holder))
    given = times(missing, RAY)
    vat.move(holder, VOW, given)
    vat.add("bag", holder, missing)
    amount = ray_mul_down(wad, share)
    vat.flux(ilk, END, holder, amount)
    vat.tell(CashedOut, account=holder, ilk=ilk, asset=vat.names.ilks[ilk], amount=amount, given=given)
    burnt = min(vat.get("dai", VOW), vow.free_debt(vat))
    if burnt:
        vow.heal(vat, burnt)
