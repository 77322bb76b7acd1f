"""Laws about single entries of a vault engine: what each kind of event may have changed, and by how much.

The rule: figures are worked out again from the contract's formulas and from cells that were folded here,
never by the code that is tested. A law is a function of a step; it raises LawBroken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from auditor import LawBroken

from mutualize import events as e
from mutualize import vault_events as v
from mutualize.events import Entry, Event
from mutualize.tables import as_name

WAD, RAY = 10**18, 10**27
CONTRACTS = ("vow", "flap", "cat", "auctions", "end")
HOLDINGS = ("dai", "gov", "bag")


def need(condition: bool, law: str, detail: object = "") -> None:
    """Raise LawBroken unless the condition holds."""
    if not condition:
        raise LawBroken(law, str(detail))


class Cells:
    """All cells, folded a second time; and what the last entry found there."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.now: dict[tuple[str, str], int] = {}
        self.old: dict[tuple[str, str], int] = {}

    def take(self, entry: Entry) -> None:
        """Take an entry in."""
        changed = {(table, key): value for table, key, value in entry.event.cells}
        self.old = {at: self.now.get(at, 0) for at in changed}
        self.now |= changed

    def after(self, table: str, key: str) -> int:
        """Return a number as it is now."""
        return self.now.get((f"{self.venue}.{table}", key), 0)

    def before(self, table: str, key: str) -> int:
        """Return a number as it was before the last entry."""
        at = f"{self.venue}.{table}", key
        return self.old.get(at, self.now.get(at, 0))

    def change(self, table: str, key: str) -> int:
        """Return by how much the last entry changed it."""
        return self.after(table, key) - self.before(table, key)


@attrs.frozen
class Step:
    """An entry, and the cells around it. `code` is the liquidation code in force."""

    entry: Entry
    cells: Cells
    code: str

    @property
    def at(self) -> int:
        """Return when it happened."""
        return self.entry.at

    def auction(self, field: str) -> int:
        """Return a field of the event's auction, before it."""
        return self.cells.before(*self._place(field))

    def auction_after(self, field: str) -> int:
        """Return a field of the event's auction, after it."""
        return self.cells.after(*self._place(field))

    def _place(self, field: str) -> tuple[str, str]:
        event: Any = self.entry.event
        ilk, kind = getattr(event, "ilk", ""), getattr(event, "auction", "clip")
        return (f"{ilk}.{kind}" if ilk else kind), f"{event.id}.{field}"

    def term(self, name: str) -> int:
        """Return a term of the event's English auction."""
        event: Any = self.entry.event
        if event.ilk:
            return self.cells.before(event.ilk, name)
        defaults = {"beg": 105 * 10**16, "pad": 15 * 10**17, "ttl": 10_800, "tau": 172_800}
        return self.cells.before("system", f"{event.auction}_{name}") or defaults[name]


def power(x: int, n: int) -> int:
    """Return xⁿ at 27 decimals, halves up at each multiplication, from the highest bit's squares down."""
    result, square = RAY, x
    if n & 1:
        result = x
    for bit in range(1, n.bit_length()):
        square = (2 * square * square + RAY) // (2 * RAY)
        if n >> bit & 1:
            result = (2 * result * square + RAY) // (2 * RAY)
    return result


# --- vaults ----------------------------------------------------------------------------------------------


def changed(step: Step, event: v.VaultChanged) -> None:
    """Hold a vault that became riskier to be safe, and any to be without dust."""
    cells, ilk, who = step.cells, event.ilk, event.account
    ink, art = cells.after(f"{ilk}.ink", who), cells.after(f"{ilk}.art", who)
    rate, spot = cells.after(ilk, "rate"), cells.after(ilk, "spot")
    riskier = event.debt > 0 or event.collateral < 0
    need(not riskier or ink * spot >= art * rate, "vault-safe", f"{ink} at {spot} for {art} at {rate}")
    need(art == 0 or art * rate >= cells.after(ilk, "dust"), "vault-dust", art * rate)
    need(event.drawn == event.debt * rate, "vault-money", event.drawn)
    need(cells.change("dai", who) == event.drawn, "vault-money", cells.change("dai", who))
    need(cells.change(f"gem.{ilk}", who) == -event.collateral, "vault-money", event.collateral)


