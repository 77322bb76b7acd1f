"""The error oracle for bad debt and the shutdown of a vault engine; the rule is that of `vault_oracle`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from laws_of_vaults import RAY
from vault_oracle import Guards, Now, caged, governed, live, moment, signed, word

from mutualize import commands as c
from mutualize import vault_commands as v
from mutualize.errors import Reason

# --- surplus and shortfall -------------------------------------------------------------------------------


def flog(now: Now, cmd: v.FlogSin) -> Guards:
    """`Vow.flog`."""
    yield from word(cmd.era + now.system("wait"))
    if cmd.era + now.system("wait") > now.at:
        yield Reason.WAIT_IS_UNFINISHED
    yield from word(now.system("Sin") - now.of("sin", str(cmd.era)))


def heal(now: Now, cmd: v.HealDebt) -> Guards:
    """`Vow.heal`."""
    if cmd.amount > now.dai("vow"):
        yield Reason.SURPLUS_IS_INSUFFICIENT
    if cmd.amount > now.free():
        yield Reason.SHORTFALL_IS_INSUFFICIENT


def kiss(now: Now, cmd: v.KissDebt) -> Guards:
    """`Vow.kiss`."""
    if cmd.amount > now.system("Ash"):
        yield Reason.ASH_IS_INSUFFICIENT
    if cmd.amount > now.dai("vow"):
        yield Reason.SURPLUS_IS_INSUFFICIENT


def flop(now: Now, _cmd: v.StartDebtAuction) -> Guards:
    """`Vow.flop`, `Flopper.kick`."""
    if now.system("sump") > now.free():
        yield Reason.SHORTFALL_IS_INSUFFICIENT
    if now.dai("vow"):
        yield Reason.SURPLUS_IS_NOT_ZERO
    yield from live(now)
    yield from moment(now, now.system("flop_tau"))


def flap(now: Now, _cmd: v.StartSurplusAuction) -> Guards:
    """`Vow.flap`, `Flapper.kick`."""
    bump = now.system("bump")
    most = now.system("vice") + bump, now.system("vice") + bump + now.system("hump")
    yield from word(*most)
    if now.dai("vow") < most[1]:
        yield Reason.SURPLUS_IS_INSUFFICIENT
    if now.free():
        yield Reason.SHORTFALL_IS_NOT_ZERO
    yield from live(now)
    if now.system("fill") + bump > now.system("lid"):
        yield Reason.SURPLUS_AUCTIONS_ARE_AT_LIMIT
    yield from moment(now, now.system("flap_tau"))


# --- the end ---------------------------------------------------------------------------------------------


def cage(now: Now, cmd: v.Shutdown) -> Guards:
    """`End.cage`."""
    yield from governed(cmd)
    yield from live(now)


def tag(now: Now, cmd: v.TagPrice) -> Guards:
    """`End.cage(ilk)`."""
    yield from caged(now)
    if now.of(cmd.ilk, "tag"):
        yield Reason.PRICE_IS_TAGGED
    yield from word(now.feed(cmd.ilk))
    if not now.feed(cmd.ilk):
        yield Reason.PRICE_IS_MISSING


def tagged(now: Now, ilk: str) -> Guards:
    """Fail where an ilk's price is not frozen."""
    if not now.of(ilk, "tag"):
        yield Reason.PRICE_IS_NOT_TAGGED


def skim(now: Now, cmd: v.SkimVault) -> Guards:
    """`End.skim`, `Vat.grab`."""
    ilk, (ink, art), rate = cmd.ilk, now.urn(cmd.ilk, cmd.vault), now.of(cmd.ilk, "rate")
    yield from tagged(now, ilk)
    owe = art * rate // RAY * now.of(ilk, "tag")
    yield from word(art * rate, owe)
    yield from signed(min(ink, owe // RAY), art, art * rate)
    yield from word(now.of(ilk, "gap") + owe // RAY - min(ink, owe // RAY))


def free(now: Now, cmd: v.FreeCollateral) -> Guards:
    """`End.free`, `Vat.grab`."""
    ink, art = now.urn(cmd.ilk, cmd.account)
    yield from caged(now)
    if art:
        yield Reason.DEBT_IS_NOT_ZERO
    yield from signed(ink)


def thaw(now: Now, _cmd: v.ThawDebt) -> Guards:
    """`End.thaw`."""
    yield from caged(now)
    if now.system("thawed"):
        yield Reason.SHORTFALL_IS_NOT_ZERO
    if now.dai("vow"):
        yield Reason.SURPLUS_IS_NOT_ZERO
    yield from word(now.system("when") + now.system("end_wait"))
    if now.at < now.system("when") + now.system("end_wait"):
        yield Reason.WAIT_IS_UNFINISHED


def fix(now: Now, cmd: v.FixShare) -> Guards:
    """`End.flow`."""
    ilk = cmd.ilk
    if now.system("thawed") < RAY:
        yield Reason.DEBT_IS_NOT_THAWED
    if now.of(ilk, "fix"):
        yield Reason.SHARE_IS_FIXED
    owed = now.of(ilk, "end_art") * now.of(ilk, "rate")
    wad = owed // RAY * now.of(ilk, "tag")
    yield from word(owed, wad, wad // RAY - now.of(ilk, "gap"), (wad // RAY - now.of(ilk, "gap")) * RAY)


def cash(now: Now, cmd: v.CashOut) -> Guards:
    """`End.pack` of what was not given up yet, and `End.cash`."""
    ilk, who, share = cmd.ilk, cmd.account, now.of(cmd.ilk, "fix")
    if not share:
        yield Reason.SHARE_IS_NOT_FIXED
    out = now.of(f"out.{ilk}", who) + cmd.amount
    given = max(0, out - now.of("bag", who)) * RAY
    yield from word(out, given, now.dai(who) - given, cmd.amount * share)
    yield from word(now.of(f"gem.{ilk}", "end") - cmd.amount * share // RAY)


END: Final[Mapping[type[c.Command], Callable[[Now, Any], Guards]]] = {
    v.FlogSin: flog,
    v.HealDebt: heal,
    v.KissDebt: kiss,
    v.StartDebtAuction: flop,
    v.StartSurplusAuction: flap,
    v.Shutdown: cage,
    v.TagPrice: tag,
    v.SkimVault: skim,
    v.FreeCollateral: free,
    v.ThawDebt: thaw,
    v.FixShare: fix,
    v.CashOut: cash,
}
"""What is asked of the vow, and of an engine at its end."""
