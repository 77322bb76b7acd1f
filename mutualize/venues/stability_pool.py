"""A stability pool: deposits that shrink and earn by one product and one sum, whatever their number.

    liquidation of debt q against collateral c, with T deposited:   P' = P · (1 − q/T)     S' = S + P · c/T
    a deposit d, made at P₀ and S₀:     is worth   d · P/P₀        has gained   d · (S − S₀)/P₀

P would soon be too small for an integer: it is scaled up by 10⁹ when it gets small (`scale`), and S begins
anew; where a pool is emptied, both begin anew (`epoch`). Its one rule: nobody is visited. Three indexes are
known, and they differ in the lines that ask for one: Liquity v1 (liquity/dev 9c79c9ec), its revision of April
2025 (39f1f7f8) and v2 (liquity/bold 405f9122). v1's lets deposits claim more than there is; v2's never does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from mutualize.errors import Reason, Refused, require
from mutualize.units import WAD, div_down, plus, times
from mutualize.venues.cell_sheet import Sheet

if TYPE_CHECKING:
    from mutualize.book import View

SCALE: Final = 10**9
"""By what P is scaled up, `SCALE_FACTOR`."""
POOL, SUM, DEPOSIT, FRONT = "pool", "pool.S", "pool.deposit", "pool.front"
"""Tables: the pool's numbers, S by '<epoch>.<scale>', deposits by name, and what counts for no front end."""
SNAPSHOT: Final = ("P", "S", "scale", "epoch")


@attrs.frozen
class Index:
    """How deposits are followed.

    name      what it is called
    unit      what P begins with
    kept      stablecoins that no liquidation and no withdrawal takes out of the pool
    span      over so many scales after its own a deposit gains
    life      after so many more it is worth nothing
    """

    name: str
    unit: int
    kept: int
    span: int
    life: int


V1: Final = Index("liquity-v1", WAD, 0, 1, 1)
V1_2025: Final = Index("liquity-v1-2025", WAD, WAD, 1, 1)
V2: Final = Index("liquity-v2", 10**36, WAD, 2, 8)
INDEXES: Final = {index.name: index for index in (V1, V1_2025, V2)}


@attrs.define
class Numbers:
    """What one liquidation changes: the contract's names, and the errors that the next one makes good."""

    P: int
    S: int
    scale: int
    epoch: int
    total: int
    coll_error: int
    loss_error: int


def depleted(index: Index, now: Numbers, debt: int, coll: int, *, strict: bool = True) -> Numbers:
    """Return the numbers after `debt` was offset by deposits, which gained `coll`. StabilityPool `offset`.

    `S` is that of the scale before. Refuses more than the index allows, and what would make P zero. `strict`:
    also a debt below v1's last error, as its contract does; a tier that pays cannot be refused.
    """
    total = now.total
    if not total or not debt:
        return now
    require(debt < total or (index is V1 and debt == total), Reason.POOL_IS_EXHAUSTED)
    after = attrs.evolve(now, total=plus(total, -debt))
    if index is V2:
        _share_out_v2(after, total, coll)
    else:
        _share_out(after, total, debt, coll, index=index, strict=strict)
    require(after.P > 0, Reason.POOL_IS_EXHAUSTED)
    require(after.total >= index.kept, Reason.POOL_WOULD_BE_EMPTY)
    return after


def _share_out(after: Numbers, total: int, debt: int, coll: int, *, index: Index, strict: bool) -> None:
    """Raise S and lower P, each with the error of the last time. `_computeRewardsPerUnitStaked`."""
    gained = plus(times(coll, WAD), after.coll_error)
    gain = div_down(gained, total)
    if debt == total:
        loss, after.loss_error = WAD, 0
    elif times(debt, WAD) <= after.loss_error and (index is V1_2025 or not strict):
        loss, after.loss_error = 1, total
    else:
        lost = plus(times(debt, WAD), -after.loss_error)
        loss = div_down(lost, total) + 1  # too much by a little, so that the pool is favoured
        after.loss_error = plus(times(loss, total), -lost)
    after.coll_error = plus(gained, -times(gain, total))
    after.S = plus(after.S, times(gain, after.P))
    _lower(index, after, plus(WAD, -loss))


