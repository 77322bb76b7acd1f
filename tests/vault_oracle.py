"""The error oracle of vault engines: says before a command is carried out whether it is refused, and why.

The rule: it is the list of the contracts' own `require`s in their order (makerdao/dss fa4f6630; 44330065 for
`flip-2020-03`), asked of cells that the laws have folded; it shares no code with the venue. Where a contract
adds, subtracts or multiplies, `word` says what a machine word cannot hold. What stands above all verbs is no
contract's, but ours. Auctions are in `vault_oracle_auctions`; bad debt and the end in `vault_oracle_end`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs
from laws_of_vaults import CONTRACTS, RAY, WAD, Cells

from mutualize import commands as c
from mutualize import vault_commands as v
from mutualize.errors import Reason
from mutualize.tables import as_name

WORD: Final = 2**256 - 1
SIGNED: Final = 2**255 - 1
Guards = Iterator[Reason]

DEFAULTS: Final = {
    **dict.fromkeys(("Line", "box", "Hole", "lid"), WORD),
    **dict.fromkeys(("flop_beg", "flap_beg"), 105 * WAD // 100),
    **dict.fromkeys(("flop_ttl", "flap_ttl"), 3 * 3_600),
    **dict.fromkeys(("flop_tau", "flap_tau"), 2 * 86_400),
    "flop_pad": 15 * WAD // 10,
}
"""Numbers of the whole engine that are not zero where nobody set them."""


@attrs.frozen
class Now:
    """What the guards ask about: all numbers, who may govern, the liquidation code, and the time."""

    cells: Cells
    assets: Mapping[str, str]
    """What each ilk's collateral is."""
    code: str
    at: int

    @property
    def old(self) -> bool:
        """Say whether the code is that of March 2020."""
        return self.code == "flip-2020-03"

    def of(self, table: str, key: str) -> int:
        """Return one number of the engine."""
        return self.cells.after(table, key)

    def system(self, key: str) -> int:
        """Return one number of the whole engine."""
        table = f"{self.cells.venue}.system"
        return self.cells.now.get((table, key), DEFAULTS.get(key, 0))

    def dai(self, who: str) -> int:
        """Return somebody's stablecoins, rad."""
        return self.of("dai", who)

    def urn(self, ilk: str, who: str) -> tuple[int, int]:
        """Return a vault's collateral and its units of debt."""
        return self.of(f"{ilk}.ink", who), self.of(f"{ilk}.art", who)

    def told(self, ilk: str) -> int:
        """Return what the oracle tells of an ilk's collateral, wad; 0 for nothing."""
        return self.cells.now.get(("oracle", self.assets[ilk]), 0) * 10**10

    def feed(self, ilk: str) -> int:
        """Return what the ilk's own feed says, wad: the oracle, or what it told an hour before."""
        return self.of(ilk, "feed") if self.of(ilk, "hop") else self.told(ilk)

    def free(self) -> int:
        """Return the debt that is neither queued nor in debt auctions."""
        return self.system("vice") - self.system("Sin") - self.system("Ash")

    def auction(self, cmd: Any) -> Callable[[str], int]:
        """Return how to read a field of the auction that a command names."""
        kind = getattr(cmd, "auction", "clip")
        table = f"{cmd.ilk}.{kind}" if cmd.ilk else kind
        return lambda field: self.of(table, f"{cmd.id}.{field}")

    def guy(self, cmd: Any) -> str:
        """Return who bid last."""
        return as_name(self.auction(cmd)("guy"))


def word(*values: int) -> Guards:
    """Fail where a result is below zero, or no machine word: a contract's `add`, `sub` and `mul`."""
    for value in values:
        if value < 0:
            yield Reason.BALANCE_IS_INSUFFICIENT
        if value > WORD:
            yield Reason.AMOUNT_IS_TOO_LARGE


def signed(*values: int) -> Guards:
    """Fail where a result is no signed machine word."""
    if any(abs(value) > SIGNED for value in values):
        yield Reason.AMOUNT_IS_TOO_LARGE


def live(now: Now) -> Guards:
    """Fail after the shutdown."""
    if now.system("caged"):
        yield Reason.VENUE_IS_SHUT_DOWN


def caged(now: Now) -> Guards:
    """Fail before the shutdown."""
    if not now.system("caged"):
        yield Reason.VENUE_IS_LIVE


