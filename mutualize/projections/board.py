"""The board: all projections of one run, folded together, entry by entry.

It knows events only, and what the scenario calls things (`Frame`). Its memory grows with the number of
holders at most, never with the number of entries. It can be folded live, as an observer of the protocol, or
from a ledger file years later: the same entries give the same board.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import mutualize.compound_events
import mutualize.isolated_events
import mutualize.trove_events
import mutualize.vault_events  # noqa: F401 - the kinds of all are registered by being imported
from mutualize.events import KINDS, AgentFailed, Entry, Event
from mutualize.projections.auctions import Auctions
from mutualize.projections.departures import Departures
from mutualize.projections.frame import Frame, Handler, Handlers
from mutualize.projections.gains import Gains
from mutualize.projections.liquidations import Liquidations
from mutualize.projections.mirror import Mirror
from mutualize.projections.pooling import Pooling
from mutualize.projections.positions import Positions
from mutualize.projections.prices import Prices
from mutualize.projections.refusals import Refusals
from mutualize.projections.tiers import Waterfalls
from mutualize.projections.troves import TroveSystems
from mutualize.projections.waiting import Waiting


class Board:
    """All projections. `take` is to be called with every entry from the first on."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.mirror = Mirror(frame.watch)
        self.prices = Prices()
        self.refusals = Refusals()
        self.waiting = Waiting(self.mirror)
        self.positions = Positions(self.mirror)
        self.liquidations = Liquidations(frame, self.mirror)
        self.waterfalls = Waterfalls(frame, self.mirror)
        self.pooling = Pooling(self.mirror)
        self.departures = Departures()
        self.gains = Gains()
        self.auctions = Auctions(self.mirror)
        self.troves = TroveSystems(frame)
        self.failed: list[tuple[str, str]] = []
        """(agent, problem) of agents whose own code failed."""
        self.entries = 0
        self._probes: list[tuple[int, Callable[[], None]]] = []
        self._early = by_kind((self.positions.early, self.waterfalls.early, self.pooling.early))
        self._late = by_kind(
            (
                self.prices.handlers,
                self.refusals.handlers,
                self.waiting.handlers,
                self.positions.handlers,
                self.liquidations.handlers,
                self.waterfalls.handlers,
                self.pooling.handlers,
                self.departures.handlers,
                self.auctions.handlers,
                self.troves.handlers,
                {AgentFailed: self._agent_failed},
            )
        )

    def is_priced(self, asset: str) -> bool:
        """Say whether an asset has a price: an oracle told one, or it is the money of account itself."""
        return asset == self.frame.currency or self.mirror.is_priced(asset)

    def probe(self, at: int, look: Callable[[], None]) -> None:
        """Call `look` once, when everything up to and including the moment `at` has been taken in."""
        self._probes.append((at, look))
        self._probes.sort(key=lambda probe: probe[0])

    def take(self, entry: Entry) -> None:
        """Take one entry in."""
        if self._probes:
            self._probe(entry.at - 1)
        self.entries += 1
        kind = type(entry.event)
        for handle in self._early[kind]:
            handle(entry)
        self.mirror.take(entry)
        for handle in self._late[kind]:
            handle(entry)
        self.gains.look(entry)
        if entry.event.cells:
            self.waiting.look(entry)
            self.pooling.look(entry)
            self.troves.look(entry)

    def take_all(self, entries: Iterable[Entry]) -> Board:
        """Take many entries in, and return the board."""
        for entry in entries:
            self.take(entry)
        return self

    def until(self, at: int) -> None:
        """Let time pass up to `at`, after the last entry: what waits goes on waiting."""
        self._probe(at)
        self.mirror.at = max(self.mirror.at, at)
        self.waiting.until(at)
        self.positions.until(at)

    def _probe(self, upto: int) -> None:
        """Let those look whose moment has come, each at its own moment."""
        while self._probes and self._probes[0][0] <= upto:
            at, look = self._probes.pop(0)
            self.mirror.at = at
            look()

    def _agent_failed(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, AgentFailed)
        self.failed.append((event.agent, event.problem))


def by_kind(tables: tuple[Handlers, ...]) -> dict[type[Event], tuple[Handler, ...]]:
    """Turn the tables of handlers into one: for every kind of event, who wants to see it, in order."""
    return {kind: tuple(t[kind] for t in tables if kind in t) for kind in KINDS.values()}
