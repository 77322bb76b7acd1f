"""The laws about single entries, written as laws: state before, an event, state after.

Each is checked after every entry of random play, on all that the entry changed; what it did not change is
shared by both states, and is proved unchanged by that. Together with `mutualize.invariants` and the tier
rule they are what the simulator promises; the names in brackets are those of the lists of laws they are
taken from. A law is registered with the kinds of event that it is about, or without for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from auditor import BPS, ELSEWHERE, NOTHING, ONE, WAD, YEAR, Auditor, LawBroken, ceil_div
from systems import ASSETS, Setup

from mutualize import events as e
from mutualize.events import Entry, Event

NUMBER: Final = {asset: number for number, asset in enumerate(ASSETS)}


class Step:
    """One entry, what was so before and after it, and what it changed.

    `cells` are (kind of table, what it is of, key, old value, new value); `sums` (account, asset, rise of its
    debits); `assets` the reserves whose numbers it wrote. `loss` is what a tier was last made to owe.
    """

    __slots__ = ("after", "assets", "before", "cells", "entry", "event", "loss", "setup", "sums")

    def __init__(
        self, setup: Setup, before: Auditor, after: Auditor, entry: Entry, loss: e.LossAllocated | None
    ) -> None:
        self.setup, self.before, self.after, self.entry, self.loss = setup, before, after, entry, loss
        self.event: Event = entry.event
        self.sums = list(after.changed_sums(before))
        self.cells: list[tuple[str, str, str, int, int]] = []
        self.assets: list[str] = []
        for table in after.changed_tables(before):
            kind, of = after.names.kind(table)
            if kind == "reserve":
                self.assets.append(of)
            old = before.cells.get(table, NOTHING)
            for key, value in after.cells[table].items():
                had = old.get(key, 0)
                if had != value:
                    self.cells.append((kind, of, key, had, value))

    def change(self, kind: str, asset: str, owner: str) -> int:
        """Return by how many units a holding changed."""
        return self.after.units(kind, asset, owner) - self.before.units(kind, asset, owner)

    def field(self, asset: str, name: str) -> int:
        """Return by how much a number of a reserve changed."""
        return self.after.reserve(asset).get(name, 0) - self.before.reserve(asset).get(name, 0)


Law = Callable[[Step], None]
LAWS: dict[str, tuple[Law, tuple[type[Event], ...]]] = {}
_OF: dict[type[Event], list[Law]] = {}


def law(name: str, *kinds: type[Event]) -> Callable[[Law], Law]:
    """Register a law under its name, for some kinds of event or (none given) for all."""

    def register(function: Law) -> Law:
        LAWS[name] = function, kinds
        _OF.clear()
        return function

    return register


def laws_of(kind: type[Event]) -> list[Law]:
    """Return the laws about a kind of event, in the order in which they were written down."""
    found = _OF.get(kind)
    if found is None:
        found = _OF[kind] = [function for function, kinds in LAWS.values() if not kinds or kind in kinds]
    return found


OFF: list[str] = []
"""Laws that do not look for a while: to show that another one would."""


def need(condition: bool, name: str, *details: object) -> None:
    """Raise LawBroken unless the condition holds (or the law is off)."""
    if not condition and name not in OFF:
        raise LawBroken(name, " ".join(str(detail) for detail in details))


# --- which event may change what (A5) ----------------------------------------------------------------------

_RATES = {"liquidity_rate", "borrow_rate"}
_IN = {"supply_scaled", "virtual", *_RATES}
_OUT = {"debt_scaled", "virtual", *_RATES}
_WRITE_OFF = {"supply_scaled", "deficit", *_RATES}
_ACCOUNTS = {"supply": "", "flags": ""}
_TOTALS = {"total_assets", "total_shares"}
MAY_CHANGE: Final[Mapping[type[Event], Mapping[str, set[str] | str]]] = {
    e.Accrued: {"reserve": {"liquidity_index", "borrow_index", "accrued_scaled", "last_update"}},
    e.Supplied: {"reserve": _IN, **_ACCOUNTS},
    e.Withdrawn: {"reserve": _IN, **_ACCOUNTS},
    e.Borrowed: {"reserve": _OUT, "debt": "", "flags": ""},
    e.Repaid: {"reserve": _OUT, "debt": "", "flags": ""},
    e.CollateralSet: {"flags": ""},
    e.ClaimsTransferred: _ACCOUNTS,
    e.PositionOpened: {"reserve": _IN | _OUT, "debt": "", **_ACCOUNTS},
    e.Liquidated: {"reserve": _IN | _OUT, "debt": "", **_ACCOUNTS},
    e.ShortfallRecognised: {"reserve": {"debt_scaled", "deficit", *_RATES}, "debt": "", "flags": ""},
    e.LossAbsorbed: {"reserve": {"deficit", "virtual", "liquidity_index", *_RATES}},
    e.DeficitEliminated: {"reserve": _WRITE_OFF, **_ACCOUNTS},
    e.PendingDeficitCovered: {"reserve": _WRITE_OFF, "umbrella": {"pending"}, **_ACCOUNTS},
    e.OffsetCovered: {"reserve": _WRITE_OFF, "umbrella": {"offset"}, **_ACCOUNTS},
    e.PendingDeficitRaised: {"umbrella": {"pending", "collected"}},
    e.OffsetSet: {"umbrella": {"offset"}},
    e.TreasuryMinted: {
        "reserve": {"supply_scaled", "accrued_scaled", "virtual", *_RATES},
        "supply": {"treasury"},
    },
    e.Staked: {"stake": _TOTALS, "shares": ""},
    e.Unstaked: {"stake": _TOTALS, "shares": "", "cooldown": ""},
    e.CooldownStarted: {"cooldown": ""},
    e.CooldownOpened: {"cooldown": ""},
    e.StakeTransferred: {"shares": "", "cooldown": ""},
    e.FundsReturned: {"stake": {"total_assets", "exchange_rate"}},
    e.AssetsLost: {"stake": {"total_assets"}},
    e.Slashed: {"stake": {"total_assets", "exchange_rate", "unsettled"}},
    e.SlashingSettled: {"stake": {"unsettled"}},
}
"""What an event may change, by kind of table; '' stands for those whom it names. What is missing: nothing."""

NAMES = ("account", "to", "liquidator", "payer")


@law("field-matrix")
def field_matrix(s: Step) -> None:
    """Only the listed events change a number, of those reserves and holders alone that they name (A5, H2)."""
    ev = s.event
    allowed = MAY_CHANGE.get(type(ev), {})
    for kind, of, key, _, _ in s.cells:
        if isinstance(ev, e.ReserveListed | e.PricePublished):
            fits = kind == ("oracle" if isinstance(ev, e.PricePublished) else "reserve")
            need(fits and ev.asset == (key if kind == "oracle" else of), "field-matrix", ev, kind, of, key)
            continue
        if isinstance(ev, e.ParameterChanged):
            need(kind == "reserve" and key in {ev.name, *_RATES}, "field-matrix", ev, kind, of, key)
        else:
            keys = allowed.get(kind)
            if keys == "":
                keys = {getattr(ev, name, "") for name in NAMES}
                if isinstance(ev, e.Liquidated):
                    keys.add("treasury")
            need(keys is not None and key in keys, "field-matrix", f"{type(ev).__name__}: {kind} {of} {key}")
        if kind in ("reserve", "supply", "debt"):
            named = [getattr(ev, name, "") for name in ("asset", "collateral", "debt")]
            need(of in named, "field-matrix", ev, "changed", of)


@law("order")
def order(s: Step) -> None:
    """See that a cause precedes its effect, transfers are positive and stay inside one book (S3, A6)."""
    need(s.entry.cause is None or s.entry.cause < s.entry.seq, "order", s.entry)
    for debit, credit, _, amount in s.event.transfers:
        need(amount > 0 and debit != credit, "order", s.event)
        need(debit.partition(":")[0] == credit.partition(":")[0], "order", s.event)


# --- money (what the words of an event say about cash and tiers) -------------------------------------------

Moves = dict[tuple[str, str], int]


def _liquidated(ev: e.Liquidated) -> Moves:
    moved = {("virtual", ev.debt): ev.paid, ("tier:insurance-fund", ev.collateral): ev.fund_fee}
    out = ev.fund_fee + (0 if ev.claims else ev.seized)
    moved["virtual", ev.collateral] = moved.get(("virtual", ev.collateral), 0) - out
    return moved


def money(s: Step) -> Moves:  # noqa: PLR0911 - one return for each kind
    """Return what the event's words say about money: change of ('virtual' or 'tier:…', asset)."""
    ev = s.event
    match ev:
        case e.Supplied() | e.Repaid():
            return {("virtual", ev.asset): ev.amount}
        case e.Withdrawn() | e.Borrowed():
            return {("virtual", ev.asset): -ev.amount}
        case e.PositionOpened():
            moved = {("virtual", ev.collateral): ev.collateral_amount}
            moved["virtual", ev.debt] = moved.get(("virtual", ev.debt), 0) - ev.debt_amount
            return moved
        case e.Liquidated():
            return _liquidated(ev)
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