def accrued(step: Step, event: v.RateAccrued) -> None:
    """Let the rate grow by its duty for each second; the vow gets the fee."""
    cells, ilk = step.cells, event.ilk
    age = step.at - cells.before(ilk, "rho")
    rate = power(cells.before(ilk, "duty"), age) * cells.before(ilk, "rate") // RAY
    fee = cells.before(ilk, "Art") * (rate - cells.before(ilk, "rate"))
    need((event.rate, event.fee) == (rate, fee), "rate", f"{event.rate} is not {rate}")
    need(cells.change("dai", "vow") == fee, "rate", fee)
    need(cells.after(ilk, "rho") == step.at, "rate", "the clock was not set")


def priced(step: Step, event: v.PriceTaken) -> None:
    """Take the liquidation ratio off the price, rounded down: that is the spot."""
    spot = event.price * 10**9 * RAY // step.cells.before(event.ilk, "mat")
    need(event.spot == spot == step.cells.after(event.ilk, "spot"), "spot", event.spot)


def liquidated(step: Step, event: v.VaultLiquidated) -> None:
    """See that an unsafe vault lost collateral and debt in proportion, within the limits of the code."""
    cells, ilk, who = step.cells, event.ilk, event.account
    ink, art = cells.before(f"{ilk}.ink", who), cells.before(f"{ilk}.art", who)
    rate, spot = cells.before(ilk, "rate"), cells.before(ilk, "spot")
    dink, dart = -cells.change(f"{ilk}.ink", who), -cells.change(f"{ilk}.art", who)
    unit = RAY if step.code == "flip-2020-03" else WAD
    need(0 < ink * spot + 1 <= art * rate and spot > 0, "liquidated-unsafe", f"{ink}·{spot}, {art}·{rate}")
    need((event.lot, event.owed) == (dink, dart * rate), "liquidated-amounts", f"{dink}, {dart}")
    need(event.tab == event.owed * cells.before(ilk, "chop") // unit, "liquidated-tab", event.tab)
    need(dink * art <= ink * dart or step.code == "flip-2020-03", "liquidated-share", f"{dink}, {dart}")
    need(dart * ink <= art * dink or step.code != "flip-2020-03", "liquidated-share", f"{dink}, {dart}")
    need(cells.change("sin", str(step.at)) == event.owed, "sin-queued", event.owed)
    need(cells.change("system", "Sin") == event.owed, "sin-queued", event.owed)
    _limits(step, event, art - dart)
    if event.auction == "clip":
        reward = cells.before(ilk, "tip") + event.tab * cells.before(ilk, "chip") // WAD
        need(event.reward == reward == cells.change("dai", event.liquidator), "reward", event.reward)


def _limits(step: Step, event: v.VaultLiquidated, left: int) -> None:
    cells, ilk = step.cells, event.ilk
    rate, dust = cells.before(ilk, "rate"), cells.before(ilk, "dust")
    if step.code == "flip-2020-03":
        need(event.lot <= cells.before(ilk, "lump"), "liquidated-limit", event.lot)
    elif event.auction == "flip":
        need(event.tab <= cells.before(ilk, "dunk"), "liquidated-limit", event.tab)
        need(cells.after("system", "litter") <= cells.before("system", "box"), "liquidated-limit", "box")
        need(cells.change("system", "litter") == event.tab, "liquidated-limit", "litter")
    else:
        over = cells.after(ilk, "dirt") > cells.before(ilk, "hole")
        over = over or cells.after("system", "Dirt") > cells.before("system", "Hole")
        need(not over or left == 0, "liquidated-limit", "hole")
        need(left == 0 or min(left * rate, event.owed) >= dust, "liquidated-dust", left * rate)


# --- auctions --------------------------------------------------------------------------------------------


def bid(step: Step, event: v.BidPlaced) -> None:
    """See that a bid is in time, better enough, stands for its time, and repays who is outbid."""
    at, tic, end = step.at, step.auction("tic"), step.auction("end")
    old_bid, old_lot, beg = step.auction("bid"), step.auction("lot"), step.term("beg")
    need((tic == 0 or tic > at) and end > at, "bid-in-time", f"{tic}, {end} at {at}")
    need(step.auction_after("tic") == at + step.term("ttl"), "bid-stands", step.auction_after("tic"))
    if event.lot == old_lot:
        tab = step.auction("tab")
        enough = event.bid * WAD >= beg * old_bid or event.bid == tab
        need(event.bid > old_bid and enough, "bid-better", f"{event.bid} after {old_bid}")
        need(event.auction != "flip" or event.bid <= tab, "bid-better", "more than the tab")
    else:
        need(event.bid == old_bid and event.lot * beg <= old_lot * WAD, "bid-better", event.lot)
        need(event.auction == "flop" or event.bid == step.auction("tab"), "bid-better", "before the tab")
    guy = as_name(step.auction("guy"))
    table = "gov" if event.auction == "flap" else "dai"
    if guy not in (event.account, *CONTRACTS):
        need(step.cells.change(table, guy) == old_bid, "outbid-repaid", guy)


def taken(step: Step, event: v.CollateralTaken) -> None:
    """See that what is bought is paid at the price of its age, up to the tab, and leaves no dust."""
    cells, ilk = step.cells, event.ilk
    tab, lot, top = step.auction("tab"), step.auction("lot"), step.auction("top")
    age = step.at - step.auction("tic")
    price = top * power(cells.before(ilk, "cut"), age // cells.before(ilk, "step")) // RAY
    need(event.price == price, "sale-price", f"{event.price} is not {price}")
    needs_reset = age > cells.before(ilk, "tail") or price * RAY // top < cells.before(ilk, "cusp")
    need(not needs_reset, "sale-price", "it must be reset")
    need(event.amount * price <= event.paid <= tab, "sale-paid", event.paid)
    need(event.paid < (event.amount + 1) * price or price == 0, "sale-paid", event.paid)
    need((event.tab, event.lot) == (tab - event.paid, lot - event.amount), "sale-paid", event.tab)
    chost = cells.before(ilk, "dust") * cells.before(ilk, "chop") // WAD
    least = min(chost, tab)
    need(not event.lot or not event.tab or event.tab >= least, "sale-dust", event.tab)
    need(cells.change("dai", event.account) == -event.paid, "sale-paid", event.account)
    need(cells.change(f"gem.{ilk}", event.account) >= event.amount, "sale-paid", event.account)


def ended(step: Step, event: v.AuctionEnded) -> None:
    """See that an auction ends once its last bid stood or time is up, and nothing of it is left."""
    at, tic, end = step.at, step.auction("tic"), step.auction("end")
    if event.auction != "clip":
        need(tic != 0 and (tic < at or end < at), "ended-in-time", f"{tic}, {end} at {at}")
        need((event.lot, event.bid) == (step.auction("lot"), step.auction("bid")), "ended-terms", event.id)
        if event.auction == "flap":
            need(step.cells.change("system", "supply") == -event.bid, "ended-terms", "not burned")
    for field in ("lot", "bid", "tab", "guy", "usr", "owed"):
        need(step.auction_after(field) == 0, "ended-terms", field)


def restarted(step: Step, event: v.AuctionRestarted) -> None:
    """See that only an auction without bids, or a sale that is too old or too low, begins again."""
    cells, at = step.cells, step.at
    if event.auction == "clip":
        top, age = step.auction("top"), at - step.auction("tic")
        price = top * power(cells.before(event.ilk, "cut"), age // cells.before(event.ilk, "step")) // RAY
        too_low = price * RAY // top < cells.before(event.ilk, "cusp")
        need(age > cells.before(event.ilk, "tail") or too_low, "restarted", age)
        return
    need(step.auction("end") < at and step.auction("tic") == 0, "restarted", step.auction("end"))
    need(step.auction_after("end") == at + step.term("tau"), "restarted", step.auction_after("end"))
    if event.auction == "flop":
        lot = step.auction("lot") * step.term("pad") // WAD
        need(step.auction_after("lot") == lot == event.lot, "restarted", event.lot)


def started(step: Step, event: v.AuctionStarted) -> None:
    """See that a flop begins without surplus, and a flap with too much and no debt that is free."""
    cells = step.cells
    aside = cells.before("system", "Sin") + cells.before("system", "Ash")
    free = cells.before("system", "vice") - aside
    surplus = cells.before("dai", "vow")
    if event.auction == "flop":
        need(surplus == 0 and free >= event.bid, "flop", f"{surplus}, {free}")
        need(event.bid == cells.before("system", "sump"), "flop", event.bid)
    else:
        kept = cells.before("system", "vice") + cells.before("system", "hump")
        need(surplus - event.lot >= kept and free == 0, "flap", f"{surplus}, {free}")


# --- surplus and shortfall -------------------------------------------------------------------------------


def flogged(step: Step, event: v.SinFlogged) -> None:
    """See that debt leaves the queue after its wait, whole."""
    need(event.era + step.cells.before("system", "wait") <= step.at, "flog", event.era)
    need(event.amount == step.cells.before("sin", str(event.era)), "flog", event.amount)
    need(step.cells.change("system", "Sin") == -event.amount, "flog", event.amount)


def healed(step: Step, event: v.DebtHealed) -> None:
    """See that surplus pays debt that is free, or (kissed) in a debt auction, and both are gone."""
    cells = step.cells
    aside = cells.before("system", "Sin") + cells.before("system", "Ash")
    free = cells.before("system", "vice") - aside
    may = cells.before("system", "Ash") if event.kissed else free
    need(event.amount <= may, "heal", f"{event.amount} of {may}")
    for table, key in (("system", "vice"), ("system", "debt"), ("dai", "vow")):
        need(cells.change(table, key) == -event.amount, "heal", key)


# --- the end ---------------------------------------------------------------------------------------------


def skimmed(step: Step, event: v.VaultSkimmed) -> None:
    """See that a vault pays at the tag, as far as it can."""
    cells, ilk, who = step.cells, event.ilk, event.account
    rate, tag = cells.before(ilk, "rate"), cells.before(ilk, "tag")
    worth = cells.before(f"{ilk}.art", who) * rate // RAY * tag // RAY
    paid = min(worth, cells.before(f"{ilk}.ink", who))
    need(event.collateral == paid == -cells.change(f"{ilk}.ink", who), "skim", paid)
    need(cells.change(ilk, "gap") == worth - paid, "skim", "the gap")
    need(cells.after(f"{ilk}.art", who) == 0, "skim", "debt is left")


def cashed(step: Step, event: v.CashedOut) -> None:
    """See that who cashes out has given up a stablecoin for each that he is paid for."""
    cells, ilk, who = step.cells, event.ilk, event.account
    need(cells.after(f"out.{ilk}", who) <= cells.after("bag", who), "cash", "more than was given up")
    amount = cells.change(f"out.{ilk}", who) * cells.before(ilk, "fix") // RAY
    need(event.amount == amount == cells.change(f"gem.{ilk}", who), "cash", amount)
    need(event.given == cells.change("bag", who) * RAY, "cash", event.given)


def consent(step: Step) -> None:
    """See that nobody's holdings fall but those of who acts, or of the vault that is seized or settled."""
    event: Any = step.entry.event
    acting = {getattr(event, "account", ""), *CONTRACTS}
    for (table, key), old in step.cells.old.items():
        kind = table.removeprefix(f"{step.cells.venue}.")
        held = kind in HOLDINGS or kind.startswith("gem.") or kind.endswith(".ink")
        new = step.cells.now[table, key]
        need(not held or new >= old or key in acting, "consent", f"{key} lost {old - new} of {kind}")


LAWS: dict[type[Event], Callable[[Step, Any], None]] = {
    v.VaultChanged: changed,
    v.RateAccrued: accrued,
    v.PriceTaken: priced,
    v.VaultLiquidated: liquidated,
    v.BidPlaced: bid,
    v.CollateralTaken: taken,
    v.AuctionEnded: ended,
    v.AuctionRestarted: restarted,
    v.AuctionStarted: started,
    v.SinFlogged: flogged,
    v.DebtHealed: healed,
    v.VaultSkimmed: skimmed,
    v.CashedOut: cashed,
}


class Watch:
    """Checks every entry of a vault engine; `deficit` is what was told of shortfalls and payments so far."""

    def __init__(self, venue: str, code: str) -> None:
        self.cells, self.code = Cells(venue), code
        self.deficit = 0
        self.counts: dict[str, int] = {}
        self._due: tuple[int, int] | None = None

    def __call__(self, entry: Entry) -> None:
        """Check one entry, and count it."""
        self.cells.take(entry)
        step, event = Step(entry, self.cells, self.code), entry.event
        consent(step)
        law = LAWS.get(type(event))
        if law is not None:
            law(step, event)
        self.count(type(event).__name__)
        self._told(step, event)

    def count(self, name: str) -> None:
        """Count a situation."""
        self.counts[name] = self.counts.get(name, 0) + 1

    def _told(self, step: Step, event: Event) -> None:
        match event:
            case e.ShortfallRecognised():
                self.deficit += event.amount
                self.count("shortfall")
            case e.LossAbsorbed():
                self.deficit -= event.amount
                self.count(f"absorbed by {event.tier}")
            case v.BidPlaced() | v.AuctionEnded() | v.AuctionRestarted() | v.AuctionCancelled():
                self.count(f"{type(event).__name__} {event.auction}")
                if isinstance(event, v.BidPlaced) and event.lot < step.auction("lot"):
                    self.count(f"dent {event.auction}")
        need(self.deficit >= 0, "told", self.deficit)
