"""Random play with a trove system, biased towards crashes and edges; all laws are checked after each step.

The rule: with the contract's own tiers each command is carried out by a plain transcription of the contracts,
too (`trove_oracle`): refusals and all numbers agree. With other tables of tiers the laws alone hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from auditor import LawBroken
from systems import START, Notebook
from trove_oracle import Plain
from trove_wishes import START_PRICE, VENUE, Wishes

from mutualize import commands as c
from mutualize import events as e
from mutualize import trove_commands as t
from mutualize import trove_events as te
from mutualize.book import replay
from mutualize.encoding import decode, encode
from mutualize.errors import Reason
from mutualize.events import Entry
from mutualize.invariants import check
from mutualize.projections.closing import closing
from mutualize.projections.gains import UNKNOWN, Gains
from mutualize.projections.mirror import Mirror
from mutualize.protocol import Protocol, Receipt
from mutualize.randomness import Stream
from mutualize.tier import DEPOSITORS, FUND, LOANS, Tier
from mutualize.tier_rule import TierRule
from mutualize.units import PRICE_UNIT, WAD
from mutualize.venues.outside import Feed
from mutualize.venues.stability import Stability
from mutualize.venues.stability_cover import TIERS
from mutualize.venues.stability_pool import INDEXES
from mutualize.waterfall import Waterfall

OWN: Final = "contract"
POOL, GIVEN = TIERS
TABLES: Final[Mapping[str, Sequence[Tier]]] = {
    OWN: TIERS,
    "none": (),
    "fund-first": (Tier(name="fund", payer=FUND, loss_price=PRICE_UNIT), *TIERS),
    "halves": (
        Tier(name=POOL.name, payer=DEPOSITORS, of_loss=WAD // 2, loss_price=PRICE_UNIT),
        Tier(name="fund", payer=FUND, loss_price=PRICE_UNIT),
        Tier(name=GIVEN.name, payer=LOANS, amount_max=700 * WAD + 1, loss_price=PRICE_UNIT),
    ),
    "others-first": (GIVEN,),
    "later": (
        Tier(name=POOL.name, payer=DEPOSITORS, due_s=3_600, loss_price=PRICE_UNIT),
        Tier(name=GIVEN.name, payer=LOANS, due_s=7_200, loss_price=PRICE_UNIT),
    ),
}
"""Tables of tiers that stand over the system."""

NUMBERS: Final = {
    "active_coll": "ac",
    "active_debt": "ad",
    "default_coll": "dc",
    "default_debt": "dd",
    "total_stakes": "stakes",
    "stakes_snapshot": "ssnap",
    "coll_snapshot": "csnap",
    "L_coll": "LC",
    "L_debt": "LD",
    "coll_error": "eC",
    "debt_error": "eD",
}
OF_POOL: Final = {
    "P": "P",
    "total": "T",
    "coll": "E",
    "scale": "scale",
    "epoch": "epoch",
    "coll_error": "eE",
    "loss_error": "eL",
}
OF_TROVES: Final = {
    "coll": "coll",
    "debt": "debt",
    "stake": "stake",
    "status": "status",
    "L_coll": "lc",
    "L_debt": "ld",
    "LUSD.balance": "lusd",
    "surplus": "surplus",
}
OF_DEPOSITS: Final = {"": "dep", ".P": "dep_p", ".S": "dep_s", ".scale": "dep_scale", ".epoch": "dep_epoch"}


REFUSED: Final = {
    "ADJUSTMENT_IS_EMPTY": 10,
    "AMOUNT_IS_TOO_LARGE": 40,
    "AMOUNT_IS_ZERO": 80,
    "BALANCE_IS_INSUFFICIENT": 300,
    "COLLATERAL_GOES_BOTH_WAYS": 80,
    "COLLATERAL_IS_HELD": 10,
    "COLLATERAL_IS_INSUFFICIENT": 1,
    "DEBT_CHANGE_IS_ZERO": 60,
    "DEPOSIT_IS_ZERO": 120,
    "NOTHING_IS_UNSAFE": 700,
    "POOL_WOULD_BE_EMPTY": 5,
    "RESERVE_IS_UNKNOWN": 30,
    "STABLECOINS_ARE_INSUFFICIENT": 50,
    "SURPLUS_IS_ZERO": 80,
    "SYSTEM_IS_IN_RECOVERY": 20,
    "SYSTEM_WOULD_BE_CRITICAL": 30,
    "TROVES_ARE_UNSAFE": 80,
    "TROVE_DEBT_IS_TOO_SMALL": 120,
    "TROVE_IS_ACTIVE": 30,
    "TROVE_IS_NOT_ACTIVE": 80,
    "TROVE_WOULD_BE_CRITICAL": 40,
    "TROVE_WOULD_BE_UNSAFE": 40,
}
"""For which reasons wishes are refused, and how often at least; others are too rare to count on."""

RARE: Final = {
    "TROVE_IS_THE_LAST": "the fees are missing to whoever would repay all the debt there is",
    "TROVE_WOULD_BE_WORSE": "few are above 150 % and stay there while they draw in recovery mode",
    "POOL_IS_EXHAUSTED": "P is 0 after 10¹⁸ of losses: see the pool alone, in test_properties_troves.py",
}
"""Reasons that are given too seldom here to count on, and why: their guards have scenes of their own."""


def need(condition: bool, law: str, detail: object) -> None:
    """Raise LawBroken unless the condition holds."""
    if not condition:
        raise LawBroken(law, str(detail))


class Game(Wishes):
    """A trove system and those who play with it."""

    def __init__(
        self, index: str, table: str, seed: int, *, foretold: bool = True, checked: bool = True
    ) -> None:
        """`foretold`: refusals are compared. `checked`: all laws, and all numbers, after each operation."""
        self.at, self.index, self.table = START, index, table
        self._asks, self._checked = foretold and table == OWN, checked
        self.receipt = Receipt()
        self.venue, self.waterfall, self.notebook, self.protocol = new_protocol(index, table)
        self.protocol.observe(TierRule())
        self.protocol.observe(self.look)
        self._gains, self._mirror = Gains(), Mirror()
        for fold in (self._gains.look, self._mirror.take):
            self.protocol.observe(fold)
        self.book = self.protocol.book
        self.stream = Stream(seed, f"troves/{index}/{table}")
        self.plain = Plain(index)
        self.counts: dict[str, int] = {}
        self._tx: dict[str, int] = {}
        self._begin()

    def _begin(self) -> None:
        self.price(START_PRICE)
        own = {"venue": VENUE, "account": "t0"}
        self.do(t.OpenTrove(**own, collateral=600 * WAD, amount=30_000 * WAD))
        self.do(c.TransferClaims(**own, asset="LUSD", to="alice", amount=9_000 * WAD))
        self.do(c.TransferClaims(**own, asset="LUSD", to="bob", amount=9_000 * WAD))
        if self.table in ("fund-first", "halves"):
            own = {"venue": VENUE, "account": "house", "asset": "LUSD"}
            self.do(c.ContributeToFund(**own, tier="fund", amount=3_000 * WAD))

    # --- doing -------------------------------------------------------------------------------------------

    def price(self, price: int) -> None:
        """Let the oracle tell a price."""
        told = {"venue": "oracle", "account": "oracle", "asset": "ETH"}
        self.do(c.PublishPrice(**told, price=price, market=price))
        self.plain.price = price * 10**10

    def do(self, command: c.Command) -> Receipt:
        """Carry a command out; compare with the plain system, check all laws."""
        reason = self.foretell(command) if self._asks else None
        self.receipt = receipt = self.protocol.submit(command, at=self.at)
        if not self._checked:
            self._follow(command)
            return receipt
        if reason is not None:
            self.count(f"foretold {reason.name}")
        if receipt.refused:
            self.count(f"refused {receipt.refused.name}")
        as_told = receipt.refused is reason or not self._asks
        need(as_told, "foretold", f"{receipt.refused}, not {reason}: {command}")
        check(self.book, deep=True)
        if self.table == OWN:
            self._follow(command)
            self._compare()
        self._solvent()
        return receipt

    def foretell(self, command: c.Command) -> Reason | None:
        """Return the reason for which the plain system refuses a command now. It is left as it was."""
        if command.venue == "oracle":
            return None
        if command.venue != VENUE:
            return Reason.NOTHING_IS_OPEN
        before, order = {name: dict(table) for name, table in self.plain.s.items()}, [*self.plain.order]
        reason = self.plain.ask(command)
        self.plain.s, self.plain.order = before, order
        return None if reason is None else Reason[reason]

    def _follow(self, command: c.Command) -> None:
        """Let the plain system do what was done."""
        if self.receipt and command.venue == VENUE and self.table == OWN:
            need(self.plain.ask(command) is None, "foretold", f"the contract refuses {command}")

    # --- laws --------------------------------------------------------------------------------------------

    def _compare(self) -> None:
        """Hold the book against the plain system, number by number."""
        plain, book = self.plain, self.book

        def same(law: str, table: str, names: Mapping[str, str], default: int = 0) -> None:
            for ours, theirs in names.items():
                found, expected = book.cell(f"{VENUE}.{table}", ours, default), plain.n(theirs)
                need(found == expected, law, f"{ours}: {found} is not {expected}")

        same("plain-system", "troves", NUMBERS)
        same("plain-pool", "pool", {key: OF_POOL[key] for key in OF_POOL if key != "P"})
        same("plain-product", "pool", {"P": "P"}, INDEXES[self.index].unit)
        for table, theirs in OF_TROVES.items():
            law = "plain-stablecoins" if table == "LUSD.balance" else f"plain-{table}"
            self._alike(law, book.table(f"{VENUE}.{table}"), plain.s[theirs])
        for ending, theirs in OF_DEPOSITS.items():
            ours = dict(book.table(f"{VENUE}.pool.deposit{ending}"))
            if ending != ".S":
                ours |= book.table(f"{VENUE}.pool.front{ending}")
                self._alike("plain-deposits", ours, plain.s[theirs])
        sums = {f"{epoch}.{scale}": value for (epoch, scale), value in plain.s["S"].items()}
        self._alike("plain-sum", book.table(f"{VENUE}.pool.S"), sums)
        order = self.venue.riskiest(book, 99)[::-1]
        need(order == plain.order, "plain-order", f"{order} is not {plain.order}")
        held = {part: book.balance(f"{VENUE}:{part}", "LUSD") for part in ("treasury", "tier:gas-pool")}
        need(list(held.values()) == [plain.n("fees"), plain.n("gas")], "plain-reserve", held)

    @staticmethod
    def _alike(law: str, ours: Mapping[str, int], theirs: Mapping[str, int]) -> None:
        for key in {**ours, **theirs}:
            found, expected = ours.get(key, 0), theirs.get(key, 0)
            need(found == expected, law, f"{key}: {found} is not {expected}")

    def _solvent(self) -> None:
        """See that deposits claim no more than there is; v1's may, by a part in 10⁹ or so: counted."""
        pool = self.venue.troves(self.book).pool
        if self.index != "liquity-v2" and pool["total"] < WAD:
            return  # of a few units, a rounding is a large part
        depositors = [who for who in self.book.table(f"{VENUE}.pool.deposit") if who]
        claimed, total = sum(pool.worth(who) for who in depositors), pool["total"]
        if claimed > total:
            self.count("deposits claim too much")
        slack = 0 if self.index == "liquity-v2" else total // 10**9 + 10**9
        need(claimed <= total + slack, "pool-solvent", f"{claimed} is claimed, {total} is there")
        if self.index == "liquity-v2":
            gained, held = sum(pool.gain(who) for who in depositors), pool["coll"]
            need(gained <= held, "pool-gains", f"{gained} is gained, {held} is there")

    # --- what came of it ---------------------------------------------------------------------------------

    def count(self, name: str) -> None:
        """Count a situation."""
        self.counts[name] = self.counts.get(name, 0) + 1

    def look(self, entry: Entry) -> None:
        """Count an entry by its kind, and what is rare of it."""
        event = entry.event
        if self._checked:
            need(encode(decode(encode(entry))) == encode(entry), "encoding", entry)
        self.count(type(event).__name__)
        match event:
            case e.LossAbsorbed():
                self.count(f"absorbed by {event.tier}")
                for table, key, _ in event.cells:
                    if table == f"{VENUE}.pool" and key in ("scale", "epoch"):
                        self.count(f"{key} moved")
            case te.TroveClosed():
                self.count(f"closed {event.reason}")
                if event.surplus:
                    self.count("surplus left")
                if event.reason == te.LIQUIDATED:
                    self._liquidated(entry)
            case te.TroveAdjusted() if event.taken_debt:
                self.count("redistribution taken")
            case te.PoolWithdrawn() | te.PoolDeposited() if event.gain:
                self.count("gain paid")

    def _liquidated(self, entry: Entry) -> None:
        if self._tx.get("tx") == entry.tx:
            self.count("several at once")
        self._tx["tx"] = entry.tx

    # --- playing -----------------------------------------------------------------------------------------

    def play(self, operations: int) -> Game:
        """Play, and go over the whole at the end."""
        for _ in range(operations):
            self.step()
        need(replay(self.notebook.entries) == self.book, "replay", "the entries give another book")
        rows = self._gains.rows(closing(self.book, self._mirror))
        for asset in ("LUSD", "ETH"):
            left = sum(row.gain for row in rows if row.asset == asset)
            need(left == 0, "gains", f"{left} {asset} is gained by nobody")
        need(UNKNOWN not in {row.account for row in rows}, "gains", "somebody's purse is not known")
        return self

    def step(self) -> c.Command | None:
        """Let time pass, and somebody ask for something, which is returned."""
        self.at += self.stream.choice((0, 0, 12, 600, 4_000))
        if self.venue.is_in_recovery(self.book):
            self.count("in recovery")
        command = self.next()
        if command is not None:
            self.count(f"asked {type(command).__name__}")
            self.do(command)
        return command


def new_protocol(index: str, table: str) -> tuple[Stability, Waterfall, Notebook, Protocol]:
    """Return a trove system under a table of tiers, and where it writes to."""
    venue, notebook = Stability(VENUE, index=INDEXES[index]), Notebook()
    waterfall = Waterfall(venue.cover(), TABLES[table])
    protocol = Protocol([Feed(), venue, waterfall], notebook, reactors=[waterfall])
    return venue, waterfall, notebook, protocol


def broken(index: str, table: str, seed: int, operations: int) -> str | None:
    """Return the law that a game breaks, or None. An error where none may be is one, too."""
    try:
        Game(index, table, seed).play(operations)
    except LawBroken as error:
        return error.name
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug
        return getattr(error, "name", None) or type(error).__name__
    return None


PLAYED: Final[Sequence[tuple[str, str]]] = (
    *((index, OWN) for index in INDEXES),
    *(("liquity-v2", table) for table in TABLES if table != OWN),
    *(("liquity-v1", table) for table in ("halves", "later", "fund-first")),
)
"""What is played: (index, table)."""
