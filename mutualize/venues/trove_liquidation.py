"""Liquidations of troves: which are closed, in which order, and what becomes of each (Liquity v1).

                       recovery mode (all troves together below 150 %)         normal mode
    ratio ≤ 100 %      redistributed                                           pool, the rest redistributed
    below 110 %        pool, the rest redistributed                            pool, the rest redistributed
    below the total    pool alone, if it holds enough: for 110 % of the debt, the rest is the owner's to claim

Its one rule: the contract tallies a whole sequence before anything moves, so each trove is judged as if only
the pool had shrunk. Rules: `TroveManager.sol`, liquity/dev 9c79c9ec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from mutualize.errors import Reason, Refused, require
from mutualize.events import Liquidated, ShortfallRecognised
from mutualize.trove_events import LIQUIDATED, TroveClosed
from mutualize.units import WAD, div_down, mul_div_down, plus, times
from mutualize.venues.troves import (
    CLOSED_BY_LIQUIDATION,
    GAS_ACCOUNT,
    SEIZED_ACCOUNT,
    SURPLUS_ACCOUNT,
    Troves,
    ratio_of,
)

if TYPE_CHECKING:
    from mutualize.trove_commands import LiquidateTroves


def liquidate(troves: Troves, liquidator: str, owner: str) -> None:
    """Close one trove. `liquidate`."""
    require(troves.is_active(owner), Reason.TROVE_IS_NOT_ACTIVE)
    _close_all(Sequence(troves, liquidator), (owner,))


def liquidate_troves(troves: Troves, command: LiquidateTroves) -> None:
    """Close those that are named, or the riskiest. `batchLiquidateTroves`, `liquidateTroves`."""
    sequence = Sequence(troves, command.account)
    _close_all(sequence, command.owners or _upwards(sequence, command.count))


def foreseen(troves: Troves, count: int) -> int:
    """Return how many of the `count` riskiest troves a sequence would close now; 0 where it is refused.

    `troves` are working copies that nobody uses afterwards.
    """
    sequence = Sequence(troves, "")
    try:
        _upwards(sequence, count)
        sequence.end()
    except Refused:
        return 0
    return sequence.closed


def _close_all(sequence: Sequence, owners: tuple[str, ...]) -> None:
    for owner in owners:
        sequence.visit(owner)
    sequence.end()


def _upwards(sequence: Sequence, count: int) -> tuple[str, ...]:
    """Go from the riskiest trove upwards, as far as one may; the safest is spared in recovery mode.

    Returns nobody, since all have been visited.
    """
    order = sequence.troves.order
    spared = order.next("") if sequence.recovery else ""
    owner = order.prev("")
    while count and owner != spared:
        safer = order.prev(owner)
        if not sequence.visit(owner):
            break
        owner, count = safer, count - 1
    return ()


@attrs.frozen(kw_only=True)
class Seizure:
    """What becomes of one trove: the contract's `LiquidationValues`."""

    debt: int
    coll: int
    compensation: int
    to_pool: int
    """The part of the debt that the pool pays."""
    surplus: int = 0

    @property
    def seized(self) -> int:
        """The collateral that goes with the debt."""
        return self.coll - self.compensation - self.surplus

    @property
    def coll_to_pool(self) -> int:
        """The collateral that goes to the pool."""
        return mul_div_down(self.seized, self.to_pool, self.debt)


