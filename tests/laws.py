"""The laws that every entry obeys, with the auditor's sums before and after it. Each has a name.

The rule: a law computes what it expects from the state before and the event's words, never from the code
that decided; equalities wherever the rules leave no room, bounds of one unit per rounding elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from auditor import ONE, YEAR, Auditor, LawBroken, ceil_div
from systems import ASSETS, Setup

from mutualize import events as e
from mutualize.events import Entry, Event


@attrs.frozen
class Step:
    """One entry, and what was so before and after it. `loss` is what a tier was last made to owe."""

    setup: Setup
    before: Auditor
    after: Auditor
    entry: Entry
    loss: e.LossAllocated | None

    @property
    def event(self) -> Event:
        """Return what happened."""
        return self.entry.event

    def change(self, kind: str, asset: str, owner: str) -> int:
        """Return by how many units a holding changed."""
        return self.after.units(kind, asset, owner) - self.before.units(kind, asset, owner)

    def field(self, asset: str, name: str) -> int:
        """Return by how much a number of a reserve changed."""
        return self.after.reserve(asset).get(name, 0) - self.before.reserve(asset).get(name, 0)


Law = Callable[[Step], None]
LAWS: dict[str, Law] = {}


def law(name: str) -> Callable[[Law], Law]:
    """Register a law under its name."""

    def register(function: Law) -> Law:
        LAWS[name] = function
        return function

    return register


def need(condition: bool, name: str, *details: object) -> None:
    """Raise LawBroken unless the condition holds."""
    if not condition:
        raise LawBroken(name, " ".join(str(detail) for detail in details))


_RATES = {"liquidity_rate", "borrow_rate"}
_IN = {"supply_scaled", "virtual", *_RATES}
_OUT = {"debt_scaled", "virtual", *_RATES}
_WRITE_OFF = {"supply_scaled", "deficit", *_RATES}
MAY_CHANGE: dict[type[Event], set[str]] = {
    e.Accrued: {"liquidity_index", "borrow_index", "accrued_scaled", "last_update"},
    e.Supplied: _IN,
    e.Withdrawn: _IN,
    e.Borrowed: _OUT,
    e.Repaid: _OUT,
    e.PositionOpened: _IN | _OUT,
    e.Liquidated: _IN | _OUT,
    e.ShortfallRecognised: {"debt_scaled", "deficit", *_RATES},
    e.LossAbsorbed: {"deficit", "virtual", "liquidity_index", *_RATES},
    e.DeficitEliminated: _WRITE_OFF,
    e.PendingDeficitCovered: _WRITE_OFF,
    e.OffsetCovered: _WRITE_OFF,
    e.TreasuryMinted: {"supply_scaled", "accrued_scaled", "virtual", *_RATES},
}
"""Which numbers of a reserve an event may change; one that is not named here, none."""


@law("field-matrix")
def field_matrix(s: Step) -> None:
    """Only the listed events change a number, and no event touches a reserve that it does not name (A5)."""
    if isinstance(s.event, e.ReserveListed):
        return
    allowed = MAY_CHANGE.get(type(s.event), set())
    if isinstance(s.event, e.ParameterChanged):
        allowed = {s.event.name, *_RATES}
    named = [getattr(s.event, name, "") for name in ("asset", "collateral", "debt")]
    for asset in ASSETS:
        before, after = s.before.reserve(asset), s.after.reserve(asset)
        if before != after:
            changed = {name for name in {*before, *after} if before.get(name, 0) != after.get(name, 0)}
            need(asset in named, "field-matrix", s.event, "changed", asset)
            need(changed <= allowed, "field-matrix", f"{type(s.event).__name__} changed {changed - allowed}")


@law("order")
def order(s: Step) -> None:
    """See that a cause precedes its effect, transfers are positive and stay inside one book."""
    need(s.entry.cause is None or s.entry.cause < s.entry.seq, "order", s.entry)
    for t in s.event.transfers:
        need(t.amount > 0 and t.debit != t.credit, "order", t)
        need(t.debit.split(":")[0] == t.credit.split(":")[0], "order", t)


def money(s: Step) -> dict[tuple[str, str], int]:  # noqa: PLR0911 - one return for each kind
    """Return what the event's words say about money: change of ('virtual' or 'tier:…', asset)."""
    ev = s.event
    match ev:
        case e.Supplied():
            return {("virtual", ev.asset): ev.amount}
        case e.Withdrawn() | e.Borrowed():
            return {("virtual", ev.asset): -ev.amount}
        case e.Repaid():
            return {("virtual", ev.asset): ev.amount}
        case e.PositionOpened():
            moved = {("virtual", ev.collateral): ev.collateral_amount}
            moved["virtual", ev.debt] = moved.get(("virtual", ev.debt), 0) - ev.debt_amount
            return moved
        case e.Liquidated():
            moved = {("virtual", ev.debt): ev.paid, ("tier:insurance-fund", ev.collateral): ev.fund_fee}
            out = ev.fund_fee + (0 if ev.claims else ev.seized)
            moved["virtual", ev.collateral] = moved.get(("virtual", ev.collateral), 0) - out
            return moved
        case e.TreasuryMinted():
            taken = ev.fund_amount
            return {("virtual", ev.asset): -taken, ("tier:insurance-fund", ev.asset): taken}
        case e.FundContributed():
            return {(f"tier:{ev.tier}", ev.asset): ev.amount}
        case e.Staked() | e.FundsReturned():
            return {("tier:stakers", ev.asset): ev.assets}
        case e.Unstaked() | e.AssetsLost():
            return {("tier:stakers", ev.asset): -ev.assets}
        case e.Slashed():
            stays = s.loss is not None and not converts(s, s.loss.index, s.loss.asset)
            return {} if stays else {("tier:stakers", ev.asset): -ev.assets}
        case e.LossAbsorbed():
            return _absorbed(s, ev)
    return {}


