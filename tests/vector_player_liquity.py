"""Play sequences of Liquity's contracts: the whole system, or its stability pool alone with others stood in.

Files `liquity_v1_sys_*` are of the system; of the pool alone, `liquity_v1_sp_*` are of the deployed one and
`liquity_v1rev2025_sp_*` of its revision of April 2025.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vector_players import Differs, Player, is_true, new_ledger

from mutualize import commands as c
from mutualize import trove_commands as t
from mutualize.book import View
from mutualize.events import Event, Liquidated, LossAbsorbed
from mutualize.protocol import Protocol, Receipt
from mutualize.tier_rule import TierRule
from mutualize.trove_events import PoolDeposited, PoolWithdrawn, TroveEvent
from mutualize.venues.cell_sheet import Sheet
from mutualize.venues.outside import Feed
from mutualize.venues.stability import Stability
from mutualize.venues.stability_cover import TIERS
from mutualize.venues.stability_pool import V1, V1_2025, Index, StabilityPool
from mutualize.waterfall import Waterfall

VENUE, KEEPER = "liquity", "keeper"


def player_of(data: dict[str, Any]) -> Player:
    """Return the player of a file: what was built for it follows from what it says of itself."""
    if "params" in data and "price_1e18" in data["params"]:
        return SystemPlayer(data)
    is_deployed = data["meta"]["commit"].startswith("9c79c9ec")
    return PoolPlayer(V1 if is_deployed else V1_2025)


class SystemPlayer(Player):
    """The whole system: troves, pool, redistribution, recovery mode."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(int(data["params"]["created_at"]))
        self.venue = Stability(VENUE, price_decimals=18)
        waterfall = Waterfall(self.venue.cover(), TIERS)
        self.protocol = Protocol(
            [Feed(), self.venue, waterfall], new_ledger(), reactors=[waterfall], observers=[TierRule()]
        )
        self.ether: dict[str, int] = {}
        self._price(int(data["params"]["price_1e18"]))

    def _price(self, price: int) -> Receipt:
        told = {"venue": "oracle", "account": "oracle", "asset": "ETH"}
        return self.submit(c.PublishPrice(**told, price=price, market=price))

    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""
        name, a = op["op"], op["args"]
        if name == "warp":
            self.at += int(a["seconds"])
            return Receipt()
        if name == "set_price":
            return self._price(int(a["price"]))
        receipt = self.submit(_command(name, a))
        for entry in receipt.entries:
            if isinstance(entry.event, TroveEvent):
                who, asset, amount = entry.event.purse
                assert asset == "ETH"
                self.ether[who] = self.ether.get(who, 0) + amount
            elif isinstance(entry.event, Liquidated):
                who = entry.event.liquidator
                self.ether[who] = self.ether.get(who, 0) + entry.event.seized
        return receipt

    def word(self, err: str) -> str:
        """Return the contract's word for a refusal, without the contract's name."""
        return err.partition(": ")[2]

    def ret(self, op: dict[str, Any], receipt: Receipt) -> object:
        """Nothing returns anything."""
        raise Differs(f"no return value is known for {op['op']!r}")

    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return what the file shows: all numbers, and of people those whom it names."""
        book, troves = self.protocol.book, self.venue.troves(self.protocol.book, self.at)
        pool, price = troves.pool, troves.price
        coins = [f"{VENUE}:{part}" for part in ("claims", "treasury", "tier:stability-pool", "tier:gas-pool")]
        numbers = {
            "active_coll": troves["active_coll"],
            "active_debt": troves["active_debt"],
            "default_coll": troves["default_coll"],
            "default_debt": troves["default_debt"],
            "sp_deposits": pool["total"],
            "sp_eth": pool["coll"],
            "P": pool["P"],
            "scale": pool["scale"],
            "epoch": pool["epoch"],
            "S": pool.sum(pool["epoch"], pool["scale"]),
            "sp_eth_err": pool["coll_error"],
            "sp_loss_err": pool["loss_error"],
            "L_ETH": troves["L_coll"],
            "L_LUSD": troves["L_debt"],
            "redist_eth_err": troves["coll_error"],
            "redist_debt_err": troves["debt_error"],
            "total_stakes": troves["total_stakes"],
            "stakes_snapshot": troves["stakes_snapshot"],
            "coll_snapshot": troves["coll_snapshot"],
            "base_rate": 0,
            "coll_surplus": book.balance(f"{VENUE}:claims:surplus", "ETH"),
            "lusd_supply": sum(book.balance(name, "LUSD") for name in coins),
            "TCR": troves.total_ratio(price),
            "recovery": int(troves.is_in_recovery(price)),
        }
        state: dict[str, Any] = {name: str(value) for name, value in numbers.items()}
        state["troves"] = {
            owner: {field: str(value) for field, value in self._trove(owner).items()}
            for owner, status in book.table(f"{VENUE}.status").items()
            if status
        }
        state["depositors"] = {
            who: {
                "initial": str(initial),
                "compounded": str(pool.worth(who)),
                "eth_gain": str(pool.gain(who)),
            }
            for who, initial in book.table(f"{VENUE}.pool.deposit").items()
            if initial
        }
        state["lusd"] = {who: str(troves.held(who)) for who in expected["lusd"]}
        state["eth_delta"] = {who: str(self.ether.get(who, 0)) for who in expected["eth_delta"]}
        return state

    def _trove(self, owner: str) -> dict[str, int]:
        troves = self.venue.troves(self.protocol.book, self.at)
        coll, debt = troves.entire(owner)
        pending_coll, pending_debt = troves.pending(owner)
        return {
            **{field: troves.get(field, owner) for field in ("debt", "coll", "stake", "status", "surplus")},
            "entire_debt": debt,
            "entire_coll": coll,
            "pending_debt": pending_debt,
            "pending_coll": pending_coll,
            "icr": troves.ratio(owner, troves.price),
        }


def _command(name: str, a: dict[str, Any]) -> c.Command:
    user = {"venue": VENUE, "account": a.get("user", KEEPER)}
    lusd = {**user, "asset": "LUSD"}
    makers: dict[str, Callable[[], c.Command]] = {
        "open": lambda: t.OpenTrove(**user, collateral=int(a["coll"]), amount=int(a["lusd"])),
        "adjust": lambda: t.AdjustTrove(
            **user,
            collateral_in=int(a.get("coll_add", 0)),
            collateral_out=int(a.get("coll_withdraw", 0)),
            debt=int(a.get("lusd_change", 0)),
            draws=is_true(a.get("is_debt_increase", "")),
        ),
        "close": lambda: t.CloseTrove(**user),
        "transfer": lambda: c.TransferClaims(**lusd, to=a["to"], amount=int(a["amount"])),
        "provide": lambda: c.Supply(**lusd, amount=int(a["amount"])),
        "withdraw": lambda: c.Withdraw(**lusd, amount=int(a["amount"])),
        "liquidate": lambda: c.Liquidate(**user, borrower=a["borrower"], collateral="ETH", debt="LUSD"),
        "liquidate_n": lambda: t.LiquidateTroves(**user, count=int(a["n"])),
        "claim_surplus": lambda: t.ClaimSurplus(**user),
    }
    if name not in makers:
        raise Differs(f"operation {name!r} is not known")
    return makers[name]()


# --- the pool alone --------------------------------------------------------------------------------------


class PoolAlone:
    """A stability pool whose stablecoins and collateral come from outside, by whatever is asked for."""

    name = VENUE

    def __init__(self, index: Index) -> None:
        self.index = index

    def pool(self, view: View) -> tuple[Sheet, StabilityPool]:
        """Return the pool on a sheet of its own."""
        sheet = Sheet(VENUE, view, 0)
        return sheet, StabilityPool(sheet, self.index)

    def decide(self, view: View, command: c.Command, _at: int) -> list[Event]:
        """Put in, take out, or offset debt (`paid`) against collateral (`sold`)."""
        sheet, pool = self.pool(view)
        match command:
            case c.Supply():
                gain, lost = pool.provide(command.account, command.amount)
                self._tell(sheet, PoolDeposited, command, command.amount, gain, lost)
            case c.Withdraw():
                taken, gain, lost = pool.withdraw(command.account, command.amount)
                self._tell(sheet, PoolWithdrawn, command, taken, gain, lost)
            case c.Trade():
                self._offset(sheet, pool, command.sold_amount, command.bought_amount)
        return sheet.events

    def _tell(self, sheet: Sheet, kind: type[Event], command: Any, amount: int, gain: int, lost: int) -> None:
        if kind is PoolDeposited:
            sheet.post("cash", "tier:stability-pool", "LUSD", amount)
        else:
            sheet.post("tier:stability-pool", "cash", "LUSD", amount)
        sheet.post("tier:stability-pool", "cash", "ETH", gain)
        sheet.tell(
            kind, account=command.account, asset="LUSD", amount=amount, collateral="ETH", gain=gain, lost=lost
        )

    def _offset(self, sheet: Sheet, pool: StabilityPool, debt: int, coll: int) -> None:
        if not pool["total"] or not debt:
            return
        pool.begin()
        pool.foresee(debt, coll)
        pool.offset(debt, coll)
        sheet.post("cash", "tier:stability-pool", "ETH", coll)
        sheet.post("tier:stability-pool", "cash", "LUSD", debt)
        fields = {"asset": "LUSD", "tier": "stability-pool", "index": 0, "bearer": "depositors"}
        money = {"amount": debt, "rest": 0, "paid_asset": "LUSD", "paid": debt, "price": 0, "paid_price": 0}
        sheet.tell(LossAbsorbed, **fields, **money)


class PoolPlayer(Player):
    """A stability pool alone."""

    def __init__(self, index: Index) -> None:
        super().__init__(0)
        self.alone = PoolAlone(index)
        self.protocol = Protocol([self.alone], new_ledger())
        self.paid: dict[str, int] = {}

    @staticmethod
    def command(op: dict[str, Any]) -> c.Command:
        """Return what an operation asks for."""
        name, a = op["op"], op["args"]
        own = {"venue": VENUE, "account": a.get("user", "manager")}
        match name:
            case "provide":
                return c.Supply(**own, asset="LUSD", amount=int(a["amount"]))
            case "withdraw":
                return c.Withdraw(**own, asset="LUSD", amount=int(a["amount"]))
            case "offset":
                place: dict[str, Any] = {"sold": "LUSD", "bought": "ETH", "place": "", "mid": 0}
                return c.Trade(**own, **place, sold_amount=int(a["debt"]), bought_amount=int(a["coll"]))
        raise Differs(f"operation {name!r} is not known")

    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""
        receipt = self.submit(self.command(op))
        for entry in receipt.entries:
            if isinstance(entry.event, TroveEvent):
                who, _, gain = entry.event.purse
                self.paid[who] = self.paid.get(who, 0) + gain
        return receipt

    def word(self, err: str) -> str:
        """Return the contract's word for a refusal, without the contract's name."""
        return err.partition(": ")[2]

    def ret(self, op: dict[str, Any], receipt: Receipt) -> object:
        """Nothing returns anything."""
        raise Differs(f"no return value is known for {op['op']!r}")

    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return the pool's numbers and the depositors whom the file names."""
        _, pool = self.alone.pool(self.protocol.book)
        numbers = {
            "total_deposits": pool["total"],
            "eth": pool["coll"],
            "P": pool["P"],
            "scale": pool["scale"],
            "epoch": pool["epoch"],
            "last_eth_error": pool["coll_error"],
            "last_loss_error": pool["loss_error"],
            "S_current": pool.sum(pool["epoch"], pool["scale"]),
        }
        told = [name for name in numbers if expected.get(name) is not None]  # the revision has no epochs
        state: dict[str, Any] = {name: str(numbers[name]) for name in told}
        state["depositors"] = {
            who: {
                "initial": str(pool.initial(who)),
                "compounded": str(pool.worth(who)),
                "eth_gain": str(pool.gain(who)),
                "eth_paid": str(self.paid.get(who, 0)),
            }
            for who in expected["depositors"]
        }
        return state
