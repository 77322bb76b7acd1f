"""Troves: collateral, debt and stakes of all borrowers, as working copies of one transaction (Liquity v1).

    active    what troves hold and owe as written
    default   what redistributions gave them, not yet theirs
    stake     a trove's part of the next redistribution: its collateral at the ratio of the last snapshot
    pending   stake · (L − L at the trove's last change), for collateral and debt alike

Its one rule: nobody is visited by a redistribution; a trove takes what is pending when it is touched next.
Rules: `TroveManager.sol`, liquity/dev 9c79c9ec (as deployed in 2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from mutualize.errors import Reason, require
from mutualize.tables import ORACLE, as_integer
from mutualize.units import PRICE_UNIT, UINT256_MAX, WAD, div_down, mul_div_down, plus, times
from mutualize.venues.cell_sheet import Sheet
from mutualize.venues.sorted_troves import SortedTroves
from mutualize.venues.stability_pool import V1, Index, StabilityPool

if TYPE_CHECKING:
    from mutualize.book import View

ACTIVE: Final = 1
CLOSED_BY_OWNER: Final = 2
CLOSED_BY_LIQUIDATION: Final = 3
"""A trove's status; 0 where there never was one."""

SYSTEM: Final = "troves"
"""The table of all numbers that belong to no trove, `<venue>.troves`."""
POOL_TIER: Final = "stability-pool"
POOL_ACCOUNT: Final = f"tier:{POOL_TIER}"
GAS_ACCOUNT: Final = "tier:gas-pool"
SURPLUS_ACCOUNT: Final = "claims:surplus"
SEIZED_ACCOUNT: Final = "treasury:seized"
"""Collateral of liquidated troves until a tier takes it; what none takes is the venue's, for its deficit."""
DEFAULT_COLLATERAL: Final = "claims:redistributed"
DEFAULT_DEBT: Final = "loans:redistributed"
NOMINAL: Final = 10**20
"""Scale of a ratio without a price, `NICR_PRECISION`."""


@attrs.frozen(kw_only=True)
class Rules:
    """The constants of Liquity v1, by default (LiquityBase.sol, TroveManager.sol).

    minimum_ratio       below it a trove is liquidated, WAD. `MCR`
    critical_ratio      below it the whole system is in recovery mode, WAD. `CCR`
    reserve             stablecoins that a trove owes for its liquidator. `LUSD_GAS_COMPENSATION`
    net_debt_min        least debt of a trove without the reserve. `MIN_NET_DEBT`
    fee                 of what is drawn, WAD. `BORROWING_FEE_FLOOR`; nothing is redeemed here, so the base
                        rate that is added to it stays 0
    collateral_divisor  the liquidator gets one part in so many of the collateral. `PERCENT_DIVISOR`
    """

    minimum_ratio: int = 11 * 10**17
    critical_ratio: int = 15 * 10**17
    reserve: int = 200 * WAD
    net_debt_min: int = 1_800 * WAD
    fee: int = 5 * 10**15
    collateral_divisor: int = 200


@attrs.frozen(kw_only=True)
class Terms:
    """What a trove system and its assets are called, and what it goes by."""

    venue: str
    collateral: str
    stablecoin: str
    rules: Rules = Rules()
    index: Index = V1
    price_decimals: int = 8
    """Those of what the oracle tells."""


def ratio_of(coll: int, debt: int, price: int) -> int:
    """Return collateral over debt at a price, WAD, rounded down; infinite without debt. `_computeCR`."""
    return div_down(times(coll, price), debt) if debt else UINT256_MAX


