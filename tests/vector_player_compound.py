"""Play sequences of Compound's contracts: v2, several markets with claim tokens; v3, one base asset.

The holders of a file have entered all markets, as those of the contracts had. An amount of 2²⁵⁶ − 1 means
'all' where the contract says so; elsewhere it is a number too large, and so it is asked for here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vector_players import Differs, Player, new_ledger

from mutualize import commands as c
from mutualize import compound_commands as cc
from mutualize.book import Book
from mutualize.errors import Refused
from mutualize.protocol import Protocol, Receipt
from mutualize.units import div_down
from mutualize.venues.comet import Comet
from mutualize.venues.comet_work import Work
from mutualize.venues.compound import Compound
from mutualize.venues.comptroller import CompoundRules
from mutualize.venues.outside import Feed

BLOCK_S = 12
WORDS = {
    "NotLiquidatable": "HealthFactorNotBelowThreshold",
    "NotCollateralized": "HealthFactorLowerThanLiquidationThreshold",
    "LiquidateComptrollerRejection": "",
    "ReduceReservesCashValidation": "InsufficientReserves",
    "LiquidateLiquidatorIsBorrower": "SelfLiquidation",
}
"""What our reasons call it, where they took another contract's word."""


def less(amount: int) -> int:
    """Return an amount that is none of ours to mean 'all' with."""
    return min(amount, c.ALL - 1)


class CompoundPlayer(Player):
    """What both versions have in common."""

    venue: str

    def price(self, asset: str, price: int) -> Receipt:
        """Let the oracle tell a price."""
        return self.submit(
            c.PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price)
        )

    def word(self, err: str) -> str:
        """Return the word as our reasons spell it."""
        return WORDS.get(err, err)

    def ret(self, op: dict[str, Any], receipt: Receipt) -> object:
        """No function of theirs returns an amount."""
        raise Differs(f"no return value is known for {op['op']!r}")


class Compound2Player(CompoundPlayer):
    """Markets of v2; a block is 12 seconds."""

    def __init__(self, data: dict[str, Any]) -> None:
        first, params, markets = data["ops"][0], data["params"], data["params"]["markets"]
        rolled = int(first["args"].get("blocks", 0))  # what a file tells is what is true after an operation
        super().__init__(int(first["time"]) - rolled * BLOCK_S)
        self.first = div_down(self.at, BLOCK_S) - int(first["block"]) + rolled
        self.decimals = {asset: int(market["decimals"]) for asset, market in markets.items()}
        rules = CompoundRules(
            close_factor=int(params["close_factor"]),
            incentive=int(params["liquidation_incentive"]),
            seize_share=int(params["protocol_seize_share"]),
            block_s=BLOCK_S,
            price_decimals=36,
        )
        self.compound = Compound("compound", list(markets), rules)
        self.protocol = Protocol([Feed(), self.compound], new_ledger())
        base, multiplier, jump, kink = (int(x) for x in params["irm_per_year_base_mult_jump_kink"])
        for asset, market in markets.items():
            parameters = {
                "decimals": int(market["decimals"]),
                "collateral_factor": int(market["collateral_factor"]),
                "reserve_factor": int(market["reserve_factor"]),
                "initial_rate": int(market["initial_exchange_rate"]),
                "base": base,
                "multiplier": multiplier,
                "jump": jump,
                "kink": kink,
                "blocks_per_year": int(params["blocks_per_year"]),
            }
            own = {"venue": "compound", "account": "governance", "asset": asset}
            assert self.submit(c.ListReserve(**own, parameters=tuple(parameters.items())))
            self.price(asset, int(market["price_1e(36-dec)"]) * 10 ** self.decimals[asset])
        users = {op["args"].get(role) for op in data["ops"] for role in ("user", "borrower")}
        for user in sorted(user for user in users if user):
            for asset in markets:
                entry = c.SetCollateral(venue="compound", account=user, asset=asset, on=True)
                assert self.submit(entry)

    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""
        name, a = op["op"], op["args"]
        if name == "roll":
            self.at += int(a["blocks"]) * BLOCK_S
            return Receipt()
        if name == "set_price":
            return self.price(a["asset"], int(a["price"]) * 10 ** self.decimals[a["asset"]])
        return self.submit(_command_v2(name, a))

    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return markets and users in the file's shape."""
        book = self.protocol.book
        return {
            "markets": {asset: self._market(book, asset) for asset in self.compound.assets},
            "users": {user: self._user(book, user) for user in expected["users"]},
        }

    def _market(self, book: Book, asset: str) -> dict[str, str]:
        market = self.compound.market(book, asset)
        shown = {
            "cash": market.virtual,
            "total_borrows": market.total_borrows,
            "total_reserves": market.total_reserves,
            "total_supply": market.total_supply,
            "borrow_index": market.borrow_index,
            "exchange_rate_stored": market.exchange_rate(),
            "accrual_block": market.accrual_block - self.first,
        }
        return {name: str(value) for name, value in shown.items()}

    def _user(self, book: Book, user: str) -> dict[str, Any]:
        work = self.compound.work(book, self.at)
        try:
            carried, owed = work.liquidity(user)
        except Refused:  # the contract returns an error beside two zeros
            carried = owed = 0
        pairs = {
            asset: [str(work.tokens(asset, user)), str(work.debt(asset, user))]
            for asset in self.compound.assets
        }
        return {
            "ctokens_borrow": pairs,
            "liquidity": str(max(0, carried - owed)),
            "shortfall": str(max(0, owed - carried)),
        }


