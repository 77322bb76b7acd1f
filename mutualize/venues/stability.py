"""A trove system with a stability pool: stablecoins against collateral, liquidated at once (Liquity v1).

    open ─▶ trove: collateral · price ≥ 110 % of debt ─▶ stablecoins ─▶ deposited in the stability pool
    price falls ─▶ liquidation ─▶ its debt is a shortfall, its collateral goes with it:
        depositors of the stability pool, as far as they go ─▶ all other troves, by stake
    all troves together below 150 %: recovery mode, in which safer troves are liquidated, too

What it holds is in `troves`, liquidations in `trove_liquidation`, who bears them in `stability_cover`. Its
one rule: a verb is one function of the contract, guard by guard. Rules: `BorrowerOperations.sol`, liquity/dev
9c79c9ec.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from mutualize.commands import Command, ContributeToFund, Liquidate, Supply, TransferClaims, Withdraw
from mutualize.errors import Reason, require
from mutualize.events import ClaimsTransferred, Event
from mutualize.trove_commands import AdjustTrove, ClaimSurplus, CloseTrove, LiquidateTroves, OpenTrove
from mutualize.trove_events import (
    BY_OWNER,
    PoolDeposited,
    PoolWithdrawn,
    SurplusClaimed,
    TroveAdjusted,
    TroveClosed,
    TroveOpened,
)
from mutualize.units import UINT256_MAX, WAD, div_down, div_up, mul_div_up, plus, times
from mutualize.venues import trove_liquidation
from mutualize.venues.funds import contribute
from mutualize.venues.stability_cover import StabilityCover
from mutualize.venues.stability_pool import V1, Index
from mutualize.venues.troves import (
    ACTIVE,
    CLOSED_BY_OWNER,
    GAS_ACCOUNT,
    NOMINAL,
    POOL_ACCOUNT,
    POOL_TIER,
    SURPLUS_ACCOUNT,
    Rules,
    Terms,
    Troves,
    ratio_of,
)

if TYPE_CHECKING:
    from mutualize.book import View

_WORDS: Final = ("collateral", "amount", "collateral_in", "collateral_out", "debt", "count")
"""Fields of commands that are unsigned machine words, where they are integers."""


@attrs.frozen
class Trove:
    """A trove as it is now, with what is pending: base units, and its ratio at the oracle's price (WAD)."""

    collateral: int
    debt: int
    ratio: int


