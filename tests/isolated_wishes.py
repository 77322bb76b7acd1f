"""What those who play with an isolated market wish: some of it is out of the question.

The rule: a wish depends on the stream and on what is in the book, on nothing else. Half of the amounts lie at
an edge: one unit more, one less, all, or nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final

import attrs
from isolated_oracle import Plain
from laws_of_markets import DEBT, MARKET, PAIR, PLEDGED, SUPPLY, Watch, need

from mutualize import commands as c
from mutualize import events as e
from mutualize import isolated_commands as i
from mutualize import tier_commands as tc
from mutualize.events import Event
from mutualize.protocol import Receipt
from mutualize.randomness import Stream

WAD: Final = 10**18
VENUE, RULES = "iso", "iso.waterfall"
SUPPLIERS, BORROWERS = ("ann", "bob", "cal"), ("xav", "yan", "zoe")
PEOPLE: Final = (*SUPPLIERS, *BORROWERS)
DECIMALS: Final = {"USD": 6, "ETH": 18, "BTC": 8}
LLTVS: Final = (8 * 10**17, 945 * 10**15, 385 * 10**15, 98 * 10**16, 77 * 10**16, WAD - 1, 0)
WORDS: Final = {
    "account": (*PEOPLE, "governance"),
    "asset": ("USD", "ETH", "XYZ"),
    "borrower": PEOPLE,
    "on_behalf_of": ("", *PEOPLE),
    "collateral": ("ETH", "USD"),
    "debt": ("USD", "ETH"),
    "name": ("fee", "lltv"),
}
KEEP: Final = ("venue", "price", "market", "tier", "stake")
Wish = Callable[[], c.Command | None]
"""What somebody asks for when his turn comes, if anything."""


@attrs.frozen
class Terms:
    """What a market is played with."""

    lltv: int
    base: int
    slope: int
    fee: int
    is_pair: bool
    freezes: bool


def draw_terms(rnd: Stream) -> Terms:
    """Return random terms: no interest, some, or more than any market had."""
    base, slope = rnd.choice(((0, 0), (5 * 10**8, 2 * 10**9), (10**10, 10**11), (10**13, 0)))
    fee = rnd.choice((0, 10**17, 25 * 10**16))
    return Terms(rnd.choice(LLTVS), base, slope, fee, rnd.chance(1, 2), rnd.chance(1, 6))


class Wishes(ABC):
    """Those who play with a market."""

    table: str
    terms: Terms
    whole: int
    stream: Stream
    watch: Watch
    receipt: Receipt
    coming: list[Wish]

    @abstractmethod
    def do(self, command: c.Command) -> Receipt:
        """Carry a command out."""

    def plain(self) -> Plain | None:
        """Return the numbers of the market, for the second opinion."""
        cells = self.watch.cells
        if MARKET not in cells:
            return None
        now = cells[MARKET]
        return Plain(
            lltv=now["lltv"],
            base=now["rate_base"],
            slope=now["rate_slope"],
            fee=now["fee"],
            recipient="treasury",
            last=now["last_update"],
            pair=self.watch.price(),
            frozen=bool(self.watch.now("iso.exits", "frozen")),
            short=self.watch.sums.get(("iso:deficit", "USD"), 0),
            supply_assets=now["supply_assets"],
            supply_shares=now["supply_shares"],
            borrow_assets=now["borrow_assets"],
            borrow_shares=now["borrow_shares"],
            suppliers=dict(cells.get(SUPPLY, {})),
            borrowers=dict(cells.get(DEBT, {})),
            pledges=dict(cells.get(PLEDGED, {})),
        )

    def told(self, price: int) -> None:
        """Let the oracle tell a price, 8 decimals: 10¹² base units of collateral are worth so much."""
        if self.terms.is_pair:
            self._publish(PAIR, price * 10**16)
        else:
            self._publish("USD", 10**8)
            self._publish("ETH", price)

    def _publish(self, asset: str, price: int) -> None:
        self.do(self._telling(asset, price))

    def _telling(self, asset: str, price: int) -> c.Command:
        return c.PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price)

    # --- wishes ------------------------------------------------------------------------------------------

    def _first(self) -> list[Wish]:
        """Return how a market begins: it is created, priced and filled, after some who come too early."""
        own: dict[str, Any] = {"venue": VENUE, "account": "ann"}
        terms = {"lltv": self.terms.lltv, "rate_base": self.terms.base, "rate_slope": self.terms.slope}
        listed = c.ListReserve(**own, asset="USD", parameters=(*terms.items(), ("fee", self.terms.fee)))
        commands = [
            c.Supply(**own, asset="USD", amount=5),
            i.LiquidatePosition(**own, borrower="bob"),
            attrs.evolve(listed, asset="ETH"),
            attrs.evolve(listed, parameters=(("lltv", WAD),)),
            attrs.evolve(listed, parameters=(("paused", 1),)),
            listed,
            listed,
        ]
        for who in SUPPLIERS:
            amount = self.some(1_000 * self.whole)
            commands.append(c.Supply(venue=VENUE, account=who, asset="USD", amount=amount))
        for who in BORROWERS:
            amount = self.stream.choice((10**12, 10**15, 5 * 10**15)) * self.whole
            commands.append(c.Supply(venue=VENUE, account=who, asset="ETH", amount=amount))
        commands.append(c.Borrow(venue=VENUE, account="xav", asset="USD", amount=self.whole))  # no price yet
        if not self.terms.is_pair:
            commands += [self._telling("ETH", 10**8), commands[-1], self._telling("USD", 0), commands[-1]]
        return [*map(_always, commands), lambda: self.told(10**8)]

    def _wishes(self) -> list[Wish]:
        slow = [self.release, self.settle, self.lapse, self.recover, self.open_exits]
        return [
            *[self.price, self.borrow, self.liquidate, self.liquidate_asset] * 4,
            *[self.supply, self.withdraw, self.pledge, self.repay, self.unpledge, self.dodge] * 2,
            self.accrue, self.fee, self.open, self.contribute, self.stake, self.round_trip,
            *(slow if self.table == "others" or self.terms.freezes else []),
        ]  # fmt: skip

    def some(self, whole: int) -> int:
        """Return an amount: an edge as often as something in between."""
        rnd = self.stream
        if rnd.chance(1, 2):
            return rnd.below(whole + 1)
        return rnd.choice((whole, whole, whole + 1, max(0, whole - 1), 1, 2, whole >> 1, c.ALL))

    def either(self, kind: Any, who: str, assets: int, shares: int, **more: str) -> c.Command:
        """Return a wish in assets, in shares, or (which is refused) in both or neither."""
        rnd = self.stream
        if rnd.chance(1, 20):
            assets, shares = rnd.choice(((assets, shares), (0, 0)))
        elif rnd.chance(1, 2):
            assets, shares = self.some(assets), 0
        else:
            assets, shares = 0, self.some(shares)
        return kind(venue=VENUE, account=who, amount=assets, shares=shares, **more)  # type: ignore[no-any-return]

    def price(self) -> None:
        """Move the price: up a little, down a lot, to nothing and back."""
        rnd, now = self.stream, self.watch.price() or 0
        now = now // 10**16 if self.terms.is_pair else self.watch.now("oracle", "ETH")
        if rnd.chance(1, 12):
            self.told(rnd.choice((0, 1, 2, 10**8, 10**20)))
        elif now < 10**6 or now > 10**12:
            self.told(10**8)
        else:
            moves = (rnd.between(30, 80), rnd.between(90, 105), rnd.between(95, 140))
            self.told(now * rnd.choice(moves) // 100)

    def supply(self) -> c.Command:
        """Lend."""
        who, amount = self.stream.choice(SUPPLIERS), self.some(10**3 * self.whole)
        if self.stream.chance(1, 2):
            return c.Supply(venue=VENUE, account=who, asset="USD", amount=amount)
        return self.either(i.SupplyShares, who, amount, amount * 10**6)

    def withdraw(self) -> c.Command:
        """Take back."""
        who = self.stream.choice((*SUPPLIERS, "treasury"))
        held = self.watch.now(SUPPLY, who)
        if self.stream.chance(1, 2):
            return c.Withdraw(venue=VENUE, account=who, asset="USD", amount=self.some(self.worth(held)))
        return self.either(i.WithdrawShares, who, self.worth(held), held)

    def worth(self, shares: int, side: str = "supply") -> int:
        """Return what shares are worth, about."""
        assets, issued = (self.watch.now(MARKET, f"{side}_{what}") for what in ("assets", "shares"))
        return shares * (assets + 1) // (issued + 10**6)

    def pledge(self) -> c.Command:
        """Put collateral up."""
        who = self.stream.choice(BORROWERS)
        amount = self.some(self.stream.choice((10**12, 10**15)) * self.whole)
        return c.Supply(venue=VENUE, account=who, asset="ETH", amount=amount)

    def unpledge(self) -> c.Command:
        """Take collateral back."""
        who = self.stream.choice(BORROWERS)
        amount = self.some(self.watch.now(PLEDGED, who))
        if self.stream.chance(1, 2):
            return c.Withdraw(venue=VENUE, account=who, asset="ETH", amount=amount)
        return i.WithdrawCollateral(venue=VENUE, account=who, amount=amount)

    def borrow(self) -> c.Command:
        """Draw a loan, at the limit as often as not."""
        plain, who = self.plain(), self.stream.choice(BORROWERS)
        assert plain is not None
        carried = 0
        if plain.pair:
            carried = plain.pledges.get(who, 0) * plain.pair // 10**36 * plain.lltv // WAD
        free = plain.supply_assets - plain.borrow_assets - plain.short
        room = max(0, min(carried - self.worth(plain.borrowers.get(who, 0), "borrow"), free))
        if self.stream.chance(1, 3):
            return c.Borrow(venue=VENUE, account=who, asset="USD", amount=self.some(room))
        return self.either(i.BorrowShares, who, room, room * 10**6)

    def repay(self) -> c.Command:
        """Repay one's own loan, or another's."""
        who, payer = self.stream.choice(BORROWERS), self.stream.choice(PEOPLE)
        owed = self.watch.now(DEBT, who)
        amount, other = self.worth(owed, "borrow"), "" if payer == who else who
        if self.stream.chance(1, 3):
            own = {"venue": VENUE, "account": payer, "asset": "USD", "on_behalf_of": other}
            return c.Repay(**own, amount=self.some(amount))
        return self.either(i.RepayShares, payer, amount, owed, on_behalf_of=other)

    def open(self) -> c.Command:
        """Begin with a position."""
        own: dict[str, Any] = {"venue": VENUE, "account": self.stream.choice(BORROWERS)}
        amount = self.some(10**12 * self.whole)
        debt = self.some(min(amount, 10**30) // 10**13)
        return c.OpenPosition(**own, collateral="ETH", collateral_amount=amount, debt="USD", debt_amount=debt)

    def riskiest(self) -> str:
        """Return a borrower, one with debt rather than one without."""
        owing = [who for who in BORROWERS if self.watch.now(DEBT, who)]
        return self.stream.choice(owing or BORROWERS)

    def liquidate(self) -> c.Command:
        """Liquidate in one of the contract's two forms."""
        who = self.riskiest()
        own: dict[str, Any] = {"venue": VENUE, "account": self.stream.choice(PEOPLE), "borrower": who}
        seized, shares = self.some(self.watch.now(PLEDGED, who)), self.some(self.watch.now(DEBT, who))
        if self.stream.chance(1, 20):
            return i.LiquidatePosition(**own, seized=seized, shares=shares)
        if self.stream.chance(2, 3):
            return i.LiquidatePosition(**own, seized=seized)
        return i.LiquidatePosition(**own, shares=shares)

    def dodge(self) -> c.Command:
        """Seize all but a unit: nothing is recognised."""
        who = self.riskiest()
        left = max(0, self.watch.now(PLEDGED, who) - 1)
        return i.LiquidatePosition(venue=VENUE, account="bob", borrower=who, seized=left)

    def liquidate_asset(self) -> c.Command:
        """Liquidate as one does elsewhere."""
        who = self.riskiest()
        own: dict[str, Any] = {"venue": VENUE, "account": self.stream.choice(PEOPLE), "borrower": who}
        cover = self.some(self.worth(self.watch.now(DEBT, who), "borrow"))
        return c.Liquidate(
            **own, collateral="ETH", debt="USD", debt_to_cover=cover, receive_claims=self.stream.chance(1, 20)
        )

    def accrue(self) -> c.Command:
        """Bring interest up to now."""
        return i.AccrueInterest(venue=VENUE, account="ann")

    def fee(self) -> c.Command:
        """Set the fee."""
        who = self.stream.choice(("governance", "governance", "ann"))
        fee = self.stream.choice((0, 1, 10**17, 25 * 10**16, 25 * 10**16 + 1))
        return c.SetParameter(venue=VENUE, account=who, asset="USD", name="fee", value=fee)

    # --- tiers -------------------------------------------------------------------------------------------

    def contribute(self) -> c.Command:
        """Put money into the fund."""
        amount = self.stream.below(10 * self.whole + 1)
        return c.ContributeToFund(venue=VENUE, account="ann", tier="fund", asset="USD", amount=amount)

    def stake(self) -> c.Command:
        """Stake."""
        own = {"venue": f"{VENUE}.stake.stakers", "account": "bob", "stake": "stakers"}
        return c.Stake(**own, assets=self.stream.below(10 * self.whole + 1))

    def release(self) -> c.Command:
        """Let the vote go through."""
        return tc.ReleaseTier(venue=RULES, account="governance", tier="voted", asset="USD")

    def settle(self) -> c.Command:
        """Let a tier pay what it owes."""
        amount = 1 + self.stream.below(10**3 * self.whole)
        return tc.SettleTier(venue=RULES, account="ann", tier="later", asset="USD", amount=amount)

    def lapse(self) -> c.Command:
        """Pass on what was not paid in time."""
        return tc.LapseTier(venue=RULES, account="ann", tier="later", asset="USD")

    def recover(self) -> c.Command:
        """Give money back."""
        amount = 1 + self.stream.below(10**3 * self.whole)
        return tc.Recover(venue=RULES, account="court", asset="USD", amount=amount)

    def open_exits(self) -> c.Command:
        """Let people leave again."""
        return tc.OpenExits(venue=RULES, account="governance")

    def wipe_out(self) -> c.Command | None:
        """Borrow all there is, and let the collateral become worthless: a share is worth nothing then."""
        plain = self.plain()
        if plain is None or not plain.pair or not plain.lltv:
            return None
        free = max(0, plain.supply_assets - plain.borrow_assets - plain.short)
        own: dict[str, Any] = {"venue": VENUE, "account": "zoe"}
        needed = 2 * free * 10**36 // plain.pair * WAD // plain.lltv + 1

        def seize(who: str) -> Wish:
            own: dict[str, Any] = {"venue": VENUE, "account": "bob", "borrower": who}
            return lambda: i.LiquidatePosition(**own, seized=self.watch.now(PLEDGED, who))

        supplies = [c.Supply(venue=VENUE, account="new", asset="USD", amount=x) for x in (1, self.whole)]
        self.coming = [
            _always(c.Borrow(**own, asset="USD", amount=free)),
            lambda: self.told(0),
            *map(seize, BORROWERS),
            *map(_always, supplies),
            lambda: self.told(10**8),
        ]
        return c.Supply(**own, asset="ETH", amount=needed)

    def round_trip(self) -> c.Command:
        """Supply and take back at once, or borrow and repay at once: nobody gains by it (R1)."""
        amount, who = self.some(10**3 * self.whole), self.stream.choice(BORROWERS)
        if self.stream.chance(1, 2):
            self.coming = [lambda: self._back("new", e.Supplied, i.WithdrawShares)]
            return c.Supply(venue=VENUE, account="new", asset="USD", amount=amount)
        self.coming = [lambda: self._back(who, e.Borrowed, i.RepayShares)]
        return c.Borrow(venue=VENUE, account=who, asset="USD", amount=amount)

    def _back(self, who: str, there: type[Event], back: Any) -> c.Command | None:
        if not self.receipt:
            return None
        made: Any = self.receipt.event(there)
        self.coming = [lambda: self._gained(made.amount, back)]
        return back(venue=VENUE, account=who, shares=made.scaled)  # type: ignore[no-any-return]

    def _gained(self, amount: int, back: Any) -> None:
        if self.receipt:
            lent = back is i.WithdrawShares
            end: Any = self.receipt.event(e.Withdrawn if lent else e.Repaid)
            gain = end.amount - amount if lent else amount - end.amount
            need(gain <= 0, "round-trip", gain)
            self.watch.count(f"round trip {back.__name__}")


def _always(command: c.Command) -> Wish:
    return lambda: command
