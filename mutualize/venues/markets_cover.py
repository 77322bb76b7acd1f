"""How a deficit of Compound's markets is paid: the face that both versions show to a waterfall.

    claims     v2: with less behind it each token is worth less     v3: the index of supply falls
    loans      the index of debts rises                             holder: his units are burned
    revenue    reserves pay: in v3 the preset's only row, in v2 governance's choice

What a payer has, and what paying does to figures, `CToken` and `Base` know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Protocol as Face

from mutualize.events import Event
from mutualize.tier import CLAIMS, HOLDER, LOANS, REVENUE, Tier
from mutualize.units import AMOUNT_MAX
from mutualize.venues.cover import NOBODY, Change

if TYPE_CHECKING:
    from mutualize.accounts import Transfer
    from mutualize.book import View
    from mutualize.venues.reserve import Flushed


class Payable(Face):
    """The figures of an asset that may have a deficit."""

    virtual: int
    deficit: int
    decimals: int

    def move_to_tier(self, tier: str, amount: int) -> None:
        """Set money aside for a tier; a negative amount takes it back."""

    def receive(self, amount: int) -> None:
        """Take money in."""

    def room_for(self, payer: str) -> int:
        """Return how much a payer (claims, loans, revenue) has left to give."""

    def cut(self, payer: str, amount: int) -> None:
        """Let it pay a part of the deficit; holders' units are not touched."""

    def room_back(self, payer: str) -> int:
        """Return how much a payer can be given back."""

    def give_back(self, payer: str, amount: int) -> None:
        """Give recovered money that comes in to a payer."""

    def units_for(self, amount: int) -> int:
        """Return how many units are worth an amount, rounded up."""

    def units_bought(self, amount: int) -> int:
        """Return how many units an amount buys, rounded down."""


class Holding(Face):
    """Working copies of one transaction."""

    def payable(self, asset: str) -> Payable:
        """Return an asset's figures as last accrued."""

    def reckon(self, asset: str) -> Payable:
        """Return them with interest up to now; what is open stays open."""

    def claim(self, asset: str, account: str) -> int:
        """Return what a holder's units are worth, rounded down."""

    def mint(self, asset: str, account: str, units: int) -> None:
        """Give new units."""

    def burn(self, asset: str, account: str, units: int) -> None:
        """Take units away."""

    def accruals(self) -> list[Event]:
        """Return the `Accrued` events that are not yet written."""

    def changes(self) -> Flushed:
        """Return the transfers and cells since the last time."""


class Markets(Face):
    """A venue of Compound's."""

    name: str
    assets: tuple[str, ...]

    def work(self, view: View, at: int) -> Holding:
        """Return working copies for one transaction."""

    def decimals(self, view: View, asset: str) -> int:
        """Return the decimals of an asset."""


class MarketsCover:
    """The deficits of a venue of Compound's, as tiers see them."""

    payers: tuple[str, ...] = (CLAIMS, HOLDER, LOANS, REVENUE)
    named: tuple[str, ...] = (HOLDER,)

    def __init__(self, venue: Markets) -> None:
        self.name, self.assets = venue.name, venue.assets
        self._venue = venue

    def decimals(self, view: View, asset: str) -> int:
        """Return the decimals of an asset."""
        return self._venue.decimals(view, asset)

    def from_tier(self, view: View, asset: str, tier: str, amount: int, at: int) -> Change:
        """Pay with money that a tier holds in the same asset."""
        work = self._venue.work(view, at)
        figures = work.payable(asset)
        figures.move_to_tier(tier, -amount)
        figures.deficit -= amount
        return _changed(work)

    def from_outside(self, view: View, asset: str, amount: int, at: int) -> Change:
        """Pay with money that comes in."""
        work = self._venue.work(view, at)
        figures = work.payable(asset)
        figures.receive(amount)
        figures.deficit -= amount
        return _changed(work)

    def left(self, view: View, tier: Tier, asset: str, at: int, _debtor: str) -> int:
        """Return what all claims, one holder's claim, all loans, or the reserves are worth."""
        work = self._venue.work(view, at)
        figures = _figures(work, asset, tier)
        return work.claim(asset, tier.holder) if tier.payer == HOLDER else figures.room_for(tier.payer)

    def take(self, view: View, tier: Tier, asset: str, amount: int, at: int, _debtor: str) -> Change:
        """Cut all claims, burn one holder's, raise all debts, or give up reserves."""
        work = self._venue.work(view, at)
        figures = _figures(work, asset, tier)
        if tier.payer == HOLDER:
            work.burn(asset, tier.holder, figures.units_for(amount))
            figures.deficit -= amount
            return _changed(work, {tier.holder: amount})
        figures.cut(tier.payer, amount)
        return _changed(work)

    def entitled(self, _view: View, _tier: Tier, _asset: str, _at: int) -> Mapping[str, int]:
        """Nobody: a cut of claims is one number."""
        return NOBODY

    def room(self, view: View, tier: Tier, asset: str, at: int) -> int:
        """Return how much can be given back to a payer."""
        payer = CLAIMS if tier.payer == HOLDER else tier.payer
        figures = _figures(self._venue.work(view, at), asset, tier)
        return min(AMOUNT_MAX, figures.room_back(payer))

    def give(
        self, view: View, tier: Tier, asset: str, amount: int, parts: Mapping[str, int], at: int
    ) -> Change:
        """Raise all claims, lower all debts, or give claims to one holder, money to the reserves."""
        if tier.payer == HOLDER:
            return self.credit(view, asset, parts, at)
        work = self._venue.work(view, at)
        _figures(work, asset, tier).give_back(tier.payer, amount)
        return _changed(work)

    def credit(self, view: View, asset: str, parts: Mapping[str, int], at: int) -> Change:
        """Give claims, rounded down, to holders by name."""
        work = self._venue.work(view, at)
        figures = work.reckon(asset)
        for name, part in sorted(parts.items()):
            units = figures.units_bought(part)
            figures.receive(part)
            work.mint(asset, name, units)
        return _changed(work)


def _figures(work: Holding, asset: str, tier: Tier) -> Payable:
    """Return an asset's figures with interest up to now, where a payer's worth depends on it.

    Reserves pay as they stand in the books: where they do, the contract may not have accrued, either.
    """
    return work.payable(asset) if tier.payer == REVENUE else work.reckon(asset)


def _changed(work: Holding, parts: Mapping[str, int] = NOBODY) -> Change:
    """Return what a payment did, behind the interest up to now."""
    before = work.accruals()
    transfers: tuple[Transfer, ...]
    transfers, cells = work.changes()
    return Change(before, transfers, tuple(cells), parts)
