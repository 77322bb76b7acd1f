"""The vat: the core accounting of a vault engine, as working copies of one transaction (Maker `vat.sol`).

    gem[holder]  collateral in no vault       dai[holder]  stablecoins            debt = Σ dai
    ink, art     a vault's collateral, debt   vice         debt without a vault   debt = Σ art·rate + vice

Its one rule: only these verbs move anything, and each moves both sides. A contract that holds something is a
holder with a reserved name, and has an account of its own in the books. Rules: makerdao/dss fa4f6630.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from mutualize.errors import Reason, require
from mutualize.tables import ORACLE
from mutualize.units import (
    INT256_MAX,
    PRICE_UNIT,
    RAY,
    UINT256_MAX,
    WAD,
    ray_div_down,
    times,
    times_signed,
)
from mutualize.venues.cell_sheet import Sheet

if TYPE_CHECKING:
    from mutualize.book import View

VOW: Final = "vow"
FLAP: Final = "flap"
CAT: Final = "cat"
AUCTIONS: Final = "auctions"
END: Final = "end"
CONTRACTS: Final = (VOW, FLAP, CAT, AUCTIONS, END)
"""Holders that are contracts: nobody else may be called so."""

SYSTEM: Final = "system"
"""The table of all numbers that belong to no ilk, `<venue>.system`."""

_TIERS: Final = {
    VOW: "tier:surplus-buffer",
    FLAP: "tier:flap",
    AUCTIONS: "tier:auctions",
    END: "tier:shutdown",
}
"""In which account stands what a contract holds."""

_COINS: Final = (VOW, FLAP)
"""Whose stablecoins are no claims: anybody may send some to any contract, where they stay."""

Terms = Mapping[str, tuple[int, int, int]]

SYSTEM_TERMS: Final[Terms] = {
    "Line": (UINT256_MAX, 0, UINT256_MAX),
    "box": (UINT256_MAX, 0, UINT256_MAX),
    "Hole": (UINT256_MAX, 0, UINT256_MAX),
    "wait": (0, 0, UINT256_MAX),
    "dump": (0, 0, UINT256_MAX),
    "sump": (0, 0, UINT256_MAX),
    "bump": (0, 0, UINT256_MAX),
    "hump": (0, 0, UINT256_MAX),
    "lid": (UINT256_MAX, 0, UINT256_MAX),
    "flop_beg": (105 * 10**16, 0, UINT256_MAX),
    "flop_pad": (15 * 10**17, 0, UINT256_MAX),
    "flop_ttl": (10_800, 0, 2**48 - 1),
    "flop_tau": (172_800, 0, 2**48 - 1),
    "flap_beg": (105 * 10**16, 0, UINT256_MAX),
    "flap_ttl": (10_800, 0, 2**48 - 1),
    "flap_tau": (172_800, 0, 2**48 - 1),
    "end_wait": (0, 0, UINT256_MAX),
}
"""Terms of the whole engine: (default, least, most), by the contract's name for them.

Line        ceiling of all stablecoins, rad
box, Hole   most that may be at auction at once, rad (Liq 1.2 and 2.0)
wait        seconds for which the debt of a liquidation stays in the queue
dump, sump  a debt auction: governance tokens (wad) at most, for so many stablecoins (rad)
bump, hump  a surplus auction: stablecoins (rad), sold while more than `hump` (rad) would be left
lid         most surplus that may be at auction at once, rad
…_beg       least step of a bid, wad; …_pad: what a lot grows by at a restart, wad
…_ttl       seconds that a bid must stand; …_tau: seconds that an auction lasts
end_wait    seconds from the shutdown to the thaw
"""

ILK_TERMS: Final[Terms] = {
    "line": (UINT256_MAX, 0, UINT256_MAX),
    "dust": (0, 0, UINT256_MAX),
    "duty": (RAY, RAY, UINT256_MAX),
    "mat": (RAY, 1, UINT256_MAX),
    "hop": (0, 0, 2**16 - 1),
    "chop": (WAD, 1, UINT256_MAX),
    "lump": (UINT256_MAX, 0, UINT256_MAX),
    "dunk": (UINT256_MAX, 0, UINT256_MAX),
    "hole": (UINT256_MAX, 0, UINT256_MAX),
    "beg": (105 * 10**16, 0, UINT256_MAX),
    "ttl": (10_800, 0, 2**48 - 1),
    "tau": (172_800, 0, 2**48 - 1),
    "buf": (RAY, 0, UINT256_MAX),
    "tail": (0, 0, UINT256_MAX),
    "cusp": (0, 0, UINT256_MAX),
    "chip": (0, 0, 2**64 - 1),
    "tip": (0, 0, 2**192 - 1),
    "cut": (RAY, 0, RAY),
    "step": (1, 1, UINT256_MAX),
}
"""Terms of an ilk: (default, least, most), by the contract's name for them.

