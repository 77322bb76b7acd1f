"""Random play with Compound v3, beside an oracle that knows the contract by heart.

`Game` plays what the contract knows under the protocol's own table of tiers: reserves pay what they can, and
all is compared after each step. `Tiered` plays other tables, too; there the laws alone have to hold.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from comet_oracle import Comet3
from compound_oracle import Revert
from markets_play import PEOPLE, TABLES, WAD, WORD, MarketsGame, need

from mutualize import commands as c
from mutualize import compound_commands as cc
from mutualize.compound_events import Absorbed, CollateralBought
from mutualize.errors import Refused
from mutualize.events import Liquidated, LossAbsorbed, ShortfallRecognised
from mutualize.randomness import Stream
from mutualize.venues.comet import Comet

COLLATERALS: Final = ("ETH", "XYZ")
PRICES: Final = {"ETH": 2_000 * 10**8, "XYZ": 3 * 10**8}
FACTORS: Final = (100, 100, 95, 85, 80, 75, 70, 50, 10, 120)
"""What prices come to, per cent of what they began with; at times they come to nothing."""
YEAR_RATES: Final = (0, 15 * 10**15, 4 * 10**16, 5 * 10**17, 18 * WAD)


def base_terms(rnd: Stream) -> dict[str, int]:
    """Return the terms of the base asset; suppliers may earn more than borrowers pay."""
    decimals = rnd.choice((6, 18))
    sides = {f"{side}_{part}": rnd.choice(YEAR_RATES[:4]) for side in ("supply", "borrow") for part in PARTS}
    if rnd.chance(1, 6):
        sides[f"{rnd.choice(('supply', 'borrow'))}_high"] = YEAR_RATES[4]
    return {
        **sides,
        "decimals": decimals,
        "supply_kink": rnd.choice((8 * 10**17, 0, WAD)),
        "borrow_kink": rnd.choice((8 * 10**17, 0, WAD)),
        "borrow_min": rnd.choice((0, 10**decimals)),
        "target_reserves": rnd.choice((0, 10**4, 10**6, 10**9)) * 10**decimals,
        "store_front_factor": rnd.choice((5 * 10**17, 0, WAD)),
        "supply_paused": 0,
        "withdraw_paused": 0,
        "absorb_paused": 0,
        "buy_paused": 0,
    }


PARTS: Final = ("base", "low", "high")


def collateral_terms(rnd: Stream) -> dict[str, int]:
    """Return the terms of a collateral."""
    return {
        "decimals": rnd.choice((18, 8)),
        "borrow_factor": rnd.choice((825 * 10**15, 65 * 10**16 + 99 * 10**12)),
        "liquidate_factor": rnd.choice((895 * 10**15, 7 * 10**17)),
        "liquidation_factor": rnd.choice((95 * 10**16, 88 * 10**16 + 99 * 10**12, WAD, 6 * 10**17)),
        "supply_cap": rnd.choice((2**128 - 1, 10**23)),
    }


def new_venue() -> Comet:
    """Return a venue that has seen nothing."""
    return Comet("comet", ["USD", *COLLATERALS])


class Game(MarketsGame):
    """What the contract knows."""

    is_contract = True

    def __init__(self, seed: int, *, checked: bool = True) -> None:
        rnd = Stream(seed, "comet/setup")
        tiers = TABLES[0] if self.is_contract else rnd.choice(TABLES[1:])
        super().__init__(seed, "comet", new_venue, tiers, checked=checked)
        self.own = {"venue": "comet", "account": "governance"}
        terms = {"USD": base_terms(rnd), **{asset: collateral_terms(rnd) for asset in COLLATERALS}}
        others = {asset: terms[asset] for asset in COLLATERALS}
        self.oracle = Comet3("USD", terms["USD"], others, self.at)
        self.unit = {asset: int(10 ** values["decimals"]) for asset, values in terms.items()}
        for asset, values in terms.items():
            self.must(c.ListReserve(**self.own, asset=asset, parameters=tuple(values.items())))
            self.tell(asset, PRICES.get(asset, 10**8))
        self.base_operations = 0
        self.index = 0
        for who in PEOPLE[:2]:
            self.supply(who, "USD", 10**6 * self.unit["USD"])
        for who in PEOPLE[1:]:
            self.supply(who, "ETH", 40 * self.unit["ETH"])
            self.supply(who, "XYZ", 40 * self.unit["XYZ"])

    def do(self, command: c.Command, act: Callable[[], object]) -> bool:
        """Carry a command out on both sides: allowed by both, or by neither, and the same is seen then."""
        self.oracle.now = self.at
        told = self.oracle.attempt(act) if self.is_contract else None
        receipt = self.submit(command)
        if told is not None:
            need(bool(receipt) == told, "foretold", f"{receipt.refused}, not {told}: {command}")
            self.compare()
        if self.checked:
            self.look()
        return bool(receipt)

    def dust(self) -> int:
        """Return what a unit of principal is worth, and two roundings."""
        return int(self.venue.work(self.book, self.at).base.borrow_index // 10**15 + 2)

    def compare(self) -> None:
        """Hold all that can be seen against the oracle's."""
        o, stored = self.oracle, self.venue.work(self.book, self.at)
        base = stored.base
        shown = (base.supply_index, base.borrow_index, base.total_supply, base.total_borrow)
        self.same("figures", (*shown, base.virtual, base.last_update, base.utilization()), o.shown())
        self.same("reserves", _answer(lambda: self.venue.reserves(self.book, self.at)), _answer(o.reserves))
        for asset, info in o.assets.items():
            figures = stored.collateral(asset)
            ours = (figures.supply_scaled, figures.virtual, figures.reserves)
            self.same("collateral", ours, (info.total, info.balance, info.balance - info.total))
        for who in PEOPLE:
            self.compare_account(stored, who)

    def compare_account(self, stored: Any, who: str) -> None:
        """Hold what can be seen of one account against the oracle's."""
        o, venue = self.oracle, self.venue
        self.same("principal", stored.principal(who), o.principals.get(who, 0))
        for asset in COLLATERALS:
            self.same("held", stored.held(asset, who), o.collateral.get((who, asset), 0))
        for law, ask, answer in (
            ("liquidatable", stored.is_liquidatable, o.is_liquidatable),
            ("collateralized", stored.is_collateralized, o.is_collateralized),
        ):
            self.same(law, _answer(partial(ask, who)), _answer(partial(answer, who)))
        claim = _answer(lambda: venue.claim(self.book, who, "USD", self.at))
        debt = _answer(lambda: venue.debt(self.book, who, "USD", self.at))
        self.same("balances", None if claim is None else (claim, debt), _answer(lambda: o.balances(who)))

    def look(self) -> None:
        """Hold the laws that need a memory, and count what was come to."""
        base = self.venue.work(self.book, self.at).base
        drift = base.total_supply - base.supply_units + base.total_borrow - base.debt_units
        self.base_operations += bool(self.receipt)
        need(0 <= drift <= 2 * self.base_operations, "drift", f"{drift} after {self.base_operations}")
        cut = any(isinstance(entry.event, LossAbsorbed) for entry in self.receipt.entries)
        need(base.supply_index >= self.index or cut, "index-falls-by-a-cut")
        self.index = base.supply_index
        parts = base.treasury() - base.deficit - base.absorbed
        need(base.reserves() == parts, "signed-reserves", f"{base.reserves()} is not {parts}")
        for what, reached in (
            ("reserves below zero", base.reserves() < 0),
            ("open deficit", base.deficit > 0),
            ("drift", drift > 0),
            ("unsold collateral", base.absorbed > 0),
            ("over the kink", base.utilization() > base.supply_kink),
        ):
            if reached:
                self.count(what)
        for entry in self.receipt.entries:
            self.notice(entry.event)
        self.receipt = type(self.receipt)()

    def notice(self, event: object) -> None:
        """Count how an absorption or a sale went."""
        match event:
            case Absorbed():
                self.count("absorbed with excess" if event.left else "absorbed")
            case CollateralBought():
                self.count("sold at a gain" if event.paid > event.cost else "sold")
            case ShortfallRecognised(account=""):
                self.count("sold below cost")

    # --- verbs ---------------------------------------------------------------------------------------------

    def supply(self, who: str, asset: str, amount: int) -> bool:
        """Supply the base asset, or a collateral."""
        o = self.oracle
        command = c.Supply(venue="comet", account=who, asset=asset, amount=amount)
        return self.do(command, lambda: o.supply(who, asset, amount))

    def withdraw(self, who: str, asset: str, amount: int) -> bool:
        """Withdraw or borrow the base asset, or withdraw a collateral."""
        o = self.oracle
        kind = c.Borrow if asset == "USD" and amount != WORD and self.stream.chance(1, 3) else c.Withdraw
        command = kind(venue="comet", account=who, asset=asset, amount=amount)
        if asset != "USD" and amount == WORD:
            held = o.collateral.get((who, asset), 0)
            return self.do(command, lambda: o.withdraw(who, asset, held))
        return self.do(command, lambda: o.withdraw(who, asset, amount))

    def tell(self, asset: str, price: int) -> None:
        """Let the oracle tell a price."""
        self.price(asset, price)
        self.oracle.prices[asset] = price

    def step(self) -> None:
        """Let time pass, and somebody ask for something."""
        rnd = self.stream
        if rnd.chance(1, 3):
            self.at += rnd.choice((1, 12, 3_600, 30 * 86_400))
        who, asset = rnd.choice(PEOPLE), rnd.choice(COLLATERALS)
        pick = rnd.below(24)
        if pick < 3:
            self.put_in(who)
        elif pick < 6:
            self.supply(who, asset, self.near(self.unit[asset] * rnd.choice((1, 50, 2_000))))
        elif pick < 11:
            self.borrow(who)
        elif pick < 12:
            held = self.venue.work(self.book, self.at).held(asset, who)
            self.withdraw(who, asset, WORD if rnd.chance(1, 6) else self.near(held // rnd.choice((1, 3, 9))))
        elif pick < 16:
            self.absorb(who)
        elif pick < 18:
            self.buy(who, asset)
        elif pick < 19:
            self.reserves(who)
        elif pick < 22:
            self.tell(asset, 0 if rnd.chance(1, 30) else PRICES[asset] * rnd.choice(FACTORS) // 100)
        elif pick == 22:
            self.other(who, asset)
        else:
            self.beside(who)

    def put_in(self, who: str) -> None:
        """Supply the base asset: what is owed, nearly, or something; or repay for another."""
        rnd, o = self.stream, self.oracle
        owed = self.venue.work(self.book, self.at).debt(who)
        if owed and rnd.chance(1, 4):
            amount, payer = self.near(owed), rnd.choice(PEOPLE)
            debt = _answer(lambda: self.venue.debt(self.book, who, "USD", self.at)) or 0
            command = c.Repay(venue="comet", account=payer, asset="USD", amount=amount, on_behalf_of=who)
            self.do(command, lambda: _repay(o, who, min(amount, debt)))
            return
        amount = self.near(owed) if owed and rnd.chance(2, 3) else self.near(1_000 * self.unit["USD"])
        self.supply(who, "USD", WORD if rnd.chance(1, 6) else amount)

    def borrow(self, who: str) -> None:
        """Withdraw the base asset: what is lent, and as much as is carried."""
        rnd, work = self.stream, self.venue.work(self.book, self.at)
        if who == PEOPLE[0] and rnd.chance(9, 10):
            return  # somebody has to lend
        lent = work.claim("USD", who)
        carried = _answer(lambda: work.standing(who, "borrow_factor"))
        room = 0 if carried is None else max(0, carried.collateral - carried.debt) * self.unit["USD"] // 10**8
        amount = min(rnd.choice((lent, lent + room, lent + room, lent + room, lent // 2)), work.base.virtual)
        exact = amount if rnd.chance(1, 2) else self.near(amount)
        self.withdraw(who, "USD", WORD if rnd.chance(1, 10) else exact)

    def absorb(self, who: str) -> None:
        """Absorb one account or several, most often such as may be; or absorb and buy at once."""
        rnd, o, work = self.stream, self.oracle, self.venue.work(self.book, self.at)
        ready = [name for name in PEOPLE if _answer(partial(work.is_liquidatable, name))]
        if ready and rnd.chance(1, 3):
            self.liquidate(who, rnd.choice(ready))
            return
        accounts = tuple(ready[: rnd.between(1, 3)]) if ready and rnd.chance(5, 6) else (rnd.choice(PEOPLE),)
        if rnd.chance(1, 20):
            accounts *= rnd.choice((0, 2))
        command = cc.Absorb(venue="comet", account=who, accounts=accounts)
        self.do(command, lambda: o.absorb(accounts))

    def liquidate(self, who: str, borrower: str) -> None:
        """Absorb an account and buy from it; for all, a unit more would buy what it did not have."""
        rnd, o, work = self.stream, self.oracle, self.venue.work(self.book, self.at)
        held = work.holds(borrower)
        asset = rnd.choice(held) if held else "ETH"
        whole, seized = rnd.chance(1, 2), work.held(asset, borrower)
        amount = WORD if whole else self.near(10 * self.unit["USD"])
        command = c.Liquidate(
            venue="comet",
            account=who,
            borrower=borrower,
            collateral=asset,
            debt="USD",
            debt_to_cover=amount,
        )
        o.now = self.at
        receipt = self.submit(command)
        if receipt and self.is_contract:
            event = receipt.event(Liquidated)
            assert isinstance(event, Liquidated)
            done = o.attempt(lambda: o.liquidate(borrower, asset, event.seized, event.paid))
            need(done, "foretold", str(command))
            most = o.quote(asset, event.paid + 1)
            need(event.seized <= seized and (not whole or most > seized), "all-is-most", str(event))
            self.count("liquidated")
        if self.is_contract:
            self.compare()
        if self.checked:
            self.look()

    def buy(self, who: str, asset: str) -> None:
        """Buy collateral: all there is, or some."""
        rnd, o, work = self.stream, self.oracle, self.venue.work(self.book, self.at)
        there = work.collateral(asset).reserves
        price = self.book.cell("oracle", asset)
        worth = there * price * self.unit["USD"] // (self.unit[asset] * 10**8)
        amount = self.near(worth // rnd.choice((1, 1, 3, 20)))
        least = rnd.choice((0, 0, 0, there, 2**128))
        where = "USD" if rnd.chance(1, 40) else asset
        command = cc.BuyCollateral(venue="comet", account=who, collateral=where, amount=amount, least=least)
        self.do(command, lambda: o.buy(where, least, amount))

    def reserves(self, who: str) -> None:
        """Send money for nothing, or take reserves out."""
        rnd, o = self.stream, self.oracle
        if rnd.chance(1, 2):
            amount = self.near(rnd.choice((10, 10_000)) * self.unit["USD"])
            command: c.Command = cc.Donate(venue="comet", account=who, asset="USD", amount=amount)
            self.do(command, lambda: o.donate(amount))
            return
        reserves = self.venue.work(self.book, self.at).base.reserves()
        amount = self.near(max(0, reserves) // rnd.choice((1, 10)))
        self.do(
            cc.WithdrawReserves(**self.own, asset="USD", amount=amount), lambda: o.withdraw_reserves(amount)
        )

    def other(self, who: str, asset: str) -> None:
        """Send collateral for nothing, or pause something for a while."""
        rnd, o = self.stream, self.oracle
        if rnd.chance(1, 2):
            amount, info = self.near(self.unit[asset]), o.assets[asset]
            amount = min(amount, 2**200)
            command: c.Command = cc.Donate(venue="comet", account=who, asset=asset, amount=amount)
            self.do(command, lambda: setattr(info, "balance", info.balance + amount))
            return
        name = rnd.choice(("supply_paused", "withdraw_paused", "absorb_paused", "buy_paused"))
        value = int(rnd.chance(1, 6))
        command = c.SetParameter(**self.own, asset="USD", name=name, value=value)
        self.do(command, lambda: o.govern(name, value))

    def beside(self, who: str) -> None:
        """Do what the contract does not know; here, nothing."""


def _repay(oracle: Comet3, who: str, amount: int) -> None:
    """Supply no more than is owed, by somebody who owes."""
    if not oracle.balances(who)[1]:
        raise Revert("nothing is owed")
    oracle.supply(who, "USD", amount)


def _answer(ask: Callable[[], Any]) -> Any:
    """Return what is answered, or None where the contract would revert."""
    try:
        return ask()
    except (Refused, Revert):
        return None


class Tiered(Game):
    """Other tables of tiers than the protocol's, recoveries, and positions at the start."""

    is_contract = False

    def beside(self, who: str) -> None:
        """Let tiers pay or be paid, or begin with a position."""
        rnd = self.stream
        if rnd.chance(2, 3):
            self.tiers("USD")
        else:
            asset = rnd.choice(COLLATERALS)
            self.submit(
                c.OpenPosition(
                    venue="comet",
                    account=who,
                    collateral=asset,
                    collateral_amount=self.near(50 * self.unit[asset]),
                    debt="USD",
                    debt_amount=self.near(100 * self.unit["USD"]),
                )
            )
        if self.checked:
            self.look()