def _absorbed(s: Step, ev: e.LossAbsorbed) -> Moves:
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
    moved = {("virtual", of): new - old for kind, of, key, old, new in s.cells if key == "virtual"}
    for name, asset, rise in s.sums:
        venue, _, part = name.partition(":")
        if part.startswith("tier:") and venue == s.after.venue:
            moved[part, asset] = -rise
    told = money(s)
    if moved != told:
        told = {place: amount for place, amount in told.items() if amount}
        need(moved == told, "money-moves", moved, "moved, not", told, s.event)


@law("elsewhere")
def elsewhere(s: Step) -> None:
    """Let trades and gas, and nothing else, move the money of the world outside, as they say."""
    ev, told = s.event, {}
    if isinstance(ev, e.Traded):
        trader, market = f"outside:{ev.account}", f"outside:market/{ev.place}"
        for name, sign in ((trader, 1), (market, -1)):
            told[name, ev.bought] = sign * ev.bought_amount
            told[name, ev.sold] = told.get((name, ev.sold), 0) - sign * ev.sold_amount
    elif isinstance(ev, e.GasPaid | e.TransactionFailed):
        told = {(f"outside:{ev.account}", ev.asset): -ev.amount, ("outside:miners", ev.asset): ev.amount}
    moved = {(name, asset): rise for name, asset, rise in s.sums if name.startswith("outside:")}
    need(moved == {place: rise for place, rise in told.items() if rise}, "elsewhere", moved, ev)


