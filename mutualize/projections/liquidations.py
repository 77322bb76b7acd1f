"""Liquidations with their cost taken apart.

    bonus   what the debtor gave beyond the debt that was repaid, at the oracle's prices
      = fee         the part that treasury and fund took
      + gap         oracle price against market price: what was seized was worth less, or the debt more
      + slippage    market price before the trade against what the trade brought
      + gas         the chain's part, where its asset has a price
      + profit      what was left to the liquidators

    A trove's liquidator gets the reserve that it had put aside, too: it is part of the bonus.

    harm    what a debtor lost beyond the bonus, since the market paid more for what was seized (or asked less
            for what was repaid) than the oracle said: the gap of a liquidation, where it is below zero. It is
            an outcome of its own: there can be harm without any shortfall.

Money has 8 decimals; every part is rounded down where it arises, and `profit` is what remains, so the parts
sum to the bonus exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from mutualize.events import Entry, GasPaid, Liquidated, Traded
from mutualize.projections.frame import Frame, Handlers
from mutualize.projections.mirror import Mirror
from mutualize.trove_events import LIQUIDATED, TroveClosed
from mutualize.units import PRICE_UNIT, mul_div_down


@attrs.define
class Pair:
    """All liquidations of one collateral against one debt in one venue. Amounts in base units, then money."""

    venue: str
    collateral: str
    debt: str
    count: int = 0
    first: int | None = None
    last: int | None = None
    paid: int = 0
    seized: int = 0
    fee: int = 0
    fund_fee: int = 0
    gas: dict[str, int] = attrs.field(factory=dict)
    repaid_value: int = 0
    bonus_value: int = 0
    fee_value: int = 0
    gap_value: int = 0
    slippage_value: int = 0
    gas_value: int = 0

    @property
    def profit_value(self) -> int:
        """What was left to the liquidators, money."""
        return self.bonus_value - self.fee_value - self.gap_value - self.slippage_value - self.gas_value


@attrs.define
class Closed:
    """A liquidation, and the oracle's prices of its collateral and its debt then (8 decimals)."""

    event: Liquidated
    price: int
    debt_price: int
    gap: int = 0
    """Its own part of the pair's gap, as far as its liquidator traded in the same transaction."""