def converts(s: Step, index: int, asset: str) -> bool:
    """Say whether a tier pays in another asset than the loss."""
    return s.setup.tiers[index].asset not in ("", asset)


def _absorbed(s: Step, ev: e.LossAbsorbed) -> dict[tuple[str, str], int]:
    tier = s.setup.tiers[ev.index]
    if tier.payer == "claims":
        return {}
    moved = {("virtual", ev.asset): ev.amount}
    if tier.payer == "fund" or not converts(s, ev.index, ev.asset):
        moved[f"tier:{tier.name}", ev.paid_asset] = -ev.paid
    return moved


@law("money-moves")
def money_moves(s: Step) -> None:
    """Lendable cash and the money of each tier move by exactly what the event says, nothing else does."""
    told = money(s)
    tiers = {"stakers", "insurance-fund", *(tier.name for tier in s.setup.tiers)}
    for asset in (*ASSETS, "AAVE"):
        for part in ("virtual", *(f"tier:{name}" for name in sorted(tiers))):
            if part == "virtual":
                moved = s.field(asset, "virtual")
            else:
                moved = s.after.owed(part, asset) - s.before.owed(part, asset)
            expected = told.get((part, asset), 0)
            need(moved == expected, "money-moves", part, asset, "moved by", moved, "not", expected, s.event)


@law("deficit")
def deficit(s: Step) -> None:
    """Let the deficit rise by a recognised shortfall and fall by what somebody paid; no interest."""
    told = {}
    match s.event:
        case e.ShortfallRecognised():
            told = {s.event.asset: s.event.amount}
        case e.LossAbsorbed() | e.DeficitEliminated() | e.PendingDeficitCovered() | e.OffsetCovered():
            told = {s.event.asset: -s.event.amount}
    for asset in ASSETS:
        moved = s.field(asset, "deficit")
        need(moved == told.get(asset, 0), "deficit", f"{asset} moved by {moved}", s.event)


