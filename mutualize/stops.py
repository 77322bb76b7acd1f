"""Stops: "wake me when a price is over this", left by name on one or several prices, like orders in a book.

    price      0 ──────────── now ─────────▶ stop ──────▶      in line for each price, the nearest one last
    passed     whose stop on any price lies behind it: all that he left is withdrawn with that

Nobody else is touched, however often prices move. Stops that were withdrawn stay where they are until a price
reaches them, or until they are as many as the others. Few new ones wait in a heap beside the line.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Final

import attrs

Key = tuple[int, int]
"""What a price is of: a pair of places."""
Stop = tuple[int, int, str]
"""At which price, left in which round, by whom."""


MANY: Final = 16
"""Where one in so many of the stops is new, they are put in line, instead of beside it."""


@attrs.define
class Queue:
    """The stops on one price: in line, the nearest last, and in a heap."""

    line: list[Stop] = attrs.field(factory=list)
    heap: list[Stop] = attrs.field(factory=list)

    def __len__(self) -> int:
        return len(self.line) + len(self.heap)

    def take(self, price: int) -> list[Stop]:
        """Remove and return the stops below a price."""
        line, heap = self.line, self.heap
        first = bisect_right(line, -price, key=_farness)
        taken = line[first:]
        del line[first:]
        while heap and heap[0][0] < price:
            taken.append(heappop(heap))
        return taken

    def put(self, stops: list[Stop]) -> None:
        """Add stops."""
        if len(stops) * MANY > len(self):
            self.line += self.heap + stops
            self.heap = []
            self.line.sort(key=_price, reverse=True)
        else:
            for stop in stops:
                heappush(self.heap, stop)

    def keep(self, since: Mapping[str, int]) -> None:
        """Throw away what was withdrawn."""
        self.line = [stop for stop in self.line if since.get(stop[2]) == stop[1]]
        self.heap = [stop for stop in self.heap if since.get(stop[2]) == stop[1]]
        heapify(self.heap)


class Stops:
    """Who sleeps until which price is passed."""

    def __init__(self) -> None:
        self._queues: dict[Key, Queue] = {}
        self._since: dict[str, int] = {}
        """The round in which each sleeper left his stops: what he left before is withdrawn."""
        self._round = 0
        self._kept = 0
        """How many stops there were when those that were withdrawn were last thrown away."""

    def __len__(self) -> int:
        """Return how many stops there are, those that were withdrawn included."""
        return sum(map(len, self._queues.values()))

    def leave(self, name: str, stops: Sequence[tuple[Key, int]]) -> None:
        """Leave stops of somebody who is awake: once in a round."""
        now = self._since[name] = self._round
        for key, stop in stops:
            heappush(self._queue(key).heap, (stop, now, name))

    def leave_all(self, key: Key, stops: Sequence[tuple[int, str]]) -> None:
        """Do the same for many who are awake, each with one stop, on the same price."""
        now = self._round
        self._since.update([(name, now) for _, name in stops])
        self._queue(key).put([(stop, now, name) for stop, name in stops])

    def _queue(self, key: Key) -> Queue:
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = Queue()
        return queue

    def withdraw_all(self, names: Iterable[str]) -> None:
        """Withdraw all stops of those who are asleep."""
        since = self._since
        if since:
            for name in names:
                since.pop(name, None)

    def passed(self, prices: Mapping[Key, int]) -> list[str]:
        """Begin a round: return who has a stop below its price now, and withdraw all that they left."""
        self._round += 1
        if len(self) > 64 + 2 * self._kept:
            self._tidy()
        since, woken = self._since, []
        for key, queue in self._queues.items():
            for _, left, name in queue.take(prices[key]):
                if since.get(name) == left:
                    del since[name]
                    woken.append(name)
        return woken

    def _tidy(self) -> None:
        """Throw away what was withdrawn."""
        for queue in self._queues.values():
            queue.keep(self._since)
        self._kept = len(self)


_price: Final = itemgetter(0)


def _farness(stop: Stop) -> int:
    """Return what grows along the line, on which the nearest stop comes last."""
    return -stop[0]
