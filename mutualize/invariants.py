"""The laws, by name. Checked after each batch, always (also under `python -O`), and by `verify --deep`.

Each law is a function of a book that returns what is wrong, or None. They use what the book says alone:
no rule, no memory of a run. A law about single transactions watches entries instead: `tier_rule`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mutualize import compound_laws, isolated_laws, trove_laws, vault_laws
from mutualize.accounts import HAS, OUTSIDE, account, is_debit_normal, split_account, tier_account
from mutualize.book import Book
from mutualize.errors import InvariantBroken
from mutualize.tables import as_name, reserve_table
from mutualize.units import DECIMALS_MAX, RAY, mul_div_down, mul_div_up

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
        if compound_laws.is_market(cells):
            continue  # they round in another way, and have a law of their own
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


def _named(book: Book, ending: str) -> Iterable[tuple[str, str, Mapping[str, int]]]:
    """Return (venue, asset, cells) of all tables that are called '<venue>.<asset><ending>'."""
    for table in book.tables():
        if table.endswith(ending):
            venue, _, asset = table.removesuffix(ending).partition(".")
            yield venue, asset, book.table(table)


@_law(CHEAP, "tiers-are-in-cash")
def tiers_are_in_cash(book: Book) -> str | None:
    """Hold what a venue has for its tiers against its cash: nobody else was paid with it.

    The stablecoins that a venue makes itself are no cash: it owes them to its tiers, as to everybody else.
    """
    own = {(engine.venue, as_name(engine.number("stablecoin"))) for engine in vault_laws.engines(book)}
    own |= {(system.venue, system.stablecoin) for system in trove_laws.systems(book)}
    held: dict[tuple[str, str], int] = {}
    for name, asset, debits in book.balances():
        venue, part = split_account(name)
        if part.startswith("tier:"):
            held[venue, asset] = held.get((venue, asset), 0) - debits
    for (venue, asset), owed in held.items():
        cash = book.balance(account(venue, "cash"), asset)
        if owed > cash and (venue, asset) not in own:
            return f"{venue} holds {cash} {asset}, its tiers {owed}"
    return None


@_law(DEEP, "balances-sum-up")
def balances_sum_up(book: Book) -> str | None:
    """Sum what members have at a venue of balances: it is what the venue owes, and nobody has less than 0."""
    for venue, asset, cells in _named(book, ".balance"):
        owed = book.balance(account(venue, "claims"), asset)
        if sum(cells.values()) != owed:
            return f"balances of {asset} at {venue} sum to {sum(cells.values())}, {owed} is owed"
        if any(value < 0 for value in cells.values()):
            return f"somebody has less than nothing of {asset} at {venue}"
    return None


@_law(DEEP, "funds-hold-contributions")
def funds_hold_contributions(book: Book) -> str | None:
    """Hold what members have in a fund against the fund; nobody has less than nothing."""
    for table in book.tables():
        venue, mark, rest = table.partition(".fund.")
        fund, _, asset = rest.partition(".")
        if not mark or asset == "joined":
            continue
        parts, held = book.table(table), book.balance(tier_account(venue, fund), asset)
        if sum(parts.values()) > held or any(part < 0 for part in parts.values()):
            return f"members have {sum(parts.values())} {asset} in {fund} of {venue}, it holds {held}"
    return None


@_law(DEEP, "borne-sums-up")
def borne_sums_up(book: Book) -> str | None:
    """Sum what payers known by name have borne: it is what their tier has, and none is below 0."""
    for table in book.tables():
        venue, mark, asset = table.partition(".borne.")
        if not mark or "." in asset:
            continue
        for tier, amount in book.table(table).items():
            parts = book.table(f"{table}.{tier}")
            wrong = parts and sum(parts.values()) != amount
            if wrong or amount < 0 or any(part < 0 for part in parts.values()):
                return f"{tier} of {venue} has borne {amount} {asset}, its payers {sum(parts.values())}"
    return None


@_law(DEEP, "ious-are-not-negative")
def ious_are_not_negative(book: Book) -> str | None:
    """Nobody holds less than no IOU."""
    for table in book.tables():
        if ".iou." in table and any(units < 0 for units in book.table(table).values()):
            return f"{table} holds less than nothing"
    return None


for family in (vault_laws, isolated_laws, compound_laws, trove_laws):
    CHEAP.update(family.CHEAP)
    DEEP.update(family.DEEP)


def check(book: Book, *, deep: bool = False) -> None:
    """Check all laws (with `deep`, also those that visit every holder). Raises InvariantBroken."""
    for laws in (CHEAP, DEEP) if deep else (CHEAP,):
        for name, law in laws.items():
            problem = law(book)
            if problem:
                raise InvariantBroken(name, problem)
