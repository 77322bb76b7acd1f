"""Bugs on purpose: each is one small change of the program's source, and names the laws that see it.

The rule: a bug has a law that is there for it. Where one survives, the laws are improved, not the bug.
"""

from __future__ import annotations

from planted_bugs_pool import LENDING, LIQUIDATING
from planting import Bug

POOL, WORK, RESERVE = "venues.pool:Pool", "venues.work:Work", "venues.reserve:Reserve"
LIQUIDATION, COVER = "venues.liquidation", "venues.cover"
WATERFALL, STAKE, RATE = "waterfall", "staking:StakePool", "rate_stake:RateStakePool"
ROUND, MONEY, SEIZE = ("rounding",), ("money-moves",), ("liquidation",)
TIERS = ("exact-tiers", "exact-tier-rule")

TIERS_AND_SHORTFALLS = (
    Bug(
        "tiers in the wrong order",
        f"{WATERFALL}:Waterfall._allocate",
        "tier = self.tiers(loss.asset)[index]",
        "tier = self.tiers(loss.asset)[-1 - index]",
        TIERS + MONEY,
    ),
    Bug(
        "capacity is ignored",
        f"{WATERFALL}:Waterfall._allocate",
        "min(tier.share_of(rest), capacity, most)",
        "min(tier.share_of(rest), most)",
        (*TIERS, "nothing-is-negative", "crash-AssertionError"),
    ),
    Bug(
        "offset is ignored",
        "tier:Tier.share_of",
        "loss - self.offset",
        "loss",
        TIERS,
        ("offsets",),
    ),
    Bug(
        "limit is ignored",
        "tier:allowed",
        "mul_div_down(max(0, left - tier.min_left), tier.limit, WAD)",
        "max(0, left - tier.min_left)",
        TIERS,
        ("other-asset",),
    ),
    Bug(
        "largest amount is ignored",
        "tier:allowed",
        "if tier.amount_max is None",
        "if True",
        TIERS,
        ("par",),
    ),
    Bug(
        "what always stays is ignored",
        "tier:allowed",
        "left - tier.min_left",
        "left",
        TIERS,
        ("offsets",),
    ),
    Bug(
        "an unused tier pays",
        f"{WATERFALL}:Waterfall._allocate",
        " if tier.used else 0",
        "",
        TIERS,
        ("offsets",),
    ),
    Bug(
        "only half of a tier is used",
        f"{WATERFALL}:Waterfall._allocate",
        "tier.share_of(rest), capacity, most)",
        "tier.share_of(rest), -(-capacity // 2), most)",
        TIERS,
    ),
    Bug(
        "the uncovered rest is dropped",
        f"{WATERFALL}:Waterfall._next",
        "return [ShortfallUncovered(venue=self.venue, asset=loss.asset, amount=rest)]",
        "return []",
        ("exact-tiers",),
        ("par",),
    ),
    Bug(
        "a stake is slashed twice",
        "payers:Purse.pay",
        "slashes = [stake.slashed(view, paid, leaves=sells)]",
        "slashes = [stake.slashed(view, paid, leaves=sells)] * 2",
        (*TIERS, "money-moves", "nothing-is-negative", "pro-rata-stake"),
    ),
    Bug(
        "a slash is counted twice",
        f"{STAKE}.slashed",
        "self.assets(view) - amount)",
        "self.assets(view) - min(self.assets(view), 2 * amount))",
        ("pro-rata-stake", "stakes-are-money"),
    ),
    Bug(
        "the fund pays twice",
        f"{COVER}:PoolCover.from_tier",
        "reserve.move_to_tier(tier, -amount)",
        "reserve.move_to_tier(tier, -2 * amount)",
        MONEY,
    ),
    Bug(
        "a tier pays less than it owes",
        f"{COVER}:_paid",
        "reserve.deficit -= amount",
        "reserve.deficit -= amount - 1",
        ("deficit",),
    ),
    Bug(
        "a payment leaves the deficit",
        f"{COVER}:_paid",
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
        LIQUIDATION,
        " == health.collateral",
        " * 2 >= health.collateral",
        ("shortfall",),
    ),
)

BUGS = (*LENDING, *TIERS_AND_SHORTFALLS, *LIQUIDATING)

