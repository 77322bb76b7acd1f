"""Departures: what stakers took out of their stakes, by asset, and how many they were."""

from __future__ import annotations

from mutualize.events import Entry, Unstaked
from mutualize.projections.frame import Handlers


class Departures:
    """Sums by asset (base units), and who ever took something out."""

    def __init__(self) -> None:
        self.amounts: dict[str, int] = {}
        self.leavers: dict[str, dict[str, None]] = {}
        self.handlers: Handlers = {Unstaked: self._unstaked}

    def _unstaked(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, Unstaked)
        self.amounts[event.asset] = self.amounts.get(event.asset, 0) + event.assets
        self.leavers.setdefault(event.asset, {})[event.account] = None
