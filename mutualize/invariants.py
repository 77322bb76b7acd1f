"""The laws, by name. Checked after each batch, always (also under `python -O`), and by `verify --deep`.

Each law is a function of a book that returns what is wrong, or None. They use what the book says alone:
no rule, no memory of a run. Laws about single transactions (the exact tier rule) watch entries instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mutualize.accounts import HAS, OUTSIDE, account, is_debit_normal, split_account
from mutualize.book import Book
from mutualize.errors import InvariantBroken
from mutualize.events import Entry, LossAbsorbed, LossAllocated, ShortfallRecognised, ShortfallUncovered
from mutualize.tables import reserve_table
from mutualize.units import RAY, mul_div_down, mul_div_up

Law = Callable[[Book], str | None]
CHEAP: dict[str, Law] = {}
"""Laws whose cost does not depend on how many holders there are."""
DEEP: dict[str, Law] = {}
"""Laws that visit every holder."""


def _law(laws: dict[str, Law], name: str) -> Callable[[Law], Law]:
    def register(law: Law) -> Law:
        laws[name] = law
        return law

    return register


def _reserves(book: Book) -> Iterable[tuple[str, str, Mapping[str, int]]]:
    for table in book.tables():
        venue, _, asset = table.partition(".")
        cells = book.table(table)
        if "liquidity_index" in cells:
            yield venue, asset, cells


@_law(CHEAP, "books-balance")
def books_balance(book: Book) -> str | None:
    """Per venue and asset: cash + loans + deficit == claims + tiers + treasury + residue."""
    sums: dict[tuple[str, str], int] = {}
    for name, asset, debits in book.balances():
        key = split_account(name)[0], asset
        sums[key] = sums.get(key, 0) + debits
    wrong = {key: value for key, value in sums.items() if value}
    return f"what is had and what is owed differ: {wrong}" if wrong else None


DECIMALS_MAX: Final = 36
ROUNDINGS: Final = 1_000
"""So many roundings of a rate or an index, each worth claims · 10⁻²⁷, a reserve's residue may lack."""


@_law(CHEAP, "nothing-is-negative")
def nothing_is_negative(book: Book) -> str | None:
    """No account of a venue is below zero: no cash that is not there, no residue that somebody is owed.

    The contract rounds rates and indexes to the nearest of 27 decimals. Where claims come near 10²⁷ base
    units a rounding is worth some of them, and suppliers may be credited that much more than borrowers owe:
    a residue may be below zero by `ROUNDINGS` of them, and by a millionth of a whole unit.
    """
    for name, asset, debits in book.balances():
        natural = debits if is_debit_normal(name) else -debits
        venue, part = split_account(name)
        if natural < 0 and venue != OUTSIDE:
            if part == "residue" and -natural <= _rounded_away(book, venue, asset):
                continue
            return f"{name} holds {natural} {asset}"
    return None


def _rounded_away(book: Book, venue: str, asset: str) -> int:
    """Return what roundings may have given away in a reserve, in base units."""
    decimals = book.cell(reserve_table(venue, asset), "decimals")
    if not 0 <= decimals <= DECIMALS_MAX:
        return 0  # a forged ledger: no asset of a scenario has so many
    whole = int(10**decimals)
    claims = book.balance(account(venue, "claims"), asset)
    return mul_div_down(whole, 1, 10**6) + mul_div_down(claims, ROUNDINGS, RAY)


@_law(CHEAP, "accounts-are-known")
def accounts_are_known(book: Book) -> str | None:
    """Every account of a venue is of a known kind."""
    known = {*HAS, "claims", "tier", "treasury", "residue"}
    for name, _, _ in book.balances():
        venue, part = split_account(name)
        if venue != OUTSIDE and part.partition(":")[0] not in known:
            return f"{name} is of no known kind"
    return None


