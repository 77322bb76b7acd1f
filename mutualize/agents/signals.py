"""What agents notice: entries of the ledger, turned into named signals and gauges. It never acts.

    price:<asset>                an oracle told a price           market:<asset>        a halt began or ended
    deficit:<venue>:<asset>      a shortfall was recognised       loss:<venue>:<asset>  a tier paid for one
    slash:<venue>:<stake>        a stake was slashed              cash:<venue>:<asset>  cash went up
    terms:<venue>                a parameter was changed          traded:<asset>        somebody traded it
    open:<venue>                 a loss waits, or is owed later    called:<venue>        members were called
    exits:<venue>                exits were frozen or opened
    utilization:<venue>:<asset>  gauge, WAD                       deficit-share:<venue>:<asset>  gauge, WAD

A signal carries the seq of its entry, so that what an agent then does can name its cause. A haircut pays a
deficit before anybody sees it open: the gauge shows it all the same, as the share that it took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from mutualize.book import View
from mutualize.compound_events import Absorbed, CollateralBought
from mutualize.events import (
    Entry,
    Event,
    LossAbsorbed,
    LossAllocated,
    MarketHalted,
    MarketResumed,
    ParameterChanged,
    PricePublished,
    ShortfallRecognised,
    Slashed,
    Traded,
)
from mutualize.stretch import Shape, Stretch
from mutualize.tables import reserve_table
from mutualize.tier_events import (
    ExitsFrozen,
    ExitsOpened,
    LossHeld,
    LossPassedOn,
    MembersCalled,
    RecoveryPaid,
)
from mutualize.units import WAD, mul_div_down
from mutualize.venues.lending import Lending
from mutualize.world import World


def price_signal(asset: str) -> str:
    """Name the signal that an oracle told a price."""
    return f"price:{asset}"


def market_signal(asset: str) -> str:
    """Name the signal that trading in an asset was halted or resumed."""
    return f"market:{asset}"


def traded_signal(asset: str) -> str:
    """Name the signal that somebody bought or sold an asset."""
    return f"traded:{asset}"


def deficit_signal(venue: str, asset: str) -> str:
    """Name the signal that a shortfall was recognised."""
    return f"deficit:{venue}:{asset}"


def loss_signal(venue: str, asset: str) -> str:
    """Name the signal that a tier paid for a shortfall."""
    return f"loss:{venue}:{asset}"


def slash_signal(venue: str, stake: str) -> str:
    """Name the signal that a stake was slashed."""
    return f"slash:{venue}:{stake}"


def cash_signal(venue: str, asset: str) -> str:
    """Name the signal that a reserve has more cash than before."""
    return f"cash:{venue}:{asset}"


def terms_signal(venue: str) -> str:
    """Name the signal that governance changed a parameter."""
    return f"terms:{venue}"


def sale_signal(venue: str) -> str:
    """Name the signal that a venue has other collateral to sell, or took some over."""
    return f"sale:{venue}"


def open_signal(venue: str) -> str:
    """Name the signal that a loss waits at a tier, or is owed by one later."""
    return f"open:{venue}"


def called_signal(venue: str) -> str:
    """Name the signal that members were called for money, or are so no more."""
    return f"called:{venue}"


def exits_signal(venue: str) -> str:
    """Name the signal that exits were frozen, or opened again."""
    return f"exits:{venue}"


def utilization_gauge(venue: str, asset: str) -> str:
    """Name the gauge of loans over loans and cash."""
    return f"utilization:{venue}:{asset}"


def deficit_gauge(venue: str, asset: str) -> str:
    """Name the gauge of the open deficit over all claims."""
    return f"deficit-share:{venue}:{asset}"


def deficit_share(lending: Lending, view: View, asset: str) -> int:
    """Return the open deficit as a share of all claims (WAD, rounded down); 1 where there are no claims."""
    deficit = lending.deficit(view, asset)
    if not deficit:
        return 0
    claims = lending.claims(view, asset)
    return mul_div_down(deficit, WAD, claims) if claims else WAD


class _Reserve(NamedTuple):
    """A reserve whose changes are noticed, and what its signal and its gauges are called."""

    lending: Lending
    asset: str
    cash: str
    utilization: str
    deficit: str


class Signals:
    """An observer of entries that wakes whoever waits for what they mean."""

    def __init__(self, world: World, venues: Iterable[Lending]) -> None:
        """Notice what happens in all venues that lend."""
        self._world = world
        every = [(venue, asset, book) for venue in venues for asset, book in venue.books.items()]
        self._reserves = {
            book: _Reserve(
                venue,
                asset,
                cash_signal(venue.name, asset),
                utilization_gauge(venue.name, asset),
                deficit_gauge(venue.name, asset),
            )
            for venue, asset, book in every
        }
        self._others = {book for venue, _, book in every if not venue.tells_cash}
        """Whose cash does not stand in a cell: it is asked for."""
        self._virtual: dict[str, int] = {}
        self._means: WeakKeyDictionary[Shape, list[str]] = WeakKeyDictionary()
        """The signals that transactions of a shape are, but for cash."""

    def observe(self, entry: Entry) -> None:
        """Wake those whom an entry concerns."""
        event = entry.event
        means = _MEANS.get(type(event))
        if means is not None:
            for name in means(event):
                self._world.signal(name, entry.seq)
            if isinstance(event, LossAbsorbed) and event.bearer == "claims":
                self._haircut(event, entry.seq)
        reserves, virtual, gauged, changed = self._reserves, self._virtual, self._world.is_gauged, ""
        for table, key, value in event.cells:
            if table in reserves:
                if key == "virtual":
                    before, virtual[table] = virtual.get(table, 0), value
                    if value > before:
                        self._world.signal(reserves[table].cash, entry.seq)
                elif table in self._others and self._world.awaits(reserves[table].cash):
                    self._world.signal(reserves[table].cash, entry.seq)
                if gauged and table != changed:  # cells are sorted by table: each reserve comes once
                    changed = table
                    self._gauges(reserves[table], entry.seq)

    def observe_stretch(self, stretch: Stretch) -> bool:
        """Keep up with a stretch. Say whether nobody waits for anything that it may mean."""
        names: list[str] = []
        for shape in stretch.shapes:
            if shape not in self._means:
                self._means[shape] = [
                    name
                    for event in shape.sample
                    if type(event) in _MEANS
                    for name in _MEANS[type(event)](event)
                ]
            names += self._means[shape]
        told = [(table, self._reserves[table]) for table in stretch.tables if table in self._reserves]
        if any(map(self._world.awaits, [*names, *(reserve.cash for _, reserve in told)])):
            return False
        for table, _ in told:
            self._virtual[table] = stretch.tables[table].get("virtual", self._virtual.get(table, 0))
        return True

    def _haircut(self, event: LossAbsorbed, seq: int) -> None:
        reserve = self._reserves.get(reserve_table(event.venue, event.asset))
        if reserve is not None and self._world.watched(reserve.deficit):
            left = reserve.lending.claims(self._world.book, event.asset)
            self._world.report(reserve.deficit, mul_div_down(event.amount, WAD, left + event.amount), seq)

    def _gauges(self, reserve: _Reserve, seq: int) -> None:
        """Report what somebody waits for; nobody computes what no one reads."""
        world, lending, asset = self._world, reserve.lending, reserve.asset
        if world.watched(reserve.utilization):
            world.report(reserve.utilization, lending.utilization(world.book, asset), seq)
        if world.watched(reserve.deficit):
            world.report(reserve.deficit, deficit_share(lending, world.book, asset), seq)


_MEANS: Final[dict[type[Event], Callable[[Any], tuple[str, ...]]]] = {
    PricePublished: lambda event: (price_signal(event.asset),),
    Traded: lambda event: (traded_signal(event.sold), traded_signal(event.bought)),
    MarketHalted: lambda event: (market_signal(event.asset),),
    MarketResumed: lambda event: (market_signal(event.asset),),
    ShortfallRecognised: lambda event: (deficit_signal(event.venue, event.asset),),
    LossAbsorbed: lambda event: (loss_signal(event.venue, event.asset),),
    Absorbed: lambda event: (sale_signal(event.venue),),
    CollateralBought: lambda event: (sale_signal(event.venue),),
    LossHeld: lambda event: (open_signal(event.venue),),
    LossAllocated: lambda event: (open_signal(event.venue),) if event.due else (),
    LossPassedOn: lambda event: (called_signal(event.venue),),
    MembersCalled: lambda event: (called_signal(event.venue),),
    ExitsFrozen: lambda event: (exits_signal(event.venue),),
    ExitsOpened: lambda event: (exits_signal(event.venue),),
    RecoveryPaid: lambda event: (cash_signal(event.venue, event.asset),),
    Slashed: lambda event: (slash_signal(event.venue, event.stake),),
    ParameterChanged: lambda event: (terms_signal(event.venue),),
}
"""The signals that an event is, by its kind."""
