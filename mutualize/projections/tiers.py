"""The waterfall as it went: tier by tier, what it had, paid and has left, and its share of the shortfall.

Everything stands in the asset's own units first. In money a shortfall is worth two things, both with their
moment: at recognition (the oracle's price then), and at settlement (the price used when a tier paid).
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from mutualize.accounts import tier_account
from mutualize.events import (
    ClaimsTransferred,
    DeficitEliminated,
    Entry,
    LossAbsorbed,
    LossAllocated,
    OffsetCovered,
    PendingDeficitCovered,
    PendingDeficitRaised,
    Repaid,
    ShortfallRecognised,
    ShortfallUncovered,
    Slashed,
)
from mutualize.projections.frame import Frame, Handlers, TierRow
from mutualize.projections.mirror import Mirror
from mutualize.tier_events import LossHeld, LossPassedOn, LossReleased, RecoveryPaid
from mutualize.units import WAD, mul_div_down


@attrs.define
class Tier:
    """What one tier did for one shortfall.

    `had` and `paid` are base units of `holds`, the asset that it pays with; `covered` are base units of the
    asset that was missing. `had` is what it had when the shortfall was first recognised, `capacity` what the
    waterfall could take of it then, in the missing asset (None: it was never asked).
    """

    tier: str
    payer: str
    holder: str
    holds: str
    used: bool
    had: int
    paid: int = 0
    covered: int = 0
    times: int = 0
    capacity: int | None = None
    settled_value: int = 0
    paid_value: int = 0
    first: int | None = None
    last: int | None = None
    first_seq: int = 0
    held: int = 0
    """What waits for it now: before its time, or before a vote; base units of the missing asset."""
    owed: int = 0
    """What it was made to owe by a deadline and has neither paid nor passed on."""
    passed_on: int = 0
    """What it had not raised by its deadlines, and the tiers below were asked for."""
    given_back: int = 0
    """What was recovered and given back to those who had paid by it."""


@attrs.define
class Shortfall:
    """All that fell short of one asset in one venue, and who paid. Money has 8 decimals."""

    venue: str
    asset: str
    tiers: dict[str, Tier]
    amount: int = 0
    debtors: dict[str, int] = attrs.field(factory=dict)
    recognised_value: int = 0
    first: int | None = None
    last: int | None = None
    uncovered: int = 0
    """What was left at the last time that all tiers were exhausted; see `Waterfalls.open` for now."""
    pending: int = 0
    """What a slash has paid for while the claims to burn against it are still to come."""

    @property
    def covered(self) -> int:
        """What tiers paid so far, base units."""
        return sum(tier.covered for tier in self.tiers.values())

    def share(self, amount: int) -> int:
        """Return an amount as a share of the shortfall, WAD, rounded down."""
        return mul_div_down(amount, WAD, self.amount) if self.amount else 0

    def value_at_recognition(self, amount: int) -> int:
        """Return what a part of the shortfall was worth when it was recognised (its mean price), money."""
        return mul_div_down(self.recognised_value, amount, self.amount) if self.amount else 0

    def order(self) -> tuple[str, ...]:
        """Return the tiers that paid, in the order in which each paid first."""
        paid = [tier for tier in self.tiers.values() if tier.covered]
        return tuple(tier.tier for tier in sorted(paid, key=lambda tier: tier.first_seq))


@attrs.define
class Rescue:
    """A debt that somebody else repaid: base units, money at the oracle's price then, and the last moment."""

    amount: int = 0
    value: int = 0
    last: int = 0