@_law(CHEAP, "aggregates-follow-indexes")
def aggregates_follow_indexes(book: Book) -> str | None:
    """Loans, claims, treasury and deficit are what units and indexes say; cash is lendable plus tiers."""
    for venue, asset, cells in _reserves(book):
        expected = {
            "loans": mul_div_up(cells.get("debt_scaled", 0), cells.get("borrow_index", 0), RAY),
            "claims": mul_div_down(cells.get("supply_scaled", 0), cells["liquidity_index"], RAY),
            "treasury": mul_div_down(cells.get("accrued_scaled", 0), cells["liquidity_index"], RAY),
            "deficit": cells.get("deficit", 0),
        }
        tiers = sum(
            -debits
            for account, held, debits in book.balances()
            if held == asset and account.startswith(f"{venue}:tier:")
        )
        expected["cash"] = cells.get("virtual", 0) + tiers
        for part, value in expected.items():
            found = book.balance(f"{venue}:{part}", asset)
            if found != value:
                return f"{venue}:{part} of {asset} is {found}, units and indexes say {value}"
    return None


@_law(CHEAP, "stakes-are-money")
def stakes_are_money(book: Book) -> str | None:
    """Hold each stake's counter of assets against the balance of its account."""
    for table in book.tables():
        venue, _, stake = table.partition(".stake.")
        if "total_assets" not in book.table(table):
            continue
        held = sum(-debits for account, _, debits in book.balances() if account == f"{venue}:tier:{stake}")
        counted = book.cell(table, "total_assets")
        if held != counted:
            return f"{table} counts {counted}, its account holds {held}"
    return None


@_law(DEEP, "units-sum-up")
def units_sum_up(book: Book) -> str | None:
    """Sum the units of all holders: they are the total exactly, and none is negative."""
    totals: list[tuple[str, int]] = []
    for venue, asset, cells in _reserves(book):
        totals.append((f"{venue}.{asset}.supply", cells.get("supply_scaled", 0)))
        totals.append((f"{venue}.{asset}.debt", cells.get("debt_scaled", 0)))
    totals += [
        (f"{table}.shares", book.cell(table, "total_shares"))
        for table in book.tables()
        if "total_shares" in book.table(table)
    ]
    for table, total in totals:
        units = book.table(table)
        if sum(units.values()) != total:
            return f"{table} sums to {sum(units.values())}, the total is {total}"
        if any(value < 0 for value in units.values()):
            return f"{table} holds a negative number of units"
    return None


def check(book: Book, *, deep: bool = False) -> None:
    """Check all laws (with `deep`, also those that visit every holder). Raises InvariantBroken."""
    for laws in (CHEAP, DEEP) if deep else (CHEAP,):
        for name, law in laws.items():
            problem = law(book)
            if problem:
                raise InvariantBroken(name, problem)


class TierRule:
    """The exact tier rule, watched entry by entry: tier i pays exactly what it was made to owe, in order.

    With shortfall X and amounts a₁ … aₙ:  aᵢ ≤ capacityᵢ,  Σ aᵢ + uncovered == X,  nothing is left out. An
    observer: `protocol.observe(TierRule(), *TierRule.kinds)`. Raises InvariantBroken.
    """

    kinds: Final = (ShortfallRecognised, LossAllocated, LossAbsorbed, ShortfallUncovered)
    """What it looks at; it takes no notice of anything else."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], int] = {}
        self._owed: LossAllocated | None = None
        self.absorbed = 0
        """How many payments were checked."""

    def __call__(self, entry: Entry) -> None:
        """Check one entry."""
        event = entry.event
        match event:
            case ShortfallRecognised():
                self._open[event.venue, event.asset] = event.amount
            case LossAllocated():
                self._allocated(event)
            case LossAbsorbed():
                owed = self._owed
                self._require(owed is not None and owed.tier == event.tier, "a tier paid that did not owe")
                self._require(owed is not None and owed.amount == event.amount, "a tier paid another sum")
                self._owed = None
                self.absorbed += 1
            case ShortfallUncovered():
                left = self._open.pop((event.venue, event.asset), None)
                self._require(left == event.amount, f"{left} was left, {event.amount} is uncovered")

    def _allocated(self, event: LossAllocated) -> None:
        left = self._open.get((event.venue, event.asset))
        self._require(self._owed is None, "a tier still owes")
        self._require(left == event.amount + event.rest, f"{left} was left to allocate")
        self._require(0 <= event.amount <= event.capacity, "a tier was made to owe more than it has")
        self._open[event.venue, event.asset] = event.rest
        self._owed = event if event.amount else None

    def _require(self, condition: bool, problem: str) -> None:
        if not condition:
            raise InvariantBroken("exact-tier-rule", problem)
