"""What an isolated market tells of itself, as every venue that lends does (`lending.Lending`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mutualize import accounts
from mutualize.book import View, balance
from mutualize.commands import Liquidate
from mutualize.errors import Reason
from mutualize.events import Event
from mutualize.tables import ORACLE, exits_table
from mutualize.units import RAY, UINT256_MAX, WAD, mul_div_down, mul_div_up
from mutualize.venues.isolated import IsolatedMarket
from mutualize.venues.isolated_work import PRICE_SCALE, VIRTUAL_ASSETS, VIRTUAL_SHARES
from mutualize.venues.lending import DEBTORS, Counted, Rate
from mutualize.venues.rules import Flags


class Pledgers(Mapping[str, int]):
    """The flags of all who owe against collateral: they have all the same."""

    def __init__(self, debts: Mapping[str, int], pledged: Mapping[str, int], flags: int) -> None:
        self._debts, self._pledged, self._flags = debts, pledged, flags

    def __getitem__(self, name: str) -> int:
        if self._debts.get(name) and self._pledged.get(name):
            return self._flags
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name, debt in self._debts.items() if debt and self._pledged.get(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class IsolatedLending:
    """One market: one asset is lent, against one collateral."""

    whole = WAD
    flags_table = ""
    tells_cash = False

    def __init__(self, market: IsolatedMarket) -> None:
        self.market = market
        names = self._names = market.names
        self.name = market.name
        self.assets: tuple[str, ...] = market.assets
        self.bits = Flags(self.assets)
        self._flags = self.bits.pair(names.collateral, names.loan)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables, keyed by account, that say what somebody has put up or owes."""
        return self._names.debt, self._names.pledged

    @property
    def books(self) -> Mapping[str, str]:
        """The table of the loan's own numbers."""
        return {self._names.loan: self._names.market}

    # --- debtors -----------------------------------------------------------------------------------------

    def flags(self, view: View) -> Mapping[str, int]:
        """Return the flags of all who have a position."""
        return Pledgers(view.table(self._names.debt), view.table(self._names.pledged), self._flags)

    def held(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the collateral that each has put up, base units."""
        return view.table(self._names.pledged) if asset == self._names.collateral else {}

    def owed(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the shares of the debt of each."""
        return view.table(self._names.debt) if asset == self._names.loan else {}

    def counted(self, view: View, asset: str, at: int) -> Counted | None:
        """Return what an asset comes to; None where the market was not created, or has no price."""
        names, price = self._names, view.table(ORACLE).get(asset)
        if price is None or not view.has(names.market, "lltv"):
            return None
        market = self.market.accrued(view, at)
        is_loan = asset == names.loan
        above, below = market.borrow.assets + VIRTUAL_ASSETS, market.borrow.shares + VIRTUAL_SHARES
        return Counted(
            price=price,
            income=RAY,
            debt=mul_div_up(above, RAY, below) if is_loan else RAY,
            threshold=0 if is_loan else market.lltv,
            bonus=WAD if is_loan else market.incentive(),
            unit=int(10 ** (names.loan_decimals if is_loan else names.collateral_decimals)),
        )

    def factor(self, view: View, at: int) -> Callable[[str], int]:
        """Return the function that tells an account's health factor; interest is reckoned once for all."""
        market, price = self.market.accrued(view, at), self.market.price(view)

        def factor(name: str) -> int:
            debt = market.debt(name)
            return mul_div_down(market.borrowable(name, price), WAD, debt) if debt else UINT256_MAX

        return factor

    def moves_all(self, event: Event) -> str:
        """Say whom a loss that was absorbed moves: all who owe, where loans bear it."""
        return DEBTORS if any(key == "borrow_assets" for _, key, _ in event.cells) else ""

    def debt(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account owes, base units, rounded up."""
        return self.market.debt(view, account, asset, at) if asset == self._names.loan else 0

    def ltv(self, view: View, asset: str) -> int:
        """Return the share of an asset's worth that may be borrowed against it (WAD): all up to the limit."""
        return self.market.market(view, 0).lltv if asset == self._names.collateral else 0

    def room(self, view: View, account: str, at: int) -> int:
        """Return how much more an account may borrow, 8-decimals money, rounded down."""
        health = self.market.health(view, account, at)
        return self._worth(view, health.borrowable) - self._worth(view, health.debt)

    def lends(self, view: View, asset: str, amount: int, at: int) -> int:
        """Return how much more may be borrowed against `amount` more of the collateral, money."""
        if asset != self._names.collateral:
            return 0
        worth = mul_div_down(amount, self.market.price(view), PRICE_SCALE)
        return self._worth(view, mul_div_down(worth, self.ltv(view, asset), WAD))

    def _worth(self, view: View, amount: int) -> int:
        """Return what base units of the loan are worth, 8-decimals money."""
        return mul_div_down(amount, view.cell(ORACLE, self._names.loan), int(10**self._names.loan_decimals))

    def rate(self, view: View, at: int, collateral: str, debt: str) -> Rate | None:
        """Return how much collateral is seized per unit repaid; None where it is worth nothing."""
        price = self.market.price(view)
        if not price or (debt, collateral) != self.assets:
            return None
        return self.market.incentive(view) * PRICE_SCALE, price * WAD

    def smaller(self, view: View, at: int, wish: Liquidate, refused: Reason) -> int:
        """Return 0: a market takes any amount, or none."""
        return 0

    # --- suppliers ---------------------------------------------------------------------------------------

    def claim(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account may take out, base units, rounded down."""
        return self.market.claim(view, account, asset, at)

    def claims(self, view: View, asset: str) -> int:
        """Return all claims to an asset as last written, base units."""
        if asset == self._names.loan:
            return self.market.market(view, 0).supply.assets
        return balance(view, accounts.account(self.name, "claims"), asset)

    def deficit(self, view: View, asset: str) -> int:
        """Return the recognised shortfall that nobody has paid yet, base units."""
        return balance(view, accounts.account(self.name, "deficit"), asset)

    def cash(self, view: View, asset: str) -> int:
        """Return how much of an asset can be borrowed or taken out, base units."""
        if asset == self._names.loan:
            return max(0, self.market.liquidity(view))
        return balance(view, accounts.account(self.name, "cash"), asset)

    def is_closed(self, view: View, asset: str) -> bool:
        """Say whether exits are frozen; the contract itself never closes."""
        return bool(view.cell(exits_table(self.name), "frozen"))

    def utilization(self, view: View, asset: str) -> int:
        """Return what is lent over what was supplied, in WAD, as last written."""
        return self.market.utilization(view)
