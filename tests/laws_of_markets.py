"""Laws about single entries of an isolated market: what each kind of event may have changed, and by how much.

The rule: figures are worked out in exact fractions from cells that were folded here, never by the code that
is tested. A law is a function of a step; it raises LawBroken.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import attrs
from auditor import LawBroken

from mutualize import events as e
from mutualize.events import Entry, Event
from mutualize.isolated_events import MarketCreated
from mutualize.tier_events import RecoveryPaid

WAD: Final = 10**18
MARKET, SUPPLY, DEBT, PLEDGED = "iso.USD", "iso.USD.supply", "iso.USD.debt", "iso.ETH.balance"
PAIR: Final = "ETH/USD"


def need(condition: bool, law: str, detail: object = "") -> None:
    """Raise LawBroken unless the condition holds."""
    if not condition:
        raise LawBroken(law, str(detail))


@attrs.define
class Watch:
    """Cells and balances, folded a second time. An observer that asks every law of every entry."""

    unit: int = 0
    """Base units of collateral for a base unit of the loan at equal prices, as a power of ten; 0: a pair."""
    cells: dict[str, dict[str, int]] = attrs.field(factory=dict)
    sums: dict[tuple[str, str], int] = attrs.field(factory=dict)
    old: dict[tuple[str, str], int] = attrs.field(factory=dict)
    moved: dict[tuple[str, str], int] = attrs.field(factory=dict)
    counts: dict[str, int] = attrs.field(factory=dict)

    def __call__(self, entry: Entry) -> None:
        """Take an entry in, and ask the laws."""
        event = entry.event
        self.old, self.moved = {}, {}
        for table, key, value in event.cells:
            cells = self.cells.setdefault(table, {})
            self.old[table, key] = cells.get(key, 0)
            cells[key] = value
        for debit, credit, asset, amount in event.transfers:
            need(amount > 0 and debit != credit, "order", event)
            need(debit.partition(":")[0] == credit.partition(":")[0], "order", event)
            for name, rise in ((debit, amount), (credit, -amount)):
                self.moved[name, asset] = self.moved.get((name, asset), 0) + rise
                self.sums[name, asset] = self.sums.get((name, asset), 0) + rise
        self.count(type(event).__name__)
        if MARKET in self.cells:
            for law in LAWS:
                law(self, event)

    def count(self, name: str) -> None:
        """Note that something was reached."""
        self.counts[name] = self.counts.get(name, 0) + 1

    def now(self, table: str, key: str) -> int:
        """Return a number as it is."""
        return self.cells.get(table, {}).get(key, 0)

    def before(self, table: str, key: str) -> int:
        """Return a number as it was before the last entry."""
        return self.old.get((table, key), self.now(table, key))

    def change(self, key: str) -> int:
        """Return by how much the last entry moved a total."""
        return self.now(MARKET, key) - self.before(MARKET, key)

    def price(self) -> int | None:
        """Return the price of the pair, times 10³⁶."""
        told = self.cells.get("oracle", {})
        if not self.unit:
            return told.get(PAIR)
        collateral, loan = told.get("ETH"), told.get("USD", 0)
        return None if collateral is None or not loan else collateral * 10**36 // (loan * self.unit)


# --- laws ------------------------------------------------------------------------------------------------


def money(w: Watch, event: Event) -> None:
    """See that cash moves by what the event says, and by nothing else."""
    match event:
        case e.Supplied() | e.Withdrawn():
            told = {event.asset: event.amount if isinstance(event, e.Supplied) else -event.amount}
        case e.Borrowed():
            told = {"USD": -event.amount}
        case e.Repaid():
            told = {"USD": event.amount}
        case e.PositionOpened():
            told = {"ETH": event.collateral_amount, "USD": -event.debt_amount}
        case e.Liquidated():
            told = {"USD": event.paid, "ETH": -event.seized}
        case e.Accrued() | e.ShortfallRecognised() | e.ParameterChanged() | MarketCreated():
            told = {}
        case _:
            return
    for asset in ("USD", "ETH"):
        moved = w.moved.get(("iso:cash", asset), 0)
        need(moved == told.get(asset, 0), "money", f"{moved} {asset} moved: {event}")


def share_price(w: Watch, event: Event) -> None:
    """Let the price of a share fall by what claims pay of a loss alone (M2)."""
    a, b = (
        (read(MARKET, "supply_assets") + 1, read(MARKET, "supply_shares") + 10**6)
        for read in (w.before, w.now)
    )
    falls = b[0] * a[1] < a[0] * b[1]
    if falls:
        need(isinstance(event, e.LossAbsorbed) and event.bearer == "claims", "share-price", event)
        need(w.change("supply_shares") == 0, "share-price", "a cut burned shares")
    if isinstance(event, e.LossAbsorbed) and event.bearer == "claims":
        need(w.change("supply_assets") == -event.amount, "share-price", event)


def residue(w: Watch, event: Event) -> None:
    """Let what is paid beyond the debt be residue: a unit, and nothing else ever."""
    rise = -w.moved.get(("iso:residue", "USD"), 0)
    need(0 <= rise <= isinstance(event, e.Repaid | e.Liquidated), "residue", f"{rise}: {event}")
    need(("iso:residue", "ETH") not in w.moved, "residue", event)
    if rise:
        w.count("paid a unit too much")


def others_keep(w: Watch, event: Event) -> None:
    """Nobody loses shares or collateral, or owes more, by what another does (L2, H4)."""
    account = getattr(event, "account", "")
    loses = {
        SUPPLY: (e.Withdrawn,),
        PLEDGED: (e.Withdrawn, e.Liquidated),
        DEBT: (e.Repaid, e.Liquidated, e.ShortfallRecognised),
    }
    for (table, key), was in w.old.items():
        rise = w.now(table, key) - was
        if table in loses and rise < 0:
            held = isinstance(event, e.LossAbsorbed) and event.bearer == key
            need(held or (isinstance(event, loses[table]) and key == account), "others-keep", event)
        if table == DEBT and rise > 0:
            need(isinstance(event, e.Borrowed | e.PositionOpened) and key == account, "others-keep", event)


def interest(w: Watch, event: Event) -> None:
    """Give suppliers all that borrowers owe more; the fee is worth no more than its share of it."""
    if not isinstance(event, e.Accrued):
        return
    grown = w.change("borrow_assets")
    need(grown >= 0 and w.change("supply_assets") == grown, "interest", event)
    fee = Fraction(w.now(MARKET, "fee") * grown, WAD)
    assets, shares = w.now(MARKET, "supply_assets"), w.now(MARKET, "supply_shares")
    worth = Fraction(w.change("supply_shares") * (assets + 1), shares + 10**6)
    need(worth <= fee, "interest", f"a fee of {float(worth)}, not {float(fee)}")
    price = Fraction(assets + 1, shares + 10**6)
    need(fee - worth <= 2 * price + 2, "interest", f"a fee of {float(worth)}, not {float(fee)}")
    if grown and w.change("supply_shares"):
        w.count("a fee was given")


def limit_of(w: Watch, who: str, read: Callable[[str, str], int]) -> Fraction:
    """Return how much debt a borrower's collateral carries, exactly."""
    price = w.price()
    assert price is not None
    return Fraction(read(PLEDGED, who) * price * read(MARKET, "lltv"), 10**54)


