"""The laws of vault engines: what their numbers and accounts owe to each other. Registered by `invariants`.

    loans = Σ Art·rate        loans:auction + deficit = vice        claims + buffer + flaps = debt

Each is a function of a book that returns what is wrong, or None. An engine is known by its table
`<venue>.system`, an ilk by the rate in `<venue>.<ilk>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from mutualize.book import Book
from mutualize.events import Event, LossAbsorbed, LossAllocated, ShortfallRecognised
from mutualize.tables import as_name

Law = Callable[[Book], str | None]
END_OF_NAME: Final = ".system"


@attrs.frozen
class Engine:
    """One vault engine in a book."""

    book: Book
    venue: str
    system: Mapping[str, int]
    ilks: tuple[str, ...]

    def number(self, name: str) -> int:
        """Return one number of the whole engine."""
        return self.system.get(name, 0)

    def of(self, table: str) -> Mapping[str, int]:
        """Return one of its tables."""
        return self.book.table(f"{self.venue}.{table}")

    def account(self, part: str, asset: str = "") -> int:
        """Return one of its accounts, in its natural direction; in stablecoins, where no asset is named."""
        return self.book.balance(f"{self.venue}:{part}", asset or as_name(self.number("stablecoin")))

    def asset(self, ilk: str) -> str:
        """Return an ilk's collateral."""
        return as_name(self.of(ilk)["asset"])

    def by_asset(self) -> Iterable[tuple[str, list[str]]]:
        """Return each asset with the ilks that have it for collateral."""
        found: dict[str, list[str]] = {}
        for ilk in self.ilks:
            found.setdefault(self.asset(ilk), []).append(ilk)
        return found.items()

    def auctions(self, kind: str, field: str) -> int:
        """Return the sum of one field over all auctions of a kind ('flop', 'ETH-A.flip')."""
        return sum(value for key, value in self.of(kind).items() if key.endswith(f".{field}"))


def engines(book: Book) -> list[Engine]:
    """Return the vault engines of a book."""
    tables = list(book.tables())
    found = []
    for name in tables:
        if name.endswith(END_OF_NAME) and "stablecoin" in book.table(name):
            venue = name.removesuffix(END_OF_NAME)
            ilks = tuple(
                table.removeprefix(f"{venue}.")
                for table in tables
                if table.startswith(f"{venue}.") and "rho" in book.table(table)
            )
            found.append(Engine(book, venue, book.table(name), ilks))
    return found


def _first(problems: Iterable[tuple[str, int, int]]) -> str | None:
    """Return the first of (what, found, expected) that differs, as a sentence."""
    for what, found, expected in problems:
        if found != expected:
            return f"{what}: {found} is not {expected}"
    return None


def debt_is_what_vaults_say(book: Book) -> str | None:
    """Hold the accounts in stablecoins against the engine's own numbers."""
    return _first(
        (f"{engine.venue}: {what}", found, expected)
        for engine in engines(book)
        for what, found, expected in _debts(engine)
    )


def _debts(engine: Engine) -> list[tuple[str, int, int]]:
    dai = engine.of("dai")
    terms = [engine.of(ilk) for ilk in engine.ilks]
    owed = sum(ilk.get("Art", 0) * ilk["rate"] for ilk in terms)
    tiers = engine.account("tier:surplus-buffer") + engine.account("tier:flap")
    return [
        ("loans are Σ Art·rate", engine.account("loans"), owed),
        (
            "debt at auction and deficit are vice",
            engine.account("loans:auction") + engine.account("deficit"),
            engine.number("vice"),
        ),
        ("claims and tiers are debt", engine.account("claims") + tiers, engine.number("debt")),
        ("the buffer is the vow's", engine.account("tier:surplus-buffer"), dai.get("vow", 0)),
        ("what flaps sell is theirs", engine.account("tier:flap"), dai.get("flap", 0)),
        ("queue and Ash are within vice", max(0, _set_aside(engine) - engine.number("vice")), 0),
    ]


def _set_aside(engine: Engine) -> int:
    return engine.number("Sin") + engine.number("Ash")


def collateral_is_held(book: Book) -> str | None:
    """Hold the tiers in collateral against what the auctions and the shutdown hold of each ilk."""
    return _first(
        (f"{engine.venue}: {tier} of {asset}", engine.account(f"tier:{tier}", asset), held)
        for engine in engines(book)
        for asset, ilks in engine.by_asset()
        for tier, holder in (("auctions", "auctions"), ("shutdown", "end"))
        for held in [sum(engine.of(f"gem.{ilk}").get(holder, 0) for ilk in ilks)]
    )