class Sequence:
    """One transaction's liquidations, and what the contract tracks while it tallies them."""

    def __init__(self, troves: Troves, liquidator: str) -> None:
        self.troves, self._liquidator, self._price = troves, liquidator, troves.price
        self.recovery = troves.is_in_recovery(self._price)
        troves.pool.begin()
        self._coll, self._debt, self._left = troves.collateral, troves.debt, troves.pool.most
        self._seized: list[Seizure] = []

    @property
    def closed(self) -> int:
        """How many troves it has closed so far."""
        return len(self._seized)

    def visit(self, owner: str) -> bool:
        """Liquidate a trove if it may be; say whether a sequence of the riskiest goes on."""
        troves, rules = self.troves, self.troves.rules
        ratio = troves.ratio(owner, self._price)
        if self.recovery:
            if ratio >= rules.minimum_ratio and not self._left:
                return False
            seizure = self._in_recovery(owner, ratio)
            if seizure is not None:
                self._debt = plus(self._debt, -seizure.to_pool)
                gone = seizure.coll_to_pool + seizure.compensation + seizure.surplus
                self._coll = plus(self._coll, -gone)
                self._seize(owner, seizure)
            self.recovery = ratio_of(self._coll, self._debt, self._price) < rules.critical_ratio
            return True
        if ratio < rules.minimum_ratio:
            self._seize(owner, self._as_far_as_the_pool_goes(owner))
            return True
        return False

    # --- what becomes of a trove -------------------------------------------------------------------------

    def _as_far_as_the_pool_goes(self, owner: str) -> Seizure:
        """Let the pool pay what it can. `getOffsetAndRedistributionVals`."""
        coll, debt = self.troves.entire(owner)
        return Seizure(
            debt=debt, coll=coll, compensation=self._compensation(coll), to_pool=min(debt, self._left)
        )

    def _in_recovery(self, owner: str, ratio: int) -> Seizure | None:
        """Return what becomes of a trove in recovery mode, None if nothing. `liquidateRecoveryMode`."""
        troves, rules = self.troves, self.troves.rules
        if troves["count"] <= 1:
            return None
        whole = self._as_far_as_the_pool_goes(owner)
        if ratio <= WAD:
            return attrs.evolve(whole, to_pool=0)
        if ratio < rules.minimum_ratio:
            return whole
        total = ratio_of(self._coll, self._debt, self._price)
        if ratio < total and whole.debt <= self._left:
            return self._capped(whole)
        return None

    def _capped(self, whole: Seizure) -> Seizure:
        """Give the pool 110 % of the debt, and the owner the rest. `getCappedOffsetVals`."""
        capped = div_down(times(whole.debt, self.troves.rules.minimum_ratio), self._price)
        return Seizure(
            debt=whole.debt,
            coll=whole.coll,
            compensation=self._compensation(capped),
            to_pool=whole.debt,
            surplus=plus(whole.coll, -capped),
        )

    def _compensation(self, coll: int) -> int:
        """Return what the liquidator gets of the collateral. `getCollGasCompensation`."""
        return div_down(coll, self.troves.rules.collateral_divisor)

    # --- what is done ------------------------------------------------------------------------------------

    def _seize(self, owner: str, seizure: Seizure) -> None:
        """Close a trove; its debt is a shortfall from now on, with the collateral that goes with it."""
        troves, terms = self.troves, self.troves.terms
        coll, debt = seizure.coll, seizure.debt
        self._seized.append(seizure)
        self._left -= seizure.to_pool
        troves.move_pending(*troves.pending(owner))
        troves.remove_stake(owner)
        troves.close(owner, CLOSED_BY_LIQUIDATION)
        troves["active_coll"] -= coll
        troves.post("claims", "cash", terms.collateral, seizure.compensation)
        troves.tell(
            Liquidated,
            liquidator=self._liquidator,
            account=owner,
            collateral=terms.collateral,
            debt=terms.stablecoin,
            paid=0,
            seized=seizure.compensation,
        )
        self._hand_on(owner, seizure)
        troves.snapshot_system()
        troves.tell(
            TroveClosed,
            account=owner,
            collateral=terms.collateral,
            debt=terms.stablecoin,
            collateral_amount=coll,
            debt_amount=debt,
            reason=LIQUIDATED,
            returned=0,
            surplus=seizure.surplus,
            reserve=troves.rules.reserve,
        )
        troves["active_debt"] -= debt
        troves.post("deficit", "loans", terms.stablecoin, debt)
        troves.tell(
            ShortfallRecognised,
            account=owner,
            asset=terms.stablecoin,
            amount=debt,
            price=troves.stablecoin_price(),
        )

    def _hand_on(self, owner: str, seizure: Seizure) -> None:
        """Pay the liquidator's stablecoins, keep the surplus, and lay out what tiers may take."""
        troves, terms = self.troves, self.troves.terms
        troves.credit(self._liquidator, troves.rules.reserve)
        troves.post(GAS_ACCOUNT, "claims", terms.stablecoin, troves.rules.reserve)
        troves.add("surplus", owner, seizure.surplus)
        troves["surplus"] += seizure.surplus
        troves.post("claims", SURPLUS_ACCOUNT, terms.collateral, seizure.surplus)
        troves.add("seized.debt", owner, seizure.debt)
        troves.add("seized.coll", owner, seizure.seized)
        troves.put("seized.pool", owner, seizure.to_pool)
        troves.post("claims", SEIZED_ACCOUNT, terms.collateral, seizure.seized)

    def end(self) -> None:
        """Refuse an empty sequence, and one whose sum the pool or the other troves could not take."""
        troves, seized = self.troves, self._seized
        require(bool(seized), Reason.NOTHING_IS_UNSAFE)
        paid = sum(seizure.to_pool for seizure in seized)
        troves.pool.foresee(paid, sum(seizure.coll_to_pool for seizure in seized))
        shared = paid == sum(seizure.debt for seizure in seized) or troves["total_stakes"] > 0
        require(shared, Reason.POOL_IS_EXHAUSTED)