class Stability:
    """The venue. `index` is how its pool follows deposits; `price_decimals` are the oracle's."""

    def __init__(
        self,
        name: str,
        stablecoin: str = "LUSD",
        collateral: str = "ETH",
        *,
        rules: Rules | None = None,
        index: Index = V1,
        price_decimals: int = 8,
    ) -> None:
        self.name, self.assets = name, (stablecoin, collateral)
        self.terms = Terms(
            venue=name,
            collateral=collateral,
            stablecoin=stablecoin,
            rules=rules or Rules(),
            index=index,
            price_decimals=price_decimals,
        )
        self._verbs: dict[type[Command], Callable[[Troves, Any], None]] = {
            OpenTrove: _open,
            AdjustTrove: _adjust,
            CloseTrove: _close,
            ClaimSurplus: _claim,
            TransferClaims: _transfer,
            Supply: _provide,
            Withdraw: _withdraw,
            ContributeToFund: _contribute,
            Liquidate: lambda troves, c: trove_liquidation.liquidate(troves, c.account, c.borrower),
            LiquidateTroves: trove_liquidation.liquidate_troves,
        }

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        words = [word for word in (getattr(command, field, 0) for field in _WORDS) if isinstance(word, int)]
        require(min(words) >= 0 and max(words) <= UINT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        require(all(self._knows(command)), Reason.RESERVE_IS_UNKNOWN)
        troves = self.troves(view, at)
        self._verbs[type(command)](troves, command)
        return troves.events

    def _knows(self, command: Command) -> list[bool]:
        """Say of each thing that a command names whether it is this venue's; nobody is called ''."""
        stablecoin, collateral = self.assets
        named = [bool(command.account), bool(getattr(command, "to", "x"))]
        if isinstance(command, Liquidate):
            return [*named, command.debt == stablecoin, command.collateral == collateral]
        return [*named, getattr(command, "asset", stablecoin) == stablecoin]

    def cover(self) -> StabilityCover:
        """Return how tiers may pay this venue's deficits."""
        return StabilityCover(self.terms)

    # --- reads -------------------------------------------------------------------------------------------

    def troves(self, view: View, at: int = 0) -> Troves:
        """Return working copies for one transaction, or for reading."""
        return Troves(self.terms, view, at)

    def trove(self, view: View, owner: str) -> Trove | None:
        """Return somebody's trove, if he has one."""
        troves = self.troves(view)
        if not troves.is_active(owner):
            return None
        coll, debt = troves.entire(owner)
        return Trove(coll, debt, ratio_of(coll, debt, troves.price))

    def price_safe(self, view: View, owner: str) -> int:
        """Return the least price, in the oracle's decimals, at which somebody's trove is safe; 0 for none.

        In recovery mode a trove above it may be liquidated, too (`is_in_recovery`, `total_ratio`).
        """
        coll, debt = self.troves(view).entire(owner)
        least = mul_div_up(self.terms.rules.minimum_ratio, debt, coll) if coll else 0
        return div_up(least, int(10 ** (18 - self.terms.price_decimals)))

    def is_in_recovery(self, view: View) -> bool:
        """Say whether the system is in recovery mode at the oracle's price."""
        troves = self.troves(view)
        return troves.is_in_recovery(troves.price)

    def total_ratio(self, view: View) -> int:
        """Return the ratio of the whole system at the oracle's price, WAD."""
        troves = self.troves(view)
        return troves.total_ratio(troves.price)

    def riskiest(self, view: View, count: int) -> list[str]:
        """Return the owners of so many troves, the riskiest first."""
        order, found = self.troves(view).order, list[str]()
        owner = order.prev("")
        while owner and len(found) < count:
            found.append(owner)
            owner = order.prev(owner)
        return found

    def deposit(self, view: View, who: str) -> tuple[int, int]:
        """Return what somebody's deposit in the pool is worth, and the collateral that it has gained."""
        pool = self.troves(view).pool
        return pool.worth(who), pool.gain(who)

    def held(self, view: View, who: str) -> int:
        """Return the stablecoins that somebody has outside of the pool."""
        return self.troves(view).held(who)

    def surplus(self, view: View, who: str) -> int:
        """Return the collateral that somebody can claim after a liquidation."""
        return self.troves(view).get("surplus", who)


# --- troves ----------------------------------------------------------------------------------------------


def _fee(troves: Troves, amount: int) -> int:
    """Return the fee on what is drawn, rounded down. `triggerBorrowingFee`."""
    return div_down(times(troves.rules.fee, amount), WAD)


def _require_system_safe(troves: Troves, coll: int, debt: int, price: int) -> None:
    """Refuse what would lead to recovery mode. `getNewTCRFromTroveChange`."""
    ratio = ratio_of(plus(troves.collateral, coll), plus(troves.debt, debt), price)
    require(ratio >= troves.rules.critical_ratio, Reason.SYSTEM_WOULD_BE_CRITICAL)


def _draw(troves: Troves, owner: str, amount: int, fee: int) -> None:
    """Make stablecoins for a trove's owner, and the fee for the stakers of the protocol's own token."""
    troves.lend("claims", amount)
    troves.lend("treasury", fee)
    troves.credit(owner, amount)


def _open(troves: Troves, command: OpenTrove) -> None:
    """Open a trove. `openTrove`."""
    rules, owner, price = troves.rules, command.account, troves.price
    recovery = troves.is_in_recovery(price)
    require(not troves.is_active(owner), Reason.TROVE_IS_ACTIVE)
    fee = 0 if recovery else _fee(troves, command.amount)
    net = plus(command.amount, fee)
    require(net >= rules.net_debt_min, Reason.TROVE_DEBT_IS_TOO_SMALL)
    coll, debt = command.collateral, plus(net, rules.reserve)
    ratio, nominal = (ratio_of(coll, debt, each) for each in (price, NOMINAL))
    if recovery:
        require(ratio >= rules.critical_ratio, Reason.TROVE_WOULD_BE_CRITICAL)
    else:
        require(ratio >= rules.minimum_ratio, Reason.TROVE_WOULD_BE_UNSAFE)
        _require_system_safe(troves, coll, debt, price)
    require(nominal > 0, Reason.COLLATERAL_IS_INSUFFICIENT)  # SortedTroves `_insert`
    troves.put("status", owner, ACTIVE)
    troves.change(owner, coll, debt)
    troves.snapshot(owner)
    troves.restake(owner)
    troves.order.insert(owner, nominal)
    troves["count"] += 1
    troves.bring(coll)
    _draw(troves, owner, command.amount, fee)
    troves.lend(GAS_ACCOUNT, rules.reserve)
    troves.name_assets()
    troves.tell(
        TroveOpened,
        account=owner,
        collateral=troves.terms.collateral,
        debt=troves.terms.stablecoin,
        collateral_amount=coll,
        drawn=command.amount,
        fee=fee,
        reserve=rules.reserve,
    )


def _adjust(troves: Troves, command: AdjustTrove) -> None:
    """Change a trove. `adjustTrove`."""
    owner, price = command.account, troves.price
    recovery = troves.is_in_recovery(price)
    require(command.debt > 0 or not command.draws, Reason.DEBT_CHANGE_IS_ZERO)
    require(not command.collateral_in or not command.collateral_out, Reason.COLLATERAL_GOES_BOTH_WAYS)
    changes = command.collateral_in or command.collateral_out or command.debt
    require(changes > 0, Reason.ADJUSTMENT_IS_EMPTY)
    require(troves.is_active(owner), Reason.TROVE_IS_NOT_ACTIVE)
    taken = troves.take_pending(owner)
    fee = _fee(troves, command.debt) if command.draws and not recovery else 0
    coll_change = command.collateral_in - command.collateral_out
    debt_change = plus(command.debt, fee) if command.draws else -command.debt
    before = troves.get("coll", owner), troves.get("debt", owner)
    after = plus(before[0], coll_change), plus(before[1], debt_change)
    _require_adjustable(troves, command, before, after, price=price, recovery=recovery)
    if command.debt and not command.draws:
        _require_repayable(troves, owner, before[1], command.debt)
    nominal = ratio_of(*after, NOMINAL)
    require(nominal > 0, Reason.COLLATERAL_IS_INSUFFICIENT)  # SortedTroves `reInsert`
    troves.change(owner, coll_change, debt_change)
    troves.restake(owner)
    troves.order.remove(owner)
    troves.order.insert(owner, nominal)
    if command.draws:
        _draw(troves, owner, command.debt, fee)
    else:
        troves.credit(owner, -command.debt)
        troves.repay("claims", command.debt)
    troves.bring(coll_change)
    troves.tell(
        TroveAdjusted,
        account=owner,
        collateral=troves.terms.collateral,
        debt=troves.terms.stablecoin,
        collateral_change=coll_change,
        debt_change=debt_change,
        fee=fee,
        taken_collateral=taken[0],
        taken_debt=taken[1],
    )


def _require_adjustable(
    troves: Troves,
    command: AdjustTrove,
    before: tuple[int, int],
    after: tuple[int, int],
    *,
    price: int,
    recovery: bool,
) -> None:
    """Refuse what the system's mode forbids. `requireValidAdjustmentInCurrentMode`."""
    old, new = ratio_of(*before, price), ratio_of(*after, price)
    if not recovery:
        require(new >= troves.rules.minimum_ratio, Reason.TROVE_WOULD_BE_UNSAFE)
        _require_system_safe(troves, after[0] - before[0], after[1] - before[1], price)
        return
    require(not command.collateral_out, Reason.COLLATERAL_IS_HELD)
    if command.draws:
        require(new >= troves.rules.critical_ratio, Reason.TROVE_WOULD_BE_CRITICAL)
        require(new >= old, Reason.TROVE_WOULD_BE_WORSE)


def _require_repayable(troves: Troves, owner: str, debt: int, amount: int) -> None:
    """Refuse to repay what is not to be repaid, or not had. `requireAtLeastMinNetDebt` and the next two."""
    net = plus(plus(debt, -troves.rules.reserve), -amount)
    require(net >= troves.rules.net_debt_min, Reason.TROVE_DEBT_IS_TOO_SMALL)
    require(troves.held(owner) >= amount, Reason.STABLECOINS_ARE_INSUFFICIENT)


def _close(troves: Troves, command: CloseTrove) -> None:
    """Repay all and take the collateral. `closeTrove`."""
    owner, price, reserve = command.account, troves.price, troves.rules.reserve
    require(troves.is_active(owner), Reason.TROVE_IS_NOT_ACTIVE)
    require(not troves.is_in_recovery(price), Reason.SYSTEM_IS_IN_RECOVERY)
    troves.take_pending(owner)
    coll, debt = troves.get("coll", owner), troves.get("debt", owner)
    own = plus(debt, -reserve)
    require(troves.held(owner) >= own, Reason.STABLECOINS_ARE_INSUFFICIENT)
    _require_system_safe(troves, -coll, -debt, price)
    troves.remove_stake(owner)
    troves.close(owner, CLOSED_BY_OWNER)
    troves.credit(owner, -own)
    troves.repay("claims", own)
    troves.repay(GAS_ACCOUNT, reserve)
    troves.bring(-coll)
    troves.tell(
        TroveClosed,
        account=owner,
        collateral=troves.terms.collateral,
        debt=troves.terms.stablecoin,
        collateral_amount=coll,
        debt_amount=debt,
        reason=BY_OWNER,
        returned=coll,
        surplus=0,
        reserve=reserve,
    )


def _claim(troves: Troves, command: ClaimSurplus) -> None:
    """Take what a liquidation left. CollSurplusPool `claimColl`."""
    amount, collateral = troves.get("surplus", command.account), troves.terms.collateral
    require(amount > 0, Reason.SURPLUS_IS_ZERO)
    troves.put("surplus", command.account, 0)
    troves["surplus"] -= amount
    troves.post(SURPLUS_ACCOUNT, "cash", collateral, amount)
    troves.tell(SurplusClaimed, account=command.account, asset=collateral, amount=amount)


# --- stablecoins and the pool ----------------------------------------------------------------------------


def _transfer(troves: Troves, command: TransferClaims) -> None:
    """Give stablecoins to somebody. LUSDToken `transfer`."""
    troves.credit(command.account, -command.amount)
    troves.credit(command.to, command.amount)
    troves.tell(
        ClaimsTransferred,
        account=command.account,
        to=command.to,
        asset=troves.terms.stablecoin,
        amount=command.amount,
        scaled=command.amount,
    )


def _provide(troves: Troves, command: Supply) -> None:
    """Put stablecoins into the pool. StabilityPool `provideToSP`."""
    gain, lost = troves.pool.provide(command.account, command.amount)
    _move_to_pool(troves, command.account, command.amount, gain)
    _tell_deposit(troves, PoolDeposited, command.account, command.amount, gain, lost)


def _withdraw(troves: Troves, command: Withdraw) -> None:
    """Take stablecoins out of the pool, but not while a trove is to be liquidated. `withdrawFromSP`."""
    if command.amount:
        lowest = troves.ratio(troves.order.prev(""), troves.price)
        require(lowest >= troves.rules.minimum_ratio, Reason.TROVES_ARE_UNSAFE)
    taken, gain, lost = troves.pool.withdraw(command.account, command.amount)
    _move_to_pool(troves, command.account, -taken, gain)
    _tell_deposit(troves, PoolWithdrawn, command.account, taken, gain, lost)


def _move_to_pool(troves: Troves, who: str, amount: int, gain: int) -> None:
    """Book what goes into the pool, or (below zero) comes out, and the gain that is paid."""
    troves.credit(who, -amount)
    if amount > 0:
        troves.post("claims", POOL_ACCOUNT, troves.terms.stablecoin, amount)
    else:
        troves.post(POOL_ACCOUNT, "claims", troves.terms.stablecoin, -amount)
    troves.post(POOL_ACCOUNT, "cash", troves.terms.collateral, gain)


def _tell_deposit(troves: Troves, kind: type[Event], who: str, amount: int, gain: int, lost: int) -> None:
    terms = troves.terms
    troves.tell(
        kind,
        account=who,
        asset=terms.stablecoin,
        amount=amount,
        collateral=terms.collateral,
        gain=gain,
        lost=lost,
    )


def _contribute(troves: Troves, command: ContributeToFund) -> None:
    """Put stablecoins from outside into a tier's purse, of which the contract knows nothing."""
    events = contribute(command)
    require(command.tier not in (POOL_TIER, GAS_ACCOUNT.removeprefix("tier:")), Reason.CALLER_IS_A_CONTRACT)
    troves.events.extend(events)