line        ceiling of its stablecoins, rad        dust   least debt of a vault, rad
duty        growth of the rate per second, ray     mat    liquidation ratio, ray
hop         seconds by which its price feed delays (0: not at all)
chop        penalty: wad; ray with the code of March 2020
lump        most collateral of one auction, wad (March 2020)
dunk        most that one auction is to raise, rad (Liq 1.2); hole: all its auctions, rad (Liq 2.0)
beg, ttl, tau    an English auction: least step (wad), life of a bid, life of the auction (seconds)
buf         starting price over the feed's, ray    tail   seconds after which a sale must be reset
cusp        share of the starting price below which a sale must be reset, ray
chip, tip   keeper's reward: share of the tab (wad), flat (rad)
cut, step   the price falls by the factor `cut` (ray) every `step` seconds
"""


LIVE_TERMS: Final = ("Line", "line", "dust", "mat", "end_wait")
"""Terms that the shutdown fixes: those of Maker's vat, spotter and end."""


@attrs.frozen(kw_only=True)
class Names:
    """What a vault engine and its assets are called. `ilks` maps each kind of collateral to its asset."""

    venue: str
    stablecoin: str
    governance_token: str
    ilks: Mapping[str, str]
    price_decimals: int
    """Those of what the oracle tells."""


class Vat(Sheet):
    """What one transaction sees and changes; `tell` makes an event of what was changed so far."""

    def __init__(self, names: Names, view: View, at: int) -> None:
        super().__init__(names.venue, view, at)
        self.names = names

    # --- numbers -----------------------------------------------------------------------------------------

    def initial(self, table: str, key: str) -> int:
        """Return what a number is that was never set: a term of the engine has a default."""
        return SYSTEM_TERMS[key][0] if table == SYSTEM and key in SYSTEM_TERMS else 0

    def system(self, key: str) -> int:
        """Return one number of the whole engine."""
        return self.get(SYSTEM, key)

    def require_live(self) -> None:
        """Refuse after the shutdown."""
        require(not self.system("caged"), Reason.VENUE_IS_SHUT_DOWN)

    def price(self, ilk: str) -> int:
        """Return what the ilk's feed says, in wad; 0 for no price. Maker `pip.peek`, or an OSM's."""
        return self.get(ilk, "feed") if self.get(ilk, "hop") else self.source(ilk)

    def source(self, ilk: str) -> int:
        """Return what the oracle told last, in wad."""
        told = self.view.cell(ORACLE, self.names.ilks[ilk])
        return times(told, int(10 ** (18 - self.names.price_decimals)))

    def stablecoin_price(self) -> int:
        """Return what the oracle says of the stablecoin, 8 decimals: 1 where it says nothing."""
        return self.view.cell(ORACLE, self.names.stablecoin, PRICE_UNIT)

    # --- books -------------------------------------------------------------------------------------------

    def balance(self, part: str) -> int:
        """Return what an account of what the venue has holds in stablecoins, as it is now."""
        return self.debits(part, self.names.stablecoin)

    # --- vat.sol -----------------------------------------------------------------------------------------

    def slip(self, ilk: str, holder: str, wad: int) -> None:
        """Bring collateral in, or (below zero) out."""
        self.add(f"gem.{ilk}", holder, wad)
        asset = self.names.ilks[ilk]
        if wad > 0:
            self.post("cash", part(holder), asset, wad)
        else:
            self.post(part(holder), "cash", asset, -wad)

    def flux(self, ilk: str, source: str, to: str, wad: int) -> None:
        """Move collateral between holders."""
        self.add(f"gem.{ilk}", source, -wad)
        self.add(f"gem.{ilk}", to, wad)
        self.post(part(source), part(to), self.names.ilks[ilk], wad)

    def move(self, source: str, to: str, rad: int) -> None:
        """Move stablecoins between holders. Who moves some to himself must have them, too."""
        self.add("dai", source, -rad)
        self.add("dai", to, rad)
        self.post(coins(source), coins(to), self.names.stablecoin, rad)

    def frob(self, ilk: str, owner: str, dink: int, dart: int) -> int:
        """Change a vault; return the stablecoins that were drawn, or (below zero) repaid."""
        self.require_live()
        rate = self.get(ilk, "rate")
        ink = self.add(f"{ilk}.ink", owner, dink)
        art = self.add(f"{ilk}.art", owner, dart)
        all_art = self.add(ilk, "Art", dart)
        dtab, tab = times_signed(rate, dart), times(rate, art)
        debt = self.add(SYSTEM, "debt", dtab)
        within = times(all_art, rate) <= self.get(ilk, "line") and debt <= self.system("Line")
        require(dart <= 0 or within, Reason.CEILING_IS_EXCEEDED)
        covered = tab <= times(ink, self.get(ilk, "spot"))
        require((dart <= 0 and dink >= 0) or covered, Reason.VAULT_WOULD_BE_UNSAFE)
        require(art == 0 or tab >= self.get(ilk, "dust"), Reason.VAULT_WOULD_BE_DUST)
        self.add(f"gem.{ilk}", owner, -dink)
        self.add("dai", owner, dtab)
        self._lend(part(owner), dtab)
        return dtab

    def _lend(self, to: str, rad: int) -> None:
        if rad > 0:
            self.post("loans", to, self.names.stablecoin, rad)
        else:
            self.post(to, "loans", self.names.stablecoin, -rad)

    def grab(self, ilk: str, owner: str, to: str, dink: int, dart: int) -> None:
        """Take collateral and debt from a vault (both below zero), or give them back. The vow owes it."""
        require(max(abs(dink), abs(dart)) <= INT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        self.add(f"{ilk}.ink", owner, dink)
        self.add(f"{ilk}.art", owner, dart)
        self.add(ilk, "Art", dart)
        dtab = times_signed(self.get(ilk, "rate"), dart)
        self.add(f"gem.{ilk}", to, -dink)
        self.add(SYSTEM, "vice", -dtab)
        asset = self.names.ilks[ilk]
        if dink < 0:
            self.post(part(owner), part(to), asset, -dink)
        else:
            self.post(part(to), part(owner), asset, dink)
        self._lend("loans:auction", dtab)

    def suck(self, to: str, rad: int) -> None:
        """Mint stablecoins against debt of the vow's."""
        self.add(SYSTEM, "vice", rad)
        self.add("dai", to, rad)
        self.add(SYSTEM, "debt", rad)
        self.post("loans:auction", part(to), self.names.stablecoin, rad)

    def burn(self, rad: int) -> None:
        """Let the vow's stablecoins and as much debt be gone. Maker `heal`; `vow` says who bears it."""
        self.add(SYSTEM, "vice", -rad)
        self.add("dai", VOW, -rad)
        self.add(SYSTEM, "debt", -rad)

    def fold(self, ilk: str, change: int) -> int:
        """Raise an ilk's rate; the vow gets what all its vaults owe more. Returns that."""
        self.require_live()
        self.add(ilk, "rate", change)
        rad = times_signed(self.get(ilk, "Art"), change)
        self.add("dai", VOW, rad)
        self.add(SYSTEM, "debt", rad)
        self._lend(part(VOW), rad)
        return rad

    # --- the governance token ----------------------------------------------------------------------------

    def mint(self, to: str, wad: int) -> None:
        """Make new governance tokens: no claim on the venue, but they dilute."""
        self.add("gov", to, wad)
        self.add(SYSTEM, "supply", wad)

    def pull(self, source: str, to: str, wad: int) -> None:
        """Move governance tokens. Those of a surplus auction's bids are in the venue's hands."""
        self.add("gov", source, -wad)
        self.add("gov", to, wad)
        if to == FLAP:
            self.post("cash", part(FLAP), self.names.governance_token, wad)
        elif source == FLAP:
            self.post(part(FLAP), "cash", self.names.governance_token, wad)

    def burn_governance(self, wad: int) -> None:
        """Burn governance tokens of a surplus auction's bid."""
        self.add("gov", FLAP, -wad)
        self.add(SYSTEM, "supply", -wad)
        self.post(part(FLAP), "cash", self.names.governance_token, wad)


def part(holder: str) -> str:
    """Name the account in which stands what a holder has."""
    return _TIERS.get(holder, "claims")


def coins(holder: str) -> str:
    """Name the account in which a holder's stablecoins stand."""
    return part(holder) if holder in _COINS else "claims"


def value_of(price: int) -> int:
    """Return a price in wad as stablecoins (ray) for a unit of collateral. Maker `rdiv(val · 10⁹, par)`."""
    return ray_div_down(times(price, 10**9), RAY)
