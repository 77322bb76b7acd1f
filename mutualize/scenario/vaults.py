"""Vault engines in a scenario: their terms, their vaults, and who keeps them going.

Terms have the contract's own names (`lump`, `ttl`, `wait`). Stablecoins are counted in rad (45 decimals),
collateral and governance tokens in wad (18), prices with 8 decimals, times in seconds.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from mutualize.randomness import Distribution, Fixed
from mutualize.scenario.fields import (
    SECONDS_MAX,
    Choice,
    File,
    Kind,
    Name,
    Numeral,
    Ref,
    Rows,
    Table,
    Time,
    Whole,
    of,
    seconds,
    whole,
)
from mutualize.scenario.fields import Distribution as Draw
from mutualize.scenario.market import PRICE_MAX, Bid
from mutualize.units import WAD

CODES: Final = ("flip-2020-03", "flip", "clip")
RAD_DECIMALS: Final = 45
WAD_DECIMALS: Final = 18
COUNT_MAX: Final = 10**6
RAD: Final = Numeral(RAD_DECIMALS, 0, 10**15 * 10**RAD_DECIMALS)
WEI: Final = Numeral(WAD_DECIMALS, 0, 10**15 * WAD)
PRICE: Final = Numeral(8, 1, PRICE_MAX)
REACTION: Final = Whole(0, SECONDS_MAX)


def _term(kind: Kind, doc: str) -> Any:
    """Declare a term that keeps the contract's default where it is left out."""
    return of(kind, doc, default=None)


def _seconds(doc: str, high: int = SECONDS_MAX) -> Any:
    return _term(Whole(0, high), doc)


@attrs.frozen(kw_only=True)
class IlkTerms:
    """Terms of one kind of collateral. What is left out keeps the contract's default, or what it was."""

    line: int | None = _term(RAD, "ceiling of its stablecoins")
    dust: int | None = _term(RAD, "the least debt of a vault")
    duty: int | None = _term(Numeral(27, 10**27, 2 * 10**27), "growth of its debt per second: 1.000000002…")
    mat: int | None = _term(Numeral(27, 1, 100 * 10**27), "liquidation ratio: 1.5")
    hop: int | None = _seconds("seconds by which its price feed delays; 0: not at all", 2**16 - 1)
    chop: int | None = _term(Numeral(WAD_DECIMALS, 1, 10 * WAD), "debt and penalty over debt: 1.13")
    lump: int | None = _term(
        Numeral(WAD_DECIMALS, 1, 10**15 * WAD), "the most collateral of one auction (flip-2020-03)"
    )
    dunk: int | None = _term(RAD, "the most that one auction is to raise (flip)")
    hole: int | None = _term(RAD, "the most that its auctions are to raise (clip)")
    beg: int | None = _term(Numeral(WAD_DECIMALS, WAD, 10 * WAD), "the least step of a bid: 1.03")
    ttl: int | None = _seconds("seconds that a bid must stand")
    tau: int | None = _seconds("seconds that an auction lasts")
    buf: int | None = _term(Numeral(27, 0, 100 * 10**27), "starting price over the feed's (clip)")
    tail: int | None = _seconds("seconds after which a sale must be reset (clip)")
    cusp: int | None = _term(Numeral(27, 0, 10**27), "share of the first price below which it must (clip)")
    chip: int | None = _term(Numeral(WAD_DECIMALS, 0, WAD), "keeper's reward, a share of the tab (clip)")
    tip: int | None = _term(RAD, "keeper's flat reward (clip)")
    cut: int | None = _term(Numeral(27, 0, 10**27), "by which factor a sale's price falls (clip)")
    step: int | None = _seconds("every so many seconds (clip)")


@attrs.frozen(kw_only=True)
class SystemTerms:
    """Terms of a whole vault engine."""

    ceiling: int | None = of(RAD, "ceiling of all stablecoins", default=None, named="Line")
    box: int | None = _term(RAD, "the most that may be at auction at once (flip)")
    all_holes: int | None = of(
        RAD, "the most that may be at auction at once (clip)", default=None, named="Hole"
    )
    wait: int | None = _seconds("seconds for which the debt of a liquidation is queued")
    dump: int | None = _term(WEI, "governance tokens that a debt auction offers at first")
    sump: int | None = _term(RAD, "stablecoins that a debt auction raises")
    bump: int | None = _term(RAD, "stablecoins that a surplus auction sells")
    hump: int | None = _term(RAD, "surplus that is kept")
    lid: int | None = _term(RAD, "the most surplus that may be at auction at once")
    flop_beg: int | None = _term(Numeral(WAD_DECIMALS, WAD, 10 * WAD), "least step in a debt auction")
    flop_pad: int | None = _term(Numeral(WAD_DECIMALS, WAD, 10 * WAD), "growth of its lot at a restart")
    flop_ttl: int | None = _seconds("seconds that a bid stands in a debt auction")
    flop_tau: int | None = _seconds("seconds that a debt auction lasts")
    flap_beg: int | None = _term(Numeral(WAD_DECIMALS, WAD, 10 * WAD), "least step in a surplus auction")
    flap_ttl: int | None = _seconds("seconds that a bid stands in a surplus auction")
    flap_tau: int | None = _seconds("seconds that a surplus auction lasts")


