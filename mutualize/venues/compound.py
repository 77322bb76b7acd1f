"""Markets of Compound v2: pooled lending with cross collateral, claim tokens, and interest by the block.

    mint ─▶ claim tokens, worth more with interest     borrow ─▶ principal as of the market's index
    Σ debt > Σ collateral · factor ─▶ liquidateBorrow: at most half a debt, tokens seized at a bonus
    collateral gone, debt left ─▶ nothing: it goes on accruing, and the last to redeem find no cash

Its one rule: a verb is one function of CToken.sol, guard by guard; what the comptroller allows is in
`comptroller`, what a market's numbers do in `ctoken`. Rules: compound-finance/compound-protocol a3214f67.
Beside the contract: governance may recognise what no collateral covers, and then any tiers may pay it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from mutualize.book import View
from mutualize.commands import (
    ALL,
    Borrow,
    Command,
    ContributeToFund,
    Liquidate,
    ListReserve,
    OpenPosition,
    RecogniseShortfall,
    Repay,
    SetCollateral,
    SetParameter,
    Supply,
    TransferClaims,
    Withdraw,
)
from mutualize.compound_commands import AddReserves, Donate, RedeemTokens, WithdrawReserves
from mutualize.compound_events import Donated, ReservesAdded, ReservesWithdrawn
from mutualize.errors import Reason, require
from mutualize.events import (
    Borrowed,
    Cell,
    ClaimsTransferred,
    CollateralSet,
    Event,
    Liquidated,
    ParameterChanged,
    PositionOpened,
    Repaid,
    ReserveListed,
    Supplied,
    Withdrawn,
)
from mutualize.tables import exits_table, reserve_table
from mutualize.units import WAD, capped, div_down, highest_without, wad_div_down, wad_mul_down
from mutualize.venues.comptroller import CompoundRules, Liquidity, Work
from mutualize.venues.ctoken import PARAMETERS, CToken
from mutualize.venues.funds import contribute
from mutualize.venues.markets_cover import MarketsCover
from mutualize.venues.rules import Flags
from mutualize.venues.sheet import parameters_of, require_sound

_ACCRUING: Final = ("reserve_factor", "base", "multiplier", "jump", "kink", "blocks_per_year")
"""Parameters before whose change interest is reckoned, as in the contract."""


class Compound:
    """The venue. `assets` fixes the order of markets, and with it the bits of a holder's flags."""

    def __init__(self, name: str, assets: Sequence[str], rules: CompoundRules | None = None) -> None:
        self.name = name
        self.assets = tuple(assets)
        self.rules = rules or CompoundRules()
        self.bits = Flags(assets)
        self._verbs: dict[type[Command], Callable[[Work, Any], list[Event]]] = {
            ListReserve: self.list_market,
            SetParameter: self.set_parameter,
            Supply: self.supply,
            Withdraw: self.withdraw,
            RedeemTokens: self.redeem,
            Borrow: self.borrow,
            Repay: self.repay,
            SetCollateral: self.set_collateral,
            TransferClaims: self.transfer_claims,
            OpenPosition: self.open_position,
            Liquidate: self.liquidate,
            RecogniseShortfall: self.recognise,
            AddReserves: self.add_reserves,
            WithdrawReserves: self.withdraw_reserves,
            Donate: self.donate,
            ContributeToFund: lambda _, command: contribute(command),
        }

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        require_sound(command, self.assets)
        return self._verbs[type(command)](self.work(view, at), command)

    def work(self, view: View, at: int) -> Work:
        """Return working copies for one transaction, or for reading."""
        return Work(self.name, self.bits, self.rules, view, at)

    def cover(self) -> MarketsCover:
        """Return how tiers may pay this venue's deficits."""
        return MarketsCover(self)

    # --- reads -------------------------------------------------------------------------------------------

    def market(self, view: View, asset: str) -> CToken:
        """Return a copy of a market as it was last written. Refuses an asset that is not listed."""
        return CToken.load(view, self.name, asset)

    def decimals(self, view: View, asset: str) -> int:
        """Return the decimals of an asset."""
        return self.market(view, asset).decimals

    def _now(self, view: View, at: int) -> Work:
        """Return copies for reading, with interest up to now in all markets."""
        work = self.work(view, at)
        for asset in self.assets:
            if view.has(reserve_table(self.name, asset), "decimals"):
                work.accrue(asset)
        return work

    def claim(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what a holder's tokens are worth with interest up to `at`, rounded down."""
        return self._now(view, at).claim(asset, account)

    def debt(self, view: View, account: str, asset: str, at: int) -> int:
        """Return a borrower's debt with interest up to `at`, rounded down."""
        return self._now(view, at).debt(asset, account)

    def health(self, view: View, account: str, at: int) -> Liquidity:
        """Return what an account carries and owes with interest up to `at`. Refuses where a price is missing.

        The contract's own answer (`getAccountLiquidity`) is `work(view, at).liquidity(account)`: it reckons
        interest only as far as each market did last.
        """
        return self._now(view, at).liquidity(account)

    def most_repaid(self, view: View, borrower: str, debt: str, collateral: str, at: int) -> int:
        """Return the most of a debt that one liquidation may repay, for this collateral; base units."""
        return self._now(view, at).most_repaid(borrower, debt, collateral)

    def price_at_limit(self, view: View, account: str, asset: str, at: int) -> int | None:
        """Return the highest price of an asset (in the oracle's decimals) at which collateral does not do.

        All other prices as they are. None where no price of it makes the account unsafe by falling.
        """
        work = self._now(view, at)
        owed = work.debt(asset, account)
        if owed or not work.has_entered(account, asset) or not work.tokens(asset, account):
            return None
        carried, debts = work.liquidity(account)
        market, price = work.figures(asset), work.price(asset)
        share = wad_mul_down(market.collateral_factor, market.exchange_rate())
        own = wad_mul_down(wad_mul_down(share, price), work.tokens(asset, account))
        needed = debts - (carried - own)
        if needed <= 0:
            return None
        scale, unit = int(10 ** (36 - market.decimals)), int(10**self.rules.price_decimals)
        tokens = work.tokens(asset, account)

        def enough(price: int) -> bool:
            worth = div_down(share * div_down(price * scale, unit), WAD)
            return div_down(worth * tokens, WAD) >= needed

        return highest_without(enough)

    def utilization(self, view: View, asset: str) -> int:
        """Return borrows over what stands behind tokens as last written, in WAD, rounded down."""
        return self.market(view, asset).utilization()

    # --- set-up and governance ---------------------------------------------------------------------------

    def list_market(self, work: Work, command: ListReserve) -> list[Event]:
        """Open a market with its parameters; those not given have their default."""
        table = reserve_table(self.name, command.asset)
        require(not work.view.has(table, "decimals"), Reason.PARAMETER_IS_INVALID)
        values = parameters_of(PARAMETERS, dict(command.parameters))
        values |= {"accrual_block": div_down(work.at, self.rules.block_s), "borrow_index": WAD}
        market = CToken.of(self.name, command.asset, values)
        cells = {**market.cells(), "last_update": work.at}
        return [
            ReserveListed(
                venue=self.name,
                asset=command.asset,
                decimals=market.decimals,
                cells=tuple(Cell(table, name, value) for name, value in sorted(cells.items())),
            )
        ]

    def set_parameter(self, work: Work, command: SetParameter) -> list[Event]:
        """Change a parameter of a market. Interest so far is earned at the old terms."""
        name, value = command.name, command.value
        require(command.account == self.rules.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        require(name in PARAMETERS and name not in ("decimals", "initial_rate"), Reason.PARAMETER_IS_INVALID)
        require(PARAMETERS[name][1] <= value <= PARAMETERS[name][2], Reason.PARAMETER_IS_INVALID)
        asset = command.asset
        market = work.accrue(asset) if name in _ACCRUING else work.figures(asset)
        before = getattr(market, name)
        setattr(market, name, value)
        return work.done(ParameterChanged, asset=asset, name=name, before=before, after=value)

    # --- verbs -------------------------------------------------------------------------------------------

    def supply(self, work: Work, command: Supply) -> list[Event]:
        """CToken `mintInternal`, `mintFresh`."""
        tokens = self._mint(work, command.account, command.asset, command.amount)
        return work.done(
            Supplied, account=command.account, asset=command.asset, amount=command.amount, scaled=tokens
        )

    def _mint(self, work: Work, account: str, asset: str, amount: int) -> int:
        market = work.accrue(asset)
        require(not market.mint_paused, Reason.RESERVE_IS_PAUSED)
        tokens = wad_div_down(amount, market.exchange_rate())
        market.receive(amount)
        work.mint(asset, account, tokens)
        if tokens and self.rules.enters:
            work.flag_collateral(account, asset, on=True)
        return tokens

    def withdraw(self, work: Work, command: Withdraw) -> list[Event]:
        """CToken `redeemUnderlyingInternal`: tokens are rounded down, for once. ALL redeems all tokens."""
        rate = work.accrue(command.asset).exchange_rate()
        if command.amount == ALL:
            tokens = work.tokens(command.asset, command.account)
            require(tokens > 0, Reason.BALANCE_IS_ZERO)
            return self._redeem(work, command, tokens, wad_mul_down(rate, tokens))
        return self._redeem(work, command, wad_div_down(command.amount, rate), command.amount)

    def redeem(self, work: Work, command: RedeemTokens) -> list[Event]:
        """CToken `redeemInternal`. None at all is the same as no amount."""
        rate = work.accrue(command.asset).exchange_rate()
        amount = wad_mul_down(rate, command.tokens) if command.tokens else wad_div_down(0, rate)
        return self._redeem(work, command, command.tokens, amount)

    def _redeem(self, work: Work, command: Withdraw | RedeemTokens, tokens: int, amount: int) -> list[Event]:
        """CToken `redeemFresh`, Comptroller `redeemVerify`."""
        asset, holder = command.asset, command.account
        require(not work.view.cell(exits_table(self.name), "frozen"), Reason.EXITS_ARE_FROZEN)
        work.require_redeemable(holder, asset, tokens)
        work.figures(asset).pay_out(amount)
        require(tokens > 0 or not amount, Reason.AMOUNT_IS_TOO_SMALL)
        work.burn(asset, holder, tokens)
        return work.done(Withdrawn, account=holder, asset=asset, amount=amount, scaled=tokens)

    def borrow(self, work: Work, command: Borrow) -> list[Event]:
        """CToken `borrowInternal`, `borrowFresh`."""
        work.accrue(command.asset)
        principal = self._lend(work, command.account, command.asset, command.amount)
        return work.done(
            Borrowed, account=command.account, asset=command.asset, amount=command.amount, scaled=principal
        )

    def _lend(self, work: Work, account: str, asset: str, amount: int) -> int:
        market = work.figures(asset)
        work.require_borrowable(account, asset, amount)
        market.pay_out(amount)
        principal = capped(work.debt(asset, account) + amount)
        market.total_borrows = capped(market.total_borrows + amount)
        work.owe(asset, account, principal)
        return principal

    def repay(self, work: Work, command: Repay) -> list[Event]:
        """CToken `repayBorrowBehalfInternal`, `repayBorrowFresh`. More than is owed is refused."""
        work.accrue(command.asset)
        debtor = command.on_behalf_of or command.account
        paid = work.debt(command.asset, debtor) if command.amount == ALL else command.amount
        self._take(work, debtor, command.asset, paid)
        return work.done(
            Repaid, account=debtor, payer=command.account, asset=command.asset, amount=paid, scaled=paid
        )

    def _take(self, work: Work, debtor: str, asset: str, amount: int) -> None:
        work.figures(asset).receive(amount)
        work.repay(asset, debtor, amount)

    def set_collateral(self, work: Work, command: SetCollateral) -> list[Event]:
        """Comptroller `enterMarkets`, `exitMarket`: no accrual."""
        asset, holder = command.asset, command.account
        work.figures(asset)
        if work.has_entered(holder, asset) == command.on:
            return []
        if not command.on:
            require(not work.debt(asset, holder), Reason.CALLER_HAS_DEBT)
            work.require_redeemable(holder, asset, work.tokens(asset, holder))
        work.flag_collateral(holder, asset, on=command.on)
        return work.done(CollateralSet, account=holder, asset=asset, on=command.on)

    def transfer_claims(self, work: Work, command: TransferClaims) -> list[Event]:
        """CToken `transferTokens`: no accrual. An amount is turned into tokens, rounded up."""
        asset, holder = command.asset, command.account
        held, market = work.tokens(asset, holder), work.figures(asset)
        whole = command.amount == ALL
        tokens = held if whole else market.units_for(command.amount)
        work.require_redeemable(holder, asset, tokens)
        require(command.to != holder, Reason.PARAMETER_IS_INVALID)
        work.give(asset, holder, command.to, tokens)
        amount = wad_mul_down(market.exchange_rate(), tokens) if whole else command.amount
        return work.done(
            ClaimsTransferred, account=holder, to=command.to, asset=asset, amount=amount, scaled=tokens
        )

    def open_position(self, work: Work, command: OpenPosition) -> list[Event]:
        """Begin with a position: `supply` and `borrow` in one event."""
        holder = command.account
        self._mint(work, holder, command.collateral, command.collateral_amount)
        work.flag_collateral(holder, command.collateral, on=True)
        if command.debt_amount:
            work.accrue(command.debt)
            self._lend(work, holder, command.debt, command.debt_amount)
        return work.done(
            PositionOpened,
            account=holder,
            collateral=command.collateral,
            collateral_amount=command.collateral_amount,
            debt=command.debt,
            debt_amount=command.debt_amount,
        )

    def liquidate(self, work: Work, command: Liquidate) -> list[Event]:
        """CToken `liquidateBorrowInternal`, `liquidateBorrowFresh`, `seizeInternal`.

        Who asks for ALL gets the most that the contract lets him repay. Who takes no claims redeems at once
        what he seized, as liquidators do in the same transaction.
        """
        borrower, debt, collateral = command.borrower, command.debt, command.collateral
        work.accrue(debt)
        market = work.accrue(collateral)
        paid = command.debt_to_cover
        if paid == ALL:
            paid = work.most_repaid(borrower, debt, collateral)
        work.require_liquidatable(borrower, debt, paid)
        require(borrower != command.account, Reason.BORROWER_IS_LIQUIDATOR)
        require(paid > 0, Reason.AMOUNT_IS_ZERO)
        self._take(work, borrower, debt, paid)
        seized = wad_mul_down(work.seize_ratio(debt, collateral), paid)
        require(work.tokens(collateral, borrower) >= seized, Reason.SEIZURE_IS_TOO_LARGE)
        require(not market.seize_paused, Reason.RESERVE_IS_PAUSED)
        rate, share = market.exchange_rate(), wad_mul_down(seized, self.rules.seize_share)
        fee, kept = wad_mul_down(rate, share), seized - share
        market.total_reserves = capped(market.total_reserves + fee)
        work.burn(collateral, borrower, share)
        if command.receive_claims:
            got = wad_mul_down(rate, kept)
            work.give(collateral, borrower, command.account, kept)
        else:
            got = wad_mul_down(market.exchange_rate(), kept)  # the reserves' share may have lifted it
            market.pay_out(got)
            work.burn(collateral, borrower, kept)
        return work.done(
            Liquidated,
            liquidator=command.account,
            account=borrower,
            collateral=collateral,
            debt=debt,
            paid=paid,
            seized=got,
            fee=fee,
            claims=command.receive_claims,
        )

    # --- reserves ----------------------------------------------------------------------------------------

    def add_reserves(self, work: Work, command: AddReserves) -> list[Event]:
        """CToken `_addReservesInternal`."""
        market = work.accrue(command.asset)
        market.receive(command.amount)
        market.total_reserves = capped(market.total_reserves + command.amount)
        return work.done(ReservesAdded, account=command.account, asset=command.asset, amount=command.amount)

    def withdraw_reserves(self, work: Work, command: WithdrawReserves) -> list[Event]:
        """CToken `_reduceReserves`."""
        market = work.accrue(command.asset)
        require(command.account == self.rules.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        market.pay_out(command.amount)
        require(command.amount <= market.total_reserves, Reason.RESERVES_ARE_INSUFFICIENT)
        market.total_reserves -= command.amount
        return work.done(
            ReservesWithdrawn, account=command.account, asset=command.asset, amount=command.amount
        )

    def donate(self, work: Work, command: Donate) -> list[Event]:
        """Send the asset to the contract: no verb of its own, but its cash is what it has."""
        work.figures(command.asset).receive(command.amount)
        return work.done(Donated, account=command.account, asset=command.asset, amount=command.amount)

    # --- beside the contract -----------------------------------------------------------------------------

    def recognise(self, work: Work, command: RecogniseShortfall) -> list[Event]:
        """Move what an account's collateral does not cover of a debt to the deficit: the tiers pay it."""
        require(command.account == self.rules.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        for asset in self.assets:
            if work.view.has(reserve_table(self.name, asset), "decimals"):
                work.accrue(asset)
        require(work.debt(command.asset, command.borrower) > 0, Reason.DEBT_IS_NOT_OWED)
        lent = work.figures(command.asset).total_borrows  # some units less than all debts, by rounding
        amount = min(work.uncovered(command.asset, command.borrower), lent)
        require(amount > 0, Reason.COLLATERAL_COVERS_DEBT)
        shortfall = work.recognise(command.asset, command.borrower, amount)
        return [*work.accruals(), shortfall]