def _lower(index: Index, after: Numbers, factor: int) -> None:
    """Multiply P, and scale it up where it gets small. `_updateRewardSumAndProduct`."""
    product = times(after.P, factor)
    if not factor and index is V1:
        after.epoch, after.scale, after.P = after.epoch + 1, 0, index.unit
    elif div_down(product, WAD) >= SCALE:
        after.P = div_down(product, WAD)
    else:
        after.P, after.scale = div_down(times(product, SCALE), WAD), after.scale + 1
        if after.P < SCALE and index is V1_2025:
            after.P, after.scale = div_down(times(product, SCALE * SCALE), WAD), after.scale + 1


def _share_out_v2(after: Numbers, total: int, coll: int) -> None:
    """Raise S and lower P, both rounded down, P kept above 10²⁷. Liquity v2 `offset`."""
    after.S = plus(after.S, div_down(times(after.P, coll), total))
    left = times(after.P, after.total)
    after.P = div_down(left, total)
    while div_down(V2.unit, SCALE) > after.P:
        left = times(left, SCALE)
        after.P, after.scale = div_down(left, total), after.scale + 1


def pool_of(view: View, venue: str, index: str) -> StabilityPool:
    """Return a venue's pool, to be read alone; `index` is what its index is called, by default v1's."""
    return StabilityPool(Sheet(venue, view, 0), INDEXES.get(index, V1))