MORE_BUGS = (
    Bug(
        "suppliers earn more than borrowers pay",
        f"{RESERVE}.update_rates",
        "BPS - self.reserve_factor",
        "2 * BPS",
        ("rates", "residue", "nothing-is-negative"),
    ),
    Bug(
        "a cause comes after its effect",
        "protocol:Protocol._commit",
        "else seq + ",
        "else 9 + seq + ",
        ("order",),
    ),
    Bug(
        "a gift is taken from who gets it",
        f"{POOL}.transfer_claims",
        "command.asset, command.account, command.to, scaled",
        "command.asset, *((command.to, command.account) if work.supplied(command.asset, command.to) >= scaled"
        " else (command.account, command.to)), scaled",
        ("others-keep",),
    ),
    Bug(
        "a share for nothing",
        f"{STAKE}._enter",
        "total = self.shares(view) + shares",
        "shares = shares or 1; total = self.shares(view) + shares",
        ("zero", "stake-rounding", "share-price"),
        ("vault", "par"),
    ),
    Bug(
        "the last unit of cash cannot be had",
        f"{RESERVE}.pay_out",
        "amount <= self.virtual",
        "amount < self.virtual",
        ("can-withdraw",),
    ),
    Bug(
        "a balance is shown rounded up",
        f"{WORK}.claim",
        "ray_mul_down(",
        "ray_mul_up(",
        ("preview",),
    ),
    Bug(
        "umbrella slashes for another's loss",
        "umbrella:Umbrella.slash",
        "real = min(want, most)",
        "real = min(2 * want, most)",
        ("umbrella",),
        ("umbrella", "umbrella-automatic"),
    ),
    Bug(
        "a slash is taken from one staker",
        f"{STAKE}.slashed",
        'Cell(self.table, "total_assets", self.assets(view) - amount)',
        'Cell(self.table + ".shares", "carol", 0)',
        ("field-matrix",),
    ),
    Bug(
        "haircut cuts too deep",
        f"{COVER}:cut_index",
        "worth - amount, worth_up",
        "(worth - amount) // 2, worth_up",
        ("indexes",),
    ),
    Bug(
        "the total forgets what is burned",
        f"{WORK}.burn_claims",
        "supply_scaled -= scaled",
        "supply_scaled -= 0",
        ("residue", "nothing-is-negative", "units-sum-up"),
    ),
    Bug(
        "a whole debt cannot be repaid",
        f"{POOL}.repay",
        "command.amount > 0",
        "0 < command.amount < ALL",
        ("can-repay", "round-trip"),
    ),
    Bug(
        "a sweep forgets the rates",
        "venues.reserve:Reserve.paid_out",
        "self.update_rates()",
        "pass",
        ("sweep",),
        ("par", "other-asset", "never"),
    ),
    Bug(
        "a sweep leaves the fee",
        "venues.sweep:Sweep.take",
        "kept -= given",
        "pass",
        ("sweep",),
        ("par", "other-asset", "never"),
    ),
    Bug(
        "a sweep goes on when others wrote",
        "venues.sweep:Sweep.is_current",
        " and self._work.follows(self._draft)",
        "",
        ("sweep",),
        ("par", "other-asset", "never"),
    ),
    Bug(
        "working copies are kept when others wrote",
        "venues.work:Work.follows",
        "self._made_all(written)",
        "True",
        ("twin", "sweep", "preview", "money-moves", "indexes", "deficit", "rounding", "residue"),
        ("umbrella-automatic", "offsets", "rate-stake", "three-tiers"),
    ),
    Bug(
        "gas is paid by the miners",
        "events:gas",
        "Transfer(MINERS, _OUTSIDE + account,",
        "Transfer(_OUTSIDE + account, MINERS,",
        ("elsewhere",),
    ),
    Bug(
        "entries are numbered with a gap",
        "protocol:Protocol._commit",
        "at, tx, ",
        "at, tx + 1, ",
        ("order",),
    ),
)
"""One for each law that no bug above is noticed by first."""

FORETOLD_BUGS = (
    Bug(
        "a price below zero is published",
        "venues.outside:Feed.decide",
        "command.price >= 0",
        "True",
        ("should-have-failed",),
    ),
    Bug(
        "one base unit cannot be supplied",
        f"{POOL}.supply",
        "command.amount > 0",
        "command.amount > 1",
        ("should-not-have-failed", "wrong-reason"),
    ),
    Bug(
        "a liquidator of himself hears another reason",
        f"{LIQUIDATION}:liquidate",
        "Reason.BORROWER_IS_LIQUIDATOR",
        "Reason.POSITION_IS_HEALTHY",
        ("wrong-reason",),
    ),
    Bug(
        "only who is very unsafe may be liquidated",
        f"{LIQUIDATION}:liquidate",
        "health.factor < WAD",
        "health.factor < WAD // 2",
        ("should-not-have-failed", "wrong-reason"),
    ),
    Bug(
        "the second of two commands may fail alone",
        "protocol:Protocol.plan",
        "for command in commands:",
        "for command in commands[:1]:",
        ("should-have-failed", "wrong-reason", "split", "round-trip"),
    ),
)
"""What only the error oracle can see."""

ALONE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("pro-rata", "haircut cuts too deep", ("indexes", "residue")),
    ("residue", "haircut cuts too deep", ("indexes", "pro-rata")),
    ("stake-rounding", "a stake rounds shares up", ("share-price",)),
    ("units-sum-up", "the total forgets what is burned", ("residue", "nothing-is-negative")),
    (
        "aggregates-follow-indexes",
        "a transfer past the accounts",
        ("nothing-is-negative", "residue", "flows", "money-moves"),
    ),
    (
        "flows",
        "a transfer past the accounts",
        ("nothing-is-negative", "residue", "aggregates-follow-indexes", "money-moves"),
    ),
    ("nothing-is-negative", "units are not burned", ("rounding", "residue")),
    ("round-trip", "borrow rounds units down", ("rounding",)),
    ("split", "supply rounds units up", ("rounding", "round-trip", "residue", "preview")),
    ("can-repay", "a whole debt cannot be repaid", ()),
    ("stakes-are-money", "a slash is counted twice", ("pro-rata-stake",)),
    ("umbrella", "umbrella slashes for another's loss", ()),
    ("others-keep", "a gift is taken from who gets it", ()),
)
"""(law, bug, laws that are off): that law sees the bug, too, when those that see it first do not look."""

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
            f"{COVER}:PoolCover.left",
            "return claims_capacity(work, asset)",
            "return 0",
            (),
        ),
        "the_second_haircut_starts_from_what_the_first_left",
    ),
)
"""Bugs that single stories are there for: what was wrong once, and what random play hardly reaches."""
