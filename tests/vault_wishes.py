"""What those who play with a vault engine wish: some of it is out of the question.

The rule: a wish depends on the stream and on what is in the book, on nothing else. Half of what is tried lies
at an edge: one unit, one second, or one auction too far.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from bending import bent
from vault_odd import LATER, WORDS, Wild
from vault_oracle import Now
from vault_oracle_auctions import price_of

from mutualize import commands as c
from mutualize import vault_commands as v
from mutualize.book import Book
from mutualize.randomness import Stream
from mutualize.units import RAD, RAY, WAD

VENUE = "maker"
ILKS = {"ETH-A": "ETH", "BTC-A": "BTC"}
ASSETS = {**ILKS, LATER: "ETH"}
OWNERS, KEEPERS = ("u0", "u1", "u2", "u3"), ("kp0", "kp1")
PEOPLE = (*OWNERS, *KEEPERS)
PRICES = {"ETH": 200 * 10**8, "BTC": 5_000 * 10**8}
DOORS = (v.JoinCollateral, v.ExitCollateral, v.ExitCollateral)
ALL = 2**256 - 1
NONE = 99
"""The number of an auction that is not there."""

TERMS = {
    "duty": RAY + 3 * 10**20,
    "dust": 20 * RAD,
    "mat": 15 * RAY // 10,
    "chop": 113 * WAD // 100,
    "beg": 103 * WAD // 100,
    "ttl": 600,
    "tau": 10_800,
    "lump": 10 * WAD,
    "dunk": 2_000 * RAD,
    "hole": 6_000 * RAD,
    "buf": 13 * RAY // 10,
    "tail": 9_000,
    "cusp": 4 * RAY // 10,
    "chip": WAD // 1_000,
    "tip": RAD,
    "cut": 99 * RAY // 100,
    "step": 90,
}
SYSTEM = {
    "box": 7_000 * RAD,
    "Hole": 9_000 * RAD,
    "wait": 3_600,
    "dump": 50 * WAD,
    "sump": 500 * RAD,
    "bump": 20 * RAD,
    "hump": 30 * RAD,
    "lid": 35 * RAD,
    "end_wait": 1_800,
}


class Wishes(ABC):
    """The players: what they ask for next."""

    at: int
    code: str
    book: Book
    stream: Stream
    wild: Wild

    @abstractmethod
    def cell(self, table: str, key: str) -> int:
        """Return one number of the engine."""

    @abstractmethod
    def price(self, asset: str, price: int) -> None:
        """Let the oracle tell a price."""

    @abstractmethod
    def now(self) -> Now:
        """Return what the error oracle looks at."""

    def wish(self, kind: Callable[..., c.Command], who: str, ilk: str = "", **fields: Any) -> c.Command:
        """Return somebody's command."""
        more = {"ilk": ilk} if ilk else {}
        return kind(venue=VENUE, account=who, **more, **fields)

    def next(self, *, last: bool) -> c.Command | None:
        """Return what somebody asks for next; once in a while it is bent. At last, it is the shutdown."""
        verbs = self._last_verbs() if last else self._verbs()
        if self.wild.is_on and self.stream.chance(1, 3):
            verbs = (self._frob, self._liquidate, self._liquidate, self._take, self._redo, self._bid)
        command = self.stream.choice(verbs)()
        is_odd = command is not None and self.stream.chance(1, 6)
        return bent(self.stream, command, WORDS, ("venue",)) if command is not None and is_odd else command

    def pass_time(self) -> None:
        """Let time pass: none mostly, or up to the very second at which a bid or an auction ends."""
        if self.stream.chance(1, 12):
            moment = self._field(self._auction(), self.stream.choice(("tic", "tic", "tic", "end")))
            self.at = max(self.at, moment + self.stream.choice((0, 0, 1)))
        else:
            self.at += self.stream.choice((0, 0, 0, 0, 0, 0, 0, 1, 12, 60, 60, 300, 601, 3_600))

    def _verbs(self) -> Sequence[Callable[[], c.Command | None]]:
        s = self.stream
        bids: list[Callable[[], c.Command | None]] = [self._bid, self._bid, self._bid, self._deal, self._tick]
        sales: list[Callable[[], c.Command | None]] = [*[self._take] * 6, self._redo]
        own = sales if self.code == "clip" else bids
        return (
            *([self._frob] * 4),
            self._crash,
            self._crash,
            self._poke,
            self._poke,
            *([self._liquidate] * 6),
            *(own * 4),
            *(bids * 2),
            lambda: self.wish(v.AccrueRate, "anyone", self._ilk()),
            lambda: self.wish(v.AdvanceFeed, "anyone", "BTC-A"),
            self._flog,
            self._flog,
            self._heal,
            self._heal,
            self._kiss,
            *([lambda: self.wish(v.StartDebtAuction, "anyone")] * 3),
            *([lambda: self.wish(v.StartSurplusAuction, "anyone")] * 3),
            lambda: self.wish(v.MoveDai, s.choice(PEOPLE), to=s.choice(PEOPLE), amount=self._rad("dai")),
            lambda: self.wish(
                s.choice(DOORS), s.choice(PEOPLE), self._ilk(), amount=s.choice((0, 1, WAD, 2**255))
            ),
            self._govern,
            *([self.wild.command] * 4),
        )

    def _last_verbs(self) -> Sequence[Callable[[], c.Command | None]]:
        s = self.stream
        most = s.choice((300, 3_000, 9_000)) * WAD
        return (
            lambda: self.wish(v.Shutdown, s.choice(("governance", "governance", "u0"))),
            *([lambda: self.wish(v.TagPrice, "anyone", self._ilk())] * 2),
            lambda: self.wish(v.AccrueRate, "anyone", self._ilk()),
            lambda: self.wish(v.StartDebtAuction, "anyone"),
            lambda: self.wish(v.StartSurplusAuction, "anyone"),
            self._govern,
            *([self._cancel] * 4),
            *([lambda: self.wish(v.SkimVault, "anyone", self._ilk(), vault=s.choice(PEOPLE))] * 4),
            lambda: self.wish(v.FreeCollateral, s.choice(PEOPLE), self._ilk()),
            *([self._heal] * 3),
            *([lambda: self.wish(v.ThawDebt, "anyone")] * 3),
            *([lambda: self.wish(v.FixShare, "anyone", self._ilk())] * 3),
            *([lambda: self.wish(v.CashOut, s.choice(PEOPLE), self._ilk(), amount=s.below(most))] * 8),
            self._frob,
            self._liquidate,
            self._crash,
            self._bid,
            self._take,
            self._deal,
        )

    def _ilk(self) -> str:
        return self.stream.choice(("ETH-A", "ETH-A", "BTC-A"))

    def _near(self, value: int) -> int:
        return max(0, value + self.stream.choice((0, 0, 0, -1, 1)))

    def _rad(self, table: str) -> int:
        held = self.cell(table, self.stream.choice(PEOPLE))
        return self.stream.choice((0, 1, held, held + 1, held // 3))

    def _frob(self) -> c.Command:
        s, ilk, who = self.stream, self._ilk(), self.stream.choice(OWNERS)
        ink, art = self.cell(f"{ilk}.ink", who), self.cell(f"{ilk}.art", who)
        spot, rate = self.cell(ilk, "spot"), self.cell(ilk, "rate")
        if art and s.chance(1, 3):
            return self.wish(
                v.ChangeVault,
                who,
                ilk,
                collateral=-s.choice((0, ink, ink // 3)),
                debt=-s.choice((art, art // 2)),
            )
        dink = s.choice((0, WAD, 5 * WAD, 20 * WAD))
        most = max(0, (ink + dink) * spot // rate - art)
        few = self.cell(ilk, "dust") // rate
        return self.wish(
            v.ChangeVault, who, ilk, collateral=dink, debt=s.choice((self._near(most), most, most // 2, few))
        )

    def _crash(self) -> c.Command:
        asset = self.stream.choice(tuple(PRICES))
        percent = self.stream.choice((5, 30, 50, 70, 85, 100, 100, 130))
        odd = self.stream.chance(1, 12)
        price = self.stream.choice((0, 0, 0, 0, 1, 10**32, 10**70)) if odd else PRICES[asset] * percent // 100
        self.price(asset, price)
        if odd and self.stream.chance(2, 3):
            return self._liquidate()
        return self.wish(v.TakePrice, "anyone", "ETH-A" if asset == "ETH" else "BTC-A")

    def _poke(self) -> c.Command:
        return self.wish(v.TakePrice, "anyone", self._ilk())

    def _liquidate(self) -> c.Command:
        ilk = self._ilk()
        rate, spot = self.cell(ilk, "rate"), self.cell(ilk, "spot")
        vaults = [(who, self.cell(f"{ilk}.ink", who), self.cell(f"{ilk}.art", who)) for who in PEOPLE]
        unsafe = [who for who, ink, art in vaults if ink * spot < art * rate]
        owner = self.stream.choice((*unsafe, *unsafe, *unsafe, *PEOPLE[:3]))
        return self.wish(v.LiquidateVault, self.stream.choice(KEEPERS), ilk, vault=owner)

    def _auction(self) -> tuple[str, str, int]:
        """Return (kind, ilk, number): a live one mostly, begun and in time where there is one."""
        seized = () if self.code == "clip" else tuple(("flip", ilk) for ilk in ILKS)
        kinds = (*seized, ("flop", ""), ("flap", ""))
        live = []
        for kind, ilk in kinds:
            for number in range(1, self.cell(f"{ilk}.{kind}" if ilk else kind, "kicks") + 1):
                place = (kind, ilk, number)
                if self._field(place, "lot") or self._field(place, "tab"):
                    begun = self._field(place, "tic") > 0
                    live += [place] * (1 + 3 * begun + 3 * (self._field(place, "end") > self.at))
        none = (*self.stream.choice(kinds), NONE)
        return self.stream.choice((*live, none))

    def _field(self, auction: tuple[str, str, int], field: str) -> int:
        kind, ilk, number = auction
        return self.cell(f"{ilk}.{kind}" if ilk else kind, f"{number}.{field}")

    def _bidder(self) -> str:
        return self.stream.choice((*KEEPERS, *KEEPERS, *KEEPERS, "u0"))

    def _bid(self) -> c.Command:
        auction = self._auction()
        if auction[2] == NONE and self.stream.chance(7, 8):
            return self._frob()
        lower = auction[0] == "flop" or self._field(auction, "bid") == self._field(auction, "tab")
        lower = lower and auction[0] != "flap"
        wrong = self.stream.chance(1, 8)
        return self._dent(auction) if lower != wrong else self._tend(auction)

    def _tend(self, auction: tuple[str, str, int]) -> c.Command:
        s = self.stream
        kind, ilk, number = auction
        bid, tab, lot = (self._field(auction, field) for field in ("bid", "tab", "lot"))
        step = bid * 105 // 100 + 1
        choices = [bid * 103 // 100, step, bid + 1, tab, tab, tab + 1, tab // 2, tab // 9, 1]
        if bid and s.chance(1, 2):
            choices = [self._near(bid * 103 // 100), bid * 102 // 100, bid + 1, step, tab]
        if kind == "flap":
            choices = [self._near(bid * 105 // 100), step, WAD, 10 * WAD, 2_000 * WAD, bid]
        bids: dict[str, Any] = {
            "auction": kind,
            "id": number,
            "lot": lot + s.choice((0, 0, 0, 0, 0, 0, 1)),
            "bid": s.choice(choices),
        }
        return v.RaiseBid(venue=VENUE, account=self._bidder(), ilk=ilk, **bids)

    def _dent(self, auction: tuple[str, str, int]) -> c.Command:
        kind, ilk, number = auction
        bid, lot = self._field(auction, "bid"), self._field(auction, "lot")
        lots = (self._near(lot * 100 // 103), lot * 100 // 106, lot // 2, lot)
        bids: dict[str, Any] = {
            "auction": kind,
            "id": number,
            "lot": self.stream.choice(lots),
            "bid": self._near(bid),
        }
        return v.LowerLot(venue=VENUE, account=self._bidder(), ilk=ilk, **bids)

    def _deal(self) -> c.Command:
        kind, ilk, number = self._auction()
        if number == NONE and self.stream.chance(7, 8):
            return self._liquidate()
        return v.EndAuction(venue=VENUE, account="anyone", auction=kind, ilk=ilk, id=number)

    def _tick(self) -> c.Command:
        kind, ilk, number = self._auction()
        if number == NONE and self.stream.chance(7, 8):
            return self._crash()
        return v.RestartAuction(venue=VENUE, account="anyone", auction=kind, ilk=ilk, id=number)

    def _sale(self) -> tuple[str, int]:
        ilk = self._ilk()
        kicks = self.cell(f"{ilk}.clip", "kicks")
        live = [n for n in range(1, kicks + 1) if self.cell(f"{ilk}.clip", f"{n}.lot")]
        return ilk, self.stream.choice((*live, *(live[-1:] * 4), NONE))

    def _take(self) -> c.Command:
        s, (ilk, number) = self.stream, self._sale()
        if number == NONE and s.chance(7, 8):
            return self._frob() if s.chance(1, 2) else self._liquidate()
        lot, tab = (self.cell(f"{ilk}.clip", f"{number}.{field}") for field in ("lot", "tab"))
        whole = v.TakeCollateral(
            venue=VENUE, account=self._bidder(), ilk=ilk, id=number, amount=ALL, price_max=ALL
        )
        price = price_of(self.now(), whole) if lot else 0
        nearly = max(0, tab - RAD) // max(1, price)
        amount = s.choice((0, 1, lot, lot + 1, lot // 2, lot * 9 // 10, nearly, nearly, ALL))
        dear = s.choice((ALL, ALL, ALL, self._near(price)))
        return attrs.evolve(whole, amount=amount, price_max=dear)

    def _redo(self) -> c.Command:
        ilk, number = self._sale()
        return self.wish(v.ResetSale, self.stream.choice(KEEPERS), ilk, id=number)

    def _flog(self) -> c.Command | None:
        eras = [key for key, value in self.book.table(f"{VENUE}.sin").items() if value]
        return self.wish(v.FlogSin, "anyone", era=int(self.stream.choice(eras))) if eras else None

    def _heal(self) -> c.Command:
        surplus, system = self.cell("dai", "vow"), self.book.table(f"{VENUE}.system")
        free = max(0, system.get("vice", 0) - system.get("Sin", 0) - system.get("Ash", 0))
        most = min(surplus, free)
        return self.wish(
            v.HealDebt, "anyone", amount=self.stream.choice((most, most, self._near(most), most // 2))
        )

    def _kiss(self) -> c.Command:
        most = min(self.cell("dai", "vow"), self.cell("system", "Ash"))
        return self.wish(v.KissDebt, "anyone", amount=self._near(most))

    def _govern(self) -> c.Command:
        s, own = (
            self.stream,
            {"venue": VENUE, "account": self.stream.choice(("governance", "governance", "u0"))},
        )
        name = s.choice(("mat", "dust", "duty", "tail", "chip", "hump", "nonsense"))
        value = {
            "mat": (14 + s.below(3)) * RAY // 10,
            "hump": s.below(90) * RAD,
            "tail": 5_000 + s.below(5_000),
        }
        usual = {**TERMS, **SYSTEM, "nonsense": 0}[name]
        asset = "" if name == "hump" else self._ilk()
        return c.SetParameter(**own, asset=asset, name=name, value=value.get(name, usual))

    def _cancel(self) -> c.Command:
        if self.code == "clip" and self.stream.chance(1, 2):
            ilk, number = self._sale()
            return self.wish(v.CancelAuction, "anyone", ilk, auction="clip", id=number)
        kind, ilk, number = self._auction()
        return v.CancelAuction(venue=VENUE, account="anyone", auction=kind, ilk=ilk, id=number)