class StabilityPool:
    """The pool, as cells of a sheet: index, deposits, and the collateral that it holds for them."""

    def __init__(self, sheet: Sheet, index: Index) -> None:
        self._sheet, self.index = sheet, index

    def __getitem__(self, key: str) -> int:
        """Return one number of the pool: P, scale, epoch, total, coll, coll_error, loss_error."""
        unit = self.index.unit if key == "P" else 0
        return self._sheet.get(POOL, key) or unit  # P is never zero

    def __setitem__(self, key: str, value: int) -> None:
        """Set one number of the pool."""
        self._sheet.put(POOL, key, value)

    @property
    def numbers(self) -> Numbers:
        """What a liquidation starts from."""
        return self._numbers(self.sum(self["epoch"], self["scale"]))

    def _numbers(self, sum_so_far: int) -> Numbers:
        fields = [self[key] for key in ("scale", "epoch", "total", "coll_error", "loss_error")]
        return Numbers(self["P"], sum_so_far, *fields)

    def sum(self, epoch: int, scale: int) -> int:
        """Return S of an epoch and scale. `epochToScaleToSum`."""
        return self._sheet.get(SUM, f"{epoch}.{scale}")

    # --- liquidations ------------------------------------------------------------------------------------

    @property
    def start(self) -> Numbers:
        """From where the last sequence of liquidations started."""
        return Numbers(**{field.name: self[f"start.{field.name}"] for field in attrs.fields(Numbers)})

    @property
    def most(self) -> int:
        """The most debt that a sequence can offset. `getTotalLUSDDeposits`, later `getMaxAmountToOffset`."""
        total, error = self["start.total"], self["start.loss_error"]
        most = total - min(total, self.index.kept)
        return 0 if self.index is V1_2025 and times(most, WAD) <= error else most

    def begin(self) -> None:
        """Note from where a sequence of liquidations starts: the contract shares out their sum, once."""
        for key, value in attrs.asdict(self.numbers).items():
            self[f"start.{key}"] = value
        self["start.debt"] = self["start.coll"] = 0

    def foresee(self, debt: int, coll: int) -> None:
        """Refuse what the contract refuses to a sequence that comes to so much. `offset`."""
        depleted(self.index, self.start, debt, coll)

    def resume(self) -> None:
        """Begin a sequence unless the last one is still where it had come to: a tier may pay later."""
        start, debt, coll = self.start, self["start.debt"], self["start.coll"]
        now = self._numbers(self.sum(start.epoch, start.scale))
        if depleted(self.index, start, debt, coll, strict=False) != now:
            self.begin()

    def left(self, debt: int) -> int:
        """Return how much of a debt the pool could take now: all of it, what it has, or nothing."""
        self.resume()
        able, before = min(debt, self.most - self["start.debt"]), self["start.debt"]
        try:
            depleted(self.index, self.start, before + able, self["start.coll"], strict=False)
        except Refused:  # the product has no room left
            return 0
        return max(0, able)

    def offset(self, debt: int, coll: int) -> None:
        """Let deposits pay so much more debt, for so much more collateral, in this sequence."""
        self.resume()
        start = self.start
        all_debt, all_coll = self["start.debt"] + debt, self["start.coll"] + coll
        after = depleted(self.index, start, all_debt, all_coll, strict=False)
        self._sheet.put(SUM, f"{start.epoch}.{start.scale}", after.S)
        for key in ("P", "scale", "epoch", "total", "coll_error", "loss_error"):
            self[key] = getattr(after, key)
        self["coll"] = plus(self["coll"], coll)
        self["start.debt"], self["start.coll"] = all_debt, all_coll

    # --- deposits ----------------------------------------------------------------------------------------

    def initial(self, who: str, table: str = DEPOSIT) -> int:
        """Return a deposit as it was when its holder last acted."""
        return self._sheet.get(table, who)

    def worth(self, who: str, table: str = DEPOSIT) -> int:
        """Return what is left of a deposit. `getCompoundedLUSDDeposit`."""
        initial = self.initial(who, table)
        product, _, scale, epoch = (self._sheet.get(f"{table}.{key}", who) for key in SNAPSHOT)
        steps = self["scale"] - scale
        if not initial or epoch < self["epoch"] or steps > self.index.life:
            return 0
        left = div_down(div_down(times(initial, self["P"]), product), int(SCALE**steps))
        return 0 if self.index is not V2 and left < div_down(initial, 10**9) else left

    def gain(self, who: str) -> int:
        """Return the collateral that a deposit has gained since. `getDepositorETHGain`."""
        initial = self.initial(who)
        if not initial:
            return 0
        product, before, scale, epoch = (self._sheet.get(f"{DEPOSIT}.{key}", who) for key in SNAPSHOT)
        gained = plus(self.sum(epoch, scale), -before)
        for step in range(1, self.index.span + 1):
            gained = plus(gained, div_down(self.sum(epoch, scale + step), int(SCALE**step)))
        gain = div_down(times(initial, gained), product)
        return min(gain, self["coll"]) if self.index is V2 else div_down(gain, WAD)

    def provide(self, who: str, amount: int) -> tuple[int, int]:
        """Put stablecoins in. Returns the gain that is paid out, and what was lost. `provideToSP`."""
        require(amount > 0, Reason.AMOUNT_IS_ZERO)
        return self._settle(who, amount)

    def withdraw(self, who: str, amount: int) -> tuple[int, int, int]:
        """Take up to so many out. Returns how many, the gain, and what was lost. `withdrawFromSP`."""
        require(self.initial(who) > 0, Reason.DEPOSIT_IS_ZERO)
        taken = min(amount, self.worth(who))
        gain, lost = self._settle(who, -taken)
        require(not taken or self["total"] >= self.index.kept, Reason.POOL_WOULD_BE_EMPTY)
        return taken, gain, lost

    def _settle(self, who: str, change: int) -> tuple[int, int]:
        """Pay the gain, and begin the deposit anew with what is left of it and the change."""
        initial, left, gain = self.initial(who), self.worth(who), self.gain(who)
        if self.index is not V2:  # all deposits by no front end are one stake, whose rounding can refuse
            self._begin_anew("", plus(self.worth("", FRONT), change), FRONT)
        self["total"] = plus(self["total"], change)
        self._begin_anew(who, plus(left, change), DEPOSIT)
        self["coll"] = plus(self["coll"], -gain)
        return gain, plus(initial, -left)

    def _begin_anew(self, who: str, amount: int, table: str) -> None:
        """Write down a deposit with the index as it is now. `_updateDepositAndSnapshots`."""
        epoch, scale = self["epoch"], self["scale"]
        now = (self["P"], self.sum(epoch, scale), scale, epoch) if amount else (0, 0, 0, 0)
        self._sheet.put(table, who, amount)
        for key, value in zip(SNAPSHOT, now, strict=True):
            self._sheet.put(f"{table}.{key}", who, value)
