"""Trove systems as they went: how near all troves together came to recovery mode, and where collateral went.

    total ratio = collateral of all troves · price / their debt        recovery mode: below the critical one

It is looked at when a transaction is over: inside of one, collateral is gone before the debt is. What a tier
took with a debt follows from the transfers of its payment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from mutualize.events import Entry, LossAbsorbed, PricePublished
from mutualize.projections.frame import Frame, Handlers
from mutualize.trove_events import LIQUIDATED, SurplusClaimed, TroveClosed
from mutualize.units import PRICE_UNIT, WAD, mul_div_down

COLLATERAL: Final = ("active_coll", "default_coll")
DEBT: Final = ("active_debt", "default_debt")
SEIZED: Final = "treasury:seized"
"""Where collateral stands until a tier takes it."""


@attrs.define
class System:
    """One trove system: amounts in base units, ratios in WAD, moments in seconds since 1970 UTC."""

    venue: str
    collateral: str
    critical_ratio: int
    numbers: dict[str, int] = attrs.field(factory=dict)
    price: int = 0
    ratio_min: int | None = None
    ratio_min_at: int | None = None
    recovery_first: int | None = None
    recovery_last: int | None = None
    """When it was left for the last time; None while it lasts, and where there was none."""
    spells: int = 0
    recovery_s: int = 0
    since: int | None = None
    """Since when it is in recovery mode."""
    liquidated: int = 0
    """How many troves were liquidated."""
    held: int = 0
    """The collateral that they had."""
    surplus: int = 0
    """What of it their owners may claim, or have claimed."""
    claimed: int = 0
    took: dict[str, int] = attrs.field(factory=dict)
    """What of it went to each tier, with the debt."""

    @property
    def ratio(self) -> int | None:
        """The ratio of all troves together, rounded down; None without debt, and without a price."""
        coll, debt = (sum(self.numbers.get(name, 0) for name in names) for names in (COLLATERAL, DEBT))
        return mul_div_down(coll * self.price, WAD, debt * PRICE_UNIT) if debt and self.price else None

    def settle(self, at: int) -> None:
        """Look at the ratio as it is, from `at` on."""
        ratio = self.ratio
        if ratio is not None and (self.ratio_min is None or ratio < self.ratio_min):
            self.ratio_min, self.ratio_min_at = ratio, at
        is_low = ratio is not None and ratio < self.critical_ratio
        if is_low and self.since is None:
            self.since, self.recovery_last, self.spells = at, None, self.spells + 1
            self.recovery_first = at if self.recovery_first is None else self.recovery_first
        elif not is_low and self.since is not None:
            self.recovery_s += at - self.since
            self.since, self.recovery_last = None, at

    def recovered_s(self, at: int) -> int:
        """Return for how long it was in recovery mode, up to `at`."""
        return self.recovery_s + (0 if self.since is None else at - self.since)


class TroveSystems:
    """All trove systems that the scenario names. Call `look` with every entry."""

    def __init__(self, frame: Frame) -> None:
        self._systems = {
            venue: System(venue, collateral, ratio) for venue, (collateral, ratio) in frame.systems.items()
        }
        self._tables = {f"{venue}.troves": system for venue, system in self._systems.items()}
        self._open: tuple[int, int] | None = None
        """(tx, at) of the transaction after which ratios are still to be looked at."""
        self.handlers: Handlers = {
            PricePublished: self._told,
            TroveClosed: self._closed,
            SurplusClaimed: self._claimed,
            LossAbsorbed: self._absorbed,
        }

    def all(self) -> Iterator[System]:
        """Return the systems as they are now, in the scenario's order."""
        self._settle()
        yield from self._systems.values()

    def took(self, tier: str, asset: str) -> int:
        """Return what a tier took of an asset, base units."""
        return sum(system.took.get(tier, 0) for system in self.all() if system.collateral == asset)

    def surplus(self, asset: str) -> int:
        """Return what of an asset was left to owners of liquidated troves, base units."""
        return sum(system.surplus for system in self.all() if system.collateral == asset)

    @property
    def recovery_first(self) -> int | None:
        """When a system was in recovery mode first."""
        return min((s.recovery_first for s in self.all() if s.recovery_first is not None), default=None)

    @property
    def ratio_min(self) -> int | None:
        """The lowest ratio of a whole system, WAD."""
        return min((s.ratio_min for s in self.all() if s.ratio_min is not None), default=None)

    def recovered_s(self, at: int) -> int:
        """Return for how long systems were in recovery mode up to `at`, summed."""
        return sum(system.recovered_s(at) for system in self.all())

    def look(self, entry: Entry) -> None:
        """Take the numbers of an entry in."""
        if self._open is not None and self._open[0] != entry.tx:
            self._settle()
        for table, key, value in entry.event.cells:
            system = self._tables.get(table)
            if system is not None and key in (*COLLATERAL, *DEBT):
                system.numbers[key] = value
                self._open = entry.tx, entry.at

    def _settle(self) -> None:
        if self._open is not None:
            for system in self._systems.values():
                system.settle(self._open[1])
            self._open = None

    def _told(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, PricePublished)
        for system in self._systems.values():
            if system.collateral == event.asset:
                self._settle()
                system.price, self._open = event.price, (entry.tx, entry.at)

    def _closed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, TroveClosed)
        system = self._systems.get(event.venue)
        if system is not None and event.reason == LIQUIDATED:
            system.liquidated += 1
            system.held += event.collateral_amount
            system.surplus += event.surplus

    def _claimed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, SurplusClaimed)
        if event.venue in self._systems:
            self._systems[event.venue].claimed += event.amount

    def _absorbed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, LossAbsorbed)
        system = self._systems.get(event.venue)
        if system is None:
            return
        seized = f"{event.venue}:{SEIZED}"
        took = sum(moved.amount for moved in event.transfers if moved.debit == seized)
        if took:
            system.took[event.tier] = system.took.get(event.tier, 0) + took
