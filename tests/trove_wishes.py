"""What those who play with a trove system wish: some of it is out of the question.

The rule: a wish depends on the stream and on what is in the book, on nothing else. Half of what is tried lies
at an edge: a ratio of just 110 or 150 %, a pool that holds just a debt, one unit more or less.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final

from bending import bent

from mutualize import commands as c
from mutualize import tier_commands as tc
from mutualize import trove_commands as t
from mutualize.book import Book
from mutualize.randomness import Stream
from mutualize.units import WAD
from mutualize.venues.stability import Stability

VENUE: Final = "liquity"
OWNERS: Final = ("t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7")
PEOPLE: Final = (*OWNERS, "alice", "bob", "keeper")
START_PRICE: Final = 200 * 10**8
PRICE_SCALE: Final = 10**10
"""From the oracle's decimals to wad."""
WORDS: Final = {"account": (*PEOPLE, ""), "asset": ("LUSD", "ETH", ""), "to": ("bob", "")}
"""What a field that is a name is bent to."""
RATIOS: Final = (110, 110, 111, 120, 150, 150, 151, 200, 300)
"""Ratios at which troves are opened, percent."""


class Wishes(ABC):
    """The players: what they ask for next."""

    at: int
    book: Book
    stream: Stream
    venue: Stability

    @abstractmethod
    def price(self, price: int) -> None:
        """Let the oracle tell a price."""

    def next(self) -> c.Command | None:
        """Return what somebody asks for next; once in a while it is bent. None: a price was told."""
        command = self.stream.choice(self._verbs())()
        if command is None or not self.stream.chance(1, 10):
            return command
        return bent(self.stream, command, WORDS, ("venue", "tier", "draws"))

    def _verbs(self) -> Sequence[Callable[[], c.Command | None]]:
        return (
            *([self._open] * 5),
            *([self._adjust] * 5),
            self._close,
            *([self._transfer] * 2),
            *([self._provide] * 3),
            *([self._fit] * 4),
            *([self._withdraw] * 3),
            *([self._liquidate] * 4),
            *([self._riskiest] * 4),
            *([self._batch] * 2),
            self._claim,
            *([self._move_price] * 8),
            *([self._settle_later] * 2),
        )

    def _who(self) -> dict[str, Any]:
        return {"venue": VENUE, "account": self.stream.choice(PEOPLE)}

    def _owner(self, *, active: bool = True) -> dict[str, Any]:
        """Return somebody who has a trove, or has none; once in a while whoever it is."""
        troves = self.venue.troves(self.book)
        fit = [owner for owner in OWNERS if troves.is_active(owner) == active]
        who = self.stream.choice(fit if fit and self.stream.chance(9, 10) else OWNERS)
        return {"venue": VENUE, "account": who}

    def _near(self, value: int) -> int:
        return max(0, value + self.stream.choice((0, 0, 0, -1, 1)))

    @property
    def now(self) -> int:
        """The price now, in wad."""
        return self.venue.troves(self.book).price

    # --- troves ------------------------------------------------------------------------------------------

    def _open(self) -> c.Command:
        least = 1_791_044_776_119_402_985_075  # with its fee the least net debt
        amount = self.stream.choice((least, least, least - 1, 1_800 * WAD, 2_000 * WAD, 9_000 * WAD))
        if self.stream.chance(1, 6):
            amount = self.stream.choice((1_800 * WAD - 1, 30_000 * WAD, 0))
        fee = 0 if self.venue.is_in_recovery(self.book) else amount // 200
        debt = amount + fee + 200 * WAD
        ratio = self.stream.choice(RATIOS)
        coll = debt * ratio * 10**16 // max(1, self.now) + self.stream.choice((0, 1, 1, 1, WAD))
        return t.OpenTrove(**self._owner(active=False), collateral=coll, amount=amount)

    def _adjust(self) -> c.Command:
        own, s = self._owner(), self.stream
        troves = self.venue.troves(self.book)
        coll, debt = troves.entire(own["account"])
        spare = max(0, coll - debt * s.choice((110, 150, 151)) * 10**16 // max(1, self.now))
        more = s.choice((0, 0, WAD, coll // 3, 1, 30 * WAD))
        less = s.choice((0, 0, 0, self._near(spare), coll, coll + 1, 1)) if not more else s.choice((0, 0, 1))
        draws = s.chance(1, 2)
        room = max(0, coll * self.now // (110 * 10**16) - debt)
        held = troves.held(own["account"])
        back = max(0, debt - 2_000 * WAD)
        change = (
            s.choice((0, 1, WAD, room, room * 200 // 201))
            if draws
            else s.choice((0, 0, 1, held, self._near(back), held // 2, debt))
        )
        return t.AdjustTrove(**own, collateral_in=more, collateral_out=less, debt=change, draws=draws)

    def _close(self) -> c.Command:
        return t.CloseTrove(**self._owner())

    def _transfer(self) -> c.Command:
        own, s = self._who(), self.stream
        held = self.venue.held(self.book, own["account"])
        amount = s.choice((0, held, held, held // 2, held + 1))
        return c.TransferClaims(**own, asset="LUSD", to=s.choice(PEOPLE), amount=amount)

    def _claim(self) -> c.Command:
        with_some = [who for who in OWNERS if self.venue.surplus(self.book, who)]
        who = self.stream.choice((*with_some, *OWNERS[:2]))
        return t.ClaimSurplus(venue=VENUE, account=who)

    # --- the pool ----------------------------------------------------------------------------------------

    def _provide(self) -> c.Command:
        own, s = self._who(), self.stream
        held = self.venue.held(self.book, own["account"])
        return c.Supply(**own, asset="LUSD", amount=s.choice((0, 1, held, held // 2, held // 3, held + 1)))

    def _fit(self) -> c.Command:
        """Bring the pool to what the riskiest owes, or a little more: so that it is emptied, or nearly."""
        s, troves = self.stream, self.venue.troves(self.book)
        riskiest = self.venue.riskiest(self.book, 2)
        debt = sum(troves.entire(owner)[1] for owner in riskiest[: s.choice((1, 1, 2))])
        wanted = debt + s.choice((0, 1, -1, 10**3, 10**9, 10**12, WAD, WAD + 1, -(debt // 2)))
        change = wanted - troves.pool["total"]
        who = max(PEOPLE, key=lambda name: troves.held(name) if change > 0 else troves.pool.worth(name))
        own = {"venue": VENUE, "account": who, "asset": "LUSD"}
        return c.Supply(**own, amount=change) if change > 0 else c.Withdraw(**own, amount=-change)

    def _withdraw(self) -> c.Command:
        own, s = self._who(), self.stream
        if s.chance(1, 2):
            own["account"] = s.choice((*self.book.table(f"{VENUE}.pool.deposit"), "bob")) or "bob"
        worth, _ = self.venue.deposit(self.book, own["account"])
        amount = s.choice((0, 1, worth, worth // 2, worth + 1, max(0, worth - WAD), c.ALL))
        return c.Withdraw(**own, asset="LUSD", amount=amount)

    # --- liquidations ------------------------------------------------------------------------------------

    def _liquidate(self) -> c.Command:
        riskiest = self.venue.riskiest(self.book, 3)
        owner = self.stream.choice((*riskiest, *riskiest[:1], *riskiest[:1], *OWNERS[:2]))
        return c.Liquidate(**self._who(), borrower=owner, collateral="ETH", debt="LUSD")

    def _riskiest(self) -> c.Command:
        return t.LiquidateTroves(**self._who(), count=self.stream.choice((0, 1, 1, 2, 3, 10, 2**200)))

    def _batch(self) -> c.Command:
        s = self.stream
        owners = [s.choice(OWNERS) for _ in range(s.choice((1, 2, 3, 5)))]
        return t.LiquidateTroves(**self._who(), owners=tuple(owners))

    def _settle_later(self) -> c.Command:
        """Ask for what a tier owes later; where there is no such tier this is refused."""
        s, tiers = self.stream, ("stability-pool", "redistribution")
        own = {"venue": f"{VENUE}.waterfall", "account": "keeper", "asset": "LUSD", "tier": s.choice(tiers)}
        if s.chance(1, 4):
            return tc.LapseTier(**own)
        return tc.SettleTier(**own, amount=s.choice((WAD, 700 * WAD, c.ALL)))

    # --- prices ------------------------------------------------------------------------------------------

    def _move_price(self) -> None:
        """Move the price: to where a trove, or all together, are just safe or just not, or anywhere."""
        s, troves = self.stream, self.venue.troves(self.book)
        told = troves.price // PRICE_SCALE
        owner = s.choice(OWNERS)
        coll, debt = troves.collateral, troves.debt
        edges = [self.venue.price_safe(self.book, owner)] * 2
        if coll:
            critical = -(-debt * 15 * 10**17 // coll)
            edges += [-(-critical // PRICE_SCALE)] * 2
        own_coll, own_debt = troves.entire(owner)
        if own_coll:
            edges.append(own_debt * WAD // own_coll // PRICE_SCALE)
        if s.chance(1, 2):
            wanted = self._near(s.choice(edges))
        else:  # back up, where the system is in trouble
            steps = (103, 115, 140) if self.venue.is_in_recovery(self.book) else (70, 80, 92, 97, 103)
            wanted = told * s.choice(steps) // 100
        if s.chance(1, 40):
            wanted = s.choice((0, 1, 10**30))
        elif not 20 * 10**8 < wanted < 600 * 10**8:
            wanted = START_PRICE
        self.price(wanted)
