"""Play sequences that were executed on deployed contracts, and compare what our rules answer.

A file is {meta, name, assets|params|offset, ops: [{op, args, ok, ret?, err?, events?, time, state}]};
integers are decimal strings. In the files carried here `state` holds only what changed (`"changes": true`).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mutualize import commands as c
from mutualize.errors import Reason, Refused
from mutualize.events import (
    DeficitEliminated,
    Event,
    Liquidated,
    OffsetCovered,
    PendingDeficitCovered,
    PendingDeficitRaised,
    Repaid,
    ShortfallRecognised,
    Slashed,
    Staked,
    Unstaked,
    Withdrawn,
)
from mutualize.invariants import check
from mutualize.ledger import MemoryLedger, header
from mutualize.protocol import Protocol, Receipt
from mutualize.rate_stake import RateStakePool
from mutualize.staking import StakePool
from mutualize.umbrella import Umbrella
from mutualize.venues.outside import Feed
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules

CONTRACT_WORDS = {reason.word for reason in Reason}
NOTHING_RETURNED: tuple[object, ...] = (None, [], "")
"""What a file may say of a function that returns nothing."""


class Differs(AssertionError):
    """Our answer and the contract's differ at one operation and field."""


def merge(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `before` with `changes` on top, table by table; None removes an entry."""
    merged = dict(before)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(before.get(key), dict):
            merged[key] = merge(before[key], value)
        else:
            merged[key] = value
    return merged


def load(path: Path) -> dict[str, Any]:
    """Read a file; where it holds only changes, restore every state whole."""
    data: dict[str, Any] = json.loads(path.read_text())
    if data.get("changes"):
        state: dict[str, Any] = {}
        for op in data["ops"]:
            state = op["state"] = merge(state, op["state"])
    return data


def new_ledger() -> MemoryLedger:
    """Return an empty ledger."""
    return MemoryLedger(header("0" * 64, 0, "test", "test"))


class Player(ABC):
    """A system built with a file's parameters, and the clock of its operations."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.protocol: Protocol

    def submit(self, command: c.Command) -> Receipt:
        """Submit at the current time."""
        receipt = self.protocol.submit(command, at=self.at)
        check(self.protocol.book, deep=True)
        return receipt

    @abstractmethod
    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""

    def word(self, err: str) -> str:
        """Return the contract's word for a refusal, as our reasons spell it."""
        return err

    def events(self, receipt: Receipt) -> list[list[object]] | None:
        """Return the contract's own events, in its order; None where none are compared."""
        return None

    @abstractmethod
    def ret(self, op: dict[str, Any], receipt: Receipt) -> object:
        """Return what the contract's function would have returned, as a string."""

    @abstractmethod
    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return our state in the file's shape (holders named in `expected`)."""


def amount_of(receipt: Receipt, kind: type[Event], field: str) -> str:
    """Return one integer of the first event of a kind, as a string."""
    return str(getattr(receipt.event(kind), field))


class PoolPlayer(Player):
    """A lending pool, with an umbrella on top where the file has one."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(int(data["created_at"]))
        self.assets = list(data["assets"])
        self.pool = Pool("aave", self.assets, PoolRules(zero_price_seizes=False))
        venues: list[Any] = [Feed(), self.pool]
        self.umbrella: Umbrella | None = None
        if "umbrella" in data:
            venues += self._umbrella(data["umbrella"])
        self.protocol = Protocol(venues, new_ledger())
        for asset, values in data["assets"].items():
            self._list(asset, values)
        if "umbrella" in data:
            self._price("STAKED", int(data["umbrella"]["stake_underlying_price_8dec"]))

    def _umbrella(self, p: dict[str, Any]) -> list[Any]:
        self.stake = StakePool(
            "aave",
            "umbrella",
            "STAKED",
            cooldown_s=int(p["cooldown_s"]),
            window_s=int(p["unstake_window_s"]),
            min_left=int(p["min_assets_remaining"]),
        )
        self.umbrella = Umbrella(
            self.pool,
            self.stake,
            p["reserve"],
            stake_decimals=int(p["stake_decimals"]),
            liquidation_fee=int(p["liquidation_fee_bps"]),
        )
        return [self.stake, self.umbrella]

    def _list(self, asset: str, values: dict[str, Any]) -> None:
        optimal, base, slope1, slope2 = (int(x) for x in values["irm_bps_opt_base_s1_s2"])
        parameters = {
            "decimals": int(values["decimals"]),
            "ltv": int(values["ltv_bps"]),
            "threshold": int(values["liq_threshold_bps"]),
            "bonus": int(values["liq_bonus_bps"]),
            "reserve_factor": int(values["reserve_factor_bps"]),
            "protocol_fee": int(values["liq_protocol_fee_bps"]),
            "optimal": optimal,
            "base": base,
            "slope1": slope1,
            "slope2": slope2,
        }
        command = c.ListReserve(
            venue="aave", account="governance", asset=asset, parameters=tuple(parameters.items())
        )
        assert self.submit(command)
        self._price(asset, int(values["price_8dec"]))

    def _price(self, asset: str, price: int) -> Receipt:
        return self.submit(
            c.PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price)
        )

    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""
        name, a = op["op"], op["args"]
        if name == "warp":
            self.at += int(a["seconds"])
            return Receipt()
        if name == "set_price":
            return self._price(a["asset"], int(a["price"]))
        if name == "set_stake_price":
            return self._price("STAKED", int(a["price"]))
        return self.submit(self._command(name, a))

    def _command(self, name: str, a: dict[str, Any]) -> c.Command:
        user = {"venue": "aave", "account": a.get("user", "governance")}
        stake = {"venue": "aave.stake.umbrella", "account": a.get("user", "anyone"), "stake": "umbrella"}
        umbrella = "" if self.umbrella is None else self.umbrella.name
        above = {"venue": umbrella, "account": a.get("user", "anyone")}
        governed = {"venue": umbrella, "account": "governance"}
        simple: dict[str, Callable[..., c.Command]] = {
            "supply": c.Supply,
            "withdraw": c.Withdraw,
            "borrow": c.Borrow,
            "repay": c.Repay,
            "eliminate_deficit": c.EliminateDeficit,
        }
        if name in simple:
            return simple[name](**user, asset=a["asset"], amount=int(a["amount"]))
        makers: dict[str, Callable[[], c.Command]] = {
            "collateral_flag": lambda: c.SetCollateral(**user, asset=a["asset"], on=is_true(a["on"])),
            "liquidate": lambda: c.Liquidate(
                **user,
                borrower=a["borrower"],
                collateral=a["collateral"],
                debt=a["asset"],
                debt_to_cover=int(a["debt_to_cover"]),
                receive_claims=is_true(a["receive_a"]),
            ),
            "mint_to_treasury": lambda: c.MintToTreasury(**user, asset=a["asset"]),
            "stake": lambda: c.Stake(**stake, assets=int(a["assets"])),
            "redeem": lambda: c.Redeem(**stake, shares=int(a["shares"])),
            "cooldown": lambda: c.StartCooldown(**stake),
            "stake_transfer": lambda: c.TransferStake(**stake, to=a["to"], shares=int(a["shares"])),
            "slash": lambda: c.Slash(**above, stake="umbrella"),
            "cover_pending": lambda: c.CoverPendingDeficit(**above, amount=int(a["amount"])),
            "cover_offset": lambda: c.CoverDeficitOffset(**above, amount=int(a["amount"])),
            "set_offset": lambda: c.SetDeficitOffset(**governed, amount=int(a["amount"])),
        }
        if name not in makers:
            raise Differs(f"operation {name!r} is not known")
        return makers[name]()

    def ret(self, op: dict[str, Any], receipt: Receipt) -> object:
        """Return what the contract's function would have returned."""
        kinds: dict[str, tuple[type[Event], str]] = {
            "withdraw": (Withdrawn, "amount"),
            "repay": (Repaid, "amount"),
            "stake": (Staked, "shares"),
            "redeem": (Unstaked, "assets"),
            "slash": (PendingDeficitRaised, "amount"),
            "cover_pending": (PendingDeficitCovered, "amount"),
            "cover_offset": (OffsetCovered, "amount"),
            "eliminate_deficit": (DeficitEliminated, "amount"),
        }
        if op["op"] not in kinds:
            raise Differs(f"no return value is known for {op['op']!r}")
        return amount_of(receipt, *kinds[op["op"]])

    def events(self, receipt: Receipt) -> list[list[object]]:
        """Return the contract's own events, in its order (deficits before the call's event)."""
        deficits: list[list[object]] = []
        calls: list[list[object]] = []
        for entry in receipt.entries:
            event = entry.event
            if isinstance(event, ShortfallRecognised):
                deficits.append(["DeficitCreated", {"amountCreated": str(event.amount)}])
            elif isinstance(event, Liquidated):
                taken = {"debtToCover": str(event.paid), "liquidatedCollateralAmount": str(event.seized)}
                calls.append(["LiquidationCall", taken])
            elif isinstance(event, DeficitEliminated):
                calls.append(["DeficitCovered", {"amountCovered": str(event.amount)}])
        return deficits + calls

    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return reserves, users and umbrella in the file's shape."""
        state: dict[str, Any] = {
            "reserves": {asset: self._reserve(asset) for asset in self.assets},
            "users": {user: self._user(user, shown) for user, shown in expected["users"].items()},
        }
        if self.umbrella is not None:
            state["umbrella"] = self._above(expected["umbrella"])
        return state

    def _reserve(self, asset: str) -> dict[str, str]:
        book = self.protocol.book
        reserve = self.pool.reserve(book, asset)
        stored = {
            "liquidity_index": reserve.liquidity_index,
            "liquidity_rate": reserve.liquidity_rate,
            "borrow_index": reserve.borrow_index,
            "borrow_rate": reserve.borrow_rate,
            "last_update": reserve.last_update,
            "accrued_to_treasury_scaled": reserve.accrued_scaled,
            "deficit": reserve.deficit,
            "virtual_balance": reserve.virtual,
            "a_scaled_supply": reserve.supply_scaled,
            "d_scaled_supply": reserve.debt_scaled,
            "price": book.cell("oracle", asset),
        }
        reserve.liquidity_index, reserve.borrow_index = (
            reserve.income_index(self.at),
            reserve.debt_index(self.at),
        )
        stored |= {"a_supply": reserve.claims(), "d_supply": reserve.loans()}
        return {name: str(value) for name, value in stored.items()}

    def _user(self, user: str, shown: dict[str, Any]) -> dict[str, Any]:
        book, pos = self.protocol.book, {}
        for asset in self.assets:
            scaled = [book.cell(f"aave.{asset}.{kind}", user) for kind in ("supply", "debt")]
            if any(scaled) or asset in shown["pos"]:
                worth = [
                    self.pool.claim(book, user, asset, self.at),
                    self.pool.debt(book, user, asset, self.at),
                ]
                pos[asset] = [str(value) for value in (*scaled, *worth)]
        health = self.pool.health(book, user, self.at)
        return {
            "pos": pos,
            "collateral_base": str(health.collateral),
            "debt_base": str(health.debt),
            "avg_lt_bps": str(health.threshold),
            "hf": str(health.factor),
            "config_bitmap": str(book.cell("aave.flags", user)),
        }

    def _above(self, expected: dict[str, Any]) -> dict[str, Any]:
        book, stake, umbrella = self.protocol.book, self.stake, self.umbrella
        assert umbrella is not None
        stakers = {
            name: {
                "shares": str(stake.shares_of(book, name)),
                "value_floor": str(stake.value_of(book, name)),
                "cooldown": [str(value) for value in _cooldown(stake, book, name)],
                "max_redeem": str(stake.redeemable(book, name, self.at)),
            }
            for name in expected["stakers"]
        }
        return {
            "pending_deficit": str(umbrella.pending(book)),
            "deficit_offset": str(umbrella.offset(book)),
            "slashable": umbrella.slashable(book) > 0,
            "new_deficit": str(umbrella.slashable(book)),
            "stake_total_assets": str(stake.assets(book)),
            "stake_total_shares": str(stake.shares(book)),
            "max_slashable": str(stake.slashable(book)),
            "recipient_balance": str(book.cell(umbrella.table, "collected")),
            "underlying_price": str(book.cell("oracle", "STAKED")),
            "stakers": stakers,
        }


def is_true(value: object) -> bool:
    """Say whether a file's word for a flag means that it is on."""
    return str(value).lower() in ("1", "true")


def _cooldown(stake: StakePool, book: Any, name: str) -> tuple[int, int, int]:
    return stake.cooldown(book, name)


class RatePlayer(Player):
    """The older Safety Module's stake token alone."""

    def __init__(self, data: dict[str, Any]) -> None:
        p = data["params"]
        super().__init__(int(p["created_at"]))
        self.cooldown_s = int(p["cooldown_s"])
        self.stake = RateStakePool(
            "sm",
            "stk",
            "AAVE",
            cooldown_s=self.cooldown_s,
            window_s=int(p["unstake_window_s"]),
            slash_max=int(p["max_slashable_bps"]),
            lower_bound=int(p["lower_bound"]),
        )
        self.protocol = Protocol([self.stake], new_ledger())
        self.paid: dict[str, int] = {}

    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""
        name, a = op["op"], op["args"]
        if name == "warp":
            self.at += int(a["seconds"])
            return Receipt()
        user = a.get("user", "governance")
        common = {"venue": self.stake.name, "account": user, "stake": "stk"}
        match name:
            case "stake":
                command: c.Command = c.Stake(**common, assets=int(a["assets"]))
            case "redeem":
                command = c.Redeem(**common, shares=int(a["shares"]))
            case "cooldown":
                command = c.StartCooldown(**common)
            case "transfer":
                command = c.TransferStake(**common, to=a["to"], shares=int(a["shares"]))
            case "slash":
                command = c.Slash(**common, amount=int(a["amount"]))
            case "settle":
                command = c.SettleSlashing(**common)
            case "return_funds":
                command = c.ReturnFunds(**common, assets=int(a["amount"]))
            case _:
                raise Differs(f"operation {name!r} is not known")
        receipt = self.submit(command)
        for entry in receipt.entries:
            if isinstance(entry.event, Staked):
                self.paid[user] = self.paid.get(user, 0) - entry.event.assets
            elif isinstance(entry.event, Unstaked):
                self.paid[user] = self.paid.get(user, 0) + entry.event.assets
        return receipt

    def ret(self, op: dict[str, Any], receipt: Receipt) -> object:
        """Return the amount that was slashed; nothing else returns."""
        if op["op"] != "slash":
            raise Differs(f"no return value is known for {op['op']!r}")
        return amount_of(receipt, Slashed, "assets")

    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return rate, totals and stakers in the file's shape."""
        book, stake = self.protocol.book, self.stake
        stakers = {}
        for name in expected["stakers"]:
            shares, ends, _ = stake.cooldown(book, name)
            stakers[name] = {
                "shares": str(stake.shares_of(book, name)),
                "value": str(stake.value_of(book, name)),
                "cooldown": [str(ends - self.cooldown_s if ends else 0), str(shares)],
                "paid_out": str(self.paid.get(name, 0)),
            }
        return {
            "exchange_rate": str(stake.rate(book)),
            "total_shares": str(stake.shares(book)),
            "assets_held": str(stake.assets(book)),
            "implied_assets": str(stake.to_assets_down(book, stake.shares(book))),
            "post_slashing": stake.unsettled(book),
            "stakers": stakers,
        }


class VaultPlayer(Player):
    """A plain share vault."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(0)
        self.stake = StakePool("vault", "shares", "TOKEN", offset_digits=int(data["offset"]))
        self.protocol = Protocol([self.stake], new_ledger())

    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""
        name, a = op["op"], op["args"]
        common = {"venue": self.stake.name, "account": a.get("user", "nobody"), "stake": "shares"}
        kinds: dict[str, tuple[Any, str]] = {
            "deposit": (c.Stake, "assets"),
            "mint": (c.MintShares, "shares"),
            "withdraw": (c.WithdrawAssets, "assets"),
            "redeem": (c.Redeem, "shares"),
            "gain": (c.ReturnFunds, "assets"),
            "loss": (c.LoseAssets, "assets"),
        }
        if name not in kinds:
            raise Differs(f"operation {name!r} is not known")
        kind, field = kinds[name]
        return self.submit(kind(**common, **{field: int(a["amount"])}))

    def ret(self, op: dict[str, Any], receipt: Receipt) -> object:
        """Return shares for deposits and withdrawals, assets for minting and redeeming."""
        fields: dict[str, tuple[type[Event], str]] = {
            "deposit": (Staked, "shares"),
            "mint": (Staked, "assets"),
            "withdraw": (Unstaked, "shares"),
            "redeem": (Unstaked, "assets"),
        }
        return amount_of(receipt, *fields[op["op"]])

    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return totals and holders; a holder without shares is not shown."""
        book, stake = self.protocol.book, self.stake
        holders = {
            name: [str(shares), str(stake.to_assets_down(book, shares))]
            for name, shares in book.table(f"{stake.table}.shares").items()
            if shares or name in expected["holders"]
        }
        return {
            "total_assets": str(stake.assets(book)),
            "total_shares": str(stake.shares(book)),
            "holders": holders,
        }


Players = Mapping[str, Callable[[dict[str, Any]], Player]]
PLAYERS: Players = {
    "aave": PoolPlayer,
    "umbrella": PoolPlayer,
    "stk": RatePlayer,
    "erc4626": VaultPlayer,
}


def first_difference(ours: object, theirs: object, place: str = "") -> str | None:
    """Return where two states first differ, with both values, or None."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            found = first_difference(ours.get(key), theirs.get(key), f"{place}.{key}")
            if found:
                return found
        return None
    return None if ours == theirs else f"{place.lstrip('.')}: ours {ours!r}, the contract's {theirs!r}"


def play(path: Path, *, words: bool, players: Players = PLAYERS) -> int:
    """Play a whole file; raises Differs at the first difference. Returns the number of operations.

    `words`: the contract's name of a refusal must agree as well, where one of our reasons has that name.
    """
    data = load(path)
    player = players[path.name.split("_")[0]](data)
    for op in data["ops"]:
        place = f"{path.name}: operation {op.get('i', '?')} {op['op']}"
        receipt = player.play(op)
        if bool(receipt) != op["ok"]:
            answer = "allowed" if receipt else f"refused: {receipt.refused}"
            raise Differs(f"{place}: ok: ours {answer}, the contract's {op['ok']} {op.get('err', '')}")
        err = player.word(op.get("err") or "")
        if words and err in CONTRACT_WORDS and receipt.refused and receipt.refused.word != err:
            raise Differs(f"{place}: err: ours {receipt.refused.word}, the contract's {err}")
        if op["ok"] and op.get("ret") not in NOTHING_RETURNED:
            ours = player.ret(op, receipt)
            if ours != op["ret"]:
                raise Differs(f"{place}: ret: ours {ours}, the contract's {op['ret']}")
        told = player.events(receipt)
        if op.get("events") is not None and told is not None:
            found = first_difference(told, op["events"], "events")
            if found:
                raise Differs(f"{place}: {found}")
        try:
            ours = player.state(op["state"])
        except Refused as refused:
            raise Differs(f"{place}: state: what is shown cannot be worked out: {refused}") from refused
        found = first_difference(ours, op["state"])
        if found:
            raise Differs(f"{place}: state: {found}")
    return len(data["ops"])