OWN_WORDS: Final = {"ceiling": "Line", "all_holes": "Hole"}
"""Terms whose name in the contract is no name for a field here."""


def given(terms: IlkTerms | SystemTerms | None, *, old: bool) -> dict[str, int]:
    """Return the terms that are given, by the contract's name; a penalty was a ray in March 2020."""
    found = {}
    for field in attrs.fields(type(terms)) if terms is not None else ():
        value = getattr(terms, field.name)
        if field.name in _TERMS and value is not None:
            found[OWN_WORDS.get(field.name, field.name)] = value
    if old and "chop" in found:
        found["chop"] *= 10**9
    return found


_TERMS: Final = {field.name for cls in (IlkTerms, SystemTerms) for field in attrs.fields(cls)}


@attrs.frozen(kw_only=True)
class Ilk(IlkTerms):
    """A kind of collateral with its terms."""

    asset: str = of(Ref("assets"), "the collateral")


@attrs.frozen(kw_only=True)
class VaultRows:
    """`[[vaults]]`: one vault (its owner is `name`), `count` of them drawn, or a table of vaults."""

    name: str = of(Name(), "how the vault's owner is called, or the population: name-0001 and so on")
    venue: str = of(Ref("venues"), "where the vaults are")
    ilk: str = of(Ref("ilks"), "against which collateral")
    count: int | None = whole("how many; left out: one vault", 0, COUNT_MAX, default=None)
    collateral: Distribution | None = of(Draw(WEI), "how much collateral each has", default=None)
    debt: Distribution | None = of(Draw(WEI), "how many stablecoins each owes", default=None)
    liquidation_price: Distribution | None = of(
        Draw(PRICE), "or: below which price of the collateral each is unsafe", default=None
    )
    file: str | None = of(
        File(), "or: a CSV file with owner, collateral, and debt or liquidation_price", default=None
    )


@attrs.frozen(kw_only=True)
class Vault:
    """One vault of a table: `debt` in wad, or the price below which it is unsafe (8 decimals)."""

    owner: str
    table: str
    venue: str
    ilk: str
    collateral: int
    debt: int | None
    liquidation_price: int | None


def _bid() -> Any:
    return of(Table(Bid), "how they bid for block space; left out: at once, at the gas price", default=None)


@attrs.frozen(kw_only=True)
class FeedKeepers:
    """Who pokes a delayed price feed as soon as it may be, and has vaults valued at what it then says."""

    name: str = of(Name(), "how the keeper is called")
    venue: str = of(Ref("venues"), "where")
    ilk: str = of(Ref("ilks"), "the feed of which collateral")
    latency_s: Distribution = of(Draw(REACTION), "seconds after the poke is due", default=Fixed(0))
    bid: Bid | None = _bid()


@attrs.frozen(kw_only=True)
class Biters:
    """Who liquidates unsafe vaults, whatever it costs: an auction is to begin, nothing is bought."""

    name: str = of(Name(), "how the population is called; its members are name-0001 and so on")
    count: int = whole("how many", 0, COUNT_MAX, default=1)
    venue: str = of(Ref("venues"), "where")
    ilk: str = of(Ref("ilks"), "of which collateral")
    latency_s: Distribution = of(Draw(REACTION), "from a price to action, seconds", default=Fixed(0))
    at_once: int = whole("how many transactions each has under way at most", 1, default=1)
    bid: Bid | None = _bid()