def vaults_sum_up(book: Book) -> str | None:
    """Sum what all holders have: stablecoins, units of debt, collateral, governance tokens, the queue."""
    return _first(
        (f"{engine.venue}: {what}", found, expected)
        for engine in engines(book)
        for what, found, expected in _sums(engine)
    )


def _sums(engine: Engine) -> list[tuple[str, int, int]]:
    def sum_of(table: str) -> int:
        return sum(engine.of(table).values())

    found = [("Σ dai is debt", sum_of("dai"), engine.number("debt"))]
    found += [("Σ gov is supply", sum_of("gov"), engine.number("supply"))]
    if not engine.number("caged"):
        found += [("Σ sin is Sin", sum_of("sin"), engine.number("Sin"))]
    for ilk in engine.ilks:
        found += [(f"Σ art is Art of {ilk}", sum_of(f"{ilk}.art"), engine.of(ilk).get("Art", 0))]
    for asset, ilks in engine.by_asset():
        held = sum(sum_of(f"{ilk}.ink") + sum_of(f"gem.{ilk}") for ilk in ilks)
        found += [(f"Σ ink and gem is cash of {asset}", held, engine.account("cash", asset))]
    tables = ["dai", "gov", "sin", *(f"{ilk}.{kind}" for ilk in engine.ilks for kind in ("art", "ink"))]
    for table in [*tables, *(f"gem.{ilk}" for ilk in engine.ilks)]:
        negative = [holder for holder, amount in engine.of(table).items() if amount < 0]
        found += [(f"{table} below zero: {negative}", len(negative), 0)]
    return found


def auctions_sum_up(book: Book) -> str | None:
    """Sum all auctions: what they hold, what they are to raise, and what debt is lent to them."""
    return _first(
        (f"{engine.venue}: {what}", found, expected)
        for engine in engines(book)
        for what, found, expected in _auctions(engine)
    )


def _auctions(engine: Engine) -> list[tuple[str, int, int]]:
    found, owed, tabs = [], 0, 0
    for ilk in engine.ilks:
        flip, clip = f"{ilk}.flip", f"{ilk}.clip"
        lots = engine.auctions(flip, "lot") + engine.auctions(clip, "lot")
        found += [(f"Σ lot of {ilk} is held", lots, engine.of(f"gem.{ilk}").get("auctions", 0))]
        found += [(f"Σ tab is dirt of {ilk}", engine.auctions(clip, "tab"), engine.of(ilk).get("dirt", 0))]
        owed += engine.auctions(flip, "owed") + engine.auctions(clip, "owed")
        tabs += engine.auctions(flip, "tab")
    lent = owed + engine.number("sold") + engine.number("skimmed") - engine.number("advanced")
    dirt = sum(engine.of(ilk).get("dirt", 0) for ilk in engine.ilks)
    found += [("debt at auction is what they owe", engine.account("loans:auction"), lent)]
    found += [("Σ dirt is Dirt", dirt, engine.number("Dirt"))]
    if "litter" in engine.system:
        found += [("Σ tab is litter", tabs, engine.number("litter"))]
    token = as_name(engine.number("governance_token"))
    found += [("bids of flaps are held", engine.auctions("flap", "bid"), engine.account("tier:flap", token))]
    if not engine.number("caged"):
        missing = engine.auctions("flap", "lot") - engine.account("tier:flap")  # anybody may give them more
        found += [("flaps lack of their lots", max(0, missing), 0)]
    return found


class PaidLater:
    """The tier rule of a vault engine: a tier pays no more than it was made to owe, and no more than is open.

    A shortfall is open from its recognition until tiers have paid it, in parts and at any time.
    """

    def __init__(self) -> None:
        self._open = 0
        self._owed: dict[str, int] = {}

    def take(self, event: Event) -> str:
        """Take an event in; return what is wrong with it, or nothing."""
        match event:
            case ShortfallRecognised():
                self._open += event.amount
            case LossAllocated():
                self._owed[event.tier] = self._owed.get(event.tier, 0) + event.amount
                if not 0 <= event.amount <= event.capacity:
                    return "a tier was made to owe more than it has"
            case LossAbsorbed():
                self._open -= event.amount
                self._owed[event.tier] = self._owed.get(event.tier, 0) - event.amount
                if self._owed[event.tier] < 0:
                    return "a tier paid that did not owe"
                if self._open != event.rest:
                    return f"{self._open} is open, {event.rest} is said to be"
        return ""


CHEAP: Final[dict[str, Law]] = {
    "vault-debt": debt_is_what_vaults_say,
    "vault-collateral": collateral_is_held,
}
DEEP: Final[dict[str, Law]] = {
    "vaults-sum-up": vaults_sum_up,
    "vault-auctions-sum-up": auctions_sum_up,
}
