"""The laws about whole transactions, on what each changed: books balance, sums are sums, the safe stay safe.

The rule: these are the laws of `mutualize.invariants`, written a second time and over the auditor's figures.
What a transaction did not write is as it was after the one before. Now and then, and at the end of each
run, the program's own laws go over the whole book as well.
"""

from __future__ import annotations

from auditor import NOTHING, ONE, WAD, Auditor, LawBroken, ceil_div
from laws import need
from systems import ASSETS, DECIMALS, Setup

from mutualize import commands as c
from mutualize import events as e
from mutualize.protocol import Receipt

HAS = ("cash", "loans", "deficit")
OWES = ("claims", "tier", "treasury", "residue")
SUMS = {"supply": "supply_scaled", "debt": "debt_scaled", "shares": "total_shares"}


class Changes:
    """What a transaction changed: tables by kind, and accounts."""

    def __init__(self, before: Auditor, after: Auditor) -> None:
        self.before, self.after = before, after
        self.tables = [(*after.names.kind(name), name) for name in after.changed_tables(before)]
        self.sums = list(after.changed_sums(before))
        self.reserves = {of: None for kind, of, _ in self.tables if kind == "reserve"}
        self.holders: dict[str, None] = {}
        """Whose units or flags changed."""
        for kind, _, name in self.tables:
            if kind in ("supply", "debt", "flags"):
                old = before.cells.get(name, NOTHING)
                for key, value in after.cells[name].items():
                    if old.get(key, 0) != value:
                        self.holders[key] = None


def books(setup: Setup, changes: Changes) -> None:
    """Hold the accounts and sums that changed against units, indexes and counters. Raises LawBroken."""
    now = changes.after
    assets = dict(changes.reserves)
    stakes = False
    for name, asset, _ in changes.sums:
        _account(now, name, asset)
        assets[asset] = None
        stakes = stakes or name.endswith("tier:stakers")
    for asset in assets:
        _aggregates(now, asset)
        _balances(now, asset)
    for kind, of, name in changes.tables:
        if kind in SUMS:
            total = (now.stake() if kind == "shares" else now.reserve(of)).get(SUMS[kind], 0)
            units = now.cells[name].values()
            need(sum(units) == total, "units-sum-up", f"{name}: the total is {total}")
            need(min(units) >= 0, "units-sum-up", f"{name}: negative")
        stakes = stakes or kind == "stake"
    if stakes:
        counted, held = now.stake().get("total_assets", 0), now.owed("tier:stakers", setup.stake_asset)
        need(counted == held, "stakes-are-money", f"{counted} are counted, {held} held")
        announced, shares = now.stake(".cooldown.shares"), now.stake(".shares")
        late = [who for who, n in announced.items() if n > shares.get(who, 0) and not setup.vault]
        need(not late, "cooldown", f"more is announced than held: {late}")


def _account(now: Auditor, name: str, asset: str) -> None:
    venue, _, part = name.partition(":")
    if venue == "outside":
        return
    kind, balance = part.partition(":")[0], now.sums[name][asset]
    need(kind in HAS or kind in OWES, "accounts-are-known", name)
    lacking = -(balance if kind in HAS else -balance)
    if lacking > 0 and kind == "residue":  # what rounding to the nearest of 27 decimals can give away
        lacking -= int(10 ** DECIMALS[asset]) // 10**6 + now.owed("claims", asset) * 1_000 // ONE
    need(lacking <= 0, "nothing-is-negative", f"{name} of {asset}: {balance}")


def _balances(now: Auditor, asset: str) -> None:
    """Cash + loans + deficit == claims + tiers + treasury + residue (A4, an equality)."""
    venue = f"{now.venue}:"
    sums = sum(held.get(asset, 0) for name, held in now.sums.items() if name.startswith(venue))
    need(sums == 0, "books-balance", f"{asset}: had and owed differ by {sums}")


def _aggregates(now: Auditor, asset: str) -> None:
    """Loans, claims, treasury, deficit and cash are what units, indexes and counters say (A1, A2, A3)."""
    cells = now.reserve(asset)
    if not cells:
        return
    tiers = sum(-held.get(asset, 0) for name, held in now.sums.items() if ":tier:" in name)
    index, free = cells["liquidity_index"], cells.get("virtual", 0)
    need(free >= 0, "aggregates-follow-indexes", f"{asset}: {free} can be lent")
    expected = {
        "loans": ceil_div(cells.get("debt_scaled", 0) * cells["borrow_index"], ONE),
        "claims": -(cells.get("supply_scaled", 0) * index // ONE),
        "treasury": -(cells.get("accrued_scaled", 0) * index // ONE),
        "deficit": cells.get("deficit", 0),
        "cash": free + tiers,
    }
    for part, value in expected.items():
        found = now.sums.get(f"{now.venue}:{part}", NOTHING).get(asset, 0)
        need(found == value, "aggregates-follow-indexes", f"{part} of {asset} is {found}, not {value}")


def flows(changes: Changes) -> None:
    """Hold cash against the wallets, of the assets that moved (A6). Raises LawBroken."""
    old = changes.before.wallets
    paid = {
        asset: None
        for who, purse in changes.after.wallets.items()
        if old.get(who, NOTHING) is not purse
        for asset in purse
    }
    moved = {asset: None for name, asset, _ in changes.sums if name == f"{changes.after.venue}:cash"}
    changes.after.flows(iter({**paid, **moved}))


def is_wave(receipt: Receipt, commands: tuple[c.Command, ...]) -> bool:
    """Say whether a transaction may make anybody unsafe: a price, a parameter, a haircut."""
    cut = any(isinstance(x.event, e.LossAbsorbed) and x.event.bearer == "claims" for x in receipt.entries)
    return cut or any(isinstance(command, c.PublishPrice | c.SetParameter) for command in commands)


def health(changes: Changes, at: int, commands: tuple[c.Command, ...]) -> None:
    """No action but a price, a haircut and governance turns safe into unsafe (H1).

    Whoever's units and flags are as before has the health he had, since the indexes of this instant, the
    prices and the thresholds are: that is shown here, and the others are computed.
    """
    before, after = changes.before, changes.after
    for asset in changes.reserves:
        if before.reserve(asset):
            same = before.indexes(asset, at) == after.indexes(asset, at)
            need(same, "health", f"{commands} moved an index of {asset}")
    for owner in changes.holders:
        factor = after.factor(owner, at, ASSETS)
        if factor is not None and factor < WAD:
            had = before.factor(owner, at, ASSETS)
            need(had is not None and had < WAD, "health", f"{commands} made {owner} unsafe: {factor}")


def unsafe(now: Auditor, at: int) -> list[str]:
    """Return who is unsafe, of everybody (to be compared in full now and then)."""
    found = []
    for owner in now.owners():
        factor = now.factor(owner, at, ASSETS)
        if factor is not None and factor < WAD:
            found.append(owner)
    return found


__all__ = ["Changes", "LawBroken", "books", "flows", "health", "is_wave", "unsafe"]
