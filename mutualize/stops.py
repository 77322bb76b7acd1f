"""Stops: "wake me when a price is over this", left by name on one or several prices, like orders in a book.

    price      0 ──────────── now ─────────▶ stop ──────▶      a heap for each price, the nearest stop on top
    passed     whose stop on any price lies behind it: all that he left is withdrawn with that

Nobody else is touched, however often prices move. Stops that were withdrawn stay where they are until a price
reaches them, or until they are as many as the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

Key = tuple[int, int]
"""What a price is of: a pair of places."""
Stop = tuple[int, int, str]
"""At which price, left in which round, by whom."""


MANY: Final = 16
"""Where one in so many of the stops is new, they are put in order anew, instead of one by one."""


class Stops:
    """Who sleeps until which price is passed."""

    def __init__(self) -> None:
        self._heaps: dict[Key, list[Stop]] = {}
        self._since: dict[str, int] = {}
        """The round in which each sleeper left his stops: what he left before is withdrawn."""
        self._round = 0
        self._kept = 0
        """How many stops there were when those that were withdrawn were last thrown away."""

    def __len__(self) -> int:
        """Return how many stops there are, those that were withdrawn included."""
        return sum(map(len, self._heaps.values()))

    def leave(self, name: str, stops: Sequence[tuple[Key, int]]) -> None:
        """Leave stops of somebody who is awake: once in a round."""
        now = self._since[name] = self._round
        for key, stop in stops:
            heap = self._heaps.get(key)
            if heap is None:
                heap = self._heaps[key] = []
            heappush(heap, (stop, now, name))

    def leave_all(self, key: Key, stops: Sequence[tuple[int, str]]) -> None:
        """Do the same for many who are awake, each with one stop, on the same price."""
        now, since, heap = self._round, self._since, self._heaps.setdefault(key, [])
        left = [(stop, now, name) for stop, name in stops]
        for _, name in stops:
            since[name] = now
        if len(left) * MANY > len(heap):
            heap += left
            heapify(heap)
        else:
            for stop in left:
                heappush(heap, stop)

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
        for key, heap in self._heaps.items():
            price = prices[key]
            while heap and heap[0][0] < price:
                _, left, name = heappop(heap)
                if since.get(name) == left:
                    del since[name]
                    woken.append(name)
        return woken

    def _tidy(self) -> None:
        """Throw away what was withdrawn."""
        since = self._since
        for heap in self._heaps.values():
            heap[:] = [stop for stop in heap if since.get(stop[2]) == stop[1]]
            heapify(heap)
        self._kept = len(self)
