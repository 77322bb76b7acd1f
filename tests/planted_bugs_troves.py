"""Bugs on purpose in a trove system: see planted_bugs.py. Random play kills each by a law made for it.

The rule: a bug is one that the contracts' own history, or a hurried reader of them, could have made.
"""

from __future__ import annotations

from planting import Bug

POOL, TROVES = "venues.stability_pool", "venues.troves:Troves"
LIQUIDATION, VENUE = "venues.trove_liquidation", "venues.stability"
V1, V1_2025, V2 = ("liquity-v1",), ("liquity-v1-2025",), ("liquity-v2",)

BUGS = (
    Bug(
        "a trove at just 110 % is liquidated",
        f"{LIQUIDATION}:Sequence.visit",
        "if ratio < rules.minimum_ratio:",
        "if ratio <= rules.minimum_ratio:",
        ("foretold",),
        V1,
    ),
    Bug(
        "the last trove is liquidated in recovery mode",
        f"{LIQUIDATION}:Sequence._in_recovery",
        'if troves["count"] <= 1:',
        'if troves["count"] < 1:',
        ("foretold",),
        V1,
    ),
    Bug(
        "a worthless trove is offset in recovery mode",
        f"{LIQUIDATION}:Sequence._in_recovery",
        "if ratio <= WAD:",
        "if ratio < 0:",
        ("plain-system", "plain-pool"),
        V1,
    ),
    Bug(
        "the liquidator is paid out of the surplus, too",
        f"{LIQUIDATION}:Sequence._capped",
        "self._compensation(capped)",
        "self._compensation(whole.coll)",
        ("plain-system", "plain-pool"),
        V1,
    ),
    Bug(
        "a sequence does not notice that recovery is over",
        f"{LIQUIDATION}:Sequence.visit",
        "self.recovery = ratio_of(self._coll, self._debt, self._price) < rules.critical_ratio",
        "pass",
        ("plain-system", "plain-status", "plain-surplus", "foretold"),
        V1,
    ),
    Bug(
        "the pool's part of a sequence is not tracked",
        f"{LIQUIDATION}:Sequence._seize",
        "self._left -= seizure.to_pool",
        "pass",
        ("foretold", "plain-system", "plain-pool", "POOL_IS_EXHAUSTED"),
        V1,
    ),
    Bug(
        "a surplus is not counted",
        f"{LIQUIDATION}:Sequence._hand_on",
        'troves["surplus"] += seizure.surplus',
        "pass",
        ("trove-accounts",),
        V1,
    ),
    Bug(
        "troves stand by what is written of them",
        f"{TROVES}.nominal_ratio",
        "ratio_of(*self.entire(owner), NOMINAL)",
        'ratio_of(self.get("coll", owner), self.get("debt", owner), NOMINAL)',
        ("plain-order",),
        V1,
    ),
    Bug(
        "the list leads one way",
        "venues.sorted_troves:SortedTroves._join",
        'self._sheet.put(f"order.prev.{lane}", after, as_integer(before))',
        "pass",
        ("trove-order",),
        V1,
    ),
    Bug(
        "the error of the last offset is forgotten",
        f"{POOL}:_share_out",
        "plus(times(coll, WAD), after.coll_error)",
        "times(coll, WAD)",
        ("plain-pool", "plain-sum"),
        V1,
    ),
    Bug(
        "a loss is rounded down",
        f"{POOL}:_share_out",
        "div_down(lost, total) + 1",
        "div_down(lost, total)",
        ("plain-pool", "plain-product", "foretold", "BALANCE_IS_INSUFFICIENT"),
        V1,
    ),
    Bug(
        "an emptied pool begins no epoch",
        f"{POOL}:_lower",
        "after.epoch + 1, 0, index.unit",
        "after.epoch, 0, index.unit",
        ("plain-pool",),
        V1,
    ),
    Bug(
        "v2's product is rounded up",
        f"{POOL}:_share_out_v2",
        "after.P = div_down(left, total)\n    while",
        "after.P = div_down(left, total) + 1\n    while",
        ("plain-product", "pool-solvent"),
        V2,
    ),
    Bug(
        "the last stablecoin may leave the pool",
        f"{POOL}:StabilityPool.withdraw",
        'require(not taken or self["total"] >= self.index.kept, Reason.POOL_WOULD_BE_EMPTY)',
        "pass",
        ("foretold",),
        V1_2025,
    ),
    Bug(
        "a gain is paid and kept",
        f"{POOL}:StabilityPool._settle",
        'self["coll"] = plus(self["coll"], -gain)',
        "pass",
        ("trove-accounts",),
        V1,
    ),
    Bug(
        "no front end has no stake",
        f"{POOL}:StabilityPool._settle",
        'self._begin_anew("", plus(self.worth("", FRONT), change), FRONT)',
        "pass",
        ("plain-deposits",),
        V1,
    ),
    Bug(
        "a stake is not scaled",
        f"{TROVES}.restake",
        'div_down(times(stake, self["stakes_snapshot"]), self["coll_snapshot"])',
        "stake",
        ("plain-system",),
        V1,
    ),
    Bug(
        "a redistribution forgets what it rounded away",
        f"{TROVES}.redistribute",
        'plus(times(amount, WAD), self[f"{kind}_error"])',
        "times(amount, WAD)",
        ("plain-system",),
        V1,
    ),
    Bug(
        "each liquidation is offset by itself",
        f"{POOL}:StabilityPool.offset",
        "self.resume()",
        "self.begin()",
        ("plain-pool", "plain-product", "plain-sum", "BALANCE_IS_INSUFFICIENT"),
        V1,
    ),
    Bug(
        "what was redistributed is not in the snapshot",
        "venues.stability_cover:StabilityCover.take",
        'troves["coll_snapshot"] += coll',
        "pass",
        ("plain-system",),
        V1,
    ),
    Bug(
        "a fee is taken in recovery mode",
        f"{VENUE}:_open",
        "fee = 0 if recovery else _fee(troves, command.amount)",
        "fee = _fee(troves, command.amount)",
        ("plain-system", "plain-debt", "foretold"),
        V1,
    ),
    Bug(
        "depositors run before a liquidation",
        f"{VENUE}:_withdraw",
        "require(lowest >= troves.rules.minimum_ratio, Reason.TROVES_ARE_UNSAFE)",
        "pass",
        ("foretold",),
        V1,
    ),
)
"""Killed in random play with the index that is named, by one of the laws."""
