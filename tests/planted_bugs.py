"""Bugs on purpose: each is one small change of the program's source, and names the laws that see it.

The rule: a bug is text replaced by text in one function, compiled in the module's own namespace, so that
what is tested is the shipped code but for that one change. The text must occur exactly once.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import attrs


@attrs.frozen
class Bug:
    """Replace `old` by `new` in `place` ('module:function' or 'module:Class.method').

    `laws` are those that may notice it first; `setups` where it is looked for.
    """

    name: str
    place: str
    old: str
    new: str
    laws: tuple[str, ...]
    setups: tuple[str, ...] = ("three-tiers",)


POOL, WORK, RESERVE = "venues.pool:Pool", "venues.work:Work", "venues.reserve:Reserve"
LIQUIDATION, COVER = "venues.liquidation", "venues.cover"
WATERFALL, STAKE, RATE = "waterfall", "staking:StakePool", "rate_stake:RateStakePool"
ROUND, MONEY, SEIZE = ("rounding",), ("money-moves",), ("liquidation",)
TIERS = ("exact-tiers", "exact-tier-rule")

BUGS = (
    Bug("supply rounds units up", f"{POOL}.supply", "ray_div_down(", "ray_div_up(", ROUND),
    Bug("withdraw rounds units down", "venues.pool:_part_of_claim", "ray_div_up(", "ray_div_down(", ROUND),
    Bug(
        "borrow rounds units down",
        f"{POOL}.borrow",
        "scaled = ray_div_up(",
        "scaled = ray_div_down(",
        (*ROUND, "round-trip"),
    ),
    Bug(
        "repay rounds units up",
        f"{POOL}.repay",
        "scaled = ray_div_down(",
        "scaled = ray_div_up(",
        (*ROUND, "can-repay", "crash-AssertionError"),
    ),
    Bug(
        "transfer rounds units down",
        f"{POOL}.transfer_claims",
        "else ray_div_up(",
        "else ray_div_down(",
        ROUND,
    ),
    Bug(
        "liquidation burns debt rounded up",
        f"{LIQUIDATION}:liquidate",
        "burned = ray_div_down(",
        "burned = ray_div_up(",
        (*SEIZE, "crash-AssertionError"),
    ),
    Bug(
        "seizure burns units rounded down",
        f"{LIQUIDATION}:_hand_over",
        "ray_div_up(amounts.seize",
        "ray_div_down(amounts.seize",
        SEIZE,
    ),
    Bug(
        "deficit is paid with units rounded down",
        f"{POOL}.eliminate_deficit",
        "ray_div_up(",
        "ray_div_down(",
        ROUND,
        ("par",),
    ),
    Bug(
        "haircut drops its remainder",
        f"{COVER}:cover_by_claims",
        "worth - amount, worth_up",
        "worth - amount, worth",
        ("indexes", "nothing-is-negative", "residue"),
    ),
    Bug(
        "haircut rounds up",
        f"{COVER}:cover_by_claims",
        "mul_div_down(reserve.liquidity_index, worth - amount, worth_up)",
        "mul_div_down(reserve.liquidity_index, worth - amount, worth_up) + 1",
        ("indexes", "nothing-is-negative", "residue"),
    ),
    Bug(
        "haircut skips the treasury",
        f"{COVER}:claims_capacity",
        " + reserve.treasury()",
        "",
        (*TIERS, "indexes"),
    ),
    Bug(
        "units are not burned",
        f"{POOL}.withdraw",
        "work.burn_claims(command.asset, command.account, scaled)",
        "pass",
        ("rounding", "units-sum-up", "residue", "nothing-is-negative"),
    ),
    Bug(
        "withdraw skips the health check",
        f"{POOL}.withdraw",
        "work.require_safe(command.account)",
        "pass",
        ("health",),
    ),
    Bug(
        "transfer skips the health check",
        f"{POOL}.transfer_claims",
        "work.require_safe(command.account)",
        "pass",
        ("health",),
    ),
    Bug(
        "collateral is taken back unchecked",
        f"{POOL}.set_collateral",
        "work.require_safe(command.account)",
        "pass",
        ("health",),
    ),
    Bug(
        "tiers in the wrong order",
        f"{WATERFALL}:Waterfall._next",
        "tier = self.tiers[index]",
        "tier = self.tiers[-1 - index]",
        TIERS + MONEY,
    ),
    Bug(
        "capacity is ignored",
        f"{WATERFALL}:Waterfall._next",
        "min(max(0, rest - tier.offset), capacity)",
        "max(0, rest - tier.offset)",
        (*TIERS, "nothing-is-negative", "crash-AssertionError"),
    ),
    Bug(
        "offset is ignored", f"{WATERFALL}:Waterfall._next", "rest - tier.offset", "rest", TIERS, ("offsets",)
    ),
    Bug(
        "limit is ignored",
        f"{WATERFALL}:allowed",
        "mul_div_down(max(0, left - tier.min_left), tier.limit, WAD)",
        "max(0, left - tier.min_left)",
        TIERS,
        ("other-asset",),
    ),
    Bug(
        "largest amount is ignored",
        f"{WATERFALL}:allowed",
        "if tier.amount_max is None",
        "if True",
        TIERS,
        ("par",),
    ),
    Bug(
        "what always stays is ignored",
        f"{WATERFALL}:allowed",
        "left - tier.min_left",
        "left",
        TIERS,
        ("offsets",),
    ),
    Bug(
        "an unused tier pays", f"{WATERFALL}:Waterfall._next", " if tier.used else 0", "", TIERS, ("offsets",)
    ),
    Bug(
        "only half of a tier is used",
        f"{WATERFALL}:Waterfall._next",
        "tier.offset), capacity)",
        "tier.offset), -(-capacity // 2))",
        TIERS,
    ),
    Bug(
        "the uncovered rest is dropped",
        f"{WATERFALL}:Waterfall._next",
        "return [ShortfallUncovered(venue=self.pool.name, asset=asset, amount=rest)]",
        "return []",
        ("exact-tiers",),
        ("par",),
    ),
    Bug(
        "a stake is slashed twice",
        f"{WATERFALL}:Purse.pay",
        "events.append(stake.slashed(view, paid, leaves=converts))",
        "events += [stake.slashed(view, paid, leaves=converts)] * 2",
        (*TIERS, "money-moves", "nothing-is-negative"),
    ),
    Bug(
        "a slash is counted twice",
        f"{STAKE}.slashed",
        "self.assets(view) - amount)",
        "self.assets(view) - min(self.assets(view), 2 * amount))",
        ("stakes-are-money",),
    ),
    Bug(
        "the fund pays twice",
        f"{COVER}:cover_from_tier",
        "reserve.move_to_tier(tier, -amount)",
        "reserve.move_to_tier(tier, -2 * amount)",
        MONEY,
    ),
    Bug(
        "a tier pays less than it owes",
        f"{COVER}:cover_from_tier",
        "reserve.deficit -= amount",
        "reserve.deficit -= amount - 1",
        ("deficit",),
    ),
    Bug(
        "a payment leaves the deficit",
        f"{COVER}:cover_from_tier",
        "reserve.deficit -= amount",
        "pass",
        ("deficit",),
    ),
    Bug(
        "the deficit bears interest",
        f"{RESERVE}.accrue",
        "self.last_update = at",
        "self.last_update = at; self.deficit += self.deficit // 1000",
        ("field-matrix", "deficit"),
        ("par",),
    ),
    Bug(
        "interest on a stale clock",
        f"{RESERVE}.accrue",
        "self.last_update = at",
        "self.last_update = at - 1",
        ("indexes",),
    ),
    Bug(
        "interest skips the treasury",
        f"{RESERVE}.accrue",
        "if self.reserve_factor:",
        "if False:",
        ("indexes",),
    ),
    Bug(
        "the second debt is not recognised",
        f"{LIQUIDATION}:_recognise_all",
        "[first, *others]",
        "[first]",
        ("debt-without-collateral",),
    ),
    Bug(
        "a shortfall one unit short",
        f"{WORK}.recognise",
        "reserve.deficit += owed",
        "reserve.deficit += owed - 1",
        ("deficit",),
    ),
    Bug(
        "recognised with collateral left",
        f"{LIQUIDATION}:_takes_all",
        "value == health.collateral",
        "value * 2 >= health.collateral",
        ("shortfall",),
    ),
    Bug(
        "the close factor is ignored",
        f"{LIQUIDATION}:_most",
        "owed_value > half else owed",
        "False else owed",
        SEIZE,
    ),
    Bug(
        "the close factor of half is ignored",
        f"{LIQUIDATION}:_most",
        'rules.close_factor == "half"',
        'rules.close_factor == "none"',
        SEIZE,
        ("never",),
    ),
    Bug(
        "the bonus is the fee",
        f"{LIQUIDATION}:_amounts",
        "fee = percent_mul_up(bonus, collateral.protocol_fee)",
        "fee = bonus",
        SEIZE,
    ),
    Bug("the fee is forgotten", f"{LIQUIDATION}:_amounts", "if collateral.protocol_fee:", "if False:", SEIZE),
    Bug(
        "the fund's share is forgotten",
        f"{LIQUIDATION}:_pay_fee",
        "if not fund_fee or burned > left:",
        "if True:",
        SEIZE,
    ),
    Bug(
        "all collateral at a price rounded down",
        f"{LIQUIDATION}:_amounts",
        "pay = percent_div_up(",
        "pay = percent_div_down(",
        SEIZE,
    ),
    Bug(
        "the healthy are liquidated",
        f"{LIQUIDATION}:liquidate",
        "require(health.factor < WAD",
        "require(health.factor < 2 * WAD",
        SEIZE,
    ),
    Bug(
        "what is no collateral is seized",
        f"{LIQUIDATION}:liquidate",
        "require(is_collateral, Reason.COLLATERAL_IS_NOT_ENABLED)",
        "pass",
        SEIZE,
    ),
    Bug(
        "dust is left",
        f"{LIQUIDATION}:_require_no_dust",
        "require(enough, Reason.LEFTOVER_IS_DUST)",
        "pass",
        SEIZE,
    ),
    Bug("the cooldown is not enforced", f"{STAKE}.redeemable", "ends <= at <=", "at <=", ("cooldown",)),
    Bug("the window opens late", f"{STAKE}.redeemable", "ends <= at <=", "ends < at <=", ("can-leave",)),
    Bug("the window closes late", f"{STAKE}.redeemable", "ends + window", "ends + window + 1", ("cooldown",)),
    Bug(
        "a cooldown outlives its shares",
        f"{STAKE}._transfer",
        "if announced > left:",
        "if False:",
        ("cooldown", "can-leave"),
    ),
    Bug(
        "a stake rounds shares up",
        f"{STAKE}.to_shares_down",
        "mul_div_down(",
        "mul_div_up(",
        ("stake-rounding", "share-price"),
    ),
    Bug(
        "a stake pays out rounded up",
        f"{STAKE}.to_assets_down",
        "mul_div_down(",
        "mul_div_up(",
        ("stake-rounding", "share-price", "nothing-is-negative"),
    ),
    Bug(
        "an old slash lowers the rate",
        f"{RATE}.slashed",
        "mul_div_up(self.shares(view), WAD, left)",
        "self.shares(view) * WAD // left",
        ("share-price",),
        ("rate-stake",),
    ),
    Bug(
        "a second slash before the first is settled",
        f"{RATE}.slashable",
        "0 if self.unsettled(view) or",
        "0 if",
        TIERS,
        ("rate-stake",),
    ),
    Bug(
        "a conversion is rounded up",
        "conversion:Conversion.worth_down",
        "mul_div_down(above, 1, below)",
        "-(-above // below)",
        TIERS,
        ("other-asset", "rate-stake"),
    ),
    Bug(
        "a conversion forgets the discount",
        "conversion:Conversion.worth_down",
        "(WAD - self.discount)",
        "WAD",
        TIERS,
        ("other-asset", "rate-stake"),
    ),
    Bug(
        "a conversion forgets the depth",
        "conversion:Conversion.worth_down",
        "impact * sold",
        "0",
        TIERS,
        ("other-asset",),
    ),
    Bug(
        "a conversion sells one unit too many",
        "conversion:Conversion.needed_up",
        "return low",
        "return low + 1",
        (*TIERS, "crash-AssertionError"),
        ("other-asset", "rate-stake"),
    ),
    Bug(
        "umbrella ignores the offset",
        "umbrella:Umbrella.slashable",
        "deficit - self.offset(view)",
        "deficit",
        ("umbrella",),
        ("umbrella",),
    ),
    Bug(
        "umbrella slashes for what is pending",
        "umbrella:Umbrella.slashable",
        " - self.pending(view)",
        "",
        ("umbrella",),
        ("umbrella",),
    ),
    Bug(
        "umbrella covers more than it took",
        "umbrella:Umbrella.slash",
        "mul_div_down(deficit, real, want)",
        "deficit",
        ("umbrella",),
        ("umbrella", "umbrella-automatic"),
    ),
    Bug(
        "a transfer past the accounts",
        f"{RESERVE}.flush",
        '"cash": self.virtual',
        '"cash": 1 + self.virtual',
        ("aggregates-follow-indexes", "nothing-is-negative", "residue", "flows"),
    ),
    Bug(
        "the fund is paid interest that is not booked",
        f"{POOL}.mint_to_treasury",
        "accruing=fund_share > 0",
        "accruing=False",
        ("residue", "nothing-is-negative", "rounding"),
    ),
    Bug(
        "a number that returns is not told",
        f"{WORK}.changes",
        "cells += changed",
        "cells += [cell for cell in changed if self.view.cell(*cell[:2], -1) != cell.value]",
        ("rounding", "aggregates-follow-indexes", "auditor"),
    ),
    Bug(
        "a worthless stake is divided by",
        "umbrella:Umbrella.slash",
        "require(view.cell(ORACLE, self.stake.asset) > 0, Reason.PRICE_IS_MISSING)",
        "pass",
        ("crash-ZeroDivisionError",),
        ("umbrella",),
    ),
    Bug(
        "a refusal leaves a trace",
        "protocol:Protocol.submit",
        "name = refusal.reason.name",
        "name = refusal.reason.name; self.close_batch(at)",
        ("no-trace",),
    ),
    Bug(
        "the book forgets a cell",
        "book:_post",
        "cells[key] = value",
        "cells[key] = cells.get(key, value)",
        ("auditor", "aggregates-follow-indexes"),
    ),
    Bug(
        "the book posts one side twice",
        "book:_post",
        "balances.get((credit, asset), 0) - amount",
        "balances.get((credit, asset), 0) - 2 * amount",
        ("auditor",),
    ),
)


STORY_BUGS = (
    (
        next(b for b in BUGS if b.name.startswith("the fund is paid interest")),
        "the_fund_takes_only_interest_that_is_booked",
    ),
    (next(b for b in BUGS if b.name.startswith("a number that returns")), "a_number_that_returns_is_told"),
    (
        next(b for b in BUGS if b.name.startswith("a worthless stake")),
        "a_stake_that_is_worth_nothing_cannot_be_slashed",
    ),
    (
        Bug(
            "a worthless stake stops a liquidation",
            "umbrella:Umbrella.react",
            "not view.cell(ORACLE, self.stake.asset) or ",
            "",
            (),
        ),
        "a_worthless_stake_does_not_stop_a_liquidation",
    ),
    (
        Bug(
            "pending deficit burns more than there is deficit",
            "umbrella:Umbrella.decide",
            "self.pending(view), deficit)",
            "self.pending(view))",
            (),
        ),
        "pending_deficit_is_covered_no_further_than_there_is_deficit",
    ),
    (
        Bug(
            "uncovered loss ends the haircut early",
            "waterfall:Claims.capacity",
            "allowed(tier, claims_capacity(self._pool.work(view, at), asset))",
            "0",
            (),
        ),
        "the_second_haircut_starts_from_what_the_first_left",
    ),
)
"""Bugs that single stories are there for: what was wrong once, and what random play hardly reaches."""


def _owner(place: str) -> tuple[Any, Any, str]:
    """Return (module, what holds the function, its name)."""
    module_name, _, path = place.partition(":")
    module = importlib.import_module(f"mutualize.{module_name}")
    *classes, name = path.split(".")
    holder: Any = module
    for part in classes:
        holder = getattr(holder, part)
    return module, holder, name


@contextlib.contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Let the program have the bug for a while."""
    module, holder, name = _owner(bug.place)
    good = holder.__dict__[name]
    source = textwrap.dedent(inspect.getsource(good))
    assert source.count(bug.old) == 1, f"{bug.old!r} occurs {source.count(bug.old)} times in {bug.place}"
    code = compile(
        "from __future__ import annotations\n" + source.replace(bug.old, bug.new), bug.name, "exec"
    )
    made: dict[str, Any] = {}
    exec(code, module.__dict__, made)  # noqa: S102 - the program's own source, but for one change
    bad = made[name]
    users = [holder] if inspect.isclass(holder) else _users(good, name)
    for user in users:
        setattr(user, name, bad)
    try:
        yield
    finally:
        for user in users:
            setattr(user, name, good)


def _users(good: Any, name: str) -> list[Any]:
    """Return all modules of the program that know a function by its name."""
    modules = [module for key, module in sorted(sys.modules.items()) if key.startswith("mutualize")]
    return [module for module in modules if module.__dict__.get(name) is good]
