"""What random games with Compound's markets have in common: who plays, what is counted, what always holds.

The rule: what a player does depends on the seed and on the state, on nothing else. The oracle answers first;
the program has to answer alike, and to show the same state, whatever was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from auditor import LawBroken
from systems import START, Notebook

from mutualize import commands as c
from mutualize import tier_commands as tc
from mutualize.accounts import account
from mutualize.book import Book, replay
from mutualize.events import Event, LossAbsorbed, ShortfallRecognised
from mutualize.invariants import check
from mutualize.protocol import Protocol, Receipt
from mutualize.randomness import Stream
from mutualize.recoveries import Row
from mutualize.tier import Tier
from mutualize.tier_rule import TierRule
from mutualize.venues.outside import Feed
from mutualize.waterfall import Waterfall

PEOPLE: Final = ("ann", "bob", "cyd", "dan", "kim")
WAD: Final = 10**18
WORD: Final = 2**256 - 1
DAY: Final = 86_400

TABLES: Final[Sequence[tuple[Tier, ...]]] = (
    (Tier(name="reserves", payer="revenue"),),
    (Tier(name="fund", payer="fund"), Tier(name="reserves", payer="revenue", limit=WAD // 2)),
    (Tier(name="depositors", payer="claims"),),
    (Tier(name="owner", payer="holder", holder="ann"), Tier(name="borrowers", payer="loans")),
    (
        Tier(name="later", payer="revenue", due_s=10 * DAY, amount_max=10**9),
        Tier(name="reserves", payer="revenue"),
        Tier(name="rescue", payer="injection", holder="kim", amount_max=10**7),
        Tier(name="depositors", payer="claims", limit=WAD // 3),
    ),
    (),
)
"""Tables of tiers that are played with; the first is the protocol's own."""
ROWS: Final = (Row(name="back", rule="reverse"), Row(name="all", rule="pro-rata"))


def need(condition: object, law: str, told: str = "") -> None:
    """Raise LawBroken unless a law holds."""
    if not condition:
        raise LawBroken(law, told)


def protocol_of(venue: Any, tiers: Sequence[Tier], ledger: Notebook) -> Protocol:
    """Return a venue under a table of tiers, and the oracle that it is told prices by."""
    waterfall = Waterfall(venue.cover(), tiers, recoveries=ROWS)
    return Protocol([Feed(), venue, waterfall], ledger, reactors=[waterfall])