def moment(now: Now, seconds: int) -> Guards:
    """Fail where a moment to come is no `uint48`."""
    if now.at + seconds >= 2**48:
        yield Reason.AMOUNT_IS_TOO_LARGE


def rpow(x: int, n: int) -> int:
    """Return xⁿ in rays, halves up; more than a word where a step of the contract's loop is."""
    result = x if n & 1 else RAY
    for bit in range(1, n.bit_length()):
        x = x * x + RAY // 2
        result = result * (x // RAY) + RAY // 2 if n >> bit & 1 else result * RAY
        if max(x, result) > WORD:
            return WORD + 1
        x, result = x // RAY, result // RAY
    return result


# --- governance ------------------------------------------------------------------------------------------

LIVE_TERMS: Final = ("Line", "line", "dust", "mat", "end_wait")
"""Terms whose contract is closed by the shutdown."""

BOUNDS: Final = {
    **dict.fromkeys(("line", "dust", "lump", "dunk", "hole", "beg", "buf", "tail", "cusp"), (0, WORD)),
    **dict.fromkeys(("mat", "chop", "step"), (1, WORD)),
    **dict.fromkeys(("ttl", "tau"), (0, 2**48 - 1)),
    "duty": (RAY, WORD),
    "hop": (0, 2**16 - 1),
    "chip": (0, 2**64 - 1),
    "tip": (0, 2**192 - 1),
    "cut": (0, RAY),
}
"""Within which an ilk's terms must be: that of their type, or what they are divided by."""

SYSTEM_BOUNDS: Final = {
    **dict.fromkeys(("Line", "box", "Hole", "wait", "dump", "sump", "bump", "hump", "lid"), (0, WORD)),
    **dict.fromkeys(("flop_beg", "flop_pad", "flap_beg", "end_wait"), (0, WORD)),
    **dict.fromkeys(("flop_ttl", "flop_tau", "flap_ttl", "flap_tau"), (0, 2**48 - 1)),
}
"""Within which the engine's own terms must be."""


def governed(cmd: c.Command) -> Guards:
    """Fail where somebody else than governance asks."""
    if cmd.account != "governance":
        yield Reason.CALLER_IS_NOT_GOVERNANCE


def within(bounds: Mapping[str, tuple[int, int]], name: str, value: int) -> Guards:
    """Fail where there is no such term, or its value is out of bounds."""
    least, most = bounds.get(name, (1, 0))
    if not least <= value <= most:
        yield Reason.PARAMETER_IS_INVALID


def list_collateral(now: Now, cmd: v.ListCollateral) -> Guards:
    """Want governance, before the end, and terms within their bounds. `Vat.init` and each `file`."""
    yield from governed(cmd)
    yield from live(now)
    for name, value in cmd.parameters:
        yield from within(BOUNDS, name, value)


def set_parameter(now: Now, cmd: c.SetParameter) -> Guards:
    """Want governance, and a value within its bounds. `file`."""
    yield from governed(cmd)
    yield from within(BOUNDS if cmd.asset else SYSTEM_BOUNDS, cmd.name, cmd.value)
    if cmd.name in LIVE_TERMS:
        yield from live(now)
    if cmd.name == "duty":
        yield from drip(now, cmd.asset)


def mint_governance(now: Now, cmd: v.MintGovernance) -> Guards:
    """Want governance. `DSToken.mint`."""
    yield from governed(cmd)
    yield from word(now.system("supply") + cmd.amount)


# --- vaults ----------------------------------------------------------------------------------------------


def join(now: Now, cmd: v.JoinCollateral) -> Guards:
    """`GemJoin.join`, `Vat.slip`."""
    if cmd.amount == 0:
        yield Reason.AMOUNT_IS_ZERO
    yield from signed(cmd.amount)
    yield from word(now.of(f"gem.{cmd.ilk}", cmd.account) + cmd.amount)


def leave(now: Now, cmd: v.ExitCollateral) -> Guards:
    """`GemJoin.exit`, `Vat.slip`."""
    if cmd.amount == 0:
        yield Reason.AMOUNT_IS_ZERO
    yield from signed(cmd.amount)
    yield from word(now.of(f"gem.{cmd.ilk}", cmd.account) - cmd.amount)


def frob(now: Now, cmd: v.ChangeVault) -> Guards:
    """`Vat.frob`."""
    ilk, who, dink, dart = cmd.ilk, cmd.account, cmd.collateral, cmd.debt
    yield from live(now)
    ink, art = (a + b for a, b in zip(now.urn(ilk, who), (dink, dart), strict=True))
    rate, total = now.of(ilk, "rate"), now.of(ilk, "Art") + dart
    yield from word(ink, art, total)
    yield from signed(rate * dart)
    debt = now.system("debt") + rate * dart
    yield from word(rate * art, debt, total * rate)
    if dart > 0 and (total * rate > now.of(ilk, "line") or debt > now.system("Line")):
        yield Reason.CEILING_IS_EXCEEDED
    yield from word(ink * now.of(ilk, "spot"))
    if (dart > 0 or dink < 0) and rate * art > ink * now.of(ilk, "spot"):
        yield Reason.VAULT_WOULD_BE_UNSAFE
    if art and rate * art < now.of(ilk, "dust"):
        yield Reason.VAULT_WOULD_BE_DUST
    yield from word(now.of(f"gem.{ilk}", who) - dink, now.dai(who) + rate * dart)


def move(now: Now, cmd: v.MoveDai) -> Guards:
    """`Vat.move`."""
    yield from word(now.dai(cmd.account) - cmd.amount)


def drip(now: Now, ilk: str) -> Guards:
    """`Jug.drip`, `Vat.fold`."""
    before, total = now.of(ilk, "rate"), now.of(ilk, "Art")
    grown = rpow(now.of(ilk, "duty"), now.at - now.of(ilk, "rho")) * before
    yield from word(grown)
    yield from live(now)
    yield from signed(total * (grown // RAY - before))
    yield from word(now.system("debt") + total * (grown // RAY - before))


def advance(now: Now, cmd: v.AdvanceFeed) -> Guards:
    """`OSM.poke`; an ilk without delay has none."""
    hop = now.of(cmd.ilk, "hop")
    if not hop or now.at < now.of(cmd.ilk, "zzz") + hop:
        yield Reason.FEED_IS_EARLY
    yield from word(now.told(cmd.ilk))


def poke(now: Now, cmd: v.TakePrice) -> Guards:
    """`Spotter.poke`, `Vat.file`."""
    yield from worth(now, cmd.ilk)
    yield from word(now.feed(cmd.ilk) * 10**9 * RAY)
    yield from live(now)


def worth(now: Now, ilk: str) -> Guards:
    """Fail where a price is no machine word in rays: `rdiv(mul(val, BLN), par)`."""
    yield from word(now.feed(ilk), now.feed(ilk) * 10**9, now.feed(ilk) * 10**9 * RAY)


# --- above all verbs -------------------------------------------------------------------------------------


def above(now: Now, cmd: Any) -> Guards:
    """Want nobody to act as a contract, machine words, and an ilk that is listed, where one is meant."""
    if cmd.account in CONTRACTS:
        yield Reason.CALLER_IS_A_CONTRACT
    words = [getattr(cmd, field, 0) for field in ("amount", "id", "lot", "bid", "price_max", "era")]
    if min(words) < 0 or max(words) > WORD:
        yield Reason.AMOUNT_IS_TOO_LARGE
    yield from signed(getattr(cmd, "collateral", 0), getattr(cmd, "debt", 0))
    ilk = getattr(cmd, "asset" if isinstance(cmd, c.SetParameter) else "ilk", "")
    may_be_none = isinstance(cmd, c.SetParameter) or not hasattr(cmd, "ilk")
    if getattr(cmd, "auction", "") in ("flop", "flap") or (may_be_none and not ilk):
        known = not ilk
    else:
        known = ilk in now.assets and (now.of(ilk, "rate") > 0) != isinstance(cmd, v.ListCollateral)
    if not known:
        yield Reason.RESERVE_IS_UNKNOWN


VERBS: Final[Mapping[type[c.Command], Callable[[Now, Any], Guards]]] = {
    v.ListCollateral: list_collateral,
    c.SetParameter: set_parameter,
    v.MintGovernance: mint_governance,
    v.JoinCollateral: join,
    v.ExitCollateral: leave,
    v.ChangeVault: frob,
    v.MoveDai: move,
    v.AccrueRate: lambda now, cmd: drip(now, cmd.ilk),
    v.AdvanceFeed: advance,
    v.TakePrice: poke,
}
"""What is asked of an engine while it lives, but for its auctions."""
