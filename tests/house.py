"""A venue of balances with its waterfall and its table of recoveries, and words for what people do in it.

The rule: after every command, refused or not, all laws hold, and the book is what its entries fold to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from systems import Notebook

from mutualize import commands as c
from mutualize import events as e
from mutualize import loss_commands as lc
from mutualize import tier_commands as tc
from mutualize import tier_events as te
from mutualize.book import replay
from mutualize.encoding import decode, encode
from mutualize.events import Event
from mutualize.invariants import check
from mutualize.protocol import Protocol, Receipt
from mutualize.recoveries import Row
from mutualize.staking import StakePool
from mutualize.tier import Tier
from mutualize.tier_rule import TierRule
from mutualize.venues.custody import Custody
from mutualize.venues.outside import Feed
from mutualize.waterfall import Waterfall

START = 1_700_000_000
DECIMALS = {"USD": 2, "BTC": 8, "ETH": 18}
PRICES = {"USD": 10**8, "BTC": 60_406 * 10**6, "ETH": 10 * 10**8}
"""In August 2016, when a bitcoin was 604.06."""


class House:
    """An exchange called `ex`, a stake `stakers` in dollars, and the tiers and recoveries of a story."""

    def __init__(
        self,
        *tiers: Tier,
        recoveries: Sequence[Row] | None = None,
        freezes: bool = False,
        decimals: Mapping[str, int] = DECIMALS,
        stake_asset: str = "USD",
    ) -> None:
        self.custody = Custody("ex", decimals)
        self.stake_pool = StakePool("ex", "stakers", stake_asset)
        self.waterfall = Waterfall(
            self.custody.cover(),
            tiers,
            stakes={"stakers": self.stake_pool},
            decimals=decimals,
            freezes=freezes,
            recoveries=recoveries,
        )
        self.notebook, self.rule, self.at = Notebook(), TierRule(), START
        self.protocol = Protocol(
            [Feed(), self.custody, self.stake_pool, self.waterfall],
            self.notebook,
            reactors=[self.waterfall],
            observers=[self.rule],
        )
        self.book = self.protocol.book
        for asset in decimals:
            self.price(asset, PRICES.get(asset, 10**8))

    def do(self, command: c.Command, wait: int = 0) -> Receipt:
        """Carry a command out after a while; return what became of it, once all laws were checked."""
        self.at += wait
        receipt = self.protocol.submit(command, at=self.at)
        check(self.book, deep=True)
        for entry in receipt.entries:
            assert encode(decode(encode(entry))) == encode(entry)
        return receipt

    def must(self, command: c.Command, wait: int = 0) -> Receipt:
        """Carry a command out that is not refused."""
        receipt = self.do(command, wait)
        assert receipt, receipt.refused
        return receipt

    def refused(self, command: c.Command, wait: int = 0) -> str:
        """Return why a command is refused, after seeing that it changed nothing."""
        before = self.book.seq
        receipt = self.do(command, wait)
        assert receipt.refused is not None, receipt.entries
        assert self.book.seq == before
        return receipt.refused.name

    def replayed(self) -> None:
        """See that the entries fold to this very book."""
        assert replay(self.notebook.entries) == self.book

    # --- words -------------------------------------------------------------------------------------------

    def price(self, asset: str, value: int) -> None:
        """Publish a price, 8 decimals."""
        told = {"venue": "oracle", "account": "oracle", "asset": asset}
        self.must(c.PublishPrice(**told, price=value, market=value))

    def deposit(self, who: str, amount: int, asset: str = "USD") -> None:
        """Put money in."""
        self.must(c.Supply(venue="ex", account=who, asset=asset, amount=amount))

    def fund(self, tier: str, amount: int, asset: str = "USD") -> None:
        """Put money into a tier's purse."""
        self.must(c.ContributeToFund(venue="ex", account="house", tier=tier, asset=asset, amount=amount))

    def stake(self, who: str, amount: int) -> None:
        """Stake."""
        self.must(c.Stake(venue=self.stake_pool.name, account=who, stake="stakers", assets=amount))

    def join(self, who: str, amount: int, fund: str = "default-fund", asset: str = "USD") -> None:
        """Contribute to a fund of members."""
        self.must(tc.JoinFund(venue="ex.waterfall", account=who, fund=fund, asset=asset, amount=amount))

    def numbers(self, table: str, **numbers: int) -> None:
        """Set weights or ranks."""
        given = {"venue": "ex.waterfall", "account": "governance", "table": table}
        self.must(tc.SetNumbers(**given, numbers=tuple(sorted(numbers.items()))))

    def lose(self, loss: str, asset: str = "USD", **what: Any) -> Receipt:
        """Report a loss from outside."""
        return self.must(report(loss, asset, **what))

    def settle(self, *gains: tuple[str, str, int], asset: str = "USD", wait: int = 0) -> Receipt:
        """Settle profits: (account, instrument, gain)."""
        return self.must(settle(*gains, asset=asset), wait)

    def recover(self, who: str, amount: int, asset: str = "USD") -> Receipt:
        """Give back money."""
        return self.must(tc.Recover(venue="ex.waterfall", account=who, asset=asset, amount=amount))

    # --- reads -------------------------------------------------------------------------------------------

    def held(self, who: str, asset: str = "USD") -> int:
        """Return what somebody has at the exchange."""
        return self.custody.held(self.book, who, asset)

    def purse(self, tier: str, asset: str = "USD") -> int:
        """Return what a tier holds."""
        return self.book.balance(f"ex:tier:{tier}", asset)

    def deficit(self, asset: str = "USD") -> int:
        """Return the open deficit."""
        return self.book.balance("ex:deficit", asset)

    def ious(self, who: str, iou: str = "BFX", asset: str = "USD") -> int:
        """Return how many units of an IOU somebody holds."""
        return self.book.cell(f"ex.iou.{iou}.{asset}", who)


def report(loss: str, asset: str = "USD", **what: Any) -> lc.ReportLoss:
    """Return the command that reports a loss, by governance unless it says otherwise."""
    return lc.ReportLoss(**{"venue": "ex", "account": "governance", "loss": loss, "asset": asset, **what})


def settle(*gains: tuple[str, str, int], asset: str = "USD") -> lc.SettleProfits:
    """Return the command that settles profits."""
    return lc.SettleProfits(venue="ex", account="clearer", asset=asset, gains=gains)


def events(receipt: Receipt, kind: type[Event]) -> list[Any]:
    """Return the events of a kind."""
    return [entry.event for entry in receipt.entries if isinstance(entry.event, kind)]


def paid(receipt: Receipt) -> list[tuple[str, int]]:
    """Return (tier, amount) of all payments."""
    return [(event.tier, event.amount) for event in events(receipt, e.LossAbsorbed)]


def uncovered(receipt: Receipt) -> list[int]:
    """Return what no tier paid."""
    return [event.amount for event in events(receipt, e.ShortfallUncovered)]


def given_back(receipt: Receipt) -> list[tuple[str, int]]:
    """Return (tier or IOU, amount) of all that was recovered; an open deficit is ''."""
    return [(event.tier or event.iou, event.amount) for event in events(receipt, te.RecoveryPaid)]
