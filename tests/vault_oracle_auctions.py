"""The error oracle for liquidations and auctions of a vault engine; the rule is that of `vault_oracle`.

`foretell` is what the play asks: the reason that must be given, or None where the command must succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, Final

from laws_of_vaults import RAY, WAD
from vault_oracle import VERBS, Guards, Now, above, caged, live, moment, rpow, signed, word, worth
from vault_oracle_end import END, tagged

from mutualize import commands as c
from mutualize import vault_commands as v
from mutualize.errors import Reason

# --- liquidation -----------------------------------------------------------------------------------------


def liquidate(now: Now, cmd: v.LiquidateVault) -> Guards:
    """`Cat.bite` or `Dog.bark`."""
    (ink, art), rate, spot = now.urn(cmd.ilk, cmd.vault), now.of(cmd.ilk, "rate"), now.of(cmd.ilk, "spot")
    yield from live(now)
    yield from word(ink * spot, art * rate)
    if not spot or ink * spot >= art * rate:
        yield Reason.VAULT_IS_SAFE
    yield from {"flip-2020-03": bite_2020, "flip": bite, "clip": bark}[now.code](now, cmd.ilk, ink, art)


def bite_2020(now: Now, ilk: str, ink: int, art: int) -> Guards:
    """`Cat.bite` of January 2020: it divides by the collateral."""
    lot = min(ink, now.of(ilk, "lump"))
    if not ink:
        yield Reason.AUCTION_WOULD_BE_EMPTY
    yield from word(lot * art)
    dart = min(art, lot * art // ink)
    yield from grab(now, ilk, lot, dart)
    yield from word(dart * now.of(ilk, "rate") * now.of(ilk, "chop"))
    yield from moment(now, now.of(ilk, "tau"))


def bite(now: Now, ilk: str, ink: int, art: int) -> Guards:
    """`Cat.bite` of Liq 1.2. (Where the litter is more than the box, its subtraction fails, as if full.)"""
    room, rate, chop = now.system("box") - now.system("litter"), now.of(ilk, "rate"), now.of(ilk, "chop")
    if room <= 0 or room < now.of(ilk, "dust"):
        yield Reason.LIQUIDATIONS_ARE_AT_LIMIT
    most = min(now.of(ilk, "dunk"), room) * WAD
    yield from word(most)
    dart = min(art, most // rate // chop)
    yield from word(ink * dart)
    dink = min(ink, ink * dart // art)
    if not dart or not dink:
        yield Reason.AUCTION_WOULD_BE_EMPTY
    yield from grab(now, ilk, dink, dart)
    yield from word(dart * rate * chop, now.system("litter") + dart * rate * chop // WAD)
    yield from moment(now, now.of(ilk, "tau"))


def bark(now: Now, ilk: str, ink: int, art: int) -> Guards:
    """`Dog.bark`, `Clipper.kick`."""
    rate, chop, dust = (now.of(ilk, name) for name in ("rate", "chop", "dust"))
    room = min(now.system("Hole") - now.system("Dirt"), now.of(ilk, "hole") - now.of(ilk, "dirt"))
    if room <= 0:
        yield Reason.LIQUIDATIONS_ARE_AT_LIMIT
    yield from word(room * WAD)
    dart = min(art, room * WAD // rate // chop)
    if art > dart and (art - dart) * rate < dust:
        dart = art
    if art > dart and dart * rate < dust:
        yield Reason.AUCTION_WOULD_BE_DUST
    yield from word(ink * dart)
    if not ink * dart // art:
        yield Reason.AUCTION_WOULD_BE_EMPTY
    yield from grab(now, ilk, ink * dart // art, dart)
    tab = dart * rate * chop // WAD
    yield from word(dart * rate * chop, now.system("Dirt") + tab, now.of(ilk, "dirt") + tab)
    if not tab:
        yield Reason.TAB_IS_ZERO
    yield from top_price(now, ilk)
    yield from reward(now, ilk, tab)


def grab(now: Now, ilk: str, dink: int, dart: int) -> Guards:
    """`Vat.grab`."""
    yield from signed(dink, dart, dart * now.of(ilk, "rate"))


# --- English auctions ------------------------------------------------------------------------------------


def term(now: Now, cmd: Any, name: str) -> int:
    """Return a term of the auction that a command names."""
    return now.of(cmd.ilk, name) if cmd.ilk else now.system(f"{cmd.auction}_{name}")


def kind_is(cmd: Any, *kinds: str) -> Guards:
    """Fail where there are no such auctions."""
    if cmd.auction not in kinds:
        yield Reason.AUCTION_IS_UNKNOWN


def taking_bids(now: Now, cmd: Any) -> Guards:
    """Fail where there is no auction, its bid is final, or it is over."""
    a = now.auction(cmd)
    if not a("guy"):
        yield Reason.AUCTION_IS_UNKNOWN
    if 0 < a("tic") <= now.at:
        yield Reason.BID_IS_FINAL
    if a("end") <= now.at:
        yield Reason.AUCTION_IS_OVER


def tend(now: Now, cmd: v.RaiseBid) -> Guards:
    """`Flipper.tend`, `Flapper.tend`: of these, a flip ends at its tab."""
    a, is_flip = now.auction(cmd), cmd.auction == "flip"
    yield from kind_is(cmd, "flip", "flap")
    yield from () if is_flip else live(now)
    yield from taking_bids(now, cmd)
    if cmd.lot != a("lot"):
        yield Reason.LOT_DOES_NOT_MATCH
    if is_flip and cmd.bid > a("tab"):
        yield Reason.BID_IS_TOO_HIGH
    if cmd.bid <= a("bid"):
        yield Reason.BID_IS_NOT_HIGHER
    yield from word(cmd.bid * WAD, term(now, cmd, "beg") * a("bid"))
    last = is_flip and cmd.bid == a("tab")
    if cmd.bid * WAD < term(now, cmd, "beg") * a("bid") and not last:
        yield Reason.BID_RISES_TOO_LITTLE
    yield from pay(now, cmd, "dai" if is_flip else "gov")
    yield from moment(now, term(now, cmd, "ttl"))


def dent(now: Now, cmd: v.LowerLot) -> Guards:
    """`Flipper.dent`, `Flopper.dent`: of these, a flip's begins once its tab is bid."""
    a, is_flip = now.auction(cmd), cmd.auction == "flip"
    yield from kind_is(cmd, "flip", "flop")
    yield from () if is_flip else live(now)
    yield from taking_bids(now, cmd)
    if cmd.bid != a("bid"):
        yield Reason.BID_DOES_NOT_MATCH
    if is_flip and cmd.bid != a("tab"):
        yield Reason.TAB_IS_UNPAID
    if cmd.lot >= a("lot"):
        yield Reason.LOT_IS_NOT_LOWER
    yield from word(term(now, cmd, "beg") * cmd.lot, a("lot") * WAD)
    if term(now, cmd, "beg") * cmd.lot > a("lot") * WAD:
        yield Reason.LOT_FALLS_TOO_LITTLE
    yield from pay(now, cmd, "dai")
    yield from moment(now, term(now, cmd, "ttl"))