class Troves(Sheet):
    """What one transaction sees and changes of a trove system."""

    def __init__(self, terms: Terms, view: View, at: int) -> None:
        super().__init__(terms.venue, view, at)
        self.terms, self.rules = terms, terms.rules
        self.pool = StabilityPool(self, terms.index)
        self.order = SortedTroves(self, self.nominal_ratio)

    def __getitem__(self, key: str) -> int:
        """Return one number of the whole system."""
        return self.get(SYSTEM, key)

    def __setitem__(self, key: str, value: int) -> None:
        """Set one number of the whole system. Refuses what is no unsigned machine word."""
        self.put(SYSTEM, key, plus(value, 0))

    def name_assets(self) -> None:
        """Write down what the assets and the index are called, for who reads the book alone."""
        self["collateral"], self["stablecoin"], self["index"] = (
            as_integer(name) for name in (self.terms.collateral, self.terms.stablecoin, self.terms.index.name)
        )

    # --- prices and ratios -------------------------------------------------------------------------------

    @property
    def price(self) -> int:
        """What the oracle told last of the collateral, in wad. `fetchPrice`."""
        told = self.view.cell(ORACLE, self.terms.collateral)
        return times(told, int(10 ** (18 - self.terms.price_decimals)))

    def stablecoin_price(self) -> int:
        """Return what the oracle says of the stablecoin, 8 decimals: 1 where it says nothing."""
        return self.view.cell(ORACLE, self.terms.stablecoin, PRICE_UNIT)

    @property
    def collateral(self) -> int:
        """The collateral of all troves. `getEntireSystemColl`."""
        return plus(self["active_coll"], self["default_coll"])

    @property
    def debt(self) -> int:
        """The debt of all troves. `getEntireSystemDebt`."""
        return plus(self["active_debt"], self["default_debt"])

    def total_ratio(self, price: int) -> int:
        """Return the ratio of the whole system. `getTCR`."""
        return ratio_of(self.collateral, self.debt, price)

    def is_in_recovery(self, price: int) -> bool:
        """Say whether the system is in recovery mode. `checkRecoveryMode`."""
        return self.total_ratio(price) < self.rules.critical_ratio

    def ratio(self, owner: str, price: int) -> int:
        """Return a trove's ratio, with what is pending. `getCurrentICR`."""
        return ratio_of(*self.entire(owner), price)

    def nominal_ratio(self, owner: str) -> int:
        """Return a trove's ratio without a price. `getNominalICR`."""
        return ratio_of(*self.entire(owner), NOMINAL)

    # --- one trove ---------------------------------------------------------------------------------------

    def is_active(self, owner: str) -> bool:
        """Say whether somebody has a trove."""
        return self.get("status", owner) == ACTIVE

    def pending(self, owner: str) -> tuple[int, int]:
        """Return (collateral, debt) that redistributions gave a trove. `getPendingETHReward` and so on."""
        coll, debt = (plus(self[each], -self.get(each, owner)) for each in ("L_coll", "L_debt"))
        if not (coll or debt) or not self.is_active(owner):
            return 0, 0
        stake = self.get("stake", owner)
        return div_down(times(stake, coll), WAD), div_down(times(stake, debt), WAD)

    def entire(self, owner: str) -> tuple[int, int]:
        """Return (collateral, debt) of a trove with what is pending. `getEntireDebtAndColl`."""
        coll, debt = self.pending(owner)
        return plus(self.get("coll", owner), coll), plus(self.get("debt", owner), debt)

    def take_pending(self, owner: str) -> tuple[int, int]:
        """Make a trove's own what is pending; it is, where collateral is. `applyPendingRewards`."""
        if not self.get("L_coll", owner) < self["L_coll"]:
            return 0, 0
        coll, debt = self.pending(owner)
        self.change(owner, coll, debt)
        self.snapshot(owner)
        self.move_pending(coll, debt)
        return coll, debt

    def move_pending(self, coll: int, debt: int) -> None:
        """Move it from the default pool to the active one. `movePendingTroveRewardsToActivePool`."""
        self["default_coll"] -= coll
        self["default_debt"] -= debt
        self["active_coll"] += coll
        self["active_debt"] += debt
        self.post(DEFAULT_COLLATERAL, "claims", self.terms.collateral, coll)
        self.post("loans", DEFAULT_DEBT, self.terms.stablecoin, debt)

    def change(self, owner: str, coll: int, debt: int) -> None:
        """Change a trove's collateral and debt, as they are written."""
        self.add("coll", owner, coll)
        self.add("debt", owner, debt)

    def snapshot(self, owner: str) -> None:
        """Note up to where a trove has taken redistributions in. `updateTroveRewardSnapshots`."""
        for each in ("L_coll", "L_debt"):
            self.put(each, owner, self[each])

    def restake(self, owner: str) -> None:
        """Let a trove's stake follow its collateral. `updateStakeAndTotalStakes`, `computeNewStake`."""
        stake = self.get("coll", owner)
        if self["coll_snapshot"]:
            require(self["stakes_snapshot"] > 0, Reason.POOL_IS_EXHAUSTED)
            stake = div_down(times(stake, self["stakes_snapshot"]), self["coll_snapshot"])
        self["total_stakes"] += stake - self.get("stake", owner)
        self.put("stake", owner, stake)

    def remove_stake(self, owner: str) -> None:
        """Take a trove out of redistributions to come. `removeStake`."""
        self["total_stakes"] -= self.get("stake", owner)
        self.put("stake", owner, 0)

    def close(self, owner: str, status: int) -> None:
        """Close a trove; the last one cannot be. `closeTrove`."""
        require(self["count"] > 1, Reason.TROVE_IS_THE_LAST)
        for table, value in (("status", status), ("coll", 0), ("debt", 0), ("L_coll", 0), ("L_debt", 0)):
            self.put(table, owner, value)
        self["count"] -= 1
        self.order.remove(owner)

    # --- redistribution ----------------------------------------------------------------------------------

    def redistribute(self, coll: int, debt: int) -> None:
        """Give all troves so much more collateral and debt, with the errors of the last time.

        `redistributeDebtAndColl`. The contract does it once for a sequence of liquidations: since what is
        rounded away is carried, one after the other comes to the same.
        """
        for kind, amount in (("coll", coll), ("debt", debt)):
            whole = plus(times(amount, WAD), self[f"{kind}_error"])
            each = div_down(whole, self["total_stakes"])
            self[f"{kind}_error"] = whole - each * self["total_stakes"]
            self[f"L_{kind}"] += each
        self["default_coll"] += coll
        self["default_debt"] += debt

    def snapshot_system(self) -> None:
        """Note stakes and collateral, by which later stakes are scaled. `updateSystemSnapshots_…`."""
        self["stakes_snapshot"] = self["total_stakes"]
        self["coll_snapshot"] = self.collateral

    def take_seized(self, debtor: str, debt: int) -> int:
        """Return the collateral that goes with a part of a liquidated debt, which is taken off both."""
        whole, coll = self.get("seized.debt", debtor), self.get("seized.coll", debtor)
        part = mul_div_down(coll, debt, whole)
        self.put("seized.debt", debtor, whole - debt)
        self.put("seized.coll", debtor, coll - part)
        return part

    # --- stablecoins and collateral in accounts ----------------------------------------------------------

    def held(self, who: str) -> int:
        """Return the stablecoins that somebody has."""
        return self.get(f"{self.terms.stablecoin}.balance", who)

    def credit(self, who: str, amount: int) -> None:
        """Change the stablecoins that somebody has. Refuses what he has not."""
        self.add(f"{self.terms.stablecoin}.balance", who, amount)

    def lend(self, to: str, amount: int) -> None:
        """Make stablecoins against a trove's debt, for the account `to`."""
        self["active_debt"] += amount
        self.post("loans", to, self.terms.stablecoin, amount)

    def repay(self, source: str, amount: int) -> None:
        """Let stablecoins of the account `source` and as much of a trove's debt be gone."""
        self["active_debt"] -= amount
        self.post(source, "loans", self.terms.stablecoin, amount)

    def bring(self, coll: int) -> None:
        """Take collateral in, or (below zero) give it out."""
        self["active_coll"] += coll
        if coll > 0:
            self.post("cash", "claims", self.terms.collateral, coll)
        else:
            self.post("claims", "cash", self.terms.collateral, -coll)