class MarketsGame:
    """A venue under a table of tiers, and those who play with it."""

    def __init__(
        self, seed: int, name: str, new: Callable[[], Any], tiers: Sequence[Tier], *, checked: bool = True
    ) -> None:
        """Begin with what `new` makes. `checked`: all laws of the book, after each operation."""
        self.at, self.venue, self.stream = START, new(), Stream(seed, name)
        self.ledger = Notebook()
        self.protocol = protocol_of(self.venue, tiers, self.ledger)
        self.waterfall, self._new = f"{self.venue.name}.waterfall", new
        self._tiers, self.checked = tiers, checked
        self.protocol.observe(TierRule())
        self.book: Book = self.protocol.book
        self.counts: dict[str, int] = {}
        self.receipt = Receipt()
        self.wish: c.Command | None = None
        """What was asked last."""

    def anew(self) -> Protocol:
        """Return those who decide, who have seen nothing yet."""
        return protocol_of(self._new(), self._tiers, Notebook())

    def count(self, what: str) -> None:
        """Count what was reached."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def submit(self, command: c.Command) -> Receipt:
        """Carry a command out; all laws of the book hold after it."""
        self.receipt = receipt = self.protocol.submit(command, at=self.at)
        self.wish = command
        self.count(f"asked {type(command).__name__}")
        if receipt.refused:
            self.count(f"refused {receipt.refused.name}")
        for entry in receipt.entries:
            self.count(type(entry.event).__name__)
            self._hold(entry.event)
        if self.checked:
            check(self.book, deep=True)
        return receipt

    def dust(self) -> int:
        """Return by how much more than what is recognised a deficit may grow, by rounding."""
        return 0

    def _hold(self, event: Event) -> None:
        """Hold what recognises a loss, or pays one, against what it says."""
        venue = self.venue.name
        deficit, claims, treasury = (account(venue, name) for name in ("deficit", "claims", "treasury"))
        if isinstance(event, ShortfallRecognised):
            booked = sum(t.amount for t in event.transfers if t.debit == deficit)
            lent = all(t.credit.startswith(f"{venue}:loans") for t in event.transfers if t.debit == deficit)
            need(lent and 0 <= booked - event.amount <= self.dust(), "shortfall-from-loans", str(event))
        elif isinstance(event, LossAbsorbed):
            self.count(f"paid by {event.tier}")
            paid = sum(t.amount for t in event.transfers if t.credit == deficit)
            need(paid == event.amount, "deficit-paid", str(event))
            if event.bearer == "revenue":
                own = sum(t.amount for t in event.transfers if (t.debit, t.credit) == (treasury, deficit))
                need(own == event.amount, "par", str(event))
        touched = any(claims in (t.debit, t.credit) for t in event.transfers)
        at_par = isinstance(event, LossAbsorbed) and event.bearer in ("revenue", "fund", "kim", "loans")
        need(not (touched and at_par), "par", str(event))

    def must(self, command: c.Command) -> Receipt:
        """Carry out what is not refused."""
        receipt = self.submit(command)
        assert receipt, receipt.refused
        return receipt

    def price(self, asset: str, price: int) -> None:
        """Let the oracle tell a price."""
        self.must(c.PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price))

    def near(self, amount: int) -> int:
        """Return an amount, or one near it, or an odd one."""
        pick = self.stream.below(20)
        if pick < 8:
            return amount
        if pick < 12:
            return max(0, amount + self.stream.between(-2, 2))
        if pick < 16:
            return self.stream.below(amount + 1)
        odd = (0, 1, 2, 10**6, 10**18, 2**103, 2**128, 2**255, WORD - 1)
        return self.stream.choice(odd) if pick > 17 else self.stream.below(10**24)

    def tiers(self, asset: str) -> None:
        """Put money into a fund, settle or pass on what is owed, give money back."""
        rules = {"venue": self.waterfall, "account": "kim", "asset": asset}
        command: c.Command
        match self.stream.below(4):
            case 0:
                command = c.ContributeToFund(
                    venue=self.venue.name, account="kim", tier="fund", asset=asset, amount=self.near(10**8)
                )
            case 1:
                command = tc.SettleTier(**rules, tier="later", amount=self.near(10**8))
            case 2:
                command = tc.LapseTier(**rules, tier="later")
            case _:
                command = tc.Recover(**rules, amount=self.near(10**8))
        self.submit(command)

    def same(self, law: str, ours: object, theirs: object) -> None:
        """Hold our answer against the oracle's."""
        need(ours == theirs, law, f"{ours} is not {theirs}")

    def end(self) -> dict[str, int]:
        """Replay the ledger, and return what was reached."""
        need(replay(self.ledger.entries) == self.book, "replay")
        return self.counts


def played(game: Callable[[int], MarketsGame], seeds: int, steps: int) -> dict[str, int]:
    """Play many games, and return what they reached together. A failure names its seed."""
    counts: dict[str, int] = {}
    for seed in range(seeds):
        one: Any = game(seed)
        try:
            for _ in range(steps):
                one.step()
            one.end()
        except Exception as problem:
            raise AssertionError(f"seed {seed}: {type(problem).__name__}: {problem}") from problem
        for name, times in one.counts.items():
            counts[name] = counts.get(name, 0) + times
    return counts


def broken(game: Callable[[int], MarketsGame], seeds: int, steps: int) -> str:
    """Return the law that a game breaks first, or ''. An error where none may be is one, too."""
    for seed in range(seeds):
        try:
            one: Any = game(seed)
            for _ in range(steps):
                one.step()
            one.end()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug
            return str(getattr(error, "name", None) or type(error).__name__)
    return ""