def pay(now: Now, cmd: Any, coin: str) -> Guards:
    """Fail where a bidder cannot repay who bid before, himself too in 2020, and then pay the rest."""
    bid, held, again = now.auction(cmd)("bid"), now.of(coin, cmd.account), now.guy(cmd) == cmd.account
    if not again or now.old:
        yield from word(held - bid)
    yield from word(held - (cmd.bid - bid if again else cmd.bid))


def deal(now: Now, cmd: v.EndAuction) -> Guards:
    """`deal` of all three; new tokens are minted for a flop."""
    a = now.auction(cmd)
    yield from kind_is(cmd, "flip", "flop", "flap")
    yield from () if cmd.auction == "flip" else live(now)
    if not a("tic") or now.at <= min(a("tic"), a("end")):
        yield Reason.AUCTION_IS_UNFINISHED
    if cmd.auction == "flop":
        yield from word(now.system("supply") + a("lot"))


def tick(now: Now, cmd: v.RestartAuction) -> Guards:
    """`tick` of all three; a flop offers more."""
    a = now.auction(cmd)
    yield from kind_is(cmd, "flip", "flop", "flap")
    if a("end") >= now.at:
        yield Reason.AUCTION_IS_UNFINISHED
    if a("tic"):
        yield Reason.BID_IS_PLACED
    yield from moment(now, term(now, cmd, "tau"))
    if cmd.auction == "flop":
        yield from word(term(now, cmd, "pad") * a("lot"))


# --- sales -----------------------------------------------------------------------------------------------


def running(now: Now, cmd: Any) -> Guards:
    """Fail where there is no sale."""
    if not now.auction(cmd)("usr"):
        yield Reason.SALE_IS_UNKNOWN


def price_of(now: Now, cmd: Any) -> int:
    """Return what a sale asks for now: a step lower every so often."""
    a = now.auction(cmd)
    steps = (now.at - a("tic")) // now.of(cmd.ilk, "step")
    return a("top") * rpow(now.of(cmd.ilk, "cut"), steps) // RAY


