"""What pooling did: the loss of each holder as it was, beside the loss had each lent alone.

    as it was   his part of every haircut, and of the deficit that is open at the end
    alone       the pool lent a share of its money (all that was ever borrowed, over all claims at their
                highest); each lends that share of his own to borrowers drawn in proportion to what they
                borrowed, and bears what those fell short, with no tier before him

So in the mean the two differ by what tiers paid (and by who left in time); what differs in the spread is
pooling. The drawing is repeated, so that few holders do not make it a matter of chance. Haircuts are kept as
one running sum per reserve, so that nobody is visited when one happens.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import isqrt
from typing import Final

import attrs

from mutualize.accounts import account
from mutualize.events import Borrowed, Entry, LossAbsorbed, PositionOpened, ReserveListed, ShortfallRecognised
from mutualize.projections.frame import Handlers
from mutualize.projections.mirror import Mirror
from mutualize.randomness import Stream
from mutualize.tables import reserve_table, supply_table
from mutualize.units import WAD, div_down, div_up, mul_div_down, ray_mul_down

DRAWS_MAX: Final = 200_000
"""How many borrowers are drawn in all; beyond its share of them a holder's money is lent at the mean."""
DRAWS_MIN: Final = 16
"""How many borrowers each holder may be given at least."""
PORTFOLIOS: Final = 2_000
"""How many holders are drawn for at least, the same ones over again where there are fewer."""


@attrs.frozen
class Spread:
    """Losses of many holders: their sum in base units, and the spread of loss over claim (WAD)."""

    holders: int
    total: int
    mean: int
    deviation: int
    lowest: int
    highest: int
    hit: int
    """How many lost anything, WAD share of the holders."""


@attrs.frozen
class Comparison:
    """Pooled against alone, in one reserve. `lent` is the share of its money that the pool lent, WAD.

    `alone` is over `rounds` drawings; its total is that of one, in the mean.
    """

    venue: str
    asset: str
    lent: int
    rounds: int
    pooled: Spread
    alone: Spread


@attrs.define
class Holdings:
    """One reserve: who holds how many units, the most each ever had, and what haircuts took of them."""

    venue: str
    asset: str
    units: dict[str, int] = attrs.field(factory=dict)
    peak: dict[str, int] = attrs.field(factory=dict)
    cut: int = 0
    """The running sum of what haircuts took of one unit, RAY."""
    seen: dict[str, int] = attrs.field(factory=dict)
    lost: dict[str, int] = attrs.field(factory=dict)
    borrowed: dict[str, int] = attrs.field(factory=dict)
    missing: dict[str, int] = attrs.field(factory=dict)

    def settle(self, holder: str) -> None:
        """Book what haircuts took of a holder's units since he was last looked at."""
        taken = self.cut - self.seen.get(holder, 0)
        if taken:
            self.seen[holder] = self.cut
            units = self.units.get(holder, 0)
            self.lost[holder] = self.lost.get(holder, 0) + ray_mul_down(units, taken)

    def set_units(self, holder: str, units: int, index: int) -> None:
        """Note that a holder has `units` from now on, each worth `index` (RAY)."""
        if self.cut:
            self.settle(holder)
        self.units[holder] = units
        claim = ray_mul_down(units, index)
        if claim > self.peak.get(holder, 0):
            self.peak[holder] = claim


