"""Named accounts over time: what they owe, and their loan to value; and when their collateral ran out."""

from __future__ import annotations

import attrs

from mutualize.events import Entry, Liquidated, PricePublished
from mutualize.projections.frame import Handlers
from mutualize.projections.mirror import Mirror
from mutualize.projections.series import Series


@attrs.define
class Watched:
    """What became of one account. Debts in base units by asset, loan to value in WAD.

    `exhausted` is when its last collateral was seized, and `exhaustion_ltv` its loan to value just before.
    """

    account: str
    debts: dict[str, Series] = attrs.field(factory=dict)
    ltv: Series = attrs.field(factory=Series)
    seizures: int = 0
    exhausted: int | None = None
    exhaustion_ltv: int | None = None


class Positions:
    """The watched accounts of the frame. It looks before and after the mirror takes an entry in."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self.accounts = {name: Watched(name) for name in sorted(mirror.watch)}
        self._before: int | None = None
        self.early: Handlers = {Liquidated: self._note_before}
        self.handlers: Handlers = {Liquidated: self._liquidated, PricePublished: self._published}

    def _note_before(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, Liquidated)
        if event.account in self.accounts:
            self._before = self._mirror.ltv(event.account, entry.at)

    def _liquidated(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, Liquidated)
        watched = self.accounts.get(event.account)
        if watched is None:
            return
        watched.seizures += 1
        if self._mirror.ltv(event.account, entry.at) is None:
            watched.exhausted, watched.exhaustion_ltv = entry.at, self._before
        self._record(watched, entry.at)

    def _published(self, entry: Entry) -> None:
        for watched in self.accounts.values():
            self._record(watched, entry.at)

    def until(self, at: int) -> None:
        """Record what holds at a moment at which nothing happened."""
        for watched in self.accounts.values():
            self._record(watched, at)

    def _record(self, watched: Watched, at: int) -> None:
        ltv = self._mirror.ltv(watched.account, at)
        if ltv is not None:
            watched.ltv.add(at, ltv)
        for _, asset in self._mirror.reserves():
            owed = self._mirror.debt(watched.account, asset, at)
            if owed or asset in watched.debts:
                watched.debts.setdefault(asset, Series()).add(at, owed)
