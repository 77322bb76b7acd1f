"""An isolated market: one asset is lent against one collateral, and suppliers bear bad debt by share price.

    supply ─▶ shares of the supply        borrow ─▶ shares of the debt
    ⌊⌊collateral · price⌋ · lltv⌋ < debt: anybody may liquidate, as much as he likes
    no collateral left ─▶ the rest of the debt is a shortfall, at once

A venue is one market. Its one rule: a verb is one function of the contract, guard by guard. The totals, the
arithmetic and the books are in `isolated_work`, what people ask in `isolated_reads`, and who pays a shortfall
in `isolated_cover`.

Rules: Morpho Blue (morpho-org/morpho-blue 3085651a), Morpho.sol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from mutualize.commands import (
    ALL,
    Borrow,
    Command,
    ContributeToFund,
    Liquidate,
    ListReserve,
    OpenPosition,
    Repay,
    SetParameter,
    Supply,
    Withdraw,
)
from mutualize.errors import Reason, require
from mutualize.events import (
    Borrowed,
    Cell,
    Event,
    Liquidated,
    ParameterChanged,
    PositionOpened,
    Repaid,
    ShortfallRecognised,
    Supplied,
    Withdrawn,
)
from mutualize.isolated_commands import (
    AccrueInterest,
    BorrowShares,
    LiquidatePosition,
    RepayShares,
    SupplyShares,
    WithdrawCollateral,
    WithdrawShares,
)
from mutualize.isolated_events import MarketCreated
from mutualize.tables import ORACLE, exits_table
from mutualize.units import UINT256_MAX, WAD
from mutualize.venues.funds import contribute
from mutualize.venues.isolated_cover import MarketCover
from mutualize.venues.isolated_reads import MarketReads
from mutualize.venues.isolated_work import TERMS, Market, Names

if TYPE_CHECKING:
    from mutualize.book import View

FEE_MAX: Final = 25 * 10**16
"""The largest share of interest that may be the fee, WAD (`MAX_FEE`)."""
MOST: Final = {"lltv": WAD - 1, "rate_base": UINT256_MAX, "rate_slope": UINT256_MAX, "fee": FEE_MAX}
"""The most that each term may be, as `enableLltv` and `setFee` have it."""


class IsolatedMarket(MarketReads):
    """The venue. `decimals` are those of its two assets.

    `feed` is the name under which the oracle tells the price of the pair (times 10³⁶); without one the price
    follows from those of both assets. `fee_recipient` holds the fee, as a supplier.
    """

    def __init__(
        self,
        name: str,
        collateral: str,
        loan: str,
        decimals: Mapping[str, int],
        *,
        feed: str = "",
        fee_recipient: str = "treasury",
        governance: str = "governance",
    ) -> None:
        """Raise ValueError where both assets are the same: one account could not hold them apart."""
        if collateral == loan:
            raise ValueError(f"{name}: an isolated market has two assets, not {loan} alone")
        self.name, self.governance = name, governance
        self.assets = (loan, collateral)
        self.names = Names(
            venue=name,
            loan=loan,
            collateral=collateral,
            loan_decimals=decimals[loan],
            collateral_decimals=decimals[collateral],
            feed=feed,
            fee_recipient=fee_recipient,
        )
        self._verbs: dict[type[Command], Callable[[View, Any, int], list[Event]]] = {
            ListReserve: self.create,
            SetParameter: self.set_fee,
            AccrueInterest: self.accrue,
            Supply: self.supply_asset,
            SupplyShares: self.supply,
            Withdraw: self.withdraw_asset,
            WithdrawCollateral: self.withdraw_collateral,
            WithdrawShares: self.withdraw,
            Borrow: self.borrow_asset,
            BorrowShares: self.borrow,
            Repay: self.repay_asset,
            RepayShares: self.repay,
            OpenPosition: self.open_position,
            Liquidate: self.liquidate_asset,
            LiquidatePosition: self.liquidate,
            ContributeToFund: lambda _view, command, _at: contribute(command),
        }

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused. A number that is no unsigned word is refused first."""
        for value in attrs.astuple(command, recurse=False):
            require(not isinstance(value, int) or 0 <= value <= UINT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        return self._verbs[type(command)](view, command, at)

    def cover(self) -> MarketCover:
        """Return how tiers may pay this market's deficit."""
        return MarketCover(self.names)

    # --- set-up and governance ---------------------------------------------------------------------------

    def create(self, view: View, command: ListReserve, at: int) -> list[Event]:
        """Morpho `createMarket`. Terms that are not given are 0."""
        names, given = self.names, dict(command.parameters)
        require(command.asset == names.loan, Reason.RESERVE_IS_UNKNOWN)
        require(not view.has(names.market, "lltv"), Reason.PARAMETER_IS_INVALID)
        require(not set(given).difference(TERMS), Reason.PARAMETER_IS_INVALID)
        require(all(0 <= value <= MOST[name] for name, value in given.items()), Reason.PARAMETER_IS_INVALID)
        cells = {name: given.get(name, 0) for name in TERMS}
        cells |= dict.fromkeys(("supply_assets", "supply_shares", "borrow_assets", "borrow_shares"), 0)
        cells["last_update"] = at
        return [
            MarketCreated(
                venue=self.name,
                asset=names.loan,
                collateral=names.collateral,
                decimals=names.loan_decimals,
                collateral_decimals=names.collateral_decimals,
                cells=tuple(sorted(Cell(names.market, name, value) for name, value in cells.items())),
            )
        ]

    def set_fee(self, view: View, command: SetParameter, at: int) -> list[Event]:
        """Morpho `setFee`. Interest so far is shared at the old fee; all other terms are fixed."""
        require(command.account == self.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        require(command.asset == self.names.loan, Reason.RESERVE_IS_UNKNOWN)
        market = self.market(view, at)
        before = market.fee
        require(command.name == "fee", Reason.PARAMETER_IS_INVALID)
        require(command.value != before, Reason.PARAMETER_IS_INVALID)
        require(command.value <= FEE_MAX, Reason.PARAMETER_IS_INVALID)
        market.accrue()
        market.fee = command.value
        market.tell(ParameterChanged, asset=command.asset, name="fee", before=before, after=command.value)
        return market.events

    def accrue(self, view: View, _command: AccrueInterest, at: int) -> list[Event]:
        """Morpho `accrueInterest`."""
        return self.accrued(view, at).events

    # --- suppliers ---------------------------------------------------------------------------------------

    def supply(self, view: View, command: SupplyShares, at: int) -> list[Event]:
        """Morpho `supply`."""
        market, assets, shares = self.market(view, at), command.amount, command.shares
        require((assets == 0) != (shares == 0), Reason.INPUT_IS_INCONSISTENT)
        market.accrue()
        if assets:
            shares = market.supply.to_shares_down(assets)
        else:
            assets = market.supply.to_assets_up(shares)
        market.mint_supply(command.account, assets, shares)
        market.receive(assets)
        market.tell(Supplied, account=command.account, asset=self.names.loan, amount=assets, scaled=shares)
        return market.events

    def withdraw(self, view: View, command: WithdrawShares, at: int) -> list[Event]:
        """Morpho `withdraw`."""
        market, assets, shares = self.market(view, at), command.amount, command.shares
        require((assets == 0) != (shares == 0), Reason.INPUT_IS_INCONSISTENT)
        self._require_open(view)
        market.accrue()
        if assets:
            shares = market.supply.to_shares_up(assets)
        else:
            assets = market.supply.to_assets_down(shares)
        market.burn_supply(command.account, assets, shares)
        market.require_liquid()
        market.receive(-assets)
        market.tell(Withdrawn, account=command.account, asset=self.names.loan, amount=assets, scaled=shares)
        return market.events

    # --- borrowers ---------------------------------------------------------------------------------------

    def borrow(self, view: View, command: BorrowShares, at: int) -> list[Event]:
        """Morpho `borrow`."""
        market, assets, shares = self.market(view, at), command.amount, command.shares
        require((assets == 0) != (shares == 0), Reason.INPUT_IS_INCONSISTENT)
        market.accrue()
        assets, shares = self._draw(market, command.account, assets, shares)
        market.tell(Borrowed, account=command.account, asset=self.names.loan, amount=assets, scaled=shares)
        return market.events

    def _draw(self, market: Market, borrower: str, assets: int, shares: int) -> tuple[int, int]:
        """Lend assets, or what shares are worth; return both."""
        if assets:
            shares = market.borrow.to_shares_up(assets)
        else:
            assets = market.borrow.to_assets_down(shares)
        market.mint_debt(borrower, assets, shares)
        market.require_healthy(borrower)
        market.require_liquid()
        market.receive(-assets)
        return assets, shares

    def repay(self, view: View, command: RepayShares, at: int) -> list[Event]:
        """Morpho `repay`."""
        market, assets, shares = self.market(view, at), command.amount, command.shares
        require((assets == 0) != (shares == 0), Reason.INPUT_IS_INCONSISTENT)
        market.accrue()
        if assets:
            shares = market.borrow.to_shares_down(assets)
        else:
            assets = market.borrow.to_assets_up(shares)
        debtor = command.on_behalf_of or command.account
        market.burn_debt(debtor, assets, shares)
        market.receive(assets)
        market.tell(
            Repaid,
            account=debtor,
            payer=command.account,
            asset=self.names.loan,
            amount=assets,
            scaled=shares,
        )
        return market.events

    def supply_collateral(self, view: View, command: Supply, at: int) -> list[Event]:
        """Morpho `supplyCollateral`: no interest is reckoned."""
        market = self.market(view, at)
        require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
        market.pledge(command.account, command.amount)
        pledged = {"asset": command.asset, "amount": command.amount, "scaled": command.amount}
        market.tell(Supplied, account=command.account, **pledged)
        return market.events

    def withdraw_collateral(self, view: View, command: WithdrawCollateral, at: int) -> list[Event]:
        """Morpho `withdrawCollateral`."""
        market, amount = self.market(view, at), command.amount
        require(amount > 0, Reason.AMOUNT_IS_ZERO)
        self._require_open(view)
        market.accrue()
        market.pledge(command.account, -amount)
        market.require_healthy(command.account)
        taken = {"asset": self.names.collateral, "amount": amount, "scaled": amount}
        market.tell(Withdrawn, account=command.account, **taken)
        return market.events

    def open_position(self, view: View, command: OpenPosition, at: int) -> list[Event]:
        """Begin with a position: `supplyCollateral` and `borrow` in one event."""
        market = self.market(view, at)
        self._require_pair(command.collateral, command.debt)
        require(command.collateral_amount > 0, Reason.AMOUNT_IS_ZERO)
        market.accrue()
        market.pledge(command.account, command.collateral_amount)
        if command.debt_amount:
            self._draw(market, command.account, command.debt_amount, 0)
        market.tell(
            PositionOpened,
            account=command.account,
            collateral=command.collateral,
            collateral_amount=command.collateral_amount,
            debt=command.debt,
            debt_amount=command.debt_amount,
        )
        return market.events

    # --- liquidation -------------------------------------------------------------------------------------

    def liquidate(self, view: View, command: LiquidatePosition, at: int) -> list[Event]:
        """Morpho `liquidate`, by collateral that is seized or by shares of debt that are repaid.

        Who leaves a unit of collateral behind postpones the shortfall: the contract allows it.
        """
        market, borrower, seized, shares = (
            self.market(view, at),
            command.borrower,
            command.seized,
            command.shares,
        )
        require((seized == 0) != (shares == 0), Reason.INPUT_IS_INCONSISTENT)
        market.accrue()
        price = market.unhealthy_price(borrower)
        if seized:
            shares = market.shares_for(seized, price)
        else:
            seized = market.seized_for(shares, price)
        return self._close(market, command.account, borrower, seized, shares)

    def liquidate_asset(self, view: View, command: Liquidate, at: int) -> list[Event]:
        """Liquidate for up to `debt_to_cover` assets, at most what is owed, or all collateral pays for."""
        market, borrower = self.market(view, at), command.borrower
        self._require_pair(command.collateral, command.debt)
        require(not command.receive_claims, Reason.PARAMETER_IS_INVALID)
        require(command.debt_to_cover > 0, Reason.AMOUNT_IS_ZERO)
        market.accrue()
        price = market.unhealthy_price(borrower)
        if command.debt_to_cover >= market.debt(borrower):
            shares = market.owed(borrower)
        else:
            shares = market.borrow.to_shares_down(command.debt_to_cover)
        seized = market.pledged(borrower)
        enough = market.shares_for(seized, price)
        if enough <= shares:
            shares = enough
        else:
            require(shares > 0, Reason.AMOUNT_IS_TOO_SMALL)
            seized = market.seized_for(shares, price)
        return self._close(market, command.account, borrower, seized, shares)

    def _close(self, market: Market, liquidator: str, borrower: str, seized: int, shares: int) -> list[Event]:
        """Repay and seize; without collateral left the rest of the debt is a shortfall."""
        names = self.names
        paid = market.borrow.to_assets_up(shares)
        market.burn_debt(borrower, paid, shares)
        market.receive(paid)
        market.pledge(borrower, -seized)
        left = 0 if market.pledged(borrower) else market.owed(borrower)
        bad = min(market.borrow.assets, market.borrow.to_assets_up(left))
        if not bad:  # shares may be left of a debt that is paid
            market.burn_debt(borrower, 0, left)
        market.tell(
            Liquidated,
            liquidator=liquidator,
            account=borrower,
            collateral=names.collateral,
            debt=names.loan,
            paid=paid,
            seized=seized,
        )
        if bad:
            market.burn_debt(borrower, bad, left)
            market.move("deficit", bad)
            told = market.view.cell(ORACLE, names.loan)
            market.tell(ShortfallRecognised, account=borrower, asset=names.loan, amount=bad, price=told)
        return market.events

    # --- by asset, as all who lend are asked --------------------------------------------------------------

    def supply_asset(self, view: View, command: Supply, at: int) -> list[Event]:
        """Lend, or put up collateral."""
        if self._is_collateral(command.asset):
            return self.supply_collateral(view, command, at)
        asked = SupplyShares(venue=self.name, account=command.account, amount=command.amount)
        return self.supply(view, asked, at)

    def withdraw_asset(self, view: View, command: Withdraw, at: int) -> list[Event]:
        """Take out what was lent, or collateral; ALL for all of it."""
        amount, shares = command.amount, 0
        if self._is_collateral(command.asset):
            amount = self.market(view, at).pledged(command.account) if amount == ALL else amount
            wanted = WithdrawCollateral(venue=self.name, account=command.account, amount=amount)
            return self.withdraw_collateral(view, wanted, at)
        if amount == ALL:
            amount, shares = 0, self.market(view, at).supplied(command.account)
        asked = WithdrawShares(venue=self.name, account=command.account, amount=amount, shares=shares)
        return self.withdraw(view, asked, at)

    def borrow_asset(self, view: View, command: Borrow, at: int) -> list[Event]:
        """Draw a loan."""
        require(command.asset == self.names.loan, Reason.RESERVE_IS_UNKNOWN)
        asked = BorrowShares(venue=self.name, account=command.account, amount=command.amount)
        return self.borrow(view, asked, at)

    def repay_asset(self, view: View, command: Repay, at: int) -> list[Event]:
        """Repay a loan; ALL for all shares of the debt."""
        require(command.asset == self.names.loan, Reason.RESERVE_IS_UNKNOWN)
        debtor, amount, shares = command.on_behalf_of or command.account, command.amount, 0
        if amount == ALL:
            amount, shares = 0, self.market(view, at).owed(debtor)
        asked = RepayShares(
            venue=self.name, account=command.account, amount=amount, shares=shares, on_behalf_of=debtor
        )
        return self.repay(view, asked, at)

    # --- guards ------------------------------------------------------------------------------------------

    def _is_collateral(self, asset: str) -> bool:
        require(asset in self.assets, Reason.RESERVE_IS_UNKNOWN)
        return asset == self.names.collateral

    def _require_pair(self, collateral: str, debt: str) -> None:
        require((debt, collateral) == self.assets, Reason.RESERVE_IS_UNKNOWN)

    def _require_open(self, view: View) -> None:
        """Refuse while a waterfall has frozen exits, which no contract of this family does."""
        require(not view.cell(exits_table(self.name), "frozen"), Reason.EXITS_ARE_FROZEN)
