"""The exact tier rule, computed a second time: capacities from the sums, amounts by the rule, in order.

tier i pays exactly  min(max(0, rest − offset), capacity)      Σ paid + uncovered == shortfall
"""

from __future__ import annotations

from fractions import Fraction

from auditor import Auditor, LawBroken, ceil_div
from laws import Step, converts, need
from systems import DECIMALS, LOWER_BOUND, Setup

from mutualize import events as e
from mutualize.tier import Tier

WAD = 10**18


def proceeds(tier: Tier, now: Auditor, asset: str, sold: int) -> int:
    """Return what `sold` base units of the paying asset bring, in base units of the loss, rounded down."""
    price = now.price(tier.asset) if tier.price is None else tier.price
    loss_price = now.price(asset) if tier.loss_price is None else tier.loss_price
    if not loss_price:
        return 0
    exact = Fraction(sold * price * (WAD - tier.discount), WAD * loss_price)
    exact *= Fraction(10 ** DECIMALS[asset], 10 ** DECIMALS[tier.asset])
    if tier.depth:
        exact *= 1 - Fraction(tier.depth[1] * sold, 2 * tier.depth[0] * WAD)
    return exact.numerator // exact.denominator


def purse(setup: Setup, tier: Tier, now: Auditor, asset: str) -> int:
    """Return the money that a fund or stake may use, in its own asset."""
    if tier.payer == "fund":
        money = now.owed(f"tier:{tier.name}", tier.asset or asset)
    else:
        if setup.stake_asset != asset and not tier.asset:
            return 0
        money = now.owed("tier:stakers", setup.stake_asset) - setup.min_left
        if setup.rate_form:
            cells = now.stake()
            worth = cells.get("total_shares", 0) * WAD // cells.get("exchange_rate", WAD)
            money = worth * 3_000 // 10_000
            money = 0 if cells.get("unsettled") or worth - money < LOWER_BOUND else money
    return limited(tier, max(0, money))


def limited(tier: Tier, money: int) -> int:
    """Apply a tier's own limits."""
    most = max(0, money - tier.min_left) * tier.limit // WAD
    return most if tier.amount_max is None else min(most, tier.amount_max)


def useful(tier: Tier, money: int) -> int:
    """Return how much can be sold before more brings in less."""
    return money if not tier.depth else min(money, tier.depth[0] * WAD // tier.depth[1])


def capacity(setup: Setup, tier: Tier, now: Auditor, asset: str) -> int:
    """Return the most that a tier can pay."""
    if not tier.used:
        return 0
    if tier.payer == "claims":
        return limited(tier, now.owed("claims", asset) + now.owed("treasury", asset))
    money = purse(setup, tier, now, asset)
    if tier.asset in ("", asset):
        return money
    return proceeds(tier, now, asset, useful(tier, money))


WATCHED = (e.ShortfallRecognised, e.LossAllocated, e.Slashed, e.LossAbsorbed, e.ShortfallUncovered)


class TierWatch:
    """Follows each shortfall through the tiers, by the causes of the entries."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._open: dict[int, tuple[str, int, int]] = {}
        self.loss: e.LossAllocated | None = None
        self._slashed: list[int] = []
        self._prices: tuple[int, int] = (0, 0)

    def take(self, s: Step) -> None:
        """Check one entry."""
        ev, seq = s.event, s.entry.seq
        if type(ev) not in WATCHED:
            return
        waterfall = self._setup.umbrella == "none" or bool(self._setup.tiers)
        match ev:
            case e.ShortfallRecognised() if waterfall:
                self._open[seq] = (ev.asset, 0, ev.amount)
            case e.LossAllocated():
                self._allocated(s, ev)
            case e.Slashed():
                self._slashed.append(ev.assets)
            case e.LossAbsorbed():
                self._absorbed(s, ev)
            case e.ShortfallUncovered():
                asset, index, rest = self._take_open(s)
                last = index == len(self._setup.tiers)
                self._need(last and rest == ev.amount and asset == ev.asset, "uncovered", ev)

    def _need(self, condition: bool, what: str, detail: object) -> None:
        need(condition, "exact-tiers", f"{what}: {detail}")

    def _take_open(self, s: Step) -> tuple[str, int, int]:
        found = self._open.pop(s.entry.cause if s.entry.cause is not None else -1, None)
        if found is None:
            raise LawBroken("exact-tiers", f"no loss led to {s.entry}")
        return found

    def _allocated(self, s: Step, ev: e.LossAllocated) -> None:
        asset, index, rest = self._take_open(s)
        tier = self._setup.tiers[index]
        self._need((ev.asset, ev.index, ev.tier) == (asset, index, tier.name), "order", ev)
        able = capacity(self._setup, tier, s.before, asset)
        self._need(ev.capacity == able, f"capacity is {able}", ev)
        amount = min(max(0, rest - tier.offset) * tier.of_loss // WAD, able)
        self._need(ev.amount == amount and ev.rest == rest - amount, f"owes {amount} of {rest}", ev)
        self._need(self.loss is None, "a tier still owes", ev)
        self._slashed = []
        if amount:
            self.loss = ev
        if ev.rest or amount:
            self._open[s.entry.seq] = (asset, index + 1, ev.rest)

    def _absorbed(self, s: Step, ev: e.LossAbsorbed) -> None:
        asset, _, rest = self._take_open(s)
        owed, tier = self.loss, self._setup.tiers[ev.index]
        if owed is None:
            raise LawBroken("exact-tiers", f"a tier paid that did not owe: {ev}")
        same = (ev.asset, ev.index, ev.amount, ev.rest) == (asset, owed.index, owed.amount, owed.rest)
        self._need(same, "paid another sum", ev)
        converted = converts(s, ev.index, asset)
        self._need(ev.paid_asset == (tier.asset if converted else asset), "paid in", ev)
        if converted:
            enough = proceeds(tier, s.before, asset, ev.paid) >= ev.amount
            less = proceeds(tier, s.before, asset, ev.paid - 1) >= ev.amount
            self._need(enough and not less, "paid not the least that is enough", ev)
        else:
            self._need(ev.paid == ev.amount, "paid", ev)
        expected = [ev.paid] if tier.payer == "stake" else []
        self._need(self._slashed == expected, f"slashed {self._slashed}", ev)
        self.loss, self._slashed = None, []
        if rest:
            self._open[s.entry.seq] = (asset, ev.index + 1, rest)

    def settle(self, s: Step, after: Auditor) -> None:
        """Pay into the wallets of those elsewhere what a tier's buyers gave, or the reserve kept."""
        ev = s.event
        if not isinstance(ev, e.LossAbsorbed):
            return
        tier = self._setup.tiers[ev.index]
        if tier.payer == "stake" or (tier.payer == "fund" and converts(s, ev.index, ev.asset)):
            after.pay("(elsewhere)", ev.asset, -ev.amount)
        if tier.payer == "fund" and converts(s, ev.index, ev.asset):
            after.pay("(elsewhere)", ev.paid_asset, ev.paid)

    def closed(self) -> None:
        """Nothing is open once a transaction is over. Raises LawBroken."""
        left = {seq: loss for seq, loss in self._open.items() if loss[2]}
        self._need(not left and self.loss is None, "a loss was lost from sight", left)
        self._open.clear()


__all__ = ["TierWatch", "capacity", "ceil_div", "proceeds"]
