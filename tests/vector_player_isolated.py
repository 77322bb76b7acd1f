"""Play sequences of Morpho Blue: an isolated market, whose suppliers bear bad debt at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
from vector_players import Differs, Player, new_ledger

from mutualize import commands as c
from mutualize import isolated_commands as i
from mutualize.accounts import account
from mutualize.errors import Reason
from mutualize.events import (
    Accrued,
    Borrowed,
    Event,
    Liquidated,
    Repaid,
    ShortfallRecognised,
    Supplied,
    Withdrawn,
)
from mutualize.protocol import Protocol, Receipt
from mutualize.tier import Tier
from mutualize.venues.isolated import IsolatedMarket
from mutualize.venues.outside import Feed
from mutualize.waterfall import Waterfall

VENUE, LOAN, COLLATERAL, PAIR = "morpho", "LOAN", "COLL", "COLL/LOAN"
SUPPLIERS: Final = Tier(name="suppliers", payer="claims")
WORDS: Final = {
    "inconsistent input": Reason.INPUT_IS_INCONSISTENT,
    "zero assets": Reason.AMOUNT_IS_ZERO,
    "insufficient collateral": Reason.COLLATERAL_IS_INSUFFICIENT,
    "insufficient liquidity": Reason.LIQUIDITY_IS_INSUFFICIENT,
    "position is healthy": Reason.POSITION_IS_HEALTHY,
    "max uint128 exceeded": Reason.AMOUNT_IS_TOO_LARGE,
    "max fee exceeded": Reason.PARAMETER_IS_INVALID,
    "already set": Reason.PARAMETER_IS_INVALID,
    "panic:0x12": Reason.PRICE_IS_MISSING,
}
"""The contract's words for refusals, and ours. A panic 0x11 is a sum too large, or below zero."""


@attrs.frozen
class Before:
    """What stood in the book before an operation."""

    rate: int
    issued: int
    owed: dict[str, int]


