"""Refusals by reason: how often the rules said no, and how often that cost gas."""

from __future__ import annotations

from mutualize.events import Entry, RefusalsCounted, TransactionFailed
from mutualize.projections.frame import Handlers


class Refusals:
    """Counts by reason: `free` cost nothing, `paid` were transactions that failed on the chain."""

    def __init__(self) -> None:
        self.free: dict[str, int] = {}
        self.paid: dict[str, int] = {}
        self.handlers: Handlers = {RefusalsCounted: self._counted, TransactionFailed: self._failed}

    def _counted(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, RefusalsCounted)
        self.free[event.reason] = self.free.get(event.reason, 0) + event.count

    def _failed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, TransactionFailed)
        self.paid[event.reason] = self.paid.get(event.reason, 0) + 1

    def count(self, reason: str) -> int:
        """Return how often that reason was given."""
        return self.free.get(reason, 0) + self.paid.get(reason, 0)

    def reasons(self) -> list[tuple[str, int, int]]:
        """Return (reason, free, paid), the most frequent first, ties by name."""
        names = sorted({**self.free, **self.paid}, key=lambda name: (-self.count(name), name))
        return [(name, self.free.get(name, 0), self.paid.get(name, 0)) for name in names]