class Liquidations:
    """All liquidations so far. What a transaction trades and pays for gas belongs to its liquidation."""

    def __init__(self, frame: Frame, mirror: Mirror) -> None:
        self._frame = frame
        self._mirror = mirror
        self._pairs: dict[tuple[str, str, str], Pair] = {}
        self._tx = -1
        self._closed: list[Closed] = []
        self._beside: list[Traded | GasPaid] = []
        self.liquidators: dict[str, int] = {}
        self.debtors: dict[str, int] = {}
        self._harmed: dict[str, int] = {}
        self.handlers: Handlers = {
            Liquidated: self._take,
            Traded: self._take,
            GasPaid: self._take,
            TroveClosed: self._reserve,
        }

    @property
    def count(self) -> int:
        """How many liquidations there were."""
        return sum(pair.count for pair in self._pairs.values())

    @property
    def first(self) -> int | None:
        """When the first one was (seconds since 1970 UTC)."""
        return min((pair.first for pair in self._pairs.values() if pair.first is not None), default=None)

    @property
    def last(self) -> int | None:
        """When the last one was (seconds since 1970 UTC)."""
        return max((pair.last for pair in self._pairs.values() if pair.last is not None), default=None)

    def pairs(self) -> Iterator[Pair]:
        """Return the pairs that were liquidated, sorted by name, all costs counted in."""
        self._settle()
        for key in sorted(self._pairs):
            yield self._pairs[key]

    def harmed(self) -> dict[str, int]:
        """Return what each debtor lost beyond the bonus, money; the most first."""
        self._settle()
        return dict(sorted(self._harmed.items(), key=lambda one: (-one[1], one[0])))

    def _take(self, entry: Entry) -> None:
        event = entry.event
        if entry.tx != self._tx:
            self._settle()
            self._tx = entry.tx
        if isinstance(event, Liquidated):
            self._add(event, entry.at)
        elif isinstance(event, Traded | GasPaid):
            self._beside.append(event)

    def _add(self, event: Liquidated, at: int) -> None:
        key = (event.venue, event.collateral, event.debt)
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = Pair(*key, first=at)
        value = self._frame.value_down
        pair.count, pair.last = pair.count + 1, at
        pair.paid, pair.seized = pair.paid + event.paid, pair.seized + event.seized
        pair.fee, pair.fund_fee = pair.fee + event.fee, pair.fund_fee + event.fund_fee
        closed = Closed(event, self._mirror.price(event.collateral), self._mirror.price(event.debt))
        self._closed.append(closed)
        repaid = value(event.debt, event.paid, closed.debt_price)
        pair.repaid_value += repaid
        pair.bonus_value += value(event.collateral, event.seized + event.fee, closed.price) - repaid
        if event.fee:
            pair.fee_value += value(event.collateral, event.fee, closed.price)
        self.liquidators[event.liquidator] = self.liquidators.get(event.liquidator, 0) + 1
        self.debtors[event.account] = self.debtors.get(event.account, 0) + 1

    def _reserve(self, entry: Entry) -> None:
        """Add the reserve of a liquidated trove to what its liquidator got."""
        event = entry.event
        assert isinstance(event, TroveClosed)
        pair = self._pairs.get((event.venue, event.collateral, event.debt))
        if pair is not None and event.reason == LIQUIDATED:
            price = self._mirror.price(event.debt)
            pair.bonus_value += self._frame.value_down(event.debt, event.reserve, price)

    def _settle(self) -> None:
        """Attribute what stood beside the liquidations of one transaction."""
        for beside in self._beside:
            for closed in self._closed:
                if beside.account == closed.event.liquidator and self._attribute(closed, beside):
                    break
        for closed in self._closed:
            if closed.gap < 0:
                debtor = closed.event.account
                self._harmed[debtor] = self._harmed.get(debtor, 0) - closed.gap
        self._closed, self._beside = [], []

    def _attribute(self, closed: Closed, beside: Traded | GasPaid) -> bool:
        event = closed.event
        pair = self._pairs[event.venue, event.collateral, event.debt]
        if isinstance(beside, GasPaid):
            pair.gas[beside.asset] = pair.gas.get(beside.asset, 0) + beside.amount
            if self._mirror.is_priced(beside.asset):
                price = self._mirror.price(beside.asset)
                pair.gas_value += self._frame.value_down(beside.asset, beside.amount, price)
            return True
        if self._frame.money.get(beside.sold) == beside.bought and beside.sold == event.collateral:
            self._sale(pair, closed, beside)
            return True
        if self._frame.money.get(beside.bought) == beside.sold and beside.bought == event.debt:
            self._purchase(pair, closed, beside)
            return True
        return False

    def _sale(self, pair: Pair, closed: Closed, trade: Traded) -> None:
        """Book a sale of seized collateral for money."""
        at_market = self._at_market(trade.sold, trade.sold_amount, trade.mid, trade.bought)
        at_oracle = self._frame.value_down(trade.sold, trade.sold_amount, closed.price)
        brought = self._frame.value_down(trade.bought, trade.bought_amount, self._price(closed, trade.bought))
        pair.gap_value += at_oracle - at_market
        closed.gap += at_oracle - at_market
        pair.slippage_value += at_market - brought

    def _purchase(self, pair: Pair, closed: Closed, trade: Traded) -> None:
        """Book a purchase of the asset to repay."""
        at_market = self._at_market(trade.bought, trade.bought_amount, trade.mid, trade.sold)
        at_oracle = self._frame.value_down(trade.bought, trade.bought_amount, closed.debt_price)
        spent = self._frame.value_down(trade.sold, trade.sold_amount, self._price(closed, trade.sold))
        pair.gap_value += at_market - at_oracle
        closed.gap += at_market - at_oracle
        pair.slippage_value += spent - at_market

    def _price(self, closed: Closed, asset: str) -> int:
        """Return the oracle's price at the liquidation: money may be one of its assets, or neither."""
        if asset == closed.event.debt:
            return closed.debt_price
        return closed.price if asset == closed.event.collateral else self._mirror.price(asset)

    def _at_market(self, asset: str, amount: int, mid: int, money: str) -> int:
        """Return what an amount is worth at the market's price, which is stated in another asset."""
        return self._frame.value_down(asset, amount, mul_div_down(mid, self._mirror.price(money), PRICE_UNIT))
