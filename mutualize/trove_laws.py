"""The laws of trove systems: what their numbers and accounts owe to each other. Registered by `invariants`.

    loans = Σ debt       claims = Σ collateral       deposits, gains, reserves and surplus stand in accounts

Each is a function of a book that returns what is wrong, or None. A system is known by its table
`<venue>.troves`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from mutualize.book import Book
from mutualize.tables import as_name
from mutualize.units import WAD, mul_div_down

Law = Callable[[Book], str | None]
END_OF_NAME: Final = ".troves"


@attrs.frozen
class System:
    """One trove system in a book."""

    book: Book
    venue: str
    numbers: Mapping[str, int]

    def number(self, name: str) -> int:
        """Return one number of the whole system."""
        return self.numbers.get(name, 0)

    def of(self, table: str) -> Mapping[str, int]:
        """Return one of its tables."""
        return self.book.table(f"{self.venue}.{table}")

    def pending(self, kind: str) -> dict[str, int]:
        """Return what redistributions gave each trove that it has not taken: of 'coll' or 'debt', wad."""
        now, taken, stakes = self.number(f"L_{kind}"), self.of(f"L_{kind}"), self.of("stake")
        active = [name for name, status in self.of("status").items() if status == 1]
        return {name: mul_div_down(stakes.get(name, 0), now - taken.get(name, 0), WAD) for name in active}

    @property
    def collateral(self) -> str:
        """What its troves hold."""
        return as_name(self.number("collateral"))

    @property
    def stablecoin(self) -> str:
        """What they owe."""
        return as_name(self.number("stablecoin"))

    def coins(self, part: str) -> int:
        """Return one of its accounts in stablecoins, in its natural direction."""
        return self.book.balance(f"{self.venue}:{part}", self.stablecoin)

    def colls(self, part: str) -> int:
        """Return one of its accounts in collateral, in its natural direction."""
        return self.book.balance(f"{self.venue}:{part}", self.collateral)


def systems(book: Book) -> list[System]:
    """Return the trove systems of a book."""
    return [
        System(book, name.removesuffix(END_OF_NAME), book.table(name))
        for name in book.tables()
        if name.endswith(END_OF_NAME) and "stablecoin" in book.table(name)
    ]


def _first(problems: Iterable[tuple[str, int, int]]) -> str | None:
    """Return the first of (what, found, expected) that differs, as a sentence."""
    for what, found, expected in problems:
        if found != expected:
            return f"{what}: {found} is not {expected}"
    return None


def accounts_are_numbers(book: Book) -> str | None:
    """Hold the accounts against the system's own numbers."""
    return _first(
        (f"{system.venue}: {what}", found, expected)
        for system in systems(book)
        for what, found, expected in _accounts(system)
    )


def _accounts(system: System) -> list[tuple[str, int, int]]:
    pool = system.of("pool")
    return [
        ("loans are the active debt", system.coins("loans"), system.number("active_debt")),
        (
            "loans given are the default debt",
            system.coins("loans:redistributed"),
            system.number("default_debt"),
        ),
        ("claims are the active collateral", system.colls("claims"), system.number("active_coll")),
        (
            "claims given are the default collateral",
            system.colls("claims:redistributed"),
            system.number("default_coll"),
        ),
        ("the pool's deposits are its", system.coins("tier:stability-pool"), pool.get("total", 0)),
        ("the pool's collateral is its", system.colls("tier:stability-pool"), pool.get("coll", 0)),
        ("surplus is kept", system.colls("claims:surplus"), system.number("surplus")),
    ]


def troves_sum_up(book: Book) -> str | None:
    """Sum what all troves hold, owe and stake, what is pending, and what is left to claim."""
    return _first(
        (f"{system.venue}: {what}", found, expected)
        for system in systems(book)
        for what, found, expected in _sums(system)
    )


def _sums(system: System) -> list[tuple[str, int, int]]:
    active = [name for name, status in system.of("status").items() if status == 1]
    found = [
        ("troves are counted", len(active), system.number("count")),
        ("Σ debt is active", sum(system.of("debt").values()), system.number("active_debt")),
        ("Σ collateral is active", sum(system.of("coll").values()), system.number("active_coll")),
        ("Σ stakes is the total", sum(system.of("stake").values()), system.number("total_stakes")),
        ("Σ surplus is kept", sum(system.of("surplus").values()), system.number("surplus")),
    ]
    for kind in ("coll", "debt"):
        pending = sum(system.pending(kind).values())
        found += [(f"pending {kind} is not given", max(0, pending - system.number(f"default_{kind}")), 0)]
    for table in ("debt", "coll", "stake", "surplus", "pool.deposit", "seized.debt", "seized.coll"):
        negative = [name for name, amount in system.of(table).items() if amount < 0]
        found += [(f"{table} below zero: {negative}", len(negative), 0)]
    return found


def order_is_a_list(book: Book) -> str | None:
    """Walk each list of troves both ways: it holds each active trove once."""
    for system in systems(book):
        active = sorted(name for name, status in system.of("status").items() if status == 1)
        forth, back = (_walked(system.of(f"order.{way}.0"), len(active)) for way in ("next", "prev"))
        if sorted(forth) != active:
            return f"{system.venue}: the list holds {forth}, {active} are active"
        if back[::-1] != forth:
            return f"{system.venue}: the list is {forth}, and backwards {back}"
    return None


def _walked(links: Mapping[str, int], most: int) -> list[str]:
    """Return the names that a list's links lead to, one more than there may be at most."""
    found, name = list[str](), ""
    while (name := as_name(links.get(name, 0))) and len(found) <= most:
        found.append(name)
    return found


CHEAP: Final[dict[str, Law]] = {"trove-accounts": accounts_are_numbers}
DEEP: Final[dict[str, Law]] = {"troves-sum-up": troves_sum_up, "trove-order": order_is_a_list}
