"""An independent auditor of a venue of balances: who can pay how much, who paid what, and what came back.

The rule: it folds the entries itself and works everything out again in fractions, with none of the program's
ways of sharing or converting. An observer: it sees each entry before it takes it in. Raises LawBroken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from auditor import LawBroken
from custody_play import DAY, DECIMALS, Table

from mutualize import events as e
from mutualize import tier_events as te
from mutualize.events import Entry, Event
from mutualize.tier import Tier

WAD: Final = 10**18
NOTHING: Final[Mapping[str, int]] = {}
MAY_CHANGE: Final[Mapping[type[Event], tuple[str, ...]]] = {
    te.LossHeld: (r"open.*",),
    te.LossReleased: (r"open\.\w+",),
    te.LossPassedOn: (r"open\.\w+", r"called\..*"),
    te.MembersCalled: (r"called\..*", r"assessed\..*"),
    te.MemberContributed: (r"fund\..*",),
    te.ContributionReturned: (r"fund\.\w+\.\w+",),
    te.NumbersSet: (r"numbers\..*",),
    te.SnapshotTaken: (r"default\..*",),
    te.ExitsFrozen: (r"exits",),
    te.ExitsOpened: (r"exits",),
    te.MoneyRecovered: (r"pledged\..*", r"recovered\..*"),
    te.MoneyPledged: (r"pledged\..*",),
    te.RecoveryAllocated: (),
    te.RecoveryPaid: (r"borne\..*", r"iou\..*", r"\w+\.balance", r"fund\.\w+\.\w+"),
    te.LossReported: (),
    te.ProfitsSettled: (r"\w+\.balance", r"\w+\.gains\.\d+"),
    e.LossAllocated: (r"open.*", r"quota"),
    e.LossAbsorbed: (
        r"open\.\w+",
        r"called\..*",
        r"assessed\..*",
        r"fund\.\w+\.\w+",
        r"\w+\.(balance|gains\.\d+)",
        r"(borne|iou)\..*",
    ),
    e.ShortfallRecognised: (r"\w+\.balance", r"joined"),
    e.ShortfallUncovered: (),
    e.Supplied: (r"\w+\.balance", r"joined"),
    e.Withdrawn: (r"\w+\.balance",),
    e.ClaimsTransferred: (r"\w+\.balance", r"joined"),
    e.FundContributed: (),
}
"""Which tables of the venue an event may change, as patterns of what follows its name."""
PURSES: Final = ("fund", "house", "stake")
NAMED: Final = ("claims", "winners", "holder", "margin")


def need(condition: bool, law: str, detail: object) -> None:
    """Raise LawBroken unless a condition holds."""
    if not condition:
        raise LawBroken(law, str(detail))


class Auditor:
    """What entries give, folded here, and the checks of each before it is taken in."""

    def __init__(self, table: Table) -> None:
        self._table, self._tiers = table, {tier.name: tier for tier in table.tiers}
        self.sums: dict[tuple[str, str], int] = {}
        self.cells: dict[str, dict[str, int]] = {}
        self.outside: dict[str, int] = {}
        self._most: dict[int, int] = {}
        self._recovered: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self.share_lost = 0
        """What share of its backing the command under way says was lost."""
        self._tx = -1
        self.counts: dict[str, int] = {}
        """How often each situation was reached."""
        self._checks: dict[type[Event], Callable[[Entry, Any], None]] = {
            te.LossReported: self._reported,
            te.LossHeld: self._held,
            te.LossReleased: self._released,
            te.SnapshotTaken: self._snapshot,
            e.LossAllocated: self._allocated,
            e.LossAbsorbed: self._absorbed,
            te.ProfitsSettled: self._settled,
            te.MoneyRecovered: self._money_recovered,
            te.RecoveryAllocated: self._recovery_allocated,
            te.RecoveryPaid: self._recovery_paid,
        }

    def __call__(self, entry: Entry) -> None:
        """Check an entry and take it in."""
        if entry.tx != self._tx:
            self.closed()
            self._tx = entry.tx
        event = entry.event
        self.count(type(event).__name__)
        if type(event) in MAY_CHANGE:
            allowed = "|".join(MAY_CHANGE[type(event)])
            need(all(re.fullmatch(rf"ex\.({allowed})", x.table) for x in event.cells), "field-matrix", event)
        look = self._checks.get(type(event))
        if look is not None:
            look(entry, event)
        self._flow(event)
        for debit, credit, asset, amount in event.transfers:
            need(amount > 0, "transfers", event)
            self.sums[debit, asset] = self.sums.get((debit, asset), 0) + amount
            self.sums[credit, asset] = self.sums.get((credit, asset), 0) - amount
        for table, key, value in event.cells:
            self.cells.setdefault(table, {})[key] = value

    def count(self, name: str, times: int = 1) -> None:
        """Count a situation."""
        if times:
            self.counts[name] = self.counts.get(name, 0) + times

    def closed(self) -> None:
        """Check what holds between transactions: cash is what came in, recovered money was all shared out."""
        self._most.clear()
        need(not any(self._recovered.values()), "recoveries", f"not shared out: {self._recovered}")
        for asset in DECIMALS:
            cash = self.sums.get(("ex:cash", asset), 0)
            need(cash == self.outside.get(asset, 0), "flows", f"{cash} {asset} is there")

    # --- reads -------------------------------------------------------------------------------------------

    def cell(self, table: str, key: str) -> int:
        """Return a cell."""
        return self.cells.get(table, NOTHING).get(key, 0)

    def owed(self, part: str, asset: str) -> int:
        """Return what the venue owes on an account."""
        return -self.sums.get((f"ex:{part}", asset), 0)

    def deficit(self, asset: str) -> int:
        """Return the open deficit."""
        return self.sums.get(("ex:deficit", asset), 0)

    def price(self, asset: str) -> int:
        """Return the oracle's price."""
        return self.cell("oracle", asset)

    def worth(self, asset: str, amount: int, other: str) -> Fraction:
        """Return what an amount is worth in base units of another asset, exactly."""
        value = Fraction(amount * self.price(asset), 10 ** DECIMALS[asset])
        return value * Fraction(int(10 ** DECIMALS[other]), self.price(other))

    # --- who can pay how much ----------------------------------------------------------------------------

    def caps(self, tier: Tier, asset: str, at: int, debtor: str) -> dict[tuple[str, str], int]:
        """Return the most that each (asset, holder) may bear, in the lost asset, of those known by name."""
        found: dict[tuple[str, str], int] = {}
        if tier.payer in ("members", "debtor"):
            for name, amount in self.cells.get(f"ex.fund.club.{asset}", NOTHING).items():
                if (name == debtor) == (tier.payer == "debtor") and self._joined(
                    tier, name, "ex.fund.club.joined"
                ):
                    found[asset, name] = amount
        elif tier.payer == "assessment":
            for name, given in self._given(tier, asset).items():
                if name != debtor:
                    found[asset, name] = self._assessable(tier, asset, at, name, given)
        else:
            for each in self._assets(tier, asset):
                for name, held in self.cells.get(f"ex.{each}.balance", NOTHING).items():
                    if self._asked(tier, name, debtor) and self._joined(tier, name, "ex.joined"):
                        most = held if each == asset else int(self.worth(each, held, asset))
                        if tier.payer == "winners":
                            most = min(most, self.cell(f"ex.{asset}.gains.{at // DAY}", name))
                        found[each, name] = most
        return {key: cap for key, cap in found.items() if cap > 0}

    def _assets(self, tier: Tier, asset: str) -> list[str]:
        if not tier.every_asset:
            return [asset]
        usable = [
            each
            for each in DECIMALS
            if each != asset and self.price(each) and self.price(asset) and not self.deficit(each)
        ]
        return [asset, *usable]

    @staticmethod
    def _asked(tier: Tier, name: str, debtor: str) -> bool:
        match tier.payer:
            case "holder":
                return name == tier.holder
            case "margin":
                return name == debtor
            case "winners":
                return name != debtor
        return True

    def _joined(self, tier: Tier, name: str, table: str) -> bool:
        joined, perimeter = self.cell(table, name), tier.perimeter
        early = perimeter.before is None or joined < perimeter.before
        return early and (perimeter.since is None or joined >= perimeter.since)

    def _given(self, tier: Tier, asset: str) -> Mapping[str, int]:
        """Return what members had contributed, when it matters."""
        if tier.snapshot == "at-default":
            return self.cells.get(f"ex.default.club.{asset}", NOTHING)
        table = self.cells.get(f"ex.fund.club.{asset}", NOTHING)
        return {name: x for name, x in table.items() if self._joined(tier, name, "ex.fund.club.joined")}

    def _assessable(self, tier: Tier, asset: str, at: int, name: str, given: int) -> int:
        cap = given * tier.multiple // WAD
        if tier.multiple_max is None:
            return cap
        used = self.cell(f"ex.assessed.{tier.name}.{asset}", f"{at // tier.period_s}/{name}")
        left = max(0, given * tier.multiple_max // WAD - used)
        self.count("limited by multiple per period", left < cap)
        return min(cap, left)

    def weights(
        self, tier: Tier, asset: str, caps: Mapping[tuple[str, str], int]
    ) -> dict[tuple[str, str], int]:
        """Return by what the holders of caps share."""
        if tier.payer == "assessment":
            given = self._given(tier, asset)
            return {key: given.get(key[1], 0) for key in caps}
        if tier.sharing != "pro-rata":
            return {key: self.cell("ex.numbers.numbers", key[1]) for key in caps}
        if tier.snapshot == "at-default" and tier.payer == "members":
            return {key: self.cell(f"ex.default.club.{asset}", key[1]) for key in caps}
        if tier.snapshot == "at-default":
            then = self.cells.get(f"ex.default.{tier.name}.{asset}", NOTHING)
            return {key: then.get(f"{key[0]}/{key[1]}", 0) for key in caps}
        return dict(caps)

    def capacity(self, tier: Tier, asset: str, at: int, debtor: str) -> int:
        """Return the most that a tier can pay, in base units of the lost asset."""
        if not tier.used:
            return 0
        most = self.payable(tier, asset, at, debtor)
        if tier.quota is not None:
            key = f"{tier.name}/{asset}/{at // tier.quota.period_s}"
            most = min(most, max(0, tier.quota.amount - self.cell("ex.quota", key)))
        return most

    def payable(self, tier: Tier, asset: str, at: int, debtor: str) -> int:
        """Return the most that whoever a tier asks can pay, whatever its quota."""
        pays_in = tier.asset or asset
        if tier.payer in ("mint", "injection"):
            money = tier.amount_max or 0
        elif tier.payer in PURSES:
            name = "stakers" if tier.payer == "stake" else tier.name
            money = 0 if tier.payer == "stake" and asset != "USD" else self.owed(f"tier:{name}", pays_in)
            money = self._limited(tier, money)
        else:
            caps = self.caps(tier, asset, at, debtor)
            weights = self.weights(tier, asset, caps)
            by_weight = tier.sharing == "by-weight" or (
                tier.snapshot == "at-default"
                and tier.payer in ("members", "claims")
                and tier.sharing == "pro-rata"
            )
            borne = sum(cap for key, cap in caps.items() if weights[key] or not by_weight)
            return self._limited(tier, borne)
        if pays_in == asset or not money:
            return money
        return int(self.proceeds(tier, asset, money)) if self.price(asset) else 0

    @staticmethod
    def _limited(tier: Tier, money: int) -> int:
        most = max(0, money - tier.min_left) * tier.limit // WAD
        return most if tier.amount_max is None else min(most, tier.amount_max)

    def proceeds(self, tier: Tier, asset: str, amount: int) -> Fraction:
        """Return what selling an amount brings."""
        return self.worth(tier.asset, amount, asset) * Fraction(WAD - tier.discount, WAD)

    # --- the waterfall -----------------------------------------------------------------------------------

    def _reported(self, _entry: Entry, ev: te.LossReported) -> None:
        """Hold a share of the backing against the cash that tiers do not hold: rounded up."""
        self.count(f"lost by {ev.loss}")
        cash = self.owed("claims", ev.asset) + self.owed("residue", ev.asset) - self.deficit(ev.asset)
        need(ev.loss in ("mint", "claim") or ev.amount <= cash, "reported", ev)
        if ev.loss == "backing":
            share = self.share_lost
            need(ev.amount == -(-cash * share // WAD), "backing", f"{share} of {cash}: {ev}")

    def _held(self, _entry: Entry, ev: te.LossHeld) -> None:
        self.count("held until a moment" if ev.until else "held until a vote")

    def _snapshot(self, _entry: Entry, ev: te.SnapshotTaken) -> None:
        """After it, what is written down is what contributions are now."""
        then = dict(self.cells.get(f"ex.default.club.{ev.asset}", NOTHING))
        then |= {key: value for table, key, value in ev.cells if table == f"ex.default.club.{ev.asset}"}
        if any(tier.account == "club" and tier.snapshot == "at-default" for tier in self._tiers.values()):
            now = self.cells.get(f"ex.fund.club.{ev.asset}", NOTHING)
            same = {k: v for k, v in then.items() if v} == {k: v for k, v in now.items() if v}
            need(same, "snapshot", f"{then} is not {now}")

    def _released(self, entry: Entry, ev: te.LossReleased) -> None:
        self._most[entry.seq] = ev.most

    def _allocated(self, entry: Entry, ev: e.LossAllocated) -> None:
        tier = self._tiers[ev.tier]
        need(tier.perimeter.covers(ev.asset), "perimeter", ev)
        able = self.capacity(tier, ev.asset, entry.at, ev.debtor)
        need(ev.capacity == able, "capacity", f"{able} could be paid: {ev}")
        rest = ev.amount + ev.rest
        most = self._most.get(-1 if entry.cause is None else entry.cause, rest)
        share = max(0, rest - tier.offset) * tier.of_loss // WAD
        amount = min(share, able, most)
        need(ev.amount == amount, "exact-tiers", f"{amount} is owed: {ev}")
        need(bool(ev.due) == bool(tier.due_s is not None and amount), "exact-tiers", ev)
        key = f"{tier.name}/{ev.asset}/{entry.at // tier.quota.period_s}" if tier.quota else ""
        spent = {k: v for table, k, v in ev.cells if table == "ex.quota"}
        want = {key: self.cell("ex.quota", key) + amount} if key and amount else {}
        need(spent == want, "quota", ev)
        self.count("owed later", bool(ev.due))
        self.count("limited by quota", tier.quota is not None and 0 < ev.capacity == ev.amount < rest)
        self.count("limited by minimum", tier.min_left > 0 and 0 < ev.amount == ev.capacity < rest)
        self.count("limited by a vote", most < rest)
        self.count("limited by amount", tier.amount_max is not None and ev.amount == tier.amount_max)
        self.count("limited by share", tier.limit < WAD and 0 < ev.amount == ev.capacity)
        self.count("limited by share of the loss", tier.of_loss < WAD and 0 < ev.amount == share)
        self.count("limited by offset", bool(tier.offset) and ev.amount == rest - tier.offset > 0)
        self.count("limited by purse", 0 < ev.amount == ev.capacity)
        self.count("unused", not tier.used)

    def _absorbed(self, entry: Entry, ev: e.LossAbsorbed) -> None:
        tier = self._tiers[ev.tier]
        self.count(f"paid by {tier.payer}")
        self.count("paid later", bool(ev.number))
        self.count("answered a call", bool(ev.number) and tier.payer == "assessment")
        need(ev.amount <= self.deficit(ev.asset), "deficit", ev)
        down = sum(x.amount for x in ev.transfers if (x.credit, x.asset) == ("ex:deficit", ev.asset))
        need(down == ev.amount, "deficit", f"it fell by {down}: {ev}")
        if tier.payer in (*NAMED, "members", "debtor", "assessment"):
            self._shared(entry, ev, tier)
        elif tier.asset in ("", ev.asset):
            need((ev.paid_asset, ev.paid) == (ev.asset, ev.amount), "paid", ev)
        else:
            self.count("converted")
            enough = self.proceeds(tier, ev.asset, ev.paid) >= ev.amount
            less = int(self.proceeds(tier, ev.asset, ev.paid - 1)) >= ev.amount
            need(ev.paid_asset == tier.asset and enough and not less, "paid", f"not the least: {ev}")
        self._written_down(tier, ev)

    def _shared(self, entry: Entry, ev: e.LossAbsorbed, tier: Tier) -> None:
        """Hold what each holder bore against what he could, and against his share."""
        parts = self._parts(ev, tier)
        if not parts:
            return
        if tier.payer == "assessment" and ev.number:
            return  # who answers a call pays what he likes of it
        caps = self.caps(tier, ev.asset, entry.at, ev.debtor)
        exact = all(key[0] == ev.asset for key in parts)
        slack = 2 if exact else 3
        total = sum(parts.values())
        need(total == ev.amount if exact else total >= ev.amount, "parts", f"{parts} of {ev.amount}")
        for key, part in parts.items():
            over = part - caps.get(key, 0)
            need(over <= (0 if exact else self._grain(key[0], ev.asset)), "caps", f"{key} bore {part}: {ev}")
        if tier.payer == "winners":
            gains = f"ex.{ev.asset}.gains.{entry.at // DAY}"
            less = {key: self.cell(gains, key) - value for table, key, value in ev.cells if table == gains}
            need(less == {key[1]: part for key, part in parts.items()}, "gains", f"{less}: {ev}")
        self.count("shared by several", len(parts) > 1)
        self.count(f"shared {tier.sharing}", len(parts) > 1)
        self.count("shared over assets", not exact)
        self.count("shared as at default", tier.snapshot == "at-default" and len(parts) > 1)
        weights = self.weights(tier, ev.asset, caps)
        if tier.sharing in ("ranked", "first-loss") and tier.payer != "assessment":
            self._in_order(tier, caps, weights, parts)
            return
        fair, capped = filled(ev.amount, caps, weights)
        self.count("a cap bound for some", 0 < capped < len(fair))
        for key, share in fair.items():
            grain = self._grain(key[0], ev.asset)
            off = abs(parts.get(key, Fraction(0)) - share)
            need(
                off <= slack + grain, "fair", f"{key} bore {parts.get(key, 0)}, {float(share)} is fair: {ev}"
            )

    def _grain(self, asset: str, lost: str) -> Fraction:
        """Return what one base unit of an asset is worth in the lost one."""
        return Fraction(0) if asset == lost else self.worth(asset, 1, lost)

    def _in_order(
        self,
        tier: Tier,
        caps: Mapping[tuple[str, str], int],
        ranks: Mapping[tuple[str, str], int],
        parts: Mapping[tuple[str, str], Fraction],
    ) -> None:
        """Nobody bears anything before who ranks ahead of him bears all he can."""
        sign = -1 if tier.sharing == "ranked" else 1
        full = {key for key, cap in caps.items() if parts.get(key, 0) >= cap}
        for key in parts:
            ahead = [other for other in caps if sign * ranks[other] < sign * ranks[key]]
            need(all(other in full for other in ahead), "ranks", f"{key} bears before {ahead}")

    def _parts(self, ev: e.LossAbsorbed, tier: Tier) -> dict[tuple[str, str], Fraction]:
        """Return what each (asset, holder) bore by the cells, in base units of the lost asset."""
        if tier.payer == "assessment":
            table = f"ex.assessed.{tier.name}.{ev.asset}"
            return {
                (ev.asset, key.partition("/")[2]): Fraction(value - self.cell(table, key))
                for name, key, value in ev.cells
                if name == table
            }
        parts: dict[tuple[str, str], Fraction] = {}
        for table, name, value in ev.cells:
            if table == f"ex.fund.club.{ev.asset}" and tier.payer in ("members", "debtor"):
                parts[ev.asset, name] = Fraction(self.cell(table, name) - value)
            elif table.endswith(".balance") and tier.payer in NAMED:
                asset = table.split(".")[1]
                cut = self.cell(table, name) - value
                need(cut > 0, "caps", f"{name} was given something by {ev}")
                parts[asset, name] = Fraction(cut) if asset == ev.asset else self.worth(asset, cut, ev.asset)
        return parts

    def _written_down(self, tier: Tier, ev: e.LossAbsorbed) -> None:
        """See what a tier bore written down, to the unit, where it can come back and no IOU stands for it."""
        table = f"ex.borne.{ev.asset}"
        told = {key: value for name, key, value in ev.cells if name == table}
        if self._table.rows is None or tier.iou:
            need(not told, "borne", ev)
        else:
            need(told == {tier.name: self.cell(table, tier.name) + ev.amount}, "borne", ev)
        if tier.iou and tier.iou_asset in ("", ev.asset):
            ious = f"ex.iou.{tier.iou}.{ev.asset}"
            given = sum(value - self.cell(ious, key) for name, key, value in ev.cells if name == ious)
            need(given == ev.amount, "ious", f"{given} were handed out: {ev}")
            self.count("IOUs handed out")

    def _settled(self, entry: Entry, ev: te.ProfitsSettled) -> None:
        """Winners get what they won; losers pay it as far as they can."""
        balances, gains = f"ex.{ev.asset}.balance", f"ex.{ev.asset}.gains.{entry.at // DAY}"
        after = {(table, key): value for table, key, value in ev.cells}
        net = {key: value - self.cell(gains, key) for (table, key), value in after.items() if table == gains}
        need(sum(net.values()) == 0, "profits", ev)
        for name, gain in net.items():
            expected = max(0, self.cell(balances, name) + gain)
            need(after[balances, name] == expected, "profits", f"{name} has {after[balances, name]}: {ev}")

    # --- recoveries --------------------------------------------------------------------------------------

    def _money_recovered(self, _entry: Entry, ev: te.MoneyRecovered) -> None:
        need(ev.amount > 0, "recoveries", f"nothing came back: {ev}")
        self._recovered[ev.asset] = ev.amount
        self._places.clear()

    def _recovery_allocated(self, _entry: Entry, ev: te.RecoveryAllocated) -> None:
        self.count(f"recovered by {ev.rule}")
        need(ev.amount > 0, "recoveries", ev)
        if ev.rule == "reverse":
            self._goes_up(ev)

    def _goes_up(self, ev: te.RecoveryAllocated) -> None:
        """Within a row, each who is given something stands above who was given something before him."""
        names = list(self._tiers)
        if ev.iou:
            place = max(names.index(name) for name, tier in self._tiers.items() if tier.iou == ev.iou)
        else:
            place = names.index(ev.tier)
        last = self._places.setdefault(ev.row, len(names))
        need(place < last, "order-of-recoveries", f"place {place} after {last}: {ev}")
        self.count("climbed", last < len(names))
        self._places[ev.row] = place

    def _recovery_paid(self, _entry: Entry, ev: te.RecoveryPaid) -> None:
        """Hold what is given back against what was borne, and by whom."""
        self._recovered[ev.asset] -= ev.amount
        if ev.iou:
            table = f"ex.iou.{ev.iou}.{ev.asset}"
            redeemed = {key: self.cell(table, key) - value for name, key, value in ev.cells if name == table}
            need(sum(redeemed.values()) == ev.amount, "ious", ev)
            self._credited(ev, redeemed)
            self.count("IOUs redeemed in full", all(v == 0 for t, _, v in ev.cells if t == table))
            self.count("IOUs redeemed in part", any(v > 0 for t, _, v in ev.cells if t == table))
            return
        if not ev.tier:
            need(ev.amount <= self.deficit(ev.asset), "deficit", ev)
            return
        total, table = f"ex.borne.{ev.asset}", f"ex.borne.{ev.asset}.{ev.tier}"
        told = {key: self.cell(total, key) - value for name, key, value in ev.cells if name == total}
        back = {key: self.cell(table, key) - value for name, key, value in ev.cells if name == table}
        if not told:
            self.count("replenished")
            return
        need(told == {ev.tier: ev.amount}, "borne", ev)
        self.count(f"given back to {self._tiers[ev.tier].payer}")
        if self._tiers[ev.tier].payer in NAMED:
            need(sum(back.values()) == ev.amount, "borne", ev)
            self._credited(ev, back)

    def _credited(self, ev: te.RecoveryPaid, parts: Mapping[str, int]) -> None:
        balances = f"ex.{ev.asset}.balance"
        got = {key: value - self.cell(balances, key) for name, key, value in ev.cells if name == balances}
        need(got == {key: part for key, part in parts.items() if part}, "given-back", f"{got}, not {parts}")

    # --- money across the border -------------------------------------------------------------------------

    def _flow(self, event: Event) -> None:
        """Count what came in and went out, by what events say was paid."""
        for asset, amount in self._flows(event):
            self.outside[asset] = self.outside.get(asset, 0) + amount

    def _flows(self, ev: Event) -> list[tuple[str, int]]:
        match ev:
            case e.Supplied() | e.FundContributed() | te.MemberContributed():
                return [(ev.asset, ev.amount)]
            case e.Withdrawn() | te.ContributionReturned():
                return [(ev.asset, -ev.amount)]
            case e.Staked() | e.FundsReturned():
                return [(ev.asset, ev.assets)]
            case e.Unstaked():
                return [(ev.asset, -ev.assets)]
            case te.LossReported() if ev.loss in ("theft", "backing"):
                return [(ev.asset, -ev.amount)]
            case e.LossAbsorbed():
                return self._absorbed_flows(ev)
            case te.RecoveryPaid():
                return self._recovered_flows(ev)
        return []

    def _absorbed_flows(self, ev: e.LossAbsorbed) -> list[tuple[str, int]]:
        tier = self._tiers[ev.tier]
        if tier.payer in ("mint", "injection", "assessment"):
            return [(ev.asset, ev.amount)]
        if tier.payer in ("fund", "house") and ev.paid_asset != ev.asset:
            return [(ev.asset, ev.amount), (ev.paid_asset, -ev.paid)]
        if tier.payer not in NAMED:
            return []
        flows: list[tuple[str, int]] = []
        brought = Fraction(0)
        for asset in {key[0]: None for key in self._parts(ev, tier) if key[0] != ev.asset}:
            table = f"ex.{asset}.balance"
            cuts = [self.cell(table, key) - value for name, key, value in ev.cells if name == table]
            sold = sum(x.amount for x in ev.transfers if (x.credit, x.asset) == ("ex:cash", asset))
            need(sum(cuts) - len(cuts) < sold <= sum(cuts), "sold", f"{sold} of {cuts}: {ev}")
            brought += self.worth(asset, sold, ev.asset)
            flows.append((asset, -sold))
        own = sum(part for key, part in self._parts(ev, tier).items() if key[0] == ev.asset)
        need(brought >= ev.amount - own, "sold", f"{float(brought)} was brought in: {ev}")
        return [*flows, (ev.asset, int(ev.amount - own))]

    def _recovered_flows(self, ev: te.RecoveryPaid) -> list[tuple[str, int]]:
        payer = self._tiers[ev.tier].payer if ev.tier else ""
        if payer in ("mint", "injection", "assessment", "stake"):
            return []  # it went outside, or a stake's own event told of it
        return [(ev.paid_asset, ev.paid)]


def filled(
    amount: int, caps: Mapping[tuple[str, str], int], weights: Mapping[tuple[str, str], int]
) -> tuple[dict[tuple[str, str], Fraction], int]:
    """Return exact shares by weight under caps, and how many caps bind: water poured until it is gone."""
    shares = {key: Fraction(0) for key in caps}
    free = [key for key in caps if weights[key]]
    left, capped = Fraction(amount), 0
    while left and free:
        level = left / sum(weights[key] for key in free)
        full = [key for key in free if level * weights[key] >= caps[key]]
        if not full:
            for key in free:
                shares[key] = level * weights[key]
            break
        for key in full:
            shares[key] = Fraction(caps[key])
            left -= caps[key]
            free.remove(key)
        capped += len(full)
    return shares, capped