class Pooling:
    """All reserves with holders. It looks before and after the mirror takes an entry in."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._by_table: dict[str, Holdings] = {}
        self._holdings: dict[tuple[str, str], Holdings] = {}
        self.early: Handlers = {LossAbsorbed: self._absorbed, ShortfallRecognised: self._recognised}
        self.handlers: Handlers = {
            ReserveListed: self._listed,
            PositionOpened: self._opened,
            Borrowed: self._borrowed,
        }

    def _listed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, ReserveListed)
        holdings = Holdings(event.venue, event.asset)
        self._holdings[event.venue, event.asset] = holdings
        self._by_table[supply_table(event.venue, event.asset)] = holdings

    def _opened(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, PositionOpened)
        if event.debt_amount:
            self._lend(event.venue, event.debt, event.account, event.debt_amount)

    def _borrowed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, Borrowed)
        self._lend(event.venue, event.asset, event.account, event.amount)

    def _lend(self, venue: str, asset: str, borrower: str, amount: int) -> None:
        holdings = self._holdings.get((venue, asset))
        if holdings is not None:  # an isolated market's claims are shares, which have no index
            holdings.borrowed[borrower] = holdings.borrowed.get(borrower, 0) + amount

    def _recognised(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, ShortfallRecognised)
        holdings = self._holdings.get((event.venue, event.asset))
        if holdings is None:  # nobody lends there: a vault engine mints what is owed
            return
        holdings.missing[event.account] = holdings.missing.get(event.account, 0) + event.amount

    def _absorbed(self, entry: Entry) -> None:
        """Notice a haircut: the one thing that lowers a liquidity index."""
        event = entry.event
        assert isinstance(event, LossAbsorbed)
        table = reserve_table(event.venue, event.asset)
        for cell in event.cells:
            if cell.table == table and cell.key == "liquidity_index":
                before = self._mirror.cell(table, "liquidity_index")
                self._holdings[event.venue, event.asset].cut += max(0, before - cell.value)

    def look(self, entry: Entry) -> None:
        """Notice whose units an entry changed (after the mirror took it in)."""
        for table, key, value in entry.event.cells:
            holdings = self._by_table.get(table)
            if holdings is not None:
                index = self._mirror.cell(reserve_table(holdings.venue, holdings.asset), "liquidity_index")
                holdings.set_units(key, value, index)

    def losses(self, venue: str, asset: str) -> dict[str, tuple[int, int]]:
        """Return (claim at its highest, loss) of every holder, in base units, sorted by name."""
        holdings = self._holdings[venue, asset]
        index = self._mirror.cell(reserve_table(venue, asset), "liquidity_index")
        deficit = self._mirror.deficit(venue, asset)
        claims = self._mirror.balance(account(venue, "claims"), asset)
        losses: dict[str, tuple[int, int]] = {}
        for holder in sorted(holdings.peak):
            holdings.settle(holder)
            claim = ray_mul_down(holdings.units[holder], index)
            share = mul_div_down(claim, deficit, claims) if claims else 0
            losses[holder] = (holdings.peak[holder], holdings.lost.get(holder, 0) + share)
        return losses

    def compare(self, seed: int) -> list[Comparison]:
        """Return the comparison for every reserve that fell short and was lent to known borrowers."""
        return [
            self._compare(holdings, seed)
            for _, holdings in sorted(self._holdings.items())
            if holdings.missing and any(holdings.borrowed.values()) and holdings.peak
        ]

    def _compare(self, holdings: Holdings, seed: int) -> Comparison:
        pooled = self.losses(holdings.venue, holdings.asset)
        lottery = Lottery(holdings.borrowed, holdings.missing)
        lent = min(WAD, mul_div_down(lottery.size, WAD, sum(claim for claim, _ in pooled.values())))
        rounds = max(1, div_down(PORTFOLIOS, len(pooled)))
        draws = max(DRAWS_MIN, div_down(DRAWS_MAX, len(pooled) * rounds))
        alone: list[tuple[int, int]] = []
        for holder, (claim, _) in pooled.items():
            stream = Stream(seed, f"pooling/{holdings.venue}/{holdings.asset}/{holder}")
            money = mul_div_down(claim, lent, WAD)
            alone += [(claim, lottery.lose(money, stream, draws)) for _ in range(rounds)]
        drawn = spread(alone)
        return Comparison(
            venue=holdings.venue,
            asset=holdings.asset,
            lent=lent,
            rounds=rounds,
            pooled=spread(list(pooled.values())),
            alone=attrs.evolve(drawn, holders=len(pooled), total=div_down(drawn.total, rounds)),
        )


class Lottery:
    """Borrowers, each drawn with a probability in proportion to what he borrowed.

    Each is lent the mean loan, whatever his own was: so a unit of money meets a borrower as often as a unit
    of the pool's did, and the mean loss is the pool's.
    """

    def __init__(self, borrowed: dict[str, int], missing: dict[str, int]) -> None:
        names = sorted(name for name, debt in borrowed.items() if debt)
        self._debts = [borrowed[name] for name in names]
        self._missing = [missing.get(name, 0) for name in names]
        self._sums = list(accumulate(self._debts))

    @property
    def size(self) -> int:
        """What was ever borrowed, base units."""
        return self._sums[-1]

    def lose(self, money: int, stream: Stream, draws: int) -> int:
        """Lend `money` in loans of the mean size to drawn borrowers, and return what is lost."""
        lost, loan = 0, div_up(self.size, len(self._debts))
        for _ in range(draws):
            if not money:
                break
            drawn = bisect_right(self._sums, stream.below(self.size))
            part = min(money, loan)
            lost += mul_div_down(part, self._missing[drawn], self._debts[drawn])
            money -= part
        return lost + mul_div_down(money, sum(self._missing), self.size)


def spread(losses: Sequence[tuple[int, int]]) -> Spread:
    """Return the spread of (claim, loss) pairs; shares in WAD, rounded down; deviation by integer root."""
    shares = [mul_div_down(loss, WAD, claim) for claim, loss in losses if claim]
    count = len(shares)
    if not count:
        return Spread(0, 0, 0, 0, 0, 0, 0)
    mean = div_down(sum(shares), count)
    variance = div_down(sum((share - mean) ** 2 for share in shares), count)
    hit = sum(1 for _, loss in losses if loss > 0)
    return Spread(
        holders=count,
        total=sum(loss for _, loss in losses),
        mean=mean,
        deviation=isqrt(variance),
        lowest=min(shares),
        highest=max(shares),
        hit=mul_div_down(hit, WAD, count),
    )
