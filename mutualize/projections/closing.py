"""What everybody has in venues at one moment, with nothing left over: holders, tiers, treasury, residue.

Single claims and stakes are rounded down and single debts up, so their sums differ from the venue's own by a
few base units; these belong to the residue.
"""

from __future__ import annotations

from collections.abc import Mapping

from mutualize import isolated_laws
from mutualize.accounts import account, split_account, tier_account
from mutualize.book import Book
from mutualize.members import fund_table
from mutualize.projections.mirror import Mirror
from mutualize.tables import as_name, balance_table, debt_table, stake_table, supply_table
from mutualize.trove_laws import System, systems
from mutualize.units import mul_div_down, ray_mul_down, ray_mul_up
from mutualize.vault_laws import Engine, engines
from mutualize.venues.isolated_work import Side
from mutualize.venues.stability_pool import DEPOSIT, pool_of
from mutualize.venues.vat import CONTRACTS

POOL_TIER = "tier:stability-pool"
"""The part of a trove system that its depositors and their gains stand in."""

Amounts = dict[str, dict[str, int]]
"""By asset and account, in base units; debts and open deficits are negative."""


def _add(amounts: Amounts, asset: str, name: str, amount: int) -> None:
    if amount:
        of_asset = amounts.setdefault(asset, {})
        of_asset[name] = of_asset.get(name, 0) + amount


def closing(book: Book, mirror: Mirror) -> Mapping[str, Mapping[str, int]]:
    """Return what every account has, by asset, as of the last accrual. `mirror` is of the same moment."""
    amounts: Amounts = {}
    for venue, asset in mirror.reserves():
        _holders(amounts, book, mirror, venue, asset)
    vaults, troves = engines(book), systems(book)
    for engine in vaults:
        _vaults(amounts, engine)
    shared = {_troves(amounts, system) for system in troves}
    shared |= {_stakers(amounts, book, mirror, *stake) for stake in mirror.stakes()}
    markets = {(market.venue, market.loan): market for market in isolated_laws.markets(book)}
    listed, by_holder = set(mirror.reserves()), {engine.venue for engine in vaults}
    by_holder |= {system.venue for system in troves}
    for name, asset, balance in mirror.balances():
        venue, whole = split_account(name)
        part, _, fund = whole.partition(":")
        if name in shared:
            continue
        if part == "claims" and venue in by_holder:
            continue
        if part == "claims" and (venue, asset) in markets:
            _market(amounts, book, markets[venue, asset], balance)
        elif part == "claims" and (venue, asset) not in listed:
            _by_name(
                amounts, book.table(balance_table(venue, asset)), account(venue, "residue"), asset, balance
            )
        elif part == "tier":
            _by_name(amounts, book.table(fund_table(venue, fund, asset)), name, asset, balance)
        elif part in ("treasury", "residue"):
            _add(amounts, asset, name, balance)
        elif part == "deficit" or name.endswith((":loans:auction", ":loans:absorbed")):
            _add(amounts, asset, name, -balance)
    return amounts


def _by_name(amounts: Amounts, parts: Mapping[str, int], rest: str, asset: str, whole: int) -> None:
    """Give each what stands by his name, and what is left of the whole to an account of the venue's."""
    for name, part in parts.items():
        whole -= part
        _add(amounts, asset, name, part)
    _add(amounts, asset, rest, whole)


def _vaults(amounts: Amounts, engine: Engine) -> None:
    """Divide what a vault engine owes among its holders; what its contracts hold stands in accounts."""
    stablecoin, token = (as_name(engine.number(name)) for name in ("stablecoin", "governance_token"))
    for ilk in engine.ilks:
        asset, rate = engine.asset(ilk), engine.of(ilk)["rate"]
        for table in (f"gem.{ilk}", f"{ilk}.ink"):
            _people(amounts, asset, engine.of(table))
        for owner, art in engine.of(f"{ilk}.art").items():
            _add(amounts, stablecoin, owner, -art * rate)
    _people(amounts, stablecoin, engine.of("dai"))
    _people(amounts, token, engine.of("gov"))