def _command_v2(name: str, a: dict[str, Any]) -> c.Command:
    own: dict[str, Any] = {"venue": "compound", "account": a.get("user", "governance"), "asset": a["asset"]}
    amount = int(a.get("amount", 0))
    makers: dict[str, Callable[[], c.Command]] = {
        "mint": lambda: c.Supply(**own, amount=amount),
        "redeem": lambda: cc.RedeemTokens(**own, tokens=int(a["tokens"])),
        "redeem_underlying": lambda: c.Withdraw(**own, amount=less(amount)),
        "borrow": lambda: c.Borrow(**own, amount=amount),
        "repay": lambda: c.Repay(**own, amount=amount),
        "add_reserves": lambda: cc.AddReserves(**own, amount=amount),
        "reduce_reserves": lambda: cc.WithdrawReserves(**own, amount=amount),
        "liquidate": lambda: c.Liquidate(
            venue="compound",
            account=a["user"],
            borrower=a["borrower"],
            collateral=a["collateral"],
            debt=a["asset"],
            debt_to_cover=less(amount),
            receive_claims=True,
        ),
    }
    if name not in makers:
        raise Differs(f"operation {name!r} is not known")
    return makers[name]()


class CometPlayer(CompoundPlayer):
    """The base asset and the collaterals of v3."""

    def __init__(self, data: dict[str, Any]) -> None:
        p = data["params"]
        super().__init__(int(p["created_at"]))
        self.comet = Comet("comet", ["BASE", *p["assets"]])
        self.protocol = Protocol([Feed(), self.comet], new_ledger())
        names = {"supply": "s", "borrow": "b"}
        parts = {"base": "Base", "low": "Low", "high": "High"}
        base = {f"{side}_{part}": int(p[f"{names[side]}{parts[part]}"]) for side in names for part in parts}
        base |= {f"{side}_kink": int(p[f"{side}Kink"]) for side in names}
        base |= {
            "decimals": int(p["base_decimals"]),
            "borrow_min": int(p["base_borrow_min"]),
            "target_reserves": int(p["target_reserves"]),
            "store_front_factor": int(p["store_front_price_factor"]),
        }
        self._list("BASE", base, 10**8)
        for asset, values in p["assets"].items():
            terms = {
                "decimals": int(values["decimals"]),
                "borrow_factor": int(values["borrow_cf"]),
                "liquidate_factor": int(values["liquidate_cf"]),
                "liquidation_factor": int(values["liquidation_factor"]),
            }
            terms |= {"supply_cap": int(values["supply_cap"])} if "supply_cap" in values else {}
            self._list(asset, terms, int(values["price_8dec"]))

    def _list(self, asset: str, parameters: dict[str, int], price: int) -> None:
        own = {"venue": "comet", "account": "governance", "asset": asset}
        assert self.submit(c.ListReserve(**own, parameters=tuple(parameters.items())))
        self.price(asset, price)

    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""
        name, a = op["op"], op["args"]
        if name == "warp":
            self.at += int(a["seconds"])
            return Receipt()
        if name == "set_price":
            return self.price(a["asset"], int(a["price"]))
        return self.submit(_command_v3(name, a))

    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return figures and users in the file's shape: balances up to now, the rest as last accrued."""
        book, comet = self.protocol.book, self.comet
        stored, now = comet.work(book, self.at), comet.work(book, self.at)
        now.accrue()
        base = stored.base
        numbers = {
            "supply_index": base.supply_index,
            "borrow_index": base.borrow_index,
            "total_supply_base_principal": base.total_supply,
            "total_borrow_base_principal": base.total_borrow,
            "reserves": now.base.reserves(),
            "utilization": base.utilization(),
            "total_supply": now.base.claims(),
            "total_borrow": now.base.loans(),
            "base_cash": base.virtual,
        }
        state: dict[str, Any] = {name: str(value) for name, value in numbers.items()}
        state["collateral"] = {
            asset: {
                "total": str(stored.collateral(asset).supply_scaled),
                "reserves": str(stored.collateral(asset).reserves),
                "price": str(book.cell("oracle", asset)),
            }
            for asset in comet.assets[1:]
        }
        state["users"] = {user: self._user(stored, now, user) for user in expected["users"]}
        return state

    def _user(self, stored: Work, now: Work, user: str) -> dict[str, Any]:
        held = {asset: stored.held(asset, user) for asset in self.comet.assets[1:]}
        return {
            "principal": str(stored.principal(user)),
            "supply_balance": str(now.claim("BASE", user)),
            "borrow_balance": str(now.debt(user)),
            "collateral": {asset: str(amount) for asset, amount in held.items() if amount},
            "liquidatable": _answer(lambda: stored.is_liquidatable(user)),
            "collateralized": _answer(lambda: stored.is_collateralized(user)),
        }


def _answer(ask: Callable[[], bool]) -> bool | None:
    """Return what is answered, or None where the contract would revert."""
    try:
        return ask()
    except Refused:
        return None


def _command_v3(name: str, a: dict[str, Any]) -> c.Command:
    own: dict[str, Any] = {"venue": "comet", "account": a.get("user", "governance")}
    asset = {"asset": a.get("asset", "BASE")}
    amount = int(a.get("amount", 0))
    whole = amount if asset["asset"] == "BASE" else less(amount)
    makers: dict[str, Callable[[], c.Command]] = {
        "supply": lambda: c.Supply(**own, **asset, amount=whole),
        "withdraw": lambda: c.Withdraw(**own, **asset, amount=whole),
        "absorb": lambda: cc.Absorb(**own, accounts=tuple(a["accounts"])),
        "buy": lambda: cc.BuyCollateral(
            **own, collateral=a["asset"], amount=int(a["base"]), least=int(a["min"])
        ),
        "donate": lambda: cc.Donate(**own, **asset, amount=amount),
        "withdraw_reserves": lambda: cc.WithdrawReserves(**own, **asset, amount=amount),
    }
    if name not in makers:
        raise Differs(f"operation {name!r} is not known")
    return makers[name]()
