"""Price paths: what the oracle told, and what the market said at those moments."""

from __future__ import annotations

from mutualize.events import Entry, PricePublished
from mutualize.projections.frame import Handlers
from mutualize.projections.series import Series


class Prices:
    """Per asset, two lines: `told` by the oracle and said by the `market`. 8 decimals."""

    def __init__(self) -> None:
        self.told: dict[str, Series] = {}
        self.market: dict[str, Series] = {}
        self.handlers: Handlers = {PricePublished: self._published}

    def _published(self, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, PricePublished)
        if event.asset not in self.told:
            self.told[event.asset], self.market[event.asset] = Series(), Series()
        self.told[event.asset].add(entry.at, event.price)
        self.market[event.asset].add(entry.at, event.market)
