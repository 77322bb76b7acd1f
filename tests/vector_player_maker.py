"""Play sequences of Maker's contracts: a vault engine with one kind of collateral.

Which liquidation code is in force follows from the file's parameters: a lump is of March 2020, a box or a
dunk of Liq 1.2, a hole of Liq 2.0. Terms that a file does not name are the contracts' defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vector_players import Differs, Player, amount_of, new_ledger

from mutualize import commands as c
from mutualize import vault_commands as v
from mutualize.events import Event
from mutualize.protocol import Protocol, Receipt
from mutualize.tables import as_name
from mutualize.units import RAY
from mutualize.vault_events import AuctionStarted, VaultLiquidated
from mutualize.venues.auction import CLIP, FLIP, OLD
from mutualize.venues.cdp import Vaults
from mutualize.venues.clip import Sale, chost
from mutualize.venues.outside import Feed
from mutualize.venues.vat import FLAP, ILK_TERMS, SYSTEM_TERMS, VOW

ILK = "ETH-A"
HOLDERS = ("u0", "u1", "u2", "u3", "u4", "kp0", "kp1")
ENGLISH = ("bid", "lot", "guy", "tic", "end", "usr", "tab")
PLAIN = ("tic", "end")
"""Fields that a file holds as numbers, not as strings."""


def code_of(data: dict[str, Any]) -> str:
    """Return which liquidation code a file was made with."""
    params = set(data["params"])
    if "lump" in params or not params & {"box", "dunk", "hole", "Hole"}:
        return OLD
    return CLIP if params & {"hole", "Hole"} else FLIP


class MakerPlayer(Player):
    """A vault engine, its holders endowed as the file says."""

    def __init__(self, data: dict[str, Any]) -> None:
        params = data["params"]
        super().__init__(int(params["created_at"]))
        code = code_of(data)
        self.vaults = Vaults("maker", "DAI", {ILK: "ETH"}, auctions=code, price_decimals=18)
        self.protocol = Protocol([Feed(), self.vaults], new_ledger())
        given = {name: int(value) for name, value in params.items() if str(value).isdigit()}
        if code == OLD and given.get("chop", RAY) < RAY:  # a penalty in wad; that code counts it in ray
            given["chop"] *= 10**9
        own = {"venue": "maker", "account": "governance"}
        terms = tuple((name, value) for name, value in given.items() if name in ILK_TERMS)
        assert self.submit(v.ListCollateral(**own, ilk=ILK, parameters=terms))
        for name, value in given.items():
            if name in SYSTEM_TERMS:
                assert self.submit(c.SetParameter(**own, asset="", name=name, value=value))
        for holder in HOLDERS:
            gem, mkr = given["initial_gem_each"], given["initial_mkr_each"]
            assert self.submit(v.JoinCollateral(venue="maker", account=holder, ilk=ILK, amount=gem))
            assert self.submit(v.MintGovernance(**own, to=holder, amount=mkr))
        self._price(given["price_wad"])
        assert self.submit(v.TakePrice(**own, ilk=ILK))

    def _price(self, price: int) -> Receipt:
        return self.submit(
            c.PublishPrice(venue="oracle", account="oracle", asset="ETH", price=price, market=price)
        )

    def play(self, op: dict[str, Any]) -> Receipt:
        """Carry one operation out."""
        name, a = op["op"], op["args"]
        if name == "warp":
            self.at += int(a["seconds"])
            return Receipt()
        if name == "set_price":
            return self._price(int(a["price"]))
        return self.submit(_command(name, a))

    def word(self, err: str) -> str:
        """Return the contract's word for a refusal, without the contract's name."""
        return err.rpartition("/")[2]

    def ret(self, op: dict[str, Any], receipt: Receipt) -> object:
        """Return the number of a new auction."""
        kinds: dict[str, type[Event]] = {
            "bite": VaultLiquidated,
            "bark": VaultLiquidated,
            "flop": AuctionStarted,
            "flap": AuctionStarted,
        }
        if op["op"] not in kinds:
            raise Differs(f"no return value is known for {op['op']!r}")
        return amount_of(receipt, kinds[op["op"]], "id")

    # --- state -------------------------------------------------------------------------------------------

    def state(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return what the file shows: its numbers, and of holders those whom it names."""
        vat = self.vaults.vat(self.protocol.book, self.at)
        numbers = {
            **{name: vat.system(name) for name in ("debt", "vice", "litter", "Dirt")},
            **{name: vat.get(ILK, name) for name in ("Art", "rate", "spot")},
            **{f"{kind}_kicks": vat.get(kind, "kicks") for kind in ("flap", "flop")},
            **{f"{kind}_kicks": vat.get(f"{ILK}.{kind}", "kicks") for kind in ("flip", "clip")},
            "vow_dai": vat.get("dai", VOW),
            "vow_sin": vat.system("vice"),
            "vow_Sin_queued": vat.system("Sin"),
            "vow_Ash": vat.system("Ash"),
            "mkr_supply": vat.system("supply"),
            "flap_fill": vat.get("dai", FLAP),
            "chost": chost(vat, ILK),
        }
        state: dict[str, Any] = {name: str(value) for name, value in numbers.items() if name in expected}
        tables = {"dai": "dai", "gem": f"gem.{ILK}", "mkr": "gov"}
        for shown, table in tables.items():
            state[shown] = {holder: str(vat.get(table, holder)) for holder in expected[shown]}
        state["urns"] = {}
        for holder in HOLDERS:
            urn = [vat.get(f"{ILK}.ink", holder), vat.get(f"{ILK}.art", holder)]
            if any(urn) and holder.startswith("u"):
                state["urns"][holder] = [str(value) for value in urn]
        state["auctions"] = {
            **self._english("flip", f"{ILK}.flip", ENGLISH),
            **self._english("flop", "flop", ENGLISH[:5]),
            **self._english("flap", "flap", ENGLISH[:5]),
            **self._sales(),
        }
        return state

    def _english(self, kind: str, table: str, fields: tuple[str, ...]) -> dict[str, Any]:
        vat, found = self.vaults.vat(self.protocol.book, self.at), {}
        for number in range(1, vat.get(table, "kicks") + 1):
            bid = {field: vat.get(table, f"{number}.{field}") for field in fields}
            if bid["guy"]:
                found[f"{kind}{number}"] = {field: _shown(field, value) for field, value in bid.items()}
        return found

    def _sales(self) -> dict[str, Any]:
        vat, found = self.vaults.vat(self.protocol.book, self.at), {}
        for number in range(1, vat.get(f"{ILK}.clip", "kicks") + 1):
            sale = Sale(vat, "clip", ILK, number)
            if sale["usr"]:
                needs_redo, price = sale.status()
                fields = ("tab", "lot", "usr", "tic", "top")
                shown = {field: _shown(field, sale[field]) for field in fields}
                found[f"clip{number}"] = {**shown, "price_now": str(price), "needs_redo": needs_redo}
        return found