def _troves(amounts: Amounts, system: System) -> str:
    """Divide what troves hold and owe among their owners, and the pool among its depositors.

    What a redistribution gave a trove is its owner's, taken or not, and so is what a deposit gained. Returns
    the account of the pool, which was divided.
    """
    for table, asset in (("coll", system.collateral), ("surplus", system.collateral)):
        for owner, amount in system.of(table).items():
            _add(amounts, asset, owner, amount)
    for owner, debt in system.of("debt").items():
        _add(amounts, system.stablecoin, owner, -debt)
    for holder, amount in system.book.table(balance_table(system.venue, system.stablecoin)).items():
        _add(amounts, system.stablecoin, holder, amount)
    pool, purse = pool_of(system.book, system.venue, as_name(system.number("index"))), POOL_TIER
    depositors = [name for name, amount in system.of(DEPOSIT).items() if amount]
    worth = {name: pool.worth(name) for name in depositors}
    gains = {name: pool.gain(name) for name in depositors}
    rest = account(system.venue, "residue")
    _by_name(amounts, worth, rest, system.stablecoin, system.coins(purse))
    _by_name(amounts, gains, rest, system.collateral, system.colls(purse))
    _by_name(amounts, system.pending("coll"), rest, system.collateral, system.number("default_coll"))
    owed = {name: -debt for name, debt in system.pending("debt").items()}
    _by_name(amounts, owed, rest, system.stablecoin, -system.number("default_debt"))
    return account(system.venue, purse)


def _people(amounts: Amounts, asset: str, table: Mapping[str, int]) -> None:
    for name, amount in table.items():
        if name not in CONTRACTS:
            _add(amounts, asset, name, amount)


def _holders(amounts: Amounts, book: Book, mirror: Mirror, venue: str, asset: str) -> None:
    reserve = mirror.reserve(venue, asset)
    claims, loans = (
        mirror.balance(account(venue, "claims"), asset),
        mirror.balance(account(venue, "loans"), asset),
    )
    for name, units in book.table(supply_table(venue, asset)).items():
        claim = ray_mul_down(units, reserve.liquidity_index)
        claims -= claim
        _add(amounts, asset, name, claim)
    for name, units in book.table(debt_table(venue, asset)).items():
        debt = ray_mul_up(units, reserve.borrow_index)
        loans -= debt
        _add(amounts, asset, name, -debt)
    _add(amounts, asset, account(venue, "residue"), claims - loans)


def _market(amounts: Amounts, book: Book, market: isolated_laws.Totals, claims: int) -> None:
    """Divide what an isolated market owes, and is owed, among its shares: the virtual ones are nobody's."""
    venue, asset = market.venue, market.loan
    supply = Side(market.number("supply_assets"), market.number("supply_shares"))
    borrow = Side(market.number("borrow_assets"), market.number("borrow_shares"))
    loans = market.balance("loans")
    for name, shares in book.table(supply_table(venue, asset)).items():
        claim = supply.to_assets_down(shares)
        claims -= claim
        _add(amounts, asset, name, claim)
    for name, shares in book.table(debt_table(venue, asset)).items():
        debt = borrow.to_assets_up(shares)
        loans -= debt
        _add(amounts, asset, name, -debt)
    _add(amounts, asset, account(venue, "residue"), claims - loans)


def _stakers(amounts: Amounts, book: Book, mirror: Mirror, venue: str, stake: str, asset: str) -> str:
    """Divide a stake's purse among its shares, and return the account that was divided."""
    purse = tier_account(venue, stake)
    shares = book.table(f"{stake_table(venue, stake)}.shares")
    held, issued = mirror.balance(purse, asset), sum(shares.values())
    left = held
    for name, units in shares.items():
        part = mul_div_down(held, units, issued) if units else 0
        left -= part
        _add(amounts, asset, name, part)
    _add(amounts, asset, account(venue, "residue"), left)
    return purse
