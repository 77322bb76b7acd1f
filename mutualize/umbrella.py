"""Umbrella: stakers answer for a pool's deficit above an offset that the treasury bears itself.

    slashable = deficit − offset − pending        slash is permissionless and raises `pending`
    pending and offset are covered later, by burning claims that somebody brings

A pool has as many umbrellas as reserves that are covered; each has a stake of its own. Next to a waterfall,
which pays a shortfall in the transaction that recognises it, an umbrella answers for what that left open.

Rules: aave-dao/aave-umbrella 759147d1 `Umbrella`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mutualize.commands import (
    Command,
    CoverDeficitOffset,
    CoverPendingDeficit,
    SetDeficitOffset,
    Slash,
)
from mutualize.errors import Reason, require
from mutualize.events import (
    Cell,
    Event,
    OffsetCovered,
    OffsetSet,
    PendingDeficitCovered,
    PendingDeficitRaised,
    ShortfallRecognised,
)
from mutualize.tables import ORACLE, umbrella_table
from mutualize.units import BPS, mul_div_down, ray_div_up

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.staking import StakePool
    from mutualize.venues.pool import Pool
    from mutualize.venues.work import Work


class Umbrella:
    """One reserve's umbrella over one stake, whose asset has `stake_decimals`. `liquidation_fee` in bps."""

    answers = (ShortfallRecognised,)

    def __init__(
        self,
        pool: Pool,
        stake: StakePool,
        reserve: str,
        *,
        stake_decimals: int,
        liquidation_fee: int = 0,
        automatic: bool = False,
        managers: Collection[str] | None = None,
    ) -> None:
        """`automatic`: a recognised shortfall slashes at once, in the same transaction.

        `managers` may cover (the contract's COVERAGE_MANAGER_ROLE); None: whoever brings claims.
        """
        self.pool, self.stake, self.asset = pool, stake, reserve
        self.name = self.table = umbrella_table(pool.name, reserve)
        self.liquidation_fee, self.automatic, self.managers = liquidation_fee, automatic, managers
        self.stake_unit = int(10**stake_decimals)

    # --- reads -------------------------------------------------------------------------------------------

    def pending(self, view: View) -> int:
        """Return the deficit that slashes have paid for and nobody has burned claims against yet."""
        return view.cell(self.table, "pending")

    def offset(self, view: View) -> int:
        """Return the deficit below which stakers are not touched."""
        return view.cell(self.table, "offset")

    def slashable(self, view: View) -> int:
        """Return the deficit that stakers answer for now."""
        deficit = self.pool.reserve(view, self.asset).deficit
        return max(0, deficit - self.offset(view) - self.pending(view))

    def coverable_offset(self, view: View) -> int:
        """Return how much of the deficit may be covered as offset now."""
        deficit, pending, offset = (
            self.pool.reserve(view, self.asset).deficit,
            self.pending(view),
            self.offset(view),
        )
        return max(0, deficit - pending) if offset + pending > deficit else offset

    # --- verbs -------------------------------------------------------------------------------------------

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        match command:
            case Slash():
                return self.slash(view)
            case CoverPendingDeficit():
                require(self._may_cover(command.account), Reason.CALLER_MAY_NOT_COVER)
                deficit = self.pool.reserve(view, self.asset).deficit
                amount = min(command.amount, self.pending(view), deficit)
                require(amount > 0, Reason.PENDING_DEFICIT_IS_ZERO)
                return self._cover(view, command, PendingDeficitCovered, "pending", amount, at)
            case CoverDeficitOffset():
                require(self._may_cover(command.account), Reason.CALLER_MAY_NOT_COVER)
                amount = min(command.amount, self.coverable_offset(view))
                require(amount > 0, Reason.PENDING_DEFICIT_IS_ZERO)
                return self._cover(view, command, OffsetCovered, "offset", amount, at)
            case SetDeficitOffset():
                require(command.account == self.pool.rules.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
                deficit = self.pool.reserve(view, self.asset).deficit
                require(command.amount + self.pending(view) >= deficit, Reason.OFFSET_IS_TOO_LOW)
                cell = Cell(self.table, "offset", command.amount)
                return [
                    OffsetSet(venue=self.pool.name, asset=self.asset, amount=command.amount, cells=(cell,))
                ]
        raise AssertionError(command)

    def react(self, view: View, event: Event, _at: int) -> list[Event]:
        """Slash at once where that is wanted and something can be slashed."""
        mine = isinstance(event, ShortfallRecognised) and (event.venue, event.asset) == (
            self.pool.name,
            self.asset,  # of another debt of the same account, nobody has paid yet
        )
        if not (self.automatic and mine and self.slashable(view) and self.stake.slashable(view)):
            return []
        if not view.cell(ORACLE, self.stake.asset) or not self._wanted(view):
            return []  # a stake that is worth nothing pays for nothing; less than one unit of it neither
        return self.slash(view)

    def slash(self, view: View) -> list[Event]:
        """Take stake worth the slashable deficit (plus the fee); less where there is less."""
        deficit = self.slashable(view)
        require(deficit > 0, Reason.NOTHING_IS_SLASHABLE)
        require(view.cell(ORACLE, self.stake.asset) > 0, Reason.PRICE_IS_MISSING)
        want = self._wanted(view)
        require(want > 0, Reason.AMOUNT_IS_ZERO)  # `ZeroAmountSlashing`: the rest is worth no unit of stake
        most = self.stake.slashable(view)
        require(most > 0, Reason.STAKE_IS_EXHAUSTED)
        real = min(want, most)
        covered = deficit if real == want else mul_div_down(deficit, real, want)
        collected = view.cell(self.table, "collected") + real
        cells = (
            Cell(self.table, "collected", collected),
            Cell(self.table, "pending", self.pending(view) + covered),
        )
        raised = PendingDeficitRaised(venue=self.pool.name, asset=self.asset, amount=covered, cells=cells)
        return [self.stake.slashed(view, real, leaves=True), raised]

    def _may_cover(self, caller: str) -> bool:
        return self.managers is None or caller in self.managers

    def _wanted(self, view: View) -> int:
        """Return the stake that the slashable deficit and the fee are worth, down. Its price is not zero."""
        with_fee = mul_div_down(self.slashable(view), BPS + self.liquidation_fee, BPS)
        worth = view.cell(ORACLE, self.asset) * with_fee * self.stake_unit
        unit = self.pool.reserve(view, self.asset).unit
        return mul_div_down(worth, 1, view.cell(ORACLE, self.stake.asset) * unit)

    def _cover(
        self, view: View, command: Command, kind: type[Event], cell: str, amount: int, at: int
    ) -> list[Event]:
        """Burn the caller's claims against the deficit, and count down what they were owed for."""
        work = self.pool.work(view, at)
        self._burn(work, command.account, amount)
        left = view.cell(self.table, cell) - amount
        work.set_cell(self.table, cell, left)
        return work.done(kind, account=command.account, asset=self.asset, amount=amount)

    def _burn(self, work: Work, holder: str, amount: int) -> None:
        reserve = work.open_reserve(self.asset)
        scaled = ray_div_up(amount, reserve.liquidity_index)
        require(scaled <= work.supplied(self.asset, holder), Reason.BALANCE_IS_INSUFFICIENT)
        was_collateral = work.bits.is_collateral(work.flags(holder), self.asset)
        work.burn_claims(self.asset, holder, scaled)
        if was_collateral:
            work.require_safe(holder)
        reserve.deficit -= amount
        reserve.update_rates()