def _shown(field: str, value: int) -> object:
    if field in ("guy", "usr"):
        return as_name(value)
    return value if field in PLAIN else str(value)


def _command(name: str, a: dict[str, Any]) -> c.Command:
    user = {"venue": "maker", "account": a.get("user", "anyone")}
    auction, _, verb = name.partition("_")
    if verb:
        return _bid(user, auction, verb, a)
    ilk = {**user, "ilk": ILK}
    makers: dict[str, Callable[[], c.Command]] = {
        "frob": lambda: v.ChangeVault(**ilk, collateral=int(a["dink"]), debt=int(a["dart"])),
        "move": lambda: v.MoveDai(**user, to=a["to"], amount=int(a["rad"])),
        "drip": lambda: v.AccrueRate(**ilk),
        "poke": lambda: v.TakePrice(**ilk),
        "bite": lambda: v.LiquidateVault(**ilk, vault=a["urn"]),
        "bark": lambda: v.LiquidateVault(**ilk, vault=a["urn"]),
        "take": lambda: v.TakeCollateral(
            **ilk, id=int(a["id"]), amount=int(a["amt"]), price_max=int(a["max"])
        ),
        "redo": lambda: v.ResetSale(**ilk, id=int(a["id"])),
        "flog": lambda: v.FlogSin(**user, era=int(a["era"])),
        "heal": lambda: v.HealDebt(**user, amount=int(a["rad"])),
        "kiss": lambda: v.KissDebt(**user, amount=int(a["rad"])),
        "flop": lambda: v.StartDebtAuction(**user),
        "flap": lambda: v.StartSurplusAuction(**user),
    }
    if name not in makers:
        raise Differs(f"operation {name!r} is not known")
    return makers[name]()


def _bid(user: dict[str, Any], auction: str, verb: str, a: dict[str, Any]) -> c.Command:
    where = {**user, "auction": auction, "ilk": ILK if auction == "flip" else "", "id": int(a["id"])}
    match verb:
        case "tend":
            return v.RaiseBid(**where, lot=int(a["lot"]), bid=int(a["bid"]))
        case "dent":
            return v.LowerLot(**where, lot=int(a["lot"]), bid=int(a["bid"]))
        case "deal":
            return v.EndAuction(**where)
        case "tick":
            return v.RestartAuction(**where)
    raise Differs(f"operation {verb!r} is not known")