@attrs.frozen(kw_only=True)
class Bidders:
    """Who bids for seized collateral, sells it, and has the money back after a cycle."""

    name: str = of(Name(), "how the population is called; its members are name-0001 and so on")
    count: int = whole("how many", 0, COUNT_MAX, default=1)
    venue: str = of(Ref("venues"), "where")
    ilk: str = of(Ref("ilks"), "for which collateral")
    offer: str = of(
        Choice(("value", "nothing")),
        "what it is worth to them less their margin; or next to nothing, where nobody else bid",
        default="value",
    )
    margin: Distribution = of(
        Draw(Numeral(18, 0, WAD - 1)), "value: by how much less than the market's price", default=Fixed(0)
    )
    capital: Distribution = of(Draw(RAD), "stablecoins that each has at first")
    cycle_s: Distribution = of(
        Draw(REACTION), "from winning an auction to having its proceeds, seconds", default=Fixed(0)
    )
    latency_s: Distribution = of(Draw(REACTION), "from a chance to a bid, seconds", default=Fixed(0))
    bids_max: int | None = whole(
        "the most bids that each sends in `bids_window_s`; left out: any number", 1, default=None
    )
    bids_window_s: int = seconds("see `bids_max`", 1, default=600)
    at_once: int = whole("how many transactions each has under way at most", 1, default=1)
    arrives_at: int | None = of(Time(), "from when on they take part; left out: the start", default=None)
    bid: Bid | None = _bid()


@attrs.frozen(kw_only=True)
class Takers:
    """Who buys seized collateral at a falling price, sells it, and has the money back after a cycle."""

    name: str = of(Name(), "how the population is called; its members are name-0001 and so on")
    count: int = whole("how many", 0, COUNT_MAX, default=1)
    venue: str = of(Ref("venues"), "where")
    ilk: str = of(Ref("ilks"), "which collateral")
    margin: Distribution = of(
        Draw(Numeral(18, 0, WAD - 1)), "by how much less than the market's price", default=Fixed(0)
    )
    capital: Distribution = of(Draw(RAD), "stablecoins that each has at first")
    cycle_s: Distribution = of(
        Draw(REACTION), "from a purchase to having its proceeds, seconds", default=Fixed(0)
    )
    latency_s: Distribution = of(Draw(REACTION), "from a chance to a purchase, seconds", default=Fixed(0))
    at_once: int = whole("how many transactions each has under way at most", 1, default=1)
    arrives_at: int | None = of(Time(), "from when on they take part; left out: the start", default=None)
    bid: Bid | None = _bid()


@attrs.frozen(kw_only=True)
class VowKeepers:
    """Who takes debt out of the queue, heals it, and starts debt auctions."""

    name: str = of(Name(), "how the keeper is called")
    venue: str = of(Ref("venues"), "where")
    every_s: int = seconds("how often it acts at most, seconds", 1, default=600)
    fees_every_s: int | None = seconds(
        "how often it has stability fees collected, seconds; left out: never", 1, default=None
    )
    debt_auctions_max: int | None = whole(
        "how many debt auctions it starts at most; left out: as many as can be", 0, default=None
    )
    bid: Bid | None = _bid()


@attrs.frozen(kw_only=True)
class Paid:
    """What was paid for new governance tokens, in so many auctions."""

    lots: int = whole("in how many auctions", 1, COUNT_MAX)
    price: int = of(PRICE, "stablecoins for one token")


@attrs.frozen(kw_only=True)
class DebtBidders:
    """Who buys new governance tokens, at the prices of a table, auction by auction."""

    name: str = of(Name(), "how the bidder is called")
    venue: str = of(Ref("venues"), "where")
    capital: Distribution = of(Draw(RAD), "stablecoins that he has at first")
    paid: tuple[Paid, ...] = of(Rows(Paid), "in order: for how many auctions he bids what")
    latency_s: Distribution = of(
        Draw(REACTION), "from an auction's start to the bid, seconds", default=Fixed(0)
    )
    bid: Bid | None = _bid()


@attrs.frozen(kw_only=True)
class Acts:
    """A dated act of governance: terms that hold from then on."""

    name: str = of(Name(), "how the act is called")
    venue: str = of(Ref("venues"), "what it is about")
    at: int = of(Time(), "when it is proposed")
    delay_s: int = seconds("from proposal to execution, seconds", default=0)
    ilk: str | None = of(Ref("ilks"), "whose terms `terms` are", default=None)
    terms: IlkTerms | None = of(Table(IlkTerms), "new terms of the ilk", default=None)
    system: SystemTerms | None = of(Table(SystemTerms), "new terms of the whole engine", default=None)


__all__ = [
    "Acts",
    "Bidders",
    "Biters",
    "DebtBidders",
    "FeedKeepers",
    "Ilk",
    "IlkTerms",
    "Paid",
    "SystemTerms",
    "Vault",
    "VaultRows",
    "VowKeepers",
    "given",
]
