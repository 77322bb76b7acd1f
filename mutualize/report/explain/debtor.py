"""How a debtor came to fall short: what prices did, how unsafe he was, and what was sold for him."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from mutualize.book import Book
from mutualize.errors import Refused
from mutualize.events import Entry, Liquidated, PricePublished, ReserveListed, Traded
from mutualize.report.explain.steps import Step, share, span
from mutualize.report.sentences.words import Words, exact
from mutualize.report.text import listing, plural
from mutualize.units import BPS, WAD, mul_div_down
from mutualize.venues.pool import Pool

MOVED_MIN = 100
"""A price that moved by less than one part in so many is not told: a peg is no cause."""
HEALTH_DECIMALS = 18


@attrs.define
class Told:
    """What an oracle has told of one asset: the first and the last event of it."""

    first: Entry
    last: Entry


class Prices:
    """What oracles have told so far, by asset."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def take(self, entry: Entry) -> None:
        """Take one entry in."""
        if isinstance(entry.event, PricePublished):
            told = self._told.setdefault(entry.event.asset, Told(entry, entry))
            told.last = entry

    def steps(self, assets: list[str], words: Words) -> Iterator[Step]:
        """Yield how far the prices of some assets have moved since the first ones."""
        for asset in assets:
            told = self._told.get(asset)
            if told is None:
                continue
            first, last = told.first.event, told.last.event
            assert isinstance(first, PricePublished)
            assert isinstance(last, PricePublished)
            change = last.price - first.price
            if not first.price or abs(change) * MOVED_MIN < first.price:
                continue
            verb = "fallen" if change < 0 else "risen"
            market = (
                "" if last.market == last.price else f", while the market said {words.price(last.market)}"
            )
            yield Step(
                f"{words.name(asset)} had {verb} by {share(abs(change), first.price)}: the oracle told"
                f" {words.price(first.price)} at {words.moment(told.first.at)}, and"
                f" {words.price(last.price)} at last{market}.",
                told.last.seq,
                told.last.at,
            )


class Pools:
    """The pools of a ledger, each with its reserves in the order in which they were listed."""

    def __init__(self) -> None:
        self._assets: dict[str, list[str]] = {}

    def take(self, entry: Entry) -> None:
        """Take one entry in."""
        event = entry.event
        if isinstance(event, ReserveListed):
            self._assets.setdefault(event.venue, []).append(event.asset)

    def health(self, venue: str, account: str, book: Book, at: int, words: Words) -> str:
        """Say how unsafe a borrower is; empty where he is not, or where the ledger does not say.

        The health factor is worked out from the ledger's own numbers, as the contract does it.
        """
        try:
            health = Pool(venue, self._assets.get(venue, ())).health(book, account, at)
        except (Refused, LookupError, ValueError):
            return ""
        if not health.debt or health.factor >= WAD:
            return ""
        counts = words.money(mul_div_down(health.weighted, 1, BPS))
        return (
            f"The health factor of {words.name(account)} was {exact(health.factor, HEALTH_DECIMALS)},"
            f" below 1: collateral of {words.money(health.collateral)} counted as {counts} against a debt of"
            f" {words.money(health.debt)}."
        )


@attrs.define
class Sales:
    """All liquidations of one debtor: what they repaid and seized, and what the seized brought."""

    count: int = 0
    first: int = 0
    last: int = 0
    liquidators: dict[str, None] = attrs.field(factory=dict)
    repaid: dict[str, int] = attrs.field(factory=dict)
    seized: dict[str, int] = attrs.field(factory=dict)
    brought: dict[tuple[str, str], int] = attrs.field(factory=dict)
    lost: dict[str, int] = attrs.field(factory=dict)
    """What sales brought less than at the price before them, by the money of the market."""

    def close(self, event: Liquidated, at: int) -> None:
        """Take a liquidation in."""
        self.first, self.last = self.first or at, at
        self.count += 1
        self.liquidators[event.liquidator] = None
        self.repaid[event.debt] = self.repaid.get(event.debt, 0) + event.paid
        gone = event.seized + event.fee + event.fund_fee
        self.seized[event.collateral] = self.seized.get(event.collateral, 0) + gone

    def sell(self, event: Traded, words: Words) -> None:
        """Take the sale of what was seized in."""
        pair = event.sold, event.bought
        self.brought[pair] = self.brought.get(pair, 0) + event.bought_amount
        unit = words.decimals.get(event.sold), words.decimals.get(event.bought)
        if unit[0] is None or unit[1] is None or words.traded_against.get(event.sold) != event.bought:
            return
        fair = mul_div_down(event.sold_amount, event.mid * 10 ** unit[1], 10 ** (8 + unit[0]))
        self.lost[event.bought] = self.lost.get(event.bought, 0) + fair - event.bought_amount

    def step(self, debtor: str, words: Words) -> Step:
        """Say it in a sentence."""
        repaid = listing([words.full(asset, amount) for asset, amount in self.repaid.items()])
        seized = listing([words.full(asset, amount) for asset, amount in self.seized.items()])
        when = span(self.first, self.last, words)
        sold = "".join(self._sold(*pair, amount, words) for pair, amount in self.brought.items())
        who = f"{plural(self.count, 'liquidation')} by {plural(len(self.liquidators), 'liquidator')} {when}"
        if not any(self.repaid.values()):  # a trove: others pay
            return Step(f"{who} took {seized} of the collateral of {words.name(debtor)}, for no money.{sold}")
        of = f"repaid {repaid} of the debt of {words.name(debtor)}"
        return Step(f"{who} {of}, for {seized} of his collateral.{sold}")

    def _sold(self, sold: str, bought: str, amount: int, words: Words) -> str:
        lost = self.lost.get(bought, 0)
        slippage = f", {words.amount(bought, lost)} less than at the prices before (slippage)" if lost else ""
        return f" Selling {words.name(sold)} brought {words.amount(bought, amount)}{slippage}."