@law("indexes")
def indexes(s: Step) -> None:
    """Indexes move by interest alone, exactly, and fall by a haircut alone, by exactly the cut (M1)."""
    for asset in ASSETS:
        if not s.before.reserve(asset):
            continue
        old, new = s.before.reserve(asset), s.after.reserve(asset)
        supply, debt = old["liquidity_index"], old["borrow_index"]
        if isinstance(s.event, e.Accrued) and s.event.asset == asset:
            supply, debt = s.before.indexes(asset, s.entry.at)
            need(supply >= old["liquidity_index"] and debt >= old["borrow_index"], "indexes", "an index fell")
            need(new["last_update"] == s.entry.at > old["last_update"], "indexes", "the clock of interest")
            grown = old.get("debt_scaled", 0) * (debt - old["borrow_index"]) // ONE
            share = (grown * old["reserve_factor"] + 5_000) // 10_000
            units = share * ONE // supply if supply else 0
            need(s.field(asset, "accrued_scaled") == units, "indexes", "the treasury's share of interest")
        if isinstance(s.event, e.LossAbsorbed) and s.event.bearer == "claims" and s.event.asset == asset:
            supply = _cut(s, s.event)
        need(new["liquidity_index"] == supply, "indexes", f"liquidity index of {asset}", s.event)
        need(new["borrow_index"] == debt, "indexes", f"borrow index of {asset}", s.event)


def _cut(s: Step, ev: e.LossAbsorbed) -> int:
    """Return the index after a haircut: nobody keeps more than his share of what is left."""
    cells = s.before.reserve(ev.asset)
    worth = s.before.owed("claims", ev.asset) + s.before.owed("treasury", ev.asset)
    units = cells.get("supply_scaled", 0) + cells.get("accrued_scaled", 0)
    index = cells["liquidity_index"]
    cut = index * (worth - ev.amount) // ceil_div(units * index, ONE)
    left = s.after.owed("claims", ev.asset) + s.after.owed("treasury", ev.asset)
    need(left <= worth - ev.amount, "indexes", "a haircut left more than there is")
    return cut


@law("rates")
def rates(s: Step) -> None:
    """Suppliers never earn a higher rate than borrowers pay (M3)."""
    for asset in ASSETS:
        cells = s.after.reserve(asset)
        need(cells.get("liquidity_rate", 0) <= cells.get("borrow_rate", 0), "rates", asset)