class IsolatedPlayer(Player):
    """One market, its oracle, and the table with one row."""

    def __init__(self, data: dict[str, Any]) -> None:
        params = data["params"]
        super().__init__(int(params["created_at"]))
        decimals = {LOAN: 18, COLLATERAL: 18}
        self.venue = IsolatedMarket(
            VENUE, COLLATERAL, LOAN, decimals, feed=PAIR, fee_recipient=params["fee_recipient"]
        )
        waterfall = Waterfall(self.venue.cover(), (SUPPLIERS,))
        self.protocol = Protocol([Feed(), self.venue, waterfall], new_ledger(), reactors=[waterfall])
        terms = {
            "lltv": params["lltv"],
            "rate_base": params["irm_r0_per_s_wad"],
            "rate_slope": params["irm_slope_per_s_wad"],
            "fee": params["fee_wad"],
        }
        given = tuple((name, int(value)) for name, value in terms.items())
        listed = c.ListReserve(venue=VENUE, account="governance", asset=LOAN, parameters=given)
        assert self.submit(listed)
        self._price(int(params["oracle_price_1e36"]))
        self._before: Before | None = None
        self._repaid = 0

    def _price(self, price: int) -> Receipt:
        return self.submit(
            c.PublishPrice(venue="oracle", account="oracle", asset=PAIR, price=price, market=price)
        )

    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""
        name, a = op["op"], op["args"]
        if name == "warp":
            self.at += int(a["seconds"])
            return Receipt()
        if name == "set_price":
            return self._price(int(a["price"]))
        market, command = self.venue.market(self.protocol.book, self.at), _command(name, a)
        owed = dict(self.protocol.book.table(market.names.debt))
        self._before = Before(market.rate(), market.supply.shares, owed)
        receipt = self.submit(command)
        if receipt and isinstance(command, i.LiquidatePosition):
            market.accrue()
            self._repaid = command.shares or market.shares_for(command.seized, market.price())
        return receipt

    def word(self, err: str) -> str:
        """Return our word for the contract's."""
        return WORDS[err].word if err in WORDS else err

    def ret(self, op: dict[str, Any], receipt: Receipt) -> object:
        """Return assets and shares; of a liquidation what was seized and what was repaid."""
        kinds: dict[str, tuple[type[Event], str, str]] = {
            "supply": (Supplied, "amount", "scaled"),
            "withdraw": (Withdrawn, "amount", "scaled"),
            "borrow": (Borrowed, "amount", "scaled"),
            "repay": (Repaid, "amount", "scaled"),
            "liquidate": (Liquidated, "seized", "paid"),
        }
        if op["op"] not in kinds:
            raise Differs(f"no return value is known for {op['op']!r}")
        kind, first, second = kinds[op["op"]]
        event = receipt.event(kind)
        return [str(getattr(event, first)), str(getattr(event, second))]

    def events(self, receipt: Receipt) -> list[list[object]]:
        """Return the contract's own events: what it accrued, and what it liquidated."""
        found: list[list[object]] = []
        for entry in receipt.entries:
            if isinstance(entry.event, Accrued):
                found.append(["AccrueInterest", self._accrued(entry.event)])
            elif isinstance(entry.event, Liquidated):
                bad = [x.event.amount for x in receipt.entries if isinstance(x.event, ShortfallRecognised)]
                found.append(["Liquidate", self._liquidated(entry.event, sum(bad))])
        return found

    def _accrued(self, event: Accrued) -> dict[str, str]:
        interest = sum(t.amount for t in event.transfers if t.debit == account(VENUE, "loans"))
        before, names = self._before, self.venue.names
        assert before is not None
        issued = 0
        for table, key, value in event.cells:
            if (table, key) == (names.market, "supply_shares"):
                issued = value - before.issued
        return {"prevBorrowRate": str(before.rate), "interest": str(interest), "feeShares": str(issued)}

    def _liquidated(self, event: Liquidated, bad: int) -> dict[str, str]:
        before = self._before
        assert before is not None
        is_bare = not self.protocol.book.cell(self.venue.names.pledged, event.account)
        left = before.owed.get(event.account, 0) - self._repaid
        return {
            "repaidAssets": str(event.paid),
            "repaidShares": str(self._repaid),
            "seizedAssets": str(event.seized),
            "badDebtAssets": str(bad),
            "badDebtShares": str(left if is_bare else 0),
        }

    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return totals, positions and what the contract holds."""
        book = self.protocol.book
        market = self.venue.market(book, self.at)
        names = market.names
        numbers = {
            "supply_assets": market.supply.assets,
            "supply_shares": market.supply.shares,
            "borrow_assets": market.borrow.assets,
            "borrow_shares": market.borrow.shares,
            "last_update": market.last_update,
            "fee": market.fee,
        }
        tables = (names.supply, names.debt, names.pledged)
        positions = {}
        for who in sorted(
            {*expected["positions"], *(name for table in tables for name in book.table(table))}
        ):
            held = [book.cell(table, who) for table in tables]
            if any(held) or who in expected["positions"]:
                positions[who] = [str(value) for value in held]
        return {
            "market": {name: str(value) for name, value in numbers.items()},
            "positions": positions,
            "loan_in_contract": str(book.balance(account(VENUE, "cash"), LOAN)),
            "coll_in_contract": str(book.balance(account(VENUE, "cash"), COLLATERAL)),
        }


def _command(name: str, a: dict[str, Any]) -> c.Command:
    user = {"venue": VENUE, "account": a.get("user", "governance")}

    def either() -> dict[str, Any]:
        return {**user, "amount": int(a["assets"]), "shares": int(a["shares"])}

    makers: dict[str, Callable[[], c.Command]] = {
        "supply": lambda: i.SupplyShares(**either()),
        "withdraw": lambda: i.WithdrawShares(**either()),
        "borrow": lambda: i.BorrowShares(**either()),
        "repay": lambda: i.RepayShares(**either(), on_behalf_of=a["on_behalf"]),
        "supply_collateral": lambda: c.Supply(**user, asset=COLLATERAL, amount=int(a["assets"])),
        "withdraw_collateral": lambda: i.WithdrawCollateral(**user, amount=int(a["assets"])),
        "liquidate": lambda: i.LiquidatePosition(
            **user, borrower=a["borrower"], seized=int(a["seized"]), shares=int(a["repaid_shares"])
        ),
        "accrue": lambda: i.AccrueInterest(**user),
        "set_fee": lambda: c.SetParameter(**user, asset=LOAN, name="fee", value=int(a["fee"])),
    }
    if name not in makers:
        raise Differs(f"operation {name!r} is not known")
    return makers[name]()