def is_done(now: Now, cmd: Any) -> bool:
    """Say whether a sale is too old, or its price too low. `Clipper.status`."""
    a = now.auction(cmd)
    too_old = now.at - a("tic") > now.of(cmd.ilk, "tail")
    return too_old or price_of(now, cmd) * RAY // a("top") < now.of(cmd.ilk, "cusp")


def status(now: Now, cmd: Any) -> Guards:
    """Fail where a sale's state cannot be computed."""
    yield from running(now, cmd)
    yield from word(now.auction(cmd)("top") * RAY)


def take(now: Now, cmd: v.TakeCollateral) -> Guards:
    """`Clipper.take`; the dust is that of now, since anybody may `upchost`."""
    yield from status(now, cmd)
    if is_done(now, cmd):
        yield Reason.SALE_NEEDS_RESET
    a, price, dust = now.auction(cmd), price_of(now, cmd), chost(now, cmd.ilk)
    if cmd.price_max < price:
        yield Reason.PRICE_IS_TOO_HIGH
    yield from word(dust * WAD)
    tab, part = a("tab"), min(a("lot"), cmd.amount)
    owe = part * price
    yield from word(owe)
    if owe < tab < owe + dust and part < a("lot"):
        if tab <= dust:
            yield Reason.PURCHASE_IS_PARTIAL
        owe = tab - dust
    yield from word(now.dai(cmd.account) - min(owe, tab))


def redo(now: Now, cmd: v.ResetSale) -> Guards:
    """`Clipper.redo`."""
    yield from status(now, cmd)
    if not is_done(now, cmd):
        yield Reason.SALE_NEEDS_NO_RESET
    yield from top_price(now, cmd.ilk)
    a, worth_in_rad = now.auction(cmd), now.auction(cmd)("lot") * now.feed(cmd.ilk) * 10**9
    yield from word(worth_in_rad, chost(now, cmd.ilk) * WAD)
    if min(a("tab"), worth_in_rad) >= chost(now, cmd.ilk):
        yield from reward(now, cmd.ilk, a("tab"))


def chost(now: Now, ilk: str) -> int:
    """Return the least tab that may be left, rad."""
    return now.of(ilk, "dust") * now.of(ilk, "chop") // WAD


def top_price(now: Now, ilk: str) -> Guards:
    """Fail without a starting price. `Clipper.getFeedPrice`."""
    yield from word(now.feed(ilk))
    if not now.feed(ilk):
        yield Reason.PRICE_IS_MISSING
    yield from worth(now, ilk)
    top = now.feed(ilk) * 10**9 * now.of(ilk, "buf")
    yield from word(top)
    if top < RAY:
        yield Reason.STARTING_PRICE_IS_ZERO


def reward(now: Now, ilk: str, tab: int) -> Guards:
    """Fail where a keeper's reward cannot be minted. `Vat.suck`."""
    tip, chip = now.of(ilk, "tip"), now.of(ilk, "chip")
    coin = tip + tab * chip // WAD
    yield from word(tab * chip, now.system("debt") + coin)


# --- the end ---------------------------------------------------------------------------------------------


def cancel(now: Now, cmd: v.CancelAuction) -> Guards:
    """`End.skip`, `End.snip`, `Flopper.yank`, `Flapper.yank`."""
    a = now.auction(cmd)
    yield from caged(now)
    yield from kind_is(cmd, "flip", "clip", "flop", "flap")
    if cmd.ilk:
        yield from tagged(now, cmd.ilk)
    if cmd.auction == "clip":
        yield from running(now, cmd)
    elif not a("guy"):
        yield Reason.AUCTION_IS_UNKNOWN
    if cmd.auction == "flip" and a("bid") >= a("tab"):
        yield Reason.TAB_IS_PAID
    yield from word(now.system("debt") + a("tab") + (a("bid") if cmd.auction != "flap" else 0))


AUCTIONS: Final[Mapping[type[c.Command], Callable[[Now, Any], Guards]]] = {
    v.LiquidateVault: liquidate,
    v.RaiseBid: tend,
    v.LowerLot: dent,
    v.EndAuction: deal,
    v.RestartAuction: tick,
    v.TakeCollateral: take,
    v.ResetSale: redo,
    v.CancelAuction: cancel,
}
"""What is asked of auctions."""

FORETELL: Final = {**VERBS, **AUCTIONS, **END}


def foretell(now: Now, command: c.Command) -> Reason | None:
    """Return the reason for which a command is refused now, or None where it must succeed."""
    guards = chain(above(now, command), FORETELL[type(command)](now, command))
    return next(guards, None)
