"""Time as a loss: how long a reserve had nothing to pay out, and who waited for how much."""

from __future__ import annotations

from typing import Final

import attrs

from mutualize.events import ClaimWaiting, Entry
from mutualize.projections.frame import Handlers
from mutualize.projections.mirror import Mirror
from mutualize.units import WAD, mul_div_down

FULL: Final = mul_div_down(WAD, 999, 1000)
"""From this utilization on a reserve counts as full: less than a thousandth of it can be withdrawn."""


@attrs.define
class Usage:
    """How full one reserve was: seconds at `FULL` or more, and the highest utilization (WAD)."""

    full_s: int = 0
    highest: int = 0
    highest_at: int | None = None
    now: int = 0
    since: int = 0


@attrs.define
class Queue:
    """Who waits for cash in one reserve. `unit_s` is amount times seconds, summed over all who waited."""

    amounts: dict[str, int] = attrs.field(factory=dict)
    ever: dict[str, None] = attrs.field(factory=dict)
    now: int = 0
    most: int = 0
    most_at: int | None = None
    holder_s: int = 0
    unit_s: int = 0
    since: int = 0
    first: int | None = None


class Waiting:
    """Usage and queues of all reserves, by (venue, asset)."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self.usage: dict[tuple[str, str], Usage] = {}
        self.queues: dict[tuple[str, str], Queue] = {}
        self.handlers: Handlers = {ClaimWaiting: self._waits}

    def look(self, entry: Entry) -> None:
        """Notice what an entry did to utilization (after the mirror took it in)."""
        for venue, asset in self._mirror.used:
            self._look(venue, asset, entry.at)

    def _look(self, venue: str, asset: str, at: int) -> None:
        usage = self.usage.get((venue, asset))
        if usage is None:
            usage = self.usage[venue, asset] = Usage(since=at)
        if usage.now >= FULL:
            usage.full_s += at - usage.since
        usage.now, usage.since = self._mirror.utilization(venue, asset), at
        if usage.now > usage.highest:
            usage.highest, usage.highest_at = usage.now, at

    def _waits(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, ClaimWaiting)
        queue = self.queues.get((event.venue, event.asset))
        if queue is None:
            queue = self.queues[event.venue, event.asset] = Queue(since=entry.at, first=entry.at)
        _advance(queue, entry.at)
        queue.now += event.amount - queue.amounts.get(event.account, 0)
        if event.amount:
            queue.amounts[event.account] = event.amount
            queue.ever[event.account] = None
        else:
            queue.amounts.pop(event.account, None)
        if queue.now > queue.most:
            queue.most, queue.most_at = queue.now, entry.at

    def until(self, at: int) -> None:
        """Count the time up to `at`, where nothing happened since."""
        for usage in self.usage.values():
            if usage.now >= FULL:
                usage.full_s += at - usage.since
            usage.since = at
        for queue in self.queues.values():
            _advance(queue, at)


def _advance(queue: Queue, at: int) -> None:
    elapsed = at - queue.since
    queue.holder_s += elapsed * len(queue.amounts)
    queue.unit_s += elapsed * queue.now
    queue.since = at