class Waterfalls:
    """All shortfalls so far, by (venue, asset). It looks before the mirror takes an entry in."""

    def __init__(self, frame: Frame, mirror: Mirror) -> None:
        self._frame = frame
        self._mirror = mirror
        self._shortfalls: dict[tuple[str, str], Shortfall] = {}
        self._slash: Slashed | None = None
        self._givers: dict[tuple[str, str], tuple[int, str]] = {}
        self.rescues: dict[tuple[str, str, str, str], Rescue] = {}
        """Debts that somebody else repaid, by (venue, asset, debtor, payer)."""
        self.early: Handlers = {ShortfallRecognised: self._recognised}
        self.handlers: Handlers = {
            LossAllocated: self._allocated,
            LossAbsorbed: self._absorbed,
            LossHeld: self._held,
            LossReleased: self._released,
            LossPassedOn: self._passed_on,
            RecoveryPaid: self._recovered,
            ShortfallUncovered: self._uncovered,
            DeficitEliminated: self._eliminated,
            OffsetCovered: self._eliminated,
            Slashed: self._slashed,
            PendingDeficitRaised: self._raised,
            PendingDeficitCovered: self._settled,
            ClaimsTransferred: self._given,
            Repaid: self._repaid,
        }

    def shortfalls(self) -> Iterator[Shortfall]:
        """Return the shortfalls, sorted by venue and asset."""
        for key in sorted(self._shortfalls):
            yield self._shortfalls[key]

    def open(self, shortfall: Shortfall) -> int:
        """Return what nobody has paid yet: the deficit as it is now, less what is pending; base units."""
        return self._mirror.deficit(shortfall.venue, shortfall.asset) - shortfall.pending

    def left(self, tier: Tier) -> int:
        """Return what a tier has now, base units of what it holds."""
        return self._mirror.balance(tier.holder, tier.holds) if tier.holder else 0

    def unused(self) -> list[TierRow]:
        """Return the tiers that exist and are never used."""
        return [row for row in self._frame.tiers if not row.used]

    # --- folding -----------------------------------------------------------------------------------------

    def _shortfall(self, venue: str, asset: str) -> Shortfall:
        shortfall = self._shortfalls.get((venue, asset))
        if shortfall is None:
            rows = [row for row in self._frame.tiers if row.venue == venue]
            shortfall = Shortfall(venue, asset, {row.tier: self._tier(row, asset) for row in rows})
            self._shortfalls[venue, asset] = shortfall
        return shortfall

    def _tier(self, row: TierRow, asset: str) -> Tier:
        holds = row.asset or asset
        had = self._mirror.balance(row.holder, holds)
        return Tier(row.tier, row.payer, row.holder, holds, row.used, had)

    def _recognised(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, ShortfallRecognised)
        shortfall = self._shortfall(event.venue, event.asset)
        shortfall.amount += event.amount
        if event.account:  # what is stolen, or sold below cost, is nobody's debt
            shortfall.debtors[event.account] = shortfall.debtors.get(event.account, 0) + event.amount
        shortfall.recognised_value += self._frame.value_down(event.asset, event.amount, event.price)
        shortfall.first = entry.at if shortfall.first is None else shortfall.first
        shortfall.last = entry.at

    def _allocated(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, LossAllocated)
        tier = self._paying(event.venue, event.asset, event.tier)
        if tier.capacity is None:
            tier.capacity = event.capacity
        if event.due:
            tier.owed += event.amount

    def _held(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, LossHeld)
        self._paying(event.venue, event.asset, event.tier).held += event.amount

    def _released(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, LossReleased)
        self._paying(event.venue, event.asset, event.tier).held -= event.amount

    def _passed_on(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, LossPassedOn)
        tier = self._paying(event.venue, event.asset, event.tier)
        tier.owed -= event.amount
        tier.passed_on += event.amount

    def _recovered(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, RecoveryPaid)
        if event.tier:
            self._paying(event.venue, event.asset, event.tier).given_back += event.amount

    def _absorbed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, LossAbsorbed)
        tier = self._paying(event.venue, event.asset, event.tier)
        tier.holds = event.paid_asset
        if event.number:
            tier.owed -= event.amount
        self._pay(tier, entry, event.amount, event.paid)
        tier.settled_value += self._frame.value_down(event.asset, event.amount, event.price)
        tier.paid_value += self._frame.value_down(event.paid_asset, event.paid, event.paid_price)

    def _uncovered(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, ShortfallUncovered)
        self._shortfall(event.venue, event.asset).uncovered = event.amount

    def _given(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, ClaimsTransferred)
        self._givers[event.asset, event.to] = (entry.tx, event.account)

    def _eliminated(self, entry: Entry) -> None:
        """Book a payer beside the table of tiers: claims were given up for an open deficit.

        Only one address may do that; who handed it the claims in the same transaction is who paid.
        """
        event = entry.event
        assert isinstance(event, DeficitEliminated | OffsetCovered)
        tx, giver = self._givers.get((event.asset, event.account), (-1, ""))
        name = giver if tx == entry.tx else event.account
        tier = self._paying(event.venue, event.asset, name)
        self._pay(tier, entry, event.amount, event.amount)
        value = self._frame.value_down(event.asset, event.amount, self._mirror.price(event.asset))
        tier.settled_value += value
        tier.paid_value += value

    def _slashed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, Slashed)
        self._slash = event

    def _raised(self, entry: Entry) -> None:
        """Book Umbrella's slash: stakers have paid, in their own asset; the deficit falls later."""
        event, slash = entry.event, self._slash
        assert isinstance(event, PendingDeficitRaised)
        assert slash is not None, "a slash comes before what it covers"
        tier = self._paying(event.venue, event.asset, slash.stake)
        if not tier.holder:
            tier.payer, tier.holds, tier.holder = "stake", slash.asset, tier_account(slash.venue, slash.stake)
            tier.had = self._mirror.balance(tier.holder, tier.holds) + slash.assets
        self._pay(tier, entry, event.amount, slash.assets)
        price = self._mirror.price
        tier.settled_value += self._frame.value_down(event.asset, event.amount, price(event.asset))
        tier.paid_value += self._frame.value_down(slash.asset, slash.assets, price(slash.asset))
        self._shortfall(event.venue, event.asset).pending += event.amount

    def _settled(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, PendingDeficitCovered)
        self._shortfall(event.venue, event.asset).pending -= event.amount

    def _repaid(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, Repaid)
        if event.payer == event.account:
            return
        key = (event.venue, event.asset, event.account, event.payer)
        rescue = self.rescues.get(key)
        if rescue is None:
            rescue = self.rescues[key] = Rescue()
        rescue.amount += event.amount
        rescue.value += self._frame.value_down(event.asset, event.amount, self._mirror.price(event.asset))
        rescue.last = entry.at

    @staticmethod
    def _pay(tier: Tier, entry: Entry, covered: int, paid: int) -> None:
        if not tier.covered:
            tier.first_seq = entry.seq
        tier.covered, tier.paid, tier.times = tier.covered + covered, tier.paid + paid, tier.times + 1
        tier.first = entry.at if tier.first is None else tier.first
        tier.last = entry.at

    def _paying(self, venue: str, asset: str, name: str) -> Tier:
        """Return the tier of that name; one that stands in no table is a payer of its own."""
        tiers = self._shortfall(venue, asset).tiers
        if name not in tiers:
            tiers[name] = Tier(name, "claims", "", asset, used=True, had=0)
        return tiers[name]
