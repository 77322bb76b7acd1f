"""Random play with a vault engine, biased towards crashes and edges; all laws are checked after each step.

The rule: what a player does depends on the seed and on what is in the book, on nothing else. Each refusal is
foretold by `vault_oracle` before the command is carried out, and none comes that was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from auditor import LawBroken
from laws_of_vaults import Watch, need
from systems import START, Notebook
from vault_odd import Wild
from vault_oracle import Now
from vault_oracle_auctions import foretell
from vault_wishes import ASSETS, ILKS, KEEPERS, PEOPLE, PRICES, SYSTEM, TERMS, VENUE, Wishes

from mutualize import commands as c
from mutualize import vault_commands as v
from mutualize.book import replay
from mutualize.errors import Reason
from mutualize.invariants import check
from mutualize.protocol import Protocol, Receipt
from mutualize.randomness import Stream
from mutualize.tier_rule import TierRule
from mutualize.units import WAD
from mutualize.venues.cdp import CODES, Vaults
from mutualize.venues.outside import Feed

REFUSED: Final = {
    "AMOUNT_IS_TOO_LARGE": 100,
    "AMOUNT_IS_ZERO": 20,
    "ASH_IS_INSUFFICIENT": 15,
    "AUCTION_IS_OVER": 80,
    "AUCTION_IS_UNFINISHED": 250,
    "AUCTION_IS_UNKNOWN": 200,
    "AUCTION_WOULD_BE_DUST": 30,
    "AUCTION_WOULD_BE_EMPTY": 3,
    "BALANCE_IS_INSUFFICIENT": 80,
    "BID_DOES_NOT_MATCH": 20,
    "BID_IS_FINAL": 200,
    "BID_IS_NOT_HIGHER": 20,
    "BID_IS_PLACED": 30,
    "BID_IS_TOO_HIGH": 10,
    "BID_RISES_TOO_LITTLE": 4,
    "CALLER_IS_A_CONTRACT": 300,
    "CALLER_IS_NOT_GOVERNANCE": 60,
    "CEILING_IS_EXCEEDED": 10,
    "DEBT_IS_NOT_THAWED": 50,
    "DEBT_IS_NOT_ZERO": 30,
    "FEED_IS_EARLY": 8,
    "LIQUIDATIONS_ARE_AT_LIMIT": 15,
    "LOT_DOES_NOT_MATCH": 25,
    "LOT_FALLS_TOO_LITTLE": 5,
    "LOT_IS_NOT_LOWER": 6,
    "PARAMETER_IS_INVALID": 40,
    "PRICE_IS_MISSING": 3,
    "PRICE_IS_NOT_TAGGED": 250,
    "PRICE_IS_TAGGED": 40,
    "PRICE_IS_TOO_HIGH": 6,
    "PURCHASE_IS_PARTIAL": 4,
    "RESERVE_IS_UNKNOWN": 200,
    "SALE_IS_UNKNOWN": 150,
    "SALE_NEEDS_NO_RESET": 10,
    "SALE_NEEDS_RESET": 60,
    "SHARE_IS_FIXED": 5,
    "SHARE_IS_NOT_FIXED": 200,
    "SHORTFALL_IS_INSUFFICIENT": 120,
    "SHORTFALL_IS_NOT_ZERO": 120,
    "STARTING_PRICE_IS_ZERO": 3,
    "SURPLUS_AUCTIONS_ARE_AT_LIMIT": 15,
    "SURPLUS_IS_INSUFFICIENT": 150,
    "SURPLUS_IS_NOT_ZERO": 120,
    "TAB_IS_PAID": 3,
    "TAB_IS_UNPAID": 15,
    "VAULT_IS_SAFE": 500,
    "VAULT_WOULD_BE_DUST": 40,
    "VAULT_WOULD_BE_UNSAFE": 100,
    "VENUE_IS_LIVE": 250,
    "VENUE_IS_SHUT_DOWN": 200,
    "WAIT_IS_UNFINISHED": 25,
}
"""For which reasons wishes are refused in thirty thousand operations, and how often at least."""

UNREACHABLE: Final = {
    "TAB_IS_ZERO": "a sale has a unit of debt at least, of 10²⁷ rad or more, and `chop` is 10⁻¹⁸ at least",
}
"""Reasons that the venue names and cannot give, and why: the contract has a `require` for each."""


class Game(Wishes):
    """A vault engine and those who play with it."""

    terms: Mapping[str, int] = TERMS
    system: Mapping[str, int] = SYSTEM

    def __init__(self, code: str, seed: int, *, foretold: bool = True, checked: bool = True) -> None:
        """`foretold`: each refusal is. `checked`: all laws of the book, after each operation."""
        assert code in CODES
        self.at, self.code, self._asks, self._checked = START, code, foretold, checked
        self.receipt = Receipt()
        self.vaults = Vaults(VENUE, "DAI", ASSETS, auctions=code)
        self.ledger = Notebook()
        self.protocol = Protocol([Feed(), self.vaults], self.ledger)
        self.watch = Watch(VENUE, code)
        self.protocol.observe(TierRule())
        self.protocol.observe(self.watch)
        self.book = self.protocol.book
        self.stream = Stream(seed, f"vaults/{code}")
        self.refusals: dict[str, int] = {}
        self.foretold: dict[str, int] = {}
        self.operations = 0
        self._begin()

    def _begin(self) -> None:
        own = {"venue": VENUE, "account": "governance"}
        terms = dict(self.terms)
        if self.code == "flip-2020-03":
            terms["chop"] *= 10**9
        self.wild = Wild(self.stream, own, {**terms, **self.system})
        for ilk, asset in ILKS.items():
            more = {"hop": 3_600} if asset == "BTC" else {}
            self.must(v.ListCollateral(**own, ilk=ilk, parameters=tuple({**terms, **more}.items())))
            self.price(asset, PRICES[asset])
        for name, value in self.system.items():
            self.must(c.SetParameter(**own, asset="", name=name, value=value))
        for _ in range(2):  # the delayed feed needs two prices before it has one
            self.at += 3_600
            self.must(v.AdvanceFeed(**own, ilk="BTC-A"))
        for ilk in ILKS:
            self.must(v.TakePrice(**own, ilk=ilk))
            for who in PEOPLE:
                amount = 1_000 * WAD if who in KEEPERS else 100 * WAD
                self.must(v.JoinCollateral(venue=VENUE, account=who, ilk=ilk, amount=amount))
        for who in KEEPERS:
            self.must(v.MintGovernance(**own, to=who, amount=1_000 * WAD))
            self.must(self.wish(v.ChangeVault, who, "ETH-A", collateral=500 * WAD, debt=30_000 * WAD))

    # --- doing -------------------------------------------------------------------------------------------

    def do(self, command: c.Command) -> Receipt:
        """Carry a command out, as foretold; check all laws."""
        self.operations += 1
        reason = self.foretell(command) if self._asks else None
        self.receipt = receipt = self.protocol.submit(command, at=self.at)
        if not self._checked:
            return receipt
        for counts, told in ((self.foretold, reason), (self.refusals, receipt.refused)):
            if told:
                counts[told.name] = counts.get(told.name, 0) + 1
        as_told = receipt.refused is reason or not self._asks
        need(as_told, "foretold", f"{receipt.refused}, not {reason}: {command}")
        check(self.book, deep=True)
        deficit = self.book.balance(f"{VENUE}:deficit", "DAI")
        need(deficit == self.watch.deficit, "told", f"{deficit} is not {self.watch.deficit}")
        return receipt

    def foretell(self, command: c.Command) -> Reason | None:
        """Return the reason for which the oracle says that a command is refused now."""
        if command.venue != VENUE:
            return None
        return foretell(self.now(), command)

    def now(self) -> Now:
        """Return what the oracle knows."""
        return Now(self.watch.cells, ASSETS, self.code, self.at)

    def must(self, command: c.Command) -> Receipt:
        """Carry a command out that is not refused."""
        receipt = self.do(command)
        assert receipt, receipt.refused
        return receipt

    def price(self, asset: str, price: int) -> None:
        """Let the oracle tell a price."""
        self.must(c.PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price))

    def cell(self, table: str, key: str) -> int:
        """Return one number of the engine."""
        return self.vaults.vat(self.book, self.at).get(table, key)

    # --- playing -----------------------------------------------------------------------------------------

    def play(self, operations: int, *, end: bool = True) -> Game:
        """Play; in the last third (`end`) the shutdown begins."""
        for number in range(operations):
            self.step(last=end and number * 3 > operations * 2)
        need(replay(self.ledger.entries) == self.book, "replay")
        return self

    def step(self, *, last: bool) -> c.Command | None:
        """Let time pass, and somebody ask for something, which is returned."""
        self.pass_time()
        command = self.next(last=last)
        if command is not None:
            self.do(command)
        return command


def broken(code: str, seed: int, operations: int) -> str | None:
    """Return the law that a game breaks, or None. An error where none may be is one, too."""
    try:
        Game(code, seed, foretold=False).play(operations)
    except LawBroken as error:
        return error.name
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug
        return getattr(error, "name", None) or type(error).__name__
    return None