@law("deficit")
def deficit(s: Step) -> None:
    """Let the deficit rise by a recognised shortfall and fall by what somebody paid; no interest."""
    told = {}
    match s.event:
        case e.ShortfallRecognised():
            told = {s.event.asset: s.event.amount}
        case e.LossAbsorbed() | e.DeficitEliminated() | e.PendingDeficitCovered() | e.OffsetCovered():
            told = {s.event.asset: -s.event.amount}
    moved = {of: new - old for _, of, key, old, new in s.cells if key == "deficit"}
    need(moved == told, "deficit", f"moved by {moved}", s.event)


@law("indexes")
def indexes(s: Step) -> None:
    """Indexes move by interest alone, exactly, and fall by a haircut alone, by exactly the cut (M1)."""
    for asset in s.assets:
        old, new = s.before.reserve(asset), s.after.reserve(asset)
        need(new["last_update"] <= s.entry.at, "indexes", "interest is ahead of time")
        if not old:
            continue
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
    for asset in s.assets:
        cells = s.after.reserve(asset)
        need(cells.get("liquidity_rate", 0) <= cells.get("borrow_rate", 0), "rates", asset)


@law("residue")
def residue(s: Step) -> None:
    """Let the residue collect interest's remainder; all else moves it by roundings, one unit each (M3)."""
    for name, asset, rise in s.sums:
        if not name.endswith(":residue"):
            continue
        cells = s.before.reserve(asset)
        coarse = max(cells["liquidity_index"], cells["borrow_index"], s.after.reserve(asset)["borrow_index"])
        units = cells.get("supply_scaled", 0) + cells.get("accrued_scaled", 0)
        years = 1 + (s.entry.at - cells["last_update"]) // YEAR  # rates are rounded too, and last that long
        bound = 4 * (coarse // ONE + 2) + 4 * years * (units // ONE)
        need(-rise >= -bound, "residue", f"{asset} lost {rise} of its residue", s.event)
        rising = isinstance(s.event, e.Accrued)
        need(rising or -rise <= bound, "residue", f"{asset} gained {-rise} of residue", s.event)


# --- who may be worse off ----------------------------------------------------------------------------------

OWNERS_OF: Final[dict[type[Event], tuple[str, ...]]] = {
    e.Liquidated: ("liquidator", "account"),
    e.Repaid: ("payer",),
    e.ShortfallRecognised: (),
}
"""Who may be worse off by an event: who asked for it (else `account`), and a borrower who was unsafe."""


@law("others-keep")
def others_keep(s: Step) -> None:
    """Nobody's claim, shares or wallet falls and nobody's debt rises by another's action (L2, H4)."""
    name = "others-keep"
    actors = [getattr(s.event, part, "") for part in OWNERS_OF.get(type(s.event), ("account",))]
    for kind, _, owner, old, new in s.cells:
        if kind in ("flags", "debt"):
            _flags_fit(s, owner)
        if owner in actors:
            continue
        if kind == "supply":
            need(new >= old, name, owner, "lost claims", s.event)
        elif kind == "debt":
            need(new <= old, name, owner, "owes more", s.event)
        elif kind == "shares":
            need(new >= old, name, owner, "lost shares", s.event)
        elif kind == "flags":
            need(not old & ~new & _COLLATERAL, name, owner, "lost its collateral", s.event)
    for owner, purse in s.after.wallets.items():
        had = s.before.wallets.get(owner, NOTHING)
        if had is not purse and owner not in actors and owner != ELSEWHERE:
            need(all(v >= had.get(a, 0) for a, v in purse.items()), name, owner, "paid", s.event)


_COLLATERAL = sum(2 << 2 * number for number in range(len(ASSETS)))


def _flags_fit(s: Step, owner: str) -> None:
    has = s.after.flags(owner)
    for number, asset in enumerate(ASSETS):
        owes = s.after.units("debt", asset, owner) > 0
        need(bool(has >> 2 * number & 1) == owes, "others-keep", owner, "has a wrong flag", asset)
        if has >> 2 * number & 2:
            held = s.after.units("supply", asset, owner)
            need(held > 0, "others-keep", owner, "has nothing behind a flag", asset)


@law("zero")
def zero(s: Step) -> None:
    """Who moves nothing gets nothing: no units and no shares for an amount of zero (R6)."""
    ev = s.event
    if getattr(ev, "amount", getattr(ev, "assets", 1)) == 0:
        for kind, of, key, old, new in s.cells:
            if kind in ("supply", "shares") and not isinstance(ev, e.TreasuryMinted):
                need(new <= old or key != getattr(ev, "account", ""), "zero", kind, of, key, ev)
            need(kind != "debt" or new >= old, "zero", kind, of, key, ev)


# --- stake -------------------------------------------------------------------------------------------------


@law("share-price")
def share_price(s: Step) -> None:
    """Let the price of a share fall by a slash alone (M2), which takes assets and no shares."""
    old, new = s.before.stake(), s.after.stake()
    if old is new:
        return
    lowers = isinstance(s.event, e.Slashed | e.AssetsLost)
    virtual = 0 if s.setup.rate_form else 10**s.setup.offset_digits
    extra = 0 if s.setup.rate_form else 1
    shares = [x.get("total_shares", 0) + virtual for x in (old, new)]
    assets = [x.get("total_assets", 0) + extra for x in (old, new)]
    if s.setup.rate_form:
        rate_before, rate_after = (x.get("exchange_rate", WAD) for x in (old, new))
        need(lowers or rate_after <= rate_before, "share-price", s.event)
        worth = new.get("total_shares", 0) * WAD // rate_after
        need(worth <= new.get("total_assets", 0), "share-price", "shares are worth more than is there")
    else:
        need(lowers or assets[1] * shares[0] >= assets[0] * shares[1], "share-price", s.event)
    need(not lowers or shares[0] == shares[1], "share-price", "a slash burned shares")
    if isinstance(s.event, e.Slashed) and s.setup.rate_form:
        worth = old["total_shares"] * WAD // old.get("exchange_rate", WAD) - s.event.assets
        need(new["exchange_rate"] == ceil_div(old["total_shares"] * WAD, worth), "share-price", s.event)


def cooldown_of(now: Auditor, owner: str) -> tuple[int, int, int]:
    """Return (shares, end, window) of what somebody announced."""
    shares, ends, window = (
        now.stake(f".cooldown.{part}").get(owner, 0) for part in ("shares", "ends", "window")
    )
    return shares, ends, window


@law("cooldown", e.CooldownStarted, e.CooldownOpened, e.StakeTransferred, e.Unstaked)
def cooldown(s: Step) -> None:
    """Who leaves had announced it, is inside the window, and takes no more than he announced."""
    ev, held = s.event, s.before.stake(".shares")
    if isinstance(ev, e.CooldownStarted | e.CooldownOpened):
        began = ev.began if isinstance(ev, e.CooldownOpened) else s.entry.at
        need(0 < ev.shares <= held.get(ev.account, 0) and began <= s.entry.at, "cooldown", ev)
        need(ev.ends == began + s.setup.cooldown_s and ev.window == s.setup.window_s, "cooldown", ev)
    if isinstance(ev, e.StakeTransferred) and ev.account != ev.to:
        moved = held.get(ev.account, 0) - ev.shares
        need(cooldown_of(s.after, ev.account)[0] <= moved, "cooldown", "shares that left are still announced")
    if not isinstance(ev, e.Unstaked) or s.setup.vault:
        return
    if not (s.setup.rate_form and s.before.stake().get("unsettled", 0)):
        shares, ends, window = cooldown_of(s.before, ev.account)
        need(ev.shares <= shares, "cooldown", "more than was announced")
        need(not ev.shares or 0 <= s.entry.at - ends <= window, "cooldown", ev)


__all__ = ["BPS", "LAWS", "NUMBER", "Step", "converts", "cooldown_of", "law", "laws_of", "need"]