@law("residue")
def residue(s: Step) -> None:
    """Let the residue collect interest's remainder; all else moves it by roundings, one unit each."""
    for asset in ASSETS:
        moved = s.after.owed("residue", asset) - s.before.owed("residue", asset)
        if not moved:
            continue
        cells = s.before.reserve(asset)
        coarse = max(cells["liquidity_index"], cells["borrow_index"], s.after.reserve(asset)["borrow_index"])
        units = cells.get("supply_scaled", 0) + cells.get("accrued_scaled", 0)
        years = 1 + (s.entry.at - cells["last_update"]) // YEAR  # rates are rounded too, and last that long
        bound = 4 * (coarse // ONE + 2) + 4 * years * (units // ONE)
        need(moved >= -bound, "residue", f"{asset} lost {moved} of its residue", s.event)
        rising = isinstance(s.event, e.Accrued)
        need(rising or moved <= bound, "residue", f"{asset} gained {moved} of residue", s.event)


OWNERS_OF: dict[type[Event], tuple[str, ...]] = {
    e.Liquidated: ("liquidator", "account"),
    e.Repaid: ("payer",),
}
"""Who may be worse off by an event: who asked for it (else `account`), and a borrower who was unsafe."""


@law("others-keep")
def others_keep(s: Step) -> None:
    """Nobody's claim, shares or wallet falls and nobody's debt rises by another's action (L2, H4)."""
    names = OWNERS_OF.get(type(s.event), ("account",))
    actors = {getattr(s.event, name, "") for name in names}
    if isinstance(s.event, e.ShortfallRecognised):
        actors = set()
    for owner in s.before.owners():
        if owner in actors:
            continue
        for asset in ASSETS:
            need(s.change("supply", asset, owner) >= 0, "others-keep", owner, "lost claims", s.event)
            need(s.change("debt", asset, owner) <= 0, "others-keep", owner, "owes more", s.event)
        table = "aave.stake.stakers.shares"
        had, has = (x.cells.get(table, {}).get(owner, 0) for x in (s.before, s.after))
        need(has >= had, "others-keep", owner, "lost shares", s.event)
        poorer = [a for a, v in s.before.wallets.get(owner, {}).items() if s.after.wallets[owner][a] < v]
        need(not poorer, "others-keep", owner, "paid", s.event)
        _flags_stay(s, owner)


def _flags_stay(s: Step, owner: str) -> None:
    had, has = (x.cells.get("aave.flags", {}).get(owner, 0) for x in (s.before, s.after))
    for number, asset in enumerate(ASSETS):
        taken = had & ~has & 1 << (2 * number + 1)
        need(not taken, "others-keep", owner, "lost its collateral", asset, s.event)
        bit = bool(has & 1 << (2 * number))
        need(
            bit == (s.after.units("debt", asset, owner) > 0), "others-keep", owner, "has a wrong flag", asset
        )


@law("share-price")
def share_price(s: Step) -> None:
    """Let the price of a share fall by a slash alone (M2), which takes assets and no shares."""
    table = "aave.stake.stakers"
    old, new = s.before.cells.get(table, {}), s.after.cells.get(table, {})
    if old == new:
        return
    lowers = isinstance(s.event, (e.Slashed, e.AssetsLost))
    virtual = 0 if s.setup.rate_form else 10**s.setup.offset_digits
    extra = 0 if s.setup.rate_form else 1
    shares = [x.get("total_shares", 0) + virtual for x in (old, new)]
    assets = [x.get("total_assets", 0) + extra for x in (old, new)]
    if s.setup.rate_form:
        rate_before, rate_after = (x.get("exchange_rate", 10**18) for x in (old, new))
        need(lowers or rate_after <= rate_before, "share-price", s.event)
        worth = new.get("total_shares", 0) * 10**18 // rate_after
        need(worth <= new.get("total_assets", 0), "share-price", "shares are worth more than is there")
    else:
        need(lowers or assets[1] * shares[0] >= assets[0] * shares[1], "share-price", s.event)
    need(not lowers or shares[0] == shares[1], "share-price", "a slash burned shares")
    if isinstance(s.event, e.Slashed) and s.setup.rate_form:
        worth = old["total_shares"] * 10**18 // old.get("exchange_rate", 10**18) - s.event.assets
        need(new["exchange_rate"] == ceil_div(old["total_shares"] * 10**18, worth), "share-price", s.event)


@law("cooldown")
def cooldown(s: Step) -> None:
    """Who leaves had announced it, is inside the window, and takes no more than he announced."""
    table = "aave.stake.stakers"
    if isinstance(s.event, e.CooldownStarted):
        held = s.before.cells.get(f"{table}.shares", {}).get(s.event.account, 0)
        need(0 < s.event.shares <= held, "cooldown", s.event)
        need(s.event.ends == s.entry.at + 10 * 86_400 and s.event.window == 2 * 86_400, "cooldown", s.event)
    if isinstance(s.event, e.StakeTransferred) and s.event.account != s.event.to:
        moved = s.before.cells.get(f"{table}.shares", {}).get(s.event.account, 0) - s.event.shares
        left = s.after.cells.get(f"{table}.cooldown.shares", {}).get(s.event.account, 0)
        need(left <= moved, "cooldown", "shares that left are still announced")
    if not isinstance(s.event, e.Unstaked):
        return
    free = s.setup.rate_form and s.before.cells.get(table, {}).get("unsettled", 0)
    if not free:
        part = {
            name: s.before.cells.get(f"{table}.cooldown.{name}", {}).get(s.event.account, 0)
            for name in ("shares", "ends", "window")
        }
        need(s.event.shares <= part["shares"], "cooldown", "more than was announced")
        need(not s.event.shares or 0 <= s.entry.at - part["ends"] <= part["window"], "cooldown", s.event)