def debt_of(who: str, read: Callable[[str, str], int]) -> Fraction:
    """Return what a borrower owes, exactly."""
    assets, shares = read(MARKET, "borrow_assets"), read(MARKET, "borrow_shares")
    return Fraction(read(DEBT, who) * (assets + 1), shares + 10**6)


def health(w: Watch, event: Event) -> None:
    """Who draws, or takes collateral back, is safe afterwards; who is liquidated was not (H1, H3)."""
    riskier = isinstance(event, e.Borrowed) or getattr(event, "debt_amount", 0) > 0
    riskier |= isinstance(event, e.Withdrawn) and event.asset == "ETH"
    who = getattr(event, "account", "")
    if riskier and w.now(DEBT, who):
        need(limit_of(w, who, w.now) >= debt_of(who, w.now), "safe-after", event)
    if isinstance(event, e.Liquidated):
        need(limit_of(w, who, w.before) < debt_of(who, w.before) + 2, "unsafe-before", event)


def bonus(w: Watch, event: Event) -> None:
    """Let a liquidator get no more than the incentive for what he pays, and pay no more than is owed."""
    if not isinstance(event, e.Liquidated):
        return
    price, kept = w.price(), Fraction(1) - Fraction(3, 10) * (1 - Fraction(w.now(MARKET, "lltv"), WAD))
    assert price is not None
    most = min(Fraction(115, 100), 1 / kept) * event.paid
    need(Fraction(event.seized * price, 10**36) <= most + Fraction(event.paid, 10**17), "bonus", event)
    need(event.paid < debt_of(event.account, w.before) + 1, "bonus", event)
    left = w.now(PLEDGED, event.account)
    w.count("seized all" if not left else "seized a part")
    if left == 1 and w.now(DEBT, event.account):
        w.count("dodged")
    if event.seized and not event.paid:
        w.count("seized for nothing")


def absorbed(w: Watch, event: Event) -> None:
    """Let the deficit fall by what a tier pays, and by nothing else."""
    fell = -w.moved.get(("iso:deficit", "USD"), 0)
    if isinstance(event, e.LossAbsorbed):
        need(fell == event.amount, "absorbed", event)
        w.count(f"paid by {event.tier}")
        if w.now(MARKET, "supply_shares") and w.now(MARKET, "supply_assets") <= 1:
            w.count("wiped out")
    elif not isinstance(event, e.ShortfallRecognised | RecoveryPaid):
        need(not fell, "absorbed", event)


def bad_debt(w: Watch, event: Event) -> None:
    """Let a shortfall be all debt of one whose collateral is gone, who owes nothing after it (W1, W2)."""
    if not isinstance(event, e.ShortfallRecognised):
        return
    who = event.account
    need(w.now(PLEDGED, who) == 0 < event.amount, "bad-debt", event)
    need(event.amount < debt_of(who, w.before) + 1, "bad-debt", event)
    need(event.amount > debt_of(who, w.before) - 1, "bad-debt", event)
    need(w.now(DEBT, who) == 0, "bad-debt", "something is owed still")
    need(w.moved.get(("iso:deficit", "USD")) == event.amount, "bad-debt", event)


LAWS: Final = (money, share_price, residue, others_keep, interest, health, bonus, bad_debt, absorbed)
